"""What is new in the alarms of a dyad: those to write down, and those that close."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date

from pipeline.measure.alarm.cusum import Alarm, Path
from pipeline.monitor.periods import Span

QUIET = 8
"""An alarm ends after so many periods in a row with C = 0."""


@dataclass(frozen=True)
class Known:
    """An alarm that was written down before."""

    id: int
    since: date
    raised: date
    end: date
    side: int
    closed: date | None
    confirmed: bool
    """coders have confirmed it, so no other model takes it back"""
    superseded: bool
    """a person has moved the reference since"""


@dataclass(frozen=True)
class Closing:
    """A known alarm that closes, or, taken back before, is raised again."""

    id: int
    closed: date | None
    """first day after it; of one that is taken back, the day it was raised: it was never open. None: open again"""
    why: str | None


LEFT = "the monitor has no such dyad any more"
OTHER_PERIODS = "the monitor's alarms run on other periods now"
MOVED = "a person moved the reference"
QUIET_AGAIN = "C was zero for 8 periods in a row"
TAKEN_BACK = "with the texts and the model there are now it is not raised, and no coder had confirmed it"


def _same(known: Known, alarm: Alarm, spans: Sequence[Span]) -> bool:
    """Whether an alarm of the path is the known one: same side, and it is open in the stretch that was written down."""
    end = spans[alarm.closed].end if alarm.closed is not None else None
    return known.side == alarm.side and spans[alarm.since].start < known.end and (end is None or known.since < end)


def _quiet(path: Path, side: int, after: int) -> int | None:
    """The period that ends the first ``QUIET`` ones in a row, later than ``after``, with C of this side at zero.

    Missing periods neither count nor break the row. None: there is none yet.
    """
    run = 0
    for i in range(after + 1, len(path.z)):
        if path.z[i] == path.z[i]:  # not NaN
            run = run + 1 if (path.up if side > 0 else path.down)[i] == 0 else 0
        if run == QUIET:
            return i
    return None


def moved_on(known: Sequence[Known], today: date) -> list[Closing]:
    """The open alarms whose reference a person has moved."""
    return [Closing(k.id, max(k.end, today), MOVED) for k in known if k.closed is None and k.superseded]


def left_behind(dyad: tuple[str, str], period: str, dyads: Collection[tuple[str, str]], unit: str | None) -> str | None:
    """Why nobody watches over an alarm of this dyad and kind of period any more; None: somebody does.

    dyads: of the monitor as it is now. unit: the period its alarms run on.
    """
    if dyad not in dyads:
        return LEFT
    return OTHER_PERIODS if period != unit else None


def compare(
    known: Sequence[Known], path: Path, spans: Sequence[Span], *, today: date
) -> tuple[list[Alarm], list[Closing]]:
    """Which alarms of the path are new, and which known ones close or open again. Pure.

    An alarm of the path that is open in the stretch of a known one of the same side is that one: its stretch stays as
    it was written down, since coders may be at work on it. A known one that the path does not show any more (another
    model, texts that came late) is taken back, unless coders have confirmed it; one that it shows again is open again.
    Alarms of an earlier reference have nothing to do with those of the present one.
    """
    of_this = [one for one in known if not one.superseded]
    fresh = [alarm for alarm in path.alarms if not any(_same(one, alarm, spans) for one in of_this)]
    closing = moved_on(known, today)
    for one in of_this:
        same = [alarm for alarm in path.alarms if _same(one, alarm, spans)]
        closed: date | None = None
        why: str | None = None
        if same and same[-1].closed is not None:
            closed, why = spans[same[-1].closed].end, QUIET_AGAIN
        elif not same and one.closed is not None:
            continue
        elif not same and one.confirmed:
            last = max((i for i, span in enumerate(spans) if span.end <= one.end), default=-1)
            if (quiet := _quiet(path, one.side, last)) is not None:
                closed, why = spans[quiet].end, QUIET_AGAIN
        elif not same:
            closed, why = one.raised, TAKEN_BACK
        if closed != one.closed:
            closing.append(Closing(one.id, closed, why))
    return fresh, closing
