"""The state of a dyad in a period. One place decides, and says why in words.

Until alarms and their confirmation are computed no state but "not enough evidence" can be claimed, so none is.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.monitor import Period

NOT_ENOUGH = "not enough evidence"
USABLE_NEEDED: dict[Period, int] = {"week": 52, "month": 24}
"""Length of the reference, in periods in which both groups have framed texts."""


@dataclass(frozen=True)
class State:
    """A state and the reasons for it, each a short phrase."""

    name: str
    reasons: tuple[str, ...]


def decide(*, missing: str | None, corrected: bool, unit: Period | None, usable: int) -> State:
    """The state of a dyad in one period.

    missing: why there is no gap, or None. corrected: the gap is corrected by random codings on both sides. unit: the
    period alarms would run on (week, else month; None when the monitor has neither). usable: how many such periods
    up to now have framed texts of both groups.
    """
    reasons = []
    if missing is not None:
        reasons.append("no gap in this period")
    elif not corrected:
        reasons.append("gap not corrected: codings drawn at random are needed on both sides")
    if unit is None:
        reasons.append("no usable reference (the monitor has neither weeks nor months)")
    elif usable < (needed := USABLE_NEEDED[unit]):
        reasons.append(f"no usable reference (needs {needed} usable {unit}s, has {usable})")
    if not reasons:
        reasons.append("no alarm is computed in this version, so no state is claimed")
    return State(NOT_ENOUGH, tuple(reasons))
