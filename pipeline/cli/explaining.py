"""The command that says what a published figure was made of."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from pipeline.cli.app import trends_app
from pipeline.cli.common import MonitorFile, answering, fail, open_store, the_monitor, the_settings
from pipeline.monitor.periods import span_of


class Shape(StrEnum):
    TEXT = "text"
    JSON = "json"


@trends_app.command("explain")
def explain(
    subject: Annotated[str, typer.Argument(help="A group: its balance. Two as a--b: their gap.")],
    period: Annotated[str, typer.Argument(help="2024-W05, 2024-02, 2024-Q1 or 2024.")],
    monitor: MonitorFile = None,
    as_of: Annotated[str | None, typer.Option(help="The figure as it stood then (ISO 8601, UTC).")] = None,
    verify: Annotated[bool, typer.Option(help="Make it again from its texts and codings.")] = True,
    form: Annotated[Shape, typer.Option("--format", help="How to print.")] = Shape.TEXT,
) -> None:
    """A published figure: how it was made, of which texts, codings and model, and its earlier vintages; made again."""
    from pipeline.measure.explain import as_record, in_words
    from pipeline.measure.explain import explain as look_up
    from pipeline.measure.explain import verify as make_again

    try:
        span = span_of(period)
    except ValueError as error:
        fail(str(error))
    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    groups = _groups_of(subject, {group.id for group in loaded.groups})
    with answering(), open_store(settings) as session:
        found = look_up(session, loaded.name, subject=groups, period=span.kind, day=span.start, as_of=_moment(as_of))
        made = make_again(session, found.row) if verify else None
        if form is Shape.JSON:
            typer.echo(json.dumps(as_record(found, made), default=str, ensure_ascii=False, indent=1))
        else:
            typer.echo("\n".join(in_words(found, made)))
    if made is not None and made.differences:
        raise typer.Exit(1)


def _groups_of(subject: str, known: set[str]) -> tuple[str, ...]:
    """One group or two. A group's own name may hold two dashes."""
    pairs = [(subject[:i], subject[i + 2 :]) for i in range(1, len(subject)) if subject[i : i + 2] == "--"]
    found = next((groups for groups in [(subject,), *pairs] if set(groups) <= known), None)
    if found is None:
        fail(f"{subject!r} is no group, and no two as a--b; there are {', '.join(sorted(known))}")
    return found


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
