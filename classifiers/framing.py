"""The framing classifier: two heads, each a calibrated probability.

Head *nationalist*: the text claims a bounded people (values nationalist and both). Head *universalist*: it claims a
community that crosses borders (values universalist and both). The two are asked
apart, since a text may claim both or neither.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from classifiers.features import Counts, Row, Weights, as_rows

Floats = npt.NDArray[np.float64]

HEADS: dict[str, frozenset[str]] = {
    "nationalist": frozenset({"nationalist", "both"}),
    "universalist": frozenset({"universalist", "both"}),
}
"""head -> the values it says yes to; the order of the columns of ``predict_proba``"""
VALUES = ("both", "nationalist", "neither", "universalist")


def labels_of(probabilities: Floats) -> npt.NDArray[np.str_]:
    """Shape (n, 2) -> (n,): the value whose heads say at least one half."""
    nationalist, universalist = probabilities[:, 0] >= 0.5, probabilities[:, 1] >= 0.5
    return np.select(
        [nationalist & universalist, nationalist, universalist], ["both", "nationalist", "universalist"], "neither"
    )


def head_truth(values: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Coded values -> shape (n, 2): which head should say yes. ValueError for a value that is none."""
    unknown = sorted(set(values) - set(VALUES))
    if unknown:
        raise ValueError(f"unknown value {unknown[0]!r}; write one of {', '.join(VALUES)}")
    return np.array([[value in positive for positive in HEADS.values()] for value in values]).reshape(-1, len(HEADS))


def _fit_sigmoid(scores: Floats, truth: npt.NDArray[np.bool_]) -> tuple[float, float]:
    """Slope and intercept of Platt's sigmoid, with his smoothed targets (Platt 1999, section 2.2).

    Scores that rank no better than chance get slope 0: the head then says the base rate.
    """
    positives = truth.sum()
    target = np.where(truth, (positives + 1) / (positives + 2), 1 / (len(truth) - positives + 2))
    twice = np.concatenate([scores, scores])[:, None]
    said = np.repeat([True, False], len(scores))
    fitted = LogisticRegression(C=np.inf, max_iter=1000).fit(
        twice, said, sample_weight=np.concatenate([target, 1 - target])
    )
    slope, intercept = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    if slope <= 0:
        return 0.0, float(np.log(target.mean() / (1 - target.mean())))
    return slope, intercept


def _sigmoid(scores: Floats, calibration: Floats) -> Floats:
    made: Floats = expit(scores * calibration[..., 0] + calibration[..., 1])
    return made


class FramingClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """TF-IDF of words and letter sequences, a logistic regression per head, sigmoid-calibrated on held-out folds.

    Parameters
    ----------
    C : inverse strength of the regularisation
    word_ngrams, char_ngrams : shortest and longest sequence
    min_df : a sequence that fewer texts contain is left out
    context_weight : weight of the neighbouring sentences, 0 or more; the text's own weight is 1
    folds : of the calibration
    random_state : seed of the folds

    Attributes
    ----------
    counts_, weights_ : the fitted steps from text to features
    coef_ : shape (2, features); intercept_ : shape (2,)
    calibration_ : shape (2, 2), per head slope and intercept of the sigmoid
    out_of_fold_ : shape (n, 2), probabilities of the training texts by weights that have not seen their fold

    ``predict_proba`` gives a column per *head*, not per value: both may be high, or neither.
    """

    def __init__(
        self,
        C: float = 10.0,
        word_ngrams: tuple[int, int] = (1, 2),
        char_ngrams: tuple[int, int] = (3, 5),
        min_df: int = 2,
        context_weight: float = 0.0,
        folds: int = 5,
        random_state: int = 0,
    ) -> None:
        self.C = C
        self.word_ngrams = word_ngrams
        self.char_ngrams = char_ngrams
        self.min_df = min_df
        self.context_weight = context_weight
        self.folds = folds
        self.random_state = random_state

    def fit(self, X: Sequence[Row], y: Sequence[str], groups: Sequence[str] | None = None) -> FramingClassifier:
        """Train on rows ``X`` and their coded values ``y``, both of length n.

        With ``groups`` (n,) no group lies on both sides of a calibration fold. Raises ValueError in words when the
        codings are too few or too one-sided to calibrate on.
        """
        rows = as_rows(X)
        values = [str(value) for value in y]
        if len(rows) != len(values):
            raise ValueError(f"{len(rows)} texts but {len(values)} values")
        truth = head_truth(values)
        self.classes_ = np.array(VALUES)
        self.counts_ = Counts(self.word_ngrams, self.char_ngrams, self.min_df, self.context_weight > 0).fit(rows)
        counts = self.counts_.transform(rows)
        # the vectors are short: threads that wait for each other cost twenty times what they save on a busy machine
        with threadpool_limits(limits=1, user_api="blas"):
            self._fit_heads(counts, truth, groups)
        return self

    def _fit_heads(self, counts: sp.csr_matrix, truth: npt.NDArray[np.bool_], groups: Sequence[str] | None) -> None:
        self.weights_ = self._weights().fit(counts)
        features = self.weights_.transform(counts)
        self.out_of_fold_ = np.empty(truth.shape)
        heads, calibration = [], []
        for column, head in enumerate(HEADS):
            scores, fold_of = self._held_out_scores(counts, truth[:, column], groups, head)
            calibration.append(_fit_sigmoid(scores, truth[:, column]))
            for fold in np.unique(fold_of):
                inside = fold_of == fold
                sigmoid = np.array(_fit_sigmoid(scores[~inside], truth[~inside, column]))
                self.out_of_fold_[inside, column] = _sigmoid(scores[inside], sigmoid)
            heads.append(self._linear().fit(features, truth[:, column]))
        self.coef_ = np.vstack([head.coef_[0] for head in heads])
        self.intercept_ = np.array([head.intercept_[0] for head in heads])
        self.calibration_ = np.array(calibration)

    def _weights(self) -> Weights:
        return Weights(len(self.counts_.words_), self.context_weight)

    def _linear(self) -> LogisticRegression:
        return LogisticRegression(C=self.C, max_iter=2000)

    def _folds(
        self, truth: npt.NDArray[np.bool_], groups: Sequence[str] | None, head: str
    ) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
        smallest = int(min(truth.sum(), (~truth).sum()))
        if smallest < 2:
            raise ValueError(
                f"the {head} head needs at least 2 codings on either side, there are {int(truth.sum())} for and "
                f"{int((~truth).sum())} against; code more texts"
            )
        blank = np.zeros(len(truth))
        if groups is None:
            splitter = StratifiedKFold(min(self.folds, smallest), shuffle=True, random_state=self.random_state)
            yield from splitter.split(blank, truth)
            return
        if len(groups) != len(truth):
            raise ValueError(f"{len(truth)} texts but {len(groups)} groups")
        number = len(set(groups))
        if number < 2:
            raise ValueError("all texts are of one group; leave groups out, or code texts of a second group")
        splitter = StratifiedGroupKFold(min(self.folds, number, smallest), shuffle=True, random_state=self.random_state)
        for train, test in splitter.split(blank, truth, groups):
            if truth[train].all() or not truth[train].any():
                raise ValueError(f"all {head} codings (or all others) are of one group; code texts of a second group")
            if len(test):
                yield train, test

    def _held_out_scores(
        self, counts: Any, truth: npt.NDArray[np.bool_], groups: Sequence[str] | None, head: str
    ) -> tuple[Floats, npt.NDArray[np.int64]]:
        scores, fold_of = np.empty(len(truth)), np.empty(len(truth), dtype=np.int64)
        for fold, (train, test) in enumerate(self._folds(truth, groups, head)):
            weights = self._weights().fit(counts[train])
            linear = self._linear().fit(weights.transform(counts[train]), truth[train])
            scores[test] = linear.decision_function(weights.transform(counts[test]))
            fold_of[test] = fold
        return scores, fold_of

    def _scores(self, X: Sequence[Row]) -> tuple[Floats, npt.NDArray[np.bool_]]:
        check_is_fitted(self, "coef_")
        features = self.weights_.transform(self.counts_.transform(X))
        scores: Floats = np.asarray(features @ self.coef_.T) + self.intercept_
        # letters occur in any text of a script that was learnt; words tell whether anything is understood
        known: npt.NDArray[np.bool_] = np.diff(features[:, : len(self.counts_.words_)].indptr) > 0
        return scores, known

    def decision_function(self, X: Sequence[Row]) -> Floats:
        """Scores before calibration, shape (n, 2)."""
        return self._scores(X)[0]

    def predict_proba(self, X: Sequence[Row]) -> Floats:
        """Calibrated probabilities, shape (n, 2): P(nationalist or both), P(universalist or both)."""
        return self.predict_known(X)[0]

    def predict_known(self, X: Sequence[Row]) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """``predict_proba``, and for each text, shape (n,), whether it has a word the model learnt."""
        scores, known = self._scores(X)
        return _sigmoid(scores, self.calibration_), known

    def predict(self, X: Sequence[Row]) -> npt.NDArray[np.str_]:
        """The values, shape (n,): the heads that say at least one half."""
        return labels_of(self.predict_proba(X))
