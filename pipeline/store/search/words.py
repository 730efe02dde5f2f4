"""The words of a text as the search index holds them, and those of a query: the same rules for both, on both databases.

Letters are folded as the classifier folds them (:mod:`classifiers.text.normalise`: Arabic letter forms, vowel signs,
tatweel, digits, case), and accents of Latin, Greek and Cyrillic letters and Hebrew points go besides. Words are runs of
letters, digits and marks. Scripts that are written without spaces (Chinese, Japanese, Thai, Lao, Burmese, Khmer; Korean
too, whose particles are written to the word) become pairs of neighbouring characters, the last one alone, so that any
stretch of them is found as a phrase.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator

from classifiers.text.normalise import NORMALISATION, normalise

RULES = 100 * NORMALISATION + 1
"""Version of these rules. Raise it with every change: the index is then made anew (`riftwatch search index`)."""
LONGEST = 80
"""letters of a word; the rest is cut off"""
MOST_BYTES = 1_000_000
"""of words and their places per text: PostgreSQL's tsvector holds 1 MB"""
MOST_PLACES = 256
"""places of one word that PostgreSQL keeps"""
GAP = "¶"
"""stands between title and text, so that no phrase runs from one into the other; no word of a query is this"""

_ACCENTS = re.compile("[\u0300-\u036f\u0591-\u05bd\u05bf\u05c1\u05c2\u05c4\u05c5\u05c7]")
_SPACELESS = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af"
    "\U00020000-\U0003ffff"
)
PIECES = re.compile(f"[{_SPACELESS}]+|[^{_SPACELESS}]+")
RUN = re.compile(f"[{_SPACELESS}]")
"""a character of a script that is written without spaces"""


class _WordLetters(dict[int, str]):
    """Code point -> the letter itself, or a space where no word goes on. Filled as letters come."""

    def __missing__(self, code: int) -> str:
        letter = chr(code)
        kept = letter if letter.isalnum() or unicodedata.category(letter).startswith("M") else " "
        self[code] = kept
        return kept


_letters = _WordLetters()


def folded(text: str) -> str:
    """``text`` with one form per letter, and nothing but words and spaces."""
    text = normalise(text)
    if not text.isascii():
        text = unicodedata.normalize("NFC", _ACCENTS.sub("", unicodedata.normalize("NFD", text)))
    return text.translate(_letters)


def pieces_of(text: str) -> list[tuple[str, bool]]:
    """Stretches of ``text``, in order, and whether each is of a script that is written without spaces."""
    made: list[tuple[str, bool]] = []
    for word in folded(text).split():
        if word.isascii() or not RUN.search(word):
            made.append((word[:LONGEST], False))
        else:
            for piece in PIECES.findall(word):
                run = bool(RUN.match(piece))
                made.append((piece if run else piece[:LONGEST], run))
    return made


def words_of(text: str) -> list[str]:
    """The words of ``text`` as they are indexed, in order."""
    words: list[str] = []
    for piece, run in pieces_of(text):
        if run:
            words += [piece[at : at + 2] for at in range(len(piece))]
        else:
            words.append(piece)
    return words


def indexed_words(title: str | None, text: str) -> list[str]:
    """What the index holds of a text: the words of its title, :data:`GAP`, its words, cut at :data:`MOST_BYTES`."""
    return list(_cut([*words_of(title or ""), GAP, *words_of(text)]))


def _cut(words: list[str]) -> Iterator[str]:
    """Words as long as a tsvector has room for them: each new one with its length, each place with two bytes."""
    places: dict[str, int] = {}
    size = 0
    for word in words:
        seen = places.get(word, 0)
        if not seen:
            size += len(word.encode()) + 4
        if seen < MOST_PLACES:
            size += 2
        if size > MOST_BYTES:
            return
        places[word] = seen + 1
        yield word
