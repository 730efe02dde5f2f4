"""The answer to a query as columns of numpy arrays, without Python's objects for a database's values where it can be.

PostgreSQL sends the rows by COPY in its binary form (Documentation, COPY, "Binary Format"), in which every number and
time has its width, so that a thousand rows become an array at once; and unlike a cursor's query, one of COPY may be
worked on by several of its processes. SQLite's module makes objects of all values, but at least no row of SQLAlchemy's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Double, Select, func, literal
from sqlalchemy.orm import Session

Kind = Literal["whole", "real", "time", "name"]
"""whole: an integer, never null. real: see :func:`nan_for_null`. time: a time, never null. name: a short text of which
there are few different ones, never null"""
Columns = dict[str, NDArray[Any]]

_AT_ONCE = 1_000
"""rows that are Python objects at a time, few enough for the processor's cache"""
_IN_MEMORY = 8 * 1024 * 1024
"""bytes of an answer of PostgreSQL above which it waits in a file"""
_EMPTY: Mapping[Kind, str] = {"whole": "int64", "real": "float64", "time": "datetime64[us]", "name": "str"}
_EPOCH = np.datetime64("2000-01-01", "us")
"""PostgreSQL counts microseconds from here"""
_HEADER = 19
"""bytes before the first row"""
_LAST = b"\xff\xff"
"""stands after the last row"""
_NULL = "{name} is null in some row, where it never should be"


def nan_for_null(session: Session, column: Any) -> Any:
    """A column of floats that may be null, for ``real``: null becomes NaN in the array."""
    if session.get_bind().dialect.name == "sqlite":
        return column  # has no NaN; its None becomes one in the array
    return func.coalesce(column, literal("NaN", Double))


def columns_of(session: Session, query: Select[Any], kinds: Mapping[str, Kind]) -> Iterator[Columns]:
    """The rows of a query in its order, some thousand at a time: name of a column -> array.

    kinds: of all columns of the query in their order, names last. Other questions may be put to the session meanwhile.
    Raises ValueError for a value that is none of its kind.
    """
    order = list(kinds.values())
    if order != sorted(order, key=lambda kind: kind == "name"):
        raise ValueError(f"columns of names stand last: {dict(kinds)}")
    if session.get_bind().dialect.name == "sqlite":
        return _from_sqlite(session, query, kinds)
    return _from_postgresql(session, query, kinds)


def empty_columns(kinds: Mapping[str, Kind]) -> Columns:
    """The columns of an answer without rows."""
    return {name: np.empty(0, dtype=_EMPTY[kind]) for name, kind in kinds.items()}


def _from_sqlite(session: Session, query: Select[Any], kinds: Mapping[str, Kind]) -> Iterator[Columns]:
    cursor: Any = session.connection().execute(query).cursor
    while rows := cursor.fetchmany(_AT_ONCE):
        values = list(zip(*rows, strict=True))
        for (name, kind), column in zip(kinds.items(), values, strict=True):
            if kind != "real" and None in column:
                raise ValueError(_NULL.format(name=name))
        yield {
            name: np.array(column, dtype=_EMPTY[kind])
            for (name, kind), column in zip(kinds.items(), values, strict=True)
        }


def _from_postgresql(session: Session, query: Select[Any], kinds: Mapping[str, Kind]) -> Iterator[Columns]:
    compiled = query.compile(dialect=session.get_bind().dialect, compile_kwargs={"render_postcompile": True})
    connection: Any = session.connection().connection.driver_connection
    statement = f"COPY ({compiled}) TO STDOUT (FORMAT BINARY)".encode()
    numbers: dict[bytes, int] = {}
    # a connection that sends an answer can't be asked anything else, and whoever reads this may want to
    with SpooledTemporaryFile(_IN_MEMORY) as file:
        with connection.cursor() as cursor, cursor.copy(statement, compiled.params) as copy:
            layout = _take(iter(copy), kinds, file, numbers)
        if layout is None:
            return
        file.seek(0)
        names = _names(list(numbers), [name for name, kind in kinds.items() if kind == "name"])
        while data := file.read(_AT_ONCE * layout.itemsize):
            rows = np.frombuffer(data, dtype=layout)
            made = {name: _value(rows[name], kind) for name, kind in kinds.items() if kind != "name"}
            yield made | {name: different[rows["names"]] for name, different in names.items()}


def _take(
    messages: Iterator[Any], kinds: Mapping[str, Kind], file: Any, numbers: dict[bytes, int]
) -> np.dtype[Any] | None:
    """Put the rows into a file, the names as numbers; returns how the file's rows are laid out, None without rows."""
    numbered = [name for name, kind in kinds.items() if kind != "name"]
    wire, layout = None, None
    first = bytes(next(messages))[_HEADER:]
    while True:
        some = [first, *islice(messages, _AT_ONCE)] if first else list(islice(messages, _AT_ONCE))
        first = b""
        if some and bytes(some[-1]) == _LAST:
            some.pop()
        if not some:
            return layout
        if wire is None:
            wire = _wire(bytes(some[0]), numbered, len(kinds))
            fields = [(name, wire[name].newbyteorder("=")) for name in numbered]
            layout = np.dtype([*fields, ("names", "int32")])
        rows = np.frombuffer(b"".join([row[: wire.itemsize] for row in some]), dtype=wire)
        _check(rows, numbered, len(kinds))
        made = np.empty(len(rows), dtype=layout)
        for name in numbered:
            made[name] = rows[name]
        made["names"] = [numbers.setdefault(bytes(row[wire.itemsize :]), len(numbers)) for row in some]
        file.write(made.tobytes())


def _wire(row: bytes, numbered: Sequence[str], columns: int) -> np.dtype[Any]:
    """How a row begins: the number of columns, then of each column its length and its value."""
    fields: list[tuple[str, str]] = [("columns", ">i2")]
    at = 2
    for name in numbered:
        length = int.from_bytes(row[at : at + 4], "big", signed=True)
        if length not in {2, 4, 8}:
            raise ValueError(f"the database sent {length} bytes for a number of {name}")
        fields += [(f"{name} length", ">i4"), (name, f">i{length}")]
        at += 4 + length
    return np.dtype(fields)


def _check(rows: NDArray[Any], numbered: Sequence[str], columns: int) -> None:
    """Raises where a row is laid out otherwise than the first: a null."""
    if (rows["columns"] != columns).any():
        raise ValueError("the database sent rows of different lengths")
    for name in numbered:
        if (rows[f"{name} length"] != rows.dtype[name].itemsize).any():
            raise ValueError(_NULL.format(name=name))


def _value(column: NDArray[Any], kind: Kind) -> NDArray[Any]:
    if kind == "real":
        return column.view("float64")
    if kind == "time":
        return _EPOCH + column.astype("timedelta64[us]")
    return column.astype("int64")


def _names(tails: Sequence[bytes], columns: Sequence[str]) -> Columns:
    """The different combinations of names, as a row ends with them: of each its length and its UTF-8."""
    found: dict[str, list[str]] = {name: [] for name in columns}
    for tail in tails:
        at = 0
        for name in columns:
            length = int.from_bytes(tail[at : at + 4], "big", signed=True)
            if length < 0:
                raise ValueError(_NULL.format(name=name))
            found[name].append(tail[at + 4 : at + 4 + length].decode())
            at += 4 + length
    return {name: np.array(values, dtype=str) for name, values in found.items()}
