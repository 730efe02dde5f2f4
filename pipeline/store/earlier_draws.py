"""Which earlier draws of queues took texts of a coding's stratum, whether or not anything of them was answered."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from pipeline.store.answered import codings_of_items
from pipeline.store.tables import Coding, Document, Queue, QueueItem
from pipeline.store.upsert import IN_ONE_QUERY


def earlier_draws(session: Session, monitor: str, variable: str) -> Mapping[int, frozenset[datetime]]:
    """Random coding of a queue -> when earlier queues drew texts of its stratum; without those that had none before.

    A queue takes only what no earlier one holds, so that the texts of a stratum that came before an earlier draw had
    another chance than later ones, also where nobody has answered that draw.
    """
    which = (Coding.monitor == monitor, Coding.variable == variable, Coding.draw == "random")
    coded = set(session.scalars(select(Coding.drawn_at).where(*which).distinct()))
    queues = select(Queue.id, Queue.drawn_at, Queue.strata).where(Queue.monitor == monitor, Queue.variable == variable)
    drawn: dict[str, frozenset[datetime]] = {}
    before: dict[int, dict[str, frozenset[datetime]]] = {}
    for queue, drawn_at, strata in session.execute(queues.order_by(Queue.drawn_at)):
        for stratum in strata:
            if stratum in drawn and drawn_at in coded:
                before.setdefault(queue, {})[stratum] = drawn[stratum]
            drawn[stratum] = drawn.get(stratum, frozenset()) | {drawn_at}
    made: dict[int, frozenset[datetime]] = {}
    ids = list(before)
    for start in range(0, len(ids), IN_ONE_QUERY):
        query = (
            select(Coding.id, Queue.id, QueueItem.stratum)
            .select_from(Queue)
            .join(QueueItem, QueueItem.queue_id == Queue.id)
            .join(Document, Document.id == QueueItem.document_id)
            .join(Coding, and_(*codings_of_items()))
            .where(Queue.id.in_(ids[start : start + IN_ONE_QUERY]), QueueItem.draw == "random")
        )
        for coding, queue, stratum in session.execute(query):
            if stratum in before[queue]:
                made[coding] = before[queue][stratum]
    return made
