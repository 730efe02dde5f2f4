"""Are the probabilities of new texts right? Calibration slopes and Brier score on texts held out at random.

Run: ``python -m benchmarks.calibration``. English starter codings, 300 held out, four times. A slope of 1 is perfect,
under 1 too sure. Brier stands beside that of always saying the base rate. Exits 1 below a floor.
"""

from __future__ import annotations

import sys

import numpy as np

from classifiers.codebook import load_codebook
from classifiers.evaluation.calibration import recalibration
from classifiers.model.classifier import TextClassifier
from classifiers.starter import load_starter

HELD_OUT, REPEATS = 300, 4
FLOORS = {"nationalist": 0.70, "universalist": 0.85}
"""Slopes; before features never seen counted in a text's length they were .69 and .81."""


def measure() -> dict[str, tuple[float, float, float]]:
    """Head -> mean calibration slope, Brier score, and Brier score of the base rate."""
    heads = load_codebook().two_heads
    codings = [coding for coding in load_starter() if coding.lang == "en"]
    truth = heads.truth([coding.value for coding in codings])
    found: dict[str, list[tuple[float, float, float]]] = {name: [] for name in heads.names}
    for seed in range(REPEATS):
        order = np.random.default_rng(seed).permutation(len(codings))
        test, train = order[:HELD_OUT], order[HELD_OUT:]
        fitted = TextClassifier(heads).fit([codings[i].text for i in train], [codings[i].value for i in train])
        p = fitted.predict_heads([codings[i].text for i in test])
        for k, name in enumerate(heads.names):
            line = recalibration(p[:, k], truth[test, k], np.ones(HELD_OUT))
            if line is None:
                raise RuntimeError(f"no calibration line for {name}")
            brier = np.mean((p[:, k] - truth[test, k]) ** 2)
            base = np.mean((truth[train, k].mean() - truth[test, k]) ** 2)
            found[name].append((line["slope"], float(brier), float(base)))
    return {name: tuple(np.mean(rows, axis=0).tolist()) for name, rows in found.items()}


def main() -> int:
    """Print the figures; 1 when a slope is below its floor."""
    made = measure()
    print(f"{HELD_OUT} new texts, {REPEATS} times    slope  floor    Brier  base rate")
    for name, (slope, brier, base) in made.items():
        print(f"{name:25} {slope:8.2f} {FLOORS[name]:6.2f} {brier:8.4f} {base:10.4f}")
    below = [name for name, (slope, *_) in made.items() if slope < FLOORS[name]]
    for name in below:
        print(f"the slope of {name} is below its floor", file=sys.stderr)
    return 1 if below else 0


if __name__ == "__main__":
    sys.exit(main())
