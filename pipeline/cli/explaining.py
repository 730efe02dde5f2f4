"""The command that says what a published figure was made of."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, get_args

import typer

from pipeline.cli.app import app
from pipeline.cli.common import MonitorFile, answering, check_group, day_of, fail, open_store, the_monitor, the_settings
from pipeline.monitor import Period


class Shape(StrEnum):
    TEXT = "text"
    JSON = "json"


@app.command()
def explain(
    monitor: MonitorFile = None,
    group: Annotated[str | None, typer.Option(help="A group: its balance.")] = None,
    dyad: Annotated[tuple[str, str] | None, typer.Option(help="Two groups: their gap.")] = None,
    period: Annotated[str, typer.Option(help="week, month, quarter or year.")] = "quarter",
    start: Annotated[str, typer.Option(help="A day of the period (YYYY-MM-DD).")] = "",
    as_of: Annotated[str | None, typer.Option(help="The figure as it stood then (ISO 8601, UTC).")] = None,
    verify: Annotated[bool, typer.Option("--verify", help="Make it again from its texts and codings.")] = False,
    form: Annotated[Shape, typer.Option("--format", help="How to print.")] = Shape.TEXT,
) -> None:
    """A published figure: how it was made, of which texts, codings and model, and its earlier vintages."""
    from pipeline.measure.explain import as_record, in_words
    from pipeline.measure.explain import explain as look_up
    from pipeline.measure.explain import verify as make_again

    if (group is None) == (dyad is None):
        fail("name either --group G or --dyad A B")
    kind = next((one for one in get_args(Period) if one == period), None)
    if kind is None:
        fail(f"{period!r} is no period; write one of {', '.join(get_args(Period))}")
    day = day_of(start or None)
    if day is None:
        fail("name a day of the period with --start YYYY-MM-DD")
    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    subject = (group,) if group is not None else dyad or ()
    for one in subject:
        check_group(loaded, one)
    with answering(), open_store(settings) as session:
        found = look_up(session, loaded.name, subject=subject, period=kind, day=day, as_of=_moment(as_of))
        differences = make_again(session, found.row) if verify else None
        if form is Shape.JSON:
            typer.echo(json.dumps(as_record(found, differences), default=str, ensure_ascii=False, indent=1))
        else:
            typer.echo("\n".join(in_words(found, differences)))
    if differences:
        raise typer.Exit(1)


def _moment(text: str | None) -> datetime | None:
    """A time, or the end of a day."""
    if text is None:
        return None
    try:
        made = datetime.fromisoformat(text)
    except ValueError:
        fail(f"{text!r} is no time; write YYYY-MM-DD or YYYY-MM-DDTHH:MM")
    if len(text) == len("2009-09-19"):
        made = made.replace(hour=23, minute=59, second=59, microsecond=999_999)
    return made if made.tzinfo else made.replace(tzinfo=UTC)
