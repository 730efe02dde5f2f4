"""Codings that nobody may see yet: a second coder still has the text to code, and must not know what the first said."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from pipeline.store.tables import Assignment, Coding, Document, Queue, QueueItem
from pipeline.store.upsert import IN_ONE_QUERY


def is_pending(*, also_undoable: bool = False) -> ColumnElement[bool]:
    """Of a row of codings: it is of a text of an open queue that some coder has done and another has still to do.

    also_undoable: or it is of a text for one coder, who can take the answer back as long as the queue is open.

    For the ``where`` of a query on :class:`Coding`. Whatever shows single codings to people leaves these out. A coding
    is matched to its item by address, since two sources may have the text at one. A queue that is closed waits for
    nobody. The waiting items are looked up once a query, not once a coding.
    """
    item, queue, document = aliased(QueueItem), aliased(Queue), aliased(Document)
    done, coding = aliased(Assignment), aliased(Coding)
    unfinished = func.count() < item.coders
    begun = (
        select(document.address, item.target, item.draw, queue.monitor, queue.variable, queue.drawn_at)
        .select_from(item)
        .join(queue, queue.id == item.queue_id)
        # here, so that a coding is looked up by all of its key: by the rest alone it is one of thousands of its draw
        .join(document, document.id == item.document_id)
        .join(done, done.item_id == item.id)
        .where(queue.closed_at.is_(None), done.outcome.is_not(None), *([] if also_undoable else [item.coders > 1]))
        .group_by(item.id, queue.id, document.id)
        .having(or_(item.coders == 1, unfinished) if also_undoable else unfinished)
        # by itself, first: a planner that knows nothing of the tables yet would begin with every coding there is
        .cte("begun")
        .prefix_with("MATERIALIZED")
    )
    waiting = (
        select(coding.id)
        .select_from(begun)
        .join(
            coding,
            and_(
                coding.monitor == begun.c.monitor,
                coding.address == begun.c.address,
                coding.variable == begun.c.variable,
                coding.target == begun.c.target,
                coding.draw == begun.c.draw,
                coding.drawn_at == begun.c.drawn_at,
            ),
        )
    )
    # by number: a tuple of columns that may be null makes SQLite read the whole list for every coding
    return Coding.id.in_(waiting)


def pending_among(session: Session, codings: Sequence[int], *, also_undoable: bool = False) -> set[int]:
    """Which of these codings, by number, are pending. also_undoable: as in :func:`is_pending`."""
    found: set[int] = set()
    for start in range(0, len(codings), IN_ONE_QUERY):
        some = codings[start : start + IN_ONE_QUERY]
        found |= set(
            session.scalars(select(Coding.id).where(Coding.id.in_(some), is_pending(also_undoable=also_undoable)))
        )
    return found
