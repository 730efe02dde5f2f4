"""Charts as Vega-Lite specifications (pure: points in, JSON out), and the one function that draws them.

A specification holds numbers, dates, group names and kinds of events; crawled text never enters one. What comes
out of the renderer is read again as XML and rebuilt from an allowlist, so no script and no outside address survives.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise
from typing import Any, Literal

from lxml import etree
from markupsafe import Markup

Spec = dict[str, Any]
Side = Literal["a", "b", "gap"]

# Okabe and Ito's colours, told apart by people who see colours differently; shapes and dashes say the same again.
COLOURS: dict[str, str] = {
    "a": "#0072b2",
    "b": "#c44e00",
    "gap": "#5b4a9c",
    "ink": "#39424e",
    "grid": "#e4e7ec",
    "zero": "#7c8694",
    "paper": "#fefefe",
    "event": "#5f6772",
    "alarm": "#8a1c5a",
    "band": "#6b7480",
}
"""Name -> the colour in a saved file. On a page each becomes the CSS variable ``--chart-<name>``, light or dark."""
SHAPES: dict[Side, str] = {"a": "circle", "b": "square", "gap": "diamond"}
FONT = "system-ui, 'Noto Sans', 'Liberation Sans', Arial, sans-serif"
DRAWN_WITH = "sans-serif"
"""Stands for FONT while the renderer draws: it looks up every name of a list for every word, which takes longer than
all the rest. Nothing but the name differs in the drawing."""
WIDTH = 1080
LEFT, RIGHT, FOOT = 64, 176, 30
"""Pixels beside and below the plot: for the value axis, for the names of the lines, for the time axis."""
MOST_MARKED = 160
"""With more periods than this only corrected and lonely points are marked; lines alone show the others."""
LANES = 3
"""Rows above the plot in which labels of events may stand without meeting."""
ROW = 17
"""Height in pixels of a row of labels above the plot."""
STRIP = 9
"""Height in pixels of the strip that marks periods without a value."""
LINK_ROOT = "https://riftwatch.invalid/"
"""The renderer makes addresses absolute; this one is taken off again. It leads nowhere."""


@dataclass(frozen=True)
class Point:
    """One period of one series. ``value`` null: there is none, and ``missing`` says why."""

    start: date
    end: date
    """first day after the period"""
    label: str
    """the period's name, such as 2024-Q1"""
    value: float | None
    low: float | None = None
    high: float | None = None
    corrected: bool = False
    missing: str | None = None
    said: str = ""
    """one line that reads the point aloud"""
    href: str | None = None
    """where a click leads, relative to the page"""
    beside: float | None = None
    """a second value of the period, drawn as a small mark: beside a smoothed gap the corrected one"""


@dataclass(frozen=True)
class Series:
    """The points of one line, oldest first."""

    side: Side
    name: str
    points: Sequence[Point]
    short: str | None = None
    """what stands at its right end; null: the name"""
    smoothed: bool = False
    """its values are no measured ones, so they are marked by dashes"""


@dataclass(frozen=True)
class Mark:
    """An event on the time axis."""

    day: date
    number: int
    kind: str
    said: str


@dataclass(frozen=True)
class Band:
    """The values of a reference: its mean and how far single periods usually lie from it."""

    start: date
    end: date
    """first day after the reference"""
    mean: float
    low: float
    high: float
    said: str


@dataclass(frozen=True)
class AlarmMark:
    """An alarm on the time axis."""

    since: date
    """first day of its stretch"""
    end: date
    """first day after its stretch"""
    raised: date
    closed: date | None
    """first day after it; null: open"""
    label: str
    said: str


@dataclass(frozen=True)
class Frame:
    """Where a chart's plot lies and what its axes hold: days to pixels, values to pixels."""

    first: date
    last: date
    """first day after the axis"""
    low: float
    high: float
    height: int
    top: int
    """pixels above the plot"""

    @property
    def width(self) -> int:
        """Of the plot."""
        return WIDTH - LEFT - RIGHT

    def x(self, day: date, shift: float = 0.0) -> float:
        """Pixel of a day (and a part of one) in the whole drawing."""
        return LEFT + ((day - self.first).days + shift) / max(1, (self.last - self.first).days) * self.width

    def y(self, value: float) -> float:
        """Pixel of a value in the whole drawing."""
        return self.top + (self.high - value) / (self.high - self.low) * self.height


@dataclass(frozen=True)
class Spot:
    """A point as the reader's pointer and keyboard find it, in pixels of the whole drawing."""

    line: str
    """name of the series"""
    label: str
    """the period"""
    x: float
    y: float
    said: str
    href: str | None
    missing: bool


@dataclass(frozen=True)
class Chart:
    """A chart: what draws it, what it says, and where its points are."""

    spec: Spec
    title: str
    description: str
    spots: Sequence[Spot]
    events: Sequence[Mark] = ()
    """those it numbers, in the order of time: what stands alone has to say what they were"""


def _time(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


def _middle(point: Point, shift: float = 0.0) -> str:
    """The middle of the period, moved by a share of its length."""
    start = datetime(point.start.year, point.start.month, point.start.day)  # noqa: DTZ001 (written as UTC below)
    moved = start + timedelta(days=(point.end - point.start).days * (0.5 + shift))
    return f"{moved.isoformat(timespec='seconds')}Z"


def edges(points: Sequence[Point]) -> list[tuple[Point, Point]]:
    """Pairs of neighbours that a line may join: both have a value and no period lies between them."""
    return [
        (left, right)
        for left, right in pairwise(points)
        if left.value is not None and right.value is not None and left.end == right.start
    ]


def runs(points: Sequence[Point]) -> list[tuple[bool, list[Point]]]:
    """Stretches that one line may draw, with whether both ends of its every edge are corrected."""
    made: list[tuple[bool, list[Point]]] = []
    for left, right in edges(points):
        corrected = left.corrected and right.corrected
        if made and made[-1][0] == corrected and made[-1][1][-1] is left:
            made[-1][1].append(right)
        else:
            made.append((corrected, [left, right]))
    return made


def extent(series: Sequence[Series]) -> tuple[float, float]:
    """Ends of the value axis: zero, every value and every interval lie inside, in steps of a quarter, at least +-.5."""
    values = [v for s in series for p in s.points for v in (p.value, p.low, p.high, p.beside) if v is not None]
    low, high = min([*values, -0.5]), max([*values, 0.5])
    step = 0.25
    return -step * -(low // step), step * -(-high // step)


def _layer(values: list[dict[str, Any]], mark: dict[str, Any], encoding: dict[str, Any]) -> Spec:
    return {"data": {"values": values}, "mark": mark, "encoding": encoding}


_X = {"field": "x", "type": "temporal"}
_COLOUR = {"field": "colour", "type": "nominal", "scale": None, "legend": None}


def _y(field: str) -> dict[str, Any]:
    return {"field": field, "type": "quantitative"}


def _strips(series: Sequence[Series]) -> list[Spec]:
    """A strip along the foot of the plot, one row a series, over each period that has no value."""
    layers = []
    for row, one in enumerate(reversed(series)):
        gone = [
            {"x": _time(p.start), "x2": _time(p.end), "said": f"{one.name}, {p.label}: {p.missing or 'no value'}"}
            for p in one.points
            if p.value is None
        ]
        if gone:
            foot = {"expr": f"height - {row * STRIP}"}
            top = {"expr": f"height - {row * STRIP + STRIP - 1}"}
            mark = {"type": "rect", "color": COLOURS[one.side], "fillOpacity": 0.5}
            encoding = {"x": _X, "x2": {"field": "x2"}, "y": {"value": top}, "y2": {"value": foot}}
            layers.append(_layer(gone, mark, encoding | {"description": {"field": "said"}}))
    return layers


def _lines(series: Series, shift: float) -> list[Spec]:
    layers = []
    for corrected in (True, False):
        rows = [
            {"x": _middle(p, shift), "y": round(p.value or 0.0, 5), "run": number}
            for number, (kind, points) in enumerate(runs(series.points))
            if kind == corrected
            for p in points
        ]
        if rows:
            mark: dict[str, Any] = {
                "type": "line",
                "color": COLOURS[series.side],
                "strokeWidth": 2 if corrected else 1.3,
                "strokeCap": "round",
            }
            if not corrected:
                mark["strokeDash"] = [4, 4] if len(series.points) <= MOST_MARKED else [3, 2]
            layers.append(_layer(rows, mark, {"x": _X, "y": _y("y"), "detail": {"field": "run", "type": "nominal"}}))
    return layers


def _intervals(series: Series, shift: float) -> Spec | None:
    rows = [
        {"x": _middle(p, shift), "y": p.low, "y2": p.high}
        for p in series.points
        if p.low is not None and p.high is not None
    ]
    if not rows:
        return None
    mark = {"type": "rule", "color": COLOURS[series.side], "strokeWidth": 7, "strokeOpacity": 0.28}
    return _layer(rows, mark, {"x": _X, "y": _y("y"), "y2": {"field": "y2"}})


def _marked(points: Sequence[Point]) -> list[Point]:
    """The points that get a mark of their own: all, or of very many those that no line shows."""
    if len(points) <= MOST_MARKED:
        return list(points)
    joined = {id(p) for pair in edges(points) for p in pair}
    return [p for p in points if p.corrected or id(p) not in joined]


def _dashes(series: Series, shift: float) -> list[Spec]:
    """A dash across each interval where the line passes, and the small marks beside."""
    drawn: Spec = {"type": "point", "shape": "stroke", "size": 200, "opacity": 1, "strokeWidth": 2.4}
    small: Spec = {"type": "point", "shape": SHAPES[series.side], "size": 36, "filled": True, "opacity": 1}
    of_line = [(p, p.value) for p in series.points if p.value is not None]
    beside = [(p, p.beside) for p in series.points if p.beside is not None]
    layers = []
    for some, mark in ((of_line, drawn | {"stroke": COLOURS[series.side]}), (beside, small | {"fill": COLOURS["ink"]})):
        rows = [
            {"x": _middle(p, shift), "y": y, "said": p.said} | ({"href": LINK_ROOT + p.href} if p.href else {})
            for p, y in some
        ]
        if rows:
            encoding = {"x": _X, "y": _y("y"), "description": {"field": "said"}, "href": {"field": "href"}}
            layers.append(_layer(rows, mark, encoding))
    return layers


def _points(series: Series, shift: float) -> list[Spec]:
    if series.smoothed:
        return _dashes(series, shift)
    size = 70 if len(series.points) <= 40 else 30
    layers = []
    for corrected in (True, False):
        rows = [
            {"x": _middle(p, shift), "y": p.value, "said": p.said} | ({"href": LINK_ROOT + p.href} if p.href else {})
            for p in _marked(series.points)
            if p.value is not None and p.corrected == corrected
        ]
        if rows:
            mark = {
                "type": "point",
                "shape": SHAPES[series.side],
                "size": size,
                "filled": False,
                "opacity": 1,
                "stroke": COLOURS[series.side],
                "strokeWidth": 1.6,
                "fill": COLOURS[series.side] if corrected else COLOURS["paper"],
            }
            encoding = {"x": _X, "y": _y("y"), "description": {"field": "said"}, "href": {"field": "href"}}
            layers.append(_layer(rows, mark, encoding))
    return layers


def _names(series: Sequence[Series], low: float, high: float) -> list[Spec]:
    """Each line's name at its right end; two that would meet are moved apart."""
    ends = [(s, next((p for p in reversed(s.points) if p.value is not None), None)) for s in series]
    placed: list[tuple[float, Series, Point]] = sorted(
        ((p.value, s, p) for s, p in ends if p is not None and p.value is not None), key=lambda e: e[0]
    )
    apart = (high - low) * 0.07
    layers, floor = [], -9.0
    for value, one, point in placed:
        at = max(value, floor + apart)
        floor = at
        row = {
            "x": _time(max(s.points[-1].end for s in series)),
            "y": at,
            "name": _short(one.short or one.name),
            "said": point.said,
        }
        mark = {"type": "text", "align": "left", "dx": 8, "fontSize": 13, "fontWeight": 600, "color": COLOURS[one.side]}
        layers.append(_layer([row], mark, {"x": _X, "y": _y("y"), "text": {"field": "name"}}))
    return layers


def _short(name: str, limit: int = 20) -> str:
    return name if len(name) <= limit else name[: limit - 1].rstrip() + "…"


def lanes(days: Sequence[date], first: date, last: date, width_of_label: float = 0.11) -> list[int]:
    """A row for each event's label (0 is nearest the plot); ``days`` in order.

    A label reaches to the right over the lines of events that follow closely, so it stands above them while rows
    suffice.
    """
    reach = (last - first).days * width_of_label
    made: list[int] = []
    for i in reversed(range(len(days))):
        covered = [lane for day, lane in zip(days[i + 1 :], made, strict=True) if (day - days[i]).days < reach]
        made.insert(0, min(max(covered, default=-1) + 1, LANES - 1))
    return made


def in_sight(events: Sequence[Mark], first: date, last: date) -> list[Mark]:
    """The events that a chart from ``first`` to the day before ``last`` draws, in the order of time."""
    return sorted((e for e in events if first <= e.day < last), key=lambda e: e.day)


def _event_layers(events: Sequence[Mark], first: date, last: date, beneath: int) -> list[Spec]:
    """The events' lines and labels; ``beneath``: rows of other labels between these and the plot."""
    inside = in_sight(events, first, last)
    if not inside:
        return []
    # "other" says nothing of the event; its number leads to the list
    rows = [
        {"x": _time(e.day), "label": f"{e.number}" if e.kind == "other" else f"{e.number} {e.kind}", "said": e.said}
        for e in inside
    ]
    rule = {"type": "rule", "color": COLOURS["event"], "strokeDash": [2, 3], "strokeWidth": 1}
    chosen = lanes([e.day for e in inside], first, last)
    layers = []
    for lane in sorted(set(chosen)):
        own = [row for row, chosen_lane in zip(rows, chosen, strict=True) if chosen_lane == lane]
        foot = {"y": {"value": -6 - ROW * (lane + beneath)}}
        mark = {
            "type": "text",
            "align": "left",
            "baseline": "middle",
            "dx": 4,
            "fontSize": 12,
            "color": COLOURS["event"],
        }
        # the line reaches up to its label, past the labels of lower lanes
        layers.append(
            _layer(own, rule, {"x": _X, "y": foot["y"], "y2": {"value": "height"}, "description": {"field": "said"}})
        )
        layers.append(_layer(own, mark, {"x": _X, "text": {"field": "label"}} | foot))
    return layers


def _band_layers(band: Band, frame: Frame) -> list[Spec]:
    """The reference: a band over it, lighter from there on, and its mean."""
    start, end, last = (_time(max(frame.first, min(day, frame.last))) for day in (band.start, band.end, frame.last))
    low, high = max(band.low, frame.low), min(band.high, frame.high)
    layers = []
    for x, x2, opacity in ((start, end, 0.22), (end, last, 0.1)):
        if x < x2:
            row = {"x": x, "x2": x2, "y": low, "y2": high, "said": band.said}
            mark = {"type": "rect", "color": COLOURS["band"], "fillOpacity": opacity}
            encoding = {"x": _X, "x2": {"field": "x2"}, "y": _y("y"), "y2": {"field": "y2"}}
            layers.append(_layer([row], mark, encoding | {"description": {"field": "said"}}))
    if start < last:
        mean = {"type": "rule", "color": COLOURS["band"], "strokeWidth": 1, "strokeDash": [1, 2]}
        layers.append(
            _layer([{"x": start, "x2": last, "y": band.mean}], mean, {"x": _X, "x2": {"field": "x2"}, "y": _y("y")})
        )
        label = {"type": "text", "align": "left", "dx": 8, "fontSize": 12, "color": COLOURS["band"]}
        said = {"x": last, "y": min(max(band.mean, frame.low), frame.high), "name": "reference"}
        layers.append(_layer([said], label, {"x": _X, "y": _y("y"), "text": {"field": "name"}}))
    return layers


def _named_alarms(alarms: Sequence[AlarmMark], frame: Frame) -> list[tuple[AlarmMark, int, bool]]:
    """The alarms of a chart with the row of each one's name above the plot, and whether it is written to the left.

    Row 0 is nearest the plot; names that would meet stand in different rows.
    """
    made: list[tuple[AlarmMark, int, bool]] = []
    ends: list[float] = []
    for one in sorted(alarms, key=lambda one: one.raised):
        if one.since >= frame.last or (one.closed or frame.last) <= frame.first:
            continue
        x, width = max(frame.x(one.raised), LEFT), 7.0 * len(one.label) + 12
        left = x + width > LEFT + frame.width
        begin = x - width if left else x
        row = next((i for i, end in enumerate(ends) if end <= begin), len(ends))
        if row == len(ends):
            ends.append(0.0)
        ends[row] = begin + width
        made.append((one, row, left))
    return made


def _alarm_layers(alarms: Sequence[AlarmMark], frame: Frame) -> list[Spec]:
    """Each alarm: its stretch shaded, a line where it was raised, a bar along the top while it was open, its name."""
    layers: list[Spec] = []
    for one, row, left in _named_alarms(alarms, frame):
        since, end, raised = (_time(max(frame.first, min(day, frame.last))) for day in (one.since, one.end, one.raised))
        until = _time(min(max(one.closed or frame.last, one.raised), frame.last))
        x2, said = {"x2": {"field": "x2"}}, {"description": {"field": "said"}}
        shade = {"type": "rect", "color": COLOURS["alarm"], "fillOpacity": 0.13}
        whole = {"x": _X, "y": {"value": 0}, "y2": {"value": "height"}}
        layers.append(_layer([{"x": since, "x2": end, "said": one.said}], shade, whole | x2 | said))
        line = {"type": "rule", "color": COLOURS["alarm"], "strokeWidth": 1.5}
        up = {"x": _X, "y": {"value": -ROW * (row + 0.8)}, "y2": {"value": "height"}}
        layers.append(_layer([{"x": raised, "said": one.said}], line, up | said))
        if raised < until:
            bar = {"type": "rect", "color": COLOURS["alarm"], "fillOpacity": 0.75}
            top = {"x": _X, "y": {"value": 0}, "y2": {"value": 4}}
            layers.append(_layer([{"x": raised, "x2": until, "said": one.said}], bar, top | x2 | said))
        name = {
            "type": "text",
            "align": "right" if left else "left",
            "baseline": "middle",
            "dx": -5 if left else 5,
            "fontSize": 12,
            "fontWeight": 600,
            "color": COLOURS["alarm"],
        }
        place = {"x": _X, "y": {"value": -7 - ROW * row}, "text": {"field": "label"}}
        layers.append(_layer([{"x": raised, "label": one.label}], name, place))
    return layers


_SIGNED = "datum.value == 0 ? '0' : format(datum.value, '+.2~f')"
_SHARE = "format(datum.value, '.2~%')"
_CONFIG: Spec = {
    "font": DRAWN_WITH,
    "background": "transparent",
    "view": {"stroke": None},
    "axis": {
        "labelColor": COLOURS["ink"],
        "titleColor": COLOURS["ink"],
        "titleFontWeight": "normal",
        "titleFontSize": 13,
        "labelFontSize": 12,
        "gridColor": COLOURS["grid"],
        "domain": False,
        "tickColor": COLOURS["grid"],
        "titlePadding": 10,
        "labelPadding": 6,
    },
}


def share_extent(series: Sequence[Series]) -> tuple[float, float]:
    """Ends of an axis of shares: from 0 to the next of a few round numbers."""
    values = [v for s in series for p in s.points for v in (p.value, p.low, p.high) if v is not None]
    most = max([*values, 0.0])
    return 0.0, next((end for end in (0.05, 0.1, 0.2, 0.3, 0.5) if most <= end), 1.0)


def frame_of(
    series: Sequence[Series],
    events: Sequence[Mark],
    height: int,
    ends: tuple[float, float] | None = None,
    band: Band | None = None,
    alarms: Sequence[AlarmMark] = (),
) -> Frame:
    """The frame that holds all of it. ValueError when there is no period at all."""
    points = [p for s in series for p in s.points]
    if not points:
        raise ValueError("a chart needs at least one period")
    first, last = min(p.start for p in points), max(p.end for p in points)
    low, high = ends or extent(series)
    if ends is None and band is not None and band.start < last:
        step = 0.25
        low, high = min(low, step * (band.low // step)), max(high, step * -(-band.high // step))
    inside = in_sight(events, first, last)
    rows = max(lanes([e.day for e in inside], first, last), default=-1) + 1
    frame = Frame(first, last, low, high, height, 0)
    rows += max((row for _, row, _ in _named_alarms(alarms, frame)), default=-1) + 1
    return replace(frame, top=12 + ROW * rows)


def _shifts(series: Sequence[Series]) -> list[float]:
    """Series beside each other within a period, so that their marks do not cover each other."""
    return [(i - (len(series) - 1) / 2) * 0.16 for i in range(len(series))]


def series_spec(
    series: Sequence[Series],
    events: Sequence[Mark],
    *,
    title: str,
    value_title: str,
    height: int,
    band: Band | None = None,
    alarms: Sequence[AlarmMark] = (),
    shares: bool = False,
) -> Spec:
    """A chart of one or more series over time.

    Filled point, solid line and interval: corrected by codings. Hollow point and dashed line: the model alone. A
    period without value is a strip along the foot, and no line crosses it. band, alarms: of a gap. shares: values are
    shares of 0 to 1. ValueError when there is no period at all.
    """
    frame = frame_of(series, events, height, share_extent(series) if shares else None, band, alarms)
    years = (frame.last - frame.first).days / 365.25
    time_format = "%Y" if years > 6 else "%Y-%m" if years > 0.4 else "%m-%d"
    x_axis = {"title": None, "format": time_format, "grid": False, "tickCount": 8, "ticks": True}
    zero = _layer(
        [{"x": _time(frame.first), "x2": _time(frame.last), "y": 0}],
        {"type": "rule", "color": COLOURS["zero"], "strokeWidth": 1},
        {
            "x": {
                "field": "x",
                "type": "temporal",
                "scale": {"type": "utc", "domain": [_time(frame.first), _time(frame.last)], "nice": False},
                "axis": x_axis,
            },
            "x2": {"field": "x2"},
            "y": {
                "field": "y",
                "type": "quantitative",
                "scale": {"domain": [frame.low, frame.high], "nice": False},
                "axis": {
                    "title": value_title,
                    "labelExpr": _SHARE if shares else _SIGNED,
                    "tickCount": 6,
                    "titleX": 16 - LEFT,
                },
            },
        },
    )
    layers = [zero]
    if band is not None:
        layers += _band_layers(band, frame)
    layers += _alarm_layers(alarms, frame)
    layers += _strips(series)
    beneath = max((row for _, row, _ in _named_alarms(alarms, frame)), default=-1) + 1
    layers += _event_layers(events, frame.first, frame.last, beneath)
    shifts = _shifts(series)
    for one, shift in zip(series, shifts, strict=True):
        layers += [layer for layer in (_intervals(one, shift),) if layer]
        layers += _lines(one, shift)
    for one, shift in zip(series, shifts, strict=True):
        layers += _points(one, shift)
    if len(series) > 1:
        layers += _names(series, frame.low, frame.high)
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": title,
        "width": frame.width,
        "height": height,
        "autosize": {"type": "none", "contains": "content"},
        "padding": {"left": LEFT, "right": RIGHT, "top": frame.top, "bottom": FOOT},
        "layer": layers,
        "config": _CONFIG,
    }


def spots(series: Sequence[Series], frame: Frame) -> list[Spot]:
    """Where each point is, by time; those of periods without value lie in the strip at the foot."""
    made = []
    foot = frame.top + frame.height
    for row, (one, shift) in enumerate(zip(series, _shifts(series), strict=True)):
        for p in one.points:
            x = frame.x(p.start, (p.end - p.start).days * (0.5 + shift))
            if p.value is None:
                said = f"{one.name}, {p.label}: {p.missing or 'no value'}"
                y = foot - (len(series) - row - 0.5) * STRIP
                made.append(Spot(one.name, p.label, round(x, 1), round(y, 1), said, None, True))
            else:
                made.append(Spot(one.name, p.label, round(x, 1), round(frame.y(p.value), 1), p.said, p.href, False))
    return sorted(made, key=lambda spot: spot.x)


# ---- drawing

_SVG = "http://www.w3.org/2000/svg"
_XLINK_HREF = "{http://www.w3.org/1999/xlink}href"
_ELEMENTS = {"svg", "g", "path", "line", "rect", "text", "tspan", "a", "title", "desc"}
_ATTRIBUTES = {
    *("width", "height", "viewBox", "transform", "d", "x", "y", "x1", "y1", "x2", "y2", "dx", "dy", "class"),
    *("fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-linecap"),
    *("stroke-miterlimit", "stroke-linejoin", "opacity", "text-anchor", "font-family", "font-size", "font-weight"),
    *("display", "pointer-events", "role", "aria-hidden", "aria-label"),
}
_ROLES = {literal: name for name, literal in COLOURS.items()}
_READ_ALOUD = ("mark-symbol", "mark-rect", "mark-rule")


@lru_cache(maxsize=64)
def _draw(spec: str) -> str:
    import vl_convert  # starts a JavaScript engine: only the process that draws pays for it

    svg: str = vl_convert.vegalite_to_svg(spec, vl_version="6.4", allowed_base_urls=[])
    return svg


def _link(element: Any, href: str) -> None:
    element.set("href", href.removeprefix(LINK_ROOT))
    # the table beneath carries the same links in reading order; hundreds of tab stops would bury it
    element.set("tabindex", "-1")


def _clean(element: Any, *, page: bool) -> None:
    """Keep what is on the allowlist; on a page, name colours by their role and turn descriptions into tooltips."""
    kept: dict[str, str] = {}
    href = element.get(_XLINK_HREF)
    for name, value in element.attrib.items():
        if name in _ATTRIBUTES and "url(" not in value:
            role = _ROLES.get(value) if name in {"fill", "stroke"} else None
            kept[name] = f"var(--chart-{role})" if page and role else value
    if kept.get("font-family") == DRAWN_WITH:
        kept["font-family"] = FONT
    # groups and axes describe themselves at length; the table beneath the chart reads better aloud
    said = kept.pop("aria-label", None)
    kept.pop("role", None)
    element.attrib.clear()
    for name, value in kept.items():
        element.set(name, value)
    if etree.QName(element).localname == "a":
        if page and href and href.startswith(LINK_ROOT):
            _link(element, href)
        else:
            element.tag = f"{{{_SVG}}}g"
    parent = element.getparent()
    if said and parent is not None and etree.QName(element).localname in {"path", "line", "rect"}:
        holder = etree.SubElement(element, f"{{{_SVG}}}title")
        holder.text = said
    for child in list(element):
        if not isinstance(child.tag, str) or etree.QName(child).localname not in _ELEMENTS:
            element.remove(child)
        else:
            _clean(child, page=page)


@lru_cache(maxsize=256)
def _rendered(spec: str, title: str, description: str, page: bool, name: str) -> str:
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    root = etree.fromstring(_draw(spec).encode(), parser)
    _clean(root, page=page)
    for position, (tag, text) in enumerate((("title", title), ("desc", description))):
        element = etree.Element(f"{{{_SVG}}}{tag}")
        element.text = text
        element.set("id", f"{name}-{tag}")
        root.insert(position, element)
    root.set("role", "group" if page else "img")
    root.set("aria-labelledby", f"{name}-title {name}-desc")
    root.set("class", "chart")
    if page:
        root.attrib.pop("width", None)
        root.attrib.pop("height", None)
    else:
        root.insert(2, etree.Element(f"{{{_SVG}}}rect", width="100%", height="100%", fill="#ffffff"))
    etree.cleanup_namespaces(root)
    made: str = etree.tostring(root, encoding="unicode")
    return made


def render(spec: Spec, *, title: str, description: str, page: bool = True, name: str = "chart") -> str:
    """The chart as SVG with a title and a description.

    page: for use inside a page (colours as CSS variables, points as links, ids that start with ``name``); else a file
    of its own with fixed colours, a white ground and no links. The same chart is drawn once.
    """
    return _rendered(json.dumps(spec, sort_keys=True), title, description, page, name)


def as_png(svg: str, *, scale: float) -> bytes:
    """The drawing of a file as a picture; ``scale``: pixels of the picture for each of the drawing."""
    import vl_convert

    picture: bytes = vl_convert.svg_to_png(svg, scale=scale)
    return picture


def drawn(spec: Spec, title: str, description: str, name: str) -> Markup:
    """A chart for a page: :func:`render` rebuilds the drawing from an allowlist and escapes every text in it."""
    return Markup(render(spec, title=title, description=description, name=name))  # noqa: S704
