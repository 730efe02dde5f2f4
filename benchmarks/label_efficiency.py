"""How many labels the queue's choice saves against random ones: python -m benchmarks.label_efficiency [--full]

Rounds of a labelling queue are played on texts whose labels are known: a model is trained on what is labelled, says
what it thinks of the rest, the next batch is chosen, and so on. Held out are whole manifestos. What is counted are the
labels that train: the quarter of a queue that is drawn at random evaluates and never trains, whichever way the others
are chosen. A run needs as many labels as it has when it first reaches 95% of the macro-F1 that all labels of the pool
give, twice in a row. Data: ../shared/data, which is not part of the project.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.calibration import CalibratedClassifierCV
from sklearn.cluster import KMeans
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import GroupShuffleSplit
from sklearn.preprocessing import normalize
from threadpoolctl import threadpool_limits

from classifiers.coding.selection import doubt, shortlist, spread
from pipeline.settings import PROJECT_ROOT

DATA = PROJECT_ROOT.parent / "shared" / "data"
GOAL = 0.95
CEILINGS = {"manifesto_en": 1.0, "uk_manifestos": 0.8}
"""Most labels the queue may need with the plain model, as a share of what random ones need; few runs vary much."""

Indices = NDArray[np.intp]


@dataclass(frozen=True)
class Texts:
    """A set of coded texts."""

    name: str
    features: Any
    """sparse, shape (n, features)"""
    truth: NDArray[np.int64]
    """0 or 1; shape (n,)"""
    manifesto: NDArray[np.str_]
    batch: int
    pool: int
    """most texts a run may label"""


@dataclass
class State:
    """Where a run is."""

    features: Any
    topics: NDArray[np.float64]
    truth: NDArray[np.int64]
    rng: np.random.Generator
    labelled: list[int]
    p: NDArray[np.float64]
    """of every text of the pool, by the model trained on what is labelled"""
    model: str


Strategy = Callable[[State, Indices, int], Indices]


def by_chance(state: State, free: Indices, size: int) -> Indices:
    """Pure random labels: the baseline."""
    return state.rng.choice(free, size, replace=False)


def _doubts(state: State, free: Indices) -> NDArray[np.float64]:
    return doubt(np.column_stack([state.p[free], 1 - state.p[free]]))


def as_queued(state: State, free: Indices, size: int) -> Indices:
    """What the queue does: the most doubted, one from each topic."""
    doubts = _doubts(state, free)
    short = shortlist(doubts, size, state.rng)
    return free[short[spread(state.features[free[short]], doubts[short], size, int(state.rng.integers(2**31)))]]


def doubt_alone(state: State, free: Indices, size: int) -> Indices:
    """The most doubted."""
    return free[shortlist(_doubts(state, free), size, state.rng)[:size]]


def dense_doubt(state: State, free: Indices, size: int) -> Indices:
    """Doubt times nearness to other texts (Settles & Craven 2008)."""
    near = np.sort(state.topics[free] @ state.topics.T, axis=1)[:, -20:].mean(axis=1)
    return free[np.argsort(-_doubts(state, free) * near)[:size]]


def typical(state: State, free: Indices, size: int) -> Indices:
    """One text from each cluster of the pool that has no label yet (after Hacohen et al. 2022)."""
    clusters = KMeans(min(size + len(state.labelled), len(state.topics)), n_init=1, random_state=0).fit(state.topics)
    away = clusters.transform(state.topics[free])[np.arange(len(free)), clusters.labels_[free]]
    has = np.bincount(clusters.labels_[state.labelled], minlength=clusters.n_clusters)
    big = np.bincount(clusters.labels_, minlength=clusters.n_clusters)
    of = clusters.labels_[free]
    turn = np.empty(len(free))
    for cluster in np.unique(of):  # the second of a cluster comes after the first of every other
        inside = np.flatnonzero(of == cluster)
        turn[inside[np.argsort(away[inside])]] = np.arange(len(inside))
    return free[np.lexsort((-big[of], turn + has[of]))[:size]]


def committee(state: State, free: Indices, size: int) -> Indices:
    """Where models trained on resampled labels disagree (mutual information of eight)."""
    said = []
    for _ in range(8):
        some = state.rng.choice(state.labelled, len(state.labelled))
        if len(set(state.truth[some].tolist())) == 2:
            said.append(_fit(state.features[some], state.truth[some], state.model).predict_proba(state.features[free]))
    if not said:
        return by_chance(state, free, size)
    each = np.array([doubt(p) for p in said]).mean(axis=0)
    return free[np.argsort(-(doubt(np.mean(said, axis=0)) - each))[:size]]


def variance(state: State, free: Indices, size: int) -> Indices:
    """What lowers the model's expected variance over the pool most (Fisher information); for small pools."""
    root = np.sqrt(4 * state.p * (1 - state.p) + 0.05)
    kernel = (state.features @ state.features.T).toarray() * np.outer(root, root)
    known = np.array(state.labelled)
    left = kernel - kernel[:, known] @ np.linalg.solve(
        kernel[np.ix_(known, known)] + 0.1 * np.eye(len(known)), kernel[known]
    )
    open_, chosen = np.isin(np.arange(len(kernel)), free), []
    for _ in range(size):
        gain = np.where(open_, (left**2).sum(axis=0) / (np.diag(left) + 0.1), -1)
        best = int(np.argmax(gain))
        chosen.append(best)
        open_[best] = False
        column = left[:, best].copy()
        left -= np.outer(column, column) / (column[best] + 0.1)
    return np.array(chosen, dtype=np.intp)


STRATEGIES: dict[str, Strategy] = {
    "random": by_chance,
    "queue (doubt, one of each topic)": as_queued,
    "doubt alone": doubt_alone,
    "doubt x density": dense_doubt,
    "typical of a topic": typical,
    "committee of eight": committee,
    "least variance": variance,
}
QUEUE = "queue (doubt, one of each topic)"


MODELS = ("plain", "balanced", "calibrated")
"""Logistic regression as it is; with classes weighted alike; with Platt's sigmoid on held-out folds, as Riftwatch's."""


def _fit(features: Any, truth: NDArray[np.int64], kind: str) -> Any:
    linear = LogisticRegression(C=10, max_iter=300, tol=1e-3, class_weight="balanced" if kind == "balanced" else None)
    if kind == "calibrated" and np.bincount(truth, minlength=2).min() >= 3:
        return CalibratedClassifierCV(linear, method="sigmoid", cv=3, ensemble=False).fit(features, truth)
    return linear.fit(features, truth)


def manifesto_en() -> Texts:
    """National or universal, a sentence with its neighbours."""
    with (DATA / "manifesto_en" / "nat_univ.csv").open(encoding="utf-8", newline="") as handle:
        rows = [row for row in csv.DictReader(handle) if row["side_core"]]
    texts = [f"{row['text_preceding']} {row['text_original']} {row['text_following']}" for row in rows]
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=2)
    letters = TfidfVectorizer(ngram_range=(3, 5), analyzer="char_wb", sublinear_tf=True, min_df=2)
    return Texts(
        "manifesto_en",
        sp.hstack([words.fit_transform(texts), letters.fit_transform(texts)]).tocsr(),
        np.array([int(row["side_core"] == "nat") for row in rows]),
        np.array([row["manifesto_id"] for row in rows]),
        batch=20,
        pool=1000,
    )


def uk_manifestos() -> Texts:
    """Economic or social policy, by a crowd."""
    with gzip.open(DATA / "uk_manifestos" / "manifestosentsUK.csv.gz", "rt", encoding="utf-8", newline="") as handle:
        rows = [row for row in csv.DictReader(handle) if row["crowd_econsocial_label"] in {"Economic", "Social"}]
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, min_df=3)
    return Texts(
        "uk_manifestos",
        words.fit_transform([row["texts"] for row in rows]),
        np.array([int(row["crowd_econsocial_label"] == "Economic") for row in rows]),
        np.array([f"{row['party']} {row['year']}" for row in rows]),
        batch=50,
        pool=2000,
    )


SETS = {"manifesto_en": manifesto_en, "uk_manifestos": uk_manifestos}


def run(texts: Texts, strategy: Strategy, seed: int, kind: str) -> tuple[float, float]:
    """Labels needed in one run (infinite: never), and the macro-F1 of all of the pool's labels."""
    rng = np.random.default_rng(seed)
    pool, held = next(
        GroupShuffleSplit(1, test_size=1 / 3, random_state=seed).split(texts.truth, groups=texts.manifesto)
    )
    if len(pool) > texts.pool:
        pool = rng.choice(pool, texts.pool, replace=False)
    features, truth = texts.features[pool], texts.truth[pool]
    held_features, held_truth = texts.features[held], texts.truth[held]

    def score(model: Any) -> float:
        return float(f1_score(held_truth, model.predict(held_features), average="macro"))

    full = score(_fit(features, truth, kind))
    topics = normalize(TruncatedSVD(min(100, len(pool) - 1), random_state=0).fit_transform(features))
    first = rng.choice(len(pool), texts.batch, replace=False).tolist()
    state = State(features, topics, truth, rng, first, np.full(len(pool), 0.5), kind)
    reached_at = None
    while True:
        known = np.array(state.labelled)
        reached = False
        if len(set(truth[known].tolist())) == 2:
            model = _fit(features[known], truth[known], kind)
            state.p = model.predict_proba(features)[:, 1]
            reached = score(model) >= GOAL * full
        if reached and reached_at is not None:
            return float(reached_at), full
        reached_at = len(known) if reached else None
        free = np.setdiff1d(np.arange(len(pool)), known)
        if not len(free):
            return float(reached_at or np.inf), full
        state.labelled += strategy(state, free, min(texts.batch, len(free))).tolist()


@dataclass(frozen=True)
class Line:
    """A strategy on a set of texts."""

    texts: str
    model: str
    strategy: str
    runs: int
    needed: float
    """median over the runs"""
    full: float
    """median macro-F1 of all labels"""
    share: float
    """of what random labels need: ratio of the medians"""


def compare(texts: Texts, names: Sequence[str], runs: int, kind: str) -> list[Line]:
    """One line per strategy, random first."""
    needed: dict[str, list[float]] = {name: [] for name in names}
    fulls = []
    with threadpool_limits(limits=1):
        for seed in range(runs):
            for name in names:
                number, full = run(texts, STRATEGIES[name], seed, kind)
                needed[name].append(number)
            fulls.append(full)
    base = float(np.median(needed["random"]))
    return [
        Line(
            texts.name, kind, name, runs, float(np.median(needed[name])), float(np.median(fulls)),
            float(np.median(needed[name])) / base,
        )
        for name in names
    ]  # fmt: skip


def show(lines: Sequence[Line]) -> None:
    """Print the table."""
    for line in lines:
        print(
            f"{line.texts:14} {line.model:10} {line.strategy:34} {line.runs:4d} {line.full:7.3f} {line.needed:7.0f} "
            f"{line.share:6.2f} {line.share / 0.75:7.2f}",
            flush=True,
        )


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 1 when the queue needs more labels than its ceiling allows (full form)."""
    parser = argparse.ArgumentParser(description=str(__doc__).partition("\n")[0])
    parser.add_argument("--full", action="store_true", help="20 runs, every model and strategy; without: 4, the queue")
    parser.add_argument("--runs", type=int, default=None, help="another number of runs")
    parser.add_argument("--texts", choices=list(SETS), action="append", help="only this set")
    parser.add_argument("--model", choices=MODELS, action="append", help="only this model")
    chosen = parser.parse_args(arguments)
    if not Path(DATA).is_dir():
        print("not measured: ../shared/data is absent")
        return 0
    began = time.monotonic()
    print("share: labels that train, of what random ones need. all: the queue's random quarter counted against it too.")
    print(f"{'texts':14} {'model':10} {'strategy':34} {'runs':>4} {'full F1':>7} {'labels':>7} {'share':>6} {'all':>7}")
    failed = []
    for texts in (SETS[name]() for name in chosen.texts or SETS):
        for kind in chosen.model or (MODELS if chosen.full else MODELS[:1]):
            names = list(STRATEGIES) if chosen.full and kind == "plain" else ["random", QUEUE, "doubt alone"]
            if len(texts.truth) > texts.pool:
                names = [name for name in names if STRATEGIES[name] is not variance]  # cubic in the pool
            lines = compare(texts, names, chosen.runs or (20 if chosen.full else 4), kind)
            show(lines)
            queue = next(line for line in lines if line.strategy == QUEUE)
            ceiling = CEILINGS[texts.name] if kind == "plain" else None
            if ceiling is not None and queue.share > ceiling:
                failed.append(f"{texts.name}: the queue needs {queue.share:.2f} of random labels, more than {ceiling}")
    print(f"{time.monotonic() - began:.0f} s")
    for problem in failed:
        print(problem, file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
