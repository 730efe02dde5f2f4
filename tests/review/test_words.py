from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.review.html import _told
from pipeline.review.words import cell, csv_file, day, direction, interval, language_tag, moment, number
from pipeline.spreadsheet import bare, csv_cell


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "  =1"])
def test_text_that_a_spreadsheet_would_run_is_disarmed(text):
    assert csv_cell(text) == "'" + text
    assert csv_cell([text, "b"]) == f"'{text}; b"


def test_numbers_stay_numbers():
    assert csv_cell(-0.5) == -0.5
    assert csv_file(["a", "b"], [[-0.25, None]]) == "a,b\r\n-0.25,\r\n"


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_any_text_comes_back_from_the_file(texts):
    texts = [t.replace("\r", "").replace("\0", "") for t in texts]
    read = list(csv.reader(io.StringIO(csv_file([f"c{i}" for i in range(len(texts))], [texts]), newline="")))
    assert [bare(r) for r in read[1]] == texts


def test_numbers_read_well():
    assert [number(v) for v in (0.5, -0.5, 0.0, -0.001, None)] == ["+0.50", "−0.50", "0.00", "0.00", "–"]
    assert interval(-0.1, 0.2) == "−0.10 to +0.20"
    assert interval(None, 0.2) == ""
    assert interval(0.331, 0.339) == "+0.331 to +0.339"
    assert interval(0.33, 0.33, all_coded=True) == "all coded"
    assert [cell(v) for v in (None, 3, 0.71234, ["a", "b"], {"cc": 0.1})] == ["", "3", "0.7123", "a; b", "cc 0.1000"]


def test_an_interval_without_width_is_called_all_coded_only_where_all_is_coded():
    assert interval(0.0, 0.0) == "0.000 to 0.000"
    assert interval(0.33, 0.33) == "+0.330 to +0.330"
    # what is left of a width is shown, whatever is coded
    assert interval(-0.1, 0.2, all_coded=True) == "−0.10 to +0.20"


def test_times_are_shown_in_utc():
    late = datetime(2025, 1, 1, 1, 30, tzinfo=timezone(timedelta(hours=4, minutes=30)))
    assert moment(late) == "2024-12-31 21:00 UTC"
    assert day(late) == "2024-12-31"
    assert day(date(2025, 1, 1)) == "2025-01-01"
    assert csv_cell(late) == "2024-12-31T21:00:00+00:00"
    assert moment(None) == "–"
    assert moment(datetime(2025, 1, 1, tzinfo=UTC)) == "2025-01-01 00:00 UTC"


def test_moments_in_a_sentence_are_elements_and_the_rest_is_escaped():
    first = moment(datetime(2025, 1, 1, 9, 30, tzinfo=UTC))
    told = _told(f"<b>It's</b> of {first}, closed 2025-01-02 ({first}).")
    made = f'<time datetime="2025-01-01T09:30:00Z" title="{first}">{first}</time>'
    assert told == f"&lt;b&gt;It&#39;s&lt;/b&gt; of {made}, closed 2025-01-02 ({made})."
    assert _told("") == ""


def test_direction_and_language_of_a_text():
    assert [direction(code) for code in ("ar", "ps", "fa-AF", "en", None)] == ["rtl", "rtl", "rtl", "auto", "auto"]
    assert [language_tag(code) for code in ("ar", "fa-AF", None, 'en"><script>')] == ["ar", "fa-AF", "und", "und"]
