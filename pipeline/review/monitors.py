"""The monitors the pages show: read from their files, and again only when a file changed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pipeline.monitor import Monitor, MonitorError, load_monitor
from pipeline.monitors import load_monitors
from pipeline.settings import Settings


@dataclass(frozen=True)
class Watched:
    """The monitors that can be used, and in words what is wrong with the files that can't."""

    monitors: tuple[Monitor, ...]
    problems: tuple[str, ...]

    def named(self, name: str) -> Monitor | None:
        """The monitor of this name; None when there is none."""
        return next((m for m in self.monitors if m.name == name), None)


@lru_cache(maxsize=64)
def _read(file: Path, changed: int) -> Monitor | MonitorError:
    try:
        return load_monitor(file)
    except MonitorError as error:
        return error


def _remembered(file: Path) -> Monitor:
    read = _read(file, file.stat().st_mtime_ns if file.exists() else 0)
    if isinstance(read, MonitorError):
        raise read
    return read


def watched(settings: Settings) -> Watched:
    """All monitors of the settings' folder, by file name."""
    loaded = load_monitors(settings.monitor_files(), load=_remembered)
    # the folder is the server's business, not the reader's
    problems = [
        f"{p.file.name}:{p.line}: {p.field}: {p.message}" for error in loaded.broken.values() for p in error.problems
    ]
    return Watched(tuple(loaded.monitors.values()), tuple(problems))
