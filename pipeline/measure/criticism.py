"""Directed criticism: the share of A's texts that are hostile to B, and whether it rose.

h_AB = hostile clusters of A that name B / all clusters of A. Only texts that hit an alias of B are coded (the
*audited* ones); blame without a name is out of scope. The share of hostile ones among them is estimated as a balance
is, with y = 1 for hostile and 0 for anything else, and f the model's probability of hostile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import hypergeom

from pipeline.measure.balance import (
    LEAST_CODINGS,
    LEVEL,
    Balance,
    Bools,
    Borrowed,
    Floats,
    Moments,
    balance,
    borrow,
    moments,
)

Days = NDArray[np.datetime64]

LEVEL_OF_RISE = 0.025
"""Chance, per direction, that a rise is ever claimed where there is none, however often one looks."""
NEEDED = 1 / LEVEL_OF_RISE
"""evidence that claims a rise: 40 to 1"""
RATIOS = (2.0, 4.0, 8.0, 16.0, 32.0)
"""How many times higher the rate may be now. The evidence is the mean over these, fixed before anything is seen."""
LEAST_HOSTILE = 3
LEAST_DAYS = 2
FEW = 5
"""With fewer codings than this of either kind the t interval of a share is too narrow; the exact one stands in."""
MOST_ODD = 0.1
"""Share of a cell's codings that may have had another chance than all the others, which are one wave."""


@dataclass(frozen=True)
class Audited:
    """The texts of A in one audit period that name B by an alias. Arrays of shape (M,)."""

    clusters: int
    """N: all different texts of A"""
    f: Floats
    """the model's probability of hostile; NaN: the model has not scored it"""
    y: Floats
    """share of coders who said hostile; NaN: not drawn at random and coded"""
    pi: Floats
    """inclusion probability of the coded ones, NaN elsewhere"""
    late: Bools
    """came after the sample was drawn"""

    @property
    def naming(self) -> int:
        """M: texts that name B."""
        return len(self.y)

    @property
    def coded(self) -> int:
        return int((~np.isnan(self.y)).sum())

    @property
    def filled(self) -> Floats:
        """f, where the model has said nothing the mean of what it said, or 0.

        Any number will do that does not depend on the codings: the estimate stays unbiased, only less precise.
        """
        known = self.f[~np.isnan(self.f)]
        return np.where(np.isnan(self.f), known.mean() if len(known) else 0.0, self.f)


@dataclass(frozen=True)
class Hostility:
    """How hostile A's texts of a period are to B. Null figures: see ``why``."""

    estimator: str
    """corrected (random codings, with interval), counted (no text names B), uncorrected (the model's mean) or none"""
    share: float | None = None
    """of the texts that name B"""
    low: float | None = None
    high: float | None = None
    rate: float | None = None
    """h_AB: of all texts of A"""
    rate_low: float | None = None
    """null beside a corrected share: texts that name B arrived at a time that codings do not speak for, see ``why``"""
    rate_high: float | None = None
    coded: int = 0
    late: int = 0
    interval: str | None = None
    """t or exact"""
    variance: float | None = None
    """of the share, where the interval is a t interval"""
    freedom: float | None = None
    lam: float | None = None
    why: str | None = None
    """why it is not corrected, has no interval, or is not there"""


def audited_moments(cell: Audited) -> Moments:
    """What a cell can lend to the others."""
    drawn = ~np.isnan(cell.y)
    return moments(cell.filled[drawn], cell.y[drawn])


def lent_to(cells: Sequence[Audited]) -> list[Borrowed]:
    """What every cell (A, B, audit period) takes from all the others; nothing where nothing of it is coded."""
    own = [audited_moments(cell) for cell in cells]
    lenders = [(i, one) for i, one in enumerate(own) if one.n >= 2]  # of many pairs few are coded
    return [borrow([one for j, one in lenders if j != i]) if own[i].n else Borrowed() for i in range(len(cells))]


def hostilities(cells: Sequence[Audited]) -> list[Hostility]:
    """The hostility of every cell (A, B, audit period); each borrows from all the others."""
    return [hostility(cell, lent) for cell, lent in zip(cells, lent_to(cells), strict=True)]


def hostility(cell: Audited, borrowed: Borrowed) -> Hostility:
    """The hostile share of the texts that name B, and of all texts of A, with 95% intervals.

    The share is pipeline.measure.balance.balance of y and f. Its t interval is used when at least five codings of
    both kinds (hostile, not hostile) are there; else the exact interval of a share in a finite population, or in its
    waves where these were coded more or less densely; texts drawn with chances of their own have none then. The rate
    is the share times M/N, both counted, so that its interval is the share's times M/N. Both are clipped to what can
    be. Where texts that name B came after the draw and are not in the share, the rate takes them to be like the others;
    no interval knows whether they are, so it has none, and ``why`` says so. Fewer than five codings, or codings on
    which no interval can be built: the model's mean, unless they are all there are, which leaves no error. No text
    that names B: the rate is 0, since only texts that name B can count.

    Raises ValueError for a cell without texts.
    """
    if not cell.clusters:
        raise ValueError("a group without texts has no rate of criticism; say why it is silent instead")
    if not cell.naming:
        return Hostility("counted", rate=0.0, rate_low=0.0, rate_high=0.0)
    made = balance(cell.filled, cell.y, borrowed, pi=cell.pi, late=cell.late)
    factor = cell.naming / cell.clusters
    in_time = cell.y[~cell.late]
    drawn = in_time[~np.isnan(in_time)]
    census = 0 < len(drawn) == len(in_time)
    if len(drawn) < LEAST_CODINGS and not census:
        why = f"not enough: {made.coded} random codings of criticism, {LEAST_CODINGS} are needed"
        if made.coded >= LEAST_CODINGS:
            why = "too few of the random codings are of texts that were there when the sample was drawn"
        return _by_the_model(cell, made, why)
    two_strata = bool(cell.late.any()) and made.interval is not None and not made.late
    spoken = np.ones(cell.naming, dtype=bool) if two_strata else ~cell.late
    said = cell.y[spoken & ~np.isnan(cell.y)]
    if min(said.sum(), (1 - said).sum()) < FEW:
        strata = _strata(cell, spoken)
        if strata is None:
            why = (
                f"fewer than {FEW} codings are hostile, or are not, and their texts were drawn with chances so "
                "different that no interval holds; code more"
            )
            return _by_the_model(cell, made, why)
        low, high = exact_share_of_strata(strata)
        value = sum(total * hostile / n for hostile, n, total in strata) / sum(total for _, _, total in strata)
        kind, late, variance, freedom, lam = "exact", int((~spoken).sum()), None, None, None
    elif made.interval is None:
        return _by_the_model(cell, made, str(made.why))
    else:
        low, high, value, kind, late = made.interval.low, made.interval.high, made.value, "t", made.late
        variance, freedom, lam = made.interval.variance, made.interval.freedom, made.lam
    low, high, value = (min(1.0, max(0.0, x)) for x in (low, high, value))
    if late:
        why = (
            f"{late} of {cell.naming} texts arrived at a time that codings do not speak for and too few of them are "
            "coded: the share is of the others, and the rate, which takes them to be like these, has no interval"
        )
        return Hostility(
            "corrected", value, low, high, value * factor, None, None,
            made.coded, late, kind, variance, freedom, lam, why,
        )  # fmt: skip
    return Hostility(
        "corrected", value, low, high, value * factor, low * factor, high * factor,
        made.coded, late, kind, variance, freedom, lam,
    )  # fmt: skip


def _strata(cell: Audited, spoken: Bools) -> list[tuple[float, int, int]] | None:
    """Of texts that had one chance to be coded: how many are hostile, how many coded, and how many there are.

    Where all in time, or all late ones, had one chance or are all coded they are a stratum. Waves of a cell that grew
    have n coded of N, and pi = n/N says N. A few with another chance than all the others (dated anew into this period,
    say) are taken for all of their kind. None where there is no telling, as where each had a chance of its own.
    """
    made: list[tuple[float, int, int]] = []
    for late in (False, True):
        there = spoken & (cell.late == late)
        coded = there & ~np.isnan(cell.y)
        y, rounded = cell.y[coded], cell.pi[coded].round(9)
        chances = np.unique(rounded)
        total = int(there.sum())
        if len(chances) <= 1 or len(y) == total:
            made += [(float(y.sum()), len(y), total)] if len(y) else []
            continue
        waves = [(y[rounded == chance], float(cell.pi[coded][rounded == chance].mean())) for chance in chances]
        totals = [len(some) / chance for some, chance in waves]
        if all(abs(one - round(one)) <= 0.01 for one in totals) and round(sum(totals)) == total:
            made += [(float(some.sum()), len(some), round(one)) for (some, _), one in zip(waves, totals, strict=True)]
            continue
        most = max(waves, key=lambda wave: len(wave[0]))[0]
        odd = len(y) - len(most)
        if odd > MOST_ODD * len(y):
            return None
        made += [(float(most.sum()), len(most), total - odd), (float(y.sum() - most.sum()), odd, odd)]
    return made


def _by_the_model(cell: Audited, made: Balance, why: str) -> Hostility:
    """What the model says, without interval; none where it has scored nothing."""
    if np.isnan(cell.f).all():
        return Hostility("none", coded=made.coded, why=f"{why}; and no model of criticism has scored these texts")
    rate = made.model * cell.naming / cell.clusters
    return Hostility("uncorrected", share=made.model, rate=rate, coded=made.coded, why=why)


def exact_share(hostile: float, n: int, total: int, level: float = LEVEL) -> tuple[float, float]:
    """Interval of the hostile share of ``total`` texts: ``n`` were drawn at random, ``hostile`` of these are hostile.

    The numbers T of hostile texts under which neither so few nor so many would be drawn with a chance of 2.5% or
    less, by the hypergeometric distribution (Clopper & Pearson 1934, for a finite population). It covers in at least
    95 of 100 samples whatever T is; with every text coded its width is 0. ``hostile`` need not be whole where coders
    disagree: it is rounded down for the lower end, up for the upper one.
    """
    if not 0 < n <= total or not 0 <= hostile <= n:
        raise ValueError(f"a share needs 0 <= hostile <= n <= N and n > 0, not {hostile:g}, {n} and {total}")
    tail = (1 - level) / 2
    few, many = int(np.floor(hostile)), int(np.ceil(hostile))
    truths = np.arange(few, total - n + many + 1)
    at_least = hypergeom.sf(few - 1, total, truths, n)
    at_most = hypergeom.cdf(many, total, truths, n)
    possible = truths[(at_least > tail) & (at_most > tail)]
    return float(possible.min() / total), float(possible.max() / total)


def exact_share_of_strata(strata: Sequence[tuple[float, int, int]], level: float = LEVEL) -> tuple[float, float]:
    """Interval of the hostile share of texts that were drawn with another chance in each stratum.

    strata: (hostile, n, N) of each, as in :func:`exact_share`. Each of the k has an interval that misses in at most
    (1 - level)/k of samples (Bonferroni), and the share is their mean, weighted by N: it covers in at least
    ``level`` of samples, and is wider than need be.
    """
    each = 1 - (1 - level) / len(strata)
    ends = np.array([exact_share(hostile, n, total, each) for hostile, n, total in strata])
    low, high = np.average(ends, axis=0, weights=[total for _, _, total in strata]).tolist()
    return low, high


# ---- did it rise?


@dataclass(frozen=True)
class Window:
    """A's texts in a stretch of time, as the test of a rise counts them."""

    start: date
    end: date
    """first day after it"""
    days: Days
    """day of every different text of A, shape (N,)"""
    naming: int
    """M: of them name B"""
    coded: int
    """m: of those drawn at random and coded"""
    hostile: Days
    """day of every hostile one among the coded, shape (H,)"""
    pi: Floats | None = None
    """inclusion probability of every coded one, the hostile ones first and as their days; null: all alike"""

    @cached_property
    def weights(self) -> Floats:
        """What each coded text counts, as ``pi``: 1 where the chance was least, a text as likely again counts half."""
        if self.pi is None or not self.coded or np.allclose(self.pi, self.pi[0], rtol=1e-6, atol=0):
            return np.ones(self.coded)
        weights: Floats = self.pi.min() / self.pi
        return weights

    @property
    def counted(self) -> float:
        """What the codings count together: m where all chances are alike, else less."""
        return float(self.weights.sum())

    @property
    def of_hostile(self) -> Floats:
        """What each hostile one counts, shape (H,)."""
        return self.weights[: len(self.hostile)]

    @property
    def count(self) -> float:
        """What the hostile ones count together: H."""
        return float(self.of_hostile.sum())

    @property
    def count_of_days(self) -> float:
        """The same with each day counted once, as the text of it that counts most."""
        _, day = np.unique(self.hostile, return_inverse=True)
        most = np.zeros(int(day.max(initial=-1)) + 1)
        np.maximum.at(most, day, self.of_hostile)
        return float(most.sum())

    @property
    def exposure(self) -> float:
        """Texts of A that the coded ones stand for: N m / M. Where no text names B all N were looked at."""
        return len(self.days) * (self.counted / self.naming if self.naming else 1.0)

    @property
    def rate(self) -> float:
        """h: hostile texts per text of A."""
        return self.count / self.exposure


@dataclass(frozen=True)
class NotEnough:
    """No test can be made; says why."""

    why: str
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rise:
    """The test of a rise of hostile criticism of B by A."""

    risen: bool
    """the evidence is 40 or more, and there are at least 3 hostile texts on 2 days"""
    evidence: float
    """how much likelier the counts are after a rise than without one; holds at every look"""
    evidence_days: float
    """the same with each day that has a hostile text counted once: texts of one affair are not independent"""
    hostile: tuple[int, int]
    """coded hostile texts: present, reference"""
    coded: tuple[int, int]
    naming: tuple[int, int]
    clusters: tuple[int, int]
    exposure: tuple[float, float]
    """texts of A that the coded ones stand for; fewer where chances were unequal, as each coding counts less"""
    rate: tuple[float, float]
    """h_AB: present, reference"""
    days: int
    """different days with a hostile text, in the present"""
    onset: date | None
    """likeliest first day of the higher rate; null where nothing has risen"""
    sentence: str
    flags: tuple[str, ...] = ()


def _too_little(window: Window, name: str) -> str | None:
    if not len(window.days):
        return f"no text in the {name} ({window.start} to {window.end})"
    needed = min(LEAST_CODINGS, window.naming)
    if window.coded < needed:
        return (
            f"{window.coded} of the {window.naming} texts of the {name} that name the other are coded at random; "
            f"{needed} are needed"
        )
    return None


def evidence_of_rise(hostile: tuple[Any, Any], exposure: tuple[Any, Any]) -> Any:
    """How much likelier the counts are when the rate has risen than when it has not. Present first; numbers or arrays.

    With r times the rate in the present, H hostile texts among the E texts that were looked at count

        e(r) = r^H_P ((E_P + E_R) / (r E_P + E_R))^(H_P + H_R)

    times as much as with one rate, whatever that rate is; the evidence is the mean of e(r) over :data:`RATIOS`. While
    the rate is the same or lower, the mean of such a ratio stays at most 1 as codings come in, so it ever reaches 1/c
    with a chance of at most c (Ville 1939): one may look after every coding, and code on because of what one saw.
    Source: Perez-Ortiz, Lardy, de Heide & Grunwald 2024, Annals of Statistics 52 (the ratio that does not depend on the
    common rate); Turner, Ly & Grunwald 2024, Journal of Statistical Planning and Inference 230 (two samples). That rate
    is unknown and shares are counted, so the bound is shown by simulation too (benchmarks.criticism), for orders
    of coding that are fixed beforehand: which side is coded next may not follow the codings.

    hostile: where codings were drawn with unequal chances pi, the sum of min(pi) / pi over the hostile ones, and the
    exposure is N / M times that sum over all coded ones (:class:`Window`). As no text counts more than 1 and x^w <=
    1 - w + w x for 0 <= w <= 1, what one adds to the mean of e(r) is no more than what its expected count would, so
    that the bound stays. With Kish's effective number of codings a rare, heavy text would count many times.

    Raises ValueError for an exposure of 0 or less.
    """
    if np.min(exposure) <= 0:
        raise ValueError(f"a rate needs texts in both windows, not {exposure[0]} and {exposure[1]}")
    present, both = np.asarray(hostile[0], dtype=float), np.asarray(hostile[0], dtype=float) + hostile[1]
    total = np.asarray(exposure[0], dtype=float) + exposure[1]
    logs = [present * np.log(r) + both * np.log(total / (r * np.asarray(exposure[0]) + exposure[1])) for r in RATIOS]
    with np.errstate(over="ignore"):  # beyond every number, it is infinite
        return np.exp(np.logaddexp.reduce(np.stack(logs)) - np.log(len(RATIOS)))


def rise(a: str, b: str, present: Window, reference: Window, flags: Sequence[str] = ()) -> Rise | NotEnough:
    """Whether A's hostile texts about B are more frequent in the present than in the reference.

    May be asked again after every coding, and while the present goes on: :func:`evidence_of_rise`. Not enough where a
    window has no text, or fewer than five (or all) of its texts that name B are coded at random.
    Raises ValueError for windows that overlap, for a hostile text on a day without one, and for chances that are none.
    """
    if present.start < reference.end and reference.start < present.end:
        raise ValueError(f"the present begins on {present.start}, within the reference that ends on {reference.end}")
    windows = (present, reference)
    if not all(np.isin(w.hostile, w.days).all() for w in windows):
        raise ValueError("every hostile text is one of the group's texts; a day of one is missing among theirs")
    for w in windows:
        if w.pi is not None and not (len(w.pi) == w.coded and ((w.pi > 0) & (w.pi < 1 + 1e-9)).all()):
            raise ValueError("every coded text has an inclusion probability above 0, and of 1 at most")
    lacking = [
        said for w, name in zip(windows, ("present", "reference"), strict=True) if (said := _too_little(w, name))
    ]
    if lacking:
        return NotEnough("; ".join(lacking), tuple(flags))
    counts = (len(present.hostile), len(reference.hostile))
    exposures = (present.exposure, reference.exposure)
    evidence = float(evidence_of_rise((present.count, reference.count), exposures))
    days = len(np.unique(present.hostile))
    by_days = (present.count_of_days, reference.count_of_days)
    risen = evidence >= NEEDED and counts[0] >= LEAST_HOSTILE and days >= LEAST_DAYS
    onset = onset_day(present, reference) if risen else None
    evidence_days = float(evidence_of_rise(by_days, exposures))
    rates = (present.rate, reference.rate)
    return Rise(
        risen=risen,
        evidence=evidence,
        evidence_days=evidence_days,
        hostile=counts,
        coded=(present.coded, reference.coded),
        naming=(present.naming, reference.naming),
        clusters=(len(present.days), len(reference.days)),
        exposure=exposures,
        rate=rates,
        days=days,
        onset=onset,
        sentence=_sentence(a, b, risen, (evidence, evidence_days), counts, rates, days, onset),
        flags=tuple(flags),
    )


def onset_day(present: Window, reference: Window) -> date:
    """The day of a hostile text of the present from which on a higher rate is likeliest.

    Two Poisson rates, one before that day (reference included) and one from it on; the first of several equals.
    """
    candidates = np.unique(present.hostile)
    if not len(candidates):
        raise ValueError("without a hostile text in the present nothing has an onset")
    coded_share = present.exposure / len(present.days)
    after = ((present.hostile[None, :] >= candidates[:, None]) * present.of_hostile).sum(axis=1)
    texts = (present.days[None, :] >= candidates[:, None]).sum(axis=1) * coded_share
    before = present.count + reference.count - after
    rest = present.exposure + reference.exposure - texts
    some = np.where(before > 0, before, 1)
    likelihood = after * np.log(after / texts) + np.where(before > 0, before * np.log(some / rest), 0)
    higher = after / texts > before / rest
    best = int(np.argmax(np.where(higher, likelihood, -np.inf)))
    found: date = candidates[best].astype(object)
    return found


def _percent(rate: float) -> str:
    return f"{100 * rate:.1f}%"


def _times(evidence: float) -> str:
    if evidence >= 1000:
        return "over 1,000"
    return f"{np.floor(10 * evidence) / 10:.1f}" if evidence < 100 else f"{evidence:.0f}"


def _sentence(
    a: str, b: str, risen: bool, evidence: tuple[float, float], counts: tuple[int, int], rates: tuple[float, float],
    days: int, onset: date | None,
) -> str:  # fmt: skip
    seen = (
        f"{counts[0]} coded texts of {a} are hostile to {b} now, {counts[1]} were in the reference: "
        f"about {_percent(rates[0])} and {_percent(rates[1])} of its texts (evidence {_times(evidence[0])} to 1, "
        f"{_times(evidence[1])} to 1 with each day counted once; "
        f"{NEEDED:.0f} to 1 are needed, however often it is looked at)"
    )
    if risen:
        return f"hostile criticism of {b} by {a} has risen, since about {onset}: {seen}"
    if evidence[0] < NEEDED:
        return f"no rise of hostile criticism of {b} by {a} is shown: {seen}"
    lacking = f"{counts[0]} hostile texts" if counts[0] < LEAST_HOSTILE else f"all on {days} day"
    return (
        f"no rise of hostile criticism of {b} by {a} is claimed ({lacking}; {LEAST_HOSTILE} on {LEAST_DAYS} days are "
        f"needed): {seen}"
    )
