"""May a coder stop at any time? Coverage of the confidence sequence over all looks together, and what it costs.

    python -m benchmarks.confirmation [--runs 4000] [--parts] [--full]

Simulated confirmations of known truth: four finite populations of texts (A and B in the alarm stretch and in the
reference), a model whose error differs between them, codings drawn without replacement, the sides in turn, and a
look after every one, from the first that is permitted until everything is coded. Beside the sequence stand a t interval
looked at once, at the planned number of codings (valid, narrower), a t interval looked at after every coding (invalid),
and the sequence without its floors and from five codings a side. Then the same where a person draws again while nothing
is confirmed. Writes nothing; exits 1 when a pinned figure is missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from pipeline.measure.balance import LEAST_CODINGS, LEVEL, PRIOR_FREEDOM, Borrowed, Moments, borrow, moments
from pipeline.measure.confirmation import (
    LEAST_CHANGE,
    LEAST_PER_SIDE,
    LEAST_VARIANCE,
    SIGNS,
    TUNING,
    codings_for,
    mixture_half_width,
    planned_information,
    prior_variance,
    text_variance,
)

FLOOR = 0.94
"""Share of confirmations in which the sequence holds the true change at all looks, in every world."""
MOST_FALSE = 0.06
"""Share of false confirmations where nothing changed and the coder stops at the first that is offered."""
FULL = 10_000
BATCH = 100
"""What the other audit cells lend is drawn anew after so many confirmations."""
SEED = 20090919

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]
Four = tuple[float, float, float, float]
Shares = tuple[tuple[float, float], ...]
"""of nationalist and of universalist texts, per side"""

EVEN: Shares = ((0.33, 0.33),) * 4
RARE: Shares = ((0.06, 0.02), (0.02, 0.06), (0.05, 0.05), (0.03, 0.01))
VERY_RARE: Shares = ((0.02, 0.0), (0.02, 0.0), (0.03, 0.0), (0.03, 0.0))


@dataclass(frozen=True)
class World:
    """A kind of confirmation. Sides in the order A and B in the alarm stretch, A and B in the reference."""

    title: str
    totals: tuple[int, int, int, int] = (200, 200, 200, 200)
    """N of each side"""
    shares: Shares = EVEN
    slopes: Four = (0.55, 0.55, 0.55, 0.55)
    """how far the model follows the codings: f = slope y + lean + noise, clipped to [-1, 1]"""
    leans: Four = (0.0, 0.0, 0.0, 0.0)
    """mean error of the model"""
    noises: Four = (0.35, 0.35, 0.35, 0.35)
    others: Shares | None = None
    """of the eight other audit cells with 20 codings each; None: as the sides; empty: nothing is borrowed"""
    planned: int = 160
    in_turn: bool = True
    """codings go round the four sides; False: after the first ten of each, one side after the other"""
    oversampled: bool = False
    """some texts, more often nationalist ones, have four times the chance; a quarter of each side is drawn"""

    @property
    def drawn(self) -> tuple[int, ...]:
        """How many texts of each side are there to be coded."""
        return tuple(total // 4 for total in self.totals) if self.oversampled else self.totals


COVERAGE = (
    World("plain"),
    World("many texts", totals=(1000, 1000, 1000, 1000)),
    World("few texts", totals=(15, 20, 30, 40), planned=60),
    World("very few texts", totals=(7, 11, 12, 14), planned=40),
    World(
        "unequal sides", (300, 40, 1000, 60), ((0.5, 0.2), (0.2, 0.5), (0.3, 0.3), (0.2, 0.4)), leans=(0, 0.1, 0, 0.1)
    ),
    World("mostly neither", (200, 150, 300, 120), RARE),
    World("nearly all neither", (100, 100, 300, 100), VERY_RARE),
    World(
        "the model breaks for A",
        (200, 120, 400, 150),
        ((0.6, 0.2), (0.3, 0.3), (0.3, 0.3), (0.3, 0.3)),
        slopes=(0.1, 0.55, 0.55, 0.55),
        leans=(-0.5, 0.1, 0, 0.1),
        noises=(0.5, 0.35, 0.35, 0.35),
    ),
    World(
        "a good model turns bad",
        slopes=(-0.5, 0.95, 0.95, 0.95),
        leans=(-0.6, 0, 0, 0),
        noises=(0.5, 0.1, 0.1, 0.1),
    ),
    World(
        "other cells are calm",
        shares=((0.45, 0.45),) * 4,
        slopes=(0.3, 0.3, 0.3, 0.3),
        others=((0.05, 0.05),) * 4,
    ),
    World(
        "the same, few texts",
        (40, 40, 40, 40),
        ((0.45, 0.45),) * 4,
        slopes=(0.3, 0.3, 0.3, 0.3),
        others=((0.05, 0.05),) * 4,
        planned=80,
    ),
    World("nothing to borrow", others=()),
    World("one side after another", in_turn=False),
    World("unequal draws", totals=(400, 300, 400, 300), oversampled=True),
)
UNCHANGED = (
    World("plain"),
    World("few texts", totals=(30, 20, 30, 20), planned=60),
    World("mostly neither", (200, 120, 200, 120), ((0.06, 0.02), (0.02, 0.06)) * 2),
    World(
        "the model breaks for A",
        (200, 120, 200, 120),
        slopes=(0.1, 0.55, 0.55, 0.55),
        leans=(-0.5, 0.1, 0, 0.1),
        noises=(0.5, 0.35, 0.35, 0.35),
    ),
    World("other cells are calm", shares=((0.45, 0.45),) * 4, slopes=(0.3,) * 4, others=((0.05, 0.05),) * 4),
)
"""Worlds in which the true change is exactly 0."""
CHANGES = (0.1, 0.2, 0.4)
AGAIN = 0.3
"""The change of the confirmations that are drawn again."""


def changed(change: float) -> World:
    """A world in which A becomes more nationalist and B more universalist, by half the change each."""
    moved = ((0.33 + change / 4, 0.33 - change / 4), (0.33 - change / 4, 0.33 + change / 4), (0.33, 0.33), (0.33, 0.33))
    return World(f"a change of {change}", (1000, 1000, 1000, 1000), moved, planned=200)


def looks(world: World, least: int) -> Counts:
    """Codings of each side after every coding, from the first look on; shape (looks, 4)."""
    most = np.array(world.drawn)
    first = np.minimum(LEAST_PER_SIDE, most)
    turns = np.repeat(np.arange(4), most)
    places = np.concatenate([np.arange(n) for n in most])
    # each coding's turn: its place in its own side, or after the first ten the side as a whole
    keys = places if world.in_turn else np.where(places < first[turns], places, most.max() + turns)
    order = turns[np.argsort(keys, kind="stable")]
    made = np.cumsum(order[:, None] == np.arange(4), axis=0)
    return made[(made >= np.minimum(least, most)).all(axis=1)]


def _labels(random: np.random.Generator, total: int, shares: tuple[float, float], runs: int) -> Floats:
    """Codings of ``runs`` populations, each with the same number of every value, in random order."""
    plus, minus = round(shares[0] * total), round(shares[1] * total)
    row = np.concatenate([np.ones(plus), -np.ones(minus), np.zeros(total - plus - minus)])
    return random.permuted(np.tile(row, (runs, 1)), axis=1)


def _model(random: np.random.Generator, y: Floats, slope: float, lean: float, noise: float) -> Floats:
    return np.clip(slope * y + lean + random.normal(0, noise, y.shape), -1, 1)


def others(random: np.random.Generator, world: World) -> Borrowed:
    """What eight other audit cells of 20 codings lend; the model is its old self in them."""
    shares = world.shares if world.others is None else world.others
    lenders: list[Moments] = []
    for i in range(8 if shares else 0):
        y = random.choice([1.0, -1.0, 0.0], 20, p=[*shares[i % 4], 1 - sum(shares[i % 4])])
        lenders.append(moments(_model(random, y, world.slopes[3], 0.0, world.noises[3]), y))
    return borrow(lenders)


@dataclass(frozen=True)
class Texts:
    """One side of many confirmations, in the order of coding; shape (runs, N)."""

    f: Floats
    y: Floats
    pi: Floats


def draw(random: np.random.Generator, world: World, runs: int) -> list[Texts]:
    """Four sides of ``runs`` confirmations."""
    sides = []
    for i, total in enumerate(world.totals):
        y = _labels(random, total, world.shares[i], runs)
        f = _model(random, y, world.slopes[i], world.leans[i], world.noises[i])
        pi = np.full(y.shape, 0.1)
        if world.oversampled:
            # Pareto sampling (Rosen 1997): the m smallest ranks, each text in with nearly its chance; then any order.
            m = world.drawn[i]
            often = np.where(random.random(y.shape) < 0.4 + 0.2 * y, 4.0, 1.0)
            pi = often * m / often.sum(axis=1, keepdims=True)
            uniform = random.random(y.shape)
            ranks = uniform / (1 - uniform) * (1 - pi) / pi
            order = ranks.argsort(axis=1)
            order[:, :m] = random.permuted(order[:, :m], axis=1)
            f, y, pi = (np.take_along_axis(each, order, axis=1) for each in (f, y, pi))
        sides.append(Texts(f, y, pi))
    return sides


WITHOUT = ("S2 >= own", "S2 >= .05")
"""Floors of the variance, in the order in which :func:`follow` leaves them out."""


@dataclass(frozen=True)
class Path:
    """Estimates of many confirmations at every look; shape (runs, looks)."""

    change: Floats
    variance: Floats
    """with the floors"""
    plain: Floats
    """without them, as a gap has it"""
    freedom: Floats
    """shape (looks,)"""
    without: dict[str, Floats]
    """with all floors but one"""


def follow(sides: list[Texts], counts: Counts, borrowed: Borrowed) -> Path:
    """All looks at once: the sums over the first n codings are running sums.

    The formulas of :func:`pipeline.measure.confirmation.confirm`; a test holds the two against each other.
    """
    change, variance, plain = 0.0, 0.0, 0.0
    without = dict.fromkeys(WITHOUT, np.zeros(1))
    freedom = np.full(len(counts), float(borrowed.freedom))
    prior = prior_variance(borrowed)
    for sign, side, n in zip(SIGNS, sides, counts.T, strict=True):
        total = side.y.shape[1]
        at = n - 1
        e, w = side.y - borrowed.lam * side.f, 1 / side.pi
        sw, swe, sw2, swee = (np.cumsum(each, axis=1)[:, at] for each in (w, w * e, w * w, w * e * e))
        s2e, s2ee = (np.cumsum(each, axis=1)[:, at] for each in (w * w * e, w * w * e * e))
        mean = swe / sw
        # sum of (1 - chance) w^2 (e - mean)^2 with chance w = sum(w)/N, multiplied out
        part = np.maximum(sw2 - sw * sw / total, 1e-12)
        squares = s2ee - 2 * mean * s2e + mean**2 * sw2 - sw / total * (swee - mean * swe)
        own = n / (n - 1) * np.maximum(squares, 0) / part
        change = change + sign * np.where(
            n < total, borrowed.lam * side.f.mean(axis=1, keepdims=True) + mean, side.y.mean(axis=1, keepdims=True)
        )
        weight = np.where(n < total, part / sw**2, 0.0)
        lent = borrowed.freedom
        pooled = ((n - 1) * own + PRIOR_FREEDOM * prior) / (n - 1 + PRIOR_FREEDOM)
        variance = variance + weight * text_variance(n, own, prior)
        plain = plain + weight * ((n - 1) * own + lent * borrowed.s2) / (n - 1 + lent)
        for name, s2 in zip(WITHOUT, (np.maximum(pooled, LEAST_VARIANCE), np.maximum(pooled, own)), strict=True):
            without[name] = without[name] + weight * s2
        freedom += np.where(n < total, n - 1, 0)
    return Path(np.asarray(change), np.asarray(variance), np.asarray(plain), np.maximum(freedom, 1), without)


def truth(sides: list[Texts]) -> Floats:
    """The true change of every confirmation; shape (runs, 1)."""
    return np.asarray(sum(sign * side.y.mean(axis=1, keepdims=True) for sign, side in zip(SIGNS, sides, strict=True)))


@dataclass(frozen=True)
class Outcome:
    """One batch: what each method says at every look; shape (runs, looks)."""

    counts: Counts
    change: Floats
    truth: Floats
    half: dict[str, Floats]

    def misses(self, method: str) -> NDArray[np.bool_]:
        """Where the true change lies outside."""
        return np.asarray(np.abs(self.change - self.truth) > self.half[method] + 1e-9)

    def excludes(self, method: str) -> NDArray[np.bool_]:
        """Where 0 lies outside."""
        return np.asarray(np.abs(self.change) > self.half[method] + 1e-9)

    def confirms(self, method: str) -> NDArray[np.bool_]:
        """Where 0 lies outside and the change is large enough to be confirmed."""
        return np.asarray(self.excludes(method) & (np.abs(self.change) >= LEAST_CHANGE))


SEQUENCE, T, BARE, FROM_FIVE = "sequence", "t", "bare", "from five"


def simulate(world: World, runs: int, *, parts: bool = False, seed: int = SEED) -> Iterator[Outcome]:
    """Batches of confirmations of a world, in all ``runs`` or a few more; ``parts``: also with each floor left out."""
    for batch in range(-(-runs // BATCH)):
        random = np.random.default_rng([seed, batch, *world.title.encode()])
        borrowed = others(random, world)
        sides = draw(random, world, BATCH)
        counts = looks(world, LEAST_CODINGS)
        path = follow(sides, counts, borrowed)
        rho = planned_information(world.planned, world.totals, prior_variance(borrowed)) / TUNING
        half = {
            SEQUENCE: mixture_half_width(path.variance, rho),
            BARE: mixture_half_width(path.plain, rho),
            T: stdtrit(path.freedom, (1 + LEVEL) / 2) * np.sqrt(path.plain),
        }
        half |= {name: mixture_half_width(variance, rho) for name, variance in path.without.items()} if parts else {}
        half[FROM_FIVE] = half[SEQUENCE].copy()
        early = (counts < np.minimum(LEAST_PER_SIDE, np.array(world.totals))).any(axis=1)
        for name in (SEQUENCE, *WITHOUT):
            if name in half:
                half[name][:, early] = np.inf  # not a look yet
        yield Outcome(counts, path.change, truth(sides), half)


@dataclass(frozen=True)
class Coverage:
    """Of one world."""

    sequence: float
    """share of confirmations in which the sequence holds the truth at all looks"""
    bare: float
    """the same without floors and from five codings a side"""
    peeking: float
    """the same of a t interval"""
    once: float
    """share in which the t interval holds it at the planned number of codings"""
    half: float
    """mean half-width of the sequence there"""
    half_once: float
    """mean half-width of the t interval there"""


def coverage(world: World, runs: int) -> Coverage:
    """Coverage over all looks together, and widths at the planned number of codings."""
    rows = []
    for made in simulate(world, runs):
        at = int(np.abs(made.counts.sum(axis=1) - world.planned).argmin())
        kept = [~made.misses(method).any(axis=1) for method in (SEQUENCE, BARE, T)]
        widths = [made.half[method][:, at] for method in (SEQUENCE, T)]
        rows.append(np.stack([*kept, ~made.misses(T)[:, at], *widths]).astype(float))
    return Coverage(*np.concatenate(rows, axis=1).mean(axis=1).tolist())


def parts(world: World, runs: int) -> dict[str, float]:
    """Coverage of the sequence as it is, and with each of its precautions left out."""
    names = (SEQUENCE, *WITHOUT, FROM_FIVE)
    kept = [[~made.misses(name).any(axis=1) for name in names] for made in simulate(world, runs, parts=True)]
    return dict(zip(names, np.concatenate(kept, axis=1).mean(axis=1).tolist(), strict=True))


def false_confirmations(world: World, runs: int) -> tuple[float, float]:
    """Share of confirmations without any change that end confirmed at some look: by the sequence, by t."""
    ends = [[made.confirms(method).any(axis=1) for method in (SEQUENCE, T)] for made in simulate(world, runs)]
    sequence, t = np.concatenate(ends, axis=1).mean(axis=1).tolist()
    return sequence, t


DRAWS = 4
"""The first, and three more when it did not confirm."""
PLANS = (40, 80, 160, 320, 640)
"""Among these, which shape the sequence, a person chooses after the answers."""


@dataclass(frozen=True)
class Redrawn:
    """Share of confirmations that end confirmed by the first, second, ... draw, each as large as was planned."""

    goes_on: list[float]
    """one sample, which every draw goes on with, and one plan"""
    spends: list[float]
    """each draw forgets the ones before; the k-th at the level .05/2^k"""
    forgets: list[float]
    """each draw forgets the ones before, at the level .05"""
    plan_after: float
    """the first draw, its plan chosen after the answers"""


def _again(random: np.random.Generator, side: Texts) -> Texts:
    """The same texts, drawn anew."""
    order = random.random(side.y.shape).argsort(axis=1)
    return Texts(*(np.take_along_axis(each, order, axis=1) for each in (side.f, side.y, side.pi)))


def redrawn(world: World, runs: int) -> Redrawn:
    """Confirmations whose coder looks after every coding, and draws again while nothing is confirmed."""
    every = looks(world, LEAST_PER_SIDE)
    rows = []
    for batch in range(-(-runs // BATCH)):
        random = np.random.default_rng([SEED, batch, 1, *world.title.encode()])
        borrowed = others(random, world)
        sides = draw(random, world, BATCH)
        prior = prior_variance(borrowed)
        rho = planned_information(world.planned, world.totals, prior) / TUNING

        def confirms(path: Path, rho: float, narrower: float = 1.0) -> NDArray[np.bool_]:
            # ln(x / alpha^2) with a smaller alpha
            half = mixture_half_width(path.variance, rho)
            information = 1 / np.maximum(path.variance, 1e-12)
            half = np.sqrt(half**2 + (information + rho) * np.log(narrower**2) / information**2)
            sure = (np.abs(path.change) > half + 1e-9) & (np.abs(path.change) >= LEAST_CHANGE)
            return np.asarray(sure.any(axis=1))

        first = every[every.sum(axis=1) <= world.planned]
        goes_on, spends, forgets = [], [], []
        for number in range(1, DRAWS + 1):
            so_far = every[every.sum(axis=1) <= number * world.planned]
            goes_on.append(confirms(follow(sides, so_far, borrowed), rho))
            anew = follow([_again(random, side) for side in sides], first, borrowed)
            spends.append(confirms(anew, rho, 2.0**number))
            forgets.append(confirms(anew, rho))
        path = follow(sides, first, borrowed)
        after = [confirms(path, planned_information(plan, world.totals, prior) / TUNING) for plan in PLANS]
        rows.append([*(np.logical_or.accumulate(each) for each in (goes_on, spends, forgets)), [np.any(after, axis=0)]])
    shares = [np.concatenate([row[i] for row in rows], axis=1).mean(axis=1).tolist() for i in range(4)]
    return Redrawn(*shares[:3], plan_after=shares[3][0])


@dataclass(frozen=True)
class Needed:
    """Codings in all until 0 is excluded: in half of the confirmations, and in four of five."""

    sequence: tuple[int, int]
    once: tuple[int, int]
    """of a t interval: the numbers at which that share of intervals, looked at once, exclude 0"""
    peeking: tuple[int, int]
    reckoned: int | None
    """by codings_for"""
    peeking_covers: float


def needed(change: float, runs: int) -> Needed:
    """Codings that a change takes."""
    world = changed(change)
    first: dict[str, list[Floats]] = {SEQUENCE: [], T: []}
    shares_once, covers = [], []
    for made in simulate(world, runs):
        codings = made.counts.sum(axis=1)
        for method, stops in first.items():
            found = made.excludes(method)
            stops.append(np.where(found.any(axis=1), codings[found.argmax(axis=1)], codings[-1]))
        shares_once.append(made.excludes(T).mean(axis=0))
        covers.append(~made.misses(T).any(axis=1))
    random = np.random.default_rng(SEED)
    variance = float(np.mean([prior_variance(others(random, world)) for _ in range(BATCH)]))

    def shares(stops: list[Floats]) -> tuple[int, int]:
        low, high = np.quantile(np.concatenate(stops), [0.5, 0.8])
        return int(low), int(high)

    share = np.mean(shares_once, axis=0)
    once = [int(codings[int((share >= goal).argmax())]) for goal in (0.5, 0.8)]
    return Needed(
        shares(first[SEQUENCE]),
        (once[0], once[1]),
        shares(first[T]),
        codings_for(change, world.totals, variance),
        float(np.concatenate(covers).mean()),
    )


def main() -> int:
    """Print all tables; 1 when a pinned figure is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=4000, help="confirmations per world")
    parser.add_argument("--full", action="store_true", help=f"{FULL:,} confirmations per world")
    parser.add_argument("--parts", action="store_true", help="also the coverage with each precaution left out")
    given = parser.parse_args()
    runs = FULL if given.full else given.runs
    missed = []

    print(f"Coverage of the true change at all looks together, {runs:,} confirmations a world; goal .95, floor {FLOOR}")
    print(f"  {'':24}{'texts a side':>20}{'sequence':>10}{'bare':>8}{'t, each look':>14}{'t, once':>9}", end="")
    print("   half-width at plan: sequence, t")
    for world in COVERAGE:
        made = coverage(world, runs)
        print(
            f"  {world.title:24}{'/'.join(map(str, world.totals)):>20}{made.sequence:10.3f}{made.bare:8.3f}"
            f"{made.peeking:14.3f}{made.once:9.3f}{made.half:18.2f}{made.half_once:8.2f}"
        )
        if made.sequence < FLOOR:
            missed.append(f"{world.title}: coverage {made.sequence:.3f} is below {FLOOR}")
    print("  bare: the same formula without floors of the variance, looked at from five codings a side")

    if given.parts:
        print(f"\nCoverage with one precaution left out, {runs:,} confirmations a world")
        print(f"  {'':24}{'none':>10}" + "".join(f"{name:>12}" for name in WITHOUT) + f"{'ten a side':>12}")
        for world in COVERAGE:
            covers = parts(world, runs)
            print(f"  {world.title:24}{covers.pop(SEQUENCE):10.3f}" + "".join(f"{c:12.3f}" for c in covers.values()))

    print(
        f"\nFalse confirmations: no change, the coder stops as soon as it is confirmed; goal .05, at most {MOST_FALSE}"
    )
    print(f"  {'':24}{'sequence':>10}{'t, each look':>14}")
    for world in UNCHANGED:
        sequence, t = false_confirmations(world, runs)
        print(f"  {world.title:24}{sequence:10.3f}{t:14.3f}")
        if sequence > MOST_FALSE:
            missed.append(f"{world.title}: {sequence:.3f} false confirmations are more than {MOST_FALSE}")

    some = runs if given.full else runs // 4
    print(
        f"\nDrawn again while nothing is confirmed, up to {DRAWS} draws, {some:,} confirmations; at most {MOST_FALSE}"
    )
    print(f"  {'':24}{'goes on':>28}{'forgets, at .05/2^k':>28}{'forgets, at .05':>28}{'plan after':>12}")
    for world in (*UNCHANGED, changed(AGAIN)):
        again = redrawn(world, some)
        print(
            f"  {world.title:24}"
            + "".join(
                "".join(f"{share:7.3f}" for share in shares) for shares in (again.goes_on, again.spends, again.forgets)
            )
            + f"{again.plan_after:12.3f}"
        )
        if world in UNCHANGED and again.goes_on[-1] > MOST_FALSE:
            missed.append(f"{world.title}: {again.goes_on[-1]:.3f} false after {DRAWS} draws, more than {MOST_FALSE}")

    fewer = max(BATCH, runs // 10)
    print(f"\nCodings in all until 0 is excluded, 1,000 texts a side, 200 planned, {fewer:,} confirmations")
    print(
        f"  {'true change':>14}{'sequence':>22}{'t, once':>22}{'t, each look':>22}{'(covers)':>10}{'codings_for':>13}"
    )
    print(f"  {'':14}" + f"{'half':>14}{'4 of 5':>8}" * 3)
    for change in CHANGES:
        found = needed(change, fewer)
        print(
            f"  {change:14.1f}"
            + "".join(f"{half:14,}{most:8,}" for half, most in (found.sequence, found.once, found.peeking))
            + f"{found.peeking_covers:10.3f}{found.reckoned or 0:13,}"
        )

    print(
        "\n"
        + (
            "\n".join(missed)
            or f"Every coverage is at least {FLOOR}, and no more false confirmations than {MOST_FALSE}."
        )
    )
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
