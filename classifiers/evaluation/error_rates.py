"""Does the model err alike for all? Error rates per group and language, errors of prevalence per cell.

A gap between two groups is biased wherever the model errs more for one of them: that is what to look for first.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import chi2_contingency

from classifiers.coding.coding_table import CodingRow
from classifiers.evaluation.calibration import Truth, effective, wilson
from classifiers.heads import Floats, Heads

FEWEST = 5
"""texts of a cell (or of one side of a slice) under which no error is told"""
LEVEL = 0.05


def _rate(said: Truth, weights: Floats) -> dict[str, Any]:
    if len(said) < FEWEST:
        return {"texts": len(said), "rate": None, "low": None, "high": None}
    rate = float(np.average(said, weights=weights))
    low, high = wilson(rate, effective(weights))
    return {"texts": len(said), "rate": rate, "low": low, "high": high}


def error_rates(truth: Truth, p: Floats, weights: Floats, keys: Sequence[str], heads: Heads) -> dict[str, Any]:
    """Key (a group, a language) -> head -> ``tpr`` and ``fpr``: the share the head says yes to of those that do, and of
    those that don't, with Wilson intervals; None under FEWEST texts."""
    made: dict[str, Any] = {}
    for key in sorted(set(keys)):
        inside = np.array([one == key for one in keys])
        made[key] = {"texts": int(inside.sum())}
        for k, head in enumerate(heads.names):
            said = p[:, k] >= 0.5
            yes, no = inside & truth[:, k], inside & ~truth[:, k]
            made[key][head] = {"tpr": _rate(said[yes], weights[yes]), "fpr": _rate(said[no], weights[no])}
    return made


def unequal(rates: Mapping[str, Any], heads: Heads, kind: str = "group") -> list[str]:
    """In words, each rate that differs between keys: chi-squared test of the counts, at .05 shared by all rates
    (Bonferroni). Empty: no difference is shown, which is no proof that there is none."""
    found = []
    for head in heads.names:
        for name, words in (("tpr", "finds"), ("fpr", "wrongly says")):
            told = {key: one[head][name] for key, one in rates.items() if one[head][name]["rate"] is not None}
            counts = np.array([[r["rate"] * r["texts"], (1 - r["rate"]) * r["texts"]] for r in told.values()])
            if len(told) < 2 or (counts.sum(axis=0) == 0).any():
                continue
            if chi2_contingency(counts, correction=False).pvalue < LEVEL / (2 * len(heads.names)):
                low, high = (f(told, key=lambda key: told[key]["rate"]) for f in (min, max))
                found.append(
                    f"the model {words} {head} unequally often by {kind}: {told[low]['rate']:.2f} of the texts of "
                    f"{low}, {told[high]['rate']:.2f} of those of {high}; a difference between them is partly the "
                    "model's"
                )
    return found


def quarter(row: CodingRow) -> str:
    """Such as 2024-Q1; empty without a date."""
    return f"{row.date.year}-Q{(row.date.month + 2) // 3}" if row.date else ""


def balances_of(p: Floats) -> Floats:
    """Shape (n, 2) -> (n,): the model's balance of each text."""
    made: Floats = p[:, 0] - p[:, 1]
    return made


def prevalence_errors(
    rows: Sequence[CodingRow], p: Floats, weights: Floats, heads: Heads, balances: Mapping[str, float], constant: float
) -> dict[str, Any]:
    """Errors per cell (group x quarter) of FEWEST texts or more: the model's mean probability of each head less its
    share by coding, and the same of the balance; mean absolute errors, beside always saying ``constant`` (the training
    balance)."""
    truth = heads.truth([row.value for row in rows])
    y = np.array([balances[row.value] for row in rows])
    keys = [(row.group, quarter(row)) for row in rows]
    cells: list[dict[str, Any]] = []
    for key in sorted(set(keys)):
        inside = np.array([one == key for one in keys])
        if inside.sum() < FEWEST:
            continue
        w = weights[inside]
        share, said = (np.average(a[inside], axis=0, weights=w) for a in (truth.astype(float), p))
        coded = float(np.average(y[inside], weights=w))
        cells.append(
            {
                "group": key[0],
                "period": key[1],
                "texts": int(inside.sum()),
                **{f"error_{head}": float(said[k] - share[k]) for k, head in enumerate(heads.names)},
                "balance": coded,
                "error_balance": float(np.average(balances_of(p)[inside], weights=w)) - coded,
                "error_constant": constant - coded,
            }
        )
    names = [*(f"error_{head}" for head in heads.names), "error_balance", "error_constant"]
    mean = {name: float(np.mean([abs(cell[name]) for cell in cells])) if cells else None for name in names}
    left_out = len(set(keys)) - len(cells)
    return {"cells": cells, "mean_absolute": mean, "cells_too_small": left_out}


def by_size(keys: Sequence[str], most: int = 30) -> list[str]:
    """Keys with the commonest ``most`` kept and the rest called "other": a table for people has an end."""
    names, counts = np.unique(np.array(keys, dtype=object).astype(str), return_counts=True)
    kept = set(names[np.argsort(-counts, kind="stable")][:most])
    return [key if key in kept else "other" for key in keys]
