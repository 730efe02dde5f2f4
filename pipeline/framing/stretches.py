"""The stretches of a replay: when a new model would have been trained, and which weeks it would have scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from pipeline.monitor import Monitor, Period
from pipeline.monitor.periods import Span, periods_covering

UNITS: Sequence[Period] = ("week", "month")
"""what an alarm can run on, the first that a monitor has"""
CHOICES: Sequence[Period] = ("month", "quarter", "year")
"""how often a model may be trained anew"""


@dataclass(frozen=True)
class Stretch:
    """Whole weeks or months that one model watches."""

    start: date
    """first day; the model knows only texts dated before it"""
    end: date
    """first day after it"""


def alarm_unit(monitor: Monitor) -> Period | None:
    """The period the monitor's alarms run on: weeks where it has them, else months; None without either."""
    return next((unit for unit in UNITS if unit in {*monitor.periods, monitor.audit_period}), None)


def usual(monitor: Monitor) -> Period:
    """How often a model is trained anew unless somebody says otherwise: every audit period, but not every week."""
    return monitor.audit_period if monitor.audit_period in CHOICES else CHOICES[0]


def finished(unit: Period, first: date, last: date, today: date) -> list[Span]:
    """The weeks or months from the one that holds ``first`` to the one that holds ``last``, as far as they are over."""
    return [span for span in periods_covering(unit, first, last) if span.end <= today]


def stretches(units: Sequence[Span], every: Period) -> list[Stretch]:
    """The stretches of a time. Pure.

    units: its finished weeks or months, in order. every: month, quarter or year. A stretch begins with the first whole
    unit of each such period, since half a week could not be watched by one model. The first period has no stretch:
    nothing is dated before it that a model could learn from.

    Raises ValueError for another ``every``.
    """
    if every not in CHOICES:
        raise ValueError(f"a model can't be trained anew every {every}; write {', '.join(CHOICES)}")
    if not units:
        return []
    starts: list[date] = []
    for period in periods_covering(every, units[0].start, units[-1].start):
        begin = next((unit.start for unit in units if unit.start >= period.start), None)
        if begin is not None and begin > units[0].start and begin not in starts:
            starts.append(begin)
    return [Stretch(start, end) for start, end in pairwise([*starts, units[-1].end])]
