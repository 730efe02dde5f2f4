"""The pages in a real browser, through Airflow's own login and inside its frame. Screenshots: build/screenshots/."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.browser import CHROMIUM, MISSING, SCREENSHOTS, open_browser
from tests.ports import free_ports

pytestmark = [pytest.mark.browser, pytest.mark.airflow, pytest.mark.filterwarnings("ignore")]

PASSWORD = "a password for tests"  # noqa: S105 (of a server that lives for this test)


@pytest.fixture(scope="module")
def airflow_server(airflow_home, review_store, tmp_path_factory) -> Iterator[str]:
    """Address of a real api-server on the filled store, with a home of its own."""
    if CHROMIUM is None:
        pytest.skip(MISSING)
    home = tmp_path_factory.mktemp("server")
    with sqlite3.connect(airflow_home / "airflow.db") as made, sqlite3.connect(home / "airflow.db") as own:
        made.backup(own)  # a copy of the file would miss what still stands in its write-ahead log
    passwords = home / "passwords.json"
    passwords.write_text(json.dumps({"ana": PASSWORD, "admin": PASSWORD}))
    port = free_ports(1)
    address = f"http://127.0.0.1:{port}"
    settings = review_store[0]
    environment = os.environ | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
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


@pytest.fixture(scope="module")
def browser():
    with open_browser() as opened:
        yield opened


class Visitor:
    """A person at the browser: logged in, with the frame of our pages before them."""

    def __init__(self, browser, address: str, mode: str) -> None:
        self.mode = mode
        self.complaints: list[str] = []
        self.asked: list[str] = []
        self.context = browser.new_context(
            viewport={"width": 1280, "height": 900}, color_scheme=mode, accept_downloads=True
        )
        self.page = self.context.new_page()
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda e: self.complaints.append(str(e)))
        self.page.on("request", lambda r: self.asked.append(r.url))
        self.page.goto(address + "/auth/login/")
        self.page.locator("input[name=username]").fill("ana")
        self.page.locator("input[name=password]").fill(PASSWORD)
        self.page.locator("button[type=submit]").click()
        self.page.get_by_role("link", name="Riftwatch").click()
        # the address bar follows the frame, so the page is known by its heading and not by its address
        self.page.frame_locator("iframe").get_by_role("heading").first.wait_for(timeout=30_000)
        self.complaints.clear()

    @property
    def frame(self):
        return self.page.frame_locator("iframe")

    def sees(self, text: str) -> None:
        self.frame.get_by_text(text).first.wait_for(timeout=15_000)

    def follows(self, name: str, *, exact: bool = True) -> None:
        self.frame.get_by_role("link", name=name, exact=exact).first.click()

    def shoots(self, name: str) -> None:
        """One picture as it is seen, one of the whole page behind the frame."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=SCREENSHOTS / f"{name}-{self.mode}.png")
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


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_a_viewer_walks_from_the_side_bar_to_a_text(airflow_server, browser, review_store, mode):
    visitor = Visitor(browser, airflow_server, mode)
    try:
        visitor.sees("A quarrel at the harbour")
        visitor.sees("Gap in 2025-Q4")
        visitor.shoots("overview")
        dark = (
            visitor.page.frames[-1].evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
        )
        assert dark == (mode == "dark")

        visitor.follows("Heron League and Maple Covenant")
        visitor.sees("How to read this")
        visitor.sees("2 statement")
        visitor.shoots("dyad")
        visitor.follows("Week")
        visitor.sees("every point here is uncorrected")
        visitor.sees("2024-W19 to 2024-W24")
        visitor.shoots("dyad-week")
        visitor.follows("Quarter")
        visitor.sees("Codings that would correct this")
        with visitor.page.expect_download() as saved:
            visitor.frame.get_by_role("link", name="Save as SVG").first.click()
        assert saved.value.suggested_filename == "harbour-heron--maple-balances-quarter.svg"

        # a click on a mark of the chart leads to the texts of its cell
        visitor.frame.locator("figure a[href*='group=heron'][href*='start=2025-01-01']").click()
        visitor.sees("Texts of Heron League, 2025-Q1")
        visitor.shoots("texts")
        visitor.follows("أرضنا وحدودها")
        visitor.sees("The same text elsewhere")
        assert visitor.frame.locator(".text").get_attribute("dir") == "rtl"
        visitor.shoots("document")

        visitor.follows("Trend table")
        visitor.sees("one row a group and period")
        visitor.frame.get_by_label("Group").select_option("maple")
        visitor.frame.get_by_label("Period").select_option("quarter")
        visitor.frame.get_by_role("button", name="Show").click()
        visitor.sees("8 rows")
        visitor.shoots("trends")
        heights = "[...document.querySelectorAll('tbody tr')].map(row => row.getBoundingClientRect().height)"
        assert max(visitor.page.frames[-1].evaluate(heights)) < 45  # one line each
        assert visitor.width_of_page()[0] <= visitor.width_of_page()[1]

        visitor.follows("Sources")
        visitor.sees("How the sources do")
        visitor.shoots("sources")
        assert visitor.width_of_page()[0] <= visitor.width_of_page()[1]
        visitor.follows("harbour-gazette")
        visitor.sees("Step by step")
        visitor.shoots("source")
        assert visitor.width_of_page()[0] <= visitor.width_of_page()[1]

        assert visitor.complaints == []
        assert [a for a in visitor.asked if not a.startswith((airflow_server, "data:", "blob:"))] == []
    finally:
        visitor.context.close()


def test_nothing_that_was_crawled_runs(airflow_server, browser, review_store):
    visitor = Visitor(browser, airflow_server, "light")
    try:
        visitor.sees("A quarrel at the harbour")
        for below in (
            f"/rift/ui/m/harbour/documents/{review_store[1]['hostile']}",
            "/rift/ui/m/harbour/texts?group=heron&start=2025-04-01&end=2025-07-01",
            "/rift/ui/m/harbour/sources",
            "/rift/ui/m/harbour/sources/harbour-gazette",
        ):
            visitor.page.goto(airflow_server + below)
            visitor.page.get_by_text("<script>document.title='run'</script>").first.wait_for()
            assert visitor.page.title() != "run"
            assert visitor.page.locator("main script, main img, main svg[onload]").count() == 0
        visitor.shoots("hostile")
        assert visitor.complaints == []
    finally:
        visitor.context.close()


def test_an_anonymous_browser_sees_no_page(airflow_server, browser):
    page = browser.new_page()
    try:
        answer = page.goto(airflow_server + "/rift/ui/")
        assert answer.status == 401
        assert "harbour" not in page.content()
    finally:
        page.close()
