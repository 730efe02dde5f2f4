"""Commands that fill and print the trend tables."""

from __future__ import annotations

from typing import Annotated

import typer

from pipeline.cli.app import app, trends_app
from pipeline.cli.common import (
    AsFormat,
    MonitorFile,
    PeriodName,
    check_group,
    check_period,
    fail,
    open_store,
    run_reporting,
    the_monitor,
    the_settings,
)
from pipeline.printing import GAP_TABLE, TREND_TABLE, Format, print_rows


@app.command()
def measure(monitor: MonitorFile = None) -> None:
    """Fill the trend tables, and the counts of who names and criticises whom."""
    from pipeline.measure.directed_job import measure_directed
    from pipeline.measure.job import measure as job

    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    run_reporting(lambda progress: job(settings, loaded, progress=progress))
    run_reporting(lambda progress: measure_directed(settings, loaded, progress=progress))


@trends_app.callback(invoke_without_command=True)
def trends(
    context: typer.Context,
    monitor: MonitorFile = None,
    group: Annotated[str | None, typer.Option(help="Only this group.")] = None,
    period: PeriodName = None,
    form: AsFormat = Format.TABLE,
) -> None:
    """The trend table: each group's balance per period. `trends explain` says what a figure was made of."""
    from pipeline.store.trends import TREND_COLUMNS, trend_rows

    if context.invoked_subcommand is not None:
        return
    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    check_group(loaded, group)
    check_period(loaded, period)
    with open_store(settings) as session:
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

    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    for group in (a, b):
        check_group(loaded, group)
    if (a, b) not in {(d.a, d.b) for d in loaded.dyads}:
        fail(f"{a} and {b} are no dyad of {loaded.name}; add [{a}, {b}] to its dyads")
    check_period(loaded, period)
    with open_store(settings) as session:
        rows = gap_rows(session, loaded.name, a, b, period=period)
        print_rows(rows, list(GAP_COLUMNS), GAP_TABLE, form)
    if not rows:
        typer.echo(f"nothing measured yet; `riftwatch run --monitor FILE` fills the table of {loaded.name}", err=True)
