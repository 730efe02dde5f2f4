"""What the commands share: options, settings, monitors, sentences for what went wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from pydantic import ValidationError

from pipeline.monitor import Monitor, MonitorError, load_monitor
from pipeline.printing import Format
from pipeline.report import Progress, Report
from pipeline.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

MonitorFile = Annotated[
    Path | None,
    typer.Option("--monitor", "-m", help="The monitor file. Default: the only one in RIFTWATCH_MONITORS."),
]
SourceId = Annotated[str | None, typer.Option("--source", help="Only this source.")]
AsFormat = Annotated[Format, typer.Option("--format", help="How to print.")]
PeriodName = Annotated[str | None, typer.Option("--period", help="week, month, quarter or year; all when left out.")]

LOCAL_KINDS = {"warc", "table"}


def fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(1)


def the_settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        lines = [f"RIFTWATCH_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()]
        fail("\n".join(lines))


def the_monitor(file: Path | None, settings: Settings) -> Monitor:
    if file is None:
        files = settings.monitor_files()
        if len(files) != 1:
            names = ", ".join(f.name for f in files) or "none"
            fail(f"name the monitor with --monitor FILE ({settings.monitors} holds {len(files)}: {names})")
        file = files[0]
    try:
        return load_monitor(file)
    except MonitorError as error:
        fail(str(error))


@contextmanager
def progress_bars() -> Iterator[Progress]:
    """A progress bar per thing that is worked on, on standard error; nothing where nobody looks at it."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Bars(*columns, console=console, transient=True, disable=not console.is_terminal) as bars:
        tasks: dict[str, Any] = {}

        def update(what: str, done: int, total: int | None) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield update


@contextmanager
def open_store(settings: Settings) -> Iterator[Session]:
    """A session on the store; one that can't be opened ends the command with a sentence."""
    from pipeline.store.session import StoreError, open_session

    try:
        with open_session(settings) as session:
            yield session
    except StoreError as error:
        fail(str(error))


@contextmanager
def answering() -> Iterator[None]:
    """Our own errors end the command with their sentence; any other is a fault of the program and shows its trace."""
    try:
        yield
    except OSError as error:
        fail(str(error))
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in {"pipeline", "classifiers"}:
            raise
        fail(str(error))


def run_reporting(job: Callable[[Progress], Report]) -> Report:
    """Run ``job`` with progress bars, print its sentence and what went wrong."""
    with answering(), progress_bars() as progress:
        report = job(progress)
    typer.echo(report.sentence())
    for problem in report.problems:
        typer.echo(f"  - {problem}", err=True)
    return report


def midnight_of(day: date | None) -> datetime | None:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None


def chosen_sources(monitor: Monitor, source: str | None, local: bool) -> list[str]:
    if source is not None:
        try:
            monitor.source(source)
        except KeyError:
            fail(f"no source {source!r} in {monitor.name}; there are {', '.join(s.id for s in monitor.sources)}")
        return [source]
    return [s.id for s in monitor.sources if (s.kind in LOCAL_KINDS) == local]


def day_of(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        fail(f"{text!r} is no date; write YYYY-MM-DD")


def window_of(since: str | None, until: str | None) -> tuple[date | None, date | None]:
    """The days [since, until); a window that holds none ends the command."""
    first, end = day_of(since), day_of(until)
    if first is not None and end is not None and end <= first:
        fail(f"no day lies from {first} to before {end}; --until is the first day that is left out")
    return first, end


def check_group(monitor: Monitor, group: str | None) -> None:
    if group is not None and group not in {g.id for g in monitor.groups}:
        fail(f"no group {group!r} in {monitor.name}; there are {', '.join(g.id for g in monitor.groups)}")


def check_period(monitor: Monitor, period: str | None) -> None:
    measured = list(dict.fromkeys([*monitor.periods, monitor.audit_period]))
    if period is not None and period not in measured:
        fail(f"{monitor.name} has no period {period!r}; it measures {', '.join(measured)}")
