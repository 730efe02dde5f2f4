"""The stretch of a text in which a query is found, with what was found marked; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from pipeline.store.search.query import Query, Term
from pipeline.store.search.words import LONGEST, PIECES, RUN, folded

Marked = list[tuple[str, bool]]
"""stretches of a text in order, and whether each was found"""

SHOWN = 260
"""characters of an excerpt, about"""
BEFORE = 70
"""of them before what is found"""
LOOKED_AT = 50_000
"""characters of a text that are looked at: what is found further on is not shown"""

_RAW = re.compile(r"\S+")


def _divided(raw: str) -> tuple[tuple[str, int, int], ...]:
    """The words of a stretch without white space, each with its place in it.

    A letter that becomes two when it is folded, or none, leaves only the place of the whole.
    """
    flat = folded(raw)
    exact = len(flat) == len(raw)
    made = []
    for stretch in _RAW.finditer(flat):
        for piece in PIECES.finditer(stretch[0]):
            start = stretch.start() + piece.start()
            if RUN.match(piece[0]):
                words = [(piece[0][at : at + 2], start + at) for at in range(len(piece[0]))]
            else:
                words = [(piece[0][:LONGEST], start)]
            for word, at in words:
                length = len(piece[0]) if word == piece[0][:LONGEST] else len(word)
                made.append((word, at, at + length) if exact else (word, 0, len(raw)))
    return tuple(made)


_remembered = lru_cache(maxsize=50_000)(_divided)


def _words(text: str) -> Iterator[tuple[str, int, int]]:
    for raw in _RAW.finditer(text):
        divided = _remembered(raw[0]) if len(raw[0]) <= 40 else _divided(raw[0])
        for word, start, end in divided:
            yield word, raw.start() + start, raw.start() + end


def _ends(term: Term, words: Sequence[tuple[str, int, int]]) -> bool:
    """Whether the last words are the term."""
    many = len(term.words)
    if len(words) < many:
        return False
    last = words[-1][0]
    if not (last.startswith(term.words[-1]) if term.prefix else last == term.words[-1]):
        return False
    return all(words[at - many][0] == term.words[at] for at in range(many - 1))


def _found(text: str, query: Query, *, after_first: int | None) -> list[tuple[int, int]]:
    """Places of what is found, in order; until so many characters after the first."""
    wanted, longest = query.wanted, max((len(term.words) for term in query.wanted), default=1)
    places: list[tuple[int, int]] = []
    recent: list[tuple[str, int, int]] = []
    for word in _words(text):
        if after_first is not None and places and word[1] > places[0][0] + after_first:
            break
        recent = [*recent[-longest:], word]
        for term in wanted:
            if _ends(term, recent):
                places.append((recent[-len(term.words)][1], word[2]))
    return _joined(places)


def _joined(places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    made: list[tuple[int, int]] = []
    for start, end in sorted(places):
        if made and start <= made[-1][1]:
            made[-1] = made[-1][0], max(end, made[-1][1])
        else:
            made.append((start, end))
    return made


def _cut(text: str, places: list[tuple[int, int]], start: int, end: int) -> Marked:
    made: Marked = []
    at = start
    for first, last in places:
        if last <= start or first >= end:
            continue
        begins = max(first, start)
        made.append((text[at:begins], False))
        at = min(last, end)
        made.append((text[begins:at], True))
    made.append((text[at:end], False))
    return [(stretch, found) for stretch, found in made if stretch]


def marked(text: str, query: Query | None) -> Marked:
    """All of ``text``, with what is found marked."""
    return _cut(text, _found(text, query, after_first=None) if query else [], 0, len(text))


def excerpt(text: str, query: Query | None) -> Marked:
    """About 260 characters of ``text`` around the first place where something is found; else its beginning."""
    text = text[:LOOKED_AT]
    places = _found(text, query, after_first=SHOWN) if query else []
    start = max(0, places[0][0] - BEFORE) if places else 0
    if start:  # not within a word, unless it is one that does not end
        space = text.find(" ", start, places[0][0])
        start = space + 1 if space >= 0 else start
    end = min(len(text), start + SHOWN)
    if places:
        end = max(end, min(places[0][1], start + 2 * SHOWN))
    made = _cut(text, places, start, end)
    return [*([("… ", False)] if start else []), *made, *([("…", False)] if end < len(text) else [])]
