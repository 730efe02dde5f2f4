"""The smoothed gaps of a monitor, made of its trend rows alone, as rows of the store. For the eye: see the smoother."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from pipeline.measure.balance import PRIOR_FREEDOM, Balance, Interval
from pipeline.measure.smoother import Smoothed, smooth_gaps
from pipeline.monitor import Period
from pipeline.monitor.periods import periods_covering
from pipeline.store.tables import TrendCell

Row = dict[str, Any]
Point = list[Any]
"""first day of the period, value, low, high, and why it is not smoothed"""


def balance_of(row: TrendCell) -> Balance | None:
    """The balance that a row of the audit period tells; None where it has none.

    A row does not say how many degrees of freedom were borrowed. Ten they are wherever a gap is smoothed: each side has
    three corrected cells of five codings or more then, so that every cell has others with twenty to lend.
    """
    if row.balance is None or row.model_balance is None:
        return None
    interval = None
    if None not in (row.low, row.high, row.variance, row.freedom):
        interval = Interval(row.low, row.high, row.variance, row.freedom, PRIOR_FREEDOM)  # type: ignore[arg-type]
    return Balance(row.balance, row.model_balance, row.codings, row.late, row.lam, interval)


def _point(start: str, one: Smoothed) -> Point:
    return [start, one.value, one.low, one.high, one.why]


def smoothed_rows(trends: Sequence[TrendCell], dyads: Iterable[tuple[str, str]], kind: Period) -> list[Row]:
    """The smoothed gaps of every dyad as rows of the store. Pure.

    trends: rows of the monitor's audit period, which is ``kind``. A point stands for every period in which both groups
    have a balance, oldest first. Periods are counted by the calendar, so that one without rows leaves a hole between
    its neighbours.
    """
    starts = {row.start for row in trends}
    spans = periods_covering(kind, min(starts), max(starts)) if starts else []
    number = {span.start: i for i, span in enumerate(spans)}
    cells = {(row.group_id, number[row.start]): made for row in trends if (made := balance_of(row)) is not None}
    points: dict[tuple[str, str], list[Point]] = {dyad: [] for dyad in dyads}
    for (a, b, at), one in sorted(smooth_gaps(cells, points).items(), key=lambda found: found[0]):
        points[a, b].append(_point(spans[at].start.isoformat(), one))
    return [{"a": a, "b": b, "period": kind, "points": own} for (a, b), own in points.items()]
