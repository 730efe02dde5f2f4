"""How well the starter codings teach framing: on held-out traditions, on another hand's texts, on party manifestos.

Run: ``python -m benchmarks.framing``. Prints every figure beside its baselines from the same run, writes nothing,
exits 1 when a figure is below its floor. Uses ../shared/data/manifesto_en where it is there; nothing is trained on it.
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import Pipeline, make_pipeline

from classifiers.codebook import load_codebook
from classifiers.evaluation.evaluate import cross_validate, figures, macro_f1, majority
from classifiers.heads import Floats
from classifiers.model.classifier import TextClassifier
from classifiers.starter import StarterCoding, load_starter
from classifiers.text.features import as_rows

HEADS = load_codebook().two_heads
MANIFESTOS = Path(__file__).resolve().parents[2] / "shared" / "data" / "manifesto_en" / "nat_univ.csv"

FLOORS = {
    "starter, held-out traditions, four values": 0.75,
    "starter, held-out traditions, two sides": 0.82,
    "starter, the other hand, four values": 0.67,
    # lowered from .77 when 420 rows of natural prose came: .765 with them in training, .784 without (296 texts)
    "starter, the other hand, two sides": 0.75,
    "manifestos, two sides": 0.61,
}
"""Macro-F1, a little under what is reached. An update that lowers one says so."""


@dataclass(frozen=True)
class Line:
    """One figure and its baselines: macro-F1."""

    name: str
    texts: int
    reached: float
    plain: float
    """words TF-IDF + logistic regression of scikit-learn with its defaults, trained on the same codings"""
    majority: float
    note: str = ""

    def __str__(self) -> str:
        floor = FLOORS.get(self.name)
        return (
            f"{self.name:45} {self.texts:5} {self.reached:8.3f} {self.plain:8.3f} {self.majority:8.3f} "
            f"{'' if floor is None else format(floor, '.2f'):>6}  {self.note}"
        ).rstrip()


def _plain() -> Pipeline:
    return make_pipeline(TfidfVectorizer(), LogisticRegression(max_iter=1000))


def _plain_proba(train: Sequence[StarterCoding], texts: Sequence[str]) -> tuple[list[str], list[str]]:
    """What the plain pipeline says: of four values, and of two sides."""
    fitted = _plain().fit([c.text for c in train], [c.value for c in train])
    p = dict(zip(fitted.classes_, fitted.predict_proba(texts).T, strict=True))
    sides = [
        "nationalist" if a >= b else "universalist" for a, b in zip(p["nationalist"], p["universalist"], strict=True)
    ]
    return list(fitted.predict(texts)), sides


def _lines(
    name: str, codings: Sequence[StarterCoding], p: Floats, plain: tuple[Sequence[str], Sequence[str]]
) -> list[Line]:
    values = [c.value for c in codings]
    made = figures(values, p, HEADS)
    sided = [i for i, value in enumerate(values) if value in {"nationalist", "universalist"}]
    truth = [values[i] for i in sided]
    return [
        Line(
            f"{name}, four values", len(values), made["macro_f1"], macro_f1(values, plain[0]), made["majority_macro_f1"]
        ),
        Line(
            f"{name}, two sides",
            len(sided),
            made["two_way_macro_f1"],
            macro_f1(truth, [plain[1][i] for i in sided]),
            made["two_way_majority_macro_f1"],
        ),
    ]


def held_out_traditions(codings: Sequence[StarterCoding]) -> list[Line]:
    """Cross-validation, no tradition on both sides; then per language."""
    groups = [c.tradition for c in codings]
    p = cross_validate(TextClassifier(), [c.row for c in codings], [c.value for c in codings], groups, folds=8)
    four, two = np.empty(len(codings), dtype=object), np.empty(len(codings), dtype=object)
    for train, test in GroupKFold(8).split(codings, groups=groups):
        four[test], two[test] = _plain_proba([codings[i] for i in train], [codings[i].text for i in test])
    lines = _lines("starter, held-out traditions", codings, p, (list(four), list(two)))
    for language in sorted({c.lang for c in codings}):
        inside = [i for i, c in enumerate(codings) if c.lang == language]
        lines += _lines(f"  of it {language}", [codings[i] for i in inside], p[inside], (four[inside], two[inside]))
    return lines


def other_hand(codings: Sequence[StarterCoding]) -> list[Line]:
    """The English rows were written in two blocks, by different hands: one teaches the other."""
    english = [c for c in codings if c.lang == "en"]
    parts: list[tuple[list[StarterCoding], Floats, list[str], list[str]]] = []
    for block in ("en-a", "en-b"):
        train = [c for c in english if not c.id.startswith(block)]
        test = [c for c in english if c.id.startswith(block)]
        fitted = TextClassifier().fit([c.row for c in train], [c.value for c in train], [c.tradition for c in train])
        parts.append((test, fitted.predict_heads([c.row for c in test]), *_plain_proba(train, [c.text for c in test])))
    return _lines(
        "starter, the other hand",
        [c for test, *_ in parts for c in test],
        np.vstack([p for _, p, *_ in parts]),
        ([v for *_, four, _ in parts for v in four], [v for *_, two in parts for v in two]),
    )


def manifestos(codings: Sequence[StarterCoding], file: Path = MANIFESTOS) -> list[Line]:
    """Sentences of party manifestos that trained coders called national or universal; none of them is trained on."""
    with file.open(encoding="utf-8", newline="") as handle:
        rows = [row for row in csv.DictReader(handle) if row["side_core"]]
    truth = [{"nat": "nationalist", "univ": "universalist"}[row["side_core"]] for row in rows]
    fitted = TextClassifier().fit([c.row for c in codings], [c.value for c in codings], [c.tradition for c in codings])
    p = fitted.predict_heads(as_rows([(r["text_preceding"], r["text_original"], r["text_following"]) for r in rows]))
    _, plain = _plain_proba(codings, [row["text_original"] for row in rows])
    area = roc_auc_score([value == "nationalist" for value in truth], p[:, 0] - p[:, 1])
    note = f"area under the curve {area:.3f}; a coin reaches .50 in both"
    return [
        Line(
            "manifestos, two sides",
            len(truth),
            macro_f1(truth, HEADS.sides(p)),
            macro_f1(truth, plain),
            macro_f1(truth, majority(truth)),
            note,
        )
    ]


def measure() -> list[Line]:
    """All figures; those on manifestos only where the data is there."""
    codings = load_starter()
    lines = held_out_traditions(codings) + other_hand(codings)
    return lines + (manifestos(codings) if MANIFESTOS.is_file() else [])


def below(lines: Sequence[Line]) -> list[str]:
    """The figures under their floor, in words."""
    return [f"{x.name}: {x.reached:.3f} is below {FLOORS[x.name]}" for x in lines if x.reached < FLOORS.get(x.name, 0)]


def main() -> int:
    """Print the table; 1 when a figure is below its floor."""
    lines = measure()
    print(
        "Macro-F1. plain: TF-IDF words + logistic regression on the same codings. majority: always the commonest value."
    )
    print(f"{'on':45} {'texts':>5} {'reached':>8} {'plain':>8} {'majority':>8} {'floor':>6}")
    for line in lines:
        print(line)
    if not MANIFESTOS.is_file():
        print("manifestos: not measured, ../shared/data is absent")
    for problem in below(lines):
        print(problem, file=sys.stderr)
    return 1 if below(lines) else 0


if __name__ == "__main__":
    sys.exit(main())
