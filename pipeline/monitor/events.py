"""Events from a table: date, a, b, kind, text, reference.

A month stands for a day that is not known. It becomes the month's last day, as in the monitors that ship with the
project, or its first where the caller asks: for a back-test the first is the careful one, since an alarm in the middle
of the month is then never taken for one that came before. Either way the event's text says that the day is not known.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from pipeline.monitor.model import Event
from pipeline.monitor.periods import period_of
from pipeline.monitor.problems import MonitorError, Problem

COLUMNS = ("date", "a", "b", "kind", "text", "reference")
UNKNOWN_DAY = "(in this month; the day is not known)"
KNOWN_RUPTURES = Path(__file__).with_name("known_ruptures.csv")
"""the list that ships; see docs/backtest.md"""
_HEADER = f"write the columns {','.join(COLUMNS)} in the first line"

Which = Literal["first", "last"]


class EventsError(MonitorError):
    """A table of events that can't be used; says everything that is wrong with it."""


def _day(value: str, of_month: Which) -> tuple[date, bool]:
    """The day, and whether only its month is known. ValueError, with the mend, for anything else."""
    if not re.fullmatch(r"\d{4}-\d{2}(-\d{2})?", value):
        raise ValueError(f"is {value!r}; write YYYY-MM-DD, or YYYY-MM where the day is not known")
    only_month = len(value) == 7
    try:
        day = date.fromisoformat(f"{value}-01" if only_month else value)
    except ValueError:
        raise ValueError(f"{value} does not exist; write a date of the calendar") from None
    if only_month and of_month == "last":
        day = period_of("month", day).end - timedelta(days=1)
    return day, only_month


def _message(item: Any) -> tuple[str, str]:
    """Column and mend of one of pydantic's errors."""
    loc = item["loc"]
    column = COLUMNS[1 + loc[1]] if loc[0] == "dyad" and len(loc) > 1 else str(loc[0])
    if item["type"] == "literal_error":
        return column, f"is {item['input']!r}; write one of {item['ctx']['expected']}"
    return column, f"is {item['input']!r}; {item['msg'].removeprefix('Value error, ')}"


def _event(cells: dict[str, str], of_month: Which) -> tuple[Event | None, list[tuple[str, str]]]:
    """The event of one row, or its (column, message) problems."""
    wrong: list[tuple[str, str]] = []
    day, only_month = None, False
    try:
        day, only_month = _day(cells["date"], of_month)
    except ValueError as error:
        wrong.append(("date", str(error)))
    wrong += [(name, "is empty; fill it in") for name in ("text", "reference") if not cells[name]]
    a, b = cells["a"], cells["b"]
    if bool(a) != bool(b):
        empty, other = ("b", a) if a else ("a", b)
        wrong.append((empty, f"is empty beside {other!r}; name both groups, or neither where all are concerned"))
    elif a and a == b:
        wrong.append(("b", f"is {b!r} as a is; name two different groups"))
    given = {
        "date": day or date.min,  # only to hear what else is wrong
        "dyad": (a, b) if a and b else None,
        "kind": cells["kind"],
        "text": f"{cells['text']} {UNKNOWN_DAY}" if only_month else cells["text"],
        "reference": cells["reference"],
    }
    try:
        event = Event.model_validate(given)
    except ValidationError as error:
        return None, wrong + [_message(item) for item in error.errors()]
    return (None if wrong else event), wrong


def _records(lines: Iterable[str], file: Path) -> Iterator[tuple[int, list[str] | Problem]]:
    """(line it begins on, cells) of each record; a Problem in place of the cells, and the end, where it is no CSV."""
    reader = csv.reader(lines, strict=True)
    while True:
        line = reader.line_num + 1
        try:
            yield line, [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            yield line, Problem(file, line, "(the row)", f"not CSV ({error}); check the quotation marks")
            return


def parse_events(lines: Iterable[str], file: Path, *, day_of_month: Which = "last") -> list[Event]:
    """The events of a CSV table, in the order of the table; ``file`` only names it. Raises :class:`EventsError`.

    ``a`` and ``b`` are ids of groups, as a monitor has them; both empty: all are concerned. Empty lines are skipped.
    """
    records = _records(lines, file)
    _, header = next(records, (1, []))
    if isinstance(header, Problem):
        raise EventsError([header])
    problems = [Problem(file, 1, name, f"is missing; {_HEADER}") for name in COLUMNS if name not in header]
    problems += [
        Problem(file, 1, name or "(no name)", f"is not a column here; {_HEADER}")
        for name in header
        if name not in COLUMNS
    ]
    if len(set(header)) < len(header):
        problems.append(Problem(file, 1, "(the first line)", f"names a column twice; {_HEADER}"))
    if problems:
        raise EventsError(problems)
    events: dict[Event, int] = {}
    for line, cells in records:
        if isinstance(cells, Problem):
            problems.append(cells)
        elif not any(cells):
            continue
        elif len(cells) != len(header):
            problems.append(Problem(file, line, "(the row)", _count(cells, header)))
        else:
            event, wrong = _event(dict(zip(header, cells, strict=True)), day_of_month)
            problems += [Problem(file, line, column, message) for column, message in wrong]
            if event in events:
                problems.append(Problem(file, line, "(the row)", f"stands on line {events[event]} too; remove one"))
            elif event:
                events[event] = line
    if problems:
        raise EventsError(problems)
    return list(events)


def _count(cells: Sequence[str], header: Sequence[str]) -> str:
    return f"has {len(cells)} cells for {len(header)} columns; put texts that hold a comma in quotation marks"


def read_events(path: Path, *, day_of_month: Which = "last") -> list[Event]:
    """The events of a CSV file (UTF-8). Raises :class:`EventsError` with line, field and mend of all that is wrong."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise EventsError([Problem(path, 1, "(the file)", f"can't be read: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise EventsError([Problem(path, 1, "(the file)", "is not UTF-8; save it as UTF-8")]) from None
    # not str.splitlines: that would also break a row at a line separator inside a text
    return parse_events(io.StringIO(text), path, day_of_month=day_of_month)
