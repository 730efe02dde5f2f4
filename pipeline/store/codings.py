"""Codings: human labels, matched to documents by address."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from pipeline.store.tables import Coding, Document
from pipeline.store.upsert import upsert

KEYS = ("monitor", "address", "variable", "target", "coder", "draw", "drawn_at")
"""A coder labels a text once per variable and draw; the same again corrects the label."""
CONTENT = ("value", "codebook_version", "coded_at", "probability", "note", "origin", "settles", "extra")


@dataclass(frozen=True)
class KeptCodings:
    """What became of codings that were handed to the store."""

    new: int
    updated: int
    known: int


def _documents(session: Session, monitor: str, addresses: Sequence[str]) -> dict[str, int]:
    """Address -> lowest id of the monitor's documents at it; a copy in a second source is in the same cluster."""
    query = (
        select(Document.address, func.min(Document.id))
        .where(Document.monitor == monitor, Document.address.in_(addresses))
        .group_by(Document.address)
    )
    return {str(address): int(document_id) for address, document_id in session.execute(query)}


def keep_codings(session: Session, monitor: str, rows: Sequence[dict[str, Any]]) -> KeptCodings:
    """Write codings (columns of KEYS without monitor, and of CONTENT), each key at most once. Does not commit.

    A row whose document is not collected waits for it.
    """
    addresses = sorted({row["address"] for row in rows})
    documents = _documents(session, monitor, addresses)
    whole = [{**row, "monitor": monitor, "document_id": documents.get(row["address"])} for row in rows]
    stored = {
        tuple(getattr(coding, key) for key in KEYS): coding
        for coding in session.scalars(select(Coding).where(Coding.monitor == monitor, Coding.address.in_(addresses)))
    }
    new, changed = [], []
    for row in whole:
        before = stored.get(tuple(row[key] for key in KEYS))
        if before is None:
            new.append(row)
        elif any(getattr(before, name) != row[name] for name in CONTENT):
            changed.append(row)
    upsert(session, Coding, [*new, *changed], keys=KEYS, update=CONTENT)
    session.expire_all()  # the rows read above were changed beneath them
    return KeptCodings(len(new), len(changed), len(rows) - len(new) - len(changed))


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
