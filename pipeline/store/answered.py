"""How much of what queues drew at random has been answered so far: a draw that is half coded had half its chances."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from pipeline.store.tables import Assignment, Coding, Document, Queue, QueueItem

Place = tuple[datetime, str, str]
"""when it was drawn, address and target: what tells a queue's item from all others, and finds its codings"""


def codings_of_items() -> tuple[ColumnElement[bool], ...]:
    """Joins codings to the items of queues that they are of, each item beside its queue and its document.

    By address: two sources may have the text at one address, and a coding names one of the two documents.
    """
    return (
        Coding.monitor == Queue.monitor,
        Coding.address == Document.address,
        Coding.variable == Queue.variable,
        Coding.target == QueueItem.target,
        Coding.draw == QueueItem.draw,
        Coding.drawn_at == Queue.drawn_at,
    )


@dataclass(frozen=True)
class _Item:
    place: int
    key: Place
    answered: bool
    begun: bool


def answered_shares(
    session: Session, monitor: str, variable: str, *, at: datetime | None = None
) -> Mapping[Place, float | None]:
    """Answered item of a random draw that is not answered whole -> share of its draw that is, in its stratum.

    Texts are handed out in a random order (``pipeline.framing.queue``: a permutation that knows nothing of the text),
    so the m that were answered of the n drawn in a stratum are a random sample of them, and each had p m/n to be coded
    by now, as when the queue is closed with them (:func:`pipeline.store.queues.close`). *Unclear* is an answer: it
    leaves no coding, as in a queue that is finished. Of two coders one is enough.

    None: an earlier text of the stratum is left that nobody has begun. Somebody passed over it (skipped what is hard,
    read one language only, coded a file in an order of its own), so what is answered is no random part of the draw.

    An item that is missing is of a draw that is answered whole, or of a closed queue, whose probabilities say what was
    answered. ``at``: as it was then, of what is still there; that nothing had been passed over is taken for granted.
    """
    coding = select(Coding.id).where(*codings_of_items(), Coding.origin != "machine")
    outcome = select(Assignment.item_id).where(Assignment.item_id == QueueItem.id, Assignment.outcome.is_not(None))
    if at is not None:
        coding = coding.where(Coding.coded_at <= at)
        outcome = outcome.where(Assignment.finished_at <= at)
    is_open = Queue.closed_at.is_(None) if at is None else or_(Queue.closed_at.is_(None), Queue.closed_at > at)
    begun = select(Assignment.item_id).where(Assignment.item_id == QueueItem.id)
    query = (
        select(
            Queue.id,
            QueueItem.stratum,
            QueueItem.place,
            Queue.drawn_at,
            Document.address,
            QueueItem.target,
            # what a file brought may not be written down as done yet
            or_(outcome.exists(), coding.exists()),
            begun.exists(),
        )
        .select_from(QueueItem)
        .join(Queue, and_(Queue.id == QueueItem.queue_id, is_open))
        .join(Document, Document.id == QueueItem.document_id)
        .where(Queue.monitor == monitor, Queue.variable == variable, QueueItem.draw == "random")
        .order_by(Queue.id, QueueItem.place)
    )
    strata: dict[tuple[int, str | None], list[_Item]] = {}
    for queue, stratum, place, drawn_at, address, target, is_answered, is_begun in session.execute(query):
        item = _Item(place, (drawn_at, address, target), bool(is_answered), bool(is_begun))
        strata.setdefault((queue, stratum), []).append(item)
    made: dict[Place, float | None] = {}
    for items in strata.values():
        answered = [item for item in items if item.answered]
        if not answered or len(answered) == len(items):
            continue
        last = answered[-1].place
        passed = at is None and any(item.place < last and not (item.answered or item.begun) for item in items)
        made.update((item.key, None if passed else len(answered) / len(items)) for item in answered)
    return made


def answered_out_of_order(session: Session, queue: int) -> dict[int, int]:
    """Items of a queue, with their documents, that were answered although an earlier text of their stratum was passed
    over.

    Texts stand in a random order, so what is answered up to the first one that nobody has begun is a random part of
    the draw; what comes after it was chosen by whoever passed over it (who reads one language, or skips what is hard).
    """
    begun = select(Assignment.item_id).where(Assignment.item_id == QueueItem.id).exists()
    coded = select(Coding.id).where(*codings_of_items(), Coding.origin != "machine")
    query = (
        select(QueueItem.id, QueueItem.document_id, QueueItem.stratum, or_(begun, coded.exists()))
        .select_from(QueueItem)
        .join(Queue, Queue.id == QueueItem.queue_id)
        .join(Document, Document.id == QueueItem.document_id)
        .where(QueueItem.queue_id == queue)
        .order_by(QueueItem.place)
    )
    passed: set[str | None] = set()
    found: dict[int, int] = {}
    for item, document, stratum, answered in session.execute(query):
        if not answered:
            passed.add(stratum)
        elif stratum in passed:
            found[item] = document
    return found
