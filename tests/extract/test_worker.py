"""The extraction process by itself, over its pipes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, date, datetime

import psutil
import pytest

from pipeline.extract.page import ExtractionRules, extract_page, extract_text
from pipeline.extract.similarity import bands, shingles, signature
from pipeline.extract.worker import OUT_OF_MEMORY, Limits, Page, Read, Text, answer, ask, read_frame
from tests.collect.conftest import article

NOW = datetime(2010, 3, 1, 12, tzinfo=UTC)
ROOMY = Limits(60.0, 4_000_000_000)


@pytest.fixture
def worker() -> Iterator[subprocess.Popen]:
    command = [sys.executable, "-P", "-m", "pipeline.extract.worker"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as process:
        assert read_frame(process.stdout) == ({}, b"")
        yield process
        process.kill()


def asked(worker, what, limits=ROOMY) -> Read | None:
    ask(worker.stdin, what, limits)
    return answer(worker.stdout)


def test_it_makes_what_is_made_here(worker):
    body = article("the wells of the valley").encode()
    hints = {"title": "Hinted \ud800", "dates": [{"origin": "feed", "value": "2009-10-04"}]}
    rules = ExtractionRules(earliest=date(2001, 1, 1), title_selector="h2")
    here = extract_page(body, address="http://a/1", content_type="text/html", hints=hints, rules=rules, now=NOW)
    there = asked(worker, Page("http://a/1", body, "text/html", NOW, hints, rules))
    assert there == Read(here, None, bands(signature(shingles(here.text))))
    assert there.text.unmatched == ("title_selector",)


def test_a_text_too(worker):
    here = extract_text("The council \ud800 speaks.", address="table:a/1", title="T", now=NOW)
    assert asked(worker, Text("table:a/1", "The council \ud800 speaks.", "T", NOW)).text == here


def test_what_is_no_page_has_a_reason(worker):
    assert asked(worker, Page("http://a/1", b"\x89PNG\r\n\x1a\n", "image/png", NOW)).text is None
    read = asked(worker, Page("http://a/1", b'{"a": 1}', None, NOW))
    assert read == Read(None, "not a page: the body is JSON")


def test_it_reads_ahead_and_answers_in_order(worker):
    for number in range(5):
        ask(worker.stdin, Text(f"table:a/{number}", "words " * 40_000, None, NOW), ROOMY)
    assert [answer(worker.stdout).text.address for _ in range(5)] == [f"table:a/{number}" for number in range(5)]


HEAVY = b"<html><body>" + b"<div><p>heavy <b>words</b> of one page</p></div>" * 40_000 + b"</body></html>"


def test_a_page_that_takes_too_long_ends_it(worker):
    assert asked(worker, Page("http://a/1", HEAVY, "text/html", NOW), Limits(0.05, ROOMY.memory)) is None
    assert worker.wait() == -signal.SIGALRM


def test_a_page_that_takes_too_much_memory_ends_it(worker):
    with open(f"/proc/{worker.pid}/statm") as numbers:
        size = int(numbers.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    small = Limits(60.0, size + 20_000_000)
    assert asked(worker, Page("http://a/1", article("a small page").encode(), "text/html", NOW), small).text is not None
    assert asked(worker, Page("http://a/2", HEAVY, "text/html", NOW), small) is None
    assert worker.wait() == OUT_OF_MEMORY


@pytest.mark.parametrize("busy", [False, True])
def test_it_ends_with_its_input(worker, busy):
    if busy:
        ask(worker.stdin, Page("http://a/1", HEAVY * 4, "text/html", NOW), ROOMY)
    worker.stdin.close()
    assert worker.wait(timeout=10) == 0


def test_it_ends_when_its_parent_is_killed():
    """The parent is killed in the middle of a page; the worker's end of the pipe tells it."""
    code = (
        "import sys, threading\n"
        "from datetime import UTC, datetime\n"
        "from pipeline.collect.readers import Page, Reading, _pools\n"
        "from pipeline.settings import Settings\n"
        "reading = Reading(Settings(extraction_workers=1))\n"
        "reading.put(0, Page('http://a/0', b'<p>some words</p>', None, datetime.now(UTC)))\n"
        "reading.take(wait=True)\n"
        "reading.put(1, Page('http://a/1', b'<p>some words</p>' * 500_000, None, datetime.now(UTC)))\n"
        "print(next(iter(_pools[1]._workers))._process.pid, flush=True)\n"
        "reading.take(wait=True)\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        worker = psutil.Process(int(parent.stdout.readline()))
        time.sleep(0.5)  # it is in the middle of the page
        assert worker.is_running()
        parent.kill()
    deadline = time.monotonic() + 5
    while worker.is_running() and worker.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline, "the worker outlives its parent"
        time.sleep(0.02)
