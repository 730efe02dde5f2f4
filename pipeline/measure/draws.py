"""With which probability a coded text came into the sample, and which texts came too late to be drawn."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime

import numpy as np

from pipeline.measure.balance import LEAST_CODINGS, Bools, Floats

WHOLE_CELL = datetime(1970, 1, 1, tzinfo=UTC)
"""``drawn_at`` of a sample drawn from a list that was known to be complete: no text can come late."""
_END = datetime.max.replace(tzinfo=UTC)

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


def sample_chances(
    draws: Sequence[Draws | None],
    collected: Sequence[datetime],
    answered: Sequence[Draws | None] | None = None,
    earlier: Collection[datetime] = (),
) -> Floats:
    """pi of each coded text of a cell, given how many of its wave are coded; NaN for the others. Shape (N,).

    A wave is what came between two draws. Draws treat the texts of one wave alike, and so do those who answer, so that
    its n coded texts of N are a simple random sample of it, however many fell to it: pi = n/N. The product of
    :func:`inclusion_probabilities` is the mean of this over all samples that could have been; but those with five of
    the new texts or more are picked out (:func:`reach_of`), and in them it takes the new texts for more than they are.
    Texts of one wave that were drawn with unequal probabilities keep their ratio; a wave of which nothing is coded is
    taken to be like the next. After a single draw, or one from a complete list, the product stays.

    earlier: when queues drew texts of this stratum, whether or not anything of them is coded. What they hold could not
    fall into a later draw, so that what came before them is a wave of its own. Where nothing of such a wave is coded,
    the codings do not speak for it (:func:`unspoken`), and it is joined with none.
    """
    pi = inclusion_probabilities(draws, collected, answered)
    times = _times_of(draws, earlier)
    if len(times) < 2 or WHOLE_CELL in times:
        return pi
    wave = np.array([bisect_left(times, arrived) for arrived in collected])
    coded, inside, silent = ~np.isnan(pi), np.zeros(len(pi), dtype=bool), set(times) - set(_times_of(draws))
    for number, drawn_at in enumerate(times):
        here = wave == number
        if drawn_at in silent and not (here & coded).any():
            continue
        inside |= here
        if (inside & coded).any():
            spoken_for = float((1 / pi[inside & coded]).sum())
            pi[inside] = np.minimum(1.0, pi[inside] * spoken_for / int(inside.sum()))
            inside[:] = False
    return pi


def reach_of(
    draws: Sequence[Draws | None], collected: Sequence[datetime], earlier: Collection[datetime] = ()
) -> datetime | None:
    """Until when texts had to be collected so that the coded ones speak for them; None without a draw.

    That is the newest draw by which five of the texts that came since the one before (or all of them) are coded, by
    whichever draw: fewer would each stand for very many, and while there is none an interval would not know of these
    texts at all (docs/measuring.md has the coverage). Where no draw has so many, nothing is corrected, and it is the
    newest.

    draws: of each text, None: not coded. collected: when each was first collected. earlier: as in
    :func:`sample_chances`; the newest may be one of these.
    """
    times = _times_of(draws, earlier)
    if not times:
        return None
    if WHOLE_CELL in times:
        return _END
    reach = None
    for drawn_at in times:
        since = [
            own
            for own, arrived in zip(draws, collected, strict=True)
            if arrived <= drawn_at and (reach is None or arrived > reach)
        ]
        # the first wave is joined with the next also where all of its few texts are coded: they correct nothing alone
        needed = LEAST_CODINGS if reach is None else min(LEAST_CODINGS, len(since))
        if sum(bool(own) for own in since) >= needed:
            reach = drawn_at
    return reach or times[-1]


def unspoken(
    draws: Sequence[Draws | None], collected: Sequence[datetime], earlier: Collection[datetime] = ()
) -> list[tuple[datetime, datetime]]:
    """Stretches of time (from after the first to the second): for texts that came in them no coding speaks.

    That is what came after :func:`reach_of`, and what came before a draw of which nothing is coded, where that holds so
    much that nothing of it fell into another draw either. Arguments as in :func:`reach_of`.
    """
    reach = reach_of(draws, collected, earlier)
    if reach is None:
        return []
    made, since = [(reach, _END)], WHOLE_CELL
    known = set(_times_of(draws))
    for drawn_at in _times_of(draws, earlier):
        pairs = zip(draws, collected, strict=True)
        if drawn_at not in known and not any(own and since < arrived <= drawn_at for own, arrived in pairs):
            made.append((since, drawn_at))
        since = drawn_at
    return made


def is_in(stretches: Sequence[tuple[datetime, datetime]], arrived: datetime) -> bool:
    """Whether a text that came at this time came in one of the stretches of :func:`unspoken`."""
    return any(after < arrived <= until for after, until in stretches)


def late_texts(
    draws: Sequence[Draws | None], collected: Sequence[datetime], earlier: Collection[datetime] = ()
) -> Bools:
    """True for texts for which the coded ones do not speak (:func:`unspoken`); shape (N,)."""
    stretches = unspoken(draws, collected, earlier)
    return np.array([is_in(stretches, arrived) for arrived in collected], dtype=bool)


def _times_of(draws: Sequence[Draws | None], earlier: Collection[datetime] = ()) -> list[datetime]:
    """When draws took place of which something is coded, and others before the newest of these."""
    times = {drawn_at for own in draws for drawn_at in own or {}}
    return sorted(times.union(drawn_at for drawn_at in earlier if drawn_at < max(times))) if times else []
