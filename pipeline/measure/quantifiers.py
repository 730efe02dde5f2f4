"""Estimates of a share from a classifier alone: columns beside the balance, never instead of it.

Each works on one head (nationalist? universalist?) and gives the share of positive texts, in [0, 1]; the balance is
the nationalist share minus the universalist one. They correct the level with rates measured elsewhere, so they hold
only while the classifier errs here as it did there. What can't be computed raises :class:`QuantifierError`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq

Floats = NDArray[np.float64]

LEAST_SEPARATION = 0.05
"""Mean probability of positives less that of negatives: below this a correction divides by noise."""


class QuantifierError(ValueError):
    """The estimate can't be made; says why."""


def classify_and_count(p: Floats) -> float:
    """CC: the share of texts with ``p`` >= .5. Biased wherever the two kinds of error do not cancel (Forman 2008)."""
    return float(np.mean(p >= 0.5))


def probabilistic_count(p: Floats) -> float:
    """PCC: the mean probability (Bella et al. 2010, "Quantification via probability estimators")."""
    return float(np.mean(p))


def adjusted_probabilistic_count(p: Floats, mean_positive: float, mean_negative: float) -> float:
    """PACC: (mean p - m0) / (m1 - m0), clipped to [0, 1] (Bella et al. 2010, "scaled probability average").

    m1, m0: mean probability of texts coded positive and negative, measured out of fold. Refused when the classifier
    hardly tells them apart.
    """
    if mean_positive - mean_negative < LEAST_SEPARATION:
        raise QuantifierError(
            f"the model hardly separates (mean probability {mean_positive:.2f} for positive "
            f"and {mean_negative:.2f} for negative texts)"
        )
    return float(np.clip((np.mean(p) - mean_negative) / (mean_positive - mean_negative), 0.0, 1.0))


def maximum_likelihood_prior(p: Floats, prior: float) -> float:
    """SLD: the share that makes the seen probabilities likeliest (Saerens, Latinne & Decaestecker 2002).

    ``prior``: share of positives in the training data. The paper climbs to it by EM; the likelihood of a binary
    head is concave in the share, so the same maximum is found here as the root of its slope.
    """
    if not 0 < prior < 1:
        raise QuantifierError(f"the training data hold one value only (share of positives {prior:g})")
    p = np.clip(p, 1e-6, 1 - 1e-6)
    positive, negative = p / prior, (1 - p) / (1 - prior)

    def slope(share: float) -> float:
        return float(np.sum((positive - negative) / (share * positive + (1 - share) * negative)))

    if slope(0.0) <= 0:
        return 0.0
    if slope(1.0) >= 0:
        return 1.0
    return float(brentq(slope, 0.0, 1.0, xtol=1e-10))


def _head(confusion: Mapping[str, Any], head: str, *names: str) -> list[float]:
    rates = confusion.get(head) or {}
    lacking = [name for name in names if not isinstance(rates.get(name), int | float)]
    if lacking:
        raise QuantifierError(f"the model's card lacks {', '.join(lacking)} of the {head} head; train it again")
    return [float(rates[name]) for name in names]


def companions(
    p_nationalist: Floats, p_universalist: Floats, confusion: Mapping[str, Any], training_balance: float
) -> dict[str, Any]:
    """cc, pcc, pacc, sld and constant of a cell; None where one can't be computed, and why under ``reasons``.

    p_nationalist, p_universalist: shape (N,) with N >= 1. confusion: the model's cross-validated rates, per head
    prior, mean_positive and mean_negative. training_balance: what someone says who never looks at the texts.
    """
    heads = {"nationalist": p_nationalist, "universalist": p_universalist}
    if not len(p_nationalist):
        raise ValueError("a cell without texts has no companions")
    methods: dict[str, Callable[[str], float]] = {
        "cc": lambda head: classify_and_count(heads[head]),
        "pcc": lambda head: probabilistic_count(heads[head]),
        "pacc": lambda head: adjusted_probabilistic_count(
            heads[head], *_head(confusion, head, "mean_positive", "mean_negative")
        ),
        "sld": lambda head: maximum_likelihood_prior(heads[head], *_head(confusion, head, "prior")),
        "constant": lambda head: training_balance if head == "nationalist" else 0.0,
    }
    made: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    for name, share in methods.items():
        try:
            made[name] = share("nationalist") - share("universalist")
        except QuantifierError as error:
            made[name], reasons[name] = None, str(error)
    return made | ({"reasons": reasons} if reasons else {})
