"""The specifications: what is missing breaks the line, what is corrected looks so, nothing foreign gets in."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import altair
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from pipeline.review import charts
from pipeline.review.charts import (
    AlarmMark,
    Band,
    Mark,
    Point,
    Series,
    as_png,
    edges,
    extent,
    frame_of,
    lanes,
    render,
    runs,
    series_spec,
    share_extent,
    spots,
)

START = date(2024, 1, 1)


def point(number: int, value: float | None, *, corrected: bool = False, href: str | None = None) -> Point:
    start = START + timedelta(days=7 * number)
    spread = 0.1 if corrected and value is not None else None
    return Point(
        start,
        start + timedelta(days=7),
        f"week {number}",
        value,
        low=None if spread is None else value - spread,
        high=None if spread is None else value + spread,
        corrected=corrected,
        missing=None if value is not None else "outage",
        said=f"point {number}",
        href=href,
    )


def spec_of(*series: Series, events=()) -> dict:
    return series_spec(series, events, title="t", value_title="v", height=200)


def marks_of(spec: dict, kind: str) -> list[dict]:
    return [layer for layer in spec["layer"] if layer["mark"]["type"] == kind]


BAND = Band(START, START + timedelta(days=14), 0.1, -0.9, 0.3, "the reference")
ALARM = AlarmMark(
    START + timedelta(days=7), START + timedelta(days=21), START + timedelta(days=14), None, "alarm 3: open", "said"
)


def test_no_line_crosses_a_missing_period():
    points = [point(0, 0.1), point(1, 0.2), point(2, None), point(3, 0.3), point(5, 0.4), point(6, 0.5)]
    assert [(p.label, q.label) for p, q in edges(points)] == [("week 0", "week 1"), ("week 5", "week 6")]
    drawn = spec_of(Series("a", "A", points))
    joined = [row for layer in marks_of(drawn, "line") for row in layer["data"]["values"]]
    assert [row["y"] for row in joined] == [0.1, 0.2, 0.4, 0.5]
    assert len({row["run"] for row in joined}) == 2
    strips = [row for layer in marks_of(drawn, "rect") for row in layer["data"]["values"]]
    assert strips == [{"x": "2024-01-15T00:00:00Z", "x2": "2024-01-22T00:00:00Z", "said": "A, week 2: outage"}]


def test_corrected_and_uncorrected_look_different():
    drawn = spec_of(Series("b", "B", [point(0, 0.1, corrected=True), point(1, 0.2, corrected=True), point(2, 0.3)]))
    filled, hollow = marks_of(drawn, "point")
    assert filled["mark"]["fill"] == charts.COLOURS["b"]
    assert hollow["mark"]["fill"] == charts.COLOURS["paper"]
    assert (len(filled["data"]["values"]), len(hollow["data"]["values"])) == (2, 1)
    dashes = [layer["mark"].get("strokeDash") for layer in marks_of(drawn, "line")]
    assert dashes == [None, [4, 4]]  # the corrected edge, the edge to the uncorrected point
    intervals = next(layer for layer in marks_of(drawn, "rule") if layer["mark"].get("strokeOpacity"))
    assert len(intervals["data"]["values"]) == 2


def test_the_value_axis_holds_zero_and_all_intervals():
    assert extent([Series("a", "A", [point(0, 0.62, corrected=True)])]) == (-0.5, 0.75)
    assert extent([Series("a", "A", [point(0, None)])]) == (-0.5, 0.5)


@given(st.lists(st.one_of(st.none(), st.floats(-2, 2)), min_size=1, max_size=30))
def test_any_series_lies_inside_the_axis_and_joins_only_neighbours(values):
    series = Series("gap", "Gap", [point(i, v, corrected=i % 2 == 0) for i, v in enumerate(values)])
    low, high = extent([series])
    assert all(low <= v <= high for v in values if v is not None)
    assert len(edges(series.points)) == sum(p is not None and q is not None for p, q in pairwise(values))


def test_the_specifications_are_valid_by_vega_lites_own_schema():
    points = [point(0, 0.1, corrected=True, href="x"), point(1, None), point(2, 0.3), point(3, 0.2)]
    both = [Series("a", "A", points), Series("b", "B", points)]
    altair.Chart.from_dict(spec_of(*both, events=[Mark(START, 1, "split", "s")]))
    spec = series_spec([both[0]], [], title="t", value_title="v", height=90, band=BAND, alarms=[ALARM], shares=True)
    altair.Chart.from_dict(spec)


def test_a_chart_of_nothing_is_refused():
    with pytest.raises(ValueError, match="at least one period"):
        spec_of(Series("a", "A", []))


def test_labels_of_near_events_stand_in_different_rows():
    days = [date(2024, 1, 10), date(2024, 1, 20), date(2024, 1, 25), date(2024, 11, 1)]
    assert lanes(days, date(2024, 1, 1), date(2024, 12, 31)) == [2, 1, 0, 0]


def test_an_event_of_no_kind_is_marked_by_its_number_alone():
    events = [Mark(START, 1, "split", "s"), Mark(START, 2, "other", "o")]
    drawn = spec_of(Series("a", "A", [point(0, 0.1)]), events=events)
    labels = {row["label"] for layer in marks_of(drawn, "text") for row in layer["data"]["values"]}
    assert labels == {"1 split", "2"}


def test_events_outside_the_chart_are_left_out():
    drawn = spec_of(Series("a", "A", [point(0, 0.1)]), events=[Mark(date(1999, 1, 1), 1, "split", "s")])
    assert "1 split" not in str(drawn)


def test_a_drawing_says_what_it_is_and_holds_nothing_foreign():
    name = "</text><script>x</script>"
    points = [point(0, 0.1, href="../../texts?group=a&start=1"), point(1, 0.2)]
    svg = render(spec_of(Series("a", name, points), Series("b", "B", points)), title="<T>", description="D & d")
    root = etree.fromstring(svg)
    assert [c.text for c in root[:2]] == ["<T>", "D & d"]
    assert root.get("aria-labelledby") == "chart-title chart-desc"
    tags = {etree.QName(e).localname for e in root.iter()}
    assert tags <= {"svg", "g", "path", "line", "rect", "text", "a", "title", "desc"}
    assert [e.get("href") for e in root.iter("{*}a")] == ["../../texts?group=a&start=1"] * 2
    assert "point 0" in [e.text for e in root.iter("{*}title")]
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")
    assert not any(k in {"style", "onload"} for e in root.iter() for k in e.attrib)
    assert "var(--chart-a)" in svg


def test_a_saved_drawing_needs_no_page_around_it():
    points = [point(0, 0.1, href="x"), point(1, 0.2)]
    svg = render(spec_of(Series("a", "A", points)), title="T", description="D", page=False)
    assert "var(" not in svg
    assert "<a " not in svg
    assert 'width="1080"' in svg
    assert charts.COLOURS["a"] in svg


@given(st.lists(st.tuples(st.one_of(st.none(), st.floats(-1, 1)), st.booleans()), min_size=1, max_size=40))
def test_runs_hold_every_edge_once_and_never_mix_what_is_corrected(values):
    points = [point(i, v, corrected=c) for i, (v, c) in enumerate(values)]
    found = [(a.label, b.label) for _, run in runs(points) for a, b in pairwise(run)]
    assert found == [(a.label, b.label) for a, b in edges(points)]
    for corrected, run in runs(points):
        assert all((a.corrected and b.corrected) == corrected for a, b in pairwise(run))


def test_the_reference_is_a_band_and_an_alarm_has_its_stretch_its_line_and_its_name():
    points = [point(i, 0.1) for i in range(6)]
    drawn = series_spec(
        [Series("gap", "G", points)], [], title="t", value_title="v", height=90, band=BAND, alarms=[ALARM]
    )
    rects = [row for layer in marks_of(drawn, "rect") for row in layer["data"]["values"]]
    assert {row["y"] for row in rects if "y" in row} == {-0.9}  # the axis makes room for the band
    shades = [row for row in rects if row["said"] == "said"]
    assert (shades[0]["x"], shades[0]["x2"]) == ("2024-01-08T00:00:00Z", "2024-01-22T00:00:00Z")
    assert shades[1]["x2"] == "2024-02-12T00:00:00Z"  # open: to the end
    names = [row.get("label") for layer in marks_of(drawn, "text") for row in layer["data"]["values"]]
    assert "alarm 3: open" in names
    far = AlarmMark(date(1999, 1, 1), date(1999, 2, 1), date(1999, 1, 20), date(1999, 3, 1), "alarm 1: closed", "x")
    assert "alarm 1" not in str(
        series_spec([Series("gap", "G", points)], [], title="t", value_title="v", height=90, alarms=[far])
    )


def test_shares_have_an_axis_from_zero():
    assert share_extent([Series("a", "A", [point(0, 0.02)])]) == (0.0, 0.05)
    assert share_extent([Series("a", "A", [point(0, 0.42, corrected=True)])]) == (0.0, 1.0)


def test_spots_lie_where_the_drawing_puts_the_marks():
    points = [point(0, 0.5), point(1, None), point(2, -0.25, href="x")]
    series = [Series("a", "A", points)]
    found = spots(series, frame_of(series, [], 200))
    assert [(s.said, s.href, s.missing) for s in found] == [
        ("point 0", None, False),
        ("A, week 1: outage", None, True),
        ("point 2", "x", False),
    ]
    root = etree.fromstring(render(spec_of(*series), title="t", description="d"))
    drawn = []
    for mark in root.iter("{*}path"):
        title = mark.find("{*}title")
        if title is not None and (title.text or "").startswith("point"):
            x, y = (float(n) for n in mark.get("transform").removeprefix("translate(").rstrip(")").split(","))
            drawn.append((x + charts.LEFT, y + 12))
    assert drawn == [pytest.approx((found[0].x, found[0].y), abs=0.2), pytest.approx((found[2].x, found[2].y), abs=0.2)]


def test_very_many_uncorrected_points_are_lines_and_only_lonely_ones_are_marked():
    points = [point(i, None if i in {200, 202} else 0.1) for i in range(400)]
    drawn = spec_of(Series("a", "A", points))
    assert [row["said"] for layer in marks_of(drawn, "point") for row in layer["data"]["values"]] == ["point 201"]
    assert len(render(drawn, title="t", description="d")) < 60_000


def test_a_picture_has_the_size_that_is_asked_for():
    spec = spec_of(Series("a", "A", [point(0, 0.1), point(1, 0.2)]))
    png = as_png(render(spec, title="t", description="d", page=False), scale=0.5)
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    assert int.from_bytes(png[16:20], "big") == 540
