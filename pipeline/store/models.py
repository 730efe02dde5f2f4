"""Models: what was trained, which one is in force, and how that changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session, aliased

from pipeline.store.tables import Model, Promotion
from pipeline.store.upsert import IN_ONE_QUERY, upsert

LEARNT_FROM = "learnt_from"
"""key of the card of a model that learnt collected texts: digest of all that its training depends on"""


class IncumbentChangedError(RuntimeError):
    """The model in force is another one than the decision was made against; says which."""


@dataclass(frozen=True)
class Step:
    """One change of the model in force."""

    promotion: Promotion
    model: Model
    """in force from then on"""
    previous: Model | None
    """in force until then"""


@dataclass(frozen=True)
class Decided:
    """One change of the model in force, in words."""

    promoted_at: datetime
    person: str | None
    """None: nobody was asked (the first model)"""
    comment: str
    name: str
    """in force from then on"""
    instead_of: str | None
    """in force until then"""


def model_in_force(session: Session, variable: str) -> Model | None:
    """The model of the variable's newest promotion; None when none was ever promoted."""
    return session.scalars(
        select(Model)
        .join(Promotion, Promotion.model_id == Model.id)
        .where(Promotion.variable == variable)
        .order_by(Promotion.id.desc())
        .limit(1)
    ).one_or_none()


def model_named(session: Session, name: str) -> Model | None:
    """The model of this name."""
    return session.scalars(select(Model).where(Model.name == name)).one_or_none()


def models_of(session: Session, variable: str | None = None, *, most: int | None = None) -> list[Model]:
    """The models of a variable or of all, the newest first. most: only so many, for a page; None: all."""
    query = select(Model).order_by(Model.trained_at.desc(), Model.id.desc()).limit(most)
    return list(session.scalars(query if variable is None else query.where(Model.variable == variable)))


def were_in_force(session: Session, models: Sequence[Model]) -> dict[int, bool]:
    """Id of each of these models that was ever put in force -> whether it is in force now."""
    newest = select(func.max(Promotion.id)).group_by(Promotion.variable)
    now = func.max(case((Promotion.id.in_(newest), 1), else_=0))
    found: dict[int, bool] = {}
    for start in range(0, len(models), IN_ONE_QUERY):
        some = [model.id for model in models[start : start + IN_ONE_QUERY]]
        query = select(Promotion.model_id, now).where(Promotion.model_id.in_(some)).group_by(Promotion.model_id)
        found |= {model: bool(in_force) for model, in_force in session.execute(query)}
    return found


def undecided(session: Session, variable: str, *, most: int) -> list[str]:
    """Names of the newest models that were neither put in force nor rejected."""
    decided = select(Promotion.id).where(Promotion.model_id == Model.id).exists()
    query = (
        select(Model.name)
        .where(Model.variable == variable, Model.rejected_at.is_(None), ~decided)
        .order_by(Model.trained_at.desc(), Model.id.desc())
        .limit(most)
    )
    return list(session.scalars(query))


def decisions_on(session: Session, variable: str, name: str | None = None, *, most: int) -> list[Decided]:
    """The newest changes of the model in force, the newest first; with ``name`` those that put this model there.

    For pages: without the models' cards, which :func:`history` reads.
    """
    put, before = aliased(Model), aliased(Model)
    # by the order of the rows, as history has it: the oldest stores did not note the model before
    previous = func.lag(Promotion.model_id).over(order_by=Promotion.id).label("previous")
    columns = (Promotion.id, Promotion.promoted_at, Promotion.person, Promotion.comment, Promotion.model_id)
    step = select(*columns, previous).where(Promotion.variable == variable).subquery()
    query = (
        select(step.c.promoted_at, step.c.person, step.c.comment, put.name, before.name)
        .join(put, put.id == step.c.model_id)
        .outerjoin(before, before.id == step.c.previous)
        .where(*([] if name is None else [put.name == name]))
        .order_by(step.c.id.desc())
        .limit(most)
    )
    return [Decided(*row) for row in session.execute(query)]


def history(session: Session, variable: str) -> list[Step]:
    """Every change of the model in force, the oldest first."""
    promotions = list(
        session.scalars(select(Promotion).where(Promotion.variable == variable).order_by(Promotion.id)).all()
    )
    models = {model.id: model for model in models_of(session, variable)}
    steps: list[Step] = []
    for promotion in promotions:
        before = steps[-1].model if steps else None
        steps.append(Step(promotion, models[promotion.model_id], before))
    return steps


def before_it(names: Iterable[tuple[str, bool]]) -> list[str]:
    """The models a roll-back can walk back through, the newest last; the one in force is not among them.

    ``names``: the history as (model put in force, whether by a roll-back), the oldest first. Pure. A roll-back takes
    away what came after the model it goes back to, as an editor's undo does, so that repeated roll-backs go further
    back and never swing between two models.
    """
    stack: list[str] = []
    for name, back in names:
        if back and name in stack:
            del stack[stack.index(name) + 1 :]
        elif not stack or stack[-1] != name:
            stack.append(name)
    return stack[:-1]


def keep_model(
    session: Session,
    *,
    variable: str,
    name: str,
    sha256: str,
    trained_at: datetime,
    training_balance: float,
    confusion: dict[str, Any],
    card: dict[str, Any],
) -> Model:
    """The row of the model of this name, written if it is new. Does not commit.

    Until the commit no other transaction can do the same with this name.
    """
    row = {
        "variable": variable,
        "name": name,
        "sha256": sha256,
        "trained_at": trained_at,
        "training_balance": training_balance,
        "confusion": confusion,
        "card": card,
    }
    upsert(session, Model, [row], keys=["name"])
    # PostgreSQL holds the row; on SQLite the insert above has made this the one writer
    return session.scalars(select(Model).where(Model.name == name).with_for_update()).one()


def decide_alone(session: Session, variable: str) -> None:
    """Until the end of the transaction nobody else changes which model of the variable is in force."""
    # PostgreSQL: the rows are held, in one order, so that two can't wait for each other
    session.scalars(select(Model.id).where(Model.variable == variable).order_by(Model.id).with_for_update()).all()
    # SQLite: a write, though it changes nothing, makes this the one writer before anything is read
    session.execute(
        update(Model)
        .where(Model.variable == variable)
        .values(variable=Model.variable)
        .execution_options(synchronize_session=False)
    )


def promote(
    session: Session,
    model: Model,
    *,
    promoted_at: datetime,
    comment: str,
    person: str | None = None,
    evidence: dict[str, Any] | None = None,
    first_only: bool = False,
) -> bool:
    """Put a model in force; with ``first_only`` only where none is. True when it was done. Does not commit.

    Call :func:`decide_alone` first where the decision rests on what is in force. It is no longer rejected then.
    """
    current = model_in_force(session, model.variable)
    if first_only and current is not None:
        return False
    model.rejected_at = model.rejection = None
    session.add(
        Promotion(
            variable=model.variable,
            model_id=model.id,
            promoted_at=promoted_at,
            comment=comment,
            previous_id=current.id if current is not None else None,
            person=person,
            evidence=evidence,
        )
    )
    session.flush()
    return True


def require_in_force(session: Session, variable: str, expected: str | None) -> Model | None:
    """The model in force, if it is the one of this name (None: none at all); else :class:`IncumbentChangedError`."""
    current = model_in_force(session, variable)
    name = current.name if current is not None else None
    if name != expected:
        raise IncumbentChangedError(
            f"{name or 'no model'} is in force now, and the decision was made against {expected or 'none'}; "
            "compare with the model in force, or retrain"
        )
    return current


def reject(session: Session, model: Model, *, rejected_at: datetime, rejection: str) -> None:
    """Mark a model as not to be promoted, with why. The first reason stays. Does not commit."""
    if model.rejected_at is None:
        model.rejected_at, model.rejection = rejected_at, rejection
        session.flush()
