"""Do the 95% intervals of balance, share and gap cover? Coverage and mean absolute error beside the baselines.

    python -m benchmarks.coverage [--full] [--repetitions 100] [--data FOLDER]

Three kinds of cells, made in ``benchmarks/coverage_worlds.py``. In each, n texts of a cell are drawn at random and
their true labels serve as codings. *Synthetic*: four groups in four periods, 30 to 60 texts a cell, a classifier whose
error differs between groups and jumps in one period of one group. *Party manifestos* (skipped where the data set is
absent): sentences that a crowd labelled economic (+1), social (-1) or neither (0); a model trained on 1987 and 1992, so
never on its audit codings; twelve party-years of 1997 to 2010 as cells; as a balance, and as a share with y in 0/1 and
the model's probability as f. *Worlds of sources*: groups of 3 to 30 sources whose texts resemble one another, error
rates that differ and jump, finite N, and draws that are unequal, repeated, or made before the last texts arrived.

The sources are fixed strata: the target is the mean of the texts collected. What it would be in sources that were never
watched is another question, and the last column of the worlds shows how seldom these intervals answer it.

Writes nothing; exits 1 when a mean coverage of ours lies below its floor or above its ceiling, or its error on the
manifestos above what the design asks for. ``--full``: 200 audits of the manifestos, 500 of every world.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from benchmarks.coverage_worlds import (
    BALANCE,
    SHARE,
    SHARE_OF_TWO,
    WORLDS,
    Floats,
    Ints,
    Population,
    World,
    by_period,
    manifestos,
    of_sources,
    synthetic,
)
from pipeline.measure.balance import Balance, Bools, balance, borrow, moments, t_interval
from pipeline.measure.draws import Draws, late_texts, sample_chances
from pipeline.measure.gap import Gap, gap

FLOOR, CEILING = 0.93, 0.97
"""Mean coverage of our intervals, of balances and of gaps, for every number of codings. What is coded whole is right
whatever the method (``certain``): the ceiling is asked of the rest."""
WORLD_FLOOR, WORLD_CEILING = 0.93, 0.97
"""The same in every world of sources. Of 6,000 intervals one standard error is .0028."""
CEILING_OF_WAVES = 0.98
"""Instead of the ceiling where texts came in waves that differ: each wave has its weight, so how they differ is no part
of the error any more, but it is still in the variance. The intervals are wider than need be, never narrower."""
SLACK_OF_A_SMALL_RUN = 0.02
"""Given to floor and ceiling of the worlds when a world is audited fewer than 500 times: of 1,200 intervals one
standard error is .0063, and such a run looks at 88 figures. Without ``--full`` it is given to the ceiling of the other
cells too. A ceiling of 1 or more checks nothing: so it is in a small run for texts that came in waves (.98 + .02), and
for synthetic cells with 40 codings, of which every third is coded whole. Only ``--full`` looks at their upper end."""
DESIGN_MAE = {20: 0.143, 40: 0.099, 80: 0.067}
"""Mean absolute error of the balance on the manifestos that the design asks for."""
DESIGN_SHARE_MAE = {20: 0.077, 40: 0.052, 80: 0.036}
"""The same of a share."""
DESIGN_COVERAGE = {20: 0.93, 40: 0.94, 80: 0.93}
SEED = 20090919
FULL = 500
"""Audits of a world under ``--full``."""

Answer = tuple[float, float, float]
"""estimate, low, high; NaN where a method gives no interval"""


# --- the methods ---


def _naive(values: Floats) -> Answer:
    half = 1.96 * values.std(ddof=1) / len(values) ** 0.5
    return float(values.mean()), float(values.mean() - half), float(values.mean() + half)


def _audit_alone(y: Floats, total: int) -> Balance:
    n, mean = len(y), float(y.mean())
    variance = (1 - n / total) * float(y.var(ddof=1)) / n
    return Balance(mean, mean, n, interval=t_interval(mean, variance, n - 1, 0))


def _in_cell(f: Floats, drawn: Floats, y: Floats) -> Answer:
    """Prediction-powered inference as published: lam from the cell itself, normal quantile, no finite population."""
    spread = float(drawn.var(ddof=1))
    lam = min(1.0, max(0.0, float(np.cov(y, drawn)[0, 1]) / spread)) if spread > 0 else 0.0
    e = y - lam * drawn
    value = lam * float(f.mean()) + float(e.mean())
    half = 1.96 * (float(e.var(ddof=1)) / len(y) + lam**2 * float(f.var(ddof=1)) / len(f)) ** 0.5
    return value, value - half, value + half


def _answer(made: Balance | Gap) -> Answer:
    # codings that do not vary give no interval: scored as an interval of width 0
    inside = made.interval
    return (made.value, inside.low, inside.high) if inside else (made.value, made.value, made.value)


def _difference(a: Answer, b: Answer) -> Answer:
    value = a[0] - b[0]
    half = (((a[2] - a[1]) / 2) ** 2 + ((b[2] - b[1]) / 2) ** 2) ** 0.5
    return value, value - half, value + half


METHODS = ("ours", "audit alone", "in-cell PPI", "PCC, naive", "classify and count, naive")
WITHOUT_INTERVAL = ("PACC", "SLD", "constant")
"""Estimates of ``pipeline.measure.quantifiers`` that come without interval; manifestos only."""


def one_audit(
    cells: Sequence[Population], n: int, random: np.random.Generator
) -> Iterator[tuple[str, str, float, Answer]]:
    """(method, balance or gap, truth, answer) of one random audit of ``n`` codings a cell."""
    samples = [random.choice(len(c.y), min(n, len(c.y)), replace=False) for c in cells]
    lent = [moments(c.f[s], c.y[s]) for c, s in zip(cells, samples, strict=True)]
    ours: list[Balance] = []
    alone: list[Balance] = []
    others: dict[str, list[Answer]] = {name: [] for name in METHODS[2:]}
    for i, (cell, sample) in enumerate(zip(cells, samples, strict=True)):
        coded = np.full(len(cell.y), np.nan)
        coded[sample] = cell.y[sample]
        ours.append(balance(cell.f, coded, borrow(lent[:i] + lent[i + 1 :])))
        alone.append(_audit_alone(cell.y[sample], len(cell.y)))
        others["in-cell PPI"].append(_in_cell(cell.f, cell.f[sample], cell.y[sample]))
        others["PCC, naive"].append(_naive(cell.f))
        others["classify and count, naive"].append(_naive(cell.hard))
        for name, value in cell.without_codings.items():
            others.setdefault(name, []).append((value, np.nan, np.nan))
    answers = {"ours": [_answer(b) for b in ours], "audit alone": [_answer(b) for b in alone], **others}
    pairs = by_period(cells)
    for name, given in answers.items():
        for cell, answer in zip(cells, given, strict=True):
            yield name, "balance", float(cell.y.mean()), answer
        for i, j in pairs:
            truth = float(cells[i].y.mean() - cells[j].y.mean())
            if name in {"ours", "audit alone"}:
                sides = ours if name == "ours" else alone
                yield name, "gap", truth, _answer(gap(sides[i], sides[j]))
            else:
                yield name, "gap", truth, _difference(given[i], given[j])


Scores = Mapping[tuple[str, str], tuple[float, float, float]]
"""(method, balance or gap) -> coverage, mean absolute error, mean half-width; NaN without interval"""


def score(populations: Sequence[Sequence[Population]], n: int, seed: int = SEED) -> Scores:
    """Coverage, error and half-width of every method: one audit of ``n`` codings a cell in each population."""
    random = np.random.default_rng([seed, n])
    seen: dict[tuple[str, str], list[tuple[float, float, float]]] = {}
    for cells in populations:
        for name, what, truth, (value, low, high) in one_audit(cells, n, random):
            # a census has width 0 and is right but for rounding
            hit = np.nan if np.isnan(low) else float(low - 1e-9 <= truth <= high + 1e-9)
            seen.setdefault((name, what), []).append((hit, abs(value - truth), (high - low) / 2))
    return {key: tuple(np.mean(np.array(rows, dtype=float), axis=0)) for key, rows in seen.items()}  # type: ignore[misc]


# --- the worlds of sources ---

Audit = tuple[Floats, Floats | None, Bools | None, Bools]
"""codings (NaN where not coded), pi (None: equal draws), late (None: none), and which texts the estimate speaks of"""
FIRST, SECOND = datetime(2009, 10, 1, tzinfo=UTC), datetime(2009, 10, 15, tzinfo=UTC)
"""When samples are drawn."""
EARLY_SHARE = 0.7
"""of a cell's texts that were there at the first draw, where some come late"""


def _coded(cell: Population, sample: Ints) -> Floats:
    y = np.full(len(cell.y), np.nan)
    y[sample] = cell.y[sample]
    return y


def equal(cell: Population, n: int, random: np.random.Generator) -> Audit:
    """Each text alike."""
    sample = random.choice(len(cell.y), min(n, len(cell.y)), replace=False)
    return _coded(cell, sample), None, None, np.ones(len(cell.y), dtype=bool)


def unequal(cell: Population, n: int, random: np.random.Generator) -> Audit:
    """Texts of which the model is unsure are three times as likely (systematic sampling in random order, n fixed)."""
    unsure = np.abs(cell.f) < np.median(np.abs(cell.f))
    weight = np.where(unsure, 3.0, 1.0)
    pi = np.minimum(1.0, n * weight / weight.sum())
    order = random.permutation(len(cell.y))
    steps = np.floor(np.cumsum(pi[order]) + random.random())
    sample = order[np.diff(steps, prepend=np.floor(0.0)) > 0]
    y = _coded(cell, sample)
    return y, np.where(np.isnan(y), np.nan, pi), None, np.ones(len(cell.y), dtype=bool)


def second_draw(cell: Population, n: int, random: np.random.Generator) -> Audit:
    """n of the early texts, then half as many of all: as stored, with dates, and weighed by ``draws``."""
    total = len(cell.y)
    early = random.random(total) < EARLY_SHARE
    collected = [FIRST - timedelta(days=1) if e else FIRST + timedelta(days=1) for e in early]
    draws: list[dict[datetime, float]] = [{} for _ in range(total)]
    for drawn_at, among, wanted in ((FIRST, np.flatnonzero(early), n), (SECOND, np.arange(total), (n + 1) // 2)):
        size = min(wanted, len(among))
        for i in random.choice(among, size, replace=False):
            draws[i][drawn_at] = size / len(among)
    stored: list[Draws | None] = [own or None for own in draws]
    y = _coded(cell, np.array([i for i, own in enumerate(draws) if own], dtype=np.int64))
    late = late_texts(stored, collected)
    return y, sample_chances(stored, collected), late, ~late


PARTS = (0.1, 0.25, 0.5, 0.75)
"""How much of the last draw is coded by now, in the world of an unfinished one; each with the same chance."""


def _queues(
    cell: Population,
    shares: Sequence[float],
    sizes: Sequence[int],
    random: np.random.Generator,
    part: float = 1.0,
    silent: int = 0,
) -> Audit:
    """As queues draw: each takes of what has come by then, and nothing that an earlier one holds.

    shares: of the cell's texts, that came before each draw and after the one before. sizes: texts drawn. part: of the
    last draw, coded so far, in random order. silent: so many draws at the beginning nobody answers. New texts are
    spoken of once five are coded.
    """
    total = len(cell.y)
    # they also say something else, as in a rift: who weighs them wrongly is wrong
    order = np.argsort(cell.y + random.normal(0, 1, total))
    wave = np.empty(total, dtype=np.int64)
    wave[order] = np.searchsorted(np.cumsum(shares[:-1]) * total, np.arange(total), side="right")
    drawn_at = [FIRST + timedelta(weeks=2 * number) for number in range(len(sizes))]
    collected = [drawn_at[number] - timedelta(days=1) for number in wave.tolist()]
    draws: list[Draws | None] = [None] * total
    answered: list[Draws | None] = [None] * total
    free = np.ones(total, dtype=bool)
    for number, size in enumerate(sizes):
        left = np.flatnonzero((wave <= number) & free)
        taken = random.choice(left, min(size, len(left)), replace=False)
        free[taken] = False
        coded = taken if number < len(sizes) - 1 else taken[: max(1, round(part * len(taken)))]
        share = len(coded) / len(taken)
        for i in coded.tolist() if number >= silent else ():
            draws[i] = {drawn_at[number]: len(taken) / len(left)}
            answered[i] = {drawn_at[number]: share} if share < 1 else {}
    earlier = drawn_at[:silent]
    arrived_late = late_texts(draws, collected, earlier)
    y = _coded(cell, np.array([i for i, own in enumerate(draws) if own], dtype=np.int64))
    return y, sample_chances(draws, collected, answered, earlier), arrived_late, ~arrived_late


def unfinished_second_draw(cell: Population, n: int, random: np.random.Generator) -> Audit:
    """n of the early texts, then twice as many of all, of which a part is coded so far."""
    part = float(random.choice(PARTS))
    return _queues(cell, (EARLY_SHARE, 1 - EARLY_SHARE), (n, 2 * n), random, part)


def small_second_draw(cell: Population, n: int, random: np.random.Generator) -> Audit:
    """n of the early texts, then one or two of all, when these have become more than twice as many."""
    return _queues(cell, (0.4, 0.6), (n, int(random.integers(1, 3))), random)


def large_second_draw(cell: Population, n: int, random: np.random.Generator) -> Audit:
    """n of the early texts, then twice as many of all."""
    return _queues(cell, (EARLY_SHARE, 1 - EARLY_SHARE), (n, 2 * n), random)


def three_draws(cell: Population, n: int, random: np.random.Generator) -> Audit:
    """n of the early texts, then twice half as many of a cell that grows: five of the new ones are coded, or not."""
    return _queues(cell, (0.4, 0.3, 0.3), (n, (n + 1) // 2, (n + 1) // 2), random)


def silent_first_draw(cell: Population, n: int, random: np.random.Generator) -> Audit:
    """A fifth of the early texts, half, nine tenths or all of them stand in a queue that nobody answers; then n of the
    others."""
    held = round(float(random.choice([0.2, 0.5, 0.9, 1.0])) * 0.5 * len(cell.y))
    return _queues(cell, (0.5, 0.5), (held, n), random, silent=1)


def late(cell: Population, n: int, random: np.random.Generator) -> Audit:
    """n of the early texts; the others came after the draw, and the estimate does not speak of them."""
    arrived = random.random(len(cell.y)) > EARLY_SHARE
    among = np.flatnonzero(~arrived)
    return _coded(cell, random.choice(among, min(n, len(among)), replace=False)), None, arrived, ~arrived


def late_and_coded(cell: Population, n: int, random: np.random.Generator) -> Audit:
    """n of the early texts and n of the late ones: two strata. Fewer than five late texts are not spoken of."""
    arrived = random.random(len(cell.y)) > EARLY_SHARE
    samples = [random.choice(w, min(n, len(w)), replace=False) for w in map(np.flatnonzero, (~arrived, arrived))]
    meant = np.ones(len(cell.y), dtype=bool) if len(samples[1]) >= 5 else ~arrived
    return _coded(cell, np.concatenate(samples)), None, arrived, meant


DRAWS: Mapping[str, Callable[[Population, int, np.random.Generator], Audit]] = {
    "equal": equal,
    "unequal": unequal,
    "second draw": second_draw,
    "unfinished draw": unfinished_second_draw,
    "late": late,
    "late and coded": late_and_coded,
    "small second draw": small_second_draw,
    "large second draw": large_second_draw,
    "three draws": three_draws,
    "silent first draw": silent_first_draw,
}


IN_WAVES = ("unfinished draw", "small second draw", "large second draw", "three draws", "silent first draw")
"""Of these the ones whose texts came in waves that differ."""


@dataclass(frozen=True)
class WorldScore:
    """Coverage of our intervals in one world."""

    balance: float
    gap: float
    jump: float
    """of gaps in the period in which group a's classifier errs otherwise, with group a"""
    unseen: float
    """of the mean of all sources there could be, which is not the target"""
    error: float
    """mean absolute error of the gap"""
    model_error: float
    """the same of the model alone"""


def score_world(world: World, n: int, repetitions: int, seed: Sequence[int] = (SEED,)) -> WorldScore:
    """``repetitions`` populations of a world, each with one audit of ``n`` codings a cell."""
    random = np.random.default_rng(seed)
    hits: dict[str, list[bool]] = {"balance": [], "gap": [], "jump": [], "unseen": []}
    errors: list[tuple[float, float]] = []
    for _ in range(repetitions):
        cells = of_sources(world, random)
        audits = [DRAWS[world.draw](cell, n, random) for cell in cells]
        lent = [moments(c.f[~np.isnan(y)], c.y[~np.isnan(y)]) for c, (y, _, _, _) in zip(cells, audits, strict=True)]
        made = [
            balance(cell.f, y, borrow(lent[:i] + lent[i + 1 :]), pi=pi, late=arrived)
            for i, (cell, (y, pi, arrived, _)) in enumerate(zip(cells, audits, strict=True))
        ]
        truths = [float(cell.y[meant].mean()) for cell, (_, _, _, meant) in zip(cells, audits, strict=True)]
        last = max(cell.period for cell in cells)
        for cell, found, truth in zip(cells, made, truths, strict=True):
            _, low, high = _answer(found)
            hits["balance"].append(low - 1e-9 <= truth <= high + 1e-9)
            hits["unseen"].append(cell.expected is not None and low <= cell.expected <= high)
        for i, j in by_period(cells):
            value, low, high = _answer(gap(made[i], made[j]))
            truth = truths[i] - truths[j]
            hits["gap"].append(low - 1e-9 <= truth <= high + 1e-9)
            if cells[i].period == last and cells[i].group == "a":
                hits["jump"].append(hits["gap"][-1])
            errors.append((abs(value - truth), abs(made[i].model - made[j].model - truth)))
    return WorldScore(*(float(np.mean(each)) for each in hits.values()), *np.mean(errors, axis=0).tolist())


# --- printing ---


def _print(title: str, n: int, scores: Scores, goal: Mapping[int, float]) -> None:
    print(f"\n{title}, {n} random codings a cell")
    print(f"  {'':26}{'coverage':>20}{'mean abs. error':>20}{'half-width':>20}")
    print(f"  {'':26}" + f"{'cell':>12}{'gap':>8}" * 3)
    for name in (*METHODS, *WITHOUT_INTERVAL):
        if (name, "balance") in scores:
            pairs = zip(scores[name, "balance"], scores[name, "gap"], strict=True)
            print(f"  {name:26}" + "".join(f"{a:12.3f}{b:8.3f}" for a, b in pairs).replace("nan", " --"))
    if n in goal:
        print(f"  {'asked for by the design':26}{DESIGN_COVERAGE[n]:12.2f}{'':8}{goal[n]:12.3f}")


def certain(populations: Sequence[Sequence[Population]], n: int) -> dict[str, float]:
    """The share of balances and of gaps that are right whatever the method, since ``n`` codings are of all texts."""
    whole = [[len(cell.y) <= n for cell in cells] for cells in populations]
    return {
        "balance": float(np.mean([one for each in whole for one in each])),
        "gap": float(
            np.mean([a[i] and a[j] for a, of in zip(whole, populations, strict=True) for i, j in by_period(of)])
        ),
    }


def beyond(title: str, n: int, scores: Scores, sure: Mapping[str, float], slack: float) -> list[str]:
    """Which coverage of ours lies outside floor and ceiling, in words. sure: share that is right by itself."""
    missed = []
    for what in ("balance", "gap"):
        covers = scores["ours", what][0]
        ceiling = CEILING + (1 - CEILING) * sure[what] + slack
        if not FLOOR <= covers <= ceiling:
            missed.append(f"{title}, {n} codings, {what}: coverage {covers:.3f} is not in {FLOOR} to {ceiling:.3g}")
    return missed


def _cells(
    title: str,
    populations: Sequence[Sequence[Population]],
    budgets: Sequence[int],
    goal: Mapping[int, float],
    slack: float,
) -> list[str]:
    """Print the tables of one kind of cells; what was missed, in words. slack: of the ceiling."""
    missed = []
    for n in budgets:
        scores = score(populations, n)
        _print(title, n, scores, goal)
        missed += beyond(title, n, scores, certain(populations, n), slack)
        error = scores["ours", "balance"][1]
        if error > goal.get(n, 2.0):
            missed.append(f"{title}, {n} codings: mean absolute error {error:.3f} is above {goal[n]}")
    return missed


def _worlds(repetitions: int, budgets: Sequence[int]) -> list[str]:
    """Print a line for every world, and which lie outside what is asked for; what misses a pinned floor, in words."""
    slack = 0.0 if repetitions >= FULL else SLACK_OF_A_SMALL_RUN
    print(
        f"\nWorlds of sources, coverage of our 95% intervals, {repetitions} audits of each; "
        f"asked for: {WORLD_FLOOR} to {WORLD_CEILING}"
    )
    print(f"  {'':54}{'':16}{'with the':>10}{'of unseen':>11}{'error of the gap':>20}")
    print(f"  {'':46}{'codings':>8}{'cell':>8}{'gap':>8}{'jump':>10}{'sources':>11}{'ours':>12}{'model':>8}")
    missed, outside = [], 0
    for number, world in enumerate(WORLDS):
        floor = WORLD_FLOOR - slack
        ceiling = (CEILING_OF_WAVES if world.draw in IN_WAVES else WORLD_CEILING) + slack
        for n in budgets:
            found = score_world(world, n, repetitions, (SEED, n, number))
            asked = all(WORLD_FLOOR <= value <= WORLD_CEILING for value in (found.balance, found.gap))
            outside += not asked
            print(
                f"  {world.name:46}{n:8}{found.balance:8.3f}{found.gap:8.3f}{found.jump:10.3f}{found.unseen:11.3f}"
                f"{found.error:12.3f}{found.model_error:8.3f}{'' if asked else '  outside'}"
            )
            missed += [
                f"{world.name}, {n} codings, {what}: coverage {value:.3f} is not in {floor:g} to {ceiling:g}"
                for what, value in (("cell", found.balance), ("gap", found.gap))
                if not floor <= value <= ceiling
            ]
    print(f"  {outside} of {len(WORLDS) * len(budgets)} lines lie outside what is asked for.")
    return missed


def main() -> int:
    """Print all tables; 1 when ours covers too little, or too much."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, help="audits per table (synthetic: four times as many)")
    parser.add_argument("--full", action="store_true", help="the sizes that the documentation names")
    shared = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    parser.add_argument("--data", type=Path, default=shared, help="folder with uk_manifestos")
    given = parser.parse_args()
    repetitions = given.repetitions or (200 if given.full else 100)
    random = np.random.default_rng(SEED)
    slack = 0.0 if given.full else SLACK_OF_A_SMALL_RUN
    made = [synthetic(random) for _ in range(4 * repetitions)]
    missed = _cells("Synthetic groups", made, (5, 10, 20, 40), {}, slack)
    file = given.data / "uk_manifestos" / "manifestosentsUK.csv.gz"
    if file.is_file():
        for variable, cells in manifestos(file).items():
            goal = {BALANCE: DESIGN_MAE, SHARE: DESIGN_SHARE_MAE, SHARE_OF_TWO: DESIGN_SHARE_MAE}[variable]
            missed += _cells(f"Party manifestos, {variable}", [cells] * repetitions, (5, 10, 20, 40, 80), goal, slack)
    else:
        print(f"Party manifestos: skipped, {file} is absent")
    missed += _worlds(FULL if given.full else repetitions, (5, 10, 20) if given.full else (10,))
    kept = f"No floor missed: mean coverage of ours {FLOOR} to {CEILING} (in waves {CEILING_OF_WAVES})"
    if not given.full:
        kept += f", with {SLACK_OF_A_SMALL_RUN} of slack (cells outside the worlds: upwards only), as this run is small"
    print("\n" + ("\n".join(missed) or f"{kept}; no error above the design's."))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
