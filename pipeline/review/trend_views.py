"""The trend table as an address asks for it: one reading of the query string for the page, its files and the API."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal, cast
from urllib.parse import urlencode

from fastapi import Depends, Query, Request
from starlette.exceptions import HTTPException

from pipeline.monitor import Monitor, Period
from pipeline.monitor.periods import period_of
from pipeline.review.asked import day_of, group_of, monitor_of, names_of
from pipeline.review.dyads import anchor
from pipeline.store.trend_table import COLUMNS, KEYS, Estimator, TableName, View

USUAL: dict[TableName, tuple[str, ...]] = {
    "groups": (
        *("balance", "low", "high", "estimator", "texts", "clusters", "sources", "codings", "late"),
        *("missing", "flags"),
    ),
    "dyads": ("gap", "low", "high", "estimator", "state", "missing", "flags"),
}
"""Columns shown unless others are chosen."""


@dataclass(frozen=True)
class AskedView:
    """What is asked for, looked up."""

    monitor: Monitor
    view: View
    named: str
    """part of a group's name that is looked for, as it was typed"""
    columns: tuple[str, ...]
    """those that say which row it is, then the chosen ones, in the table's order"""
    ordered: tuple[str, ...]
    """ids of the groups, by name"""
    days: tuple[str, str]
    """from and to, as they were typed"""
    problem: str | None = None
    """what is wrong with the days, in words; then ``view`` has none"""

    @property
    def chosen(self) -> tuple[str, ...]:
        return self.columns[len(KEYS[self.view.table]) :]

    def query(self, **other: str | None) -> str:
        """The query string that leads here again, with some values replaced (null: left out)."""
        view = self.view
        values: dict[str, Any] = {
            "table": view.table if view.table != "groups" else None,
            "group": view.group,
            "q": self.named or None,
            "period": view.period or "",
            "estimator": view.estimator,
            "flagged": "1" if view.flagged else None,
            "from": view.first.isoformat() if view.first else None,
            "to": view.last.isoformat() if view.last else None,
            "sort": ("-" if view.descending else "") + view.sort if view.sort else None,
            "column": list(self.chosen) if self.chosen != USUAL[view.table] else None,
        } | other
        return urlencode({name: value for name, value in values.items() if value is not None}, doseq=True)


def _sorted_by(table: TableName, sort: str) -> tuple[str | None, bool]:
    name = sort.removeprefix("-")
    if not name:
        return None, False
    if name not in COLUMNS[table]:
        raise HTTPException(
            422, f"The table has no column to sort by of this name. It has: {', '.join(COLUMNS[table])}."
        )
    return name, sort.startswith("-")


def _columns(table: TableName, column: Sequence[str]) -> tuple[str, ...]:
    known = COLUMNS[table]
    if any(name not in known for name in column):
        raise HTTPException(422, f"The table has no such column. It has: {', '.join(known)}.")
    chosen = set(column) or set(USUAL[table])
    return (*KEYS[table], *(name for name in known if name in chosen and name not in KEYS[table]))


def asked_view(
    request: Request,
    monitor: str,
    table: Annotated[TableName, Query(description="groups: balances; dyads: gaps")] = "groups",
    group: Annotated[str, Query(description="a group; of a dyad: one of its two")] = "",
    q: Annotated[str, Query(max_length=100, description="part of a group's name")] = "",
    period: Annotated[
        Period | Literal[""] | None, Query(description="left out: the audit period; empty: all kinds")
    ] = None,
    estimator: Annotated[Estimator | Literal[""], Query(description="none: rows without a value")] = "",
    flagged: Annotated[bool, Query(description="only rows of which something has to be known")] = False,
    first: Annotated[
        str, Query(alias="from", max_length=40, description="periods that begin on this day (YYYY-MM-DD) or later")
    ] = "",
    last: Annotated[
        str, Query(alias="to", max_length=40, description="periods that begin on this day (YYYY-MM-DD) or earlier")
    ] = "",
    sort: Annotated[str, Query(max_length=40, description="a column, with - before it downwards; empty: newest")] = "",
    column: Annotated[list[str] | None, Query(max_length=60, description="columns beside those of the key")] = None,
) -> AskedView:
    """Look up what an address asks for: 404 for what is not there, 422 for what can't be meant, both in words.

    What is wrong with its days is left to whoever asks.
    """
    watched_by = monitor_of(request, monitor)
    days: tuple[date | None, date | None] = (None, None)
    problem: str | None = None
    try:
        days = day_of(first), day_of(last)
    except HTTPException as error:
        problem = error.detail
    if days[0] is not None and days[1] is not None and days[0] > days[1]:
        problem = f"No period begins on {days[0]} or later and on {days[1]} or earlier: exchange the two days."
    names = names_of(watched_by)
    wanted = q.strip().casefold()
    by, descending = _sorted_by(table, sort)
    return AskedView(
        monitor=watched_by,
        view=View(
            table=table,
            group=group_of(watched_by, group) if group else None,
            among=frozenset(g for g, name in names.items() if wanted in name.casefold()) if wanted else None,
            period=watched_by.audit_period if period is None else period or None,
            estimator=cast("Estimator", estimator) or None,
            flagged=flagged,
            first=days[0],
            last=days[1],
            sort=by,
            descending=descending,
        ),
        named=q.strip(),
        columns=_columns(table, column or ()),
        ordered=tuple(sorted(names, key=lambda group: (names[group].casefold(), group))),
        days=(first, last),
        problem=problem,
    )


Typed = Annotated[AskedView, Depends(asked_view)]
"""A view of the page, which shows its form again where the days are wrong."""


def without_problem(asked: Typed) -> AskedView:
    """A view whose days can be read; else 422."""
    if asked.problem:
        raise HTTPException(422, asked.problem)
    return asked


Asked = Annotated[AskedView, Depends(without_problem)]
"""A view of a file or of the API."""


def labels_of(asked: AskedView, rows: Sequence[Sequence[Any]]) -> list[str]:
    """The name of each row's period, such as 2024-Q1."""
    kind, start = asked.columns.index("period"), asked.columns.index("start")
    return [period_of(row[kind], row[start]).label for row in rows]


def href_of(asked: AskedView, row: Sequence[Any]) -> str:
    """What stands behind a row, relative to the table: the texts of a cell, the period on the page of a dyad."""
    values = dict(zip(asked.columns, row, strict=True))
    if asked.view.table == "dyads":
        place = anchor(period_of(values["period"], values["start"]).label)
        return f"dyads/{values['a']}/{values['b']}?" + urlencode({"period": values["period"]}) + f"#{place}"
    return "texts?" + urlencode(
        {"group": values["group_id"], "start": values["start"].isoformat(), "end": values["end"].isoformat()}
    )
