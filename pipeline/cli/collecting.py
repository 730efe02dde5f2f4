"""Commands that collect texts and look after what was collected."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.app import app
from pipeline.cli.common import (
    MonitorFile,
    SourceId,
    chosen_sources,
    fail,
    midnight_of,
    run_reporting,
    the_monitor,
    the_settings,
    window_of,
)
from pipeline.monitor import Monitor
from pipeline.report import Report
from pipeline.settings import Settings


def collect_sources(
    settings: Settings,
    monitor: Monitor,
    sources: Sequence[str],
    since: date | None,
    until: date | None,
    *,
    all_places: bool = False,
) -> bool:
    """Collect each source; False when one failed at everything it tried."""
    from pipeline.collect.job import collect as job

    def one(source: str) -> Report:
        return run_reporting(
            lambda progress: job(
                settings,
                monitor,
                source,
                since=midnight_of(since),
                until=midnight_of(until),
                all_places=all_places,
                progress=progress,
            )
        )

    reports = [one(source) for source in sources]
    return not any(report.in_vain for report in reports)


@app.command()
def collect(
    monitor: MonitorFile = None,
    source: SourceId = None,
    since: Annotated[str | None, typer.Option(help="Only texts published from this day (YYYY-MM-DD).")] = None,
    until: Annotated[str | None, typer.Option(help="Only texts published before this day.")] = None,
    all_places: Annotated[
        bool, typer.Option("--all-places", help="Ask also feeds, sitemaps and listings whose turn has not come.")
    ] = False,
) -> None:
    """Collect the texts of the web sources."""
    settings = the_settings()
    first, end = window_of(since, until)
    loaded = the_monitor(monitor, settings)
    sources = chosen_sources(loaded, source, local=False)
    if not sources:
        typer.echo(f"{loaded.name} has no web source; `riftwatch import` reads its files.")
    if not collect_sources(settings, loaded, sources, first, end, all_places=all_places):
        raise typer.Exit(1)


@app.command(name="import")
def import_(monitor: MonitorFile = None, source: SourceId = None) -> None:
    """Import the texts of local files (web archives, tables)."""
    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    sources = chosen_sources(loaded, source, local=True)
    if not sources:
        typer.echo(f"{loaded.name} has no file source; `riftwatch collect` reads its web sources.")
    if not collect_sources(settings, loaded, sources, None, None):
        raise typer.Exit(1)


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
        fail(f"{page}: can't be read: {error.strerror}")
    except (ExtractError, ValueError) as error:
        fail(f"{page}: nothing would be stored: {error}")
    typer.echo(json.dumps(asdict(extracted), default=str, ensure_ascii=False, indent=1))
