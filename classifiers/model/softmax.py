"""From features to two calibrated heads: one softmax model of the values, read as yes-or-no questions.

A head's log odds are those of all values that say yes to it against all others. Each head is calibrated by Platt's
sigmoid on folds that the model has not seen.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.linalg import eigh
from scipy.special import expit, logsumexp
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from classifiers.heads import Floats, Heads

Bools = npt.NDArray[np.bool_]
FEW_ROWS = 2500
"""so many rows at most are rotated before training, when they have more columns than that"""


def rotate(X: Any) -> tuple[Floats, Floats]:
    """Rows as n coordinates Z, shape (n, rank), and A, shape (n, rank): weights w of Z are ``X.T @ (A @ w)`` of X.

    The coordinates have the same lengths and angles, so a linear model with an L2 penalty is the same in them, and
    much quicker to find when columns are many. It is the singular value decomposition, by way of X X'.
    """
    lengths, vectors = eigh((X @ X.T).toarray())
    kept = lengths > 1e-10 * lengths[-1]
    roots = np.sqrt(lengths[kept])
    return vectors[:, kept] * roots, vectors[:, kept] / roots


def fit_sigmoid(scores: Floats, truth: Bools, weight: Floats | None = None) -> tuple[float, float]:
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


def sigmoid(scores: Floats, calibration: Floats) -> Floats:
    """Calibrated probabilities, shape (n, heads)."""
    made: Floats = expit(scores * calibration[..., 0] + calibration[..., 1])
    return made


def head_scores(value_scores: Floats, yes: Bools) -> Floats:
    """Log odds of the heads, shape (n, heads), of scores (n, values) and of who says yes, shape (values, heads)."""
    columns = [logsumexp(value_scores[:, said], axis=1) - logsumexp(value_scores[:, ~said], axis=1) for said in yes.T]
    return np.column_stack(columns)


class CalibratedHeads(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """A softmax of the values; heads read off it, sigmoid-calibrated on held-out folds. Numbers in, numbers out.

    Parameters
    ----------
    heads : the two heads and the values of a codebook; None: each class in y is a head of its own
    C : inverse strength of the regularisation
    balanced : rare values count as much as common ones (the calibration knows how common they are)
    folds : of the calibration
    random_state : seed of the folds

    Attributes
    ----------
    classes_ : all values that may be predicted; ``values_`` : those in y
    yes_ : shape (values, heads), which of ``values_`` says yes to which head
    coef_ : shape (values, features); intercept_ : shape (values,)
    calibration_ : shape (heads, 2), slope and intercept of the sigmoid
    out_of_fold_ : shape (n, heads), probabilities of the training rows by weights that have not seen their fold
    fold_of_ : shape (n,), number of that fold
    """

    coef_: Floats
    intercept_: Floats

    def __init__(
        self,
        heads: Heads | None = None,
        C: float = 10.0,
        balanced: bool = True,
        folds: int = 5,
        random_state: int = 0,
    ) -> None:
        self.heads = heads
        self.C = C
        self.balanced = balanced
        self.folds = folds
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    def fit(
        self, X: Any, y: Any, groups: Sequence[str] | None = None, sample_weight: Sequence[float] | Floats | None = None
    ) -> CalibratedHeads:
        """Train on X (n, features), sparse or dense, and the values y (n,).

        With ``groups`` (n,) no group lies on both sides of a calibration fold. Raises ValueError in words when there
        are too few codings, or too one-sided ones, to calibrate on.
        """
        X, y = validate_data(self, X, y, accept_sparse="csr", dtype=np.float64)
        check_classification_targets(y)
        if groups is not None and len(groups) != len(y):
            raise ValueError(f"{len(y)} texts but {len(groups)} groups")
        weight = _check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        if self.heads is None:
            self.classes_ = np.unique(y)
            yes = y[:, None] == self.classes_
        else:
            self.classes_ = np.array(self.heads.value_names)
            yes = self.heads.truth(y.tolist())
        # the vectors are short: threads that wait for each other cost twenty times what they save on a busy machine
        with threadpool_limits(limits=1, user_api="blas"):
            folds = list(self._folds(y, yes, groups))
            if len(np.unique(y[weight > 0])) == 1:
                raise ValueError("all codings with a weight above 0 are of one class; code texts of another value")
            sparse, back = sp.issparse(X), None
            if sparse and X.shape[0] <= FEW_ROWS < X.shape[1]:
                whole, (X, back) = X, rotate(X)
            scores = np.empty(yes.shape)
            self.fold_of_ = np.empty(len(y), dtype=np.int64)
            for fold, (train, test) in enumerate(folds):
                self._fit_values(X[train], y[train], weight[train])
                scores[test] = self._head_scores(X[test])
                self.fold_of_[test] = fold
            self._fit_values(X, y, weight)
            if back is not None:
                self.coef_ = np.asarray(whole.T @ (back @ self.coef_.T)).T
            self._calibrate(scores, yes, weight)
        return self

    def _fit_values(self, X: Any, y: Any, weight: Floats) -> None:
        linear = LogisticRegression(C=self.C, max_iter=2000, class_weight="balanced" if self.balanced else None)
        linear.fit(X, y, sample_weight=weight)
        self.values_ = linear.classes_
        self.coef_ = linear.coef_
        self.intercept_ = linear.intercept_
        if len(self.values_) == 2:  # scikit-learn then keeps one row: the second value against the first
            self.coef_ = np.vstack([-self.coef_[0] / 2, self.coef_[0] / 2])
            self.intercept_ = np.array([-self.intercept_[0] / 2, self.intercept_[0] / 2])

    @property
    def yes_(self) -> Bools:
        """Which of ``values_`` says yes to which head."""
        if self.heads is None:
            same: Bools = self.values_[:, None] == self.classes_
            return same
        return self.heads.truth(self.values_.tolist())

    def _calibrate(self, scores: Floats, yes: Bools, weight: Floats) -> None:
        def sigmoids(rows: Any) -> Floats:
            return np.array([fit_sigmoid(scores[rows, k], yes[rows, k], weight[rows]) for k in range(yes.shape[1])])

        self.calibration_ = sigmoids(slice(None))
        self.out_of_fold_ = np.empty(yes.shape)
        for fold in np.unique(self.fold_of_):
            inside = self.fold_of_ == fold
            self.out_of_fold_[inside] = sigmoid(scores[inside], sigmoids(~inside))

    def _folds(self, y: Any, yes: Bools, groups: Sequence[str] | None) -> Iterator[tuple[Any, Any]]:
        names = self.classes_ if self.heads is None else self.heads.names
        for name, said in zip(names, yes.T, strict=True):
            if min(said.sum(), (~said).sum()) < 2:
                raise ValueError(
                    f"the {name} head needs at least 2 codings on either side, there are {said.sum()} for and "
                    f"{(~said).sum()} against ({len(np.unique(y))} class in all); code more texts"
                )
        number = len(set(groups)) if groups is not None else len(y)
        if number < 2:
            raise ValueError("all texts are of one group; leave groups out, or code texts of a second group")
        folds = int(min(self.folds, number, yes.sum(axis=0).min(), (~yes).sum(axis=0).min()))
        # a value rarer than the folds can't be spread over them: it goes with the commonest
        counts = Counter(y.tolist())
        commonest = max(counts, key=lambda value: (counts[value], str(value)))
        strata = [str(value if counts[value] >= folds else commonest) for value in y.tolist()]
        kind = StratifiedKFold if groups is None else StratifiedGroupKFold
        splitter = kind(folds, shuffle=True, random_state=self.random_state)
        for train, test in splitter.split(np.zeros(len(y)), strata, groups):
            for name, said in zip(names, yes[train].T, strict=True):
                if said.all() or not said.any():
                    raise ValueError(
                        f"without one fold the {name} head has codings on one side only; code texts of more groups"
                    )
            if len(test):
                yield train, test

    def head_scores(self, X: Any) -> Floats:
        """Log odds of the heads before calibration, shape (n, heads)."""
        check_is_fitted(self, "coef_")
        X = validate_data(self, X, accept_sparse="csr", dtype=np.float64, reset=False)
        return self._head_scores(X)

    def _head_scores(self, X: Any) -> Floats:
        return head_scores(np.asarray(X @ self.coef_.T) + self.intercept_, self.yes_)

    def predict_heads(self, X: Any) -> Floats:
        """Calibrated probabilities, shape (n, heads), that each head says yes."""
        return sigmoid(self.head_scores(X), self.calibration_)

    def predict_proba(self, X: Any) -> Floats:
        """Of each class, shape (n, classes): what the calibrated heads say, were they independent."""
        p = self.predict_heads(X)
        if self.heads is not None:
            return self.heads.value_probabilities(p)
        odds = p / (1 - p)
        made: Floats = odds / odds.sum(axis=1, keepdims=True)
        return made

    def predict(self, X: Any) -> Any:
        """The classes, shape (n,)."""
        p = self.predict_heads(X)
        return self.classes_[np.argmax(p, axis=1)] if self.heads is None else self.heads.labels(p)
