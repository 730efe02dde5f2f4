"""All figures of a model on codings it has not learnt from, ready for JSON."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from classifiers.codebook import Codebook
from classifiers.coding.coding_table import CodingRow
from classifiers.coding.examples import Examples, sort_codings
from classifiers.evaluation.baselines import Strings, commonest
from classifiers.evaluation.bootstrap import model_columns, model_figures, with_intervals
from classifiers.evaluation.calibration import calibration
from classifiers.evaluation.error_rates import by_size, error_rates, prevalence_errors, unequal
from classifiers.evaluation.evaluate import macro_f1
from classifiers.heads import Floats, Heads
from classifiers.text.features import Row


def _baseline(values: Sequence[str], said: Strings, weights: Floats) -> dict[str, Any]:
    tested = said != ""
    coded = np.array(values)[tested].tolist()
    return {"texts": len(coded), "macro_f1": macro_f1(coded, said[tested].tolist(), weights[tested])}


def understood(p: Floats, base_rates: Floats) -> Floats:
    """``p`` with rows of NaN, texts of which a model knows no word, replaced by what it would say of any text."""
    made: Floats = np.where(np.isnan(p), base_rates, p)
    return made


def judge(
    examples: Examples,
    p: Floats,
    *,
    heads: Heads,
    balances: Mapping[str, float],
    training_balance: float,
    base_rates: Floats,
    baselines: Mapping[str, Strings],
    replicates: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Figures of probabilities ``p``, shape (n, 2).

    ``figures``: macro-F1 of all values and of the two sides, Brier, each with a 95% interval over units; ``baselines``:
    name -> macro-F1 of what they say of the same texts (of those they say anything of, ``texts``), beside Brier of
    always saying the base rate; ``heads``: calibration; ``error_rates`` per group and language with ``warnings``;
    ``prevalence`` per cell.
    Rows of NaN (no word understood) count as ``base_rates``. Raises ValueError without texts.
    """
    if not len(examples):
        raise ValueError("no coded texts to evaluate on")
    not_understood = int(np.isnan(p).any(axis=1).sum())
    p = understood(p, base_rates)
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
        "not_understood": not_understood,
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


def examine(
    codings: Sequence[CodingRow],
    say: Callable[[Sequence[Row]], Floats],
    book: Codebook,
    *,
    training_balance: float,
    base_rates: Floats,
    replicates: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """Figures of a model that is there already, on the random codings; where none is random on all, marked.

    ``say``: texts -> probabilities, shape (n, 2). Adds ``evaluation`` and ``comparable`` to what :func:`judge` makes.
    Raises ValueError where no coding can be evaluated on.
    """
    found = sort_codings(codings)
    examples = found.audit if len(found.audit) else found.training
    if not len(examples):
        why = "; ".join(f"{number} {reason}" for reason, number in found.left_out.items())
        raise ValueError(f"no codings to evaluate on{f' ({why})' if why else ''}")
    random = bool(len(found.audit))
    evaluation = f"on {len(examples)} random codings" if random else (
        f"on {len(examples)} codings, none drawn at random: not comparable, and too good if the model learnt from them"
    )  # fmt: skip
    names = book.two_heads
    baselines = {"commonest value": commonest(examples.values, examples.weights, len(examples))}
    judged = judge(
        examples, say(examples.texts), heads=names, balances=book.balances, training_balance=training_balance,
        base_rates=base_rates, baselines=baselines, replicates=replicates, seed=seed,
    )  # fmt: skip
    left_out = {} if random else found.left_out
    return {"evaluation": evaluation, "comparable": random, "left_out": left_out, **judged}
