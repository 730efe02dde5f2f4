"""Does a probability of .7 come true seven times in ten? Slope, intercept, bins and their intervals.

Everything takes one head's probabilities p, shape (n,), which answers are yes, and what each text weighs.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import logit
from sklearn.linear_model import LogisticRegression

from classifiers.heads import Floats

Truth = npt.NDArray[np.bool_]
Z = 1.959964


def effective(weights: Floats) -> float:
    """How many texts of equal weight say as much (Kish 1965): (sum w)^2 / sum w^2; 0 for none."""
    return float(weights.sum() ** 2 / (weights**2).sum()) if len(weights) else 0.0


def wilson(share: float, n: float) -> tuple[float, float]:
    """95% interval of a share seen in n texts (Wilson 1927)."""
    if not n > 0:
        raise ValueError("no interval for a share of no texts")
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    # at shares 0 and 1 rounding may leave the share itself outside
    return float(min(max(middle - half, 0.0), share)), float(max(min(middle + half, 1.0), share))


def recalibration(p: Floats, truth: Truth, weights: Floats) -> dict[str, float] | None:
    """``slope`` and ``intercept`` of a logistic regression of the truth on logit(p) (Cox 1958); 1 and 0 are perfect.

    A slope under 1: probabilities too extreme. None where there is no such line: one side only, all probabilities
    alike, or both sides told apart without an error.
    """
    x = logit(np.clip(p, 1e-6, 1 - 1e-6))
    if truth.all() or not truth.any() or np.ptp(x) < 1e-9:
        return None
    if x[truth].min() >= x[~truth].max() or x[truth].max() <= x[~truth].min():
        return None
    fitted = LogisticRegression(C=np.inf, max_iter=1000).fit(x[:, None], truth, sample_weight=weights)
    return {"slope": float(fitted.coef_[0, 0]), "intercept": float(fitted.intercept_[0])}


def bins(p: Floats, truth: Truth, weights: Floats, number: int = 10) -> list[dict[str, float]]:
    """The calibration plot: per tenth of [0, 1] that holds a text its ``texts``, mean probability ``said`` and share
    that came true ``came_true`` with its Wilson interval ``low`` to ``high``."""
    at = np.minimum((p * number).astype(int), number - 1)
    made = []
    for one in np.unique(at):
        inside = at == one
        w = weights[inside]
        share = float(np.average(truth[inside], weights=w))
        low, high = wilson(share, effective(w))
        made.append(
            {
                "from": one / number,
                "to": (one + 1) / number,
                "texts": int(inside.sum()),
                "weight": float(w.sum()),
                "said": float(np.average(p[inside], weights=w)),
                "came_true": share,
                "low": low,
                "high": high,
            }
        )
    return made


def expected_error(made: list[dict[str, float]]) -> float:
    """Expected calibration error: mean distance of said and come true over the bins, by their weight."""
    weights = [one["weight"] for one in made]
    return float(np.average([abs(one["said"] - one["came_true"]) for one in made], weights=weights))


def calibration(p: Floats, truth: Truth, weights: Floats) -> dict[str, Any]:
    """All of it for one head, ready for JSON."""
    if not len(p):
        raise ValueError("no texts to judge calibration on")
    made = bins(p, truth, weights)
    return {
        **(recalibration(p, truth, weights) or {"slope": None, "intercept": None}),
        "expected_error": expected_error(made),
        "bins": made,
    }
