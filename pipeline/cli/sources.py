"""Commands about one source, and about lists of them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.app import source_app
from pipeline.cli.common import MonitorFile, chosen_sources, fail, open_store, the_monitor, the_settings
from pipeline.printing import Format

if TYPE_CHECKING:
    from pipeline.collect.why import Why

_MARKS = {"ok": "ok         ", "trouble": "TROUBLE    ", "not reached": "not reached"}


@source_app.command()
def why(
    source: Annotated[str, typer.Argument(help="The source's id.")],
    monitor: MonitorFile = None,
    offline: Annotated[bool, typer.Option("--offline", help="Use the store only, ask nobody.")] = False,
    as_format: Annotated[Format, typer.Option("--format", help="table or json.")] = Format.TABLE,
) -> None:
    """Explain, step by step, why a source gives nothing, or what it gives. Ends with 1 where a step is in trouble."""
    from pipeline.collect.why import explain
    from pipeline.store.session import StoreError

    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    (chosen,) = chosen_sources(loaded, source, local=False)
    try:
        explained = explain(settings, loaded, chosen, now=datetime.now(UTC), offline=offline)
    except StoreError as error:
        fail(str(error))
    if as_format is Format.TABLE:
        _print_why(explained)
    else:
        _print_json(explained)
    if any(step.outcome == "trouble" for step in explained.steps):
        raise typer.Exit(1)


def _print_why(explained: Why) -> None:
    typer.echo(
        f"{explained.source} of {explained.monitor}" + (f", asking {explained.asked}" if explained.asked else "")
    )
    width = max(len(step.name) for step in explained.steps)
    for step in explained.steps:
        mend = f" -> {step.mend}" if step.mend else ""
        typer.echo(f"{_MARKS[step.outcome]}  {step.name:{width}}  {step.said}{mend}")
    typer.echo(explained.conclusion)


def _print_json(explained: Why) -> None:
    import json
    from dataclasses import asdict

    typer.echo(json.dumps(asdict(explained), ensure_ascii=False, indent=1))


@source_app.command(name="list")
def list_(monitor: MonitorFile = None) -> None:
    """Every source in a line: how it does, when it last ran, and what its volume says."""
    from pipeline.collect.health import overview

    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    with open_store(settings) as session:
        for line in overview(session, loaded, datetime.now(UTC)):
            ran = f"{line.run.started_at:%Y-%m-%d %H:%M}" if line.run else "-"
            typer.echo(f"{line.state:9}  {line.source.id:24}  {line.source.kind:8}  {ran:16}  {line.volume.said}")
