"""The state of a dyad in a period. One place decides, and says why in words.

An alarm of the model alone claims nothing: it asks coders. Only their confirmation makes a dyad diverge or converge,
and only a confirmed rise of hostile criticism beside it makes a rift. Where nothing can be said, that is the state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.measure.gap import Gap
from pipeline.monitor import Period

STEADY, DIVERGING, RIFT, CONVERGING = "steady", "diverging", "rift", "converging"
NOT_ENOUGH = "not enough evidence"
USABLE_NEEDED: dict[Period, int] = {"week": 52, "month": 24}
"""Length of the reference, in periods in which both groups have framed texts, unless a person chose another."""
MOST_MISSING: dict[Period, int] = {"week": 4, "month": 2}
"""So many periods in a row without framed texts of both groups, and nothing can be said."""
LEAST_CHANGE = 0.1
"""A smaller change of the gap is no change, however certain."""
WITHIN_WEEKS = 26
"""Criticism and framing belong together when one begins at most so many weeks after the other."""

EARLIER_STATE = "the state is an earlier one: the model in force has not scored all texts yet; run `riftwatch frame`"


@dataclass(frozen=True)
class State:
    """A state and the reasons for it, each a short phrase."""

    name: str
    reasons: tuple[str, ...]


PASSED_OVER = "answers that come after a text that was passed over wait for it"
"""not how many: coders would learn which of their texts are the alarm's"""


@dataclass(frozen=True)
class Confirmed:
    """What the coders found about an alarm."""

    change: float
    """X: the gap in the alarm's stretch less the gap in the reference, corrected"""
    low: float
    high: float
    """its confidence sequence, 95% however often it is looked at"""
    reference: Gap
    """the corrected gap in the reference, with its interval"""
    present: Gap
    """the corrected gap in the alarm's stretch"""
    passed_over: bool = False
    """there are answers that do not count, because an earlier text of their side was passed over"""

    @property
    def holds(self) -> bool:
        """Whether the sequence excludes 0 and the change is large enough to be one."""
        return (self.low > 0 or self.high < 0) and abs(self.change) >= LEAST_CHANGE


@dataclass(frozen=True)
class Criticism:
    """What is known of hostile criticism in one direction or both."""

    risen: bool
    """a rise was confirmed, and began within 26 weeks of the alarm's stretch"""
    said: tuple[str, ...]
    """a phrase for each direction"""


@dataclass(frozen=True)
class OpenAlarm:
    """An alarm that is open in the period, and what people have said of it so far."""

    label: str
    """the period in which it was raised"""
    confirmed: Confirmed | None = None
    """null: not enough codings to say anything"""
    why: str | None = None
    """why there is no confirmation"""
    criticism: Criticism | None = None

    @property
    def holds(self) -> bool:
        """Whether coders have confirmed it; of one that they have not, codings are needed."""
        return self.confirmed is not None and self.confirmed.holds


def _sign(value: float) -> int:
    return (value > 0) - (value < 0)


def direction(found: Confirmed) -> str:
    """Whether a confirmed change took the groups apart or together.

    s is the sign of the gap in the reference where its interval excludes 0, else that of the gap in the alarm's
    stretch. Apart: sX > 0, or the gap crossed zero and is wider than it was.
    """
    before, after = found.reference, found.present
    interval = before.interval
    certain = interval is not None and (interval.low > 0 or interval.high < 0)
    side = _sign(before.value) if certain else _sign(after.value)
    crossed = _sign(before.value) * _sign(after.value) < 0
    apart = side * found.change > 0 or (crossed and abs(after.value) > abs(before.value))
    return DIVERGING if apart else CONVERGING


def _of_alarm(alarm: OpenAlarm) -> State:
    raised = f"alarm since {alarm.label}: the model's gap is moving"
    found = alarm.confirmed
    if found is None:
        return State(STEADY, (f"{raised}, codings needed", alarm.why or "nothing of its confirmation is coded yet"))
    figures = f"change of the corrected gap {found.change:+.2f} ({found.low:+.2f} to {found.high:+.2f})"
    figures += f"; {PASSED_OVER}" if found.passed_over else ""
    if not found.holds:
        return State(STEADY, (f"{raised}, codings needed", f"not confirmed: {figures}"))
    towards = direction(found)
    reasons: list[str] = [f"alarm since {alarm.label}, confirmed by coders: {figures}"]
    criticism = alarm.criticism
    if towards == DIVERGING and criticism is not None:
        reasons += criticism.said
        if criticism.risen:
            return State(RIFT, tuple(reasons))
    elif towards == DIVERGING:
        reasons.append("no criticism has been coded, so no rift can be claimed")
    return State(towards, tuple(reasons))


def decide(
    *,
    unit: Period | None,
    usable: int,
    needed: int | None = None,
    missing: int = 0,
    alarms: Sequence[OpenAlarm] = (),
    impossible: str | None = None,
) -> State:
    """The state of a dyad in one period.

    unit: the period alarms run on (week, else month; None when the monitor has neither). usable: how many such periods
    of the reference there were before this one. needed: how many it takes; None: as many as usual. missing: how many in
    a row, up to this one, lack framed texts of one group. alarms: those open in the period, oldest first. impossible:
    why no alarm can be computed at all.

    Of several open alarms the newest confirmed one decides, else the newest; the others that need codings are named.
    """
    if unit is None:
        return State(NOT_ENOUGH, ("no usable reference (the monitor has neither weeks nor months)",))
    if impossible is not None:
        return State(NOT_ENOUGH, (impossible,))
    if usable < (needed := needed or USABLE_NEEDED[unit]):
        return State(NOT_ENOUGH, (f"no usable reference (needs {needed} usable {unit}s, has {usable})",))
    if missing >= MOST_MISSING[unit]:
        return State(NOT_ENOUGH, (f"{missing} {unit}s in a row without framed texts of both groups",))
    if not alarms:
        return State(STEADY, ("no alarm is open",))
    decides = ([one for one in alarms if one.holds] or list(alarms))[-1]
    others = [one for one in alarms if one is not decides and not one.holds]
    made = _of_alarm(decides)
    return State(made.name, (*made.reasons, *(f"another alarm since {one.label}: codings needed" for one in others)))
