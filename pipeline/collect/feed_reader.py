"""Reads feeds in processes of their own: whatever one does to a library, it can't hold up the run."""

from __future__ import annotations

import atexit
import os
import signal
import subprocess
import sys
import threading
from io import FileIO
from typing import cast

from pipeline.extract.feed import Feed, NoFeedError
from pipeline.extract.feed_worker import answer, ask
from pipeline.extract.worker import OUT_OF_MEMORY
from pipeline.settings import Settings


class _Worker:
    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "pipeline.extract.feed_worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
        )
        self._in, self._out = cast(FileIO, self._process.stdin), cast(FileIO, self._process.stdout)

    def read(self, settings: Settings, body: bytes, address: str, content_type: str | None) -> Feed | None:
        """Null when the process has ended. Raises :class:`NoFeedError`."""
        try:
            ask(
                self._in,
                body,
                address=address,
                content_type=content_type,
                seconds=settings.extraction_seconds,
                memory=settings.extraction_bytes,
            )
        except BrokenPipeError:
            return None
        return answer(self._out)

    def end(self) -> int:
        """Make sure it has ended; returns its status as :mod:`subprocess` gives it."""
        self.close()
        return self._process.wait()

    def close(self) -> None:
        """It ends when its input does."""
        self._in.close()
        self._out.close()

    def forget(self) -> None:
        """In a forked child: the process is the parent's."""
        self.close()
        self._process.returncode = 0


_idle: list[_Worker] = []
_AT_ONCE = max(2, len(os.sched_getaffinity(0)))
_room = threading.BoundedSemaphore(_AT_ONCE)


def read_feed(settings: Settings, body: bytes, *, address: str, content_type: str | None) -> Feed:
    """A feed, whatever type the server gives it; ``address``: what relative links start from.

    Raises :class:`NoFeedError`, also for one that takes longer than ``extraction_seconds`` or more memory than
    ``extraction_bytes``. Threads may call it at once.
    """
    with _room:
        while True:
            try:
                worker, used = _idle.pop(), True
            except IndexError:
                worker, used = _Worker(), False
            try:
                feed = worker.read(settings, body, address, content_type)
            except NoFeedError:
                _idle.append(worker)
                raise
            except BaseException:
                worker.end()
                raise
            if feed is not None:
                _idle.append(worker)
                return feed
            status = worker.end()
            # one that was waiting may have been killed by somebody; then this feed is not to blame
            if not used or status in {-signal.SIGALRM, OUT_OF_MEMORY}:
                raise NoFeedError(_why(status, settings))


def _why(status: int, settings: Settings) -> str:
    if status == -signal.SIGALRM:
        return f"can't be read: it takes longer than {settings.extraction_seconds:g} s"
    if status == OUT_OF_MEMORY:
        return f"can't be read: it needs more than {settings.extraction_bytes / 1e6:,.0f} MB of memory"
    return f"can't be read: reading it ended its process (status {status})"


def _close_all() -> None:
    while _idle:
        _idle.pop().end()


def _forget_all() -> None:
    global _room  # noqa: PLW0603 (another thread may have held it when this process was forked)
    _room = threading.BoundedSemaphore(_AT_ONCE)
    while _idle:
        _idle.pop().forget()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_forget_all)
