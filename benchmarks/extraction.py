"""Main text of 181 news and blog pages beside plain trafilatura; then dates, languages and reposts (their own modules).

    python -m benchmarks.extraction

The measure is that of scrapinghub's article-extraction-benchmark: every text is the multiset of its runs of four
words; per page, the overlap with the truth gives a precision and a recall; F1 is made of their means over the pages.
Exit status 1 below a floor. Without the data set (../shared/data) it says so and stops.
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
from trafilatura.settings import Document

from benchmarks import dates, languages, reposts
from pipeline.extract.page import ExtractError, extract_page
from pipeline.settings import PROJECT_ROOT

FLOOR = 0.965
SPEED_FLOOR = 1.3
"""Both give text, title and date; 1.6 to 1.7 on a quiet machine."""
DATA = PROJECT_ROOT.parent / "shared" / "data"
RUN = 4
NOW = datetime(2020, 1, 1, tzinfo=UTC)
Way = Callable[[bytes, str], str]


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


def measure(ways: dict[str, Way], folder: Path) -> dict[str, tuple[float, float, float, float]]:
    """Precision, recall, F1 and pages a second of processor time of each way to extract.

    The ways take turns at every page, so that a busy machine slows all of them alike.
    """
    known = list(pages(folder))
    found: dict[str, list[str]] = {name: [] for name in ways}
    seconds = dict.fromkeys(ways, 0.0)
    for way in ways.values():  # what is loaded at the first call
        way(known[0][2], known[0][0])
    for address, _, body in known:
        for name, way in ways.items():
            start = time.process_time()
            found[name].append(way(body, address))
            seconds[name] += time.process_time() - start
    return {
        name: (
            *f1([page_scores(truth, text) for (_, truth, _), text in zip(known, texts, strict=True)]),
            len(known) / seconds[name],
        )
        for name, texts in found.items()
    }


def _with_metadata(body: bytes, address: str) -> str:
    found = trafilatura.bare_extraction(body, url=address, with_metadata=True)
    return (found.text if isinstance(found, Document) else None) or ""


WAYS: dict[str, Way] = {
    "riftwatch": ours,
    "trafilatura": lambda body, _: trafilatura.extract(body) or "",
    "trafilatura, fast": lambda body, _: trafilatura.extract(body, fast=True) or "",
    "trafilatura, with metadata": _with_metadata,
}


def main() -> int:
    """Print the tables; 1 when a floor is broken."""
    if not (DATA / "article_extraction").is_dir():
        print("skipped: no pages to measure on (../shared/data/article_extraction is absent)")
        return 0
    print(f"{'main text':26}  precision  recall      F1  pages/s")
    scores = measure(WAYS, DATA / "article_extraction")
    for name, (precision, recall, score, speed) in scores.items():
        print(f"{name:26} {precision:10.4f} {recall:7.4f} {score:7.4f} {speed:8.1f}")
    ours_score, ours_speed = scores["riftwatch"][2:]
    best = max(score for name, (_, _, score, _) in scores.items() if name != "riftwatch")
    against = ours_speed / scores["trafilatura, with metadata"][3]
    held = True
    for what, reached, floor in (
        ("main text F1", ours_score, FLOOR),
        ("main text F1 (trafilatura's best)", ours_score, best),
        ("pages/s over trafilatura's with metadata", against, SPEED_FLOOR),
    ):
        print(f"floor of {what} {floor:.4f}: {'held' if reached >= floor else 'BROKEN'} ({reached:.4f})")
        held &= reached >= floor
    for part in (dates, languages, reposts):
        print()
        held &= part.main() == 0
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
