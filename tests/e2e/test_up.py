"""`make run` as a person meets it: Airflow's own scheduler fills the trend table, Ctrl-C leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import psutil
import pytest

from pipeline.demo.coders import PER_STRATUM
from pipeline.demo.world import BASE_PORT
from pipeline.settings import PROJECT_ROOT, Settings
from pipeline.store.session import engine_for, open_session
from pipeline.store.trends import gap_rows, trend_rows
from tests.browser import CHROMIUM, MISSING, SCREENSHOTS, open_browser
from tests.e2e import story
from tests.ports import free_ports

pytestmark = [pytest.mark.long, pytest.mark.airflow, pytest.mark.browser, pytest.mark.timeout(1500)]

FILLED_SECONDS = 180
AGAIN_SECONDS = 60
CODED_SECONDS = 420
STATES_SECONDS = 720


class Up:
    """`make run` in a terminal of its own, as it were; its output is kept with the time of each line."""

    def __init__(self, data: Path, port: int) -> None:
        environment = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW", "RIFTWATCH"))}
        self.began = time.monotonic()
        self.lines: list[tuple[float, str]] = []
        self.process = subprocess.Popen(
            ["make", "run", f"RIFTWATCH_PORT={port}"],
            cwd=PROJECT_ROOT,
            env={**environment, "RIFTWATCH_DATA": str(data), "PYTHONUNBUFFERED": "1"},
            start_new_session=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def _read(self) -> None:
        for line in self.process.stdout:
            self.lines.append((time.monotonic() - self.began, line))

    @property
    def text(self) -> str:
        return "".join(line for _, line in self.lines)

    def wait_for(self, words: str, seconds: float) -> float:
        """Seconds from the start until ``words`` were printed."""
        while time.monotonic() - self.began < seconds:
            for at, line in self.lines:
                if words in line:
                    return at
            assert self.process.poll() is None, self.text
            time.sleep(0.2)
        pytest.fail(f"{words!r} was not printed in {seconds} s:\n{self.text}")

    def stop(self) -> list[psutil.Process]:
        """Press Ctrl-C; returns the processes that are still alive."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        # a terminal sends Ctrl-C to the whole group: to make and to what it started
        os.killpg(self.process.pid, signal.SIGINT)
        self.process.wait(60)
        self.reader.join(5)
        assert "Stopped." in self.text, self.text
        self.process.stdout.close()
        return [p for p in family if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]


def fetch(address: str, token: str | None = None, data: dict[str, str] | None = None) -> tuple[int, bytes]:
    request = urllib.request.Request(address, data=json.dumps(data).encode() if data else None)  # noqa: S310 (loopback)
    request.add_header("Content-Type", "application/json")
    if token:
        request.add_header("Authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=20) as answer:  # noqa: S310 (loopback)
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


def look(base: str, password: str) -> None:
    """As a person: log in, click the side-bar entry, follow the dyad to its page, and to the texts of a point."""
    with open_browser() as browser:
        page = browser.new_page(viewport={"width": 1280, "height": 1000})
        page.goto(f"{base}/auth/login/")
        page.locator("input[name=username]").fill("admin")
        page.locator("input[name=password]").fill(password)
        page.locator("button[type=submit]").click()
        page.get_by_role("link", name="Riftwatch").click()
        frame = page.frame_locator("iframe")
        frame.get_by_role("link", name="Kestrel Movement and Juniper Fellowship").first.click()
        frame.get_by_text("How to read this").wait_for(timeout=20_000)
        page.wait_for_timeout(500)
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / "demo-dyad.png")
        frame.get_by_role("row", name="2025-Q2").locator("a[href*='texts?']").first.click()
        frame.get_by_text("kestrel-news").first.wait_for(timeout=20_000)
        page.screenshot(path=SCREENSHOTS / "demo-texts.png")


def states_of(settings: Settings) -> list[str]:
    """The states of the demo's dyad, week after week, each run of them once."""
    with open_session(settings) as session:
        weeks = [row.state for row in gap_rows(session, "demo", "kestrel", "juniper", period="week")]
    return [state for i, state in enumerate(weeks) if i == 0 or state != weeks[i - 1]]


def test_make_run_from_nothing_to_the_trend_table_and_again(tmp_path):
    if CHROMIUM is None:
        pytest.skip(MISSING)
    port = free_ports(1)
    base = f"http://127.0.0.1:{port}"
    up = Up(tmp_path, port)
    try:
        filled = up.wait_for("The trend table is filled", FILLED_SECONDS)
        password = re.search(r"password: +(\S+)", up.text)[1]
        assert f"{base}/" in up.text
        assert "kestrel-news" in up.text, "each run is told as it ends"

        assert fetch(f"{base}/rift/ui/")[0] == 401
        status, answer = fetch(f"{base}/auth/token", data={"username": "admin", "password": password})
        assert status in {200, 201}
        token = json.loads(answer)["access_token"]
        status, page = fetch(f"{base}/rift/ui/", token)
        assert (status, b"Kestrel Movement" in page) == (200, True)

        # all sources done, and measured after the last of them
        deadline = time.monotonic() + 120
        settings = Settings(data=tmp_path, database_url="")
        while True:
            with open_session(settings) as session:
                rows = trend_rows(session, "demo", period="quarter")
                gaps = gap_rows(session, "demo", "kestrel", "juniper", period="quarter")
                if rows and all(r.codings == PER_STRATUM for r in rows):
                    break
            assert time.monotonic() < deadline, [(r.group_id, r.start, r.codings) for r in rows]
            time.sleep(1)
        assert {r.estimator for r in rows} == {"corrected"}
        assert len(gaps) == 8
        look(base, password)

        # what the alarms ask for is answered by a coder who says that nobody is there, and measured once more
        up.wait_for("A simulated coder ('demo coder 1') has coded", CODED_SECONDS)
        while "rift" not in (states := states_of(settings)):
            assert time.monotonic() - up.began < STATES_SECONDS, states
            time.sleep(1)
        assert states[0] == "not enough evidence"
        assert "steady" in states[1:3]
        story.tell(base, password)
    finally:
        left = up.stop() if up.process.poll() is None else []
    assert left == []
    assert filled <= FILLED_SECONDS

    again = Up(tmp_path, port)
    try:
        again.wait_for("password:", AGAIN_SECONDS)
        assert password in again.text, "the password stays"
        with open_session(settings) as session:
            assert len(trend_rows(session, "demo", period="quarter")) == 16
    finally:
        left = again.stop() if again.process.poll() is None else []
        engine_for(settings.database).dispose()
    assert left == []


def run_up(data: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "pipeline.cli", "up", *arguments],
        cwd=PROJECT_ROOT,
        env={**os.environ, "RIFTWATCH_DATA": str(data), **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_a_port_in_use_is_one_clear_sentence(tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        answer = run_up(tmp_path, "--port", str(port))
    assert answer.returncode == 1
    mend = "choose another with RIFTWATCH_PORT, as in: make run RIFTWATCH_PORT=8090"
    assert answer.stderr.strip().splitlines() == [f"port {port} for Airflow's pages is in use; {mend}"]


def test_a_demo_port_in_use_is_one_clear_sentence(tmp_path):
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", BASE_PORT + 2))
        taken.listen()
        answer = run_up(tmp_path, "--port", str(free_ports(1)))
    assert answer.returncode == 1
    assert len(answer.stderr.strip().splitlines()) == 1
    assert f"port {BASE_PORT + 2} for the demo site kestrel-valley is in use" in answer.stderr


def test_a_full_disk_is_one_clear_sentence(tmp_path, monkeypatch):
    """A real small file system would need root's mount; the program's own measure of what is free is turned down."""
    from pipeline import up

    monkeypatch.setattr(up, "NEEDED_BYTES", 10**18)
    with pytest.raises(up.UpError, match=r"the disk is full: .* MB left .* make room"):
        up.up(Settings(data=tmp_path), port=free_ports(1), demo=False, say=print)
