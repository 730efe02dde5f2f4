"""Commands on human labels: bring in, take out, agreement, disagreements."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.app import codings_app
from pipeline.cli.common import MonitorFile, run_reporting, the_monitor, the_settings


@codings_app.command("import")
def codings_import(file: Annotated[Path, typer.Argument(help="CSV of codings.")], monitor: MonitorFile = None) -> None:
    """Import codings from a CSV file; rows whose text is not collected yet wait for it."""
    from pipeline.framing.codings import import_codings

    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    if run_reporting(lambda progress: import_codings(settings, loaded, file, progress=progress)).in_vain:
        raise typer.Exit(1)
