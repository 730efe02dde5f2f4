"""A person decides on a model in Airflow: what is shown, as Markdown, and what comes of the answer."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from classifiers.training.card import compared_markdown
from pipeline.framing.promote import COMPARED_WITH, PromotionError, check, promote_model, reject_model, standing
from pipeline.settings import Settings
from pipeline.store.models import IncumbentChangedError, model_named
from pipeline.store.session import open_session

log = logging.getLogger(__name__)

NOBODY_ANSWERED = "nobody answered in time"


def _plain(text: object) -> str:
    """One line of words, whatever a person or a file has written."""
    return " ".join(str(text).split()).replace("|", "\\|").replace("<", "&lt;")


def _not_comparable(card: Mapping[str, Any]) -> list[str]:
    lines = ["| cross-validated, **not comparable** | new model | 95% interval |", "| --- | --- | --- |"]
    judged = card.get("cross_validation") or {"figures": {}}
    for name, one in judged["figures"].items():
        if one["value"] is not None:
            between = "{:.3f} to {:.3f}".format(*one["interval"]) if one["interval"] else "too few"
            lines.append(f"| {name} | {one['value']:.3f} | {between} |")
    return lines


def approval_page(name: str, card: Mapping[str, Any], incumbent: str | None) -> str:
    """The page: what is asked, the table, the verdict, the limits of the model's card, where more is to be seen."""
    comparison = card.get("comparison")
    limits = card.get("limits") or []
    parts = [
        f"Put **{name}** in force instead of **{incumbent or 'no model'}**? "
        f"It was trained on {card['trained_on']}; evaluated: {card['evaluation']}.",
    ]
    if comparison is not None:
        parts += [
            "\n".join(compared_markdown(comparison)),
            "Paired bootstrap over clusters. *Not worse* allows for the margins that docs/retraining.md names; "
            "*too few codings to tell* is no praise: code more of the queue's random part.",
        ]
    else:
        parts += [
            "There are no random codings of which the model in force can't have learnt too, so nothing says whether it "
            "is better.",
            "\n".join(_not_comparable(card)),
        ]
    if card.get("note"):
        parts.append(f"Note of whoever started it: {_plain(card['note'])}")
    parts.append(
        "Limits:\n\n" + "\n".join(f"- {_plain(limit)}" for limit in ([limits] if isinstance(limits, str) else limits))
    )
    parts.append(
        "*Approve* puts it in force, scores all texts again and measures anew; what was published stays. *Reject* "
        "keeps the model in force. Your name and comment are kept with the decision. No answer in time counts as no. "
        f"The whole card: `riftwatch model show {name}`; [Riftwatch](/plugin/rift)."
    )
    return "\n\n".join(parts)


def propose(settings: Settings, name: str, *, minimum_gain: float = 0.0) -> str | None:
    """The page a person decides by; None when a gate refuses the model, which is then marked so."""
    if refused := check(settings, name, minimum_gain=minimum_gain):
        log.info("%s is refused: %s", name, "; ".join(refused))
        return None
    with open_session(settings) as session:
        row = model_named(session, name)
        if row is None:
            raise PromotionError(f"there is no model {name}")
        return approval_page(name, row.card, row.card.get(COMPARED_WITH))


def _person_and_comment(answer: Mapping[str, Any] | None) -> tuple[str | None, str]:
    """Who answered, None when nobody did, and what they wrote. ``answer``: what Airflow's approval left behind."""
    if not answer or not answer.get("responded_by_user"):
        return None, ""
    user = answer["responded_by_user"]
    return str(user.get("name") or user.get("id")), str((answer.get("params_input") or {}).get("comment") or "").strip()


def approved(settings: Settings, name: str, answer: Mapping[str, Any] | None) -> str | None:
    """Put a model in force that a person has approved; returns who did what, or None where it can't be done any more.

    Without a person's yes (the task was marked as a success by hand, or started again after a no) nothing is put in
    force.
    """
    person, comment = _person_and_comment(answer)
    if person is None:
        log.warning("nobody has approved %s; it waits (`riftwatch model promote %s`)", name, name)
        return None
    if (answer or {}).get("chosen_options") != ["Approve"]:  # the task was started again by hand after a no
        log.warning("%s has not approved %s; it is not put in force", person, name)
        return None
    try:
        changed = promote_model(settings, name, person=person, comment=comment or "approved in Airflow")
    except (PromotionError, IncumbentChangedError) as error:
        if standing(settings, name) == "in force":  # the task was broken off after it had done its work
            return f"{name} is in force"
        log.warning("%s", error)
        reject_model(settings, name, why=f"approved by {person}, but refused: {error}")
        return None
    return f"{changed.sentence()}; approved by {person}"


def concluded(settings: Settings, name: str | None, answer: Mapping[str, Any] | None) -> str:
    """How the matter ended, for people. A model that a person rejected, or nobody answered for, is marked so."""
    if name is None:
        return "no model to decide on"
    if standing(settings, name) == "waiting" and answer:
        person, comment = _person_and_comment(answer)
        if answer.get("chosen_options") == ["Reject"]:
            said = f"rejected by {person}: {comment or 'no comment'}" if person else NOBODY_ANSWERED
            reject_model(settings, name, why=said)
    with open_session(settings) as session:
        row = model_named(session, name)
        why = row.rejection if row is not None else None
    return f"{name}: {standing(settings, name)}{f' ({why})' if why else ''}"
