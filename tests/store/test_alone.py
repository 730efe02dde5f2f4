from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import monotonic, sleep

import pytest

from pipeline.store.alone import alone


def test_the_second_waits_until_the_first_is_done(store_settings):
    within, let_go, order = Event(), Event(), []

    def first():
        with alone(store_settings, "measure m"):
            within.set()
            let_go.wait(30)
            order.append("first")

    def second():
        within.wait(30)
        with alone(store_settings, "measure m"):
            order.append("second")

    with ThreadPoolExecutor(2) as pool:
        running = [pool.submit(first), pool.submit(second)]
        within.wait(30)
        sleep(0.3)
        assert order == []
        let_go.set()
        for one in running:
            one.result(30)
    assert order == ["first", "second"]


def test_other_work_goes_on_and_a_failure_lets_go(store_settings):
    with alone(store_settings, "measure m"), alone(store_settings, "measure n"):
        pass

    def failing():
        with alone(store_settings, "measure m"):
            raise LookupError

    with pytest.raises(LookupError):
        failing()
    start = monotonic()
    with alone(store_settings, "measure m"):
        assert monotonic() - start < 10
