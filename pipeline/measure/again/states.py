"""States made again, and what coders said of alarms and of criticism."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from classifiers.codebook import codebook_of
from pipeline.measure.again.balances import period_kind
from pipeline.measure.again.compare import Made, compared
from pipeline.measure.balance import Interval
from pipeline.measure.confirmation import ConfirmationError
from pipeline.measure.confirming import Drawn, confirmed_again
from pipeline.measure.directed import CriticismCodings
from pipeline.measure.gap import Gap
from pipeline.measure.judging import state_within, states_of
from pipeline.measure.publish_states import alarm_subject, change_values, rise_subject, series_values
from pipeline.measure.rise import direction
from pipeline.measure.series import GroupSeries
from pipeline.measure.speech import Days, Speech
from pipeline.measure.state import EARLIER_STATE, Confirmed, Criticism, OpenAlarm, State
from pipeline.measure.watching import NOTHING_EXPLAINED, Watched, with_path, with_reference
from pipeline.monitor import Period
from pipeline.monitor.periods import Span, period_of, periods_covering
from pipeline.store.cells import VARIABLE, first_copies
from pipeline.store.mentions import texts_again
from pipeline.store.published import figures_by_start, model_of, newest_of_kind, unpack
from pipeline.store.tables import Published

_SERIES = ("framed", "model_balance", "model_variance")
_OLDER = "it was published by an earlier version, which did not keep what it was made of"


def change_again(session: Session, row: Published) -> Made:
    """X of an alarm, from the texts that were drawn and their codings."""
    figures, model = row.figures, model_of(session, row.model)
    if model is None:
        return Made(("its model is not known any more",), False)
    drawn = Drawn(**{name: figures[name] for name in Drawn.__dataclass_fields__})
    try:
        found = confirmed_again(
            session,
            row.monitor,
            drawn,
            model.id,
            unpack(row.documents).tolist(),
            set(unpack(row.codings).tolist()),
            set(figures["unclear"]),
            codebook_of(VARIABLE).balances,
        )
    except ConfirmationError as error:
        return Made((f"nothing comes out now: {error}",), False)
    again = change_values(found)
    return compared(figures, again, list(again))


def rise_again(session: Session, row: Published) -> Made:
    """Whether criticism rose beside an alarm, in one direction, from the texts and their codings."""
    figures = row.figures
    a, b = figures["a"], figures["b"]
    texts = texts_again(session, unpack(row.documents).tolist())
    codings = set(unpack(row.codings).tolist())
    read_at = datetime.fromisoformat(figures["read_at"]) if figures["read_at"] else row.as_of
    speech = Speech(
        a,
        b,
        period_kind(figures["audit"]),
        texts,
        frozenset(unpack(b64decode(figures["audited"])).tolist()),
        CriticismCodings(session, row.monitor, only=codings, at=read_at).towards(b) if codings else {},
        first_copies(session, row.monitor, [text.cluster for text in texts]),
    )
    made = direction(speech, _days(figures["window"]), _days(figures["reference"]))
    again = {"counts": made.counts, "said": list(made.said), "evidence": list(made.evidence)}
    return compared(figures, again, list(again))


def _days(two: Sequence[str]) -> Days:
    return date.fromisoformat(two[0]), date.fromisoformat(two[1])


def state_again(session: Session, row: Published) -> Made:
    """The newest state at a measurement, and the numbers its alarms ran on, from the published weeks or months."""
    return _watched_again(session, row).made


def state_of_gap_again(session: Session, row: Published) -> Made:
    """The state beside a published gap, and of its alarms what coders said, from their texts."""
    watched = newest_of_kind(session, row.monitor, "state", row.subject, row.as_of)
    if EARLIER_STATE in row.figures["flags"]:
        return Made((), True, (f"the state: {EARLIER_STATE}",))
    if watched is None:
        return Made((), True, (f"the state: {_OLDER}, or no week or month was finished",))
    found = _watched_again(session, watched)
    if found.states is None:
        return found.made
    by_start = {one.start: state for one, state in zip(found.spans, found.states, strict=True)}
    span = period_of(period_kind(row.period), row.start)
    state = state_within(span, found.spans[0].kind, found.spans, lambda last: by_start[last.start])
    made = compared(row.figures, {"state": state.name}, ["state"])
    lacking = [reason for reason in state.reasons if reason not in row.figures["flags"]]
    made = made.with_others(Made(tuple(f"a reason for the state comes out now: {one}" for one in lacking), not lacking))
    for one in found.confirmations:
        made = made.with_others(change_again(session, one).called(one.subject))
    for one in found.rises:
        made = made.with_others(rise_again(session, one).called(f"criticism beside {one.subject}"))
    return made.with_others(found.made.called("what the state was made of"))


@dataclass(frozen=True)
class _Raised:
    """An alarm as it stood at a measurement."""

    id: int
    raised: date
    closed: date | None


@dataclass(frozen=True)
class _Watched:
    """A dyad as its states saw it at a measurement, made again."""

    made: Made
    spans: Sequence[Span] = ()
    states: Sequence[State] | None = None
    """null: they can't be made again"""
    confirmations: Sequence[Published] = ()
    rises: Sequence[Published] = ()


def _watched_again(session: Session, row: Published) -> _Watched:
    figures, unit = row.figures, period_kind(row.period)
    spans = periods_covering(unit, date.fromisoformat(figures["first"]), row.start)
    groups = []
    for group in (figures["a"], figures["b"]):
        by_start = figures_by_start(session, row.monitor, "trend", group, unit, row.as_of)
        if any(name not in one for one in by_start.values() for name in _SERIES):
            return _Watched(Made((), True, (f"the state: of a {unit} of {group} {_OLDER}",)))
        groups.append(_group(by_start, spans))
    one = _series_again(figures, groups, spans, unit)
    told: dict[int, OpenAlarm] = {}
    alarms: list[_Raised] = []
    confirmations: list[Published] = []
    rises: list[Published] = []
    for alarm in figures["alarms"]:
        number, raised = alarm["id"], date.fromisoformat(alarm["raised"])
        confirmed, criticism = None, None
        if alarm["confirmed"]:
            change = newest_of_kind(session, row.monitor, "change", alarm_subject(number), row.as_of)
            if change is None:
                return _Watched(Made((f"what coders said of alarm {number} is not published",), False))
            confirmations.append(change)
            confirmed = _confirmed(change.figures)
        if alarm["criticism"] is not None:
            criticism = Criticism(False, tuple(alarm["criticism"]))
        if alarm["tested"]:
            both = [
                newest_of_kind(session, row.monitor, "rise", rise_subject(number, group), row.as_of)
                for group in (figures["a"], figures["b"])
            ]
            tests = [test for test in both if test is not None]
            rises += tests
            criticism = Criticism(
                any(test.figures["counts"] for test in tests),
                tuple("; ".join(test.figures["said"]) for test in tests),
            )
        told[number] = OpenAlarm(period_of(unit, raised).label, confirmed, alarm["why"], criticism)
        closed = date.fromisoformat(alarm["closed"]) if alarm["closed"] else None
        alarms.append(_Raised(number, raised, closed))
    states = states_of(unit, spans, one, alarms, told)
    again = {
        "state": states[-1].name,
        "reasons": list(states[-1].reasons),
        "impossible": one.impossible,
        **series_values(one, spans),
    }
    return _Watched(compared(figures, again, list(again)), spans, states, confirmations, rises)


def _group(by_start: Mapping[date, Mapping[str, Any]], spans: Sequence[Span]) -> GroupSeries:
    """A group's published weeks or months as arrays; one that was never published has no text."""
    none = {"framed": 0, "model_balance": None, "model_variance": None}
    rows = [by_start.get(span.start, none) for span in spans]
    texts, mean, variance = (
        np.array([np.nan if row[name] is None else row[name] for row in rows], dtype=float) for name in _SERIES
    )
    return GroupSeries(texts, mean, variance * texts)


def _series_again(
    figures: Mapping[str, Any], groups: Sequence[GroupSeries], spans: Sequence[Span], unit: Period
) -> Watched:
    """The watched series. The autocorrelation is pooled over all dyads, and taken as it was published."""
    if figures["lam"] <= 0:
        return Watched(None, None, None, impossible=NOTHING_EXPLAINED)
    start = date.fromisoformat(figures["reference_from"]) if figures["reference_from"] else None
    one = with_reference(unit, spans, groups[0], groups[1], lam=figures["lam"], start=start, length=figures["length"])
    if figures["autocorrelation"] is not None:
        return with_path(one, figures["autocorrelation"])
    # of all dyads together there were too few pairs of neighbouring weeks
    return one if one.impossible else replace(one, impossible=figures["impossible"])


def _confirmed(figures: Mapping[str, Any]) -> Confirmed:
    """What coders said, as it was published."""
    gaps = {}
    for name in ("reference", "present"):
        low, high, variance, freedom = (figures[f"{name}_{end}"] for end in ("low", "high", "variance", "freedom"))
        gaps[name] = Gap(figures[name], None if low is None else Interval(low, high, variance, freedom))
    return Confirmed(
        figures["change"], figures["low"], figures["high"], gaps["reference"], gaps["present"], figures["passed_over"]
    )
