"""Why a text gets its probabilities: which passages speak for a head, and which terms.

A head's log odds are a curve over the scores of the values, so a term has no weight of its own. It gets its share of
the way from a passage without features to this passage (integrated gradients: Sundararajan, Taly & Yan 2017, arXiv
1703.01365; Aumann & Shapley 1974). The shares add up: the base and the weights of all terms are the head's log odds.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.special import expit, softmax

from classifiers.heads import Floats
from classifiers.model.classifier import TextClassifier
from classifiers.model.passages import passage_heads, score_features
from classifiers.model.softmax import Bools, head_scores
from classifiers.text.features import Prepare, Row, cut_rows, featurise
from classifiers.text.featuriser import terms_of

_NODES, _NODE_WEIGHTS = np.polynomial.legendre.leggauss(64)


def _slopes(classifier: TextClassifier, total: Floats, yes: Bools) -> Floats:
    """Shape (values, 2): what one unit of a value's score adds to a head, meant over the way to ``total``."""
    at = (_NODES[:, None] + 1) / 2 * total + classifier.intercept_
    columns = []
    for said in yes.T:
        slope = np.where(
            said, softmax(np.where(said, at, -np.inf), axis=1), -softmax(np.where(said, -np.inf, at), axis=1)
        )
        columns.append(_NODE_WEIGHTS / 2 @ slope)
    return np.column_stack(columns)


@dataclass(frozen=True)
class ExplainedPassage:
    """One passage as the model reads it, and what of it speaks for the heads."""

    text: str
    """normalised, names taken out"""
    share: float
    """of the words of the text's known passages"""
    known: bool
    """False: the model knows nothing of it"""
    probabilities: Floats
    """of the heads, shape (2,)"""
    terms: list[tuple[str, str]]
    """kind (words, letters, encoder) and term, in the order of the passage"""
    weights: Floats
    """what each adds to the log odds of the heads, shape (terms, 2)"""


def base_of(classifier: TextClassifier) -> Floats:
    """The calibrated log odds of the heads, shape (2,), for a passage without features."""
    made: Floats = head_scores(classifier.intercept_[None], classifier.yes_)[0] * classifier.calibration_[:, 0]
    return made + classifier.calibration_[:, 1]


def term_weights(classifier: TextClassifier, passage: str, meaning: Any = None) -> tuple[list[tuple[str, str]], Floats]:
    """Kind (words, letters) and term, and their weights, shape (terms, 2), of one normalised passage.

    :func:`base_of` and all weights sum to the calibrated log odds of the heads. Terms that share a bucket share its
    weight. ``meaning``: an encoder's vector, shape (dimension,); it is the one term of kind ``encoder``.
    """
    tables, many, yes = classifier.tables(), len(classifier.values_) - 1, classifier.yes_
    said: list[tuple[str, str]] = []
    # what each term adds to the scores, shape (terms, values less one)
    adds: list[Floats] = []
    total = np.zeros(many + 1)
    for kind, terms, table in zip(("words", "letters"), terms_of(passage), (tables.words, tables.letters), strict=True):
        names = list(terms)
        buckets, at, sharing = np.unique(
            np.array([terms[name] for name in names], dtype=np.int64), return_inverse=True, return_counts=True
        )
        rows = table[buckets].astype(np.float64)
        length = np.sqrt(max(rows[:, many].sum(), 1e-12))
        told = np.flatnonzero(np.any(rows[:, :many], axis=1)[at])  # else the model does not know it
        said += [(kind, names[i]) for i in told.tolist()]
        adds.append(rows[at[told], :many] / length / sharing[at[told], None])
        total[:many] += rows[:, :many].sum(axis=0) / length
    if meaning is not None and classifier.dense_coef_ is not None:
        whole = ((classifier.dense_coef_ - classifier.dense_coef_[-1]) @ meaning).astype(np.float64)
        said.append(("encoder", "the meaning of the whole passage"))
        adds.append(whole[None, :many])
        total += whole
    slopes = _slopes(classifier, total, yes) * classifier.calibration_[:, 0]
    return said, np.concatenate(adds) @ slopes[:many]


def explained_passages(
    classifier: TextClassifier, row: Row, prepare: Prepare = str, *, only: Callable[[str], bool] | None = None
) -> tuple[list[ExplainedPassage], Floats | None]:
    """The passages of a text (or of (before, text, after)), and its probabilities, shape (2,); None: no known word."""
    context = classifier.context_weight > 0
    passages, _, words = cut_rows([row], prepare, context=context, only=only)
    features = featurise([row], prepare, context=context, only=only, encoder=classifier.encoder_)
    meanings = features.passages.dense
    probabilities, known = passage_heads(classifier, features)
    (whole,), (any_known,) = score_features(classifier, features)
    counted = np.array(words) * known
    made = []
    for number, passage in enumerate(passages):
        if not words[number]:  # the text before or after: it only moves its neighbour
            continue
        terms, weights = term_weights(classifier, passage, None if meanings is None else meanings[number])
        share = float(counted[number] / counted.sum()) if counted.sum() else 0.0
        made.append(ExplainedPassage(passage, share, bool(known[number]), probabilities[number], terms, weights))
    return made, whole if any_known else None


def explain(
    classifier: TextClassifier,
    row: Row,
    prepare: Prepare = str,
    *,
    only: Callable[[str], bool] | None = None,
    terms: int = 15,
) -> dict[str, Any]:
    """What the model makes of a text (or of (before, text, after)), ready for JSON.

    ``probabilities`` per head (null: no known word) and ``passages``, each with its text as the model reads it, its
    ``share`` of the text's words, and per head its ``probability``, ``base``, the ``terms`` of most weight and what the
    ``rest`` add; they sum to the log odds of the probability. A model that learnt context moves a passage by its
    neighbours besides: ``neighbours``.
    """
    passages, whole = explained_passages(classifier, row, prepare, only=only)
    base, names = base_of(classifier), classifier.heads_.names
    explained = []
    for passage in passages:
        heads = {}
        by_name = sorted(range(len(passage.terms)), key=passage.terms.__getitem__)
        said, adds = [passage.terms[i] for i in by_name], passage.weights[by_name]
        for k, head in enumerate(names):
            order = np.argsort(-np.abs(adds[:, k]), kind="stable")  # of equal weights the first by name
            probability = float(passage.probabilities[k])
            with np.errstate(divide="ignore"):
                odds = float(np.log(probability) - np.log1p(-probability))
            heads[head] = {
                "probability": probability,
                "base": float(base[k]),
                "terms": [
                    {"kind": said[i][0], "term": said[i][1], "weight": float(adds[i, k])}
                    for i in order[:terms].tolist()
                ],
                "rest": float(adds[order[terms:], k].sum()),
                "neighbours": odds - float(base[k]) - float(adds[:, k].sum()) if classifier.context_weight else 0.0,
            }
        explained.append({"text": passage.text, "share": passage.share, "known": passage.known, "heads": heads})
    return {
        "probabilities": {head: None if whole is None else float(whole[k]) for k, head in enumerate(names)},
        "passages": explained,
    }


def log_odds(explained: dict[str, Any]) -> float:
    """Base, terms and rest of one passage's head together."""
    return float(
        explained["base"] + sum(t["weight"] for t in explained["terms"]) + explained["rest"] + explained["neighbours"]
    )


def probability(explained: dict[str, Any]) -> float:
    """The probability that :func:`log_odds` stands for."""
    return float(expit(log_odds(explained)))
