from concurrent.futures import ThreadPoolExecutor
from threading import Event
from time import monotonic, sleep

import pytest
from sqlalchemy import text

from pipeline.store.alone import BusyError, alone
from pipeline.store.session import engine_for


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


def test_who_waits_says_so_and_gives_up_in_the_end(store_settings, caplog):
    def other():
        with alone(store_settings, "measure m", patience=0.3):
            raise AssertionError("both at once")

    said = pytest.raises(BusyError, match=r"another process has been at 'measure m'.* run this again")
    with alone(store_settings, "measure m"), ThreadPoolExecutor(1) as pool, said:
        pool.submit(other).result(30)
    assert [r.message for r in caplog.records if r.name == "pipeline.store.alone"] == [
        "waiting for another process that is at 'measure m' on this database"
    ]
    with alone(store_settings, "measure m", patience=0):
        pass


# SQLite locks a file: there is no connection to be lost
@pytest.mark.parametrize("store_settings", ["postgresql"], indirect=True)
def test_a_connection_that_is_lost_meanwhile_is_said_and_spoils_nothing(store_settings, caplog):
    with alone(store_settings, "measure m"):
        with engine_for(store_settings.database).connect() as connection:
            ended = connection.scalars(
                text(
                    "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND database = "
                    "(SELECT oid FROM pg_database WHERE datname = current_database())"
                )
            ).all()
        assert ended == [True]
    assert "measure m: the connection that kept others away was lost" in caplog.text
    with alone(store_settings, "measure m", patience=5):
        pass
