"""Attention of one group to another: how often it names it, how soon, and which of its texts it cites."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from pipeline.extract.address import canonical
from pipeline.extract.similarity import words
from pipeline.measure.balance import LEVEL, Bools, Floats

QUOTE = 12
"""words in a row that make a quotation"""
FORMULA = 2
"""A stretch of words in more texts of the cited group than this is a formula of its own, no passage of one text."""
LEAST_TITLE = 5
"""words of a title below which its words in a text may be chance"""

Hashes = NDArray[np.uint64]
Words = NDArray[np.uint32]
Times = NDArray[np.datetime64]


def wilson(k: int, n: int, level: float = LEVEL) -> tuple[float, float]:
    """Wilson's (1927) interval of a share k/n. Raises ValueError unless 0 <= k <= n and n > 0."""
    if not (0 <= k <= n and n > 0):
        raise ValueError(f"a share needs 0 <= k <= n and n > 0, not {k} of {n}")
    z2 = float(ndtri((1 + level) / 2)) ** 2
    centre, spread = (k + z2 / 2) / (n + z2), (z2 * k * (n - k) / n + z2 * z2 / 4) ** 0.5 / (n + z2)
    return (0.0 if k == 0 else centre - spread), (1.0 if k == n else centre + spread)


# ---- how soon


@dataclass(frozen=True)
class Replies:
    """How long B's texts waited for the next text of A that names B."""

    triggers: int
    """B's texts that were looked at"""
    answered: int
    """of them followed by a text of A that names B before the end of observation"""
    median: float | None
    """days, by Kaplan & Meier (1958); null: fewer than half were followed within what was observed, or no trigger"""
    usual: float | None
    """the same from every day of the period: what a text that nobody answers would wait. Null as above"""


def waits(since: Times, naming: Times, end: np.datetime64) -> tuple[Floats, Bools]:
    """Days from each moment of ``since`` to the first of ``naming`` strictly after it, and whether there was one.

    Where there was none before ``end`` the wait is censored there. Moments at or after ``end`` are left out.
    """
    since = np.sort(since[since < end])
    naming = np.sort(naming[naming < end])
    place = np.searchsorted(naming, since, side="right")
    followed = place < len(naming)
    until = np.full(len(since), end, dtype=since.dtype)
    until[followed] = naming[place[followed]]
    return (until - since) / np.timedelta64(1, "D"), followed


def median_wait(days: Floats, followed: Bools) -> float | None:
    """The median of waits of which some are censored: the first day at which half are over [Kaplan & Meier 1958].

    None where the estimated share that still waits never falls to one half.
    """
    if not len(days):
        return None
    at, ended = np.unique(days[followed], return_counts=True)
    waiting = len(days) - np.searchsorted(np.sort(days), at, side="left")
    still = np.cumprod(1 - ended / waiting)
    # rounding must not move the median by a step
    below = np.flatnonzero(still <= 0.5 + 1e-12)
    return float(at[below[0]]) if len(below) else None


def replies(triggers: Times, naming: Times, days: Times, end: np.datetime64) -> Replies:
    """First replies to B's texts. triggers: when B's texts appeared; naming: when A's texts that name B did.

    days: every day of the period. end: the first moment that is not observed.
    """
    found, followed = waits(triggers, naming, end)
    return Replies(
        len(found), int(followed.sum()), median_wait(found, followed), median_wait(*waits(days, naming, end))
    )


# ---- what is cited

_ADDRESS = re.compile(r"(?:https?://|www\.)[^\s<>\"'()\[\]{}«»“”،؛]+", re.IGNORECASE)


def address_key(address: str) -> str | None:
    """A web address as citations are compared: canonical, without scheme, www. and closing slash; None: no address."""
    try:
        bare = canonical(address if "://" in address else f"http://{address}")
    except ValueError:
        return None
    return bare.partition("://")[2].removeprefix("www.").rstrip("/")


def addresses_in(text: str) -> set[str]:
    """The web addresses that stand in a text, as :func:`address_key` gives them. A bare host is no text."""
    keys = (address_key(found.rstrip(".,;:!?…")) for found in _ADDRESS.findall(text))
    return {key for key in keys if key and "/" in key}


class Vocabulary:
    """Gives every word a number, the same for all texts of one comparison."""

    def __init__(self) -> None:
        self._number: dict[str, int] = {}

    def __call__(self, tokens: Sequence[str]) -> Words:
        """The numbers of the words, shape (words,)."""
        number = self._number
        return np.array([number.setdefault(token, len(number)) for token in tokens], dtype=np.uint32)


def stretches(numbers: Words, size: int = QUOTE) -> Hashes:
    """A 64-bit number of every ``size`` words in a row; none for fewer words. Equal for equal words, and (but for 1
    in 2^64) for no others."""
    if len(numbers) < size:
        return np.empty(0, dtype=np.uint64)
    # spread each word's number over 64 bits (Steele et al. 2014, SplitMix), then a polynomial over the stretch
    with np.errstate(over="ignore"):
        spread = (numbers.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        spread = (spread ^ (spread >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        spread = (spread ^ (spread >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        spread ^= spread >> np.uint64(31)
        made = np.zeros(len(spread) - size + 1, dtype=np.uint64)
        for i in range(size):
            made = made * np.uint64(0xD6E8FEB86659FD93) + spread[i : i + len(made)]
    return made


@dataclass(frozen=True)
class Prints:
    """What citations are found by, of one text."""

    words: Words
    title: tuple[int, ...]
    """words of the title; empty when too short to be known again"""
    links: frozenset[str]
    """addresses that stand in the text"""


def prints_of(text: str, title: str | None, vocabulary: Vocabulary) -> Prints:
    """The prints of a text."""
    titled = words(title or "")
    return Prints(
        vocabulary(words(text)),
        tuple(vocabulary(titled).tolist()) if len(titled) >= LEAST_TITLE else (),
        frozenset(addresses_in(text)),
    )


@dataclass(frozen=True)
class Cited:
    """A text of B that texts of A cite."""

    text: int
    """its number"""
    by: int
    """texts of A that cite it, in whichever way"""
    links: int
    titles: int
    quotes: int


class Citations:
    """Finds which texts are cited in which.

    Texts in the order of publication; ``group``: whose each one is; ``addresses``: where each one (and its reposts)
    stands. A link is an address of the cited text. A title is quoted where its
    words (five or more, of this text alone) stand in a row. A quotation is twelve words in a row that stood in the
    cited text first of all collected ones, and in no more than two texts of its group, else they are a formula.
    """

    def __init__(self, group: Sequence[str], prints: Sequence[Prints], addresses: Sequence[Iterable[str]]) -> None:
        self._group, self._prints = group, prints
        self._address: dict[str, int] = {}
        for i, own in enumerate(addresses):
            for address in own:
                if key := address_key(address):
                    self._address.setdefault(key, i)
        self._first_to_quote()

    def _first_to_quote(self) -> None:
        """Which stretch belongs to which text: the first that has it, unless it is a formula of its group."""
        each = [np.unique(stretches(p.words)) for p in self._prints]
        lengths = [len(one) for one in each]
        stretch = np.concatenate(each or [np.empty(0, dtype=np.uint64)])
        text = np.repeat(np.arange(len(lengths)), lengths)
        order = np.argsort(stretch, kind="stable")  # within a stretch the texts stay in order of publication
        stretch, text = stretch[order], text[order]
        starts = np.flatnonzero(np.r_[True, stretch[1:] != stretch[:-1]]) if len(stretch) else np.empty(0, dtype=int)
        run = np.repeat(np.arange(len(starts)), np.diff(np.r_[starts, len(stretch)]))
        owner = text[starts] if len(starts) else np.empty(0, dtype=int)
        groups = np.unique(np.asarray(self._group, dtype=str), return_inverse=True)[1] if lengths else np.empty(0, int)
        own = groups[text] == groups[owner[run]] if len(text) else np.empty(0, dtype=bool)
        formula = np.bincount(run[own], minlength=len(starts)) > FORMULA
        cites = ~own & ~formula[run]
        # (cited, citing) pairs, each once
        self._quoted = np.unique(np.stack([owner[run[cites]], text[cites]], axis=1), axis=0)

    def titles(self) -> set[tuple[int, int]]:
        """(cited, citing) of titles that stand in texts."""
        seen = Counter(p.title for p in self._prints if p.title)
        by_head: dict[int, list[tuple[tuple[int, ...], int]]] = {}
        for i, p in enumerate(self._prints):
            if p.title and seen[p.title] == 1:
                (head,) = stretches(np.array(p.title[:LEAST_TITLE], dtype=np.uint32), LEAST_TITLE).tolist()
                by_head.setdefault(head, []).append((p.title, i))
        heads = np.array(sorted(by_head), dtype=np.uint64)
        found: set[tuple[int, int]] = set()
        if not len(heads):
            return found
        for citing, p in enumerate(self._prints):
            here = stretches(p.words, LEAST_TITLE)
            nearest = heads[np.minimum(np.searchsorted(heads, here), len(heads) - 1)]
            for place in np.flatnonzero(nearest == here).tolist():
                for title, cited in by_head[int(here[place])]:
                    there = tuple(p.words[place : place + len(title)].tolist())
                    if self._group[cited] != self._group[citing] and there == title:
                        found.add((cited, citing))
        return found

    def links(self) -> set[tuple[int, int]]:
        """(cited, citing) of addresses."""
        return {
            (cited, citing)
            for citing, p in enumerate(self._prints)
            for key in p.links
            if (cited := self._address.get(key, citing)) != citing and self._group[cited] != self._group[citing]
        }

    def quotes(self) -> set[tuple[int, int]]:
        """(cited, citing) of quotations."""
        return {(int(cited), int(citing)) for cited, citing in self._quoted}


def most_cited(
    links: set[tuple[int, int]], titles: set[tuple[int, int]], quotes: set[tuple[int, int]], most: int = 3
) -> list[Cited]:
    """The most cited texts of the pairs (cited, citing), the most often cited first; of equals the earlier one."""
    by = Counter(cited for cited, _ in links | titles | quotes)
    counts = [Counter(cited for cited, _ in pairs) for pairs in (links, titles, quotes)]
    order = sorted(by, key=lambda text: (-by[text], text))[:most]
    return [Cited(text, by[text], *(count[text] for count in counts)) for text in order]
