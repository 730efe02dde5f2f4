"""The command that says what a published figure was made of."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from pipeline.cli.app import alarm_app, trends_app
from pipeline.cli.common import MonitorFile, answering, fail, open_store, the_monitor, the_settings
from pipeline.monitor.periods import span_of

AsOf = Annotated[str | None, typer.Option(help="As it stood then (ISO 8601, UTC).")]
Verify = Annotated[bool, typer.Option(help="Make it again from its texts and codings.")]


class Shape(StrEnum):
    TEXT = "text"
    JSON = "json"


@trends_app.command("explain")
def explain(
    subject: Annotated[str, typer.Argument(help="A group: its balance. Two as a--b: their gap.")],
    period: Annotated[str, typer.Argument(help="2024-W05, 2024-02, 2024-Q1 or 2024.")],
    monitor: MonitorFile = None,
    criticism: Annotated[bool, typer.Option("--criticism", help="Of a--b: what a's texts say of b.")] = False,
    as_of: AsOf = None,
    verify: Verify = True,
    form: Annotated[Shape, typer.Option("--format", help="How to print.")] = Shape.TEXT,
) -> None:
    """A published figure: how it was made, of which texts, codings and model, and its earlier vintages; made again."""
    from pipeline.measure.again import verify as make_again
    from pipeline.measure.explain import as_record, in_words
    from pipeline.measure.explain import explain as look_up

    try:
        span = span_of(period)
    except ValueError as error:
        fail(str(error))
    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    groups = _groups_of(subject, {group.id for group in loaded.groups})
    if criticism and len(groups) == 1:
        fail(f"criticism is of two groups; write it as {subject}--b, b the other group")
    with answering(), open_store(settings) as session:
        found = look_up(
            session,
            loaded.name,
            subject=groups,
            period=span.kind,
            day=span.start,
            criticism=criticism,
            as_of=_moment(as_of),
        )
        made = make_again(session, found.row) if verify else None
        if form is Shape.JSON:
            typer.echo(_as_json(as_record(found, made)))
        else:
            typer.echo("\n".join(in_words(found, made)))
    if made is not None and made.differences:
        raise typer.Exit(1)


@alarm_app.command("explain")
def alarm_explain(
    alarm: Annotated[int, typer.Argument(help="Its number, as `alarm list` has it.")],
    monitor: MonitorFile = None,
    as_of: AsOf = None,
    verify: Verify = True,
    form: Annotated[Shape, typer.Option("--format", help="How to print.")] = Shape.TEXT,
) -> None:
    """What coders said of an alarm, and of criticism beside it: of which texts and codings; made again."""
    from pipeline.measure.again import verify as make_again
    from pipeline.measure.explain import as_record, explain_alarm, in_words

    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    with answering(), open_store(settings) as session:
        found = explain_alarm(session, loaded.name, alarm, as_of=_moment(as_of))
        made = [make_again(session, one.row) if verify else None for one in found]
        if form is Shape.JSON:
            typer.echo(_as_json([as_record(*each) for each in zip(found, made, strict=True)]))
        else:
            typer.echo("\n\n".join("\n".join(in_words(*each)) for each in zip(found, made, strict=True)))
    if any(one is not None and one.differences for one in made):
        raise typer.Exit(1)


def _as_json(made: object) -> str:
    return json.dumps(made, default=str, ensure_ascii=False, indent=1)


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
