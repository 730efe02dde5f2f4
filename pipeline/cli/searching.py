"""The command that makes the search index of a store that is older than it."""

from __future__ import annotations

import typer

from pipeline.cli.app import search_app
from pipeline.cli.common import answering, progress_bars, the_settings


@search_app.callback()
def search() -> None:
    """The search index of the texts."""


@search_app.command("index")
def index() -> None:
    """Index every text that is not: of a store that is older than the index, or than its rules. Goes on where it was
    broken off; the pages can be used meanwhile."""
    from pipeline.store.search.index import index_all

    with answering(), progress_bars() as progress:
        done = index_all(the_settings(), progress)
    typer.echo(f"{done:,} texts indexed; every text can be searched now")
