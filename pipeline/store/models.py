"""Models: what was trained, and which one is in force."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline.store.tables import Model, Promotion
from pipeline.store.upsert import upsert


def model_in_force(session: Session, variable: str) -> Model | None:
    """The model of the variable's newest promotion; None when none was ever promoted."""
    return session.scalars(
        select(Model)
        .join(Promotion, Promotion.model_id == Model.id)
        .where(Promotion.variable == variable)
        .order_by(Promotion.id.desc())
        .limit(1)
    ).one_or_none()


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


def promote(session: Session, model: Model, *, promoted_at: datetime, comment: str, first_only: bool = False) -> bool:
    """Put a model in force; with ``first_only`` only where none is. True when it was done. Does not commit."""
    if first_only and model_in_force(session, model.variable) is not None:
        return False
    session.add(Promotion(variable=model.variable, model_id=model.id, promoted_at=promoted_at, comment=comment))
    session.flush()
    return True
