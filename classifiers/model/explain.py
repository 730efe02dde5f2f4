"""Why a text gets its probabilities: which passages speak for a head, and which terms.

A head's log odds are a curve over the scores of the values, so a term has no weight of its own. It gets its share of
the way from a passage without features to this passage (integrated gradients: Sundararajan, Taly & Yan 2017, arXiv
1703.01365; Aumann & Shapley 1974). The shares add up: the base and the weights of all terms are the head's log odds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
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


def term_weights(
    classifier: TextClassifier, passage: str, meaning: Any = None
) -> tuple[Floats, dict[str, dict[str, Floats]]]:
    """The base, shape (2,), and kind (words, letters) -> term -> weights, shape (2,), of one normalised passage.

    Base and weights sum to the calibrated log odds of the heads. Terms that share a bucket share its weight.
    ``meaning``: an encoder's vector, shape (dimension,); it is the one term of kind ``encoder``.
    """
    tables, many, yes = classifier.tables(), len(classifier.values_) - 1, classifier.yes_
    # kind -> terms, and what each adds to the scores, shape (terms, values less one)
    adds: dict[str, tuple[list[str], Floats]] = {}
    total = np.zeros(many + 1)
    for kind, terms, table in zip(("words", "letters"), terms_of(passage), (tables.words, tables.letters), strict=True):
        sharing: dict[int, list[str]] = defaultdict(list)
        for term, bucket in terms.items():
            sharing[bucket].append(term)
        buckets = sorted(sharing)
        rows = table[buckets].astype(np.float64)
        length = np.sqrt(max(rows[:, many].sum(), 1e-12))
        told = np.any(rows[:, :many], axis=1)  # else the model does not know it
        known = [(term, int(i)) for i in np.flatnonzero(told) for term in sharing[buckets[i]]]
        shared = np.array([len(sharing[bucket]) for bucket in buckets], dtype=float)
        places = [i for _, i in known]
        adds[kind] = [term for term, _ in known], rows[places, :many] / length / shared[places, None]
        total[:many] += rows[:, :many].sum(axis=0) / length
    if meaning is not None and classifier.dense_coef_ is not None:
        said = ((classifier.dense_coef_ - classifier.dense_coef_[-1]) @ meaning).astype(np.float64)
        adds["encoder"] = ["the meaning of the whole passage"], said[None, :many]
        total += said
    slope, intercept = classifier.calibration_[:, 0], classifier.calibration_[:, 1]
    slopes = _slopes(classifier, total, yes) * slope
    base = head_scores(classifier.intercept_[None], yes)[0] * slope + intercept
    return base, {kind: dict(zip(terms, added @ slopes[:many], strict=True)) for kind, (terms, added) in adds.items()}


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
    context = classifier.context_weight > 0
    passages, _, words = cut_rows([row], prepare, context=context, only=only)
    features = featurise([row], prepare, context=context, only=only, encoder=classifier.encoder_)
    meanings = features.passages.dense
    probabilities, known = passage_heads(classifier, features)
    (whole,), (any_known,) = score_features(classifier, features)
    names = classifier.heads_.names
    counted = np.array(words) * known
    explained = []
    for number, passage in enumerate(passages):
        if not words[number]:  # the text before or after: it only moves its neighbour
            continue
        base, weights = term_weights(classifier, passage, None if meanings is None else meanings[number])
        heads = {}
        terms_said = sorted((kind, term) for kind, found in weights.items() for term in found)
        adds = np.array([weights[kind][term] for kind, term in terms_said]).reshape(-1, len(names))
        for k, head in enumerate(names):
            order = np.argsort(-np.abs(adds[:, k]), kind="stable")  # of equal weights the first by name
            said = float(base[k]) + float(adds[:, k].sum())
            with np.errstate(divide="ignore"):
                moved = float(np.log(probabilities[number, k]) - np.log1p(-probabilities[number, k])) - said
            heads[head] = {
                "probability": float(probabilities[number, k]),
                "base": float(base[k]),
                "terms": [
                    {"kind": terms_said[i][0], "term": terms_said[i][1], "weight": float(adds[i, k])}
                    for i in order[:terms].tolist()
                ],
                "rest": float(adds[order[terms:], k].sum()),
                "neighbours": moved if classifier.context_weight else 0.0,
            }
        share = float(counted[number] / counted.sum()) if counted.sum() else 0.0
        explained.append({"text": passage, "share": share, "known": bool(known[number]), "heads": heads})
    return {
        "probabilities": {head: float(whole[k]) if any_known else None for k, head in enumerate(names)},
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
