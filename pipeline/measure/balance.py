"""The balance of a cell, corrected by texts that people coded at random, with an interval that covers.

The estimator is prediction-powered inference (Angelopoulos et al. 2023, arXiv 2301.09633) for a finite population:
the drawn texts lie inside the N whose mean is wanted, so what the model already says of all N carries no sampling
error of its own. Two things are borrowed from the other cells, because a cell with 5 to 40 codings can't estimate
them: how far the model is trusted (lam) and ten degrees of freedom of the residual variance. Nothing is borrowed
about the *level*: an error of the model that is peculiar to this cell is corrected by this cell's own codings.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

LEAST_CODINGS = 5
"""With fewer random codings a cell is not corrected."""
PRIOR_FREEDOM = 10
"""Degrees of freedom the residual variance borrows from the other cells."""
LEVEL = 0.95
NO_VARIANCE = 1e-12
"""A variance below this is rounding, not variation."""


@dataclass(frozen=True)
class Moments:
    """Sums of squares of a cell's coded texts about the cell's own means."""

    n: int
    """coded texts"""
    yy: float
    yf: float
    ff: float


@dataclass(frozen=True)
class Borrowed:
    """What a cell takes from the other cells."""

    lam: float = 0.0
    """how far the model is trusted, in [0, 1]"""
    s2: float = 0.0
    """mean residual variance of the other cells"""
    freedom: int = 0
    """degrees of freedom lent with it, 0 to 10"""


@dataclass(frozen=True)
class Interval:
    """A t interval, with what it was made of."""

    low: float
    high: float
    variance: float
    freedom: float
    """degrees of freedom"""
    borrowed: int = 0
    """how many of them are borrowed from other cells"""


@dataclass(frozen=True)
class Balance:
    """The balance of one cell. Without interval it is not corrected: the model's mean, and why."""

    value: float
    """corrected balance, which can pass +-1 by chance; uncorrected: the model's mean"""
    model: float
    """the model's plain mean over all texts"""
    coded: int
    """texts drawn at random and coded, in the estimate"""
    late: int = 0
    """texts that arrived at a time that codings do not speak for and are not in the estimate"""
    lam: float | None = None
    interval: Interval | None = None
    why: str | None = None
    """why it is not corrected"""
    borrowed: Borrowed | None = field(default=None, compare=False)
    """what the other cells lent, where somebody wants to reckon it again"""


def moments(f: Floats, y: Floats) -> Moments:
    """Moments of coded texts. ``f``, ``y``: shape (n,), the model's and the coders' balance."""
    f, y = f - f.mean() if len(f) else f, y - y.mean() if len(y) else y
    # no dot products: of ten thousand texts they depend on how many threads the linear algebra may use
    return Moments(len(y), *(float(np.add.reduce(product)) for product in (y * y, y * f, f * f)))


def borrow(others: Sequence[Moments]) -> Borrowed:
    """What the other cells lend: lam = Cov(y, f) / Var(f) pooled within cells, clipped to [0, 1]; the mean of their
    residual variances under that lam; and up to ten degrees of freedom.

    Cells with fewer than two codings lend nothing. Never more degrees of freedom are lent than the others have: with
    ten or more (the usual case) the formulas of the design hold as they stand; with none the cell is on its own,
    lam is 0 and the estimate is the mean of its codings with n - 1 degrees of freedom. A model that gives every text
    the same balance explains nothing: lam is 0.
    """
    lenders = [m for m in others if m.n >= 2]
    if not lenders:
        return Borrowed()
    ff = sum(m.ff for m in lenders)
    lam = min(1.0, max(0.0, sum(m.yf for m in lenders) / ff)) if ff > NO_VARIANCE else 0.0
    residuals = [max(0.0, m.yy - 2 * lam * m.yf + lam * lam * m.ff) / (m.n - 1) for m in lenders]
    return Borrowed(lam, float(np.mean(residuals)), min(PRIOR_FREEDOM, sum(m.n - 1 for m in lenders)))


def half_width(variance: float, freedom: float, level: float = LEVEL) -> float:
    """Half the width of the t interval."""
    return float(stdtrit(freedom, (1 + level) / 2)) * float(np.sqrt(variance))


def t_interval(value: float, variance: float, freedom: float, borrowed: int, level: float = LEVEL) -> Interval:
    """The t interval about ``value``; not clipped, so that it can be recomputed from what it holds."""
    half = half_width(variance, freedom, level)
    return Interval(value - half, value + half, variance, freedom, borrowed)


def _uncorrected(f: Floats, coded: int, late: int, why: str) -> Balance:
    mean = float(f.mean())
    return Balance(value=mean, model=mean, coded=coded, late=late, why=why)


def _stratum(f: Floats, y: Floats, pi: Floats, borrowed: Borrowed, level: float) -> Balance:
    """The estimate of texts that all were there when the sample was drawn. Arrays of shape (N,)."""
    drawn = ~np.isnan(y)
    n, total = int(drawn.sum()), len(f)
    if n < LEAST_CODINGS:
        return _uncorrected(f, n, 0, f"{n} random codings, {LEAST_CODINGS} are needed")
    lam = borrowed.lam
    e, chance = y[drawn] - lam * f[drawn], pi[drawn]
    if np.allclose(chance, chance[0], rtol=1e-6, atol=0):
        rectifier = float(e.mean())
        prior = borrowed.freedom
        freedom: float = n - 1 + prior
        s2 = (float(((e - rectifier) ** 2).sum()) + prior * borrowed.s2) / freedom
        if s2 < NO_VARIANCE and n < total:
            return _uncorrected(f, n, 0, "the codings do not vary, so no interval can be built on them")
        variance = (1 - n / total) * s2 / n
    else:
        # Hajek's ratio estimator. Its variance alone is too small with few codings, and weights make them fewer still:
        # it is pooled with the other cells' like the one above, and equals it where all weights are equal.
        w = 1 / chance
        rectifier = float((w * e).sum() / w.sum())
        part = (1 - chance) * w**2 / float(w.sum()) ** 2
        effective = float(w.sum()) ** 2 / float((w**2).sum())
        own = n / (n - 1) * float((part * (e - rectifier) ** 2).sum())
        prior = borrowed.freedom
        freedom = effective - 1 + prior
        if freedom < 1:
            return _uncorrected(f, n, 0, f"the weights are so unequal that {effective:.1f} codings are left in effect")
        variance = ((effective - 1) * own + prior * borrowed.s2 * float(part.sum())) / freedom
        if variance < NO_VARIANCE and n < total:
            return _uncorrected(f, n, 0, "the codings do not vary, so no interval can be built on them")
    value = lam * float(f.mean()) + rectifier
    return Balance(value, float(f.mean()), n, lam=lam, interval=t_interval(value, variance, freedom, prior, level))


def balance(
    f: Floats,
    y: Floats,
    borrowed: Borrowed,
    *,
    pi: Floats | None = None,
    late: Bools | None = None,
    level: float = LEVEL,
) -> Balance:
    """The balance of a cell and its t interval.

    f: shape (N,), the model's balance of every text cluster, in [-1, 1].
    y: shape (N,), the coders' balance of those drawn at random and coded; NaN elsewhere.
    borrowed: what the *other* cells lend, see :func:`borrow`.
    pi: shape (N,), inclusion probability of the coded ones (NaN elsewhere); None or all the same: equal draws.
    late: shape (N,), True for texts that came after the sample was drawn.

    Equal draws, with e = y - lam f:
    b = lam mean_N(f) + mean_n(e); S2 = ((n-1) s_e^2 + 10 s_bar^2)/(n+9); V = (1 - n/N) S2/n; t with n+9.
    Unequal draws, with w = 1/pi, D = sum(w e)/sum(w), m = (sum w)^2/sum w^2 (Kish's effective number of codings):
    b = lam mean_N(f) + D; V_own = n/(n-1) sum((1-pi) w^2 (e-D)^2)/sum(w)^2, V_0 = s_bar^2 sum((1-pi) w^2)/sum(w)^2;
    V = ((m-1) V_own + 10 V_0)/(m+9); t with m+9. (V_own alone with n-1 covers .92 to .94.)

    Fewer than five codings: the model's mean, no interval, and why. Late texts form a stratum of their own, weighted
    by their number; while fewer than five of them are coded the estimate speaks of the texts that were there to be
    drawn, and ``late`` counts the others. All N coded: the mean of the codings, an interval of width 0. The interval
    is not clipped to [-1, 1], so that it can be recomputed from variance and degrees of freedom.

    Raises ValueError for an empty cell and for arrays that do not belong together.
    """
    f, y = np.asarray(f, dtype=float), np.asarray(y, dtype=float)
    if not len(f):
        raise ValueError("a cell without texts has no balance; say why it is empty instead")
    pi = np.where(np.isnan(y), np.nan, 0.5) if pi is None else np.asarray(pi, dtype=float)
    late = np.zeros(len(f), dtype=bool) if late is None else np.asarray(late, dtype=bool)
    if not len(f) == len(y) == len(pi) == len(late):
        raise ValueError(f"f, y, pi and late differ in length: {len(f)}, {len(y)}, {len(pi)}, {len(late)}")
    chance = pi[~np.isnan(y)]
    if not np.all((chance > 0) & (chance <= 1)):
        raise ValueError("every coded text needs an inclusion probability in (0, 1]")
    if np.isnan(f).any():
        raise ValueError("every text needs a model balance; leave out what is not framed")
    coded, count = int((~np.isnan(y)).sum()), int(late.sum())
    if count == len(f):
        return _uncorrected(f, coded, count, "every text arrived after the sample was drawn")
    before = _stratum(f[~late], y[~late], pi[~late], borrowed, level)
    if before.interval is None:
        # The model speaks of all texts, so all are meant and none is left out.
        return _uncorrected(f, coded, 0, str(before.why))
    model = float(f.mean())
    if not count:
        return before
    after = _stratum(f[late], y[late], pi[late], borrowed, level)
    if after.interval is None:
        return replace(before, model=model, late=count)
    share = count / len(f)
    value = (1 - share) * before.value + share * after.value
    interval = t_interval(
        value,
        (1 - share) ** 2 * before.interval.variance + share**2 * after.interval.variance,
        *added_freedom(before.interval, after.interval),
        level,
    )
    return Balance(value, model, coded, lam=before.lam, interval=interval)


def added_freedom(a: Interval, b: Interval) -> tuple[float, int]:
    """Degrees of freedom of a sum of two estimates, and how many of them are borrowed.

    Each one's own, and what both borrowed, counted once. An estimate without variance (all its texts are coded) adds
    none: the uncertainty of the sum is the other's alone.
    """
    uncertain = [side for side in (a, b) if side.variance > 0] or [a, b]
    shared = min(side.borrowed for side in uncertain)
    return sum(side.freedom - side.borrowed for side in uncertain) + shared, shared
