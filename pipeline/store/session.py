"""The way to the database: one engine per address, SQLite and PostgreSQL through the same code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from functools import lru_cache
from pathlib import Path
from threading import Lock
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, FromClause, create_engine, event, func, make_url, select
from sqlalchemy.dialects.sqlite.base import SQLiteCompiler
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from pipeline.settings import Settings

_FORMS = "write sqlite:////whole/path.db or postgresql+psycopg://user:password@host/name"


class StoreError(RuntimeError):
    """The database can't be used; says why and what to do."""


def _prepare_sqlite(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    # WAL: readers (pages) and one writer (jobs) do not wait for each other.
    # A batch touches many pages of the index of near duplicates: they are brought home every 40 MB, not every 4.
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "wal_autocheckpoint=10000",
        "foreign_keys=ON",
        "busy_timeout=30000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


class _SQLiteCompiler(SQLiteCompiler):
    """Writes a query's hints, such as INDEXED BY: SQLAlchemy knows none of SQLite's."""

    def get_from_hint_text(self, table: FromClause, text: str | None) -> str | None:
        return text


_KEPT, _MORE = 5, 45
"""Connections: a run has a thread per host and a writer, and none may fail for want of one."""


@lru_cache(maxsize=8)
def engine_for(address: str) -> Engine:
    """The engine of a database address. Raises :class:`StoreError` for an address that names no known database."""
    url = make_url(address)
    if url.get_backend_name() == "sqlite":
        if url.database and url.database != ":memory:":
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(url, connect_args={"timeout": 30}, pool_size=_KEPT, max_overflow=_MORE)
        engine.dialect.statement_compiler = _SQLiteCompiler
        event.listen(engine, "connect", _prepare_sqlite)
        return engine
    if url.get_backend_name() == "postgresql":
        return create_engine(url, pool_pre_ping=True, pool_size=_KEPT, max_overflow=_MORE)
    raise StoreError(
        f"{url.get_backend_name()} is not supported; set RIFTWATCH_DATABASE_URL to sqlite:/// or postgresql+psycopg://"
    )


def _alembic_config(address: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["address"] = address
    return config


_MIGRATION_LOCK = 2009_09_19
"""PostgreSQL's advisory locks are named by numbers; any will do that nobody else uses."""
_one_thread = Lock()


@contextmanager
def _alone(address: str) -> Iterator[None]:
    """Let one thread of one process migrate a database at a time; the others wait, and find it done."""
    url = make_url(address)
    with _one_thread:
        if url.get_backend_name() == "postgresql":
            with engine_for(address).connect() as connection:
                connection.execute(select(func.pg_advisory_lock(_MIGRATION_LOCK)))
                try:
                    yield
                finally:
                    connection.execute(select(func.pg_advisory_unlock(_MIGRATION_LOCK)))
        elif url.database and url.database != ":memory:":
            engine_for(address)  # makes the folder
            with Path(f"{url.database}.lock").open("w") as file:
                flock(file, LOCK_EX)  # let go when the file is closed
                yield
        else:
            yield


@lru_cache(maxsize=8)
def _migrate_once(address: str) -> None:
    with _alone(address):
        command.upgrade(_alembic_config(address), "head")


def migrate(settings: Settings) -> None:
    """Bring the database to the newest schema, making it where it is missing. Cheap when nothing is to do."""
    try:
        _migrate_once(settings.database)
    except ArgumentError:
        # no address is shown: what can't be parsed may hold a password anywhere
        raise StoreError(f"RIFTWATCH_DATABASE_URL is no database address; {_FORMS}") from None
    except (DBAPIError, OSError, ImportError) as error:
        shown = make_url(settings.database).render_as_string(hide_password=True)
        cause = error.orig if isinstance(error, DBAPIError) else error
        raise StoreError(
            f"can't open the database {shown}: {cause}; check RIFTWATCH_DATABASE_URL and RIFTWATCH_DATA"
        ) from error


@contextmanager
def open_session(settings: Settings, **options: Any) -> Iterator[Session]:
    """A session on the migrated database. Commit yourself: batches are committed as they are done."""
    migrate(settings)
    with Session(engine_for(settings.database), **options) as session:
        yield session
