"""Who criticises whom: is a rise claimed where there is none, what does it see, do rates' intervals cover?

    python -m benchmarks.criticism [--full] [--data FOLDER]

*False claims and power* of the evidence for a rise (at most .025 per direction), with a look after every coding, in
three orders of coding, over naming shares, hostile shares, lengths of reference and budgets, on simulated counts;
beside it the one-sided binomial test at .025, asked once and asked after every coding, and hostile texts that come in
bursts, which neither allows for. The same where parts of a window (waves, audit periods) are coded at unequal rates
and hostile texts are gathered in one of them: each coding as one, by Kish's effective number, and weighted as it is.
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
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from ruamel.yaml import YAML
from scipy.special import bdtrc

from classifiers.codebook import FOLDER
from classifiers.text.mentions import Mentions
from pipeline.measure.balance import LEAST_CODINGS, borrow
from pipeline.measure.criticism import (
    LEAST_HOSTILE,
    LEVEL_OF_RISE,
    NEEDED,
    Audited,
    Hostility,
    Rise,
    Window,
    audited_moments,
    evidence_of_rise,
    hostility,
    rise,
)
from pipeline.monitor import load_monitor
from pipeline.settings import PROJECT_ROOT

SEED = 20090919
CEILING_SIZE = 0.025
"""share of worlds without a rise in which one is ever claimed, in any setting, but for three standard errors"""
FLOOR_POWER = 0.68
"""for a rise from 2% to 15% of all texts, 20 codings a quarter, as it stands when all are coded. It was .80 for the
binomial test, whose level does not hold when it is asked again and again."""
FLOOR_UNEQUAL_POWER = 0.15
"""for the same rise at 300 texts a quarter, of which a fifth are coded whole and half only to one in twenty. Counting
each coding as one sees it in .9, and in as many windows in which nothing has risen"""
FLOOR_COVERAGE = 0.93
"""mean coverage of the rate's interval, in every row"""
FLOOR_RECALL = 0.95
"""texts found by a short list of aliases with other transliterations, of those the full list finds"""
QUARTER = 60
"""texts of A in the present, a quarter"""


# ---- the test of a rise


ORDERS = ("reference first", "present first", "in turns")
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Claims:
    """Shares of simulated worlds in which a rise is claimed."""

    ever: float
    """by the evidence, at any look"""
    last: float
    """by the evidence, when everything is coded"""
    repeated: float
    """by the binomial test at .025, asked at every look"""
    once: float
    """by the binomial test, asked when everything is coded"""


def p_of_rise(hostile: tuple[Ints, Ints], exposure: tuple[NDArray[np.float64], NDArray[np.float64]]) -> Any:
    """The test for one look: P(X >= H_P), X binomial (Przyborowski & Wilenski 1940), one-sided. Present first."""
    return bdtrc(hostile[0] - 1.0, hostile[0] + hostile[1], exposure[0] / (exposure[0] + exposure[1]))


def looks(order: str, present: int, reference: int) -> tuple[Ints, Ints]:
    """Codings of both windows after every coding, in one of :data:`ORDERS`."""
    both = np.arange(1, present + reference + 1)
    if order == "reference first":
        return np.maximum(0, both - reference), np.minimum(both, reference)
    if order == "present first":
        return np.minimum(both, present), np.maximum(0, both - present)
    now = both * present // (present + reference)
    return now, both - now


def _hostile_so_far(
    named: Ints, hostile: float, most: int, worlds: int, rng: np.random.Generator, burst: float
) -> NDArray[np.int64]:
    """Hostile texts among the first 0, 1, 2, ... coded ones of each world; shape (worlds, codings + 1).

    In bursts whole affairs are hostile or not, and their texts are drawn like any others: the same mean, more spread.
    """
    codings = min(most, int(named.max()))
    if burst:
        affairs = rng.binomial(named, 1 / (1 + burst))
        blamed = rng.binomial(affairs, hostile)
        blamed = np.minimum(named, blamed + rng.poisson(burst * blamed))
        # a random order of each world's own texts, of which the first ``blamed`` are hostile
        key = rng.random((worlds, int(named.max())))
        key[np.arange(key.shape[1]) >= named[:, None]] = 2.0
        seen = (np.argsort(key, axis=1) < blamed[:, None])[:, :codings]
    else:
        seen = rng.random((worlds, codings)) < hostile
    so_far = np.zeros((worlds, codings + 1), dtype=np.int64)
    so_far[:, 1:] = np.cumsum(seen, axis=1)
    return so_far


def claims(
    naming: tuple[float, float],
    hostile: tuple[float, float],
    texts: tuple[int, int],
    coded: tuple[int, int],
    order: str,
    worlds: int,
    rng: np.random.Generator,
    burst: float = 0.0,
) -> Claims:
    """How often a rise is claimed; present first.

    naming: chance that a text of A names B; hostile: that such a one is hostile; texts: N; coded: the most that are
    coded. burst: mean number of further texts that repeat a hostile one within its window. Days are taken to be many,
    so that three hostile texts hardly ever fall on one.
    """
    named = [rng.binomial(texts[side], naming[side], worlds) for side in (0, 1)]
    so_far = [_hostile_so_far(named[side], hostile[side], coded[side], worlds, rng, burst) for side in (0, 1)]
    at = looks(order, so_far[0].shape[1] - 1, so_far[1].shape[1] - 1)
    enough, h, exposure = np.array(True), [], []
    for side in (0, 1):
        some = np.minimum(at[side], named[side][:, None])
        h.append(np.take_along_axis(so_far[side], some, axis=1))
        whole = np.where(named[side] > 0, texts[side] / np.maximum(named[side], 1), 0.0)[:, None]
        exposure.append(np.where(named[side][:, None] > 0, whole * some, float(texts[side])))
        enough = enough & (some >= np.minimum(LEAST_CODINGS, named[side])[:, None])
    enough = enough & (h[0] >= LEAST_HOSTILE)
    # where nothing is asked any numbers will do
    counts, stood_for = (h[0], h[1]), (np.where(enough, exposure[0], 1.0), np.where(enough, exposure[1], 1.0))
    shown = enough & (evidence_of_rise(counts, stood_for) >= NEEDED)
    tested = enough & (p_of_rise(counts, stood_for) <= LEVEL_OF_RISE)
    return Claims(*(float(np.mean(share)) for share in (shown.any(1), shown[:, -1], tested.any(1), tested[:, -1])))


def without_a_rise(worlds: int, rng: np.random.Generator) -> tuple[list[Claims], list[Claims]]:
    """Claims in every setting of the grid, with one h in both windows; and with bursts.

    In a third of the settings the present names the other more often and more mildly, in another third less often and
    more harshly. The three orders of coding take turns.
    """
    found, bursts = [], []
    grid = product((0.05, 0.2, 0.6), (0.05, 0.2, 0.6), (1, 4, 8), (10, 20, 1000))
    for turn, (naming, hostile, quarters, per_quarter) in enumerate(grid):
        for i, (size, tilt) in enumerate(product((QUARTER, 5 * QUARTER), (1.0, 1.6, 1 / 1.6))):
            order = ORDERS[(turn + i) % 3]
            named, blamed = (naming * tilt, naming), (hostile / tilt, hostile)
            given = named, blamed, (size, quarters * size), (per_quarter, quarters * per_quarter), order, worlds, rng
            found.append(claims(*given))
            if tilt == 1 and size == QUARTER:
                bursts.append(claims(*given, burst=1.0))
    return found, bursts


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


# ---- parts of a window that are coded at unequal rates

Part = tuple[int, float, float]
"""texts of A, chance that one that names B is hostile, share of those that is coded: a wave, or an audit period"""
WAYS = ("each as one", "effective number", "weighted")
"""how codings are counted: as before; by Kish's effective number of them; as :class:`Window` does"""
UNEQUAL = (
    ((1 / 6, 5 / 6), (1.0, 0.05)),
    ((0.2, 0.3, 0.5), (1.0, 0.3, 0.05)),
    ((0.9, 0.1), (1.0, 0.05)),
    ((0.5, 0.5), (0.3, 0.05)),
)
"""shares of a window's texts, and how many of them are coded"""


@dataclass(frozen=True)
class Chance:
    """Shares of simulated worlds in which a rise is claimed: at any look, and when everything is coded."""

    ever: float
    last: float


@dataclass(frozen=True)
class _Seen:
    """A window of all worlds after every coding in it; shape (worlds, codings + 1)."""

    enough: Any
    hostile: Any
    counts: dict[str, tuple[Any, Any]]
    """way of counting -> hostile ones, exposure"""


def parted(texts: int, hostile: float, shares: tuple[float, ...], rates: tuple[float, ...], where: str) -> list[Part]:
    """Parts of a window. where: hostile texts are gathered in the "first" or "last" part, or nowhere ("even")."""
    sizes = [round(texts * share) for share in shares]
    chances = [hostile] * len(sizes)
    if where != "even":
        most = 0 if where == "first" else len(sizes) - 1
        top = min(0.95, hostile * sum(sizes) / sizes[most])
        chances = [(hostile * sum(sizes) - top * sizes[most]) / (sum(sizes) - sizes[most])] * len(sizes)
        chances[most] = top
    return list(zip(sizes, chances, rates, strict=True))


def _parts_at(codings: list[int], by_part: bool) -> list[Ints]:
    """Codings of every part after each coding of the window: one part after the other, or all in turns."""
    both, before, made = np.arange(sum(codings) + 1), 0, []
    for own in codings:
        made.append(np.clip(both - before, 0, own) if by_part else -(-both * own // max(1, sum(codings))))
        before += own
    return made


def _seen(
    naming: float, parts: Sequence[Part], by_part: bool, worlds: int, rng: np.random.Generator, burst: float
) -> _Seen:
    named = [rng.binomial(texts, naming, worlds) for texts, _, _ in parts]
    most = [max(LEAST_CODINGS, round(rate * texts * naming)) if rate < 1 else texts for texts, _, rate in parts]
    so_far = [
        _hostile_so_far(own, hostile, codings, worlds, rng, burst)
        for own, (_, hostile, _), codings in zip(named, parts, most, strict=True)
    ]
    at = _parts_at([one.shape[1] - 1 for one in so_far], by_part)
    # parts that came one after the other count from five codings on, till then their texts are late
    least = LEAST_CODINGS if by_part else 1
    coded = [np.minimum(one, own[:, None]) for one, own in zip(at, named, strict=True)]
    blamed = np.stack([np.take_along_axis(h, one, axis=1) for h, one in zip(so_far, coded, strict=True)])
    some, all_named = np.stack(coded), np.stack(named)[:, :, None]
    enough = (some >= np.minimum(least, all_named)).all(0)
    enough &= some.sum(0) >= np.minimum(LEAST_CODINGS, all_named.sum(0))
    weights = np.where(some > 0, all_named / np.maximum(some, 1), 0.0)
    total, hostile, heaviest = (weights * some).sum(0), (weights * blamed).sum(0), np.maximum(weights.max(0), 1.0)
    effective = total / np.maximum((weights**2 * some).sum(0), 1.0)
    each = sum(texts for texts, _, _ in parts) / np.maximum(all_named.sum(0), 1)
    counts = {
        "each as one": (blamed.sum(0), some.sum(0) * each),
        "effective number": (hostile * effective, total * effective * each),
        "weighted": (hostile / heaviest, total / heaviest * each),
    }
    return _Seen(enough, blamed.sum(0), counts)


def unequal_claims(
    naming: float,
    present: Sequence[Part],
    reference: Sequence[Part],
    order: str,
    by_part: bool,
    worlds: int,
    rng: np.random.Generator,
    burst: float = 0.0,
) -> dict[str, Chance]:
    """How often a rise is claimed, by way of counting codings, with a look after every one; else as :func:`claims`."""
    now, before = (_seen(naming, parts, by_part, worlds, rng, burst) for parts in (present, reference))
    i, j = looks(order, now.enough.shape[1] - 1, before.enough.shape[1] - 1)
    enough = now.enough[:, i] & before.enough[:, j] & (now.hostile[:, i] >= LEAST_HOSTILE)
    made = {}
    for way in WAYS:
        (h, e), (g, f) = now.counts[way], before.counts[way]
        exposure = np.where(enough, e[:, i], 1.0), np.where(enough, f[:, j], 1.0)
        shown = enough & (evidence_of_rise((h[:, i], g[:, j]), exposure) >= NEEDED)
        made[way] = Chance(float(shown.any(1).mean()), float(shown[:, -1].mean()))
    return made


def unequal_without_a_rise(
    worlds: int, rng: np.random.Generator
) -> tuple[list[dict[str, Chance]], list[dict[str, Chance]]]:
    """Claims in every setting of the grid, with one h in both windows; and with bursts.

    The reference, four quarters, is coded to a quarter all through, or in parts as the present is, with the hostile
    texts at the other end.
    """
    found, bursts = [], []
    ends = {"first": "last", "last": "first", "even": "even"}
    grid = product((QUARTER, 5 * QUARTER), (0.2, 0.6), (0.05, 0.2), (True, False), ends, (True, False), UNEQUAL)
    for turn, (size, naming, hostile, by_part, where, alike, (shares, rates)) in enumerate(grid):
        present = parted(size, hostile, shares, rates, where)
        reference = [(4 * size, hostile, 0.25)] if alike else parted(4 * size, hostile, shares, rates, ends[where])
        for order in ORDERS:
            found.append(unequal_claims(naming, present, reference, order, by_part, worlds, rng))
        # of four UNEQUAL each has all orders in turn
        bursts.append(unequal_claims(naming, present, reference, ORDERS[turn % 3], by_part, worlds, rng, burst=1.0))
    return found, bursts


def print_unequal(times: int, rng: np.random.Generator) -> list[str]:
    """Print false claims and power where parts of a window are coded at unequal rates; the floors that are missed."""
    low, many = [], 200 * times
    found, bursts = unequal_without_a_rise(many, rng)
    allowed = CEILING_SIZE + 3 * (CEILING_SIZE / many) ** 0.5
    print(f"\nParts of a window coded at unequal rates, no rise: {len(found)} settings, {many:,} worlds each; largest,")
    print("  mean, largest when everything is coded, largest of hostile texts in bursts of two; by how codings count")
    for way in WAYS:
        ever, last = [one[way].ever for one in found], max(one[way].last for one in found)
        clustered = max(one[way].ever for one in bursts)
        print(f"  {way:20}{max(ever):8.4f}{np.mean(ever):8.4f}{last:8.4f}{clustered:8.4f}")
        if way == "weighted" and max(ever) > allowed:
            low.append(f"parts coded at unequal rates: a rise is claimed in {max(ever):.4f} of worlds without one")
    print(f"  (at most {CEILING_SIZE}, simulated {allowed:.4f})")
    print(f"  a rise from 2% to 15%, {5 * QUARTER} texts in the quarter, a year before it; when all are coded (ever):")
    for words, rates, floor in (
        ("three parts, all coded to .28", (0.28, 0.28, 0.28), FLOOR_POWER),
        ("coded to 1, .3 and .05", (1.0, 0.3, 0.05), FLOOR_UNEQUAL_POWER),
    ):
        present = parted(5 * QUARTER, 0.25, UNEQUAL[1][0], rates, "even")
        reference = [(20 * QUARTER, 1 / 30, 0.28)]
        made = unequal_claims(0.6, present, reference, "in turns", False, 4 * many, rng)
        print(f"  {words:32}" + ", ".join(f"{way} {made[way].last:.2f} ({made[way].ever:.2f})" for way in WAYS))
        if made["weighted"].last < floor:
            low.append(f"power {made['weighted'].last:.2f} ({words}) is below {floor}")
    return low


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


def one_audit(cells: list[Population], n: int, rng: np.random.Generator, *, waves: int = 1) -> Iterator[Scored]:
    """Scores of one audit of ``n`` codings in every cell.

    waves: 2: half of the texts came before a third of the codings were drawn, and the others are of the rest.
    """
    audited = []
    for cell in cells:
        y, pi = np.full(len(cell.y), np.nan), np.full(len(cell.y), np.nan)
        everything = np.arange(len(cell.y))
        parts = [everything] if waves == 1 else np.array_split(rng.permutation(everything), waves)
        for part, wanted in zip(parts, (n,) if waves == 1 else (n // 3, n - n // 3), strict=True):
            drawn = rng.choice(part, min(wanted, len(part)), replace=False)
            y[drawn], pi[drawn] = cell.y[drawn], len(drawn) / len(part)
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


def coverage(
    hostile: float, skill: float, n: int, repetitions: int, rng: np.random.Generator, *, waves: int = 1
) -> tuple[float, ...]:
    """Means of :data:`Scored` over audits of eight cells each."""
    rows: list[Scored] = []
    for _ in range(repetitions):
        rows += one_audit([population(hostile, skill, rng) for _ in range(8)], n, rng, waves=waves)
    return tuple(np.mean(np.array(rows, dtype=float), axis=0).tolist())


def print_coverage(times: int, rng: np.random.Generator) -> list[str]:
    """The table of intervals, for texts of one wave and of two. Returns what is below its floor."""
    low = []
    for waves, of_waves in ((1, ""), (2, ", texts of two waves, the later one coded twice as densely")):
        draws = rng if waves == 1 else np.random.default_rng(SEED + 2)
        print(f"\nInterval of h_AB (95%), eight cells, {60 * times} audits a row; t alone beside it{of_waves}")
        print(f"  {'hostile':>8}{'model':>9}{'codings':>9}{'coverage':>10}{'t alone':>9}{'half-width':>12}{'error':>8}")
        for share, skill, n in product((0.03, 0.1, 0.3, 0.6), (0.0, 0.6), (5, 10, 20)):
            got, alone, half, off = coverage(share, skill, n, 60 * times, draws, waves=waves)
            name = "none" if skill == 0 else "good"
            print(f"  {share:8.2f}{name:>9}{n:9}{got:10.3f}{alone:9.3f}{half:12.3f}{off:8.3f}")
            if got < FLOOR_COVERAGE:
                said = f"hostile {share}, model {name}, {n} codings, waves: {waves}"
                low.append(f"coverage {got:.3f} ({said}) is below {FLOOR_COVERAGE}")
    return low


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
    times, many = (4, 2000) if given.full else (1, 500)
    low: list[str] = []

    found, bursts = without_a_rise(many, rng)
    largest = {name: max(getattr(one, name) for one in found) for name in ("ever", "last", "repeated", "once")}
    mean = {name: np.mean([getattr(one, name) for one in found]) for name in largest}
    allowed = CEILING_SIZE + 3 * (CEILING_SIZE / many) ** 0.5
    print(f"A rise is claimed although there is none: {len(found)} settings, {many:,} worlds each, largest and mean")
    for name, words in (
        ("ever", f"evidence of {NEEDED:.0f} to 1, a look after every coding"),
        ("last", "evidence, when everything is coded"),
        ("repeated", f"binomial test at {LEVEL_OF_RISE}, asked after every coding"),
        ("once", "binomial test, asked once when everything is coded"),
    ):
        print(f"  {words:55} {largest[name]:.4f} {mean[name]:.4f}")
    print(f"  (at most {CEILING_SIZE}, simulated {allowed:.4f})")
    worst = max(one.ever for one in bursts), max(one.repeated for one in bursts)
    print(
        f"  hostile texts in bursts of two on average: evidence {worst[0]:.3f}, binomial at every look {worst[1]:.3f}"
    )
    if largest["ever"] > allowed:
        low.append(f"a rise is claimed in {largest['ever']:.4f} of worlds without one, more than {CEILING_SIZE}")

    print(f"\nPower: {QUARTER} texts in the quarter, a year before it, coded in turns; h from 2% to ...")
    print("  evidence when all are coded (ever) / binomial test asked once")
    print(f"  {'codings a quarter':>20}" + "".join(f"{h:>18.0%}" for h in (0.04, 0.06, 0.10, 0.15, 0.25)))
    for budget in (10, 20, 1000):
        made: list[Claims] = []
        for h in (0.04, 0.06, 0.10, 0.15, 0.25):
            naming = (max(0.2, h / 0.6), 0.2)
            hostile = (h / naming[0], 0.1)
            made.append(
                claims(naming, hostile, (QUARTER, 4 * QUARTER), (budget, 4 * budget), "in turns", 4 * many, rng)
            )
        shares = "".join(f"{one.last:8.2f} ({one.ever:.2f}) /{one.once:.2f}".rjust(18) for one in made)
        print(f"  {'all' if budget == 1000 else budget:>20}" + shares)
        if budget == 20 and made[3].last < FLOOR_POWER:
            low.append(f"power {made[3].last:.2f} for a rise from 2% to 15% is below {FLOOR_POWER}")
    error, claimed = onset_errors(100 * times, rng)
    print(f"  onset, a rise from 2% to 20% within the quarter: median error {error:.0f} days, claimed in {claimed:.2f}")

    low += print_unequal(times, np.random.default_rng(SEED + 1))

    low += print_coverage(times, rng)

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
