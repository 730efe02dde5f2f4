"""Texts a day of many sources at once, on both databases."""

from datetime import UTC, date, datetime, timedelta

import pytest

from pipeline.store import daily
from pipeline.store.daily import InShort, source_names, texts_in_short, texts_per_day
from pipeline.store.session import open_session
from tests.store.test_health import NOW, text

TODAY, DAY = NOW.date(), timedelta(days=1)
SPAN = (date(2009, 9, 1), date(2009, 9, 19))


@pytest.fixture
def session(store_settings):
    with open_session(store_settings) as opened:
        yield opened


@pytest.fixture
def names(session):
    """Of two sources, one of which has rows with sources of their own."""
    for number, hour in enumerate((0, 12, 23)):
        text(session, number, datetime(2009, 9, 18, hour, 59, 59, 999, tzinfo=UTC))
    text(session, 5, datetime(2009, 9, 19, tzinfo=UTC), source="letters/inner")
    text(session, 6, datetime(2009, 9, 1, tzinfo=UTC), source="letters/inner")
    text(session, 7, None)
    text(session, 8, datetime(2009, 8, 31, 23, 59, 59, tzinfo=UTC))
    text(session, 9, datetime(2009, 9, 17, tzinfo=UTC), source="other")
    for source in ("letters-2", "letter", "zebra/letters"):
        text(session, 10, NOW - DAY, source=source)
    return source_names(session, "test", ["letters", "other", "empty"])


def test_names_of_sources_and_of_their_rows(session, names):
    assert names == {"letters": "letters", "letters/inner": "letters", "other": "other"}
    assert source_names(session, "nobody", ["letters"]) == {}
    assert source_names(session, "test", []) == {}


@pytest.mark.parametrize("at_once", [1, 5_000])
def test_texts_a_day_in_utc(session, names, monkeypatch, at_once):
    monkeypatch.setattr(daily, "_NAMES_AT_ONCE", at_once)
    since = {"letters": date(2009, 9, 18), "other": date(2009, 9, 1), "empty": date(2009, 9, 1)}
    assert texts_per_day(session, "test", names, since) == {
        "letters": {date(2009, 9, 18): 3, date(2009, 9, 19): 1},
        "other": {date(2009, 9, 17): 1},
        "empty": {},
    }
    assert texts_per_day(session, "test", names, {"letters": date(2009, 9, 1)}, collected=True) == {
        "letters": {TODAY: 7}
    }
    assert texts_per_day(session, "test", names, {"letters": TODAY + DAY}) == {"letters": {}}
    assert texts_per_day(session, "test", names, {}) == {}


@pytest.mark.parametrize("at_once", [1, 5_000])
def test_texts_in_short(session, names, monkeypatch, at_once):
    monkeypatch.setattr(daily, "_NAMES_AT_ONCE", at_once)
    found = texts_in_short(session, "test", names, dict.fromkeys(["letters", "other", "empty"], SPAN))
    # of seven texts one has no day; they were collected on the day that is left out
    assert found["letters"] == InShort(1, 7, date(2009, 9, 18), None, TODAY)
    assert found["other"] == InShort(0, 0, date(2009, 9, 17), None, TODAY)
    assert found["empty"] == InShort()
    assert all(one.is_dated for one in found.values())
    assert not InShort(undated=4, total=7).is_dated
    assert texts_in_short(session, "test", names, {}) == {}
