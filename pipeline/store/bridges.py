"""Bridges: what each promotion changed, per group and audit period."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session, aliased

from pipeline.monitor import Period
from pipeline.store.models import model_in_force
from pipeline.store.tables import Bridge, Document, Framing, Model, Promotion
from pipeline.store.upsert import upsert

Pair = tuple[int, int]
"""ids of the old model and of the new one"""

BRIDGE_COLUMNS: dict[str, str] = {
    "group_id": "the group",
    "period": "the audit period's kind",
    "start": "first day of the period (UTC)",
    "end": "first day after the period",
    "old": "balance by the old model: corrected where there is a delta, else its plain mean",
    "new": "balance by the new model, likewise",
    "delta": "new less old; empty: see missing",
    "low": "lower end of delta's 95% interval",
    "high": "upper end of delta's 95% interval",
    "missing": "why there is no delta",
    "clusters": "different texts that both models scored (N)",
    "codings": "of them drawn at random and coded (n)",
    "variance": "variance of delta",
    "old_model": "name of the model that was in force until then",
    "new_model": "name of the model that was promoted",
    "made_at": "when the row was computed",
}
"""The columns of a bridge, in the order tables show them: name -> meaning in one line."""

MOST_CELLS = 20_000
"""cells of a bridge, the newest, that a page or an answer of the API reads; files and commands have all"""

_KEYS = ("monitor", "group_id", "period", "start", "old_model_id", "new_model_id")


def last_change(session: Session, variable: str, monitor: str) -> Pair | None:
    """Old and new model of the last promotion; None where there was none before it, or it scored nothing here."""
    current = model_in_force(session, variable)
    newest = (
        select(Promotion.previous_id)
        .where(Promotion.variable == variable, Promotion.previous_id != Promotion.model_id)
        .order_by(Promotion.id.desc())
        .limit(1)
    )
    before = session.scalar(newest)
    if current is None or before is None or before == current.id:
        return None
    framed = (
        select(Framing.document_id)
        .join(Document, Document.id == Framing.document_id)
        .where(Document.monitor == monitor, Framing.model_id == before)
        .limit(1)
    )
    return (before, current.id) if session.scalar(framed) is not None else None


def write_bridges(
    session: Session, monitor: str, pair: Pair, rows: Sequence[dict[str, Any]], *, made_at: datetime
) -> None:
    """Make ``rows`` the monitor's bridge between two models; those of other promotions stay. Does not commit."""
    old, new = pair
    named = {"monitor": monitor, "old_model_id": old, "new_model_id": new, "made_at": made_at}
    whole = [row | named for row in rows]
    upsert(session, Bridge, whole, keys=_KEYS, update=[name for name in (whole or [{}])[0] if name not in _KEYS])
    session.execute(
        delete(Bridge).where(
            Bridge.monitor == monitor,
            Bridge.old_model_id == old,
            Bridge.new_model_id == new,
            Bridge.made_at != made_at,
        )
    )


@dataclass(frozen=True)
class BridgeLine:
    """A row of a bridge; BRIDGE_COLUMNS says what each value means."""

    group_id: str
    period: Period
    start: date
    end: date
    old: float | None
    new: float | None
    delta: float | None
    low: float | None
    high: float | None
    missing: str | None
    clusters: int
    codings: int
    variance: float | None
    old_model: str
    new_model: str
    made_at: datetime


def _newest_first(
    session: Session, monitor: str, variable: str, new: str | None, most: int | None = None
) -> list[BridgeLine]:
    before, after = aliased(Model), aliased(Model)
    of_model = (after.variable == variable, *([] if new is None else [after.name == new]))
    which = (Bridge.monitor == monitor, Bridge.new_model_id.in_(select(after.id).where(*of_model)))
    last = select(func.max(Bridge.made_at)).where(*which).scalar_subquery()
    query = (
        select(Bridge, before.name, after.name)
        .join(before, before.id == Bridge.old_model_id)
        .join(after, after.id == Bridge.new_model_id)
        .where(Bridge.monitor == monitor, *of_model, Bridge.made_at == last)
        .order_by(Bridge.start.desc(), Bridge.group_id)
        .limit(most)
    )
    of_models = {"old_model", "new_model"}
    return [
        BridgeLine(
            **{name: getattr(row, name) for name in BRIDGE_COLUMNS if name not in of_models},
            old_model=old_name,
            new_model=new_name,
        )
        for row, old_name, new_name in session.execute(query)
    ]


def _place(line: BridgeLine) -> tuple[str, date]:
    return line.group_id, line.start


def bridges(session: Session, monitor: str, variable: str, new: str | None = None) -> list[BridgeLine]:
    """The bridge to the model ``new`` (by name), or else the one made last, by group and period."""
    return sorted(_newest_first(session, monitor, variable, new), key=_place)


def newest_cells(
    session: Session, monitor: str, variable: str, new: str, *, most: int
) -> tuple[list[BridgeLine], bool]:
    """The newest ``most`` cells of the bridge to a model, by group and period, and whether there are earlier ones."""
    lines = _newest_first(session, monitor, variable, new, most + 1)
    return sorted(lines[:most], key=_place), len(lines) > most
