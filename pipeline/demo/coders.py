"""Two imperfect coders, and the random samples of their codings.

They stand in for people who read every text: each mistakes a text now and then, in the ways coders do
(a clear claim read as mixed or as none; rarely as its opposite). What they say depends on the text's id and the
seed alone, so the truth file can be made again and compared.
"""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path

from pipeline.demo.world import BASE_PORT, DEMO_FOLDER, SITES, Post, Truth, load_posts, load_truth

SEED = 2009
PER_STRATUM = 30
"""texts drawn per group and quarter"""
NAMING_PER_STRATUM = 15
"""texts drawn for criticism, of those of a group and quarter that name the other movement"""
TRAINING_PER_STRATUM = 5
"""texts chosen for training, of those of a group and quarter that the audit sample has not"""

MISTAKES: dict[str, dict[str, float]] = {
    "nationalist": {"both": 0.05, "neither": 0.06, "universalist": 0.01},
    "universalist": {"both": 0.05, "neither": 0.06, "nationalist": 0.01},
    "both": {"nationalist": 0.09, "universalist": 0.09, "neither": 0.02},
    "neither": {"nationalist": 0.04, "universalist": 0.04, "both": 0.02},
}
"""P(coded value | planted value); the rest is agreement"""
MISTAKES_OF_CRITICISM: dict[str, dict[str, float]] = {
    "hostile": {"neutral": 0.08, "supportive": 0.01},
    "neutral": {"hostile": 0.03, "supportive": 0.03},
    "supportive": {"neutral": 0.08, "hostile": 0.01},
}
CARELESSNESS = (1.0, 1.4)
"""the second coder errs more often"""


def code(text_id: str, framing: str, coder: int, seed: int = SEED) -> str:
    """What ``coder`` (0 or 1) says of a text in which ``framing`` was planted."""
    return _err(f"{seed}:{coder}:{text_id}", framing, coder, MISTAKES[framing])


def code_criticism(text_id: str, criticism: str, coder: int, seed: int = SEED) -> str:
    """What ``coder`` says of how a text speaks of the other movement; nothing of one that does not name it."""
    if not criticism:
        return ""
    return _err(f"{seed}:criticism:{coder}:{text_id}", criticism, coder, MISTAKES_OF_CRITICISM[criticism])


def _err(seed: str, planted: str, coder: int, mistakes: Mapping[str, float]) -> str:
    draw = random.Random(seed).random()  # noqa: S311 (a simulation)
    for value, chance in mistakes.items():
        draw -= chance * CARELESSNESS[coder]
        if draw < 0:
            return value
    return planted


def quarter(day: date) -> tuple[int, int]:
    """Year and quarter (1 to 4) of a day."""
    return day.year, (day.month + 2) // 3


def draw_audit(truth: Iterable[Truth], seed: int = SEED) -> Iterator[tuple[Truth, float]]:
    """A simple random sample of :data:`PER_STRATUM` texts per group and quarter, with its inclusion probability."""
    return _draw(truth, PER_STRATUM, str(seed))


def draw_criticism(truth: Iterable[Truth], seed: int = SEED) -> Iterator[tuple[Truth, float]]:
    """The same of :data:`NAMING_PER_STRATUM` of the texts that name the other movement; all where there are fewer."""
    return _draw((row for row in truth if row.criticism), NAMING_PER_STRATUM, f"{seed}:criticism")


def choose_training(truth: Iterable[Truth], seed: int = SEED) -> Iterator[tuple[Truth, float | None]]:
    """Texts that are coded to train on: what is drawn at random trains no model, so that it can judge one."""
    known = list(truth)
    audit = {row.id for row, _ in draw_audit(known, seed)}
    rest = (row for row in known if row.id not in audit)
    return ((row, None) for row, _ in _draw(rest, TRAINING_PER_STRATUM, f"{seed}:training"))


def _draw(truth: Iterable[Truth], most: int, seed: str) -> Iterator[tuple[Truth, float]]:
    strata: dict[tuple[str, tuple[int, int]], list[Truth]] = defaultdict(list)
    for row in truth:
        if row.group:
            strata[row.group, quarter(row.day)].append(row)
    for key in sorted(strata):
        texts = sorted(strata[key], key=lambda row: row.id)
        size = min(most, len(texts))
        chosen = random.Random(f"{seed}:{key}").sample(texts, size)  # noqa: S311 (a simulation)
        for row in chosen:
            yield row, size / len(texts)


def address_of(post: Post, base_port: int = BASE_PORT) -> str:
    """Full address of a post's page."""
    port = base_port + [site.name for site in SITES].index(post.site)
    return f"http://127.0.0.1:{port}{post.path}"


CODING_COLUMNS = (
    "address", "variable", "target", "value", "coder", "coded_at", "draw", "probability", "drawn_at", "note",
)  # fmt: skip
CODED_AT = "2026-01-15T09:00:00Z"


def write_audit_codings(file: Path, seed: int = SEED, folder: Path = DEMO_FOLDER, base_port: int = BASE_PORT) -> int:
    """Write the audit sample's codings, both coders, as `riftwatch codings import` reads them. Returns the rows."""
    codings = (
        (row, probability, "framing", "", row.coders) for row, probability in draw_audit(load_truth(folder), seed)
    )
    return _write(file, codings, folder, base_port)


def write_criticism_codings(
    file: Path, seed: int = SEED, folder: Path = DEMO_FOLDER, base_port: int = BASE_PORT
) -> int:
    """Write what both coders say of criticism in a random sample of the texts that name the other movement."""
    codings = (
        (row, probability, "criticism", row.other, row.critics)
        for row, probability in draw_criticism(load_truth(folder), seed)
    )
    return _write(file, codings, folder, base_port)


def write_training_codings(file: Path, seed: int = SEED, folder: Path = DEMO_FOLDER, base_port: int = BASE_PORT) -> int:
    """Write what the first coder says of the texts chosen for training."""
    codings = (
        (row, probability, "framing", "", row.coders[:1])
        for row, probability in choose_training(load_truth(folder), seed)
    )
    return _write(file, codings, folder, base_port)


def _write(
    file: Path, codings: Iterable[tuple[Truth, float | None, str, str, tuple[str, ...]]], folder: Path, base_port: int
) -> int:
    posts = {post.id: post for post in load_posts(folder)}
    rows = 0
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(CODING_COLUMNS)
        for row, probability, variable, target, values in codings:
            address = address_of(posts[row.id], base_port)
            for coder, value in enumerate(values, start=1):
                # drawn_at is left empty: the draw was from the closed list of all texts of the stratum;
                # without a probability a text was chosen, and neither corrects nor judges
                writer.writerow(
                    [
                        address,
                        variable,
                        target,
                        value,
                        f"coder-{coder}",
                        CODED_AT,
                        "import" if probability is None else "random",
                        "" if probability is None else f"{probability:.6f}",
                        "",
                        "",
                    ]
                )
                rows += 1
    return rows
