"""Smoothed balances and gaps: for the eye, never for a state, an alarm or a published figure.

With five to ten codings a cell its corrected balance is right on average and wide. The cells beside it (other periods,
other groups) say where it probably lies. An ordinary smoother believes them, and is wrong just where something happens:
when one group's classifier errs otherwise than before. Here the neighbours only decide how the five per cent of error
are split between the two ends of the interval. It covers in 95 of 100 draws whatever the neighbours say (Pratt 1961;
Yu & Hoff 2018, *Adaptive multigroup confidence intervals with constant coverage*, Biometrika 105); where they are about
right it is shorter, by at most a sixth, and where they are wrong it is longer. ``docs/smoother.md`` has the figures.

Smoothed is the *error* r = b - lam mean_N(f), what coders found the model to be wrong by. The model's own mean is
known for all N texts and carries no sampling error, so what moves with the texts is not smoothed away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtri, stdtrit

from pipeline.measure.balance import LEVEL, Balance, Floats, Interval
from pipeline.measure.gap import gap

Ints = NDArray[np.int64]

LEVEL_SPREAD = 1.0
"""Standard deviation of the error common to all cells: anything a balance can be."""
GROUP_SPREADS = (0.0, 0.05, 0.1, 0.2, 0.4)
"""Standard deviation of a group's own error. Every value is tried, and weighed by how well it fits the neighbours."""
CELL_SPREADS = (0.02, 0.05, 0.1, 0.2, 0.4)
"""The same of a cell's own error."""
DECAYS = (1.0, 0.7)
"""Correlation of a group's error from one period to the next."""
LEAST_NEIGHBOURS = 2
"""Corrected cells of the same group in other periods, below which nothing is smoothed."""
FARTHEST = 200.0
"""Log odds of the split of the error between the ends, beyond which it makes no difference."""
STEPS = 40
"""Halvings of that range: to 4e-10."""
FARTHEST_LINE = 0.75
"""Standard errors that neighbours may move the line: beyond, it would hide a rift."""

Key = tuple[str, int]
"""group, and the number of the period: consecutive periods have consecutive numbers"""


class Expected(NamedTuple):
    """What the neighbours say of k errors of one period."""

    mean: Floats
    """shape (..., k)"""
    covariance: Floats
    """shape (..., k, k)"""


@dataclass(frozen=True)
class Smoothed:
    """A smoothed balance or gap. Without ends it is not smoothed, and ``why`` says so."""

    value: float
    """where the line is drawn, see :func:`line`; it lies within the interval"""
    low: float | None = None
    high: float | None = None
    why: str | None = None


def _kernel(
    group: Ints, period: Ints, other_group: Ints, other_period: Ints, spreads: tuple[float, float, float]
) -> Floats:
    """Prior covariance of the errors of two lists of cells, shape (len(group), len(other_group))."""
    group_spread, cell_spread, decay = spreads
    same = group[:, None] == other_group[None, :]
    apart = np.abs(period[:, None] - other_period[None, :])
    own = group_spread**2 * decay**apart + cell_spread**2 * (apart == 0)
    return np.asarray(LEVEL_SPREAD**2 + same * own)


def expect(error: Floats, variance: Floats, group: Ints, period: Ints, wanted: Ints, when: int) -> Expected:
    """The errors of the groups ``wanted`` in period ``when``, as far as the given cells tell.

    error, variance: shape (..., n), r = b - lam mean_N(f) of each neighbour and its sampling variance V. group, period:
    shape (n,), numbers. wanted: shape (k,). Leading axes are independent data sets of one design.

    r_it = c + u_i(t) + w_it + sampling error, normal, with Var c = 1, Cov(u_i(s), u_i(t)) = g^2 d^|s - t| and
    Var w = s^2. For each (g, s, d) of a grid the mean and covariance given the neighbours (kriging); then all of them
    averaged with weights proportional to their likelihood, the spread of their means added to the covariance.

    Raises ValueError when cells of the wanted period are among the neighbours: the interval covers only if what it
    leans on knows nothing of the codings it is made of.
    """
    if not len(group):
        raise ValueError("without neighbours nothing is expected")
    if (period == when).any():
        raise ValueError("a cell of the wanted period is no neighbour")
    at = np.full(len(wanted), when, dtype=np.int64)
    likelihoods, means, covariances = [], [], []
    grid = [s for s in product(GROUP_SPREADS, CELL_SPREADS, DECAYS) if s[0] > 0 or s[2] == DECAYS[0]]
    for spreads in grid:
        total = _kernel(group, period, group, period, spreads) + variance[..., :, None] * np.eye(len(group))
        cross = _kernel(group, period, wanted, at, spreads)
        root = np.linalg.cholesky(total)
        sides = np.concatenate([error[..., None], np.broadcast_to(cross, (*error.shape, len(wanted)))], axis=-1)
        solved = np.linalg.solve(root, sides)
        own, shared = solved[..., 0], solved[..., 1:]
        log_root = np.log(np.diagonal(root, axis1=-2, axis2=-1)).sum(axis=-1)
        likelihoods.append(-0.5 * (own**2).sum(axis=-1) - log_root)
        means.append(np.einsum("...nk,...n->...k", shared, own))
        covariances.append(_kernel(wanted, at, wanted, at, spreads) - np.einsum("...nk,...nl->...kl", shared, shared))
    log_weights = np.array(likelihoods)
    weights = np.exp(log_weights - log_weights.max(axis=0))
    weights /= weights.sum(axis=0)
    each = np.array(means)
    mean = (weights[..., None] * each).sum(axis=0)
    off = each - mean
    spread = np.array(covariances) + off[..., :, None] * off[..., None, :]
    return Expected(mean, (weights[..., None, None] * spread).sum(axis=0))


def leaning_interval(
    value: Floats, variance: Floats, freedom: Floats, expected: Floats, spread: Floats, level: float = LEVEL
) -> tuple[Floats, Floats]:
    """Low and high end of an interval that leans towards ``expected`` and covers whether or not that is right.

    value, variance, freedom: an unbiased estimate with a t distribution. expected, spread: mean and variance of the
    quantity by what is known without that estimate. All of one shape; variance and spread above 0.

    A number x belongs to the interval when (value - x)/se lies between the t quantiles alpha a(x) and
    1 - alpha (1 - a(x)), alpha = 1 - level. That has probability ``level`` at the true x for *any* split a(x) in (0, 1)
    chosen beforehand; a = 1/2 is the t interval. The split that is shortest on average if x ~ N(expected, spread) and
    the estimate is normal solves Phi^-1(alpha a) - Phi^-1(alpha (1 - a)) = 2 se (x - expected)/spread (Yu & Hoff 2018).
    Each end is found by bisection over the log odds of a.
    """
    alpha, se = 1 - level, np.sqrt(variance)

    def member(odds: Floats) -> Floats:
        """The x whose split has these log odds."""
        split = ndtri(alpha * expit(odds)) - ndtri(alpha * expit(-odds))
        return np.asarray(expected + spread / (2 * se) * split)

    def end(quantile: int) -> Floats:
        """-1: the low end, +1: the high end."""

        def away(odds: Floats) -> Floats:
            return np.asarray(-quantile * se * stdtrit(freedom, alpha * expit(quantile * odds)))

        below, above = np.full(np.shape(value), -FARTHEST), np.full(np.shape(value), FARTHEST)
        for _ in range(STEPS):
            middle = (below + above) / 2
            beyond = member(middle) > value + away(middle)
            below, above = np.where(beyond, below, middle), np.where(beyond, middle, above)
        return np.asarray(value + away((below + above) / 2))

    return end(-1), end(1)


def line(value: Floats, variance: Floats, expected: Floats, spread: Floats) -> Floats:
    """Where the line is drawn: estimate and expectation weighed by their precision, but never more than .75 standard
    errors from the estimate (limited translation, Efron & Morris 1972).

    Without that limit it would follow the neighbours and be far off just where a group departs from them. The interval
    reaches at least 1.6 standard errors to either side of the estimate, so the line lies within it.
    """
    step = variance / (spread + variance) * (expected - value)
    farthest = FARTHEST_LINE * np.sqrt(variance)
    return np.asarray(value + np.clip(step, -farthest, farthest))


def _lean(value: float, interval: Interval, expected: float, spread: float, level: float) -> Smoothed:
    if interval.variance <= 0:  # all texts are coded: nothing is left to smooth
        return Smoothed(value, value, value)
    own = np.array([value]), np.array([interval.variance])
    from_others = np.array([expected]), np.array([spread])
    low, high = leaning_interval(*own, np.array([interval.freedom]), *from_others, level)
    return Smoothed(float(line(*own, *from_others)[0]), float(low[0]), float(high[0]))


class _Neighbourhood:
    """All corrected cells, and what those of other periods say about one of them."""

    def __init__(self, cells: Mapping[Key, Balance]) -> None:
        kept = {key: b for key, b in cells.items() if b.interval is not None and b.lam is not None}
        self.cells = kept
        names = sorted({group for group, _ in kept})
        self.number = {name: i for i, name in enumerate(names)}
        self._group = np.array([self.number[group] for group, _ in kept], dtype=np.int64)
        self._period = np.array([period for _, period in kept], dtype=np.int64)
        self._error = np.array([b.value - float(b.lam or 0.0) * b.model for b in kept.values()])
        self._variance = np.array([b.interval.variance if b.interval else np.nan for b in kept.values()])
        self._expected: dict[int, Expected] = {}

    def why_not(self, group: str, period: int) -> str | None:
        """Why a cell is not smoothed; None if it is."""
        if (group, period) not in self.cells:
            return f"the balance of {group} is not corrected"
        others = sum(1 for g, p in self.cells if g == group and p != period)
        if others < LEAST_NEIGHBOURS:
            return f"{group} has {others} corrected cells in other periods, {LEAST_NEIGHBOURS} are needed"
        return None

    def expected(self, period: int) -> Expected:
        """The errors of all groups in a period, from the other periods."""
        if period not in self._expected:
            o = self._period != period
            everyone = np.arange(len(self.number), dtype=np.int64)
            self._expected[period] = expect(
                self._error[o], self._variance[o], self._group[o], self._period[o], everyone, period
            )
        return self._expected[period]

    def model_part(self, group: str, period: int) -> float:
        """lam mean_N(f) of a cell."""
        own = self.cells[group, period]
        return float(own.lam or 0.0) * own.model


def smooth(cells: Mapping[Key, Balance], *, level: float = LEVEL) -> dict[Key, Smoothed]:
    """The smoothed balance of every cell that has one.

    cells: (group, number of the period) -> balance as measured by :mod:`pipeline.measure.balance`. Uncorrected ones
    lend nothing and come back as they are, with the reason; so does a cell whose group has fewer than two other
    corrected cells.
    """
    around = _Neighbourhood(cells)
    made = {}
    for (group, period), own in cells.items():
        why = around.why_not(group, period)
        if why is not None or own.interval is None:
            made[group, period] = Smoothed(own.value, why=why)
            continue
        i, found = around.number[group], around.expected(period)
        expected = around.model_part(group, period) + float(found.mean[i])
        made[group, period] = _lean(own.value, own.interval, expected, float(found.covariance[i, i]), level)
    return made


def smooth_gaps(
    cells: Mapping[Key, Balance], dyads: Iterable[tuple[str, str]], *, level: float = LEVEL
) -> dict[tuple[str, str, int], Smoothed]:
    """(A, B, period) -> smoothed gap, for every period in which both groups of a dyad have a cell.

    The gap and its t interval are those of :mod:`pipeline.measure.gap`; expected is the gap of the model parts plus
    the gap of the errors that the other periods suggest. Where a side is not corrected or has too few neighbours, the
    gap comes back as it is, with the reason.
    """
    around = _Neighbourhood(cells)
    made = {}
    for a, b in dyads:
        for period in sorted({p for g, p in cells if g == a} & {p for g, p in cells if g == b}):
            own = gap(cells[a, period], cells[b, period], level=level)
            why = around.why_not(a, period) or around.why_not(b, period)
            if why is not None or own.interval is None:
                made[a, b, period] = Smoothed(own.value, why=why)
                continue
            i, j, found = around.number[a], around.number[b], around.expected(period)
            expected = (
                around.model_part(a, period) - around.model_part(b, period) + float(found.mean[i] - found.mean[j])
            )
            c = found.covariance
            made[a, b, period] = _lean(own.value, own.interval, expected, float(c[i, i] + c[j, j] - 2 * c[i, j]), level)
    return made
