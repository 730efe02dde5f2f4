"""The pool of extraction processes."""

import os
import signal
import threading
import time
from datetime import UTC, datetime

import psutil
import pytest

from pipeline.collect import readers
from pipeline.collect.readers import Page, ReaderError, Reading, Text, read_all
from pipeline.settings import Settings
from tests.collect.conftest import article, extraction_workers

NOW = datetime(2010, 3, 1, 12, tzinfo=UTC)
HEAVY = b"<html><body>" + b"<div><p>heavy <b>words</b> of one page</p></div>" * 40_000 + b"</body></html>"


def page(number: int, body: bytes | None = None) -> Page:
    return Page(f"http://a/{number}", body or article(f"page number {number}").encode(), "text/html", NOW)


@pytest.fixture
def two() -> Settings:
    return Settings(extraction_workers=2)


def test_pages_come_out_in_order_each_with_its_key(two):
    done = list(read_all(two, ((number, page(number)) for number in range(100))))
    assert [key for key, _ in done] == list(range(100))
    assert all(read.text.address == f"http://a/{key}" and read.bands for key, read in done)
    assert list(read_all(two, [])) == []


def test_the_number_of_workers_changes_nothing_of_what_is_read(two):
    pages = [(number, page(number)) for number in range(12)]
    alone = list(read_all(Settings(extraction_workers=1), pages))
    assert [(key, read.text, read.bands) for key, read in read_all(two, pages)] == [
        (key, read.text, read.bands) for key, read in alone
    ]


def test_workers_stay_for_the_next_user(two):
    list(read_all(two, [(1, page(1)), (2, page(2))]))
    before = extraction_workers()
    list(read_all(two, [(1, page(1))]))
    assert extraction_workers() == before


def test_one_page_starts_one_worker():
    alone = Settings(extraction_workers=5)
    list(read_all(alone, [(1, page(1))]))
    assert len(extraction_workers(5)) == 1


def test_no_more_than_a_few_pages_are_taken_ahead(two):
    taken = 0

    def pages():
        nonlocal taken
        for number in range(300):
            taken += 1
            yield number, page(number)

    for given, _ in enumerate(read_all(two, pages())):
        assert taken - given <= 2 * readers._ROOM + 2


def test_large_pages_are_few_at_once(two, monkeypatch):
    monkeypatch.setattr(readers, "_ROOM_BYTES", 10_000)
    reading = Reading(two)
    reading.put(1, Text("table:a/1", "word " * 2_000, None, NOW))
    assert reading.full
    assert reading.take(wait=True)[0] == 1
    assert not reading.full
    assert reading.take(wait=True) is None


def test_a_page_past_its_time_costs_no_other(two):
    """Tried twice, each time in a process of its own, and the reason is said."""
    short = two.model_copy(update={"extraction_seconds": 0.25})
    bodies = {number: page(number) for number in range(12)} | {5: page(5, HEAVY * 3)}
    done = dict(read_all(short, bodies.items()))
    assert done[5].text is None
    assert done[5].problem == "extraction took longer than 0.25 s"
    assert all(done[number].text is not None for number in done if number != 5)


def test_a_page_past_its_memory_costs_no_other(two):
    list(read_all(two, [(1, page(1)), (2, page(2))]))
    size = max(psutil.Process(pid).memory_info().vms for pid in extraction_workers())
    small = two.model_copy(update={"extraction_bytes": size + 60_000_000})
    bodies = {number: page(number) for number in range(12)} | {5: page(5, HEAVY * 3)}
    done = dict(read_all(small, bodies.items()))
    assert done[5].text is None
    assert "of memory" in done[5].problem
    assert all(done[number].text is not None for number in done if number != 5)


def test_a_page_whose_worker_is_killed_once_is_read_in_another(two):
    """As the kernel does where memory runs out: the victim may be innocent."""
    reading = Reading(two)
    reading.put(1, page(1, HEAVY))
    while not extraction_workers():
        time.sleep(0.01)
    for pid in extraction_workers():
        os.kill(pid, signal.SIGKILL)
    assert reading.take(wait=True)[1].text is not None


def test_a_worker_that_cant_start_is_said(monkeypatch):
    monkeypatch.setattr(readers.sys, "executable", "/bin/false")
    with pytest.raises(ReaderError, match="ended with status 1"):
        list(read_all(Settings(extraction_workers=7), [(1, page(1))]))
    monkeypatch.setattr(readers.sys, "executable", "/no/such/python")
    with pytest.raises(ReaderError, match="/no/such/python"):
        list(read_all(Settings(extraction_workers=7), [(1, page(1))]))


def test_what_cant_be_sent_is_an_error_and_no_hang(two):
    bad = Text("table:a/1", "Some words.", None, NOW, {"title": object()})
    with pytest.raises(TypeError):
        list(read_all(two, [(1, bad)]))
    assert next(read_all(two, [(1, page(1))]))[1].text is not None


def test_many_users_at_once(two):
    done = {}

    def use(name):
        done[name] = [key for key, _ in read_all(two, ((number, page(number)) for number in range(20)))]

    threads = [threading.Thread(target=use, args=[name]) for name in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == {name: list(range(20)) for name in range(4)}


def test_a_forked_child_has_workers_of_its_own(two):
    """As Airflow forks its tasks: the child neither uses the parent's workers nor ends them."""
    list(read_all(two, [(1, page(1))]))
    before = extraction_workers()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            ((_, read),) = read_all(Settings(extraction_workers=1), [(1, page(1))])
            status = 0 if read.text is not None else 2
            readers._close_all()
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert next(read_all(two, [(2, page(2))]))[1].text is not None
    assert before <= extraction_workers()
