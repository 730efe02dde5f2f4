"""Two small plots of a model card as SVG: numbers in, a drawing out. No script, no outside address, no crawled text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree as ET

SIDE, MARGIN, GAP = 260, 46, 30
# Okabe and Ito's colours; the plots lie on white paper, also where the page around them is dark
INK, GRID, LINE = "#39424e", "#e4e7ec", "#0072b2"
Scale = Callable[[float], float]


def _canvas(panels: int, says: str) -> ET.Element:
    width, height = MARGIN + panels * (SIDE + GAP + MARGIN), SIDE + 2 * MARGIN
    svg = ET.Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {width} {height}", "width": str(width),
            "height": str(height), "role": "img", "font-family": "system-ui, Arial, sans-serif", "font-size": "11",
        },
    )  # fmt: skip
    ET.SubElement(svg, "title").text = says
    ET.SubElement(svg, "rect", {"width": "100%", "height": "100%", "fill": "#ffffff"})
    return svg


def _line(svg: ET.Element, x1: float, y1: float, x2: float, y2: float, colour: str, dash: str = "") -> None:
    where = {"x1": f"{x1:.1f}", "y1": f"{y1:.1f}", "x2": f"{x2:.1f}", "y2": f"{y2:.1f}", "stroke": colour}
    ET.SubElement(svg, "line", where | ({"stroke-dasharray": dash} if dash else {}))


def _text(svg: ET.Element, x: float, y: float, text: str, anchor: str = "middle", **more: str) -> None:
    where = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor, "fill": INK}
    ET.SubElement(svg, "text", where | more).text = text


def _axes(svg: ET.Element, left: float, title: str, below: str, beside: str) -> Scale:
    """A square from 0 to 1 upwards; returns where a height lies."""
    top = MARGIN

    def y(value: float) -> float:
        return top + SIDE * (1 - value)

    for tick in (0, 0.25, 0.5, 0.75, 1):
        _line(svg, left, y(tick), left + SIDE, y(tick), GRID)
        _text(svg, left - 6, y(tick) + 4, f"{tick:g}", "end")
    _text(svg, left + SIDE / 2, top - 12, title, **{"font-weight": "bold"})
    _text(svg, left + SIDE / 2, top + SIDE + 34, below)
    turn = f"rotate(-90 {left - 34:.1f} {top + SIDE / 2:.1f})"
    _text(svg, left - 34, top + SIDE / 2, beside, transform=turn)
    return y


def _dot(svg: ET.Element, x: float, y: float, size: float, says: str) -> None:
    dot = ET.SubElement(svg, "circle", {"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": f"{size:.1f}", "fill": LINE})
    ET.SubElement(dot, "title").text = says


def _written(svg: ET.Element) -> str:
    return ET.tostring(svg, encoding="unicode")


def calibration_svg(heads: Mapping[str, Mapping[str, Any]]) -> str:
    """Per head a panel: mean probability of each tenth against the share that came true, with Wilson intervals.

    ``heads``: name -> what :func:`classifiers.evaluation.calibration.calibration` made.
    """
    svg = _canvas(len(heads), "Calibration: what came true of what was said")
    for k, (name, made) in enumerate(heads.items()):
        left = MARGIN + k * (SIDE + GAP + MARGIN) + 10
        y = _axes(svg, left, name, "probability said", "share that came true")
        for tick in (0, 0.5, 1):
            _text(svg, left + SIDE * tick, MARGIN + SIDE + 16, f"{tick:g}")
        _line(svg, left, y(0), left + SIDE, y(1), INK, "4 4")
        for one in made["bins"]:
            x = left + SIDE * one["said"]
            _line(svg, x, y(one["low"]), x, y(one["high"]), LINE)
            says = f"said {one['said']:.2f}, came true {one['came_true']:.2f} ({one['texts']} texts)"
            _dot(svg, x, y(one["came_true"]), 3.5, says)
    return _written(svg)


def learning_curve_svg(points: Sequence[Mapping[str, Any]]) -> str:
    """Macro-F1 against the number of training codings (each step doubles), with the spread over repeats."""
    svg = _canvas(1, "Learning curve: macro-F1 by number of training codings")
    left = MARGIN + 10
    y = _axes(svg, left, "learning curve", "own training codings", "macro-F1")
    step = SIDE / max(1, len(points) - 1)
    places = [(left + i * step if len(points) > 1 else left + SIDE / 2, point) for i, point in enumerate(points)]
    for (x, point), (next_x, following) in pairwise(places):
        _line(svg, x, y(point["macro_f1"]), next_x, y(following["macro_f1"]), LINE)
    for x, point in places:
        low, high = (min(1, max(0, point["macro_f1"] + sign * point["spread"])) for sign in (-1, 1))
        _line(svg, x, y(low), x, y(high), LINE)
        _dot(svg, x, y(point["macro_f1"]), 3.5, f"{point['codings']} codings: {point['macro_f1']:.3f}")
        _text(svg, x, MARGIN + SIDE + 16, str(point["codings"]))
    return _written(svg)
