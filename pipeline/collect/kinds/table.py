"""Tables: a row a text. Wrong rows are reported by line, the others are imported."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from pipeline.collect.kinds.events import Item, Skipped, TextItem, Trouble
from pipeline.collect.kinds.exports import EXPORTS
from pipeline.collect.kinds.links import hints
from pipeline.collect.kinds.rows import BadRow, Row, TableError, rows
from pipeline.extract.address import canonical
from pipeline.extract.dates import parse_date
from pipeline.monitor import TableSource
from pipeline.settings import Settings


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


def items(row: Row, source: TableSource, addresses: _Addresses) -> Iterator[Item]:
    """What becomes of a row."""
    columns = source.columns
    text = _words(row.values, columns.text)
    place = f"{source.path.name} line {row.line}"
    if not text:
        yield Trouble(place, "left out: no text")
        return
    group = source.group
    if columns.group:
        value = _words(row.values, columns.group)
        if value not in source.groups:
            yield Skipped(f"rows of other groups ({value or 'none'})")
            return
        group = source.groups[value]
    named = _words(row.values, columns.source)
    web = _words(row.values, columns.address)
    try:
        date = _date(_words(row.values, columns.date), source.date_format)
        if web and not _is_web(web):
            yield Trouble(place, f"its address {web[:80]!r} is none and is left out; the text is kept", failed=False)
            web = ""
        address = addresses.of(web, _words(row.values, columns.id), group or "", named, date, text)
    except ValueError as error:
        yield Trouble(place, f"left out: {error}")
        return
    yield TextItem(
        address=address,
        text=text,
        group=group,
        source=_source_name(source.id, named) if named else source.id,
        title=_words(row.values, columns.title) or None,
        hints=hints(language=_words(row.values, columns.language), dates=[("table", date)]),
    )


def _is_web(address: str) -> bool:
    try:
        canonical(address)
    except ValueError:
        return False
    return True


def _missing(source: TableSource, values: dict[str, Any]) -> list[str]:
    named = source.columns.model_dump(exclude_none=True)
    return [column for column in named.values() if column not in values]


def _understood(row: Row | BadRow, source: TableSource) -> Row | BadRow:
    """The row with the columns that the tool it was exported from does not name as such."""
    if isinstance(row, BadRow) or source.export is None:
        return row
    try:
        return Row(row.line, EXPORTS[source.export](row.values))
    except ValueError as error:
        return BadRow(row.line, str(error))


def read(source: TableSource, settings: Settings) -> Iterator[Item]:
    """The texts in the source's file."""
    addresses = _Addresses(source.id)
    # rows of JSON may lack what is empty; a table has all its columns in every row
    first = source.path.name.lower().removesuffix(".gz").endswith((".csv", ".parquet"))
    empty = True
    try:
        for row in (_understood(row, source) for row in rows(source.path)):
            empty = False
            if isinstance(row, BadRow):
                yield Trouble(f"{source.path.name} line {row.line}", f"left out: {row.reason}")
                continue
            missing = _missing(source, row.values) if first else []
            if missing:
                there = ", ".join(row.values)
                yield Trouble(str(source.path), f"has no column {', '.join(missing)}; it has: {there}")
                return
            first = False
            yield from items(row, source, addresses)
        if empty:
            yield Trouble(str(source.path), "holds no row", failed=False)
    except TableError as error:
        yield Trouble(str(source.path), str(error))
