"""Keeping what was collected: one row per monitor, source and address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Literal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pipeline.extract.document import EXTRACTOR, DateCandidate, Extracted
from pipeline.store.clusters import Member, assign_clusters, leave_cluster, lock_clusters, refresh_cluster
from pipeline.store.search.index import index_texts
from pipeline.store.tables import Coding, Document
from pipeline.store.upsert import IN_ONE_QUERY, upsert

_DATE = frozenset({"published_at", "published_origin", "dates"})
_ORDERING = frozenset({"speaker", "published_at"})
"""columns that say which document of a cluster is the first"""
_CLUSTERING = _ORDERING | {"text_digest"}
_SEARCHED = frozenset({"title", "text", "group_id", "published_at"})
"""columns that the search index is made of; with the source, which never changes"""
_KEY = ["monitor", "source", "address"]


@dataclass(frozen=True)
class Kept:
    """What became of a text that was handed to the store."""

    document_id: int
    status: Literal["new", "known", "updated"]
    """updated: the address is known, its text has changed"""
    repost: bool
    """the same text was there already, at another address or in another source"""


@dataclass(frozen=True)
class Incoming:
    """A text on its way into the store."""

    source: str
    group_id: str | None
    speaker: str
    extracted: Extracted
    capture_id: int | None
    collected_at: datetime
    bands: tuple[int, ...] | None = None
    """of the text's MinHash signature where somebody has worked it out already"""
    extractor: str = EXTRACTOR
    """see :func:`pipeline.extract.document.stamp`"""

    @property
    def key(self) -> tuple[str, str]:
        """What no two documents of a monitor share: source and address."""
        return self.source, self.extracted.address

    @cached_property
    def values(self) -> dict[str, Any]:
        """The columns that a later reading may change."""
        extracted = self.extracted
        return {
            "group_id": self.group_id,
            "speaker": self.speaker,
            "title": extracted.title,
            "text": extracted.text,
            "text_digest": extracted.text_digest,
            "language": extracted.language,
            "language_confidence": extracted.language_confidence,
            "published_at": extracted.published_at,
            "published_origin": extracted.published_origin,
            "dates": [_shown(candidate) for candidate in extracted.dates],
            "encoding": extracted.encoding,
            "capture_id": self.capture_id,
            "extractor": self.extractor,
        }

    def member(self, document: int) -> Member:
        """As it is stored under the id ``document``, for :func:`assign_clusters`."""
        made = self.extracted
        return Member(document, made.text, made.text_digest, self.speaker, made.published_at, self.bands)


def _shown(candidate: DateCandidate) -> dict[str, Any]:
    """A date candidate as it is stored."""
    return {
        "origin": candidate.origin,
        "value": candidate.value,
        "date": candidate.date.isoformat() if candidate.date else None,
        "accepted": candidate.accepted,
        "why": candidate.why,
    }


def keep_document(
    session: Session,
    *,
    monitor: str,
    source: str,
    group_id: str | None,
    speaker: str,
    extracted: Extracted,
    capture_id: int | None,
    collected_at: datetime,
) -> Kept:
    """Write one text; see :func:`keep_documents`."""
    text = Incoming(source, group_id, speaker, extracted, capture_id, collected_at)
    return keep_documents(session, monitor, [text])[0]


def keep_documents(session: Session, monitor: str, texts: Sequence[Incoming]) -> list[Kept]:
    """Write texts, index them, put them into their clusters, match codings that waited for them. Does not commit.

    What comes out is what came of writing them one after another, in a few statements for all. The same call again
    changes nothing. A changed text updates the row and finds its cluster anew. A later reading that finds no date does
    not take away the date found before. Commit soon after: on PostgreSQL other workers of the monitor wait.
    """
    lock_clusters(session, monitor)
    kept: list[Kept] = []
    start = 0
    while start < len(texts):
        # an address that is there twice is written, then met again
        batch: dict[tuple[str, str], Incoming] = {}
        for text in texts[start:]:
            if batch.setdefault(text.key, text) is not text:
                break
        kept += _keep_different(session, monitor, list(batch.values()))
        start += len(batch)
    _match_codings(session, monitor, [(text.key[1], one.document_id) for text, one in zip(texts, kept, strict=True)])
    return kept


def _keep_different(session: Session, monitor: str, texts: Sequence[Incoming]) -> list[Kept]:
    """The same for texts of different addresses, without the codings."""
    rows = [
        {
            "monitor": monitor,
            "source": text.source,
            "address": text.extracted.address,
            **text.values,
            "collected_at": text.collected_at,
            "updated_at": text.collected_at,
        }
        for text in texts
    ]
    written = upsert(session, Document, rows, keys=_KEY, returning=["id", "source", "address"])
    new = {(source, address): document for document, source, address in written}
    index_texts(session, [(new[t.key], t.extracted.title, t.extracted.text) for t in texts if t.key in new])
    known = _known(session, monitor, [text for text in texts if text.key not in new])
    kept: dict[tuple[str, str], Kept] = {}
    waiting: list[Incoming] = []

    def assign() -> None:
        members = [text.member(new[text.key]) for text in waiting]
        for text, repost in zip(waiting, assign_clusters(session, monitor, members), strict=True):
            kept[text.key] = Kept(new[text.key], "new", repost)
        waiting.clear()

    for text in texts:
        if text.key in new:
            waiting.append(text)
        else:
            document = known[text.key]
            differing = _differing(document, text.values)
            if not _CLUSTERING.isdisjoint(differing):
                assign()  # those before it come first
            kept[text.key] = _meet_again(session, document, differing, text)
    assign()
    return [kept[text.key] for text in texts]


def _known(session: Session, monitor: str, texts: Sequence[Incoming]) -> dict[tuple[str, str], Document]:
    found: dict[tuple[str, str], Document] = {}
    for start in range(0, len(texts), IN_ONE_QUERY):
        some = texts[start : start + IN_ONE_QUERY]
        rows = session.scalars(
            select(Document).where(
                Document.monitor == monitor,
                Document.source.in_({text.source for text in some}),
                Document.address.in_([text.extracted.address for text in some]),
            )
        )
        found.update(((document.source, document.address), document) for document in rows)
    return found


def _meet_again(session: Session, document: Document, differing: dict[str, Any], text: Incoming) -> Kept:
    """Bring a known row up to date."""
    for name, value in differing.items():
        setattr(document, name, value)
    if differing:
        document.updated_at = text.collected_at
        session.flush()
    if not _SEARCHED.isdisjoint(differing):
        index_texts(session, [(document.id, document.title, document.text)])
    if "text_digest" in differing:
        if document.cluster_id is not None:
            leave_cluster(session, document)
        (repost,) = assign_clusters(session, document.monitor, [text.member(document.id)])
        session.refresh(document, ["cluster_id"])
        return Kept(document.id, "updated", repost)
    if document.cluster_id is not None and not _ORDERING.isdisjoint(differing):
        refresh_cluster(session, document.cluster_id)
    return Kept(document.id, "known", False)


def _differing(document: Document, values: dict[str, Any]) -> dict[str, Any]:
    """What of the new reading differs from the row, save a date that would only be lost."""
    if values["published_at"] is None and values["text_digest"] == document.text_digest:
        values = {name: value for name, value in values.items() if name not in _DATE}
    return {name: value for name, value in values.items() if getattr(document, name) != value}


def _match_codings(session: Session, monitor: str, kept: Sequence[tuple[str, int]]) -> None:
    """Give codings that wait for an address the first document that came with it."""
    documents: dict[str, int] = {}
    for address, document in kept:
        documents.setdefault(address, document)
    addresses = list(documents)
    for start in range(0, len(addresses), IN_ONE_QUERY):
        waiting = session.scalars(
            select(Coding.address)
            .where(
                Coding.monitor == monitor,
                Coding.address.in_(addresses[start : start + IN_ONE_QUERY]),
                Coding.document_id.is_(None),
            )
            .distinct()
        ).all()
        for address in waiting:
            session.execute(
                update(Coding)
                .where(Coding.monitor == monitor, Coding.address == address, Coding.document_id.is_(None))
                .values(document_id=documents[address])
            )
