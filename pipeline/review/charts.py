"""Charts as Vega-Lite specifications (pure: points in, JSON out), and the one function that draws them.

A specification holds numbers, dates, group names and kinds of events; crawled text never enters one. What comes
out of the renderer is read again as XML and rebuilt from an allowlist, so no script and no outside address survives.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
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
}
"""Name -> the colour in a saved file. On a page each becomes the CSS variable ``--chart-<name>``, light or dark."""
SHAPES: dict[Side, str] = {"a": "circle", "b": "square", "gap": "diamond"}
FONT = "system-ui, 'Noto Sans', 'Liberation Sans', Arial, sans-serif"
WIDTH = 1080
LANES = 3
"""Rows above the plot in which labels of events may stand without meeting."""
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


@dataclass(frozen=True)
class Series:
    """The points of one line, oldest first."""

    side: Side
    name: str
    points: Sequence[Point]


@dataclass(frozen=True)
class Mark:
    """An event on the time axis."""

    day: date
    number: int
    kind: str
    said: str


def _time(day: date) -> str:
    return f"{day.isoformat()}T00:00:00Z"


def _middle(point: Point, shift: float = 0.0) -> str:
    """The middle of the period, moved by a share of its length."""
    start = datetime(point.start.year, point.start.month, point.start.day, tzinfo=UTC)
    moved = start + timedelta(days=(point.end - point.start).days * (0.5 + shift))
    return moved.strftime("%Y-%m-%dT%H:%M:%SZ")


def edges(points: Sequence[Point]) -> list[tuple[Point, Point]]:
    """Pairs of neighbours that a line may join: both have a value and no period lies between them."""
    return [
        (left, right)
        for left, right in pairwise(points)
        if left.value is not None and right.value is not None and left.end == right.start
    ]


def extent(series: Sequence[Series]) -> tuple[float, float]:
    """Ends of the value axis: zero, every value and every interval lie inside, in steps of a quarter, at least +-.5."""
    values = [v for s in series for p in s.points for v in (p.value, p.low, p.high) if v is not None]
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
            {"x": _middle(p, shift), "x2": _middle(q, shift), "y": p.value, "y2": q.value}
            for p, q in edges(series.points)
            if (p.corrected and q.corrected) == corrected
        ]
        if rows:
            mark: dict[str, Any] = {
                "type": "rule",
                "color": COLOURS[series.side],
                "strokeWidth": 2 if corrected else 1.3,
                "strokeCap": "round",
            }
            if not corrected:
                mark["strokeDash"] = [4, 4]
            layers.append(_layer(rows, mark, {"x": _X, "x2": {"field": "x2"}, "y": _y("y"), "y2": {"field": "y2"}}))
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


def _points(series: Series, shift: float) -> list[Spec]:
    size = 70 if len(series.points) <= 40 else 30
    layers = []
    for corrected in (True, False):
        rows = [
            {"x": _middle(p, shift), "y": p.value, "said": p.said} | ({"href": LINK_ROOT + p.href} if p.href else {})
            for p in series.points
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
            layers.append(
                _layer(
                    rows,
                    mark,
                    {
                        "x": _X,
                        "y": _y("y"),
                        "description": {"field": "said"},
                        "href": {"field": "href"},
                    },
                )
            )
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
        row = {"x": _time(max(s.points[-1].end for s in series)), "y": at, "name": _short(one.name), "said": point.said}
        mark = {"type": "text", "align": "left", "dx": 8, "fontSize": 13, "fontWeight": 600, "color": COLOURS[one.side]}
        layers.append(_layer([row], mark, {"x": _X, "y": _y("y"), "text": {"field": "name"}}))
    return layers


def _short(name: str, limit: int = 24) -> str:
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


def _event_layers(events: Sequence[Mark], first: date, last: date) -> list[Spec]:
    inside = sorted((e for e in events if first <= e.day < last), key=lambda e: e.day)
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
        foot = {"y": {"value": -6 - 17 * lane}}
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


_SIGNED = "datum.value == 0 ? '0' : format(datum.value, '+.2~f')"
_CONFIG: Spec = {
    "font": FONT,
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


def series_spec(series: Sequence[Series], events: Sequence[Mark], *, title: str, value_title: str, height: int) -> Spec:
    """A chart of one or more series over time.

    Filled point, solid line and interval: corrected by codings. Hollow point and dashed line: the model alone. A
    period without value is a strip along the foot, and no line crosses it. ValueError when there is no period at all.
    """
    points = [p for s in series for p in s.points]
    if not points:
        raise ValueError("a chart needs at least one period")
    first, last = min(p.start for p in points), max(p.end for p in points)
    low, high = extent(series)
    years = (last - first).days / 365.25
    x_axis = {"title": None, "format": "%Y" if years > 6 else "%Y-%m", "grid": False, "tickCount": 8, "ticks": True}
    frame = _layer(
        [{"x": _time(first), "x2": _time(last), "y": 0}],
        {"type": "rule", "color": COLOURS["zero"], "strokeWidth": 1},
        {
            "x": {
                "field": "x",
                "type": "temporal",
                "scale": {"type": "utc", "domain": [_time(first), _time(last)], "nice": False},
                "axis": x_axis,
            },
            "x2": {"field": "x2"},
            "y": {
                "field": "y",
                "type": "quantitative",
                "scale": {"domain": [low, high], "nice": False},
                "axis": {"title": value_title, "labelExpr": _SIGNED, "tickCount": 6},
            },
        },
    )
    layers = [frame, *_strips(series)]
    layers += _event_layers(events, first, last)
    shifts = [(i - (len(series) - 1) / 2) * 0.16 for i in range(len(series))]
    for one, shift in zip(series, shifts, strict=True):
        layers += [layer for layer in (_intervals(one, shift),) if layer]
        layers += _lines(one, shift)
    for one, shift in zip(series, shifts, strict=True):
        layers += _points(one, shift)
    if len(series) > 1:
        layers += _names(series, low, high)
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v6.json",
        "description": title,
        "width": WIDTH,
        "height": height,
        "autosize": {"type": "fit", "contains": "padding"},
        "padding": 6,
        "layer": layers,
        "config": _CONFIG,
    }


def sparkline_spec(series: Series) -> Spec:
    """A small line of one series without axes: its interval, its points, zero."""
    if not series.points:
        raise ValueError("a chart needs at least one period")
    spec = series_spec([series], [], title=series.name, value_title="", height=64)
    spec["width"], spec["padding"] = 480, 2
    for layer in spec["layer"]:
        for channel in ("x", "y"):
            if "axis" in layer["encoding"].get(channel, {}):
                layer["encoding"][channel]["axis"] = None
        if layer["mark"]["type"] == "point":
            layer["mark"]["size"] = 22
            layer["encoding"].pop("href", None)
        if layer["mark"].get("strokeWidth") == 7:
            layer["mark"]["strokeWidth"] = 4
    return spec


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


@lru_cache(maxsize=256)
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


def render(spec: Spec, *, title: str, description: str, page: bool = True, name: str = "chart") -> str:
    """The chart as SVG with a title and a description.

    page: for use inside a page (colours as CSS variables, points as links, ids that start with ``name``); else a file
    of its own with fixed colours, a white ground and no links. The same chart is drawn once.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True)
    root = etree.fromstring(_draw(json.dumps(spec, sort_keys=True)).encode(), parser)
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
    drawn: str = etree.tostring(root, encoding="unicode")
    return drawn


def drawn(spec: Spec, title: str, description: str, name: str) -> Markup:
    """A chart for a page: :func:`render` rebuilds the drawing from an allowlist and escapes every text in it."""
    return Markup(render(spec, title=title, description=description, name=name))  # noqa: S704
