import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone

import pytest
from alembic import command
from sqlalchemy import func, select
from sqlalchemy.exc import StatementError

from pipeline.settings import PROJECT_ROOT, Settings
from pipeline.store import session as store
from pipeline.store.session import StoreError, engine_for, open_session
from pipeline.store.tables import Cluster, Host
from pipeline.store.upsert import upsert


def test_migrations_make_exactly_the_tables(untouched_settings):
    with open_session(untouched_settings):
        pass
    command.check(store._alembic_config(untouched_settings.database))


def test_several_processes_may_start_on_an_empty_database(untouched_settings):
    untouched_settings.data.mkdir(parents=True, exist_ok=True)
    code = (
        "import sys; from pathlib import Path; from pipeline.settings import Settings; "
        "from pipeline.store.session import migrate; "
        "migrate(Settings(data=Path(sys.argv[1]), database_url=sys.argv[2]))"
    )
    command_line = [sys.executable, "-c", code, str(untouched_settings.data), untouched_settings.database_url]
    started = [subprocess.Popen(command_line, cwd=PROJECT_ROOT, stderr=subprocess.PIPE) for _ in range(4)]
    ends = [process.communicate(timeout=60)[1].decode() for process in started]
    assert [process.returncode for process in started] == [0] * 4, ends


def test_times_come_back_aware_and_in_utc(store_settings):
    kabul = timezone(timedelta(hours=4, minutes=30))
    with open_session(store_settings) as session:
        session.add(Host(host="http://a:1", leased_until=datetime(2009, 9, 19, 4, 30, tzinfo=kabul)))
        session.commit()
        session.expire_all()
        assert session.scalar(select(Host.leased_until)) == datetime(2009, 9, 19, tzinfo=UTC)


def test_a_time_without_zone_is_refused(settings):
    with open_session(settings) as session:
        session.add(Host(host="http://a:1", leased_until=datetime(2009, 9, 19)))  # noqa: DTZ001 (the point)
        with pytest.raises(StatementError, match="without zone"):
            session.flush()


def test_upsert_leaves_or_updates_known_rows(store_settings):
    with open_session(store_settings) as session:
        assert upsert(session, Host, [{"host": "h", "robots": "a"}], keys=["host"]) == ["h"]
        assert upsert(session, Host, [{"host": "h", "robots": "b"}], keys=["host"]) == []
        assert session.scalar(select(Host.robots)) == "a"
        upsert(session, Host, [{"host": "h", "robots": "b"}], keys=["host"], update=["robots"])
        assert session.scalar(select(Host.robots)) == "b"


def test_upsert_of_more_rows_than_a_statement_takes(store_settings):
    with open_session(store_settings) as session:
        upsert(session, Cluster, [{"id": i, "monitor": "m"} for i in range(1, 40_001)], keys=["id"])
        assert session.scalar(select(func.count()).select_from(Cluster)) == 40_000


def test_a_database_that_cannot_be_opened_is_named_without_its_password(tmp_path):
    settings = Settings(data=tmp_path, database_url="postgresql+psycopg://me:secret@127.0.0.1:1/none")
    with pytest.raises(StoreError, match="RIFTWATCH_DATABASE_URL") as caught, open_session(settings):
        pass
    assert "secret" not in str(caught.value)


def test_an_unknown_database_is_refused():
    with pytest.raises(StoreError, match="mysql is not supported"):
        engine_for("mysql://localhost/x")
