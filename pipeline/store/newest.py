"""The newest rows of many subjects at once, of all monitors: one statement, in which each is found by its index."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TypeVar

from sqlalchemy import CTE, ColumnElement, Date, Select, String, and_, select, true
from sqlalchemy.orm import Session, aliased

from pipeline.store.listed import listed
from pipeline.store.tables import GapCell, Published, RaisedAlarm, Run, StateChange, TrendCell, UtcDateTime

_Row = TypeVar("_Row", GapCell, Published, RaisedAlarm, Run, StateChange)
_OfMonitor = TypeVar("_OfMonitor", RaisedAlarm, Run, StateChange)
_NAME = String()


def _same(table: type[_Row] | type[TrendCell], asked: CTE) -> list[ColumnElement[bool]]:
    """That a row has the values of one that is asked for, in the columns that both have."""
    return [getattr(table, column.name) == column for column in asked.c if column.name in table.__table__.columns]


def _newest(
    session: Session, table: type[_Row], asked: CTE, by: Sequence[str], limit: int, *only: ColumnElement[bool]
) -> tuple[type[_Row], Select[_Row]]:
    """Of the rows that have the values of one that is asked for, for each the ``limit`` that are last.

    by: names of columns. only: further conditions. Returns the table that the rows are in, and the question, which
    brings them last first.
    """
    last = [getattr(table, name).desc() for name in by]
    mine = select(table).where(*_same(table, asked), *only).order_by(*last).limit(limit).correlate(asked)
    if session.get_bind().dialect.name == "sqlite":  # which has no LATERAL
        found = aliased(table)
        source = asked.join(found, found.id.in_(mine.with_only_columns(table.id)))
    else:
        each = mine.lateral()
        found = aliased(table, each)
        source = asked.join(each, true())
    return found, select(found).select_from(source).order_by(*(getattr(found, name).desc() for name in by))


def _of_monitors(
    session: Session,
    table: type[_OfMonitor],
    monitors: Sequence[str],
    by: Sequence[str],
    limit: int,
    *only: ColumnElement[bool],
) -> dict[str, list[_OfMonitor]]:
    """Monitor -> its ``limit`` rows that are last, last first. The rest as in _newest."""
    found: dict[str, list[_OfMonitor]] = {monitor: [] for monitor in monitors}
    asked = listed(session, ([monitor] for monitor in found), monitor=_NAME)
    for row in session.scalars(_newest(session, table, asked, by, limit, *only)[1]):
        found[row.monitor or ""].append(row)
    return found


def newest_gaps(
    session: Session, dyads: Iterable[tuple[str, str, str, str]], limit: int
) -> dict[tuple[str, str, str, str], list[GapCell]]:
    """(monitor, period kind, a, b) -> the newest ``limit`` gaps of the dyad, oldest first."""
    found: dict[tuple[str, str, str, str], list[GapCell]] = {dyad: [] for dyad in dyads}
    asked = listed(session, found, monitor=_NAME, period=_NAME, a=_NAME, b=_NAME)
    for gap in session.scalars(_newest(session, GapCell, asked, ["start"], limit)[1]):
        found[gap.monitor, gap.period, gap.a, gap.b].append(gap)
    return {dyad: gaps[::-1] for dyad, gaps in found.items()}


def cells_at(
    session: Session, places: Iterable[tuple[str, str, str, date]]
) -> dict[tuple[str, str, str, date], TrendCell]:
    """(monitor, period kind, group, first day) -> its cell, where there is one."""
    asked = listed(session, dict.fromkeys(places), monitor=_NAME, period=_NAME, group_id=_NAME, start=Date())
    cells = session.scalars(select(TrendCell).select_from(asked).join(TrendCell, and_(*_same(TrendCell, asked))))
    return {(cell.monitor, cell.period, cell.group_id, cell.start): cell for cell in cells}


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
    session: Session, places: Iterable[tuple[str, str, str, str, date]], limit: int
) -> dict[tuple[str, str, str, str, date], list[PublishedGap]]:
    """(monitor, period kind, a, b, first day) -> the newest ``limit`` published figures of that gap, newest first."""
    subjects = {(monitor, kind, f"{a}--{b}", day): (monitor, kind, a, b, day) for monitor, kind, a, b, day in places}
    found: dict[tuple[str, str, str, str, date], list[PublishedGap]] = {place: [] for place in subjects.values()}
    asked = listed(session, subjects, monitor=_NAME, period=_NAME, subject=_NAME, start=Date())
    gaps, query = _newest(session, Published, asked, ["as_of", "id"], limit, Published.kind == "gap")
    figures = (gaps.figures[name].as_float() for name in ("gap", "low", "high"))
    read = query.with_only_columns(
        gaps.monitor, gaps.period, gaps.subject, gaps.start, gaps.as_of, *figures, gaps.codings
    )
    for monitor, kind, subject, day, *one in session.execute(read):
        found[subjects[monitor, kind, subject, day]].append(PublishedGap(*one))
    return found


def newest_runs(session: Session, sources: Iterable[tuple[str, str]], limit: int) -> dict[tuple[str, str], list[Run]]:
    """(monitor, source) -> its newest ``limit`` runs of collecting, newest first."""
    found: dict[tuple[str, str], list[Run]] = {source: [] for source in sources}
    asked = listed(session, found, monitor=_NAME, source=_NAME)
    # a job that is no column: SQLite would take the index of jobs, and read all runs of the monitor for each source
    collecting = Run.job.concat("") == "collect"
    for run in session.scalars(_newest(session, Run, asked, ["started_at", "id"], limit, collecting)[1]):
        found[run.monitor or "", run.source or ""].append(run)
    return found


def newest_report_lines(session: Session, monitors: Sequence[str], limit: int) -> dict[str, list[Run]]:
    """Monitor -> the newest ``limit`` runs of all its jobs, newest first."""
    return _of_monitors(session, Run, monitors, ["started_at", "id"], limit)


def newest_changes(session: Session, monitors: Sequence[str], limit: int) -> dict[str, list[StateChange]]:
    """Monitor -> the newest ``limit`` changes of state of its dyads, newest first."""
    return _of_monitors(session, StateChange, monitors, ["id"], limit)


def newest_alarms(session: Session, monitors: Sequence[str], limit: int) -> dict[str, list[RaisedAlarm]]:
    """Monitor -> its ``limit`` alarms that were found last, newest first."""
    return _of_monitors(session, RaisedAlarm, monitors, ["found_at", "id"], limit)


def open_alarms(session: Session, monitors: Sequence[str], limit: int) -> dict[str, list[RaisedAlarm]]:
    """Monitor -> its open alarms, the one found last first, however long ago; at most ``limit``."""
    return _of_monitors(session, RaisedAlarm, monitors, ["found_at", "id"], limit, RaisedAlarm.closed.is_(None))


FINDS_READ = 5_000
"""runs of collecting of a monitor that are looked through for those that brought texts"""


@dataclass(frozen=True)
class Finds:
    """Runs of collecting that brought new texts."""

    runs: list[tuple[datetime, int]]
    """(start, new texts), newest first"""
    whole_since: datetime | None
    """from this time on none is left out; null: none is left out at all"""


def newest_finds(session: Session, monitors: Sequence[str], limit: int) -> dict[str, Finds]:
    """Monitor -> its newest ``limit`` runs of collecting that brought new texts, among its newest FINDS_READ of all."""
    collecting = Run.job == "collect"
    asked = listed(session, ([monitor] for monitor in dict.fromkeys(monitors)), monitor=_NAME)
    newest = select(Run.started_at).where(*_same(Run, asked), collecting).order_by(Run.started_at.desc())
    first = newest.limit(1).offset(FINDS_READ - 1).correlate(asked).scalar_subquery()
    since: dict[str, datetime | None] = dict(session.execute(select(asked.c.monitor, first)).all())
    ever = datetime(1970, 1, 1, tzinfo=UTC)
    looked_at = [(monitor, time or ever) for monitor, time in since.items()]
    asked = listed(session, looked_at, monitor=_NAME, since=UtcDateTime())
    brought = (collecting, Run.new > 0, Run.started_at >= asked.c.since)
    runs, query = _newest(session, Run, asked, ["started_at", "id"], limit + 1, *brought)
    found: dict[str, list[tuple[datetime, int]]] = {monitor: [] for monitor in since}
    for monitor, at, new in session.execute(query.with_only_columns(runs.monitor, runs.started_at, runs.new)):
        found[monitor or ""].append((at, new))
    return {
        monitor: Finds(told[:limit], told[limit - 1][0] if len(told) > limit else since[monitor])
        for monitor, told in found.items()
    }
