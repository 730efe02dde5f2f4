"""Commands that check an installation and run all of it."""

from __future__ import annotations

import json
from collections.abc import Sized
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.app import app, demo_app
from pipeline.cli.collecting import collect_sources
from pipeline.cli.common import MonitorFile, fail, the_monitor, the_settings
from pipeline.cli.framing import frame
from pipeline.cli.measuring import measure
from pipeline.environment import ForeignPackageError, refuse_foreign_packages
from pipeline.monitor import Monitor, missing_files
from pipeline.monitors import load_monitors


@app.command()
def check(
    files: Annotated[list[Path] | None, typer.Argument(help="Monitor files; all of RIFTWATCH_MONITORS.")] = None,
    monitor: MonitorFile = None,
) -> None:
    """Check monitor files: says file, line, field and mend for all that is wrong."""
    try:
        refuse_foreign_packages()
    except ForeignPackageError as error:
        fail(str(error))
    chosen = files or ([monitor] if monitor else the_settings().monitor_files())
    if not chosen:
        fail(
            f"no monitor to check: {the_settings().monitors} holds no *.yaml file; name one, or set RIFTWATCH_MONITORS"
        )
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


@app.command()
def run(monitor: MonitorFile = None) -> None:
    """All of it once, in one process, without Airflow: collect, import, frame, measure."""
    file = monitor
    settings = the_settings()
    loaded = the_monitor(file, settings)
    all_read = collect_sources(settings, loaded, [s.id for s in loaded.sources], None, None)
    frame(file)
    measure(file)
    if not all_read:
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
        fail(str(error))


@demo_app.command("code")
def demo_code(
    monitor: MonitorFile = None,
    leave: Annotated[int, typer.Option(min=0, help="Texts of each queue to leave to you.")] = 20,
) -> None:
    """A simulated coder answers what the demo's alarms ask for, as `riftwatch up` has it do; no job does this."""
    from pipeline.demo.answering import CODER, answer_confirmations

    settings = the_settings()
    try:
        answered = answer_confirmations(settings, the_monitor(monitor, settings), leave=leave)
    except KeyError as error:
        fail(f"{error.args[0]} is no page of the demo world; only its texts have answers that were planted")
    typer.echo(f"{CODER} has coded {answered} texts; `riftwatch measure` shows what they say")


@app.command()
def up(
    port: Annotated[int, typer.Option(help="Port of Airflow's pages.")] = 8080,
    demo: Annotated[bool, typer.Option(help="Serve the demo world and import its codings.")] = True,
) -> None:
    """Start Airflow with Riftwatch's DAGs and pages on this machine, until Ctrl-C."""
    from pipeline.up import UpError
    from pipeline.up import up as start

    try:
        start(the_settings(), port=port, demo=demo, say=typer.echo)
    except UpError as error:
        fail(str(error))
