import json
import os
import signal
import subprocess
import sys
import time

from sqlalchemy import func, select

from pipeline.collect.ending import ending_in_order
from pipeline.settings import PROJECT_ROOT
from pipeline.store.session import open_session
from pipeline.store.tables import Document, Host, Run


def test_a_run_that_is_told_to_end_gives_back_its_lease_and_leaves_its_line(settings, site, feed_of, watch, tmp_path):
    links = [site.article(f"/letter/{i}", f"letter {i} on the river and the mountain {i * 7}") for i in range(10)]
    site.add("/feed", feed_of(site, links), type="application/rss+xml")
    monitor = watch(site, kind="feed", addresses=[site.address + "/feed"], delay=1.5)
    (tmp_path / "m.yaml").write_text(json.dumps(monitor.model_dump(mode="json", exclude_defaults=True)))
    with open_session(settings) as session:  # so that the run finds its tables
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "pipeline.cli", "collect", "--monitor", tmp_path / "m.yaml"],
            env={**os.environ, "RIFTWATCH_DATA": str(settings.data), "RIFTWATCH_DATABASE_URL": ""},
            cwd=PROJECT_ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        until = time.monotonic() + 60
        while not session.scalar(select(func.count()).select_from(Document)) and time.monotonic() < until:
            session.rollback()
            time.sleep(0.1)
        session.rollback()
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 1
        assert "it was told to end (SIGTERM)" in said
        assert "Traceback" not in said
        assert session.scalars(select(Host.leased_by)).all() == [None]
        (run,) = session.scalars(select(Run)).all()
        assert 0 < run.new < 10
        assert any("broken off (SystemExit: it was told to end" in problem for problem in run.problems)


def test_whoever_heeded_the_signal_before_heeds_it_again():
    heard = []
    before = signal.signal(signal.SIGTERM, lambda *_: heard.append(1))
    try:
        with ending_in_order():
            pass
        os.kill(os.getpid(), signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert heard == [1]
