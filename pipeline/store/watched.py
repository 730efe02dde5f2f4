"""What the alarms of a dyad run on and what coders have said of them, as the last measurement left it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, delete, select
from sqlalchemy.orm import Session

from pipeline.store.listed import listed
from pipeline.store.measured import pack_arrays, unpack_arrays
from pipeline.store.tables import AlarmLook, WatchedDyad
from pipeline.store.upsert import upsert

Floats = NDArray[np.float64]
_KEYS = ("monitor", "a", "b")


@dataclass(frozen=True, eq=False)
class WatchedSeries:
    """The series of a dyad. Arrays of shape (T,), one entry a finished week or month; NaN where it is missing."""

    start: Sequence[date]
    m: Floats
    """gap of the model's means, times lam"""
    v: Floats
    """its sampling variance"""
    z: Floats
    up: Floats
    """C+"""
    down: Floats
    """C-"""

    def pack(self) -> bytes:
        """As bytes, every bit kept."""
        days = np.array([day.toordinal() for day in self.start], dtype=float)
        return pack_arrays(days, self.m, self.v, self.z, self.up, self.down)


def series_of(row: WatchedDyad) -> WatchedSeries:
    """The series of a stored row. Raises ValueError for what is nothing of ours."""
    days, *rest = unpack_arrays(row.series, 6)
    return WatchedSeries([date.fromordinal(int(day)) for day in days], *rest)


def write_watched(session: Session, monitor: str, rows: Sequence[dict[str, Any]]) -> None:
    """Make ``rows`` the monitor's watched dyads. Does not commit."""
    kept = {(row["a"], row["b"]) for row in rows}
    for one in session.scalars(select(WatchedDyad).where(WatchedDyad.monitor == monitor)).all():
        if (one.a, one.b) not in kept:
            session.execute(
                delete(WatchedDyad).where(
                    WatchedDyad.monitor == monitor, WatchedDyad.a == one.a, WatchedDyad.b == one.b
                )
            )
    made = [{"monitor": monitor} | row for row in rows]
    upsert(session, WatchedDyad, made, _KEYS, update=[name for name in (made[0] if made else {}) if name not in _KEYS])


def watched_dyad(session: Session, monitor: str, a: str, b: str) -> WatchedDyad | None:
    """What the alarms of a dyad run on; None before the first measurement."""
    return session.get(WatchedDyad, (monitor, a, b))


def write_looks(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Write what coders have said of alarms. Does not commit."""
    upsert(session, AlarmLook, rows, ("alarm_id",), update=("looked_at", "figures", "why"))


LOOK_COLUMNS: dict[str, str] = {
    "alarm_id": "number of the alarm",
    "looked_at": "when its codings were last looked at",
    "change": "X: corrected gap in the alarm's stretch less the one in its reference",
    "low": "lower end of its confidence sequence, 95% however often it is looked at",
    "high": "upper end of its confidence sequence",
    "reference": "corrected gap in the reference",
    "reference_low": "lower end of its 95% interval",
    "reference_high": "upper end of its 95% interval",
    "present": "corrected gap in the alarm's stretch",
    "present_low": "lower end of its 95% interval",
    "present_high": "upper end of its 95% interval",
    "holds": "whether the sequence excludes 0 and the change is at least .1",
    "why": "why nothing can be said yet",
}
"""The columns of a look, in the order tables show them: name -> meaning in one line."""


def look_values(look: AlarmLook) -> list[Any]:
    """A look as ordered values, by :data:`LOOK_COLUMNS`."""
    whole = {"alarm_id": look.alarm_id, "looked_at": look.looked_at, "why": look.why} | look.figures
    return [whole.get(name) for name in LOOK_COLUMNS]


def looks_of(session: Session, alarms: Iterable[int]) -> dict[int, AlarmLook]:
    """Alarm -> what coders have said of it."""
    asked = listed(session, ([alarm] for alarm in alarms), alarm=BigInteger())
    rows = session.scalars(select(AlarmLook).where(AlarmLook.alarm_id.in_(select(asked.c.alarm))))
    return {row.alarm_id: row for row in rows}
