"""Commands for alarms: what was raised, what coders make of it, from when a dyad is compared."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Annotated

import typer

from pipeline.cli.app import alarm_app
from pipeline.cli.common import (
    AsFormat,
    MonitorFile,
    answering,
    check_group,
    day_of,
    fail,
    open_store,
    run_reporting,
    the_monitor,
    the_settings,
)
from pipeline.printing import Column, Format, plain, print_rows

ALARM_TABLE: Mapping[str, Column] = {
    "alarm": plain("id"),
    "dyad": lambda row: f"{row.a} - {row.b}",
    "stretch": lambda row: f"{row.since} to {row.end}",
    "gap went": lambda row: "up" if row.side > 0 else "down",
    "reference": lambda row: f"{row.reference_start} to {row.reference_end}",
    "queue": plain("queue_id"),
    "closed": lambda row: "" if row.closed is None else f"{row.closed}: {row.closed_why}",
}
STATE_TABLE: Mapping[str, Column] = {
    "dyad": lambda row: f"{row.a} - {row.b}",
    "from": plain("start"),
    "state": plain("state"),
    "before": plain("previous"),
    "why": lambda row: "; ".join(row.reasons),
}


@alarm_app.command("list")
def alarm_list(monitor: MonitorFile = None, form: AsFormat = Format.TABLE) -> None:
    """All alarms of a monitor, the oldest first."""
    from pipeline.store.alarms import ALARM_COLUMNS, alarms_of

    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    with open_store(settings) as session:
        rows = alarms_of(session, loaded.name)
        print_rows(rows, list(ALARM_COLUMNS), ALARM_TABLE, form)
    if not rows:
        typer.echo(f"no alarm was ever raised for {loaded.name}", err=True)


@alarm_app.command("states")
def alarm_states(monitor: MonitorFile = None, form: AsFormat = Format.TABLE) -> None:
    """Every change of state, with its reasons."""
    from pipeline.store.states import STATE_COLUMNS, state_changes

    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    with open_store(settings) as session:
        rows = state_changes(session, loaded.name)
        print_rows(rows, list(STATE_COLUMNS), STATE_TABLE, form)
    if not rows:
        typer.echo(f"no state yet; `riftwatch measure` computes those of {loaded.name}", err=True)


@alarm_app.command("draw")
def alarm_draw(
    monitor: MonitorFile = None,
    alarm: Annotated[int | None, typer.Option(help="Its number: also of a closed one. Else all open ones.")] = None,
    size: Annotated[int | None, typer.Option(help="Texts to draw; default RIFTWATCH_CONFIRM_CODINGS.")] = None,
) -> None:
    """Put the texts that confirm an alarm into the labelling queue. Airflow does it by itself for open ones.

    An alarm whose queue was closed with answers keeps them: the new texts go on with its sample.
    """
    from pipeline.framing.confirming import ask_for_codings, draw_for

    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    if alarm is None:
        if size is not None:
            settings = settings.model_copy(update={"confirm_codings": size})
        run_reporting(lambda progress: ask_for_codings(settings, loaded, progress=progress))
        return
    with answering():
        texts = draw_for(settings, loaded, alarm, size=size)
    typer.echo(f"alarm {alarm}: {texts} texts are in the labelling queue")


@alarm_app.command("reference")
def alarm_reference(
    a: Annotated[str, typer.Argument(help="First group of the dyad.")],
    b: Annotated[str, typer.Argument(help="Second group.")],
    start: Annotated[str, typer.Option(help="First day of the new reference, YYYY-MM-DD.")],
    reason: Annotated[str, typer.Option(help="Why; kept.")],
    weeks: Annotated[
        int | None, typer.Option(help="Its length in usable weeks: 26, 52 or 104; 52 where it is left out.")
    ] = None,
    monitor: MonitorFile = None,
) -> None:
    """Let a dyad's reference begin on another day, or be longer. Its open alarms close at the next measurement."""
    from pipeline.measure.alarm.thresholds import WEEKS
    from pipeline.measure.judging import unit_of
    from pipeline.measure.state import USABLE_NEEDED
    from pipeline.measure.timespan import measured_periods
    from pipeline.store.alarms import keep_reference

    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    for group in (a, b):
        check_group(loaded, group)
    if (a, b) not in {(d.a, d.b) for d in loaded.dyads}:
        fail(f"{a} and {b} are no dyad of {loaded.name}; add [{a}, {b}] to its dyads")
    day = day_of(start)
    if day is None or not reason.strip():
        fail("name a day with --start and say why with --reason")
    unit = unit_of(measured_periods(loaded))
    if weeks is not None and unit != "week":
        runs = f"alarms of {loaded.name} run on {unit}s" if unit else f"{loaded.name} has no weeks"
        fail(f"{runs}, so --weeks says nothing; leave it out")
    if weeks is not None and weeks not in WEEKS:
        known = ", ".join(map(str, WEEKS[:-1]))
        fail(f"a reference takes {known} or {WEEKS[-1]} weeks, not {weeks}: for no other length is there a threshold")
    usual = USABLE_NEEDED[unit] if unit else None
    with open_store(settings) as session:
        keep_reference(
            session,
            loaded.name,
            a,
            b,
            start=day,
            weeks=weeks,
            reason=reason.strip(),
            person=getpass.getuser(),
            now=datetime.now(UTC),
        )
        session.commit()
    takes = f" and takes {weeks or usual} usable {unit}s" if unit else ""
    typer.echo(f"the reference of {a} and {b} begins on {day}{takes}; run `riftwatch measure`")
