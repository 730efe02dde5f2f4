"""One process at a time: a job that must not run twice at once on the same data."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, flock
from hashlib import blake2b
from pathlib import Path
from time import monotonic, sleep
from typing import IO

from sqlalchemy import func, make_url, select
from sqlalchemy.exc import DBAPIError

from pipeline.settings import Settings
from pipeline.store.session import engine_for, migrate

PATIENCE = 7200.0
"""Seconds after which whoever waits gives up: no job that takes turns is meant to run for longer."""
_PAUSE = 0.2
"""seconds between two tries"""

log = logging.getLogger(__name__)


class BusyError(RuntimeError):
    """Another process does the same, and does not come to an end; says what to do."""


@contextmanager
def alone(settings: Settings, what: str, *, patience: float = PATIENCE) -> Iterator[None]:
    """Let one process, and one thread of it, do ``what`` on this database at a time; the others wait for it.

    Whoever is killed lets go. On SQLite a file beside the database is locked, not the database: collectors write on.
    Raises BusyError when the others have not let go after ``patience`` seconds.
    """
    migrate(settings)
    url = make_url(settings.database)
    if url.get_backend_name() == "postgresql":
        name = func.hashtext(f"riftwatch {what}")
        # without a transaction: one that is open for hours would keep the database from tidying up
        with engine_for(settings.database).connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            _wait(lambda: bool(connection.scalar(select(func.pg_try_advisory_lock(name)))), what, patience)
            try:
                yield
            finally:
                try:
                    connection.execute(select(func.pg_advisory_unlock(name)))
                except DBAPIError as error:
                    # a lost connection has let go by itself; what was done meanwhile is done
                    log.warning("%s: the connection that kept others away was lost: %s", what, error.orig)
    elif url.database and url.database != ":memory:":
        with Path(f"{url.database}.{blake2b(what.encode(), digest_size=6).hexdigest()}.lock").open("w") as file:
            _wait(lambda: _locked(file), what, patience)
            yield  # let go when the file is closed
    else:
        yield


def _locked(file: IO[str]) -> bool:
    try:
        flock(file, LOCK_EX | LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(attempt: Callable[[], bool], what: str, patience: float) -> None:
    """Try until it succeeds, and say once that it is waited for."""
    end, told = monotonic() + patience, False
    while not attempt():
        if monotonic() >= end:
            raise BusyError(
                f"another process has been at {what!r} on this database for {patience / 60:.3g} minutes; "
                "wait until it has ended, or end it, and run this again"
            )
        if not told:
            told = True
            log.warning("waiting for another process that is at %r on this database", what)
        sleep(_PAUSE)
