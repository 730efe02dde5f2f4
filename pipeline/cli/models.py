"""Commands that train and evaluate a model on any file of codings, without a monitor and without the database."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.app import model_app
from pipeline.cli.common import answering, fail, the_monitor, the_settings

if TYPE_CHECKING:
    from classifiers.codebook import Codebook
    from classifiers.coding.coding_table import CodingRow

SHOWN = 20
"""wrong lines that are printed one by one"""


class SplitBy(StrEnum):
    SOURCE = "source"
    GROUP = "group"
    CLUSTER = "cluster"
    TIME = "time"


class Shape(StrEnum):
    TABLE = "table"
    JSON = "json"


CodingsFile = Annotated[
    Path,
    typer.Option("--codings", help="CSV in UTF-8 with the columns text and value; docs/training.md has the others."),
]
CodebookFile = Annotated[
    Path | None, typer.Option("--codebook", help="A codebook of your own (YAML). Default: the variable's.")
]
MaskedBy = Annotated[
    Path | None, typer.Option("--monitor", "-m", help="Take the names of this monitor's groups out. Default: none.")
]


def _book(file: Path | None, variable: str) -> Codebook:
    from classifiers.codebook import codebook_of, load_codebook

    return load_codebook(file) if file else codebook_of(variable)


def _read(file: Path, book: Codebook) -> list[CodingRow]:
    from classifiers.coding.coding_table import read_table

    table = read_table(file, book)
    for problem in table.problems[:SHOWN]:
        typer.echo(f"  - {problem}", err=True)
    if table.problems:
        more = f", of which the first {SHOWN} are above" if len(table.problems) > SHOWN else ""
        typer.echo(f"{len(table.problems)} lines left out{more}; {len(table.rows)} codings read", err=True)
    if table.ignored:
        typer.echo(f"columns not used: {', '.join(table.ignored)}", err=True)
    return table.rows


def _mask(monitor: Path | None) -> Callable[[str], str]:
    if monitor is None:
        return str
    from pipeline.framing.job import mask_of

    return mask_of(the_monitor(monitor, the_settings()))


@model_app.command("train")
def model_train(
    codings: CodingsFile,
    out: Annotated[Path, typer.Option("--out", help="The model's folder; must not be there yet.")],
    variable: Annotated[str, typer.Option(help="What was coded.")] = "framing",
    codebook: CodebookFile = None,
    split: Annotated[
        SplitBy | None, typer.Option(help="What is never on both sides. Default: source, group or cluster, as told.")
    ] = None,
    starter_weight: Annotated[
        float, typer.Option(min=0, max=100, help="What a starter coding of the variable counts; 0: none is added.")
    ] = 0.2,
    incumbent: Annotated[Path | None, typer.Option(help="A model folder to compare with.")] = None,
    monitor: MaskedBy = None,
    context_weight: Annotated[float, typer.Option(min=0, max=10, help="Weight of the columns before and after.")] = 0,
    most: Annotated[int, typer.Option(min=10, help="Of more training codings, so many are drawn by lot.")] = 50_000,
    curve: Annotated[int, typer.Option(min=0, help="Repeats of the learning curve; 0: none.")] = 3,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Train a model on a file of codings and write its folder, with a card of its figures."""
    from classifiers.model.model_folder import save_model
    from classifiers.starter import StarterError, load_starter
    from classifiers.training.card import card_pages
    from classifiers.training.train import Training, probe_texts, says, train
    from pipeline.framing.starter import open_model

    with answering():
        if out.exists():
            fail(f"{out} is there already; a model is never overwritten. Name another folder")
        book = _book(codebook, variable)
        rows = _read(codings, book)
        prepare = _mask(monitor)
        try:
            shipped = load_starter(book) if starter_weight and codebook is None else []
        except StarterError:
            shipped = []  # a variable without any
        before = None
        if incumbent is not None:
            loaded = open_model(the_settings(), incumbent)
            if loaded.variable != book.variable:
                fail(f"{incumbent} is a model of {loaded.variable}, not of {book.variable}; compare like with like")
            before = says(loaded.classifier, prepare)
        learner = {"context_weight": context_weight, "encoder": the_settings().encoder or None}
        settings = Training(
            split=split.value if split else None, seed=seed, starter_weight=starter_weight, curve_repeats=curve,
            classifier=learner, prepare=prepare, most=most,
        )  # fmt: skip
        try:
            made = train(
                rows, book, trained_at=datetime.now(UTC), starter=shipped, incumbent=before,
                incumbent_name=incumbent.name if incumbent else "", settings=settings,
            )  # fmt: skip
        except ValueError as error:
            fail(f"{codings}: {error}")
        probes = probe_texts(book)
        save_model(
            made.classifier, out, codebook=book, card=made.card, probes=probes, pages=card_pages(made.card, len(probes))
        )
    typer.echo(f"{out}: trained on {made.card['trained_on']}; evaluated {made.card['evaluation']}")
    _print_figures(made.card["random_sample"] or made.card["cross_validation"])
    if made.card["comparison"]:
        typer.echo(f"against {incumbent}: {made.card['comparison']['verdict']}")
    for note in [*made.card["notes"], *made.card["limits"]]:
        typer.echo(f"  - {note}")
    typer.echo(f"Read {out / 'card.md'} before you believe it.")


def _print_figures(judged: dict[str, Any] | None) -> None:
    if judged is None:
        return
    for name, one in judged["figures"].items():
        if one["value"] is not None:
            low_high = f" ({one['interval'][0]:.3f} to {one['interval'][1]:.3f})" if one["interval"] else ""
            typer.echo(f"  {name}: {one['value']:.3f}{low_high}")
    for name, one in judged["baselines"].items():
        typer.echo(f"  beside it {name}: " + ", ".join(f"{k} {v:.3f}" for k, v in one.items() if k != "texts"))


@model_app.command("evaluate")
def model_evaluate(
    folder: Annotated[Path, typer.Argument(help="The model's folder.")],
    codings: CodingsFile,
    codebook: CodebookFile = None,
    monitor: MaskedBy = None,
    form: Annotated[Shape, typer.Option("--format", help="How to print.")] = Shape.TABLE,
    out: Annotated[Path | None, typer.Option("--out", help="Also write the figures there, as JSON.")] = None,
    seed: Annotated[int, typer.Option(min=0)] = 0,
) -> None:
    """Figures of a model on a file of codings: on the random ones, where there are any."""
    import numpy as np

    from classifiers.evaluation.judge import examine
    from classifiers.training.card import judged_markdown
    from classifiers.training.train import says
    from pipeline.framing.starter import open_model

    with answering():
        loaded = open_model(the_settings(), folder)
        book = _book(codebook, loaded.variable)
        if book.variable != loaded.variable or book.two_heads != loaded.classifier.heads_:
            fail(f"{folder} was trained with another codebook than {codebook or book.variable}; name its own")
        rows = _read(codings, book)
        rates = [loaded.card["confusion"].get(head, {}).get("prior", 0.5) for head in book.two_heads.names]
        try:
            made = examine(
                rows, says(loaded.classifier, _mask(monitor)), book, base_rates=np.array(rates), seed=seed,
                training_balance=loaded.card["training_balance"],
            )  # fmt: skip
        except ValueError as error:
            fail(f"{codings}: {error}")
        made = {"model": loaded.name, "sha256": loaded.sha256, "codings_file": codings.name} | made
        written = json.dumps(made, ensure_ascii=False, indent=1)
        if out is not None:
            out.write_text(written + "\n", encoding="utf-8")
    typer.echo(
        written
        if form is Shape.JSON
        else "\n".join([made["evaluation"], "", *judged_markdown(f"{loaded.name} on {codings.name}", made)])
    )
