"""How good probabilities are, as figures that go into a model's card.

Everything here takes coded values and probabilities of texts that the model has *not* learnt from.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupKFold

from classifiers.heads import Floats, Heads
from classifiers.model.classifier import TextClassifier
from classifiers.text.features import Row, as_rows


def cross_validate(
    classifier: TextClassifier, rows: Sequence[Row], values: Sequence[str], groups: Sequence[str], folds: int = 5
) -> Floats:
    """Probabilities, shape (n, 2), each by a model that has seen no text of the same group; calibration included."""
    checked = as_rows(rows)
    made = np.empty((len(checked), 2))
    for train, test in GroupKFold(folds).split(checked, groups=groups):
        fitted = clone(classifier).fit(
            [checked[i] for i in train], [values[i] for i in train], [groups[i] for i in train]
        )
        made[test] = fitted.predict_heads([checked[i] for i in test])
    return made


def macro_f1(truth: Sequence[str], said: Sequence[str], weights: Floats | None = None) -> float:
    """Mean of the F1 of every value that occurs in ``truth``; a value never said counts 0."""
    if not len(truth):
        raise ValueError("no coded texts to evaluate on")
    labels = sorted(set(truth))
    return float(
        f1_score(
            np.asarray(truth), np.asarray(said), average="macro", labels=labels, zero_division=0, sample_weight=weights
        )
    )


def majority(truth: Sequence[str]) -> list[str]:
    """The baseline that says the commonest value of every text (of equals the first by name)."""
    counts = Counter(truth)
    return [min(counts, key=lambda value: (-counts[value], value))] * len(truth)


def figures(
    values: Sequence[str], probabilities: Floats, heads: Heads, slices: Mapping[str, Sequence[str]] | None = None
) -> dict[str, Any]:
    """Figures beside their baseline, ready for JSON.

    ``texts``, ``macro_f1`` (all values) and ``majority_macro_f1``; ``two_way_macro_f1`` over the texts coded on the
    side of one head (nationalist or universalist); per head ``macro_f1``, ``brier`` and ``base_brier`` (of always
    saying the base rate).
    ``slices`` (name -> one key per text, such as languages) adds the first three per name and key.
    """
    said = heads.labels(probabilities)
    truth = heads.truth(values)
    sided = heads.sided(values)
    made: dict[str, Any] = {**_all_values(values, said)}
    if sided.any():
        one = np.asarray(values)[sided].tolist()
        made["two_way_macro_f1"] = round(macro_f1(one, heads.sides(probabilities[sided])), 4)
        made["two_way_majority_macro_f1"] = round(macro_f1(one, majority(one)), 4)
    made["heads"] = {
        head: {
            "macro_f1": round(macro_f1(truth[:, k].tolist(), (probabilities[:, k] >= 0.5).tolist()), 4),
            "brier": round(float(np.mean((probabilities[:, k] - truth[:, k]) ** 2)), 4),
            "base_brier": round(float(truth[:, k].mean() * (1 - truth[:, k].mean())), 4),
        }
        for k, head in enumerate(heads.names)
    }
    for name, keys in (slices or {}).items():
        made[name] = {}
        for key in sorted(set(keys)):
            inside = np.asarray(keys) == key
            made[name][key] = _all_values(np.asarray(values)[inside].tolist(), said[inside])
    return made


def _all_values(values: Sequence[str], said: Any) -> dict[str, Any]:
    return {
        "texts": len(values),
        "macro_f1": round(macro_f1(values, said), 4),
        "majority_macro_f1": round(macro_f1(values, majority(values)), 4),
    }


def confusion(values: Sequence[str], probabilities: Floats, heads: Heads) -> dict[str, dict[str, float]]:
    """Per head the rates that quantifiers need (adjusted count, its probabilistic form, Saerens et al. 2002).

    ``prior``: share of texts that say yes by their coding. ``tpr``, ``fpr``: share the head says yes to among those
    that do and that do not. ``mean_positive``, ``mean_negative``: its mean probability among the same.
    Raises ValueError when a head has no text on one side.
    """
    truth = heads.truth(values)
    made = {}
    for k, head in enumerate(heads.names):
        yes, p = truth[:, k], probabilities[:, k]
        if yes.all() or not yes.any():
            raise ValueError(f"no rates for the {head} head: all {len(yes)} codings are on one side")
        made[head] = {
            "prior": float(yes.mean()),
            "mean_positive": float(p[yes].mean()),
            "mean_negative": float(p[~yes].mean()),
            "tpr": float((p[yes] >= 0.5).mean()),
            "fpr": float((p[~yes] >= 0.5).mean()),
        }
    return made


def training_balance(values: Sequence[str], balances: Mapping[str, float]) -> float:
    """Mean balance of codings, in [-1, 1]: what someone would say who never looks at a text."""
    if not len(values):
        raise ValueError("no codings, so no balance")
    return float(np.mean([balances[value] for value in values]))
