"""Reading the newest hits of a phrase slice by slice, from the highest ids downwards.

PostgreSQL takes a phrase for as frequent as its words together, and so goes down from the newest text, through a whole
table, to ten thousand hits that are not there. How frequent it is the newest texts tell: after them what is left is
read in one, by the index, or as far as it should take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

FIRST = 30_000
"""ids of the first slice"""
_SPARE = 1.25
"""a slice is larger by this than what is still wanted should take: hits are not spread evenly"""

T = TypeVar("T")


class Slice(NamedTuple):
    """A range of ids."""

    after: int
    """the id below the first"""
    until: int
    """the last"""
    wanting: bool
    """fewer hits are expected in it than are wanted, so that all of it will be read"""


def newest(read: Callable[[Slice, int], Iterable[T]], most: int, lowest: int, highest: int) -> list[T]:
    """The hits from id ``lowest`` to ``highest``, highest first, at most ``most``.

    read: the hits of a slice, highest first, at most so many. Each slice is at least twice as large as the one before,
    or the rest, so that there are few however the hits are spread.
    """
    hits: list[T] = []
    size, until, wanting = FIRST, highest, False
    while until >= lowest and len(hits) < most:
        after = until - size if until - 2 * size >= lowest else lowest - 1  # no slice of its own for a small rest
        hits += read(Slice(after, until, wanting), most - len(hits))
        left, until = after - lowest + 1, after
        needed = _SPARE * (most - len(hits)) * (highest - after) / len(hits) if hits else left
        wanting = needed >= left
        size = max(2 * size, left if wanting else int(needed))
    return hits
