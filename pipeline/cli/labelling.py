"""Commands for coders: what to label next, and the labels."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer

from pipeline.cli.app import label_app
from pipeline.cli.common import (
    AsFormat,
    MonitorFile,
    answering,
    check_group,
    fail,
    open_store,
    progress_bars,
    the_monitor,
    the_settings,
    window_of,
)
from pipeline.printing import PLAN_TABLE, Column, Format, plain, print_rows

Coder = Annotated[str, typer.Option("--coder", help="Your short name or number; codings keep it.")]
ShowSource = Annotated[bool, typer.Option("--show-source", help="Also say whose text it is, and where from.")]
QueueNumber = Annotated[int | None, typer.Option("--queue", help="Only this queue; else the open ones in their order.")]
Languages = Annotated[
    str | None, typer.Option("--language", help="Only texts in these languages: en, or en,ar. Default: all.")
]

DRAW_COLUMNS = ("stratum", "clusters", "before", "drawn", "probability")
DRAW_TABLE: dict[str, Column] = {
    "group and period": plain("stratum"),
    "different texts": plain("clusters"),
    "drawn before": plain("before"),
    "drawn now": plain("drawn"),
    "probability": lambda row: f"{row.probability:.3f}",
}
PROGRESS_COLUMNS = (
    "queue", "variable", "drawn_at", "open", "part", "group", "texts", "wanted", "coded", "unclear", "at_work", "left",
)  # fmt: skip
PROGRESS_TABLE: dict[str, Column] = {
    "queue": lambda row: f"{row.queue} {row.variable}" + ("" if row.open else " (closed)"),
    **{name: plain(name) for name in ("part", "group", "texts", "wanted", "coded", "unclear")},
    "being coded": plain("at_work"),
    "left": plain("left"),
}


@contextmanager
def _refusing() -> Iterator[None]:
    """What can't be done ends the command with its sentence."""
    try:
        yield
    except ValueError as error:
        fail(str(error))


@label_app.command("plan")
def label_plan(
    monitor: MonitorFile = None,
    form: AsFormat = Format.TABLE,
) -> None:
    """How many random codings give which width of interval, per group and period."""
    from dataclasses import fields

    from pipeline.measure.plan import PlanRow, coding_plan

    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    columns = [f.name for f in fields(PlanRow)]
    with open_store(settings) as session:
        print_rows(coding_plan(session, loaded), columns, PLAN_TABLE, form)


@label_app.command("queue")
def label_queue(
    monitor: MonitorFile = None,
    size: Annotated[int, typer.Option(help="Texts in the queue.")] = 200,
    variable: Annotated[str, typer.Option(help="The codebook's variable.")] = "framing",
    random: Annotated[float, typer.Option(help="Share drawn at random, .25 to 1; the rest the model chooses.")] = 0.25,
    second: Annotated[float, typer.Option(help="Share of both parts that a second coder gets too, blind.")] = 0.2,
    seed: Annotated[int | None, typer.Option(help="Of the draw; the same texts and seed give the same queue.")] = None,
    group: Annotated[str | None, typer.Option(help="Only texts of this group.")] = None,
    since: Annotated[str | None, typer.Option(help="From the audit period that holds this day, YYYY-MM-DD.")] = None,
    until: Annotated[str | None, typer.Option(help="Only audit periods that begin before this day.")] = None,
    language: Annotated[
        str | None,
        typer.Option(help="en, or en,ar: what the model chooses. The random part is of every language."),
    ] = None,
    form: AsFormat = Format.TABLE,
) -> None:
    """Draw texts for coders: a quarter or more at random, the rest where the model is in doubt."""
    from pipeline.cli.coding_session import languages_of
    from pipeline.framing.queue import draw_queue

    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    check_group(loaded, group)
    first, end = window_of(since, until)
    with answering(), _refusing(), progress_bars() as progress:
        made = draw_queue(
            settings, loaded, variable=variable, size=size, random=random, second=second, seed=seed, group=group,
            since=first, until=end, languages=languages_of(language), progress=progress,
        )  # fmt: skip
    print_rows([one for one in made.strata if one.drawn], DRAW_COLUMNS, DRAW_TABLE, form)
    typer.echo(
        f"queue {made.queue}: {made.random + made.active} texts, {made.random} of them at random, {made.second} for "
        f"two coders; seed {made.seed}",
        err=True,
    )
    for note in made.notes:
        typer.echo(f"  - {note}", err=True)


@label_app.command("next")
def label_next(
    coder: Coder,
    monitor: MonitorFile = None,
    queue: QueueNumber = None,
    language: Languages = None,
    show_source: ShowSource = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """The next text for a coder. It is the coder's for half an hour."""
    from pipeline.cli.coding_session import heading, languages_of
    from pipeline.framing.labelling import next_item

    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    with answering(), _refusing():
        item = next_item(settings, loaded, coder, queue=queue, languages=languages_of(language))
    if item is None:
        typer.echo("nothing is left to code; `riftwatch label queue` draws more", err=True)
        return
    if not as_json:
        typer.echo("\n".join(part for part in (heading(item, show_source), item.title, item.text) if part))
        return
    shown: dict[str, Any] = {
        "item": item.item, "variable": item.variable, "target": item.target, "title": item.title, "text": item.text,
        "language": item.language, "published_at": item.published_at, "leased_until": item.leased_until,
    }  # fmt: skip
    if show_source:
        shown |= {"group": item.group, "source": item.source}
    typer.echo(json.dumps(shown, ensure_ascii=False, default=str))


@label_app.command("answer")
def label_answer(
    item: Annotated[str, typer.Argument(help="Key of the text, as `label next` shows it.")],
    value: Annotated[str, typer.Argument(help="A value of the codebook, or unclear.")],
    coder: Coder,
    monitor: MonitorFile = None,
    note: Annotated[str | None, typer.Option(help="A remark, kept with the coding.")] = None,
) -> None:
    """Code a text. Again with another value: correct it."""
    from pipeline.framing.labelling import answer

    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    with answering(), _refusing():
        answer(settings, loaded, item, value, coder, note=note)


@label_app.command("undo")
def label_undo(
    coder: Coder,
    item: Annotated[str | None, typer.Option(help="Key of the text; else the one coded last.")] = None,
    monitor: MonitorFile = None,
    queue: QueueNumber = None,
) -> None:
    """Take your last answer back; `label next` then gives the text again."""
    from pipeline.framing.labelling import undo

    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    with answering(), _refusing():
        taken = undo(settings, loaded, coder, item=item, queue=queue)
    typer.echo("there is nothing to take back" if taken is None else f"the answer to {taken} is taken back", err=True)


@label_app.command("status")
def label_status(monitor: MonitorFile = None, queue: QueueNumber = None, form: AsFormat = Format.TABLE) -> None:
    """How far the queues are, per part and group."""
    from pipeline.framing.labelling import progress

    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    with answering():
        rows = progress(settings, loaded, queue=queue)
    print_rows(rows, PROGRESS_COLUMNS, PROGRESS_TABLE, form)
    if not rows and queue is not None:
        typer.echo(f"{loaded.name} has no text in a queue {queue}; without --queue all are shown", err=True)
    elif not rows:
        typer.echo("no queue was drawn yet; `riftwatch label queue` draws one", err=True)


@label_app.command("close")
def label_close(
    queue: Annotated[int, typer.Argument(help="Number of the queue.")], monitor: MonitorFile = None
) -> None:
    """Give up what is left of a queue; what is coded stays, and counts as the smaller draw that it was."""
    from pipeline.framing.labelling import close_queue

    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    with answering(), _refusing():
        left = close_queue(settings, loaded, queue)
    typer.echo(f"queue {queue} is closed; {left} texts that nobody coded left it", err=True)


@label_app.command("code")
def label_code(
    coder: Coder,
    monitor: MonitorFile = None,
    queue: QueueNumber = None,
    language: Languages = None,
    show_source: ShowSource = False,
) -> None:
    """Code text after text in the terminal, with one key each. Broken off at any time, nothing is lost."""
    from pipeline.cli.coding_session import CodingSession, Desk, languages_of
    from pipeline.cli.keyboard import Keyboard

    if not sys.stdin.isatty():
        fail("this needs a terminal; `riftwatch label next` and `riftwatch label answer` do without")
    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    desk = Desk(settings, loaded, coder, queue, tuple(languages_of(language)), show_source)
    with answering(), _refusing():
        done = CodingSession(desk, Keyboard()).run()
    typer.echo(f"{done} coded")
