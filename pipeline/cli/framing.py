"""Commands that label texts by model."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.app import app
from pipeline.cli.common import MonitorFile, fail, run_reporting, the_monitor, the_settings


@app.command()
def frame(monitor: MonitorFile = None) -> None:
    """Label the framing of every text that has no label yet."""
    from pipeline.framing.job import frame as job

    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    run_reporting(lambda progress: job(settings, loaded, progress=progress))


@app.command()
def classify(
    model: Annotated[Path | None, typer.Option(help="Folder of a model; default: the promoted one.")] = None,
    monitor: Annotated[
        Path | None,
        typer.Option(
            "--monitor", "-m", help="Mask the names of this monitor's groups, as `frame` does. Default: none."
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="Say which passages and terms speak for each head, with their weights.")
    ] = False,
) -> None:
    """Label JSON lines {"id", "text", "before"?, "after"?, "lang"?} from standard input."""
    from classifiers.model.model_folder import ModelFolderError
    from pipeline.framing.classify import classify_lines, promoted_model
    from pipeline.framing.job import mask_of
    from pipeline.framing.starter import open_model

    try:
        loaded = open_model(the_settings(), model) if model else promoted_model(the_settings(), "framing")
    except (ModelFolderError, LookupError) as error:
        fail(str(error))
    prepare = mask_of(the_monitor(monitor, the_settings())) if monitor else str
    wrong = False
    for result in classify_lines(sys.stdin, loaded, prepare=prepare, explained=explain):
        if "error" in result:
            wrong = True
            typer.echo(f"line {result['line']}: {result['error']}", err=True)
        else:
            typer.echo(json.dumps(result, ensure_ascii=False))
    if wrong:
        raise typer.Exit(1)
