"""Bootstrap over clusters of figures that are functions of sums: texts that hang together are drawn together.

Every figure here is made of weighted sums over texts (counts of a confusion matrix, squared errors, balances). So the
texts of a cluster are summed once, and a replicate is a sum of clusters; two models on the same texts are drawn
together, which is what makes their difference *paired* (Efron & Tibshirani 1993, chapters 8 and 13).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from classifiers.coding.splits import Ints
from classifiers.heads import Floats, Heads

FEWEST = 20
"""clusters; a bootstrap of fewer says little of anything"""


def cluster_sums(columns: Floats, units: Ints) -> Floats:
    """Shape (n, m) and (n,) -> (clusters, m): each column summed over each cluster."""
    _, cluster = np.unique(units, return_inverse=True)
    sums = np.zeros((cluster.max() + 1 if len(cluster) else 0, columns.shape[1]))
    np.add.at(sums, cluster, columns)
    return sums


def resample(sums: Floats, replicates: int, seed: int) -> Floats:
    """Shape (replicates, m): the columns' sums over as many clusters drawn with replacement."""
    rng = np.random.default_rng(seed)
    number = len(sums)
    made = np.empty((replicates, sums.shape[1]))
    for i in range(replicates):
        times = np.bincount(rng.integers(0, number, number), minlength=number)
        made[i] = times @ sums
    return made


def interval(values: Floats) -> list[float] | None:
    """The middle 95% of replicates, [low, high]; None where too many of them have no value."""
    finite = values[np.isfinite(values)]
    if len(finite) < 0.9 * len(values) or not len(finite):
        return None
    return [float(q) for q in np.quantile(finite, [0.025, 0.975])]


def f1_of_counts(counts: Floats) -> Floats:
    """Shape (..., values, values), coded by said, -> (...): mean F1 of the values that were coded; NaN for none."""
    hits = np.diagonal(counts, axis1=-2, axis2=-1)
    coded, said = counts.sum(axis=-1), counts.sum(axis=-2)
    with np.errstate(invalid="ignore", divide="ignore"):
        each = np.where(coded > 0, 2 * hits / (coded + said), 0.0)
        made: Floats = each.sum(axis=-1) / (coded > 0).sum(axis=-1)
    return made


def _counts(coded: Sequence[str], said: Sequence[str], names: Sequence[str], weights: Floats) -> Floats:
    """Shape (n, values * values): the weight of each text in its place of the confusion matrix."""
    at = {name: i for i, name in enumerate(names)}
    places = np.array([at[c] * len(names) + at[s] for c, s in zip(coded, said, strict=True)], dtype=np.intp)
    made = np.zeros((len(weights), len(names) ** 2))
    made[np.arange(len(weights)), places] = weights
    return made


def model_columns(values: Sequence[str], p: Floats, heads: Heads, weights: Floats) -> Floats:
    """Shape (n, m) of what :func:`model_figures` makes its figures of, for probabilities of shape (n, 2)."""
    truth = heads.truth(values)
    sided = heads.sided(values)
    first, second = heads.sides(np.array([[1.0, 0.0], [0.0, 1.0]]))
    # a text on no side counts in neither row of the two-way table
    of_sides = [value if one else first for value, one in zip(values, sided, strict=True)]
    return np.column_stack(
        [
            _counts(values, heads.labels(p).tolist(), heads.value_names, weights),
            _counts(of_sides, heads.sides(p), [first, second], weights * sided),
            weights[:, None] * (p - truth) ** 2,
            weights,
        ]
    )


def model_figures(sums: Floats, heads: Heads) -> dict[str, Floats]:
    """Sums of :func:`model_columns`, shape (..., m) -> figures, each of shape (...): ``macro_f1`` of all values,
    ``two_way_macro_f1`` of the texts on one side, ``brier`` (mean of both heads) and of each head."""
    size = len(heads.value_names)
    four, two = sums[..., : size**2], sums[..., size**2 : size**2 + 4]
    with np.errstate(invalid="ignore", divide="ignore"):
        brier = sums[..., size**2 + 4 : size**2 + 6] / sums[..., -1:]
    return {
        "macro_f1": f1_of_counts(four.reshape(*four.shape[:-1], size, size)),
        "two_way_macro_f1": f1_of_counts(two.reshape(*two.shape[:-1], 2, 2)),
        "brier": brier.mean(axis=-1),
        **{f"brier_{name}": brier[..., k] for k, name in enumerate(heads.names)},
    }


def with_intervals(
    columns: Floats, units: Ints, figures: Callable[[Floats], dict[str, Floats]], replicates: int, seed: int
) -> dict[str, dict[str, Any]]:
    """Name -> ``value`` and ``interval`` (None from too few clusters); NaN becomes None."""
    sums = cluster_sums(columns, units)
    points = figures(columns.sum(axis=0))
    drawn = figures(resample(sums, replicates, seed)) if len(sums) >= FEWEST and replicates else {}
    return {
        name: {
            "value": float(point) if np.isfinite(point) else None,
            "interval": interval(drawn[name]) if drawn else None,
        }
        for name, point in points.items()
    }
