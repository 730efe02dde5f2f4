"""What a dyad's sheet is made of: every framed text of two groups in a time, own and observers'."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from sqlalchemy import and_, select
from sqlalchemy.orm import Session

from pipeline.store.tables import Cluster, Document, Framing


@dataclass(frozen=True)
class FramedText:
    """A text that the model has scored."""

    document: int
    cluster: int
    group: str
    source: str
    language: str
    """code, or und"""
    day: date
    counts: bool
    """it stands for its cluster; others are reposts"""
    observer: bool
    """somebody writes about the group"""
    p_first: float
    p_second: float


def framed_texts(
    session: Session, monitor: str, groups: Sequence[str], start: date, end: date, model_id: int
) -> list[FramedText]:
    """Framed texts of these groups published from ``start`` to before ``end``, by document."""
    fresh = and_(
        Framing.document_id == Document.id,
        Framing.model_id == model_id,
        Framing.target == "",
        Framing.text_digest == Document.text_digest,
    )
    query = (
        select(
            Document.id,
            Document.cluster_id,
            Document.group_id,
            Document.source,
            Document.language,
            Document.published_at,
            Document.speaker,
            Cluster.first_document_id,
            Framing.p_first,
            Framing.p_second,
        )
        .join(Framing, fresh)
        .outerjoin(Cluster, Cluster.id == Document.cluster_id)
        .where(
            Document.monitor == monitor,
            Document.group_id.in_(groups),
            Document.published_at >= datetime.combine(start, time(), tzinfo=UTC),
            Document.published_at < datetime.combine(end, time(), tzinfo=UTC),
            Framing.p_first.is_not(None),
            Framing.p_second.is_not(None),
        )
        .order_by(Document.id)
        .execution_options(yield_per=10_000)
    )
    return [
        FramedText(
            document=row.id,
            cluster=-row.id if row.cluster_id is None else row.cluster_id,
            group=row.group_id,
            source=row.source,
            language=row.language or "und",
            day=row.published_at.date(),
            counts=row.cluster_id is None or row.first_document_id == row.id,
            observer=row.speaker != "own",
            p_first=row.p_first,
            p_second=row.p_second,
        )
        for row in session.execute(query)
    ]
