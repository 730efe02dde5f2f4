"""Alembic's entry: runs the migrations on the database that pipeline.store.session names."""

from typing import Literal

from alembic import context

from pipeline.settings import Settings
from pipeline.store.session import engine_for
from pipeline.store.tables import Base, UtcDateTime

address = context.config.attributes.get("address") or Settings().database


def render_item(kind: str, item: object, _context: object) -> str | Literal[False]:
    """Migrations name plain SQL types: they must run unchanged when our own classes have moved on."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


with engine_for(address).connect() as connection:
    # SQLite can't alter a column in place: render_as_batch copies the table instead.
    context.configure(
        connection=connection, target_metadata=Base.metadata, render_as_batch=True, render_item=render_item
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
