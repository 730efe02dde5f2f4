"""What the overview shows of a monitor: read in a fixed number of queries, however many dyads and sources it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from pipeline.collect.trouble import Sources, sources_in_short
from pipeline.monitor import Dyad, Monitor
from pipeline.review import dyads
from pipeline.review.asked import names_of
from pipeline.review.news import News, alarm_said, news_of
from pipeline.store.newest import (
    Finds,
    cells_at,
    newest_alarms,
    newest_changes,
    newest_finds,
    newest_gaps,
    open_alarms,
)
from pipeline.store.runs import last_runs
from pipeline.store.tables import AlarmLook, GapCell, RaisedAlarm, Run, StateChange, TrendCell
from pipeline.store.watched import looks_of

SPARK_PERIODS = 24
RUNS_SHOWN = 6
NEWS_SHOWN = 8
NEWS_READ = 200
"""changes, alarms and runs that brought texts, each; what is older is no news on an overview"""
OPEN_READ = 1_000
"""open alarms; a dyad has at most one each way under one reference"""
DUE_SHOWN = 3


@dataclass(frozen=True)
class Card:
    """One dyad."""

    dyad: Dyad
    a: str
    b: str
    """names of its groups"""
    state: str
    reasons: list[str]
    changed_at: datetime | None
    """when the newest change of its state was computed"""
    alarm: RaisedAlarm | None
    """its open alarm"""
    look: AlarmLook | None
    """the newest look at what coders have said of that alarm"""
    gaps: list[GapCell]
    """of the audit period, oldest first"""
    known: GapCell | None
    """the newest of them with a value"""
    cells: tuple[TrendCell | None, TrendCell | None]
    """both sides of ``known``"""
    coded: frozenset[date]
    """first days of the periods it speaks of, ``known`` and the last corrected one, of which every text is coded"""

    @property
    def all_coded(self) -> bool:
        """Whether every text behind ``known`` is coded."""
        return self.known is not None and self.known.start in self.coded

    @property
    def reading(self) -> str:
        return dyads.reading(self.known, self.a, self.b, self.coded)

    @property
    def corrected(self) -> str | None:
        return dyads.last_corrected(self.gaps, self.a, self.b, self.coded)

    @property
    def texts(self) -> str:
        return dyads.texts_counted(*self.cells, self.a, self.b) if self.known else ""

    @property
    def later(self) -> str | None:
        """What is said of periods newer than the one shown: they have no gap."""
        newest = self.gaps[-1] if self.gaps else None
        return dyads.reading(newest, self.a, self.b) if newest is not None and newest is not self.known else None

    @property
    def alarm_said(self) -> str | None:
        return alarm_said(self.alarm, self.look) if self.alarm is not None else None


@dataclass(frozen=True)
class Overview:
    """One monitor."""

    monitor: Monitor
    cards: list[Card]
    news: list[News]
    finds: Finds
    """the newest runs that brought texts"""
    sources: Sources
    runs: list[Run]


def _spoken_of(gaps: Sequence[GapCell]) -> list[GapCell]:
    """The gaps a card says a sentence of with their interval: the newest known one, and the last corrected one."""
    return [gap for gap in (dyads.latest_with_value(gaps), dyads.latest_corrected(gaps)) if gap is not None]


def _card(
    monitor: Monitor,
    dyad: Dyad,
    gaps: Sequence[GapCell],
    cells: Mapping[tuple[str, date], TrendCell],
    changes: Mapping[tuple[str, str], StateChange],
    alarms: Mapping[tuple[str, str], RaisedAlarm],
    looks: Mapping[int, AlarmLook],
) -> Card:
    names = names_of(monitor)
    newest = gaps[-1] if gaps else None
    known = dyads.latest_with_value(gaps)
    pair = (dyad.a, dyad.b)
    change, alarm = changes.get(pair), alarms.get(pair)
    return Card(
        dyad=dyad,
        a=names[dyad.a],
        b=names[dyad.b],
        state=newest.state if newest else "not enough evidence",
        reasons=list(newest.flags) if newest else ["nothing is measured yet"],
        changed_at=change.as_of if change else None,
        alarm=alarm,
        look=looks.get(alarm.id) if alarm else None,
        gaps=list(gaps),
        known=known,
        cells=(cells.get((dyad.a, known.start)), cells.get((dyad.b, known.start))) if known else (None, None),
        coded=frozenset(
            gap.start
            for gap in _spoken_of(gaps)
            if dyads.all_coded(cells.get((dyad.a, gap.start)), cells.get((dyad.b, gap.start)))
        ),
    )


def overview_of(session: Session, monitor: Monitor, now: datetime) -> Overview:
    """All that the overview shows of a monitor."""
    name, kind = monitor.name, monitor.audit_period
    pairs = [(dyad.a, dyad.b) for dyad in monitor.dyads]
    gaps = newest_gaps(session, name, pairs, kind, SPARK_PERIODS) if pairs else {}
    places = [(group, gap.start) for pair, found in gaps.items() for gap in _spoken_of(found) for group in pair]
    cells = cells_at(session, name, kind, places)
    read = newest_changes(session, name, NEWS_READ)
    alarms = newest_alarms(session, name, NEWS_READ)
    # of several rows of a dyad the first is the newest
    changes = {(one.a, one.b): one for one in reversed(read)}
    still_open = {(one.a, one.b): one for one in reversed(open_alarms(session, name, OPEN_READ))}
    looks = looks_of(session, list({one.id for one in (*alarms, *still_open.values())}))
    return Overview(
        monitor=monitor,
        cards=[_card(monitor, d, gaps[d.a, d.b], cells, changes, still_open, looks) for d in monitor.dyads],
        news=news_of(read, alarms, looks, names_of(monitor), NEWS_SHOWN),
        finds=newest_finds(session, name, NEWS_READ),
        sources=sources_in_short(session, monitor, now),
        runs=last_runs(session, name, limit=RUNS_SHOWN),
    )
