"""What ends a run as a whole, told apart from what a single text is to blame for."""

from __future__ import annotations

import errno
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class BrokenOffError(RuntimeError):
    """The run could not go on; says why, and what to do. What was stored before stays stored."""


def ends_the_run(error: Exception) -> bool:
    """Whether the database is away or its disk is full. Of any other refusal a single text is to blame."""
    if not isinstance(error, OperationalError | InterfaceError):
        return False
    # class 54 of PostgreSQL's error codes: a value past a limit of the database
    return not _code(error).startswith("54") and not lost_a_race(error)


def lost_a_race(error: BaseException) -> bool:
    """Whether the database undid a transaction for another's sake (two that wait for each other): do it once more."""
    return isinstance(error, DBAPIError) and _code(error).startswith("40")


def _code(error: DBAPIError) -> str:
    """PostgreSQL's five characters; empty where there are none (SQLite)."""
    return str(getattr(error.orig, "sqlstate", None) or "")


def broken_off(error: BaseException) -> BrokenOffError | None:
    """The same in words for people; null for an error that is none of the surroundings' doing."""
    if isinstance(error, OSError) and error.errno in _FULL:
        said = f"the disk is full ({error.strerror}{f': {error.filename}' if error.filename else ''}): make room"
    elif isinstance(error, DBAPIError) and ends_the_run(error):
        cause = " ".join(str(error.orig).split())[:300]
        said = f"the database can't be used any more ({cause}): see that it runs and that its disk has room"
    else:
        return None
    return BrokenOffError(f"the run was broken off: {said}, and collect again; what was stored is safe, the rest waits")


@contextmanager
def ending_in_order() -> Iterator[None]:
    """SIGTERM ends what is done within as Ctrl-C does: it still gives back its leases and leaves its report line.

    Left alone the signal ends the process on the spot, or under Airflow nothing: Airflow's handler only tells the
    task's operator, which for a function does nothing, and kills the process a few seconds later. Once is enough: a
    second signal does what it would have done. In other threads than the main one no signal can be heeded.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(*_: object) -> None:
        signal.signal(signal.SIGTERM, before)
        raise SystemExit("it was told to end (SIGTERM)")

    before = signal.getsignal(signal.SIGTERM) or signal.SIG_DFL
    signal.signal(signal.SIGTERM, end)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
