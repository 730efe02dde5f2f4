"""Rows on a terminal: a table for people, JSON or CSV with every column for programs."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import typer

from pipeline.monitor.periods import period_of
from pipeline.spreadsheet import inert


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"
    CSV = "csv"


Column = Callable[[Any], str]
"""What a table shows of a row."""


def number(name: str) -> Column:
    """A signed number with three decimals; empty where there is none."""
    return lambda row: "" if getattr(row, name) is None else f"{getattr(row, name):+.3f}"


def plain(name: str) -> Column:
    """A value as it is; empty where there is none."""
    return lambda row: "" if getattr(row, name) is None else str(getattr(row, name))


def interval(low: str = "low", high: str = "high") -> Column:
    """Both ends of an interval; empty where there is none."""

    def shown(row: Any) -> str:
        ends = getattr(row, low), getattr(row, high)
        return "" if None in ends else f"{ends[0]:+.2f} to {ends[1]:+.2f}"

    return shown


def period_label(row: Any) -> str:
    """A period by its usual name: 2024-W05, 2024-03, 2024-Q1, 2024."""
    return period_of(row.period, row.start).label


TREND_TABLE: Mapping[str, Column] = {
    "group": plain("group_id"),
    "period": period_label,
    "texts": plain("texts"),
    "different": plain("clusters"),
    "sources": plain("sources"),
    "codings": plain("codings"),
    "balance": number("balance"),
    "95% interval": interval(),
    "how": lambda row: row.estimator or row.missing or "",
}
GAP_TABLE: Mapping[str, Column] = {
    "period": period_label,
    "gap": number("gap"),
    "95% interval": interval(),
    "how": lambda row: row.estimator or row.missing or "",
    "state": plain("state"),
}
PLAN_TABLE: Mapping[str, Column] = {
    "group": lambda row: f"{row.group} - {row.against}" if row.against else str(row.group),
    "period": plain("label"),
    "different texts": plain("clusters"),
    "codings": plain("codings"),
    "now +-": lambda row: "" if row.half_width is None else f"{row.half_width:.2f}",
    "for +-.30": plain("for_30"),
    "for +-.20": plain("for_20"),
    "for +-.15": plain("for_15"),
    "for +-.10": plain("for_10"),
    "reckoned from": plain("basis"),
}


def print_rows(rows: Sequence[Any], columns: Sequence[str], table: Mapping[str, Column], form: Format) -> None:
    """Print rows: the table shows ``table``, JSON and CSV show ``columns``."""
    if form is Format.TABLE:
        _print_table(rows, table)
        return
    records = [{c: getattr(row, c) for c in columns} for row in rows]
    if form is Format.JSON:
        typer.echo(json.dumps(records, default=str, ensure_ascii=False, indent=1))
        return
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(columns)
    for record in records:
        values = [json.dumps(v, ensure_ascii=False) if isinstance(v, list | dict) else v for v in record.values()]
        writer.writerow([inert(v) if isinstance(v, str) else v for v in values])
    typer.echo(out.getvalue(), nl=False)


def _print_table(rows: Sequence[Any], columns: Mapping[str, Column]) -> None:
    """The table, and beneath it what a reader has to know: each flag once, numbered."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    notes: dict[str, int] = {}
    table = Table(*columns, box=box.SIMPLE_HEAD, pad_edge=False)
    for column in table.columns:
        column.no_wrap = True
    table.add_column("notes")
    for row in rows:
        marks = [str(notes.setdefault(flag, len(notes) + 1)) for flag in getattr(row, "flags", ())]
        # as Text: what came from outside must not be read as markup
        table.add_row(*(Text(show(row)) for show in columns.values()), " ".join(marks))
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 250  # a pipe has no width: let every column have what it needs
    console.print(table)
    for text, mark in notes.items():
        console.print(f"{mark}: {text}", markup=False)
