"""Commands that look back: change points of a dyad, and alarms held against events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from pipeline.cli.app import app
from pipeline.cli.common import (
    AsFormat,
    MonitorFile,
    answering,
    check_group,
    fail,
    open_store,
    run_reporting,
    the_monitor,
    the_settings,
)
from pipeline.monitor import MonitorError
from pipeline.printing import Column, Format, print_rows


@app.command()
def changes(
    a: Annotated[str, typer.Argument(help="First group of a dyad.")],
    b: Annotated[str, typer.Argument(help="Second group.")],
    monitor: MonitorFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """When the model's gap of a dyad changed its level, after the fact: each change with its possible dates."""
    from pipeline.measure.looking_back import changes_of
    from pipeline.measure.timespan import measured_periods

    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    for group in (a, b):
        check_group(loaded, group)
    if (a, b) not in {(d.a, d.b) for d in loaded.dyads}:
        fail(f"{a} and {b} are no dyad of {loaded.name}; add [{a}, {b}] to its dyads")
    with answering(), open_store(settings) as session:
        spans, found = changes_of(session, loaded, measured_periods(loaded), a, b, today=datetime.now(UTC).date())
    made: list[dict[str, Any]] = [
        {
            "begins": spans[change.index].start,
            "label": spans[change.index].label,
            "earliest": spans[min(change.dates)].start,
            "latest": spans[max(change.dates)].start,
            "dates": [spans[i].label for i in change.dates],
            "before": change.before,
            "after": change.after,
        }
        for change in found.changes
    ]
    if as_json:
        whole = {"changes": made, "fit": asdict(found.fit), "never": asdict(found.never), "words": found.words}
        typer.echo(json.dumps(whole, default=str, ensure_ascii=False, indent=1))
        return
    typer.echo(found.words)
    for one in made:
        typer.echo(
            f"  {one['label']}: level {one['before']:+.2f} to {one['after']:+.2f} (in SD of the reference); "
            f"dates that can't be told apart: {one['earliest']} to {one['latest']} ({len(one['dates'])})"
        )


class Every(StrEnum):
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"


@app.command()
def replay(
    monitor: MonitorFile = None,
    every: Annotated[
        Every | None, typer.Option(help="How often a model is trained anew. Default: each audit period.")
    ] = None,
) -> None:
    """Score the past as it could have been scored then, by a model of each time; then the alarms of that."""
    from pipeline.framing.replaying import replay as job
    from pipeline.measure.replayed import replayed
    from pipeline.measure.timespan import measured_periods

    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    run_reporting(lambda progress: job(settings, loaded, every=every.value if every else None, progress=progress))
    with answering(), open_store(settings) as session:
        found = replayed(session, loaded, measured_periods(loaded))
    typer.echo(f"REPLAY of {found.made_with}")
    for line in found.basis:
        typer.echo(f"  {line}")


SCORES: Mapping[str, Column] = {
    "alarms": lambda row: str(row.name),
    "hit rate": lambda row: f"{row.hit_rate:.2f}",
    "median lead, days": lambda row: "" if row.median_lead is None else f"{row.median_lead:.0f}",
    "false per dyad-year": lambda row: f"{row.false_per_dyad_year:.3f}",
    "no-split events": lambda row: "" if row.negatives_rate is None else f"{row.negatives_rate:.2f}",
}


class _Line:
    """A score with its name, as the table shows it."""

    def __init__(self, name: str, score: object) -> None:
        self.name = name
        self.__dict__ |= vars(score)


@app.command()
def backtest(
    monitor: MonitorFile = None,
    events: Annotated[
        Path | None,
        typer.Option(help="CSV: date, a, b, kind, text, reference; `known`: the list that ships. Else the monitor's."),
    ] = None,
    kinds: Annotated[str, typer.Option(help="Kinds of event to warn of, with commas.")] = "split,rename,quarrel",
    least_lead: Annotated[int, typer.Option(help="Days before the event by which an alarm has to come.")] = 0,
    most_lead: Annotated[int, typer.Option(help="Days before the event from which an alarm counts.")] = 365,
    replay: Annotated[
        bool,
        typer.Option("--replay", help="Alarms that `riftwatch replay` has made afterwards; else those of the day."),
    ] = False,
    form: AsFormat = Format.TABLE,
) -> None:
    """Alarms held against dated events: hits, lead and false alarms, beside never, always and random."""
    from pipeline.measure.looking_back import back_test_of
    from pipeline.measure.timespan import measured_periods
    from pipeline.monitor.events import KNOWN_RUPTURES, read_events

    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    if events == Path("known"):
        events = KNOWN_RUPTURES
    try:
        told = read_events(events, day_of_month="first") if events else loaded.events
    except MonitorError as error:
        fail(str(error))
    with answering(), open_store(settings) as session:
        made = back_test_of(
            session, loaded, measured_periods(loaded), told, of_kinds=[k.strip() for k in kinds.split(",")],
            least_lead=timedelta(days=least_lead), most_lead=timedelta(days=most_lead),
            series="replay" if replay else "vintage",
        )  # fmt: skip
    rows = [_Line(name, getattr(made, name)) for name in ("ours", "never", "always", "random", "random_within")]
    columns = ["name", "hit_rate", "median_lead", "false_per_dyad_year", "negatives_rate"]
    print_rows(rows, columns, SCORES, form)
    typer.echo(made.words, err=True)
    for line in (*made.basis, *made.unjudged):
        typer.echo(f"  - {line}", err=True)
