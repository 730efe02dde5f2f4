"""What the overview shows of a monitor: read in a fixed number of queries, however many dyads and sources it has."""

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


def _new_gaps(
    eyed: Sequence[GapCell],
    published: Mapping[tuple[str, str, date], Sequence[PublishedGap]],
    coded: frozenset[date],
) -> list[NewGap]:
    """Those of the gaps that are news to some reader, newest period first."""
    told = []
    for gap in reversed(eyed):
        vintages = published[gap.a, gap.b, gap.start]
        cut = len(vintages) >= VINTAGES_READ
        told.append(new_gap(gap, vintages, whole=gap.start in coded, recoded=gap is not eyed[-1], cut=cut))
    return [one for one in told if one is not None]


def _card(
    monitor: Monitor,
    dyad: Dyad,
    gaps: Sequence[GapCell],
    cells: Mapping[tuple[str, date], TrendCell],
    changes: Mapping[tuple[str, str], StateChange],
    alarms: Mapping[tuple[str, str], RaisedAlarm],
    looks: Mapping[int, AlarmLook],
    published: Mapping[tuple[str, str, date], Sequence[PublishedGap]],
    today: date,
) -> Card:
    names = names_of(monitor)
    newest = gaps[-1] if gaps else None
    known = dyads.latest_with_value(gaps)
    pair = (dyad.a, dyad.b)
    change, alarm = changes.get(pair), alarms.get(pair)
    coded = frozenset(
        gap.start
        for gap in _spoken_of(gaps, today)
        if dyads.all_coded(cells.get((dyad.a, gap.start)), cells.get((dyad.b, gap.start)))
    )
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
        coded=coded,
        new_gaps=_new_gaps(_may_be_new(gaps, today), published, coded),
    )


def overview_of(session: Session, monitor: Monitor, now: datetime) -> Overview:
    """All that the overview shows of a monitor."""
    name, kind = monitor.name, monitor.audit_period
    pairs = [(dyad.a, dyad.b) for dyad in monitor.dyads]
    gaps = newest_gaps(session, name, pairs, kind, SPARK_PERIODS) if pairs else {}
    today = now.astimezone(UTC).date()
    places = [(group, gap.start) for pair, found in gaps.items() for gap in _spoken_of(found, today) for group in pair]
    cells = cells_at(session, name, kind, places)
    eyed = [(*pair, gap.start) for pair, found in gaps.items() for gap in _may_be_new(found, today)]
    published = newest_published_gaps(session, name, kind, eyed, VINTAGES_READ)
    read = newest_changes(session, name, NEWS_READ)
    alarms = newest_alarms(session, name, NEWS_READ)
    # of several rows of a dyad the first is the newest
    changes = {(one.a, one.b): one for one in reversed(read)}
    still_open = {(one.a, one.b): one for one in reversed(open_alarms(session, name, OPEN_READ))}
    looks = looks_of(session, list({one.id for one in (*alarms, *still_open.values())}))
    return Overview(
        monitor=monitor,
        cards=[
            _card(monitor, d, gaps[d.a, d.b], cells, changes, still_open, looks, published, today)
            for d in monitor.dyads
        ],
        news=news_of(read, alarms, looks, names_of(monitor), NEWS_SHOWN),
        finds=newest_finds(session, name, NEWS_READ),
        sources=sources_in_short(session, monitor, now),
        runs=last_runs(session, name, limit=RUNS_SHOWN),
    )
