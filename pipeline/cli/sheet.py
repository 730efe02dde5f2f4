"""The command that prints a dyad's sheet."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from functools import partial
from typing import Annotated

import typer

from pipeline.cli.app import app
from pipeline.cli.common import MonitorFile, answering, check_group, day_of, fail, open_store, the_monitor, the_settings
from pipeline.monitor import Monitor
from pipeline.settings import Settings


@app.command()
def sheet(
    a: Annotated[str, typer.Argument(help="First group.")],
    b: Annotated[str, typer.Argument(help="Second group.")],
    monitor: MonitorFile = None,
    reference: Annotated[
        tuple[str, str] | None,
        typer.Option(help="First day, and first day after it. Else of the newest alarm, unless withdrawn."),
    ] = None,
    present: Annotated[
        tuple[str, str] | None,
        typer.Option(help="The stretch held against it. Else of the newest alarm, unless withdrawn."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep it for the dyad's page instead of printing it.")] = False,
) -> None:
    """What a change of the gap is made of: other choices, composition, noise, errors of the model, codings, words."""
    from pipeline.measure.named import NamesLeftIn
    from pipeline.measure.sensitivity import Stretch
    from pipeline.measure.sheet import dyad_sheet, usual_stretches

    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    for group in (a, b):
        check_group(loaded, group)
    if a == b:
        fail("a sheet compares two different groups")
    if (reference is None) != (present is None):
        fail("name both --reference and --present, or neither")
    if keep and (reference is not None or as_json):
        fail("--keep keeps the usual sheet, of the newest alarm; leave out --reference, --present and --json")
    if keep:
        _keep(settings, loaded, a, b)
        return
    with answering(), open_store(settings) as session:
        if reference is not None and present is not None:
            stretches = Stretch(*_days(reference)), Stretch(*_days(present))
        else:
            stretches = usual_stretches(session, loaded, a, b, today=datetime.now(UTC).date())
        made = dyad_sheet(session, loaded, a, b, *stretches, named=NamesLeftIn(settings))
    if as_json:
        whole = {
            "a": made.a,
            "b": made.b,
            "reference": vars(made.reference),
            "present": vars(made.present),
            "texts": made.texts,
            "rows": [vars(row) for row in made.sensitivity.rows],
            "error_rates": [vars(rate) for rate in made.sensitivity.rates],
            "sections": [vars(section) for section in made.sections],
        }
        typer.echo(json.dumps(whole, default=str, ensure_ascii=False, indent=1))
        return
    typer.echo(
        f"{a} - {b}: {made.present.start} to {made.present.end} against {made.reference.start} to "
        f"{made.reference.end}; {made.texts[0]} and {made.texts[1]} different texts"
    )
    for section in made.sections:
        typer.echo(f"\n{section.title}")
        for line in section.lines:
            typer.echo(f"  {line}")


def _keep(settings: Settings, monitor: Monitor, a: str, b: str) -> None:
    from pipeline.measure.keeping import half_scored, keep_panels, keep_sheet, keep_smoothed
    from pipeline.measure.named import NamesLeftIn
    from pipeline.measure.sheet import dyad_sheet
    from pipeline.store.kept import keeping_alone

    if (a, b) not in {(dyad.a, dyad.b) for dyad in monitor.dyads}:
        fail(f"{a} and {b} are no dyad of {monitor.name} in this order; only a dyad has a page")
    with answering(), keeping_alone(settings, monitor.name), open_store(settings) as session:
        now = datetime.now(UTC)
        if why := half_scored(session, monitor):
            fail(f"nothing is made: {why}")
        keep_panels(session, monitor, now)
        session.commit()
        keep_smoothed(session, monitor, now)
        session.commit()
        make = partial(dyad_sheet, named=NamesLeftIn(settings))
        problem = keep_sheet(session, monitor, a, b, now=now, make=make)
        session.commit()
    typer.echo(f"kept for the page: {problem or 'the sheet is made'}")


def _days(pair: tuple[str, str]) -> tuple[date, date]:
    first, end = day_of(pair[0]), day_of(pair[1])
    if first is None or end is None or end <= first:
        fail(f"no day lies from {pair[0]} to before {pair[1]}; the second is the first day that is left out")
    return first, end
