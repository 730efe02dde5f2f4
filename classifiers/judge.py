"""All figures of a model on codings it has not learnt from, ready for JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from classifiers.baselines import Strings
from classifiers.bootstrap import model_columns, model_figures, with_intervals
from classifiers.calibration import calibration
from classifiers.error_rates import by_size, error_rates, prevalence_errors, unequal
from classifiers.evaluate import macro_f1
from classifiers.examples import Examples
from classifiers.heads import Floats, Heads


def _baseline(values: Sequence[str], said: Strings, weights: Floats) -> dict[str, Any]:
    tested = said != ""
    coded = np.array(values)[tested].tolist()
    return {"texts": len(coded), "macro_f1": macro_f1(coded, said[tested].tolist(), weights[tested])}


def judge(
    examples: Examples,
    p: Floats,
    *,
    heads: Heads,
    balances: Mapping[str, float],
    training_balance: float,
    baselines: Mapping[str, Strings],
    replicates: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Figures of probabilities ``p``, shape (n, 2).

    ``figures``: macro-F1 of all values and of the two sides, Brier, each with a 95% interval over units; ``baselines``:
    name -> macro-F1 of what they say of the same texts (of those they say anything of, ``texts``), beside Brier of
    always saying the base rate; ``heads``: calibration; ``error_rates`` per group and language with ``warnings``;
    ``prevalence`` per cell.
    Raises ValueError without texts.
    """
    if not len(examples):
        raise ValueError("no coded texts to evaluate on")
    weights, values = examples.weights, examples.values
    truth = heads.truth(values)
    base = np.average(truth, axis=0, weights=weights)
    rates: dict[str, Any] = {}
    warnings: list[str] = []
    for name, column in (("group", "group"), ("language", "lang")):
        keys = [getattr(row, column) for row in examples.rows]
        if any(keys):
            rates[name] = error_rates(truth, p, weights, by_size([key or "(not told)" for key in keys]), heads)
            warnings += unequal(rates[name], heads, name)
    return {
        "texts": len(examples),
        "units": len(np.unique(examples.units)),
        "weight": float(weights.sum()),
        "figures": with_intervals(
            model_columns(values, p, heads, weights),
            examples.units,
            lambda s: model_figures(s, heads),
            replicates,
            seed,
        ),
        "baselines": {
            **{name: _baseline(values, said, weights) for name, said in baselines.items() if (said != "").any()},
            "base rate": {"brier": float(np.mean(base * (1 - base)))},
        },
        "heads": {name: calibration(p[:, k], truth[:, k], weights) for k, name in enumerate(heads.names)},
        "error_rates": rates,
        "warnings": warnings,
        "prevalence": prevalence_errors(examples.rows, p, weights, heads, balances, training_balance),
    }
