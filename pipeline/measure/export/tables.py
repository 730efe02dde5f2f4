"""Which tables an export holds, and what each of their columns means. Values are plain; nothing is written here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, get_args

from sqlalchemy.orm import Session

from classifiers.codebook import codebooks
from pipeline.measure.timespan import measured_periods
from pipeline.monitor import Monitor
from pipeline.store.alarms import ALARM_COLUMNS, alarms_of
from pipeline.store.bridges import BRIDGE_COLUMNS, bridges
from pipeline.store.cells import VARIABLE
from pipeline.store.directed import CRITICISM_COLUMNS, directed_cells
from pipeline.store.states import STATE_COLUMNS, state_changes
from pipeline.store.tables import RaisedAlarm
from pipeline.store.trends import GAP_COLUMNS, TREND_COLUMNS, gap_rows, trend_rows
from pipeline.store.vintages import VINTAGE_COLUMNS, all_vintages
from pipeline.store.watched import LOOK_COLUMNS, look_values, looks_of

ALL_PERIODS = 1_000_000
"""of a pair of groups and a kind of period"""

Kind = Literal["string", "integer", "number", "boolean", "date", "datetime", "object"]
"""of a column, in the words of the Table Schema standard"""
KINDS: tuple[Kind, ...] = get_args(Kind)


class ExportError(ValueError):
    """What can't be exported; says why and what to do."""


@dataclass(frozen=True)
class Column:
    """A column of a table."""

    name: str
    kind: Kind
    meaning: str


@dataclass(frozen=True)
class Table:
    """A table: rows of values in the order of its columns; None is a missing value."""

    name: str
    title: str
    columns: tuple[Column, ...]
    rows: Sequence[Sequence[Any]]


def kind_of(values: Iterable[Any]) -> Kind:
    """The kind that holds all the values; of none but missing ones, string. Raises ExportError for mixed ones."""
    kinds: set[Kind] = set()
    for value in values:
        if value is None:
            continue
        if isinstance(value, bool):
            kinds.add("boolean")
        elif isinstance(value, int):
            kinds.add("integer")
        elif isinstance(value, float):
            kinds.add("number")
        elif isinstance(value, datetime):  # a datetime is a date to isinstance
            kinds.add("datetime")
        elif isinstance(value, date):
            kinds.add("date")
        elif isinstance(value, list | dict):
            kinds.add("object")
        else:
            kinds.add("string")
    if kinds == {"integer", "number"}:
        return "number"
    if len(kinds) > 1:
        raise ExportError(f"a column holds {' and '.join(sorted(kinds))}; a column has one kind")
    return kinds.pop() if kinds else "string"


def table(name: str, title: str, meanings: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> Table:
    """A table of rows whose values stand in the order of ``meanings``."""
    columns = []
    for i, (column, meaning) in enumerate(meanings.items()):
        try:
            kind = kind_of(row[i] for row in rows)
        except ExportError as error:
            raise ExportError(f"{name}.{column}: {error}") from None
        columns.append(Column(column, kind, meaning))
    return Table(name, title, tuple(columns), rows)


def _of(rows: Iterable[Any], columns: Iterable[str]) -> list[list[Any]]:
    return [[getattr(row, column) for column in columns] for row in rows]


def _events(monitor: Monitor) -> Table:
    meanings = {
        "date": "the day",
        "a": "first group it concerns; empty: all",
        "b": "second group it concerns",
        "kind": "statement, quarrel, split, no-split, reconciliation, rename or other",
        "text": "what happened",
        "reference": "where this can be read",
    }
    rows = [[e.date, *(e.dyad or (None, None)), e.kind, e.text, e.reference] for e in monitor.events]
    return table("events", "Dated outside facts", meanings, rows)


def _codebook() -> Table:
    meanings = {
        "variable": "what is coded",
        "version": "version of its codebook",
        "value": "a value of it",
        "balance": "what a coding of this value counts for",
        "definition": "when a coder chooses it",
        "question": "what a coder is asked",
    }
    rows = [
        [book.variable, book.version, one.value, float(one.balance), one.definition.strip(), book.question.strip()]
        for book in codebooks()
        for one in book.values
    ]
    return table("codebook", "Variables, their values and definitions", meanings, rows)


def _criticism(session: Session, monitor: Monitor, period: str | None) -> Table:
    groups = [group.id for group in monitor.groups]
    rows = [
        row
        for a in groups
        for b in groups
        for kind in measured_periods(monitor)
        if a != b and period in (None, kind)
        for row in directed_cells(session, monitor.name, a, b, kind, ALL_PERIODS)
    ]
    title = "Who names and criticises whom"
    return table("criticism", title, CRITICISM_COLUMNS, _of(rows, CRITICISM_COLUMNS))


def _looks(session: Session, alarms: Sequence[RaisedAlarm]) -> Table:
    looks = looks_of(session, [alarm.id for alarm in alarms])
    rows = [look_values(looks[alarm.id]) for alarm in alarms if alarm.id in looks]
    return table("confirmations", "What coders have said of each alarm", LOOK_COLUMNS, rows)


def columns_of(tables: Sequence[Table]) -> Table:
    """The table that says what every column of these tables means."""
    meanings = {
        "table": "name of the table",
        "column": "name of the column",
        "kind": "what it holds",
        "meaning": "what it says",
    }
    rows = [[one.name, column.name, column.kind, column.meaning] for one in tables for column in one.columns]
    return table("columns", "What every column of every table means", meanings, rows)


def tables_of(session: Session, monitor: Monitor, period: str | None = None) -> list[Table]:
    """The tables of a monitor, of one kind of period where it is named; last what their columns mean.

    Raises ExportError when nothing was measured: an export without a figure would look like one that found nothing.
    """
    name = monitor.name
    trends = trend_rows(session, name, period=period)
    if not trends:
        of = f" by {period}" if period else ""
        raise ExportError(f"nothing is measured{of} of {name}; run `riftwatch measure` first")
    alarms = alarms_of(session, name)
    made = [
        table("trends", "Balance of each group in each period", TREND_COLUMNS, _of(trends, TREND_COLUMNS)),
        table(
            "gaps", "Gap and state of each dyad", GAP_COLUMNS, _of(gap_rows(session, name, period=period), GAP_COLUMNS)
        ),
        table("alarms", "Alarms as they were raised", ALARM_COLUMNS, _of(alarms, ALARM_COLUMNS)),
        _looks(session, alarms),
        table("states", "Changes of state, in order", STATE_COLUMNS, _of(state_changes(session, name), STATE_COLUMNS)),
        table(
            "bridges", "What promotions changed", BRIDGE_COLUMNS, _of(bridges(session, name, VARIABLE), BRIDGE_COLUMNS)
        ),
        table(
            "published",
            "Every figure as it was published (vintage)",
            VINTAGE_COLUMNS,
            all_vintages(session, name, period),
        ),
        _criticism(session, monitor, period),
        _events(monitor),
        _codebook(),
    ]
    return [*made, columns_of(made)]
