"""Day of publication of 195 news pages, beside plain htmldate.

    python -m benchmarks.dates

The truth names days without a zone, as their readers saw them. Riftwatch stores moments, so its answer is the day that
is written in the page (``as written``), whatever day it was in UTC; ``by the outlet's clock`` takes the day of the
address or the heading where these name the same moment by a clock there. Exit status 1 below a floor. Without the data
set (../shared/data) it says so and stops.
"""

from __future__ import annotations

import json
import re
import sys
import tarfile
import warnings
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import htmldate

from pipeline.extract.dates import AT_HOME
from pipeline.extract.page import DateCandidate, ExtractError, extract_page
from pipeline.settings import PROJECT_ROOT

FLOOR = 0.9128
"""htmldate's own share; the same in every run"""
DATA = PROJECT_ROOT.parent / "shared" / "data" / "htmldate200"
SEEN = datetime(2021, 1, 1, tzinfo=UTC)
"""The pages were saved by then."""

Find = Callable[[bytes, str], str | None]


def dated_pages(folder: Path) -> Iterator[tuple[str, str, bytes]]:
    """(address, true day, bytes) of every page whose day is known."""
    truth = json.loads((folder / "eval_mediacloud_2020.json").read_text("utf-8"))
    with tarfile.open(folder / "test_set_html.tar.gz") as archive:
        files = {member.name.rpartition("/")[2]: member for member in archive.getmembers()}
        for address, known in truth.items():
            content = archive.extractfile(files[known["file"]])
            if isinstance(known["date"], str) and content:
                yield address, known["date"], content.read()


def _candidates(body: bytes, address: str) -> tuple[DateCandidate, ...]:
    try:
        return extract_page(body, address=address, now=SEEN).dates
    except ExtractError:
        return ()


def _day(one: DateCandidate) -> str:
    """The day of a candidate in the zone it is written in."""
    written = re.match(r"(\d{4})-?(\d\d)-?(\d\d)", one.value)
    return "-".join(written.groups()) if written else f"{one.date:%Y-%m-%d}"


def our_day(body: bytes, address: str) -> str | None:
    """The day Riftwatch would use, as written."""
    found = _candidates(body, address)
    return _day(found[0]) if found and found[0].accepted else None


def our_day_at_home(body: bytes, address: str) -> str | None:
    """The same by the outlet's clock, where the page tells."""
    found = _candidates(body, address)
    if not found or not found[0].accepted:
        return None
    return _day(next((one for one in found if one.why == AT_HOME), found[0]))


def their_day(body: bytes, address: str) -> str | None:
    """htmldate's own answer."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found: str | None = htmldate.find_date(body, url=address, original_date=True, max_date=SEEN)
    return found


def accuracy(find: Find, folder: Path) -> tuple[float, float]:
    """Share of the pages dated right, and share dated wrong; the rest has no date."""
    found = [(find(body, address), day) for address, day, body in dated_pages(folder)]
    right = sum(answer == day for answer, day in found)
    wrong = sum(answer is not None and answer != day for answer, day in found)
    return right / len(found), wrong / len(found)


WAYS: dict[str, Find] = {
    "as written": our_day,
    "by the outlet's clock": our_day_at_home,
    "htmldate": their_day,
}


def main() -> int:
    """Print the table; 1 when a floor is broken, or where htmldate is right more often."""
    if not DATA.is_dir():
        print("skipped: no pages to measure on (../shared/data/htmldate200 is absent)")
        return 0
    print(f"{'date':22}  right   wrong")
    scores = {name: accuracy(way, DATA) for name, way in WAYS.items()}
    for name, (right, wrong) in scores.items():
        print(f"{name:22} {right:6.4f} {wrong:7.4f}")
    reached, theirs = scores["as written"][0], scores["htmldate"][0]
    held = round(reached, 4) >= FLOOR and reached >= theirs
    print(
        f"floor of dates right {FLOOR} and htmldate's own {theirs:.4f}: {'held' if held else 'BROKEN'} ({reached:.4f})"
    )
    return 0 if held else 1


if __name__ == "__main__":
    sys.exit(main())
