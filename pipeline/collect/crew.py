"""Work on many hosts at once: one thread per host, results in the caller's thread."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Task = TypeVar("Task")
Result = TypeVar("Result")

MAX_THREADS = 16
_WAITING_RESULTS = 32
"""results that may wait for the caller; when it is slow the threads wait, and memory stays bounded"""
_TICK = 0.5


@dataclass(frozen=True)
class _Ended:
    error: BaseException | None = None


def run_by_host(
    tasks: Mapping[str, Sequence[Task]],
    work: Callable[[str, Sequence[Task], Callable[[Result], None]], None],
    *,
    stop: threading.Event,
    threads: int = MAX_THREADS,
) -> Iterator[Result | None]:
    """Yields what ``work(host, tasks, put)`` puts; null now and then while there is nothing.

    An error in ``work`` ends the run and is raised here. When the caller leaves early, ``stop`` is set and every
    thread is waited for.
    """
    hosts: queue.SimpleQueue[str] = queue.SimpleQueue()
    for host in tasks:
        hosts.put(host)
    results: queue.Queue[_Put[Result] | _Ended] = queue.Queue(_WAITING_RESULTS)

    def send(item: _Put[Result] | _Ended) -> None:
        while not stop.is_set():
            try:
                results.put(item, timeout=_TICK)
            except queue.Full:
                continue
            return

    def run() -> None:
        try:
            while not stop.is_set():
                host = hosts.get_nowait()
                work(host, tasks[host], lambda result: send(_Put(result)))
        except queue.Empty:
            send(_Ended())
        except BaseException as error:  # raised again in the caller's thread
            send(_Ended(error))

    crew = [threading.Thread(target=run, name=f"collect-{i}", daemon=True) for i in range(min(threads, len(tasks)))]
    for thread in crew:
        thread.start()
    running = len(crew)
    try:
        while running:
            try:
                item = results.get(timeout=_TICK)
            except queue.Empty:
                yield None
                continue
            if isinstance(item, _Put):
                yield item.result
            elif item.error is not None:
                raise item.error
            else:
                running -= 1
    finally:
        if running:
            stop.set()
        for thread in crew:
            thread.join()


@dataclass(frozen=True)
class _Put(Generic[Result]):
    result: Result
