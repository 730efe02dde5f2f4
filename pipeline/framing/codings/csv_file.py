"""CSV: our own form, a line a coding, every column of the table."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TextIO

from pipeline.framing.codings.fields import COLUMNS, CodingsFileError, Defaults, Found, shown
from pipeline.spreadsheet import bare, inert
from pipeline.store.codings import Stored, Task

REQUIRED = ("address", "variable", "value", "coder", "coded_at", "draw")
TEXTS = ("title", "language", "text")
"""written beside a coding when asked for; not read"""
OPTIONAL = (*(c for c in COLUMNS if c not in REQUIRED), "group", *TEXTS)
LONGEST_CELL = 10_000_000
ENDS = "\r\n"
"""of lines, as RFC 4180 has it: only what may end a line is put into quotes, and a lone CR in a note must be"""


def lines_of(file: Path) -> TextIO:
    """The file as text; bytes that are no UTF-8 are kept as marks that the checker finds in their row."""
    return file.open(encoding="utf-8-sig", errors="surrogateescape", newline="")


def table_rows(lines: Iterable[str], required: Iterable[str], known: Iterable[str] | None) -> Iterator[Found]:
    """The rows of a CSV table. ``known``: the columns it may have; None: any. Raises CodingsFileError without header.

    The apostrophe that keeps a spreadsheet from running a cell is taken away. A row with too many or too few cells, or
    that is no CSV, is a Found that says so; the rows after it are read on.
    """
    csv.field_size_limit(LONGEST_CELL)  # of the whole process; the usual limit is shorter than a long text
    reader = csv.reader(lines, strict=True)
    try:
        header = [column.strip() for column in next(reader, [])]
    except csv.Error as error:
        raise CodingsFileError(f"the first line is not CSV ({error})") from None
    if missing := [column for column in required if column not in header]:
        raise CodingsFileError(f"column {missing[0]} is missing; the first line must name {', '.join(required)}")
    if known is not None and (foreign := [column for column in header if column not in known]):
        raise CodingsFileError(f"unknown column {foreign[0][:80]!r}; known are {', '.join(known)}")
    if len(set(header)) < len(header):
        raise CodingsFileError("a column stands twice")
    while True:
        place = str(reader.line_num + 1)
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield Found(place, None, f"not CSV ({error})")
            continue
        if not any(map(str.strip, cells)):
            continue
        if len(cells) != len(header):
            yield Found(place, None, f"{len(cells)} cells, but the first line names {len(header)} columns")
            continue
        yield Found(place, dict(zip(header, map(bare, cells), strict=True)))


def read(file: Path, defaults: Defaults) -> Iterator[Found]:
    """The codings of our CSV form; columns that ``defaults`` give may be missing."""
    required = [c for c in REQUIRED if getattr(defaults, c, None) is None]
    with lines_of(file) as lines:
        yield from table_rows(lines, required, (*REQUIRED, *OPTIONAL))


def write(out: TextIO, codings: Iterable[Stored], with_texts: bool) -> int:
    """Write codings, a line each; returns how many."""
    writer = csv.writer(out, lineterminator=ENDS)
    writer.writerow([*COLUMNS, *(TEXTS if with_texts else ())])
    count = 0
    for count, stored in enumerate(codings, start=1):  # noqa: B007 (counted for the caller)
        cells = [_cell(value) for value in shown(stored.coding).values()]
        texts = [getattr(stored, name) for name in TEXTS] if with_texts else []
        writer.writerow(map(harmless, [*cells, *texts]))
    return count


def harmless(cell: Any) -> Any:
    """A cell that no spreadsheet runs, whoever wrote the text; what is no text stays as it is."""
    return inert(cell) if isinstance(cell, str) else cell


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value


def write_tasks(out: TextIO, tasks: Iterable[Task], variable: str) -> int:
    """Write a queue's texts without labels: fill in value, coder and coded_at, and bring the file in."""
    columns = (*(c for c in COLUMNS if c not in {"extra", "codebook_version", "origin", "settles"}), *TEXTS)
    writer = csv.DictWriter(out, columns, lineterminator=ENDS)
    writer.writeheader()
    count = 0
    for count, task in enumerate(tasks, start=1):  # noqa: B007 (counted for the caller)
        drawn = {"draw": task.draw, "probability": task.probability, "drawn_at": task.drawn_at.isoformat()}
        named = {"address": task.address, "variable": variable, "target": task.target}
        row = named | drawn | {name: getattr(task, name) for name in TEXTS}
        writer.writerow({name: harmless(cell) for name, cell in row.items()})
    return count
