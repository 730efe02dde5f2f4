"""Tables: CSV, JSON lines and Parquet, a row a text. Wrong rows are reported by line, the others are imported."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from pipeline.collect.kinds.events import Item, Skipped, TextItem, Trouble
from pipeline.collect.kinds.links import hints
from pipeline.extract.address import canonical
from pipeline.extract.dates import parse_date
from pipeline.monitor import TableSource
from pipeline.settings import Settings

_BATCH = 1000


class TableError(ValueError):
    """The file can't be read at all; says why and what to do."""


@dataclass(frozen=True)
class Row:
    """One row and where it stands (the line it begins at, from 1; of Parquet, the row's number)."""

    line: int
    values: dict[str, Any]


@dataclass(frozen=True)
class BadRow:
    line: int
    reason: str


def _open(path: Path) -> IO[str]:
    # utf-8-sig: spreadsheets write a mark at the start. What is not UTF-8 is replaced and so seen, not lost
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", errors="replace", newline="")
    return path.open(encoding="utf-8-sig", errors="replace", newline="")


def _csv_rows(stream: IO[str]) -> Iterator[Row | BadRow]:
    csv.field_size_limit(sys.maxsize)
    reader = csv.reader(stream)
    try:
        header = next(reader, [])
    except csv.Error as error:
        raise TableError(f"the header is no CSV ({error})") from None
    while True:
        line = reader.line_num + 1
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield BadRow(line, f"no CSV ({error})")
            continue
        if not values:
            continue
        if len(values) != len(header):
            yield BadRow(line, f"has {len(values)} fields, the header has {len(header)}; check its quotes")
        else:
            yield Row(line, dict(zip(header, values, strict=True)))


def _json_rows(stream: IO[str]) -> Iterator[Row | BadRow]:
    for line, written in enumerate(stream, 1):
        if not written.strip():
            continue
        try:
            values = json.loads(written)
        except ValueError as error:
            yield BadRow(line, f"no JSON ({error})")
            continue
        if isinstance(values, dict):
            yield Row(line, values)
        else:
            yield BadRow(line, "no JSON object")


def _parquet_rows(path: Path) -> Iterator[Row | BadRow]:
    from pyarrow import ArrowInvalid, parquet  # heavy, and few tables are Parquet

    line = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(_BATCH):
                for values in batch.to_pylist():
                    line += 1
                    yield Row(line, values)
    except ArrowInvalid as error:
        raise TableError(f"{path} is no Parquet file ({error})") from None


def rows(path: Path) -> Iterator[Row | BadRow]:
    """The rows of a file, one after another. Raises :class:`TableError`."""
    kind = "".join(path.suffixes[-2:]).lower().removesuffix(".gz").rpartition(".")[2]
    try:
        if kind == "parquet":
            yield from _parquet_rows(path)
        elif kind in {"csv", "jsonl", "ndjson"}:
            with _open(path) as stream:
                yield from _csv_rows(stream) if kind == "csv" else _json_rows(stream)
        else:
            raise TableError(
                f"{path}: unknown kind of table; name it .csv, .jsonl, .ndjson or .parquet (.gz is read too)"
            )
    except (OSError, EOFError) as error:
        raise TableError(f"{path} can't be read to its end ({error})") from None


def _words(values: dict[str, Any], column: str | None) -> str:
    """The cell as text; empty when the row has none."""
    value = values.get(column) if column else None
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))  # a column of years with gaps becomes one of floats
    return str(value).replace("\x00", "").strip()


def _date(written: str, date_format: str | None) -> str:
    """The date as extraction reads it: ISO 8601, or a bare year. Raises ValueError."""
    if not written:
        raise ValueError("no date")
    if date_format is not None:
        found = datetime.strptime(written, date_format)  # noqa: DTZ007 (the zone is set on the next line)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).isoformat()
    if parse_date(written, year_alone=True) is None:
        raise ValueError(f"the date {written[:40]!r} can't be read; name its form in date_format")
    return written


def _source_name(source: str, value: str) -> str:
    """Source of a row, within the 60 characters a source's name may have."""
    name = f"{source}/{value}"
    return name if len(name) <= 60 else f"{name[:51]}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


class _Addresses:
    """An address of its own for every row."""

    def __init__(self, source: str) -> None:
        self._source = source
        self._seen: set[bytes] = set()

    def _is_first(self, value: str) -> bool:
        short = hashlib.sha256(value.encode()).digest()[:8]
        first = short not in self._seen
        self._seen.add(short)
        return first

    def of(self, address: str, identity: str, *content: str) -> str:
        """The row's web address when it has one, else ``table:<source>/<id>``. Raises ValueError.

        Rows that share a web address (posts of one thread) would overwrite each other: from the second on they get
        the other form. Without an id, ``content`` tells rows apart.
        """
        if address and self._is_first(made := canonical(address)):
            return made
        identity = identity or hashlib.sha256("\n".join(content).encode()).hexdigest()[:32]
        made = f"table:{self._source}/{identity}"
        if not self._is_first(made):
            raise ValueError(f"the row {identity!r} stands there already")
        return made


def item(row: Row, source: TableSource, addresses: _Addresses) -> Item:
    """What becomes of a row."""
    columns = source.columns
    text = _words(row.values, columns.text)
    place = f"{source.path.name} line {row.line}"
    if not text:
        return Trouble(place, "left out: no text")
    group = source.group
    if columns.group:
        value = _words(row.values, columns.group)
        if value not in source.groups:
            return Skipped(f"rows of other groups ({value or 'none'})")
        group = source.groups[value]
    named = _words(row.values, columns.source)
    try:
        date = _date(_words(row.values, columns.date), source.date_format)
        address = addresses.of(
            _words(row.values, columns.address), _words(row.values, columns.id), group or "", named, date, text
        )
    except ValueError as error:
        return Trouble(place, f"left out: {error}")
    return TextItem(
        address=address,
        text=text,
        group=group,
        source=_source_name(source.id, named) if named else source.id,
        title=_words(row.values, columns.title) or None,
        hints=hints(language=_words(row.values, columns.language), dates=[("table", date)]),
    )


def _missing(source: TableSource, values: dict[str, Any]) -> list[str]:
    named = source.columns.model_dump(exclude_none=True)
    return [column for column in named.values() if column not in values]


def read(source: TableSource, settings: Settings) -> Iterator[Item]:
    """The texts in the source's file."""
    addresses = _Addresses(source.id)
    first = True
    try:
        for row in rows(source.path):
            if isinstance(row, BadRow):
                yield Trouble(f"{source.path.name} line {row.line}", f"left out: {row.reason}")
                continue
            # rows of JSON may lack what is empty; a table has all its columns in every row
            if first and source.path.name.removesuffix(".gz").endswith((".csv", ".parquet")):
                missing = _missing(source, row.values)
                if missing:
                    there = ", ".join(row.values)
                    yield Trouble(str(source.path), f"has no column {', '.join(missing)}; it has: {there}")
                    return
            first = False
            yield item(row, source, addresses)
    except TableError as error:
        yield Trouble(str(source.path), str(error))
