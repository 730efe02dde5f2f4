"""Keeping beside another run of the same source."""

import threading
import time
from datetime import UTC, datetime

from sqlalchemy import select

from pipeline.collect.archive import Archive
from pipeline.collect.keep import Keeper
from pipeline.collect.problems import Problems
from pipeline.settings import Settings
from pipeline.store import frontier
from pipeline.store.frontier import Discovered
from pipeline.store.session import engine_for, open_session
from pipeline.store.tables import Frontier

NOW = datetime(2010, 3, 1, tzinfo=UTC)


def test_two_runs_that_wait_for_each_other_lose_nothing(postgres_address, tmp_path, watch, site):
    """PostgreSQL undoes one of two transactions that write the same new rows in another order."""
    settings = Settings(data=tmp_path, database_url=postgres_address, default_delay=0.0)
    monitor = watch(site, kind="feed", addresses=[site.address])

    def discover(session, *names):
        found = [Discovered(f"{site.address}/{name}", site.address) for name in names]
        frontier.discover(session, monitor.name, "letters", found, now=NOW)

    with open_session(settings) as session, open_session(settings) as other:
        archive, problems = Archive(tmp_path, monitor.name, "letters"), Problems()
        keeper = Keeper(session, settings, monitor.name, monitor.sources[0], archive, problems, NOW)
        discover(other, "b")

        def crosswise():
            time.sleep(0.4)  # the keeper waits for b by now
            discover(other, "a")
            other.commit()

        thread = threading.Thread(target=crosswise)
        thread.start()
        keeper.later("one", lambda: discover(session, "a"))
        keeper.later("two", lambda: discover(session, "b", "c"))
        keeper.commit()
        thread.join()
        assert (problems.lines(), keeper.tally.failed) == ((), 0)
        found = session.scalars(select(Frontier.address).order_by(Frontier.address)).all()
        assert found == [f"{site.address}/{name}" for name in "abc"]
    engine_for(postgres_address).dispose()
