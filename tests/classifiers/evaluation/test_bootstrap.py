import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.codebook import load_codebook
from classifiers.evaluation.bootstrap import (
    cluster_sums,
    f1_of_counts,
    interval,
    model_columns,
    model_figures,
    resample,
    with_intervals,
)
from classifiers.evaluation.evaluate import figures, macro_f1

HEADS = load_codebook().two_heads
VALUES = ["nationalist", "universalist", "both", "neither"]


def some(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.choice(VALUES, n).tolist(), rng.random((n, 2)), rng.random(n) + 0.1


@given(st.integers(1, 40), st.integers(0, 5))
def test_the_figures_are_scikit_learn_s(n, seed):
    values, p, weights = some(n, seed)
    made = model_figures(model_columns(values, p, HEADS, weights).sum(axis=0), HEADS)
    assert made["macro_f1"] == pytest.approx(macro_f1(values, HEADS.labels(p).tolist(), weights))
    truth = HEADS.truth(values)
    assert made["brier"] == pytest.approx(np.average(((p - truth) ** 2).mean(axis=1), weights=weights))
    same = model_figures(model_columns(values, p, HEADS, np.ones(n)).sum(axis=0), HEADS)
    assert same["two_way_macro_f1"] == pytest.approx(
        figures(values, p, HEADS).get("two_way_macro_f1", np.nan), abs=6e-5, nan_ok=True
    )


def test_clusters_are_summed_and_drawn_whole():
    sums = cluster_sums(np.array([[1.0], [2.0], [5.0]]), np.array([7, 7, 3]))
    assert sums.tolist() == [[5], [3]]
    drawn = resample(np.array([[1.0, 10.0]] * 4), 20, 0)
    assert (drawn == [4, 40]).all()
    assert np.array_equal(resample(sums, 5, 1), resample(sums, 5, 1))


def test_clusters_widen_the_interval():
    values, p, weights = some(400)
    columns = model_columns(values, p, HEADS, weights)
    # ten copies of forty texts, told apart or not
    copies = np.tile(columns[:40], (10, 1))

    def width(units):
        low, high = with_intervals(copies, units, lambda s: model_figures(s, HEADS), 300, 0)["brier"]["interval"]
        return high - low

    assert width(np.tile(np.arange(40), 10)) > 2 * width(np.arange(400))


def test_the_interval_covers():
    """95% of intervals of a mean hold it, give or take what 200 trials can tell."""
    rng = np.random.default_rng(0)
    inside = 0
    for trial in range(200):
        x = rng.normal(size=(60, 1))
        made = with_intervals(
            np.hstack([x, np.ones((60, 1))]), np.arange(60), lambda s: {"m": s[..., 0] / s[..., 1]}, 200, trial
        )
        low, high = made["m"]["interval"]
        inside += low <= 0 <= high
    assert 0.89 <= inside / 200 <= 0.98


def test_what_has_no_value_is_none_never_a_number():
    columns = model_columns(["both"] * 30, np.full((30, 2), 0.9), HEADS, np.ones(30))
    made = with_intervals(columns, np.arange(30), lambda s: model_figures(s, HEADS), 50, 0)
    assert made["two_way_macro_f1"] == {"value": None, "interval": None}
    assert made["macro_f1"]["value"] == 1
    few = with_intervals(columns[:5], np.arange(5), lambda s: model_figures(s, HEADS), 50, 0)
    assert few["macro_f1"] == {"value": 1.0, "interval": None}
    assert np.isnan(f1_of_counts(np.zeros((4, 4))))
    assert interval(np.array([np.nan] * 5 + [1.0])) is None
