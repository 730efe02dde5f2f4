from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.measure.series import GroupSeries, dyad_series
from pipeline.monitor.periods import periods_covering

WEEKS = periods_covering("week", date(2020, 1, 6), date(2021, 6, 1))


def group(cells):
    """A group from the model's balances of its texts, period by period."""
    return GroupSeries(
        np.array([len(c) for c in cells], dtype=float),
        np.array([np.mean(c) if c else np.nan for c in cells]),
        np.array([np.var(c, ddof=1) if len(c) > 1 else np.nan for c in cells]),
    )


def test_the_gap_and_the_chance_in_it():
    a, b = group([[0.2, 0.4], [0.5], [], [0.1, 0.3]]), group([[0.0, 0.2], [0.1, 0.3], [0.5], [0.0, 0.2, 0.4]])
    made = dyad_series(a, b, WEEKS[:4], lam=0.5, length=2)
    assert made.m == pytest.approx([0.1, 0.15, np.nan, 0.0], nan_ok=True)
    # single texts vary by .02 in both, in the first two weeks
    assert made.v == pytest.approx([0.25 * 0.02, 0.25 * (0.02 + 0.01), np.nan, 0.25 * (0.01 + 0.02 / 3)], nan_ok=True)
    assert made.usable.tolist() == [True, True, False, True]
    assert made.missing_runs() == [0, 0, 1, 0]


def test_what_comes_after_the_reference_changes_no_earlier_chance():
    cells = [[0.1, 0.3]] * 6
    calm = dyad_series(group(cells), group(cells), WEEKS[:6], lam=1, length=4)
    wild = cells[:4] + [[-1.0, 1.0]] * 2
    moved = dyad_series(group(wild), group(cells), WEEKS[:6], lam=1, length=4)
    assert (calm.v == moved.v).all()


def test_single_texts_everywhere_are_refused_in_words():
    with pytest.raises(ValueError, match="never two texts in one period of the reference"):
        dyad_series(group([[0.1]] * 3), group([[0.1, 0.2]] * 3), WEEKS[:3], lam=1, length=3)


@pytest.mark.parametrize("lam", [0.0, -0.1, 1.1])
def test_a_model_that_is_not_trusted_has_no_series(lam):
    with pytest.raises(ValueError, match="not trusted"):
        dyad_series(group([[0.1, 0.2]]), group([[0.1, 0.2]]), WEEKS[:1], lam=lam, length=1)


def test_without_any_common_period_there_is_no_value():
    made = dyad_series(group([[], [0.1]]), group([[0.1], []]), WEEKS[:2], lam=1, length=2)
    assert np.isnan(made.m).all()
    assert made.missing_runs() == [1, 2]


@given(sizes=st.lists(st.integers(2, 6), min_size=3, max_size=8), lam=st.floats(0.01, 1), seed=st.integers(0, 2**16))
def test_trust_scales_the_series_and_leaves_its_shape(sizes, lam, seed):
    rng = np.random.default_rng(seed)
    a, b = (group([list(rng.uniform(-1, 1, n)) for n in sizes]) for _ in "ab")
    full, less = (dyad_series(a, b, WEEKS[: len(sizes)], lam=each, length=2) for each in (1.0, lam))
    assert less.m / np.sqrt(less.v) == pytest.approx(full.m / np.sqrt(full.v))
