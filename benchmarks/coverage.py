"""Do the 95% intervals of balance and gap cover? Prints coverage and mean absolute error beside the baselines.

    python benchmarks/coverage.py [--repetitions 100] [--data FOLDER]

Two worlds. *Synthetic*: four groups in four periods, 30 to 60 texts a cell, a classifier whose error differs between
groups and jumps in one period of one group. *Party manifestos* (skipped where the data set is absent): sentences that
a crowd labelled economic (+1), social (-1) or neither (0); a model trained on 1987 and 1992, so never on its audit
codings; twelve party-years of 1997 to 2010 as cells. In both, n texts of a cell are drawn at random and their true
labels serve as codings. Writes nothing; exits 1 when a mean coverage of ours lies below FLOOR, or its error on the
manifestos above what the design asks for.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.measure.balance import Balance, balance, borrow, moments, t_interval
from pipeline.measure.gap import gap

FLOOR = 0.93
"""Mean coverage of our intervals, of balances and of gaps, for every number of codings."""
DESIGN_MAE = {20: 0.143, 40: 0.099, 80: 0.067}
"""Mean absolute error of the balance on the manifestos that the design asks for."""
DESIGN_COVERAGE = {20: 0.93, 40: 0.94, 80: 0.93}
SEED = 20090919

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Population:
    """All texts of a cell: the model's balance and the label a coder would give, both shape (N,)."""

    group: str
    period: int
    f: Floats
    hard: Floats
    """balance of the model's label: +1, 0 or -1"""
    y: Floats


Answer = tuple[float, float, float]
"""estimate, low, high"""


def synthetic(random: np.random.Generator) -> list[Population]:
    """Sixteen cells. Balances drift apart; group a's classifier errs more in the last period, as in a rift."""
    cells = []
    for g, group in enumerate("abcd"):
        for period in range(4):
            total = int(random.integers(30, 61))
            level = (-1) ** g * 0.12 * period
            y = random.choice([1.0, -1.0, 0.0], total, p=[0.33 + level / 2, 0.33 - level / 2, 0.34])
            leaning = 0.08 * g - 0.1 - (0.25 if (group, period) == ("a", 3) else 0.0)
            raw = 0.55 * y + leaning + random.normal(0, 0.35, total)
            f = np.clip(raw, -1, 1)
            cells.append(Population(group, period, f, np.where(f > 0.33, 1.0, np.where(f < -0.33, -1.0, 0.0)), y))
    return cells


def manifestos(file: Path) -> list[Population]:
    """Twelve party-years, scored by a model of the years before."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    values = {"Economic": 1.0, "Social": -1.0, "Not Economic or Social": 0.0}
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["crowd_econsocial_label"] in values]
    early = [row for row in rows if int(row["year"]) < 1997]
    later = [row for row in rows if int(row["year"]) >= 1997]
    model = make_pipeline(TfidfVectorizer(sublinear_tf=True, min_df=2), LogisticRegression(C=3.0, max_iter=1000))
    model.fit([row["texts"] for row in early], [values[row["crowd_econsocial_label"]] for row in early])
    classes = model.classes_
    probabilities = model.predict_proba([row["texts"] for row in later])
    f, hard = probabilities @ classes, classes[probabilities.argmax(axis=1)]
    y = np.array([values[row["crowd_econsocial_label"]] for row in later])
    keys = [(row["party"], int(row["year"])) for row in later]
    return [
        Population(party, year, f[inside], hard[inside], y[inside])
        for party, year in sorted(set(keys))
        for inside in [np.array([key == (party, year) for key in keys])]
    ]


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


def _answer(made: Balance) -> Answer:
    # codings that do not vary give no interval: scored as an interval of width 0
    inside = made.interval
    return (made.value, inside.low, inside.high) if inside else (made.value, made.value, made.value)


def _difference(a: Answer, b: Answer) -> Answer:
    value = a[0] - b[0]
    half = (((a[2] - a[1]) / 2) ** 2 + ((b[2] - b[1]) / 2) ** 2) ** 0.5
    return value, value - half, value + half


METHODS = ("ours", "audit alone", "in-cell PPI", "PCC, naive", "classify and count, naive")


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
    answers = {"ours": [_answer(b) for b in ours], "audit alone": [_answer(b) for b in alone], **others}
    pairs = [
        (i, j) for i, a in enumerate(cells) for j, b in enumerate(cells) if a.period == b.period and a.group < b.group
    ]
    for name in METHODS:
        for cell, answer in zip(cells, answers[name], strict=True):
            yield name, "balance", float(cell.y.mean()), answer
        for i, j in pairs:
            truth = float(cells[i].y.mean() - cells[j].y.mean())
            if name in {"ours", "audit alone"}:
                sides = ours if name == "ours" else alone
                made = gap(sides[i], sides[j])
                inside = made.interval
                yield (
                    name,
                    "gap",
                    truth,
                    ((made.value, inside.low, inside.high) if inside else (made.value, made.value, made.value)),
                )
            else:
                yield name, "gap", truth, _difference(answers[name][i], answers[name][j])


Scores = Mapping[tuple[str, str], tuple[float, float, float]]
"""(method, balance or gap) -> coverage, mean absolute error, mean half-width"""


def score(populations: Sequence[Sequence[Population]], n: int, seed: int = SEED) -> Scores:
    """Coverage, error and half-width of every method: one audit of ``n`` codings a cell in each population."""
    random = np.random.default_rng([seed, n])
    seen: dict[tuple[str, str], list[tuple[bool, float, float]]] = {}
    for cells in populations:
        for name, what, truth, (value, low, high) in one_audit(cells, n, random):
            # a census has width 0 and is right but for rounding
            hit = low - 1e-9 <= truth <= high + 1e-9
            seen.setdefault((name, what), []).append((hit, abs(value - truth), (high - low) / 2))
    return {key: tuple(np.mean(np.array(rows, dtype=float), axis=0)) for key, rows in seen.items()}  # type: ignore[misc]


def _print(title: str, n: int, scores: Scores, design: bool) -> None:
    print(f"\n{title}, {n} random codings a cell")
    print(f"  {'':26}{'coverage':>20}{'mean abs. error':>20}{'half-width':>20}")
    print(f"  {'':26}" + f"{'balance':>12}{'gap':>8}" * 3)
    for name in METHODS:
        pairs = zip(scores[name, "balance"], scores[name, "gap"], strict=True)
        print(f"  {name:26}" + "".join(f"{a:12.3f}{b:8.3f}" for a, b in pairs))
    if design and n in DESIGN_MAE:
        print(f"  {'asked for by the design':26}{DESIGN_COVERAGE[n]:12.2f}{'':8}{DESIGN_MAE[n]:12.3f}")


def main() -> int:
    """Print all tables; 1 when ours covers too little."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=100, help="audits per table (synthetic: four times as many)")
    shared = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    parser.add_argument("--data", type=Path, default=shared, help="folder with uk_manifestos")
    given = parser.parse_args()
    random = np.random.default_rng(SEED)
    worlds = [("Synthetic groups", (5, 10, 20, 40), [synthetic(random) for _ in range(4 * given.repetitions)])]
    file = given.data / "uk_manifestos" / "manifestosentsUK.csv.gz"
    if file.is_file():
        worlds.append(("Party manifestos", (5, 10, 20, 40, 80), [manifestos(file)] * given.repetitions))
    else:
        print(f"Party manifestos: skipped, {file} is absent")
    low = []
    for title, budgets, populations in worlds:
        for n in budgets:
            scores = score(populations, n)
            _print(title, n, scores, title == "Party manifestos")
            low += [
                f"{title}, {n} codings, {what}: coverage {scores['ours', what][0]:.3f} is below {FLOOR}"
                for what in ("balance", "gap")
                if scores["ours", what][0] < FLOOR
            ]
            error = scores["ours", "balance"][1]
            if title == "Party manifestos" and error > DESIGN_MAE.get(n, 2.0):
                low.append(f"{title}, {n} codings: mean absolute error {error:.3f} is above {DESIGN_MAE[n]}")
    print(
        "\n" + ("\n".join(low) or f"Every mean coverage of ours is at least {FLOOR}, and no error above the design's.")
    )
    return 1 if low else 0


if __name__ == "__main__":
    sys.exit(main())
