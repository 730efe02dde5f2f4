"""Cells whose truth is known, for the benchmarks of intervals: party manifestos, and groups that were made up.

*Party manifestos* are sentences that a crowd labelled economic, social or neither. *Synthetic groups* are cells of one
small world. *Worlds of sources* are groups with 3 to 30 sources each, whose texts resemble one another within a source.
In every one the true label of all texts is known, so that an audit can be drawn, and its interval held against the
mean over all texts of the cell.
"""

from __future__ import annotations

import csv
import gzip
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from pipeline.measure.quantifiers import adjusted_probabilistic_count, companions, maximum_likelihood_prior

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Population:
    """All texts of a cell: the model's number and the label a coder would give, both shape (N,).

    Of a balance f lies in [-1, 1] and y is +1, 0 or -1; of a share f is a probability and y is 1 or 0.
    """

    group: str
    period: int
    f: Floats
    hard: Floats
    """what the model's own label says: a value of y"""
    y: Floats
    without_codings: Mapping[str, float] = field(default_factory=dict)
    """estimates of the cell that need none of its codings: name -> value"""
    expected: float | None = None
    """mean of the sources that could have been, of which these are a draw: not what we estimate"""


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


# --- party manifestos ---

BALANCE = "balance: economic less social"
SHARE = "share: economic among all"
SHARE_OF_TWO = "share: economic among economic and social"
VARIABLES = (BALANCE, SHARE, SHARE_OF_TWO)


def manifestos(file: Path) -> dict[str, list[Population]]:
    """Variable -> twelve party-years of 1997 to 2010, scored by a model of 1987 and 1992.

    What the estimates without codings need (class means of the probabilities, class shares) is cross-validated on the
    early years, a manifesto being a fold.
    """
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import GroupKFold, cross_val_predict
    from sklearn.pipeline import make_pipeline

    values = {"Economic": 1.0, "Social": -1.0, "Not Economic or Social": 0.0}
    with gzip.open(file, "rt", encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["crowd_econsocial_label"] in values]
    early = [row for row in rows if int(row["year"]) < 1997]
    later = [row for row in rows if int(row["year"]) >= 1997]
    model = make_pipeline(TfidfVectorizer(sublinear_tf=True, min_df=2), LogisticRegression(C=3.0, max_iter=1000))
    texts, labels = [row["texts"] for row in early], np.array([values[row["crowd_econsocial_label"]] for row in early])
    folds = [f"{row['party']} {row['year']}" for row in early]
    known = cross_val_predict(model, texts, labels, groups=folds, cv=GroupKFold(6), method="predict_proba")
    model.fit(texts, labels)  # classes in order: -1, 0, 1
    chances = model.predict_proba([row["texts"] for row in later])
    truth = np.array([values[row["crowd_econsocial_label"]] for row in later])
    keys = [(row["party"], int(row["year"])) for row in later]
    made: dict[str, list[Population]] = {name: [] for name in VARIABLES}
    for key in sorted(set(keys)):
        inside = np.array([k == key for k in keys])
        made[BALANCE].append(_balance_cell(key, chances[inside], truth[inside], known, labels))
        made[SHARE].append(_share_cell(key, chances[inside, 2], truth[inside] == 1, known[:, 2], labels == 1))
        sided, sided_early = truth[inside] != 0, labels != 0
        made[SHARE_OF_TWO].append(
            _share_cell(
                key,
                _of_two(chances[inside])[sided],
                truth[inside][sided] == 1,
                _of_two(known)[sided_early],
                labels[sided_early] == 1,
            )
        )
    return made


def _of_two(chances: Floats) -> Floats:
    """P(economic), given that it is economic or social."""
    return np.asarray(chances[:, 2] / (chances[:, 0] + chances[:, 2]))


def _rates(known: Floats, positive: NDArray[np.bool_]) -> dict[str, float]:
    return {
        "prior": float(positive.mean()),
        "mean_positive": float(known[positive].mean()),
        "mean_negative": float(known[~positive].mean()),
    }


def _balance_cell(key: tuple[str, int], chances: Floats, y: Floats, known: Floats, labels: Floats) -> Population:
    confusion = {"nationalist": _rates(known[:, 2], labels == 1), "universalist": _rates(known[:, 0], labels == -1)}
    beside = companions(chances[:, 2], chances[:, 0], confusion, float(labels.mean()))
    hard = np.array([-1.0, 0.0, 1.0])[chances.argmax(axis=1)]
    fixed = {"PACC": beside["pacc"], "SLD": beside["sld"], "constant": beside["constant"]}
    return Population(*key, chances[:, 2] - chances[:, 0], hard, y, fixed)


def _share_cell(
    key: tuple[str, int], f: Floats, y: NDArray[np.bool_], known: Floats, positive: NDArray[np.bool_]
) -> Population:
    rates = _rates(known, positive)
    fixed = {
        "PACC": adjusted_probabilistic_count(f, rates["mean_positive"], rates["mean_negative"]),
        "SLD": maximum_likelihood_prior(f, rates["prior"]),
        "constant": rates["prior"],
    }
    return Population(*key, f, (f >= 0.5).astype(float), y.astype(float), fixed)


# --- worlds of sources ---

EDGE = 0.43
"""A text is nationalist above it and universalist below minus it, on a scale of unit variance: thirds at level 0."""
LEANING = {"a": 0.10, "b": -0.05, "c": 0.0, "d": -0.10}
"""What a classifier adds to every text of a group."""
FLIPPED = {"a": 0.10, "b": 0.20, "c": 0.30, "d": 0.15}
"""How often a classifier takes a text of a group for one of another kind."""
JUMP_LEANING, JUMP_FLIPPED = -0.30, 0.45
"""Group a's classifier in the last period, as when a group changes its language."""


@dataclass(frozen=True)
class World:
    """Four groups in three periods; what differs between worlds."""

    sources: int
    """of each group"""
    correlation: float
    """of two texts of a source about its group's level, on the scale the labels are cut from"""
    draw: str = "equal"
    """how texts come to be coded: a name in ``benchmarks.coverage.DRAWS``"""
    texts: tuple[int, int] = (40, 120)
    """of a cell: from, to"""

    @property
    def name(self) -> str:
        """As a table's row is called."""
        return f"{self.sources:2} sources, correlation {self.correlation:g}, {self.draw}"


PERIODS = 3
WORLDS = (
    *(World(sources, correlation) for sources in (3, 5, 10, 30) for correlation in (0.0, 0.1, 0.3)),
    *(
        World(sources, 0.2, draw)
        for draw in (
            *("unequal", "second draw", "late", "late and coded", "unfinished draw"),
            *("small second draw", "large second draw", "three draws", "silent first draw"),
        )
        for sources in (3, 5, 10, 30)
    ),
)


def of_sources(world: World, random: np.random.Generator) -> list[Population]:
    """Twelve cells of a world. A source keeps its line over the periods, and its share of the group's texts."""
    cells = []
    for g, group in enumerate("abcd"):
        lines = random.normal(0, world.correlation**0.5, world.sources)
        weights = random.dirichlet(np.full(world.sources, 2.0))
        for period in range(PERIODS):
            total = int(random.integers(world.texts[0], world.texts[1] + 1))
            source = random.choice(world.sources, total, p=weights)
            level = (-1) ** g * 0.2 * period
            latent = level + lines[source] + random.normal(0, (1 - world.correlation) ** 0.5, total)
            y = np.where(latent > EDGE, 1.0, np.where(latent < -EDGE, -1.0, 0.0))
            jumps = group == "a" and period == PERIODS - 1
            flipped = random.random(total) < (JUMP_FLIPPED if jumps else FLIPPED[group])
            label = np.where(flipped, random.choice([-1.0, 0.0, 1.0], total), y)
            leaning = LEANING[group] + (JUMP_LEANING if jumps else 0.0)
            f = np.clip(0.6 * label + leaning + random.normal(0, 0.2, total), -1, 1)
            hard = np.where(f > 0.3, 1.0, np.where(f < -0.3, -1.0, 0.0))
            expected = float(norm.cdf(level - EDGE) - norm.cdf(-EDGE - level))
            cells.append(Population(group, period, f, hard, y, expected=expected))
    return cells


def by_period(cells: Sequence[Population]) -> list[tuple[int, int]]:
    """Indices of every two cells whose gap can be taken: same period, groups in order."""
    return [
        (i, j) for i, a in enumerate(cells) for j, b in enumerate(cells) if a.period == b.period and a.group < b.group
    ]
