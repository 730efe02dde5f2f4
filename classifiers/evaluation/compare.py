"""A new model against the one in force, on the same codings: paired bootstrap over clusters, and a verdict.

The verdict of a figure, with its margin M and the 95% interval of the difference, turned so that more is better:
*better*, the interval lies above 0; *not worse*, above -M; *worse*, below 0 and not above -M; else *too few codings to
tell*. A test of non-inferiority says no more than its margin allows: M is what a user would not notice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any, Literal

import numpy as np

from classifiers.coding.coding_table import CodingRow
from classifiers.coding.splits import Ints
from classifiers.evaluation.bootstrap import FEWEST, cluster_sums, interval, model_columns, model_figures, resample
from classifiers.evaluation.error_rates import balances_of, quarter
from classifiers.heads import Floats, Heads

Verdict = Literal["better", "not worse", "worse", "too few codings to tell"]
MARGINS = {"macro_f1": 0.02, "brier": 0.01, "gap_error": 0.05}
"""How much worse a new model may be and still count as not worse"""
HIGHER_IS_BETTER = {"macro_f1": True, "brier": False, "gap_error": False}
CELL = 5
"""texts; a smaller cell is in no gap"""


def verdict_of(difference: float, between: Sequence[float] | None, name: str) -> Verdict:
    """The verdict of one figure, new less old, by the rule above."""
    if between is None:
        return "too few codings to tell"
    low, high = between if HIGHER_IS_BETTER[name] else (-between[1], -between[0])
    if low > 0:
        return "better"
    if low >= -MARGINS[name]:
        return "not worse"
    return "worse" if high < 0 else "too few codings to tell"


def overall(verdicts: Sequence[Verdict]) -> Verdict:
    """Worse if one is; too few to tell if one is; better if one is; else not worse."""
    order: list[Verdict] = ["worse", "too few codings to tell", "better", "not worse"]
    return next(one for one in order if one in verdicts)


def _cells(rows: Sequence[CodingRow]) -> tuple[Ints, list[tuple[str, str]]]:
    """Shape (n,): the cell of each row, -1 for a small one; and the cells, (group, quarter)."""
    keys = [(row.group, quarter(row)) for row in rows]
    big = sorted(key for key, number in Counter(keys).items() if number >= CELL)
    at = {key: i for i, key in enumerate(big)}
    return np.array([at.get(key, -1) for key in keys], dtype=np.intp), big


def _differences(cells: Sequence[tuple[str, str]], dyads: Sequence[tuple[str, str]] | None) -> tuple[Floats, str]:
    """Shape (gaps, cells), and what they are: the gaps of dyads within a quarter, or where there are none the cells."""
    pairs = []
    for i, j in combinations(range(len(cells)), 2):
        (a, when), (b, then) = cells[i], cells[j]
        if when == then and (dyads is None or (a, b) in dyads or (b, a) in dyads):
            pairs.append((i, j))
    if not pairs:
        return np.eye(len(cells)), "balance"
    made = np.zeros((len(pairs), len(cells)))
    for row, (i, j) in enumerate(pairs):
        made[row, i], made[row, j] = 1, -1
    return made, "gap"


def _gap_errors(sums: Floats, gaps: Floats) -> dict[str, Floats]:
    """Sums (..., 4 x cells) of weight, coded, new and old balance -> mean absolute error of the gaps, new and old."""
    weight, coded, *said = np.split(sums, 4, axis=-1)
    # a cell that a replicate has not drawn has no gap there
    drawn = weight > 0
    whole = (~drawn).astype(float) @ np.abs(gaps).T == 0
    errors = [np.abs((np.where(drawn, b - coded, 0) / np.where(drawn, weight, 1)) @ gaps.T) for b in said]
    with np.errstate(invalid="ignore", divide="ignore"):
        new, old = ((error * whole).sum(axis=-1) / whole.sum(axis=-1) for error in errors)
    return {"new": new, "old": old}


def compare(
    rows: Sequence[CodingRow],
    new: Floats,
    old: Floats,
    *,
    heads: Heads,
    balances: Mapping[str, float],
    weights: Floats,
    units: Ints,
    dyads: Sequence[tuple[str, str]] | None = None,
    replicates: int = 2000,
    seed: int = 0,
) -> dict[str, Any]:
    """Probabilities of two models, each (n, 2), of the same codings -> figures, intervals and verdict, ready for JSON.

    ``macro_f1`` of all values; ``brier``, mean of both heads; ``gap_error``, mean absolute error of the gap between two
    groups in a quarter (of ``dyads``, or all pairs), over cells of 5 texts or more; without two such groups that of the
    cells' balances. Each has ``new``, ``old``, ``difference`` (new less old), ``interval`` and ``verdict``.
    """
    if not len(rows):
        raise ValueError("no random codings to compare models on; code texts of the queue's random part")
    values = [row.value for row in rows]
    cell, names = _cells(rows)
    gaps, what = _differences(names, dyads)
    y = np.array([balances[value] for value in values])
    of_cell = np.eye(len(names) + 1)[cell][:, :-1] * weights[:, None]
    parts = [
        model_columns(values, new, heads, weights),
        model_columns(values, old, heads, weights),
        *(of_cell * b[:, None] for b in (np.ones(len(y)), y, balances_of(new), balances_of(old))),
    ]
    edges = np.cumsum([part.shape[1] for part in parts])[:2]
    sums = cluster_sums(np.column_stack(parts), units)
    clusters = len(sums)

    def both(summed: Floats) -> dict[str, tuple[Floats, Floats]]:
        first, second, cells = np.split(summed, edges, axis=-1)
        one, two = model_figures(first, heads), model_figures(second, heads)
        made = {name: (one[name], two[name]) for name in ("macro_f1", "brier")}
        if len(names):
            errors = _gap_errors(cells, gaps)
            made["gap_error"] = (errors["new"], errors["old"])
        return made

    points = both(sums.sum(axis=0))
    drawn = both(resample(sums, replicates, seed)) if clusters >= FEWEST else {}
    figures: dict[str, Any] = {}
    for name, (one, two) in points.items():
        # a model against itself differs by nothing, whatever the order in which a processor adds
        between = interval(np.round(drawn[name][0] - drawn[name][1], 12)) if drawn else None
        figures[name] = {
            "new": float(one),
            "old": float(two),
            "difference": float(np.round(one - two, 12)),
            "interval": between,
            "margin": MARGINS[name],
            "verdict": verdict_of(float(one - two), between, name),
        }
    return {
        "texts": len(rows),
        "clusters": clusters,
        "gap_error_of": f"{len(gaps)} {what}s" if len(names) else "no cell of 5 texts",
        "figures": figures,
        "verdict": overall([figure["verdict"] for figure in figures.values()]),
    }
