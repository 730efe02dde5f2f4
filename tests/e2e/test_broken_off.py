"""Collecting runs in processes of their own that are killed, or lose their disk or their database."""

import os
import resource
import subprocess
import threading
import time
from pathlib import Path

import pytest

from benchmarks import kill
from benchmarks.postgres import Postgres
from pipeline.store.session import engine_for

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def world():
    with kill.world(seed=3) as some:
        yield some


@pytest.fixture(scope="module")
def monitor(world, tmp_path_factory):
    return world.monitor(tmp_path_factory.mktemp("monitor") / "monitor.yaml")


@pytest.fixture(scope="module")
def undisturbed(world, monitor, tmp_path_factory):
    return kill.undisturbed(tmp_path_factory.mktemp("undisturbed"), monitor)


@pytest.fixture(scope="module")
def server():
    with Postgres() as some:
        yield some


def test_the_world_has_reposts_across_its_sources(undisturbed):
    outcome, _ = undisturbed
    assert len(outcome.documents) == len(kill.HOSTS) * kill.TEXTS
    assert outcome.differs(outcome) is None
    assert {len(keys) for keys in outcome.clusters} == {1, 3}


@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_a_killed_run_is_completed_by_the_next(database, world, monitor, undisturbed, server, tmp_path):
    outcome, took = undisturbed

    def stores():
        for number in range(3):
            address = server.new_database(f"killed{number}") if database == "postgresql" else ""
            yield kill.Store(tmp_path / str(number), address)

    tally = kill.try_moments(stores(), monitor, outcome, took, 3, seed=11)
    assert tally.wrong == []
    assert tally.too_late < tally.moments == 3


def wait_for_documents(process, settings, count):
    """Until some documents are stored; the run must still be at work then."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if Path(settings.data / "archive").exists() and len(kill.Outcome.of(settings).documents) >= count:
            assert process.poll() is None, process.communicate()[0]
            return
        time.sleep(0.1)
    pytest.fail("no documents within two minutes")


def test_a_database_that_goes_away_ends_the_run_in_words_and_the_next_completes_it(
    world, monitor, undisturbed, tmp_path
):
    outcome, _ = undisturbed
    with Postgres() as server:
        store = kill.Store(tmp_path / "data", server.new_database("gone"))
        process = store.start(monitor)
        wait_for_documents(process, store.settings, 5)
        server.stop()
        said = process.communicate(timeout=120)[0]
        server.start()
        assert process.returncode == 1
        assert "the run was broken off: the database can't be used any more" in said
        assert "Traceback" not in said
        engine_for(store.settings.database).dispose()
        store.finish(monitor)
        assert kill.Outcome.of(store.settings).differs(outcome) is None
        store.close()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1.5 MB; where none can be mounted, the folder alone (files are kept short instead)."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1500k", "tmpfs", folder], check=False).returncode == 0
    yield folder, mounted
    if mounted:
        subprocess.run(["umount", "-l", folder], check=True)


def test_a_full_disk_ends_the_run_in_words_and_the_next_completes_it(world, monitor, undisturbed, small_disk):
    outcome, _ = undisturbed
    folder, mounted = small_disk
    store = kill.Store(folder)
    limit = None if mounted else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, resource.RLIM_INFINITY))
    done = subprocess.run(
        store.command("collect", "--monitor", str(monitor)),
        env=store.environment,
        preexec_fn=limit,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 1, done.stdout
    assert "the run was broken off: the d" in done.stderr
    assert "Traceback" not in done.stderr
    if mounted:
        subprocess.run(["mount", "-o", "remount,size=200m", folder], check=True)
    store.finish(monitor)
    assert kill.Outcome.of(store.settings).differs(outcome) is None
    store.close()


def test_two_runs_at_once_leave_the_same(world, monitor, undisturbed, server, tmp_path):
    outcome, _ = undisturbed
    store = kill.Store(tmp_path, server.new_database("twice"))
    runs = [threading.Thread(target=store.run, args=("collect", "--monitor", str(monitor))) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    store.finish(monitor)
    assert kill.Outcome.of(store.settings).differs(outcome) is None
    assert os.listdir(tmp_path / "archive" / "broken-off")
    store.close()
