"""Whether hostile criticism rose around the time in which an alarm's stretch begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from sqlalchemy.orm import Session

from pipeline.measure.criticism import NEEDED, NotEnough, Rise
from pipeline.measure.speech import Days, Speech, rise_between, speech_of
from pipeline.measure.state import WITHIN_WEEKS, Criticism
from pipeline.monitor import Monitor
from pipeline.store.tables import RaisedAlarm

AROUND = timedelta(weeks=WITHIN_WEEKS)


def window_of(alarm: RaisedAlarm, today: date) -> Days:
    """The stretch in which criticism is looked for, [first day, first day after).

    From 26 weeks before the alarm's stretch begins, but never from within the reference, to 26 weeks after it begins.
    Until those are over it ends today: it may grow, and be looked at again and again, since the evidence holds at every
    look. Empty, or the wrong way round, where today lies before it.
    """
    return max(alarm.reference_end, alarm.since - AROUND), min(today, alarm.since + AROUND)


@dataclass(frozen=True)
class Direction:
    """Whether a rise of A's criticism of B counts for an alarm, and what that was made of."""

    speech: Speech
    window: Days
    reference: Days
    counts: bool
    said: tuple[str, ...]
    evidence: tuple[float, ...]
    """of the tests that could be made, each as it is and with each day counted once"""
    read_at: datetime | None = None
    """when its codings were read"""


def directions_of(session: Session, monitor: Monitor, alarm: RaisedAlarm, *, today: date) -> list[Direction]:
    """What the codings of criticism say so far, in either direction, of the time around an alarm; none before it."""
    reference = (alarm.reference_start, alarm.reference_end)
    window = window_of(alarm, today)
    if window[1] <= window[0]:
        return []
    windows = [one for one in (window, reference, _between(window, reference)) if one[0] < one[1]]
    now = datetime.now(UTC)
    return [
        replace(direction(speech_of(session, monitor, a, b, windows), window, reference), read_at=now)
        for a, b in ((alarm.a, alarm.b), (alarm.b, alarm.a))
    ]


def criticism_of(directions: Sequence[Direction], alarm: RaisedAlarm, *, today: date) -> Criticism:
    """What the directions of an alarm say together."""
    if not directions:
        begins = window_of(alarm, today)[0]
        return Criticism(False, (f"nothing can be said of criticism: it is looked for from {begins} on",))
    return Criticism(any(one.counts for one in directions), tuple("; ".join(one.said) for one in directions))


def _between(window: Days, reference: Days) -> Days:
    return reference[1], window[0]


def direction(speech: Speech, window: Days, reference: Days) -> Direction:
    """Whether a rise of A's criticism of B counts for the alarm, and what is to be said of it. Pure.

    It counts when the evidence holds with each day counted once, too, and when it did not begin before the window. That
    is asked of the time between reference and window: where criticism had risen there already, it has to be higher in
    the window than it was then.
    """
    evidence: list[float] = []

    def asked(present: Days, before: Days) -> Rise | NotEnough:
        found = rise_between(speech, present, before)
        if isinstance(found, Rise):
            evidence.extend((found.evidence, found.evidence_days))
        return found

    def answer(counts: bool, said: Sequence[str]) -> Direction:
        return Direction(speech, window, reference, counts, tuple(said), tuple(evidence))

    a, b = speech.a, speech.b
    found = asked(window, reference)
    if isinstance(found, NotEnough):
        return answer(False, [f"nothing can be said of criticism of {b} by {a}: {found.why}", *found.flags])
    said = [found.sentence, *found.flags]
    if not found.risen:
        return answer(False, said)
    if found.evidence_days < NEEDED:
        return answer(False, [*said, "it does not count: too many of these texts are of the same days"])
    between = _between(window, reference)
    if between[0] < between[1]:
        earlier = asked(between, reference)
        if isinstance(earlier, NotEnough):
            said.append(
                f"whether it rose before that can not be told (too few texts, or codings, from {between[0]} to "
                f"{between[1]})"
            )
        elif earlier.risen:
            more = asked(window, between)
            if isinstance(more, NotEnough) or not more.risen:
                # the likeliest day within the window would be no onset
                rose = f"hostile criticism of {b} by {a} rose earlier, since about {earlier.onset}"
                since = f"it does not count beside an alarm since {window[0] + AROUND}"
                return answer(False, [f"{rose}: {since}", *earlier.flags])
    return answer(True, said)
