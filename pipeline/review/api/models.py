"""The models, as the pages show them."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from pipeline.framing.promote import standings_of
from pipeline.review.asked import monitor_of, settings_of
from pipeline.store.bridges import BRIDGE_COLUMNS, MOST_CELLS, newest_cells
from pipeline.store.models import decisions_on, model_named, models_of
from pipeline.store.session import open_session
from pipeline.store.tables import Model

router = APIRouter(prefix="/api/v1", tags=["models"])

MOST = 200
"""models of the list, and decisions on one: the newest"""


class ModelShown(BaseModel):
    """A version of a classifier."""

    name: str
    variable: str = Field(description="the codebook's variable it codes")
    state: str = Field(description="in force, was in force, waiting or rejected")
    trained_at: datetime
    training_balance: float = Field(description="mean balance of the codings it was trained on, in [-1, 1]")
    sha256: str = Field(description="checksum of its folder")
    rejection: str | None = Field(description="why it was not promoted; null: it was, or nobody has decided")


class Decision(BaseModel):
    """A change of the model in force."""

    promoted_at: datetime
    person: str | None = Field(description="who decided; null: nobody was asked (the first model)")
    comment: str
    instead_of: str | None = Field(description="the model in force until then")


class BridgeCell(BaseModel):
    """What a promotion changed in one group and audit period, on the same texts."""

    group_id: str
    period: str
    start: date
    end: date
    old: float | None
    new: float | None
    delta: float | None = Field(description=BRIDGE_COLUMNS["delta"])
    low: float | None
    high: float | None
    missing: str | None
    clusters: int
    codings: int
    old_model: str
    new_model: str


class ModelDetail(ModelShown):
    """A version with its card, the decisions on it and its bridge in this monitor."""

    card: dict[str, Any] = Field(description="everything that was measured when it was trained")
    decisions: list[Decision] = Field(description="oldest first; of more than 200 the newest")
    bridge: list[BridgeCell]
    bridge_more: bool = Field(description=f"true: the bridge has earlier cells; these are its newest {MOST_CELLS:,}")


def _shown(row: Model, state: str) -> dict[str, Any]:
    return {
        "name": row.name,
        "variable": row.variable,
        "state": state,
        "trained_at": row.trained_at,
        "training_balance": row.training_balance,
        "sha256": row.sha256,
        "rejection": row.rejection,
    }


@router.get("/monitors/{monitor}/models")
def list_models(request: Request, monitor: str) -> list[ModelShown]:
    """The newest 200 models of all variables; they are the same for every monitor. `riftwatch model list` has all."""
    monitor_of(request, monitor)
    with open_session(settings_of(request)) as session:
        rows = models_of(session, most=MOST)
        states = standings_of(session, rows)
        return [ModelShown(**_shown(row, states[row.name])) for row in rows]


@router.get("/monitors/{monitor}/models/{model}")
def show_model(request: Request, monitor: str, model: str) -> ModelDetail:
    """One model, its card, the decisions on it, and what its promotion changed in this monitor."""
    watched_by = monitor_of(request, monitor)
    with open_session(settings_of(request)) as session:
        row = model_named(session, model)
        if row is None:
            raise HTTPException(404, "There is no model of this name.")
        lines, earlier = newest_cells(session, watched_by.name, row.variable, row.name, most=MOST_CELLS)
        return ModelDetail(
            **_shown(row, standings_of(session, [row])[row.name]),
            card=row.card,
            decisions=[
                Decision(promoted_at=one.promoted_at, person=one.person, comment=one.comment, instead_of=one.instead_of)
                for one in reversed(decisions_on(session, row.variable, model, most=MOST))
            ],
            bridge=[BridgeCell(**{field: getattr(line, field) for field in BridgeCell.model_fields}) for line in lines],
            bridge_more=earlier,
        )
