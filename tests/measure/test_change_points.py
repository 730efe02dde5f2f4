"""Change points: the constants hold, the sets are what the formula says, and indices survive missing weeks."""

import json
from itertools import combinations, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruptures import Binseg

from benchmarks.change_point_constants import (
    LENGTHS,
    PHIS,
    REFERENCES,
    constants,
    critical_penalties,
    noise,
    partition,
    saved,
    step_series,
)
from benchmarks.change_points import COVERAGE_FLOORS, agreement, binary_segmentation_finds, dated, errors
from pipeline.measure.change_points import LEAST_SEGMENT, TABLE, Limits, change_points, read_constants

CONSTANTS = read_constants()


def found(z, phi=0.3, reference=24):
    return change_points(z, CONSTANTS, reference=reference, phi=phi)


def rss(z):
    return float(((z - z.mean()) ** 2).sum())


@st.composite
def series(draw):
    """Noise with up to two steps, 40 to 64 points."""
    n = draw(st.integers(40, 64))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    z = rng.normal(size=n)
    for _ in range(draw(st.integers(0, 2))):
        z[draw(st.integers(4, n - 4)) :] += draw(st.floats(-4, 4))
    return z


def partitions(n):
    """Every way to cut n points into levels of at least the least segment."""
    places = range(LEAST_SEGMENT, n - LEAST_SEGMENT + 1)
    for k in range(n // LEAST_SEGMENT):
        for cuts in combinations(places, k):
            edges = (0, *cuts, n)
            if all(b - a >= LEAST_SEGMENT for a, b in pairwise(edges)):
                yield cuts


def cost(z, cuts, penalty):
    return sum(rss(part) for part in np.split(z, list(cuts))) + penalty * len(cuts)


# the constants


def test_the_table_is_complete_and_grows_with_memory():
    rows = json.loads(TABLE.read_text())
    asked = {(r, phi, n) for r in REFERENCES for phi in PHIS for n in LENGTHS if r <= n}
    assert {(row["reference"], row["phi"], row["length"]) for row in rows} == asked
    for r in REFERENCES:
        for n in (n for n in LENGTHS if n >= r):
            penalties = [CONSTANTS.at(n, reference=r, phi=phi).penalty for phi in PHIS]
            cutoffs = [CONSTANTS.at(n, reference=r, phi=phi).cutoff for phi in PHIS]
            assert penalties == sorted(penalties)
            assert cutoffs == sorted(cutoffs)
        for phi in PHIS:
            by_length = [CONSTANTS.at(n, reference=r, phi=phi).penalty for n in LENGTHS if n >= r]
            assert by_length == sorted(by_length)


def test_entries_of_the_table_are_given_as_they_are_and_others_lie_between():
    row = json.loads(TABLE.read_text())[0]
    at = CONSTANTS.at(row["length"], reference=row["reference"], phi=row["phi"])
    assert (at.penalty, at.cutoff) == pytest.approx((row["penalty"], row["cutoff"]))
    low, high = (CONSTANTS.at(n, reference=52, phi=0.3) for n in (112, 160))
    between = CONSTANTS.at(130, reference=52, phi=0.3)
    assert low.penalty < between.penalty < high.penalty
    assert between.penalty < CONSTANTS.at(130, reference=52, phi=0.4).penalty
    assert CONSTANTS.at(130, reference=51, phi=0.3) == CONSTANTS.at(130, reference=24, phi=0.3)


@pytest.mark.parametrize(
    ("length", "reference", "phi", "message"),
    [
        (39, 24, 0.3, "there are 39 usable points, .* 40 to 520 .* wait for more"),
        (55, 52, 0.3, "there are 55 usable points, .* 56 to 520"),
        (521, 52, 0.3, "look at months"),
        (100, 23, 0.3, "reference of 23 points is too short; at least 24"),
        (100, 52, 0.61, "0 to 0.6, not for 0.61"),
        (100, 52, -0.1, "not for -0.10"),
        (100, 52, float("nan"), "not for nan"),
    ],
)
def test_nothing_is_extrapolated(length, reference, phi, message):
    with pytest.raises(ValueError, match=message):
        CONSTANTS.at(length, reference=reference, phi=phi)


def test_the_table_can_be_made_again():
    made = constants(56, 0.3, 4000, seed=7)
    for reference, (penalty, cutoff, _) in made.items():
        shipped = CONSTANTS.at(56, reference=reference, phi=0.3)
        assert penalty == pytest.approx(shipped.penalty, rel=0.08)
        assert cutoff == pytest.approx(shipped.cutoff, rel=0.15)
    assert constants(56, 0.3, 400, seed=7) == constants(56, 0.3, 400, seed=7)


# the recursion the constants are made with


@settings(max_examples=20)
@given(st.integers(0, 10_000), st.floats(0.5, 12), st.integers(12, 18))
def test_the_recursion_finds_the_best_of_all_partitions(seed, penalty, n):
    z = np.random.default_rng(seed).normal(size=(n, 3)) * 2
    changes = partition(z, penalty)
    for k in range(3):
        cuts = np.flatnonzero(changes[:, k])
        assert cost(z[:, k], cuts, penalty) == pytest.approx(min(cost(z[:, k], c, penalty) for c in partitions(n)))
        assert saved(z, changes)[k] == pytest.approx(rss(z[:, k]) - cost(z[:, k], cuts, 0))


def test_the_critical_penalty_is_where_the_last_change_goes():
    z = step_series(np.random.default_rng(3), 60, 50, 0.3, 1.0, 20)
    critical = critical_penalties(z)
    assert partition(z, critical * (1 - 1e-6)).any(axis=0).all()
    assert not partition(z, critical * (1 + 1e-6)).any()


def test_noise_is_what_it_is_called():
    z = noise(np.random.default_rng(1), 4000, 60, 0.6)
    assert z.var(axis=1) == pytest.approx(1, abs=0.12)
    assert (z[1:] * z[:-1]).mean() == pytest.approx(0.6, abs=0.02)


def test_binary_segmentation_is_that_of_ruptures():
    z = step_series(np.random.default_rng(2), 40, 63, 0.0, 0.6, 30)
    theirs = [len(Binseg(model="l2").fit(z[:, k]).predict(pen=5.0)) > 1 for k in range(40)]
    assert binary_segmentation_finds(z, 5.0).tolist() == theirs
    assert 0 < sum(theirs) < 40


# the function


def test_a_plain_step_by_hand():
    # 30 points about 0 and 30 about 5; the noise alternates, so nothing else can be found
    z = np.tile([0.5, -0.5], 30)
    z[30:] += 5
    made = found(z)
    (change,) = made.changes
    assert (change.index, change.dates) == (30, (30,))
    assert (change.before, change.after) == pytest.approx((0, 5))
    # between 60 points of means 0 and 5: 60 x 2.5^2
    assert change.gain == pytest.approx(375)
    assert made.never.rss == pytest.approx(375 + 15)
    assert made.fit.rss == pytest.approx(15)
    assert made.fit.cost == pytest.approx(15 + made.limits.penalty)
    assert (made.never.cost, made.never.changes, made.fit.changes) == (made.never.rss, 0, 1)
    assert made.never.bic - made.fit.bic == pytest.approx(375 - 2 * np.log(60))
    assert made.mean == pytest.approx(2.5)
    assert "1 change in 60 points" in made.words
    assert "+5.00" in made.words


def test_without_a_change_the_one_level_stands():
    made = found(np.tile([0.5, -0.3], 30))
    assert made.changes == ()
    assert made.fit == made.never
    assert made.words.startswith("No change in 60 points (5% family-wise error, autocorrelation 0.30 assumed)")
    assert "may lie anywhere" in made.words
    assert found(np.zeros(50)).changes == ()


def test_one_odd_week_is_no_change():
    z = np.tile([0.1, -0.1], 30)
    z[30] = 4.0
    assert found(z).changes == ()


@settings(max_examples=15)
@given(series())
def test_the_set_is_the_likelihood_inverted(z):
    made = found(z, phi=0.0)
    edges = [0, *(c.index for c in made.changes), len(z)]
    for i, change in enumerate(made.changes):
        low, high = edges[i], edges[i + 2]

        def around(t, low=low, high=high):
            return rss(z[low:t]) + rss(z[t:high])

        inside = range(low + LEAST_SEGMENT, high - LEAST_SEGMENT + 1)
        best = around(change.index)
        assert set(change.dates) == {t for t in inside if around(t) - best <= made.limits.cutoff + 1e-9}
        assert change.index in change.dates
        assert change.gain == pytest.approx(rss(z[low:high]) - best)
        assert (change.before, change.after) == pytest.approx(
            (z[low : change.index].mean(), z[change.index : high].mean())
        )


@settings(max_examples=15)
@given(series())
def test_pelt_and_the_recursion_agree(z):
    made = found(z)
    assert [c.index for c in made.changes] == np.flatnonzero(partition(z[:, None], made.limits.penalty)[:, 0]).tolist()
    assert made.fit.cost <= made.never.cost + 1e-9


@settings(max_examples=15)
@given(series(), st.floats(-50, 50))
def test_level_and_sign_do_not_matter(z, shift):
    before, moved, turned = found(z), found(z + shift), found(-z)
    assert [c.dates for c in before.changes] == [c.dates for c in moved.changes] == [c.dates for c in turned.changes]
    assert [c.before for c in moved.changes] == pytest.approx([c.before + shift for c in before.changes])


@settings(max_examples=15)
@given(series(), st.data())
def test_missing_points_are_left_out_and_indices_are_those_of_the_series_as_given(z, data):
    holes = sorted(data.draw(st.lists(st.integers(0, len(z)), max_size=8)))
    with_holes = np.insert(z, holes, np.nan)
    place = np.flatnonzero(~np.isnan(with_holes))
    whole, made = found(z), found(with_holes)
    assert [c.index for c in made.changes] == [place[c.index] for c in whole.changes]
    assert made.missing == tuple(np.flatnonzero(np.isnan(with_holes)))
    assert (made.usable, made.limits, made.fit) == (whole.usable, whole.limits, whole.fit)
    for ours, theirs in zip(made.changes, whole.changes, strict=True):
        # a date next to a hole stands for the whole hole
        assert set(ours.dates) == {i for t in theirs.dates for i in range(place[t - 1] + 1, place[t] + 1)}


def test_a_change_that_fell_into_a_hole_may_lie_anywhere_in_it():
    z = np.tile([0.5, -0.5], 30)
    z[30:] += 5
    (change,) = found(np.insert(z, [30, 30, 30], np.nan)).changes
    assert (change.index, change.dates) == (33, (30, 31, 32, 33))


@pytest.mark.parametrize(
    ("z", "message"),
    [
        (np.full(60, np.inf), "finite numbers"),
        (np.zeros((60, 2)), "one row"),
        (np.full(60, np.nan), "there are 0 usable points"),
        (np.zeros(30), "there are 30 usable points"),
    ],
)
def test_a_series_that_can_not_be_judged_is_refused(z, message):
    with pytest.raises(ValueError, match=message):
        found(z)


def test_a_larger_cutoff_gives_a_larger_set():
    z = step_series(np.random.default_rng(4), 1, 80, 0.0, 1.5, 40)[:, 0]
    made = found(z, phi=0.0)

    class Wider:
        def at(self, length, *, reference, phi):
            return Limits(made.limits.penalty, made.limits.cutoff * 2)

    wider = change_points(z, Wider(), reference=24, phi=0.0)
    assert made.changes
    for a, b in zip(made.changes, wider.changes, strict=True):
        assert set(a.dates) < set(b.dates)


# small versions of benchmarks/change_points.py


@pytest.mark.parametrize(("reference", "n", "phi"), [(24, 48, 0.3), (52, 90, 0.0), (52, 104, 0.45)])
def test_a_series_without_change_shows_one_in_twenty(reference, n, phi):
    made = errors(reference, n, phi, 3000, 500)
    assert made.ours == pytest.approx(0.05, abs=0.015)
    assert made.binary > 0.1 < made.log
    assert phi == 0 or made.independent > 0.1


def test_sets_hold_the_true_date():
    for step in (0.5, 1.0, 3.0):
        made = dated(52, 104, 0.3, step, 200, 0)
        assert made.covered >= COVERAGE_FLOORS[False]
    assert made.found > 0.95  # three standard deviations
    assert made.exact < made.covered
    assert made.error < made.error_never


def test_the_shipped_function_is_the_one_that_is_measured():
    assert agreement(10) == 10
