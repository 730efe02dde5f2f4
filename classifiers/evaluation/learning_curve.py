"""How good would fewer codings have made it? Macro-F1 against the number of training codings.

Whole units are drawn, so that a small training set is small in sources as well; the sets of one repeat grow out of one
another. Where the curve still rises at its end, more codings pay.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from classifiers.coding.examples import Examples
from classifiers.coding.splits import Ints
from classifiers.evaluation.bootstrap import model_columns, model_figures
from classifiers.heads import Floats, Heads

SMALLEST, LARGEST = 25, 3200
"""codings; doubled from the one to the other"""

FitAndSay = Callable[[Examples, Examples], Floats]
"""(training, tested) -> probabilities of the tested, shape (n, 2). Raises ValueError when it can't be trained"""


def sizes(available: int) -> list[int]:
    """Numbers of codings at which the curve is measured; the last is all there are, up to LARGEST."""
    made = []
    size = SMALLEST
    while size < min(available, LARGEST):
        made.append(size)
        size *= 2
    return [*made, min(available, LARGEST)] if available else []


def nested(units: Ints, seed: int) -> Ints:
    """Indices of all rows, unit after unit in random order: any beginning of it is a smaller training set."""
    rng = np.random.default_rng(seed)
    names, at = np.unique(units, return_inverse=True)
    rank = rng.permutation(len(names))[at]
    made: Ints = np.argsort(rank, kind="stable")
    return made


def learning_curve(
    parts: Sequence[tuple[Examples, Examples]], fit_and_say: FitAndSay, heads: Heads, *, repeats: int, seed: int = 0
) -> list[dict[str, Any]]:
    """Per size ``codings``, mean ``macro_f1``, its standard deviation ``spread`` over repeats and how many ``runs``.

    ``parts``: (may train, tested), one per repeat in turn. A size at which a repeat can't be trained (one side only)
    counts without it; a size without any is left out.
    """
    made: dict[int, list[float]] = {}
    smallest = min(len(pool) for pool, _ in parts)  # every size is measured on the same parts
    for repeat in range(repeats):
        pool, tested = parts[repeat % len(parts)]
        order = nested(pool.units, seed + repeat)
        for size in sizes(smallest):
            try:
                said = fit_and_say(pool.take(order[:size]), tested)
            except ValueError:
                continue
            columns = model_columns(tested.values, said, heads, tested.weights)
            made.setdefault(size, []).append(float(model_figures(columns.sum(axis=0), heads)["macro_f1"]))
    return [
        {"codings": size, "macro_f1": float(np.mean(f1)), "spread": float(np.std(f1)), "runs": len(f1)}
        for size, f1 in sorted(made.items())
    ]
