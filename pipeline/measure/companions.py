"""The companions of many cells at once: the same numbers as :func:`pipeline.measure.quantifiers.companions`, sooner.

A cell's numbers hang on its own texts alone, to the last bit, whatever other cells are reckoned with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pipeline.measure.balance import Floats
from pipeline.measure.quantifiers import companions

Ints = NDArray[np.intp]

_LEAST = 1e-6
"""probabilities are kept this far from 0 and 1, as in the quantifiers"""
_STEP = 1e-12
_MOST_STEPS = 200


def companions_of(
    cells: Sequence[tuple[Floats, Floats]], confusion: Mapping[str, Any], training_balance: float
) -> list[dict[str, Any]]:
    """cc, pcc, pacc, sld and constant of each cell; None where one can't be computed, and why under ``reasons``.

    cells: of each the nationalist and the universalist probabilities, shapes (N,) with N >= 1.
    """
    if not cells:
        return []
    number = np.array([len(p) for p, _ in cells])
    if not number.all():
        raise ValueError("a cell without texts has no companions")
    first = np.concatenate([[0], np.cumsum(number)[:-1]])
    # what can't be computed hangs on the model's rates, never on the texts
    of_one_text = companions(np.array([0.5]), np.array([0.5]), confusion, training_balance)
    shares: dict[str, list[Floats]] = {name: [] for name in ("cc", "pcc", "pacc", "sld")}
    for side, head in ((0, "nationalist"), (1, "universalist")):
        p = np.concatenate([cell[side] for cell in cells])
        rates = confusion.get(head) or {}
        mean = np.add.reduceat(p, first) / number
        shares["cc"].append(np.add.reduceat((p >= 0.5).astype(float), first) / number)
        shares["pcc"].append(mean)
        if of_one_text["pacc"] is not None:
            m1, m0 = rates["mean_positive"], rates["mean_negative"]
            shares["pacc"].append(np.clip((mean - m0) / (m1 - m0), 0.0, 1.0))
        if of_one_text["sld"] is not None:
            shares["sld"].append(maximum_likelihood_priors(p, first, rates["prior"]))
    values = {name: a_b[0] - a_b[1] for name, a_b in shares.items() if of_one_text[name] is not None}
    rows = zip(*(one.tolist() for one in values.values()), strict=True)
    return [of_one_text | dict(zip(values, row, strict=True)) for row in rows]


def maximum_likelihood_priors(p: Floats, first: Ints, prior: float) -> Floats:
    """SLD of each cell: the share that makes its probabilities likeliest (Saerens, Latinne & Decaestecker 2002).

    p: shape (N,), the cells' probabilities one after another. first: shape (K,), where each cell begins, none empty.
    prior: share of positives in the training data. The slope of the likelihood, sum (q - r)/(r + x (q - r)) with
    q = p/prior and r = (1 - p)/(1 - prior), falls in the share x; its root is found by Newton's steps, halved where one
    would leave what is known to hold it.
    """
    p = np.clip(p, _LEAST, 1 - _LEAST)
    r = (1 - p) / (1 - prior)
    d = p / prior - r
    number = np.diff(np.append(first, len(p)))
    found = np.where(np.add.reduceat(d / r, first) <= 0, 0.0, 1.0)
    open_ = np.flatnonzero((found > 0) & (np.add.reduceat(d / (r + d), first) < 0))
    x, low, high = np.full(len(open_), 0.5), np.zeros(len(open_)), np.ones(len(open_))
    keep = np.isin(np.repeat(np.arange(len(number)), number), open_)
    d, r, number = d[keep], r[keep], number[open_]
    for _ in range(_MOST_STEPS):
        if not len(open_):
            return found
        begin = np.concatenate([[0], np.cumsum(number)[:-1]])
        part = d / (r + np.repeat(x, number) * d)
        slope, bend = np.add.reduceat(part, begin), np.add.reduceat(part * part, begin)
        low, high = np.where(slope > 0, x, low), np.where(slope < 0, x, high)
        there = x + slope / bend
        there = np.where((there > low) & (there < high), there, (low + high) / 2)
        done = (np.abs(there - x) <= _STEP) | (slope == 0)
        found[open_[done]] = np.where(slope == 0, x, there)[done]
        rows = np.repeat(~done, number)
        d, r = d[rows], r[rows]
        open_, number, x, low, high = (one[~done] for one in (open_, number, there, low, high))
    raise ArithmeticError(f"no likeliest share was found in {_MOST_STEPS} steps for {len(open_)} cells")
