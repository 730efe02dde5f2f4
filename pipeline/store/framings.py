"""Framings: which documents wait for one, and how they are written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, func, or_, select
from sqlalchemy.orm import Session

from pipeline.store.tables import Document, Framing
from pipeline.store.upsert import upsert


@dataclass(frozen=True)
class Unframed:
    """A document whose framing by a model is missing or stale."""

    id: int
    text_digest: str
    language: str | None
    speaking: str | None
    """the group that speaks in it; None in an observer's text"""
    stale: bool
    """true: the model has scored an earlier text, with other names masked, or when another was said to speak"""


def _same(model_id: int, target: str) -> ColumnElement[bool]:
    return and_(Framing.document_id == Document.id, Framing.model_id == model_id, Framing.target == target)


_speaking = case((Document.speaker == "own", Document.group_id))


def _waits(monitor: str, featuriser: str, target: str) -> ColumnElement[bool]:
    return and_(
        Document.monitor == monitor,
        or_(
            Framing.document_id.is_(None),
            Framing.text_digest != Document.text_digest,
            Framing.featuriser != featuriser,
            _speaking == target,  # who speaks was corrected: a framing towards himself is to go
        ),
    )


def count_documents(session: Session, monitor: str) -> int:
    """How many documents the monitor has."""
    return session.scalar(select(func.count()).select_from(Document).where(Document.monitor == monitor)) or 0


def count_unframed(session: Session, monitor: str, *, model_id: int, featuriser: str, target: str = "") -> int:
    """How many documents wait for a framing by this model and featuriser, of a targeted codebook towards a group."""
    query = select(func.count()).select_from(Document).outerjoin(Framing, _same(model_id, target))
    return session.scalar(query.where(_waits(monitor, featuriser, target))) or 0


def unframed(
    session: Session, monitor: str, *, model_id: int, featuriser: str, after: int, limit: int, target: str = ""
) -> list[Unframed]:
    """The next ``limit`` waiting documents with an id above ``after``, by id; without their texts."""
    query = (
        select(Document.id, Document.text_digest, Document.language, _speaking, Framing.document_id.is_not(None))
        .outerjoin(Framing, _same(model_id, target))
        .where(_waits(monitor, featuriser, target), Document.id > after)
        .order_by(Document.id)
        .limit(limit)
    )
    return [Unframed(*row) for row in session.execute(query)]


def texts_of(session: Session, documents: Sequence[int]) -> dict[int, tuple[str, str]]:
    """Document -> its text and the digest of it, as they are now; without those that are there no more."""
    query = select(Document.id, Document.text, Document.text_digest).where(Document.id.in_(documents))
    return {id_: (text, digest) for id_, text, digest in session.execute(query)}


def still_there(session: Session, documents: Sequence[int]) -> set[int]:
    """Those of the documents that were not erased."""
    return set(session.scalars(select(Document.id).where(Document.id.in_(documents))))


def drop_framings(session: Session, model_id: int, target: str, documents: Sequence[int]) -> None:
    """Take back framings towards a group that the texts do not name. Does not commit."""
    if documents:
        session.execute(
            delete(Framing).where(
                Framing.model_id == model_id, Framing.target == target, Framing.document_id.in_(documents)
            )
        )


def keep_framings(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write framings, over those of the same document and model. Does not commit."""
    upsert(
        session,
        Framing,
        rows,
        keys=["document_id", "model_id", "target"],
        update=["text_digest", "featuriser", "p_first", "p_second", "label", "scored_at"],
    )
