"""Main text of 181 news and blog pages: F1 beside plain trafilatura, and pages a second.

    python benchmarks/extraction.py

The measure is that of scrapinghub's article-extraction-benchmark: every text is the multiset of its runs of four
words; per page, the overlap with the truth gives a precision and a recall; F1 is made of their means over the pages.
Exit status 1 below the floor. Without the data set (../shared/data) it says so and stops.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import fmean

import trafilatura

from pipeline.extract.page import ExtractError, extract_page
from pipeline.settings import PROJECT_ROOT

FLOOR = 0.955
DATA = PROJECT_ROOT.parent / "shared" / "data" / "article_extraction"
RUN = 4
NOW = datetime(2020, 1, 1, tzinfo=UTC)


def runs(text: str) -> Counter[tuple[str, ...]]:
    """Multiset of the runs of four words; of a shorter text, all its words."""
    words = re.findall(r"\w+", text)
    starts = range(max(1, len(words) - RUN + 1)) if words else ()
    return Counter(tuple(words[i : i + RUN]) for i in starts)


def page_scores(truth: str, found: str) -> tuple[float | None, float | None]:
    """Precision and recall of one page; null where the found text, or the truth, is empty."""
    wanted, got = runs(truth), runs(found)
    shared = (wanted & got).total()
    precision = shared / got.total() if got else None
    recall = shared / wanted.total() if wanted else None
    return precision, recall


def f1(scores: list[tuple[float | None, float | None]]) -> tuple[float, float, float]:
    """Mean precision and mean recall over the pages that have one, and their harmonic mean."""
    precision = fmean(p for p, _ in scores if p is not None)
    recall = fmean(r for _, r in scores if r is not None)
    return precision, recall, 2 * precision * recall / (precision + recall)


def pages(folder: Path) -> Iterator[tuple[str, str, bytes]]:
    """(address, true text, bytes) of every page."""
    for name, truth in json.loads((folder / "ground-truth.json").read_text("utf-8")).items():
        yield (
            truth["url"],
            truth.get("articleBody") or "",
            gzip.decompress((folder / f"html/{name}.html.gz").read_bytes()),
        )


def ours(body: bytes, address: str) -> str:
    """What Riftwatch would store as text."""
    try:
        return extract_page(body, address=address, now=NOW).text
    except ExtractError:
        return ""


def measure(extract: Callable[[bytes, str], str], folder: Path) -> tuple[float, float, float, float]:
    """Precision, recall, F1 and pages a second of one way to extract."""
    known = list(pages(folder))
    start = time.perf_counter()
    found = [extract(body, address) for address, _, body in known]
    seconds = time.perf_counter() - start
    return (
        *f1([page_scores(truth, text) for (_, truth, _), text in zip(known, found, strict=True)]),
        len(known) / seconds,
    )


WAYS: dict[str, Callable[[bytes, str], str]] = {
    "riftwatch": ours,
    "trafilatura": lambda body, _: trafilatura.extract(body) or "",
    "trafilatura fast": lambda body, _: trafilatura.extract(body, fast=True) or "",
}


def main() -> int:
    if not DATA.is_dir():
        print("skipped: no pages to measure on (../shared/data/article_extraction is absent)")
        return 0
    print(f"{'':18}  precision  recall     F1  pages/s")
    scores = {name: measure(way, DATA) for name, way in WAYS.items()}
    for name, (precision, recall, score, speed) in scores.items():
        print(f"{name:18} {precision:10.4f} {recall:7.4f} {score:6.4f} {speed:8.1f}")
    reached = scores["riftwatch"][2]
    print(f"floor {FLOOR}: {'held' if reached >= FLOOR else 'BROKEN'} ({reached:.4f})")
    return 0 if reached >= FLOOR else 1


if __name__ == "__main__":
    sys.exit(main())
