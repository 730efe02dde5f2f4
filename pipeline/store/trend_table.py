"""The trend table and the gap table as a reader asks for them: filtered, sorted, some columns, some rows.

Missing values stand last in either order, and rows that are alike stand as in the unsorted table (newest first), so
that a page, a file and a program that sorts for itself show the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from sqlalchemy import (
    JSON,
    Boolean,
    ColumnElement,
    Date,
    Float,
    Integer,
    Row,
    String,
    case,
    collate,
    func,
    or_,
    select,
)
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine

from pipeline.monitor import PERIODS
from pipeline.store.tables import GapCell, TrendCell, UtcDateTime
from pipeline.store.trends import GAP_COLUMNS, TREND_COLUMNS

TableName = Literal["groups", "dyads"]
Estimator = Literal["corrected", "uncorrected", "none"]
Kind = Literal["string", "integer", "number", "boolean", "date", "datetime", "object"]

COLUMNS: dict[TableName, dict[str, str]] = {"groups": TREND_COLUMNS, "dyads": GAP_COLUMNS}
"""Table -> its columns, name -> meaning."""
KEYS: dict[TableName, tuple[str, ...]] = {
    "groups": ("group_id", "period", "start", "end"),
    "dyads": ("a", "b", "period", "start", "end"),
}
"""Table -> the columns that say which row it is; every view has them, and first."""
_TABLES: dict[TableName, type[TrendCell] | type[GapCell]] = {"groups": TrendCell, "dyads": GapCell}
_KINDS: tuple[tuple[type[TypeEngine[Any]], Kind], ...] = (
    (JSON, "object"),
    (UtcDateTime, "datetime"),
    (Date, "date"),
    (Boolean, "boolean"),
    (Integer, "integer"),
    (Float, "number"),
    (String, "string"),
)
_WORDS = {"estimator", "missing", "state"}
SORTED_BY = {"flags": "how many there are", "companions": "cc"}
"""Columns that hold more than one value -> what of them they are sorted by."""


@dataclass(frozen=True)
class View:
    """Which rows of a table, in which order."""

    table: TableName = "groups"
    group: str | None = None
    """of a dyad: one of its two"""
    among: frozenset[str] | None = None
    """only these groups; of a dyad: one of its two"""
    period: str | None = None
    estimator: Estimator | None = None
    """none: rows without a value"""
    flagged: bool = False
    """only rows of which something has to be known"""
    first: date | None = None
    """periods that begin on this day or later"""
    last: date | None = None
    """periods that begin on this day or earlier"""
    sort: str | None = None
    """a column; null: newest first"""
    descending: bool = False


def kind_of_column(table: TableName, column: str) -> Kind:
    """What a column of a table holds, whatever the rows at hand have in it."""
    stored = _TABLES[table].__table__.c[column].type
    return next(kind for base, kind in _KINDS if isinstance(stored, base))


def _filters(monitor: str, view: View) -> list[ColumnElement[bool]]:
    table = _TABLES[view.table]
    subjects = [TrendCell.group_id] if table is TrendCell else [GapCell.a, GapCell.b]
    kept: list[ColumnElement[bool]] = [table.monitor == monitor]
    if view.group is not None:
        kept.append(or_(*(one == view.group for one in subjects)))
    if view.among is not None:
        kept.append(or_(*(one.in_(sorted(view.among)) for one in subjects)))
    if view.period is not None:
        kept.append(table.period == view.period)
    if view.estimator is not None:
        kept.append(table.estimator.is_(None) if view.estimator == "none" else table.estimator == view.estimator)
    if view.flagged:
        kept.append(func.json_array_length(table.flags) > 0)
    if view.first is not None:
        kept.append(table.start >= view.first)
    if view.last is not None:
        kept.append(table.start <= view.last)
    return kept


def _key(session: Session, view: View, groups: Sequence[str]) -> ColumnElement[Any]:
    """What the rows are sorted by. ``groups``: the groups in the order in which they stand."""
    name = view.sort or "start"
    column = getattr(_TABLES[view.table], name)
    if name in {"group_id", "a", "b"}:
        return case({group: place for place, group in enumerate(groups)}, value=column) if groups else column
    if name == "period":
        return case({kind: place for place, kind in enumerate(PERIODS)}, value=column)
    if name == "flags":
        return func.json_array_length(column)
    if name == "companions":
        cc: ColumnElement[Any] = column["cc"].as_float()
        return cc
    if name in _WORDS and session.get_bind().dialect.name == "postgresql":
        return collate(column, "C")  # as SQLite, Python and JavaScript compare words
    return column  # type: ignore[no-any-return]


def _order(session: Session, view: View, groups: Sequence[str]) -> list[ColumnElement[Any]]:
    table = _TABLES[view.table]
    subjects: list[ColumnElement[Any]] = (
        [TrendCell.group_id.asc()] if table is TrendCell else [GapCell.a.asc(), GapCell.b.asc()]
    )
    newest: list[ColumnElement[Any]] = [table.start.desc(), table.period.asc(), *subjects]
    if view.sort is None:
        return newest
    key = _key(session, view, groups)
    return [key.is_(None), key.desc() if view.descending else key.asc(), *newest]


def count_rows(session: Session, monitor: str, view: View) -> int:
    """How many rows a view has in all."""
    table = _TABLES[view.table]
    return session.scalar(select(func.count(table.id)).where(*_filters(monitor, view))) or 0


def rows_of(
    session: Session,
    monitor: str,
    view: View,
    columns: Sequence[str],
    *,
    limit: int,
    offset: int = 0,
    groups: Sequence[str] = (),
) -> Sequence[Row[Any]]:
    """Rows of a view with the values of ``columns``, names of :data:`COLUMNS`.

    ``groups``: ids of the monitor's groups in the order in which a reader expects them, by name.
    """
    table = _TABLES[view.table]
    query = (
        select(*(getattr(table, name) for name in columns))
        .where(*_filters(monitor, view))
        .order_by(*_order(session, view, groups))
        .limit(limit)
        .offset(offset)
    )
    return session.execute(query).all()
