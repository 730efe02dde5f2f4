"""Commands on the models in the store: which there are, how they compare, which one is in force."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from pipeline.cli.app import model_app
from pipeline.cli.common import (
    AsFormat,
    MonitorFile,
    answering,
    fail,
    open_store,
    progress_bars,
    the_monitor,
    the_settings,
)
from pipeline.printing import Column, Format, interval, number, period_label, plain, print_rows

if TYPE_CHECKING:
    from pipeline.framing.promote import Changed
    from pipeline.store.tables import Model

Variable = Annotated[str, typer.Option(help="What the model judges: a codebook's variable.")]
Comment = Annotated[str, typer.Option(help="Why; kept with the decision.")]
Name = Annotated[str, typer.Argument(help="The model's name, as `riftwatch model list` shows it.")]


@dataclass(frozen=True)
class ModelLine:
    """A model as `riftwatch model list` shows it."""

    name: str
    variable: str
    state: str
    trained_at: datetime
    codings: int | None
    macro_f1: float | None
    evaluated: str
    reason: str | None


MODEL_TABLE: dict[str, Column] = {
    "name": plain("name"),
    "state": plain("state"),
    "trained": lambda row: f"{row.trained_at:%Y-%m-%d %H:%M}",
    "codings": plain("codings"),
    "macro-F1": lambda row: "" if row.macro_f1 is None else f"{row.macro_f1:.3f}",
    "evaluated": plain("evaluated"),
    "why not": plain("reason"),
}
BRIDGE_TABLE: dict[str, Column] = {
    "group": plain("group_id"),
    "period": period_label,
    "old": number("old"),
    "new": number("new"),
    "new less old": number("delta"),
    "95% interval": interval(),
    "texts": plain("clusters"),
    "codings": plain("codings"),
    "missing": plain("missing"),
}


@dataclass(frozen=True)
class ComparedLine:
    """A figure of two models on the same random codings."""

    figure: str
    old: float
    new: float
    difference: float
    low: float | None
    high: float | None
    verdict: str


COMPARED_TABLE: dict[str, Column] = {
    "figure": plain("figure"),
    "old": lambda row: f"{row.old:.3f}",
    "new": lambda row: f"{row.new:.3f}",
    "new less old": number("difference"),
    "95% interval": lambda row: "too few" if row.low is None else f"{row.low:+.3f} to {row.high:+.3f}",
    "verdict": plain("verdict"),
}


def _line(model: Model, state: str) -> ModelLine:
    card = model.card
    judged = card.get("random_sample") or card.get("cross_validation")
    f1 = judged["figures"]["macro_f1"]["value"] if judged else card.get("figures", {}).get("macro_f1")
    how = "on random codings" if card.get("random_sample") else "cross-validated, not comparable"
    reason = model.rejection
    return ModelLine(model.name, model.variable, state, model.trained_at, card.get("codings"), f1, how, reason)


@model_app.command("list")
def model_list(
    variable: Annotated[str | None, typer.Option(help="Only models of this variable.")] = None,
    form: AsFormat = Format.TABLE,
) -> None:
    """Every model, the newest first: in force, was in force, waiting for a decision, or rejected, and why."""
    from pipeline.framing.promote import standings
    from pipeline.store.models import models_of

    with open_store(the_settings()) as session:
        states = standings(session, variable)
        rows = [_line(model, states[model.name]) for model in models_of(session, variable)]
    print_rows(rows, [f.name for f in fields(ModelLine)], MODEL_TABLE, form)
    if not rows:
        typer.echo("no model yet; `riftwatch frame` trains the first one", err=True)


@model_app.command("show")
def model_show(name: Name, form: AsFormat = Format.TABLE) -> None:
    """A model's card: what it was trained on, its figures, its limits, and what was decided on it."""
    from pipeline.framing.promote import card_in_words, decisions

    if form is Format.CSV:
        fail("a card is no table; write --format json")
    settings = the_settings()
    with answering():
        if form is Format.JSON:
            typer.echo(json.dumps(decisions(settings, name), default=str, ensure_ascii=False, indent=1))
        else:
            typer.echo(card_in_words(settings, name))


@model_app.command("compare")
def model_compare(
    old: Annotated[str, typer.Argument(help="A model's name.")],
    new: Annotated[str, typer.Argument(help="Another model's name.")],
    monitor: MonitorFile = None,
    form: AsFormat = Format.TABLE,
) -> None:
    """Two models on the random codings there are now: paired bootstrap over clusters, and a verdict."""
    from pipeline.framing.comparing import compare_models

    settings = the_settings()
    more = [the_monitor(monitor, settings)] if monitor else []
    with answering(), progress_bars():
        made, problems = compare_models(settings, old, new, monitors=more)
    lines = []
    for name, one in made["figures"].items():
        low, high = one["interval"] or (None, None)
        lines.append(ComparedLine(name, one["old"], one["new"], one["difference"], low, high, one["verdict"]))
    print_rows(lines, [f.name for f in fields(ComparedLine)], COMPARED_TABLE, form)
    typer.echo(f"{made['verdict']}: {made['texts']} random codings of {made['clusters']} different texts", err=True)
    for problem in problems:
        typer.echo(f"  - {problem}", err=True)


def _tell(changed: Changed, form: Format) -> None:
    rows = [changed]
    if form is Format.TABLE:
        typer.echo(f"{changed.sentence()}. `riftwatch frame` and `riftwatch measure` bring the trends up to it")
    else:
        print_rows(rows, ["name", "instead_of"], {}, form)


@model_app.command("promote")
def model_promote(name: Name, comment: Comment, form: AsFormat = Format.TABLE) -> None:
    """Put a trained model in force. Gates: not worse on the random codings, nothing changed since it was trained."""
    from pipeline.framing.promote import operator, promote_model

    with answering():
        changed = promote_model(the_settings(), name, person=operator(), comment=comment)
    _tell(changed, form)


@model_app.command("reject")
def model_reject(name: Name, comment: Comment) -> None:
    """Mark a trained model as not to be used; retraining on the same codings does not offer it again."""
    from pipeline.framing.promote import operator, reject_model

    with answering():
        reject_model(the_settings(), name, why=f"rejected by {operator()}: {comment}")
    typer.echo(f"{name} is rejected")


@model_app.command("rollback")
def model_rollback(
    comment: Comment,
    variable: Variable = "framing",
    to: Annotated[str | None, typer.Option(help="A model that was in force; else the one before.")] = None,
    form: AsFormat = Format.TABLE,
) -> None:
    """Put the model before in force again; again and again, further back."""
    from pipeline.framing.promote import operator, roll_back

    with answering():
        changed = roll_back(the_settings(), variable, person=operator(), comment=comment, to=to)
    _tell(changed, form)


@model_app.command("retrain")
def model_retrain(
    variable: Variable = "framing",
    monitor: MonitorFile = None,
    seed: Annotated[int, typer.Option(min=0, help="Of folds and bootstrap.")] = 0,
    note: Annotated[str, typer.Option(help="Why; kept in the card.")] = "",
) -> None:
    """Train a model on all codings of a variable, of all monitors, beside the one in force. It waits for a decision."""
    from pipeline.framing.retrain import retrain

    settings = the_settings()
    more = [the_monitor(monitor, settings)] if monitor else []
    with answering(), progress_bars() as progress:
        made = retrain(settings, variable, monitors=more, seed=seed, note=note, progress=progress)
    typer.echo(made.said)
    for problem in made.report.problems:
        if problem != made.said:
            typer.echo(f"  - {problem}", err=True)
    if made.model:
        typer.echo(f'`riftwatch model show {made.model}`, then `riftwatch model promote {made.model} --comment "..."`')
    elif made.report.problems:
        raise typer.Exit(1)


@model_app.command("bridge")
def model_bridge(
    monitor: MonitorFile = None,
    variable: Variable = "framing",
    to: Annotated[str | None, typer.Option(help="The model that was promoted; else the last one.")] = None,
    form: AsFormat = Format.TABLE,
) -> None:
    """What a promotion changed in each group and audit period, with its interval."""
    from pipeline.store.bridges import BRIDGE_COLUMNS, bridges
    from pipeline.store.cells import VARIABLE

    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    with open_store(settings) as session:
        rows: list[Any] = list(bridges(session, loaded.name, variable, to))
    print_rows(rows, list(BRIDGE_COLUMNS), BRIDGE_TABLE, form)
    if rows:
        typer.echo(f"from {rows[0].old_model} to {rows[0].new_model}", err=True)
    elif variable != VARIABLE:
        typer.echo(f"trends are measured of {VARIABLE} alone, so a promotion of {variable} has no bridge", err=True)
    else:
        typer.echo(f"no bridge of {loaded.name} yet: `riftwatch measure` writes it after a promotion", err=True)
