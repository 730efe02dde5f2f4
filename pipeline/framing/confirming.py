"""An alarm asks for codings: the draw that confirms it, or does not, goes into the labelling queue by itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from time import monotonic
from zlib import crc32

import numpy as np
from sqlalchemy.orm import Session

from pipeline.framing.draw import LEAST_CODINGS
from pipeline.monitor import Monitor
from pipeline.report import Progress, Report, silent
from pipeline.settings import Settings
from pipeline.store.alarms import (
    DRAW,
    claim_draw,
    frozen_sides,
    is_closed,
    keep_sides,
    sampled_texts,
    side_name,
    undrawn,
)
from pipeline.store.alarms import alarms_of as stored_alarms
from pipeline.store.queues import Candidate, add_items, add_queue, candidates, leave_active, lock_queues
from pipeline.store.runs import record_run
from pipeline.store.session import open_session
from pipeline.store.tables import RaisedAlarm

VARIABLE = "framing"
LEAST_DRAWN = 40
"""Ten codings of each of the four sides: with fewer nothing can be said."""


class ConfirmingError(ValueError):
    """A draw that can't be made; says why and what to do."""


@dataclass(frozen=True)
class Side:
    """One of the four sets of texts that an alarm compares."""

    group: str
    start: date
    end: date
    """first day after it"""
    name: str
    """such as alarm 3/heron/reference"""

    def holds(self, text: Candidate) -> bool:
        """Whether the text is one of them."""
        return text.group == self.group and self.start <= text.day < self.end


def sides_of(alarm: RaisedAlarm) -> list[Side]:
    """Both groups in the alarm's stretch and in its reference."""
    stretches = (("present", alarm.since, alarm.end), ("reference", alarm.reference_start, alarm.reference_end))
    return [
        Side(group, start, end, side_name(alarm.id, group, name))
        for name, start, end in stretches
        for group in (alarm.a, alarm.b)
    ]


def spread_over(sizes: Sequence[int], total: int) -> list[int]:
    """How many to draw of each set: the same of each, and what a small one lacks from the others."""
    given = [0] * len(sizes)
    left = min(total, sum(sizes))
    while left > 0:
        open_ones = [i for i, size in enumerate(sizes) if given[i] < size]
        share = max(1, left // len(open_ones))
        for i in open_ones:
            more = min(share, sizes[i] - given[i], left)
            given[i] += more
            left -= more
    return given


def _all_of(sides: Sequence[Side], texts: Sequence[Candidate]) -> dict[str, list[int]]:
    """The documents of each side as the store has them now."""
    within = {side.name: [text.document for text in texts if side.holds(text)] for side in sides}
    for side in sides:
        if len(within[side.name]) < LEAST_CODINGS:
            raise ConfirmingError(
                f"{side.group} has {len(within[side.name])} texts from {side.start} to {side.end}, and {LEAST_CODINGS} "
                "are needed to confirm anything; collect more, or move the reference"
            )
    return within


def _items(within: Mapping[str, Sequence[int]], size: int, rng: np.random.Generator) -> list[dict[str, object]]:
    """The rows of a queue. within: side -> documents that may be drawn."""
    drawn = []
    for (name, there), number in zip(within.items(), spread_over([len(w) for w in within.values()], size), strict=True):
        chosen = rng.permutation(len(there))[:number].tolist()
        drawn.append([(there[i], name, number / len(there)) for i in chosen])
    # in turns, so that a coder who stops early has some of each
    ordered = [one for turn in range(max(map(len, drawn))) for one in (d[turn] for d in drawn if turn < len(d))]
    return [
        {
            "place": place,
            "document_id": document,
            "target": "",
            "draw": DRAW,
            "probability": probability,
            "stratum": name,
            "coders": 1,
        }
        for place, (document, name, probability) in enumerate(ordered, start=1)
    ]


def _seed(of: str) -> int:
    """A number below 2^31: PostgreSQL keeps no larger one in the column."""
    return crc32(of.encode()) % 2**31


def draw_confirmation(session: Session, monitor: Monitor, alarm: RaisedAlarm, size: int, now: datetime) -> int:
    """Put the texts that confirm an alarm into a queue of their own; returns how many. Does not commit.

    Texts are drawn at random after the alarm: from each group's different texts in the alarm's stretch and in its
    reference, whether coded before or not, since nothing in the choice may depend on what is known of them.

    An alarm has one sample, since a person who has seen it may not throw it away. Where an earlier queue of the alarm
    was closed with answers, the draw goes on with it: from the same frozen sides, less what is answered, and the number
    that was planned at first, which shapes the confidence sequence, stays.

    Raises :class:`ConfirmingError` where one of the four sets has fewer than five texts, fewer than forty are asked for
    (one, of a draw that goes on), nothing is left to draw, or another process was faster.
    """
    begun = set[int]() if alarm.queue_id is None else sampled_texts(session, alarm.queue_id)
    least = 1 if begun else LEAST_DRAWN
    if size < least:
        raise ConfirmingError(
            f"{size} texts can't confirm anything; {least} are needed{'' if begun else ', ten for each side'}"
        )
    # from what the alarm is: the same store gives the same draw
    seed = _seed(f"{alarm.monitor} {alarm.a} {alarm.b} {alarm.since} {alarm.side}")
    if begun and alarm.queue_id is not None:
        frozen = frozen_sides(session, alarm.queue_id)
        drawn_from = {side.name: frozen[side.name] for side in sides_of(alarm)}
        seed = _seed(f"{seed} {len(begun)}")
    else:
        drawn_from = _all_of(sides_of(alarm), candidates(session, monitor.name, now))
    left = {name: [document for document in there if document not in begun] for name, there in drawn_from.items()}
    if not any(left.values()):
        raise ConfirmingError("every text of its four sides is answered; nothing is left to draw")
    rows = _items(left, size, np.random.default_rng(seed))
    queue = add_queue(
        session,
        monitor=monitor.name,
        variable=VARIABLE,
        drawn_at=now,
        seed=seed,
        model_id=None,
        note=f"confirmation of the alarm of {alarm.a} and {alarm.b}, {alarm.since} to {alarm.end}",
    )
    chosen = {row["document_id"] for row in rows}
    leave_active(session, monitor.name, VARIABLE, [(d, "") for there in left.values() for d in there if d in chosen])
    add_items(session, queue, rows)
    keep_sides(session, queue, drawn_from)
    planned = alarm.planned if begun and alarm.planned is not None else len(rows)
    if not claim_draw(session, alarm, queue, planned):
        raise ConfirmingError("another process has just drawn its texts")
    return len(rows)


def ask_for_codings(
    settings: Settings, monitor: Monitor, *, progress: Progress = silent, now: datetime | None = None
) -> Report:
    """Draw what every open alarm of a monitor needs and has not got. Run again, it draws nothing twice.

    The report counts alarms that ask (found) and texts put into queues (new).
    """
    started, clock = datetime.now(UTC), monotonic()
    problems: list[str] = []
    failed: set[int] = set()
    new = 0
    with open_session(settings) as session:
        dyads = {(dyad.a, dyad.b) for dyad in monitor.dyads}
        asking = len(undrawn(session, monitor.name, dyads))
        session.rollback()
        for done in range(asking):
            progress("drawing texts", done, asking)
            lock_queues(session, monitor.name)
            waiting = [one for one in undrawn(session, monitor.name, dyads) if one.id not in failed]
            if not waiting:  # another process has drawn them meanwhile
                break
            alarm = waiting[0]
            # queues of one moment can't be told apart
            moment = (now or datetime.now(UTC)) + timedelta(microseconds=done)
            try:
                new += draw_confirmation(session, monitor, alarm, settings.confirm_codings, moment)
            except ConfirmingError as error:
                failed.add(alarm.id)
                problems.append(f"the alarm of {alarm.a} and {alarm.b} can't be confirmed: {error}")
                session.rollback()
                continue
            session.commit()
        report = Report(
            job="ask for codings",
            found=asking,
            new=new,
            seconds=monotonic() - clock,
            problems=tuple(problems),
        )
        if asking:
            record_run(session, report, started_at=started, monitor=monitor.name)
            session.commit()
    return report


def draw_for(settings: Settings, monitor: Monitor, number: int, *, size: int | None = None) -> int:
    """Draw the confirmation of one alarm, open or closed, by its number; returns how many texts.

    One whose queue was closed with answers goes on with its sample; without any it is drawn anew. Raises
    :class:`ConfirmingError` where there is no such alarm, or its queue is open.
    """
    with open_session(settings) as session:
        lock_queues(session, monitor.name)
        found = next((one for one in stored_alarms(session, monitor.name) if one.id == number), None)
        if found is None:
            raise ConfirmingError(f"{monitor.name} has no alarm {number}; `riftwatch alarm list` shows them")
        if found.queue_id is not None and not is_closed(session, found.queue_id):
            raise ConfirmingError(f"the texts of alarm {number} are drawn: queue {found.queue_id}")
        made = draw_confirmation(
            session, monitor, found, settings.confirm_codings if size is None else size, datetime.now(UTC)
        )
        session.commit()
    return made
