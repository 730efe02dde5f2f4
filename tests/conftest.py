"""Parts every test may use: settings on a real database, and a guard against the outside world."""

from __future__ import annotations

import ipaddress
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import hypothesis
import pytest

from benchmarks.postgres import Postgres, programs
from pipeline.settings import PROJECT_ROOT, Settings
from pipeline.store.session import engine_for, migrate

# A busy machine is no fault of the code under test; a red run must be red again for whoever looks into it.
hypothesis.settings.register_profile(
    "house", deadline=None, derandomize=True, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("house")

NO_DATA = "the data set for measurements (../shared/data) is absent"
SHARED_DATA = PROJECT_ROOT.parent / "shared" / "data"


def _is_loopback(address: object) -> bool:
    if not isinstance(address, tuple):
        return True  # a unix socket is a file
    host = str(address[0])
    if host in {"", "localhost"}:
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True)
def loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A connection to anything but loopback fails the test."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def guarded(real):
        def call(self, address):
            if not _is_loopback(address):
                pytest.fail(f"a test tried to connect to {address!r}; only loopback is allowed")
            return real(self, address)

        return call

    monkeypatch.setattr(socket.socket, "connect", guarded(connect))
    monkeypatch.setattr(socket.socket, "connect_ex", guarded(connect_ex))


@pytest.fixture
def shared_data() -> Path:
    """Folder of other people's data used for measurements; tests that need it skip where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(NO_DATA)
    return SHARED_DATA


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[Postgres]:
    """A PostgreSQL server started for this run."""
    if programs() is None:
        pytest.skip("no PostgreSQL server found: install Debian's package postgresql")
    with Postgres(durable=False) as server:
        yield server


# Migrating takes .2 seconds, and two thousand tests want a database: each gets a copy of one that was migrated.


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite database with all tables and nothing in them."""
    made = Settings(data=tmp_path_factory.mktemp("migrated"), database_url="")
    migrate(made)
    engine_for(made.database).dispose()  # the last connection brings the log home
    return made.data / "riftwatch.db"


@pytest.fixture(scope="session")
def migrated_postgres(postgres_server: Postgres) -> str:
    """The name of such a database of the PostgreSQL server."""
    made = Settings(database_url=postgres_server.new_database("migrated"))
    migrate(made)
    engine_for(made.database).dispose()  # a database that is copied may have no other connection
    return "migrated"


@pytest.fixture
def postgres_address(postgres_server: Postgres, migrated_postgres: str) -> str:
    """Address of a new PostgreSQL database with all tables and nothing in them."""
    return postgres_server.new_database(f"test_{uuid4().hex}", like=migrated_postgres)


def _settings(folder: Path, address: str = "") -> Iterator[Settings]:
    made = Settings(data=folder / "data", database_url=address, default_delay=0.0)
    yield made
    engine_for(made.database).dispose()


@pytest.fixture
def settings(tmp_path: Path, migrated_sqlite: Path) -> Iterator[Settings]:
    """Settings on a new SQLite database, with nothing else in the data folder."""
    (tmp_path / "data").mkdir()
    shutil.copy(migrated_sqlite, tmp_path / "data")
    yield from _settings(tmp_path)


@pytest.fixture(params=["sqlite", "postgresql"])
def store_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """The same on SQLite, then on PostgreSQL."""
    if request.param == "sqlite":
        yield request.getfixturevalue("settings")
    else:
        yield from _settings(tmp_path, request.getfixturevalue("postgres_address"))


@pytest.fixture(params=["sqlite", "postgresql"])
def untouched_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """Settings on a SQLite database that does not exist yet, then on an empty one of PostgreSQL."""
    server = request.getfixturevalue("postgres_server") if request.param == "postgresql" else None
    yield from _settings(tmp_path, server.new_database(f"test_{uuid4().hex}") if server else "")


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Where everything is installed (CI), a skipped test is a fault, unless data beside the checkout are absent."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("RIFTWATCH_FORBID_SKIPS") or reporter is None:
        return
    skipped = [r for r in reporter.stats.get("skipped", []) if SHARED_DATA.is_dir() or "shared" not in str(r.longrepr)]
    if skipped:
        reporter.write_line(f"{len(skipped)} tests were skipped although RIFTWATCH_FORBID_SKIPS is set", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
