"""Which texts to label next: those the model doubts, spread over what they are about. Pure.

Uncertainty sampling (Lewis & Gale 1994) finds the texts that teach a model most, but takes many that say the same; so
more of them are shortlisted than are wanted, clustered by their words, weighted by doubt, and one is taken from each
cluster (Zhdanov 2019, arXiv 1901.05954). What it saves, which is less than one hopes, and what else was tried:
docs/coding.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.cluster import KMeans
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.preprocessing import normalize
from sklearn.utils.extmath import randomized_svd
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from classifiers.text.normalise import normalise

Floats = NDArray[np.float64]
Indices = NDArray[np.intp]

SHORTLIST = 3
"""Texts in doubt that are looked at, for each one that is wanted."""
TOPICS = 100
"""Dimensions in which texts are clustered."""
MANY = 200
"""For more clusters than this one start is as good as three, and three cost seconds."""


def doubt(probabilities: Floats) -> Floats:
    """How little the model knows of each text, in [0, 1]: the mean entropy of its heads in bits; shape (n,).

    probabilities: shape (n, heads), each calibrated, in [0, 1].
    """
    p = np.clip(np.asarray(probabilities, dtype=float), 1e-12, 1 - 1e-12)
    bits: Floats = (-(p * np.log2(p) + (1 - p) * np.log2(1 - p))).mean(axis=1)
    return bits


def shortlist(doubts: Floats, size: int, rng: np.random.Generator) -> Indices:
    """The texts in most doubt, SHORTLIST times as many as are wanted; texts in equal doubt in random order."""
    order: Indices = np.lexsort((rng.random(len(doubts)), -np.asarray(doubts)))
    return order[: SHORTLIST * size]


def word_features(texts: Sequence[str]) -> sp.csr_matrix:
    """TF-IDF of the words of ``texts``, shape (n, words); no columns where no text has a word."""
    try:
        made: sp.csr_matrix = TfidfVectorizer(preprocessor=normalise, sublinear_tf=True).fit_transform(texts)
    except ValueError:  # scikit-learn's word for an empty vocabulary
        return sp.csr_matrix(np.zeros((len(texts), 0)))
    return made


def spread(features: Any, doubts: Floats, size: int, seed: int) -> Indices:
    """``size`` of n texts that differ: one from each of ``size`` clusters, the nearest to its middle.

    features: shape (n, words), sparse; doubts: shape (n,), the weights of the texts in the clustering. All n where
    they are no more than wanted. Where texts are so alike that fewer clusters come about, the most doubted fill up.
    """
    count = features.shape[0]
    if count <= size:
        return np.arange(count, dtype=np.intp)
    by_doubt: Indices = np.argsort(-np.asarray(doubts), kind="stable")
    if min(features.shape) < 2:
        return by_doubt[:size]
    with threadpool_limits(limits=1, user_api="blas"):
        left, sizes, _ = randomized_svd(features, min(TOPICS, min(features.shape) - 1), random_state=seed)
        topics = normalize(left * sizes)
        kinds = len(np.unique(topics.round(9), axis=0))
        tries = 3 if size <= MANY else 1
        means = KMeans(min(size, kinds), n_init=tries, max_iter=50, random_state=seed)
        means.fit(topics, sample_weight=doubts + 1e-6)
        away = means.transform(topics)
    of_cluster = means.labels_
    chosen = []
    for cluster in np.unique(of_cluster):
        inside = np.flatnonzero(of_cluster == cluster)
        chosen.append(inside[np.argmin(away[inside, cluster])])
    rest = by_doubt[~np.isin(by_doubt, chosen)]
    return np.concatenate([np.array(chosen, dtype=np.intp), rest])[:size]
