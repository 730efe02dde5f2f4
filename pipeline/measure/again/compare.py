"""Whether a figure came out again, and how it differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isclose
from typing import Any

TOLERANCE = 1e-9
"""On another machine the same sums may differ by rounding, never by more. Here they are equal to the last bit."""


@dataclass(frozen=True)
class Made:
    """A figure made again."""

    differences: tuple[str, ...]
    """in words; none: equal"""
    exact: bool
    """equal to the last bit, not only but for rounding"""
    left: tuple[str, ...] = ()
    """what was not made again, and why, in words"""

    @property
    def said(self) -> str:
        """What came of it, in a few words."""
        if self.differences:
            return "it differs:"
        return "equal to the last bit" if self.exact else "equal but for rounding (another machine or library)"

    def with_others(self, other: Made) -> Made:
        """This and another as one."""
        return Made(self.differences + other.differences, self.exact and other.exact, self.left + other.left)

    def called(self, name: str) -> Made:
        """The same, its differences told as those of ``name``."""
        return Made(tuple(f"{name}: {one}" for one in self.differences), self.exact, self.left)


def compared(
    published: Mapping[str, Any], again: Mapping[str, Any], names: Sequence[str], problems: Sequence[str] = ()
) -> Made:
    """What was published beside what comes out now. problems: what could not be used of it, in words."""
    differences = [
        f"{name}: {_shown(published.get(name))} was published, {_shown(again[name])} comes out now"
        for name in names
        if not _same(published.get(name), again[name])
    ]
    return Made((*problems, *differences), all(published.get(name) == again[name] for name in names))


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    return f"{value:.12g}" if isinstance(value, (int, float)) and not isinstance(value, bool) else str(value)


def _same(a: Any, b: Any) -> bool:
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(_same(a[name], b[name]) for name in a)
    if isinstance(a, list) and isinstance(b, list):
        return len(a) == len(b) and all(map(_same, a, b))
    if isinstance(a, (int, float)) and isinstance(b, (int, float)):
        return isclose(a, b, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
    return bool(a == b)
