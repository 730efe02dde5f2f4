"""The series an alarm runs on: the model's gap of two groups in every week or month, and how much of it is chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.measure.balance import Bools, Floats
from pipeline.monitor.periods import Span


@dataclass(frozen=True)
class GroupSeries:
    """A group in the periods of a monitor, in order. Arrays of shape (T,)."""

    texts: Floats
    """different framed texts of the period"""
    mean: Floats
    """the model's mean balance of them; NaN without texts"""
    variance: Floats
    """sample variance of the model's balance among them; NaN with fewer than two"""


@dataclass(frozen=True)
class DyadSeries:
    """m = lam (mean f_A - mean f_B) and V_f, the variance that comes of how few texts there were. Shape (T,)."""

    spans: Sequence[Span]
    m: Floats
    """NaN where one of the groups has no framed text"""
    v: Floats
    lam: float

    @property
    def usable(self) -> Bools:
        """Periods in which both groups have framed texts."""
        return ~np.isnan(self.m)

    def missing_runs(self) -> list[int]:
        """Of each period, how many in a row up to and including it are not usable."""
        runs, run = [], 0
        for usable in self.usable.tolist():
            run = 0 if usable else run + 1
            runs.append(run)
        return runs


def _within(group: GroupSeries, chosen: Bools) -> float:
    """Variance of single texts about their period's mean, pooled over the chosen periods; NaN: no two are in one."""
    several = chosen & (group.texts >= 2)
    freedom = float((group.texts[several] - 1).sum())
    return float(((group.texts[several] - 1) * group.variance[several]).sum()) / freedom if freedom else float("nan")


def dyad_series(
    a: GroupSeries, b: GroupSeries, spans: Sequence[Span], *, lam: float, length: int, start: int = 0
) -> DyadSeries:
    """The series of a dyad.

    V_f = lam^2 (S_A^2/N_A + S_B^2/N_B), where S^2 is the variance of single texts about their period's mean, pooled
    over the first ``length`` usable periods from ``start``: the reference, so nothing of the present enters it. One
    period alone has too few texts to estimate it. lam: how far the model is trusted, in (0, 1].

    Raises ValueError where a group never has two texts in one period of the reference: chance can't be told then.
    """
    if not 0 < lam <= 1:
        raise ValueError(f"lam is {lam:g}; a model that is not trusted at all raises no alarm")
    usable = (a.texts > 0) & (b.texts > 0)
    if not usable[start:].any():
        nothing = np.full(len(usable), np.nan)
        return DyadSeries(spans, nothing, nothing, lam)
    first = np.flatnonzero(usable[start:])[:length] + start
    chosen = np.zeros(len(usable), dtype=bool)
    chosen[first] = True
    single = [_within(group, chosen) for group in (a, b)]
    if len(first) and np.isnan(single).any():
        raise ValueError("a group has never two texts in one period of the reference: how much is chance can't be told")
    with np.errstate(divide="ignore", invalid="ignore"):
        m = np.where(usable, lam * (a.mean - b.mean), np.nan)
        v = np.where(usable, lam**2 * (single[0] / a.texts + single[1] / b.texts), np.nan)
    return DyadSeries(spans, m, v, lam)
