"""Does the model err differently in two groups? From random codings of both, in words a reader can act on.

A model that reads one group as more nationalist than its coders do shifts the *model* gap by just that much, however
many texts there are. The corrected gap is free of it. This is the warning beside a chart of model gaps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.measure.balance import LEAST_CODINGS, LEVEL, NO_VARIANCE, Floats, half_width


@dataclass(frozen=True)
class GroupError:
    """How far the model is off in one group, on average."""

    coded: int
    """random codings"""
    mean: float | None = None
    """mean of f - y, in [-2, 2]; above 0: too nationalist. None: can't be told"""
    low: float | None = None
    high: float | None = None
    """95% t interval"""


@dataclass(frozen=True)
class DifferentialError:
    """The model's mean errors in two groups, and their difference: the bias of the model gap."""

    a: GroupError
    b: GroupError
    difference: float | None
    """mean error in A less mean error in B; None: can't be told"""
    low: float | None
    high: float | None
    """95% t interval of Welch"""
    differs: bool | None
    """the interval excludes 0; None: can't be told"""
    sentence: str
    """what it means, or why it can't be told"""


def _group(f: Floats, y: Floats, pi: Floats | None) -> tuple[GroupError, float]:
    """The mean error of a group with its interval, and the variance of the mean."""
    f, y = np.asarray(f, dtype=float), np.asarray(y, dtype=float)
    pi = np.ones(y.shape) if pi is None else np.asarray(pi, dtype=float)
    if f.ndim != 1 or not f.shape == y.shape == pi.shape:
        raise ValueError(f"f, y and pi must be of one length, not {f.shape}, {y.shape} and {pi.shape}")
    coded = ~np.isnan(y)
    n, errors = int(coded.sum()), f[coded] - y[coded]
    if np.isnan(errors).any():
        raise ValueError("every coded text needs a model balance; leave out what is not framed")
    if not np.all((pi[coded] > 0) & (pi[coded] <= 1)):
        raise ValueError("every coded text needs an inclusion probability in (0, 1]")
    if n < LEAST_CODINGS:
        return GroupError(n), np.nan
    w = 1 / pi[coded]
    mean = float((w * errors).sum() / w.sum())
    variance = n / (n - 1) * float((w**2 * (errors - mean) ** 2).sum() / w.sum() ** 2)
    if variance < NO_VARIANCE:
        return GroupError(n, mean), variance
    half = half_width(variance, n - 1, LEVEL)
    return GroupError(n, mean, mean - half, mean + half), variance


def differential_error(
    f_a: Floats, y_a: Floats, f_b: Floats, y_b: Floats, *, pi_a: Floats | None = None, pi_b: Floats | None = None
) -> DifferentialError:
    """Mean error of the model, mean(f - y), in groups A and B and their difference, with 95% t intervals.

    f_a, y_a: shape (n,), balance by the model and by the coders of texts of A that were drawn at random; NaN in y: not
    coded, left out. pi_a: their inclusion probabilities; None: all alike. f_b, y_b, pi_b: of B.

    Mean sum(w (f - y))/sum(w) with w = 1/pi, variance n/(n-1) sum(w^2 (f - y - mean)^2)/sum(w)^2, n - 1 degrees of
    freedom; the difference has Welch's. The intervals are about texts like these, not about the very texts of a period,
    so there is no finite-population factor.

    With fewer than five codings in a group, or errors that do not vary at all, it can't be told, and the sentence says
    why. "Not shown to differ" is not "alike": the interval says how large the difference may be. Raises ValueError for
    arrays that do not belong together.
    """
    (a, v_a), (b, v_b) = _group(f_a, y_a, pi_a), _group(f_b, y_b, pi_b)
    why = None
    if min(a.coded, b.coded) < LEAST_CODINGS:
        why = f"{a.coded} random codings in A, {b.coded} in B, and {LEAST_CODINGS} are needed in each"
    elif min(v_a, v_b) < NO_VARIANCE:
        why = "the errors found so far are all alike, so no interval can be built on them"
    if why or a.mean is None or b.mean is None:
        sentence = f"whether the model errs differently in the two groups can't be told: {why}"
        return DifferentialError(a, b, None, None, None, None, sentence)
    freedom = (v_a + v_b) ** 2 / (v_a**2 / (a.coded - 1) + v_b**2 / (b.coded - 1))
    difference, half = a.mean - b.mean, half_width(v_a + v_b, freedom, LEVEL)
    low, high = difference - half, difference + half
    differs = low > 0 or high < 0
    by = f"by {a.mean:+.2f} in A, {b.mean:+.2f} in B"
    sentence = (
        f"the model errs differently in the two groups: {by}; trust only the corrected gap"
        if differs
        else f"the model is not shown to err differently in the two groups ({by}); "
        f"the difference lies between {low:+.2f} and {high:+.2f}"
    )
    return DifferentialError(a, b, difference, low, high, differs, sentence)
