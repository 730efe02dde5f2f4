"""One process at a time: a job that must not run twice at once on the same data."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, flock
from hashlib import blake2b
from pathlib import Path

from sqlalchemy import func, make_url, select

from pipeline.settings import Settings
from pipeline.store.session import engine_for, migrate


@contextmanager
def alone(settings: Settings, what: str) -> Iterator[None]:
    """Let one process, and one thread of it, do ``what`` on this database at a time; the others wait for it.

    Whoever is killed lets go. On SQLite a file beside the database is locked, not the database: collectors write on.
    """
    migrate(settings)
    url = make_url(settings.database)
    if url.get_backend_name() == "postgresql":
        name = func.hashtext(f"riftwatch {what}")
        # without a transaction: one that is open for hours would keep the database from tidying up
        with engine_for(settings.database).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(select(func.pg_advisory_lock(name)))
            try:
                yield
            finally:
                connection.execute(select(func.pg_advisory_unlock(name)))
    elif url.database and url.database != ":memory:":
        with Path(f"{url.database}.{blake2b(what.encode(), digest_size=6).hexdigest()}.lock").open("w") as file:
            flock(file, LOCK_EX)  # let go when the file is closed
            yield
    else:
        yield
