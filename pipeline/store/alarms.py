"""Alarms as they were raised, references that a person moved, and what coders said of an alarm's texts."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import CursorResult, and_, select, update
from sqlalchemy.orm import Session

from pipeline.store.published import pack, unpack
from pipeline.store.queues import UNCLEAR
from pipeline.store.tables import (
    Assignment,
    Coding,
    Document,
    DrawnSide,
    Framing,
    KeptReference,
    Queue,
    QueueItem,
    RaisedAlarm,
)
from pipeline.store.upsert import IN_ONE_QUERY

DRAW = "alarm"
"""How a text of an alarm's confirmation was drawn: at random from a stretch of its own, so its coding is no part of
the audit sample of a period, and trains no model either."""

ALARM_COLUMNS: dict[str, str] = {
    "id": "number of the alarm",
    "a": "first group of the dyad",
    "b": "second group of the dyad",
    "period": "week or month: what it runs on",
    "since": "first day of its stretch: the first period after C was last zero",
    "raised": "first day of the period in which C passed the threshold",
    "end": "first day after its stretch",
    "side": "1: the gap went up; -1: down",
    "reference_start": "first day of the reference",
    "reference_end": "first day after the reference",
    "threshold": "h",
    "autocorrelation": "of the weekly gaps that h allows for",
    "found_at": "when it was first computed",
    "closed": "first day after it closed; empty: open",
    "closed_why": "why it closed",
    "confirmed_at": "when coders had first confirmed it",
    "queue_id": "labelling queue of its confirmation; empty: not drawn",
    "planned": "codings planned for it when its sample was begun",
    "model": "sha256 of the model that raised it",
}
"""The columns of an alarm, in the order tables show them: name -> meaning in one line."""


def alarms_of(session: Session, monitor: str, a: str | None = None, b: str | None = None) -> Sequence[RaisedAlarm]:
    """Alarms of a monitor (of one dyad), the oldest first."""
    query = select(RaisedAlarm).where(RaisedAlarm.monitor == monitor)
    for column, value in ((RaisedAlarm.a, a), (RaisedAlarm.b, b)):
        if value is not None:
            query = query.where(column == value)
    return session.scalars(query.order_by(RaisedAlarm.raised, RaisedAlarm.id)).all()


def add_alarm(session: Session, **columns: Any) -> RaisedAlarm:
    """Write a new alarm. Does not commit."""
    row = RaisedAlarm(**columns)
    session.add(row)
    session.flush()
    return row


def kept_references(session: Session, monitor: str) -> dict[tuple[str, str], KeptReference]:
    """Dyad -> its reference (first day, length), by the newest decision; none where none was ever complete."""
    rows = session.scalars(select(KeptReference).where(KeptReference.monitor == monitor).order_by(KeptReference.id))
    return {(row.a, row.b): row for row in rows}


def keep_reference(
    session: Session,
    monitor: str,
    a: str,
    b: str,
    *,
    start: date,
    weeks: int | None = None,
    reason: str,
    person: str | None,
    now: datetime,
) -> KeptReference:
    """Keep where a reference begins and how many usable weeks it takes. Does not commit.

    weeks: None: as many as usual. person: who decided; None: it was the first complete one.
    """
    row = KeptReference(monitor=monitor, a=a, b=b, start=start, weeks=weeks, reason=reason, person=person, kept_at=now)
    session.add(row)
    session.flush()
    return row


def side_name(alarm: int, group: str, stretch: str) -> str:
    """What the stratum of one of an alarm's four sides is called; stretch: present or reference."""
    return f"alarm {alarm}/{group}/{stretch}"


def undrawn(session: Session, monitor: str, dyads: Collection[tuple[str, str]]) -> Sequence[RaisedAlarm]:
    """Open alarms of these dyads of which nothing was drawn for coders yet, the oldest first."""
    query = select(RaisedAlarm).where(
        RaisedAlarm.monitor == monitor, RaisedAlarm.closed.is_(None), RaisedAlarm.queue_id.is_(None)
    )
    rows = session.scalars(query.order_by(RaisedAlarm.raised, RaisedAlarm.id))
    return [row for row in rows if (row.a, row.b) in dyads]


def keep_sides(session: Session, queue: int, sides: Mapping[str, Iterable[int]]) -> None:
    """Keep what each side of a confirmation was drawn from: side -> ids of its documents. Does not commit.

    What is dated anew, merged or collected later is then no part of it: the codings are a sample of these texts.
    """
    session.add_all(DrawnSide(queue_id=queue, side=side, documents=pack(ids)) for side, ids in sides.items())
    session.flush()


@dataclass(frozen=True)
class SideTexts:
    """The framed texts that one side of a confirmation was drawn from; one stands for each cluster there was then."""

    documents: NDArray[np.int64]
    f: NDArray[np.float64]
    """the model's balance of each"""


def side_texts(session: Session, queue: int, side: str, model_id: int) -> SideTexts | None:
    """What a side was drawn from, by document, without what was erased since; None where that was not kept."""
    packed = session.scalar(select(DrawnSide.documents).where(DrawnSide.queue_id == queue, DrawnSide.side == side))
    if packed is None:
        return None
    fresh = and_(
        Framing.document_id == Document.id,
        Framing.model_id == model_id,
        Framing.target == "",
        Framing.text_digest == Document.text_digest,
    )
    drawn_from = unpack(packed).tolist()
    rows: list[tuple[int, float]] = []
    for start in range(0, len(drawn_from), IN_ONE_QUERY):
        query = (
            select(Document.id, Framing.p_first, Framing.p_second)
            .join(Framing, fresh)
            .where(
                Document.id.in_(drawn_from[start : start + IN_ONE_QUERY]),
                Framing.p_first.is_not(None),
                Framing.p_second.is_not(None),
            )
            .order_by(Document.id)
        )
        rows += [(document, (first or 0.0) - (second or 0.0)) for document, first, second in session.execute(query)]
    return SideTexts(
        np.array([document for document, _ in rows], dtype=np.int64), np.array([f for _, f in rows], dtype=np.float64)
    )


@dataclass(frozen=True)
class ConfirmingCoding:
    """A coding of an alarm's confirmation draw."""

    document: int
    side: str
    """the stratum it was drawn from"""
    value: str
    coder: str
    coded_at: datetime
    settles: bool
    id: int = 0


def _draws_up_to(session: Session, queue: int) -> list[int]:
    """The queues of an alarm's sample up to this one: a later draw goes on with what an earlier one began.

    Not those that drew from other texts: of what came between, an earlier queue could draw nothing. So it was in older
    versions, where each draw began a sample; where nothing was answered it is still so.
    """
    of_queue = select(DrawnSide.side).where(DrawnSide.queue_id == queue)
    rows = session.execute(
        select(DrawnSide.queue_id, DrawnSide.side, DrawnSide.documents).where(
            DrawnSide.side.in_(of_queue), DrawnSide.queue_id <= queue
        )
    )
    drawn_from: dict[int, dict[str, NDArray[np.int64]]] = {}
    for number, side, packed in rows:
        drawn_from.setdefault(number, {})[side] = unpack(packed)
    own = drawn_from.get(queue, {})
    # what was erased in between is in the earlier one alone
    return [
        number
        for number, sides in drawn_from.items()
        if all(side in sides and np.isin(texts, sides[side]).all() for side, texts in own.items())
    ]


def frozen_sides(session: Session, queue: int) -> dict[str, list[int]]:
    """Side -> ids of the documents a confirmation was drawn from, without what was erased since."""
    rows = session.execute(select(DrawnSide.side, DrawnSide.documents).where(DrawnSide.queue_id == queue))
    sides = {side: unpack(packed).tolist() for side, packed in rows}
    wanted = sorted({document for documents in sides.values() for document in documents})
    there: set[int] = set()
    for start in range(0, len(wanted), IN_ONE_QUERY):
        some = wanted[start : start + IN_ONE_QUERY]
        there |= set(session.scalars(select(Document.id).where(Document.id.in_(some))))
    return {side: [document for document in documents if document in there] for side, documents in sides.items()}


def sampled_texts(session: Session, queue: int) -> set[int]:
    """Documents that are in an alarm's sample, up to this queue: of a closed one these are what was answered."""
    return set(
        session.scalars(select(QueueItem.document_id).where(QueueItem.queue_id.in_(_draws_up_to(session, queue))))
    )


def confirming_codings(session: Session, monitor: str, queue: int, variable: str) -> list[ConfirmingCoding]:
    """What people have said so far of the texts that a confirmation drew, in this queue and those before it.

    Oldest first.
    """
    query = (
        select(Document.id, QueueItem.stratum, Coding.value, Coding.coder, Coding.coded_at, Coding.settles, Coding.id)
        .select_from(QueueItem)
        .join(Queue, Queue.id == QueueItem.queue_id)
        .join(Document, Document.id == QueueItem.document_id)
        # by address: where two sources have the text at one, a coding names one of the two documents
        .join(
            Coding,
            and_(
                Coding.monitor == Queue.monitor,
                Coding.address == Document.address,
                Coding.drawn_at == Queue.drawn_at,
            ),
        )
        .where(
            Coding.monitor == monitor,
            Queue.id.in_(_draws_up_to(session, queue)),
            Coding.variable == variable,
            Coding.draw == DRAW,
            Coding.origin != "machine",
        )
        .order_by(Coding.coded_at, Coding.id)
    )
    return [ConfirmingCoding(row[0], row[1] or "", *row[2:]) for row in session.execute(query)]


def codings_again(session: Session, monitor: str, codings: Collection[int]) -> list[tuple[set[int], ConfirmingCoding]]:
    """Those of these codings that are still there, each with the documents at its address; on no side yet.

    Not by the items of queues: those that nobody is to answer any more are gone when a queue is closed.
    """
    found: dict[int, tuple[set[int], ConfirmingCoding]] = {}
    wanted = sorted(codings)
    for start in range(0, len(wanted), IN_ONE_QUERY):
        query = (
            select(Coding.id, Document.id, Coding.value, Coding.coder, Coding.coded_at, Coding.settles)
            .join(Document, and_(Document.monitor == Coding.monitor, Document.address == Coding.address))
            .where(Coding.id.in_(wanted[start : start + IN_ONE_QUERY]), Coding.monitor == monitor)
        )
        for number, document, value, coder, coded_at, settles in session.execute(query):
            one = ConfirmingCoding(document, "", value, coder, coded_at, settles, number)
            found.setdefault(number, (set(), one))[0].add(document)
    return list(found.values())


def unclear_texts(session: Session, queue: int) -> set[int]:
    """Documents of a confirmation, in this queue and those before it, of which a coder could not decide."""
    query = (
        select(QueueItem.document_id)
        .join(Assignment, Assignment.item_id == QueueItem.id)
        .where(QueueItem.queue_id.in_(_draws_up_to(session, queue)), Assignment.outcome == UNCLEAR)
    )
    return set(session.scalars(query))


def claim_draw(session: Session, alarm: RaisedAlarm, queue: int, planned: int) -> bool:
    """Say that this queue confirms the alarm; False when another process has said so of another queue meanwhile.

    Does not commit.
    """
    before = alarm.queue_id
    same = RaisedAlarm.queue_id.is_(None) if before is None else RaisedAlarm.queue_id == before
    taken = session.execute(
        update(RaisedAlarm)
        .where(RaisedAlarm.id == alarm.id, same)
        .values(queue_id=queue, planned=planned)
        .execution_options(synchronize_session=False)
    )
    return cast("CursorResult[Any]", taken).rowcount == 1


def is_closed(session: Session, queue: int) -> bool:
    """Whether a queue was closed."""
    return session.scalar(select(Queue.closed_at).where(Queue.id == queue)) is not None
