"""A real api-server on the filled store, and a person at a real browser before it."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from pipeline.settings import Settings
from tests.browser import CHROMIUM, MISSING, SCREENSHOTS, open_browser
from tests.ports import free_ports

PASSWORD = "a password for tests"  # noqa: S105 (of a server that lives for this test)
USERS = {"vera": "viewer", "ana": "user", "admin": "admin"}
"""name -> role; vera only reads"""


@pytest.fixture(scope="session")
def new_airflow(tmp_path_factory) -> Path:
    """Airflow's database as an installation begins with it: no DAG was ever read, no run was started.

    Not a copy of this process' own one, to which other tests bring DAGs and runs.
    """
    home = tmp_path_factory.mktemp("new-airflow")
    environment = os.environ | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
    }
    command = [sys.executable, "-m", "airflow", "db", "migrate"]
    made = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        pytest.fail(f"Airflow's database could not be made:\n{made.stdout[-2000:]}\n{made.stderr[-2000:]}")
    return home / "airflow.db"


def start_server(new_airflow: Path, home: Path, settings: Settings) -> Iterator[str]:
    """Address of Airflow's api-server with the pages on this store, until the generator is closed."""
    with sqlite3.connect(new_airflow) as made, sqlite3.connect(home / "airflow.db") as own:
        made.backup(own)  # a copy of the file would miss what still stands in its write-ahead log
    passwords = home / "passwords.json"
    passwords.write_text(json.dumps(dict.fromkeys(USERS, PASSWORD)))
    port = free_ports(1)
    address = f"http://127.0.0.1:{port}"
    environment = os.environ | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__API_AUTH__JWT_SECRET": "a secret for tests, long enough to sign with",
        "AIRFLOW__API__SECRET_KEY": "another secret for tests",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{name}:{role}" for name, role in USERS.items()),
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": address,
        "AIRFLOW__API__WORKERS": "1",
        "RIFTWATCH_DATA": str(settings.data),
        "RIFTWATCH_MONITORS": str(settings.monitors),
        "RIFTWATCH_DATABASE_URL": settings.database,
    }
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "airflow", "api-server"],
            env=environment,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 120
        while not _healthy(address):
            if server.poll() is not None or time.monotonic() > deadline:
                pytest.fail("Airflow's api-server did not start:\n" + (home / "log").read_text()[-3000:])
            time.sleep(0.3)
        yield address
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGTERM)
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(server.pid, signal.SIGKILL)
            server.wait()


def _healthy(address: str) -> bool:
    try:
        return httpx.get(address + "/api/v2/monitor/health", timeout=5, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


@pytest.fixture(scope="session")
def airflow_server(new_airflow, review_store, tmp_path_factory) -> Iterator[str]:
    """Address of a real api-server on the filled store, with a home of its own."""
    if CHROMIUM is None:
        pytest.skip(MISSING)
    yield from start_server(new_airflow, tmp_path_factory.mktemp("server"), review_store[0])


@pytest.fixture(scope="session")
def browser():
    """The browser; every visitor has a context of its own."""
    if CHROMIUM is None:
        pytest.skip(MISSING)
    with open_browser() as opened:
        yield opened


class Visitor:
    """A person at the browser: logged in, with the frame of our pages before them."""

    def __init__(
        self,
        browser,
        address: str,
        mode: str,
        user: str = "ana",
        width: int = 1280,
        height: int = 900,
        zone: str | None = None,
    ) -> None:
        self.mode = mode
        self.address = address
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.context = browser.new_context(
            viewport={"width": width, "height": height}, color_scheme=mode, accept_downloads=True, timezone_id=zone
        )
        self.page = self.context.new_page()
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda e: self.complaints.append(str(e)))
        self.page.on("request", lambda r: self.asked.append(r.url))
        self.page.goto(address + "/auth/login/")
        self.page.locator("input[name=username]").fill(user)
        self.page.locator("input[name=password]").fill(PASSWORD)
        self.page.locator("button[type=submit]").click()
        self.page.get_by_role("link", name="Riftwatch").click()
        # the address bar follows the frame, so the page is known by its heading and not by its address
        self.page.frame_locator("iframe").get_by_role("heading").first.wait_for(timeout=30_000)
        self.complaints.clear()

    @property
    def frame(self):
        return self.page.frame_locator("iframe")

    def opens(self, below: str) -> None:
        """Go to an address below /rift/ui/ in the page itself, without Airflow's frame."""
        self.page.goto(f"{self.address}/rift/ui/{below}")

    def sees(self, text: str) -> None:
        self.frame.get_by_text(text).first.wait_for(timeout=15_000)

    def follows(self, name: str, *, exact: bool = True) -> None:
        self.frame.get_by_role("link", name=name, exact=exact).first.click()

    def shoots_as_seen(self, name: str) -> None:
        """One picture of the window."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}-{self.mode}.png")

    def shoots(self, name: str) -> None:
        """One picture as it is seen, one of the whole page behind the frame, asked for again by its address."""
        self.shoots_as_seen(name)
        inner = self.page.frames[-1]
        alone = self.context.new_page()
        alone.goto(inner.url)
        alone.screenshot(path=SCREENSHOTS / f"{name}-{self.mode}-full.png", full_page=True)
        alone.close()

    def width_of_page(self) -> tuple[int, int]:
        """What the page needs and what the frame gives it."""
        size = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        needs, gives = self.page.frames[-1].evaluate(size)
        return needs, gives


@pytest.fixture
def visit(airflow_server, browser) -> Iterator[Callable[..., Visitor]]:
    """Mode, user, size and time zone -> a person who is logged in and sees the overview."""
    come: list[Visitor] = []

    def enter(
        mode: str = "light", user: str = "ana", width: int = 1280, height: int = 900, zone: str | None = None
    ) -> Visitor:
        come.append(Visitor(browser, airflow_server, mode, user, width, height, zone))
        return come[-1]

    yield enter
    for one in come:
        one.context.close()
