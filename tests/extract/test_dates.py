from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.extract.dates import AT_HOME, PREFERENCE, candidate, choose_date, parse_date

NOW = datetime(2010, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2009-09-19", datetime(2009, 9, 19, tzinfo=UTC)),
        ("2009-09-19T01:30:00+04:30", datetime(2009, 9, 18, 21, 0, tzinfo=UTC)),
        ("2009-09-19T01:30:00Z", datetime(2009, 9, 19, 1, 30, tzinfo=UTC)),
        ("Sat, 19 Sep 2009 01:30:00 -0500", datetime(2009, 9, 19, 6, 30, tzinfo=UTC)),
        ("September 19, 2009", datetime(2009, 9, 19, tzinfo=UTC)),
        ("19 سبتمبر 2009", datetime(2009, 9, 19, tzinfo=UTC)),
        ("2.9.2009", datetime(2009, 9, 2, tzinfo=UTC)),
        ("02. 09. 2009, 13:45", datetime(2009, 9, 2, 13, 45, tzinfo=UTC)),
        ("19 أيلول 2009", datetime(2009, 9, 19, tzinfo=UTC)),
        ("۲۸ شهریور ۱۳۸۸", datetime(2009, 9, 19, tzinfo=UTC)),
        ("31.9.2009", None),
        ("١٩ سبتمبر ٢٠٠٩", datetime(2009, 9, 19, tzinfo=UTC)),
        ("19 septembre 2009", datetime(2009, 9, 19, tzinfo=UTC)),
        ("1253318400", datetime(2009, 9, 19, tzinfo=UTC)),
        # no full day: never filled up from today
        ("Tuesday", None),
        ("3 days ago", None),
        ("yesterday", None),
        ("September 2009", None),
        ("19 September", None),
        ("2009", None),
        ("12:30", None),
        ("2009-W38", None),
        ("2009-13-45", None),
        ("", None),
    ],
)
def test_written_dates(value, expected):
    assert parse_date(value) == expected


def test_a_year_alone_counts_in_tables_only():
    assert candidate("table", "1946", now=NOW, earliest=None).date == datetime(1946, 1, 1, tzinfo=UTC)
    refused = candidate("meta", "1946", now=NOW, earliest=None)
    assert (refused.date, refused.accepted) == (None, False)
    assert "full date" in refused.why


def test_impossible_dates_are_refused_in_words():
    future = candidate("meta", "2010-03-04", now=NOW, earliest=None)
    assert not future.accepted
    assert "more than a day ahead of 2010-03-01" in future.why
    assert candidate("meta", "2010-03-02T11:59:00Z", now=NOW, earliest=None).accepted
    early = candidate("meta", "1970-01-01", now=NOW, earliest=date(1990, 1, 1))
    assert not early.accepted
    assert "before 1990-01-01" in early.why
    assert candidate("meta", "1970-01-01", now=NOW, earliest=None).accepted


def test_the_most_trusted_accepted_origin_is_used_and_conflicts_show():
    made = [
        candidate(origin, value, now=NOW, earliest=None)
        for origin, value in (
            ("sitemap", "2010-02-20"),
            ("text", "2010-02-01"),
            ("feed", "2010-02-03T09:00:00Z"),
            ("meta", "2010-02-03"),
            ("json-ld", "2011-01-01"),
        )
    ]
    used, judged = choose_date(made)
    assert (used.origin, used.value) == ("meta", "2010-02-03")
    assert judged[0] == used
    told = {one.origin: one.why for one in judged}
    assert "same day" in told["feed"]
    assert "differs by 2 days" in told["text"]
    assert "differs by 17 days" in told["sitemap"]
    assert "ahead" in told["json-ld"]


@pytest.mark.parametrize("origin", ["capture", "http"])
def test_when_a_page_was_seen_is_not_when_it_was_published(origin):
    used, judged = choose_date([candidate(origin, "2010-02-01", now=NOW, earliest=None)])
    assert used is None
    assert "refused" in judged[0].why


def test_without_candidates_there_is_no_date():
    assert choose_date([]) == (None, ())


@given(st.permutations(PREFERENCE))
def test_the_order_of_finding_does_not_matter(origins):
    made = [
        candidate(origin, f"2010-01-{day:02d}", now=NOW, earliest=None) for day, origin in enumerate(origins, start=1)
    ]
    used, judged = choose_date(made)
    assert used.origin == PREFERENCE[0]
    assert [one.origin for one in judged] == list(PREFERENCE)


@given(st.text(max_size=40))
def test_any_text_is_a_utc_date_or_none(value):
    found = parse_date(value)
    assert found is None or found.utcoffset() == timedelta(0)


@given(st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2030, 1, 1), timezones=st.timezones()))  # noqa: DTZ001
def test_iso_times_come_back_in_utc(moment):
    moment = moment.replace(microsecond=0)
    if moment.utcoffset().seconds % 60:
        return
    assert parse_date(moment.isoformat()) == moment.astimezone(UTC)


@pytest.mark.parametrize(
    ("moment", "day", "home"),
    [
        ("2010-02-18T02:18:11Z", "2010-02-17", True),
        ("2010-02-17T23:15:00Z", "2010-02-18", True),
        ("2010-02-18T11:00:00Z", "2010-02-17", False),
        ("2010-02-18T02:18:11Z", "2010-02-16", False),
        ("2010-02-18", "2010-02-17", False),
    ],
)
def test_a_day_by_the_outlets_own_clock_is_no_conflict(moment, day, home):
    found = [candidate("json-ld", moment, now=NOW, earliest=None), candidate("url", day, now=NOW, earliest=None)]
    used, (_, other) = choose_date(found)
    assert used.value == moment
    assert (other.why == AT_HOME) == home
