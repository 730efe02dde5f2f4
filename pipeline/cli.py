"""Every job by hand: ``riftwatch ...``. The DAGs call the same functions.

Heavy libraries are imported inside the commands that need them: the command line starts in under a second
and never imports Airflow.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator, Sequence, Sized
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer
from pydantic import ValidationError

from pipeline.environment import ForeignPackageError, refuse_foreign_packages
from pipeline.monitor import Monitor, MonitorError, load_monitor, missing_files
from pipeline.monitors import load_monitors
from pipeline.printing import GAP_TABLE, PLAN_TABLE, TREND_TABLE, Format, print_rows
from pipeline.report import Progress, Report
from pipeline.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Watches public texts for the kind of online rift that comes before movements split.",
)
codings_app = typer.Typer(no_args_is_help=True, help="Human labels.")
label_app = typer.Typer(no_args_is_help=True, help="What to label next.")
demo_app = typer.Typer(no_args_is_help=True, help="The demo world.")
app.add_typer(codings_app, name="codings")
app.add_typer(label_app, name="label")
app.add_typer(demo_app, name="demo")


MonitorFile = Annotated[
    Path | None,
    typer.Option("--monitor", "-m", help="The monitor file. Default: the only one in RIFTWATCH_MONITORS."),
]
SourceId = Annotated[str | None, typer.Option("--source", help="Only this source.")]
AsFormat = Annotated[Format, typer.Option("--format", help="How to print.")]
PeriodName = Annotated[str | None, typer.Option("--period", help="week, month, quarter or year; all when left out.")]

LOCAL_KINDS = {"warc", "table"}


def _fail(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(1)


def _settings() -> Settings:
    try:
        return Settings()
    except ValidationError as error:
        lines = [f"RIFTWATCH_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors()]
        _fail("\n".join(lines))


def _load(file: Path | None, settings: Settings) -> Monitor:
    if file is None:
        files = settings.monitor_files()
        if len(files) != 1:
            names = ", ".join(f.name for f in files) or "none"
            _fail(f"name the monitor with --monitor FILE ({settings.monitors} holds {len(files)}: {names})")
        file = files[0]
    try:
        return load_monitor(file)
    except MonitorError as error:
        _fail(str(error))


@contextmanager
def _progress() -> Iterator[Progress]:
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
def _store(settings: Settings) -> Iterator[Session]:
    """A session on the store; one that can't be opened ends the command with a sentence."""
    from pipeline.store.session import StoreError, open_session

    try:
        with open_session(settings) as session:
            yield session
    except StoreError as error:
        _fail(str(error))


def _reporting(job: Callable[[Progress], Report]) -> Report:
    """Run ``job`` with progress bars, print its sentence and what went wrong."""
    try:
        with _progress() as progress:
            report = job(progress)
    except OSError as error:
        _fail(str(error))
    except Exception as error:
        # our own errors say what, where and what to do; any other is a fault of the program and shows its trace
        if type(error).__module__.partition(".")[0] not in {"pipeline", "classifiers"}:
            raise
        _fail(str(error))
    typer.echo(report.sentence())
    for problem in report.problems:
        typer.echo(f"  - {problem}", err=True)
    return report


@app.command()
def check(
    files: Annotated[list[Path] | None, typer.Argument(help="Monitor files; all of RIFTWATCH_MONITORS.")] = None,
    monitor: MonitorFile = None,
) -> None:
    """Check monitor files: says file, line, field and mend for all that is wrong."""
    try:
        refuse_foreign_packages()
    except ForeignPackageError as error:
        _fail(str(error))
    chosen = files or ([monitor] if monitor else _settings().monitor_files())
    if not chosen:
        _fail(f"no monitor to check: {_settings().monitors} holds no *.yaml file; name one, or set RIFTWATCH_MONITORS")
    loaded = load_monitors(chosen)
    lost = [problem for file, one in loaded.monitors.items() for problem in missing_files(file, one)]
    for file, one in loaded.monitors.items():
        counts: dict[str, Sized] = {"group": one.groups, "source": one.sources, "dyad": one.dyads, "event": one.events}
        words = ", ".join(f"{len(things)} {name}{'s' * (len(things) != 1)}" for name, things in counts.items())
        typer.echo(f"{file}: {one.title}: {words}" + ("" if any(p.file == file for p in lost) else ": all right"))
    for trouble in [*loaded.broken.values(), *lost]:
        typer.echo(str(trouble), err=True)
    if loaded.broken or lost:
        raise typer.Exit(1)


def _collect_sources(
    settings: Settings, monitor: Monitor, sources: Sequence[str], since: date | None, until: date | None
) -> bool:
    """Collect each source; False when one failed at everything it tried."""
    from pipeline.collect.job import collect as job

    def one(source: str) -> Report:
        return _reporting(
            lambda progress: job(
                settings, monitor, source, since=_midnight(since), until=_midnight(until), progress=progress
            )
        )

    reports = [one(source) for source in sources]
    return not any(report.in_vain for report in reports)


def _midnight(day: date | None) -> datetime | None:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None


def _chosen(monitor: Monitor, source: str | None, local: bool) -> list[str]:
    if source is not None:
        try:
            monitor.source(source)
        except KeyError:
            _fail(f"no source {source!r} in {monitor.name}; there are {', '.join(s.id for s in monitor.sources)}")
        return [source]
    return [s.id for s in monitor.sources if (s.kind in LOCAL_KINDS) == local]


def _day(text: str | None) -> date | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        _fail(f"{text!r} is no date; write YYYY-MM-DD")


@app.command()
def collect(
    monitor: MonitorFile = None,
    source: SourceId = None,
    since: Annotated[str | None, typer.Option(help="Only texts published from this day (YYYY-MM-DD).")] = None,
    until: Annotated[str | None, typer.Option(help="Only texts published before this day.")] = None,
) -> None:
    """Collect the texts of the web sources."""
    settings = _settings()
    loaded = _load(monitor, settings)
    sources = _chosen(loaded, source, local=False)
    if not sources:
        typer.echo(f"{loaded.name} has no web source; `riftwatch import` reads its files.")
    if not _collect_sources(settings, loaded, sources, _day(since), _day(until)):
        raise typer.Exit(1)


@app.command(name="import")
def import_(monitor: MonitorFile = None, source: SourceId = None) -> None:
    """Import the texts of local files (web archives, tables)."""
    settings = _settings()
    loaded = _load(monitor, settings)
    sources = _chosen(loaded, source, local=True)
    if not sources:
        typer.echo(f"{loaded.name} has no file source; `riftwatch collect` reads its web sources.")
    if not _collect_sources(settings, loaded, sources, None, None):
        raise typer.Exit(1)


@app.command()
def frame(monitor: MonitorFile = None) -> None:
    """Label the framing of every text that has no label yet."""
    from pipeline.framing.job import frame as job

    settings = _settings()
    loaded = _load(monitor, settings)
    _reporting(lambda progress: job(settings, loaded, progress=progress))


@app.command()
def measure(monitor: MonitorFile = None) -> None:
    """Fill the trend tables."""
    from pipeline.measure.job import measure as job

    settings = _settings()
    loaded = _load(monitor, settings)
    _reporting(lambda progress: job(settings, loaded, progress=progress))


@app.command()
def run(monitor: MonitorFile = None) -> None:
    """All of it once, in one process, without Airflow: collect, import, frame, measure."""
    file = monitor
    settings = _settings()
    loaded = _load(file, settings)
    all_read = _collect_sources(settings, loaded, [s.id for s in loaded.sources], None, None)
    frame(file)
    measure(file)
    if not all_read:
        raise typer.Exit(1)


@app.command()
def trends(
    monitor: MonitorFile = None,
    group: Annotated[str | None, typer.Option(help="Only this group.")] = None,
    period: PeriodName = None,
    form: AsFormat = Format.TABLE,
) -> None:
    """The trend table: each group's balance per period."""
    from pipeline.store.trends import TREND_COLUMNS, trend_rows

    settings = _settings()
    loaded = _load(monitor, settings)
    _known_group(loaded, group)
    _known_period(loaded, period)
    with _store(settings) as session:
        rows = trend_rows(session, loaded.name, group=group, period=period)
        print_rows(rows, list(TREND_COLUMNS), TREND_TABLE, form)
    if not rows:
        typer.echo(f"nothing measured yet; `riftwatch run --monitor FILE` fills the table of {loaded.name}", err=True)


@app.command()
def dyad(
    a: Annotated[str, typer.Argument(help="A group.")],
    b: Annotated[str, typer.Argument(help="Another group.")],
    monitor: MonitorFile = None,
    period: PeriodName = None,
    form: AsFormat = Format.TABLE,
) -> None:
    """The gap of two groups per period: balance of A minus balance of B."""
    from pipeline.store.trends import GAP_COLUMNS, gap_rows

    settings = _settings()
    loaded = _load(monitor, settings)
    for group in (a, b):
        _known_group(loaded, group)
    if (a, b) not in {(d.a, d.b) for d in loaded.dyads}:
        _fail(f"{a} and {b} are no dyad of {loaded.name}; add [{a}, {b}] to its dyads")
    _known_period(loaded, period)
    with _store(settings) as session:
        rows = gap_rows(session, loaded.name, a, b, period=period)
        print_rows(rows, list(GAP_COLUMNS), GAP_TABLE, form)
    if not rows:
        typer.echo(f"nothing measured yet; `riftwatch run --monitor FILE` fills the table of {loaded.name}", err=True)


def _known_group(monitor: Monitor, group: str | None) -> None:
    if group is not None and group not in {g.id for g in monitor.groups}:
        _fail(f"no group {group!r} in {monitor.name}; there are {', '.join(g.id for g in monitor.groups)}")


def _known_period(monitor: Monitor, period: str | None) -> None:
    measured = list(dict.fromkeys([*monitor.periods, monitor.audit_period]))
    if period is not None and period not in measured:
        _fail(f"{monitor.name} has no period {period!r}; it measures {', '.join(measured)}")


@codings_app.command("import")
def codings_import(file: Annotated[Path, typer.Argument(help="CSV of codings.")], monitor: MonitorFile = None) -> None:
    """Import codings from a CSV file; rows whose text is not collected yet wait for it."""
    from pipeline.framing.codings import import_codings

    settings = _settings()
    loaded = _load(monitor, settings)
    if _reporting(lambda progress: import_codings(settings, loaded, file, progress=progress)).in_vain:
        raise typer.Exit(1)


@label_app.command("plan")
def label_plan(
    monitor: MonitorFile = None,
    form: AsFormat = Format.TABLE,
) -> None:
    """How many random codings give which width of interval, per group and period."""
    from dataclasses import fields

    from pipeline.measure.plan import PlanRow, coding_plan

    settings = _settings()
    loaded = _load(monitor, settings)
    columns = [f.name for f in fields(PlanRow)]
    with _store(settings) as session:
        print_rows(coding_plan(session, loaded), columns, PLAN_TABLE, form)


@app.command()
def extract(
    page: Annotated[Path, typer.Argument(help="An HTML file; - reads standard input.")],
    url: Annotated[str, typer.Option("--url", help="The page's address.")],
    content_type: Annotated[str | None, typer.Option(help="Its Content-Type header, where known.")] = None,
) -> None:
    """Print as JSON what would be stored of a page."""
    from dataclasses import asdict

    from pipeline.extract.page import ExtractError, extract_page

    try:
        body = sys.stdin.buffer.read() if str(page) == "-" else page.read_bytes()
        extracted = extract_page(body, address=url, content_type=content_type, now=datetime.now(UTC))
    except OSError as error:
        _fail(f"{page}: can't be read: {error.strerror}")
    except (ExtractError, ValueError) as error:
        _fail(f"{page}: nothing would be stored: {error}")
    typer.echo(json.dumps(asdict(extracted), default=str, ensure_ascii=False, indent=1))


@app.command()
def classify(
    model: Annotated[Path | None, typer.Option(help="Folder of a model; default: the promoted one.")] = None,
    monitor: Annotated[
        Path | None,
        typer.Option(
            "--monitor", "-m", help="Mask the names of this monitor's groups, as `frame` does. Default: none."
        ),
    ] = None,
) -> None:
    """Label JSON lines {"id", "text", "before"?, "after"?, "lang"?} from standard input."""
    from classifiers.model_folder import ModelFolderError, load_model
    from pipeline.framing.classify import classify_lines, promoted_model
    from pipeline.framing.job import mask_of

    try:
        loaded = load_model(model) if model else promoted_model(_settings())
    except (ModelFolderError, LookupError) as error:
        _fail(str(error))
    prepare = mask_of(_load(monitor, _settings())) if monitor else str
    wrong = False
    for result in classify_lines(sys.stdin, loaded, prepare=prepare):
        if "error" in result:
            wrong = True
            typer.echo(f"line {result['line']}: {result['error']}", err=True)
        else:
            typer.echo(json.dumps(result, ensure_ascii=False))
    if wrong:
        raise typer.Exit(1)


@app.command()
def schema() -> None:
    """Print the JSON schema of monitor files, for editors."""
    typer.echo(json.dumps(Monitor.model_json_schema(), indent=1))


@demo_app.command("serve")
def demo_serve(
    port: Annotated[int, typer.Option(help="Port of the first site; the others follow.")] = 8471,
) -> None:
    """Serve the demo world's web sites on this machine until Ctrl-C."""
    import signal
    import threading

    from pipeline.demo.server import PortInUseError, serve

    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    signal.signal(signal.SIGINT, lambda *_: stop.set())
    try:
        with serve(port) as world:
            for name, address in world.addresses.items():
                typer.echo(f"{name}: {address}/")
            stop.wait()
    except PortInUseError as error:
        _fail(str(error))


@app.command()
def up(
    port: Annotated[int, typer.Option(help="Port of Airflow's pages.")] = 8080,
    demo: Annotated[bool, typer.Option(help="Serve the demo world and import its codings.")] = True,
) -> None:
    """Start Airflow with Riftwatch's DAGs and pages on this machine, until Ctrl-C."""
    from pipeline.up import UpError
    from pipeline.up import up as start

    try:
        start(_settings(), port=port, demo=demo, say=typer.echo)
    except UpError as error:
        _fail(str(error))


def main() -> None:
    """Entry point of the ``riftwatch`` command."""
    app()


if __name__ == "__main__":
    main()
