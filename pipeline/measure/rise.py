"""Whether hostile criticism rose around the time in which an alarm's stretch begins."""

from __future__ import annotations

from datetime import date, timedelta

from sqlalchemy.orm import Session

from pipeline.measure.criticism import NEEDED, NotEnough
from pipeline.measure.directed import rise_of
from pipeline.measure.state import WITHIN_WEEKS, Criticism
from pipeline.monitor import Monitor
from pipeline.store.tables import RaisedAlarm

AROUND = timedelta(weeks=WITHIN_WEEKS)


def window_of(alarm: RaisedAlarm, today: date) -> tuple[date, date]:
    """The stretch in which criticism is looked for, [first day, first day after).

    From 26 weeks before the alarm's stretch begins, but never from within the reference, to 26 weeks after it begins.
    Until those are over it ends today: it may grow, and be looked at again and again, since the evidence holds at every
    look. Empty, or the wrong way round, where today lies before it.
    """
    return max(alarm.reference_end, alarm.since - AROUND), min(today, alarm.since + AROUND)


def criticism_of(session: Session, monitor: Monitor, alarm: RaisedAlarm, *, today: date) -> Criticism:
    """What the codings of criticism say so far, in both directions, of the time around an alarm."""
    reference = (alarm.reference_start, alarm.reference_end)
    window = window_of(alarm, today)
    if window[1] <= window[0]:
        return Criticism(False, (f"nothing can be said of criticism: it is looked for from {window[0]} on",))
    risen = False
    said: list[str] = []
    for a, b in ((alarm.a, alarm.b), (alarm.b, alarm.a)):
        counts, phrases = _one_direction(session, monitor, a, b, window, reference)
        risen = risen or counts
        said.append("; ".join(phrases))
    return Criticism(risen, tuple(said))


def _one_direction(
    session: Session, monitor: Monitor, a: str, b: str, window: tuple[date, date], reference: tuple[date, date]
) -> tuple[bool, list[str]]:
    """Whether a rise of A's criticism of B counts for the alarm, and what is to be said of it.

    It counts when the evidence holds with each day counted once, too, and when it did not begin before the window. That
    is asked of the time between reference and window: where criticism had risen there already, it has to be higher in
    the window than it was then.
    """
    found = rise_of(session, monitor, a, b, window, reference)
    if isinstance(found, NotEnough):
        return False, [f"nothing can be said of criticism of {b} by {a}: {found.why}", *found.flags]
    said = [found.sentence, *found.flags]
    if not found.risen:
        return False, said
    if found.evidence_days < NEEDED:
        return False, [*said, "it does not count: too many of these texts are of the same days"]
    between = (reference[1], window[0])
    if between[0] < between[1]:
        earlier = rise_of(session, monitor, a, b, between, reference)
        if isinstance(earlier, NotEnough):
            said.append(
                f"whether it rose before that can not be told (too few texts, or codings, from {between[0]} to "
                f"{between[1]})"
            )
        elif earlier.risen:
            more = rise_of(session, monitor, a, b, window, between)
            if isinstance(more, NotEnough) or not more.risen:
                # the likeliest day within the window would be no onset
                rose = f"hostile criticism of {b} by {a} rose earlier, since about {earlier.onset}"
                return False, [f"{rose}: it does not count beside an alarm since {window[0] + AROUND}", *earlier.flags]
    return True, said
