"""What a model says of all texts, summed up as the alarm takes it: one cell per group and week or month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.monitor import Period
from pipeline.monitor.periods import period_of


@dataclass(frozen=True)
class Scored:
    """What a model says of the texts of a monitor. Arrays of shape (n,), one entry for each text that it scored."""

    group: NDArray[np.str_]
    day: NDArray[np.datetime64]
    cluster: NDArray[np.int64]
    balance: NDArray[np.float64]
    """p of the first head minus p of the second"""
    wordless: int
    """texts of which the model knows no word; in none of the arrays"""


def first_days_of(days: NDArray[np.datetime64], unit: Period) -> NDArray[np.datetime64]:
    """First day of the week or month that holds each day, shape (n,)."""
    distinct, place = np.unique(days, return_inverse=True)
    starts: list[date] = [period_of(unit, day).start for day in distinct.astype(object).tolist()]
    made: NDArray[np.datetime64] = np.array(starts, dtype="datetime64[D]")[place]
    return made


def cells(scored: Scored, unit: Period) -> list[dict[str, Any]]:
    """Texts, mean and variance (n - 1) of the balance, of every group and week or month that has a text. Pure."""
    if not len(scored.balance):
        return []
    starts = first_days_of(scored.day, unit)
    order = np.lexsort((starts, scored.group))  # stable: in a cell the texts stay in their order
    group, start, balance = scored.group[order], starts[order], scored.balance[order]
    first = np.flatnonzero(np.r_[True, (group[1:] != group[:-1]) | (start[1:] != start[:-1])])
    return [
        {
            "group_id": str(group[low]),
            "start": start[low].astype(object),
            "texts": len(part),
            "mean": float(part.mean()),
            "variance": float(part.var(ddof=1)) if len(part) > 1 else None,
        }
        for low, part in zip(first.tolist(), np.split(balance, first[1:]), strict=True)
    ]
