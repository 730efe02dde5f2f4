from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.extract.document import ExtractionRules
from pipeline.extract.page import extract_page, extract_text
from pipeline.extract.written import read_written

APRIL, MARCH, EID = "2009-04-03", "2009-03-04", "2009-09-19"


@pytest.mark.parametrize(
    ("value", "date_format", "languages", "day"),
    [
        ("3/4/2009", None, [], None),
        ("3-4-2009", None, [], None),
        ("3/4/2009", "%d/%m/%Y", [], APRIL),
        ("3/4/2009", "%m/%d/%Y", [], MARCH),
        ("3/4/2009", None, ["ar"], APRIL),
        ("3/4/2009", None, ["en"], MARCH),
        ("٣/٤/٢٠٠٩", None, ["ar"], APRIL),
        ("٣/٤/٢٠٠٩", "%d/%m/%Y", [], APRIL),
        ("13/4/2009", None, [], "2009-04-13"),
        ("5/5/2009", None, [], "2009-05-05"),
        ("3.4.2009", None, [], APRIL),
        ("19 سبتمبر 2009", None, ["ar"], EID),
        ("19 أيلول 2009", None, ["ar"], EID),
        ("19 septembre 2009", None, ["fr"], EID),
        ("19 September 2009", None, [], EID),
        ("۱۳۸۸/۰۶/۲۸", None, ["fa"], EID),
        ("1388-6-28", None, ["prs"], EID),
        ("۲۸ شهریور ۱۳۸۸", None, ["fa"], EID),
        ("28 سنبله 1388", None, ["ps"], EID),
        ("۲۸ وږی ۱۳۸۸", None, ["ps"], EID),
        ("1388/13/40", None, ["fa"], None),
        ("2009/09/19", None, ["fa"], EID),
        ("Published on 19/09/2009", "Published on %d/%m/%Y", [], EID),
        ("19/09/2009 by us", "%d/%m/%Y", [], None),
        ("September 19", None, ["en"], None),
        ("Saturday", None, ["en"], None),
        ("", None, ["en"], None),
        ("3/4/2009", "%Q", [], None),
        # the lunar calendar depends on who saw the moon: a day of it can't be told
        ("٢٩ رمضان ١٤٣٠", None, ["ar"], None),
    ],
)
def test_read_written(value, date_format, languages, day):
    found = read_written(value, date_format=date_format, languages=languages)
    assert (found and f"{found:%Y-%m-%d}") == day


def test_what_a_page_says_to_machines_is_read_whatever_the_format():
    assert read_written("2009-09-19T10:00:00+04:30", date_format="%d/%m/%Y") == datetime(2009, 9, 19, 5, 30, tzinfo=UTC)
    assert read_written("2009-04-03", languages=["en"]) == datetime(2009, 4, 3, tzinfo=UTC)


def test_a_time_is_kept():
    assert read_written("۱۳۸۸/۶/۲۸ ۱۴:۳۰", languages=["fa"]) == datetime(2009, 9, 19, 14, 30, tzinfo=UTC)
    assert read_written("3/4/2009 10:05", languages=["de"]) == datetime(2009, 4, 3, 10, 5, tzinfo=UTC)


@given(st.text(max_size=60), st.sampled_from([None, "%d/%m/%Y", "%"]), st.sampled_from([[], ["fa"], ["ar", "en"]]))
def test_no_line_breaks_it(value, date_format, languages):
    found = read_written(value, date_format=date_format, languages=languages)
    assert found is None or found.tzinfo is UTC


PAGE = (
    '<html><head><meta property="article:published_time" content="2009-12-01"></head><body><article>'
    '<p class="day">{}</p><p>The council speaks of the valley and of the road to it.</p></article></body></html>'
)


@pytest.mark.parametrize(
    ("written", "rules", "used", "why"),
    [
        ("3/4/2009", {}, "meta", "refused: day and month can't be told apart; give the source a date_format"),
        ("3/4/2009", {"date_format": "%d/%m/%Y"}, "selector", "used"),
        ("۱۳۸۸/۱/۱۴", {"date_languages": ("fa",)}, "selector", "used"),
        ("some day", {"date_format": "%d/%m/%Y"}, "meta", "refused: can't be read as a full date"),
    ],
)
def test_the_date_on_a_texts_page_is_read_the_same_way(written, rules, used, why):
    extracted = extract_page(
        PAGE.format(written).encode(),
        address="http://a.example/1",
        rules=ExtractionRules(date_selector=".day", **rules),
        now=datetime(2026, 1, 1, tzinfo=UTC),
    )
    assert extracted.published_origin == used
    (chosen,) = (one for one in extracted.dates if one.origin == "selector")
    assert chosen.why.startswith(why)
    if used == "selector":
        assert extracted.published_at == datetime(2009, 4, 3, tzinfo=UTC)


def test_the_date_beside_a_link_is_read_the_same_way():
    hints = {"dates": [{"origin": "listing", "value": "3/4/2009"}]}
    for languages, used in (((), None), (("ar",), "listing")):
        extracted = extract_text(
            "Words of the valley.",
            address="http://a.example/1",
            hints=hints,
            rules=ExtractionRules(date_languages=languages),
            now=datetime(2026, 1, 1, tzinfo=UTC),
        )
        assert extracted.published_origin == used
