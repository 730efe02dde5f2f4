"""The monitors the pages show: read from their files, and again only when a file changed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from pipeline.monitor import Monitor, MonitorError, load_monitor
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
def _load(file: Path, changed: int) -> Monitor | MonitorError:
    try:
        return load_monitor(file)
    except MonitorError as error:
        return error


def watched(settings: Settings) -> Watched:
    """All monitors of the settings' folder, by file name."""
    monitors: list[Monitor] = []
    problems: list[str] = []
    for file in settings.monitor_files():
        try:
            loaded = _load(file, file.stat().st_mtime_ns)
        except OSError as error:
            problems.append(f"{file.name} can't be read: {error.strerror}")
            continue
        if isinstance(loaded, MonitorError):
            # the folder is the server's business, not the reader's
            problems += [f"{p.file.name}:{p.line}: {p.field}: {p.message}" for p in loaded.problems]
        elif any(m.name == loaded.name for m in monitors):
            problems.append(
                f"{file.name}: a monitor named {loaded.name!r} is already read from another file; rename one"
            )
        else:
            monitors.append(loaded)
    return Watched(tuple(monitors), tuple(problems))
