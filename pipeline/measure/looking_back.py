"""After the fact: the change points of a dyad, and what its alarms would have been worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

from sqlalchemy.orm import Session

from pipeline.measure.alarm.reference import standardise
from pipeline.measure.backtest import BackTest, Series, Watched, back_test
from pipeline.measure.change_points import ChangePoints, change_points, read_constants
from pipeline.measure.judging import group_series, unit_of
from pipeline.measure.replayed import NoReplayError, replayed
from pipeline.measure.state import USABLE_NEEDED
from pipeline.measure.watching import NOTHING_EXPLAINED, watch_dyads
from pipeline.measure.watching import Watched as WatchedDyad
from pipeline.monitor import Event, Monitor, Period
from pipeline.monitor.periods import Span, period_of
from pipeline.store.alarms import alarms_of, first_published, kept_references
from pipeline.store.trends import trend_rows
from pipeline.store.watched import watched_dyad

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
    dyads = [(dyad.a, dyad.b) for dyad in monitor.dyads]
    groups = {group: group_series(rows, group, spans) for group in {side for dyad in dyads for side in dyad}}
    moved = {dyad: row.start for dyad, row in kept_references(session, monitor.name).items()}
    # as far as the alarms of the same measurement trust the model
    watched = [one for dyad in dyads if (one := watched_dyad(session, monitor.name, *dyad)) is not None]
    lam = next((one.lam for one in watched if one.lam is not None), None)
    if lam is None and any(one.impossible == NOTHING_EXPLAINED for one in watched):
        lam = 0.0
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
    replay: what `riftwatch replay` has made, see :mod:`pipeline.measure.replayed`.

    Raises LookingBackError where nothing was observed, no event's window was observed whole, or a kind is unknown; and
    where there is no whole replay.
    """
    try:
        again = replayed(session, monitor, kinds) if series == "replay" else None
    except NoReplayError as error:
        raise LookingBackError(str(error)) from None
    dyads = _as_published(session, monitor, kinds, now.date()) if again is None else again.dyads
    if not dyads:
        why = "".join(f"\n  {line}" for line in again.unwatched) if again is not None else ""
        raise LookingBackError(
            f"no dyad of {monitor.name} was observed after a reference; nothing can be held against events{why}"
        )
    try:
        made = back_test(dyads, events, kinds=of_kinds, least_lead=least_lead, most_lead=most_lead, series=series)
    except ValueError as error:
        raise LookingBackError(str(error)) from None
    return made if again is None else replace(made, made_with=again.made_with, basis=tuple(again.basis))


def _as_published(session: Session, monitor: Monitor, kinds: Sequence[Period], today: date) -> list[Watched]:
    """The dyads as they were watched since figures were first published."""
    unit, spans, watched = watched_now(session, monitor, kinds, today)
    since = first_published(session, monitor.name)
    dyads = []
    for (a, b), one in watched.items():
        if since is None or one.path is None or one.reference is None:
            continue
        begin = max(spans[one.reference.last].end, since.date())
        # those of weeks and those of months are of different series
        stored = [row for row in alarms_of(session, monitor.name, a, b) if row.period == unit]
        # two that were found on one day warned once
        days = sorted({row.found_at.date() for row in stored if row.found_at.date() - row.end <= IN_TIME})
        if begin <= today:
            dyads.append(Watched(a, b, ((begin, today),), tuple(day for day in days if begin <= day)))
    return dyads
