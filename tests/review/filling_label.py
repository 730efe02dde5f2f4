"""An open labelling queue, half of a blind pair of codings, and texts on which coders disagree."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline.store.tables import Assignment, Coding, Document, Queue, QueueItem

DRAWN = datetime(2026, 1, 2, 7, 0, tzinfo=UTC)
EARLIER = datetime(2025, 12, 1, 7, 0, tzinfo=UTC)
FIRST_CODER, SECOND_CODER = "coder one", "coder two"
PENDING_NOTE = "a remark that the second coder must not read"


def _coding(document: Document, coder: str, value: str, drawn: datetime, note: str | None = None) -> Coding:
    return Coding(
        monitor=document.monitor, address=document.address, document_id=document.id, variable="framing", value=value,
        codebook_version=1, coder=coder, coded_at=drawn + timedelta(minutes=document.id), draw="random",
        probability=0.5, drawn_at=drawn, note=note,
    )  # fmt: skip


def _item(queue: Queue, document: Document, place: int, coders: int = 1) -> QueueItem:
    return QueueItem(
        queue_id=queue.id, place=place, document_id=document.id, target="", draw="random", probability=0.5,
        stratum="heron/2025-Q1", coders=coders,
    )  # fmt: skip


def _done(item: QueueItem, coder: str, slot: int, at: datetime) -> Assignment:
    return Assignment(
        item_id=item.id, slot=slot, coder=coder, leased_until=at, outcome="coded", finished_at=at, note=None
    )


def add(session: Session, ids: dict[str, int], texts: int = 12, twice: int = 14) -> None:
    """A closed queue of ``twice`` texts for two coders, who disagree on two of them; an open one of ``texts``.

    The open queue's fifth text waits for its second coder: ``ids["pending"]`` is its document.
    """
    documents = session.scalars(
        select(Document)
        .where(Document.monitor == "harbour", Document.speaker == "own", Document.language.in_(["en", "fa"]))
        .where(Document.id.not_in([ids[name] for name in ("heron-en", "heron-ar", "hostile") if name in ids]))
        .order_by(Document.published_at.desc(), Document.id)
        .limit(texts + twice)
    ).all()
    old = Queue(monitor="harbour", variable="framing", drawn_at=EARLIER, seed=1, closed_at=DRAWN)
    new = Queue(monitor="harbour", variable="framing", drawn_at=DRAWN, seed=2)
    session.add_all([old, new])
    session.flush()
    values = ("nationalist", "universalist", "both", "neither")
    for place, document in enumerate(documents[texts:], start=1):
        item = _item(old, document, place, 2)
        session.add(item)
        session.flush()
        value = values[place % 4]
        other = "neither" if place in (2, 6) else value
        note = "the last paragraph decides" if place == 2 else None
        session.add_all(
            [
                _done(item, FIRST_CODER, 1, EARLIER),
                _done(item, SECOND_CODER, 2, EARLIER),
                _coding(document, FIRST_CODER, value, EARLIER),
                _coding(document, SECOND_CODER, other, EARLIER, note),
            ]
        )
    for place, document in enumerate(documents[:texts], start=1):
        item = _item(new, document, place, 2 if place in (5, 12) else 1)
        session.add(item)
        session.flush()
        if place == 5:
            ids["pending"] = document.id
            pending = _coding(document, FIRST_CODER, "nationalist", DRAWN, PENDING_NOTE)
            session.add_all([_done(item, FIRST_CODER, 1, DRAWN), pending])
    session.flush()
