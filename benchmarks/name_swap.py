"""Framing is learnt and not the speaker: names swapped in the test texts change nothing once they are masked.

    python -m benchmarks.name_swap [--rows N]

Starter codings and the texts of the demo world in English, Arabic and Persian. Every text gets a group, a person and
a source of one of two invented camps: nationalist texts mostly (90%) those of the first, universalist ones those of
the second, the others by lot. A model is trained on some traditions and months and tested on the others, whose texts
get the names as in training, or those of the other camp, or none. With :class:`classifiers.text.mask.Mask` the macro-F1
must stay within a tolerance; without it, the control, it must fall. Exit status 1 otherwise. ``--rows``: so many texts,
drawn at random.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.model_selection import GroupKFold
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from classifiers.evaluation.evaluate import macro_f1
from classifiers.model.classifier import TextClassifier
from classifiers.starter import load_starter
from classifiers.text.features import featurise
from classifiers.text.mask import Mask

DEMO = Path(__file__).resolve().parents[1] / "monitors" / "demo"
TOLERANCE = 0.01
"""of macro-F1, masked: names as in training against those of the other camp, and against none"""
FALL = 0.1
"""of macro-F1 at least, not masked: that the measurement can fail"""
FAITHFUL = 0.9
FOLDS = 3

NAMES = {
    "en": (("the Alder League", "Tobin Marrek", "Alder Courier"), ("the Heron Circle", "Selda Voss", "Heron Wire")),
    "ar": (("رابطة الحور", "طوبان مارك", "بريد الحور"), ("حلقة البلشون", "سلدا فوس", "برق البلشون")),
    "fa": (("اتحادیه توسکا", "توبان مارک", "پیک توسکا"), ("حلقه حواصیل", "سلدا ووس", "سیم حواصیل")),
}
"""language -> (group, person, source) of the first camp and of the second; all invented"""
WOVEN = {
    "en": "{source}: {person} of {group}. {text} So says {group}.",
    "ar": "{source}: {person} من {group}. {text} هذا كلام {group} و{person}.",
    "fa": "{source}: {person} از {group}. {text} این سخن {group} است.",
}


@dataclass(frozen=True)
class Text:
    """A coded text and what may not be on both sides of a fold."""

    text: str
    lang: str
    value: str
    world: str


def texts(rows: int | None = None) -> list[Text]:
    """Starter codings and demo texts in the languages of ``NAMES``; ``rows`` of them, drawn with seed 0."""
    made = [Text(c.text, c.lang, c.value, c.tradition) for c in load_starter() if c.lang in NAMES]
    with (DEMO / "truth.csv").open(encoding="utf-8", newline="") as handle:
        truth = {row["id"]: row for row in csv.DictReader(handle)}
    for line in (DEMO / "texts.jsonl").read_text("utf-8").splitlines():
        item = json.loads(line)
        coded = truth.get(item["id"], {}).get("framing")
        if coded and item["lang"] in NAMES:
            made.append(Text(item["text"], item["lang"], coded, f"demo {item['date'][:7]}"))
    order = np.random.default_rng(0).permutation(len(made))[:rows]
    return [made[i] for i in sorted(order)]


def camps(coded: Sequence[Text]) -> list[int]:
    """Which camp's names each text gets in training: 0 mostly for nationalist ones, 1 for universalist ones."""
    rng = np.random.default_rng(0)
    leaning = {"nationalist": FAITHFUL, "universalist": 1 - FAITHFUL}
    return [int(rng.random() >= leaning.get(item.value, 0.5)) for item in coded]


def woven(item: Text, camp: int) -> str:
    """The text with the names of a camp in it."""
    group, person, source = NAMES[item.lang][camp]
    return WOVEN[item.lang].format(group=group, person=person, source=source, text=item.text)


def bare(item: Text) -> str:
    """The text with the same words around it, but no name."""
    return WOVEN[item.lang].format(group="", person="", source="", text=item.text)


def measure(rows: int | None = None) -> dict[str, dict[str, float]]:
    """Macro-F1 of four values: way (masked, not masked) -> names in the test texts (as in training, swapped, none)."""
    coded = texts(rows)
    camp = camps(coded)
    mask = Mask(name for two in NAMES.values() for one in two for name in one)
    prepared: dict[str, Callable[[str], str]] = {"masked": mask, "not masked": str}
    tests = {
        "as in training": [woven(item, side) for item, side in zip(coded, camp, strict=True)],
        "swapped": [woven(item, 1 - side) for item, side in zip(coded, camp, strict=True)],
        "none": [bare(item) for item in coded],
    }
    values, worlds = [item.value for item in coded], [item.world for item in coded]
    folds = list(GroupKFold(FOLDS).split(values, groups=worlds))
    made: dict[str, dict[str, float]] = {}
    for way, prepare in prepared.items():
        said = {names: np.empty(len(coded), dtype=object) for names in tests}
        for train, test in folds:
            features = featurise([tests["as in training"][i] for i in train], prepare)
            model = TextClassifier().fit(features, [values[i] for i in train], [worlds[i] for i in train])
            for names, written in tests.items():
                said[names][test] = model.predict([prepare(written[i]) for i in test])
        made[way] = {names: macro_f1(values, answers.tolist()) for names, answers in said.items()}
    return made


def problems(figures: dict[str, dict[str, float]]) -> list[str]:
    """What is not as claimed, in words."""
    masked, control = figures["masked"], figures["not masked"]
    found = [
        f"masked: {masked[names]:.3f} with names {names}, {masked['as in training']:.3f} with those of training"
        for names in ("swapped", "none")
        if abs(masked[names] - masked["as in training"]) > TOLERANCE
    ]
    if control["as in training"] - control["swapped"] < FALL:
        found.append(f"not masked: {control['swapped']:.3f} with names swapped; the control shows nothing")
    return found


def main() -> int:
    """Print the table; 1 when a claim does not hold."""
    parser = argparse.ArgumentParser(description="names swapped in test texts")
    parser.add_argument("--rows", type=int, default=None, help="so many texts, drawn at random (default: all)")
    rows = parser.parse_args().rows
    with threadpool_limits(limits=1):
        figures = measure(rows)
    print(f"{len(texts(rows))} texts, {FOLDS} folds; macro-F1 of four values")
    print(f"{'names in the test texts':26}" + "".join(f"{names:>16}" for names in figures["masked"]))
    for way, reached in figures.items():
        print(f"{way:26}" + "".join(f"{value:16.3f}" for value in reached.values()))
    found = problems(figures)
    print("\n".join(found) or f"held: masked within {TOLERANCE}, not masked falls by {FALL} or more")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
