"""Rows that are asked for, as a table that a question joins: one value, however many rows there are."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import CTE, JSON, ColumnElement, String, cast, func, literal, literal_column, select, type_coerce
from sqlalchemy.orm import Session
from sqlalchemy.types import TypeEngine


def listed(session: Session, rows: Iterable[Sequence[Any]], **columns: TypeEngine[Any]) -> CTE:
    """``rows`` as a table. columns: name -> type, in the order of a row's values; none of them may be null.

    They go over as one value: as so many values they took as long to write as to answer.
    """
    dialect = session.get_bind().dialect
    on_sqlite = dialect.name == "sqlite"
    # as SQLite keeps times and days; PostgreSQL reads them as they are said
    kept = [kind.dialect_impl(dialect).bind_processor(dialect) for kind in columns.values()]
    values = [[write(value) if write else value for write, value in zip(kept, row, strict=True)] for row in rows]
    said = literal(json.dumps(values, default=str), String)
    each = func.json_each(said) if on_sqlite else func.json_array_elements(cast(said, JSON))
    row = each.table_valued("value").c.value

    def read(place: int, kind: TypeEngine[Any]) -> ColumnElement[Any]:
        if on_sqlite:
            return type_coerce(func.json_extract(row, f"$[{place}]"), kind)
        return cast(row.op("->>")(literal_column(str(place))), kind)

    return select(*(read(i, kind).label(name) for i, (name, kind) in enumerate(columns.items()))).cte("asked")
