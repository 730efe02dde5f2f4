"""The command that takes every figure out, with what each column means."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.app import app
from pipeline.cli.common import MonitorFile, PeriodName, answering, check_period, open_store, the_monitor, the_settings


@app.command()
def export(
    out: Annotated[
        Path, typer.Option("--out", help="The folder; made when missing. Files of these names are replaced.")
    ],
    monitor: MonitorFile = None,
    formats: Annotated[str, typer.Option("--format", help="csv, parquet, json, xlsx; several with commas.")] = "csv",
    period: PeriodName = None,
) -> None:
    """The figures of a monitor as files: trends, gaps, alarms and what coders said of them, states, criticism, bridges,
    published figures, events, codebooks."""
    from pipeline.measure.export.tables import tables_of
    from pipeline.measure.export.write import write_export

    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    check_period(loaded, period)
    with answering():
        with open_store(settings) as session:
            now = datetime.now(UTC)
            tables = tables_of(session, loaded, period)
        files = write_export(
            out, loaded, tables, [form.strip() for form in formats.split(",") if form.strip()], now=now
        )
    typer.echo(f"{len(files)} files in {out}: {', '.join(file.name for file in files)}")
