"""Results that a job makes for the pages, since they need every text or cell: fixed panels, smoothed gaps, sheets."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from pipeline.settings import Settings
from pipeline.store.alone import alone
from pipeline.store.cells import counts_column, day_column, fresh_framing, own
from pipeline.store.tables import Cluster, Document, Framing, KeptPanel, KeptSheet, KeptSmoothed, Published
from pipeline.store.upsert import upsert


@dataclass(frozen=True)
class SourceDay:
    """The framed texts of one source on one day that stand for their clusters."""

    group: str
    source: str
    day: date
    texts: int
    total: float
    """sum of the model's balances"""


def source_days(
    session: Session, monitor: str, model_id: int, *, groups: Sequence[str] | None = None, before: date | None = None
) -> Iterator[SourceDay]:
    """Sums of the own framed texts of a monitor, by group, source and day.

    groups: of these only. before: of texts published before this day only.
    """
    day = day_column(session, Document.published_at)
    which = list(own(monitor))
    if groups is not None:
        which.append(Document.group_id.in_(groups))
    if before is not None:
        which.append(Document.published_at < datetime.combine(before, time(), tzinfo=UTC))
    query = (
        select(
            Document.group_id,
            Document.source,
            day,
            func.count(Document.id),
            func.sum(Framing.p_first - Framing.p_second),
        )
        .join(Framing, fresh_framing(model_id))
        .outerjoin(Cluster, Cluster.id == Document.cluster_id)
        .where(*which, Framing.p_first.is_not(None), Framing.p_second.is_not(None), counts_column() == 1)
        .group_by(Document.group_id, Document.source, day)
        .execution_options(yield_per=10_000)
    )
    for group, source, when, texts, total in session.execute(query):
        yield SourceDay(group, source, when if isinstance(when, date) else date.fromisoformat(when), texts, total)


def newest_published(session: Session, monitor: str) -> int:
    """Id of a monitor's newest published balance or gap, 0 before the first: whether anything was measured anew."""
    measured = Published.kind.in_(("trend", "gap"))
    return session.scalar(select(func.max(Published.id)).where(Published.monitor == monitor, measured)) or 0


def panels_of(session: Session, monitor: str, groups: Sequence[str], period: str) -> dict[str, KeptPanel]:
    """Group -> its fixed panel of a period kind."""
    rows = session.scalars(
        select(KeptPanel).where(
            KeptPanel.monitor == monitor, KeptPanel.group_id.in_(groups), KeptPanel.period == period
        )
    )
    return {row.group_id: row for row in rows}


def basis_of_panels(session: Session, monitor: str) -> int | None:
    """Id of the published figure at which the monitor's panels were made; None: there are none."""
    return session.scalar(select(func.min(KeptPanel.basis)).where(KeptPanel.monitor == monitor))


def write_panels(session: Session, monitor: str, rows: Sequence[dict[str, Any]]) -> None:
    """Make ``rows`` the monitor's panels. Does not commit."""
    session.execute(delete(KeptPanel).where(KeptPanel.monitor == monitor))
    upsert(session, KeptPanel, [{"monitor": monitor} | row for row in rows], ("monitor", "group_id", "period"))


def smoothed_of(session: Session, monitor: str, a: str, b: str) -> tuple[KeptSmoothed, bool] | None:
    """The smoothed gaps of a dyad, and whether a gap of it was published since they were made; None: none were made."""
    since = (
        select(Published.id)
        .where(
            Published.monitor == KeptSmoothed.monitor,
            Published.kind == "gap",
            Published.subject == f"{a}--{b}",
            Published.period == KeptSmoothed.period,
            Published.id > KeptSmoothed.basis,
        )
        .exists()
    )
    query = select(KeptSmoothed, since).where(KeptSmoothed.monitor == monitor, KeptSmoothed.a == a, KeptSmoothed.b == b)
    found = session.execute(query).first()
    return None if found is None else (found[0], bool(found[1]))


def basis_of_smoothed(session: Session, monitor: str) -> int | None:
    """Id of the published figure at which the monitor's smoothed gaps were made; None: there are none."""
    return session.scalar(select(func.min(KeptSmoothed.basis)).where(KeptSmoothed.monitor == monitor))


def write_smoothed(session: Session, monitor: str, rows: Sequence[dict[str, Any]]) -> None:
    """Make ``rows`` the monitor's smoothed gaps. Does not commit."""
    session.execute(delete(KeptSmoothed).where(KeptSmoothed.monitor == monitor))
    upsert(session, KeptSmoothed, [{"monitor": monitor} | row for row in rows], ("monitor", "a", "b"))


def kept_sheet(session: Session, monitor: str, a: str, b: str) -> KeptSheet | None:
    """The newest sheet of a dyad; None: none was made."""
    return session.get(KeptSheet, (monitor, a, b))


def kept_sheets(session: Session, monitor: str) -> dict[tuple[str, str], tuple[Any, int]]:
    """Dyad -> when its sheet was made, and at which published figure."""
    query = select(KeptSheet.a, KeptSheet.b, KeptSheet.made_at, KeptSheet.basis).where(KeptSheet.monitor == monitor)
    return {(a, b): (made_at, basis) for a, b, made_at, basis in session.execute(query)}


def write_sheet(session: Session, **columns: Any) -> None:
    """Keep a sheet in place of the dyad's last one. Does not commit."""
    keys = ("monitor", "a", "b")
    upsert(session, KeptSheet, [columns], keys, update=[name for name in columns if name not in keys])


def keeping_alone(settings: Settings, monitor: str) -> AbstractContextManager[None]:
    """Let one process at a time make or drop a monitor's panels, smoothed gaps and sheets.

    So no sheet is written after an erasure that was begun before it. Enter it with no transaction open.
    """
    return alone(settings, f"sheets {monitor}")


def forget_kept(session: Session, monitor: str) -> None:
    """Drop all panels, smoothed gaps and sheets of a monitor, such as when texts are erased: they are made of them.

    The next run of the job makes them of what is left. Does not commit.
    """
    session.execute(delete(KeptSheet).where(KeptSheet.monitor == monitor))
    session.execute(delete(KeptPanel).where(KeptPanel.monitor == monitor))
    session.execute(delete(KeptSmoothed).where(KeptSmoothed.monitor == monitor))
