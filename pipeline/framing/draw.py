"""Which texts a labelling queue draws at random: how many of each stratum, which ones, with which probability. Pure.

A stratum is a group's texts of one audit period (of a targeted codebook, those that name one group). Every draw is a
simple random sample of the clusters that no earlier draw has taken, so its probability is conditional on that. With
n1 of N drawn before and n2 of the other N - n1 drawn now, 1 - (1 - n1/N)(1 - n2/(N - n1)) = (n1 + n2)/N: the product
that measuring forms of the stored probabilities is the probability of the whole sample, and the two draws together
are again a simple random sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from heapq import heapify, heapreplace
from math import ceil, inf, sqrt

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

LEAST_CODINGS = 5
"""With fewer random codings a stratum's balance is not corrected."""
PRIOR_FREEDOM = 9
"""What the other strata lend to the degrees of freedom of an interval, less the one that the mean takes."""
LEAST_RANDOM = 0.25
"""Least random share of a queue."""


@dataclass(frozen=True, order=True)
class Key:
    """What a stratum is called."""

    group: str
    start: date
    """first day of the audit period"""
    label: str
    """the audit period, such as 2024-Q1"""
    target: str = ""
    """of a targeted codebook the group that the texts name"""

    @property
    def name(self) -> str:
        """group/period, of a targeted codebook group/period/target."""
        return "/".join(part for part in (self.group, self.label, self.target) if part)


@dataclass(frozen=True)
class Stratum:
    """How many clusters a stratum has, and how many of them are in the audit sample already."""

    key: Key
    clusters: int
    drawn: int


def relative_width(drawn: int, clusters: int) -> float:
    """Half-width of the 95% interval that ``drawn`` codings give, up to the factor that all strata share.

    t(n + 9) sqrt((1 - n/N)/n), as the coding plan reckons. The residual variance is left out on purpose: an allocation
    that looks at the labels of a stratum would make its sample depend on what was found in it.
    """
    if drawn == 0:
        return inf
    return float(stdtrit(drawn + PRIOR_FREEDOM, 0.975)) * sqrt(max(0.0, 1 - drawn / clusters) / drawn)


def allocate(strata: Sequence[Stratum], size: int) -> list[int]:
    """How many clusters to draw from each stratum, at most ``size`` in all; never more than it has left.

    First what lacks the five codings without which nothing can be corrected: fewest missing first, then the newest
    period. Then one by one to whichever stratum has the widest interval. Last the strata of fewer than five clusters,
    which give all: no interval can come of them.
    """
    given = [0] * len(strata)
    left = size

    def give(i: int, wanted: int) -> None:
        nonlocal left
        more = min(wanted, strata[i].clusters - strata[i].drawn - given[i], left)
        given[i] += more
        left -= more

    newest_first = sorted(range(len(strata)), key=lambda i: (-strata[i].key.start.toordinal(), strata[i].key))
    large = [i for i in newest_first if strata[i].clusters >= LEAST_CODINGS]
    for i in sorted(large, key=lambda i: max(0, LEAST_CODINGS - strata[i].drawn)):
        give(i, max(0, LEAST_CODINGS - strata[i].drawn))
    waiting = [
        (-relative_width(strata[i].drawn + given[i], strata[i].clusters), place, i) for place, i in enumerate(large)
    ]
    heapify(waiting)
    while left and waiting and waiting[0][0] < 0:
        _, place, i = waiting[0]
        give(i, 1)
        heapreplace(waiting, (-relative_width(strata[i].drawn + given[i], strata[i].clusters), place, i))
    for i in newest_first:
        if strata[i].clusters < LEAST_CODINGS:
            give(i, strata[i].clusters)
    return given


def random_share(size: int, share: float) -> int:
    """How many items of a queue are drawn at random. ValueError for a share under a quarter or above one."""
    if not LEAST_RANDOM <= share <= 1:
        raise ValueError(
            f"the random share is {share:g}; write {LEAST_RANDOM} to 1: without a quarter drawn at random "
            "nothing tells how good the model is"
        )
    return ceil(size * share)


def blind_seconds(parts: Sequence[int], share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which items a second coder gets too: ``share`` of each part, drawn at random. Shape (sum of parts,).

    The parts' items follow one another. ValueError for a share outside [0, 1].
    """
    if not 0 <= share <= 1:
        raise ValueError(f"the share of second coders is {share:g}; it lies between 0 and 1")
    twice = np.zeros(sum(parts), dtype=bool)
    start = 0
    for size in parts:
        twice[start + rng.choice(size, round(size * share), replace=False)] = True
        start += size
    return twice


@dataclass(frozen=True)
class StratumDraw:
    """What a queue drew from a stratum."""

    key: Key
    clusters: int
    before: int
    """clusters that were in the audit sample already"""
    drawn: int
    probability: float | None
    """of each cluster that was not yet in the sample; null: none drawn"""

    @property
    def stratum(self) -> str:
        """Its name."""
        return self.key.name


@dataclass(frozen=True)
class RandomDraw:
    """The random part of a queue. Arrays: one entry per drawn unit."""

    units: NDArray[np.intp]
    probability: NDArray[np.float64]
    stratum: NDArray[np.intp]
    """place in ``strata``"""
    strata: list[StratumDraw]


def draw_at_random(keys: Sequence[Key], sampled: NDArray[np.bool_], size: int, rng: np.random.Generator) -> RandomDraw:
    """Draw ``size`` units, or as many as there are, by strata.

    keys: the stratum of each unit. sampled: shape (n,), True where the unit is in the audit sample already.
    """
    names = sorted(set(keys))
    place = {key: i for i, key in enumerate(names)}
    of = np.array([place[key] for key in keys], dtype=np.intp)
    every = np.bincount(of, minlength=len(names)).tolist()
    before = np.bincount(of[sampled], minlength=len(names)).tolist()
    strata = [Stratum(key, every[i], before[i]) for i, key in enumerate(names)]
    given = allocate(strata, size)
    units, chances = [], []
    for i, number in enumerate(given):
        free = np.flatnonzero((of == i) & ~sampled)
        units.append(np.sort(rng.choice(free, number, replace=False)) if number else np.empty(0, dtype=np.intp))
        chances.append(number / len(free) if number else None)
    chosen = np.concatenate([np.empty(0, dtype=np.intp), *units]).astype(np.intp)
    stratum = of[chosen]
    return RandomDraw(
        units=chosen,
        probability=np.array([chances[i] for i in stratum.tolist()], dtype=float),
        stratum=stratum,
        strata=[
            StratumDraw(one.key, one.clusters, one.drawn, number, chance)
            for one, number, chance in zip(strata, given, chances, strict=True)
        ],
    )
