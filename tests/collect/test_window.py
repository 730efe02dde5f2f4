from datetime import UTC, datetime

import pytest

from pipeline.collect.window import Window
from pipeline.extract.document import ExtractionRules
from pipeline.extract.written import reader_of

YEAR = datetime(2015, 1, 1, tzinfo=UTC), datetime(2016, 1, 1, tzinfo=UTC)


def hinted(*dates):
    return {"dates": [{"origin": origin, "value": value} for origin, value in dates]}


@pytest.mark.parametrize(
    ("dates", "verdict"),
    [
        ([], "undated"),
        ([("feed", "soon")], "undated"),
        ([("sitemap", "2024-02-01")], "no younger"),
        ([("sitemap", "2014-12-31")], "outside"),
        ([("news", "2015-03-01"), ("sitemap", "2024-02-01")], "inside"),
        ([("news", "2016-01-01"), ("sitemap", "2024-02-01")], "outside"),
        ([("feed", "soon"), ("feed", "2016-01-01")], "outside"),
        ([("feed", "2015-12-31"), ("feed", "2024-01-01")], "inside"),
        ([("table", "2014")], "outside"),
        ([("capture", "2014-01-01")], "outside"),
        ([("capture", "2016-05-01")], "no younger"),
    ],
)
def test_what_may_lie_in_2015(dates, verdict):
    window = Window(*YEAR)
    assert window.verdict(hinted(*dates)) == verdict
    assert window.lets_in(hinted(*dates)) == (verdict != "outside")


@pytest.mark.parametrize(
    ("path", "verdict"),
    [
        ("2015/03/01/letter", "inside"),
        ("2014/12/30/letter", "outside"),
        ("2014/12/31/letter", "inside"),  # it may be the first of January by another clock
        ("2016/01/01/letter", "inside"),
        ("2016/01/02/letter", "outside"),
        ("2015/letter", "undated"),
    ],
)
def test_the_day_in_an_address(path, verdict):
    assert Window(*YEAR).verdict({}, f"http://a.example/{path}") == verdict


def test_what_the_place_says_counts_before_the_address():
    address = "http://a.example/2009/01/01/letter"
    assert Window(*YEAR).verdict(hinted(("feed", "2015-03-01")), address) == "inside"
    assert Window(*YEAR).verdict(hinted(("sitemap", "2024-03-01")), address) == "outside"


def test_dates_of_listings_are_read_as_the_source_says():
    read = reader_of(ExtractionRules(date_format="%d/%m/%Y"))
    window = Window(datetime(2009, 4, 1, tzinfo=UTC), datetime(2009, 5, 1, tzinfo=UTC), read)
    assert window.verdict(hinted(("listing", "3/4/2009"))) == "inside"
    assert window.verdict(hinted(("listing", "4/3/2009"))) == "outside"


def test_without_bounds_all_is_let_in_and_nothing_is_said():
    window = Window(None, None)
    assert window.lets_in({})
    assert window.lets_in(hinted(("feed", "1999-01-01")))
    assert window.notes() == []
    assert window.begins_late() is None


def test_what_was_taken_without_a_date_is_counted():
    window = Window(*YEAR)
    for hints in ({}, {}, hinted(("sitemap", "2024-01-01")), hinted(("feed", "2015-05-05"))):
        window.lets_in(hints)
    assert [note.split(":")[0] for note in window.notes()] == [
        "2 addresses say no date",
        "1 addresses say only when they were changed or captured last",
    ]


def test_a_place_whose_oldest_entry_is_younger_than_the_window_is_told():
    window = Window(*YEAR)
    assert window.begins_late() is None
    window.shown(hinted(("feed", "2015-06-01")))
    window.shown(hinted(("sitemap", "2014-01-01")))
    assert "of 2015-06-01: what was published between 2015-01-01 and then" in window.begins_late()
    window.shown(hinted(("feed", "2014-12-01")))
    assert window.begins_late() is None
