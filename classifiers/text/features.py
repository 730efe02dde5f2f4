"""Rows of texts as features: passages of each text and its neighbours; and what a model makes of them, TF-IDF.

A row is ``(before, text, after)`` or a text alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.preprocessing import normalize
from sklearn.utils.validation import check_is_fitted, validate_data

from classifiers.text.cutting import split_passages
from classifiers.text.encoder import Encoder, encode
from classifiers.text.featuriser import Passages, hash_texts
from classifiers.text.normalise import normalise

Row = str | Sequence[str]
"""(before, text, after), or the text alone"""
Prepare = Callable[[str], str]
"""takes names out of a text (:class:`classifiers.text.mask.Mask`)"""


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


@dataclass(frozen=True)
class Features:
    """The passages of n texts, in order; the text before and the text after it are passages of no words."""

    passages: Passages
    text: npt.NDArray[np.int64]
    """shape (passages,), rising: number of the text it is of"""
    words: npt.NDArray[np.int64]
    """shape (passages,): its weight in the text; 0: a neighbour only"""
    texts: int

    def averages(self, context_weight: float = 0.0) -> sp.csr_matrix:
        """Shape (texts, passages): what makes a text of its passages, their mean by words.

        With ``context_weight`` w a passage is itself plus w times the mean of the passages beside it.
        """
        many = len(self.text)
        totals = np.maximum(np.bincount(self.text, self.words, minlength=self.texts), 1)
        mean = sp.csr_matrix((self.words / totals[self.text], (self.text, np.arange(many))), (self.texts, many))
        return mean @ self.neighbours(context_weight) if context_weight else mean

    def neighbours(self, context_weight: float) -> sp.csr_matrix:
        """Shape (passages, passages): each passage plus ``context_weight`` times the mean of those beside it."""
        many = len(self.text)
        first = np.flatnonzero(self.text[1:] == self.text[:-1])
        beside = sp.csr_matrix((np.ones(len(first)), (first, first + 1)), (many, many))
        beside = beside + beside.T
        number = np.maximum(np.asarray(beside.sum(axis=1)).ravel(), 1)
        made: sp.csr_matrix = sp.identity(many, format="csr") + sp.diags(context_weight / number) @ beside
        return made


def cut_rows(
    rows: Sequence[Row],
    prepare: Prepare = str,
    *,
    context: bool = False,
    only: Callable[[str], bool] | None = None,
) -> tuple[list[str], list[int], list[int]]:
    """Normalised passages of ``rows``, the number of the text each is of, and its words.

    ``prepare`` is applied to every passage, after cutting: it may take the line ends away. The text before and the text
    after come along with ``context``. Passages to which ``only`` says no, as they stand in the text, are left out.
    """
    passages: list[str] = []
    text_of: list[int] = []
    words: list[int] = []
    for number, (before, text, after) in enumerate(as_rows(rows)):
        cut = [normalise(prepare(passage)) for passage in split_passages(text) if only is None or only(passage)]
        lengths = [max(1, len(passage.split())) for passage in cut]
        sides = [normalise(prepare(side)) if context and side.strip() else "" for side in (before, after)]
        for passage, length in ((sides[0], 0), *zip(cut, lengths, strict=True), (sides[1], 0)):
            if passage or length:
                passages.append(passage)
                text_of.append(number)
                words.append(length)
    return passages, text_of, words


def featurise(
    rows: Sequence[Row],
    prepare: Prepare = str,
    *,
    context: bool = False,
    only: Callable[[str], bool] | None = None,
    encoder: Encoder | None = None,
) -> Features:
    """The features of ``rows``, with an encoder its vectors besides; see :func:`cut_rows`."""
    passages, text_of, words = cut_rows(rows, prepare, context=context, only=only)
    made = hash_texts(passages)
    if encoder is not None:  # rounded as they are kept, so that a text is scored the same from both
        made = replace(made, dense=encode(encoder, passages).astype(np.float16).astype(np.float32))
    return Features(made, np.array(text_of, dtype=np.int64), np.array(words, dtype=np.int64), len(rows))


class Weights(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Weights rare features higher (idf) and makes every row's length 1, per block of columns.

    Parameters
    ----------
    first_block : columns of the first block (words); the rest (letters) are the second. 0: one block
    min_df : a feature that fewer rows have is left out

    Attributes
    ----------
    columns_ : the features that are used, ascending
    df_ : in how many rows each of them occurs
    idf_ : log((1 + n) / (1 + df)) + 1, shape (columns,)
    """

    def __init__(self, first_block: int = 0, min_df: int = 1) -> None:
        self.first_block = first_block
        self.min_df = min_df

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def fit(self, X: Any, y: Any = None) -> Weights:
        """Learn from X, shape (n, features), sparse or dense, which features there are and how rare each is."""
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32])
        df = np.asarray((X != 0).sum(axis=0)).ravel()
        self.columns_ = np.flatnonzero(df >= self.min_df)
        self.df_ = df[self.columns_]
        self.idf_ = np.log((1 + X.shape[0]) / (1 + self.df_)) + 1
        return self

    @property
    def edge_(self) -> int:
        """How many of ``columns_`` are of the first block."""
        return int(np.searchsorted(self.columns_, self.first_block))

    def transform(self, X: Any) -> Any:
        """The weighted features that are used, shape (n, columns); sparse stays sparse."""
        check_is_fitted(self)
        X = validate_data(self, X, accept_sparse="csr", dtype=[np.float64, np.float32], reset=False)
        sparse, blocks = sp.issparse(X), []
        for part in (slice(0, self.edge_), slice(self.edge_, None)):
            columns, idf = self.columns_[part], self.idf_[part]
            block = X[:, columns] @ sp.diags(idf) if sparse else X[:, columns] * idf
            blocks.append(normalize(block) if len(columns) else block)
        return sp.hstack(blocks, format="csr") if sparse else np.hstack(blocks)
