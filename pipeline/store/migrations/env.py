"""Alembic's entry: runs the migrations on the database that pipeline.store.session names."""

from typing import Literal

from alembic import context

from pipeline.settings import Settings
from pipeline.store.search.index import TABLE as SEARCH_INDEX
from pipeline.store.session import engine_for
from pipeline.store.tables import Base, UtcDateTime

address = context.config.attributes.get("address") or Settings().database


def render_item(kind: str, item: object, _context: object) -> str | Literal[False]:
    """Migrations name plain SQL types: they must run unchanged when our own classes have moved on."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


def is_ours(name: str | None, kind: str, _parents: object) -> bool:
    """Whether Alembic compares it with our classes: not the search index, nor the tables that SQLite keeps it in."""
    return not (kind == "table" and name is not None and name.startswith(SEARCH_INDEX))


with engine_for(address).connect() as connection:
    sqlite = connection.dialect.name == "sqlite"
    if sqlite:
        # A table that others refer to can be copied only while nobody checks the references; this can't be switched
        # within a transaction. That is begun by hand, since Python's driver begins one only at the first row that is
        # written: so a migration that is broken off leaves nothing.
        connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        # SQLite can't alter a column in place: render_as_batch copies the table instead.
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=True,
            render_item=render_item,
            include_name=is_ours,
        )
        with context.begin_transaction():
            context.run_migrations()
        connection.commit()
    finally:
        if sqlite:
            connection.rollback()
            connection.exec_driver_sql("PRAGMA foreign_keys=ON")
