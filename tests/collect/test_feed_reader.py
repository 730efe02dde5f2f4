from __future__ import annotations

import os
import threading
import time

import pytest

from pipeline.collect import feed_reader
from pipeline.collect.feed_reader import read_feed
from pipeline.extract.feed import NoFeedError, parse
from tests.extract.feeds import FORMATS, feed

ADDRESS = "http://a.example/feed"


def read(settings, body, **limits):
    changed = settings.model_copy(update=limits)
    return read_feed(changed, body if isinstance(body, bytes) else body.encode(), address=ADDRESS, content_type=None)


@pytest.mark.parametrize("format", FORMATS)
def test_a_feed_is_what_it_is_in_this_process(settings, format):
    body = feed(format, title="رسالة \ud83d {i}").encode("utf-8", "replace")
    assert read(settings, body) == parse(body, address=ADDRESS, content_type=None)


def slow(count=60_000):
    attributes = " ".join(f"a{i}='x'" for i in range(count))
    return f"<rss version='2.0' {attributes}><channel><item><title>&x</title></item></channel></rss>"


def test_what_takes_too_long_is_given_up_and_the_next_is_read(settings):
    began = time.monotonic()
    with pytest.raises(NoFeedError, match="takes longer than 1 s"):
        read(settings, slow(), extraction_seconds=1.0)
    assert time.monotonic() - began < 10
    assert len(read(settings, feed("rss20")).entries) == 3


def test_what_takes_too_much_memory_is_given_up_and_the_next_is_read(settings):
    with pytest.raises(NoFeedError, match="needs more than 300 MB of memory"):
        read(settings, f"<rss version='2.0'><item><title>{'x' * 60_000_000}", extraction_bytes=300_000_000)
    assert len(read(settings, feed("rss20")).entries) == 3


def test_what_is_no_feed_costs_no_process(settings):
    read(settings, feed("rss20"))
    before = [worker._process.pid for worker in feed_reader._idle]
    with pytest.raises(NoFeedError, match="is no feed"):
        read(settings, "hello")
    assert [worker._process.pid for worker in feed_reader._idle] == before


def test_a_process_that_was_killed_between_two_feeds_is_replaced(settings):
    read(settings, feed("rss20"))
    for worker in feed_reader._idle:
        worker._process.kill()
        worker._process.wait()
    assert len(read(settings, feed("rss20")).entries) == 3


def test_threads_read_side_by_side_and_one_slow_feed_holds_up_no_other(settings):
    found, failed = [], []

    def one(body):
        try:
            found.append(len(read(settings, body, extraction_seconds=3.0).entries))
        except NoFeedError as error:
            failed.append(str(error))

    threads = [threading.Thread(target=one, args=(body,)) for body in [slow(), *[feed("atom10", 5)] * 20]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [5] * 20
    assert len(failed) == 1
    assert len(feed_reader._idle) <= feed_reader._AT_ONCE


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Python 3.12 warns of forks beside threads; Airflow forks
def test_a_forked_process_starts_its_own(settings):
    read(settings, feed("rss20"))
    parents = {worker._process.pid for worker in feed_reader._idle}
    child = os.fork()
    if child == 0:
        status = 1
        try:
            mine = len(read(settings, feed("rss20")).entries) == 3
            status = 0 if mine and not parents & {worker._process.pid for worker in feed_reader._idle} else 2
            feed_reader._close_all()
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(read(settings, feed("rss20")).entries) == 3
    assert parents & {worker._process.pid for worker in feed_reader._idle}
