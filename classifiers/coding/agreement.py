"""How far coders agree: Krippendorff's alpha for nominal values, with a bootstrap interval over documents.

Source of the formulas: K. Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability". With n_uc the coders who
gave unit u the value c and m_u its coders, only units with m_u >= 2 count, and

    o_ck = sum_u n_uc (n_uk - [c = k]) / (m_u - 1)      coincidences of values
    n_c  = sum_k o_ck,  n = sum_c n_c
    alpha = 1 - (n - 1) sum_{c != k} o_ck / sum_{c != k} n_c n_k

What a coder did not code is missing, and no value. 1 is agreement in all, 0 what chance would give.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RELIABLE, TENTATIVE = 0.800, 0.667
"""what the interval's lower bound is compared with [Krippendorff, Content Analysis]"""
DRAWS = 1000
LEVEL = 0.95


class AgreementError(ValueError):
    """Agreement can't be reckoned; says why."""


@dataclass(frozen=True)
class Rating:
    """One coder's value of one unit."""

    unit: Hashable
    """what is coded: a text, or a text towards a group"""
    document: Hashable
    """units of one document stand or fall together in the bootstrap"""
    coder: str
    value: str


@dataclass(frozen=True)
class Agreement:
    """How far the coders of some units agree."""

    alpha: float
    low: float
    """lower end of the 95% percentile interval"""
    high: float
    percent: float
    """share of the units' pairs of coders who gave the same value, in [0, 1], each unit counting alike"""
    units: int
    """coded by two coders or more"""
    documents: int
    ratings: int
    """values in these units: n of the formula"""
    undefined: int
    """bootstrap draws with one value only, which have no alpha and are in no interval"""

    @property
    def verdict(self) -> str:
        """The lower bound against the two customary limits, in words."""
        if self.low >= RELIABLE:
            return f"reliable: the lower bound is at least {RELIABLE:.3f}"
        if self.low >= TENTATIVE:
            return f"tentative conclusions only: the lower bound is between {TENTATIVE:.3f} and {RELIABLE:.3f}"
        return f"not shown to be reliable: the lower bound is below {TENTATIVE:.3f}"


def counts_of(ratings: Iterable[Rating]) -> tuple[NDArray[np.int64], list[Hashable], list[str]]:
    """Units x values: how many coders gave the value; the document of each unit; the values, sorted.

    A coder who rated a unit more than once counts with the last. Units of a single coder are left out.
    """
    units: dict[Hashable, dict[str, str]] = {}
    documents: dict[Hashable, Hashable] = {}
    for rating in ratings:
        units.setdefault(rating.unit, {})[rating.coder] = rating.value
        documents[rating.unit] = rating.document
    if len({coder for by_coder in units.values() for coder in by_coder}) < 2:
        raise AgreementError("fewer than two coders: agreement needs a second one who codes some of the same texts")
    paired = {unit: by_coder for unit, by_coder in units.items() if len(by_coder) > 1}
    if not paired:
        raise AgreementError("no text was coded by two coders: let a second coder code some of the same texts")
    values = sorted({value for by_coder in paired.values() for value in by_coder.values()})
    column = {value: number for number, value in enumerate(values)}
    table = np.zeros((len(paired), len(values)), dtype=np.int64)
    for row, by_coder in enumerate(paired.values()):
        for value in by_coder.values():
            table[row, column[value]] += 1
    return table, [documents[unit] for unit in paired], values


def coincidences(table: NDArray[np.int64]) -> NDArray[np.float64]:
    """Values x values: o_ck of the formula. ``table``: units x values, each unit with two coders or more."""
    weights = 1 / (table.sum(axis=1) - 1)
    together = (table.T * weights) @ table
    found: NDArray[np.float64] = together - np.diag((table.T * weights).sum(axis=1))
    return found


def _alphas(disagreeing: NDArray[np.float64], totals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Alpha of each row; NaN with one value only. ``disagreeing``: sum of o_ck, c != k; ``totals``: n_c."""
    n = totals.sum(axis=1)
    expected = n**2 - (totals**2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        alphas: NDArray[np.float64] = np.where(expected > 0, 1 - (n - 1) * disagreeing / expected, np.nan)
    return alphas


def agreement(ratings: Iterable[Rating], *, draws: int = DRAWS, seed: int = 0) -> Agreement:
    """Alpha with its interval. Raises :class:`AgreementError` where it can't be reckoned.

    The interval: documents are drawn with replacement ``draws`` times (seeded); of the alphas the 2.5th and 97.5th
    percentile. Documents with the same counts are drawn together, which is the same draw and much faster.
    """
    table, documents, values = counts_of(ratings)
    if len(values) == 1:
        raise AgreementError(
            f"only one value is in use ({values[0]}): where coders never vary, nothing tells agreement from habit"
        )
    coders = table.sum(axis=1)
    different = (coders**2 - (table**2).sum(axis=1)) / (coders - 1)
    _, number = np.unique([repr(one) for one in documents], return_inverse=True)
    of_document = np.zeros((number.max() + 1, 1 + len(values)))
    np.add.at(of_document, number, np.column_stack([different, table]))
    patterns, times = np.unique(of_document.round(9), axis=0, return_counts=True)
    whole = times @ patterns
    alpha = _alphas(whole[:1], whole[None, 1:])[0]
    drawn = np.random.default_rng(seed).multinomial(times.sum(), times / times.sum(), size=draws) @ patterns
    alphas = _alphas(drawn[:, 0], drawn[:, 1:])
    defined = alphas[~np.isnan(alphas)]
    if len(of_document) < 2 or not len(defined):
        raise AgreementError(f"too few texts for an interval: {len(of_document)} coded by two coders")
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(defined, [tail, 100 - tail])
    return Agreement(
        alpha=float(alpha),
        low=float(low),
        high=float(high),
        percent=float(1 - (different / coders).mean()),
        units=len(table),
        documents=len(of_document),
        ratings=int(coders.sum()),
        undefined=draws - len(defined),
    )


def confusion(ratings: Sequence[Rating], first: str, second: str) -> dict[tuple[str, str], int]:
    """(value of the first coder, value of the second) -> units; of the units that both rated, each one's last value."""
    of: dict[str, dict[Hashable, str]] = {first: {}, second: {}}
    for rating in ratings:
        if rating.coder in of:
            of[rating.coder][rating.unit] = rating.value
    found: dict[tuple[str, str], int] = {}
    for unit in of[first].keys() & of[second].keys():
        pair = (of[first][unit], of[second][unit])
        found[pair] = found.get(pair, 0) + 1
    return found
