"""Where the marks of a small line stand."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.monitor.periods import periods_covering
from pipeline.review.charts import Point, Series
from pipeline.review.sparks import EDGE, HEIGHT, STRIP, WIDTH, spark

SPANS = periods_covering("quarter", date(2019, 1, 1), date(2024, 12, 31))


def series(values, corrected=True):
    points = [
        Point(
            span.start,
            span.end,
            span.label,
            value,
            low=None if value is None else value - 0.1,
            high=None if value is None else value + 0.1,
            corrected=corrected,
            missing="silent",
        )
        for span, value in zip(SPANS, values, strict=False)
    ]
    return Series("gap", "Gap", points)


def test_a_missing_period_is_a_mark_at_the_foot_that_no_line_crosses():
    drawn = spark(series([0.1, 0.2, None, 0.4, 0.5]))
    assert len(drawn.dots) == 4
    assert len(drawn.lines) == 2
    assert [one.said for one in drawn.gone] == ["2019-Q3: silent"]
    hole = drawn.gone[0]
    assert all(not line.x1 < hole.x + 1 < line.x2 for line in drawn.lines)


def test_a_line_is_solid_only_between_two_corrected_periods():
    points = [*series([0.1, 0.2]).points, *series([None, None, 0.3], corrected=False).points[2:]]
    drawn = spark(Series("gap", "Gap", points))
    assert [one.corrected for one in drawn.lines] == [True, False]
    assert [one.corrected for one in drawn.dots] == [True, True, False]


def test_higher_values_stand_higher_and_zero_between():
    drawn = spark(series([-0.4, 0.4]))
    assert drawn.dots[0].y > drawn.zero > drawn.dots[1].y
    assert drawn.dots[0].x < drawn.dots[1].x
    interval = drawn.intervals[0]
    assert interval.y1 > drawn.dots[0].y > interval.y2


def test_a_series_without_points_has_no_line():
    with pytest.raises(ValueError, match="at least one period"):
        spark(Series("gap", "Gap", []))


@given(st.lists(st.none() | st.floats(-2, 2), min_size=1, max_size=len(SPANS)))
def test_everything_stays_on_the_drawing(values):
    drawn = spark(series(values))
    assert len(drawn.dots) + len(drawn.gone) == len(values)
    for x, y in [(one.x, one.y) for one in drawn.dots] + [
        end for one in (*drawn.lines, *drawn.intervals) for end in ((one.x1, one.y1), (one.x2, one.y2))
    ]:
        assert 0 <= x <= WIDTH
        assert EDGE - 0.1 <= y <= HEIGHT - STRIP
    assert all(one.x >= EDGE - 0.1 and one.x + one.width <= WIDTH for one in drawn.gone)
