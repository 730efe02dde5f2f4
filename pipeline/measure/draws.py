"""With which probability a coded text came into the sample, and which texts came too late to be drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from pipeline.measure.balance import Bools, Floats

WHOLE_CELL = datetime(1970, 1, 1, tzinfo=UTC)
"""``drawn_at`` of a sample drawn from a list that was known to be complete: no text can come late."""

Draws = Mapping[datetime, float]
"""Of one coded text: when each sample it fell into was drawn -> inclusion probability in that draw."""


def inclusion_probabilities(draws: Sequence[Draws | None], collected: Sequence[datetime]) -> Floats:
    """pi = 1 - prod(1 - pi_draw) of each coded text of a cell; NaN for the others (None).

    The product runs over every draw the text *could* have fallen into, not only those it did: a draw is taken to
    cover all texts of the cell that were collected by then. Where it was passed over, the draw's mean probability
    among the texts of this cell stands for its own. ``collected``: when each text was first collected. Shape (N,).
    """
    seen: dict[datetime, list[float]] = {}
    for own in draws:
        for drawn_at, probability in (own or {}).items():
            seen.setdefault(drawn_at, []).append(probability)
    usual = {drawn_at: float(np.mean(probabilities)) for drawn_at, probabilities in seen.items()}
    pi = np.full(len(draws), np.nan)
    for i, (own, arrived) in enumerate(zip(draws, collected, strict=True)):
        if own:
            chances = [
                own.get(drawn_at, probability)
                for drawn_at, probability in usual.items()
                if drawn_at in own or drawn_at == WHOLE_CELL or arrived <= drawn_at
            ]
            pi[i] = 1 - np.prod(1 - np.asarray(chances))
    return pi


def late_texts(draws: Sequence[Draws | None], collected: Sequence[datetime]) -> Bools:
    """True for texts first collected after the newest draw of the cell; shape (N,). None are late without a draw."""
    times = {drawn_at for own in draws for drawn_at in own or {}}
    if not times or WHOLE_CELL in times:
        return np.zeros(len(draws), dtype=bool)
    newest = max(times)
    return np.array([arrived > newest for arrived in collected], dtype=bool)
