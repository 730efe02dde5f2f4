"""Reading what was measured: trend rows, gap rows, and the texts behind a cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from pipeline.store.cells import model_in_force
from pipeline.store.tables import Cluster, Document, Framing, GapCell, TrendCell

TREND_COLUMNS: dict[str, str] = {
    "group_id": "the group",
    "period": "week, month, quarter or year",
    "start": "first day of the period (UTC; weeks start on Monday)",
    "end": "first day after the period",
    "balance": "share nationalist less share universalist, -1 to 1; empty: see missing",
    "low": "lower end of the 95% interval; empty when uncorrected",
    "high": "upper end of the 95% interval; empty when uncorrected",
    "estimator": "corrected by random codings, or uncorrected (the model's mean alone)",
    "missing": "why there is no balance: outage, not collected, silent, not framed",
    "texts": "own texts published in the period, reposts included",
    "clusters": "different texts whose first publication lies in the period (N)",
    "sources": "different sources of those texts",
    "codings": "different texts drawn at random and coded (n)",
    "late": "texts that arrived at a time that codings do not speak for and are not in a corrected balance",
    "flags": "what a reader has to know of this cell",
    "model_balance": "the model's mean, never corrected",
    "framed": "different texts that the model in force has scored",
    "model_variance": "sampling variance of the model's mean; empty with fewer than two texts",
    "variance": "variance of a corrected balance",
    "freedom": "degrees of freedom of its t interval",
    "lam": "how far the model is trusted, 0 to 1; estimated on the other cells",
    "companions": "cc, pcc, pacc, sld, constant: other estimates, for comparison only",
    "model_id": "the model in force",
    "measured_at": "when the row was computed",
}
"""The columns of the trend table, in the order pages and CSV files show them: name -> meaning in one line."""

GAP_COLUMNS: dict[str, str] = {
    "a": "first group of the dyad",
    "b": "second group of the dyad",
    "period": "week, month, quarter or year",
    "start": "first day of the period (UTC; weeks start on Monday)",
    "end": "first day after the period",
    "gap": "balance of a less balance of b, -2 to 2; empty: see missing",
    "low": "lower end of the 95% interval; empty when uncorrected",
    "high": "upper end of the 95% interval; empty when uncorrected",
    "estimator": "corrected when both sides are, else uncorrected (the two model means)",
    "missing": "why there is no gap: which side has no balance, and why",
    "state": "steady, diverging, rift, converging or not enough evidence",
    "flags": "what a reader has to know of this period, and why the state is what it is",
    "variance": "variance of a corrected gap",
    "freedom": "degrees of freedom of its t interval",
    "measured_at": "when the row was computed",
}
"""The columns of the gap table, in the order pages and CSV files show them: name -> meaning in one line."""


def as_record(row: TrendCell | GapCell) -> dict[str, Any]:
    """A row as ordered values, by :data:`TREND_COLUMNS` or :data:`GAP_COLUMNS`."""
    columns = TREND_COLUMNS if isinstance(row, TrendCell) else GAP_COLUMNS
    return {name: getattr(row, name) for name in columns}


def trend_rows(
    session: Session, monitor: str, group: str | None = None, period: str | None = None
) -> Sequence[TrendCell]:
    """Cells of a monitor (of one group, of one period kind), by group, period kind and start."""
    query = select(TrendCell).where(TrendCell.monitor == monitor)
    if group is not None:
        query = query.where(TrendCell.group_id == group)
    if period is not None:
        query = query.where(TrendCell.period == period)
    return session.scalars(query.order_by(TrendCell.group_id, TrendCell.period, TrendCell.start)).all()


def gap_rows(
    session: Session, monitor: str, a: str | None = None, b: str | None = None, period: str | None = None
) -> Sequence[GapCell]:
    """Gaps of a monitor (of one dyad, of one period kind), by dyad, period kind and start."""
    query = select(GapCell).where(GapCell.monitor == monitor)
    for column, value in ((GapCell.a, a), (GapCell.b, b), (GapCell.period, period)):
        if value is not None:
            query = query.where(column == value)
    return session.scalars(query.order_by(GapCell.a, GapCell.b, GapCell.period, GapCell.start)).all()


def measured_dyads(session: Session) -> list[str]:
    """``monitor: a--b`` of every dyad with a gap in some period, in order."""
    query = select(GapCell.monitor, GapCell.a, GapCell.b).where(GapCell.gap.is_not(None)).distinct()
    return sorted(f"{monitor}: {a}--{b}" for monitor, a, b in session.execute(query))


@dataclass(frozen=True)
class CellText:
    """One own text of a cell."""

    document_id: int
    title: str | None
    excerpt: str
    """the first 240 characters"""
    address: str
    source: str
    language: str | None
    published_at: datetime
    published_origin: str | None
    counts: bool
    """False: a repost; its text counts where it was published first"""
    p_nationalist: float | None
    """null: not framed by the model in force, or it knows no word of the text"""
    p_universalist: float | None
    label: str | None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def documents_of_cell(
    session: Session, monitor: str, group: str, start: date, end: date, limit: int = 50, offset: int = 0
) -> list[CellText]:
    """Own texts of a group published from ``start`` to the day before ``end``, oldest first, reposts included."""
    model = model_in_force(session)
    fresh = and_(
        Framing.document_id == Document.id,
        Framing.model_id == (model.id if model else None),
        Framing.text_digest == Document.text_digest,
    )
    query = (
        select(
            Document.id,
            Document.title,
            func.substr(Document.text, 1, 240),
            Document.address,
            Document.source,
            Document.language,
            Document.published_at,
            Document.published_origin,
            Document.cluster_id,
            Cluster.first_document_id,
            Framing.p_first,
            Framing.p_second,
            Framing.label,
        )
        .outerjoin(Cluster, Cluster.id == Document.cluster_id)
        .outerjoin(Framing, fresh)
        .where(
            Document.monitor == monitor,
            Document.speaker == "own",
            Document.group_id == group,
            Document.published_at >= _midnight(start),
            Document.published_at < _midnight(end),
        )
        .order_by(Document.published_at, Document.id)
        .limit(limit)
        .offset(offset)
    )
    return [
        CellText(
            row.id,
            row.title,
            row[2],
            row.address,
            row.source,
            row.language,
            row.published_at,
            row.published_origin,
            row.cluster_id is None or row.first_document_id == row.id,
            row.p_first,
            row.p_second,
            row.label,
        )
        for row in session.execute(query)
    ]
