"""After the fact: the change points of a dyad, and what its alarms would have been worth."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

from sqlalchemy.orm import Session

from pipeline.measure.alarm.reference import standardise
from pipeline.measure.backtest import BackTest, Interval, Series, Watched, back_test
from pipeline.measure.change_points import ChangePoints, change_points, read_constants
from pipeline.measure.judging import group_series, lengths_of, unit_of
from pipeline.measure.replayed import NoReplayError, replayed
from pipeline.measure.state import NOT_ENOUGH, USABLE_NEEDED
from pipeline.measure.watching import NOTHING_EXPLAINED, watch_dyads
from pipeline.measure.watching import Watched as WatchedDyad
from pipeline.monitor import Event, Monitor, Period
from pipeline.monitor.periods import Span, period_of
from pipeline.store.alarms import alarms_of, kept_references
from pipeline.store.published import published_states, publishing_times
from pipeline.store.trends import trend_rows
from pipeline.store.watched import watched_dyad

IN_TIME = timedelta(days=21)
"""What was first computed later than this after its week was found in the past: an alarm then warned nobody, and nobody
was watching."""


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
    kept = kept_references(session, monitor.name)
    moved = {dyad: row.start for dyad, row in kept.items()}
    # as far as the alarms of the same measurement trust the model
    watched = [one for dyad in dyads if (one := watched_dyad(session, monitor.name, *dyad)) is not None]
    lam = next((one.lam for one in watched if one.lam is not None), None)
    if lam is None and any(one.impossible == NOTHING_EXPLAINED for one in watched):
        lam = 0.0
    return unit, spans, watch_dyads(unit, spans, groups, dyads, lam=lam, starts=moved, lengths=lengths_of(unit, kept))


def changes_of(
    session: Session, monitor: Monitor, kinds: Sequence[Period], a: str, b: str, *, today: date
) -> tuple[list[Span], ChangePoints]:
    """The change points of a dyad's series, and the periods their indices speak of.

    Raises LookingBackError where there is no reference, and where the series is outside what was simulated.
    """
    unit, spans, watched = watched_now(session, monitor, kinds, today)
    one = watched[a, b]
    if one.series is None or one.reference is None or one.autocorrelation is None:
        needed = one.length or USABLE_NEEDED[unit]
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
) -> BackTest:
    """What the alarms of a monitor's dyads were worth before the events.

    vintage: alarms that were computed within three weeks of the end of their week, and the weeks whose state was
    published within that time; see :func:`observed_periods`. No later decision or model changes either.
    replay: what `riftwatch replay` has made, see :mod:`pipeline.measure.replayed`.

    Raises LookingBackError where nothing was observed, no event's window was observed whole, or a kind is unknown; and
    where there is no whole replay.
    """
    try:
        again = replayed(session, monitor, kinds) if series == "replay" else None
    except NoReplayError as error:
        raise LookingBackError(str(error)) from None
    dyads = _as_published(session, monitor, kinds) if again is None else again.dyads
    if not dyads:
        why = (
            f": no state but {NOT_ENOUGH!r} was ever published within {IN_TIME.days} days of its period"
            if again is None
            else "".join(f"\n  {line}" for line in again.unwatched)
        )
        raise LookingBackError(
            f"no dyad of {monitor.name} was observed after a reference; nothing can be held against events{why}"
        )
    try:
        made = back_test(dyads, events, kinds=of_kinds, least_lead=least_lead, most_lead=most_lead, series=series)
    except ValueError as error:
        raise LookingBackError(str(error)) from None
    return made if again is None else replace(made, made_with=again.made_with, basis=tuple(again.basis))


def observed_periods(session: Session, monitor: str, period: Period) -> dict[str, list[Interval]]:
    """Dyad, as a--b, -> the weeks or months in which it was observed, by what was published at the time.

    A period was observed if the first state published after its end, and at most three weeks after, was another than
    "not enough evidence". Where the last figure of a running period did not change any more nothing was published
    after its end: it stands, if anything of the monitor was published in those weeks, so that it was measured then.
    Not observed are periods that were first measured later, and those of which nothing was published: neither group
    had a text.
    """
    days = sorted({time.date() for time in publishing_times(session, monitor)})
    said: dict[tuple[str, date, date], str | None] = {}
    final = set()
    for one in published_states(session, monitor, period):
        key, day = (one.dyad, one.start, one.end), one.as_of.date()
        if key in final or day - one.end > IN_TIME:
            continue
        said[key] = one.state
        if day >= one.end:
            final.add(key)
    made: dict[str, list[Interval]] = {}
    for (dyad, start, end), state in said.items():
        i = bisect_left(days, end)
        measured = i < len(days) and days[i] - end <= IN_TIME
        if measured and state is not None and state != NOT_ENOUGH:
            made.setdefault(dyad, []).append((start, end - timedelta(days=1)))
    return made


def _as_published(session: Session, monitor: Monitor, kinds: Sequence[Period]) -> list[Watched]:
    """The monitor's dyads as they were watched, by what was published and raised at the time."""
    unit = unit_of(kinds)
    if unit is None:
        raise LookingBackError(f"{monitor.name} has neither weeks nor months; add one to its periods")
    observed = observed_periods(session, monitor.name, unit)
    # while there were weeks alarms ran on them: the state of such a month was that of its last week
    weeks = observed_periods(session, monitor.name, "week") if unit == "month" else {}
    dyads = []
    for dyad in monitor.dyads:
        name = f"{dyad.a}--{dyad.b}"
        on_weeks = {day.replace(day=1) for week in weeks.get(name, []) for day in week}
        intervals = [one for one in observed.get(name, []) if one[0] not in on_weeks]
        # those of weeks and those of months are of different series
        stored = [row for row in alarms_of(session, monitor.name, dyad.a, dyad.b) if row.period == unit]
        # two that were found on one day warned once
        days = sorted({row.found_at.date() for row in stored if row.found_at.date() - row.end <= IN_TIME})
        if intervals:
            # an alarm comes when its period is over, and that of the day may not have been published
            intervals += [(day, day) for day in days]
            dyads.append(Watched(dyad.a, dyad.b, tuple(intervals), tuple(days)))
    return dyads
