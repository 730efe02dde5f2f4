import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from benchmarks.confirmation import (
    COVERAGE,
    FLOOR,
    UNCHANGED,
    changed,
    coverage,
    draw,
    false_confirmations,
    follow,
    looks,
    redrawn,
)
from pipeline.measure.balance import Borrowed, balance
from pipeline.measure.confirmation import (
    SIGNS,
    ConfirmationError,
    Side,
    codings_for,
    confirm,
    mixture_half_width,
    planned_information,
    prior_variance,
    spread,
    text_variance,
)

BORROWED = Borrowed(lam=0.6, s2=0.4, freedom=10)


@st.composite
def sides(draw, least=10):
    """A side of at most 40 texts, at least ten of them coded."""
    total = draw(st.integers(least, 40))
    n = draw(st.integers(least, total))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    y = np.where(np.arange(total) < n, random.choice([-1.0, 0.0, 1.0], total, p=random.dirichlet([1, 1, 1])), np.nan)
    return Side(random.uniform(-1, 1, total), y)


FOUR = st.tuples(sides(), sides(), sides(), sides())


def made_up(total=60, n=20, seed=1, mean=0.0):
    """A side whose first n texts are coded."""
    random = np.random.default_rng(seed)
    y = np.sign(np.round(random.normal(mean, 1, total)))
    f = np.clip(0.5 * y + random.normal(0, 0.3, total), -1, 1)
    return Side(f, np.where(np.arange(total) < n, y, np.nan))


def test_an_example_computed_by_hand():
    # every side: 40 texts with f = 0, ten coded: five 1 and five 0, so s_e^2 = 10 * .25 / 9
    y = np.array([1.0, 0.0] * 5 + [np.nan] * 30)
    side, other = Side(np.zeros(40), y), Side(np.zeros(40), -y)
    made = confirm(side, other, other, Side(np.zeros(40), -y), Borrowed(0.5, 0.4, 10), planned=80)
    # B in the reference is another object with the same codings; ``other`` serves two sides: -1 and -1
    assert made.change == pytest.approx(0.5 + 0.5 + 0.5 - 0.5)
    s2 = (9 * (2.5 / 9) + 10 * 0.4) / 19
    each = (1 - 10 / 40) * s2 / 10
    assert made.variance == pytest.approx(each + 4 * each + each)
    assert made.coded == 30
    assert made.planned == pytest.approx(1 / (4 * 0.4 / 20))
    information, rho = 1 / (6 * each), made.planned / 8.2
    half = np.sqrt((information + rho) * np.log((information + rho) / (0.0025 * rho))) / information
    assert (made.low, made.high) == pytest.approx((1.0 - half, 1.0 + half))
    assert not made.confirmed


@given(FOUR)
def test_each_side_is_a_balance_of_the_house(four):
    made = confirm(*four, BORROWED, planned=100)
    balances = [balance(side.f, side.y, BORROWED) for side in four]
    assert made.change == pytest.approx(sum(s * b.value for s, b in zip(SIGNS, balances, strict=True)), abs=1e-9)
    assert made.variance >= sum(b.interval.variance for b in balances) - 1e-12
    assert made.coded == sum(b.coded for b in balances)


def test_without_need_of_a_floor_the_variance_is_the_houses():
    four = [made_up(seed=seed) for seed in range(4)]
    lent = Borrowed(0.6, 0.9, 10)  # more than these sides show
    variance = sum(balance(side.f, side.y, lent).interval.variance for side in four)
    assert confirm(*four, lent, planned=100).variance == pytest.approx(variance)


def test_a_side_that_varies_more_than_others_did_is_not_made_calm_by_them():
    n = np.array(20)
    assert text_variance(n, np.array(0.8), 0.1) == pytest.approx(0.8)
    assert text_variance(n, np.array(0.1), 0.8) == pytest.approx((19 * 0.1 + 10 * 0.8) / 29)


def test_values_that_have_not_come_up_are_not_impossible():
    four = [Side(np.zeros(200), np.where(np.arange(200) < 50, 0.0, np.nan)) for _ in range(4)]
    made = confirm(*four, Borrowed(0.0, 0.0, 10), planned=100)
    assert made.variance == pytest.approx(4 * (1 - 50 / 200) * 0.05 / 50)


def test_what_can_not_be_borrowed_is_reckoned_with_the_largest_variance():
    assert prior_variance(Borrowed()) == 1.0
    assert prior_variance(Borrowed(0.5, 0.3, 4)) == pytest.approx(0.4 * 0.3 + 0.6)
    assert prior_variance(Borrowed(0.5, 0.3, 10)) == pytest.approx(0.3)
    assert prior_variance(Borrowed(0.5, 0.0, 10)) == 0.05


@given(FOUR)
def test_groups_or_stretches_changed_over_change_the_sign(four):
    p_a, p_b, r_a, r_b = four
    made = confirm(p_a, p_b, r_a, r_b, BORROWED, planned=100)
    for other in (
        confirm(p_b, p_a, r_b, r_a, BORROWED, planned=100),
        confirm(r_a, r_b, p_a, p_b, BORROWED, planned=100),
    ):
        assert (made.change, made.low, made.high) == pytest.approx((-other.change, -other.high, -other.low), abs=1e-9)
        assert made.confirmed == other.confirmed


@given(FOUR, st.floats(-1, 1))
def test_a_constant_error_of_the_model_on_one_side_changes_nothing(four, shift):
    made = confirm(*four, BORROWED, planned=100)
    moved = confirm(Side(four[0].f + shift, four[0].y), *four[1:], BORROWED, planned=100)
    assert (moved.change, moved.variance) == pytest.approx((made.change, made.variance), abs=1e-9)


@given(FOUR)
def test_all_coded_is_the_truth(four):
    full = [Side(side.f, np.nan_to_num(side.y)) for side in four]
    made = confirm(*full, BORROWED, planned=100)
    true = sum(sign * side.y.mean() for sign, side in zip(SIGNS, full, strict=True))
    assert made.change == pytest.approx(true, abs=1e-12)
    assert (made.variance, made.low, made.high) == (0.0, made.change, made.change)
    assert made.confirmed == (abs(made.change) >= 0.1)


def test_a_sure_but_small_change_is_not_confirmed():
    zero = Side(np.zeros(50), np.zeros(50))
    four = [Side(np.zeros(50), np.repeat([1.0, 0.0], [4, 46])), zero, Side(np.zeros(50), np.zeros(50)), zero]
    made = confirm(*four, BORROWED, planned=100)
    assert made.low > 0
    assert not made.confirmed


def test_a_large_change_is_confirmed():
    p_a, rest = made_up(400, 100, 1, mean=1.5), [made_up(400, 100, seed) for seed in (2, 3, 4)]
    made = confirm(p_a, *rest, BORROWED, planned=400)
    assert made.low > 0.1
    assert made.confirmed


def test_rho_does_not_depend_on_the_codings():
    first = confirm(*(made_up(seed=seed, n=10) for seed in range(4)), BORROWED, planned=120)
    last = confirm(*(made_up(seed=seed, n=55, mean=2) for seed in range(4)), BORROWED, planned=120)
    assert first.planned == last.planned == pytest.approx(1 / (4 * 0.4 / 30))


def test_a_sample_that_serves_two_sides_counts_once():
    p_a, r_a, b = made_up(seed=1), made_up(seed=2), made_up(seed=3)
    made = confirm(p_a, b, r_a, b, BORROWED, planned=120)  # B cancels
    alone = [balance(side.f, side.y, BORROWED) for side in (p_a, r_a)]
    assert made.change == pytest.approx(alone[0].value - alone[1].value)
    assert made.coded == 60
    other = confirm(p_a, b, r_a, made_up(seed=4), BORROWED, planned=120)
    assert made.variance < other.variance
    with pytest.raises(ConfirmationError, match="same texts"):
        confirm(p_a, b, p_a, b, BORROWED, planned=120)


@pytest.mark.parametrize(
    ("total", "n", "words"),
    [
        (60, 9, "A in the reference: 9 codings, 10 are needed"),
        (7, 6, "A in the reference: 6 codings, 7 are needed"),
        (4, 4, "A in the reference: 4 texts, 5 are needed; this alarm can't be confirmed"),
        (0, 0, "A in the reference: 0 texts, 5 are needed; this alarm can't be confirmed"),
    ],
)
def test_too_few_codings_are_refused_in_words(total, n, words):
    with pytest.raises(ConfirmationError) as refused:
        confirm(made_up(seed=1), made_up(seed=2), made_up(total, n), made_up(seed=4), BORROWED, planned=100)
    assert str(refused.value) == words


def test_a_small_side_is_complete_with_all_its_texts():
    made = confirm(made_up(seed=1), made_up(seed=2), made_up(7, 7), made_up(seed=4), BORROWED, planned=100)
    assert made.coded == 67


def test_arrays_that_can_not_be_right_are_refused():
    good = made_up()
    for bad, words in [
        (Side(np.zeros(20), np.zeros(19)), "one length"),
        (Side(np.append(np.full(19, 0.1), np.nan), np.zeros(20)), "model balance"),
        (Side(good.f, good.y, np.zeros(60)), "inclusion probability"),
        (Side(good.f, good.y, np.full(3, 0.5)), "inclusion probability"),
        (Side(good.f, good.y, unclear=np.zeros(59, dtype=bool)), "length of f"),
        (Side(good.f, good.y, unclear=np.arange(60) < 1), "both coded and unclear"),
    ]:
        with pytest.raises(ValueError, match=words):
            confirm(bad, made_up(seed=2), made_up(seed=3), made_up(seed=4), BORROWED, planned=100)
    with pytest.raises(ValueError, match="must be planned"):
        confirm(good, made_up(seed=2), made_up(seed=3), made_up(seed=4), BORROWED, planned=0)


def unequal(seed, scale=1.0):
    """A side of 60 texts, 24 of them coded, some with four times the chance."""
    side = made_up(60, 24, seed)
    return Side(side.f, side.y, np.where(np.isnan(side.y), np.nan, np.resize([0.6, 0.15], 60)) * scale)


def test_unequal_draws_have_the_houses_value_and_formula():
    four = [unequal(seed) for seed in range(4)]
    made = confirm(*four, Borrowed(0.6, 0.05, 10), planned=100)
    alone = [balance(side.f, side.y, Borrowed(0.6, 0.05, 10), pi=side.pi) for side in four]
    assert made.change == pytest.approx(sum(s * b.value for s, b in zip(SIGNS, alone, strict=True)))
    # sum(1/pi) = 12/.6 + 12/.15 = 100 where there are 60 texts: the chances by now are 100/60 times as large
    variance = 0.0
    for side in four:
        e, pi = (side.y - 0.6 * side.f)[:24], side.pi[:24]
        w, chance = 1 / pi, pi * 100 / 60
        mean = (w * e).sum() / w.sum()
        variance += 24 / 23 * ((1 - np.minimum(chance, 1)) * w**2 * (e - mean) ** 2).sum() / w.sum() ** 2
    assert made.variance == pytest.approx(variance)


def test_of_unequal_draws_only_the_ratios_count():
    # a sample of which half is coded so far, and one drawn with half the chances
    one = confirm(*(unequal(seed) for seed in range(4)), BORROWED, planned=100)
    other = confirm(*(unequal(seed, 0.5) for seed in range(4)), BORROWED, planned=100)
    assert (one.change, one.variance) == pytest.approx((other.change, other.variance))


@given(FOUR, st.floats(0.05, 1))
def test_probabilities_that_are_all_alike_are_equal_draws(four, chance):
    given_chances = [Side(side.f, side.y, np.full(len(side.f), chance)) for side in four]
    one, other = confirm(*four, BORROWED, planned=100), confirm(*given_chances, BORROWED, planned=100)
    assert (one.change, one.variance) == pytest.approx((other.change, other.variance), abs=1e-12)


@given(st.floats(1e-4, 1), st.floats(1, 1000))
def test_the_sequence_is_narrowest_where_it_was_planned(variance, information):
    planned = float(mixture_half_width(np.asarray(1 / information), information / 8.2))
    for rho in np.geomspace(0.01, 100, 41) * information / 8.2:
        assert planned <= float(mixture_half_width(np.asarray(1 / information), rho)) * (1 + 1e-5)
    # more information, a narrower interval
    rho = information / 8.2
    assert float(mixture_half_width(np.asarray(variance), rho)) > float(
        mixture_half_width(np.asarray(0.9 * variance), rho)
    )


def test_no_variance_is_no_width():
    made = mixture_half_width(np.array([0.0, 0.1]), 2.0)
    assert made[0] == 0
    assert made[1] > 0


def test_a_brownian_motion_seldom_leaves():
    random = np.random.default_rng(5)
    steps = np.diff(np.geomspace(0.1, 1e4, 400), prepend=0.0)
    paths = np.cumsum(random.normal(size=(4000, 400)) * np.sqrt(steps), axis=1)
    information = np.cumsum(steps)
    out = (np.abs(paths / information) > mixture_half_width(1 / information, 5.0)).any(axis=1).mean()
    assert 0.02 < out <= 0.055


@given(st.integers(1, 500), st.lists(st.integers(5, 120), min_size=4, max_size=4))
def test_planned_codings_are_spread_alike(planned, texts):
    made = spread(planned, texts)
    least = [min(10, total) for total in texts]
    assert all(low <= n <= total for low, n, total in zip(least, made, texts, strict=True))
    assert sum(made) == min(max(planned, sum(least)), sum(texts))
    # who got less than another has no more texts, or is one short
    assert all(n >= max(made) - 1 or n == total for n, total in zip(made, texts, strict=True))


@given(st.floats(0.05, 1.5), st.tuples(*[st.integers(5, 300)] * 4), st.floats(0.1, 1))
def test_codings_for_a_width_are_the_fewest(change, texts, variance):
    def half(planned):
        n = np.array(spread(planned, texts))
        total = np.sum((1 - n / np.array(texts)) * variance / n)
        return float(mixture_half_width(total, planned_information(planned, texts, variance) / 8.2))

    made = codings_for(change, texts, variance)
    least = sum(min(10, total) for total in texts)
    assert least <= made <= sum(texts)
    assert half(made) <= change
    assume(made > least)
    assert half(made - 1) > change


def test_more_codings_for_smaller_changes_and_none_for_too_few_texts():
    texts = (2000, 2000, 2000, 2000)
    made = [codings_for(change, texts, 0.4) for change in (0.1, 0.2, 0.4)]
    assert made == sorted(made, reverse=True)
    assert codings_for(0.001, (20, 20, 20, 20), 0.4) == 80
    assert codings_for(0.1, (4, 500, 500, 500), 0.4) is None
    with pytest.raises(ValueError, match="above 0"):
        codings_for(0.0, texts, 0.4)
    with pytest.raises(ValueError, match="above 0"):
        codings_for(0.1, texts, 0.0)


def test_a_sequence_that_was_planned_already_keeps_its_plan():
    texts = (2000, 2000, 2000, 2000)
    free = codings_for(0.2, texts, 0.4)
    assert codings_for(0.2, texts, 0.4, planned=free) == free
    # rho of a small plan: narrow early, so more codings are needed later than the freely tuned sequence would
    bound = codings_for(0.2, texts, 0.4, planned=60)
    assert bound > free
    rho = planned_information(60, texts, 0.4) / 8.2
    half = [
        float(mixture_half_width(np.array(sum((1 - n / 2000) * 0.4 / n for n in spread(m, texts))), rho))
        for m in (bound - 1, bound)
    ]
    assert half[1] <= 0.2 < half[0]


@pytest.mark.parametrize(
    "world", [w for w in COVERAGE if w.title in {"very few texts", "unequal sides", "unequal draws"}]
)
def test_the_benchmark_follows_the_same_formulas(world):
    runs = draw(np.random.default_rng(3), world, 2)
    counts = looks(world, 10)
    path = follow(runs, counts, BORROWED)
    for look in (0, len(counts) // 2, len(counts) - 1):
        for run in range(2):
            four = [
                Side(each.f[run], np.where(np.arange(len(each.y[run])) < n, each.y[run], np.nan), each.pi[run])
                for each, n in zip(runs, counts[look], strict=True)
            ]
            made = confirm(*four, BORROWED, planned=100)
            assert path.change[run, look] == pytest.approx(made.change, abs=1e-9)
            assert path.variance[run, look] == pytest.approx(made.variance, rel=1e-6, abs=1e-12)


@pytest.mark.parametrize("title", ["plain", "few texts", "the model breaks for A", "unequal draws"])
def test_the_truth_is_held_at_all_looks_together(title):
    made = coverage(next(world for world in COVERAGE if world.title == title), 1000)
    assert made.sequence >= FLOOR - 0.01
    assert made.peeking < 0.7
    assert made.once > made.peeking
    assert made.half_once < made.half


def test_who_stops_when_it_is_confirmed_is_seldom_wrong():
    sequence, t = false_confirmations(UNCHANGED[0], 400)
    assert sequence <= 0.06
    assert t > 0.3


def test_who_draws_again_goes_on_with_one_sample_and_is_seldom_wrong():
    again = redrawn(next(world for world in UNCHANGED if world.title == "the model breaks for A"), 400)
    assert again.goes_on == sorted(again.goes_on)
    assert again.goes_on[-1] <= 0.06
    assert again.spends[-1] <= 0.05
    # forgetting what was seen is what breaks the level
    assert again.forgets[-1] > 0.06
    moved = redrawn(changed(0.3), 200)
    assert moved.goes_on[-1] > moved.forgets[-1] > moved.spends[-1]
