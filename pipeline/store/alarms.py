"""Alarms as they were raised, references that a person moved, and what coders said of an alarm's texts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import CursorResult, and_, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from pipeline.store.queues import UNCLEAR
from pipeline.store.tables import (
    Assignment,
    Cluster,
    Coding,
    Document,
    Framing,
    KeptReference,
    Published,
    Queue,
    QueueItem,
    RaisedAlarm,
)

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
    "planned": "codings planned for it",
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
    """Dyad -> where its reference begins, by the newest decision; none where none was ever complete."""
    rows = session.scalars(select(KeptReference).where(KeptReference.monitor == monitor).order_by(KeptReference.id))
    return {(row.a, row.b): row for row in rows}


def keep_reference(
    session: Session, monitor: str, a: str, b: str, *, start: date, reason: str, person: str | None, now: datetime
) -> KeptReference:
    """Keep where a reference begins. person: who decided; None: it was the first complete one. Does not commit."""
    row = KeptReference(monitor=monitor, a=a, b=b, start=start, reason=reason, person=person, kept_at=now)
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


@dataclass(frozen=True)
class StretchTexts:
    """The different framed texts of a group in a stretch of time that were there when a sample was drawn."""

    documents: NDArray[np.int64]
    clusters: NDArray[np.int64]
    f: NDArray[np.float64]
    """the model's balance of each"""


def stretch_texts(
    session: Session,
    monitor: str,
    group: str,
    start: date,
    end: date,
    *,
    model_id: int,
    collected_by: datetime,
) -> StretchTexts:
    """Own texts of a group published from ``start`` to before ``end``, one for each cluster, by document."""
    fresh = and_(
        Framing.document_id == Document.id,
        Framing.model_id == model_id,
        Framing.target == "",
        Framing.text_digest == Document.text_digest,
    )
    # a cluster is there to be drawn from its first copy on, wherever that one stands
    copy = aliased(Document)
    of_cluster = select(func.min(copy.collected_at)).where(copy.cluster_id == Document.cluster_id).scalar_subquery()
    first_copy = func.coalesce(of_cluster, Document.collected_at)
    query = (
        select(Document.id, Document.cluster_id, Framing.p_first, Framing.p_second)
        .join(Framing, fresh)
        .outerjoin(Cluster, Cluster.id == Document.cluster_id)
        .where(
            Document.monitor == monitor,
            Document.speaker == "own",
            Document.group_id == group,
            Document.published_at >= datetime.combine(start, time(), tzinfo=UTC),
            Document.published_at < datetime.combine(end, time(), tzinfo=UTC),
            first_copy <= collected_by,
            Framing.p_first.is_not(None),
            Framing.p_second.is_not(None),
            or_(Document.cluster_id.is_(None), Cluster.first_document_id == Document.id),
        )
        .order_by(Document.id)
    )
    rows = session.execute(query).all()
    return StretchTexts(
        np.array([row[0] for row in rows], dtype=np.int64),
        np.array([-row[0] if row[1] is None else row[1] for row in rows], dtype=np.int64),
        np.array([(row[2] or 0.0) - (row[3] or 0.0) for row in rows], dtype=np.float64),
    )


@dataclass(frozen=True)
class ConfirmingCoding:
    """A coding of an alarm's confirmation draw."""

    cluster: int
    side: str
    """the stratum it was drawn from"""
    value: str
    coder: str
    coded_at: datetime
    settles: bool


def confirming_codings(session: Session, monitor: str, queue: int, variable: str) -> list[ConfirmingCoding]:
    """What people have said so far of the texts that a confirmation drew, oldest first."""
    query = (
        select(
            Document.id,
            Document.cluster_id,
            QueueItem.stratum,
            Coding.value,
            Coding.coder,
            Coding.coded_at,
            Coding.settles,
        )
        .join(Document, Document.id == Coding.document_id)
        .join(Queue, and_(Queue.monitor == Coding.monitor, Queue.drawn_at == Coding.drawn_at))
        .join(QueueItem, and_(QueueItem.queue_id == Queue.id, QueueItem.document_id == Document.id))
        .where(
            Coding.monitor == monitor,
            Queue.id == queue,
            Coding.variable == variable,
            Coding.draw == DRAW,
            Coding.origin != "machine",
        )
        .order_by(Coding.coded_at, Coding.id)
    )
    return [
        ConfirmingCoding(-row[0] if row[1] is None else row[1], row[2] or "", *row[3:])
        for row in session.execute(query)
    ]


def unclear_texts(session: Session, queue: int) -> set[int]:
    """Clusters of a queue's texts of which a coder could not decide."""
    query = (
        select(Document.id, Document.cluster_id)
        .join(QueueItem, QueueItem.document_id == Document.id)
        .join(Assignment, Assignment.item_id == QueueItem.id)
        .where(QueueItem.queue_id == queue, Assignment.outcome == UNCLEAR)
    )
    return {-document if cluster is None else cluster for document, cluster in session.execute(query)}


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


def drawn_of(session: Session, queue: int) -> datetime:
    """When a queue was drawn."""
    return session.execute(select(Queue.drawn_at).where(Queue.id == queue)).scalar_one()


def first_published(session: Session, monitor: str) -> datetime | None:
    """When the first figure of a monitor was published."""
    return session.scalar(select(func.min(Published.as_of)).where(Published.monitor == monitor))
