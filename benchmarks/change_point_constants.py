"""Makes the table of simulated constants that change points rest on: python -m benchmarks.change_point_constants

    python -m benchmarks.change_point_constants [--series 20000] [--write]

Noise is a stationary AR(1) of variance 1, divided by the standard deviation of its own first points (the reference), as
in the job. Of each series without a change the *critical penalty* is sought, the largest at which PELT would still find
a change; the 95% quantile of these is the penalty. Then steps are put in, and of each series the smallest cutoff is
sought at which the set of dates holds the true one (0 where nothing is found, which counts as the whole range); the 95%
quantile of these, for the step size that asks for most, is the cutoff. Without --write nothing is changed: the new
constants are printed beside those of the table.

The optimal partition is found here for many series at once by the plain recursion of Jackson et al. 2005 (doi
10.1109/LSP.2001.838216), whose optimum PELT finds by pruning (Killick, Fearnhead & Eckley 2012, doi
10.1080/01621459.2012.737745); that both agree is tested.
"""

from __future__ import annotations

import argparse
import json
import sys
import time

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from pipeline.measure.change_points import LEAST_SEGMENT, TABLE

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

LENGTHS = (40, 56, 80, 112, 160, 224, 320, 416, 520)
REFERENCES = (24, 52)
"""Points of the reference: months and weeks."""
PHIS = (0.0, 0.3, 0.6)
STEPS = (0.25, 0.35, 0.5, 0.7, 1.0, 1.4, 2.0)
"""In standard deviations of the noise; larger ones ask for less."""
ERROR = 0.05
COVERAGE = 0.95
SEED = 20090919
BATCH = 128
"""Series worked on at once, so that they stay in the processor's cache."""


def noise(rng: np.random.Generator, series: int, n: int, phi: float) -> Floats:
    """Stationary AR(1) noise of variance 1; shape (n, series)."""
    shocks = rng.standard_normal((n, series))
    shocks[1:] *= (1 - phi**2) ** 0.5
    return np.asarray(lfilter([1.0], [1.0, -phi], shocks, axis=0))


def scale(z: Floats, reference: int) -> Floats:
    """Standard deviation of the first ``reference`` points of each series; shape (series,)."""
    return np.asarray(z[:reference].std(axis=0, ddof=1))


def positions(n: int) -> tuple[int, ...]:
    """Where steps are put: five points from either end, and at the quarters."""
    return (5, n // 4, n // 2, 3 * n // 4, n - 5)


def _sums(z: Floats) -> Floats:
    return np.concatenate([np.zeros((1, z.shape[1])), np.cumsum(z, axis=0)])


def single_gains(z: Floats) -> Floats:
    """What one change after each number of points takes off the residual sum of squares; shape (n - 2m + 1, series).

    Row i: the change lies after i + m points, with m the least segment. ``z``: shape (n, series).
    """
    n, sums = len(z), _sums(z)
    left = np.arange(LEAST_SEGMENT, n - LEAST_SEGMENT + 1)[:, None]
    head, total = sums[LEAST_SEGMENT : n - LEAST_SEGMENT + 1], sums[n]
    return np.asarray(head**2 / left + (total - head) ** 2 / (n - left) - total**2 / n)


def _best(sums: Floats, penalty: Floats) -> Floats:
    """Of each beginning of t points the best sum of S^2/length less penalties; shape (n + 1, series)."""
    n, m = len(sums) - 1, LEAST_SEGMENT
    inverse = 1 / np.arange(1, n + 1)[:, None]
    best = np.full_like(sums, -np.inf)
    best[0] = penalty  # the first segment costs nothing
    for t in range(m, n + 1):
        found = best[0] + sums[t] ** 2 / t
        if t >= 2 * m:
            last = sums[t] - sums[m : t - m + 1]
            last *= last
            last *= inverse[m - 1 : t - m][::-1]
            last += best[m : t - m + 1]
            np.maximum(found, last.max(axis=0), out=found)
        best[t] = found - penalty
    return best


def _step_back(sums: Floats, best: Floats, ends: Ints) -> Ints:
    """Where the last segment of the best partition of the first ``ends`` points begins; shape (series,)."""
    n, columns = len(sums) - 1, np.arange(sums.shape[1])
    starts = np.arange(n + 1)[:, None]
    allowed = (starts <= ends - LEAST_SEGMENT) & ((starts == 0) | (starts >= LEAST_SEGMENT))
    length = np.maximum(ends - starts, 1)
    value = np.where(allowed, best + (sums[ends, columns] - sums) ** 2 / length, -np.inf)
    return np.asarray(value.argmax(axis=0))


def _partition(z: Floats, penalty: Floats) -> NDArray[np.bool_]:
    n, series = z.shape
    sums = _sums(z)
    best = _best(sums, penalty)
    changes = np.zeros((n, series), dtype=bool)
    # a hair above what one change takes off, so that rounding finds none
    active = np.flatnonzero(best[n] > sums[n] ** 2 / n + 1e-9)
    ends = np.full(len(active), n)
    while len(active):
        ends = _step_back(sums[:, active], best[:, active], ends)
        active, ends = active[ends > 0], ends[ends > 0]
        changes[ends, active] = True
    return changes


def partition(z: Floats, penalty: Floats | float) -> NDArray[np.bool_]:
    """The best partition of each series: True where a new level begins. ``z`` and answer: shape (n, series)."""
    penalty = np.broadcast_to(np.asarray(penalty, dtype=float), z.shape[1:])
    parts = range(0, z.shape[1], BATCH)
    return np.concatenate([_partition(z[:, i : i + BATCH], penalty[i : i + BATCH]) for i in parts], axis=1)


def saved(z: Floats, changes: NDArray[np.bool_]) -> Floats:
    """What a partition takes off the residual sum of squares of each series; shape (series,)."""
    n, series = z.shape
    segment = np.cumsum(changes, axis=0) + np.arange(series) * n
    sizes = np.bincount(segment.ravel(), minlength=n * series)
    sums = np.bincount(segment.ravel(), weights=z.ravel(), minlength=n * series)
    squares = np.divide(sums**2, sizes, out=np.zeros_like(sums), where=sizes > 0)
    return np.asarray(squares.reshape(series, n).sum(axis=1) - z.sum(axis=0) ** 2 / n)


def critical_penalties(z: Floats) -> Floats:
    """The largest penalty at which the best partition of each series still has a change; shape (series,).

    That is max over k of (what k changes take off) / k, found from k = 1 upwards: where a partition beats no change at
    the penalty so far, its own ratio is larger, and is tried next.
    """
    critical = single_gains(z).max(axis=0)
    active = np.arange(z.shape[1])
    while True:
        changes = partition(z[:, active], critical[active])
        better = changes.any(axis=0)
        active, changes = active[better], changes[:, better]
        if not len(active):
            return critical
        critical[active] = np.maximum(critical[active], saved(z[:, active], changes) / changes.sum(axis=0))


def _neighbours(changes: NDArray[np.bool_]) -> tuple[Ints, Ints, Ints, Ints]:
    """Of every found change: its place, its series, and the places of the changes before and after it."""
    columns, rows = np.nonzero(changes.T)  # ordered by series, then by place
    new, last = np.ones(len(rows), dtype=bool), np.ones(len(rows), dtype=bool)
    new[1:] = columns[1:] != columns[:-1]
    last[:-1] = new[1:]
    return rows, columns, np.where(new, 0, np.roll(rows, 1)), np.where(last, len(changes), np.roll(rows, -1))


def _gains(sums: Floats, where: Ints | int, columns: Ints, low: Ints, high: Ints) -> Floats:
    """What a change at ``where`` takes off between its neighbours, but for a number of each stretch."""
    head = sums[where, columns] - sums[low, columns]
    tail = sums[high, columns] - sums[where, columns]
    return np.asarray(head**2 / (where - low) + tail**2 / (high - where))


def needed_cutoffs(z: Floats, changes: NDArray[np.bool_], at: int) -> Floats:
    """The smallest cutoff at which a set of dates holds ``at``: RSS(at) - RSS(found), 0 where nothing was found.

    Each found change is moved between its neighbours; where ``at`` can be reached from two of them, the one that asks
    for less counts. Infinite where it can't be reached. Shape (series,).
    """
    sums, needed = _sums(z), np.full(z.shape[1], np.inf)
    needed[~changes.any(axis=0)] = 0.0
    rows, columns, low, high = _neighbours(changes)
    inside = (low + LEAST_SEGMENT <= at) & (at <= high - LEAST_SEGMENT)
    rows, columns, low, high = rows[inside], columns[inside], low[inside], high[inside]
    np.minimum.at(needed, columns, _gains(sums, rows, columns, low, high) - _gains(sums, at, columns, low, high))
    return needed


def set_sizes(z: Floats, changes: NDArray[np.bool_], cutoff: float) -> Ints:
    """How many dates the set of each found change holds; shape (changes found,)."""
    sums, (rows, columns, low, high) = _sums(z), _neighbours(changes)
    places = np.arange(len(z))[:, None]
    inside = (places >= low + LEAST_SEGMENT) & (places <= high - LEAST_SEGMENT)
    places = np.where(inside, places, rows)  # anything that can be reckoned; not counted
    lost = _gains(sums, rows, columns, low, high) - _gains(sums, places, columns, low, high)
    return np.asarray(((lost <= cutoff) & inside).sum(axis=0))


def step_series(rng: np.random.Generator, series: int, n: int, phi: float, step: float, at: int) -> Floats:
    """Noise with a step of that size (in its standard deviations) from point ``at`` on; shape (n, series)."""
    z = noise(rng, series, n, phi)
    z[at:] += step
    return z


def constants(n: int, phi: float, series: int, seed: int = SEED) -> dict[int, tuple[float, float, list[float]]]:
    """Reference -> (penalty, cutoff, the cutoff each step size would ask for), for series of n points."""
    rng = np.random.default_rng([seed, n, round(phi * 100)])
    calm = noise(rng, series, n, phi)
    critical = critical_penalties(calm)
    found = {}
    for reference in (r for r in REFERENCES if r <= n):
        penalty = float(np.quantile(critical / scale(calm, reference) ** 2, 1 - ERROR))
        asked = []
        for step in STEPS:
            needed = []
            for at in positions(n):
                z = step_series(rng, series // 20, n, phi, step, at)
                z /= scale(z, reference)
                needed.append(needed_cutoffs(z, partition(z, penalty), at))
            asked.append(float(np.quantile(np.concatenate(needed), COVERAGE)))
        found[reference] = penalty, max(asked), asked
    return found


def main() -> int:
    """Print the constants, and write them where asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=20000, help="series without change per length")
    parser.add_argument("--write", action="store_true", help="replace the table")
    given = parser.parse_args()
    rows = []
    for phi in PHIS:
        for n in LENGTHS:
            began = time.monotonic()
            for reference, (penalty, cutoff, asked) in constants(n, phi, given.series).items():
                row = {"reference": reference, "phi": phi, "length": n}
                rows.append({**row, "penalty": round(penalty, 3), "cutoff": round(cutoff, 3)})
                steps = ", ".join(f"{value:.2f}" for value in asked)
                print(f"reference {reference}, autocorrelation {phi}, length {n} ({time.monotonic() - began:.0f} s):")
                print(f"  penalty {penalty:.2f}, cutoff {cutoff:.2f} (by step: {steps})", flush=True)
    if given.write:
        TABLE.write_text("[\n" + ",\n".join(f"  {json.dumps(row)}" for row in rows) + "\n]\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
