"""A saved drawing carries its words, and none of them is interpreted."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from lxml import etree

from pipeline.review.chart_files import EVENT_LINES, HEAD, KEY, LETTERS, LINE, MOST_EVENTS, event_lines, with_words
from pipeline.review.charts import Mark, Point, Series, as_png, in_sight, render, series_spec

HOSTILE = '<script>alert(1)</script> & "A"'


def test_title_key_and_foot_stand_in_the_drawing_as_text():
    points = [
        Point(date(2024, 1, 1), date(2024, 2, 1), "2024-01", 0.1),
        Point(date(2024, 2, 1), date(2024, 3, 1), "2024-02", 0.3),
    ]
    spec = series_spec([Series("a", "A", points)], [], title="t", value_title="v", height=200)
    plain = render(spec, title="t", description="d", page=False)
    made = with_words(plain, title=HOSTILE, key=KEY, foot=["first line", "second line"])
    before, root = etree.fromstring(plain.encode()), etree.fromstring(made.encode())
    assert not root.xpath("//*[local-name()='script']")
    words = ["".join(one.itertext()) for one in root.iterchildren("{*}text")]
    assert words == [HOSTILE, KEY, "first line", "second line"]
    height = float(before.get("viewBox").split()[3])
    grown = float(root.get("viewBox").split()[3])
    assert grown == float(root.get("height")) == height + HEAD + 2 * LINE + 8
    lowest = max(float(one.get("y")) for one in root.iterchildren("{*}text"))
    assert height + HEAD < lowest < grown
    assert [one.tag for one in root][:2] == [one.tag for one in before][
        :2
    ]  # title and description stay where they were
    picture = as_png(made, scale=0.5)
    assert int.from_bytes(picture[20:24], "big") == round(grown / 2)


def mark(number: int, words: str = "The lighthouse is lit") -> Mark:
    day = date(2024, 1, 1) + timedelta(days=number)
    return Mark(day, number, "statement", f"{day.isoformat()}: {words}")


def test_each_event_that_is_drawn_is_listed_with_number_day_and_words():
    assert event_lines([mark(1), mark(2, HOSTILE)]) == [
        "Events",
        "1\u20022024-01-02: The lighthouse is lit",
        f"2\u20022024-01-03: {HOSTILE}",
    ]
    assert event_lines([]) == []
    drawn = in_sight([mark(9), mark(3), mark(1)], mark(1).day, mark(9).day)
    assert [one.number for one in drawn] == [1, 3]


@pytest.mark.parametrize("words", ["word " * 300, "a\n\tb" * 300, "x" * 2000, "灯台" * 500, "", "ة" * 900])
def test_long_words_are_wrapped_and_cut(words):
    head, first, *more = event_lines([mark(7, words)])
    assert head == "Events"
    assert first.startswith("7\u20022024-01-08:")
    assert len(more) < EVENT_LINES
    for line in (first, *more):
        assert len(line) * (2 if "灯" in words else 1) <= LETTERS
        assert "\n" not in line
    assert not more or more[-1].endswith("…")


def test_of_very_many_events_the_newest_are_listed_and_the_others_counted():
    lines = event_lines([mark(number) for number in range(1, MOST_EVENTS + 4)])
    assert lines[1] == "3 earlier events are listed on the dyad's page."
    assert len(lines) == MOST_EVENTS + 2
    assert lines[2].startswith("4\u2002")
