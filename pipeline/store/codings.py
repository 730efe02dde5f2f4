"""Codings: human labels, matched to documents by address."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from pipeline.store.erasures import erased
from pipeline.store.tables import Assignment, Coding, Document, Queue, QueueItem
from pipeline.store.upsert import upsert

KEYS = ("monitor", "address", "variable", "target", "coder", "draw", "drawn_at")
"""A coder labels a text once per variable and draw; the same again corrects the label."""
CONTENT = ("value", "codebook_version", "coded_at", "probability", "note", "origin", "settles", "extra")
_DEFAULTS: dict[str, Any] = {"target": "", "origin": "human", "settles": False, "extra": None}
_AT_ONCE = 1000
"""rows of a reading in memory at a time"""


@dataclass(frozen=True)
class KeptCodings:
    """What became of codings that were handed to the store."""

    new: int
    updated: int
    known: int
    erased: frozenset[str] = frozenset()
    """addresses among them whose texts were erased: their codings were not kept"""
    by_hand: frozenset[tuple[Any, ...]] = frozenset()
    """keys (KEYS) of machine labels that were not kept: a person coded the same under the same name"""


def _documents(session: Session, monitor: str, addresses: Sequence[str]) -> dict[str, int]:
    """Address -> lowest id of the monitor's documents at it; a copy in a second source is in the same cluster."""
    query = (
        select(Document.address, func.min(Document.id))
        .where(Document.monitor == monitor, Document.address.in_(addresses))
        .group_by(Document.address)
    )
    return {str(address): int(document_id) for address, document_id in session.execute(query)}


def keep_codings(
    session: Session, monitor: str, rows: Sequence[dict[str, Any]], *, now: datetime | None = None
) -> KeptCodings:
    """Write codings (columns of KEYS without monitor, and of CONTENT), each key at most once. Does not commit.

    A row whose document is not collected waits for it; one whose text was erased is left out, and so is a machine's
    label where a person's stands under the same key. ``coded_at`` None: as stored, and ``now`` (None: by the clock) for
    a new or changed one.
    """
    addresses = sorted({row["address"] for row in rows})
    gone = frozenset(erased(session, monitor, addresses))
    documents = _documents(session, monitor, addresses)
    whole = [
        {**_DEFAULTS, **row, "monitor": monitor, "document_id": documents.get(row["address"])}
        for row in rows
        if row["address"] not in gone
    ]
    columns = [getattr(Coding, name) for name in (*KEYS, *CONTENT)]
    stored = {
        tuple(getattr(coding, key) for key in KEYS): coding
        for coding in session.execute(select(*columns).where(Coding.monitor == monitor, Coding.address.in_(addresses)))
    }
    now = now or datetime.now(UTC)
    new, changed, by_hand = [], [], set()
    for row in whole:
        key = tuple(row[name] for name in KEYS)
        before = stored.get(key)
        if before is not None and before.origin != "machine" and row["origin"] == "machine":
            by_hand.add(key)
            continue
        timeless = row["coded_at"] is None
        if before is None:
            new.append(row | {"coded_at": now} if timeless else row)
        elif any(getattr(before, name) != row[name] for name in CONTENT if name != "coded_at" or not timeless):
            changed.append(row | {"coded_at": now} if timeless else row)
    upsert(session, Coding, [*new, *changed], keys=KEYS, update=CONTENT)
    session.expire_all()  # what the caller has read of them was changed beneath it
    known = len(whole) - len(new) - len(changed) - len(by_hand)
    return KeptCodings(len(new), len(changed), known, gone, frozenset(by_hand))


def match_waiting(session: Session, monitor: str) -> int:
    """Join codings to documents that came after them. Returns how many. Does not commit."""
    found = (
        select(func.min(Document.id))
        .where(Document.monitor == monitor, Document.address == Coding.address)
        .scalar_subquery()
    )
    waiting = (
        select(Coding.id)
        .join(Document, (Document.monitor == Coding.monitor) & (Document.address == Coding.address))
        .where(Coding.monitor == monitor, Coding.document_id.is_(None))
    )
    matched = session.execute(
        update(Coding)
        .where(Coding.id.in_(waiting))
        .values(document_id=found)
        .returning(Coding.id)
        .execution_options(synchronize_session=False)
    )
    return len(matched.all())


def count_waiting(session: Session, monitor: str) -> int:
    """How many of the monitor's codings have no document yet."""
    query = select(func.count()).select_from(Coding).where(Coding.monitor == monitor, Coding.document_id.is_(None))
    return session.scalar(query) or 0


@dataclass(frozen=True)
class Stored:
    """A coding as it is stored, and of its text what people want to see; None while it is not collected."""

    coding: Any
    """a row with the columns of the table"""
    document: int | None
    title: str | None
    language: str | None
    text: str | None
    """None also when texts were not asked for"""


_KEPT = tuple(column for column in Coding.__table__.columns if column.name not in {"id", "monitor", "document_id"})


def stored_codings(
    session: Session,
    monitor: str,
    *,
    variable: str | None = None,
    coder: str | None = None,
    since: datetime | None = None,
    with_texts: bool = False,
) -> Iterator[Stored]:
    """The monitor's codings by address, target, variable, then age; those ``since`` were coded then or later."""
    wanted = [Coding.monitor == monitor]
    for column, value in ((Coding.variable, variable), (Coding.coder, coder)):
        if value is not None:
            wanted.append(column == value)
    if since is not None:
        wanted.append(Coding.coded_at >= since)
    texts = [Document.id.label("document"), Document.title.label("title_"), Document.language.label("language_")]
    if with_texts:
        texts.append(Document.text.label("text_"))
    query = (
        select(*_KEPT, *texts)
        .outerjoin(Document, Document.id == Coding.document_id)
        .where(*wanted)
        .order_by(Coding.address, Coding.target, Coding.variable, Coding.id)
        .execution_options(yield_per=_AT_ONCE)
    )
    for row in session.execute(query):
        yield Stored(row, row.document, row.title_, row.language_, row.text_ if with_texts else None)


@dataclass(frozen=True)
class CodedText:
    """A person's coding as agreement sees it."""

    unit: str
    """texts of one cluster are one unit; a text that is not collected is its own"""
    address: str
    target: str
    coder: str
    value: str
    coded_at: datetime
    draw: str
    probability: float | None
    drawn_at: datetime
    origin: str
    settles: bool
    document: int | None
    language: str | None
    title: str | None


def coded_texts(
    session: Session, monitor: str, variable: str, *, units: Collection[str] | None = None
) -> list[CodedText]:
    """Every coding of a variable that is not a machine's, oldest first; of all units, or of these."""
    query = (
        select(*_KEPT, Coding.document_id, Document.cluster_id, Document.language, Document.title)
        .outerjoin(Document, Document.id == Coding.document_id)
        .where(Coding.monitor == monitor, Coding.variable == variable, Coding.origin != "machine")
        .order_by(Coding.coded_at, Coding.id)
        .execution_options(yield_per=_AT_ONCE)
    )
    found = []
    for coding in session.execute(query):
        unit = _unit(coding.address, coding.document_id, coding.cluster_id)
        if units is None or unit in units:
            found.append(
                CodedText(
                    unit=unit,
                    **{name: getattr(coding, name) for name in _OF_CODING},
                    document=coding.document_id,
                    language=coding.language,
                    title=coding.title,
                )
            )
    return found


_OF_CODING = (
    "address", "target", "coder", "value", "coded_at", "draw", "probability", "drawn_at", "origin", "settles",
)  # fmt: skip


def _unit(address: str, document: int | None, cluster: int | None) -> str:
    if document is None:
        return address
    return f"document {document}" if cluster is None else f"cluster {cluster}"


def unit_at(session: Session, monitor: str, address: str) -> str:
    """The unit that an address belongs to."""
    row = session.execute(
        select(Document.id, Document.cluster_id)
        .where(Document.monitor == monitor, Document.address == address)
        .order_by(Document.id)
        .limit(1)
    ).first()
    return _unit(address, row.id, row.cluster_id) if row else address


@dataclass(frozen=True)
class Task:
    """A text of a queue that nobody has labelled."""

    address: str
    document: int
    target: str
    draw: str
    probability: float | None
    drawn_at: datetime
    queue: int
    title: str | None
    language: str | None
    text: str


def newest_queue(session: Session, monitor: str, variable: str, queue: int | None = None) -> int | None:
    """The id of the monitor's newest queue of a variable, or of this one; None when there is none."""
    wanted: list[ColumnElement[bool]] = [Queue.monitor == monitor, Queue.variable == variable]
    if queue is not None:
        wanted.append(Queue.id == queue)
    return session.scalar(select(Queue.id).where(*wanted).order_by(Queue.id.desc()).limit(1))


def tasks_of(session: Session, queue: int) -> Iterator[Task]:
    """The texts of a queue that fewer coders have finished than it wants, in the queue's order."""
    finished = (
        select(func.count())
        .select_from(Assignment)
        .where(Assignment.item_id == QueueItem.id, Assignment.outcome.is_not(None))
        .scalar_subquery()
    )
    query = (
        select(QueueItem, Queue.drawn_at, Document)
        .join(Queue, Queue.id == QueueItem.queue_id)
        .join(Document, Document.id == QueueItem.document_id)
        .where(QueueItem.queue_id == queue, finished < QueueItem.coders)
        .order_by(QueueItem.place, QueueItem.id)
        .execution_options(yield_per=100)
    )
    for item, drawn_at, document in session.execute(query):
        yield Task(
            address=document.address,
            document=document.id,
            target=item.target,
            draw=item.draw,
            probability=item.probability,
            drawn_at=drawn_at,
            queue=queue,
            title=document.title,
            language=document.language,
            text=document.text,
        )
