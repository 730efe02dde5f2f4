"""Whether hostile criticism rose around the time in which an alarm's stretch begins."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from sqlalchemy.orm import Session

from pipeline.measure.criticism import LEVEL_OF_RISE, NotEnough, Rise
from pipeline.measure.directed import rise_of
from pipeline.measure.state import WITHIN_WEEKS, Criticism
from pipeline.monitor import Monitor
from pipeline.store.tables import RaisedAlarm

AROUND = timedelta(weeks=WITHIN_WEEKS)
LOOKS = 2
"""The question is put when the alarm is raised, and once more when the 26 weeks after its beginning are over: each at
half the level, so that both together keep it."""


def windows_of(alarm: RaisedAlarm, today: date) -> Iterator[tuple[date, date]]:
    """The stretches in which criticism is looked for, [first day, first day after).

    From 26 weeks before the alarm's stretch begins, but never from within the reference: to the alarm, and, once they
    are over, to 26 weeks after the beginning. Neither moves any more: a window that grew with every week would find a
    rise sooner or later.
    """
    start = max(alarm.reference_end, alarm.since - AROUND)
    yield start, alarm.end
    whole = alarm.since + AROUND
    if today >= whole > alarm.end:
        yield start, whole


def _has_risen(found: Rise | NotEnough) -> bool:
    return isinstance(found, Rise) and found.risen and found.p <= LEVEL_OF_RISE / LOOKS


def criticism_of(session: Session, monitor: Monitor, alarm: RaisedAlarm, *, today: date) -> Criticism:
    """What the codings of criticism say, in both directions, of the time around an alarm."""
    reference = (alarm.reference_start, alarm.reference_end)
    risen = False
    said: list[str] = []
    for a, b in ((alarm.a, alarm.b), (alarm.b, alarm.a)):
        found = [rise_of(session, monitor, a, b, window, reference) for window in windows_of(alarm, today)]
        told = next((one for one in found if _has_risen(one)), found[-1])
        risen = risen or _has_risen(told)
        if isinstance(told, NotEnough):
            said.append(f"nothing can be said of criticism of {b} by {a}: {told.why}")
        else:
            at_half = told.risen and not _has_risen(told)
            said.append(
                told.sentence + (f"; as one of two looks it needs p under {LEVEL_OF_RISE / LOOKS:g}" if at_half else "")
            )
    return Criticism(risen, tuple(said))
