"""A corrected gap that has moved while no alarm is open is pointed at, and stays no state."""

from __future__ import annotations

from datetime import date

import pytest

from pipeline.measure.alarm.reference import Reference
from pipeline.measure.job import warn_of_the_unseen
from pipeline.measure.judging import Judged
from pipeline.measure.state import STEADY
from pipeline.measure.watching import Watched
from pipeline.monitor.periods import periods_covering

DYAD = ("heron", "maple")
WEEKS = list(periods_covering("week", date(2024, 1, 1), date(2025, 12, 31)))
REFERENCE = Reference(first=0, last=51, used=52, mean=0.1, noise=0.02, sigma_u=0.0)


def quarter(start: date, gap: float, state: str = STEADY) -> dict:
    (span,) = periods_covering("quarter", start, start)
    return {
        "a": DYAD[0], "b": DYAD[1], "period": "quarter", "start": span.start, "end": span.end, "gap": gap,
        "low": gap - 0.2, "high": gap + 0.2, "variance": 0.01, "state": state, "flags": ["no alarm is open"],
    }  # fmt: skip


def flags_of(*later: dict, watched: Watched | None = None) -> list[list[str]]:
    before = [quarter(date(2024, month, 1), 0.3) for month in (1, 4, 7)]
    one = Watched(None, REFERENCE, None) if watched is None else watched
    warn_of_the_unseen([*before, *later], Judged({}, {DYAD: one}, "week", WEEKS, 0), "quarter")
    assert all(row["flags"] == ["no alarm is open"] for row in before)
    return [row["flags"] for row in later]


def test_a_gap_that_has_moved_is_the_second_reason():
    ((first, second),) = flags_of(quarter(date(2025, 4, 1), 1.1))
    assert first == "no alarm is open"
    assert second.startswith(
        "the corrected gap differs by +0.80 (standard error 0.12) from the quarters before 2024-12-"
    )
    assert "no alarm sees it" in second


@pytest.mark.parametrize(
    "later",
    [
        quarter(date(2025, 4, 1), 0.5),  # within what chance does
        quarter(date(2025, 4, 1), 1.1, "diverging"),  # an alarm has seen it
        quarter(date(2024, 10, 1), 1.1),  # begins within the reference
        quarter(date(2025, 4, 1), 1.1) | {"low": None},  # not corrected
    ],
)
def test_nothing_is_pointed_at_otherwise(later):
    assert flags_of(later) == [["no alarm is open"]]


def test_without_a_reference_nothing_is_usual():
    assert flags_of(quarter(date(2025, 4, 1), 1.1), watched=Watched(None, None, None)) == [["no alarm is open"]]
