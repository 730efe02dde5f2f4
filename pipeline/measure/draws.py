"""With which probability a coded text came into the sample, and which texts came too late to be drawn."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from pipeline.measure.balance import LEAST_CODINGS, Bools, Floats

WHOLE_CELL = datetime(1970, 1, 1, tzinfo=UTC)
"""``drawn_at`` of a sample drawn from a list that was known to be complete: no text can come late."""

Draws = Mapping[datetime, float]
"""Of one coded text: when each sample it fell into was drawn -> inclusion probability in that draw."""


def inclusion_probabilities(
    draws: Sequence[Draws | None], collected: Sequence[datetime], answered: Sequence[Draws | None] | None = None
) -> Floats:
    """pi = 1 - prod(1 - pi_draw) of each coded text of a cell; NaN for the others (None).

    The product runs over every draw the text *could* have fallen into, not only those it did: a draw is taken to
    cover all texts of the cell that were collected by then. Where it was passed over, the draw's mean probability
    among the texts of this cell stands for its own. ``collected``: when each text was first collected. Shape (N,).

    answered: of each coded text the share of its draws that is answered by now, of those that are not answered whole;
    None: all are. A text is coded by now if a draw took it, with pi_draw, and it was answered, with that share s; a
    later draw could take it only if no earlier one had. So pi = sum_k s_k pi_k prod_{j<k} (1 - pi_j), which is the
    product above where every s is 1.
    """
    seen: dict[datetime, list[float]] = {}
    for own in draws:
        for drawn_at, probability in (own or {}).items():
            seen.setdefault(drawn_at, []).append(probability)
    usual = {drawn_at: float(np.mean(probabilities)) for drawn_at, probabilities in seen.items()}
    unfinished = _unfinished(draws, answered)
    pi = np.full(len(draws), np.nan)
    for i, (own, arrived) in enumerate(zip(draws, collected, strict=True)):
        if own:
            chances = {
                drawn_at: own.get(drawn_at, probability)
                for drawn_at, probability in usual.items()
                if drawn_at in own or drawn_at == WHOLE_CELL or arrived <= drawn_at
            }
            pi[i] = 1 - np.prod(1 - np.asarray(list(chances.values())))
            not_drawn = 1.0
            for drawn_at in sorted(chances) if unfinished else ():
                pi[i] -= not_drawn * chances[drawn_at] * (1 - unfinished.get(drawn_at, 1.0))
                not_drawn *= 1 - chances[drawn_at]
    return pi


def _unfinished(draws: Sequence[Draws | None], answered: Sequence[Draws | None] | None) -> dict[datetime, float]:
    """Draws that are not answered whole -> share that is; the mean over the cell's coded texts of such a draw."""
    shares: dict[datetime, list[float]] = {}
    for own, parts in zip(draws, answered or (), strict=answered is not None):
        for drawn_at in own or {}:
            shares.setdefault(drawn_at, []).append((parts or {}).get(drawn_at, 1.0))
    return {drawn_at: float(np.mean(some)) for drawn_at, some in shares.items() if min(some) < 1}


def reach_of(
    draws: Sequence[Draws | None], collected: Sequence[datetime], answered: Sequence[Draws | None] | None = None
) -> datetime | None:
    """Until when texts had to be collected so that the coded ones speak for them; None without a draw.

    That is the newest draw of the stratum. Texts that came before it but in reach of none but unfinished draws are
    spoken for only once five of them (or all) are coded: the few first would each stand for very many, and while there
    is none an interval would not know of these texts at all (docs/measuring.md has the coverage).

    draws: of each text, None: not coded. collected: when each was first collected. answered: as above.
    """
    times = sorted({drawn_at for own in draws for drawn_at in own or {}})
    if not times:
        return None
    if WHOLE_CELL in times:
        return datetime.max.replace(tzinfo=UTC)
    unfinished = _unfinished(draws, answered)
    reach = times[0]
    for drawn_at in times[1:]:
        if drawn_at in unfinished:
            between = [own for own, arrived in zip(draws, collected, strict=True) if reach < arrived <= drawn_at]
            if sum(bool(own) for own in between) < min(LEAST_CODINGS, len(between)):
                continue
        reach = drawn_at
    return reach


def late_texts(
    draws: Sequence[Draws | None], collected: Sequence[datetime], answered: Sequence[Draws | None] | None = None
) -> Bools:
    """True for texts that came after what the coded ones can speak for (:func:`reach_of`); shape (N,)."""
    reach = reach_of(draws, collected, answered)
    return np.array([reach is not None and arrived > reach for arrived in collected], dtype=bool)
