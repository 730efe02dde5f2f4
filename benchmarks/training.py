"""Training: do starter codings help beside few own ones, and what do 200,000 codings cost?

Run: ``python -m benchmarks.training`` (starter codings beside 25 to 200 own ones, on ../shared/data/manifesto_en) or
``python -m benchmarks.training --codings 200000`` (time and memory of a training, on texts made up from the starter
codings). Prints every figure beside its baseline, writes nothing, exits 1 when a figure misses its floor.
"""

from __future__ import annotations

import argparse
import csv
import random
import resource
import sys
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from classifiers.codebook import load_codebook
from classifiers.coding.coding_table import CodingRow
from classifiers.evaluation.baselines import plain
from classifiers.evaluation.evaluate import macro_f1
from classifiers.starter import StarterCoding, load_starter
from classifiers.training.fitting import Training, fit_codings, says
from classifiers.training.train import train

BOOK = load_codebook()
MANIFESTOS = Path(__file__).resolve().parents[2] / "shared" / "data" / "manifesto_en" / "nat_univ.csv"
SIZES = (25, 50, 100, 200)
WEIGHTS = (0.0, 0.2, 1.0)
TESTED = 90
"""codings of whole manifestos that are held out"""
FLOORS = {"gain": 0.03, "minutes": 8.0, "gigabytes": 4.0}
"""``gain``: of the default starter weight over none, macro-F1, mean over the sizes; the others are ceilings"""


def manifesto_rows(file: Path = MANIFESTOS) -> list[CodingRow]:
    """Sentences on the core sides as codings."""
    with file.open(encoding="utf-8", newline="") as handle:
        return [
            CodingRow(
                row["text_original"],
                {"nat": "nationalist", "univ": "universalist"}[row["side_core"]],
                source=row["manifesto_id"],
            )
            for row in csv.DictReader(handle)
            if row["side_core"]
        ]


def held_out(rows: Sequence[CodingRow], rng: np.random.Generator) -> tuple[list[CodingRow], list[CodingRow]]:
    """(may train in random order, tested), no manifesto on both sides."""
    tested: list[CodingRow] = []
    sources = sorted({row.source for row in rows})
    chosen: set[str] = set()
    for source in rng.permutation(sources).tolist():
        if len(tested) >= TESTED:
            break
        chosen.add(source)
        tested += [row for row in rows if row.source == source]
    pool = [row for row in rows if row.source not in chosen]
    return [pool[i] for i in rng.permutation(len(pool))], tested


def starter_pays(repeats: int) -> dict[int, dict[str, float]]:
    """Own codings -> macro-F1 of two sides: without starter codings, with each weight, and scikit-learn's plain."""
    rows, shipped = manifesto_rows(), [coding for coding in load_starter() if coding.lang == "en"]
    rng = np.random.default_rng(0)
    found: dict[int, dict[str, list[float]]] = {size: {} for size in SIZES}
    for _ in range(repeats):
        pool, tested = held_out(rows, rng)
        texts, truth = [row.row for row in tested], [row.value for row in tested]
        for size in SIZES:
            own = pool[:size]
            for weight in WEIGHTS:
                settings = Training(split="cluster", folds=3, starter_weight=weight)
                fitted = fit_codings(own, BOOK, shipped if weight else [], settings)
                p = np.nan_to_num(says(fitted.classifier)(texts), nan=0.5)
                found[size].setdefault(f"weight {weight:g}", []).append(macro_f1(truth, BOOK.two_heads.sides(p)))
            said = plain([r.text for r in own], [r.value for r in own], np.ones(size), [r.text for r in tested])
            found[size].setdefault("plain", []).append(macro_f1(truth, said.tolist()))
    return {size: {name: float(np.mean(f1)) for name, f1 in each.items()} for size, each in found.items()}


def made_up(number: int, shipped: Sequence[StarterCoding], seed: int = 0) -> list[CodingRow]:
    """Codings in any number: starter texts with eight words exchanged and every fifth value drawn by lot."""
    rng = random.Random(seed)  # noqa: S311 (no secret)
    words = [word for coding in shipped for word in coding.text.split()]
    rows = []
    for i in range(number):
        coding = rng.choice(shipped)
        text = coding.text.split()
        for _ in range(8):
            text[rng.randrange(len(text))] = rng.choice(words)
        rows.append(
            CodingRow(
                " ".join(text),
                coding.value if rng.random() < 0.8 else rng.choice(BOOK.names),
                group=f"group {rng.randrange(6)}",
                source=f"source {rng.randrange(60)}",
                lang=coding.lang,
                date=date(2000 + rng.randrange(20), 1 + rng.randrange(12), 1),
                draw="random" if i % 20 == 0 else "active",
            )
        )
    return rows


def cost(number: int) -> list[str]:
    """Train on so many; prints what it took, returns what is over its ceiling."""
    rows = made_up(number, [coding for coding in load_starter() if coding.lang == "en"])
    before, clock = time.process_time(), time.monotonic()
    made = train(rows, BOOK, trained_at=datetime.now(UTC), settings=Training(curve_repeats=1))
    minutes, wall = (time.process_time() - before) / 60, (time.monotonic() - clock) / 60
    gigabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    judged = made.card["random_sample"]
    print(f"{number} codings: {minutes:.1f} minutes of processor time ({wall:.1f} by the clock), {gigabytes:.1f} GB")
    print(f"  macro-F1 on {judged['texts']} random ones {judged['figures']['macro_f1']['value']:.3f}")
    print(f"  plain {judged['baselines']['TF-IDF words + logistic regression']['macro_f1']:.3f}")
    over = {"minutes": minutes, "gigabytes": gigabytes}
    return [f"{name}: {value:.1f} is over {FLOORS[name]}" for name, value in over.items() if value > FLOORS[name]]


def main() -> int:
    """Print the figures; 1 when one misses its floor."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--codings", type=int, help="measure the cost of so many codings")
    parser.add_argument("--repeats", type=int, default=12)
    asked = parser.parse_args()
    if asked.codings:
        problems = cost(asked.codings)
    elif not MANIFESTOS.is_file():
        print("not measured, ../shared/data is absent")
        return 0
    else:
        found = starter_pays(asked.repeats)
        print("Macro-F1 of two sides on held-out manifestos, by own codings and weight of a starter coding (0: none)")
        names = list(next(iter(found.values())))
        print(f"{'own':>5} " + " ".join(f"{name:>11}" for name in names))
        for size, each in found.items():
            print(f"{size:5} " + " ".join(f"{each[name]:11.3f}" for name in names))
        gain = float(
            np.mean([each[f"weight {Training().starter_weight:g}"] - each["weight 0"] for each in found.values()])
        )
        print(f"gain of the default weight over none {gain:+.3f}; floor {FLOORS['gain']:+.2f}")
        problems = [] if gain >= FLOORS["gain"] else [f"gain: {gain:.3f} is below {FLOORS['gain']}"]
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
