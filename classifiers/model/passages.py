"""Whole texts: scored passage by passage, because the model learnt from paragraphs.

Rule: a text is cut into passages (:mod:`classifiers.text.cutting`). Its probability is the mean of its passages',
weighted by their words: the share of the text that makes the claim. Passages of which the model knows no word count
nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from classifiers.heads import Floats
from classifiers.model.classifier import TextClassifier
from classifiers.model.softmax import Bools, sigmoid
from classifiers.text.cutting import LONGEST, SHORTEST, split_passages
from classifiers.text.features import Features, Prepare, Row, as_rows, featurise

__all__ = ["LONGEST", "SHORTEST", "passage_heads", "score_features", "score_texts", "split_passages"]

BATCH = 500
"""texts in memory at a time"""


def passage_heads(classifier: TextClassifier, features: Features) -> tuple[Floats, Bools]:
    """Probabilities of the heads for each passage, shape (passages, 2), and which ones the model knows."""
    scores, known = classifier.passage_scores(features.passages)
    if classifier.context_weight:
        scores = features.neighbours(classifier.context_weight) @ scores
    return sigmoid(classifier.heads_of(scores), classifier.calibration_), known


def score_features(classifier: TextClassifier, features: Features) -> tuple[Floats, list[bool]]:
    """What :func:`score_texts` says, of features that are made already."""
    probabilities, known = passage_heads(classifier, features)
    words = features.words * known
    totals = np.bincount(features.text, words, minlength=features.texts)
    made = np.full((features.texts, 2), np.nan)
    known_texts = totals > 0
    for head in range(2):
        sums = np.bincount(features.text, words * probabilities[:, head], minlength=features.texts)
        made[known_texts, head] = sums[known_texts] / totals[known_texts]
    return made, [bool(known) for known in known_texts]


def score_texts(classifier: TextClassifier, rows: Sequence[Row], prepare: Prepare = str) -> tuple[Floats, list[bool]]:
    """Probabilities of whole texts, shape (n, 2), and for each text whether the model knows anything of it.

    ``prepare`` is applied to every passage and neighbour, after cutting (it may take the line ends away). A text of
    which the model knows no word has NaN: there is nothing to compute from.
    """
    checked = as_rows(rows)
    parts: list[Floats] = [np.empty((0, 2))]
    known: list[bool] = []
    for start in range(0, len(checked), BATCH):
        features = featurise(
            checked[start : start + BATCH], prepare, context=classifier.context_weight > 0, encoder=classifier.encoder_
        )
        probabilities, these = score_features(classifier, features)
        parts.append(probabilities)
        known += these
    return np.vstack(parts), known
