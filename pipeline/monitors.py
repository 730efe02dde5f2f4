"""All monitors of an installation: loaded together, and a job done for each of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.monitor import Monitor, MonitorError, Problem, load_monitor
from pipeline.report import Report
from pipeline.settings import Settings


@dataclass(frozen=True)
class Loaded:
    """Monitor files as far as they can be used."""

    monitors: dict[Path, Monitor]
    broken: dict[Path, MonitorError]


class SomeMonitorsFailedError(RuntimeError):
    """A job did not succeed for every monitor; says for which, and what happened."""


def load_monitors(files: Sequence[Path], load: Callable[[Path], Monitor] = load_monitor) -> Loaded:
    """Load ``files``. One that can't be read, or repeats the name of an earlier one, is broken; the others are not.

    ``load``: reads one file, or raises :class:`MonitorError`; the pages pass one that remembers.
    """
    loaded = Loaded({}, {})
    named: dict[str, Path] = {}
    for file in files:
        try:
            monitor = load(file)
        except MonitorError as error:
            loaded.broken[file] = error
            continue
        if first := named.get(monitor.name):
            # rows in the store carry the name: two monitors of one name would overwrite each other
            again = f"{monitor.name!r} is the name of {first.name} too; give each monitor its own"
            loaded.broken[file] = MonitorError([Problem(file, 1, "name", again)])
            continue
        named[monitor.name] = file
        loaded.monitors[file] = monitor
    return loaded


def for_each_monitor(settings: Settings, job: Callable[[Settings, Monitor], Report]) -> list[str]:
    """Do ``job`` for every monitor, and return what each did in a sentence.

    A broken file or a failing monitor does not keep the others from their turn; in the end
    :class:`SomeMonitorsFailedError` tells of all that went wrong.
    """
    loaded = load_monitors(settings.monitor_files())
    sentences: list[str] = []
    failures: list[str] = [str(error) for error in loaded.broken.values()]
    last: Exception | None = None
    for file, monitor in loaded.monitors.items():
        try:
            sentences.append(f"{monitor.name}: {job(settings, monitor).sentence()}")
        except Exception as error:
            failures.append(f"{file.name}: {type(error).__name__}: {error}")
            last = error
    if failures:
        raise SomeMonitorsFailedError("\n".join([*sentences, *failures])) from last
    return sentences
