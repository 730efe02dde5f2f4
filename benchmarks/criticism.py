"""Who criticises whom: does the test of a rise keep its size, what does it see, do rates' intervals cover?

    python -m benchmarks.criticism [--full] [--data FOLDER]

*Size and power* of the one-sided test (.025 per direction) over naming shares, hostile shares, lengths of reference and
coding budgets, on simulated counts; beside it hostile texts that come in bursts, which the test does not allow for.
*Coverage* of the 95% interval of h_AB over rare and frequent hostility, with good and with useless models; beside it
the t interval alone. *Spellings*: how many texts a short list of aliases finds, by itself and with other
transliterations, and how often these are wrong (analysts' posts, news, debates, manifestos; skipped where the data
are absent). Writes nothing; exits 1 when a floor is missed.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
from ruamel.yaml import YAML

from classifiers.codebook import FOLDER
from classifiers.text.mentions import Mentions
from pipeline.measure.balance import borrow
from pipeline.measure.criticism import (
    LEAST_HOSTILE,
    LEVEL_OF_RISE,
    Audited,
    Hostility,
    Rise,
    Window,
    audited_moments,
    hostility,
    p_of_rise,
    rise,
)
from pipeline.monitor import load_monitor
from pipeline.settings import PROJECT_ROOT

SEED = 20090919
CEILING_SIZE = 0.025
"""largest false-alarm rate in any setting, but for three standard errors of the simulation"""
FLOOR_POWER = 0.80
"""for a rise from 2% to 15% of all texts, 20 codings a quarter"""
FLOOR_COVERAGE = 0.93
"""mean coverage of the rate's interval, in every row"""
FLOOR_RECALL = 0.95
"""texts found by a short list of aliases with other transliterations, of those the full list finds"""
QUARTER = 60
"""texts of A in the present, a quarter"""


# ---- the test of a rise


def shown(
    naming: tuple[float, float],
    hostile: tuple[float, float],
    texts: tuple[int, int],
    coded: tuple[int, int],
    repetitions: int,
    rng: np.random.Generator,
    burst: float = 0.0,
) -> float:
    """Share of simulated worlds in which a rise is claimed; present first.

    naming: chance that a text of A names B; hostile: that such a one is hostile; texts: N; coded: the most that are
    coded. burst: mean number of further texts that repeat a hostile one within its window.
    """
    h, exposure = [], []
    for side in (0, 1):
        named = rng.binomial(texts[side], naming[side], repetitions)
        if burst:  # whole affairs are hostile or not: the same mean, more spread
            affairs = rng.binomial(named, 1 / (1 + burst))
            hostile_affairs = rng.binomial(affairs, hostile[side])
            blamed = np.minimum(named, hostile_affairs + rng.poisson(burst * hostile_affairs))
        else:
            blamed = rng.binomial(named, hostile[side])
        some = np.minimum(named, coded[side])
        h.append(rng.hypergeometric(blamed, named - blamed, some) if named.any() else np.zeros(repetitions, dtype=int))
        exposure.append(np.where(named > 0, texts[side] * some / np.maximum(named, 1), texts[side]))
    p = p_of_rise((h[0], h[1]), (exposure[0], exposure[1]))
    # days: uniform over 91, so that three or more hardly ever fall on one
    return float(np.mean((p <= LEVEL_OF_RISE) & (h[0] >= LEAST_HOSTILE)))


def size_of_test(repetitions: int, rng: np.random.Generator) -> tuple[float, float, int, float]:
    """(largest size, mean size, settings, largest size with bursts) over the grid, with one h in both windows.

    In a third of the settings the present names the other more often and more mildly, in another third less often and
    more harshly.
    """
    found, bursts = [], []
    for naming, hostile, quarters, per_quarter in product(
        (0.05, 0.2, 0.6), (0.05, 0.2, 0.6), (1, 4, 8), (10, 20, 1000)
    ):
        for size, tilt in product((QUARTER, 5 * QUARTER), (1.0, 1.6, 1 / 1.6)):
            named, blamed = (naming * tilt, naming), (hostile / tilt, hostile)
            given = named, blamed, (size, quarters * size), (per_quarter, quarters * per_quarter)
            found.append(shown(*given, repetitions, rng))
            if tilt == 1:
                bursts.append(shown(*given, repetitions, rng, burst=1.0))
    return max(found), float(np.mean(found)), len(found), max(bursts)


def _window(start: str, days: int, count: int, named: int, coded: int, blamed: int, rng: np.random.Generator) -> Window:
    first = np.datetime64(start)
    hostile = np.sort(first + rng.integers(0, days, blamed))
    quiet = first + rng.integers(0, days, count - blamed)
    end = (first + days).astype(object)
    return Window(first.astype(object), end, np.sort(np.r_[hostile, quiet]), named, coded, hostile)


def onset_errors(repetitions: int, rng: np.random.Generator) -> tuple[float, float]:
    """(median absolute error of the onset in days, share of worlds in which the rise is claimed).

    A year at 2%, then a present of 91 days: 31 at 2%, 60 at 20%, all texts coded.
    """
    errors, claimed = [], 0
    for _ in range(repetitions):
        before = _window("2023-01-01", 365, 240, 48, 48, int(rng.binomial(240, 0.02)), rng)
        quiet, loud = int(rng.binomial(20, 0.02)), int(rng.binomial(40, 0.2))
        first = np.datetime64("2024-01-01")
        hostile = np.sort(np.r_[first + rng.integers(0, 31, quiet), first + rng.integers(31, 91, loud)])
        others = np.r_[first + rng.integers(0, 31, 20 - quiet), first + rng.integers(31, 91, 40 - loud)]
        days = np.sort(np.r_[hostile, others])
        now = Window(
            first.astype(object), (first + 91).astype(object), days, 12 + loud + quiet, 12 + loud + quiet, hostile
        )
        made = rise("a", "b", now, before)
        if isinstance(made, Rise) and made.risen and made.onset is not None:
            claimed += 1
            errors.append(abs((np.datetime64(made.onset) - (first + 31)).astype(int)))
    return float(np.median(errors)), claimed / repetitions


# ---- the interval of a rate


@dataclass(frozen=True)
class Population:
    """All texts of a pair and period: which name B, and of these which are hostile and what the model says."""

    clusters: int
    f: np.ndarray
    y: np.ndarray


def population(hostile: float, skill: float, rng: np.random.Generator) -> Population:
    """skill: how far the model's probability follows the truth; its level errs by up to .2, as in a rift."""
    clusters = int(rng.integers(60, 200))
    named = int(np.clip(rng.binomial(clusters, 0.35), 12, clusters))
    y = (rng.random(named) < hostile).astype(float)
    f = np.clip(skill * y + (1 - skill) * hostile + rng.uniform(-0.2, 0.2) + rng.normal(0, 0.15, named), 0, 1)
    return Population(clusters, f, y)


Scored = tuple[bool, bool, float, float]
"""covered; covered by t alone; half-width; absolute error of the rate"""


def one_audit(cells: list[Population], n: int, rng: np.random.Generator) -> Iterator[Scored]:
    """Scores of one audit of ``n`` codings in every cell."""
    audited = []
    for cell in cells:
        drawn = rng.choice(len(cell.y), min(n, len(cell.y)), replace=False)
        y, pi = np.full(len(cell.y), np.nan), np.full(len(cell.y), np.nan)
        y[drawn], pi[drawn] = cell.y[drawn], len(drawn) / len(cell.y)
        audited.append(Audited(cell.clusters, cell.f, y, pi, np.zeros(len(y), dtype=bool)))
    lent = [audited_moments(one) for one in audited]
    for i, (cell, one) in enumerate(zip(cells, audited, strict=True)):
        borrowed = borrow(lent[:i] + lent[i + 1 :])
        made: Hostility = hostility(one, borrowed)
        truth = cell.y.sum() / cell.clusters
        if made.rate is None or made.rate_low is None or made.rate_high is None:
            continue
        yield (
            made.rate_low - 1e-9 <= truth <= made.rate_high + 1e-9,
            _t_alone(one, borrowed, float(cell.y.mean())),
            (made.rate_high - made.rate_low) / 2,
            abs(made.rate - truth),
        )


def _t_alone(one: Audited, borrowed: object, share: float) -> bool:
    from pipeline.measure.balance import Borrowed, balance

    if not isinstance(borrowed, Borrowed):
        raise TypeError("what other cells lend is needed")
    made = balance(one.filled, one.y, borrowed, pi=one.pi, late=one.late)
    return made.interval is not None and made.interval.low - 1e-9 <= share <= made.interval.high + 1e-9


def coverage(hostile: float, skill: float, n: int, repetitions: int, rng: np.random.Generator) -> tuple[float, ...]:
    """Means of :data:`Scored` over audits of eight cells each."""
    rows: list[Scored] = []
    for _ in range(repetitions):
        rows += one_audit([population(hostile, skill, rng) for _ in range(8)], n, rng)
    return tuple(np.mean(np.array(rows, dtype=float), axis=0).tolist())


# ---- spellings

SHORT = {
    "al-qaeda": ["al-Qaeda", "Osama bin Laden", "Ayman al-Zawahiri"],
    "taliban": ["Taliban", "Mullah Omar"],
}
"""One spelling of each name, as somebody would begin a list."""
MONITORS = (
    "monitors/founding_case/taliban_al-qaeda_2009.yaml",
    "monitors/founding_case/iraq_2006-2007.yaml",
    "monitors/demo.yaml",
)


def full_lists() -> dict[str, list[str]]:
    """Group -> names and aliases, of the monitors above and the starter codings of criticism."""
    names = {}
    for file in MONITORS:
        for group in load_monitor(PROJECT_ROOT / file).groups:
            names[group.id] = [group.name, *(alias for each in group.aliases.values() for alias in each)]
    starter = (FOLDER / "starter" / "criticism" / "groups.yaml").read_text(encoding="utf-8")
    for group in YAML(typ="safe").load(starter)["groups"]:
        names[group["id"]] = [group["name"], *(alias for each in group["aliases"].values() for alias in each)]
    return names


def corpora(data: Path, full: bool) -> Iterator[tuple[str, list[str]]]:
    """Name and texts of each corpus that is there."""
    posts = sorted((data / "analyst_posts").rglob("*.md"))
    yield "analysts' posts", [file.read_text(encoding="utf-8") for file in posts]
    with gzip.open(data / "news_cluster" / "news_cluster.jsonl.gz", "rt", encoding="utf-8") as lines:
        yield "news", [" ".join(str(value) for value in json.loads(line).values()) for line in lines]
    if full:
        for file in sorted((data / "ungd").glob("*.csv.gz")):
            with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
                yield "UN debates", [max(row.values(), key=len) for row in csv.DictReader(lines)]
        with gzip.open(data / "uk_manifestos" / "manifestosentsUK.csv.gz", "rt", encoding="utf-8", newline="") as lines:
            yield "UK manifestos", [row["texts"] for row in csv.DictReader(lines)]


def spellings(data: Path, full: bool) -> tuple[int, int, int, int]:
    """(texts the full list finds, the short list alone finds, other transliterations add, of them wrong)."""
    lists = full_lists()
    listed, short = Mentions(lists), Mentions(SHORT)
    found, beyond = [0, 0, 0, 0], 0
    for name, texts in corpora(data, full):
        before, size = list(found), sum(len(text.split()) for text in texts)
        for text in texts:
            known, now = listed.named(text), short.named(text)
            beyond += sum(bool(others) for others in known.values())
            for group in SHORT:
                found[0] += group in known
                found[1] += group in now and not now[group]
                found[2] += bool(now.get(group))
                found[3] += bool(now.get(group)) and group not in known
        a, b, c, d = (new - old for new, old in zip(found, before, strict=True))
        print(f"  {name:16} {size:10,} words: full list {a}, short list {b}, and {c} by other spellings ({d} wrong)")
    print(f"  all aliases of {len(lists)} groups: {beyond} texts found by a spelling that is in no list")
    return found[0], found[1], found[2], found[3]


def main() -> int:
    """Print everything; 1 when a floor is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="four times the repetitions, and all corpora")
    parser.add_argument("--data", type=Path, default=PROJECT_ROOT.parent / "shared" / "data")
    given = parser.parse_args()
    rng = np.random.default_rng(SEED)
    times = 4 if given.full else 1
    low: list[str] = []

    many = 4000 * times
    largest, mean, settings, bursts = size_of_test(many, rng)
    allowed = CEILING_SIZE + 3 * (CEILING_SIZE / many) ** 0.5
    print(f"Test of a rise at {LEVEL_OF_RISE} per direction, {settings} settings without a rise, {many:,} worlds each")
    print(f"  claimed: largest {largest:.4f}, mean {mean:.4f} (at most {CEILING_SIZE}, simulated {allowed:.4f})")
    print(f"  hostile texts in bursts of two on average, which the test does not allow for: largest {bursts:.3f}")
    if largest > allowed:
        low.append(f"size {largest:.4f} of the test is above {CEILING_SIZE}")

    print(f"\nPower: {QUARTER} texts in the quarter, a year before it; h from 2% to ...")
    print(f"  {'codings a quarter':>20}" + "".join(f"{h:>9.0%}" for h in (0.04, 0.06, 0.10, 0.15, 0.25)))
    for budget in (10, 20, 1000):
        row = []
        for h in (0.04, 0.06, 0.10, 0.15, 0.25):
            naming = (max(0.2, h / 0.6), 0.2)
            hostile = (h / naming[0], 0.1)
            row.append(shown(naming, hostile, (QUARTER, 4 * QUARTER), (budget, 4 * budget), many, rng))
        print(f"  {'all' if budget == 1000 else budget:>20}" + "".join(f"{p:9.2f}" for p in row))
        if budget == 20 and row[3] < FLOOR_POWER:
            low.append(f"power {row[3]:.2f} for a rise from 2% to 15% is below {FLOOR_POWER}")
    error, claimed = onset_errors(100 * times, rng)
    print(f"  onset, a rise from 2% to 20% within the quarter: median error {error:.0f} days, claimed in {claimed:.2f}")

    print(f"\nInterval of h_AB (95%), eight cells, {60 * times} audits a row; t alone beside it")
    print(f"  {'hostile':>8}{'model':>9}{'codings':>9}{'coverage':>10}{'t alone':>9}{'half-width':>12}{'error':>8}")
    for hostile, skill, n in product((0.03, 0.1, 0.3, 0.6), (0.0, 0.6), (5, 10, 20)):
        got, alone, half, off = coverage(hostile, skill, n, 60 * times, rng)
        name = "none" if skill == 0 else "good"
        print(f"  {hostile:8.2f}{name:>9}{n:9}{got:10.3f}{alone:9.3f}{half:12.3f}{off:8.3f}")
        if got < FLOOR_COVERAGE:
            low.append(f"coverage {got:.3f} (hostile {hostile}, model {name}, {n} codings) is below {FLOOR_COVERAGE}")

    print("\nSpellings: texts in which the Taliban or al-Qaeda are found")
    if (given.data / "analyst_posts").is_dir():
        full, exact, folded, wrong = spellings(given.data, given.full)
        recall = (exact + folded - wrong) / full
        print(f"  short list {exact / full:.3f}, with other transliterations {recall:.3f}; {wrong} wrong")
        if recall < FLOOR_RECALL or wrong:
            low.append(f"recall {recall:.3f} is below {FLOOR_RECALL}, or one of {folded} spellings is wrong ({wrong})")
    else:
        print(f"  skipped, {given.data / 'analyst_posts'} is absent")
    print("\n" + ("\n".join(low) or "Every floor is held."))
    return 1 if low else 0


if __name__ == "__main__":
    sys.exit(main())
