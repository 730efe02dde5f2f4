"""Periods: weeks (ISO, Monday to Sunday), months, quarters and years, all in UTC."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta

from pipeline.monitor.fields import Period


@dataclass(frozen=True, order=True)
class Span:
    """One period."""

    start: date
    end: date
    """first day after the period"""
    kind: Period
    label: str
    """2024-W05, 2024-03, 2024-Q1 or 2024"""


def _first_of_month(year: int, month: int) -> date:
    """First day of a month; month 13 is January of the next year."""
    return date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1)


def period_of(kind: Period, day: date) -> Span:
    """The period of this kind that holds ``day``."""
    if kind == "week":
        start = day - timedelta(days=day.weekday())
        year, week, _ = start.isocalendar()
        return Span(start, start + timedelta(days=7), kind, f"{year}-W{week:02d}")
    if kind == "month":
        return Span(
            day.replace(day=1), _first_of_month(day.year, day.month + 1), kind, f"{day.year:04d}-{day.month:02d}"
        )
    if kind == "quarter":
        quarter = (day.month - 1) // 3
        start = date(day.year, 3 * quarter + 1, 1)
        return Span(start, _first_of_month(day.year, 3 * quarter + 4), kind, f"{day.year:04d}-Q{quarter + 1}")
    if kind == "year":
        return Span(date(day.year, 1, 1), date(day.year + 1, 1, 1), kind, f"{day.year:04d}")
    raise ValueError(f"unknown period {kind!r}; write week, month, quarter or year")


_LABEL = re.compile(r"(\d{4})(?:-(?:W(\d{2})|Q([1-4])|(\d{2})))?")


def span_of(label: str) -> Span:
    """The period of a label: 2024-W05, 2024-03, 2024-Q1 or 2024. Raises ValueError in words."""
    found = _LABEL.fullmatch(label)
    try:
        if found is None:
            raise ValueError
        year, week, quarter, month = (int(part) if part else 0 for part in found.groups())
        if week:
            return period_of("week", date.fromisocalendar(year, week, 1))
        if quarter:
            return period_of("quarter", date(year, 3 * quarter - 2, 1))
        return period_of("month", date(year, month, 1)) if month else period_of("year", date(year, 1, 1))
    except ValueError:
        raise ValueError(f"{label!r} is no period; write 2024-W05, 2024-03, 2024-Q1 or 2024") from None


def whole_periods(kind: Period, start: date, end: date) -> tuple[date, date]:
    """The days from ``start`` to before ``end``, widened to whole periods: (first day, first day after)."""
    return period_of(kind, start).start, period_of(kind, end - timedelta(days=1)).end


def periods_covering(kind: Period, first: date, last: date) -> list[Span]:
    """The periods of this kind that hold any day from ``first`` to ``last`` (both included), in order.

    The outer ones may reach past both days. None when ``last`` lies before ``first``.
    """
    periods = []
    while first <= last:
        periods.append(period_of(kind, first))
        first = periods[-1].end
    return periods
