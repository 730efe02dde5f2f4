"""The pool of extraction processes: pages go in, what was made of them comes out, whatever a page does to a process.

Not multiprocessing: its pools may not be started by a daemon process, and Airflow's Celery worker runs tasks in those.
The pool belongs to the process: a worker's imports take two seconds, so later runs use the same ones.
"""

from __future__ import annotations

import atexit
import os
import queue
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from io import FileIO
from typing import Generic, TypeVar, cast

from pipeline.extract.worker import OUT_OF_MEMORY, Limits, Page, Read, Text, answer, ask, read_frame
from pipeline.settings import Settings

__all__ = ["Limits", "Page", "Read", "ReaderError", "Reading", "Text", "read_all"]

Key = TypeVar("Key")

_AHEAD = 2
"""pages a worker has at once: the one it reads, and the next, so that it never waits for us"""
_ROOM = 16
"""pages per worker that one user of the pool may have in it: the others go on for a while where one takes long"""
_ROOM_BYTES = 64_000_000
"""and their bytes together"""


class ReaderError(RuntimeError):
    """Extraction processes can't be had; says why."""


class _Worker:
    """One extraction process."""

    def __init__(self) -> None:
        # one page, one thread: what libraries would start beside it is in the way of the other workers
        environment = {**os.environ, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "pipeline.extract.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                bufsize=0,
                env=environment,
            )
        except OSError as error:
            raise ReaderError(f"no extraction process can be started: {error}") from error
        self._in, self._out = cast(FileIO, self._process.stdin), cast(FileIO, self._process.stdout)
        if read_frame(self._out) is None:
            status = self.end()
            raise ReaderError(
                f"no extraction process can be started: {sys.executable} -m pipeline.extract.worker "
                f"ended with status {status}; its own message stands in the log"
            )

    def send(self, job: _Job) -> bool:
        """Whether it was sent: what can't be written as JSON is not, and the future says so."""
        try:
            ask(self._in, job.what, job.limits)
        except BrokenPipeError:
            pass  # the worker has ended; its answer will be missing
        except (TypeError, ValueError) as error:
            job.future.set_exception(error)
            return False
        return True

    def answer(self) -> Read | None:
        """The oldest answer still to come; null when the process has ended."""
        return answer(self._out)

    def end(self) -> int:
        """Make sure it has ended; returns its status as :mod:`subprocess` gives it."""
        self._in.close()  # what it is doing is of no use any more, and it ends by itself
        status = self._process.wait()
        self._out.close()
        return status

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def forget(self) -> None:
        """In a forked child: the process is the parent's, and must not be kept alive from here."""
        self._in.close()
        self._out.close()
        self._process.returncode = 0


@dataclass(frozen=True)
class _Job:
    what: Page | Text
    limits: Limits
    future: Future[Read] = field(default_factory=Future)


def _why(status: int, limits: Limits) -> str:
    """Why a worker ended, in words."""
    if status == -signal.SIGALRM:
        return f"extraction took longer than {limits.seconds:g} s"
    if status == OUT_OF_MEMORY:
        return f"extraction needed more than {limits.memory / 1e6:,.0f} MB of memory"
    if status < 0:
        return f"extraction ended its process ({signal.strsignal(-status) or f'signal {-status}'})"
    return f"extraction ended its process (status {status})"


class _Pool:
    """Threads, each with a worker of its own; started when pages wait, up to ``count``."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._jobs: queue.SimpleQueue[_Job] = queue.SimpleQueue()
        self._idle = threading.Semaphore(0)
        self._lock = threading.Lock()
        self._threads = 0
        self._workers: set[_Worker] = set()
        self._closed = False

    def submit(self, job: _Job) -> None:
        self._jobs.put(job)
        if self._idle.acquire(blocking=False):
            return
        with self._lock:
            if self._threads < self._count:
                self._threads += 1
                threading.Thread(target=self._drive, name=f"extract-{self._threads}", daemon=True).start()

    def close(self) -> None:
        """End the workers, in the middle of a page too: they keep nothing."""
        with self._lock:
            self._closed = True
            for worker in self._workers:
                worker.kill()

    def forget(self) -> None:
        for worker in self._workers:
            worker.forget()

    # In the threads

    def _started(self) -> _Worker:
        worker = _Worker()
        with self._lock:
            if self._closed:
                worker.kill()
                raise ReaderError("the process is ending")
            self._workers.add(worker)
        return worker

    def _ended(self, worker: _Worker) -> int:
        with self._lock:
            self._workers.discard(worker)
        return worker.end()

    def _next(self, *, wait: bool) -> _Job | None:
        """A job; without ``wait``, null when there is none to spare."""
        try:
            return self._jobs.get_nowait()
        except queue.Empty:
            if not wait:
                return None
        self._idle.release()
        return self._jobs.get()

    def _drive(self) -> None:
        """Keep one worker busy, for ever."""
        worker: _Worker | None = None
        sent: deque[_Job] = deque()
        while not self._closed:
            while len(sent) < _AHEAD and (job := self._next(wait=not sent)) is not None:
                try:
                    worker = worker or self._started()
                except ReaderError as error:
                    job.future.set_exception(error)
                    continue
                if worker.send(job):
                    sent.append(job)
            if worker is None or not sent:
                continue
            read = worker.answer()
            job = sent.popleft()
            if read is None:
                # it ended at the page it was reading; the page behind is not to blame
                self._ended(worker)
                while sent:
                    self.submit(sent.popleft())
                worker = self._again(job)
            else:
                job.future.set_result(read)

    def _again(self, job: _Job) -> _Worker | None:
        """Read a page that has ended a worker in a fresh one, alone. Returns the worker if it still lives."""
        if self._closed:
            return None
        try:
            worker = self._started()
        except ReaderError as error:
            job.future.set_exception(error)
            return None
        read = worker.answer() if worker.send(job) else None
        if read is not None:
            job.future.set_result(read)
            return worker
        job.future.set_result(Read(None, _why(self._ended(worker), job.limits)))
        return None


_pools: dict[int, _Pool] = {}
_pools_lock = threading.Lock()


def _pool(count: int) -> _Pool:
    with _pools_lock:
        return _pools.setdefault(count, _Pool(count))


def _close_all() -> None:
    for pool in _pools.values():
        pool.close()


def _forget_all() -> None:
    global _pools_lock  # noqa: PLW0603 (another thread may have held it when this process was forked)
    _pools_lock = threading.Lock()
    for pool in _pools.values():
        pool.forget()
    _pools.clear()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_forget_all)


class Reading(Generic[Key]):
    """One user's pages in the pool. They come out in the order they were put in, each with its key."""

    def __init__(self, settings: Settings) -> None:
        count = settings.extraction_processes
        self._pool = _pool(count)
        self._limits = Limits(settings.extraction_seconds, settings.extraction_bytes)
        self._room = _ROOM * count
        self._inside: deque[tuple[Key, int, Future[Read]]] = deque()
        self._bytes = 0

    @property
    def full(self) -> bool:
        """Whether one has to come out before the next is put in, so that memory stays bounded."""
        return len(self._inside) >= self._room or self._bytes >= _ROOM_BYTES

    def put(self, key: Key, what: Page | Text) -> None:
        """Hand in a page or a text; look at :attr:`full` before."""
        size = len(what.body) if isinstance(what, Page) else len(what.text)
        job = _Job(what, self._limits)
        self._inside.append((key, size, job.future))
        self._bytes += size
        self._pool.submit(job)

    def take(self, *, wait: bool) -> tuple[Key, Read] | None:
        """The next; null when it is not done (with ``wait``: none is inside). Raises :class:`ReaderError`."""
        if not self._inside or not (wait or self._inside[0][2].done()):
            return None
        key, size, future = self._inside.popleft()
        self._bytes -= size
        return key, future.result()


def read_all(settings: Settings, pages: Iterable[tuple[Key, Page | Text]]) -> Iterator[tuple[Key, Read]]:
    """Extract many pages on all processors: yields each key with what was made of its page, in the order of ``pages``.

    No more than a few pages per worker are taken from ``pages`` ahead. A page that ends its worker (a fault in a
    library, ``extraction_bytes``, ``extraction_seconds``) is tried once more in a fresh one and then given back
    without a text, with the reason in words. Raises :class:`ReaderError` when no worker can be started.
    """
    reading: Reading[Key] = Reading(settings)
    for key, what in pages:
        while reading.full and (done := reading.take(wait=True)) is not None:
            yield done
        reading.put(key, what)
    while (done := reading.take(wait=True)) is not None:
        yield done
