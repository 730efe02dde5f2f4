"""Alarms as they were raised, references that a person moved, and what coders said of an alarm's texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from pipeline.store.tables import Cluster, Coding, Document, Framing, MovedReference, Published, Queue, RaisedAlarm

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


def moved_references(session: Session, monitor: str) -> dict[tuple[str, str], MovedReference]:
    """Dyad -> the newest decision on where its reference begins; none where nobody moved it."""
    rows = session.scalars(select(MovedReference).where(MovedReference.monitor == monitor).order_by(MovedReference.id))
    return {(row.a, row.b): row for row in rows}


def move_reference(
    session: Session, monitor: str, a: str, b: str, *, start: date, reason: str, person: str, now: datetime
) -> None:
    """Keep a person's decision. Does not commit."""
    session.add(MovedReference(monitor=monitor, a=a, b=b, start=start, reason=reason, person=person, moved_at=now))
    session.flush()


def undrawn(session: Session, monitor: str) -> Sequence[RaisedAlarm]:
    """Open alarms of which nothing was drawn for coders yet, the oldest first."""
    query = select(RaisedAlarm).where(
        RaisedAlarm.monitor == monitor, RaisedAlarm.closed.is_(None), RaisedAlarm.queue_id.is_(None)
    )
    return session.scalars(query.order_by(RaisedAlarm.raised, RaisedAlarm.id)).all()


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
            Document.collected_at <= collected_by,
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
    value: str
    coder: str
    coded_at: datetime
    settles: bool


def confirming_codings(session: Session, monitor: str, queue: int, variable: str) -> list[ConfirmingCoding]:
    """What people have said so far of the texts that a confirmation drew, oldest first."""
    query = (
        select(Document.id, Document.cluster_id, Coding.value, Coding.coder, Coding.coded_at, Coding.settles)
        .join(Document, Document.id == Coding.document_id)
        .join(Queue, and_(Queue.monitor == Coding.monitor, Queue.drawn_at == Coding.drawn_at))
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
        ConfirmingCoding(-row[0] if row[1] is None else row[1], row[2], row[3], row[4], row[5])
        for row in session.execute(query)
    ]


def drawn_of(session: Session, queue: int) -> datetime:
    """When a queue was drawn."""
    return session.execute(select(Queue.drawn_at).where(Queue.id == queue)).scalar_one()


def first_published(session: Session, monitor: str) -> datetime | None:
    """When the first figure of a monitor was published."""
    return session.scalar(select(func.min(Published.as_of)).where(Published.monitor == monitor))
