"""Main text of 181 news and blog pages beside plain trafilatura, dates of 195 beside plain htmldate, reposts.

    python benchmarks/extraction.py

The measure is that of scrapinghub's article-extraction-benchmark: every text is the multiset of its runs of four
words; per page, the overlap with the truth gives a precision and a recall; F1 is made of their means over the pages.
Exit status 1 below a floor. Without the data set (../shared/data) it says so and stops.
"""

from __future__ import annotations

import gzip
import json
import re
import sys
import tarfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import combinations
from pathlib import Path
from statistics import fmean

import htmldate
import trafilatura

from pipeline.extract.page import ExtractError, extract_page
from pipeline.extract.similarity import SAME_TEXT, bands, jaccard, shingles, signature
from pipeline.extract.text import digest
from pipeline.settings import PROJECT_ROOT

FLOOR = 0.955
DATE_FLOOR = 0.88
REPOST_FLOOR = 0.97
DATA = PROJECT_ROOT.parent / "shared" / "data"
RUN = 4
NOW = datetime(2020, 1, 1, tzinfo=UTC)
SEEN = datetime(2021, 1, 1, tzinfo=UTC)
"""The dated pages were saved by then."""


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


def dated_pages(folder: Path) -> Iterator[tuple[str, str, bytes]]:
    """(address, true day, bytes) of every page whose day is known."""
    truth = json.loads((folder / "eval_mediacloud_2020.json").read_text("utf-8"))
    with tarfile.open(folder / "test_set_html.tar.gz") as archive:
        files = {member.name.rpartition("/")[2]: member for member in archive.getmembers()}
        for address, known in truth.items():
            content = archive.extractfile(files[known["file"]])
            if isinstance(known["date"], str) and content:
                yield address, known["date"], content.read()


def our_day(body: bytes, address: str) -> str | None:
    """The day Riftwatch would use, in the zone the page writes it in (the truth knows no zones)."""
    try:
        extracted = extract_page(body, address=address, now=SEEN)
    except ExtractError:
        return None
    if extracted.published_at is None:
        return None
    written = re.match(r"(\d{4})-?(\d\d)-?(\d\d)", extracted.dates[0].value)
    return "-".join(written.groups()) if written else f"{extracted.published_at:%Y-%m-%d}"


def their_day(body: bytes, address: str) -> str | None:
    """htmldate's own answer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found: str | None = htmldate.find_date(body, url=address, original_date=True, max_date=SEEN)
    return found


def date_accuracy(find: Callable[[bytes, str], str | None], folder: Path) -> tuple[float, float]:
    """Share of the pages dated right, and share dated wrong; the rest has no date."""
    found = [(find(body, address), day) for address, day, body in dated_pages(folder)]
    right = sum(answer == day for answer, day in found)
    wrong = sum(answer is not None and answer != day for answer, day in found)
    return right / len(found), wrong / len(found)


WAYS: dict[str, Callable[[bytes, str], str]] = {
    "riftwatch": ours,
    "trafilatura": lambda body, _: trafilatura.extract(body) or "",
    "trafilatura fast": lambda body, _: trafilatura.extract(body, fast=True) or "",
}
DAYS: dict[str, Callable[[bytes, str], str | None]] = {"riftwatch": our_day, "htmldate": their_day}


def reposts(folder: Path) -> tuple[int, int, int, int, int]:
    """Pairs of news articles, pairs of one text, how many of these the digest finds, and the bands; pairs compared."""
    with gzip.open(folder / "news_cluster.jsonl.gz", "rt", encoding="utf-8") as lines:
        texts = [json.loads(line)["text"] for line in lines]
    grams = [shingles(text) for text in texts]
    digests = [digest(text) for text in texts]
    index = [set(bands(signature(one))) for one in grams]
    pairs = list(combinations(range(len(texts)), 2))
    same = [(i, j) for i, j in pairs if jaccard(grams[i], grams[j]) > SAME_TEXT]
    by_digest = sum(digests[i] == digests[j] for i, j in same)
    by_bands = sum(bool(index[i] & index[j]) for i, j in same)
    compared = sum(bool(index[i] & index[j]) for i, j in pairs)
    return len(pairs), len(same), by_digest, by_bands, compared


def main() -> int:
    """Print the tables; 1 when a floor is broken."""
    if not (DATA / "article_extraction").is_dir():
        print("skipped: no pages to measure on (../shared/data/article_extraction is absent)")
        return 0
    print(f"{'main text':18}  precision  recall      F1  pages/s")
    scores = {name: measure(way, DATA / "article_extraction") for name, way in WAYS.items()}
    for name, (precision, recall, score, speed) in scores.items():
        print(f"{name:18} {precision:10.4f} {recall:7.4f} {score:7.4f} {speed:8.1f}")
    print(f"\n{'date':18}      right   wrong")
    days = {name: date_accuracy(way, DATA / "htmldate200") for name, way in DAYS.items()}
    for name, (right, wrong) in days.items():
        print(f"{name:18} {right:10.4f} {wrong:7.4f}")
    pairs, same, by_digest, by_bands, compared = reposts(DATA / "news_cluster")
    print(f"\nreposts: {same} of {pairs} pairs of articles are one text (5-gram Jaccard over {SAME_TEXT})")
    print(f"found by digest alone {by_digest}, by bands {by_bands}; pairs compared in full {compared}\n")
    held = True
    for what, reached, floor in (
        ("main text F1", scores["riftwatch"][2], FLOOR),
        ("dates right", days["riftwatch"][0], DATE_FLOOR),
        ("reposts found", by_bands / same, REPOST_FLOOR),
    ):
        print(f"floor of {what} {floor}: {'held' if reached >= floor else 'BROKEN'} ({reached:.4f})")
        held &= reached >= floor
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
