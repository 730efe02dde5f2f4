"""What the states of a dyad were made of, kept as it was: the watched series, the alarms, their codings, criticism."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from hashlib import blake2b
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from pipeline.measure.confirming import Answer, drawn_of
from pipeline.measure.directed import VARIABLE as CRITICISM
from pipeline.measure.gap import Gap
from pipeline.measure.judging import Judged
from pipeline.measure.publish import figure, publish_changed
from pipeline.measure.rise import Direction
from pipeline.measure.state import Confirmed
from pipeline.measure.watching import DyadKey, Watched
from pipeline.monitor.periods import Span
from pipeline.store.cells import VARIABLE
from pipeline.store.published import Figure, newest_digests, pack
from pipeline.store.tables import Model, RaisedAlarm

Row = dict[str, Any]
_NOBODY = np.empty(0, dtype=np.int64)


def alarm_subject(alarm: int) -> str:
    """What the figures of an alarm's confirmation are published under."""
    return f"alarm {alarm}"


def rise_subject(alarm: int, speaker: str) -> str:
    """What the test of a group's criticism beside an alarm is published under."""
    return f"{alarm_subject(alarm)}/{speaker}"


def publish_states(session: Session, monitor: str, judged: Judged, model: Model | None, as_of: datetime) -> None:
    """Publish what the states of a monitor's dyads were made of, where it differs from before. Does not commit."""
    sha256 = model.sha256 if model is not None else None
    alarms = {row.id: row for rows in judged.alarms.values() for row in rows}
    changes = [change_figure(alarms[n], answer, sha256) for n, answer in judged.answers.items() if answer.confirmed]
    rises = [rise_figure(alarms[n], one) for n, found in judged.directions.items() for one in found]
    for kind, figures, of, variable in (
        ("change", changes, sha256, VARIABLE),
        ("rise", rises, None, CRITICISM),
        ("state", _states(judged, sha256), sha256, VARIABLE),
    ):
        before = newest_digests(session, monitor, [kind])
        publish_changed(session, monitor, figures, before, model=of, variable=variable, as_of=as_of)


def _gap(name: str, found: Gap) -> Row:
    ends = found.interval
    return {
        name: found.value,
        f"{name}_low": ends.low if ends else None,
        f"{name}_high": ends.high if ends else None,
        f"{name}_variance": ends.variance if ends else None,
        f"{name}_freedom": ends.freedom if ends else None,
    }


def change_values(found: Confirmed) -> Row:
    """What coders say of an alarm, as it is published."""
    ends = {"change": found.change, "low": found.low, "high": found.high, "holds": bool(found.holds)}
    return ends | _gap("reference", found.reference) | _gap("present", found.present)


def change_figure(alarm: RaisedAlarm, answer: Answer, model: str | None) -> Figure:
    """X of an alarm with the codings and texts that it was made of, and what was fixed when these were drawn. Pure."""
    drawn, found = drawn_of(alarm), answer.confirmed
    assert drawn is not None and found is not None  # noqa: S101, PT018 (for the type checker: else nothing is published)
    return figure(
        ("change", alarm_subject(alarm.id), alarm.period, alarm.since),
        alarm.end,
        change_values(found) | asdict(drawn) | {"unclear": list(answer.unclear), "passed_over": found.passed_over},
        documents=np.array(answer.documents, dtype=np.int64),
        codings=np.array(answer.codings, dtype=np.int64),
        model=model,
    )


def rise_figure(alarm: RaisedAlarm, one: Direction) -> Figure:
    """The test of criticism in one direction beside an alarm, with its texts and codings. Pure."""
    speech = one.speech
    return figure(
        ("rise", rise_subject(alarm.id, speech.a), alarm.period, alarm.since),
        alarm.end,
        {
            "counts": one.counts,
            "said": list(one.said),
            "evidence": list(one.evidence),
            "a": speech.a,
            "b": speech.b,
            "audit": speech.audit,
            "window": [day.isoformat() for day in one.window],
            "reference": [day.isoformat() for day in one.reference],
            "audited": b64encode(pack(speech.audited)).decode(),
            "read_at": one.read_at.isoformat() if one.read_at else None,
        },
        documents=np.array([text.document for text in speech.texts], dtype=np.int64),
        codings=np.array(speech.coding_ids, dtype=np.int64),
        model=None,
        # of a window that grows every day nothing is new as long as no text and no coding comes
        words=("window", "read_at"),
    )


def series_values(one: Watched, spans: Sequence[Span]) -> Row:
    """The numbers that the alarms of a dyad run on, as published: of the reference and the last period."""
    path, found = one.path, one.reference
    last = None if one.series is None or np.isnan(one.series.m[-1]) else float(one.series.m[-1])
    return {
        "reference": asdict(found) if found else None,
        "reference_start": spans[found.first].start.isoformat() if found else None,
        "reference_end": spans[found.last].end.isoformat() if found else None,
        "threshold": one.threshold,
        "model_gap": last,
        "up": float(path.up[-1]) if path else None,
        "down": float(path.down[-1]) if path else None,
    }


def _digest(one: Watched) -> str | None:
    """Of the whole watched series; null: there is none."""
    if one.series is None:
        return None
    return blake2b(one.series.m.tobytes() + one.series.v.tobytes(), digest_size=16).hexdigest()


def _alarm(row: RaisedAlarm, judged: Judged) -> Row:
    told = judged.told[row.id]
    return {
        "id": row.id,
        "since": row.since.isoformat(),
        "raised": row.raised.isoformat(),
        "closed": row.closed.isoformat() if row.closed else None,
        "side": row.side,
        "confirmed": told.confirmed is not None,
        "why": told.why,
        "tested": bool(judged.directions.get(row.id)),
        "criticism": None if told.criticism is None else list(told.criticism.said),
    }


def _states(judged: Judged, model: str | None) -> Iterator[Figure]:
    if judged.unit is None:
        return
    last = judged.spans[-1] if judged.spans else None
    for (a, b), one in judged.watched.items():
        assert last is not None  # noqa: S101 (for the type checker: nothing is watched without a period)
        yield _state((a, b), one, judged, last, model)


def _state(dyad: DyadKey, one: Watched, judged: Judged, last: Span, model: str | None) -> Figure:
    state = judged.states[*dyad, last.kind, last.start]
    kept = judged.references.get(dyad)
    return figure(
        ("state", "--".join(dyad), last.kind, last.start),
        last.end,
        {
            "state": state.name,
            "reasons": list(state.reasons),
            "a": dyad[0],
            "b": dyad[1],
            "first": judged.spans[0].start.isoformat(),
            "lam": judged.trust,
            "reference_from": kept.start.isoformat() if kept else None,
            "length": one.length,
            "autocorrelation": one.autocorrelation,
            "impossible": one.impossible,
            "alarms": [_alarm(row, judged) for row in judged.alarms.get(dyad, ())],
            # of every week: one that changes long afterwards may leave all else as it was
            "series": _digest(one),
        }
        | series_values(one, judged.spans),
        documents=_NOBODY,
        codings=_NOBODY,
        model=model,
    )
