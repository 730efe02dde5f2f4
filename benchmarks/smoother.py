"""May a smoother be shown? Coverage, width and error of smoothed gaps beside the unsmoothed ones.

    python -m benchmarks.smoother [--full] [--repetitions 80] [--data FOLDER]

Cells with 5 and 10 codings, corrected as ``pipeline.measure.balance`` does it, then smoothed in six ways. Asked for:
mean coverage of the 95% interval of a gap at least .93, in the worst cell at least .85, and at least .90 in the period
in which one group's classifier suddenly errs otherwise; and narrower than without smoothing. *Leaning* is
``pipeline.measure.smoother``, the one that is shown; the others are what was tried beside it.

Worlds: four groups in eight quarters, five sources each, 40 to 120 texts a cell, whose balances drift; what happens in
the last quarter to group a differs. And the party manifestos of ``benchmarks.coverage`` (skipped where absent), as they
are and with a model that errs by .4 more in one party's last year. And how long all balances of 40 groups in 40
quarters take. Writes nothing; exits 1 when a floor or that ceiling is missed. ``--full``: 250 audits of each.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from pathlib import Path
from time import monotonic

import numpy as np
from scipy.special import ndtr, stdtrit

from benchmarks.coverage_worlds import BALANCE, EDGE, FLIPPED, LEANING, Floats, Ints, Population, manifestos
from pipeline.measure.balance import PRIOR_FREEDOM, Balance, t_interval
from pipeline.measure.smoother import expect, leaning_interval, line, smooth

MEAN_FLOOR, WORST_FLOOR, JUMP_FLOOR = 0.93, 0.85, 0.90
"""Coverage of the leaning interval: mean, worst cell, and cells in which a classifier jumps. In every world."""
WIDTH_CEILING = 0.92
"""Its mean width, relative to the unsmoothed interval, over all worlds; measured .87."""
GROUPS, QUARTERS, MOST_SECONDS = 40, 40, 60.0
"""a large monitor, and how long smoothing it may take; measured 4 seconds on a busy core"""
UNSMOOTHED, SHOWN = "unsmoothed", "leaning"
BUDGETS = (5, 10)
SEED = 20061015
FULL = 250
"""Audits of a world under ``--full``. With fewer, the floors are lowered, of the mean by .01, of worst and jump by .05:
of 80 audits one standard error of a cell's coverage is .024, and the worst of a thousand cells is looked at."""


# --- worlds ---


@dataclass(frozen=True)
class Audits:
    """R audits of C cells. Arrays of shape (R, C), or (C,) for ``group`` and ``period``."""

    truth: Floats
    model_part: Floats
    """lam mean_N(f)"""
    error: Floats
    """r = mean_n(y - lam f), so that b = model_part + error"""
    variance: Floats
    group: Ints
    period: Ints
    n: int

    @property
    def balance(self) -> Floats:
        """The corrected balance."""
        return self.model_part + self.error


def correct(f_mean: Floats, f: Floats, y: Floats, total: Floats) -> tuple[Floats, Floats, Floats]:
    """lam mean_N(f), r and V of many audits at once: ``pipeline.measure.balance`` for equal draws.

    f_mean, total: shape (R, C), mean of f over all N texts, and N. f, y: shape (R, C, n), of the coded texts.
    """
    n, cells = f.shape[-1], f.shape[-2]
    f_off, y_off = f - f.mean(axis=-1, keepdims=True), y - y.mean(axis=-1, keepdims=True)
    yy, yf, ff = (y_off**2).sum(axis=-1), (y_off * f_off).sum(axis=-1), (f_off**2).sum(axis=-1)

    def of_others(x: Floats) -> Floats:
        return np.asarray(x.sum(axis=-1, keepdims=True) - x)

    lam = np.clip(of_others(yf) / of_others(ff), 0, 1)
    lent = (of_others(yy) - 2 * lam * of_others(yf) + lam**2 * of_others(ff)) / (n - 1) / (cells - 1)
    e = y - lam[..., None] * f
    r = e.mean(axis=-1)
    squares = ((e - r[..., None]) ** 2).sum(axis=-1)
    variance = (1 - n / total) * (squares + PRIOR_FREEDOM * lent) / (n - 1 + PRIOR_FREEDOM) / n
    return lam * f_mean, r, variance


@dataclass(frozen=True)
class World:
    """Four groups in some quarters; what happens to group a in the last one, and how calm it is before."""

    name: str
    leaning: float = 0.0
    """added to what group a's classifier says in the last quarter; if not 0, it also errs at random in 45 of 100"""
    truth: float = 0.0
    """added to group a's level in the last quarter, on the scale the labels are cut from"""
    drift: float = 0.1
    """standard deviation of a level's step from quarter to quarter"""
    unrest: float = 0.0
    """standard deviation of a classifier's leaning from cell to cell: then neighbours know nothing"""
    level: float = 0.0
    """of all groups"""
    quarters: int = 8


WORLDS = (
    World("steady classifier"),
    World("classifier jumps", leaning=-0.3),
    World("rift: classifier jumps far, truth the other way", leaning=-0.5, truth=0.6),
    World("only the truth jumps", truth=0.6),
    World("no calm: classifier errs anew in every cell", leaning=-0.3, drift=0.5, unrest=0.4),
    World("three quarters, classifier jumps", leaning=-0.3, quarters=3),
    World("lopsided: three of four texts nationalist", leaning=-0.3, level=1.1),
)
MOST = 120
"""texts of a cell; the fewest are 40"""
SOURCES, CORRELATION = 5, 0.2


def draw(world: World, n: int, repetitions: int, random: np.random.Generator) -> Audits:
    """Populations of a world, one audit of each. Texts are exchangeable within a cell: the first n are a random n."""
    groups, quarters = 4, world.quarters
    shape = (repetitions, groups, quarters)
    total = random.integers(40, MOST + 1, shape)
    level = world.level + random.normal(0, 0.3, (repetitions, groups, 1))
    level = level + np.cumsum(random.normal(0, world.drift, shape), axis=-1)
    level[:, 0, -1] += world.truth
    lines = random.normal(0, CORRELATION**0.5, (repetitions, groups, 1, SOURCES))
    source = random.integers(0, SOURCES, (*shape, MOST))
    own = np.take_along_axis(np.broadcast_to(lines, (*shape, SOURCES)), source, axis=-1)
    latent = level[..., None] + own + random.normal(0, (1 - CORRELATION) ** 0.5, (*shape, MOST))
    y = np.where(latent > EDGE, 1.0, np.where(latent < -EDGE, -1.0, 0.0))
    leaning = np.array(list(LEANING.values()))[:, None] + random.normal(0, world.unrest, shape)
    flipped = np.broadcast_to(np.array(list(FLIPPED.values()))[:, None], shape).copy()
    if world.leaning:
        leaning[:, 0, -1] += world.leaning
        flipped[:, 0, -1] = 0.45
    label = np.where(random.random(y.shape) < flipped[..., None], random.integers(-1, 2, y.shape), y)
    f = np.clip(0.6 * label + leaning[..., None] + random.normal(0, 0.2, y.shape), -1, 1)
    there = np.arange(MOST) < total[..., None]
    flat = (repetitions, groups * quarters)
    part, error, variance = correct(
        ((f * there).sum(axis=-1) / total).reshape(flat),
        f[..., :n].reshape(*flat, n),
        y[..., :n].reshape(*flat, n),
        total.reshape(flat),
    )
    truth = ((y * there).sum(axis=-1) / total).reshape(flat)
    group, period = np.repeat(np.arange(groups), quarters), np.tile(np.arange(quarters), groups)
    return Audits(truth, part, error, variance, group, period, n)


def audit(
    cells: Sequence[Population], n: int, repetitions: int, random: np.random.Generator, leaning: float = 0.0
) -> Audits:
    """Audits of one and the same cells. ``leaning``: added to f in the last period of the first group."""
    groups, periods = sorted({c.group for c in cells}), sorted({c.period for c in cells})
    means, fs, ys = [], [], []
    for cell in cells:
        jumps = (cell.group, cell.period) == (groups[0], periods[-1])
        f = np.clip(cell.f + leaning, -1, 1) if jumps else cell.f
        drawn = np.argpartition(random.random((repetitions, len(f))), n, axis=1)[:, :n]
        means.append(f.mean())
        fs.append(f[drawn])
        ys.append(cell.y[drawn])
    truth = np.broadcast_to([c.y.mean() for c in cells], (repetitions, len(cells)))
    total = np.array([float(len(c.y)) for c in cells])
    part, error, variance = correct(np.array(means), np.stack(fs, axis=1), np.stack(ys, axis=1), total)
    group = np.array([groups.index(c.group) for c in cells])
    return Audits(truth, part, error, variance, group, np.array([periods.index(c.period) for c in cells]), n)


# --- the ways to smooth ---


@cache
def _robust_table() -> tuple[Floats, Floats]:
    """(t, critical value): see :func:`robust_critical`."""
    ts = np.concatenate([[0.0], np.geomspace(0.01, 100, 60)])
    values, bias = np.geomspace(1.95, 45, 1200)[:, None], np.linspace(0.0, 60, 601)
    miss = ndtr(-values - bias) + ndtr(-values + bias)
    found = []
    for t in ts:
        # the worst distribution of the squared bias with mean t puts its mass on 0 and one point at or beyond t
        share = np.where(bias**2 >= t, t / np.maximum(bias**2, max(t, 1e-12)), 0.0)
        worst = (miss[:, :1] + share * (miss - miss[:, :1])).max(axis=1)
        found.append(values[np.argmax(worst <= 0.05), 0])
    return ts, np.array(found)


def robust_critical(t: Floats) -> Floats:
    """Half-width in standard errors that covers 95% on average, whatever the distribution of biases with mean square t.

    Armstrong, Kolesar & Plagborg-Moller 2022, with the second moment alone.
    """
    return np.asarray(np.interp(t, *_robust_table()))


@cache
def _biased_table() -> tuple[Floats, Floats]:
    biases = np.linspace(0, 10, 201)
    values = np.geomspace(1.95, 12.5, 1200)[:, None]
    return biases, values[np.argmax(ndtr(-values - biases) + ndtr(-values + biases) <= 0.05, axis=0), 0]


def biased_critical(bias: Floats) -> Floats:
    """The .95 quantile of |N(bias, 1)|: half-width in standard errors when the bias is at most that."""
    inside = np.interp(bias, *_biased_table())
    return np.where(bias > 10, bias + 1.645, inside)


def local_linear(series: Floats, variance: Floats, at: int, inflation: float) -> tuple[Floats, Floats]:
    """Estimate and half-width of a gap series, shape (R, T), at one period: local linear, bias-aware.

    The second derivative is taken to be at most that of a polynomial fitted to the whole series (cubic; quadratic with
    fewer than six periods), the rule of thumb of Armstrong & Kolesar 2020; the bandwidth with the shortest interval is
    taken.
    """
    length = series.shape[-1]
    x = np.arange(length) - at
    degree = 3 if length >= 6 else 2
    fit = np.polynomial.polynomial.polyfit(x, series.T, degree)
    bends = np.abs(2 * fit[2][:, None] + (6 * fit[3][:, None] * x if degree == 3 else 0.0 * x)).max(axis=1)
    best_value, best_half = series[:, at], inflation * 1.96 * np.sqrt(variance[:, at])
    for bandwidth in (2.0, 3.0, 4.0, 6.0, 100.0):
        k = np.maximum(0.0, 1 - np.abs(x) / bandwidth)
        s0, s1, s2 = k.sum(), (k * x).sum(), (k * x * x).sum()
        if s0 * s2 - s1**2 < 1e-9:
            continue
        w = k * (s2 - s1 * x) / (s0 * s2 - s1**2)
        se = np.sqrt((w**2 * variance).sum(axis=-1))
        bias = bends / 2 * (np.abs(w) * x**2).sum()
        half = inflation * biased_critical(bias / se) * se
        shorter = half < best_half
        best_value, best_half = np.where(shorter, series @ w, best_value), np.where(shorter, half, best_half)
    return best_value, best_half


Answer = tuple[Floats, Floats, Floats]
"""estimate, low, high; shape (R,)"""


def methods(
    audits: Audits, sides: tuple[int, ...], period: int, mean: Floats, covariance: Floats
) -> Iterator[tuple[str, Answer]]:
    """Each way's answer for the gap of two groups (or the balance of one) in a period.

    mean, covariance: what the other periods say of the errors of all groups.
    """
    signs = np.array((1.0, -1.0)[: len(sides)])

    def difference(values: Floats) -> Floats:
        """Shape (R, T)."""
        return np.asarray(sum(sign * _of_group(audits, side, values) for sign, side in zip(signs, sides, strict=True)))

    series = difference(audits.balance)
    variances = np.asarray(sum(_of_group(audits, side, audits.variance) for side in sides))
    value, variance = series[:, period], variances[:, period]
    expected = difference(audits.model_part)[:, period] + mean[:, sides] @ signs
    spread = np.einsum("i,rij,j->r", signs, covariance[:, sides][:, :, sides], signs)
    freedom = len(sides) * (audits.n - 1) + PRIOR_FREEDOM
    quantile, se = float(stdtrit(freedom, 0.975)), np.sqrt(variance)

    def about(centre: Floats, half: Floats) -> Answer:
        return centre, centre - half, centre + half

    yield UNSMOOTHED, about(value, quantile * se)
    freedoms = np.full(len(value), float(freedom))
    low, high = leaning_interval(value, variance, freedoms, expected, spread)
    yield SHOWN, (line(value, variance, expected, spread), low, high)
    if len(sides) == 1:
        return
    inflation = quantile / 1.96
    weight = spread / (spread + variance)
    shrunk = expected + weight * (value - expected)
    bayes = quantile * np.sqrt(weight * variance)
    yield "full Bayes", about(shrunk, bayes)
    robust = inflation * robust_critical(variance / spread) * weight * se
    yield "robust empirical Bayes", about(shrunk, robust)
    yield "the same, 1.2 times as wide", about(shrunk, 1.2 * robust)
    yield "local linear, bias-aware", about(*local_linear(series, variances, period, inflation))
    low, high = leaning_interval(value, variance, freedoms, expected, spread, level=0.9)
    yield "leaning at 90% or full Bayes", (shrunk, np.minimum(low, shrunk - bayes), np.maximum(high, shrunk + bayes))


def _of_group(audits: Audits, group: int, values: Floats) -> Floats:
    """The columns of a group in order of time, shape (R, T)."""
    own = np.flatnonzero(audits.group == group)
    return values[:, own[np.argsort(audits.period[own])]]


# --- scores ---


@dataclass(frozen=True)
class Score:
    """Of the gaps of a world, over all audits. ``jump``: with the first group in the last period."""

    mean: float
    """coverage"""
    worst: float
    jump: float
    width: float
    """mean, relative to the unsmoothed interval"""
    jump_width: float
    error: float
    """mean absolute"""
    jump_error: float


Scores = Mapping[tuple[str, str], Score]
"""(gap or balance, way) -> score"""


def score(audits: Audits) -> Scores:
    """Every way's score of the gaps; of the balances unsmoothed and leaning only."""
    groups = np.arange(audits.group.max() + 1)
    last = int(audits.period.max())
    rows: dict[tuple[str, str], list[tuple[float, float, float, bool]]] = {}
    for period in range(last + 1):
        o = audits.period != period
        mean, covariance = expect(
            audits.error[:, o], audits.variance[:, o], audits.group[o], audits.period[o], groups, period
        )
        for chosen in (*combinations(groups.tolist(), 2), *combinations(groups.tolist(), 1)):
            truths = [_of_group(audits, g, audits.truth)[:, period] for g in chosen]
            what, truth = ("gap", truths[0] - truths[1]) if len(chosen) == 2 else ("balance", truths[0])
            for name, (value, low, high) in methods(audits, chosen, period, mean, covariance):
                hit, width = ((low <= truth) & (truth <= high)).mean(), (high - low).mean()
                jumps = period == last and chosen[0] == 0
                rows.setdefault((what, name), []).append((hit, width, np.abs(value - truth).mean(), jumps))
    made = {}
    for (what, name), found in rows.items():
        hits, widths, errors, jumps_too = np.array(found).T
        own, jump = np.array(rows[what, UNSMOOTHED])[:, 1], jumps_too == 1
        made[what, name] = Score(
            mean=float(hits.mean()),
            worst=float(hits.min()),
            jump=float(hits[jump].mean()),
            width=float(widths.mean() / own.mean()),
            jump_width=float(widths[jump].mean() / own[jump].mean()),
            error=float(errors.mean()),
            jump_error=float(errors[jump].mean()),
        )
    return made


def _print(title: str, scores: Scores) -> None:
    print(f"\n{title}")
    print(f"  {'':38}{'coverage':>24}{'width':>16}{'mean abs. error':>18}")
    print(f"  {'':38}{'mean':>8}{'worst':>8}{'jump':>8}{'mean':>8}{'jump':>8}{'mean':>10}{'jump':>8}")
    for (what, name), s in scores.items():
        print(
            f"  {what + ', ' + name:38}{s.mean:8.3f}{s.worst:8.3f}{s.jump:8.3f}{s.width:8.2f}{s.jump_width:8.2f}"
            f"{s.error:10.3f}{s.jump_error:8.3f}"
        )


def missed_by(name: str, own: Score, repetitions: int) -> list[str]:
    """The floors that a score of the leaning interval misses, in words."""
    slack = 0.0 if repetitions >= FULL else 1.0
    floors = (
        ("mean", own.mean, MEAN_FLOOR - slack * 0.01),
        ("worst cell", own.worst, WORST_FLOOR - slack * 0.05),
        ("jump", own.jump, JUMP_FLOOR - slack * 0.05),
    )
    return [f"{name}: coverage ({what}) {v:.3f} is below {floor:g}" for what, v, floor in floors if v < floor]


def seconds_of_a_large_monitor(random: np.random.Generator) -> float:
    """How long it takes to smooth every balance of 40 groups in 40 quarters, all of them corrected."""
    cells = {
        (f"group {group}", quarter): Balance(
            value, value, 10, lam=0.5, interval=t_interval(value, random.uniform(0.01, 0.1), 19, 10)
        )
        for group in range(GROUPS)
        for quarter, value in enumerate(random.normal(0, 0.3, QUARTERS).tolist())
    }
    began = monotonic()
    smooth(cells)
    return monotonic() - began


def main() -> int:
    """Print all tables; 1 when the smoother that is shown misses a floor."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, help="audits of each world")
    parser.add_argument("--full", action="store_true", help="the size that the documentation names")
    shared = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    parser.add_argument("--data", type=Path, default=shared, help="folder with uk_manifestos")
    given = parser.parse_args()
    repetitions = given.repetitions or (FULL if given.full else 80)
    random = np.random.default_rng(SEED)
    file = given.data / "uk_manifestos" / "manifestosentsUK.csv.gz"
    real = manifestos(file)[BALANCE] if file.is_file() else []
    if not real:
        print(f"Party manifestos: skipped, {file} is absent")
    missed: list[str] = []
    shown: list[float] = []
    for n in BUDGETS:
        drawn = [(world.name, draw(world, n, repetitions, random)) for world in WORLDS]
        if real:
            drawn.append(("party manifestos", audit(real, n, repetitions, random)))
            drawn.append(("party manifestos, classifier jumps", audit(real, n, repetitions, random, leaning=-0.4)))
        for name, audits in drawn:
            scores = score(audits)
            _print(f"{name}, {n} random codings a cell, {repetitions} audits", scores)
            shown.append(scores["gap", SHOWN].width)
            for what in ("gap", "balance"):
                missed += missed_by(f"{name}, {n} codings, {what}", scores[what, SHOWN], repetitions)
    width = float(np.mean(shown))
    if width > WIDTH_CEILING:
        missed.append(f"mean width {width:.3f} of the unsmoothed, more than {WIDTH_CEILING}")
    print(f"\nLeaning intervals are {width:.3f} times as wide as unsmoothed ones (ceiling {WIDTH_CEILING}).")
    seconds = seconds_of_a_large_monitor(random)
    print(f"{GROUPS} groups in {QUARTERS} quarters: {seconds:.1f} s (ceiling {MOST_SECONDS:.0f}).")
    if seconds > MOST_SECONDS:
        missed.append(f"{GROUPS} groups in {QUARTERS} quarters took {seconds:.1f} s, more than {MOST_SECONDS:.0f}")
    floors = f"mean {MEAN_FLOOR}, worst cell {WORST_FLOOR}, jump {JUMP_FLOOR}"
    if repetitions < FULL:
        floors += "; lowered, as this run is small"
    print("\n".join(missed) or f"Coverage of {SHOWN}: no floor missed ({floors}).")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
