"""How a source does: what the store knows of it, judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import Literal

from croniter import croniter
from sqlalchemy.orm import Session

from pipeline.collect.steps import Facts, is_local
from pipeline.collect.volume import HISTORY_DAYS, WATCHED_DAYS, Volume, volume, weekly
from pipeline.monitor import Monitor
from pipeline.monitor.sources import Source
from pipeline.store.daily import source_names, texts_in_short, texts_per_day
from pipeline.store.health import frontier_facts, text_facts
from pipeline.store.newest import newest_runs
from pipeline.store.places import PlacesInShort, places_in_short, places_known
from pipeline.store.runs import last_runs
from pipeline.store.tables import Run

State = Literal["ok", "slow", "failing", "silent", "never run"]


@dataclass(frozen=True)
class Line:
    """One source of a monitor, and how it does."""

    source: Source
    state: State
    run: Run | None
    """its last"""
    next_due: datetime | None
    """when its schedule lets it run again; null: by hand only"""
    places: PlacesInShort
    volume: Volume
    weeks: list[tuple[date, int]]
    """(first day, texts) of its last weeks, the oldest first; empty while nothing was collected"""

    @property
    def recent(self) -> int:
        """Texts of the last four weeks."""
        return sum(count for _, count in self.weeks[-4:])


LOOKED_BACK = timedelta(days=3 * 365 + HISTORY_DAYS)
"""texts older than this say nothing about what is usual; a source silent for so long is known to be"""
RUNS_SHOWN = 5


def day_looked_at(runs: Sequence[Run]) -> date | None:
    """The first day that no run has looked at whole; null while no run found anything.

    A run that failed at everything says nothing about the volume: the source is failing, not silent.
    """
    for run in runs:
        if run.new or run.known or run.updated or not run.failed:
            return run.started_at.astimezone(UTC).date()
    return None


def daily(session: Session, monitor: str, until: Mapping[str, date]) -> dict[str, dict[date, int]]:
    """Source -> its texts a day: by publication; by collection where most have no date.

    ``until``: source -> the first day that was not looked at whole. As far back as is told from: see WATCHED_DAYS.
    """
    names = source_names(session, monitor, until)
    short = texts_in_short(session, monitor, names, {source: (day - LOOKED_BACK, day) for source, day in until.items()})
    by_publication: dict[str, date] = {}
    by_collection: dict[str, date] = {}
    for source, day in until.items():
        is_dated = short[source].is_dated
        last = short[source].published if is_dated else short[source].collected
        since = day - LOOKED_BACK if last is None else max(day - LOOKED_BACK, last - timedelta(days=WATCHED_DAYS))
        (by_publication if is_dated else by_collection)[source] = since
    texts = texts_per_day(session, monitor, names, by_publication)
    for source, counts in texts_per_day(session, monitor, names, by_collection, collected=True).items():
        # all that the first run found is no flood
        texts[source] = {day: count for day, count in counts.items() if day != short[source].first_collected}
    return texts


def _outage(source: Source, until: date) -> bool:
    return any(one.start <= until and until - timedelta(days=1) <= one.end for one in source.outages)


def _judge(source: Source, texts: Mapping[date, int], until: date | None) -> Volume:
    """The volume of a source against its own history. Of files nothing is expected."""
    if until is None:
        return Volume("unknown", "No run that went well has looked at it yet.")
    if is_local(source) or source.kind == "wayback":
        return Volume("unknown", "It holds what it holds: no volume is expected of it.")
    if _outage(source, until):
        return Volume("unknown", "The monitor's file notes an outage now.")
    return volume(texts, until)


def finding(session: Session, monitor: str, source: Source, now: datetime) -> str | None:
    """What a run that has just looked at a source has to say of its volume; null where it is as usual.

    A place that fails is trouble of its own, and says nothing about the volume.
    """
    if is_local(source) or source.kind == "wayback" or _outage(source, now.date()):
        return None
    runs = last_runs(session, monitor, "collect", RUNS_SHOWN, source=source.id)
    key = (monitor, source.id)
    if places_in_short(session, {key: asked_since(runs)})[key].failing:
        return None
    found = volume(daily(session, monitor, {source.id: now.date()})[source.id], now.date())
    return f"volume: {found.said}" if found.is_finding else None


def next_due(source: Source, run: Run | None, now: datetime) -> datetime | None:
    """When the schedule lets a source run again: at once (``now``) where a turn was missed; null: by hand only."""
    if source.schedule is None:
        return None
    if run is None:
        return now
    return max(_turn(source.schedule, run.started_at), now)


@lru_cache(maxsize=4_096)  # a page asks it of every source again and again
def _turn(schedule: str, after: datetime) -> datetime:
    turn: datetime = croniter(schedule, after).get_next(datetime)
    return turn


def asked_since(runs: Sequence[Run]) -> datetime | None:
    """Failing places that were not asked since belong to the source no more: they were due for so many runs.

    Null while there are too few runs to tell.
    """
    return min(run.started_at for run in runs) if len(runs) >= RUNS_SHOWN else None


def line(session: Session, monitor: Monitor, source: Source, now: datetime) -> Line:
    """How one source does."""
    return _lines(session, monitor, [source], now)[0]


def overview(session: Session, monitor: Monitor, now: datetime) -> list[Line]:
    """How every source of a monitor does, in the order of its file."""
    return _lines(session, monitor, monitor.sources, now)


def _lines(session: Session, monitor: Monitor, sources: Sequence[Source], now: datetime) -> list[Line]:
    """How these sources do. The number of questions to the store does not depend on theirs."""
    runs = newest_runs(session, [(monitor.name, one.id) for one in sources], RUNS_SHOWN)
    places = places_in_short(session, {source: asked_since(those) for source, those in runs.items()})
    until = {source: day for (_, source), those in runs.items() if (day := day_looked_at(those)) is not None}
    texts = daily(session, monitor.name, until)
    made = []
    for source in sources:
        key = (monitor.name, source.id)
        newest, day, counts = runs[key], until.get(source.id), texts.get(source.id, {})
        found = _judge(source, counts, day)
        made.append(
            Line(
                source=source,
                state=state_of(places[key], newest, found),
                run=newest[0] if newest else None,
                next_due=next_due(source, newest[0] if newest else None, now),
                places=places[key],
                volume=found,
                weeks=weekly(counts, day) if day is not None and counts else [],
            )
        )
    return made


def facts(session: Session, monitor: Monitor, source: Source, now: datetime) -> Facts:
    """All that the steps of the store are made of."""
    runs = last_runs(session, monitor.name, "collect", RUNS_SHOWN, source=source.id)
    until = day_looked_at(runs)
    texts = daily(session, monitor.name, {source.id: until})[source.id] if until is not None else {}
    return Facts(
        places=places_known(session, monitor.name, source.id, now, asked_since(runs)),
        frontier=frontier_facts(session, monitor.name, source.id, now),
        texts=text_facts(session, monitor.name, source.id, monitor.since, monitor.until),
        runs=runs,
        volume=_judge(source, texts, until),
    )


def state_of(places: PlacesInShort, runs: Sequence[Run], volume: Volume) -> State:
    """A source in one word.

    failing: its last run was in vain, or all its places fail. silent: its volume fell to nothing. slow: some
    places fail, addresses failed, or texts are abnormally few.
    """
    if not runs:
        return "never run"
    newest = runs[0]
    vain = bool(newest.failed) and not (newest.new or newest.known or newest.updated)
    if vain or (places.total and places.failing == places.total):
        return "failing"
    if volume.state == "silent":
        return "silent"
    return "slow" if places.failing or volume.state == "low" else "ok"
