"""What do *unclear* answers do to audits and to confirmations?

    python -m benchmarks.unclear [--runs 600] [--full]

Texts whose truth is hard: each is unclear or not, for every coder, with a chance that grows with its true balance y and
with the model's balance f of it: in proportion to exp(a y + b f), in all 0, .1 or .3 of the texts. Two truths are
asked for: the mean balance of the texts that coders can decide, and that of all texts, as if the unclear ones could be
decided too. Audits (:func:`pipeline.measure.balance.balance`) leave unclear texts uncoded among the N; beside that
stands the same audit as a side of a confirmation (:func:`pipeline.measure.confirming.side_balance`). Confirmations are
looked at after every answer, in every world where nothing changed; beside the sequence stands the one whose unclear
texts leave the N of their side, as they did before. Writes nothing; exits 1 when a pinned figure is missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.confirmation import BATCH, SEED, UNCHANGED, Floats, World, draw, looks, others
from pipeline.measure.balance import Borrowed, balance
from pipeline.measure.confirmation import (
    LEAST_PER_SIDE,
    LEAST_VARIANCE,
    SIGNS,
    TUNING,
    Side,
    mixture_half_width,
    planned_information,
    prior_variance,
    text_variance,
)
from pipeline.measure.confirming import side_balance

Bools = NDArray[np.bool_]

SHARES = (0.0, 0.1, 0.3)
TEXTS, ANSWERED = 200, (20, 40, 80)
FLOOR = 0.93
"""Share of confirmations in which the sequence holds the change of the decidable texts at all looks, in every world.
Coverage, too, of an audit where any text may be unclear, and of a side of a confirmation, whichever are."""
FULL = 4000


@dataclass(frozen=True)
class Hard:
    """Which texts are unclear: with a chance in proportion to exp(a y + b f)."""

    title: str
    a: float = 0.0
    b: float = 0.0

    def of(self, random: np.random.Generator, f: Floats, y: Floats, share: float) -> Bools:
        """Which of the texts are; shape (runs, N), ``share`` of them in the mean of each run."""
        weight = np.exp(self.a * y + self.b * f)
        made: Bools = random.random(y.shape) < np.minimum(1.0, share * weight / weight.mean(axis=1, keepdims=True))
        return made


KINDS = (
    Hard("any text"),
    Hard("by its truth", a=1.5),
    Hard("by the model's score", b=1.5),
    Hard("by both", a=1.0, b=1.0),
    Hard("where the model errs", a=-1.5, b=1.5),
)
PLAIN = World("plain")


def mean_of(y: Floats, which: Bools) -> Floats:
    """Mean of the texts that are meant; shape (runs,)."""
    return np.asarray((y * which).sum(axis=1) / which.sum(axis=1))


@dataclass(frozen=True)
class Found:
    """Of one rule: bias and coverage of each truth."""

    bias: float
    """against the texts that can be decided"""
    decided: float
    """coverage of their mean"""
    every: float
    """coverage of the mean of all texts"""
    half: float
    """mean half-width; of a confirmation at the planned number of answers"""


def audits(kind: Hard, share: float, answered: int, runs: int) -> tuple[Found, Found]:
    """Audits of cells of 200 texts: with the rule as it is, and as a side of a confirmation."""
    rows = []
    for batch in range(-(-runs // BATCH)):
        random = np.random.default_rng([SEED, batch, answered, *kind.title.encode(), round(10 * share)])
        lent, side = others(random, PLAIN), draw(random, PLAIN, BATCH)[0]
        unclear = kind.of(random, side.f, side.y, share)
        truths = mean_of(side.y, ~unclear), side.y.mean(axis=1)
        for i in range(BATCH):
            shown = np.arange(TEXTS) < answered
            y = np.where(shown & ~unclear[i], side.y[i], np.nan)
            row = []
            one = Side(side.f[i], y, unclear=shown & unclear[i])
            for made in (balance(side.f[i], y, lent), side_balance(one, lent)):
                assert made.interval is not None
                low, high = made.interval.low - 1e-9, made.interval.high + 1e-9
                holds = [low <= truth[i] <= high for truth in truths]
                row.append([made.value - truths[0][i], *holds, (high - low) / 2])
            rows.append(row)
    of_rules = np.mean(np.array(rows, dtype=float), axis=0).tolist()
    return Found(*of_rules[0]), Found(*of_rules[1])


@dataclass(frozen=True)
class Answered:
    """One side of many confirmations, in the order of answering; shape (runs, N)."""

    f: Floats
    y: Floats
    unclear: Bools


@dataclass(frozen=True)
class Path:
    """Estimates at every look; shape (runs, looks)."""

    change: Floats
    variance: Floats
    early: Bools
    """too few codings for a look"""


def follow(sides: list[Answered], counts: NDArray[np.int64], lent: Borrowed, *, leave: bool) -> Path:
    """All looks at once, by running sums over the first n answers of each side.

    The formulas of :func:`pipeline.measure.confirmation.confirm`; a test holds the two against each other. leave:
    what is unclear leaves the N of its side, and the rest is as if it had never been there.
    """
    change, variance, early = 0.0, 0.0, np.zeros((1, 1), dtype=bool)
    lam, prior = lent.lam, prior_variance(lent)
    for sign, side, n in zip(SIGNS, sides, counts.T, strict=True):
        at, total = n - 1, side.y.shape[1]
        clear = (~side.unclear).astype(float)
        of = (clear, clear * side.y, clear * side.y**2, clear * side.y * side.f, clear * side.f, clear * side.f**2)
        k, sy, syy, syf, sf, sff = (np.cumsum(each, axis=1)[:, at] for each in of)
        f, ff = (np.cumsum(each, axis=1)[:, at] for each in (side.f, side.f**2))
        early = early | (k < np.minimum(LEAST_PER_SIDE, total - (n - k)))
        safe = np.maximum(k, 2)
        c = sy / safe
        yy, yf = syy - sy * c, syf - sf * c  # about c
        whole = side.f.sum(axis=1, keepdims=True)
        if leave:
            answers, stretch = safe, np.ones(k.shape)
            model = lam * ((whole - (f - sf)) / (total - (n - k)) - sf / safe)
            own = (yy - 2 * lam * yf + lam**2 * (sff - sf**2 / safe)) / (safe - 1)
        else:
            answers, stretch = np.broadcast_to(n, k.shape), n / safe
            model = lam * (whole / total - f / n)
            own = (stretch**2 * yy - 2 * lam * stretch * yf + lam**2 * (ff - f**2 / n)) / (n - 1)
        of_unclear = (stretch - 1) * lam**2 * side.f.var(axis=1, keepdims=True)
        s2 = text_variance(
            safe, np.maximum(own, 0), prior * stretch + of_unclear, LEAST_VARIANCE * stretch + of_unclear
        )
        done = n == total
        change = change + sign * (c + np.where(done, 0.0, model))
        variance = variance + np.where(done, 0.0, (1 - safe / np.maximum(total - (n - k), safe)) * s2 / answers)
    return Path(np.asarray(change), np.asarray(variance), early)


@dataclass(frozen=True)
class Confirmed:
    """Of one rule of confirmations."""

    bias: float
    """at the planned number of answers, against the change in the texts that can be decided"""
    looks: float
    """share of confirmations in which the sequence holds that change at all looks"""
    every: float
    """share in which it holds the change of all texts, at the planned number of answers"""
    half: float
    """mean half-width there; bias, this share and the half-width are of those that may be looked at by then"""


def confirmations(world: World, kind: Hard, share: float, runs: int) -> tuple[Confirmed, Confirmed]:
    """Confirmations with the rule as it is, and where unclear texts leave the N of their side.

    A's texts in the alarm stretch are unclear by ``kind``, those of the other three sides any text with that chance.
    """
    rows = []
    for batch in range(-(-runs // BATCH)):
        random = np.random.default_rng([SEED, batch, *kind.title.encode(), round(10 * share)])
        lent = others(random, world)
        sides = [
            Answered(side.f, side.y, (KINDS[0] if i else kind).of(random, side.f, side.y, share))
            for i, side in enumerate(draw(random, world, BATCH))
        ]
        counts = looks(world, LEAST_PER_SIDE)
        at = int(np.abs(counts.sum(axis=1) - world.planned).argmin())
        of_sides = [(mean_of(side.y, ~side.unclear), side.y.mean(axis=1)) for side in sides]
        decided, every = np.tensordot(SIGNS, np.array(of_sides), axes=1)
        rho = planned_information(world.planned, world.totals, prior_variance(lent)) / TUNING
        of_rules = []
        for leave in (False, True):
            path = follow(sides, counts, lent, leave=leave)
            half = mixture_half_width(path.variance, rho) + 1e-9
            missed = ~path.early & (np.abs(path.change - decided[:, None]) > half)
            at_plan = np.stack([path.change - decided[:, None], np.abs(path.change - every[:, None]) <= half, half])
            bias, near, width = np.where(path.early, np.nan, at_plan)[:, :, at]
            of_rules.append(np.stack([bias, ~missed.any(axis=1), near, width]))
        rows.append(np.array(of_rules, dtype=float))
    found = np.nanmean(np.concatenate(rows, axis=2), axis=2).tolist()
    return Confirmed(*found[0]), Confirmed(*found[1])


def main() -> int:
    """Print both tables; 1 when a pinned figure is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=600, help="audits, and confirmations, of each kind")
    parser.add_argument("--full", action="store_true", help=f"{FULL:,} of each")
    given = parser.parse_args()
    runs = FULL if given.full else given.runs
    missed = []

    def rows() -> Iterator[tuple[Hard, float]]:
        yield KINDS[0], 0.0
        yield from ((kind, share) for share in SHARES[1:] for kind in KINDS)

    print(
        f"Audits of {TEXTS} texts, {runs:,} each: bias against the decidable texts, coverage of these, coverage of all"
    )
    print(
        f"texts, half-width; as audits are, and as a side of a confirmation; floor {FLOOR}, of audits as they are only"
    )
    print("where any text may be unclear")
    print(f"  {'unclear':30}{'answered':>9}{'as audits are':>35}{'as a side of a confirmation':>35}")
    for kind, share in rows():
        for answered in ANSWERED:
            both = audits(kind, share, answered, runs)
            print(
                f"  {share:4.0%} {kind.title:25}{answered:9}"
                + "".join(f"{one.bias:+14.3f}{one.decided:7.3f}{one.every:7.3f}{one.half:7.2f}" for one in both)
            )
            if kind is KINDS[0] and both[0].decided < FLOOR:
                missed.append(f"audits, {share:.0%}, {answered} answered: {both[0].decided:.3f} is below {FLOOR}")
            if both[1].decided < FLOOR:
                missed.append(
                    f"sides, {share:.0%} {kind.title}, {answered} answered: {both[1].decided:.3f} is below {FLOOR}"
                )

    print(
        f"\nConfirmations, {runs:,} each: bias, coverage of the decidable texts at all looks, of all texts at the plan,"
    )
    print(f"half-width at the plan; as they are, and where what is unclear leaves the N of its side; floor {FLOOR}")
    for world in UNCHANGED:
        print(f"  {world.title:30}{'as they are':>35}{'leaves the N':>35}")
        for kind, share in rows():
            pair = confirmations(world, kind, share, runs)
            print(
                f"  {share:4.0%} {kind.title:25}"
                + "".join(f"{one.bias:+14.3f}{one.looks:7.3f}{one.every:7.3f}{one.half:7.2f}" for one in pair)
            )
            if pair[0].looks < FLOOR:
                missed.append(f"{world.title}, {share:.0%} {kind.title}: {pair[0].looks:.3f} is below {FLOOR}")

    print("\n" + ("\n".join(missed) or f"No coverage that is checked is below {FLOOR}."))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
