"""Smoothed gaps are made of trend rows alone: balances are those of the table, periods those of the calendar."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from pipeline.measure.balance import Balance, t_interval
from pipeline.measure.smoothed import balance_of, smoothed_rows
from pipeline.measure.smoother import smooth_gaps
from pipeline.monitor.periods import periods_covering
from pipeline.store.tables import TrendCell

QUARTERS = periods_covering("quarter", date(2022, 1, 1), date(2023, 12, 31))
VALUES = {"a": (0.3, 0.25, 0.4, 0.35, 0.3, 0.7, 0.4, 0.3), "b": (-0.2, -0.1, 0.0, -0.3, -0.2, -0.1, -0.2, 0.5)}


def made_of(value: float, coded: int = 8) -> Balance:
    return Balance(value, value - 0.1, coded, lam=0.6, interval=t_interval(value, 0.03, coded + 9, 10))


def row(group: str, at: int, own: Balance | None) -> TrendCell:
    interval = own.interval if own else None
    return TrendCell(
        monitor="m", group_id=group, period="quarter", start=QUARTERS[at].start, end=QUARTERS[at].end,
        texts=40, clusters=40, sources=1, codings=own.coded if own else 0, late=0,
        estimator=None if own is None else "corrected" if interval else "uncorrected",
        balance=own.value if own else None, model_balance=own.model if own else None, lam=own.lam if own else None,
        low=interval.low if interval else None, high=interval.high if interval else None,
        variance=interval.variance if interval else None, freedom=interval.freedom if interval else None,
        missing=None if own else "silent", flags=[], measured_at=datetime(2024, 1, 1, tzinfo=UTC),
    )  # fmt: skip


CELLS = {(group, at): made_of(value) for group, values in VALUES.items() for at, value in enumerate(values)}


def rows_of(cells) -> list[TrendCell]:
    return [row(group, at, own) for (group, at), own in cells.items()]


def points(cells, dyad=("a", "b")) -> dict[str, tuple]:
    (made,) = smoothed_rows(rows_of(cells), [dyad], "quarter")
    assert (made["a"], made["b"], made["period"]) == (*dyad, "quarter")
    return {start: tuple(rest) for start, *rest in made["points"]}


def test_a_row_gives_the_balance_back_that_it_was_made_of():
    for own in (made_of(0.4), Balance(0.2, 0.2, 3), Balance(0.1, 0.3, 9, lam=0.2, interval=t_interval(0.1, 0, 18, 10))):
        assert balance_of(row("a", 0, own)) == own
    assert balance_of(row("a", 0, None)) is None


def test_every_period_of_both_has_a_point_with_its_first_day():
    found, by_hand = points(CELLS), smooth_gaps(CELLS, [("a", "b")])
    assert list(found) == [quarter.start.isoformat() for quarter in QUARTERS]
    for at, quarter in enumerate(QUARTERS):
        one = by_hand["a", "b", at]
        assert found[quarter.start.isoformat()] == pytest.approx((one.value, one.low, one.high, None))
        assert one.low < one.value < one.high


def test_a_quarter_without_rows_leaves_a_hole_between_its_neighbours():
    # the model errs more and more
    errs = {(g, at): Balance(0.1 * at, 0, 9, lam=1, interval=t_interval(0.1 * at, 0.004, 18, 10)) for g, at in CELLS}
    holed = {key: own for key, own in errs.items() if key[1] not in {3, 4}} | {("b", 7): made_of(0.0)}
    found = points(holed)
    assert "2022-10-01" not in found
    right = smooth_gaps(holed, [("a", "b")])["a", "b", 5]
    # counted one after the other, 2022-Q3 would be the neighbour of 2023-Q2, and would be believed more
    closed = {(group, at if at < 3 else at - 2): own for (group, at), own in holed.items()}
    wrong = smooth_gaps(closed, [("a", "b")])["a", "b", 3]
    assert found["2023-04-01"] == pytest.approx((right.value, right.low, right.high, None), abs=1e-9)
    assert abs(right.low - wrong.low) > 1e-4


def test_what_is_not_smoothed_says_why_and_a_period_without_balance_has_no_point():
    cells = CELLS | {("a", 2): Balance(0.2, 0.2, 3, why="3 random codings, 5 are needed"), ("b", 6): None}
    found = points(cells)
    assert found["2022-07-01"] == (
        pytest.approx(0.2 - cells["b", 2].model),
        None,
        None,
        "the balance of a is not corrected",
    )
    assert "2023-07-01" not in found
    few = {key: own for key, own in CELLS.items() if key[0] == "a" or key[1] < 2}
    assert points(few)["2022-01-01"][3] == "b is corrected in 1 other period, 2 are needed"


def test_without_rows_every_dyad_has_a_row_without_points():
    assert smoothed_rows([], [("a", "b"), ("b", "a")], "month") == [
        {"a": "a", "b": "b", "period": "month", "points": []},
        {"a": "b", "b": "a", "period": "month", "points": []},
    ]
