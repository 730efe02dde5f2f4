"""Commands about the raw archive and what it holds."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

import typer

from pipeline.cli.app import app, archive_app
from pipeline.cli.common import (
    MonitorFile,
    SourceId,
    answering,
    chosen_sources,
    fail,
    progress_bars,
    run_reporting,
    the_monitor,
    the_settings,
)

Scope = Literal["source", "address", "group"]


@archive_app.command()
def check(monitor: MonitorFile = None) -> None:
    """Read the whole archive of a monitor: does every index row resolve, and what does none name?"""
    from pipeline.collect.archive import shelf_of
    from pipeline.collect.archive.audit import audit

    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    with answering(), progress_bars() as progress:
        found = audit(settings, shelf_of(settings), loaded.name, progress=progress)
    for line in found.lines():
        typer.echo(line)
    if found.dangling:
        raise typer.Exit(1)


@archive_app.command()
def purge(monitor: MonitorFile = None) -> None:
    """Take out of the archive what no index row names. Files of runs that are at work are left."""
    from pipeline.collect.archive import shelf_of
    from pipeline.collect.archive.purge import purge as job
    from pipeline.store.session import open_session

    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    with answering(), progress_bars() as progress, open_session(settings) as session:
        done = job(session, shelf_of(settings), loaded.name, progress=progress)
    typer.echo(
        f"{done.records:,} records ({done.bytes / 1e6:,.1f} MB) taken out; {done.rewritten:,} files written anew, "
        f"{done.removed:,} removed"
    )
    for line in (*(f"{name} is being worked on and was left" for name in done.left), *done.waiting):
        typer.echo(line, err=True)


@app.command()
def erase(
    reason: Annotated[str, typer.Option(help="Why; kept with the erasure.")],
    monitor: MonitorFile = None,
    source: Annotated[str | None, typer.Option(help="All that this source brought in.")] = None,
    address: Annotated[str | None, typer.Option(help="One text, by its address; never collected again.")] = None,
    group: Annotated[str | None, typer.Option(help="All texts of this group.")] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without this only what would go is shown.")] = False,
) -> None:
    """Erase what was collected: texts, labels, index and the bytes in the archive. Published figures stay."""
    from pipeline.collect.erase import erase as job
    from pipeline.collect.erase import look

    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    named = {name: value for name, value in (("source", source), ("address", address), ("group", group)) if value}
    if len(named) != 1:
        fail("name one of --source, --address and --group")
    ((scope, target),) = named.items()
    kind = next(one for one in get_args(Scope) if one == scope)
    with answering():
        found = look(settings, loaded, kind, target)
    typer.echo(
        f"{scope} {target}: {found.documents:,} texts, {found.framings:,} framings, {found.codings:,} codings, "
        f"{found.captures:,} responses in the archive, {found.frontier:,} addresses, {found.places:,} places"
    )
    for name in found.imported:
        typer.echo(f"  {name} is your own file and stays as it is; take it away yourself")
    if not yes:
        typer.echo("nothing was erased; add --yes to do it")
        return
    with answering(), progress_bars() as progress:
        done = job(settings, loaded, kind, target, reason=reason, progress=progress)
    typer.echo(
        f"erased: {done.documents:,} texts, {done.captures:,} responses; {done.published:,} published figures stay and "
        "say that some of their basis is erased. `riftwatch measure` makes the trends without them"
    )
    for line in done.open:
        typer.echo(f"not finished: {line}", err=True)
    if done.open:
        raise typer.Exit(1)


@app.command(name="re-extract")
def re_extract(
    monitor: MonitorFile = None,
    source: SourceId = None,
    every: Annotated[bool, typer.Option("--all", help="All texts, not only those made otherwise than today.")] = False,
) -> None:
    """Make documents anew from the archive, without the network: after selectors or the extractor changed."""
    from pipeline.collect.reextract import reextract

    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    if source is not None:
        chosen_sources(loaded, source, local=False)
    chosen = [one.id for one in loaded.sources if (one.kind != "table" if source is None else one.id == source)]

    def run(name: str) -> None:
        run_reporting(lambda progress: reextract(settings, loaded, name, every=every, progress=progress))

    for one in chosen:
        run(one)
