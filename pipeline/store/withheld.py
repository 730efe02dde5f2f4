"""What is kept from a coder of whom an open queue still wants an answer, or who could take an answer back.

Whoever sees what a model or somebody else says of a text before the own answer is final does not code blind.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Select, and_, func, literal, or_, select, union
from sqlalchemy.orm import Session, aliased

from pipeline.store.cells import VARIABLE
from pipeline.store.tables import Assignment, Document, Queue, QueueItem


def _wanted(monitor: str, coder: str) -> list[ColumnElement[bool]]:
    """Of an item and its queue: it is open, and the coder has it, may be given it, or can still undo the answer.

    An answer can be undone until its queue is closed or the text's other coder has finished too.
    """
    mine, done = aliased(Assignment), aliased(Assignment)
    answered = select(mine.item_id).where(mine.item_id == QueueItem.id, mine.coder == coder, mine.outcome.is_not(None))
    finished = (
        select(func.count())
        .where(done.item_id == QueueItem.id, done.outcome.is_not(None))
        .correlate(QueueItem)
        .scalar_subquery()
    )
    return [
        Queue.monitor == monitor,
        Queue.closed_at.is_(None),
        or_(finished < QueueItem.coders, and_(QueueItem.coders == 1, answered.exists())),
    ]


def withheld_variables(session: Session, monitor: str, coder: str, document: Document) -> frozenset[str]:
    """The variables for which this document, or a copy of its text, is kept from the coder."""
    same = Document.id == document.id
    if document.cluster_id is not None:
        same = or_(same, Document.cluster_id == document.cluster_id)
    query = (
        select(Queue.variable)
        .distinct()
        .join(QueueItem, QueueItem.queue_id == Queue.id)
        .where(QueueItem.document_id.in_(select(Document.id).where(same)), *_wanted(monitor, coder))
    )
    return frozenset(session.scalars(query))


def withheld_among(session: Session, monitor: str, coder: str, documents: Sequence[int]) -> frozenset[int]:
    """Those of these documents whose framing is kept from the coder: they, or copies of their text, are in queues.

    Reads no more than these documents have copies and items, so that it costs the same however long the queues are.
    """
    if not documents:
        return frozenset()
    copy = aliased(Document)
    # Step by step, each whole before the next: a planner that knows no numbers begins with a queue of thousands. And
    # never from the texts themselves.
    asked = (
        select(Document.id, Document.cluster_id)
        .with_hint(Document, "INDEXED BY ix_documents_search", "sqlite")
        .where(Document.monitor == monitor, Document.id.in_(_rows(session, documents)))
        .cte("asked")
        .prefix_with("MATERIALIZED")
    )
    copied = select(asked.c.id, copy.id).join(copy, copy.cluster_id == asked.c.cluster_id)
    same = union(select(asked.c.id, asked.c.id.label("same")), copied).cte("same").prefix_with("MATERIALIZED")
    items = (
        select(same.c.id, QueueItem.id.label("item"))
        .join(QueueItem, QueueItem.document_id == same.c.same)
        .cte("items")
        .prefix_with("MATERIALIZED")
    )
    query = (
        select(items.c.id)
        .distinct()
        .join(QueueItem, QueueItem.id == items.c.item)
        .join(Queue, Queue.id == QueueItem.queue_id)
        .where(Queue.variable == VARIABLE, *_wanted(monitor, coder))
    )
    return frozenset(session.scalars(query))


def _rows(session: Session, numbers: Sequence[int]) -> Select[int]:
    """Thousands of numbers as one value of a statement."""
    if session.get_bind().dialect.name == "sqlite":
        return select(func.json_each(json.dumps(list(numbers))).table_valued("value").c.value)
    return select(func.unnest(literal(list(numbers), ARRAY(BigInteger))))
