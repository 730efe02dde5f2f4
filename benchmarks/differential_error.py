"""A model that is worse on one group moves the gap: by how much, who notices, and does the correction hold?

    python -m benchmarks.differential_error [--repetitions 200] [--full] [--data FOLDER]

*Synthetic*: two groups in four periods; the model follows one less well than the other and leans to one side there.
*Party manifestos* (skipped where the data set is absent): sentences that a crowd labelled economic (+1), social (-1) or
neither (0), a model of 1987 and 1992, and twelve party-years of 1997 to 2010. For one party after the other the model
is made blind to the words that speak most for "economic", as when a group says the same in other words. Printed are the
error rates per group that would warn a reader, the bias of the model gap, the coverage of its naive interval and of the
corrected one, and how often the warning is given. Writes nothing; exits 1 when a pinned figure is missed.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pipeline.measure.balance import balance, borrow, moments
from pipeline.measure.error_rates import differential_error
from pipeline.measure.gap import gap

COVERS = (0.93, 0.97)
"""Coverage of the corrected gap of a group the model is worse on: 95% intervals, neither too short nor too long."""
NAIVE = 0.5
"""The naive interval of the model gap covers less than this there; else the benchmark shows nothing."""
ERROR_COVERS = 0.92
"""Coverage of the interval of the difference in errors, a t interval from a few codings with the values -1, 0, 1."""
MOST_WARNINGS = 0.08
"""Share of warnings where the model errs alike in both groups; goal .05."""
WORSE, BETTER = "worse", "better"
BLIND = 100
"""So many words are hidden from the model that is made worse."""
SEED = 20090919

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Cell:
    """All texts of a group in a period; arrays of shape (N,)."""

    group: str
    period: int
    f: Floats
    """balance by the model"""
    hard: Floats
    """the model's label: +1, 0 or -1"""
    y: Floats
    """balance by the coders"""


def synthetic(random: np.random.Generator, alike: bool = False) -> list[Cell]:
    """Eight cells of 100 to 200 texts. The worse group turns universalist, and the model reads it as more nationalist
    than it is; ``alike``: nothing differs between the groups.
    """
    cells = []
    for group, sign in ((BETTER, 1), (WORSE, -1)):
        slope, lean = (0.55, 0.0) if alike or group == BETTER else (0.25, 0.2)
        for period in range(4):
            total = int(random.integers(100, 201))
            level = 0.0 if alike else sign * 0.05 * period
            y = random.choice([1.0, -1.0, 0.0], total, p=[0.33 + level, 0.33 - level, 0.34])
            f = np.clip(slope * y + lean + random.normal(0, 0.35, total), -1, 1)
            hard = np.where(f > 0.33, 1.0, np.where(f < -0.33, -1.0, 0.0))
            cells.append(Cell(group, period, f, hard, y))
    return cells


def manifestos(file: Path) -> tuple[list[Cell], list[Cell]]:
    """Twelve party-years scored by the model as trained, and the same scored by the one that is blind to words."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import normalize

    values = {"Economic": 1.0, "Social": -1.0, "Not Economic or Social": 0.0}
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["crowd_econsocial_label"] in values]
    early = [row for row in rows if int(row["year"]) < 1997]
    later = [row for row in rows if int(row["year"]) >= 1997]
    words, model = TfidfVectorizer(sublinear_tf=True, min_df=2), LogisticRegression(C=3.0, max_iter=1000)
    known = words.fit_transform([row["texts"] for row in early])
    model.fit(known, [values[row["crowd_econsocial_label"]] for row in early])  # classes in order: -1, 0, 1
    features = words.transform([row["texts"] for row in later]).tocsc()
    unseen = features.copy()
    for word in (model.coef_[2] - model.coef_[0]).argsort()[-BLIND:]:
        unseen.data[unseen.indptr[word] : unseen.indptr[word + 1]] = 0.0
    y = np.array([values[row["crowd_econsocial_label"]] for row in later])
    keys = [(row["party"], int(row["year"])) for row in later]
    made: list[list[Cell]] = []
    for seen in (features, normalize(unseen.tocsr())):
        chances = model.predict_proba(seen)
        f, hard = chances[:, 2] - chances[:, 0], chances.argmax(axis=1) - 1.0
        made.append(
            [
                Cell(*key, f[inside], hard[inside], y[inside])
                for key in sorted(set(keys))
                for inside in [np.array([k == key for k in keys])]
            ]
        )
    return made[0], made[1]


@dataclass(frozen=True)
class Row:
    """Means over audits and over pairs of groups in one period."""

    bias: float
    """mean of model gap less true gap"""
    naive: float
    """coverage of the interval that knows no error of the model"""
    corrected: float
    error: float
    """mean absolute error of the corrected gap"""
    difference: float
    """coverage of the interval of the difference in errors"""
    warned: float
    """of the two groups in one period"""
    warned_pooled: float
    """from the codings of all periods together"""


def pairs_of(cells: Sequence[Cell], group: str) -> list[tuple[int, int]]:
    """The group's cells, each with every other group's cell of the same period."""
    return [
        (i, j)
        for i, a in enumerate(cells)
        for j, b in enumerate(cells)
        if a.group == group and b.group != group and a.period == b.period
    ]


def audit(cells: Sequence[Cell], pairs: Sequence[tuple[int, int]], n: int, random: np.random.Generator) -> Floats:
    """One audit of ``n`` codings a cell; a row per pair in the order of :class:`Row`."""
    samples = [random.choice(len(c.y), min(n, len(c.y)), replace=False) for c in cells]
    lent = [moments(c.f[s], c.y[s]) for c, s in zip(cells, samples, strict=True)]
    made = []
    for i, (cell, sample) in enumerate(zip(cells, samples, strict=True)):
        coded = np.full(len(cell.y), np.nan)
        coded[sample] = cell.y[sample]
        made.append((balance(cell.f, coded, borrow(lent[:i] + lent[i + 1 :])), coded))
    codings = {
        group: [np.concatenate(parts) for parts in zip(*((cells[k].f, made[k][1]) for k in own), strict=True)]
        for group in {cell.group for cell in cells}
        for own in [[k for k, cell in enumerate(cells) if cell.group == group]]
    }
    warned = {
        (a, b): bool(differential_error(*codings[a], *codings[b]).differs)
        for a, b in {(cells[i].group, cells[j].group) for i, j in pairs}
    }
    rows = []
    for i, j in pairs:
        a, b = cells[i], cells[j]
        true, model = a.y.mean() - b.y.mean(), a.f.mean() - b.f.mean()
        half = 1.96 * (a.f.var(ddof=1) / len(a.f) + b.f.var(ddof=1) / len(b.f)) ** 0.5
        corrected = gap(made[i][0], made[j][0])
        inside = corrected.interval
        told = differential_error(a.f, made[i][1], b.f, made[j][1])
        rows.append(
            (
                model - true,
                abs(model - true) <= half,
                inside is not None and inside.low <= true <= inside.high,
                abs(corrected.value - true),
                told.low is not None and told.high is not None and told.low <= model - true <= told.high,
                bool(told.differs),
                warned[a.group, b.group],
            )
        )
    return np.array(rows, dtype=float)


def score(audits: Sequence[Sequence[Cell]], group: str, n: int) -> Row:
    """One audit of each set of cells; pairs of ``group`` with the others."""
    random = np.random.default_rng([SEED, n])
    rows = [audit(cells, pairs_of(cells, group), n, random) for cells in audits]
    return Row(*np.concatenate(rows).mean(axis=0).tolist())


def _print_errors(title: str, cells: Sequence[Cell]) -> None:
    print(f"\n{title}: error rates per group, all texts")
    print(f"  {'':10}{'mean error f - y':>18}{'mean |f - y|':>14}{'labels right':>14}")
    for group in sorted({cell.group for cell in cells}):
        own = [cell for cell in cells if cell.group == group]
        f, y, hard = (np.concatenate([getattr(cell, name) for cell in own]) for name in ("f", "y", "hard"))
        print(f"  {group:10}{(f - y).mean():+18.3f}{np.abs(f - y).mean():14.3f}{(hard == y).mean():14.3f}")


def _print_rows(title: str, rows: dict[int, Row]) -> None:
    print(f"{title}")
    print(f"  {'codings a cell':16}{'bias of model gap':>18}{'naive covers':>14}{'corrected covers':>18}", end="")
    print(f"{'its error':>11}{'difference covers':>19}{'warned':>8}{'all periods':>13}")
    for n, row in rows.items():
        print(f"  {n:<16}{row.bias:+18.3f}{row.naive:14.3f}{row.corrected:18.3f}{row.error:11.3f}", end="")
        print(f"{row.difference:19.3f}{row.warned:8.3f}{row.warned_pooled:13.3f}")


def main() -> int:
    """Print all tables; 1 when a pinned figure is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repetitions", type=int, default=200, help="audits per table (synthetic: twice as many)")
    parser.add_argument("--full", action="store_true", help="1,000 audits per table")
    shared = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
    parser.add_argument("--data", type=Path, default=shared, help="folder with uk_manifestos")
    given = parser.parse_args()
    repetitions = 1000 if given.full else given.repetitions
    random = np.random.default_rng(SEED)
    missed: list[str] = []

    def check(title: str, rows: dict[int, Row]) -> None:
        for n, row in rows.items():
            where = f"{title}, {n} codings"
            if not COVERS[0] <= row.corrected <= COVERS[1]:
                missed.append(f"{where}: corrected coverage {row.corrected:.3f} is not in {COVERS[0]} to {COVERS[1]}")
            if row.naive >= NAIVE:
                missed.append(f"{where}: naive coverage {row.naive:.3f} is not below {NAIVE}")
            if row.difference < ERROR_COVERS:
                missed.append(
                    f"{where}: the difference in errors is covered {row.difference:.3f}, below {ERROR_COVERS}"
                )

    populations = [synthetic(random) for _ in range(2 * repetitions)]
    _print_errors("Synthetic groups", [cell for cells in populations for cell in cells])
    rows = {n: score(populations, WORSE, n) for n in (10, 20, 40)}
    _print_rows("gap of the worse group to the better", rows)
    check("Synthetic groups", rows)
    alike = {n: score([synthetic(random, True) for _ in range(2 * repetitions)], WORSE, n) for n in (5, 10, 20, 40)}
    _print_rows("the same where the model errs alike in both (warnings are false; goal .05)", alike)
    missed += [
        f"erring alike, {n} codings: {share:.3f} false warnings are more than {MOST_WARNINGS}"
        for n, row in alike.items()
        for share in (row.warned, row.warned_pooled)
        if share > MOST_WARNINGS
    ]

    file = given.data / "uk_manifestos" / "manifestosentsUK.csv.gz"
    if file.is_file():
        cells, blind = manifestos(file)
        for party in sorted({cell.group for cell in cells}):
            worse = [b if b.group == party else a for a, b in zip(cells, blind, strict=True)]
            _print_errors(f"Party manifestos, the model made worse for {party}", worse)
            before = {20: score([cells] * repetitions, party, 20)}
            rows = {n: score([worse] * repetitions, party, n) for n in (10, 20, 40)}
            _print_rows(f"gap of {party} to the others, the model as trained", before)
            _print_rows(f"gap of {party} to the others, the model made worse", rows)
            check(f"Party manifestos, {party}", rows)
    else:
        print(f"\nParty manifestos: skipped, {file} is absent")

    print("\n" + ("\n".join(missed) or "The corrected gap covers where the model's does not, and no figure is missed."))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
