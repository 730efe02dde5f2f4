"""Two imperfect coders, and the random audit sample of their codings.

They stand in for people who read every text: each mistakes a text now and then, in the ways coders do
(a clear claim read as mixed or as none; rarely as its opposite). What they say depends on the text's id and the
seed alone, so the truth file can be made again and compared.
"""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

from pipeline.demo.world import BASE_PORT, DEMO_FOLDER, SITES, Post, Truth, load_posts, load_truth

SEED = 2009
PER_STRATUM = 20
"""texts drawn per group and quarter"""

MISTAKES: dict[str, dict[str, float]] = {
    "nationalist": {"both": 0.05, "neither": 0.06, "universalist": 0.01},
    "universalist": {"both": 0.05, "neither": 0.06, "nationalist": 0.01},
    "both": {"nationalist": 0.09, "universalist": 0.09, "neither": 0.02},
    "neither": {"nationalist": 0.04, "universalist": 0.04, "both": 0.02},
}
"""P(coded value | planted value); the rest is agreement"""
CARELESSNESS = (1.0, 1.4)
"""the second coder errs more often"""


def code(text_id: str, framing: str, coder: int, seed: int = SEED) -> str:
    """What ``coder`` (0 or 1) says of a text in which ``framing`` was planted."""
    draw = random.Random(f"{seed}:{coder}:{text_id}").random()  # noqa: S311 (a simulation)
    for value, chance in MISTAKES[framing].items():
        draw -= chance * CARELESSNESS[coder]
        if draw < 0:
            return value
    return framing


def quarter(day: date) -> tuple[int, int]:
    """Year and quarter (1 to 4) of a day."""
    return day.year, (day.month + 2) // 3


def draw_audit(truth: Iterable[Truth], seed: int = SEED) -> Iterator[tuple[Truth, float]]:
    """A simple random sample of :data:`PER_STRATUM` texts per group and quarter, with its inclusion probability."""
    strata: dict[tuple[str, tuple[int, int]], list[Truth]] = defaultdict(list)
    for row in truth:
        if row.group:
            strata[row.group, quarter(row.day)].append(row)
    for key in sorted(strata):
        texts = sorted(strata[key], key=lambda row: row.id)
        size = min(PER_STRATUM, len(texts))
        chosen = random.Random(f"{seed}:{key}").sample(texts, size)  # noqa: S311 (a simulation)
        for row in chosen:
            yield row, size / len(texts)


def address_of(post: Post, base_port: int = BASE_PORT) -> str:
    """Full address of a post's page."""
    port = base_port + [site.name for site in SITES].index(post.site)
    return f"http://127.0.0.1:{port}{post.path}"


CODING_COLUMNS = ("address", "variable", "value", "coder", "coded_at", "draw", "probability", "drawn_at", "note")


def write_audit_codings(file: Path, seed: int = SEED, folder: Path = DEMO_FOLDER, base_port: int = BASE_PORT) -> int:
    """Write the audit sample's codings, both coders, as `riftwatch codings import` reads them. Returns the rows."""
    posts = {post.id: post for post in load_posts(folder)}
    rows = 0
    with file.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(CODING_COLUMNS)
        for row, probability in draw_audit(load_truth(folder), seed):
            for coder in (0, 1):
                # drawn_at is left empty: the draw was from the closed list of all texts of the stratum
                writer.writerow(
                    [
                        address_of(posts[row.id], base_port),
                        "framing",
                        row.coders[coder],
                        f"coder-{coder + 1}",
                        "2026-01-15T09:00:00Z",
                        "random",
                        f"{probability:.6f}",
                        "",
                        "",
                    ]
                )
                rows += 1
    return rows
