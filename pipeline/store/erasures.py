"""Erasing: what is selected, taking it out, and remembering that it was taken. Of addresses only the sha256 is kept."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256
from typing import Any, Literal

from sqlalchemy import ColumnElement, and_, delete, false, func, insert, or_, select, text, update
from sqlalchemy.orm import Session

from pipeline.extract.memento import memento_at, original_of
from pipeline.store.clusters import leave_cluster, lock_clusters
from pipeline.store.search.index import SCRUB, forget_texts
from pipeline.store.session import engine_for
from pipeline.store.tables import (
    Assignment,
    Capture,
    Coding,
    Document,
    ErasedAddress,
    ErasedDocument,
    Erasure,
    Framing,
    Frontier,
    MinHashBand,
    Place,
    QueueItem,
    Run,
)
from pipeline.store.upsert import IN_ONE_QUERY, upsert

Scope = Literal["source", "address", "group"]
BATCH = 200
"""documents in one transaction"""
_TABLES = (
    *("documents", "codings", "framings", "minhash_bands", "captures", "frontier", "places", "runs"),
    *("scanned_texts", "mentions", "queue_items", "assignments"),
    *("kept_sheets", "kept_panels", "kept_smoothed", "replay_stretches", "replay_cells"),
)
"""of which rows go, by an erasure itself or with their text"""
_TAKEN = "(erased)"


def digest_of(address: str) -> str:
    """What is remembered of an address."""
    return sha256(address.encode()).hexdigest()


def erased(session: Session, monitor: str, addresses: Iterable[str]) -> set[str]:
    """Those of the addresses that were erased and must not be collected again, archived copies of them included."""
    if session.scalar(select(ErasedAddress.monitor).where(ErasedAddress.monitor == monitor).limit(1)) is None:
        return set()
    by_digest: dict[str, set[str]] = {}
    for address in addresses:
        for spelling in {address, original_of(address)}:
            by_digest.setdefault(digest_of(spelling), set()).add(address)
    digests = list(by_digest)
    found: set[str] = set()
    for start in range(0, len(digests), IN_ONE_QUERY):
        for one in session.scalars(
            select(ErasedAddress.address_digest).where(
                ErasedAddress.monitor == monitor,
                ErasedAddress.address_digest.in_(digests[start : start + IN_ONE_QUERY]),
            )
        ):
            found |= by_digest[one]
    return found


@dataclass(frozen=True)
class Selection:
    """What an erasure is about."""

    monitor: str
    scope: Scope
    target: str
    sources: frozenset[str] = frozenset()
    """all that these brought in"""
    group: str | None = None
    """its texts, from wherever they came"""
    addresses: frozenset[str] = frozenset()
    """in every source"""

    @property
    def remembered(self) -> str:
        """The target as the store keeps it."""
        return digest_of(self.target) if self.scope == "address" else self.target

    def documents(self) -> ColumnElement[bool]:
        return and_(
            Document.monitor == self.monitor,
            self._any(
                or_(
                    Document.source.in_(self.sources),
                    # rows of a table may name sources of their own, which are called <source>/<name>
                    *(Document.source.startswith(f"{one}/", autoescape=True) for one in sorted(self.sources)),
                ),
                # never null, as == is for texts of no group: it must be told of every text whether it goes
                Document.group_id.is_not_distinct_from(self.group),
                Document.address.in_(self.addresses),
            ),
        )

    def rows(self, table: type[Capture] | type[Frontier] | type[Place]) -> ColumnElement[bool]:
        """What hangs on the sources and addresses themselves."""
        return and_(
            table.monitor == self.monitor,
            self._any(table.source.in_(self.sources), false(), table.address.in_(self.addresses)),
        )

    def _any(
        self, source: ColumnElement[bool], group: ColumnElement[bool], address: ColumnElement[bool]
    ) -> ColumnElement[bool]:
        return or_(
            source if self.sources else false(),
            group if self.group is not None else false(),
            address if self.addresses else false(),
        )


def spellings_of(session: Session, monitor: str, address: str) -> frozenset[str]:
    """The address and all that belong to the same text: copies in web archives, where it was led to.

    Of an erasure that was broken off also those that are remembered only.
    """
    found = {address}
    tables: tuple[type[Document] | type[Capture] | type[Frontier], ...] = (Document, Capture, Frontier)
    for table in tables:
        ends = select(table.address).where(table.monitor == monitor, table.address.endswith(address, autoescape=True))
        found |= {one for one in session.scalars(ends) if original_of(one) == address}
    for one in list(found):
        joined = select(Document.address, Capture.address).join(Capture, Capture.id == Document.capture_id)
        for pair in session.execute(
            joined.where(Document.monitor == monitor, or_(Document.address == one, Capture.address == one))
        ):
            found |= set(pair)
    for one in list(found):
        if (memento := memento_at(one)) is not None:
            found |= {memento.raw, memento.shown}
    if unfinished(session, Selection(monitor, "address", address)):
        for table in tables:
            found |= erased(session, monitor, session.scalars(select(table.address).where(table.monitor == monitor)))
    return frozenset(found)


@dataclass
class Extent:
    """How much an erasure takes."""

    documents: int = 0
    codings: int = 0
    framings: int = 0
    captures: int = 0
    frontier: int = 0
    places: int = 0
    imported: list[str] = field(default_factory=list)
    """files that are not ours and hold some of it"""


def extent_of(session: Session, chosen: Selection) -> Extent:
    """What is there now. Writes nothing."""
    documents = select(Document.id).where(chosen.documents())

    def count(table: Any, where: ColumnElement[bool]) -> int:
        return session.scalar(select(func.count()).select_from(table).where(where)) or 0

    of_texts = Capture.id.in_(select(Document.capture_id).where(chosen.documents()))
    files = session.scalars(select(Capture.warc_file).where(or_(chosen.rows(Capture), of_texts)).distinct())
    return Extent(
        documents=count(Document, chosen.documents()),
        codings=count(Coding, Coding.document_id.in_(documents)),
        framings=count(Framing, Framing.document_id.in_(documents)),
        captures=count(Capture, or_(chosen.rows(Capture), of_texts)),
        frontier=count(Frontier, chosen.rows(Frontier)),
        places=count(Place, chosen.rows(Place)),
        imported=sorted(name for name in files if name.startswith("/")),
    )


def begin(session: Session, chosen: Selection, *, reason: str, now: datetime) -> Erasure:
    """The row of a new erasure, or of one that was broken off; its addresses are refused from now on. Commits."""
    row = session.scalars(
        select(Erasure)
        .where(
            Erasure.monitor == chosen.monitor,
            Erasure.scope == chosen.scope,
            Erasure.target == chosen.remembered,
            Erasure.finished_at.is_(None),
        )
        .limit(1)
    ).first()
    if row is None:
        row = Erasure(
            monitor=chosen.monitor,
            erased_at=now,
            scope=chosen.scope,
            target=chosen.remembered,
            reason=reason,
            documents=0,
            captures=0,
        )
        session.add(row)
        session.flush()
    forever = [
        {"monitor": chosen.monitor, "address_digest": digest_of(one), "erasure_id": row.id} for one in chosen.addresses
    ]
    upsert(session, ErasedAddress, forever, keys=["monitor", "address_digest"])
    session.commit()
    return row


def unfinished(session: Session, chosen: Selection) -> bool:
    """Whether such an erasure was broken off."""
    return (
        session.scalar(
            select(Erasure.id).where(
                Erasure.monitor == chosen.monitor,
                Erasure.scope == chosen.scope,
                Erasure.target == chosen.remembered,
                Erasure.finished_at.is_(None),
            )
        )
        is not None
    )


def take_documents(session: Session, chosen: Selection, row: Erasure) -> int:
    """Take out the next documents with all that hangs on them; returns how many. Commits."""
    lock_clusters(session, chosen.monitor)
    documents = session.scalars(select(Document).where(chosen.documents()).order_by(Document.id).limit(BATCH)).all()
    if not documents:
        session.commit()
        return 0
    ids = [one.id for one in documents]
    captures = [one.capture_id for one in documents if one.capture_id is not None]
    addresses = {(one.source, one.address) for one in documents}
    session.execute(insert(ErasedDocument), [{"document_id": one, "erasure_id": row.id} for one in ids])
    for one in documents:
        leave_cluster(session, one)  # its first publication moves to the next
    session.execute(delete(MinHashBand).where(MinHashBand.document_id.in_(ids)))
    session.execute(delete(Framing).where(Framing.document_id.in_(ids)))
    of_queues = select(QueueItem.id).where(QueueItem.document_id.in_(ids))
    session.execute(delete(Assignment).where(Assignment.item_id.in_(of_queues)))
    session.execute(delete(QueueItem).where(QueueItem.document_id.in_(ids)))
    _take_codings(session, chosen, ids)
    session.execute(update(Document).where(Document.id.in_(ids)).values(capture_id=None))
    taken = session.execute(delete(Capture).where(Capture.id.in_(captures)).returning(Capture.id)).all()
    for source, address in addresses:
        for table in (Capture, Frontier):
            gone = session.execute(
                delete(table)
                .where(table.monitor == chosen.monitor, table.source == source, table.address == address)
                .returning(table.id)
            ).all()
            row.captures += len(gone) if table is Capture else 0
    session.execute(delete(Document).where(Document.id.in_(ids)))
    forget_texts(session, ids)
    row.documents += len(ids)
    row.captures += len(taken)
    session.commit()
    session.expunge_all()
    session.add(row)
    return len(ids)


def _take_codings(session: Session, chosen: Selection, ids: Sequence[int]) -> None:
    """Codings go with their text; those of an address that another source has too go over to that one."""
    other = (
        select(func.min(Document.id))
        .where(
            Document.monitor == Coding.monitor,
            Document.address == Coding.address,
            Document.id.not_in(ids),
            ~chosen.documents(),
        )
        .scalar_subquery()
    )
    session.execute(
        update(Coding)
        .where(Coding.document_id.in_(ids))
        .values(document_id=other)
        .execution_options(synchronize_session=False)
    )
    # those that found no other text are waiting for none: their text is gone
    addresses = select(Document.address).where(Document.id.in_(ids))
    session.execute(
        delete(Coding)
        .where(Coding.monitor == chosen.monitor, Coding.document_id.is_(None), Coding.address.in_(addresses))
        .execution_options(synchronize_session=False)
    )


def take_rest(session: Session, chosen: Selection, row: Erasure) -> None:
    """Take out what hangs on sources and addresses and on no text. Commits."""
    left = session.execute(
        delete(Capture).where(chosen.rows(Capture)).returning(Capture.id).execution_options(synchronize_session=False)
    ).all()
    row.captures += len(left)
    for table in (Frontier, Place):
        session.execute(delete(table).where(chosen.rows(table)).execution_options(synchronize_session=False))
    if chosen.addresses:
        session.execute(
            delete(Coding)
            .where(Coding.monitor == chosen.monitor, Coding.address.in_(chosen.addresses))
            .execution_options(synchronize_session=False)
        )
    session.commit()


def clean_runs(session: Session, chosen: Selection) -> None:
    """Report lines name addresses: of erased sources all that went wrong goes, of others what names what goes.

    Call it first, while it is known what goes. Commits.
    """
    addresses = set(chosen.addresses)
    for query in (
        select(Document.address).where(chosen.documents()),
        select(Capture.address).where(chosen.rows(Capture)),
        select(Frontier.address).where(chosen.rows(Frontier)),
        select(Place.address).where(chosen.rows(Place)),
    ):
        addresses.update(session.scalars(query))
    for run in session.scalars(select(Run).where(Run.monitor == chosen.monitor)).all():
        cleaned = [_TAKEN if run.source in chosen.sources or _names(line, addresses) else line for line in run.problems]
        if cleaned != run.problems:
            run.problems = cleaned
            run.sentence = f"{run.sentence.partition(f'; {len(cleaned)} problem')[0]}."
    session.commit()


def _names(line: str, addresses: Collection[str]) -> bool:
    return any(word.rstrip(":;.,)") in addresses or word in addresses for word in re.split(r"[\s,]+", line))


def finish(session: Session, row: Erasure, *, now: datetime) -> None:
    """It is done. Commits."""
    row.finished_at = now
    session.commit()


def scrub(address: str) -> str | None:
    """Take what was deleted out of the database's own files as well; why that is not done, if it is not.

    SQLite writes the whole file anew and empties its log. PostgreSQL frees the rows for new ones: the bytes are
    overwritten in time, and its log and backups are its owner's.
    """
    engine = engine_for(address)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for statement in SCRUB[engine.dialect.name]:
            connection.execute(text(statement))
        if engine.dialect.name == "postgresql":
            for table in _TABLES:
                connection.execute(text(f"VACUUM {table}"))
            return None
        connection.execute(text("PRAGMA secure_delete=ON"))
        connection.execute(text("VACUUM"))
        busy, *_ = connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)")).one()
        return "another process is reading the database, whose log still holds the old pages" if busy else None
