"""`riftwatch source propose`: a source for an address, as lines for the monitor's file."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.app import source_app
from pipeline.cli.common import MonitorFile, fail, the_monitor, the_settings


@source_app.command(name="propose")
def propose_(
    address: Annotated[str, typer.Argument(help="A site, a feed, a sitemap, or a page that lists texts.")],
    monitor: MonitorFile = None,
    group: Annotated[str | None, typer.Option("--group", help="Whose texts these are.")] = None,
    speaker: Annotated[str, typer.Option("--speaker", help="own or observer.")] = "own",
) -> None:
    """Look for what can be collected at an address, and print the source for it. Nothing is stored."""
    from pipeline.collect.proposing import ProposalError, propose

    settings = the_settings()
    try:
        found = propose(settings, the_monitor(monitor, settings), address, group=group, speaker=speaker)
    except ProposalError as error:
        fail(str(error))
    for said in found.tried:
        typer.echo(said, err=True)
    if found.trial is None:
        raise typer.Exit(1)
    for link in found.trial.links[:5]:
        typer.echo(f"  {link.address}" + (f"  {link.title}" if link.title else ""), err=True)
    typer.echo(found.yaml, nl=False)
