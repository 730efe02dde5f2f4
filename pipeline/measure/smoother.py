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

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import product
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtri, stdtrit

from pipeline.measure.balance import LEVEL, Balance, Floats
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


_GRID = np.array([s for s in product(GROUP_SPREADS, CELL_SPREADS, DECAYS) if s[0] > 0 or s[2] == DECAYS[0]])
"""(g, s, d) of every prior that is tried, shape (p, 3); a group without an error of its own needs no second d"""


def _products(error: Floats, variance: Floats, period: Ints, when: int) -> tuple[Floats, Floats]:
    """What the cells of one group say by themselves, for every prior: products of the columns [r, 1, k] by K^-1.

    error, variance: shape (..., m). K is the covariance of the group's errors given the common level, k theirs with its
    error in period ``when``. Returns the products, shape (p, ..., 3, 3), and log det K, shape (p, ...).
    """
    count, lead = len(period), (1,) * (error.ndim - 1)
    g, s, d = _GRID.T[:, :, None]
    apart = np.abs(period[:, None] - period[None, :])
    which = np.array([DECAYS.index(decay) for decay in _GRID[:, 2]])
    fading = np.array([decay**apart for decay in DECAYS])[which]
    own = g[..., None] ** 2 * fading + s[..., None] ** 2 * (apart == 0)
    total = own.reshape(-1, *lead, count, count) + variance[..., :, None] * np.eye(count)
    towards = (g**2 * d ** np.abs(period - when)).reshape(-1, *lead, count)
    root = np.linalg.cholesky(total)
    columns = np.stack(np.broadcast_arrays(error, np.ones(count), towards), axis=-1)
    solved = np.linalg.solve(root, columns)
    log_det = 2 * np.log(np.diagonal(root, axis1=-2, axis2=-1)).sum(axis=-1)
    return np.swapaxes(solved, -1, -2) @ solved, log_det


def expect(error: Floats, variance: Floats, group: Ints, period: Ints, wanted: Ints, when: int) -> Expected:
    """The errors of the groups ``wanted`` in period ``when``, as far as the given cells tell.

    error, variance: shape (..., n), r = b - lam mean_N(f) of each neighbour and its sampling variance V. group, period:
    shape (n,), numbers. wanted: shape (k,). Leading axes are independent data sets of one design.

    r_it = c + u_i(t) + w_it + sampling error, normal, with Var c = 1, Cov(u_i(s), u_i(t)) = g^2 d^|s - t| and
    Var w = s^2. For each (g, s, d) of a grid the mean and covariance given the neighbours (kriging); then all of them
    averaged with weights proportional to their likelihood, the spread of their means added to the covariance.

    Given c the groups are independent, so each is solved by itself: with q = sum_i 1'K_i^-1 1, z = sum_i 1'K_i^-1 r_i
    the level c has mean z/(q + 1) and variance 1/(q + 1), and the covariance of all cells the determinant
    (q + 1) prod_i |K_i|. The cost is the sum over groups of the cube of their cells.

    Raises ValueError when cells of the wanted period are among the neighbours: the interval covers only if what it
    leans on knows nothing of the codings it is made of.
    """
    if not len(group):
        raise ValueError("without neighbours nothing is expected")
    if (period == when).any():
        raise ValueError("a cell of the wanted period is no neighbour")
    names = np.unique(group)
    parts = [_products(error[..., o], variance[..., o], period[o], when) for o in (group == name for name in names)]
    silent = np.zeros_like(parts[0][0])  # of a wanted group without a cell: only the common level is known
    each = np.stack([*(products for products, _ in parts), silent], axis=-3)
    together = each.sum(axis=-3)
    precision = LEVEL_SPREAD**-2 + together[..., 1, 1]
    level = together[..., 0, 1] / precision
    log_det = np.log(precision) + sum(part for _, part in parts)
    log_weights = -0.5 * (together[..., 0, 0] - level * together[..., 0, 1] + log_det)
    weights = np.exp(log_weights - log_weights.max(axis=0))
    weights /= weights.sum(axis=0)
    place = np.where(np.isin(wanted, names), np.searchsorted(names, wanted), len(names))
    own = each[..., place, :, :]
    alone = (_GRID[:, 0] ** 2 + _GRID[:, 1] ** 2).reshape(-1, *(1,) * error.ndim)
    follows = 1 - own[..., 2, 1]
    means = own[..., 2, 0] + follows * level[..., None]
    same = wanted[:, None] == wanted[None, :]
    left = same * (alone - own[..., 2, 2])[..., None]
    covariances = left + follows[..., :, None] * follows[..., None, :] / precision[..., None, None]
    mean = (weights[..., None] * means).sum(axis=0)
    off = means - mean
    spread = covariances + off[..., :, None] * off[..., None, :]
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


class _Own(NamedTuple):
    """A corrected balance or gap, and what the neighbours expect of it."""

    value: float
    variance: float
    freedom: float
    expected: float
    spread: float


K = TypeVar("K")


def _lean(asked: Mapping[K, _Own], level: float) -> dict[K, Smoothed]:
    """All of them at once: a thousand take hardly longer than one."""
    made = {key: Smoothed(own.value, own.value, own.value) for key, own in asked.items()}
    # where all texts are coded nothing is left to smooth
    wide = {key: own for key, own in asked.items() if own.variance > 0}
    if wide:
        value, variance, freedom, expected, spread = np.array(list(wide.values())).T
        low, high = leaning_interval(value, variance, freedom, expected, spread, level)
        drawn = line(value, variance, expected, spread)
        for key, *ends in zip(wide, drawn.tolist(), low.tolist(), high.tolist(), strict=True):
            made[key] = Smoothed(*ends)
    return made


class _Neighbourhood:
    """All corrected cells, and what those of other periods say about one of them."""

    def __init__(self, cells: Mapping[Key, Balance]) -> None:
        # of a cell with late texts the model's mean is of all, and the balance of those in time: they tell no error
        self._late = {key: b.late for key, b in cells.items() if b.late}
        kept = {k: b for k, b in cells.items() if b.interval is not None and b.lam is not None and not b.late}
        self.cells = kept
        names = sorted({group for group, _ in kept})
        self.number = {name: i for i, name in enumerate(names)}
        self._count = Counter(group for group, _ in kept)
        self._group = np.array([self.number[group] for group, _ in kept], dtype=np.int64)
        self._period = np.array([period for _, period in kept], dtype=np.int64)
        self._error = np.array([b.value - float(b.lam or 0.0) * b.model for b in kept.values()])
        self._variance = np.array([b.interval.variance if b.interval else np.nan for b in kept.values()])
        self._expected: dict[int, Expected] = {}

    def why_not(self, group: str, period: int) -> str | None:
        """Why a cell is not smoothed; None if it is."""
        if late := self._late.get((group, period)):
            return f"{late} texts of {group} are late, and in no corrected balance"
        if (group, period) not in self.cells:
            return f"the balance of {group} is not corrected"
        others = self._count[group] - 1
        if others < LEAST_NEIGHBOURS:
            return f"{group} is corrected in {others} other period{'s' * (others != 1)}, {LEAST_NEIGHBOURS} are needed"
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
    made: dict[Key, Smoothed] = {}
    asked: dict[Key, _Own] = {}
    for (group, period), own in cells.items():
        why = around.why_not(group, period)
        if why is not None or own.interval is None:
            made[group, period] = Smoothed(own.value, why=why)
            continue
        i, found = around.number[group], around.expected(period)
        expected = around.model_part(group, period) + float(found.mean[i])
        of = own.interval
        asked[group, period] = _Own(own.value, of.variance, of.freedom, expected, float(found.covariance[i, i]))
    return made | _lean(asked, level)


def smooth_gaps(
    cells: Mapping[Key, Balance], dyads: Iterable[tuple[str, str]], *, level: float = LEVEL
) -> dict[tuple[str, str, int], Smoothed]:
    """(A, B, period) -> smoothed gap, for every period in which both groups of a dyad have a cell.

    The gap and its t interval are those of :mod:`pipeline.measure.gap`; expected is the gap of the model parts plus
    the gap of the errors that the other periods suggest. Where a side is not corrected or has too few neighbours, the
    gap comes back as it is, with the reason.
    """
    around = _Neighbourhood(cells)
    made: dict[tuple[str, str, int], Smoothed] = {}
    asked: dict[tuple[str, str, int], _Own] = {}
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
            c, of = found.covariance, own.interval
            spread = float(c[i, i] + c[j, j] - 2 * c[i, j])
            asked[a, b, period] = _Own(own.value, of.variance, of.freedom, expected, spread)
    return made | _lean(asked, level)
