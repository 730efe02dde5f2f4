"""Reposts among news articles, found by the store as it keeps them: precision, recall, and whether clusters hold still.

    python -m benchmarks.reposts

Each order of arrival is a run of its own on a new SQLite file. Two articles are one text where the exact Jaccard
similarity of their word 5-grams lies above .3; all 73,153 pairs are compared in full for that. Exit status 1 below a
floor. Without the data set (../shared/data) it says so and stops.
"""

from __future__ import annotations

import gzip
import json
import random
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path

from sqlalchemy import Row, select

from pipeline.extract.page import Extracted, extract_text
from pipeline.extract.similarity import SAME_TEXT, jaccard, shingles
from pipeline.extract.text import digest
from pipeline.settings import PROJECT_ROOT, Settings
from pipeline.store.documents import keep_document
from pipeline.store.session import engine_for, open_session
from pipeline.store.tables import Cluster, Document

FLOOR = 0.98
"""of precision and of recall, in the worst order"""
MOVED_CEILING = 0.02
"""share of the pairs found in any order that are not found in every order"""
ORDERS = 5
DATA = PROJECT_ROOT.parent / "shared" / "data" / "news_cluster"
NOW = datetime(2020, 1, 1, tzinfo=UTC)

Pairs = set[tuple[int, int]]


@dataclass(frozen=True)
class Kept:
    """What one order of arrival came to."""

    pairs: Pairs
    """articles in one cluster, as numbers of the file"""
    moved: int
    """articles whose cluster changed after they were put there"""
    first_wrong: int
    """clusters whose first document is not their earliest publication"""


def articles(folder: Path) -> list[Extracted]:
    """Every article as it would be stored, its number in the address."""
    with gzip.open(folder / "news_cluster.jsonl.gz", "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [
        extract_text(
            row["text"],
            address=f"http://articles.example/{number}",
            hints={"dates": [{"origin": "table", "value": row.get("date_publish") or ""}]},
            now=NOW,
        )
        for number, row in enumerate(rows)
    ]


def same_text(texts: list[Extracted]) -> Pairs:
    """The pairs that are one text, by comparing all with all."""
    grams = [shingles(text.text) for text in texts]
    return {(i, j) for i, j in combinations(range(len(texts)), 2) if jaccard(grams[i], grams[j]) > SAME_TEXT}


def kept_in_order(texts: list[Extracted], order: list[int], folder: Path) -> Kept:
    """Keep the articles one after another in an empty store."""
    settings = Settings(data=folder, database_url="")
    place: dict[int, int | None] = {}
    moved = 0
    with open_session(settings) as session:
        for count, number in enumerate(order, 1):
            keep_document(
                session,
                monitor="m",
                source=f"s{number % 7}",
                group_id="g",
                speaker="own",
                extracted=texts[number],
                capture_id=None,
                collected_at=NOW,
            )
            if count % 50 == 0:
                moved += _moved(session.execute(select(Document.address, Document.cluster_id)).all(), place)
        session.commit()
        rows = session.execute(select(Document.address, Document.cluster_id)).all()
        moved += _moved(rows, place)
        firsts = dict(session.execute(select(Cluster.id, Cluster.first_document_id)).all())
        dates = session.execute(select(Document.id, Document.cluster_id, Document.published_at)).all()
    engine_for(settings.database).dispose()
    members: dict[int, list[tuple[bool, datetime, int]]] = {}
    for document, cluster, published in dates:
        members.setdefault(cluster or 0, []).append((published is None, published or NOW, document))
    first_wrong = sum(min(one)[2] != firsts[cluster] for cluster, one in members.items())
    pairs = {(i, j) for i, j in combinations(range(len(texts)), 2) if place[i] == place[j]}
    return Kept(pairs, moved, first_wrong)


def _moved(rows: Sequence[Row[str, int | None]], place: dict[int, int | None]) -> int:
    """How many articles are not where they were; takes down where all are now."""
    moved = 0
    for address, cluster in rows:
        number = int(address.rpartition("/")[2])
        moved += place.setdefault(number, cluster) != cluster
    return moved


def measure(folder: Path, orders: int = ORDERS) -> tuple[Pairs, list[Kept], list[Extracted]]:
    """True pairs, and what each order came to; the first order is that of the file."""
    texts = articles(folder)
    kept = []
    for seed in range(orders):
        order = list(range(len(texts)))
        if seed:
            random.Random(seed).shuffle(order)  # noqa: S311 (an order, no secret)
        with tempfile.TemporaryDirectory() as store:
            kept.append(kept_in_order(texts, order, Path(store)))
    return same_text(texts), kept, texts


def scores(true: Pairs, kept: Kept) -> tuple[float, float]:
    """Precision and recall over pairs."""
    right = len(true & kept.pairs)
    return right / len(kept.pairs), right / len(true)


def main() -> int:
    """Print the table; 1 when a floor is broken."""
    if not DATA.is_dir():
        print("skipped: no articles to measure on (../shared/data/news_cluster is absent)")
        return 0
    true, runs, texts = measure(DATA)
    digests = [digest(text.text) for text in texts]
    by_digest = sum(digests[i] == digests[j] for i, j in true)
    print(f"reposts: {len(true)} pairs of {len(texts)} articles are one text (5-gram Jaccard over {SAME_TEXT})")
    print(f"{'':18} precision  recall")
    print(f"{'digest alone':18} {1:9.4f} {by_digest / len(true):7.4f}")
    for number, run in enumerate(runs):
        precision, recall = scores(true, run)
        print(f"{f'store, order {number}':18} {precision:9.4f} {recall:7.4f}")
    found, always = set.union(*(run.pairs for run in runs)), set.intersection(*(run.pairs for run in runs))
    unsteady = len(found - always) / len(found)
    moved, first_wrong = sum(run.moved for run in runs), sum(run.first_wrong for run in runs)
    print(f"pairs found in one order and not in another: {len(found - always)} of {len(found)} ({unsteady:.4f})")
    print(f"articles whose cluster changed as others came: {moved}; clusters led by a later publication: {first_wrong}")
    worst = min(min(scores(true, run)) for run in runs)
    held = worst >= FLOOR and unsteady <= MOVED_CEILING and not moved and not first_wrong
    print(f"floor of precision and recall {FLOOR}: {'held' if worst >= FLOOR else 'BROKEN'} ({worst:.4f})")
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
