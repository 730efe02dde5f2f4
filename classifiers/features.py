"""Text as numbers: TF-IDF of words and of letter sequences, for a text and, weaker, for its neighbours.

A row is ``(before, text, after)`` or a text alone.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse as sp
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.preprocessing import normalize

from classifiers.normalise import NORMALISATION, normalise

Row = str | Sequence[str]
"""(before, text, after), or the text alone"""


def as_rows(rows: Any) -> list[tuple[str, str, str]]:
    """``rows`` as a list of (before, text, after). Raises ValueError, which names the row that is neither."""
    if isinstance(rows, str):
        raise ValueError("one text alone is no list of texts; write [text]")
    made: list[tuple[str, str, str]] = []
    for number, row in enumerate(rows):
        parts = ("", row, "") if isinstance(row, str) else tuple(row)
        if len(parts) != 3 or not all(isinstance(part, str) for part in parts):
            raise ValueError(f"row {number} is neither a text nor (before, text, after): {row!r:.80}")
        made.append((str(parts[0]), str(parts[1]), str(parts[2])))
    return made


class Counts(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """How often each word sequence and letter sequence stands in a text and in its neighbours.

    Needs no labels, so it is made once for all folds of a cross-validation.
    """

    def __init__(
        self,
        word_ngrams: tuple[int, int] = (1, 2),
        char_ngrams: tuple[int, int] = (3, 5),
        min_df: int = 2,
        context: bool = False,
    ) -> None:
        self.word_ngrams = word_ngrams
        self.char_ngrams = char_ngrams
        self.min_df = min_df
        self.context = context

    def _vectorizers(self, vocabularies: Sequence[Any] = (None, None)) -> list[CountVectorizer]:
        common = {"preprocessor": normalise, "dtype": np.float64, "min_df": self.min_df}
        return [
            CountVectorizer(ngram_range=tuple(self.word_ngrams), vocabulary=vocabularies[0], **common),
            # letter sequences run over the spaces: two short words together say more than each
            CountVectorizer(analyzer="char", ngram_range=tuple(self.char_ngrams), vocabulary=vocabularies[1], **common),
        ]

    def fit(self, rows: Sequence[Row], y: Any = None) -> Counts:
        """Learn the vocabularies from the texts of ``rows`` (not from their neighbours)."""
        texts = [row[1] for row in as_rows(rows)]
        vectorizers = self._vectorizers()
        try:
            found = [list(v.fit(texts).get_feature_names_out()) for v in vectorizers]
        except ValueError as error:
            raise ValueError(
                f"no vocabulary in {len(texts)} texts ({error}); give more texts or a smaller min_df"
            ) from None
        return self.use(found[0], found[1])

    def use(self, words: Sequence[str], letters: Sequence[str]) -> Counts:
        """Take known vocabularies instead of learning them."""
        self.words_ = list(words)
        self.letters_ = list(letters)
        self._fitted = self._vectorizers((self.words_, self.letters_))
        self.digest_ = hashlib.sha256(
            json.dumps(
                [NORMALISATION, list(self.word_ngrams), list(self.char_ngrams), self.words_, self.letters_]
            ).encode()
        ).hexdigest()
        return self

    def transform(self, rows: Sequence[Row]) -> sp.csr_matrix:
        """Counts of words and letters of the text, shape (n, words + letters).

        With ``context`` the counts of its neighbours together follow: shape (n, 2 x (words + letters)).
        """
        checked = as_rows(rows)
        sides = [[text for _, text, _ in checked]]
        if self.context:
            sides.append([f"{before} {after}" for before, _, after in checked])
        made: sp.csr_matrix = sp.hstack([v.transform(side) for side in sides for v in self._fitted], format="csr")
        return made


class Weights(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Counts -> TF-IDF: words and letters each of length 1, those of the neighbours added with ``context_weight``."""

    def __init__(self, words: int, context_weight: float = 0.0) -> None:
        self.words = words
        self.context_weight = context_weight

    def _blocks(self, counts: sp.csr_matrix) -> list[sp.csr_matrix]:
        """Words, letters and, where they were counted, words and letters of the neighbours."""
        each = counts.shape[1] // (2 if self.context_weight else 1)
        edges = [edge for start in range(0, counts.shape[1], each) for edge in (start, start + self.words)]
        return [counts[:, a:b] for a, b in pairwise([*edges, counts.shape[1]])]

    def fit(self, counts: sp.csr_matrix, y: Any = None) -> Weights:
        """Learn idf from the texts (not from their neighbours)."""
        texts = self._blocks(counts)[:2]
        return self.use(np.concatenate([TfidfTransformer(sublinear_tf=True).fit(block).idf_ for block in texts]))

    def use(self, idf: Any) -> Weights:
        """Take a known idf, shape (words + letters,), instead of learning it."""
        self.idf_ = np.asarray(idf, dtype=np.float64)
        return self

    def _tfidf(self, blocks: list[sp.csr_matrix]) -> sp.csr_matrix:
        weighted = []
        for block, idf in zip(blocks, np.split(self.idf_, [self.words]), strict=True):
            scaled = block.tocsr(copy=True)
            scaled.data = (1 + np.log(scaled.data)) * idf[scaled.indices]
            weighted.append(normalize(scaled, copy=False))
        made: sp.csr_matrix = sp.hstack(weighted, format="csr")
        return made

    def transform(self, counts: sp.csr_matrix) -> sp.csr_matrix:
        """Features, shape (n, words + letters), each row of length sqrt(2) or less."""
        blocks = self._blocks(counts)
        features = self._tfidf(blocks[:2])
        if not self.context_weight:
            return features
        made: sp.csr_matrix = normalize(features + self.context_weight * self._tfidf(blocks[2:])) * np.sqrt(2)
        return made
