"""From trend rows to the states of the dyads: alarms are written down, confirmations read, every period judged."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import Any, Protocol, TypeVar

import numpy as np
from sqlalchemy.orm import Session

from classifiers.codebook import codebook_of
from pipeline.measure.alarm.cusum import Alarm
from pipeline.measure.alarm_log import QUIET_AGAIN, Known, compare, left_behind, moved_on
from pipeline.measure.balance import Borrowed
from pipeline.measure.confirming import Answer, confirmed_so_far
from pipeline.measure.rise import Direction, criticism_of, directions_of
from pipeline.measure.series import GroupSeries
from pipeline.measure.state import NOT_ENOUGH, STEADY, USABLE_NEEDED, OpenAlarm, State, decide
from pipeline.measure.watching import DyadKey, Watched, watch_dyads
from pipeline.monitor import Monitor, Period
from pipeline.monitor.periods import Span, period_of
from pipeline.store.alarms import add_alarm, alarms_of, keep_reference, kept_references
from pipeline.store.cells import VARIABLE
from pipeline.store.states import add_change, newest_states
from pipeline.store.tables import KeptReference, Model, RaisedAlarm

Row = dict[str, Any]
StateKey = tuple[str, str, Period, date]
"""a, b, period kind, first day"""


def unit_of(kinds: Sequence[Period]) -> Period | None:
    """The period alarms run on: weeks, where the monitor has them, else months."""
    return next((kind for kind in USABLE_NEEDED if kind in kinds), None)


def lengths_of(unit: Period, kept: Mapping[DyadKey, KeptReference]) -> dict[DyadKey, int]:
    """Dyad -> weeks of its reference, where a person chose them; they mean nothing to alarms that run on months."""
    return {dyad: row.weeks for dyad, row in kept.items() if row.weeks is not None and unit == "week"}


def group_series(trends: Sequence[Row], group: str, spans: Sequence[Span]) -> GroupSeries:
    """A group's trend rows as arrays, by ``spans``."""
    by_start = {row["start"]: row for row in trends if row["group_id"] == group and row["period"] == spans[0].kind}
    rows = [by_start[span.start] for span in spans]
    texts = np.array([row["framed"] for row in rows], dtype=float)
    mean = np.array([np.nan if row["model_balance"] is None else row["model_balance"] for row in rows], dtype=float)
    spread = np.array([np.nan if row["model_variance"] is None else row["model_variance"] for row in rows], dtype=float)
    return GroupSeries(texts, mean, spread * texts)


def lent_by(borrowed: Sequence[Borrowed]) -> Borrowed | None:
    """What the audit cells lend on the whole; None where none is corrected."""
    if not borrowed:
        return None
    return Borrowed(
        float(np.median([one.lam for one in borrowed])),
        float(np.mean([one.s2 for one in borrowed])),
        min(one.freedom for one in borrowed),
    )


@dataclass(frozen=True)
class Judged:
    """The states of a monitor's dyads."""

    states: dict[StateKey, State]
    watched: dict[DyadKey, Watched]
    unit: Period | None
    spans: Sequence[Span]
    """finished periods of the unit, in order"""
    changes: int
    """dyads whose newest state is another than before"""
    answers: Mapping[int, Answer] = field(default_factory=dict)
    """alarm -> what its coders have said so far, or why they say nothing yet"""
    alarms: Mapping[DyadKey, Sequence[RaisedAlarm]] = field(default_factory=dict)
    """all of a dyad that run on the unit, with those just raised"""
    told: Mapping[int, OpenAlarm] = field(default_factory=dict)
    """alarm -> it as the states judge it"""
    directions: Mapping[int, Sequence[Direction]] = field(default_factory=dict)
    """confirmed alarm -> what criticism says beside it, in either direction"""
    today: date = date.min
    trust: float = 1.0
    """how far the series of the alarms trust the model"""
    references: Mapping[DyadKey, KeptReference] = field(default_factory=dict)

    def state(self, a: str, b: str, span: Span) -> State:
        """The state of a dyad in any kind of period: that of the last unit period that ends within it.

        In a period that has just begun it is the last one known, and says so.
        """
        if self.unit is None:
            return decide(unit=None, usable=0)
        unit = self.unit
        return state_within(span, unit, self.spans, lambda last: self.states[a, b, unit, last.start])


def state_within(span: Span, unit: Period, spans: Sequence[Span], state_of: Callable[[Span], State]) -> State:
    """The state in a period, of those of the finished periods that alarms run on: the last one that ends within it."""
    ended = bisect_right(spans, span.end, key=lambda one: one.end)
    if not ended:
        return State(NOT_ENOUGH, (f"no {unit} of it is finished",))
    last = spans[ended - 1]
    found = state_of(last)
    if last.end > span.start:
        return found
    return State(found.name, (*found.reasons, f"as in {last.label}: no {unit} of this period is finished"))


def _known(row: RaisedAlarm, reference: KeptReference | None) -> Known:
    superseded = reference is not None and reference.id != row.reference_id
    return Known(row.id, row.since, row.raised, row.end, row.side, row.closed, row.confirmed_at is not None, superseded)


def _write_down(
    session: Session,
    monitor: str,
    dyad: DyadKey,
    one: Watched,
    spans: Sequence[Span],
    known: Sequence[Known],
    *,
    unit: Period,
    model: Model | None,
    lent: Borrowed,
    kept: KeptReference | None,
    now: datetime,
) -> None:
    """Keep new alarms, close those that are over."""
    fresh: list[Alarm] = []
    closing = moved_on(known, now.date())
    reference = one.reference
    if one.path is not None:
        fresh, closing = compare(known, one.path, spans, today=now.date())
    for alarm in fresh:
        assert reference is not None  # noqa: S101 (for the type checker: there is no path without one)
        assert kept is not None  # noqa: S101
        closed = spans[alarm.closed].end if alarm.closed is not None else None
        add_alarm(
            session,
            monitor=monitor,
            a=dyad[0],
            b=dyad[1],
            period=unit,
            since=spans[alarm.since].start,
            raised=spans[alarm.at].start,
            end=spans[alarm.at].end,
            side=alarm.side,
            reference_id=kept.id,
            reference_start=spans[reference.first].start,
            reference_end=spans[reference.last].end,
            threshold=one.threshold,
            autocorrelation=one.autocorrelation,
            model=model.sha256 if model else None,
            found_at=now,
            closed=closed,
            closed_why=None if closed is None else QUIET_AGAIN,
            borrowed=asdict(lent),
        )
    rows = {row.id: row for row in alarms_of(session, monitor, *dyad)}
    for each in closing:
        rows[each.id].closed, rows[each.id].closed_why = each.closed, each.why
    session.flush()


def _close_left_behind(
    session: Session, monitor: str, dyads: Sequence[DyadKey], unit: Period | None, today: date
) -> None:
    """Close open alarms that nothing would ever close: of dyads and kinds of period the monitor has no more.

    One that the path still shows when its dyad is watched again is opened again.
    """
    for row in alarms_of(session, monitor):
        why = left_behind((row.a, row.b), row.period, dyads, unit)
        if row.closed is None and why is not None:
            row.closed, row.closed_why = max(row.end, today), why
    session.flush()


def judge(
    session: Session,
    monitor: Monitor,
    trends: Sequence[Row],
    kinds: Sequence[Period],
    borrowed: Sequence[Borrowed],
    model: Model | None,
    *,
    now: datetime,
) -> Judged:
    """States of every dyad in every period, from a monitor's trend rows. Writes alarms and changes of state, does not
    commit.

    Only finished periods are watched: half a week has fewer texts than it will have. borrowed: what each corrected
    audit cell took from the others.
    """
    unit = unit_of(kinds)
    dyads = [(dyad.a, dyad.b) for dyad in monitor.dyads]
    _close_left_behind(session, monitor.name, dyads, unit, now.date())
    starts = {row["start"] for row in trends if row["period"] == unit and row["end"] <= now.date()}
    if unit is None or not starts or not dyads:
        return Judged({}, {}, unit, [], 0)
    spans = [period_of(unit, start) for start in sorted(starts)]
    lent = lent_by(borrowed)
    kept = kept_references(session, monitor.name)
    groups = {group: group_series(trends, group, spans) for group in {side for dyad in dyads for side in dyad}}
    watched = watch_dyads(
        unit, spans, groups, dyads,
        lam=lent.lam if lent else None, starts={d: k.start for d, k in kept.items()}, lengths=lengths_of(unit, kept),
    )  # fmt: skip
    balances = codebook_of(VARIABLE).balances
    states: dict[StateKey, State] = {}
    answers: dict[int, Answer] = {}
    told: dict[int, OpenAlarm] = {}
    directions: dict[int, Sequence[Direction]] = {}
    judged_alarms: dict[DyadKey, Sequence[RaisedAlarm]] = {}
    changes = 0
    before = newest_states(session, monitor.name)
    for dyad in dyads:
        one = watched[dyad]
        if one.path is not None and one.reference is not None and dyad not in kept:
            # texts that come later, and are older, don't move it any more
            kept[dyad] = keep_reference(
                session, monitor.name, *dyad, start=spans[one.reference.first].start,
                reason="the first that was complete", person=None, now=now,
            )  # fmt: skip
        stored = [row for row in alarms_of(session, monitor.name, *dyad) if row.period == unit]
        old = {row.id for row in stored}
        found = _confirmations(session, stored, model, balances)
        for row in stored:
            confirmed = found[row.id].confirmed
            if row.confirmed_at is None and confirmed is not None and confirmed.holds:
                row.confirmed_at = now
        _write_down(
            session, monitor.name, dyad, one, spans, [_known(row, kept.get(dyad)) for row in stored],
            unit=unit, model=model, lent=lent or Borrowed(1.0), kept=kept.get(dyad), now=now,
        )  # fmt: skip
        stored = [row for row in alarms_of(session, monitor.name, *dyad) if row.period == unit]
        found |= _confirmations(session, [row for row in stored if row.id not in found], model, balances)
        answers |= found
        for row in stored:
            if (confirmed := found[row.id].confirmed) is not None and confirmed.holds:
                directions[row.id] = directions_of(session, monitor, row, today=now.date())
            told[row.id] = _open(row, found[row.id], directions.get(row.id), now.date())
        judged_alarms[dyad] = stored
        for span, state in zip(spans, states_of(unit, spans, one, stored, told), strict=True):
            states[*dyad, unit, span.start] = state
        asking = {row.id for row in _open_in(stored, spans[-1]) if not told[row.id].holds}
        changes += _note_change(
            session, monitor.name, dyad, unit, spans[-1], states, before.get(dyad), one, now, asking=asking, old=old
        )
    return Judged(
        states, watched, unit, spans, changes, answers, judged_alarms, told, directions, now.date(),
        trust=lent.lam if lent else 1.0, references=kept,
    )  # fmt: skip


def _confirmations(
    session: Session, alarms: Sequence[RaisedAlarm], model: Model | None, balances: Mapping[str, float]
) -> dict[int, Answer]:
    if model is None:
        return {row.id: Answer(None, "no model is in force") for row in alarms}
    return {row.id: confirmed_so_far(session, row, model.id, balances) for row in alarms}


class Raised(Protocol):
    """When an alarm was raised, and when it closed."""

    @property
    def id(self) -> int: ...
    @property
    def raised(self) -> date: ...
    @property
    def closed(self) -> date | None: ...


_Alarm = TypeVar("_Alarm", bound=Raised)


def _open_in(alarms: Sequence[_Alarm], span: Span) -> list[_Alarm]:
    return [row for row in alarms if row.raised <= span.start and (row.closed is None or span.start < row.closed)]


def states_of(
    unit: Period, spans: Sequence[Span], one: Watched, alarms: Sequence[Raised], told: Mapping[int, OpenAlarm]
) -> list[State]:
    """The state of a dyad in each period that alarms run on. Pure.

    alarms: all of the dyad. told: number of an alarm -> what people have said of it.
    """
    missing = one.series.missing_runs() if one.series is not None else [0] * len(spans)
    return [
        decide(
            unit=unit,
            usable=one.usable_before(i),
            needed=one.length,
            missing=missing[i],
            alarms=[told[row.id] for row in _open_in(alarms, span)],
            impossible=one.impossible,
        )
        for i, span in enumerate(spans)
    ]


def _open(row: RaisedAlarm, answer: Answer, directions: Sequence[Direction] | None, today: date) -> OpenAlarm:
    unit: Period = row.period  # type: ignore[assignment]  # the column holds nothing else
    criticism = None if directions is None else criticism_of(directions, row, today=today)
    return OpenAlarm(period_of(unit, row.raised).label, answer.confirmed, answer.why, criticism)


def _note_change(
    session: Session,
    monitor: str,
    dyad: DyadKey,
    unit: Period,
    last: Span,
    states: Mapping[StateKey, State],
    before: Any,
    one: Watched,
    now: datetime,
    *,
    asking: Collection[int],
    old: Collection[int],
) -> bool:
    """Write down that the newest state is another than before, or that an alarm needs codings which none told of.

    asking: the alarms that are open in the last period and need codings. old: those known before this measurement.
    """
    state = states[*dyad, unit, last.start]
    named: set[int] = set() if state.name == NOT_ENOUGH else set(asking)
    said = f"{state.name}, alarm" if named and state.name == STEADY else state.name
    # changes from before alarms were kept with them: whatever was known by then is no news
    told: set[int] = set() if before is None else set(before.figures.get("alarms", old))
    if before is not None and before.figures.get("said") == said and named <= told:
        return False
    figures: dict[str, Any] = {"said": said, "alarms": sorted(told | named)}
    if one.series is not None and len(one.series.m) and not np.isnan(one.series.m[-1]):
        figures["model_gap"] = float(one.series.m[-1])
    if one.path is not None:
        figures |= {"up": float(one.path.up[-1]), "down": float(one.path.down[-1]), "threshold": one.threshold}
    add_change(
        session,
        monitor=monitor,
        a=dyad[0],
        b=dyad[1],
        period=unit,
        start=last.start,
        state=state.name,
        previous=None if before is None else before.state,
        after_id=0 if before is None else before.id,
        reasons=list(state.reasons),
        figures=figures,
        as_of=now,
        silenced="the first state there is: nothing has changed" if before is None and not named else None,
    )
    return True
