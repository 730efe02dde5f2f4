import threading
import time

import pytest

from pipeline.collect.crew import run_by_host


def test_hosts_run_side_by_side_and_each_in_order():
    seen = {}
    names = set()

    def work(host, tasks, put):
        names.add(threading.current_thread().name)
        for task in tasks:
            time.sleep(0.05)
            put((host, task))

    began = time.monotonic()
    for result in run_by_host({h: range(4) for h in "abcd"}, work, stop=threading.Event()):
        if result is not None:
            seen.setdefault(result[0], []).append(result[1])
    assert seen == {h: [0, 1, 2, 3] for h in "abcd"}
    assert time.monotonic() - began < 0.7
    assert len(names) == 4


def test_more_hosts_than_threads():
    results = run_by_host(
        {str(i): [i] for i in range(20)}, lambda _, t, put: put(t[0]), stop=threading.Event(), threads=2
    )
    assert sorted(r for r in results if r is not None) == list(range(20))


def test_an_error_in_a_thread_is_raised_in_the_caller_and_ends_the_others():
    stop = threading.Event()

    def work(host, tasks, put):
        if host == "bad":
            raise OSError("the database is away")
        while not stop.is_set():
            put("x")

    with pytest.raises(OSError, match="database is away"):
        for _ in run_by_host({"good": [1], "bad": [1]}, work, stop=stop):
            pass
    assert not [t for t in threading.enumerate() if t.name.startswith("collect-")]


def test_a_caller_that_leaves_early_leaves_no_thread_behind():
    results = run_by_host({"a": [1]}, lambda _, __, put: [put(i) for i in range(1000)], stop=threading.Event())
    assert next(results) == 0
    results.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("collect-")]


def test_nothing_to_do():
    assert list(run_by_host({}, lambda *_: None, stop=threading.Event())) == []
