"""The reference of a dyad: what its model gap was, and how much it varied, before anything is watched.

A week's gap of model means m varies for two reasons: few texts (sampling variance V_f, known from their number) and
everything else that differs between weeks (sigma_u^2, estimated here). The textbook estimate max(0, s^2 - mean V_f)
lets the one week with two texts decide; this one solves ``sum (m - mu)^2 / (V_f + sigma_u^2) = n - 1`` (Paule & Mandel
1982), in which a week counts as far as it is known. Where all weeks have the same V_f both are the same number.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

Floats = NDArray[np.float64]

LEAST_AUTOCORRELATION = 0.3
"""Never less is assumed, however little the references show: slow waves hide beneath the noise of few texts."""
UPPER = 1.645
"""Normal quantile of a one-sided 95% limit."""
LEAST_PAIRS = 20
"""Pairs of neighbouring weeks, of all dyads together, below which no autocorrelation is estimated."""


@dataclass(frozen=True)
class Reference:
    """Level and variation of a dyad's model gap over its reference weeks."""

    first: int
    """index of the first week it uses"""
    last: int
    """index of the last week it uses, inclusive"""
    used: int
    """usable (not missing) weeks in it"""
    mean: float
    """mu, each week weighted by 1/(V_f + sigma_u^2)"""
    noise: float
    """mean V_f"""
    sigma_u: float
    """standard deviation of the weeks' true gaps about mu; 0 where the number of texts explains all variation"""


def usable(m: Floats, v: Floats) -> NDArray[np.bool_]:
    """True for weeks with a gap, shape (T,).

    Raises ValueError where m and v differ in length or in what is missing, and for a negative or infinite value.
    """
    if m.ndim != 1 or m.shape != v.shape:
        raise ValueError(f"m and v must be series of the same length, not {m.shape} and {v.shape}")
    there = ~np.isnan(m)
    if not np.array_equal(there, ~np.isnan(v)):
        raise ValueError("m and v must be missing in the same weeks")
    if not (np.isfinite(m[there]).all() and np.isfinite(v[there]).all()) or (v[there] < 0).any():
        raise ValueError("m must be finite, and v finite and not negative, in every week that is not missing")
    return there


def _between(m: Floats, v: Floats) -> float:
    """sigma_u^2 >= 0 with sum (m - mu)^2 / (v + sigma_u^2) = n - 1, mu weighted by 1/(v + sigma_u^2)."""
    highest = float(m.var(ddof=1))
    least = highest * 1e-12

    def excess(candidate: float) -> float:
        w = 1 / (v + candidate)
        mu = (w @ m) / w.sum()
        return float(w @ (m - mu) ** 2) - (len(m) - 1)

    # at s^2 the sum is at most n - 1: about the weighted mean it is least, and no denominator is below s^2
    if highest == 0 or excess(least) <= 0:
        return 0.0
    return highest if excess(highest) >= 0 else float(brentq(excess, least, highest, xtol=1e-15, rtol=1e-12))


def reference(m: Floats, v: Floats, *, length: int, start: int = 0) -> Reference | None:
    """The first ``length`` usable weeks from ``start``; None while there are fewer.

    m: shape (T,), lam * (mean f of A - mean f of B) per week, NaN where a side has no text.
    v: shape (T,), its sampling variance V_f, NaN likewise; 0 is allowed.

    Only a person moves a reference, by another ``start`` or ``length``; nothing here does.

    Raises ValueError for arrays that do not belong together, a length below 3, a start outside the series and a
    reference without any variation, for which nothing could be called a change.
    """
    m, v = np.asarray(m, dtype=float), np.asarray(v, dtype=float)
    there = usable(m, v)
    if length < 3:
        raise ValueError(f"a reference of {length} weeks has no variance to speak of; take 3 or more")
    if not 0 <= start <= len(m):
        raise ValueError(f"the reference starts at week {start} of a series of {len(m)} weeks")
    weeks = (start + np.flatnonzero(there[start:]))[:length]
    if len(weeks) < length:
        return None
    m, v = m[weeks], v[weeks]
    between = _between(m, v)
    if (v + between == 0).any():
        raise ValueError("the gap does not vary in the reference, so nothing can be compared with it")
    w = 1 / (v + between)
    return Reference(
        first=int(weeks[0]),
        last=int(weeks[-1]),
        used=length,
        mean=float((w @ m) / w.sum()),
        noise=float(v.mean()),
        sigma_u=between**0.5,
    )


def standardise(m: Floats, v: Floats, ref: Reference) -> Floats:
    """z = (m - mu) / sqrt(V_f + sigma_u^2), shape (T,), NaN where missing.

    Raises ValueError for arrays that do not belong together, and where that square root is 0.
    """
    m, v = np.asarray(m, dtype=float), np.asarray(v, dtype=float)
    usable(m, v)
    deviation = np.sqrt(v + ref.sigma_u**2)
    if (deviation == 0).any():
        raise ValueError("a week has sampling variance 0 and the reference says weeks do not differ: z has no meaning")
    return np.asarray((m - ref.mean) / deviation)


def pooled_autocorrelation(series: Sequence[Floats], *, least: float = LEAST_AUTOCORRELATION) -> float:
    """Upper 95% limit of the autocorrelation from one week to the next, pooled over dyads; never below ``least``.

    series: of each dyad the z of its reference, shape (T_i,), NaN where missing. Entry t of each should be the same
    week: dyads that share a group move together, and are not counted as independent then.

    r = sum e_t e_(t-1) / sum e_(t-1)^2 over all pairs of neighbouring weeks, e = z less the dyad's mean. A mean that
    is estimated too draws r down by (1 + 3 rho)/T (Kendall 1954), which is added back. The standard error is the
    larger of sqrt((1 - rho^2)/pairs) and the one clustered by week. One rho for all dyads is an assumption.

    Raises ValueError with fewer than twenty pairs, or residuals without variation.
    """
    width = max((len(z) for z in series), default=0)
    score, square = np.zeros((2, max(0, width - 1)))
    pairs, dyads = 0, 0
    centred = []
    for z in series:
        e = np.asarray(z, dtype=float)
        if np.isnan(e).all():
            continue
        e = e - np.nanmean(e)
        both = ~np.isnan(e[1:]) & ~np.isnan(e[:-1])
        if both.any():
            pairs, dyads = pairs + int(both.sum()), dyads + 1
            centred.append((np.flatnonzero(both), e[:-1][both], e[1:][both]))
    if pairs < LEAST_PAIRS:
        raise ValueError(f"{pairs} pairs of neighbouring weeks, {LEAST_PAIRS} are needed for an autocorrelation")
    for weeks, before, _ in centred:
        square[weeks] += before**2
    total = float(square.sum())
    if total == 0:
        raise ValueError("the gaps do not vary in the references, so they have no autocorrelation")
    raw = sum(float(before @ after) for _, before, after in centred) / total
    share = dyads / pairs  # 1 / mean number of pairs
    if 3 * share >= 1:
        raise ValueError(
            f"{pairs} pairs of neighbouring weeks in {dyads} dyads: too short stretches for an autocorrelation"
        )
    stretch = 1 / (1 - 3 * share)
    rho = (raw + share) * stretch
    for weeks, before, after in centred:
        score[weeks] += before * (after - raw * before)
    clustered = float((score**2).sum()) ** 0.5 / total
    plain = float(max(0.0, (1 - rho**2) / pairs)) ** 0.5
    return float(max(least, rho + UPPER * stretch * max(plain, clustered)))
