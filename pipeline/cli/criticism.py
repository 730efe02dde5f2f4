"""The command that prints who names, answers, cites and criticises whom."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, get_args

import typer

from pipeline.cli.app import app
from pipeline.cli.common import (
    AsFormat,
    MonitorFile,
    answering,
    check_group,
    fail,
    open_store,
    the_monitor,
    the_settings,
)
from pipeline.monitor import Period
from pipeline.printing import Column, Format, period_label, plain, print_rows


def _share(value: str, low: str, high: str) -> Column:
    """A share with its interval, in per cent; empty where there is none."""

    def shown(row: Any) -> str:
        middle, ends = getattr(row, value), (getattr(row, low), getattr(row, high))
        if middle is None:
            return ""
        return f"{middle:.1%}" + ("" if None in ends else f" ({ends[0]:.1%} to {ends[1]:.1%})")

    return shown


def _reply(row: Any) -> str:
    """Median first reply, and what any day would have waited."""
    days = ["-" if one is None else f"{one:.1f}" for one in (row.reply_days, row.usual_days)]
    return f"{days[0]} / {days[1]}" if row.triggers else ""


def _cited(row: Any) -> str:
    return "; ".join(f"{(text.title or text.address)[:40]} ({text.by})" for text in row.cited[:1])


DIRECTED_TABLE: Mapping[str, Column] = {
    "who": lambda row: f"{row.a} > {row.b}",
    "period": period_label,
    "texts": plain("clusters"),
    "name it": plain("naming"),
    "share": _share("share", "share_low", "share_high"),
    "codings": plain("codings"),
    "hostile, of these": _share("hostile_share", "hostile_low", "hostile_high"),
    "hostile, of all": _share("rate", "rate_low", "rate_high"),
    "how": lambda row: row.missing or row.estimator,
    "reply / usual, days": _reply,
    "most cited": _cited,
}


@app.command()
def criticism(
    monitor: MonitorFile = None,
    period: Annotated[str, typer.Option(help="week, month, quarter or year.")] = "quarter",
    a: Annotated[str | None, typer.Option("--a", help="Only this group's texts.")] = None,
    b: Annotated[str | None, typer.Option("--b", help="Only what names this group.")] = None,
    form: AsFormat = Format.TABLE,
) -> None:
    """Who names, answers, cites and criticises whom, per period."""
    from pipeline.measure.directed import DIRECTED_COLUMNS, directed_rows, what_is_missing

    kind = next((one for one in get_args(Period) if one == period), None)
    if kind is None:
        fail(f"{period!r} is no period; write one of {', '.join(get_args(Period))}")
    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    for group in (a, b):
        check_group(loaded, group)
    if a is not None and a == b:
        fail(f"{a} and {b} are one group; a group is not asked about itself")
    with answering(), open_store(settings) as session:
        rows = [r for r in directed_rows(session, loaded, kind) if a in (None, r.a) and b in (None, r.b)]
        missing = what_is_missing(session, loaded)
        print_rows(rows, list(DIRECTED_COLUMNS), DIRECTED_TABLE, form)
    for sentence in missing:
        typer.echo(sentence, err=True)
    if not rows:
        nobody = "it has one group only" if len(loaded.groups) < 2 else "no own text with a date; collect first"
        typer.echo(f"nothing to show of {loaded.name}: {nobody}", err=True)
    elif form is Format.TABLE:
        whys = dict.fromkeys((row.estimator, row.why) for row in rows if row.why and not row.missing)
        for estimator, why in whys:
            what = "of all texts no interval" if estimator == "corrected" else "not corrected"
            typer.echo(f"{what} where: {why}", err=True)
        typer.echo("Only texts that name the other group count; blame without a name is in no figure.", err=True)
