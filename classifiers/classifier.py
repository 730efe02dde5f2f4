"""The classifier of a codebook: two heads, each a calibrated probability, read off one linear model of the values.

Of framing, head *nationalist* asks whether the text claims a bounded people (values nationalist and both), head
*universalist* whether it claims a community that crosses borders (values universalist and both). The two are asked
apart, since a text may claim both or neither; but "both" and "neither" have words of their own, so one softmax model of
the four values gives the heads better scores than two separate models do (``docs/framing.md`` has the figures).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.special import expit, logsumexp
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.utils.validation import check_is_fitted
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from classifiers.codebook import load_codebook
from classifiers.features import Counts, Row, Weights, as_rows
from classifiers.heads import Floats, Heads


def _fit_sigmoid(scores: Floats, truth: npt.NDArray[np.bool_], weight: Floats | None = None) -> tuple[float, float]:
    """Slope and intercept of Platt's sigmoid, with his smoothed targets (Platt 1999, section 2.2).

    A row of weight w counts as w rows. Scores that rank no better than chance get slope 0: the head then says the
    base rate.
    """
    weight = np.ones(len(scores)) if weight is None else weight
    positives, negatives = weight[truth].sum(), weight[~truth].sum()
    target = np.where(truth, (positives + 1) / (positives + 2), 1 / (negatives + 2))
    twice = np.concatenate([scores, scores])[:, None]
    said = np.repeat([True, False], len(scores))
    fitted = LogisticRegression(C=np.inf, max_iter=1000).fit(
        twice, said, sample_weight=np.concatenate([target * weight, (1 - target) * weight])
    )
    slope, intercept = float(fitted.coef_[0, 0]), float(fitted.intercept_[0])
    if slope <= 0:
        base = np.average(target, weights=weight)
        return 0.0, float(np.log(base / (1 - base)))
    return slope, intercept


def _sigmoid(scores: Floats, calibration: Floats) -> Floats:
    made: Floats = expit(scores * calibration[..., 0] + calibration[..., 1])
    return made


class TextClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """TF-IDF of words and letter sequences, a softmax of the values, two heads sigmoid-calibrated on held-out folds.

    Parameters
    ----------
    heads : the two heads and the values of the codebook; None: framing's
    C : inverse strength of the regularisation
    word_ngrams, char_ngrams : shortest and longest sequence
    min_df : a sequence that fewer texts contain is left out
    context_weight : weight of the neighbouring sentences, 0 or more; the text's own weight is 1
    folds : of the calibration
    random_state : seed of the folds

    Attributes
    ----------
    heads_ : the heads in use
    counts_, weights_ : the fitted steps from text to features
    values_ : the values that were coded; coef_ : shape (values, features); intercept_ : shape (values,)
    calibration_ : shape (2, 2), per head slope and intercept of the sigmoid
    out_of_fold_ : shape (n, 2), probabilities of the training texts by weights that have not seen their fold
    fold_of_ : shape (n,), number of that fold

    ``predict_proba`` gives a column per *head*, not per value: both may be high, or neither.
    """

    def __init__(
        self,
        heads: Heads | None = None,
        C: float = 10.0,
        word_ngrams: tuple[int, int] = (1, 2),
        char_ngrams: tuple[int, int] = (3, 5),
        min_df: int = 2,
        context_weight: float = 0.0,
        folds: int = 5,
        random_state: int = 0,
    ) -> None:
        self.heads = heads
        self.C = C
        self.word_ngrams = word_ngrams
        self.char_ngrams = char_ngrams
        self.min_df = min_df
        self.context_weight = context_weight
        self.folds = folds
        self.random_state = random_state

    def fit(
        self,
        X: Sequence[Row],
        y: Sequence[str],
        groups: Sequence[str] | None = None,
        sample_weight: Sequence[float] | Floats | None = None,
    ) -> TextClassifier:
        """Train on rows ``X`` and their coded values ``y``, both of length n.

        With ``groups`` (n,) no group lies on both sides of a calibration fold. ``sample_weight`` (n,), numbers above
        0, says how much each row counts. Raises ValueError in words when the codings are too few or too one-sided to
        calibrate on.
        """
        rows = as_rows(X)
        values = np.array([str(value) for value in y])
        if len(rows) != len(values):
            raise ValueError(f"{len(rows)} texts but {len(values)} values")
        if groups is not None and len(groups) != len(values):
            raise ValueError(f"{len(values)} texts but {len(groups)} groups")
        weight = np.ones(len(values)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        if weight.shape != values.shape or not (np.isfinite(weight) & (weight > 0)).all():
            raise ValueError(f"sample_weight is no list of {len(values)} numbers above 0")
        self.heads_ = self.heads or load_codebook().two_heads
        truth = self.heads_.truth(values.tolist())
        self.classes_ = np.array(self.heads_.value_names)
        self.counts_ = Counts(self.word_ngrams, self.char_ngrams, self.min_df, self.context_weight > 0).fit(rows)
        counts = self.counts_.transform(rows)
        # the vectors are short: threads that wait for each other cost twenty times what they save on a busy machine
        with threadpool_limits(limits=1, user_api="blas"):
            scores, fold_of = self._held_out_scores(counts, values, truth, groups, weight)
            self.weights_ = self._weights().fit(counts)
            self._fit_values(self.weights_.transform(counts), values, weight)
            self._calibrate(scores, fold_of, truth, weight)
        return self

    def _calibrate(
        self, scores: Floats, fold_of: npt.NDArray[np.int64], truth: npt.NDArray[np.bool_], weight: Floats
    ) -> None:
        heads = range(2)
        self.calibration_ = np.array([_fit_sigmoid(scores[:, k], truth[:, k], weight) for k in heads])
        self.fold_of_, self.out_of_fold_ = fold_of, np.empty(truth.shape)
        for fold in np.unique(fold_of):
            inside = fold_of == fold
            sigmoids = np.array([_fit_sigmoid(scores[~inside, k], truth[~inside, k], weight[~inside]) for k in heads])
            self.out_of_fold_[inside] = _sigmoid(scores[inside], sigmoids)

    def _fit_values(self, features: sp.csr_matrix, values: npt.NDArray[np.str_], weight: Floats) -> None:
        linear = LogisticRegression(C=self.C, max_iter=2000).fit(features, values, sample_weight=weight)
        self.values_ = linear.classes_
        self.coef_, self.intercept_ = linear.coef_, linear.intercept_
        if len(self.values_) == 2:  # scikit-learn then keeps one row: the second value against the first
            self.coef_ = np.vstack([np.zeros_like(self.coef_), self.coef_])
            self.intercept_ = np.concatenate([[0.0], self.intercept_])

    def _head_scores(self, features: sp.csr_matrix) -> Floats:
        """Log odds of each head, shape (n, 2): the values it says yes to, against the others."""
        of_values = np.asarray(features @ self.coef_.T) + self.intercept_
        yes = self.heads_.truth(self.values_.tolist())
        return np.column_stack(
            [logsumexp(of_values[:, yes[:, k]], axis=1) - logsumexp(of_values[:, ~yes[:, k]], axis=1) for k in range(2)]
        )

    def _weights(self) -> Weights:
        return Weights(len(self.counts_.words_), self.context_weight)

    def _folds(
        self, values: npt.NDArray[np.str_], truth: npt.NDArray[np.bool_], groups: Sequence[str] | None
    ) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
        sides = np.concatenate([truth.sum(axis=0), (~truth).sum(axis=0)])
        for k, head in enumerate(self.heads_.names):
            yes, no = int(truth[:, k].sum()), int((~truth[:, k]).sum())
            if min(yes, no) < 2:
                raise ValueError(
                    f"the {head} head needs at least 2 codings on either side, there are {yes} for and {no} against; "
                    "code more texts"
                )
        number = len(set(groups)) if groups is not None else len(values)
        if number < 2:
            raise ValueError("all texts are of one group; leave groups out, or code texts of a second group")
        folds = int(min(self.folds, number, sides.min()))
        # a value rarer than the folds can't be spread over them: it goes with the commonest
        counts = Counter(values.tolist())
        commonest = max(counts, key=lambda value: (counts[value], value))
        strata = [value if counts[value] >= folds else commonest for value in values.tolist()]
        kind = StratifiedKFold if groups is None else StratifiedGroupKFold
        splitter = kind(folds, shuffle=True, random_state=self.random_state)
        for train, test in splitter.split(np.zeros(len(values)), strata, groups):
            for k, head in enumerate(self.heads_.names):
                if truth[train, k].all() or not truth[train, k].any():
                    raise ValueError(
                        f"without one fold the {head} head has codings on one side only; code texts of more groups"
                    )
            if len(test):
                yield train, test

    def _held_out_scores(
        self,
        counts: sp.csr_matrix,
        values: npt.NDArray[np.str_],
        truth: npt.NDArray[np.bool_],
        groups: Sequence[str] | None,
        weight: Floats,
    ) -> tuple[Floats, npt.NDArray[np.int64]]:
        """Shape (n, 2) and (n,): log odds by models that have not seen the text's fold, and the fold."""
        scores, fold_of = np.empty(truth.shape), np.empty(len(values), dtype=np.int64)
        for fold, (train, test) in enumerate(self._folds(values, truth, groups)):
            weights = self._weights().fit(counts[train])
            self._fit_values(weights.transform(counts[train]), values[train], weight[train])
            scores[test] = self._head_scores(weights.transform(counts[test]))
            fold_of[test] = fold
        return scores, fold_of

    def _scores(self, X: Sequence[Row]) -> tuple[Floats, npt.NDArray[np.bool_]]:
        check_is_fitted(self, "coef_")
        features = self.weights_.transform(self.counts_.transform(X))
        scores = self._head_scores(features)
        # letters occur in any text of a script that was learnt; words tell whether anything is understood
        known: npt.NDArray[np.bool_] = np.diff(features[:, : len(self.counts_.words_)].indptr) > 0
        return scores, known

    def decision_function(self, X: Sequence[Row]) -> Floats:
        """Log odds of the heads before calibration, shape (n, 2)."""
        return self._scores(X)[0]

    def predict_proba(self, X: Sequence[Row]) -> Floats:
        """Calibrated probabilities, shape (n, 2): that the first head says yes, that the second does."""
        return self.predict_known(X)[0]

    def predict_known(self, X: Sequence[Row]) -> tuple[Floats, npt.NDArray[np.bool_]]:
        """``predict_proba``, and for each text, shape (n,), whether it has a word the model learnt."""
        scores, known = self._scores(X)
        return _sigmoid(scores, self.calibration_), known

    def predict(self, X: Sequence[Row]) -> npt.NDArray[np.str_]:
        """The values, shape (n,): what the heads say at one half."""
        return self.heads_.labels(self.predict_proba(X))
