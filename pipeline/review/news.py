"""What has happened to a monitor's dyads, as sentences with a time. Pure: rows in, words out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from itertools import groupby
from typing import Literal

from pipeline.monitor.periods import period_of
from pipeline.review.alarm_words import FALSE_ALARMS, stands_now
from pipeline.review.dyads import estimate, label_of
from pipeline.review.words import moment
from pipeline.store.newest import PublishedGap
from pipeline.store.tables import AlarmLook, GapCell, RaisedAlarm, StateChange


@dataclass(frozen=True)
class News:
    """One thing that happened to a dyad."""

    at: datetime
    """when it was first known here"""
    kind: Literal["state", "alarm", "confirmed"]
    a: str
    b: str
    pair: str
    """the names of its two groups"""
    said: str


@dataclass(frozen=True)
class Reading:
    """What a gap read until it was published otherwise."""

    at: datetime
    """when it was first published so"""
    said: str
    running: bool
    """it was published so only while the period was still running"""


@dataclass(frozen=True)
class NewGap:
    """A gap of a finished period that is news to those who last saw another reading of it, or none."""

    said: str
    """the period and what its gap reads now"""
    readings: list[Reading]
    """newest first; each reads otherwise than its neighbours"""

    @property
    def at(self) -> datetime:
        """When it was first published as it reads now."""
        return self.readings[0].at

    @property
    def listed(self) -> list[tuple[str, str, bool]]:
        """The readings for the page's script, which picks the one that its reader saw last."""
        return [(one.at.isoformat(timespec="milliseconds"), one.said, one.running) for one in self.readings]


def _label(period: str, day: date) -> str:
    return period_of(period, day).label  # type: ignore[arg-type]  # the column holds nothing else


def _pair(names: Mapping[str, str], row: StateChange | RaisedAlarm) -> str:
    return f"{names.get(row.a, row.a)} and {names.get(row.b, row.b)}"


def change_said(change: StateChange) -> str:
    """A change of state, or an alarm that left it as it was; without whose it is."""
    before = f"before: {change.previous}" if change.previous else "the first state it has"
    if change.previous == change.state:
        before = "as before; its alarms changed"
    return f"{change.state}, in {_label(change.period, change.start)} ({before})"


def alarm_said(alarm: RaisedAlarm, look: AlarmLook | None = None) -> str:
    """What an alarm says, and how it stands by the newest look at what coders said; without whose it is."""
    where = "up" if alarm.side > 0 else "down"
    since, raised = (_label(alarm.period, day) for day in (alarm.since, alarm.raised))
    when = f"in {raised}" if since == raised else f"from {since} to {raised}"
    if alarm.closed is not None and alarm.closed <= alarm.raised:
        return f"the model's gap went {where} {when}; taken back: {alarm.closed_why or 'no reason stored'}"
    now = stands_now(alarm, look) if alarm.closed is None else None
    if alarm.confirmed_at is not None and now == "no longer confirmed":
        stands = f"it was confirmed on {moment(alarm.confirmed_at)} and holds no more"
    elif alarm.confirmed_at is not None or now == "confirmed":
        stands = "coders have confirmed it"
    elif now == "not confirmed":
        stands = "not confirmed by what coders have said so far"
    elif alarm.queue_id is not None:
        stands = "not confirmed: its texts wait for coders"
    else:
        stands = "not confirmed: nothing is drawn for coders yet"
    ended = f"; closed {alarm.closed}" if alarm.closed is not None else ""
    return f"the model's gap went {where} {when}; {stands}{ended}"


def news_of(
    changes: Sequence[StateChange],
    alarms: Sequence[RaisedAlarm],
    looks: Mapping[int, AlarmLook],
    names: Mapping[str, str],
    limit: int,
) -> list[News]:
    """The newest ``limit`` things that happened, newest first. looks: of alarms. names: of groups."""
    told = [News(one.as_of, "state", one.a, one.b, _pair(names, one), change_said(one)) for one in changes]
    for alarm in alarms:
        whose = (alarm.a, alarm.b, _pair(names, alarm))
        told.append(News(alarm.found_at, "alarm", *whose, f"alarm: {alarm_said(alarm, looks.get(alarm.id))}"))
        if alarm.confirmed_at is not None:
            said = f"coders confirmed the alarm of {_label(alarm.period, alarm.raised)}"
            told.append(News(alarm.confirmed_at, "confirmed", *whose, said))
    return sorted(told, key=lambda one: one.at, reverse=True)[:limit]


def _gap_said(one: PublishedGap, *, whole: bool = False) -> str:
    return estimate(one.gap, one.low, one.high, whole=whole)


def _still_running(one: PublishedGap, end: date) -> bool:
    """Whether a figure was published while its period was still running."""
    return one.as_of.astimezone(UTC).date() < end


def readings_of(published: Sequence[PublishedGap], end: date) -> list[Reading]:
    """What a gap read, one reading after the other, newest first. published: newest first. end: of its period.

    Of what it read while the period was still running only the last is left: the one that later ones replaced. The
    newest stays whenever it was published, for it stands once the period has ended.
    """
    made = []
    for said, alike in groupby(published, key=_gap_said):
        same = list(alike)
        made.append(Reading(same[-1].as_of, said, running=_still_running(same[0], end)))
    older = made[1:]
    return made[:1] + [one for one in older if not one.running] + [one for one in older if one.running][:1]


def new_gap(
    gap: GapCell, published: Sequence[PublishedGap], *, whole: bool, recoded: bool, cut: bool = False
) -> NewGap | None:
    """What the gap of a finished period reads and what it read before; None: it is news to nobody.

    published: newest first. whole: every text behind the gap is coded. recoded: it may be news only where figures of
    other random codings were published since the period had ended. cut: older figures than these were left out; where
    all of these are younger than the end, those may rest on other codings; and what all of these say is older than
    they are.
    """
    readings = readings_of(published, gap.end)
    if not readings:
        return None
    if len(readings) == 1 and (recoded or cut or published[0].gap is None):
        return None
    final = [one for one in published if not _still_running(one, gap.end)]
    all_read = not cut or len(final) < len(published)
    if recoded and all_read and len({one.codings for one in final}) < 2:
        return None
    now = f"gap {_gap_said(published[0], whole=whole)}" if published[0].gap is not None else "no gap any more"
    return NewGap(f"{label_of(gap)}, {now}", readings)


def expected_false_alarms(dyads: int) -> float:
    """False alarms a year to be expected at most on a page of so many dyads, where nothing happens."""
    return dyads * FALSE_ALARMS
