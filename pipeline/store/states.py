"""Changes of a dyad's state, and whether people were told of them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from pipeline.store.tables import GapCell, StateChange

STATE_COLUMNS: dict[str, str] = {
    "a": "first group of the dyad",
    "b": "second group of the dyad",
    "state": "the new state",
    "previous": "the state before; empty: there was none",
    "period": "week or month: what states run on",
    "start": "first day of the period whose state it is (UTC)",
    "reasons": "why, in words",
    "figures": "the figures it rests on",
    "as_of": "when it was computed",
    "told_at": "when people were told; empty: not yet, or see silenced",
    "silenced": "why nobody was told",
}
"""The columns of a change of state, in the order tables show them: name -> meaning in one line."""


def states_before(session: Session, monitor: str) -> dict[tuple[str, str, str, date], str]:
    """Dyad, period kind and first day -> the state as it stands in the gap table."""
    query = select(GapCell.a, GapCell.b, GapCell.period, GapCell.start, GapCell.state).where(GapCell.monitor == monitor)
    return {(a, b, period, start): state for a, b, period, start, state in session.execute(query)}


def state_changes(session: Session, monitor: str) -> Sequence[StateChange]:
    """All changes of a monitor's dyads, the oldest first."""
    return session.scalars(select(StateChange).where(StateChange.monitor == monitor).order_by(StateChange.id)).all()


def newest_states(session: Session, monitor: str) -> dict[tuple[str, str], StateChange]:
    """Dyad -> its newest change."""
    newest = (
        select(func.max(StateChange.id)).where(StateChange.monitor == monitor).group_by(StateChange.a, StateChange.b)
    )
    rows = session.scalars(select(StateChange).where(StateChange.id.in_(newest)))
    return {(row.a, row.b): row for row in rows}


def add_change(session: Session, **columns: Any) -> StateChange:
    """Write a change down. Does not commit."""
    row = StateChange(**columns)
    session.add(row)
    session.flush()
    return row


def untold(session: Session, monitor: str) -> Sequence[StateChange]:
    """Changes of which nobody was told yet and that are not silenced, the oldest first."""
    query = select(StateChange).where(
        StateChange.monitor == monitor, StateChange.told_at.is_(None), StateChange.silenced.is_(None)
    )
    return session.scalars(query.order_by(StateChange.id)).all()


def begin_telling(session: Session, change: int) -> None:
    """Count an attempt to tell people, before it is made. Does not commit."""
    session.execute(update(StateChange).where(StateChange.id == change).values(tries=StateChange.tries + 1))


def mark_told(session: Session, change: int, way: str, now: datetime, *, last: bool) -> None:
    """Say that people were told this way; ``last``: that was every way there is. Does not commit."""
    row = session.get_one(StateChange, change)
    row.told = {**row.told, way: now.isoformat()}
    if last:
        row.told_at = now


def all_told(session: Session, change: int, now: datetime) -> None:
    """Say that people were told in every way there is. Does not commit."""
    session.execute(update(StateChange).where(StateChange.id == change).values(told_at=now))


def mark_silenced(session: Session, change: int, why: str) -> None:
    """Say why nobody is told. Does not commit."""
    session.execute(update(StateChange).where(StateChange.id == change).values(silenced=why))
