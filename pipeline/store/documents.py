"""Keeping what was collected: one row per monitor, source and address."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from pipeline.extract.document import EXTRACTOR, DateCandidate, Extracted
from pipeline.store.clusters import assign_cluster, lock_clusters, refresh_cluster
from pipeline.store.tables import Coding, Document
from pipeline.store.upsert import upsert

_DATE = frozenset({"published_at", "published_origin", "dates"})
_ORDERING = frozenset({"speaker", "published_at"})
"""columns that say which document of a cluster is the first"""


@dataclass(frozen=True)
class Kept:
    """What became of a text that was handed to the store."""

    document_id: int
    status: Literal["new", "known", "updated"]
    """updated: the address is known, its text has changed"""
    repost: bool
    """the same text was there already, at another address or in another source"""


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
    """Write a text, put it into its cluster, and match codings that waited for it. Does not commit.

    The same call again changes nothing. A changed text updates the row and finds its cluster anew. A later reading
    that finds no date does not take away the date found before. Commit soon after: on PostgreSQL other workers of
    the monitor wait.
    """
    lock_clusters(session, monitor)
    values: dict[str, Any] = {
        "group_id": group_id,
        "speaker": speaker,
        "title": extracted.title,
        "text": extracted.text,
        "text_digest": extracted.text_digest,
        "language": extracted.language,
        "language_confidence": extracted.language_confidence,
        "published_at": extracted.published_at,
        "published_origin": extracted.published_origin,
        "dates": [_shown(candidate) for candidate in extracted.dates],
        "encoding": extracted.encoding,
        "capture_id": capture_id,
        "extractor": EXTRACTOR,
    }
    key = {"monitor": monitor, "source": source, "address": extracted.address}
    inserted = upsert(
        session, Document, [{**key, **values, "collected_at": collected_at, "updated_at": collected_at}], keys=list(key)
    )
    document = session.scalars(select(Document).filter_by(**key)).one()
    if inserted:
        repost = assign_cluster(session, document)
        _match_codings(session, document)
        return Kept(document.id, "new", repost)
    differing = _differing(document, values)
    for name, value in differing.items():
        setattr(document, name, value)
    if differing:
        document.updated_at = collected_at
        session.flush()
    _match_codings(session, document)
    if "text_digest" in differing:
        return Kept(document.id, "updated", assign_cluster(session, document))
    if document.cluster_id is not None and not _ORDERING.isdisjoint(differing):
        refresh_cluster(session, document.cluster_id)
    return Kept(document.id, "known", False)


def _differing(document: Document, values: dict[str, Any]) -> dict[str, Any]:
    """What of the new reading differs from the row, save a date that would only be lost."""
    if values["published_at"] is None and values["text_digest"] == document.text_digest:
        values = {name: value for name, value in values.items() if name not in _DATE}
    return {name: value for name, value in values.items() if getattr(document, name) != value}


def _match_codings(session: Session, document: Document) -> None:
    session.execute(
        update(Coding)
        .where(Coding.monitor == document.monitor, Coding.address == document.address, Coding.document_id.is_(None))
        .values(document_id=document.id)
    )
