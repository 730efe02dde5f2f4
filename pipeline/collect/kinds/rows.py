"""The rows of a table, as its file has them: CSV, JSON lines, Parquet."""

from __future__ import annotations

import csv
import gzip
import json
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

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


_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
"""what surrogateescape makes of bytes that are no UTF-8"""


def _open(path: Path) -> IO[str]:
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rb") as raw:
        start = raw.read(2)
    # utf-8-sig: spreadsheets write a mark at the start
    encoding = "utf-16" if start in _UTF16 else "utf-8-sig"
    return opened(path, "rt", encoding=encoding, errors="surrogateescape", newline="")


def _checked(row: Row) -> Row | BadRow:
    """A text in another encoding would come in as other letters: such a row is refused."""
    if any(isinstance(value, str) and _NOT_UTF8.search(value) for value in row.values.values()):
        return BadRow(row.line, "holds bytes that are not UTF-8; save the file as UTF-8")
    return row


def _csv_rows(stream: IO[str]) -> Iterator[Row | BadRow]:
    csv.field_size_limit(sys.maxsize)
    reader = csv.reader(stream)
    try:
        header = next(reader, [])
    except csv.Error as error:
        raise TableError(f"the header is no CSV ({error})") from None
    if any(map(_NOT_UTF8.search, header)):
        raise TableError("the header is not UTF-8; save the file as UTF-8")
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
            yield _checked(Row(line, dict(zip(header, values, strict=True))))


def _json_rows(stream: IO[str]) -> Iterator[Row | BadRow]:
    for line, written in enumerate(stream, 1):
        if not written.strip():
            continue
        try:
            values = json.loads(written)
        except (ValueError, RecursionError) as error:
            yield BadRow(line, f"no JSON ({error})")
            continue
        if isinstance(values, dict):
            yield _checked(Row(line, values))
        else:
            yield BadRow(line, "no JSON object")


def _parquet_rows(path: Path) -> Iterator[Row | BadRow]:
    from pyarrow import ArrowException, parquet  # heavy, and few tables are Parquet

    line = 0
    try:
        with parquet.ParquetFile(path) as file:
            for batch in file.iter_batches(_BATCH):
                for number in range(batch.num_rows):
                    line += 1
                    try:
                        yield Row(line, {name: batch[name][number].as_py() for name in batch.schema.names})
                    except (ValueError, OverflowError, LookupError) as error:
                        # times that Python has none for: nanoseconds, the year 30,000, a zone nobody knows
                        yield BadRow(line, f"holds what can't be read ({error})")
    except (ArrowException, ValueError) as error:
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
    except (OSError, EOFError, UnicodeError) as error:
        raise TableError(f"{path} can't be read to its end ({error})") from None
