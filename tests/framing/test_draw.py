from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.framing.draw import (
    Key,
    Stratum,
    allocate,
    blind_seconds,
    draw_at_random,
    random_share,
    relative_width,
)
from pipeline.measure.balance import Borrowed, balance
from pipeline.measure.draws import inclusion_probabilities, late_texts, sample_chances
from pipeline.measure.plan import planned_half_width


def key(group="a", month=1, target=""):
    return Key(group, date(2024, month, 1), f"2024-{month:02d}", target)


def test_the_name_of_a_stratum():
    assert key().name == "a/2024-01"
    assert key(target="b").name == "a/2024-01/b"


def test_strata_without_five_codings_come_first_the_nearest_to_five_and_the_newest_before():
    strata = [Stratum(key(month=m), 100, drawn) for m, drawn in ((1, 0), (2, 3), (3, 0), (4, 20))]
    assert allocate(strata, 2) == [0, 2, 0, 0]
    assert allocate(strata, 7) == [0, 2, 5, 0]
    assert allocate(strata, 12) == [5, 2, 5, 0]


def test_then_the_widest_interval_gets_the_next_one():
    strata = [Stratum(key(month=1), 100, 5), Stratum(key(month=2), 100, 9)]
    assert allocate(strata, 4) == [4, 0]
    assert allocate(strata, 24) == [14, 10]


def test_small_strata_give_all_and_come_last():
    strata = [Stratum(key(month=1), 3, 0), Stratum(key(month=2), 8, 6), Stratum(key(month=3), 0, 0)]
    assert allocate(strata, 2) == [0, 2, 0]
    assert allocate(strata, 100) == [3, 2, 0]


def test_widths_are_those_of_the_coding_plan():
    for n, total in ((5, 40), (12, 40), (39, 40), (40, 40)):
        assert relative_width(n, total) == pytest.approx(planned_half_width([n], [total], 1.0))


@given(
    st.lists(st.tuples(st.integers(0, 40), st.floats(0, 1)), min_size=1, max_size=12),
    st.integers(0, 300),
)
def test_what_is_given_is_there_and_nothing_is_withheld(sizes, size):
    strata = [Stratum(key(group=f"g{i}"), n, round(n * share)) for i, (n, share) in enumerate(sizes)]
    given_ = allocate(strata, size)
    left = [s.clusters - s.drawn for s in strata]
    assert all(0 <= g <= most for g, most in zip(given_, left, strict=True))
    assert sum(given_) == min(size, sum(left))


def test_a_quarter_is_drawn_at_random_or_more():
    assert [random_share(200, share) for share in (0.25, 0.5, 1)] == [50, 100, 200]
    assert random_share(3, 0.25) == 1
    for share in (0.2, 0, 1.1, float("nan")):
        with pytest.raises(ValueError, match=r"write 0\.25 to 1"):
            random_share(200, share)


def test_second_coders_get_a_share_of_both_parts():
    twice = blind_seconds([50, 150], 0.2, np.random.default_rng(1))
    assert (twice[:50].sum(), twice[50:].sum()) == (10, 30)
    assert blind_seconds([0, 3], 0, np.random.default_rng(1)).sum() == 0
    with pytest.raises(ValueError, match="between 0 and 1"):
        blind_seconds([5], 1.5, np.random.default_rng(1))


def test_a_draw_takes_what_is_not_in_the_sample_and_says_with_which_probability():
    keys = [key("a")] * 20 + [key("b")] * 10
    sampled = np.zeros(30, dtype=bool)
    sampled[[0, 1, 25]] = True
    made = draw_at_random(keys, sampled, 12, np.random.default_rng(3))
    assert len(set(made.units.tolist())) == 12
    assert not sampled[made.units].any()
    a, b = made.strata
    assert (a.clusters, a.before, b.clusters, b.before) == (20, 2, 10, 1)
    assert a.drawn + b.drawn == 12
    assert (a.probability, b.probability) == (a.drawn / 18, b.drawn / 9)
    assert made.probability.tolist() == [made.strata[i].probability for i in made.stratum.tolist()]
    nothing = draw_at_random(keys, np.ones(30, dtype=bool), 12, np.random.default_rng(3))
    assert (len(nothing.units), nothing.strata[0].probability) == (0, None)


def _one_history(rng, trials, *, close=False):
    """Three queues over one stratum that grows, with texts that change over time; errors and whether covered."""
    start = datetime(2024, 1, 1, tzinfo=UTC)
    sizes, codings = (60, 40, 30), (12, 15, 10)
    arrived = np.repeat(np.arange(3), sizes)
    # what comes later is more nationalist, so a wrong weight between early and late texts shows as a bias
    y = np.clip(rng.normal(np.array([-0.5, 0.1, 0.7])[arrived], 0.5), -1, 1)
    collected = [start + timedelta(days=int(wave)) for wave in arrived]
    found = []
    for _ in range(trials):
        draws: list[dict[datetime, float]] = [{} for _ in y]
        for wave, number in enumerate(codings):
            there = np.flatnonzero(arrived <= wave)
            sampled = np.array([bool(draws[i]) for i in there])
            made = draw_at_random([key()] * len(there), sampled, number, rng)
            drawn_at = start + timedelta(days=wave, hours=1)
            units, p = made.units, made.probability
            if close and wave == 0:  # a third of it was never coded, and the queue was closed
                answered = rng.permutation(len(units))[:8]
                units, p = units[answered], p[answered] * 8 / len(units)
            for unit, chance in zip(there[units].tolist(), p.tolist(), strict=True):
                draws[unit][drawn_at] = chance
        own = [d or None for d in draws]
        pi, late = sample_chances(own, collected), late_texts(own, collected)
        coded = np.where([bool(d) for d in draws], y, np.nan)
        f = np.zeros(len(y))
        made_of, truth = balance(f, coded, Borrowed(), pi=pi, late=late), y[~late].mean()
        found.append((made_of.value - truth, made_of.interval.low <= truth <= made_of.interval.high, late.mean()))
    return np.array(found).T


@pytest.mark.parametrize("close", [False, True])
def test_three_queues_over_a_growing_stratum_estimate_its_mean_without_bias_and_cover(close):
    """Over worlds: Hajek's ratio and the t interval are approximations, a little under .95 with so few codings."""
    worlds = [_one_history(np.random.default_rng(20 + world), 200, close=close) for world in range(5)]
    assert abs(np.mean([error.mean() / error.std() for error, *_ in worlds])) < 0.07
    assert 0.93 < np.mean([covered for _, covered, _ in worlds]) < 0.99
    # of the 30 last texts fewer than five are coded, as a rule
    assert 0.1 < np.mean([late for *_, late in worlds]) < 30 / 130


def test_the_sample_of_two_queues_is_as_probable_as_its_formula_says():
    rng, start = np.random.default_rng(5), datetime(2024, 1, 1, tzinfo=UTC)
    hits, said = np.zeros(30), np.zeros(30)
    arrived = np.repeat([0, 1], [20, 10])
    collected = [start + timedelta(days=int(wave)) for wave in arrived]
    trials = 1500
    for _ in range(trials):
        draws: list[dict[datetime, float]] = [{} for _ in arrived]
        for wave, number in enumerate((6, 8)):
            there = np.flatnonzero(arrived <= wave)
            sampled = np.array([bool(draws[i]) for i in there])
            made = draw_at_random([key()] * len(there), sampled, number, rng)
            for unit, chance in zip(there[made.units].tolist(), made.probability.tolist(), strict=True):
                draws[unit][start + timedelta(days=wave, hours=1)] = chance
        pi = inclusion_probabilities([d or None for d in draws], collected)
        inside = ~np.isnan(pi)
        hits += inside
        said[inside] = pi[inside]
    # 6/20 and 8/24 of what is left: 8/24 of the new ones, 1 - (14/20)(16/24) of the old
    assert said[:20] == pytest.approx(1 - 14 / 20 * 16 / 24)
    assert said[20:] == pytest.approx(8 / 24)
    assert hits / trials == pytest.approx(said, abs=0.05)
