"""Long texts: scored passage by passage, because the model learnt from paragraphs.

Rule: a text of up to 150 words is one passage. A longer one is cut at its paragraphs; short paragraphs are joined
until they have 40 words, long ones are cut at sentence ends. The text's probability is the mean of its passages',
weighted by their words: the share of the text that makes the claim.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from classifiers.classifier import TextClassifier
from classifiers.features import Row, as_rows
from classifiers.heads import Floats

LONGEST = 150
"""words of a passage"""
SHORTEST = 40
BATCH = 2000
"""passages in memory at a time"""

_SENTENCE_END = re.compile(r"(?<=[.!?؟۔])\s+")


def _pieces(text: str) -> Iterator[str]:
    """Paragraphs; of a long paragraph its sentences; of a sentence without end its stretches of words."""
    for paragraph in filter(str.strip, text.splitlines()):
        if len(paragraph.split()) <= LONGEST:
            yield paragraph.strip()
            continue
        for sentence in _SENTENCE_END.split(paragraph):
            words = sentence.split()
            for start in range(0, len(words), LONGEST):
                yield " ".join(words[start : start + LONGEST])


def split_passages(text: str) -> list[str]:
    """The passages of ``text``, in order, none of more than 150 words. Blank text has none."""
    if len(text.split()) <= LONGEST:
        return [text.strip()] if text.strip() else []
    passages: list[list[str]] = []
    for piece in _pieces(text):
        words = piece.split()
        if passages and len(passages[-1]) < SHORTEST and len(passages[-1]) + len(words) <= LONGEST:
            passages[-1] += words
        else:
            passages.append(words)
    if len(passages) > 1 and len(passages[-1]) < SHORTEST and len(passages[-2]) + len(passages[-1]) <= LONGEST:
        end = passages.pop()
        passages[-1] += end
    return [" ".join(words) for words in passages]


def score_texts(
    classifier: TextClassifier, rows: Sequence[Row], prepare: Callable[[str], str] = str
) -> tuple[Floats, list[bool]]:
    """Probabilities of whole texts, shape (n, 2), and for each text whether the model knows anything of it.

    ``prepare`` is applied to every passage and neighbour, after cutting (it may take the line ends away). A text of
    which the model knows no word has NaN: there is nothing to compute from.
    """
    passages: list[tuple[str, str, str]] = []
    owner: list[int] = []
    for number, (before, text, after) in enumerate(as_rows(rows)):
        cut = split_passages(text)
        for place, passage in enumerate(cut):
            first, last = place == 0, place == len(cut) - 1
            passages.append((prepare(before) if first else "", prepare(passage), prepare(after) if last else ""))
            owner.append(number)
    totals = np.zeros((len(rows), 3))
    for start in range(0, len(passages), BATCH):
        batch = passages[start : start + BATCH]
        probabilities, known = classifier.predict_known(batch)
        words = np.array([max(1, len(text.split())) for _, text, _ in batch]) * known
        np.add.at(totals, owner[start : start + BATCH], np.column_stack([probabilities * words[:, None], words]))
    known_texts = totals[:, 2] > 0
    made = np.full((len(rows), 2), np.nan)
    made[known_texts] = totals[known_texts, :2] / totals[known_texts, 2:]
    return made, [bool(known) for known in known_texts]
