"""Commands about one source, and about lists of them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.app import source_app
from pipeline.cli.common import MonitorFile, chosen_sources, fail, open_store, the_monitor, the_settings

if TYPE_CHECKING:
    from pipeline.collect.why import Why

_MARKS = {"ok": "ok         ", "trouble": "TROUBLE    ", "not reached": "not reached"}


@source_app.command()
def why(
    source: Annotated[str, typer.Argument(help="The source's id.")],
    monitor: MonitorFile = None,
    offline: Annotated[bool, typer.Option("--offline", help="Use the store only, ask nobody.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
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
    if as_json:
        _print_json(explained)
    else:
        _print_why(explained)
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


OutFile = Annotated[Path | None, typer.Option("--out", "-o", help="A new file; without it, standard output.")]


@source_app.command(name="export")
def export_(monitor: MonitorFile = None, out: OutFile = None) -> None:
    """Write the web sources of a monitor as OPML, for feed readers and other monitors."""
    from pipeline.collect.kinds import opml
    from pipeline.collect.source_lists import not_listed, to_opml

    loaded = the_monitor(monitor, the_settings())
    listed = {}
    for source in loaded.sources:
        if source.kind == "feed" and source.opml is not None:
            try:
                listed[source.id] = opml.feeds(opml.read(source.opml.read_bytes()))
            except (OSError, opml.OpmlError) as error:
                fail(f"{source.opml}: {error}")
    _write_list(to_opml(loaded, listed), out)
    if left_out := not_listed(loaded):
        typer.echo(f"left out, since they are not on the web: {', '.join(left_out)}", err=True)


@source_app.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="An OPML file, as feed readers export it.")],
    group: Annotated[str | None, typer.Option("--group", help="Whose texts these are.")] = None,
    speaker: Annotated[str, typer.Option("--speaker", help="own or observer.")] = "observer",
    out: OutFile = None,
) -> None:
    """Make sources of an OPML file: YAML to be put into a monitor. Titles and folders stand beside as comments."""
    from pipeline.collect.kinds.opml import OpmlError
    from pipeline.collect.source_lists import from_opml

    if speaker not in {"own", "observer"}:
        fail(f"--speaker is {speaker!r}; write own or observer")
    if speaker == "own" and group is None:
        fail("who speaks? Name the group with --group")
    try:
        made = from_opml(file.read_bytes(), name=file.name, group=group, speaker=speaker)
    except OSError as error:
        fail(f"{file} can't be read: {error.strerror}")
    except OpmlError as error:
        fail(f"{file} {error}")
    _write_list(made.text.encode(), out)
    typer.echo(f"{made.sources:,} sources with {made.feeds:,} feeds", err=True)
    for problem in made.problems:
        typer.echo(f"  - {problem}", err=True)


def _write_list(content: bytes, out: Path | None) -> None:
    if out is None:
        typer.echo(content.decode(), nl=False)
        return
    try:
        with out.open("xb") as file:
            file.write(content)
    except FileExistsError:
        fail(f"{out} is there already; name another file")
    except OSError as error:
        fail(f"{out} can't be written: {error.strerror}")
