"""Texts of which a coder must not see what the model says: an open queue still wants the coder's own answer."""

from __future__ import annotations

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session, aliased

from pipeline.store.cells import VARIABLE
from pipeline.store.tables import Assignment, Document, Queue, QueueItem


def _wanted(monitor: str, coder: str) -> Select[int]:
    """Documents of open queues that this coder has, or may still be given: not all its coders have finished."""
    mine, done = aliased(Assignment), aliased(Assignment)
    answered = select(mine.item_id).where(mine.item_id == QueueItem.id, mine.coder == coder, mine.outcome.is_not(None))
    finished = (
        select(func.count())
        .where(done.item_id == QueueItem.id, done.outcome.is_not(None))
        .correlate(QueueItem)
        .scalar_subquery()
    )
    return (
        select(QueueItem.document_id)
        .join(Queue, Queue.id == QueueItem.queue_id)
        .where(Queue.monitor == monitor, Queue.variable == VARIABLE, Queue.closed_at.is_(None))
        .where(~answered.exists(), finished < QueueItem.coders)
    )


def withheld_texts(session: Session, monitor: str, coder: str) -> set[int]:
    """Every document of these, with all copies of its text. As many as the open queues have texts and copies."""
    wanted = _wanted(monitor, coder)
    copy = aliased(Document)
    copies = select(copy.id).join(Document, Document.cluster_id == copy.cluster_id).where(Document.id.in_(wanted))
    return {*session.scalars(wanted), *session.scalars(copies)}


def is_withheld(session: Session, monitor: str, coder: str, document: Document) -> bool:
    """Whether this document, or a copy of its text, is one of these."""
    same = Document.id == document.id
    if document.cluster_id is not None:
        same = or_(same, Document.cluster_id == document.cluster_id)
    query = _wanted(monitor, coder).where(QueueItem.document_id.in_(select(Document.id).where(same)))
    return session.scalar(query.limit(1)) is not None
