"""Why a source gives nothing, or what it gives: its way, step by step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from pipeline.collect.health import facts
from pipeline.collect.kinds import PLACES
from pipeline.collect.probe import NAMES, WebSource, probe
from pipeline.collect.steps import Facts, Step, conclusion, monitor_step, store_steps
from pipeline.monitor import Monitor, TableSource, WarcSource
from pipeline.monitor.sources import Source
from pipeline.settings import Settings
from pipeline.store.places import PlaceState, places_of
from pipeline.store.session import open_session


@dataclass(frozen=True)
class Why:
    """A source's way, and where it ends."""

    monitor: str
    source: str
    asked: str | None
    """the place that was asked; null without the network"""
    steps: list[Step]
    conclusion: str


def explain(settings: Settings, monitor: Monitor, source_id: str, *, now: datetime, offline: bool = False) -> Why:
    """Explain a source. Makes a few polite requests to one of its places; ``offline``: none.

    KeyError for an unknown source.
    """
    source = monitor.source(source_id)
    with open_session(settings) as session:
        known = facts(session, monitor, source, now)
    asked = None
    steps: list[Step] = []
    if not offline and not isinstance(source, WarcSource | TableSource):
        asked = _place_to_ask(settings, monitor, source, now)
        if asked is not None:
            steps = probe(settings, monitor, source, asked)
        else:
            mend = "Add addresses to the source in the monitor's file."
            steps = [Step(NAMES[0], "trouble", "It has no place to ask.", mend)]
    return told(monitor, source, known, asked=asked, probed=steps)


def told(
    monitor: Monitor, source: Source, known: Facts, *, asked: str | None = None, probed: Sequence[Step] = ()
) -> Why:
    """A source's way from what the store knows, with the steps of asking one of its places, if it was asked."""
    steps = [monitor_step(monitor, source)]
    if isinstance(source, WarcSource | TableSource):
        steps.append(_files_step(source))
    steps += [*probed, *store_steps(monitor, source, known)]
    return Why(monitor.name, source.id, asked, steps, conclusion(steps))


def _files_step(source: WarcSource | TableSource) -> Step:
    paths = source.paths if isinstance(source, WarcSource) else [source.path]
    missing = [path for path in paths if not path.exists()]
    if missing:
        mend = "Put the file there, or mend its path (relative to the monitor's file)."
        return Step("files", "trouble", f"{missing[0]} is not there.", mend)
    return Step("files", "ok", f"{', '.join(map(str, paths))}: there.")


def _place_to_ask(settings: Settings, monitor: Monitor, source: WebSource, now: datetime) -> str | None:
    """A failing place before others: it is the one that has to be explained."""
    with open_session(settings) as session:
        known = places_of(session, monitor.name, source.id)
    named = _named(source, known, now)
    failing = [one.address for one in known if one.failure is not None and one.address in named]
    return next(iter([*failing, *named]), None)


def _named(source: WebSource, known: Sequence[PlaceState], now: datetime) -> list[str]:
    if (find := PLACES.get(source.kind)) is not None:
        return [one for one in find(source, known, now) if isinstance(one, str)]
    return [str(url) for url in source.addresses]
