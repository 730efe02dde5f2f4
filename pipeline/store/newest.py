"""The newest rows of many subjects at once: one statement for some hundred of them, each found by its index."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TypeVar

from sqlalchemy import JSON, ColumnElement, Select, String, cast, func, literal, select, true, tuple_, union_all
from sqlalchemy.orm import Session, aliased

from pipeline.store.tables import GapCell, Published, RaisedAlarm, Run, StateChange, TrendCell

Dyads = Sequence[tuple[str, str]]
_Row = TypeVar("_Row", GapCell, Run, StateChange)
_PARTS = 200
"""selects in one compound statement; SQLite takes 500"""


def _each(session: Session, table: type[_Row], queries: Sequence[Select[_Row]]) -> list[_Row]:
    """The rows of all queries, each of which has an order and a limit of its own."""
    found: list[_Row] = []
    for begin in range(0, len(queries), _PARTS):
        parts = [select(one.subquery()) for one in queries[begin : begin + _PARTS]]
        found += session.scalars(select(aliased(table, union_all(*parts).subquery())))
    return found


def newest_gaps(
    session: Session, monitor: str, dyads: Dyads, period: str, limit: int
) -> dict[tuple[str, str], list[GapCell]]:
    """Dyad -> its newest ``limit`` gaps of a period kind, oldest first."""
    found: dict[tuple[str, str], list[GapCell]] = {dyad: [] for dyad in dyads}
    queries = [
        select(GapCell)
        .where(GapCell.monitor == monitor, GapCell.a == a, GapCell.b == b, GapCell.period == period)
        .order_by(GapCell.start.desc())
        .limit(limit)
        for a, b in found
    ]
    for gap in _each(session, GapCell, queries):
        found[gap.a, gap.b].append(gap)
    for gaps in found.values():
        gaps.sort(key=lambda one: one.start)
    return found


def cells_at(
    session: Session, monitor: str, period: str, places: Sequence[tuple[str, date]]
) -> dict[tuple[str, date], TrendCell]:
    """(group, first day) -> its cell of a period kind, where there is one."""
    found: dict[tuple[str, date], TrendCell] = {}
    wanted = list(dict.fromkeys(places))
    for begin in range(0, len(wanted), _PARTS):
        query = select(TrendCell).where(
            TrendCell.monitor == monitor,
            TrendCell.period == period,
            tuple_(TrendCell.group_id, TrendCell.start).in_(wanted[begin : begin + _PARTS]),
        )
        found |= {(cell.group_id, cell.start): cell for cell in session.scalars(query)}
    return found


@dataclass(frozen=True)
class PublishedGap:
    """A gap as it was published."""

    as_of: datetime
    gap: float | None
    low: float | None
    high: float | None
    """ends of the interval; null: uncorrected"""
    codings: bytes
    """ids of the random codings it was made of, packed: equal ones are equal bytes"""


def newest_published_gaps(
    session: Session, monitor: str, period: str, places: Sequence[tuple[str, str, date]], limit: int
) -> dict[tuple[str, str, date], list[PublishedGap]]:
    """(a, b, first day) -> the newest ``limit`` published figures of that gap, newest first."""
    subjects = {(f"{a}--{b}", start): (a, b, start) for a, b, start in places}
    found: dict[tuple[str, str, date], list[PublishedGap]] = {place: [] for place in subjects.values()}
    queries = [
        select(Published.id)
        .where(
            Published.monitor == monitor,
            Published.kind == "gap",
            Published.subject == subject,
            Published.period == period,
            Published.start == start,
        )
        .order_by(Published.as_of.desc(), Published.id.desc())
        .limit(limit)
        for subject, start in subjects
    ]
    for begin in range(0, len(queries), _PARTS):
        parts = union_all(*(select(one.subquery()) for one in queries[begin : begin + _PARTS]))
        figures = (Published.figures[name].as_float() for name in ("gap", "low", "high"))
        read = (
            select(Published.subject, Published.start, Published.as_of, *figures, Published.codings)
            .where(Published.id.in_(parts))
            .order_by(Published.as_of.desc(), Published.id.desc())
        )
        for subject, start, *one in session.execute(read):
            found[subjects[subject, start]].append(PublishedGap(*one))
    return found


def newest_runs(session: Session, monitor: str, sources: Sequence[str], limit: int) -> dict[str, list[Run]]:
    """Source -> its newest ``limit`` runs of collecting, newest first."""
    found: dict[str, list[Run]] = defaultdict(list, {source: [] for source in sources})

    def of(source: str | ColumnElement[str]) -> Select[Run]:
        mine = (Run.monitor == monitor, Run.source == source, Run.job == "collect")
        return select(Run).where(*mine).order_by(Run.started_at.desc(), Run.id.desc()).limit(limit)

    if session.get_bind().dialect.name == "postgresql":
        # which takes longer to plan a part for each source than to answer them all
        names = cast(literal(json.dumps(list(found)), String), JSON)
        asked = func.json_array_elements_text(names).table_valued("value")
        each = of(asked.c.value).lateral()
        newest: Iterable[Run] = session.scalars(select(aliased(Run, each)).select_from(asked).join(each, true()))
    else:
        newest = _each(session, Run, [of(source) for source in found])
    for run in newest:
        found[run.source or ""].append(run)
    for runs in found.values():
        runs.sort(key=lambda one: (one.started_at, one.id), reverse=True)
    return dict(found)


def newest_changes(session: Session, monitor: str, limit: int) -> list[StateChange]:
    """The newest changes of state of a monitor's dyads, newest first."""
    query = select(StateChange).where(StateChange.monitor == monitor).order_by(StateChange.id.desc()).limit(limit)
    return list(session.scalars(query))


def newest_alarms(session: Session, monitor: str, limit: int) -> list[RaisedAlarm]:
    """The alarms of a monitor that were found last, newest first."""
    query = (
        select(RaisedAlarm)
        .where(RaisedAlarm.monitor == monitor)
        .order_by(RaisedAlarm.found_at.desc(), RaisedAlarm.id.desc())
        .limit(limit)
    )
    return list(session.scalars(query))


def open_alarms(session: Session, monitor: str, limit: int) -> list[RaisedAlarm]:
    """The open alarms of a monitor, the one found last first, however long ago; at most ``limit``."""
    query = (
        select(RaisedAlarm)
        .where(RaisedAlarm.monitor == monitor, RaisedAlarm.closed.is_(None))
        .order_by(RaisedAlarm.found_at.desc(), RaisedAlarm.id.desc())
        .limit(limit)
    )
    return list(session.scalars(query))


FINDS_READ = 5_000
"""runs of collecting that are looked through for those that brought texts"""


@dataclass(frozen=True)
class Finds:
    """Runs of collecting that brought new texts."""

    runs: list[tuple[datetime, int]]
    """(start, new texts), newest first"""
    whole_since: datetime | None
    """from this time on none is left out; null: none is left out at all"""


def newest_finds(session: Session, monitor: str, limit: int) -> Finds:
    """The newest ``limit`` runs of collecting that brought new texts, among the newest :data:`FINDS_READ` of all."""
    query = (
        select(Run.started_at, Run.new)
        .where(Run.monitor == monitor, Run.job == "collect")
        .order_by(Run.started_at.desc(), Run.id.desc())
        .limit(FINDS_READ)
    )
    read = [(at, new) for at, new in session.execute(query)]
    finds = [(at, new) for at, new in read if new]
    if len(finds) > limit:
        return Finds(finds[:limit], finds[limit - 1][0])
    return Finds(finds, read[-1][0] if len(read) == FINDS_READ else None)
