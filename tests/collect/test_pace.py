import itertools
import multiprocessing
import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import select

from pipeline.collect import pace
from pipeline.collect.failure import NotNow
from pipeline.collect.pace import Paces
from pipeline.settings import Settings
from pipeline.store.session import open_session
from pipeline.store.tables import Host

HOST = "http://news.example:80"


def paces(settings, *, seconds=20.0, owner=None):
    return Paces(settings, deadline=time.time() + seconds, stop=threading.Event(), owner=owner)


def test_the_wait_is_counted_from_the_end_of_the_response(settings):
    book = paces(settings)
    ends, begins = [], []
    for _ in range(3):
        with book.turn(HOST, 0.2):
            begins.append(time.time())
            time.sleep(0.1)
            ends.append(time.time())
    book.close()
    assert all(b - e >= 0.2 for e, b in zip(ends, begins[1:], strict=False))


def test_threads_of_one_run_take_turns(settings):
    book = paces(settings)
    begins = []

    def work():
        for _ in range(3):
            with book.turn(HOST, 0.1):
                begins.append(time.time())

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    book.close()
    assert min(b - a for a, b in itertools.pairwise(sorted(begins))) >= 0.1


def test_the_next_run_keeps_the_distance_to_the_last(store_settings):
    first = paces(store_settings)
    with first.turn(HOST, 0.5):
        pass
    end = time.time()
    first.close()
    second = paces(store_settings)
    with second.turn(HOST, 0.5):
        assert time.time() - end >= 0.49
    second.close()


def test_a_run_waits_for_the_lease_of_another_within_its_time(store_settings):
    holder, other = paces(store_settings, owner="holder"), paces(store_settings, seconds=1.0, owner="other")
    with holder.turn(HOST, 0.0):
        pass
    with pytest.raises(NotNow, match="collected by another run"), other.turn(HOST, 0.0):
        pass
    patient = paces(store_settings, owner="patient")
    threading.Timer(0.6, holder.close).start()
    began = time.time()
    with patient.turn(HOST, 0.0):
        assert time.time() - began >= 0.5
    patient.close()
    other.close()


def test_a_long_wait_for_another_run_is_said(settings, monkeypatch, caplog):
    monkeypatch.setattr(pace, "_TELL_AFTER", 0.1)
    first = paces(settings, owner="one")
    first.hold(HOST)
    with pytest.raises(NotNow, match="collected by another run"):
        paces(settings, owner="two", seconds=1.5).hold(HOST)
    first.close()
    said = [r.getMessage() for r in caplog.records]
    assert said == [f"{HOST} is being collected by another run, or by one that was killed: waiting for it"]


def test_the_lease_of_a_dead_process_runs_out(store_settings):
    quick = store_settings.model_copy(update={"request_seconds": 0.2})
    dead = paces(quick, owner="dead")
    with dead.turn(HOST, 0.0):
        pass
    with open_session(quick) as session:
        until = session.scalar(select(Host.leased_until))
        session.query(Host).update({Host.leased_until: until - timedelta(seconds=30)})
        session.commit()
    heir = paces(quick, owner="heir")
    with heir.turn(HOST, 0.0):
        pass
    # what the dead one thinks it holds is no longer its own to give back
    dead.close()
    with open_session(quick) as session:
        assert session.scalar(select(Host.leased_by)) == "heir"
    heir.close()


def test_a_lease_outlives_every_request_made_under_it(settings):
    book = paces(settings)
    with book.turn(HOST, 3.0), open_session(settings) as session:
        until = session.scalar(select(Host.leased_until)).timestamp()
        assert until >= time.time() + settings.request_seconds + 3.0
    book.close()


def test_a_pause_holds_for_this_run_and_the_next(settings):
    book = paces(settings)
    with book.turn(HOST, 0.0):
        pass
    book.pause(HOST, timedelta(hours=1))
    with pytest.raises(NotNow, match="may not be asked before"), book.turn(HOST, 0.0):
        pass
    book.close()
    later = paces(settings)
    with pytest.raises(NotNow, match="may not be asked before"), later.turn(HOST, 0.0):
        pass
    later.close()


def test_a_stopped_run_waits_no_longer(settings):
    stop = threading.Event()
    book = Paces(settings, deadline=time.time() + 60, stop=stop)
    with book.turn(HOST, 30.0):
        pass
    threading.Timer(0.2, stop.set).start()
    began = time.time()
    with pytest.raises(NotNow), book.turn(HOST, 30.0):
        pass
    assert time.time() - began < 5
    book.close()


def _process(database, folder, delay, count, times):
    """One of several processes that ask the same host."""
    settings = Settings(data=folder, database_url=database, request_seconds=1.0)
    for _ in range(count):
        book = paces(settings)
        with book.turn(HOST, delay):
            times.put(time.time())
        book.close()


def test_processes_do_not_double_the_rate(store_settings):
    with open_session(store_settings):
        pass
    context = multiprocessing.get_context("spawn")
    times = context.Queue()
    crew = [
        context.Process(target=_process, args=(store_settings.database, store_settings.data, 0.2, 4, times))
        for _ in range(2)
    ]
    for process in crew:
        process.start()
    for process in crew:
        process.join(60)
        assert process.exitcode == 0
    begins = sorted(times.get() for _ in range(8))
    assert min(b - a for a, b in itertools.pairwise(begins)) >= 0.2
