import itertools
import multiprocessing
import subprocess
import sys
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
    said = [r.getMessage() for r in caplog.records if r.name.startswith("pipeline")]
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


HOLDS = """
import sys, threading, time
from pathlib import Path
from pipeline.collect.pace import Paces
from pipeline.settings import Settings

settings = Settings(data=Path(sys.argv[1]), database_url=sys.argv[2], default_delay=0.0)
book = Paces(settings, deadline=time.time() + 60, stop=threading.Event())
with book.turn(sys.argv[3], 0.4):
    print(time.time(), flush=True)
    input()
"""


def test_the_lease_of_a_killed_process_of_this_machine_is_taken_at_once_and_of_a_living_one_never(store_settings):
    with open_session(store_settings):
        pass
    command = [sys.executable, "-c", HOLDS, str(store_settings.data), store_settings.database, HOST]
    with subprocess.Popen(command, stdin=-1, stdout=-1, text=True) as holder:
        holder.stdout.readline()
        with pytest.raises(NotNow, match="collected by another run"):
            paces(store_settings, seconds=0.7).hold(HOST)
        holder.kill()
    killed = time.time()
    heir = paces(store_settings, seconds=5)
    with heir.turn(HOST, 0.4):
        # the dead one may have asked in its last moment
        assert 0.4 <= time.time() - killed < 3
    heir.close()


def test_runs_that_need_each_others_hosts_do_not_wait_for_ever(store_settings):
    """Redirects lead from one host to the other, and back."""
    hosts = ["http://one.example:80", "http://two.example:80"]
    barrier = threading.Barrier(2)
    done = []

    def run(first, second):
        book = paces(store_settings)
        with book.turn(first, 0.0):
            barrier.wait()
        with book.turn(second, 0.0):
            done.append(second)
        book.close()

    threads = [threading.Thread(target=run, args=order) for order in (hosts, hosts[::-1])]
    began = time.time()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(done) == hosts
    assert time.time() - began < 5


def test_a_run_that_asked_nothing_leaves_the_distance_as_it_was(settings):
    first, second, third = paces(settings), paces(settings), paces(settings)
    with first.turn(HOST, 0.8):
        pass
    end = time.time()
    first.close()
    second.hold(HOST)
    second.close()
    with third.turn(HOST, 0.0):
        assert time.time() - end >= 0.79
    third.close()


def test_a_longer_distance_counts_from_the_request_of_the_last_run(settings):
    first, second = paces(settings), paces(settings)
    with first.turn(HOST, 0.1):
        pass
    end = time.time()
    first.close()
    with second.turn(HOST, 0.6):
        assert time.time() - end >= 0.59
    second.close()


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
    with open_session(settings) as session:  # at once: this process may be killed
        assert session.scalar(select(Host.next_request_at)).timestamp() > time.time() + 3590
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
