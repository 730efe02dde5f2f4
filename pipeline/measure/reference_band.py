"""What the gap usually was: the band that a chart draws over a dyad's reference and from there on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev

LEAST_PERIODS = 3
"""Periods of the reference below which nothing usual can be told."""


@dataclass(frozen=True)
class Usual:
    """Level of the gap in the reference and the standard deviation of one period about it."""

    mean: float
    deviation: float
    periods: int | None = None
    """of how many it was taken; null: as the alarm has it, see docs/alarms.md"""


def of_alarm(lam: float | None, mean: float | None, sigma_u: float | None, noise: float | None) -> Usual | None:
    """The reference of an alarm on the scale of the page's uncorrected gap: mu/lam and sqrt(sigma_u^2 + mean V_f)/lam.

    The alarm runs on lam times that gap. None where it has no reference.
    """
    if lam is None or mean is None or sigma_u is None or noise is None or lam <= 0:
        return None
    return Usual(mean / lam, (sigma_u**2 + noise) ** 0.5 / lam)


def of_gaps(values: Sequence[float]) -> Usual | None:
    """The same from the gaps of a reference's periods themselves: their mean and standard deviation (n - 1).

    For kinds of period on which no alarm runs. None with fewer than three.
    """
    if len(values) < LEAST_PERIODS:
        return None
    return Usual(fmean(values), stdev(values), len(values))
