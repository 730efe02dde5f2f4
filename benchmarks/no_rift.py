"""Where nothing is, do the measures of divergence say so? And where something is, do they see it?

    python -m benchmarks.no_rift [--full] [--data FOLDER]

Every figure beside a baseline: leave-out partisanship under permuted labels beside the plug-in estimate and unequal
reference sets; the squared distance beside the plain one; Jensen-Shannon divergence before and after its bias; sizes
and power of the permutation and block bootstrap tests beside tests that take texts or weeks as independent; placebos;
typical words where words come in bursts. ``--full``: five times the repetitions (the tables of docs/divergence.md).
Real texts (party manifestos) are skipped where the data set is absent. Writes nothing; exits 1 when a pinned floor is
missed.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy import stats

from pipeline.measure.divergence import DivergenceError, jensen_shannon, shares, shares_of_counts, squared_distance
from pipeline.measure.partisanship import Units, leave_out, partisanship, scores
from pipeline.measure.resampling import (
    Weekly,
    change_test,
    p_value,
    permutation_test,
    permuted_labels,
    placebo_dates,
    placebo_dyads,
)
from pipeline.measure.typical_words import count_words, typical_words

SEED = 20090919
NULL_OFF = 0.0005
"""Leave-out partisanship under permuted labels may be off .5 by this, from 2 against 2 units up."""
PLUG_IN_OFF = 0.002
"""... and the plug-in estimate is off by at least this; else the worlds were too easy to show anything."""
STANDARD_ERRORS = 3.5
"""A mean that should be 0 may be off by so many Monte-Carlo standard errors."""
COVERAGE = 0.94
"""Of the interval of the squared distance."""
JSD_LEFT = 0.1
"""Part of the plain estimate's bias that may be left in Jensen-Shannon divergence."""
SIZE = 0.05
SIZE_SLACK = 3.0
"""A permutation test's size may exceed 5% by so many Monte-Carlo standard errors."""
BLOCK_SIZE = {0.0: 0.05, 0.3: 0.06, 0.6: 0.13}
"""Autocorrelation of the weeks -> highest size of the block bootstrap, beside the same slack. At .6 it is liberal:
blocks of four weeks are too short for it, and blocks of twelve must do as well as those of four do at .3."""
POWER = {"permutation": 0.8, "blocks": 0.7}
"""Least power for the shifts below."""
PLACEBO_FOUND, PLACEBO_FALSE = 0.75, 0.25
"""Worlds with a rift (without one) in which the real change stands out of the placebos."""
WORDS_FALSE, WORDS_FOUND = 0.05, 0.8
"""Worlds without a difference in which any word is called typical, at a false discovery rate of .05; part of the
planted words that is found where words come in mild bursts."""
SOURCE_SHIFT, WEEK_SHIFT = 0.4, 0.25
"""Shifts of the gap for which power is stated: between sources, and from one stretch to the next."""

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Missed = list[str]


# ---- leave-out partisanship ----------------------------------------------------------------------------------------


def word_counts(random: np.random.Generator, units: int, *, words: int = 2000, style: float = 300.0) -> Floats:
    """Shape (units, words): words by Zipf's law; each unit has a style of its own and 200 to 2,000 words."""
    zipf = 1 / np.arange(1, words + 1)
    of_unit = random.dirichlet(style * zipf / zipf.sum(), units)
    return np.stack([random.multinomial(random.integers(200, 2001), shares) for shares in of_unit]).astype(float)


def _tell(own: Floats, other: Floats) -> Floats:
    """Chance that a word gives away its group, from word counts of shape (R, words)."""
    ours, theirs = own / own.sum(axis=1, keepdims=True), other / other.sum(axis=1, keepdims=True)
    return np.divide(ours, ours + theirs, out=np.full(ours.shape, 0.5), where=ours + theirs > 0)


def baseline_partisanship(counts: Floats, labels: Bools, *, leave: bool) -> Floats:
    """Partisanship of each row of ``labels``, shape (R, units): plug-in, or leave-out from all units there are, so
    from unequal reference sets."""
    made = np.zeros(len(labels))
    for unit, row in enumerate(counts):
        own = labels == labels[:, [unit]]
        theirs = (~own).astype(float) @ counts
        ours = own.astype(float) @ counts - (row if leave else 0.0)
        made += _tell(ours, theirs) @ (row / row.sum()) / own.sum(axis=1)
    return made / 2


Estimate = Callable[[Floats, Bools, int], Floats]
ESTIMATES: dict[str, Estimate] = {
    "ours": lambda counts, labels, seed: scores(sp.csr_matrix(counts), labels, np.random.default_rng([SEED, seed])),
    "unequal sets": lambda counts, labels, _: baseline_partisanship(counts, labels, leave=True),
    "plug-in": lambda counts, labels, _: baseline_partisanship(counts, labels, leave=False),
}


def null_partisanship(worlds: Iterator[Floats], in_a: Bools, permutations: int) -> dict[str, tuple[float, float]]:
    """Estimate -> its mean under permuted labels and the standard error of that, over worlds."""
    means: dict[str, list[float]] = {name: [] for name in ESTIMATES}
    for number, counts in enumerate(worlds):
        random = np.random.default_rng([SEED, 1, number])
        labels = permuted_labels(in_a, np.zeros(len(in_a)), permutations, random)
        for name, estimate in ESTIMATES.items():
            means[name].append(float(estimate(counts, labels, number).mean()))
    return {name: _mean_and_error(each) for name, each in means.items()}


def _worlds(random: np.random.Generator, units: int, number: int) -> Iterator[Floats]:
    for _ in range(number):
        yield word_counts(random, units)


def _mean_and_error(values: Sequence[float] | Floats) -> tuple[float, float]:
    made = np.asarray(values, dtype=float)
    return float(made.mean()), float(made.std(ddof=1) / len(made) ** 0.5)


def manifesto_counts(file: Path) -> Floats:
    """Shape (units, words): manifestos of 1997 to 2019 with 200 words or more, words used five times or more."""
    texts: dict[tuple[str, str], list[str]] = {}
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            if int(row["year"]) >= 1997:
                texts.setdefault((row["party"], row["year"]), []).append(row["texts"])
    counts, _ = count_words([" ".join(each) for _, each in sorted(texts.items())])
    made = counts.toarray()
    return made[made.sum(axis=1) >= 200][:, made.sum(axis=0) >= 5]


def report_partisanship(times: int, data: Path) -> Missed:
    """Leave-out partisanship: permuted labels, and a world with a difference."""
    missed = []
    print("\nPartisanship of words, labels permuted: mean (standard error); goal .5000")
    print(f"  {'units':34}" + "".join(f"{name:>20}" for name in ESTIMATES))
    sizes = ((2, 2, 80), (3, 3, 80), (3, 6, 40), (5, 5, 40), (10, 10, 15), (20, 20, 6))
    cases: list[tuple[str, Iterator[Floats], Bools, int]] = []
    for a, b, worlds in sizes:
        made = _worlds(np.random.default_rng([SEED, 2, a, b]), a + b, worlds * times)
        cases.append((f"{a} v {b}", made, np.arange(a + b) < a, 40))
    file = data / "uk_manifestos" / "manifestosentsUK.csv.gz"
    if file.is_file():
        texts = manifesto_counts(file)
        some = (texts[np.random.default_rng([SEED, 3, i]).permutation(len(texts))[:8]] for i in range(30 * times))
        cases.append(("4 v 4 manifestos", some, np.arange(8) < 4, 40))
    else:
        print(f"  manifestos: skipped, {file.name} is absent")
    for name, worlds_of, in_a, permutations in cases:
        found = null_partisanship(worlds_of, in_a, permutations)
        print(f"  {name:34}" + "".join(f"{m:>11.4f} ({e:.4f})" for m, e in found.values()))
        mean, error = found["ours"]
        slack = NULL_OFF if error < NULL_OFF / 2 else STANDARD_ERRORS * error
        if abs(mean - 0.5) > slack:
            missed.append(f"partisanship {name}: {mean:.4f} is off .5 by more than {slack:.4f}")
        if found["plug-in"][0] < 0.5 + PLUG_IN_OFF:
            missed.append(f"partisanship {name}: the plug-in estimate is hardly off, this shows nothing")
    random = np.random.default_rng([SEED, 4])
    seen = []
    for number in range(20 * times):
        counts = word_counts(random, 12)
        # twenty words that group A uses three times as often
        counts[:6, 20:40] *= 3
        seen.append(leave_out(sp.csr_matrix(counts), np.arange(12) < 6, seed=number))
    mean, error = _mean_and_error(seen)
    print(f"  6 v 6, A uses 20 of 2,000 words three times as often: ours {mean:.4f} ({error:.4f})")
    if mean < 0.5 + 5 * error:
        missed.append("partisanship: a real difference is not seen")
    return missed + _partisanship_test(60 * times)


def _partisanship_test(number: int) -> Missed:
    random = np.random.default_rng([SEED, 11])
    rejected = np.zeros(2)
    for i in range(number):
        counts = word_counts(random, 10, words=500)
        units = Units(np.arange(10), np.arange(10) < 5, "source")
        for j in range(2):
            rejected[j] += partisanship(sp.csr_matrix(counts), units, seed=i, permutations=99).p <= SIZE
            counts[:5, 10:20] *= 2
    size, power = rejected / number
    print(f"  p value, 5 v 5: rejected at 5% where nothing is {size:.3f}; ten words twice as often {power:.3f}")
    if size > SIZE + SIZE_SLACK * (SIZE * (1 - SIZE) / number) ** 0.5:
        return [f"partisanship: its test rejects {size:.3f} where nothing is"]
    return []


# ---- coded values --------------------------------------------------------------------------------------------------

FRAMING = np.array([0.35, 0.2, 0.05, 0.4])
"""shares of nationalist, universalist, both, neither"""


def report_distance(times: int) -> Missed:
    """Squared distance of coded values."""
    missed = []
    print("\nSquared distance of coded values, no difference: mean (standard error); goal 0")
    print(f"  {'texts of A and B':34}{'Q':>22}{'plain':>12}{'interval holds 0':>20}")
    random = np.random.default_rng([SEED, 5])
    for a, b in ((10, 10), (30, 30), (100, 100), (10, 1000), (1000, 1000), (10_000, 10_000)):
        found = []
        for _ in range(2000 * times):
            # labels permuted: one pool of texts, split at random
            pool = random.multinomial(a + b, FRAMING)
            first = random.multivariate_hypergeometric(pool, a)
            found.append(squared_distance(shares_of_counts(first), shares_of_counts(pool - first)))
        mean, error = _mean_and_error([q.value for q in found])
        plain = float(np.mean([q.plain for q in found]))
        holds = float(np.mean([q.low == 0 for q in found]))
        print(f"  {f'{a:,} and {b:,}':34}{mean:>+12.6f} ({error:.6f}){plain:>12.6f}{holds:>20.3f}")
        if abs(mean) > STANDARD_ERRORS * error:
            missed.append(
                f"Q, {a} and {b} texts: mean {mean:+.6f} is more than {STANDARD_ERRORS} standard errors off 0"
            )
        if holds < COVERAGE:
            missed.append(f"Q, {a} and {b} texts: the interval holds 0 in {holds:.3f}, below {COVERAGE}")
    print("\nSquared distance with a difference: bias, and how often the interval covers (goal .95 or more)")
    other = np.array([0.2, 0.4, 0.05, 0.35])
    for n, total in ((5, None), (10, None), (40, None), (40, 60), (400, None)):
        bias, hits = [], []
        for _ in range(1000 * times):
            counts, truth = _two_samples(random, FRAMING, other, n, total)
            made = squared_distance(*(shares_of_counts(each, total=total) for each in counts))
            bias.append(made.value - truth)
            hits.append(made.low - 1e-12 <= truth <= made.high + 1e-12)
        mean, error = _mean_and_error(bias)
        name = f"{n} of {total or 'many'} on each side"
        print(f"  {name:34}{mean:>+12.6f} ({error:.6f}){'':12}{np.mean(hits):>20.3f}")
        if abs(mean) > STANDARD_ERRORS * error or np.mean(hits) < COVERAGE:
            missed.append(f"Q, {name}: bias {mean:+.6f} (standard error {error:.6f}), coverage {np.mean(hits):.3f}")
    return missed


def _two_samples(
    random: np.random.Generator, p_a: Floats, p_b: Floats, n: int, total: int | None
) -> tuple[list[NDArray[np.int64]], float]:
    """Counts of n texts of each side, and the squared distance they estimate: of the N texts where N is known."""
    if total is None:
        return [random.multinomial(n, p) for p in (p_a, p_b)], float(((p_a - p_b) ** 2).sum())
    pools = [random.multinomial(total, p) for p in (p_a, p_b)]
    drawn = [random.multivariate_hypergeometric(pool, n) for pool in pools]
    return drawn, float((((pools[0] - pools[1]) / total) ** 2).sum())


def report_jensen_shannon(times: int) -> Missed:
    """Jensen-Shannon divergence: refused when few, less its bias from 200 on."""
    missed = []
    print("\nJensen-Shannon divergence in nats: mean error (standard error); goal 0")
    print(f"  {'effective codings on each side':34}{'less its bias':>22}{'plain':>12}")
    random = np.random.default_rng([SEED, 6])
    few = shares_of_counts(random.multinomial(199, FRAMING)), shares_of_counts(random.multinomial(5000, FRAMING))
    weighted = np.eye(4)[random.integers(0, 4, 300)]
    uneven = shares(weighted, pi=np.where(np.arange(300) < 60, 0.05, 0.9))
    for name, pair in (("199", few), (f"{uneven.effective:.0f} (of 300, unequal draws)", (uneven, few[1]))):
        try:
            jensen_shannon(*pair)
        except DivergenceError:
            print(f"  {name:34}{'refused':>22}")
        else:
            missed.append(f"Jensen-Shannon divergence of {name} codings was not refused")
    other = np.array([0.2, 0.4, 0.05, 0.35])
    middle = (FRAMING + other) / 2
    apart = float((stats.entropy(FRAMING, middle) + stats.entropy(other, middle)) / 2)
    for n in (200, 400, 1000):
        for p_b, truth, name in ((FRAMING, 0.0, "no difference"), (other, apart, f"true {apart:.4f}")):
            found = [
                jensen_shannon(*(shares_of_counts(random.multinomial(n, p)) for p in (FRAMING, p_b)))
                for _ in range(1500 * times)
            ]
            mean, error = _mean_and_error([made.value - truth for made in found])
            plain = float(np.mean([made.plain - truth for made in found]))
            print(f"  {f'{n}, {name}':34}{mean:>+12.6f} ({error:.6f}){plain:>+12.6f}")
            if abs(mean) > JSD_LEFT * abs(plain) + STANDARD_ERRORS * error:
                missed.append(f"Jensen-Shannon divergence, {n} codings, {name}: {mean:+.6f} is left of {plain:+.6f}")
    return missed


# ---- tests ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Texts:
    """Texts of one period, arrays of shape (n,)."""

    f: Floats
    source: NDArray[np.int64]
    in_a: Bools
    language: NDArray[np.int64]


def sources_world(random: np.random.Generator, shift: float, *, sources: int = 12) -> Texts:
    """``sources`` of each group in two languages, each with a leaning of its own and 2 to 60 texts."""
    count = random.integers(2, 61, 2 * sources)
    in_a = np.arange(2 * sources) < sources
    language = (np.arange(2 * sources) % sources < sources // 3).astype(np.int64)
    level = random.normal(0, 0.25, 2 * sources) + shift * in_a + 0.3 * language
    of = np.repeat(np.arange(2 * sources), count)
    return Texts(level[of] + random.normal(0, 0.4, len(of)), of, in_a[of], language[of])


def report_permutation(times: int) -> Missed:
    """Permutation over sources: size and power, beside texts taken as independent."""
    missed = []
    number, replicates = 400 * times, 199
    rejected: dict[tuple[str, float], float] = {}
    for shift in (0.0, SOURCE_SHIFT):
        random = np.random.default_rng([SEED, 7, int(shift > 0)])
        ours, texts_apart, t_test = 0, 0, 0
        for i in range(number):
            world = sources_world(random, shift)
            ours += permutation_test(*_fields(world), seed=i, replicates=replicates).p <= SIZE
            one = world.language == 0
            f, a = world.f[one], world.in_a[one]
            labels = permuted_labels(a, np.zeros(len(a)), replicates, random).astype(float)
            drawn = (labels @ f) / a.sum() - ((1 - labels) @ f) / (~a).sum()
            texts_apart += p_value(abs(f[a].mean() - f[~a].mean()), np.abs(drawn)) <= SIZE
            t_test += float(stats.ttest_ind(f[a], f[~a]).pvalue) <= SIZE
        for name, count in (("sources", ours), ("texts", texts_apart), ("t test", t_test)):
            rejected[name, shift] = count / number
    print("\nTest of the gap, 12 v 12 sources, two languages: rejected at 5%")
    print(f"  {'':34}{'no difference':>22}{f'shift of {SOURCE_SHIFT}':>22}")
    for name, words in (
        ("sources", "labels permuted over sources"),
        ("texts", "labels permuted over texts"),
        ("t test", "t test of texts"),
    ):
        print(f"  {words:34}{rejected[name, 0.0]:>22.3f}{rejected[name, SOURCE_SHIFT]:>22.3f}")
    size, power = rejected["sources", 0.0], rejected["sources", SOURCE_SHIFT]
    if size > SIZE + SIZE_SLACK * (SIZE * (1 - SIZE) / number) ** 0.5:
        missed.append(f"permutation over sources rejects {size:.3f} where nothing is")
    if power < POWER["permutation"]:
        missed.append(f"permutation over sources sees {power:.3f} of shifts of {SOURCE_SHIFT}")
    return missed


def _fields(world: Texts) -> tuple[Floats, NDArray[np.int64], Bools, NDArray[np.int64]]:
    return world.f, world.source, world.in_a, world.language


def weeks_world(
    random: np.random.Generator,
    weeks: int,
    lag: float,
    *,
    shared: float = 0.0,
    shift: float = 0.0,
    at: int = 0,
    sources: int = 3,
) -> Weekly:
    """``sources`` of each group; weekly levels wander with autocorrelation ``lag``, in part ``shared`` by the sources
    of a group; about five texts a week and source. From week ``at`` on A's level is higher by ``shift``."""
    in_a = np.arange(2 * sources) < sources
    own = _wandering(random, 2 * sources, weeks, lag)
    together = _wandering(random, 2, weeks, lag)[np.where(in_a, 0, 1)]
    level = 0.2 * ((1 - shared) ** 0.5 * own + shared**0.5 * together) + random.normal(0, 0.3, (2 * sources, 1))
    level[in_a, at:] += shift
    counts = random.poisson(random.uniform(2, 8, (2 * sources, 1)), (2 * sources, weeks)).astype(float)
    return Weekly(counts * level + np.sqrt(counts) * random.normal(0, 0.25, counts.shape), counts, in_a)


def _wandering(random: np.random.Generator, series: int, weeks: int, lag: float) -> Floats:
    """Shape (series, weeks): AR(1) of variance 1."""
    apart = np.abs(np.subtract.outer(np.arange(weeks), np.arange(weeks)))
    covariance = lag**apart if lag else np.eye(weeks)
    return random.normal(size=(series, weeks)) @ np.linalg.cholesky(covariance).T


def plain_bootstrap(texts: Weekly, before: tuple[int, int], after: tuple[int, int], seed: int, block: int = 4) -> float:
    """p of the change without standard errors: how far replicates fall from it."""
    random = np.random.default_rng(seed)
    change, drawn = 0.0, 0.0
    for sign, (low, high) in ((-1, before), (1, after)):
        series = texts.by_group()[..., low:high].sum(axis=0)
        starts = random.integers(0, high - low, (199, -(-(high - low) // block)))
        weeks = ((starts[..., None] + np.arange(block)) % (high - low)).reshape(199, -1)[:, : high - low]
        sums, whole = series[:, weeks].sum(axis=-1), series.sum(axis=1)
        change = change + sign * (whole[0] / whole[1] - whole[2] / whole[3])
        drawn = drawn + sign * (sums[0] / sums[1] - sums[2] / sums[3])
    return p_value(abs(change), np.abs(drawn - change))


def weekly_t(texts: Weekly, before: tuple[int, int], after: tuple[int, int]) -> float:
    """p of a t test of the weekly gaps: weeks taken as independent."""
    a, n_a, b, n_b = texts.by_group().sum(axis=0)
    with np.errstate(invalid="ignore"):
        gaps = a / n_a - b / n_b
    return float(stats.ttest_ind(gaps[slice(*after)], gaps[slice(*before)], nan_policy="omit").pvalue)


def report_blocks(times: int) -> Missed:
    """Block bootstrap of the change: size by autocorrelation, and power."""
    missed = []
    number = 150 * times
    print("\nTest of the change of the gap, 3 v 3 sources: rejected at 5%")
    columns = ("ours", "source by source", "plain", "weekly t test", "ours flagged")
    print(f"  {'weeks, autocorrelation':38}" + "".join(f"{name:>18}" for name in columns))
    rows: list[tuple[int, int, float, float, float, int]] = [
        (52, 26, lag, shared, 0.0, 4) for shared in (0.0, 0.5) for lag in (0.0, 0.3, 0.6)
    ]
    rows += [(26, 13, 0.3, 0.5, 0.0, 4), (104, 52, 0.6, 0.5, 0.0, 4), (104, 52, 0.6, 0.5, 0.0, 12)]
    rows += [(52, 26, 0.3, 0.5, WEEK_SHIFT, 4)]
    for before, after, lag, shared, shift, block in rows:
        random = np.random.default_rng([SEED, 8, before, int(10 * lag), int(10 * shared), int(shift > 0)])
        count = np.zeros(5)
        stretches = (0, before), (before, before + after)
        for i in range(number):
            texts = weeks_world(random, before + after, lag, shared=shared, shift=shift, at=before)
            ours, apart = (
                change_test(texts, *stretches, seed=i, replicates=199, block=block, together=together)
                for together in (True, False)
            )
            p = ours.p, apart.p, plain_bootstrap(texts, *stretches, i, block), weekly_t(texts, *stretches)
            count += [*(each <= SIZE for each in p), bool(ours.flags)]
        share = count / number
        name = f"{before}+{after}, {lag}" + (", half shared" if shared else "")
        name += (f", shift {shift}" if shift else "") + (f", blocks of {block}" if block != 4 else "")
        print(f"  {name:38}" + "".join(f"{each:>18.3f}" for each in share))
        if shift:
            if share[0] < POWER["blocks"]:
                missed.append(f"block bootstrap sees {share[0]:.3f} of shifts of {shift}")
        else:
            most = BLOCK_SIZE[lag if block == 4 else 0.3] + SIZE_SLACK * (SIZE * (1 - SIZE) / number) ** 0.5
            if share[0] > most:
                missed.append(f"block bootstrap, {name}: rejects {share[0]:.3f}, more than {most:.3f}")
    return missed


def report_placebos(times: int) -> Missed:
    """Placebos: a real rift stands out of them, no rift does not."""
    missed = []
    print("\nPlacebos, 3 v 3 sources, 104 weeks: worlds in which the real change is beyond 95% of them")
    print(f"  {'':34}{'no rift':>22}{f'rift of {WEEK_SHIFT}':>22}{'median |placebo|':>22}{'median |real|':>18}")
    number = 60 * times
    found: dict[tuple[str, float], float] = {}
    sizes: dict[str, tuple[float, float]] = {}
    for shift in (0.0, WEEK_SHIFT):
        random = np.random.default_rng([SEED, 9, int(shift > 0)])
        dates, dyads = [], []
        for i in range(number):
            texts = weeks_world(random, 104, 0.3, shift=shift, at=78)
            dates.append(placebo_dates(texts, 78, length=26))
            # one row per source and week, weighed by its texts
            cells = np.argwhere(texts.counts > 0)
            cells = np.repeat(cells, texts.counts[texts.counts > 0].astype(int), axis=0)
            source, week = cells[:, 0], cells[:, 1]
            f = texts.sums[source, week] / texts.counts[source, week]
            dyads.append(placebo_dyads(f, source, texts.in_a[source], week // 4, week >= 78, seed=i, splits=199)["A"])
        for name, placebos in (("dates", dates), ("dyads", dyads)):
            found[name, shift] = float(np.mean([p.share <= SIZE + 1e-12 for p in placebos]))
            sizes[name] = (
                float(np.median([np.median(np.abs(p.values)) for p in placebos])),
                float(np.median([abs(p.real) for p in placebos])),
            )
    for name, words in (("dates", "other dates"), ("dyads", "halves of group A")):
        no, yes = found[name, 0.0], found[name, WEEK_SHIFT]
        print(f"  {words:34}{no:>22.3f}{yes:>22.3f}{sizes[name][0]:>22.3f}{sizes[name][1]:>18.3f}")
        if yes < PLACEBO_FOUND or no > PLACEBO_FALSE:
            missed.append(f"placebo {name}: a rift stands out in {yes:.3f} of worlds, none in {no:.3f}")
    return missed


# ---- typical words -------------------------------------------------------------------------------------------------


def report_words(times: int) -> Missed:
    """Typical words: none where there is no difference, though words come in bursts; and those that are."""
    missed = []
    number = 20 * times
    names, planted = [f"w{i}" for i in range(2000)], [f"w{i}" for i in range(20, 30)]
    print("\nTypical words, false discovery rate .05; worlds without a difference in which any is named,")
    print("and where A uses ten words four times as often: part of them found, wrong ones a world")
    print(f"  {'':34}{'ours':>12}{'published':>12}{'found':>12}{'wrong':>12}")
    for texts, style, words in ((50, 300.0, "mild bursts"), (50, 100.0, "strong bursts"), (12, 300.0, "mild bursts")):
        random = np.random.default_rng([SEED, 10, texts, int(style)])
        label, name = np.arange(2 * texts) < texts, f"{texts} v {texts} texts, {words}"
        seen = np.zeros(4)
        for _ in range(number):
            counts = word_counts(random, 2 * texts, style=style)
            for i, bursts in enumerate((True, False)):
                made = typical_words(sp.csr_matrix(counts), names, label, bursts=bursts)
                seen[i] += bool(made.of_a or made.of_b)
            counts[:texts, 20:30] *= 4
            made = typical_words(sp.csr_matrix(counts), names, label)
            right = sum(word.word in planted for word in made.of_a)
            # in B the other words have larger shares, rightly
            seen[2:] += right / 10, len(made.of_a) - right
        ours, _, found, _ = share = seen / number
        print(f"  {name:34}" + "".join(f"{each:>12.3f}" for each in share))
        if ours > WORDS_FALSE + SIZE_SLACK * (SIZE * (1 - SIZE) / number) ** 0.5:
            missed.append(f"typical words, {name}: named in {ours:.3f} of worlds without a difference")
        if (texts, style) == (50, 300.0) and found < WORDS_FOUND:
            missed.append(f"typical words, {name}: {found:.3f} of the planted ones are found")
    return missed


def main() -> int:
    """Print all tables; 1 when a floor is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="five times the repetitions")
    shared = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    parser.add_argument("--data", type=Path, default=shared, help="folder with uk_manifestos")
    given = parser.parse_args()
    times = 5 if given.full else 1
    missed = [
        *report_partisanship(times, given.data),
        *report_distance(times),
        *report_jensen_shannon(times),
        *report_permutation(times),
        *report_blocks(times),
        *report_placebos(times),
        *report_words(times),
    ]
    print("\n" + ("\n".join(missed) or "Every floor is kept."))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
