"""Of which time the tables speak, and of which something is known."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime

from pipeline.measure.missing import IMPORTED, Coverage
from pipeline.monitor import PERIODS, Monitor, Period


def measured_periods(monitor: Monitor) -> list[Period]:
    """The period kinds of a monitor's tables, short to long; the audit period is always among them."""
    return [kind for kind in PERIODS if kind in monitor.periods or kind == monitor.audit_period]


def measured_days(monitor: Monitor, first_text: date | None, today: date) -> tuple[date, date] | None:
    """First and last day the tables speak of; None when there is nothing to speak of."""
    first, last = monitor.since or first_text, min(monitor.until or today, today)
    return None if first is None or last < first else (first, last)


def coverage_of(
    monitor: Monitor,
    group: str,
    collected: Mapping[str, datetime],
    first_text: date | None,
    last_text: Mapping[str, date],
) -> Coverage:
    """Of which time something is known of a group.

    first_text: day of its earliest text. last_text: source -> day of its latest text; asked of imports only.
    """
    sources = monitor.sources_of(group)
    # a table may name its sources itself: its rows then carry names the monitor does not list
    listed = {s.id for s in monitor.sources}
    within_tables = max((day for name, day in last_text.items() if name not in listed), default=None)
    known: dict[str, date | None] = {}
    for source in sources:
        if source.kind in IMPORTED:
            known[source.id] = last_text.get(source.id, within_tables)
        elif source.id in collected:
            known[source.id] = collected[source.id].date()
    return Coverage(sources, first_text, {name: day for name, day in known.items() if day})
