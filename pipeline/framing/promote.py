"""Which model is in force: the gates before a person is asked, promotion, rejection, roll-back.

Each changes what is in force in one transaction, so whoever is killed leaves the old model or the new one in force.
"""

from __future__ import annotations

import getpass
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.orm import Session

from classifiers.codebook import codebook_of
from classifiers.model.model_folder import MARKDOWN, ModelFolderError
from pipeline.framing.model import ROLLED_BACK, roll_back_names
from pipeline.framing.starter import open_model, starter_name, train_starter
from pipeline.settings import Settings
from pipeline.store.models import (
    decide_alone,
    history,
    model_in_force,
    model_named,
    models_of,
    promote,
    reject,
    require_in_force,
    were_in_force,
)
from pipeline.store.session import open_session
from pipeline.store.tables import Model

COMPARED_WITH = "compared_with"
"""key of a card: name of the model that was in force when the model was trained; None: there was none"""


class PromotionError(RuntimeError):
    """A promotion, rejection or roll-back that is refused; says why and what to do."""


@dataclass(frozen=True)
class Changed:
    """Which model is in force now."""

    name: str
    instead_of: str | None

    def sentence(self) -> str:
        """For people."""
        return f"{self.name} is in force now" + (f", instead of {self.instead_of}" if self.instead_of else "")


def operator() -> str:
    """The person at this machine, as the operating system knows them."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user without a name
        return "unknown"


def gates(card: Mapping[str, Any], incumbent: str | None, *, minimum_gain: float = 0.0) -> list[str]:
    """Why a model may not take the place of the one in force, each in words; empty: a person may decide. Pure.

    ``card``: what was found when it was trained. ``minimum_gain``: of macro-F1 on the random codings; above 0, less is
    refused. Too few random codings to tell are no refusal: the person is shown so.
    """
    against = card.get(COMPARED_WITH)
    if against != incumbent:
        return [f"it was compared with {against or 'no model'}, and {incumbent or 'none'} is in force by now; retrain"]
    compared = card.get("comparison")
    if compared is None:
        return ["nothing shows the gain that was asked for: there are no random codings"] if minimum_gain > 0 else []
    refused = []
    for name, figure in compared["figures"].items():
        if figure["verdict"] == "worse":
            between = "" if not figure["interval"] else " ({:+.3f} to {:+.3f})".format(*figure["interval"])
            refused.append(f"{name} is worse: {figure['new']:.3f} against {figure['old']:.3f}{between}")
    gain = compared["figures"]["macro_f1"]["difference"]
    if minimum_gain > 0 and gain < minimum_gain:
        refused.append(f"macro_f1 gains {gain:+.3f}, and {minimum_gain:.3f} was asked for")
    return refused


def _row(session: Session, name: str) -> Model:
    row = model_named(session, name)
    if row is None:
        known = ", ".join(model.name for model in models_of(session, most=5))
        raise PromotionError(f"there is no model {name}; the newest are {known or 'none'} (`riftwatch model list`)")
    return row


def _require_sound(settings: Settings, row: Model) -> None:
    """Refuse a model whose folder is not the one that was trained."""
    folder = settings.models / row.name
    try:
        if not folder.exists() and row.name == starter_name(codebook_of(row.variable), settings.encoder):
            train_starter(settings, codebook_of(row.variable), row.trained_at)
        open_model(settings, folder, row.sha256)
    except ModelFolderError as error:
        raise PromotionError(f"{row.name} can't be put in force: {error}") from error


def standings(session: Session, variable: str | None = None) -> dict[str, str]:
    """Name of each model -> in force, was in force, waiting or rejected; of a variable or of all, the newest first."""
    return standings_of(session, models_of(session, variable))


def standings_of(session: Session, models: Sequence[Model]) -> dict[str, str]:
    """Name of each of these models -> in force, was in force, waiting or rejected, in their order."""
    put = were_in_force(session, models)
    words = {True: "in force", False: "was in force"}
    otherwise = {True: "waiting", False: "rejected"}
    return {
        model.name: words[put[model.id]] if model.id in put else otherwise[model.rejected_at is None]
        for model in models
    }


def standing(settings: Settings, name: str) -> str:
    """In force, was in force, waiting or rejected. Raises :class:`PromotionError` for an unknown name."""
    with open_session(settings) as session:
        return standings_of(session, [_row(session, name)])[name]


def decisions(settings: Settings, name: str) -> dict[str, Any]:
    """A model's card, its state, and every decision on it, ready for JSON."""
    with open_session(settings) as session:
        row = _row(session, name)
        return {
            "name": name,
            "state": standings_of(session, [row])[name],
            "rejected_at": row.rejected_at,
            "rejection": row.rejection,
            "promotions": [
                {
                    "promoted_at": step.promotion.promoted_at,
                    "person": step.promotion.person,
                    "comment": step.promotion.comment,
                    "instead_of": step.previous.name if step.previous else None,
                }
                for step in history(session, row.variable)
                if step.model.name == name
            ],
            "sha256": row.sha256,
            "card": row.card,
        }


def card_in_words(settings: Settings, name: str) -> str:
    """The model's card as Markdown, and below it every decision on the model."""
    known = decisions(settings, name)
    file = settings.models / name / MARKDOWN
    card = file.read_text(encoding="utf-8").strip() if file.is_file() else f"# {name}\n\n{_listed(known['card'])}"
    lines = [card, "", "## Decisions", "", f"State: {known['state']}."]
    for one in known["promotions"]:
        instead = f" instead of {one['instead_of']}" if one["instead_of"] else ""
        who = one["person"] or "nobody was asked"
        lines.append(f"- {one['promoted_at']:%Y-%m-%d %H:%M} put in force{instead} ({who}): {one['comment']}")
    if known["rejection"]:
        lines.append(f"- {known['rejected_at']:%Y-%m-%d %H:%M} {known['rejection']}")
    return "\n".join(lines)


def _listed(card: Mapping[str, Any]) -> str:
    """The plain words of a card that has no page of its own."""
    return "\n".join(f"- {key}: {value}" for key, value in card.items() if isinstance(value, str | int | float))


def check(settings: Settings, name: str, *, minimum_gain: float = 0.0) -> list[str]:
    """The gates of a trained model, before a person is asked. One that is refused is marked so, with the reasons."""
    with open_session(settings) as session:
        row = _row(session, name)
        if row.rejected_at is not None:
            return [str(row.rejection)]
        current = model_in_force(session, row.variable)
        refused = gates(row.card, current.name if current else None, minimum_gain=minimum_gain)
        try:
            _require_sound(settings, row)
        except PromotionError as error:
            refused.append(str(error))
        if refused:
            reject(session, row, rejected_at=datetime.now(UTC), rejection="refused: " + "; ".join(refused))
            session.commit()
    return refused


def promote_model(settings: Settings, name: str, *, person: str, comment: str) -> Changed:
    """Put a trained model in force. The model that it was compared with must be in force still.

    Raises :class:`PromotionError` in words: a gate, a folder that is gone or changed, a model in force already.
    """
    with open_session(settings) as session:
        row = _row(session, name)
        _require_sound(settings, row)
        session.rollback()
        decide_alone(session, row.variable)
        current = model_in_force(session, row.variable)
        if current is not None and current.name == name:
            raise PromotionError(f"{name} is in force already")
        if refused := gates(row.card, current.name if current else None):
            raise PromotionError(f"{name} is refused: {'; '.join(refused)}")
        promote(
            session,
            row,
            promoted_at=datetime.now(UTC),
            comment=comment,
            person=person,
            evidence={"comparison": row.card.get("comparison"), "evaluation": row.card.get("evaluation")},
        )
        session.commit()
        return Changed(name, current.name if current else None)


def reject_model(settings: Settings, name: str, *, why: str) -> None:
    """Mark a model as not to be promoted. Raises :class:`PromotionError` for the one in force."""
    with open_session(settings) as session:
        row = _row(session, name)
        session.rollback()
        decide_alone(session, row.variable)
        current = model_in_force(session, row.variable)
        if current is not None and current.name == name:
            raise PromotionError(f"{name} is in force; `riftwatch model rollback` puts the one before it in force")
        reject(session, row, rejected_at=datetime.now(UTC), rejection=why)
        session.commit()


def roll_back(settings: Settings, variable: str, *, person: str, comment: str, to: str | None = None) -> Changed:
    """Put the model that was in force before in force again, or the one named ``to``; again and again, further back.

    Raises :class:`PromotionError` in words: none was before it, it was never in force, its folder is gone or changed.
    """
    with open_session(settings) as session:
        current = model_in_force(session, variable)
        if current is None:
            raise PromotionError(f"no {variable} model was ever in force; `riftwatch frame` trains the first one")
        before = roll_back_names(session, variable)
        names = {step.model.name: step.model for step in history(session, variable)}
        target = to or (before[-1] if before else None)
        if target is None:
            raise PromotionError(f"no {variable} model was in force before {current.name}")
        if target not in names:
            raise PromotionError(f"{target} was never in force; `riftwatch model promote {target}` decides on it")
        if target == current.name:
            raise PromotionError(f"{target} is in force already")
        try:
            _require_sound(settings, names[target])
        except PromotionError as error:
            others = [name for name in reversed(before) if name != target]
            more = f"; before that was {others[0]}: --to {others[0]}" if others else ""
            raise PromotionError(f"{error}{more}") from error
        expected, row = current.name, names[target]
        session.rollback()
        decide_alone(session, variable)
        require_in_force(session, variable, expected)
        evidence = {ROLLED_BACK: expected}
        now = datetime.now(UTC)
        promote(session, row, promoted_at=now, comment=comment, person=person, evidence=evidence)
        # or the next retraining on the same codings would ask for it again
        reject(session, names[expected], rejected_at=now, rejection=f"rolled back: {comment}")
        session.commit()
        return Changed(target, expected)
