"""Parts every test may use: settings on a real database, and a guard against the outside world."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import hypothesis
import pytest

from benchmarks.postgres import Postgres, programs
from pipeline.settings import PROJECT_ROOT, Settings
from pipeline.store.session import engine_for

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


@pytest.fixture
def postgres_address(postgres_server: Postgres) -> str:
    """Address of a new, empty PostgreSQL database."""
    return postgres_server.new_database(f"test_{uuid4().hex}")


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """Settings on a new SQLite database and an empty data folder."""
    made = Settings(data=tmp_path / "data", database_url="", default_delay=0.0)
    yield made
    engine_for(made.database).dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def store_settings(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """The same on SQLite, then on PostgreSQL."""
    address = "" if request.param == "sqlite" else request.getfixturevalue("postgres_address")
    made = Settings(data=tmp_path / "data", database_url=address, default_delay=0.0)
    yield made
    engine_for(made.database).dispose()


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Where everything is installed (CI), a skipped test is a fault, unless data beside the checkout are absent."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if not os.environ.get("RIFTWATCH_FORBID_SKIPS") or reporter is None:
        return
    skipped = [r for r in reporter.stats.get("skipped", []) if SHARED_DATA.is_dir() or "shared" not in str(r.longrepr)]
    if skipped:
        reporter.write_line(f"{len(skipped)} tests were skipped although RIFTWATCH_FORBID_SKIPS is set", red=True)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
