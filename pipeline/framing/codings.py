"""Human labels from a CSV file: every row is kept or named with its line and what is wrong with it."""

from __future__ import annotations

import csv
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

from classifiers.codebook import Codebook, CodebookError, codebook_of
from pipeline.extract.address import canonical
from pipeline.monitor import Monitor
from pipeline.report import Progress, Report, silent
from pipeline.settings import Settings
from pipeline.store.codings import KEYS, count_waiting, keep_codings, match_waiting
from pipeline.store.runs import record_run
from pipeline.store.session import open_session

REQUIRED = ("address", "variable", "value", "coder", "coded_at", "draw")
OPTIONAL = ("probability", "drawn_at", "note", "group")
DRAWS = ("random", "active", "import", "starter")
CLOSED_LIST = datetime(1970, 1, 1, tzinfo=UTC)
"""``drawn_at`` of a draw from a list that was complete beforehand: no later text is outside it"""
LONGEST_NAME = 60
BATCH = 2000


def _time(row: dict[str, str], column: str) -> datetime:
    try:
        value = datetime.fromisoformat(row[column])
    except ValueError:
        raise ValueError(f"{column} is {row[column]!r}; write a date or time like 2026-01-15T09:00:00Z") from None
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _address(address: str) -> str:
    # rows of a table without web addresses have addresses of their own, which collecting writes one way only
    return address if address.startswith("table:") else canonical(address)


def _one_of(value: str, column: str, allowed: list[str]) -> str:
    if value not in allowed:
        raise ValueError(f"unknown {column} {value!r}; write one of {', '.join(allowed)}")
    return value


def _probability(row: dict[str, str]) -> float | None:
    text = row.get("probability") or ""
    if not text:
        if row["draw"] == "random":
            raise ValueError("a random coding needs the probability with which its text was drawn, in (0, 1]")
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not 0 < value <= 1:
        raise ValueError(f"probability is {text!r}; it must lie in (0, 1]")
    return value


def parse_coding(row: dict[str, str], groups: list[str], codebook: Callable[[str], Codebook]) -> dict[str, Any]:
    """A row of the file as columns of the table. Raises ValueError, which names what is wrong and what is allowed."""
    if missing := [column for column in REQUIRED if not row.get(column)]:
        raise ValueError(f"{missing[0]} is empty")
    try:
        book = codebook(row["variable"])
    except CodebookError as error:
        raise ValueError(str(error)) from None
    if row.get("group"):
        _one_of(row["group"], "group", groups)
    if len(row["coder"]) > LONGEST_NAME:
        raise ValueError(f"coder is longer than {LONGEST_NAME} characters; use an abbreviation")
    return {
        "address": _address(row["address"]),
        "variable": book.variable,
        "value": _one_of(row["value"], "value", book.names),
        "codebook_version": book.version,
        "coder": row["coder"],
        "coded_at": _time(row, "coded_at"),
        "draw": _one_of(row["draw"], "draw", list(DRAWS)),
        "probability": _probability(row),
        "drawn_at": _time(row, "drawn_at") if row.get("drawn_at") else CLOSED_LIST,
        "note": row.get("note") or None,
        "target": "",
        "origin": "human",
        "settles": False,
        "extra": None,
    }


def _rows(lines: Iterator[str]) -> Iterator[tuple[int, dict[str, str] | str]]:
    """(line, row by column) or (line, what is wrong with it). Raises ValueError for a file without the columns."""
    reader = csv.reader(lines, strict=True)
    header = [column.strip() for column in next(reader, [])]
    if missing := [column for column in REQUIRED if column not in header]:
        raise ValueError(f"column {missing[0]} is missing; the first line must name {', '.join(REQUIRED)}")
    if foreign := [column for column in header if column not in REQUIRED + OPTIONAL]:
        raise ValueError(f"unknown column {foreign[0]!r}; known are {', '.join(REQUIRED + OPTIONAL)}")
    if len(set(header)) < len(header):
        raise ValueError("a column stands twice")
    while True:
        line = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, f"not CSV ({error})"
            continue
        if not any(map(str.strip, cells)):
            continue
        if len(cells) != len(header):
            yield line, f"{len(cells)} cells, but the first line names {len(header)} columns"
            continue
        yield line, {column: cell.strip() for column, cell in zip(header, cells, strict=True)}


def import_codings(settings: Settings, monitor: Monitor, file: Path, *, progress: Progress = silent) -> Report:
    """Import codings from a CSV file (UTF-8) with the columns REQUIRED and, as far as present, OPTIONAL.

    A wrong row is reported with its line, and the rest is imported. A coding whose text is not collected yet waits
    for it. The same file again changes nothing; a changed value corrects the coding. A time without zone is UTC; an
    empty ``drawn_at`` means a draw from a list that was complete. The report counts rows: found, new, updated,
    known, failed; waiting are all the monitor's codings without a document. Raises OSError for a file that can't be
    opened.
    """
    started_at, clock = datetime.now(UTC), time.monotonic()
    groups = [group.id for group in monitor.groups]
    books: dict[str, Codebook | CodebookError] = {}

    def codebook(variable: str) -> Codebook:
        if variable not in books:
            try:
                books[variable] = codebook_of(variable)
            except CodebookError as error:
                books[variable] = error
        book = books[variable]
        if isinstance(book, CodebookError):
            raise book
        return book

    found = new = updated = known = failed = 0
    problems: list[str] = []
    seen: dict[tuple[Any, ...], tuple[int, dict[str, Any]]] = {}
    with open_session(settings) as session:
        try:
            with file.open(encoding="utf-8-sig", newline="") as handle:
                numbered = _rows(handle)
                while batch := list(islice(numbered, BATCH)):
                    good = []
                    for line, row in batch:
                        found += 1
                        try:
                            if isinstance(row, str):
                                raise ValueError(row)
                            coding = parse_coding(row, groups, codebook)
                            key = tuple(coding[name] for name in KEYS if name != "monitor")
                            first, before = seen.setdefault(key, (line, coding))
                            if before != coding:
                                raise ValueError(f"line {first} has the same text, coder and draw with another label")
                        except ValueError as error:
                            failed += 1
                            problems.append(f"{file.name}:{line}: {error}")
                            continue
                        if first == line:
                            good.append(coding)
                        else:
                            known += 1
                    kept = keep_codings(session, monitor.name, good)
                    session.commit()
                    new, updated, known = new + kept.new, updated + kept.updated, known + kept.known
                    progress("codings", found, None)
        except ValueError as error:  # not UTF-8, or without the columns: what was read so far stays
            failed += 1
            problems.append(f"{file.name}: {error}")
        # documents may have come while their codings were on the way
        match_waiting(session, monitor.name)
        report = Report(
            job="import codings",
            found=found,
            new=new,
            updated=updated,
            known=known,
            failed=failed,
            waiting=count_waiting(session, monitor.name),
            bytes=file.stat().st_size,
            seconds=time.monotonic() - clock,
            problems=tuple(problems),
        )
        record_run(session, report, started_at=started_at, monitor=monitor.name)
        session.commit()
    return report
