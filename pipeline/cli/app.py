"""The command line's tree; the modules beside this one hang their commands on it."""

from __future__ import annotations

import typer

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Watches public texts for the kind of online rift that comes before movements split.",
)
source_app = typer.Typer(no_args_is_help=True, help="One source: try it, ask why it gives nothing, lists of sources.")
archive_app = typer.Typer(no_args_is_help=True, help="The raw archive: check it, take out what no text hangs on.")
codings_app = typer.Typer(no_args_is_help=True, help="Human labels: bring in, take out, agreement, disagreements.")
model_app = typer.Typer(no_args_is_help=True, help="Models: train, evaluate, compare, put in force.")
label_app = typer.Typer(no_args_is_help=True, help="What to label next.")
trends_app = typer.Typer(help="The trend table, and what its figures were made of.")
alarm_app = typer.Typer(no_args_is_help=True, help="Alarms of the dyads: list them, have them coded, move a reference.")
search_app = typer.Typer(no_args_is_help=True, help="The search index of the texts.")
demo_app = typer.Typer(no_args_is_help=True, help="The demo world.")
app.add_typer(source_app, name="source")
app.add_typer(archive_app, name="archive")
app.add_typer(codings_app, name="codings")
app.add_typer(label_app, name="label")
app.add_typer(model_app, name="model")
app.add_typer(trends_app, name="trends")
app.add_typer(alarm_app, name="alarm")
app.add_typer(search_app, name="search")
app.add_typer(demo_app, name="demo")
