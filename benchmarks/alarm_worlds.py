"""Worlds in which the alarm is tried, and the alarm itself for thousands of dyads at once.

Arrays have shape (weeks, dyads). The recursion here is that of pipeline.measure.alarm; a test holds both to the same
sums and alarms. Used by benchmarks.alarms and benchmarks.alarm_thresholds; does nothing by itself.

The design's world (:func:`beneath`): 20 texts a week on each side, standard deviation .5 of a text's model balance and
.07 of a week's true gap, in which a week resembles the one before (.6), so .18 of a week's measured gap. The design
names a threshold (about 9) and delays (45, 13 and 5 weeks) but no world; in this one its procedure has about both.

Everywhere else the autocorrelation is that of the *whole* weekly deviation, sampling included: news last longer than a
week, and texts about one matter are no independent sample. That is much harder.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Random = np.random.Generator

TEXTS = 20.0
"""Mean texts of a side in a week."""
SPREAD = 0.5
"""Standard deviation of f among the texts of a side in a week."""
BETWEEN = 0.07
"""Standard deviation of the weeks' true gaps, sigma_u."""
SWING = 0.8
"""Standard deviation of log volume where volume swings: nine weeks in ten have 4 to 55 texts."""
YEAR = 52
TOLERANCE = 0.02
"""An alarm is false while the true mean lies within so much of that of the reference."""


# worlds ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class World:
    """What the alarm sees (m, v; NaN: missing) and the true mean beneath it."""

    m: Floats
    v: Floats
    truth: Floats


def ar1(shape: tuple[int, int], phi: float, random: Random) -> Floats:
    """Stationary first-order autoregression along the weeks, variance 1."""
    noise = random.standard_normal(shape)
    noise[1:] *= (1 - phi**2) ** 0.5
    made: Floats = lfilter([1.0], [1.0, -phi], noise, axis=0)
    return made


def texts(shape: tuple[int, int], swing: float, random: Random, mean: float | Floats = TEXTS) -> Floats:
    """Texts of one side a week: Poisson, about a volume that swings slowly (autocorrelation .8)."""
    volume = np.exp(swing * ar1(shape, 0.8, random) - swing**2 / 2) if swing else 1.0
    return random.poisson(mean * volume, shape).astype(float)


def _variance(a: Floats, b: Floats) -> Floats:
    """V_f of the gap; NaN in weeks in which a side has no text."""
    with np.errstate(divide="ignore"):
        v = SPREAD**2 * (1 / a + 1 / b)
    v[np.isinf(v)] = np.nan
    return v


def _seen(truth: Floats, v: Floats, deviation: Floats, between: float | Floats, more: Floats | float = 0.0) -> World:
    """m about the truth; ``more``: sampling variance that v does not know of."""
    return World(truth + np.sqrt(v + more + np.square(between)) * deviation, v, truth)


def plain(
    shape: tuple[int, int],
    phi: float,
    random: Random,
    *,
    swing: float = SWING,
    between: float | Floats = BETWEEN,
    mean: float = TEXTS,
) -> World:
    """Nothing changes but the volume."""
    v = _variance(texts(shape, swing, random, mean), texts(shape, swing, random, mean))
    return _seen(np.zeros(shape), v, ar1(shape, phi, random), between)


def sources_in_and_out(shape: tuple[int, int], phi: float, random: Random) -> World:
    """Five sources a side with levels of their own (standard deviation .03), each up for 60 weeks and away for 20."""
    sides, counts = [], []
    for _ in range(2):
        level = random.normal(0, 0.03, (5, shape[1]))
        up = np.empty((shape[0], 5, shape[1]), dtype=bool)
        up[0] = random.random((5, shape[1])) < 0.75
        turn = random.random(up.shape)
        for week in range(1, shape[0]):
            up[week] = np.where(up[week - 1], turn[week] > 1 / 60, turn[week] < 1 / 20)
        there = up.sum(axis=1)
        sides.append((up * level).sum(axis=1) / np.maximum(there, 1))
        counts.append(texts(shape, SWING, random, TEXTS * there / 3.75))
    return _seen(sides[0] - sides[1], _variance(*counts), ar1(shape, phi, random), BETWEEN)


def reposts(shape: tuple[int, int], phi: float, random: Random) -> World:
    """Copies that nobody recognised: one text in ten has one, and in one week in ten each text has one on average."""
    believed, true = [], []
    for _ in range(2):
        originals = texts(shape, SWING, random, TEXTS / 1.1)
        copies = np.where(random.random(shape) < 0.1, 1.0, 0.1)
        counted = originals + random.poisson(originals * copies)
        believed.append(counted)
        # each original counts 1 + Poisson(copies) times: mean square 1 + 3 copies + copies^2
        with np.errstate(invalid="ignore"):
            true.append(counted**2 / (originals * (1 + 3 * copies + copies**2)))
    v = _variance(*believed)
    more = np.maximum(0.0, _variance(*true) - v)
    return _seen(np.zeros(shape), v, ar1(shape, phi, random), BETWEEN, more)


def outage(shape: tuple[int, int], phi: float, random: Random) -> World:
    """One side falls silent about once a year for 3 to 12 weeks, in the reference too; as often it is halved."""
    world = plain(shape, phi, random)
    counts = []
    for _ in range(2):
        loss = np.ones(shape)
        for left in (0.0, 0.5):
            begins = random.random(shape) < 0.5 / YEAR
            length = random.integers(3, 13, shape)
            for week, dyad in zip(*np.nonzero(begins), strict=True):
                loss[week : week + length[week, dyad], dyad] *= left
        counts.append(texts(shape, SWING, random, TEXTS * loss))
    return _seen(world.truth, _variance(*counts), ar1(shape, phi, random), BETWEEN)


def promoted(world: World, phi: float, random: Random) -> World:
    """The same texts as another model reads them: 15% steeper, shifted by .1, its deviations correlated .8 with before.

    Only for a world whose truth is 0, in which m is nothing but deviation.
    """
    spread = np.sqrt(world.v + BETWEEN**2)
    deviation = 0.8 * world.m / spread + 0.6 * ar1(world.m.shape, phi, random)  # type: ignore[arg-type]
    return World(1.15 * spread * deviation + 0.1, 1.15**2 * world.v, world.truth)


def beneath(
    shape: tuple[int, int], phi: float, random: Random, *, swing: float = 0.0, between: float = BETWEEN
) -> World:
    """Only the weeks' true gaps are autocorrelated, beneath sampling noise that is independent from week to week."""
    v = _variance(texts(shape, swing, random), texts(shape, swing, random))
    return World(between * ar1(shape, phi, random) + np.sqrt(v) * random.standard_normal(shape), v, np.zeros(shape))


WORLDS = {
    "volume swings": plain,
    "steady volume": partial(plain, swing=0.0),
    "sources in and out": sources_in_and_out,
    "reposts": reposts,
    "outage": outage,
}


# the alarm, for many dyads at once ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class References:
    """As pipeline.measure.alarm.reference.Reference; arrays of shape (dyads,)."""

    last: NDArray[np.int64]
    mean: Floats
    sigma_u: Floats
    inside: Bools
    """shape (weeks, dyads): the weeks it uses"""


def references(m: Floats, v: Floats, length: int, *, textbook: bool = False) -> References:
    """The first ``length`` usable weeks of each dyad.

    textbook: mu the plain mean and sigma_u^2 = max(0, s^2 - mean V_f), for comparison.
    Raises ValueError when a dyad has fewer usable weeks.
    """
    there = ~np.isnan(m)
    inside = there & (there.cumsum(axis=0) <= length)
    if (inside.sum(axis=0) < length).any():
        raise ValueError(f"a dyad has fewer than {length} usable weeks")
    order = np.argsort(~inside, axis=0, kind="stable")[:length]
    m, v = np.take_along_axis(m, order, 0), np.take_along_axis(v, order, 0)
    s2 = m.var(axis=0, ddof=1)
    between = np.maximum(0.0, s2 - v.mean(axis=0)) if textbook else _between(m, v, s2)
    w = 1 / (v + between)
    mean = m.mean(axis=0) if textbook else (w * m).sum(axis=0) / w.sum(axis=0)
    return References(order[-1], mean, np.sqrt(between), inside)


def _between(m: Floats, v: Floats, s2: Floats) -> Floats:
    """By halving, for all dyads together; see pipeline.measure.alarm.reference."""
    low, high = s2 * 1e-12, s2.copy()
    for step in range(50):
        # the first try is at the low end: no excess there means 0
        middle = low if not step else (low + high) / 2
        w = 1 / (v + middle)
        mu = (w * m).sum(axis=0) / w.sum(axis=0)
        excess = (w * (m - mu) ** 2).sum(axis=0) > len(m) - 1
        if not step:
            some = excess
            continue
        low, high = np.where(excess, middle, low), np.where(excess, high, middle)
    return np.where(some, (low + high) / 2, 0.0)


@dataclass(frozen=True)
class Sums:
    """C+ and C-, shape (2, weeks, dyads), and the weeks in which they were watched."""

    c: Floats
    watched: Bools


def standardised(m: Floats, v: Floats, ref: References) -> Floats:
    """z of all dyads, NaN where missing."""
    return np.asarray((m - ref.mean) / np.sqrt(v + ref.sigma_u**2))


def sums(z: Floats, last: NDArray[np.int64], *, k: float = 0.5, weight: Floats | None = None) -> Sums:
    """C of all dyads, watched after week ``last`` of each; what pipeline.measure.alarm does has k = .5 and no weight.

    weight: a in C = max(0, C +- a z - k a^2), shape of z.
    """
    watched = ~np.isnan(z) & (np.arange(len(z))[:, None] > last)
    a = np.ones_like(z) if weight is None else weight
    step, cost = np.where(watched, a * z, 0.0), np.where(watched, k * a**2, 0.0)
    c = np.zeros((2, *z.shape))
    now = np.zeros((2, z.shape[1]))
    sign = np.array([[1.0], [-1.0]])
    for week in range(int(last.min()) + 1, len(z)):
        now = np.maximum(0.0, now + sign * step[week] - cost[week])
        c[:, week] = now
    return Sums(c, watched)


@dataclass(frozen=True)
class Alarms:
    """Shape (2, weeks, dyads): weeks of alarms, and weeks in which one is open."""

    raised: Bools
    open: Bools


def alarms(made: Sums, threshold: float | Floats, *, quiet: int = 8) -> Alarms:
    """Alarms at C > threshold, each counted once until ``quiet`` watched weeks in a row with C = 0.

    threshold: one for all, or shape (dyads,).
    """
    above, zero = made.c > threshold, made.c == 0
    raised, open_ = np.zeros_like(above), np.zeros_like(above)
    is_open = np.zeros(above.shape[::2], dtype=bool)
    zeros = np.zeros(above.shape[::2], dtype=np.int64)
    watched = np.flatnonzero(made.watched.any(axis=1))
    for week in range(watched[0] if len(watched) else len(zero), zero.shape[1]):
        seen = made.watched[week]
        zeros = np.where(seen, np.where(zero[:, week], zeros + 1, 0), zeros)
        is_open &= ~(seen & (zeros >= quiet))
        new = above[:, week] & seen & ~is_open
        is_open |= new
        raised[:, week], open_[:, week] = new, is_open
    return Alarms(raised, open_)


def false_alarms(found: Alarms, world: World, ref: References) -> tuple[float, float, float]:
    """(false alarms per dyad-year, its Monte-Carlo error, share of the time in which an alarm is open).

    Only weeks count in which the true mean is within TOLERANCE of that of the reference's weeks; a year is 52 of
    them. The error is that of a mean over dyads.
    """
    before = np.where(ref.inside, world.truth, 0).sum(axis=0) / ref.inside.sum(axis=0)
    after = np.arange(len(world.truth))[:, None] > ref.last
    same = after & (np.abs(world.truth - before) <= TOLERANCE)
    count = (found.raised & same).sum(axis=(0, 1))
    years = same.sum(axis=0) / YEAR
    rate = count.sum() / years.sum()
    error = np.sqrt(((count - rate * years) ** 2).sum()) / years.sum()
    return float(rate), float(error), float((found.open.any(axis=0) & same).sum() / same.sum())


def calibrate(made: Sums, dyad_years: float, rate: float, *, quiet: int = 8) -> float:
    """The lowest threshold, to .01, with at most ``rate`` alarms per dyad-year in a world without change."""
    low, high = 0, 12800
    while high - low > 1:
        middle = (low + high) // 2
        if alarms(made, middle / 100, quiet=quiet).raised.sum() > rate * dyad_years:
            low = middle
        else:
            high = middle
    if high == 12800:
        raise ValueError("no threshold below 128 keeps the rate")
    return high / 100


def shifted(world: World, size: float, since: int) -> World:
    """A true shift by ``size`` from a week on."""
    truth = world.truth.copy()
    truth[since:] += size
    return replace(world, m=world.m + (truth - world.truth), truth=truth)


def delays(found: Alarms, since: int) -> Floats:
    """Weeks from the shift to the alarm, 1 for the shift's own week, inf: never; dyads without an open alarm before."""
    ready = ~found.open[:, since - 1].any(axis=0)
    after = found.raised[:, since:].any(axis=0)[:, ready]
    return np.where(after.any(axis=0), after.argmax(axis=0) + 1.0, np.inf)
