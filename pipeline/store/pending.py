"""Codings that nobody may see yet: a second coder still has the text to code, and must not know what the first said."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, func, select
from sqlalchemy.orm import Session, aliased

from pipeline.store.tables import Assignment, Coding, Document, Queue, QueueItem
from pipeline.store.upsert import IN_ONE_QUERY


def is_pending() -> ColumnElement[bool]:
    """Of a row of codings: it is of a text of an open queue that some coder has done and another has still to do.

    For the ``where`` of a query on :class:`Coding`. Whatever shows single codings to people leaves these out. A coding
    is matched to its item by address, since two sources may have the text at one. A queue that is closed waits for
    nobody. The waiting items are looked up once a query, not once a coding.
    """
    item, queue, document = aliased(QueueItem), aliased(Queue), aliased(Document)
    done, coding = aliased(Assignment), aliased(Coding)
    begun = (
        select(item.id, item.document_id, item.target, item.draw, queue.monitor, queue.variable, queue.drawn_at)
        .join(queue, queue.id == item.queue_id)
        .join(done, done.item_id == item.id)
        .where(queue.closed_at.is_(None), item.coders > 1, done.outcome.is_not(None))
        .group_by(item.id, queue.id)
        .having(func.count() < item.coders)
        # by itself, first: a planner that knows nothing of the tables yet would begin with every coding there is
        .cte("begun")
        .prefix_with("MATERIALIZED")
    )
    waiting = (
        select(coding.id)
        .select_from(begun)
        .join(document, document.id == begun.c.document_id)
        .join(
            coding,
            and_(
                coding.monitor == begun.c.monitor,
                coding.address == document.address,
                coding.variable == begun.c.variable,
                coding.target == begun.c.target,
                coding.draw == begun.c.draw,
                coding.drawn_at == begun.c.drawn_at,
            ),
        )
    )
    # by number: a tuple of columns that may be null makes SQLite read the whole list for every coding
    return Coding.id.in_(waiting)


def pending_among(session: Session, codings: Sequence[int]) -> set[int]:
    """Which of these codings, by number, are pending."""
    found: set[int] = set()
    for start in range(0, len(codings), IN_ONE_QUERY):
        some = codings[start : start + IN_ONE_QUERY]
        found |= set(session.scalars(select(Coding.id).where(Coding.id.in_(some), is_pending())))
    return found
