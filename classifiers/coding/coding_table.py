"""Codings as rows: from a CSV file of any origin, or made by whoever has them elsewhere.

A row needs a text and a value; what else is known (group, date, cluster, source ...) makes splits and figures better.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

from classifiers.codebook import Codebook

REQUIRED = ("text", "value")
OPTIONAL = (
    "before", "after", "group", "date", "cluster", "source", "lang", "weight", "target", "draw", "origin", "coder",
    "settles",
)  # fmt: skip
DRAWS = ("", "random", "active", "alarm", "import", "starter")
ORIGINS = ("human", "confirmed", "machine")
LONGEST = 50_000_000
"""characters of one cell; a file with a longer one is not a table of codings"""
_PARTIAL_DATE = re.compile(r"(\d{4})(?:-?(\d{2}))?")
_YES = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False, "": False}


class CodingTableError(ValueError):
    """A file of codings that can't be used; says which, where and what to do."""


@dataclass(frozen=True, slots=True)
class CodingRow:
    """One coding of one text."""

    text: str
    value: str
    """a value of the codebook"""
    before: str = ""
    after: str = ""
    group: str = ""
    """who speaks"""
    date: date | None = None
    """of publication"""
    cluster: str = ""
    """texts of one cluster are one text; empty: texts that are the same but for spelling are"""
    source: str = ""
    lang: str = ""
    weight: float = 1.0
    """how much the row counts, in training and in figures (such as one over the probability of its draw)"""
    target: str = ""
    """of a targeted codebook: the group it is coded towards"""
    draw: str = ""
    """random: never trains, but evaluates; alarm: does neither; active, import, starter, or empty"""
    origin: str = "human"
    """machine: a model's label, which neither trains nor evaluates"""
    coder: str = ""
    settles: bool = False
    """true: settles a disagreement, so that the other codings of the text don't count"""

    @property
    def row(self) -> tuple[str, str, str]:
        """(before, text, after), as the classifier takes it."""
        return self.before, self.text, self.after


@dataclass(frozen=True)
class Table:
    """What was read: the rows, and in words every line that is no coding."""

    rows: list[CodingRow]
    problems: list[str]
    ignored: list[str] = field(default_factory=list)
    """columns that mean nothing here"""


def _date(text: str) -> date | None:
    if not text:
        return None
    if partial := _PARTIAL_DATE.fullmatch(text):
        return date(int(partial[1]), int(partial[2] or 1), 1)
    return datetime.fromisoformat(text).date()


def _one_of(value: str, column: str, allowed: Iterable[str]) -> str:
    if value not in allowed:
        raise ValueError(f"unknown {column} {value!r}; write one of {', '.join(filter(None, allowed))}")
    return value


def _weight(text: str) -> float:
    try:
        weight = float(text) if text else 1.0
    except ValueError:
        weight = math.nan
    if not 0 < weight < math.inf:
        raise ValueError(f"weight is {text!r}; write a number above 0")
    return weight


def parse_row(cells: dict[str, str], book: Codebook) -> CodingRow:
    """One line as a coding. Raises ValueError, which names what is wrong and what is allowed."""
    cells = {column: cell.replace("\0", " ").strip() for column, cell in cells.items()}
    if not cells["text"]:
        raise ValueError("the text is empty")
    target = cells.get("target", "")
    if target and not book.targeted:
        raise ValueError(f"{book.variable} is not coded towards a group; leave target empty")
    try:
        day = _date(cells.get("date", ""))
    except ValueError:
        raise ValueError(f"date is {cells['date']!r}; write a date like 2026-01-15, 2026-01 or 2026") from None
    settles = cells.get("settles", "").casefold()
    return CodingRow(
        text=cells["text"],
        value=_one_of(cells["value"], "value", book.names),
        before=cells.get("before", ""),
        after=cells.get("after", ""),
        group=cells.get("group", ""),
        date=day,
        cluster=cells.get("cluster", ""),
        source=cells.get("source", ""),
        lang=cells.get("lang", ""),
        weight=_weight(cells.get("weight", "")),
        target=target,
        draw=_one_of(cells.get("draw", ""), "draw", DRAWS),
        origin=_one_of(cells.get("origin", "") or "human", "origin", ORIGINS),
        coder=cells.get("coder", ""),
        settles=_YES[_one_of(settles, "settles", _YES)],
    )


def _lines(lines: Iterable[str]) -> Iterator[tuple[int, list[str] | str]]:
    """(line the row begins on, its cells) or (line, what is wrong with it)."""
    csv.field_size_limit(max(csv.field_size_limit(), LONGEST))
    reader = csv.reader(lines, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            yield line, next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, f"not CSV ({error})"


def parse_table(lines: Iterable[str], book: Codebook, name: str = "codings") -> Table:
    """Every row of a table whose first line names the columns. Raises CodingTableError where that line does not."""
    numbered = _lines(lines)
    _, first = next(numbered, (1, []))
    header = [] if isinstance(first, str) else [column.strip().casefold() for column in first]
    if missing := [column for column in REQUIRED if column not in header]:
        raise CodingTableError(
            f"{name}:1: column {missing[0]} is missing; the first line must name {' and '.join(REQUIRED)}, "
            f"and may name {', '.join(OPTIONAL)}"
        )
    if twice := [column for column in header if header.count(column) > 1]:
        raise CodingTableError(f"{name}:1: column {twice[0]} stands twice")
    rows: list[CodingRow] = []
    problems: list[str] = []
    for line, cells in numbered:
        try:
            if isinstance(cells, str):
                raise ValueError(cells)
            if not any(map(str.strip, cells)):
                continue
            if len(cells) != len(header):
                raise ValueError(f"{len(cells)} cells, but the first line names {len(header)} columns")
            rows.append(parse_row(dict(zip(header, cells, strict=True)), book))
        except ValueError as error:
            problems.append(f"{name}:{line}: {error}")
    return Table(rows, problems, sorted(set(header) - {*REQUIRED, *OPTIONAL}))


def read_table(file: Path, book: Codebook) -> Table:
    """The codings in a CSV file (UTF-8). Raises CodingTableError when it can't be read or holds none."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as handle:
            table = parse_table(handle, book, file.name)
    except OSError as error:
        raise CodingTableError(f"{file}: can't be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise CodingTableError(f"{file}: not UTF-8 (byte {error.start}); save it as CSV in UTF-8") from error
    if not table.rows:
        wrong = f"; the first of {len(table.problems)} wrong lines: {table.problems[0]}" if table.problems else ""
        raise CodingTableError(f"{file}: no codings in it{wrong}")
    return table
