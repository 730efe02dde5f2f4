"""What the pages show of alarms, written down by each measurement: the series they run on, and the coders' answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from pipeline.measure.gap import Gap
from pipeline.measure.judging import Judged
from pipeline.measure.state import Confirmed
from pipeline.measure.watching import Watched
from pipeline.monitor.periods import Span
from pipeline.store.watched import WatchedSeries, write_looks, write_watched

Row = dict[str, Any]


def watched_row(one: Watched, unit: str, spans: Sequence[Span], now: datetime) -> Row:
    """A dyad as its alarm sees it, as a row of the store. Pure."""
    nothing = np.full(len(spans), np.nan)
    series, path, reference = one.series, one.path, one.reference
    return {
        "period": unit,
        "measured_at": now,
        "impossible": one.impossible,
        "lam": series.lam if series else None,
        "threshold": one.threshold,
        "autocorrelation": one.autocorrelation,
        "reference_start": spans[reference.first].start if reference else None,
        "reference_end": spans[reference.last].end if reference else None,
        "mean": reference.mean if reference else None,
        "sigma_u": reference.sigma_u if reference else None,
        "noise": reference.noise if reference else None,
        "series": WatchedSeries(
            [span.start for span in spans],
            series.m if series else nothing,
            series.v if series else nothing,
            path.z if path else nothing,
            path.up if path else nothing,
            path.down if path else nothing,
        ).pack(),
    }


def _of_gap(name: str, found: Gap) -> Row:
    interval = found.interval
    return {
        name: found.value,
        f"{name}_low": interval.low if interval else None,
        f"{name}_high": interval.high if interval else None,
    }


def look_row(alarm: int, confirmed: Confirmed | None, why: str | None, now: datetime) -> Row:
    """What coders have said of an alarm, as a row of the store. Pure."""
    figures: Row = {}
    if confirmed is not None:
        figures = {name: asdict(confirmed)[name] for name in ("change", "low", "high")}
        figures |= _of_gap("reference", confirmed.reference) | _of_gap("present", confirmed.present)
        figures["holds"] = bool(confirmed.holds)
    return {"alarm_id": alarm, "looked_at": now, "figures": figures, "why": why}


def keep_watched(session: Session, monitor: str, judged: Judged, now: datetime) -> None:
    """Write down what the alarms of a monitor ran on and what coders have said of them. Does not commit."""
    if judged.unit is None:
        return
    rows = [
        {"a": a, "b": b} | watched_row(one, judged.unit, judged.spans, now) for (a, b), one in judged.watched.items()
    ]
    write_watched(session, monitor, rows)
    write_looks(
        session, [look_row(alarm, answer.confirmed, answer.why, now) for alarm, answer in judged.answers.items()]
    )
