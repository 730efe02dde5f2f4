"""`riftwatch source try`: what a source's selectors find, shown on a terminal."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pipeline.cli.app import source_app
from pipeline.cli.common import AsFormat, fail, the_monitor, the_settings
from pipeline.printing import Format

if TYPE_CHECKING:
    from rich.console import Console

    from pipeline.collect.trying import Link, Trial


@source_app.command(name="try")
def try_(
    file: Annotated[Path, typer.Argument(help="The monitor file.")],
    source: Annotated[str, typer.Argument(help="The source's id.")],
    address: Annotated[str | None, typer.Argument(help="A text's page; else the first link's.")] = None,
    page: Annotated[Path | None, typer.Option(help="A page on the disk, read instead; nothing is fetched.")] = None,
    form: AsFormat = Format.TABLE,
) -> None:
    """Show what a source's selectors and patterns find, without keeping anything."""
    from pipeline.collect.trying import try_source

    if form is Format.CSV:
        fail("a trial is no table; write --format json")
    settings = the_settings()
    monitor = the_monitor(file, settings)
    try:
        body = page.read_bytes() if page is not None else None
        trial = try_source(settings, monitor, source, address=address, page=body)
    except KeyError:
        fail(f"no source {source!r} in {monitor.name}; there are {', '.join(s.id for s in monitor.sources)}")
    except OSError as error:
        fail(f"{page or file}: can't be read: {error.strerror or error}")
    if form is Format.JSON:
        typer.echo(json.dumps(asdict(trial), default=str, ensure_ascii=False, indent=1))
    else:
        _print_trial(trial)
    if not trial.kept and (trial.text is None or trial.text.problem):
        raise typer.Exit(1)


def _print_trial(trial: Trial) -> None:
    from rich.console import Console

    console = Console(highlight=False, markup=False, soft_wrap=True)
    if trial.place is not None:
        console.print(f"{trial.kind} {trial.place}", style="bold")
        _print_links(trial, console)
    for one in trial.selected:
        console.print(f"\n{one.name}: {one.css}", style="bold")
        console.print(f"  finds {one.count:,}: {one.found}" if one.count else f"  finds nothing: {one.mend}")
        if one.own is not None:
            console.print(f"  extraction's own: {one.own}")
    if trial.text is not None:
        _print_text(trial, console)
    if trial.problems:
        console.print("\nproblems", style="bold")
    for problem in trial.problems:
        console.print(f"  - {problem}")


def _print_links(trial: Trial, console: Console) -> None:
    from pipeline.collect.trying import SHOWN

    least = "at least " if trial.more else ""
    console.print(f"{least}{len(trial.kept):,} links; {len(trial.left_out):,} more are left out by include and exclude")
    for link in trial.kept[:SHOWN]:
        _print_link(link, console)
    for link in trial.left_out[:3]:
        console.print(f"  left out: {link.address}")
    if trial.next_page is not None:
        console.print(f"next page: {trial.next_page}")
    elif trial.kind == "listing":
        console.print("next page: none found")


def _print_link(link: Link, console: Console) -> None:
    console.print(f"  {link.address}")
    if link.title:
        console.print(f"    title: {link.title}")
    if link.written:
        read = _day(link.date) or "can't be read; write date_format or date_languages"
        console.print(f"    date: {link.written} -> {read}")


def _print_text(trial: Trial, console: Console) -> None:
    text = trial.text
    if text is None:
        return
    console.print(f"\ntext {text.address}", style="bold")
    if text.problem is not None:
        console.print(f"  {text.problem}")
        return
    console.print(f"  title: {text.title or 'none found'}")
    console.print(f"  published: {_day(text.published_at) or 'no date found'} {text.published_origin or ''}".rstrip())
    console.print(f"  language: {text.language or 'not told'}")
    console.print(f"  text, {len(text.text):,} characters: {text.text[:300]}")
    for one in text.dates:
        console.print(f"  date of {one.origin}: {one.value} -> {_day(one.date) or 'not read'} ({one.why})")


def _day(when: datetime | None) -> str:
    return f"{when:%Y-%m-%d %H:%M}" if when is not None else ""
