"""The page of coders: time from a key to the next text in a browser, and of every call of its API.

A store of 100,000 texts with a queue over 20,000 of them, half answered, on SQLite and (the API alone) on PostgreSQL.
The application answers on loopback without Airflow's login around it; ``tests/review/test_browser_label_speed.py`` is
the same in a real browser behind the login.

    python -m benchmarks.label_page [--texts 100000] [--queue 20000]

Prints the 50th and 95th percentile of each, exits 1 above a pinned limit.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fastapi import Request

from benchmarks import label_store
from benchmarks.postgres import Postgres, programs
from benchmarks.serving import served
from pipeline.settings import Settings
from pipeline.store.session import engine_for

MOST_KEY_TO_TEXT = 150.0
"""milliseconds, 95th percentile, from the key to the next text on the screen, in a browser"""
MOST_CALL = 300.0
"""milliseconds of every call of the API and of both pages: on SQLite 95th percentile of processor time, which other
programs on the machine move less than the clock; on PostgreSQL, whose server is another process, median by the clock"""
READ = 1000
"""milliseconds between a text and its answer; nobody reads faster, and what comes sooner than 300 is no answer"""
API = f"/api/v1/monitors/{label_store.NAME}/label"
PAGE = f"/ui/m/{label_store.NAME}/label"
ANSWERS = 60

KEY_TO_TEXT = """
() => new Promise((tell, fail) => {
  const text = document.getElementById("item-text");
  const before = text.textContent, began = performance.now();
  const late = setTimeout(() => fail(new Error("no next text within ten seconds")), 10000);
  new MutationObserver((_, watch) => {
    if (text.textContent === before) return;
    watch.disconnect();
    clearTimeout(late);
    // when the frame that shows it has been painted
    requestAnimationFrame(() => setTimeout(() => tell(performance.now() - began)));
  }).observe(text, { childList: true, characterData: true, subtree: true });
  document.dispatchEvent(new KeyboardEvent("keydown", { key: "4", code: "Digit4", bubbles: true }));
})
"""


def percentiles(times: list[float]) -> tuple[float, float]:
    """The 50th and the 95th, by nearest rank."""
    ordered = sorted(times)
    return ordered[(len(ordered) - 1) // 2], ordered[max(0, -(-95 * len(ordered) // 100) - 1)]


def key_to_text(page: Any, answers: int = ANSWERS) -> list[float]:
    """Milliseconds from a key to the next text on the screen, of each answer, on an open page of coders."""
    page.locator("#desk:visible #item-text").wait_for(timeout=30_000)
    times = []
    for _ in range(answers):
        page.wait_for_timeout(READ)
        times.append(float(page.evaluate(KEY_TO_TEXT)))
    return times


def _application(settings: Settings) -> Any:
    """The pages on this store, with everybody let in as one coder."""
    os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="riftwatch-airflow-"))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from pipeline.review.access import admit
        from pipeline.review.app import create_app

    def let_in(request: Request) -> None:
        request.state.user, request.state.may_write = "me", True

    app = create_app(settings)
    app.dependency_overrides[admit] = let_in
    return app


def api_calls(settings: Settings) -> dict[str, list[tuple[float, float]]]:
    """Milliseconds of each kind of call, by the clock and of this process's processor."""
    from fastapi.testclient import TestClient

    client = TestClient(_application(settings), headers={"Origin": "http://testserver"})
    took: dict[str, list[tuple[float, float]]] = {}

    def timed(name: str, ask: Callable[[], Any]) -> Any:
        began, busy = time.perf_counter(), time.process_time()
        answer = ask()
        both = (1000 * (time.perf_counter() - began), 1000 * (time.process_time() - busy))
        took.setdefault(name, []).append(both)
        assert answer.status_code == 200, (name, answer.text)
        return answer.json() if name not in {"page", "settle page"} else None

    def post(name: str, body: dict[str, Any]) -> Any:
        return timed(name, lambda: client.post(f"{API}/{name}", json=body))

    def get(name: str, address: str) -> None:
        timed(name, lambda: client.get(address))

    wanted: dict[str, Any] = {"variable": "framing"}
    held: list[str] = []
    for _ in range(2):
        held.append(post("next", wanted | {"held": held})["item"]["item"])
    for number in range(ANSWERS):
        item = held.pop(0)
        held.append(post("answer", {"item": item, "value": "neither", "then": wanted | {"held": held}})["item"]["item"])
        get("progress", f"{API}/progress")
        if number % 10 == 9:
            held.insert(0, post("undo", {**wanted, "item": item})["item"]["item"])
            post("renew", {"items": held})
            get("page", PAGE)
            get("settle page", f"{PAGE}/settle")
            get("agreement", f"{API}/agreement")
    return took


def _in_browser(settings: Settings, chromium: str) -> list[float]:
    from playwright.sync_api import sync_playwright

    with served(_application(settings)) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        page.goto(address + PAGE)
        times = key_to_text(page)
        browser.close()
    return times


def _told(what: str, times: list[float], limit: float, *, median: bool = False) -> bool:
    """Print the 50th and 95th percentile; whether one of them holds the limit."""
    middle, most = percentiles(times)
    held = (middle if median else most) <= limit
    print(f"{what:44} {middle:7.1f} {most:7.1f}   limit {limit:.0f}{'' if held else '   ABOVE'}", flush=True)
    return held


def _told_calls(calls: dict[str, list[tuple[float, float]]], database: str) -> bool:
    held = True
    for name, both in calls.items():
        clock, processor = [one for one, _ in both], [one for _, one in both]
        if database == "SQLite":
            print(f"{name + ', SQLite, by the clock':44} {percentiles(clock)[0]:7.1f} {percentiles(clock)[1]:7.1f}")
            held &= _told(f"{name}, SQLite, processor", processor, MOST_CALL)
        else:
            held &= _told(f"{name}, {database}, by the clock", clock, MOST_CALL, median=True)
    return held


def main() -> int:
    """Measure, print, and say whether the limits hold."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--texts", type=int, default=100_000)
    parser.add_argument("--queue", type=int, default=20_000)
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="riftwatch-label-"))
    held = []
    print(f"{asked.texts:,} texts, queue of {asked.queue:,}, half answered; milliseconds: 50th and 95th percentile")
    try:
        sqlite = Settings(data=folder / "data", database_url="", monitors=folder / "monitors")
        label_store.fill(sqlite, asked.texts, asked.queue)
        chromium = shutil.which("chromium")
        if chromium is None:
            print("no browser found: install Debian's package chromium; the key is not measured")
        else:
            held.append(_told("key to next text, browser, SQLite", _in_browser(sqlite, chromium), MOST_KEY_TO_TEXT))
        held.append(_told_calls(api_calls(sqlite), "SQLite"))
        engine_for(sqlite.database).dispose()
        if programs() is None:
            print("no PostgreSQL server found: install Debian's package postgresql; not measured")
        else:
            with Postgres(durable=False) as server:
                settings = Settings(
                    data=folder / "pg", database_url=server.new_database("label"), monitors=folder / "monitors"
                )
                label_store.fill(settings, asked.texts, asked.queue)
                held.append(_told_calls(api_calls(settings), "PostgreSQL"))
                engine_for(settings.database).dispose()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
