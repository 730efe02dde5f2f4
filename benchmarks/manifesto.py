"""Framing learnt from coded sentences of party manifestos: ours beside TF-IDF words and logistic regression.

    python -m benchmarks.manifesto [--repeats N]

Data: ../shared/data/manifesto_en/nat_univ.csv, the 312 core sentences, national or universal. No manifesto is on both
sides of a fold; the grouping into five folds is shuffled ``--repeats`` times, the same for all ways. Macro-F1 of two
sides, mean and standard deviation over the repeats. Exit status 1 below a floor. Without the data it says so and stops.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.base import clone
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from classifiers.evaluation.evaluate import macro_f1
from classifiers.model.classifier import TextClassifier

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "manifesto_en" / "nat_univ.csv"
FOLDS = 5
LEAD = 0.03
"""over every way of the plain pipeline"""
FLOOR = 0.74
OURS = "ours, neighbours weight 1"
SIDES = {"nat": "nationalist", "univ": "universalist"}
Labels = npt.NDArray[np.str_]


@dataclass(frozen=True)
class Sentences:
    """The core sentences: (before, text, after), side and manifesto of each."""

    rows: list[tuple[str, str, str]]
    sides: Labels
    manifestos: Labels

    @property
    def joined(self) -> list[str]:
        """Each sentence with its neighbours, as one text."""
        return [" ".join(row).strip() for row in self.rows]


def load(file: Path = DATA) -> Sentences:
    """The core rows of nat_univ.csv."""
    with file.open(encoding="utf-8", newline="") as handle:
        rows = [row for row in csv.DictReader(handle) if row["side_core"]]
    return Sentences(
        [(r["text_preceding"], r["text_original"], r["text_following"]) for r in rows],
        np.array([SIDES[r["side_core"]] for r in rows]),
        np.array([r["manifesto_id"] for r in rows]),
    )


def plain(texts: Sequence[str], data: Sentences, train: npt.NDArray[np.int64], test: npt.NDArray[np.int64]) -> Labels:
    """scikit-learn's TF-IDF words and logistic regression, with their defaults."""
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1000))
    fitted = pipeline.fit([texts[i] for i in train], data.sides[train])
    return np.asarray(fitted.predict([texts[i] for i in test]))


def plain_balanced(
    texts: Sequence[str], data: Sentences, train: npt.NDArray[np.int64], test: npt.NDArray[np.int64]
) -> Labels:
    """The same, both sides counting as much: the strongest form of the baseline."""
    pipeline = make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1000, class_weight="balanced"))
    fitted = pipeline.fit([texts[i] for i in train], data.sides[train])
    return np.asarray(fitted.predict([texts[i] for i in test]))


def ours(
    classifier: TextClassifier, data: Sentences, train: npt.NDArray[np.int64], test: npt.NDArray[np.int64]
) -> Labels:
    """The side whose head is higher before calibration: with one side only the heads are one another's opposite."""
    fitted = clone(classifier).fit(
        [data.rows[i] for i in train], data.sides[train].tolist(), data.manifestos[train].tolist()
    )
    scores = fitted.decision_function([data.rows[i] for i in test])
    return np.where(scores[:, 0] >= scores[:, 1], "nationalist", "universalist")


def measure(repeats: int, data: Sentences) -> dict[str, list[float]]:
    """Macro-F1 of every way in every repeat."""
    sentences = [text for _, text, _ in data.rows]
    ways = {
        "plain, sentence": partial(plain, sentences),
        "plain, with neighbours": partial(plain, data.joined),
        "plain, with neighbours, balanced": partial(plain_balanced, data.joined),
        "ours, sentence": partial(ours, TextClassifier()),
        "ours, neighbours weight .5": partial(ours, TextClassifier(context_weight=0.5)),
        OURS: partial(ours, TextClassifier(context_weight=1.0)),
    }
    reached: dict[str, list[float]] = {name: [] for name in ways}
    for repeat in range(repeats):
        splitter = GroupKFold(FOLDS, shuffle=True, random_state=repeat)
        folds = list(splitter.split(data.sides, groups=data.manifestos))
        for name, way in ways.items():
            said = np.empty(len(data.sides), dtype=object)
            for train, test in folds:
                said[test] = way(data, train, test)
            reached[name].append(macro_f1(data.sides.tolist(), said.tolist()))
    return reached


def problems(reached: dict[str, list[float]]) -> list[str]:
    """What is below its floor, in words."""
    mean = {name: float(np.mean(values)) for name, values in reached.items()}
    found = [
        f"{OURS}: {mean[OURS]:.3f} is not {LEAD} above {name} ({value:.3f})"
        for name, value in mean.items()
        if name.startswith("plain") and mean[OURS] < value + LEAD
    ]
    return found + ([f"{OURS}: {mean[OURS]:.3f} is below {FLOOR}"] if mean[OURS] < FLOOR else [])


def main() -> int:
    """Print the table; 1 when a floor is broken."""
    parser = argparse.ArgumentParser(description="framing learnt from manifestos")
    parser.add_argument("--repeats", type=int, default=3, help="shuffled groupings into five folds (default 3)")
    repeats = parser.parse_args().repeats
    if not DATA.is_file():
        print("skipped: no sentences to measure on (../shared/data/manifesto_en is absent)")
        return 0
    data = load()
    with threadpool_limits(limits=1):
        reached = measure(repeats, data)
    print(f"{len(data.sides)} sentences of {len(set(data.manifestos))} manifestos, {repeats} x {FOLDS} folds; macro-F1")
    for name, values in reached.items():
        print(f"{name:36}{np.mean(values):7.3f} +- {np.std(values):.3f}")
    found = problems(reached)
    print("\n".join(found) or f"floors held: {FLOOR}, and {LEAD} above every plain way")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
