"""A saved drawing carries its words, and none of them is interpreted."""

from __future__ import annotations

from datetime import date

from lxml import etree

from pipeline.review.chart_files import HEAD, KEY, LINE, with_words
from pipeline.review.charts import Point, Series, as_png, render, series_spec

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
