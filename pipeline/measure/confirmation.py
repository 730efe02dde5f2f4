"""Confirmation of an alarm by coders: did the gap of two groups change, and may the coder stop already?

An alarm rests on the model alone. After it, random clusters of both groups are drawn in the alarm stretch P and in the
reference R, and coded. The change X = (b_A - b_B)_P - (b_A - b_B)_R comes with a *confidence sequence*: an interval
that may be looked at after every coding, and that holds X at all looks together in 95 of 100 confirmations. An
ordinary interval looked at again and again until it excludes 0 will do so sooner or later, change or none.

The sequence is the normal mixture of Robbins (1970); Howard, Ramdas, McAuliffe & Sekhon (2021, arXiv 1810.08240).
With V the variance of the estimate X^ so far and I = 1/V its information, I (X^ - X) behaves like a Brownian motion at
time I. This holds for samples without replacement and in any order of the four sides that does not depend on the
codings. Since V is itself an estimate, it has floors, see :func:`text_variance`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.measure.balance import LEAST_CODINGS, PRIOR_FREEDOM, Bools, Borrowed, Floats

ALPHA_SQUARED = 0.0025
"""The squared chance, .05, that the sequence ever misses."""
TUNING = 8.2
"""rho = I_planned / 8.2 makes a 95% sequence narrowest where I = I_planned."""
LEAST_CHANGE = 0.1
"""A smaller change is not confirmed, however sure it is."""
LEAST_PER_SIDE = 10
"""Codings each side needs before the first look, or all of its texts where it has fewer."""
LEAST_VARIANCE = 0.05
"""No residual variance is taken to be smaller: it is that of codings of which one in twenty is not 0."""
LARGEST_VARIANCE = 1.0
"""A balance lies in [-1, 1], so no variance of codings is larger; it stands in for what can't be borrowed."""
SIDES = ("A in the alarm stretch", "B in the alarm stretch", "A in the reference", "B in the reference")
SIGNS = (1, -1, -1, 1)
"""X is the sum of the four balances with these signs."""


class ConfirmationError(ValueError):
    """A confirmation that can't be computed, in words."""


@dataclass(frozen=True, eq=False)
class Side:
    """One of the four samples: the clusters of a group in a stretch, of which some are drawn at random and coded."""

    f: Floats
    """shape (N,), the model's balance of every cluster of the stretch, in [-1, 1]"""
    y: Floats
    """shape (N,), the coders' balance; NaN: not coded"""
    pi: Floats | None = None
    """shape (N,), inclusion probability in the draw of the answered ones; None or all the same: equal draws"""
    unclear: Bools | None = None
    """shape (N,), True: coders were shown the text and could not decide; None: they decided all"""

    def stretch(self) -> float:
        """Answered texts for each decided one, weighted by 1/pi; 1 while none is unclear, or none decided."""
        decided = ~np.isnan(np.asarray(self.y, dtype=float))
        if self.unclear is None or not self.unclear.any() or not decided.any():
            return 1.0
        pi = np.ones(len(decided)) if self.pi is None else np.asarray(self.pi, dtype=float)
        return 1 + float((1 / pi[self.unclear]).sum()) / float((1 / pi[decided]).sum())

    def expected(self, s2: float, lam: float) -> float:
        """Residual variance of :meth:`answers` where that of decided texts is s2; s2 itself while none is unclear.

        A decided text's residual y - c - lam (f - mean(f)) is stretched, and the model is taken off once only, from the
        unclear ones too: with D their share, the mean square is s2/D + (1/D - 1) lam^2 Var(f).
        """
        stretch = self.stretch()
        return s2 * stretch + (stretch - 1) * lam**2 * float(np.var(self.f))

    def answers(self) -> Floats:
        """y with an answer for what is unclear, so that it speaks of the texts that coders can decide. Shape (N,).

        Nobody knows how many of the texts that were not shown are unclear, so the model's mean over all N can only be
        compared with its mean over all that were answered. With c the mean of the decided and D their share of the
        answered, an unclear text counts as c and a decided one as c + (y - c)/D: the estimate is then
        c + lam (mean_N(f) - mean_answered(f)), and its residuals are those of the ratio that c is (linearised).
        """
        y = np.asarray(self.y, dtype=float)
        stretch = self.stretch()
        if self.unclear is None or stretch == 1:
            return y
        decided = ~np.isnan(y)
        w = 1 / (np.ones(len(y)) if self.pi is None else np.asarray(self.pi, dtype=float))[decided]
        c = float((w * y[decided]).sum() / w.sum())
        made: Floats = np.where(self.unclear, c, c + (y - c) * stretch)
        return made


@dataclass(frozen=True)
class Confirmation:
    """The change as the coders see it so far."""

    change: float
    """X^, in [-4, 4]: change of the gap from reference to alarm stretch"""
    variance: float
    """of X^, with its floors; 0: every text is coded"""
    low: float
    high: float
    """the confidence sequence at this moment; not clipped"""
    coded: int
    """texts that coders decided, in all"""
    planned: float
    """I_planned, the information at the planned number of codings: rho is I_planned / 8.2"""
    confirmed: bool
    """the sequence excludes 0 and |X^| is at least .1"""


def prior_variance(borrowed: Borrowed) -> float:
    """The residual variance expected before any of these codings is seen.

    That of the other cells; of the ten degrees of freedom they should lend, those that they can't are filled with 1,
    the largest variance codings can have. Never below .05.
    """
    lent = min(borrowed.freedom, PRIOR_FREEDOM)
    mixed = (lent * borrowed.s2 + (PRIOR_FREEDOM - lent) * LARGEST_VARIANCE) / PRIOR_FREEDOM
    return max(mixed, LEAST_VARIANCE)


def text_variance(n: Floats, own: Floats, prior: float | Floats, least: float | Floats = LEAST_VARIANCE) -> Floats:
    """Residual variance S2 of a side's texts. Arrays of any one shape: one entry per look, or per simulated look.

    n: codings so far, 2 or more. own: their residual variance s_e^2. prior: the variance expected before. least: the
    smallest there may be; where texts are unclear, both are those of all that were answered (:meth:`Side.expected`).

    S2 = ((n-1) s_e^2 + 10 prior)/(n+9) as for every balance. A sequence is only as good as the smallest variance on its
    way, so two floors are added: S2 is at least s_e^2 (other cells may be calmer than this one), and at least .05 (rare
    values may not have come up yet).
    """
    pooled = ((n - 1) * own + PRIOR_FREEDOM * prior) / (n - 1 + PRIOR_FREEDOM)
    return np.maximum(np.maximum(pooled, own), least)


def mixture_half_width(variance: Floats, rho: float) -> Floats:
    """Half the width of the sequence, sqrt((I + rho) ln((I + rho)/(.0025 rho)))/I with I = 1/V; 0 where V is 0.

    Any array of variances; rho > 0 must not depend on the codings.
    """
    variance = np.asarray(variance, dtype=float)
    information = 1 / np.where(variance > 0, variance, 1.0)
    bound = np.sqrt((information + rho) * np.log((information + rho) / (ALPHA_SQUARED * rho)))
    made: Floats = np.where(variance > 0, bound / information, 0.0)
    return made


def spread(planned: int, texts: Sequence[int]) -> list[int]:
    """How many of the planned codings fall to each side: alike, but never more than the texts it has.

    At least what the first look needs; in all never more than the texts there are. ValueError for a plan below 1.
    """
    if planned < 1:
        raise ValueError(f"at least one coding must be planned, not {planned}")
    left = max(planned, sum(min(LEAST_PER_SIDE, total) for total in texts))
    shares = [0] * len(texts)
    by_size = sorted(range(len(texts)), key=lambda i: texts[i])
    for place, i in enumerate(by_size):
        shares[i] = min(texts[i], left // (len(texts) - place))
        left -= shares[i]
    return shares


def planned_information(planned: int, texts: Sequence[int], variance: float) -> float:
    """I_planned = 1 / sum(variance / n), n the planned codings of each side.

    Without the factors 1 - n/N: rho only says where the sequence is narrowest, and with them a plan to code nearly
    everything would make it wide at every look before the last.
    """
    return 1 / sum(variance / n for n in spread(planned, texts))


def _estimate(side: Side, name: str, lam: float, prior: float) -> tuple[float, float, int]:
    """Balance of a side, its variance, and its codings."""
    f, y = np.asarray(side.f, dtype=float), np.asarray(side.y, dtype=float)
    if f.ndim != 1 or f.shape != y.shape:
        raise ValueError(f"{name}: f and y must be of one length, not {f.shape} and {y.shape}")
    if np.isnan(f).any():
        raise ValueError(f"{name}: every text needs a model balance; leave out what is not framed")
    unclear = np.zeros(len(f), dtype=bool) if side.unclear is None else side.unclear
    if unclear.shape != f.shape or not np.isnan(y[unclear]).all():
        raise ValueError(f"{name}: unclear must be of the length of f, and no text both coded and unclear")
    total, coded = len(f), int((~np.isnan(y)).sum())
    left = total - int(unclear.sum())
    if left < LEAST_CODINGS:
        raise ConfirmationError(f"{name}: {left} texts, {LEAST_CODINGS} are needed; this alarm can't be confirmed")
    if coded < min(LEAST_PER_SIDE, left):
        raise ConfirmationError(f"{name}: {coded} codings, {min(LEAST_PER_SIDE, left)} are needed")
    y = side.answers()
    drawn = ~np.isnan(y)
    n = int(drawn.sum())
    if n == total:
        return float(y.mean()), 0.0, coded
    pi = np.ones(n)
    if side.pi is not None:
        given = np.asarray(side.pi, dtype=float)
        if given.shape != f.shape or not np.all((given[drawn] > 0) & (given[drawn] <= 1)):
            raise ValueError(f"{name}: every answered text needs an inclusion probability in (0, 1]")
        pi = given[drawn]
    # Scaled so that the weights add up to N: of a sample that is half coded so far, each text had half its chance to be
    # coded by now. Equal draws come out as n/N, and V as (1 - n/N) S2/n.
    chance = np.minimum(1.0, pi * (1 / pi).sum() / total)
    e, w = y[drawn] - lam * f[drawn], 1 / pi
    rectifier = float((w * e).sum() / w.sum())
    # Nobody knows how many of the texts that are left can be decided; all may be. Of equal draws 1 - n/N becomes
    # 1 - n'/(N - unclear). By the share so far the last few texts would have too small a variance for a rare value.
    part = (1 - chance) / (1 - chance * (1 - 1 / side.stretch())) * w**2
    own = n / (n - 1) * float((part * (e - rectifier) ** 2).sum() / part.sum())
    expected, least = side.expected(prior, lam), side.expected(LEAST_VARIANCE, lam)
    # Only decided texts outweigh what is expected: the residual of an unclear one is known beforehand.
    s2 = float(text_variance(np.asarray(coded), np.asarray(own), expected, least))
    return lam * float(f.mean()) + rectifier, float(part.sum() / w.sum() ** 2) * s2, coded


def confirm(p_a: Side, p_b: Side, r_a: Side, r_b: Side, borrowed: Borrowed, *, planned: int) -> Confirmation:
    """The change X = (b_A - b_B)_P - (b_A - b_B)_R and its confidence sequence after the codings so far.

    p_a, p_b: A and B in the alarm stretch, frozen when the alarm was raised. r_a, r_b: in the reference.
    borrowed: what other audit cells lend (:func:`pipeline.measure.balance.borrow`), as it was *when the sample was
    drawn*. planned: codings in all that were planned then. Both fix rho, so neither may follow the codings.

    b = lam mean_N(f) + mean_n(y - lam f) on each side; V is the sum of the four (1 - n/N) S2/n (:func:`text_variance`).
    Where some are unclear, n counts all that were answered and y is :meth:`Side.answers`; S2 is pooled by the number
    of decided ones n', and 1 - n/N becomes 1 - n'/(N - unclear), for all that are left may be decidable.
    Each side has a rectifier of its own. Sides are samples of different clusters, so they have no covariance; one
    ``Side`` given for two of them is counted once, with its two signs added.

    Raises ConfirmationError, in words, while a side has fewer than ten codings (or than all its texts), and where a
    side has fewer than five texts: such an alarm can't be confirmed. ValueError for arrays that do not belong together.
    """
    sides = (p_a, p_b, r_a, r_b)
    own = [next(k for k, other in enumerate(sides) if other is side) for side in sides]
    signs = {i: sum(SIGNS[k] for k in range(4) if own[k] == i) for i in own}
    if not any(signs.values()):
        raise ConfirmationError("alarm stretch and reference are the same texts; there is no change to confirm")
    prior = prior_variance(borrowed)
    estimates = {i: _estimate(sides[i], SIDES[i], borrowed.lam, prior) for i in signs}
    information = planned_information(planned, [len(side.f) for side in sides], prior)
    change = sum(signs[i] * value for i, (value, _, _) in estimates.items())
    variance = sum(signs[i] ** 2 * v for i, (_, v, _) in estimates.items())
    half = float(mixture_half_width(np.asarray(variance), information / TUNING))
    low, high = change - half, change + half
    return Confirmation(
        change=change,
        variance=variance,
        low=low,
        high=high,
        coded=sum(n for _, _, n in estimates.values()),
        planned=information,
        confirmed=(low > 0 or high < 0) and abs(change) >= LEAST_CHANGE,
    )


def codings_for(
    change: float, texts: tuple[int, int, int, int], variance: float, *, planned: int | None = None
) -> int | None:
    """Codings in all, spread over the four sides, until half the width of the sequence is at most ``change``.

    A true change of that size has by then at least about an even chance to be confirmed. texts: N of each side.
    variance: residual variance to reckon with, such as :func:`prior_variance`. planned: codings that the sequence was
    planned for when its texts were drawn, which fixed rho; None: nothing is drawn yet, so it can still be planned for
    just the number that comes out. Never more than all texts, which have no error. None where a side has fewer than
    five texts. ValueError for a width or a variance of 0 or less.
    """
    if not (change > 0 and variance > 0):
        raise ValueError(f"a width and a variance must be above 0, not {change} and {variance}")
    if min(texts) < LEAST_CODINGS:
        return None
    s2 = max(variance, LEAST_VARIANCE)

    def reached(codings: int) -> bool:
        shares = spread(codings, texts)
        total_variance = sum((1 - n / total) * s2 / n for n, total in zip(shares, texts, strict=True))
        rho = planned_information(codings if planned is None else planned, texts, s2) / TUNING
        return bool(mixture_half_width(np.asarray(total_variance), rho) <= change)

    low, high = sum(min(LEAST_PER_SIDE, total) for total in texts), sum(texts)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if reached(middle) else (middle + 1, high)
    return low
