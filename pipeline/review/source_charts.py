"""Texts a week as bars: numbers in, places of rectangles out. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

HEIGHT = 30.0
WIDTH = 6.0
"""of one bar with the gap behind it"""
LEAST = 1.5
"""height of a week without a text: a mark on the ground"""


@dataclass(frozen=True)
class Bar:
    """One week, in units of the drawing."""

    x: float
    y: float
    height: float
    begin: date
    count: int

    @property
    def said(self) -> str:
        return f"week from {self.begin}: {self.count:,} text{'s' * (self.count != 1)}"


def bars(weeks: Sequence[tuple[date, int]]) -> list[Bar]:
    """One bar a week, the fullest as high as the drawing."""
    most = max((count for _, count in weeks), default=0)
    made = []
    for i, (begin, count) in enumerate(weeks):
        height = max(LEAST, HEIGHT * count / most) if most else LEAST
        made.append(Bar(i * WIDTH, HEIGHT - height, height, begin, count))
    return made
