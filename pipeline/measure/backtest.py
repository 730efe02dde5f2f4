"""Would the alarms have warned? Alarms held against dated events that came after them.

An alarm counts for an event at T if it fell in the window [T - most lead, T - least lead]; days are inclusive. An alarm
that is in the window of no event is false. Beside the alarms stand three that know nothing: never, always, and as many
alarms thrown at random. Their figures are exact expectations, so nothing here is simulated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from statistics import median
from typing import Literal

from pipeline.monitor.model import Event

Series = Literal["vintage", "replay"]
Interval = tuple[date, date]
"""first and last day, both included"""

DAYS_A_YEAR = 365.25
MOST_NAMED = 5
"""Events of two groups that nobody watched, that are named one by one."""
DESCRIPTION = "Six or eight events support description, not inference."
SERIES = {
    "vintage": "vintage series: alarms as they were published on the day",
    "replay": "REPLAY: alarms made afterwards from texts of the time; coders knew what came later",
}


@dataclass(frozen=True)
class Watched:
    """A dyad as it was watched."""

    a: str
    b: str
    observed: tuple[Interval, ...]
    """when an alarm could have come; days in between are not judged"""
    alarms: tuple[date, ...] = ()
    """the day each alarm was raised"""


@dataclass(frozen=True)
class Judged:
    """One event and what came before it."""

    event: Event
    a: str
    b: str
    window: Interval
    alarms: tuple[date, ...]
    """in the window, in order"""

    @property
    def lead(self) -> int | None:
        """Days from the first alarm in the window to the event; None without one."""
        return (self.event.date - self.alarms[0]).days if self.alarms else None


@dataclass(frozen=True)
class Score:
    """What a way of raising alarms achieved, or can be expected to."""

    hit_rate: float
    """share of the events with an alarm in their window"""
    median_lead: float | None
    """days, over the events hit; None where none is"""
    false_per_dyad_year: float
    """alarms in no event's window, by years observed"""
    negatives_rate: float | None
    """share of the no-split events with an alarm in their window: lower is better; None without such events"""


@dataclass(frozen=True)
class BackTest:
    """Alarms beside the three that know nothing."""

    series: Series
    kinds: tuple[str, ...]
    least_lead: timedelta
    most_lead: timedelta
    events: tuple[Judged, ...]
    """of the chosen kinds, their whole window observed"""
    negatives: tuple[Judged, ...]
    """no-split events, their whole window observed"""
    unjudged: tuple[str, ...]
    """events left out, and why"""
    false_alarms: int
    alarms: int
    dyad_years: float
    ours: Score
    never: Score
    always: Score
    """an alarm on every observed day"""
    random: Score
    """as many alarms, each on any observed day of any dyad"""
    random_within: Score
    """as many alarms as each dyad had, each on any of its own days: knows which dyad is restless, not when"""
    made_with: str = ""
    """of a replay: how many models raised the alarms, and of how many codings"""
    basis: tuple[str, ...] = ()
    """of a replay: each model and its codings, and each dyad and its alarms, a line each"""

    @property
    def words(self) -> str:
        """The series, the figures and what they can't say."""
        hits = sum(bool(e.alarms) for e in self.events)
        lines = [
            " ".join(filter(None, [f"Back-test on a {SERIES[self.series]}.", self.made_with])),
            f"{hits} of {len(self.events)} events ({', '.join(self.kinds)}) had an alarm {self.least_lead.days} to "
            f"{self.most_lead.days} days before; {self.false_alarms} of {self.alarms} alarms were in no event's "
            f"window, in {self.dyad_years:.1f} dyad-years.",
        ]
        if self.negatives:
            alarmed = sum(bool(e.alarms) for e in self.negatives)
            lines.append(f"{alarmed} of {len(self.negatives)} no-split events had one too.")
        return " ".join([*lines, DESCRIPTION])


def merged(intervals: Iterable[Interval]) -> list[Interval]:
    """The same days as intervals that neither overlap nor touch, in order; ValueError where one ends too early."""
    whole: list[Interval] = []
    for first, last in sorted(intervals):
        if last < first:
            raise ValueError(f"observed from {first} to {last}: the end lies before the start")
        if whole and first <= whole[-1][1] + timedelta(days=1):
            whole[-1] = (whole[-1][0], max(last, whole[-1][1]))
        else:
            whole.append((first, last))
    return whole


def days_in(intervals: Iterable[Interval]) -> int:
    """How many days the (merged) intervals hold."""
    return sum((last - first).days + 1 for first, last in intervals)


def _holds(intervals: Iterable[Interval], day: date) -> bool:
    return any(first <= day <= last for first, last in intervals)


def _overlap(left: Sequence[Interval], right: Sequence[Interval]) -> int:
    """Days that two lists of merged intervals share."""
    return sum(max(0, (min(b, d) - max(a, c)).days + 1) for a, b in left for c, d in right)


@dataclass(frozen=True)
class _Side:
    """A dyad with its events."""

    a: str
    b: str
    observed: list[Interval]
    alarms: tuple[date, ...]
    windows: list[Interval]
    """of all its events of the chosen kinds, merged, judged or not"""
    judged: list[Judged]
    negatives: list[Judged]
    unjudged: list[str]

    @property
    def days(self) -> int:
        return days_in(self.observed)

    @property
    def outside(self) -> int:
        """Observed days in no event's window."""
        return self.days - _overlap(self.observed, self.windows)


def _concerns(event: Event, dyad: Watched) -> bool:
    return event.dyad is None or set(event.dyad) == {dyad.a, dyad.b}


def _of_nobody(dyads: Sequence[Watched], events: Sequence[Event], kinds: Sequence[str]) -> list[str]:
    """The events that would count and concern no watched dyad, as one of a mistyped group does.

    Those of two strangers stand in one line: a list of other people's ruptures has many.
    """
    known = {group for dyad in dyads for group in (dyad.a, dyad.b)}
    said: list[str] = []
    strangers: list[str] = []
    for event in sorted(events, key=lambda e: e.date):
        if event.dyad is None or event.kind not in {*kinds, "no-split"} or any(_concerns(event, d) for d in dyads):
            continue
        pair, unknown = "--".join(event.dyad), [group for group in event.dyad if group not in known]
        if len(unknown) == len(event.dyad):
            strangers.append(f"{event.date} of {pair}")
            continue
        of = f" (no watched dyad has {unknown[0]})" if unknown else ""
        said.append(f"{event.date} {event.kind} of {pair}: no dyad that was watched{of}")
    if strangers:
        more = f" and {len(strangers) - MOST_NAMED} more" if len(strangers) > MOST_NAMED else ""
        said.append(f"of groups that no watched dyad has: {', '.join(strangers[:MOST_NAMED])}{more}")
    return said


def _checked(dyads: Sequence[Watched]) -> None:
    seen: set[frozenset[str]] = set()
    for dyad in dyads:
        name = f"{dyad.a}--{dyad.b}"
        if (pair := frozenset((dyad.a, dyad.b))) in seen:
            raise ValueError(f"{name} stands twice (in either order); its years would count double")
        seen.add(pair)
        if len(set(dyad.alarms)) < len(dyad.alarms):
            raise ValueError(f"{name} has two alarms on one day; give each alarm once")
        observed = merged(dyad.observed)
        if lost := [day for day in dyad.alarms if not _holds(observed, day)]:
            raise ValueError(f"{name} has an alarm on {min(lost)}, when it was not observed; mend the intervals")


def _side(
    dyad: Watched, events: Sequence[Event], kinds: Sequence[str], least_lead: timedelta, most_lead: timedelta
) -> _Side:
    side = _Side(dyad.a, dyad.b, merged(dyad.observed), dyad.alarms, [], [], [], [])
    windows = []
    for event in sorted((e for e in events if _concerns(e, dyad)), key=lambda e: e.date):
        if event.kind not in kinds and event.kind != "no-split":
            continue
        window = (event.date - most_lead, event.date - least_lead)
        if event.kind != "no-split":
            windows.append(window)
        if _overlap(side.observed, [window]) < days_in([window]):
            side.unjudged.append(
                f"{event.date} {event.kind} of {dyad.a}--{dyad.b}: not observed on every day from "
                f"{window[0]} to {window[1]}"
            )
            continue
        alarms = tuple(sorted(day for day in dyad.alarms if window[0] <= day <= window[1]))
        found = Judged(event, dyad.a, dyad.b, window, alarms)
        (side.negatives if event.kind == "no-split" else side.judged).append(found)
    return replace(side, windows=merged(windows))


def _random_lead(events: Sequence[Judged], miss: Callable[[Judged, int], float], least: int, most: int) -> float | None:
    """Median lead, over the hits, of alarms thrown at random.

    ``miss(event, d)``: probability that d given days hold no alarm. The first alarm leads by ``lead`` days or more with
    1 - miss(most - lead + 1), as those are the window's first days.
    """
    hits = sum(1 - miss(e, most - least + 1) for e in events)
    if hits <= 0:
        return None
    for lead in range(most, least - 1, -1):
        if sum(1 - miss(e, most - lead + 1) for e in events) >= hits / 2:
            return float(lead)
    raise AssertionError("the last lead holds all hits")


def _thrown(
    events: Sequence[Judged],
    negatives: Sequence[Judged],
    miss: Callable[[Judged, int], float],
    false_per_dyad_year: float,
    leads: tuple[int, int],
) -> Score:
    """The expectation of alarms thrown at random."""
    window = leads[1] - leads[0] + 1

    def rate(those: Sequence[Judged]) -> float:
        return sum(1 - miss(e, window) for e in those) / len(those)

    return Score(
        rate(events), _random_lead(events, miss, *leads), false_per_dyad_year, rate(negatives) if negatives else None
    )


def back_test(
    dyads: Sequence[Watched],
    events: Sequence[Event],
    *,
    kinds: Sequence[str],
    least_lead: timedelta,
    most_lead: timedelta,
    series: Series,
) -> BackTest:
    """Hold alarms against events.

    dyads: who was watched and when, with the alarms; (a, b) and (b, a) are the same dyad.
    events: of any kind. One without dyad concerns all. Those of no watched dyad, and those of which a day of the window
    was not observed, are left out and named in ``unjudged``.
    kinds: which kinds are to be warned of, such as split, quarrel and rename; no-split events are always negatives.
    least_lead, most_lead: the window [T - most_lead, T - least_lead], whole days, 0 <= least <= most.
    series: what the alarms are from, as published (vintage) or made afterwards (replay). Carried and printed.

    An alarm in the window of an event that is left out is not false, for there was an event; nor is it a hit.
    False alarms are counted per year of all observed time. An alarm on the event's own day, or after it, is false
    unless least_lead is 0 or another event's window holds it.

    Random alarms are independent and uniform over the observed days, n of them over N days: a window of w days is hit
    with probability 1 - (1 - w/N)^n, and n x (days outside all windows)/N are false. Leads are those of the first alarm
    in the window; of the random ones, the median of that distribution over all hits.

    Raises ValueError where nothing is observed, no event can be judged, or the input can't be meant.
    """
    if "no-split" in kinds or not kinds:
        raise ValueError("name the kinds to be warned of; no-split events are the negatives and can't be among them")
    if not timedelta(0) <= least_lead <= most_lead or (least_lead % timedelta(days=1) or most_lead % timedelta(days=1)):
        raise ValueError("leads are whole days, and 0 <= least <= most")
    if series not in SERIES:
        raise ValueError(f"unknown series {series!r}; write {' or '.join(SERIES)}")
    _checked(dyads)
    sides = [_side(dyad, events, kinds, least_lead, most_lead) for dyad in dyads]
    judged = [e for side in sides for e in side.judged]
    negatives = [e for side in sides for e in side.negatives]
    unjudged = [why for side in sides for why in side.unjudged] + _of_nobody(dyads, events, kinds)
    days = sum(side.days for side in sides)
    if not days:
        raise ValueError("no dyad was observed on any day; nothing can be said")
    if not judged:
        raise ValueError(
            f"no event of the kinds {', '.join(kinds)} has a window that was observed whole; there is nothing to hold "
            "the alarms against" + "".join(f"\n  {why}" for why in unjudged)
        )
    years, n = days / DAYS_A_YEAR, sum(len(side.alarms) for side in sides)
    false = sum(not _holds(side.windows, day) for side in sides for day in side.alarms)
    outside = sum(side.outside for side in sides)
    of_dyad = {(side.a, side.b): side for side in sides}

    def miss_any(_: Judged, width: int) -> float:
        return float((1 - width / days) ** n)

    def miss_own(event: Judged, width: int) -> float:
        side = of_dyad[event.a, event.b]
        return float((1 - width / side.days) ** len(side.alarms))

    def share(those: Sequence[Judged]) -> float | None:
        return sum(bool(e.alarms) for e in those) / len(those) if those else None

    leads = (least_lead.days, most_lead.days)
    false_within = sum(len(side.alarms) * side.outside / side.days for side in sides if side.days)
    hit = [e.lead for e in judged if e.lead is not None]
    return BackTest(
        series=series,
        kinds=tuple(kinds),
        least_lead=least_lead,
        most_lead=most_lead,
        events=tuple(judged),
        negatives=tuple(negatives),
        unjudged=tuple(unjudged),
        false_alarms=false,
        alarms=n,
        dyad_years=years,
        ours=Score(len(hit) / len(judged), float(median(hit)) if hit else None, false / years, share(negatives)),
        never=Score(0.0, None, 0.0, 0.0 if negatives else None),
        always=Score(1.0, float(leads[1]), outside / years, 1.0 if negatives else None),
        random=_thrown(judged, negatives, miss_any, n * outside / days / years, leads),
        random_within=_thrown(judged, negatives, miss_own, false_within / years, leads),
    )
