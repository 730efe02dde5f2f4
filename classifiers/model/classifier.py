"""The classifier of a codebook: two heads, each a calibrated probability, read off one linear model of the values.

Of framing, head *nationalist* asks whether the text claims a bounded people (values nationalist and both), head
*universalist* whether it claims a community that crosses borders (values universalist and both). The two are asked
apart, since a text may claim both or neither; but "both" and "neither" have words of their own, so one softmax model of
the four values gives the heads better scores than two separate models do (``docs/framing.md`` has the figures).

Text becomes features by :mod:`classifiers.text.featuriser`, which learns nothing; idf, weights and calibration are
learnt here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from classifiers.codebook import load_codebook
from classifiers.heads import Floats, Heads
from classifiers.model.softmax import Bools, CalibratedHeads, head_scores, sigmoid
from classifiers.text.encoder import Encoder, load_encoder
from classifiers.text.features import Features, Row, Weights, as_rows, featurise
from classifiers.text.featuriser import LETTER_BITS, WORD_BITS, Passages

WORD_COLUMNS, LETTER_COLUMNS = 1 << WORD_BITS, 1 << LETTER_BITS
SEEN_TWICE = 2
"""a word counts as known when so many passages taught it"""


@dataclass(frozen=True)
class Tables:
    """What a bucket adds to a passage's sums, so that scoring is one sparse product per block. float32."""

    words: npt.NDArray[np.float32]
    """shape (buckets, values - 1 + 2): idf x weight of each value but the last (less that of the last, since a softmax
    knows differences only), idf squared (of a bucket never seen: as if half as frequent as the rarest), 1 if the model
    knows the bucket"""
    letters: npt.NDArray[np.float32]
    """shape (buckets, values - 1 + 1): the same without the last column"""
    known_share: float
    """of the buckets of words: what a text in an unknown script hits by chance"""


class TextClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """TF-IDF of hashed words and letter sequences, a softmax of the values, two heads calibrated on held-out folds.

    Parameters
    ----------
    heads : the two heads and the values of the codebook; None: framing's
    C : inverse strength of the regularisation
    balanced : rare values count as much as common ones
    min_df : a feature that fewer passages have is left out
    context_weight : weight of the neighbouring sentences or passages, 0 or more; the text's own weight is 1
    folds : of the calibration
    random_state : seed of the folds
    encoder : "module:factory" of an encoder (:mod:`classifiers.text.encoder`), whose vectors stand beside the counts

    Attributes
    ----------
    encoder_ : the loaded encoder; dense_coef_ : shape (values, dimension), float32; both None without one
    heads_ : the heads in use; classes_ : the values of the codebook
    weights_ : the fitted :class:`Weights`; values_ : the values that were coded
    coef_ : shape (values, features), float32; intercept_ : shape (values,)
    known_ : shape (features,), of a word whether two passages or more taught it
    calibration_ : shape (2, 2), per head slope and intercept of the sigmoid
    out_of_fold_ : shape (n, 2), probabilities of the training texts by weights that have not seen their fold
    fold_of_ : shape (n,), number of that fold

    ``predict_heads`` gives a column per *head*: both may be high, or neither. ``predict_proba`` gives one per value.
    """

    def __init__(
        self,
        heads: Heads | None = None,
        C: float = 10.0,
        balanced: bool = True,
        min_df: int = 1,
        context_weight: float = 0.0,
        folds: int = 5,
        random_state: int = 0,
        encoder: str | None = None,
    ) -> None:
        self.heads = heads
        self.C = C
        self.balanced = balanced
        self.min_df = min_df
        self.context_weight = context_weight
        self.folds = folds
        self.random_state = random_state
        self.encoder = encoder

    def featurise(self, rows: Sequence[Row]) -> Features:
        """The features of ``rows`` as :meth:`fit` makes them: another classifier may be fitted on the same."""
        encoder = self.encoder_ if hasattr(self, "encoder_") else self._load_encoder()
        return featurise(rows, context=self.context_weight > 0, encoder=encoder)

    def _load_encoder(self) -> Encoder | None:
        return load_encoder(self.encoder) if self.encoder else None

    def fit(
        self,
        X: Sequence[Row] | Features,
        y: Sequence[str],
        groups: Sequence[str] | None = None,
        sample_weight: Sequence[float] | Floats | None = None,
    ) -> TextClassifier:
        """Train on rows ``X`` (or their features) and their coded values ``y``, both of length n.

        With ``groups`` (n,) no group lies on both sides of a calibration fold. ``sample_weight`` (n,), numbers above
        0, says how much each row counts. Raises ValueError in words when the codings are too few or too one-sided to
        calibrate on. idf is learnt from all texts, without their values;
        :func:`classifiers.evaluation.evaluate.cross_validate` learns it anew in every fold.
        """
        values = np.array([str(value) for value in y])
        n = X.texts if isinstance(X, Features) else len(X := as_rows(X))
        if n != len(values):
            raise ValueError(f"{n} texts but {len(values)} values")
        if groups is not None and len(groups) != len(values):
            raise ValueError(f"{len(values)} texts but {len(groups)} groups")
        weight = np.ones(len(values)) if sample_weight is None else np.asarray(sample_weight, dtype=np.float64)
        if weight.shape != values.shape or not (np.isfinite(weight) & (weight > 0)).all():
            raise ValueError(f"sample_weight is no list of {len(values)} numbers above 0")
        self.heads_ = self.heads or load_codebook().two_heads
        self.heads_.truth(values.tolist())  # refuses unknown values before any work
        self.encoder_ = self._load_encoder()
        features = X if isinstance(X, Features) else self.featurise(X)
        if (features.passages.dense is None) != (self.encoder_ is None):
            raise ValueError("these features were made with another encoder, or without one; make them again")
        counts = sp.hstack([features.passages.words, features.passages.letters], format="csr")
        own = np.flatnonzero(features.words > 0)
        self.weights_ = Weights(WORD_COLUMNS, self.min_df)
        if not len(own) or not len(self.weights_.fit(counts[own]).columns_) or not self.weights_.edge_:
            raise ValueError(f"no vocabulary in {n} texts; give more texts, or a smaller min_df")
        self.weights_.idf_ = self.weights_.idf_.astype(np.float32)  # as a model folder keeps it
        inner = CalibratedHeads(self.heads_, self.C, self.balanced, self.folds, self.random_state)
        blocks = [self.weights_.transform(counts), features.passages.dense]
        made = sp.hstack([sp.csr_matrix(block) for block in blocks if block is not None], format="csr")
        inner.fit(features.averages(self.context_weight) @ made, values, groups, weight)
        self.known_ = (self.weights_.df_ >= SEEN_TWICE) & (self.weights_.columns_ < WORD_COLUMNS)
        self.classes_, self.values_ = inner.classes_, inner.values_
        sparse = len(self.weights_.columns_)
        self.coef_, self.intercept_ = inner.coef_[:, :sparse].astype(np.float32), inner.intercept_
        self.dense_coef_ = None if self.encoder_ is None else inner.coef_[:, sparse:].astype(np.float32)
        self.calibration_ = inner.calibration_
        self.out_of_fold_, self.fold_of_ = inner.out_of_fold_, inner.fold_of_
        self._tables: Tables | None = None
        return self

    @property
    def yes_(self) -> Bools:
        """Which of ``values_`` says yes to which head, shape (values, 2)."""
        return self.heads_.truth(self.values_.tolist())

    def tables(self) -> Tables:
        """The model as one number per bucket, value and sum; made once."""
        check_is_fitted(self, "coef_")
        if self._tables is None:
            columns, edge, many = self.weights_.columns_, self.weights_.edge_, len(self.values_) - 1
            idf = self.weights_.idf_
            words = np.zeros((WORD_COLUMNS, many + 2), dtype=np.float32)
            letters = np.zeros((LETTER_COLUMNS, many + 1), dtype=np.float32)
            # What was never seen says nothing, but it is part of the text: left out of its length, a new text would
            # look surer than the held-out ones on which the probabilities were calibrated.
            words[:, many] = letters[:, many] = (idf.max() + np.log(2)) ** 2
            adds = np.column_stack([((self.coef_[:-1] - self.coef_[-1]) * idf).T, idf**2, self.known_])
            words[columns[:edge]] = adds[:edge]
            letters[columns[edge:] - WORD_COLUMNS] = adds[edge:, :-1]
            self._tables = Tables(words, letters, float(self.known_.sum() / WORD_COLUMNS))
        return self._tables

    def passage_scores(self, passages: Passages) -> tuple[Floats, Bools]:
        """Scores of the values less that of the last, without intercept, shape (n, values); and which are known.

        A bucket may be known by chance. So a passage is known if more of its words are than chance gives (by two
        standard deviations), or all of them.
        """
        tables, many = self.tables(), len(self.values_) - 1
        words, letters = passages.words @ tables.words, passages.letters @ tables.letters
        scores = np.zeros((len(passages), many + 1))  # the last value is what the others are compared with
        scores[:, :many] = words[:, :many] / np.sqrt(np.maximum(words[:, many], 1e-12))[:, None]
        scores[:, :many] += letters[:, :many] / np.sqrt(np.maximum(letters[:, many], 1e-12))[:, None]
        if self.dense_coef_ is not None:
            if passages.dense is None:
                raise ValueError("this model needs an encoder's vectors, and these features have none; make them again")
            # no product of matrices: its last digits depend on how many texts are scored at once
            scores += np.einsum("pd,vd->pv", passages.dense, self.dense_coef_ - self.dense_coef_[-1])
            # an encoder understands what was not learnt, if it is a text at all
            return scores, np.diff(passages.letters.indptr) > 0
        number, share = np.diff(passages.words.indptr), tables.known_share
        chance = number * share + 2 * np.sqrt(number * share * (1 - share))
        hits = words[:, many + 1]
        return scores, (hits > 0) & (hits >= np.minimum(number, chance))

    def _scores(self, X: Sequence[Row]) -> tuple[Floats, Bools]:
        features = self.featurise(X)
        scores, known = self.passage_scores(features.passages)
        averages = features.averages(self.context_weight)
        own = sp.csr_matrix((features.words * known, (features.text, np.arange(len(known)))), averages.shape)
        return self.heads_of(averages @ scores), np.asarray(own.sum(axis=1)).ravel() > 0

    def heads_of(self, value_scores: Floats) -> Floats:
        """Log odds of the heads before calibration, shape (n, 2), of scores without intercept, shape (n, values)."""
        return head_scores(value_scores + self.intercept_, self.yes_)

    def decision_function(self, X: Sequence[Row]) -> Floats:
        """Log odds of the heads before calibration, shape (n, 2)."""
        check_is_fitted(self, "coef_")
        return self._scores(X)[0]

    def predict_known(self, X: Sequence[Row]) -> tuple[Floats, Bools]:
        """``predict_heads``, and for each text, shape (n,), whether the model knows its words."""
        check_is_fitted(self, "coef_")
        scores, known = self._scores(X)
        return sigmoid(scores, self.calibration_), known

    def predict_heads(self, X: Sequence[Row]) -> Floats:
        """Calibrated probabilities, shape (n, 2): that the first head says yes, that the second does."""
        return self.predict_known(X)[0]

    def predict_proba(self, X: Sequence[Row]) -> Floats:
        """Of each value in ``classes_``, shape (n, values): what the heads say, were they independent."""
        return self.heads_.value_probabilities(self.predict_heads(X))

    def predict(self, X: Sequence[Row]) -> npt.NDArray[np.str_]:
        """The values, shape (n,): what the heads say at one half."""
        return self.heads_.labels(self.predict_heads(X))
