"""After the fact: the change points of a dyad, and what its alarms would have been worth."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from pipeline.measure.alarm.reference import standardise
from pipeline.measure.backtest import BackTest, Series, Watched, back_test
from pipeline.measure.change_points import ChangePoints, change_points, read_constants
from pipeline.measure.judging import group_series, unit_of
from pipeline.measure.state import USABLE_NEEDED
from pipeline.measure.watching import Watched as WatchedDyad
from pipeline.measure.watching import watch_dyads
from pipeline.monitor import Event, Monitor, Period
from pipeline.monitor.periods import Span, period_of
from pipeline.store.alarms import alarms_of, first_published, kept_references
from pipeline.store.trends import trend_rows

IN_TIME = timedelta(days=21)
"""An alarm that was first computed later than this after its week was found in the past, and warned nobody."""


class LookingBackError(ValueError):
    """What can't be looked back at; says why and what to do."""


def watched_now(
    session: Session, monitor: Monitor, kinds: Sequence[Period], today: date
) -> tuple[Period, list[Span], dict[tuple[str, str], WatchedDyad]]:
    """Every dyad as the alarm sees it, from the trend table as it is. Raises LookingBackError without one."""
    unit = unit_of(kinds)
    if unit is None:
        raise LookingBackError(f"{monitor.name} has neither weeks nor months; add one to its periods")
    rows = [vars(row) for row in trend_rows(session, monitor.name, period=unit)]
    starts = sorted({row["start"] for row in rows if row["end"] <= today})
    if not starts:
        raise LookingBackError(f"no finished {unit} of {monitor.name} is measured; run `riftwatch measure` first")
    spans = [period_of(unit, start) for start in starts]
    audited = trend_rows(session, monitor.name, period=monitor.audit_period)
    # a cell that borrowed nothing says nothing of how far the model is trusted
    lams = sorted(r.lam for r in audited if r.lam is not None and r.freedom is not None and r.freedom > r.codings - 0.5)
    dyads = [(dyad.a, dyad.b) for dyad in monitor.dyads]
    groups = {group: group_series(rows, group, spans) for group in {side for dyad in dyads for side in dyad}}
    moved = {dyad: row.start for dyad, row in kept_references(session, monitor.name).items()}
    lam = lams[len(lams) // 2] if lams else None
    return unit, spans, watch_dyads(unit, spans, groups, dyads, lam=lam, starts=moved)


def changes_of(
    session: Session, monitor: Monitor, kinds: Sequence[Period], a: str, b: str, *, today: date
) -> tuple[list[Span], ChangePoints]:
    """The change points of a dyad's series, and the periods their indices speak of.

    Raises LookingBackError where there is no reference, and where the series is outside what was simulated.
    """
    unit, spans, watched = watched_now(session, monitor, kinds, today)
    one = watched[a, b]
    if one.series is None or one.reference is None or one.autocorrelation is None:
        needed = USABLE_NEEDED[unit]
        raise LookingBackError(one.impossible or f"no usable reference: {needed} {unit}s with texts of both are needed")
    first = one.reference.first
    z = standardise(one.series.m, one.series.v, one.reference)[first:]
    try:
        found = change_points(z, read_constants(), reference=one.reference.used, phi=one.autocorrelation)
    except ValueError as error:
        raise LookingBackError(str(error)) from None
    return spans[first:], found


def back_test_of(
    session: Session,
    monitor: Monitor,
    kinds: Sequence[Period],
    events: Sequence[Event],
    *,
    of_kinds: Sequence[str],
    least_lead: timedelta,
    most_lead: timedelta,
    series: Series,
    now: datetime,
) -> BackTest:
    """What the alarms of a monitor's dyads were worth before the events.

    vintage: alarms that were computed within three weeks of their week, observed since figures were first published.
    replay: all alarms that today's model raises on the texts of each time, observed since the references ended.

    Raises LookingBackError where nothing was observed, no event's window was observed whole, or a kind is unknown.
    """
    _, spans, watched = watched_now(session, monitor, kinds, now.date())
    since = first_published(session, monitor.name)
    dyads = []
    for (a, b), one in watched.items():
        if one.path is None or one.reference is None:
            continue
        begin = spans[one.reference.last].end
        if series == "replay":
            alarms = tuple(spans[alarm.at].end - timedelta(days=1) for alarm in one.path.alarms)
        else:
            if since is None:
                continue
            begin = max(begin, since.date())
            stored = [
                alarm
                for alarm in alarms_of(session, monitor.name, a, b)
                if alarm.found_at.date() - alarm.end <= IN_TIME
            ]
            alarms = tuple(alarm.found_at.date() for alarm in stored)
        if begin <= now.date():
            dyads.append(Watched(a, b, ((begin, now.date()),), tuple(d for d in alarms if begin <= d)))
    if not dyads:
        raise LookingBackError(
            f"no dyad of {monitor.name} was observed after a reference; nothing can be held against events"
        )
    try:
        return back_test(dyads, events, kinds=of_kinds, least_lead=least_lead, most_lead=most_lead, series=series)
    except ValueError as error:
        raise LookingBackError(str(error)) from None
