from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.collect.volume import volume, weekly

TODAY = date(2009, 12, 31)
DAY = timedelta(days=1)


def every(step, *, until=TODAY, days=400, count=1):
    """``count`` texts every ``step`` days, the last within ``step`` days before ``until``."""
    return {until - i * DAY: count for i in range(1, days, step)}


def test_nothing_and_little_are_no_evidence():
    assert volume({}, TODAY).state == "unknown"
    # it may have older texts, which are not looked at, or those of today
    assert "no text of recent years" in volume({TODAY: 3}, TODAY).said
    assert volume(every(1, days=20), TODAY).state == "unknown"
    assert volume(every(60), TODAY).state == "unknown"


def test_what_goes_on_is_usual():
    usual = volume(every(1), TODAY)
    assert (usual.state, usual.is_finding, usual.last) == ("usual", False, TODAY - DAY)
    assert "about 1 a day" in usual.said


def test_a_source_that_never_missed_a_day_is_found_silent_within_a_week():
    texts = every(1)
    found = [n for n in range(1, 40) if volume(texts, TODAY + n * DAY).state == "silent"]
    assert found[0] == 4
    assert found == list(range(found[0], 40))
    said = volume(texts, TODAY + 30 * DAY).said
    assert said == (
        "No text for 30 days (since 2009-12-30); before, about 1 a day and never silent for more than 0 days."
    )


def test_a_monthly_source_is_left_alone_for_months_and_found_in_the_end():
    texts = every(30, days=430)
    assert not volume(texts, TODAY + 60 * DAY).is_finding
    assert volume(texts, TODAY + 130 * DAY).state == "silent"


def test_a_source_at_rest_on_sundays_and_every_august_is_left_alone():
    day = TODAY - 800 * DAY
    texts = {}
    while day < TODAY + 230 * DAY:
        if day.weekday() < 5 and day.month != 8:
            texts[day] = 2
        day += DAY
    looks = [TODAY + n * DAY for n in range(230)]
    assert {volume(texts, day).state for day in looks} == {"usual"}


def test_fewer_and_more_than_ever():
    texts = every(1, count=10)
    thin = texts | {TODAY - i * DAY: 3 for i in range(1, 29)}
    low = volume(thin, TODAY)
    assert low.state == "low"
    assert low.said.startswith("84 texts in the last 28 days, where 280 would be usual")
    full = texts | {TODAY - DAY: 200}
    assert volume(full, TODAY).state == "flood"


def test_later_texts_are_left_out():
    texts = every(1)
    assert volume(texts | {TODAY + 300 * DAY: 5}, TODAY) == volume(texts, TODAY)


@given(st.dictionaries(st.integers(0, 900), st.integers(0, 1000), max_size=300))
def test_any_history_is_judged(counts):
    found = volume({TODAY - n * DAY: count for n, count in counts.items()}, TODAY)
    assert found.said
    assert found.is_finding == (found.state in {"silent", "low", "flood"})


def test_weeks_end_with_the_last_whole_day():
    shown = weekly({TODAY: 5, TODAY - DAY: 1, TODAY - 7 * DAY: 2, TODAY - 8 * DAY: 4}, TODAY, weeks=2)
    assert shown == [(TODAY - 14 * DAY, 4), (TODAY - 7 * DAY, 3)]


@pytest.mark.parametrize("count", [1, 10, 1000])
def test_a_flood_of_one_day_needs_more_than_a_full_week(count):
    assert not volume(every(1, count=count) | {TODAY - DAY: 4 * count}, TODAY).is_finding
