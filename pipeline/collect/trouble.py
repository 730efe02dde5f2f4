"""Which sources of a monitor are in trouble, and which is due next: told from a few rows a source.

It judges as :mod:`pipeline.collect.health` does, but takes the volume from what the source's last run said of it. So
it reads no text, and a page of many monitors can ask for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from pipeline.collect.health import RUNS_SHOWN, State, asked_since, next_due, state_of
from pipeline.collect.volume import Volume, state_said
from pipeline.monitor import Monitor
from pipeline.monitor.sources import Source
from pipeline.store.newest import newest_runs
from pipeline.store.places import PlacesInShort, places_in_short
from pipeline.store.tables import Run

_VOLUME = "volume: "
"""how a run's problem begins that is a finding on the volume"""


@dataclass(frozen=True)
class Trouble:
    """A source that needs somebody."""

    source: Source
    state: State
    said: str
    """why, in a sentence"""


@dataclass(frozen=True)
class Due:
    """When a source is due."""

    source: Source
    at: datetime


@dataclass(frozen=True)
class Sources:
    """How the sources of a monitor do, in short."""

    total: int
    troubles: list[Trouble]
    """in the order of the monitor's file"""
    due: list[Due]
    """the next first; those that are run by hand only are left out"""


def _volume(runs: Sequence[Run]) -> Volume:
    for problem in runs[0].problems if runs else ():
        if str(problem).startswith(_VOLUME):
            said = str(problem).removeprefix(_VOLUME)
            return Volume(state_said(said), said)
    return Volume("unknown", "")


def _why(state: State, places: PlacesInShort, runs: Sequence[Run], volume: Volume) -> str:
    if state == "failing" and not places.failing:
        return runs[0].sentence
    if places.failing and volume.state != "silent":
        one = places.some[0]
        more = f", and {places.failing - 1:,} more" if places.failing > 1 else ""
        return f"{one.address}: {one.reason or one.failure} ({one.failures} in a row){more}"
    return volume.said


def trouble_of(source: Source, places: PlacesInShort, runs: Sequence[Run]) -> Trouble | None:
    """What is wrong with a source; null where nothing is, or where it never ran. ``runs``: newest first."""
    volume = _volume(runs)
    state = state_of(places, runs, volume)
    if state in {"ok", "never run"}:
        return None
    return Trouble(source, state, _why(state, places, runs, volume))


def _in_short(
    monitor: Monitor,
    runs: Mapping[tuple[str, str], Sequence[Run]],
    places: Mapping[tuple[str, str], PlacesInShort],
    now: datetime,
) -> Sources:
    """How a monitor's sources do. runs, places: of (monitor, source)."""
    troubles, due = [], []
    for source in monitor.sources:
        key = (monitor.name, source.id)
        if (trouble := trouble_of(source, places[key], runs[key])) is not None:
            troubles.append(trouble)
        if (at := next_due(source, runs[key][0] if runs[key] else None, now)) is not None:
            due.append(Due(source, at))
    return Sources(len(monitor.sources), troubles, sorted(due, key=lambda one: one.at))


def sources_in_short(session: Session, monitors: Sequence[Monitor], now: datetime) -> dict[str, Sources]:
    """Monitor -> how its sources do, in two queries whatever their number."""
    runs = newest_runs(session, [(one.name, source.id) for one in monitors for source in one.sources], RUNS_SHOWN)
    places = places_in_short(session, {source: asked_since(those) for source, those in runs.items()})
    return {one.name: _in_short(one, runs, places, now) for one in monitors}
