"""Commands on human labels: bring in, take out, agreement, disagreements."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from pipeline.cli.app import codings_app
from pipeline.cli.common import (
    AsFormat,
    MonitorFile,
    answering,
    day_of,
    fail,
    midnight_of,
    open_store,
    run_reporting,
    the_monitor,
    the_settings,
)
from pipeline.printing import Column, Format, plain, print_rows

Variable = Annotated[str, typer.Option("--variable", help="The codebook's variable.")]
Language = Annotated[str | None, typer.Option("--language", help="Only texts in this language.")]
FORMATS = "csv, labelstudio, doccano or 4cat"


def _share(name: str) -> Column:
    return lambda row: "" if getattr(row, name) is None else f"{getattr(row, name):.3f}"


AGREEMENT_TABLE: Mapping[str, Column] = {
    "language": plain("language"),
    "coders": plain("coders"),
    "texts": plain("texts"),
    "same": _share("percent"),
    "alpha": _share("alpha"),
    "95% interval": lambda row: "" if row.alpha is None else f"{row.low:.3f} to {row.high:.3f}",
    "verdict": plain("verdict"),
}
DISAGREEMENT_TABLE: Mapping[str, Column] = {
    "address": plain("address"),
    "towards": plain("target"),
    "language": plain("language"),
    "codings": lambda row: ", ".join(f"{coder}: {value}" for coder, value in row.values.items()),
    "settled": plain("settled"),
    "text": lambda row: " ".join((row.text or "(not collected)").split())[:80],
}


def _check_format(name: str | None) -> None:
    if name not in {None, "csv", "labelstudio", "doccano", "4cat"}:
        fail(f"no format {name!r}; write {FORMATS}")


@codings_app.command("import")
def codings_import(
    file: Annotated[Path, typer.Argument(help="Codings: CSV, Label Studio JSON, doccano JSONL or 4CAT annotations.")],
    monitor: MonitorFile = None,
    form: Annotated[str | None, typer.Option("--format", help=f"{FORMATS}; found by the content.")] = None,
    variable: Annotated[str | None, typer.Option("--variable", help="Where the file names none.")] = None,
    coder: Annotated[str | None, typer.Option("--coder", help="Where the file names none.")] = None,
    draw: Annotated[str | None, typer.Option("--draw", help="Where the file names none; CSV must say it.")] = None,
    source: Annotated[str | None, typer.Option("--source", help="4CAT: the source whose rows the items are.")] = None,
    value: Annotated[
        list[str] | None, typer.Option("--value", help="NAME=VALUE: what the file calls a value; may be repeated.")
    ] = None,
) -> None:
    """Bring in codings; those whose text is not collected yet wait for it."""
    from pipeline.framing.codings import Defaults, FileFormat, import_codings

    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    values = dict(_pair(one) for one in value or [])
    defaults = Defaults(variable=variable, coder=coder, draw=draw, source=source, values=values)
    _check_format(form)
    chosen = FileFormat(form) if form else None
    if run_reporting(
        lambda progress: import_codings(settings, loaded, file, form=chosen, defaults=defaults, progress=progress)
    ).in_vain:
        raise typer.Exit(1)


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.rpartition("=")
    if not equals or not name or not value:
        fail(f"--value {text!r}: write NAME=VALUE, such as --value 'National frame=nationalist'")
    return name, value


@codings_app.command("export")
def codings_export(
    file: Annotated[Path, typer.Argument(help="The file to write.")],
    monitor: MonitorFile = None,
    form: Annotated[str, typer.Option("--format", help=f"{FORMATS}.")] = "csv",
    variable: Annotated[
        str | None, typer.Option("--variable", help="Only this; of a queue or --config: which.")
    ] = None,
    coder: Annotated[str | None, typer.Option("--coder", help="Only this coder's.")] = None,
    since: Annotated[str | None, typer.Option("--since", help="Coded on this day (UTC) or later: YYYY-MM-DD.")] = None,
    with_texts: Annotated[bool, typer.Option("--with-texts", help="Titles, languages and texts as well.")] = False,
    queue: Annotated[
        bool, typer.Option("--queue", help="The newest queue's texts without labels, to be labelled elsewhere.")
    ] = False,
    queue_id: Annotated[int | None, typer.Option("--queue-id", help="The same of an older queue.")] = None,
    config: Annotated[
        bool, typer.Option("--config", help="Label Studio's labelling interface for the codebook, nothing else.")
    ] = False,
) -> None:
    """Take out codings; brought into an empty store they are the same again."""
    from pipeline.framing.codings import FileFormat, export_codings, export_config, export_queue

    _check_format(form)
    chosen = FileFormat(form)
    with answering():
        if config:
            export_config(file, variable or "framing")
            typer.echo(f"{file}: Label Studio's interface for {variable or 'framing'}.")
            return
        settings = the_settings()
        loaded = the_monitor(monitor, settings)
        if queue or queue_id is not None:
            count = export_queue(settings, loaded, file, variable=variable or "framing", form=chosen, queue=queue_id)
            typer.echo(f"{file}: {count:,} texts to label.")
            return
        first = midnight_of(day_of(since))
        count = export_codings(
            settings, loaded, file, form=chosen, variable=variable, coder=coder, since=first, with_texts=with_texts
        )
    typer.echo(f"{file}: {count:,} codings.")


@codings_app.command("agreement")
def codings_agreement(
    monitor: MonitorFile = None,
    variable: Variable = "framing",
    draw: Annotated[str | None, typer.Option("--draw", help="Only codings drawn so: random, active, import.")] = None,
    form: AsFormat = Format.TABLE,
) -> None:
    """Krippendorff's alpha of all coders and of each pair, over all languages and in each."""
    from pipeline.framing.agreement import AGREEMENT_COLUMNS, agreement_table

    loaded = the_monitor(monitor, settings := the_settings())
    with answering(), open_store(settings) as session:
        rows = agreement_table(session, loaded, variable, draw=draw)
    print_rows(rows, AGREEMENT_COLUMNS, AGREEMENT_TABLE, form)
    if not any(row.alpha is not None for row in rows):
        fail(f"no agreement of {variable} can be reckoned: {rows[0].verdict}")


@codings_app.command("confusion")
def codings_confusion(
    monitor: MonitorFile = None, variable: Variable = "framing", form: AsFormat = Format.TABLE
) -> None:
    """Which values each pair of coders confuses."""
    from pipeline.framing.agreement import CONFUSION_COLUMNS, confusion_table

    loaded = the_monitor(monitor, settings := the_settings())
    with answering(), open_store(settings) as session:
        rows = confusion_table(session, loaded, variable)
    table = {name.replace("_", " of "): plain(name) for name in CONFUSION_COLUMNS}
    print_rows(rows, CONFUSION_COLUMNS, table, form)


@codings_app.command("disagreements")
def codings_disagreements(
    monitor: MonitorFile = None,
    variable: Variable = "framing",
    language: Language = None,
    settled: Annotated[bool, typer.Option("--settled", help="Those that are settled as well.")] = False,
    form: AsFormat = Format.TABLE,
) -> None:
    """Texts on which coders disagree, with what each said."""
    from pipeline.framing.agreement import DISAGREEMENT_COLUMNS, disagreements

    loaded = the_monitor(monitor, settings := the_settings())
    with answering(), open_store(settings) as session:
        rows = disagreements(session, loaded, variable, language=language, settled=settled)
    print_rows(rows, DISAGREEMENT_COLUMNS, DISAGREEMENT_TABLE, form)


@codings_app.command("settle")
def codings_settle(
    address: Annotated[str, typer.Argument(help="Of the text, as `codings disagreements` shows it.")],
    value: Annotated[str, typer.Argument(help="The value that is right by the codebook.")],
    coder: Annotated[str, typer.Option("--coder", help="Who settles it: none of those who disagree.")],
    monitor: MonitorFile = None,
    variable: Variable = "framing",
    target: Annotated[str, typer.Option("--target", help="Of a targeted codebook: the group.")] = "",
    note: Annotated[str | None, typer.Option("--note", help="Why.")] = None,
) -> None:
    """Settle a disagreement: a third coding counts in place of the others, which stay."""
    from pipeline.framing.settling import settle

    loaded = the_monitor(monitor, settings := the_settings())
    with answering(), open_store(settings) as session:
        settled = settle(session, loaded, address, value, coder=coder, variable=variable, target=target, note=note)
        session.commit()
    said = ", ".join(f"{who} {what}" for who, what in settled.values.items())
    typer.echo(f"{settled.address}: {value} ({settled.draw} draw), settled by {coder}; {said} stay beside it.")
