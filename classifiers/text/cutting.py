"""Long texts are cut into passages, because the model learns from paragraphs.

Rule: a text of up to 150 words is one passage. A longer one is cut at its paragraphs; short paragraphs are joined
until they have 40 words, long ones are cut at sentence ends.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

LONGEST = 150
"""words of a passage"""
SHORTEST = 40

_SENTENCE_END = re.compile(r"(?<=[.!?؟۔])\s+")


def _pieces(text: str) -> Iterator[list[str]]:
    """Words of paragraphs; of a long paragraph its sentences; of a sentence without end its stretches of words."""
    for paragraph in text.splitlines():
        words = paragraph.split()
        if len(words) <= LONGEST:
            if words:
                yield words
            continue
        for sentence in _SENTENCE_END.split(paragraph):
            words = sentence.split()
            for start in range(0, len(words), LONGEST):
                yield words[start : start + LONGEST]


def split_passages(text: str) -> list[str]:
    """The passages of ``text``, in order, none of more than 150 words. Blank text has none."""
    if len(text.split()) <= LONGEST:
        return [text.strip()] if text.strip() else []
    passages: list[list[str]] = []
    for words in _pieces(text):
        if passages and len(passages[-1]) < SHORTEST and len(passages[-1]) + len(words) <= LONGEST:
            passages[-1] = passages[-1] + words
        else:
            passages.append(words)
    if len(passages) > 1 and len(passages[-1]) < SHORTEST and len(passages[-2]) + len(passages[-1]) <= LONGEST:
        end = passages.pop()
        passages[-1] = passages[-1] + end
    return [" ".join(words) for words in passages]
