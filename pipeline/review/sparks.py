"""A small line of one series: points in, places on a drawing out. Pure.

A page of a hundred dyads has a hundred of them, and the renderer of the large charts takes a tenth of a second for
each. The marks mean the same: filled with a bar corrected, hollow on a dashed line uncorrected, a strip along the
foot where there is no value.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.review.charts import Point, Series, edges, extent

WIDTH, HEIGHT = 480.0, 64.0
STRIP = 6.0
"""height of the strip along the foot"""
EDGE = 6.0
"""left free at all sides, so that no mark is cut"""


@dataclass(frozen=True)
class Stroke:
    """A line between two periods, or an interval."""

    x1: float
    y1: float
    x2: float
    y2: float
    corrected: bool


@dataclass(frozen=True)
class Dot:
    """A value."""

    x: float
    y: float
    corrected: bool
    said: str


@dataclass(frozen=True)
class Gone:
    """A period without a value."""

    x: float
    width: float
    said: str


@dataclass(frozen=True)
class Spark:
    """The drawing, in units of :data:`WIDTH` by :data:`HEIGHT`."""

    name: str
    zero: float
    """height of the line at zero"""
    intervals: list[Stroke]
    lines: list[Stroke]
    dots: list[Dot]
    gone: list[Gone]


def spark(series: Series) -> Spark:
    """Where everything of a series stands. Raises ValueError for a series without points."""
    points = list(series.points)
    if not points:
        raise ValueError("a small line needs at least one period")
    first, days = points[0].start, max(1, (points[-1].end - points[0].start).days)
    low, high = extent([series])
    floor = HEIGHT - STRIP - EDGE

    def across(days_in: float) -> float:
        return round(EDGE + (WIDTH - 2 * EDGE) * days_in / days, 1)

    def middle(point: Point) -> float:
        return across((point.start - first).days + (point.end - point.start).days / 2)

    def up(value: float) -> float:
        return round(floor - (floor - EDGE) * (value - low) / (high - low), 1)

    return Spark(
        name=series.name,
        zero=up(0.0),
        intervals=[
            Stroke(middle(p), up(p.low), middle(p), up(p.high), True)
            for p in points
            if p.low is not None and p.high is not None
        ],
        lines=[
            Stroke(middle(p), up(p.value or 0.0), middle(q), up(q.value or 0.0), p.corrected and q.corrected)
            for p, q in edges(points)
        ],
        dots=[Dot(middle(p), up(p.value), p.corrected, p.said) for p in points if p.value is not None],
        gone=[
            Gone(
                across((p.start - first).days),
                round((WIDTH - 2 * EDGE) * (p.end - p.start).days / days - 1, 1),
                f"{p.label}: {p.missing or 'no value'}",
            )
            for p in points
            if p.value is None
        ],
    )
