"""Do change points keep their promises? python -m benchmarks.change_points [--full]

*Series without a change*: how often one is found (asked for: 5%), at lengths that the table of constants holds and at
lengths and autocorrelations between its entries, beside PELT with the penalties of textbooks (2 ln n, and ln n as the
documentation of ruptures has it) and binary segmentation as ruptures has it by default (jump 5), all on the same
standardised series. *Steps* of half to three standard deviations, in the middle, at the quarters and five points from
either end: how often the set of dates holds the true one, an undetected step counting as the whole range; how large the
sets are; and how often the others' single date is right. All scales are estimated from the first points, as in the job.
Exits 1 when a floor is missed.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from ruptures import Binseg
from scipy.signal import lfilter

from benchmarks.change_point_constants import (
    Floats,
    needed_cutoffs,
    noise,
    partition,
    positions,
    saved,
    scale,
    set_sizes,
    step_series,
)
from pipeline.measure.change_points import change_points, read_constants

SEED = 20091022
ERROR = (0.04, 0.06)
"""Family-wise error, asked for. The floors below are wider by what chance does to so few series."""
ERROR_FLOORS = {False: (0.035, 0.065), True: (0.04, 0.06)}
"""Least and most family-wise error of any row; at default size, and with --full."""
COVERAGE = 0.95
COVERAGE_FLOORS = {False: 0.93, True: 0.94}
"""Least coverage of any step size, over all positions."""
STEPS = (0.5, 1.0, 2.0, 3.0)

CALM = ((24, 48, 0.3), (24, 120, 0.3), (52, 66, 0.3), (52, 104, 0.0), (52, 104, 0.3), (52, 104, 0.6), (52, 260, 0.3))
CALM += ((52, 260, 0.6), (52, 180, 0.45), (52, 520, 0.3))
CALM_FULL = tuple(
    (r, n, phi) for r in (24, 52) for n in (48, 66, 104, 180, 260, 380, 520) for phi in (0, 0.3, 0.45, 0.6)
)
"""Reference, length, autocorrelation."""
STRAINS = {
    "heavy tails": "noise with heavy tails (t with 5 degrees of freedom)",
    "missing weeks": "one week in five missing at random",
    "calm reference": "a reference a tenth calmer (standard deviation) than what follows",
}
STEPPED = ((52, 104, 0.0), (52, 104, 0.3), (52, 104, 0.6), (52, 260, 0.3), (24, 60, 0.3))
STEPPED_FULL = tuple(
    (r, n, phi) for r, n in ((24, 60), (24, 120), (52, 104), (52, 260), (52, 520)) for phi in (0, 0.3, 0.6)
)

Bools = NDArray[np.bool_]


def binary_segmentation_finds(z: Floats, penalty: float) -> Bools:
    """Whether ruptures' Binseg, as it is by default, finds any change: its first split decides. Shape (series,)."""
    n, sums = len(z), np.cumsum(z, axis=0)
    left = np.arange(5, n - 1, 5)[:, None]  # every fifth point, two or more from either end
    head, total = sums[left[:, 0] - 1], sums[-1]
    gains = head**2 / left + (total - head) ** 2 / (n - left) - total**2 / n
    return np.asarray(gains.max(axis=0) > penalty)


@dataclass(frozen=True)
class Errors:
    """Share of series without a change in which one was found."""

    ours: float
    independent: float
    """ours, with the constants of noise without memory"""
    two_logs: float
    """PELT, 2 ln n"""
    log: float
    """PELT, ln n"""
    binary: float
    """binary segmentation, ln n"""


def errors(reference: int, n: int, phi: float, series: int, others: int) -> Errors:
    """``series``: simulated for ours; ``others``: how many of them the baselines see."""
    rng = np.random.default_rng([SEED, reference, n, round(100 * phi)])
    z = noise(rng, series, n, phi)
    z /= scale(z, reference)
    constants, few = read_constants(), z[:, :others]

    def found(some: Floats, penalty: float) -> float:
        return float(partition(some, penalty).any(axis=0).mean())

    return Errors(
        found(z, constants.at(n, reference=reference, phi=phi).penalty),
        found(few, constants.at(n, reference=reference, phi=0.0).penalty),
        found(few, 2 * np.log(n)),
        found(few, np.log(n)),
        float(binary_segmentation_finds(few, np.log(n)).mean()),
    )


@dataclass(frozen=True)
class Dated:
    """What became of steps of one size, over all positions."""

    found: float
    """share of series in which any change was found"""
    one: float
    """share in which exactly one was"""
    covered: float
    """share in which a set holds the true date; nothing found counts as covered"""
    covered_if_found: float
    exact: float
    """share in which a found date is the true one"""
    worst: float
    """coverage at the position where it is least"""
    size: float
    """median size of the sets, in points; NaN where nothing was found"""
    error: float
    """root mean squared error of the level, in standard deviations"""
    error_never: float
    """the same of the one level throughout"""
    two_logs: tuple[float, float]
    """``one`` and ``exact`` of PELT with 2 ln n"""
    binary: tuple[float, float]
    """the same of binary segmentation, which by default looks at every fifth point only"""


def dated(reference: int, n: int, phi: float, step: float, series: int, others: int) -> Dated:
    """``series``: per position; ``others``: how many of them binary segmentation sees (it is slow)."""
    rng = np.random.default_rng([SEED, reference, n, round(100 * phi), round(100 * step)])
    limits = read_constants().at(n, reference=reference, phi=phi)
    per_position, sizes, binary = [], [], []
    for at in positions(n):
        raw = step_series(rng, series, n, phi, step, at)
        spread = scale(raw, reference)
        z = raw / spread
        changes = partition(z, limits.penalty)
        any_found = changes.any(axis=0)
        held = needed_cutoffs(z, changes, at) <= limits.cutoff
        sizes.append(set_sizes(z, changes, limits.cutoff))
        level = np.where(np.arange(n) >= at, step, 0.0)[:, None]
        # of the noise-free level: what the partition's means miss
        fitted = segment_means(raw, changes)
        textbook = partition(z, 2 * np.log(n))
        per_position.append(
            (
                any_found.mean(),
                (changes.sum(axis=0) == 1).mean(),
                held.mean(),
                (held & any_found).mean(),
                changes[at].mean(),
                ((fitted - level) ** 2).mean(),
                ((raw.mean(axis=0) - level) ** 2).mean(),
                (textbook.sum(axis=0) == 1).mean(),
                textbook[at].mean(),
            )
        )
        for k in range(others):
            ends = Binseg(model="l2").fit(z[:, k]).predict(pen=np.log(n))
            binary.append((len(ends) == 2, at in ends))
    table = np.array(per_position)
    found, one, covered, both, exact, miss, miss_never, textbook_one, textbook_exact = table.mean(axis=0)
    binary_one, binary_exact = np.mean(binary, axis=0) if binary else (np.nan, np.nan)
    all_sizes = np.concatenate(sizes)
    return Dated(
        found=float(found),
        one=float(one),
        covered=float(covered),
        covered_if_found=float(both / found) if found else float("nan"),
        exact=float(exact),
        worst=float(table[:, 2].min()),
        size=float(np.median(all_sizes)) if len(all_sizes) else float("nan"),
        error=float(miss**0.5),
        error_never=float(miss_never**0.5),
        two_logs=(float(textbook_one), float(textbook_exact)),
        binary=(float(binary_one), float(binary_exact)),
    )


def segment_means(z: Floats, changes: Bools) -> Floats:
    """Each point's mean of its segment; shapes (n, series)."""
    n, series = z.shape
    segment = (np.cumsum(changes, axis=0) + np.arange(series) * n).ravel()
    sums = np.bincount(segment, weights=z.ravel(), minlength=n * series)
    counts = np.bincount(segment, minlength=n * series)
    return np.asarray((sums[segment] / counts[segment]).reshape(n, series))


def strained(what: str, series: int, reference: int = 52, n: int = 104, phi: float = 0.3) -> float:
    """Family-wise error where an assumption fails; ``what``: heavy tails, missing weeks or calm reference."""
    rng = np.random.default_rng([SEED, 2, len(what)])
    z = noise(rng, series, n, phi)
    if what == "heavy tails":
        # t with 5 degrees of freedom, of variance 1
        shocks = rng.standard_t(5, (n + 50, series)) * (0.6 * (1 - phi**2)) ** 0.5
        z = lfilter([1.0], [1.0, -phi], shocks, axis=0)[50:]
    elif what == "missing weeks":
        longer = noise(rng, series, n * 5 // 4, phi)
        kept = np.sort(rng.permuted(np.tile(np.arange(len(longer)), (series, 1)), axis=1)[:, :n], axis=1).T
        z = np.take_along_axis(longer, kept, axis=0)
    elif what == "calm reference":
        z[:reference] *= 0.9
    else:
        raise ValueError(f"unknown strain {what!r}")
    z = z / scale(z, reference)
    penalty = read_constants().at(n, reference=reference, phi=phi).penalty
    return float(partition(z, penalty).any(axis=0).mean())


def agreement(series: int, n: int = 104, phi: float = 0.3) -> int:
    """In how many series the shipped function (ruptures' PELT) finds what the fast recursion of this benchmark does."""
    rng = np.random.default_rng([SEED, 1])
    z = step_series(rng, series, n, phi, 1.5, n // 2)
    z /= scale(z, 52)
    limits = read_constants().at(n, reference=52, phi=phi)
    changes = partition(z, limits.penalty)
    sizes = iter(set_sizes(z, changes, limits.cutoff).tolist())
    alike = 0
    for k in range(series):
        made = change_points(z[:, k], read_constants(), reference=52, phi=phi)
        fast = [(int(i), next(sizes)) for i in np.flatnonzero(changes[:, k])]
        same = fast == [(c.index, len(c.dates)) for c in made.changes]
        off = made.never.rss - made.fit.rss - float(saved(z[:, [k]], changes[:, [k]])[0])
        alike += same and abs(off) < 1e-6
    return alike


def _calm(rows: Sequence[tuple[int, int, float]], series: int, others: int, full: bool) -> list[str]:
    low, high = ERROR_FLOORS[full]
    print(f"Series without a change: share in which one is found ({series} series each, {others} for the others)")
    print(f"  asked for: {ERROR[0]:.2f} to {ERROR[1]:.2f}; floors here: {low} to {high}")
    print(f"  {'reference':>9}{'points':>8}{'autocorr.':>11}{'ours':>8}{'ours, taken for':>17}", end="")
    print(f"{'PELT':>9}{'PELT':>8}{'binary':>9}")
    print(f"  {'':9}{'':8}{'':11}{'':8}{'independent':>17}{'2 ln n':>9}{'ln n':>8}{'ln n':>9}")
    missed = []
    for reference, n, phi in rows:
        if n < 56 and reference == 52:
            continue
        made = errors(reference, n, phi, series, others)
        print(
            f"  {reference:9}{n:8}{phi:11.2f}{made.ours:8.3f}{made.independent:17.3f}{made.two_logs:9.3f}"
            f"{made.log:8.3f}{made.binary:9.3f}",
            flush=True,
        )
        if not low <= made.ours <= high:
            missed.append(f"reference {reference}, {n} points, autocorrelation {phi}: error {made.ours:.3f}")
    return missed


def _stepped(rows: Sequence[tuple[int, int, float]], series: int, others: int, full: bool) -> list[str]:
    floor, missed = COVERAGE_FLOORS[full], []
    print(f"\nSteps: is the true date in the set? ({series} series at each of five positions)")
    print(f"  asked for: {COVERAGE}; floor here, for every step size: {floor}")
    for reference, n, phi in rows:
        print(f"\n  reference {reference}, {n} points, autocorrelation {phi}")
        print(f"  {'':6}{'any':>8}{'':33}{'exactly one found by':>25}{'a date is right of':>25}{'level error':>16}")
        print(f"  {'step':>6}{'found':>8}{'covered':>9}{'worst':>7}{'if found':>10}{'set':>7}", end="")
        print(f"{'ours':>9}{'2 ln n':>8}{'binary':>8}" * 2 + f"{'ours':>9}{'never':>7}")
        for step in STEPS:
            d = dated(reference, n, phi, step, series, others)
            print(f"  {step:6.1f}{d.found:8.3f}{d.covered:9.3f}{d.worst:7.3f}{d.covered_if_found:10.3f}", end="")
            print(f"{d.size:7.0f}{d.one:9.3f}{d.two_logs[0]:8.3f}{d.binary[0]:8.3f}", end="")
            print(f"{d.exact:9.3f}{d.two_logs[1]:8.3f}{d.binary[1]:8.3f}{d.error:9.3f}{d.error_never:7.3f}", flush=True)
            if d.covered < floor:
                missed.append(f"reference {reference}, {n} points, autocorrelation {phi}, step {step}: {d.covered:.3f}")
    return missed


def main() -> int:
    """Print all tables; 1 when a floor is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="all lengths, and sizes at which the goal itself is held")
    full = parser.parse_args().full
    missed = _calm(CALM_FULL, 10000, 1000, full) if full else _calm(CALM, 3000, 400, full)
    missed += _stepped(STEPPED_FULL, 1000, 20, full) if full else _stepped(STEPPED, 200, 10, full)
    print(
        "\nWhere an assumption fails (reference 52, 104 points, autocorrelation 0.3): share in which a change is found"
    )
    for what, said in STRAINS.items():
        print(f"  {said:72}{strained(what, 10000 if full else 2000):8.3f}", flush=True)
    tried = 40
    alike = agreement(tried)
    print(
        f"\nThe shipped function, by ruptures' PELT, agrees with the recursion used here on {alike} of {tried} series."
    )
    if alike < tried:
        missed.append(f"PELT and the recursion agree on {alike} of {tried} series only")
    print("\n" + ("\n".join(f"Missed: {m}" for m in missed) or "No floor is missed."))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
