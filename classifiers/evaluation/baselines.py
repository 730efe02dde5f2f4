"""What a model must beat: the commonest value, and scikit-learn's plain text classifier."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from classifiers.coding.splits import Fold
from classifiers.heads import Floats

Strings = npt.NDArray[np.str_]


def plain(texts: Sequence[str], values: Sequence[str], weights: Floats, tested: Sequence[str]) -> Strings:
    """Values of ``tested`` by TF-IDF of words and a logistic regression, both with scikit-learn's defaults.

    Where the training texts hold one value only, or no word, that is the commonest value.
    """
    if len(set(values)) < 2:
        return np.array([values[0]] * len(tested))
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1000))
    try:
        with threadpool_limits(limits=1, user_api="blas"):
            pipeline.fit(texts, values, logisticregression__sample_weight=weights)
            made: Strings = pipeline.predict(tested)
    except ValueError as error:
        if "empty vocabulary" not in str(error):
            raise
        return commonest(values, weights, len(tested))
    return made


def commonest(values: Sequence[str], weights: Floats, n: int) -> Strings:
    """The value of the greatest weight, n times (of equals the first by name)."""
    names = sorted(set(values))
    totals = [weights[np.array(values) == name].sum() for name in names]
    return np.array([names[int(np.argmax(totals))]] * n)


def held_out(texts: Sequence[str], values: Sequence[str], weights: Floats, folds: Sequence[Fold]) -> Strings:
    """:func:`plain` fold by fold, shape (n,); empty where no fold tests."""
    made = np.array([""] * len(texts), dtype=f"<U{max(map(len, values), default=1)}")
    for train, test in folds:
        made[test] = plain(
            [texts[i] for i in train], [values[i] for i in train], weights[train], [texts[i] for i in test]
        )
    return made
