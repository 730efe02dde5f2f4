"""The gap of a dyad in one period: balance of A minus balance of B."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.measure.balance import LEVEL, Balance, Interval, added_freedom, t_interval


@dataclass(frozen=True)
class Gap:
    """Balance of A minus balance of B, in [-2, 2] up to chance. Without interval it is not corrected."""

    value: float
    interval: Interval | None = None


def gap(a: Balance, b: Balance, *, level: float = LEVEL) -> Gap:
    """D = b_A - b_B with variance V_A + V_B and a t interval with n_A + n_B + 8 degrees of freedom.

    Those are each side's own n - 1 and the ten that both borrow from the same other cells, counted once; where a side
    borrowed fewer, the smaller number counts. A side of which every text is coded has no variance, and adds no degrees
    of freedom. Where either side is not corrected the gap is the difference of the two
    model means, without interval: a corrected balance less an uncorrected one would carry the model's error once.
    """
    if a.interval is None or b.interval is None:
        return Gap(a.model - b.model)
    value, variance = a.value - b.value, a.interval.variance + b.interval.variance
    return Gap(value, t_interval(value, variance, *added_freedom(a.interval, b.interval), level))
