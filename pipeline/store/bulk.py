"""Many rows at once: PostgreSQL takes them by COPY, SQLite by one prepared statement for all.

A statement for each row costs PostgreSQL's driver more than the server; tens of thousands of wide rows as one statement
take long to compile.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, MetaData, Table, inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from pipeline.store.tables import Base

Row = dict[str, Any]


def insert_many(session: Session, model: type[Base], rows: Sequence[Row]) -> None:
    """Add rows that are new. Every row has the columns of the first. Does not commit."""
    if not rows:
        return
    table = _table(model)
    if session.get_bind().dialect.name == "postgresql":
        _copy(session, table, rows)
    else:
        session.connection().execute(table.insert(), list(rows))


def upsert_many(session: Session, model: type[Base], rows: Sequence[Row], keys: Sequence[str]) -> None:
    """Write rows; where ``keys`` meet a known row, set all its other columns. Every row has the columns of the first.

    No two rows may have the same keys. Does not commit.
    """
    if not rows:
        return
    table, connection = _table(model), session.connection()
    changed = [name for name in rows[0] if name not in keys]
    if session.get_bind().dialect.name == "sqlite":
        insert = sqlite.insert(table)
        update = {name: insert.excluded[name] for name in changed}
        connection.execute(insert.on_conflict_do_update(index_elements=list(keys), set_=update), list(rows))
        return
    # COPY knows no conflict, so the rows go through a table of this transaction
    passing = Table(
        f"passing_{table.name}",
        MetaData(),
        *(Column(name, table.c[name].type) for name in rows[0]),
        prefixes=["TEMPORARY"],
        postgresql_on_commit="DROP",
    )
    passing.create(connection)
    _copy(session, passing, rows)
    merge = postgresql.insert(table).from_select(list(rows[0]), select(passing))
    update = {name: merge.excluded[name] for name in changed}
    connection.execute(merge.on_conflict_do_update(index_elements=list(keys), set_=update))
    passing.drop(connection)


def _table(model: type[Base]) -> Table:
    table = inspect(model).local_table
    if not isinstance(table, Table):
        raise TypeError(f"{model.__name__} is no table")
    return table


def _copy(session: Session, into: Table, rows: Sequence[Row]) -> None:
    """Rows to a table of PostgreSQL, each value as SQLAlchemy would give it to the driver."""
    dialect = session.get_bind().dialect
    ready = [(name, into.c[name].type.dialect_impl(dialect).bind_processor(dialect)) for name in rows[0]]
    quoted = dialect.identifier_preparer
    names = ", ".join(quoted.quote(name) for name in rows[0])
    statement = f"COPY {quoted.format_table(into)} ({names}) FROM STDIN".encode()
    connection: Any = session.connection().connection.driver_connection
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row([make(row[name]) if make is not None else row[name] for name, make in ready])
