"""Balances and gaps made again."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from classifiers.codebook import codebook_of
from pipeline.measure.again.compare import Made, compared
from pipeline.measure.balance import Balance, Borrowed, balance
from pipeline.measure.cells import Grid, codings_by_cluster, model_balance
from pipeline.measure.gap import gap
from pipeline.measure.summary import mean_variance
from pipeline.monitor import Period
from pipeline.monitor.periods import period_of
from pipeline.store.cells import VARIABLE, codings_again, texts_again
from pipeline.store.published import model_of, unpack
from pipeline.store.tables import Published

_COUNTS = ("clusters", "codings", "late", "framed")
_NUMBERS = ("balance", "low", "high", "variance", "freedom", "lam", "model_balance", "model_variance")
_GAP_NUMBERS = ("gap", "low", "high", "variance", "freedom")


def trend_again(session: Session, row: Published) -> Made:
    """The balance of a group and its counts."""
    problems, made = _cells(session, row)
    ((estimate, counts),) = made.values()
    # figures of older versions may not have all of these columns
    names = [name for name in (*_COUNTS, *_NUMBERS) if name in row.figures]
    return compared(row.figures, _trend(estimate) | counts, names, problems)


def gap_again(session: Session, row: Published) -> Made:
    """The gap of a dyad, without the state beside it."""
    problems, made = _cells(session, row)
    a, b = (estimate for estimate, _ in made.values())
    return compared(row.figures, _gap(a, b), _GAP_NUMBERS, problems)


def _cells(session: Session, row: Published) -> tuple[list[str], dict[str, tuple[Balance | None, dict[str, Any]]]]:
    """What could not be used, and group -> its balance and counts."""
    documents, codings = unpack(row.documents).tolist(), unpack(row.codings).tolist()
    model = model_of(session, row.model)
    grid_texts = texts_again(session, documents, model.id if model else None)
    coded, problems = codings_by_cluster(
        codings_again(session, row.monitor, codings, row.as_of), codebook_of(VARIABLE).balances
    )
    grid = Grid(grid_texts, coded)
    span = period_of(period_kind(row.period), row.start)
    made: dict[str, tuple[Balance | None, dict[str, Any]]] = {}
    for group, lent in row.figures["borrowed"].items():
        cell = grid.cell(group, span)
        estimate = model_balance(cell)
        if lent is not None and len(cell.y):
            estimate = balance(cell.f, cell.y, Borrowed(**lent), pi=cell.pi, late=cell.late)
        others = {"framed": len(cell.f), "model_variance": mean_variance(cell.f)}
        made[group] = (estimate, {"clusters": cell.clusters, "codings": cell.coded} | others)
    return problems, made


def period_kind(name: str) -> Period:
    """The kind of period that a column names. KeyError for another."""
    kinds: dict[str, Period] = {"week": "week", "month": "month", "quarter": "quarter", "year": "year"}
    return kinds[name]


def _trend(found: Balance | None) -> dict[str, Any]:
    interval = found.interval if found else None
    return {
        "balance": found.value if found else None,
        "late": found.late if found else 0,
        "lam": found.lam if found else None,
        "model_balance": found.model if found else None,
        **{name: getattr(interval, name) if interval else None for name in ("low", "high", "variance", "freedom")},
    }


def _gap(a: Balance | None, b: Balance | None) -> dict[str, Any]:
    found = gap(a, b) if a is not None and b is not None else None
    interval = found.interval if found else None
    return {
        "gap": found.value if found else None,
        **{name: getattr(interval, name) if interval else None for name in ("low", "high", "variance", "freedom")},
    }
