from datetime import date, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.monitor import PERIODS
from pipeline.monitor.periods import Span, period_of, periods_covering, span_of, whole_periods

days = st.dates(date(1946, 1, 1), date(2100, 1, 1))


@pytest.mark.parametrize(
    ("kind", "day", "start", "end", "label"),
    [
        ("week", date(2024, 2, 4), date(2024, 1, 29), date(2024, 2, 5), "2024-W05"),
        ("week", date(2021, 1, 3), date(2020, 12, 28), date(2021, 1, 4), "2020-W53"),
        ("week", date(2024, 12, 31), date(2024, 12, 30), date(2025, 1, 6), "2025-W01"),
        ("month", date(2024, 12, 31), date(2024, 12, 1), date(2025, 1, 1), "2024-12"),
        ("quarter", date(2024, 11, 5), date(2024, 10, 1), date(2025, 1, 1), "2024-Q4"),
        ("year", date(1946, 6, 1), date(1946, 1, 1), date(1947, 1, 1), "1946"),
    ],
)
def test_the_period_of_a_day(kind, day, start, end, label):
    assert period_of(kind, day) == Span(start, end, kind, label)


@given(st.sampled_from(PERIODS), days, st.integers(0, 3000))
def test_periods_tile_the_days_without_hole_or_overlap(kind, first, length):
    last = first + timedelta(days=length)
    spans = periods_covering(kind, first, last)
    assert spans[0].start <= first < spans[0].end
    assert spans[-1].start <= last < spans[-1].end
    assert all(a.end == b.start for a, b in pairwise(spans))
    assert len({s.label for s in spans}) == len(spans)
    assert [s.label for s in spans] == sorted(s.label for s in spans)


def test_days_are_widened_to_whole_periods():
    assert whole_periods("quarter", date(2024, 2, 5), date(2024, 7, 2)) == (date(2024, 1, 1), date(2024, 10, 1))
    assert whole_periods("quarter", date(2024, 1, 1), date(2024, 7, 1)) == (date(2024, 1, 1), date(2024, 7, 1))


def test_no_period_when_the_last_day_lies_before_the_first():
    assert periods_covering("week", date(2024, 1, 2), date(2024, 1, 1)) == []


def test_an_unknown_period_is_refused():
    with pytest.raises(ValueError, match="decade"):
        period_of("decade", date(2024, 1, 1))


@given(st.sampled_from(PERIODS), days)
def test_a_label_names_its_period(kind, day):
    span = period_of(kind, day)
    assert span_of(span.label) == span


@pytest.mark.parametrize("label", ["", "2024-Q5", "2024-W60", "2024-13", "2024-1", "24-Q1", "2024-Q1 ", "last week"])
def test_what_is_no_label_is_refused(label):
    with pytest.raises(ValueError, match="is no period; write 2024-W05, 2024-03, 2024-Q1 or 2024"):
        span_of(label)
