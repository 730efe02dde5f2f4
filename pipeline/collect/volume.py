"""The volume of a source against its own history: has it fallen silent, grown thin, or does it flood? Pure.

A week's count is taken as negative binomial: the source's own rate, its own profile over the days of the week, and its
own overdispersion phi (variance over mean of its weeks, at least 1). Then the chance of no text at all over days on
which L texts were expected is phi ** (-L / (phi - 1)), which is exp(-L) for phi = 1.

Something is found only when two locks open: the chance is at most ALPHA, and it is by a half beyond all that the
history itself holds (its longest silence, its thinnest four weeks, its fullest week). The second keeps sources that
post in bursts, or pause every summer, from being reported for what they always do. A silence three times as long as
any before is found whatever the law says: so one that posts once a month is found silent after months, not years.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from typing import Literal

State = Literal["usual", "silent", "low", "flood", "unknown"]

ALPHA = 0.0001
"""chance of each finding at one look, where nothing is wrong"""
MARGIN = 1.5
"""so many times beyond the history's own extremes"""
HISTORY_DAYS = 420
"""more than a year, so that a pause of every summer lies in it whole"""
LONGER, LEAST_SPELLS = 3, 12
"""a silence so many times longer than any of at least so many spells is one, whatever the law says"""
LEAST_SILENCE = 3
"""days; texts of yesterday may still be on their way"""
LEAST_DAYS = 56
"""of history, before anything is said"""
LEAST_TEXTS = 8
LOW_DAYS, FLOOD_DAYS = 28, 7
WATCHED_DAYS = HISTORY_DAYS + LOW_DAYS
"""before the newest text; older texts change nothing of what is said"""
SHOWN_WEEKS = 26


@dataclass(frozen=True)
class Volume:
    """What the newest texts of a source say beside the older ones."""

    state: State
    said: str
    """one sentence"""
    last: date | None = None
    """day of its newest text"""

    @property
    def is_finding(self) -> bool:
        return self.state in {"silent", "low", "flood"}


@dataclass(frozen=True)
class _Habit:
    """How a source used to publish."""

    rate: float
    """texts a day"""
    profile: tuple[float, ...]
    """Monday to Sunday, mean 1"""
    phi: float
    """variance over mean of its weeks"""
    days: int
    """how long it was watched"""

    def expected(self, first: date, days: int) -> float:
        """Texts that ``days`` days from ``first`` would usually bring."""
        whole, rest = divmod(days, 7)
        start = first.weekday()
        return self.rate * (7 * whole + sum(self.profile[(start + i) % 7] for i in range(rest)))


def _by_day(texts: Mapping[date, int], first: date, until: date) -> list[int]:
    """Texts of every day from ``first`` to the last before ``until``."""
    begin, end = first.toordinal(), until.toordinal()
    counts = [0] * (end - begin)
    for day, count in texts.items():
        if begin <= (number := day.toordinal()) < end:
            counts[number - begin] = count
    return counts


def _sums(counts: list[int], width: int) -> list[int]:
    """Sums over every ``width`` days in a row."""
    totals = [0, *accumulate(counts)]
    return [after - before for before, after in zip(totals, totals[min(width, len(counts)) :], strict=False)]


def _longest_gap(counts: list[int]) -> int:
    """Most days in a row without a text."""
    longest = present = 0
    for count in counts:
        if count:
            present = 0
        elif (present := present + 1) > longest:
            longest = present
    return longest


def _habit(counts: list[int], first: date) -> _Habit:
    total, days = sum(counts), len(counts)
    monday = -first.weekday() % 7
    # a text is added to every day of the week: none is taken to be silent for ever
    by_day = [1 + sum(counts[(monday + i) % 7 :: 7]) for i in range(7)]
    profile = tuple(7 * one / (total + 7) for one in by_day)
    weeks = [sum(counts[i : i + 7]) for i in range(days % 7, days, 7)]
    mean = sum(weeks) / len(weeks)
    variance = sum((week - mean) ** 2 for week in weeks) / (len(weeks) - 1)
    phi = max(1.0, variance / mean) if mean else 1.0
    return _Habit(total / days, profile, phi, days)


def _chance_of_none(expected: float, phi: float) -> float:
    return math.exp(-expected) if phi < 1.001 else math.exp(-expected * math.log(phi) / (phi - 1))


def _at_most(count: int, expected: float, phi: float) -> float:
    """The chance of ``count`` texts or fewer. The law's distribution function as an incomplete beta or gamma integral
    (NIST Handbook of Mathematical Functions, 8.17.5 and 8.4.10)."""
    from scipy import special  # slow to import, and most of what imports this module needs none

    if phi < 1.001:
        return float(special.gammaincc(count + 1, expected))
    return float(special.betainc(expected / (phi - 1), count + 1, 1 / phi))


def _often(rate: float) -> str:
    """A rate in words."""
    if rate >= 1:
        return f"{rate:.3g} a day"
    return f"{rate * 7:.2g} a week" if rate * 7 >= 1 else f"{rate * 30.4:.2g} a month"


def _days(count: int) -> str:
    return f"{count} day{'s' * (count != 1)}"


def _texts(count: int) -> str:
    return f"{count:,} text{'s' * (count != 1)}"


def volume(texts: Mapping[date, int], until: date) -> Volume:
    """Judge a source by how many ``texts`` it has per day.

    ``until``: the first day that has not been looked at whole; later texts are left out. Days in the text's own
    dates where it has them.
    """
    seen = [day for day, count in texts.items() if count and day < until]
    if not seen:
        return Volume("unknown", f"It has no text of recent years, from before {until}, to tell by what is usual.")
    last = max(seen)
    first = max(min(seen), last - timedelta(days=WATCHED_DAYS))
    counts = _by_day(texts, first, until)
    if (said := _silence(counts, first, last)) is not None:
        return Volume("silent", said, last)
    if (said := _thin(counts, first)) is not None:
        return Volume("low", said, last)
    if (said := _flood(counts, first)) is not None:
        return Volume("flood", said, last)
    if (known := _history(counts, first)) is None:
        return Volume("unknown", "Its history is too short to tell what is usual.", last)
    rate = sum(known[0]) / len(known[0])
    return Volume("usual", f"As usual: about {_often(rate)}.", last)


def _history(counts: list[int], first: date) -> tuple[list[int], date] | None:
    """The last year of daily counts and its first day; null where they are too few to tell what is usual."""
    cut = max(0, len(counts) - HISTORY_DAYS)
    kept = counts[cut:]
    if len(kept) < LEAST_DAYS or sum(kept) < LEAST_TEXTS:
        return None
    return kept, first + timedelta(days=cut)


def _silence(counts: list[int], first: date, last: date) -> str | None:
    spoken = (last - first).days + 1
    gap = len(counts) - spoken
    history = _history(counts[:spoken], first)
    if history is None or gap < LEAST_SILENCE or gap <= MARGIN * (longest := _longest_gap(history[0])):
        return None
    habit = _habit(*history)
    # what was estimated from a short history is less certain
    phi = habit.phi * (1 + gap / habit.days)
    unlikely = _chance_of_none(habit.expected(last + timedelta(days=1), gap), phi) <= ALPHA
    spells = sum(count > 0 for count in history[0])
    if not unlikely and not (gap > LONGER * (longest + 1) and spells >= LEAST_SPELLS):
        return None
    return (
        f"No text for {_days(gap)} (since {last}); before, about {_often(habit.rate)} and never silent for more "
        f"than {_days(longest)}."
    )


def _recent(counts: list[int], first: date, days: int) -> tuple[list[int], date, int] | None:
    """(daily history before the last ``days`` days, its first day, texts of these days)."""
    cut = len(counts) - days
    history = _history(counts[:cut], first) if cut > 0 else None
    return None if history is None else (*history, sum(counts[cut:]))


def _thin(counts: list[int], first: date) -> str | None:
    if (recent := _recent(counts, first, LOW_DAYS)) is None:
        return None
    history, begin, count = recent
    least = min(_sums(history, LOW_DAYS))
    if count * MARGIN >= least:
        return None
    habit = _habit(history, begin)
    expected = habit.expected(begin + timedelta(days=len(history)), LOW_DAYS)
    if _at_most(count, expected, habit.phi * (1 + LOW_DAYS / habit.days)) > ALPHA:
        return None
    return (
        f"{_texts(count)} in the last {LOW_DAYS} days, where {expected:,.0f} would be usual and never fewer than "
        f"{least:,} came."
    )


def _flood(counts: list[int], first: date) -> str | None:
    if (recent := _recent(counts, first, FLOOD_DAYS)) is None:
        return None
    history, begin, count = recent
    most = max(_sums(history, FLOOD_DAYS))
    if count <= MARGIN * most:
        return None
    habit = _habit(history, begin)
    expected = habit.expected(begin + timedelta(days=len(history)), FLOOD_DAYS)
    if 1 - _at_most(count - 1, expected, habit.phi * (1 + FLOOD_DAYS / habit.days)) > ALPHA:
        return None
    return (
        f"{_texts(count)} in the last {FLOOD_DAYS} days, where {expected:,.0f} would be usual and never more than "
        f"{most:,} came."
    )


def state_said(said: str) -> State:
    """The state that a sentence of :func:`volume` about a finding tells, for whoever kept the sentence only."""
    if said.startswith("No text for "):
        return "silent"
    if " never fewer than " in said:
        return "low"
    return "flood" if " never more than " in said else "unknown"


def weekly(texts: Mapping[date, int], until: date, weeks: int = SHOWN_WEEKS) -> list[tuple[date, int]]:
    """(first day, texts) of the last ``weeks`` times seven days before ``until``, the oldest first."""
    first = until - timedelta(days=7 * weeks)
    counts = _by_day(texts, first, until)
    return [(first + timedelta(days=7 * i), sum(counts[7 * i : 7 * i + 7])) for i in range(weeks)]
