"""Reading queries of the dyad page: what was measured of two groups in a stretch of time, now and as it was published.

Every one reads a bounded number of rows, through an index.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy import Select, and_, case, func, select
from sqlalchemy.orm import Session

from pipeline.store.cells import day_column
from pipeline.store.queues import CODED, UNCLEAR
from pipeline.store.tables import Assignment, GapCell, Published, Queue, QueueItem, RaisedAlarm, StateChange, TrendCell


@dataclass(frozen=True)
class Stretch:
    """The periods of one kind that a page shows, at most ``most`` of them, the newest."""

    period: str
    since: date | None
    """none that ends before this day or on it; null: from the first"""
    until: date | None
    """none that starts after this day; null: to the last"""
    most: int

    def holds(self, query: Select[Any], start: Any, end: Any) -> Select[Any]:
        """The query with these bounds."""
        if self.since is not None:
            query = query.where(end > self.since)
        if self.until is not None:
            query = query.where(start <= self.until)
        return query


def gaps_in(session: Session, monitor: str, a: str, b: str, stretch: Stretch) -> list[GapCell]:
    """The gaps of a dyad, oldest first."""
    query = select(GapCell).where(
        GapCell.monitor == monitor, GapCell.a == a, GapCell.b == b, GapCell.period == stretch.period
    )
    query = stretch.holds(query, GapCell.start, GapCell.end).order_by(GapCell.start.desc()).limit(stretch.most)
    return list(reversed(session.scalars(query).all()))


def model_gaps_in(session: Session, monitor: str, a: str, b: str, stretch: Stretch) -> dict[date, float]:
    """First day of a period -> gap of the model's means, uncorrected, where both groups have one."""
    cells = cells_in(session, monitor, [a, b], stretch)
    other = {cell.start: cell.model_balance for cell in cells[b]}
    return {
        cell.start: cell.model_balance - less
        for cell in cells[a]
        if cell.model_balance is not None and (less := other.get(cell.start)) is not None
    }


def cells_in(session: Session, monitor: str, groups: Sequence[str], stretch: Stretch) -> dict[str, list[TrendCell]]:
    """Group -> its cells, oldest first."""
    found: dict[str, list[TrendCell]] = {}
    for group in groups:
        query = select(TrendCell).where(
            TrendCell.monitor == monitor, TrendCell.group_id == group, TrendCell.period == stretch.period
        )
        query = stretch.holds(query, TrendCell.start, TrendCell.end).order_by(TrendCell.start.desc())
        found[group] = list(reversed(session.scalars(query.limit(stretch.most)).all()))
    return found


@dataclass(frozen=True)
class Vintage:
    """A figure as it was published."""

    id: int
    start: date
    end: date
    as_of: datetime
    figures: dict[str, Any]
    """the columns of the trend or gap row"""
    model: str | None
    """sha256 of the model"""


def published_in(
    session: Session, monitor: str, kind: str, subject: str, stretch: Stretch, *, as_of: date | None = None
) -> list[Vintage]:
    """Of every period the figure that was the newest at the end of day ``as_of``; oldest period first.

    kind: trend or gap. subject: the group, or the dyad as a--b. as_of None: of every period the figure that was
    published first after the period had ended, which is what a reader of that day saw. Periods of which nothing was
    published by then, or only while they ran, are missing.
    """
    which = [
        Published.monitor == monitor,
        Published.kind == kind,
        Published.subject == subject,
        Published.period == stretch.period,
    ]
    by_start = stretch.holds(
        select(func.max(Published.id) if as_of else func.min(Published.id)).where(*which),
        Published.start,
        Published.end,
    )
    if as_of is not None:
        by_start = by_start.where(Published.as_of <= datetime.combine(as_of, time.max, tzinfo=UTC))
    else:
        by_start = by_start.where(day_column(session, Published.as_of) >= Published.end)
    chosen = by_start.group_by(Published.start).order_by(Published.start.desc()).limit(stretch.most)
    query = select(
        Published.id, Published.start, Published.end, Published.as_of, Published.figures, Published.model
    ).where(Published.id.in_(list(session.scalars(chosen))))
    return [Vintage(*row) for row in session.execute(query.order_by(Published.start))]


def changes_of(session: Session, monitor: str, a: str, b: str, most: int) -> list[StateChange]:
    """The newest changes of a dyad's state, the newest first."""
    query = select(StateChange).where(StateChange.monitor == monitor, StateChange.a == a, StateChange.b == b)
    return list(session.scalars(query.order_by(StateChange.id.desc()).limit(most)))


def newest_alarms(session: Session, monitor: str, a: str, b: str, most: int) -> list[RaisedAlarm]:
    """The newest alarms of a dyad, the oldest of them first."""
    query = select(RaisedAlarm).where(RaisedAlarm.monitor == monitor, RaisedAlarm.a == a, RaisedAlarm.b == b)
    rows = session.scalars(query.order_by(RaisedAlarm.raised.desc(), RaisedAlarm.id.desc()).limit(most)).all()
    return list(reversed(rows))


@dataclass(frozen=True)
class Answers:
    """How far the coders are with a queue."""

    drawn: int
    coded: int
    unclear: int
    closed_at: datetime | None


def answers_of(session: Session, queues: Sequence[int]) -> dict[int, Answers]:
    """Queue -> how many texts were drawn into it and answered. No value and no coder is in it."""
    query = (
        select(
            Queue.id,
            func.count(func.distinct(QueueItem.id)),
            func.sum(case((Assignment.outcome == CODED, 1), else_=0)),
            func.sum(case((Assignment.outcome == UNCLEAR, 1), else_=0)),
            Queue.closed_at,
        )
        .join(QueueItem, QueueItem.queue_id == Queue.id)
        .outerjoin(Assignment, Assignment.item_id == QueueItem.id)
        .where(Queue.id.in_(queues))
        .group_by(Queue.id, Queue.closed_at)
    )
    return {
        queue: Answers(int(drawn), int(coded or 0), int(unclear or 0), closed)
        for queue, drawn, coded, unclear, closed in session.execute(query)
    }


def framed_in(session: Session, monitor: str, alarm: RaisedAlarm) -> tuple[int, int, int, int]:
    """Different framed texts of a and b in an alarm's stretch, then of a and b in its reference."""

    def within(group: str, start: date, end: date) -> Any:
        inside = and_(TrendCell.group_id == group, TrendCell.start >= start, TrendCell.end <= end)
        return func.coalesce(func.sum(case((inside, TrendCell.framed), else_=0)), 0)

    stretches = ((alarm.since, alarm.end), (alarm.reference_start, alarm.reference_end))
    columns = [within(group, *stretch) for stretch in stretches for group in (alarm.a, alarm.b)]
    query = select(*columns).where(
        TrendCell.monitor == monitor, TrendCell.group_id.in_([alarm.a, alarm.b]), TrendCell.period == alarm.period
    )
    a, b, ref_a, ref_b = session.execute(query).one()
    return int(a), int(b), int(ref_a), int(ref_b)
