"""Insert rows that are new, leave or update those that are known: one statement, both databases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Table, inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from pipeline.store.tables import Base

IN_ONE_QUERY = 500
"""values that one query asks for"""


def upsert(
    session: Session,
    model: type[Base],
    rows: Sequence[dict[str, Any]],
    keys: Sequence[str],
    update: Sequence[str] = (),
    returning: Sequence[str] = (),
) -> list[Any]:
    """Write ``rows``; where ``keys`` meet a known row, set its ``update`` columns (none: leave it alone).

    Returns the primary keys (their first column) of the rows that were inserted or updated, or their ``returning``
    columns; in no promised order. Does not commit.
    """
    if not rows:
        return []
    table = inspect(model).local_table
    if not isinstance(table, Table):
        raise TypeError(f"{model.__name__} is no table")
    dialect = session.get_bind().dialect.name
    statement: Any = (postgresql if dialect == "postgresql" else sqlite).insert(table)
    if update:
        statement = statement.on_conflict_do_update(
            index_elements=list(keys), set_={c: statement.excluded[c] for c in update}
        )
    else:
        statement = statement.on_conflict_do_nothing(index_elements=list(keys))
    columns = [table.c[name] for name in returning] or [next(iter(table.primary_key.columns))]
    # many rows for one statement, and not values(rows): that would be compiled anew each time
    written = session.connection().execute(statement.returning(*columns), list(rows))
    return list(written.all() if returning else written.scalars().all())
