"""Whether hostile criticism rose around the time in which an alarm's stretch begins."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy.orm import Session

from pipeline.measure.criticism import NotEnough
from pipeline.measure.directed import rise_of
from pipeline.measure.state import WITHIN_WEEKS, Criticism
from pipeline.monitor import Monitor
from pipeline.store.tables import RaisedAlarm

AROUND = timedelta(weeks=WITHIN_WEEKS)


def window_of(alarm: RaisedAlarm, today: date) -> tuple[date, date]:
    """The stretch in which criticism is looked for, [first day, first day after).

    From 26 weeks before the alarm's stretch begins, but never from within the reference, to 26 weeks after it begins.
    Until those are over it ends today: it may grow, and be looked at again and again, since the evidence holds at every
    look.
    """
    return max(alarm.reference_end, alarm.since - AROUND), min(today, alarm.since + AROUND)


def criticism_of(session: Session, monitor: Monitor, alarm: RaisedAlarm, *, today: date) -> Criticism:
    """What the codings of criticism say so far, in both directions, of the time around an alarm."""
    reference = (alarm.reference_start, alarm.reference_end)
    window = window_of(alarm, today)
    risen = False
    said: list[str] = []
    for a, b in ((alarm.a, alarm.b), (alarm.b, alarm.a)):
        found = rise_of(session, monitor, a, b, window, reference)
        if isinstance(found, NotEnough):
            said.append(f"nothing can be said of criticism of {b} by {a}: {found.why}")
        else:
            risen = risen or found.risen
            said.append(found.sentence)
    return Criticism(risen, tuple(said))
