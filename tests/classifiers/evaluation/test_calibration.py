import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.special import expit, logit
from scipy.stats import binomtest

from classifiers.evaluation.calibration import bins, calibration, effective, expected_error, recalibration, wilson

ONE = np.ones


def drawn(slope, intercept, n=20_000):
    """Probabilities whose truth follows another line."""
    rng = np.random.default_rng(0)
    p = expit(rng.normal(size=n))
    return p, rng.random(n) < expit(slope * logit(p) + intercept)


@pytest.mark.parametrize(("slope", "intercept"), [(1, 0), (0.5, 0.3), (1.5, -0.4)])
def test_the_line_that_the_truth_follows_is_found(slope, intercept):
    p, truth = drawn(slope, intercept)
    made = recalibration(p, truth, ONE(len(p)))
    assert made == pytest.approx({"slope": slope, "intercept": intercept}, abs=0.08)


def test_a_weight_counts_rows():
    p, truth = drawn(0.7, 0.2, 300)
    twice = recalibration(np.repeat(p, 2), np.repeat(truth, 2), ONE(600))
    assert recalibration(p, truth, 2 * ONE(300)) == pytest.approx(twice, abs=1e-3)


@pytest.mark.parametrize(
    ("p", "truth"),
    [([0.2, 0.8, 0.3], [True] * 3), ([0.5] * 4, [True, False] * 2), ([0.1, 0.2, 0.8, 0.9], [False, False, True, True])],
)
def test_where_there_is_no_line_there_is_none(p, truth):
    assert recalibration(np.array(p), np.array(truth), ONE(len(p))) is None
    made = calibration(np.array(p), np.array(truth), ONE(len(p)))
    assert made["slope"] is None


@given(st.integers(0, 50), st.integers(1, 50))
def test_wilson_is_scipy_s(k, n):
    k = min(k, n)
    low, high = wilson(k / n, n)
    expected = binomtest(k, n).proportion_ci(method="wilson")
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-6)
    assert 0 <= low <= k / n <= high <= 1


def test_bins_by_hand():
    p = np.array([0.05, 0.08, 0.55, 1.0])
    made = bins(p, np.array([False, True, True, True]), np.array([1, 3, 1, 1.0]))
    assert [(one["from"], one["texts"]) for one in made] == [(0, 2), (0.5, 1), (0.9, 1)]
    assert made[0]["came_true"] == 0.75
    assert made[0]["said"] == pytest.approx((0.05 + 3 * 0.08) / 4)
    assert expected_error(made) == pytest.approx((4 * (0.75 - 0.0725) + 0.45 + 0) / 6)


def test_effective_sizes_and_nothing():
    assert effective(ONE(7)) == pytest.approx(7)
    assert effective(np.array([1.0, 1e-9])) == pytest.approx(1)
    assert effective(np.array([])) == 0
    with pytest.raises(ValueError, match="no interval"):
        wilson(0.5, 0)
    with pytest.raises(ValueError, match="no texts"):
        calibration(np.array([]), np.array([], dtype=bool), np.array([]))
