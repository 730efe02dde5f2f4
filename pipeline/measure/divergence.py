"""How far the coded values of two groups lie apart: squared distance and Jensen-Shannon divergence, less their bias.

The gap says in which direction two groups differ; these say how much their *mix of values* differs, also where the gap
is 0 (one group all "neither", the other half nationalist and half universalist). Sampling alone makes two samples of
one mix look different, so the plain distance of shares is never 0; both figures here take that part off.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from pipeline.measure.balance import LEAST_CODINGS, LEVEL, NO_VARIANCE, Floats

LEAST_EFFECTIVE = 200
"""Effective codings on each side from which Jensen-Shannon divergence is computed."""
FARTHEST = 2.0
"""Squared distance of two groups of which each always says one value, and not the same."""


class DivergenceError(ValueError):
    """The figure can't be made of these codings; says why."""


@dataclass(frozen=True)
class Shares:
    """The shares of K values among one side's coded texts, and how much chance is in them."""

    share: Floats
    """shape (K,), sums to 1"""
    covariance: Floats
    """shape (K, K), unbiased, of ``share``; 0 where all texts are coded"""
    cautious: Floats
    """shape (K, K), the same with one text of each value added: never 0 because a small sample happens to agree"""
    codings: int
    """coded texts"""
    effective: float
    """Kish's effective number: the equal-chance sample of the same precision"""


def _cautious(spread: Floats, share: Floats, effective: float) -> Floats:
    """Spread of the values, shape (K, K), after one text of each value is added to ``effective`` ones.

    The law of total variance for the mixture of the sample and of K texts, one of each value (Agresti & Caffo 2000 do
    this for two values).
    """
    many = len(share)
    even = np.full(many, 1 / many)
    weight = effective / (effective + many)
    apart = share - even
    mixed: Floats = weight * spread + (1 - weight) * (np.diag(even) - np.outer(even, even))
    return mixed + weight * (1 - weight) * np.outer(apart, apart)


def shares(values: npt.ArrayLike, *, total: int | None = None, pi: npt.ArrayLike | None = None) -> Shares:
    """Shares of the values among the coded texts of one side.

    values: shape (n, K), one row per text, nonnegative, each row sums to 1: a 1 at the value coded, or parts of 1 where
    coders disagree.
    total: N, the texts of the cell of which these were drawn; None: not known, or the question is about the process
    that made the texts.
    pi: shape (n,), inclusion probability of each text, in (0, 1]; None or all the same: equal draws.

    Equal draws: covariance = (1 - n/N) S/n with S the covariance of the rows. Unequal draws, w = 1/pi:
    n/(n-1) sum((1-pi) w^2 (x-p)(x-p)')/sum(w)^2, as for the balance (``balance.balance``); ``total`` is then not
    needed, because pi says it. Effective number: sum(w)^2/sum(w^2) (Kish 1965).

    Raises DivergenceError below five texts, ValueError for arrays that can't be right.
    """
    x = np.asarray(values, dtype=float)
    if x.ndim != 2 or x.shape[1] < 2:
        raise ValueError(f"values: one row per text and one column per value are needed, not shape {x.shape}")
    if not np.all(x >= 0) or not np.allclose(x.sum(axis=1), 1.0):
        raise ValueError("values: every row needs shares that are not negative and sum to 1")
    n = len(x)
    _check_number(n, total)
    chance = np.ones(n) if pi is None else np.asarray(pi, dtype=float)
    _check_chance(chance, n)
    if np.allclose(chance, chance[0], rtol=1e-6, atol=0):
        drawn = n / total if total is not None else 0.0 if pi is None else float(chance[0])
        share = x.mean(axis=0)
        spread = (x - share).T @ (x - share) / (n - 1)
        left = (1 - drawn) / n
        return Shares(share, left * spread, left * _cautious(spread, share, n), n, float(n))
    w = 1 / chance
    share = w @ x / w.sum()
    each = (1 - chance) * w**2 / w.sum() ** 2
    covariance = n / (n - 1) * ((x - share) * each[:, None]).T @ (x - share)
    effective = float(w.sum() ** 2 / (w**2).sum())
    factor = float(each.sum())
    # what the draws add is spread over the texts as the weights say; the added texts come with the mean factor
    spread = covariance / factor if factor > NO_VARIANCE else np.zeros_like(covariance)
    return Shares(share, covariance, factor * _cautious(spread, share, effective), n, effective)


def shares_of_counts(counts: npt.ArrayLike, *, total: int | None = None) -> Shares:
    """The same of counts, shape (K,): how many texts, drawn with equal chance, were coded each value."""
    number = np.asarray(counts)
    if number.ndim != 1 or len(number) < 2 or not np.all(number >= 0) or not np.all(number == np.round(number)):
        raise ValueError("counts: a whole number of texts, not negative, for each of two or more values is needed")
    n = int(number.sum())
    _check_number(n, total)
    share = number / n
    spread = n / (n - 1) * (np.diag(share) - np.outer(share, share))
    left = (1.0 if total is None else 1 - n / total) / n
    return Shares(share, left * spread, left * _cautious(spread, share, n), n, float(n))


def _check_number(n: int, total: int | None) -> None:
    if n < LEAST_CODINGS:
        raise DivergenceError(f"{n} codings on one side, {LEAST_CODINGS} are needed")
    if total is not None and total < n:
        raise ValueError(f"{n} texts can't be drawn from {total}")


def _check_chance(chance: Floats, n: int) -> None:
    if chance.shape != (n,) or not np.all((chance > 0) & (chance <= 1)):
        raise ValueError("pi: every coded text needs an inclusion probability in (0, 1]")


def _check_pair(a: Shares, b: Shares) -> None:
    if len(a.share) != len(b.share):
        raise ValueError(f"the sides have {len(a.share)} and {len(b.share)} values; they need the same ones")


@dataclass(frozen=True)
class SquaredDistance:
    """Squared distance of two sides' shares; 0: the same mix, 2: nothing in common."""

    value: float
    """Q: unbiased, so it may be negative, which says that no distance is seen"""
    plain: float
    """sum of squared differences of the shares, with what chance adds"""
    low: float
    high: float
    """interval of the squared distance, in [0, 2]; its coverage is at least the level"""
    codings: tuple[int, int]
    """coded texts of A and B"""


def squared_distance(a: Shares, b: Shares, *, level: float = LEVEL) -> SquaredDistance:
    """Q = sum_k[(p_Ak - p_Bk)^2 - V_k], V_k = V_Ak + V_Bk the unbiased variance of the difference of shares.

    E (p_A - p_B)^2 is the squared true difference plus the variance, so Q is unbiased, whatever the numbers. With N
    known it speaks of the texts of the two cells, with N unknown of what made them.

    Interval: with d the difference seen and delta the true one, | |d| - |delta| | <= |d - delta| (triangle inequality).
    |d - delta|^2 is a weighted sum of chi-squares; r^2 is its ``level`` quantile by two moments (Box 1954), with the
    covariance estimated: tr(S) F(b, m), b = tr(S)^2/tr(S^2), S the cautious covariance, m = n_A + n_B - 2 (effective
    numbers). So [(|d| - r)+^2, (|d| + r)^2] covers |delta|^2 with at least ``level``, also at delta = 0, where a
    normal interval around Q would fail: there Q is skewed. The price is width: away from 0 it covers more than it says.

    Raises ValueError where the sides have different values.
    """
    _check_pair(a, b)
    difference = a.share - b.share
    plain = float(difference @ difference)
    value = plain - float(np.trace(a.covariance + b.covariance))
    radius = _radius(a.cautious + b.cautious, a.effective + b.effective - 2, level)
    seen = plain**0.5
    low, high = max(0.0, seen - radius) ** 2, min(FARTHEST, (seen + radius) ** 2)
    return SquaredDistance(value, plain, low, high, (a.codings, b.codings))


def _radius(covariance: Floats, freedom: float, level: float) -> float:
    trace, square = float(np.trace(covariance)), float((covariance**2).sum())
    if trace < NO_VARIANCE:
        return 0.0
    # an effective number can fall to 1 a side, where no variance is known
    return float((trace * stats.f.ppf(level, trace**2 / square, max(freedom, 1.0))) ** 0.5)


@dataclass(frozen=True)
class JensenShannon:
    """Jensen-Shannon divergence of two sides' shares, in nats, from 0 to ln 2; not its root."""

    value: float
    """less its bias; may be slightly negative, which says that no divergence is seen"""
    plain: float
    bias: float
    """what sampling alone adds, already taken off"""
    effective: tuple[float, float]
    """effective codings of A and B"""


def jensen_shannon(a: Shares, b: Shares) -> JensenShannon:
    """JSD = H((p_A + p_B)/2) - (H(p_A) + H(p_B))/2 in nats (Lin 1991), less its bias.

    Bias to second order: an entropy of estimated shares is too low by sum_k V_k/(2 p_k) (Miller 1955); so JSD is too
    high by sum_k [V_Ak/p_Ak + V_Bk/p_Bk]/4 - sum_k (V_Ak + V_Bk)/(4 (p_Ak + p_Bk)). For equal shares and draws that is
    (K - 1)(1/n_A + 1/n_B)/8. Values that occur on one side only count fully; values that occur on neither do not.

    Raises DivergenceError below 200 effective codings on either side: there what is left of the bias, and the noise,
    are as large as divergences of interest.
    """
    _check_pair(a, b)
    least = min(a.effective, b.effective)
    if least < LEAST_EFFECTIVE:
        raise DivergenceError(
            f"{least:.0f} effective codings on one side, {LEAST_EFFECTIVE} on each are needed for Jensen-Shannon "
            "divergence; the squared distance can be computed from five"
        )
    middle = (a.share + b.share) / 2
    plain = _entropy(middle) - (_entropy(a.share) + _entropy(b.share)) / 2
    var_a, var_b = np.diag(a.covariance), np.diag(b.covariance)
    bias = (_over(var_a, a.share) + _over(var_b, b.share)) / 4 - _over(var_a + var_b, middle) / 8
    return JensenShannon(plain - bias, plain, bias, (a.effective, b.effective))


def _entropy(share: Floats) -> float:
    seen = share[share > 0]
    return float(-(seen * np.log(seen)).sum())


def _over(variance: Floats, share: Floats) -> float:
    seen = share > 0
    return float((variance[seen] / share[seen]).sum())
