"""The two charts of a model, calibration and learning curve, as Vega-Lite specifications: figures in, JSON out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pipeline.review.charts import COLOURS, Spec

SIDE = 250
"""pixels of a square panel"""
_X = {"field": "x", "type": "quantitative", "scale": {"domain": [0, 1]}}
_Y = {"field": "y", "type": "quantitative", "scale": {"domain": [0, 1]}}
_AXIS = {
    "labelColor": COLOURS["ink"],
    "titleColor": COLOURS["ink"],
    "gridColor": COLOURS["grid"],
    "domainColor": COLOURS["grid"],
    "tickColor": COLOURS["grid"],
    "titleFontWeight": "normal",
    "labelFontSize": 12,
    "titleFontSize": 12,
}
_CONFIG = {"axis": _AXIS, "view": {"stroke": None}, "title": {"color": COLOURS["ink"], "fontSize": 13}}
_SCHEMA = "https://vega.github.io/schema/vega-lite/v5.json"


def _values(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {"values": [dict(row) for row in rows]}


def calibration_spec(heads: Mapping[str, Mapping[str, Any]]) -> Spec:
    """A panel per head: mean probability of each tenth against the share that came true, with its Wilson interval.

    ``heads``: name -> what :func:`classifiers.evaluation.calibration.calibration` made.
    """
    panels = []
    for name, made in heads.items():
        dots = [
            {
                "x": one["said"],
                "y": one["came_true"],
                "low": one["low"],
                "high": one["high"],
                "said": f"said {one['said']:.2f}, came true {one['came_true']:.2f} "
                f"({one['low']:.2f} to {one['high']:.2f}); {one['texts']} texts",
            }
            for one in made["bins"]
        ]
        x = _X | {"axis": {"title": "probability said", "values": [0, 0.5, 1]}}
        y = _Y | {"axis": {"title": "share that came true", "values": [0, 0.25, 0.5, 0.75, 1], "format": ".2~f"}}
        panels.append(
            {
                "width": SIDE,
                "height": SIDE,
                "title": name,
                "layer": [
                    {
                        "data": _values([{"x": 0, "y": 0, "x2": 1, "y2": 1}]),
                        "mark": {"type": "rule", "color": COLOURS["zero"], "strokeDash": [4, 4]},
                        "encoding": {"x": x, "y": y, "x2": {"field": "x2"}, "y2": {"field": "y2"}},
                    },
                    {
                        "data": _values(dots),
                        "mark": {"type": "rule", "color": COLOURS["a"], "strokeWidth": 5, "strokeOpacity": 0.3},
                        "encoding": {"x": x, "y": _Y | {"field": "low"}, "y2": {"field": "high"}},
                    },
                    {
                        "data": _values(dots),
                        "mark": {"type": "point", "filled": True, "size": 60, "opacity": 1, "color": COLOURS["a"]},
                        "encoding": {"x": x, "y": y, "description": {"field": "said"}},
                    },
                ],
            }
        )
    return {"$schema": _SCHEMA, "hconcat": panels, "spacing": 60, "background": COLOURS["paper"], "config": _CONFIG}


def learning_curve_spec(points: Sequence[Mapping[str, Any]]) -> Spec:
    """Macro-F1 against the number of training codings (a doubling per step), with the spread over repeats."""
    rows = [
        {
            "x": point["codings"],
            "y": point["macro_f1"],
            "low": max(0.0, point["macro_f1"] - (point["spread"] or 0)),
            "high": min(1.0, point["macro_f1"] + (point["spread"] or 0)),
            "said": f"{point['codings']} codings: macro-F1 {point['macro_f1']:.3f}",
        }
        for point in points
    ]
    x = {
        "field": "x",
        "type": "quantitative",
        "scale": {"type": "log", "base": 2, "nice": False, "padding": 20},
        "axis": {"title": "own training codings", "values": [row["x"] for row in rows], "format": ",d"},
    }
    y = _Y | {"axis": {"title": "macro-F1", "values": [0, 0.25, 0.5, 0.75, 1], "format": ".2~f"}}
    line = {"type": "line", "color": COLOURS["a"], "strokeWidth": 2}
    spread = {"type": "rule", "color": COLOURS["a"], "strokeWidth": 5, "strokeOpacity": 0.3}
    dot = {"type": "point", "filled": True, "size": 60, "opacity": 1, "color": COLOURS["a"]}
    return {
        "$schema": _SCHEMA,
        "width": 2 * SIDE,
        "height": SIDE,
        "data": _values(rows),
        "background": COLOURS["paper"],
        "layer": [
            {"mark": spread, "encoding": {"x": x, "y": _Y | {"field": "low"}, "y2": {"field": "high"}}},
            {"mark": line, "encoding": {"x": x, "y": y}},
            {"mark": dot, "encoding": {"x": x, "y": y, "description": {"field": "said"}}},
        ],
        "config": _CONFIG,
    }
