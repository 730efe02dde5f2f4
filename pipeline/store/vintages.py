"""The vintage series as a table: every figure as it was published."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline.store.published import KINDS
from pipeline.store.tables import Published

_FIGURES = ("low", "high", "estimator", "missing", "state")
_VALUES = {"trend": "balance", "gap": "gap", "change": "change", "texts": "clusters", "criticism": "rate"}
VINTAGE_COLUMNS: dict[str, str] = {
    "id": "number of the publication",
    "kind": "what it is: " + "; ".join(f"{kind}: {meaning}" for kind, meaning in KINDS.items()),
    "subject": "the group, the dyad as a--b, or the alarm",
    "period": "week, month, quarter or year",
    "start": "first day of the period (UTC)",
    "end": "first day after the period",
    "as_of": "when it was published",
    "value": "balance, gap, change of the corrected gap, number of texts, or rate of criticism; empty: see missing",
    "low": "lower end of the 95% interval; empty when uncorrected",
    "high": "upper end of the 95% interval; empty when uncorrected",
    "estimator": "corrected or uncorrected",
    "missing": "why there is no value",
    "state": "of a dyad, as it was then",
    "model": "sha256 of the model",
    "codebook_version": "version of the codebook",
    "code_version": "version of the program",
    "basis_erased": "how many of its texts were erased since",
}
"""The columns of a published figure, in the order tables show them: name -> meaning in one line."""


def all_vintages(session: Session, monitor: str, period: str | None = None) -> list[list[Any]]:
    """Every published figure of a monitor in the order of its publication, as VINTAGE_COLUMNS."""
    query = select(
        Published.id,
        Published.kind,
        Published.subject,
        Published.period,
        Published.start,
        Published.end,
        Published.as_of,
        Published.figures,
        Published.model,
        Published.codebook_version,
        Published.code_version,
        Published.basis_erased,
    ).where(Published.monitor == monitor)
    if period is not None:
        query = query.where(Published.period == period)
    made = []
    for row in session.execute(query.order_by(Published.id).execution_options(yield_per=5_000)):
        figures = row.figures
        made.append(
            [*row[:7], figures.get(_VALUES.get(row.kind, "")), *(figures.get(name) for name in _FIGURES), *row[8:]]
        )
    return made
