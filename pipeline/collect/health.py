"""How a source does: what the store knows of it, judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Literal

from croniter import croniter
from sqlalchemy.orm import Session

from pipeline.collect.steps import Facts, is_local
from pipeline.collect.volume import HISTORY_DAYS, Volume, volume, weekly
from pipeline.monitor import Monitor
from pipeline.monitor.sources import Source
from pipeline.store.health import frontier_facts, text_facts, texts_per_day
from pipeline.store.places import PlaceState, places_of
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
    places: list[PlaceState]
    volume: Volume
    weeks: list[tuple[date, int]]
    """(first day, texts) of its last weeks, the oldest first; empty while nothing was collected"""

    @property
    def failing(self) -> list[PlaceState]:
        return [one for one in self.places if one.failure is not None]

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


def daily(session: Session, monitor: str, source: str, since: date) -> dict[date, int]:
    """Texts a day: by publication; by collection where most have no date."""
    published = texts_per_day(session, monitor, source, since)
    collected = texts_per_day(session, monitor, source, since, collected=True)
    if 2 * sum(published.values()) >= sum(collected.values()):
        return published
    # all that the first run found is no flood
    begin = min(collected)
    return {day: count for day, count in collected.items() if day > begin}


def _outage(source: Source, until: date) -> bool:
    return any(one.start <= until and until - timedelta(days=1) <= one.end for one in source.outages)


def _look_at(session: Session, monitor: str, source: Source, runs: Sequence[Run]) -> tuple[Volume, dict[date, int]]:
    """The volume of a source against its own history, and its texts a day. Of files nothing is expected."""
    until = day_looked_at(runs)
    if until is None:
        return Volume("unknown", "No run that went well has looked at it yet."), {}
    texts = daily(session, monitor, source.id, until - LOOKED_BACK)
    if is_local(source) or source.kind == "wayback":
        return Volume("unknown", "It holds what it holds: no volume is expected of it."), texts
    if _outage(source, until):
        return Volume("unknown", "The monitor's file notes an outage now."), texts
    return volume(texts, until), texts


def judged(session: Session, monitor: str, source: Source, runs: Sequence[Run]) -> Volume:
    """The volume of a source against its own history, up to its last run that saw anything."""
    return _look_at(session, monitor, source, runs)[0]


def finding(session: Session, monitor: str, source: Source, now: datetime) -> str | None:
    """What a run that has just looked at a source has to say of its volume; null where it is as usual.

    A place that fails is trouble of its own, and says nothing about the volume.
    """
    if is_local(source) or source.kind == "wayback" or _outage(source, now.date()):
        return None
    runs = last_runs(session, monitor, "collect", RUNS_SHOWN, source=source.id)
    if any(one.failure is not None for one in still_asked(places_of(session, monitor, source.id), runs)):
        return None
    found = volume(daily(session, monitor, source.id, now.date() - LOOKED_BACK), now.date())
    return f"volume: {found.said}" if found.is_finding else None


def next_due(source: Source, run: Run | None, now: datetime) -> datetime | None:
    """When the schedule lets a source run again: at once (``now``) where a turn was missed; null: by hand only."""
    if source.schedule is None:
        return None
    if run is None:
        return now
    turn: datetime = croniter(source.schedule, run.started_at).get_next(datetime)
    return max(turn, now)


def still_asked(places: Sequence[PlaceState], runs: Sequence[Run]) -> list[PlaceState]:
    """Without the failing places that belong to the source no more: due for so many runs, and asked by none of them.

    The monitor's file, an index or a home page named them once.
    """
    if len(runs) < RUNS_SHOWN:
        return list(places)
    since = min(run.started_at for run in runs)

    def forgotten(place: PlaceState) -> bool:
        asked = place.checked_at is not None and place.checked_at >= since
        waits = place.not_before is not None and place.not_before >= since
        return place.failure is not None and not asked and not waits

    return [place for place in places if not forgotten(place)]


def line(session: Session, monitor: Monitor, source: Source, now: datetime) -> Line:
    """How one source does."""
    runs = last_runs(session, monitor.name, "collect", RUNS_SHOWN, source=source.id)
    places = still_asked(places_of(session, monitor.name, source.id), runs)
    found, texts = _look_at(session, monitor.name, source, runs)
    until = day_looked_at(runs)
    return Line(
        source=source,
        state=state_of(places, runs, found),
        run=runs[0] if runs else None,
        next_due=next_due(source, runs[0] if runs else None, now),
        places=places,
        volume=found,
        weeks=weekly(texts, until) if until is not None and texts else [],
    )


def overview(session: Session, monitor: Monitor, now: datetime) -> list[Line]:
    """How every source of a monitor does, in the order of its file."""
    return [line(session, monitor, source, now) for source in monitor.sources]


def facts(session: Session, monitor: Monitor, source: Source, now: datetime) -> Facts:
    """All that the steps of the store are made of."""
    runs = last_runs(session, monitor.name, "collect", RUNS_SHOWN, source=source.id)
    return Facts(
        places=still_asked(places_of(session, monitor.name, source.id), runs),
        frontier=frontier_facts(session, monitor.name, source.id, now),
        texts=text_facts(session, monitor.name, source.id, monitor.since, monitor.until),
        runs=runs,
        volume=judged(session, monitor.name, source, runs),
    )


def state_of(places: Sequence[PlaceState], runs: Sequence[Run], volume: Volume) -> State:
    """A source in one word.

    failing: its last run was in vain, or all its places fail. silent: its volume fell to nothing. slow: some
    places fail, addresses failed, or texts are abnormally few.
    """
    if not runs:
        return "never run"
    newest = runs[0]
    failing = [one for one in places if one.failure is not None]
    vain = bool(newest.failed) and not (newest.new or newest.known or newest.updated)
    if vain or (places and len(failing) == len(places)):
        return "failing"
    if volume.state == "silent":
        return "silent"
    return "slow" if failing or volume.state == "low" else "ok"
