from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchmarks.criticism import ORDERS, claims, coverage, parted, unequal_claims
from pipeline.measure.balance import Borrowed, balance
from pipeline.measure.criticism import (
    RATIOS,
    Audited,
    NotEnough,
    Rise,
    Window,
    audited_moments,
    evidence_of_rise,
    exact_share,
    exact_share_of_strata,
    hostilities,
    hostility,
    onset_day,
    rise,
)

BORROWED = Borrowed(lam=0.5, s2=0.2, freedom=10)


def cell(coded, naming=40, clusters=100, f=0.3, late=0):
    """``coded``: what coders said of those that were drawn."""
    y, pi = np.full(naming, np.nan), np.full(naming, np.nan)
    y[: len(coded)], pi[: len(coded)] = coded, len(coded) / max(1, naming - late)
    came_late = np.arange(naming) >= naming - late
    return Audited(clusters, np.broadcast_to(np.asarray(f, dtype=float), naming).copy(), y, pi, came_late)


def window(start, end, hostile=(), clusters=50, naming=20, coded=20):
    """``hostile``: days since ``start``."""
    first = np.datetime64(start)
    days = np.sort(np.r_[first + np.array(hostile, dtype=int), first + np.arange(clusters - len(hostile)) % 30])
    return Window(start, end, days, naming, coded, first + np.array(sorted(hostile), dtype=int))


REFERENCE = window(date(2023, 1, 1), date(2024, 1, 1), clusters=200, naming=80, coded=80)


def now(hostile, **changes):
    return window(date(2024, 1, 1), date(2024, 4, 1), hostile, **changes)


def test_the_rate_is_the_share_times_the_naming_share():
    one = cell([1.0] * 8 + [0.0] * 12, f=np.linspace(0, 1, 40))
    made, plain = hostility(one, BORROWED), balance(one.f, one.y, BORROWED, pi=one.pi)
    assert (made.estimator, made.interval, made.coded) == ("corrected", "t", 20)
    assert made.share == pytest.approx(plain.value)
    assert (made.low, made.high) == pytest.approx((plain.interval.low, plain.interval.high))
    assert (made.rate, made.rate_low) == pytest.approx((0.4 * made.share, 0.4 * made.low))
    assert made.rate_high == pytest.approx(0.4 * made.high)
    assert (made.variance, made.freedom, made.lam) == (plain.interval.variance, plain.interval.freedom, 0.5)


def test_few_hostile_codings_have_an_exact_interval():
    made = hostility(cell([1.0] + [0.0] * 19), BORROWED)
    assert (made.interval, made.share, made.variance) == ("exact", 0.05, None)
    assert (made.low, made.high) == exact_share(1, 20, 40)
    assert made.low == 1 / 40  # one is known
    assert hostility(cell([0.0] * 20), BORROWED).low == 0
    assert hostility(cell([1.0] * 20), BORROWED).high == 1


def test_codings_that_do_not_vary_have_an_exact_interval_too():
    made = hostility(cell([0.0] * 10), Borrowed())
    assert (made.estimator, made.rate, made.rate_low) == ("corrected", 0, 0)
    assert 0 < made.rate_high < 0.2


def test_all_coded_leaves_no_error():
    made = hostility(cell([1.0, 0, 0, 0, 0, 0], naming=6), Borrowed())
    assert (made.rate, made.rate_low, made.rate_high) == pytest.approx((0.01, 0.01, 0.01))


def test_few_texts_that_are_all_coded_are_a_count():
    made = hostility(cell([1.0, 0, 1], naming=3), Borrowed())
    assert (made.estimator, made.coded) == ("corrected", 3)
    assert (made.rate, made.rate_low, made.rate_high) == pytest.approx((0.02, 0.02, 0.02))


def test_few_codings_are_not_enough():
    made = hostility(cell([1.0, 0, 0, 0]), BORROWED)
    assert (made.estimator, made.low) == ("uncorrected", None)
    assert (made.share, made.rate) == pytest.approx((0.3, 0.12))
    assert made.why == "not enough: 4 random codings of criticism, 5 are needed"
    without = hostility(cell([1.0, 0, 0, 0], f=np.nan), BORROWED)
    assert (without.estimator, without.share, without.rate) == ("none", None, None)
    assert "no model of criticism" in without.why


def test_codings_without_a_model_are_the_mean_of_the_codings():
    made = hostility(cell([1.0] * 7 + [0.0] * 13, f=np.nan), BORROWED)
    assert (made.estimator, made.share) == ("corrected", pytest.approx(0.35))


def test_a_gap_in_the_models_reading_biases_nothing():
    one = cell([1.0] * 7 + [0.0] * 13, f=np.r_[np.full(20, np.nan), np.full(20, 0.4)])
    assert hostility(one, BORROWED).share == pytest.approx(0.35)


def test_nobody_named_is_a_rate_of_0_and_a_group_without_texts_has_none():
    made = hostility(cell([], naming=0), BORROWED)
    assert (made.estimator, made.share, made.rate, made.rate_high) == ("counted", None, 0, 0)
    with pytest.raises(ValueError, match="why it is silent"):
        hostility(cell([], naming=0, clusters=0), BORROWED)


def test_late_texts_are_counted_and_left_out():
    made = hostility(cell([1.0] * 8 + [0.0] * 8, naming=30, late=10), BORROWED)
    assert (made.estimator, made.late) == ("corrected", 10)
    assert hostility(cell([1.0] + [0.0] * 8, naming=30, late=10), BORROWED).late == 10
    # codings of late texts alone tell nothing of the others
    y = np.r_[np.full(10, np.nan), np.zeros(6)]
    late = replace(cell([], naming=16), y=y, pi=np.where(np.isnan(y), np.nan, 0.5), late=np.arange(16) >= 10)
    assert "when the sample was drawn" in hostility(late, BORROWED).why


def test_a_rate_of_all_texts_has_no_interval_while_late_ones_are_uncoded():
    """Two texts that name b were there at the draw, both are coded; 28 came later. It was .375, from .375 to .375."""
    made = hostility(cell([1.0, 0.0], naming=30, clusters=40, late=28), BORROWED)
    assert (made.estimator, made.share, made.low, made.high) == ("corrected", 0.5, 0.5, 0.5)  # of the two
    assert (made.rate, made.rate_low, made.rate_high, made.late) == (0.375, None, None, 28)
    assert "28 of 30 texts arrived at a time that codings do not speak for" in made.why
    assert "no interval" in made.why
    in_time = hostility(cell([1.0, 0.0], naming=2, clusters=40), BORROWED)
    assert (in_time.rate_low, in_time.rate_high, in_time.late, in_time.why) == (0.025, 0.025, 0, None)


def test_few_late_codings_do_not_take_the_exact_interval_away():
    one = cell([0.0] * 8, naming=30, late=10)
    y, pi = one.y.copy(), one.pi.copy()
    y[25], pi[25] = 1.0, 0.02
    made = hostility(replace(one, y=y, pi=pi), BORROWED)
    assert (made.interval, made.share, made.late) == ("exact", 0.0, 10)
    assert (made.low, made.high) == exact_share(0, 8, 20)


def test_codings_all_alike_and_drawn_unequally_leave_the_models_mean():
    one = cell([0.0] * 6)
    pi = np.where(np.isnan(one.y), np.nan, np.linspace(0.1, 0.6, 40))
    made = hostility(replace(one, pi=pi), Borrowed())
    assert (made.estimator, made.share, made.rate) == ("uncorrected", pytest.approx(0.3), pytest.approx(0.12))
    assert (made.low, made.rate_low) == (None, None)
    assert "no interval holds" in made.why
    # five of either kind have a t interval, however they were drawn
    assert hostility(replace(cell([0.0, 1.0] * 5), pi=np.full(40, 0.25)), BORROWED).interval == "t"
    unscored = hostility(replace(one, pi=pi, f=np.full(40, np.nan)), Borrowed())
    assert (unscored.estimator, unscored.share, unscored.rate) == ("none", None, None)


def in_waves(hostile, coded, texts):
    """A cell of waves: of each so many texts, coded ones and hostile ones among these."""
    y, pi = np.full(sum(texts), np.nan), np.full(sum(texts), np.nan)
    start = 0
    for bad, n, total in zip(hostile, coded, texts, strict=True):
        y[start : start + n] = [1.0] * bad + [0.0] * (n - bad)
        pi[start : start + n] = n / total
        start += total
    return Audited(2 * sum(texts), np.full(sum(texts), 0.1), y, pi, np.zeros(sum(texts), dtype=bool))


def test_few_hostile_texts_in_waves_coded_more_or_less_densely_have_an_exact_interval_too():
    made = hostility(in_waves((1, 0), (9, 11), (100, 100)), BORROWED)
    assert (made.interval, made.share, made.late) == ("exact", pytest.approx(100 / 9 / 200), 0)
    ends = [exact_share(1, 9, 100, 0.975), exact_share(0, 11, 100, 0.975)]
    assert (made.low, made.high) == (pytest.approx(ends[0][0] / 2), pytest.approx((ends[0][1] + ends[1][1]) / 2))
    # nothing is left to be wrong about where all is coded
    whole = hostility(in_waves((1, 0), (9, 11), (9, 11)), BORROWED)
    assert (whole.low, whole.high) == (0.05, 0.05)
    # large waves are told by their chances too
    large = hostility(in_waves((1, 0), (13, 20), (20_011, 25_003)), BORROWED)
    assert (large.interval, large.share) == ("exact", pytest.approx(20_011 / 13 / 45_014))
    # all is coded, whatever the chances
    census = in_waves((1, 0), (9, 11), (9, 11))
    census = hostility(replace(census, pi=np.linspace(0.1, 0.9, 20)), BORROWED)
    assert (census.low, census.high) == (0.05, 0.05)
    # one text that was dated anew into the period takes no interval away
    one = cell([1.0] + [0.0] * 19)
    pi = one.pi.copy()
    pi[3] *= 0.6
    made = hostility(replace(one, pi=pi), BORROWED)
    low, high = exact_share(1, 19, 39, 0.975)
    assert (made.low, made.high) == (pytest.approx(low * 39 / 40), pytest.approx(high * 39 / 40))
    # a chance that tells of no wave tells of no interval
    odd = in_waves((1, 0), (9, 11), (100, 100))
    assert hostility(replace(odd, pi=odd.pi * 1.3), BORROWED).interval is None


@pytest.mark.parametrize("truth", [(0, 0), (3, 3), (0, 12), (30, 2)])
def test_the_exact_interval_of_waves_covers(truth):
    rng = np.random.default_rng(truth)
    covered = 0
    for _ in range(400):
        got = [int(rng.hypergeometric(bad, 100 - bad, n)) for bad, n in zip(truth, (6, 25), strict=True)]
        low, high = exact_share_of_strata([(got[0], 6, 100), (got[1], 25, 100)])
        covered += low <= sum(truth) / 200 <= high
    assert covered / 400 > 0.94


def test_cells_borrow_from_the_others():
    cells = [cell([1.0] * 5 + [0.0] * 5, f=np.linspace(0, 1, 40)) for _ in range(3)]
    lam = hostilities(cells)[0].lam
    own = audited_moments(cells[0])
    assert lam == pytest.approx(min(1, max(0, own.yf / own.ff)))
    assert [h.estimator for h in hostilities([*cells, cell([])])] == ["corrected"] * 3 + ["uncorrected"]


@given(
    st.integers(2, 60).flatmap(lambda total: st.tuples(st.just(total), st.integers(1, total), st.integers(0, total)))
)
def test_the_exact_interval_covers_whatever_the_truth(world):
    total, n, truth = world
    chances = stats.hypergeom.pmf(np.arange(n + 1), total, truth, n)
    covers = [
        low - 1e-12 <= truth / total <= high + 1e-12
        for h in range(n + 1)
        if chances[h] > 0
        for low, high in [exact_share(h, n, total)]
    ]
    assert float(np.sum(chances[chances > 0] * covers)) >= 0.95 - 1e-9


def test_the_exact_interval_of_coders_who_disagree_holds_both_readings():
    low, high = exact_share(1.5, 10, 30)
    assert low == exact_share(1, 10, 30)[0]
    assert high == exact_share(2, 10, 30)[1]
    for wrong in ((0, 0, 5), (6, 5, 10), (1, 6, 5)):
        with pytest.raises(ValueError, match="a share needs"):
            exact_share(*wrong)


# ---- the test of a rise


@given(st.integers(0, 30), st.integers(0, 30), st.floats(1, 500), st.floats(1, 500))
def test_the_evidence_is_the_mean_of_likelihood_ratios(h, r, e, f):
    # given h + r hostile texts, each is of the present with chance x e / (x e + f), x the ratio of the rates
    ratios = [stats.binom.pmf(h, h + r, x * e / (x * e + f)) / stats.binom.pmf(h, h + r, e / (e + f)) for x in RATIOS]
    assert float(evidence_of_rise((h, r), (e, f))) == pytest.approx(np.mean(ratios), rel=1e-6)


@given(st.integers(1, 40), st.floats(1, 500), st.floats(1, 500))
def test_the_evidence_of_one_rate_is_one_on_average(n, e, f):
    h = np.arange(n + 1)
    chances = stats.binom.pmf(h, n, e / (e + f))
    assert float(chances @ evidence_of_rise((h, n - h), (e, f))) == pytest.approx(1)


def test_evidence_beyond_every_number_is_infinite_and_no_error():
    assert evidence_of_rise((2000, 0), (1.0, 100.0)) == np.inf
    assert "over 1,000 to 1" in rise("a", "b", now(range(40), naming=50, coded=50), REFERENCE).sentence


def test_a_rise_by_hand():
    # 5 hostile of 50 texts now, none of 200 before: r^5 (250 / (50 r + 200))^5, on average over r
    made = rise("a", "b", now([40, 41, 50, 60, 61]), REFERENCE)
    assert isinstance(made, Rise)
    assert made.evidence == pytest.approx(np.mean([(250 * r / (50 * r + 200)) ** 5 for r in RATIOS]))
    assert (made.risen, made.hostile, made.rate, made.days) == (True, (5, 0), (0.1, 0.0), 5)
    assert made.onset == date(2024, 2, 10)
    assert made.sentence == (
        "hostile criticism of b by a has risen, since about 2024-02-10: 5 coded texts of a are hostile to b now, 0 "
        "were in the reference: about 10.0% and 0.0% of its texts (evidence 656 to 1, "
        "656 to 1 with each day counted once; 40 to 1 are needed, however often it is looked at)"
    )


@pytest.mark.parametrize(
    ("hostile", "said"),
    [
        ([3, 4], "2 hostile texts"),
        ([5, 5, 5], "all on 1 day"),
        ([], "is shown"),
    ],
)
def test_three_hostile_texts_on_two_days_are_needed(hostile, said):
    reference = replace(REFERENCE, days=np.repeat(REFERENCE.days, 20))
    made = rise("a", "b", now(hostile), reference)
    assert not made.risen
    assert made.onset is None
    assert said in made.sentence
    if hostile:
        assert made.evidence > 40 or made.hostile[0] < 3


def test_texts_of_one_day_count_once_in_the_companion():
    made = rise("a", "b", now([3, 3, 3, 3, 9]), REFERENCE)
    assert made.evidence > 40 > made.evidence_days
    assert made.evidence_days == pytest.approx(np.mean([(250 * r / (50 * r + 200)) ** 2 for r in RATIOS]))


def test_a_fall_and_the_same_rate_are_no_rise():
    before = window(date(2023, 1, 1), date(2024, 1, 1), range(40), clusters=200, naming=80, coded=80)
    assert not rise("a", "b", now([1, 2, 3]), before).risen
    assert not rise("a", "b", now(range(10)), before).risen


def test_a_sample_stands_for_more_texts_than_were_coded():
    half = now([1, 2, 3], coded=10)
    assert half.exposure == 25
    assert half.rate == pytest.approx(3 / 25)
    assert now([], naming=0, coded=0).exposure == 50


def drawn(one, chances):
    return replace(one, pi=np.asarray(chances, dtype=float))


def test_chances_that_are_all_alike_change_not_one_bit():
    days = [3, 40, 41, 41, 50, 60, 61]
    for present, reference in ((now(days), REFERENCE), (now(days, naming=47, coded=13), replace(REFERENCE, coded=23))):
        plain = rise("a", "b", present, reference)
        exposures = tuple(len(w.days) * (w.coded / w.naming) for w in (present, reference))
        assert plain.evidence == float(evidence_of_rise((7, 0), exposures))  # exactly, by the formula for one chance
        assert plain.evidence_days == float(evidence_of_rise((6, 0), exposures))
        for p, q in ((0.1, 0.1), (1 / 3, 0.7), (1.0, 0.05)):
            alike = [np.full(present.coded, p), np.full(reference.coded, q)]
            assert rise("a", "b", drawn(present, alike[0]), drawn(reference, alike[1])) == plain
            alike[0][0] *= 1 + 1e-12  # as 1 - (1 - p) differs from p
            assert rise("a", "b", drawn(present, alike[0]), drawn(reference, alike[1])) == plain


def test_a_wave_coded_whole_does_not_stand_for_one_that_hardly_is():
    """20 of 20 coded, then 5 of 100; 11 hostile, all of the first: 11 of 120 and not 11 of 25. It was 64 to 1."""
    early = now(range(11), clusters=200, naming=120, coded=25)
    before = window(date(2023, 1, 1), date(2024, 1, 1), range(4), clusters=200, naming=120, coded=50)
    assert rise("a", "b", early, before).risen
    made = rise("a", "b", drawn(early, [1.0] * 20 + [0.05] * 5), drawn(before, [5 / 12] * 50))
    assert (made.risen, made.hostile, made.coded, made.days) == (False, (11, 4), (25, 50), 11)
    assert made.rate == pytest.approx((11 / 120 * 0.6, 4 / 50 * 0.6))
    # as likely as can be is worth .05 of as rare as can be: 20 x .05 + 5 texts of the 120
    assert made.exposure == pytest.approx((200 * 6 / 120, 200 * 50 / 120))
    assert made.evidence == pytest.approx(float(evidence_of_rise((0.55, 4), made.exposure)))
    assert made.evidence < 1
    assert "about 5.5% and 4.8% of its texts" in made.sentence


def test_a_rise_in_the_wave_that_is_hardly_coded_is_seen():
    few = now([10, 20, 30, 40, 50, 60], clusters=200, naming=120, coded=28)
    made = rise("a", "b", drawn(few, [0.08] * 6 + [1.0] * 20 + [0.08] * 2), REFERENCE)
    assert made.risen
    assert made.onset == date(2024, 1, 31)  # until then there are many texts that name nobody
    assert made.rate[0] == pytest.approx(0.6 * 6 / (8 + 20 * 0.08))


def test_a_day_counts_as_its_rarest_hostile_text():
    one = drawn(now([3, 3, 9, 9, 9]), [1.0, 0.5, 1.0, 1.0, 1.0] + [0.25] * 15)
    assert (one.count, one.count_of_days) == (0.25 + 0.5 + 3 * 0.25, 0.5 + 0.25)
    assert one.counted == 0.5 + 4 * 0.25 + 15
    assert now([]).count_of_days == 0


@given(st.floats(0.02, 1), st.floats(0.1, 10), st.sampled_from(RATIOS))
def test_a_weighted_text_adds_no_more_than_its_share_of_a_whole_one(weight, ratio, rate):
    """So that the mean of e(r), which the exposures keep at 1 for whole texts, is at most 1 for weighted ones."""
    whole = (ratio + 1) / (rate * ratio + 1)  # of a text of the reference; r times as much of the present
    for factor in (whole, rate * whole):
        assert factor**weight <= 1 + weight * (factor - 1) + 1e-12


def test_without_codings_there_is_no_test():
    made = rise("a", "b", now([], coded=0), REFERENCE)
    assert isinstance(made, NotEnough)
    assert "0 of the 20 texts of the present that name the other are coded at random; 5 are needed" in made.why
    both = rise("a", "b", now([], clusters=0, naming=0, coded=0), replace(REFERENCE, coded=3), ["a flag"])
    assert both.why.startswith("no text in the present")
    assert "3 of the 80 texts of the reference" in both.why
    assert both.flags == ("a flag",)
    # fewer than five, but all there are
    assert isinstance(rise("a", "b", now([1], naming=2, coded=2), REFERENCE), Rise)


def test_windows_that_can_not_be_are_refused():
    with pytest.raises(ValueError, match="within the reference"):
        rise("a", "b", replace(REFERENCE, start=date(2023, 12, 1)), REFERENCE)
    with pytest.raises(ValueError, match="a day of one is missing"):
        rise("a", "b", replace(now([1, 2]), days=np.array(["2024-03-31"], dtype="datetime64[D]")), REFERENCE)
    for wrong in ([0.5] * 19, [0.0] + [0.5] * 19, [1.2] + [0.5] * 19):
        with pytest.raises(ValueError, match="inclusion probability above 0"):
            rise("a", "b", drawn(now([1, 2]), wrong), REFERENCE)
    with pytest.raises(ValueError, match="texts in both windows"):
        evidence_of_rise((1, 1), (0.0, 1.0))
    with pytest.raises(ValueError, match="nothing has an onset"):
        onset_day(now([]), REFERENCE)


def test_the_onset_is_where_the_rate_changes_not_the_first_hostile_text():
    loud = now([1, *range(50, 70)], clusters=80, naming=40, coded=40)
    before = window(date(2023, 1, 1), date(2024, 1, 1), [10, 200], clusters=200, naming=80, coded=80)
    assert onset_day(loud, before) == date(2024, 2, 20)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("coded", [(8, 32), (1000, 1000)])
def test_looking_after_every_coding_claims_no_more_than_it_may(coded, order):
    rng = np.random.default_rng(20090919)
    made = claims((0.3, 0.3), (0.3, 0.3), (120, 480), coded, order, 4_000, rng)
    assert made.ever <= 0.025
    assert made.last <= made.ever < made.repeated
    risen = claims((0.3, 0.2), (0.6, 0.1), (120, 480), coded, order, 1_000, rng)
    assert risen.last > (0.45 if coded[0] == 8 else 0.95)


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("by_part", [True, False])
def test_parts_of_a_window_coded_at_unequal_rates_claim_no_more_than_they_may(order, by_part):
    rng = np.random.default_rng(20090919)
    present = parted(300, 0.1, (0.2, 0.3, 0.5), (1.0, 0.3, 0.05), "first")
    made = unequal_claims(0.4, present, ((1200, 0.1, 0.25),), order, by_part, 1_000, rng)
    assert made["weighted"].ever <= 0.025
    assert made["each as one"].ever > 0.25


def test_one_part_is_tested_as_ever():
    rng = np.random.default_rng(20090919)
    made = unequal_claims(0.4, ((300, 0.45, 0.25),), ((1200, 0.1, 0.25),), "in turns", True, 200, rng)
    assert made["weighted"] == made["each as one"] == made["effective number"]
    assert 0.5 < made["weighted"].last < 1


@pytest.mark.parametrize(("hostile", "skill"), [(0.05, 0.6), (0.4, 0.0), (0.4, 0.6)])
def test_the_interval_of_the_rate_covers(hostile, skill):
    made = coverage(hostile, skill, 10, 30, np.random.default_rng(20090919))
    assert made[0] >= 0.93
