"""What the overview shows of monitors: twelve queries, however many monitors, dyads and sources there are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy.orm import Session

from pipeline.collect.trouble import Sources, sources_in_short
from pipeline.monitor import Dyad, Monitor
from pipeline.review import dyads
from pipeline.review.asked import names_of
from pipeline.review.news import NewGap, News, alarm_said, new_gap, news_of
from pipeline.store.newest import (
    Finds,
    PublishedGap,
    cells_at,
    newest_alarms,
    newest_changes,
    newest_finds,
    newest_gaps,
    newest_published_gaps,
    newest_report_lines,
    open_alarms,
)
from pipeline.store.tables import AlarmLook, GapCell, RaisedAlarm, Run, StateChange, TrendCell
from pipeline.store.watched import looks_of

SPARK_PERIODS = 24
RUNS_SHOWN = 6
NEWS_SHOWN = 8
NEWS_READ = 200
"""changes, alarms and runs that brought texts, each, of a monitor; what is older is no news on an overview"""
OPEN_READ = 1_000
"""open alarms of a monitor; a dyad has at most one each way under one reference"""
DUE_SHOWN = 3
GAPS_TOLD = 3
"""finished periods of a dyad whose gap may be news"""
VINTAGES_READ = 20
"""published figures of each such gap, and so readings at most; what all of them say is no news"""


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
    """first days of the periods it speaks of of which every text is coded"""
    new_gaps: list[NewGap]
    """of finished periods, newest period first; which reading its reader saw last is known to the browser alone"""

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


def _may_be_new(gaps: Sequence[GapCell], today: date) -> list[GapCell]:
    """The gaps that are looked at for news: of the last finished period, and the corrected ones before it."""
    finished = [gap for gap in gaps if gap.end <= today][-GAPS_TOLD:]
    return [gap for gap in finished if gap is finished[-1] or gap.estimator == "corrected"]


def _spoken_of(gaps: Sequence[GapCell], today: date) -> list[GapCell]:
    """The gaps a card says with their interval: the newest known, the last corrected, and those that may be new."""
    known = (dyads.latest_with_value(gaps), dyads.latest_corrected(gaps))
    return [*(gap for gap in known if gap is not None), *_may_be_new(gaps, today)]


@dataclass(frozen=True)
class _Read:
    """What was read of all monitors."""

    gaps: Mapping[tuple[str, str, str, str], Sequence[GapCell]]
    cells: Mapping[tuple[str, str, str, date], TrendCell]
    published: Mapping[tuple[str, str, str, str, date], Sequence[PublishedGap]]
    """of those that may be new"""
    changes: Mapping[str, Sequence[StateChange]]
    alarms: Mapping[str, Sequence[RaisedAlarm]]
    still_open: Mapping[str, Sequence[RaisedAlarm]]
    looks: Mapping[int, AlarmLook]
    finds: Mapping[str, Finds]
    sources: Mapping[str, Sources]
    runs: Mapping[str, list[Run]]


def _read(session: Session, monitors: Sequence[Monitor], now: datetime, today: date) -> _Read:
    names = [monitor.name for monitor in monitors]
    pairs = [(one.name, one.audit_period, dyad.a, dyad.b) for one in monitors for dyad in one.dyads]
    gaps = newest_gaps(session, pairs, SPARK_PERIODS)
    places = [
        (monitor, kind, group, gap.start)
        for (monitor, kind, *pair), found in gaps.items()
        for gap in _spoken_of(found, today)
        for group in pair
    ]
    eyed = [(*dyad, gap.start) for dyad, found in gaps.items() for gap in _may_be_new(found, today)]
    alarms, still_open = newest_alarms(session, names, NEWS_READ), open_alarms(session, names, OPEN_READ)
    told = {one.id for name in names for one in (*alarms[name], *still_open[name])}
    return _Read(
        gaps=gaps,
        cells=cells_at(session, places),
        published=newest_published_gaps(session, eyed, VINTAGES_READ),
        changes=newest_changes(session, names, NEWS_READ),
        alarms=alarms,
        still_open=still_open,
        looks=looks_of(session, told),
        finds=newest_finds(session, names, NEWS_READ),
        sources=sources_in_short(session, monitors, now),
        runs=newest_report_lines(session, names, RUNS_SHOWN),
    )


def _new_gaps(
    eyed: Sequence[GapCell],
    published: Mapping[tuple[str, str, str, str, date], Sequence[PublishedGap]],
    coded: frozenset[date],
) -> list[NewGap]:
    """Those of the gaps that are news to some reader, newest period first."""
    told = []
    for gap in reversed(eyed):
        vintages = published[gap.monitor, gap.period, gap.a, gap.b, gap.start]
        cut = len(vintages) >= VINTAGES_READ
        told.append(new_gap(gap, vintages, whole=gap.start in coded, recoded=gap is not eyed[-1], cut=cut))
    return [one for one in told if one is not None]


def _card(
    monitor: Monitor,
    dyad: Dyad,
    read: _Read,
    changes: Mapping[tuple[str, str], StateChange],
    alarms: Mapping[tuple[str, str], RaisedAlarm],
    today: date,
) -> Card:
    """A dyad's card. changes, alarms: the newest of each dyad of the monitor."""
    names = names_of(monitor)
    gaps = read.gaps[monitor.name, monitor.audit_period, dyad.a, dyad.b]
    newest = gaps[-1] if gaps else None
    known = dyads.latest_with_value(gaps)
    pair = (dyad.a, dyad.b)
    change, alarm = changes.get(pair), alarms.get(pair)

    def cells(start: date) -> tuple[TrendCell | None, TrendCell | None]:
        a, b = (read.cells.get((monitor.name, monitor.audit_period, group, start)) for group in pair)
        return a, b

    coded = frozenset(gap.start for gap in _spoken_of(gaps, today) if dyads.all_coded(*cells(gap.start)))
    return Card(
        dyad=dyad,
        a=names[dyad.a],
        b=names[dyad.b],
        state=newest.state if newest else "not enough evidence",
        reasons=list(newest.flags) if newest else ["nothing is measured yet"],
        changed_at=change.as_of if change else None,
        alarm=alarm,
        look=read.looks.get(alarm.id) if alarm else None,
        gaps=list(gaps),
        known=known,
        cells=cells(known.start) if known else (None, None),
        coded=coded,
        new_gaps=_new_gaps(_may_be_new(gaps, today), read.published, coded),
    )


def _overview(monitor: Monitor, read: _Read, today: date) -> Overview:
    name = monitor.name
    # of several rows of a dyad the first is the newest
    changes = {(one.a, one.b): one for one in reversed(read.changes[name])}
    alarms = {(one.a, one.b): one for one in reversed(read.still_open[name])}
    return Overview(
        monitor=monitor,
        cards=[_card(monitor, dyad, read, changes, alarms, today) for dyad in monitor.dyads],
        news=news_of(read.changes[name], read.alarms[name], read.looks, names_of(monitor), NEWS_SHOWN),
        finds=read.finds[name],
        sources=read.sources[name],
        runs=read.runs[name],
    )


def overviews_of(session: Session, monitors: Sequence[Monitor], now: datetime) -> list[Overview]:
    """All that the overview shows of these monitors, in their order."""
    today = now.astimezone(UTC).date()
    read = _read(session, monitors, now, today)
    return [_overview(monitor, read, today) for monitor in monitors]
