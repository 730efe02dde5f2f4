"""What an analyst does on a morning, in a real browser: see the rift, read, code, retrain, approve, see the bridge."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

from tests.browser import SCREENSHOTS, open_browser

if TYPE_CHECKING:
    from playwright.sync_api import FrameLocator, Page

CODED = 20
PATIENCE = 240_000
"""milliseconds for what Airflow does in the background: training, scoring again"""
SETTLES = 8_000
"""milliseconds after which a question surely stands: an answer within a second or two of it can be lost (Airflow)"""


def tell(base: str, password: str) -> None:
    """The whole story, on a demo whose states are measured; fails where it comes to a halt."""
    with open_browser() as browser:
        page = browser.new_context(viewport={"width": 1280, "height": 1000}).new_page()
        page.set_default_timeout(30_000)
        _enter(page, base, password)
        frame = page.frame_locator("iframe")
        _see_the_rift(page, frame)
        _read_a_text(page, frame)
        _code(page, frame)
        _retrain(page, frame)
        _approve(page, base)
        _see_the_bridge(page)


def _shoot(page: Page, name: str) -> None:
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for mode in ("dark", "light"):
        page.emulate_media(color_scheme=mode)
        # Airflow turns its frame over, and then the page within it follows
        page.wait_for_timeout(500)
        page.screenshot(path=SCREENSHOTS / f"story-{name}-{mode}.png")


def _enter(page: Page, base: str, password: str) -> None:
    page.goto(f"{base}/auth/login/")
    page.locator("input[name=username]").fill("admin")
    page.locator("input[name=password]").fill(password)
    page.locator("button[type=submit]").click()
    page.get_by_role("link", name="Riftwatch").click()


def _see_the_rift(page: Page, frame: FrameLocator) -> None:
    frame.get_by_text("converging").first.wait_for()
    _shoot(page, "1-overview")
    frame.get_by_role("link", name="Kestrel Movement and Juniper Fellowship").first.click()
    frame.get_by_text("How to read this").wait_for()
    # the history of its states: the rift of the summer, and the reconciliation after it
    frame.get_by_text("rift", exact=True).first.wait_for()
    page.wait_for_timeout(500)
    _shoot(page, "2-dyad")


def _read_a_text(page: Page, frame: FrameLocator) -> None:
    frame.get_by_role("row", name="2025-Q2").locator("a[href*='texts?']").first.click()
    frame.locator("ul.texts h3 a").first.click()
    frame.get_by_role("link", name="As the model weighs it").click()
    frame.get_by_text("What the model saw").first.wait_for()
    _shoot(page, "3-text")


def _code(page: Page, frame: FrameLocator) -> None:
    frame.get_by_role("link", name="Label").click()
    frame.locator("#item-title").wait_for()
    frame.locator("#draw > summary").click()
    frame.get_by_label("Texts", exact=True).fill("60")
    frame.get_by_label("Share for two coders").fill("0")
    frame.get_by_role("button", name="Draw", exact=True).click()
    frame.locator("#draw-said").get_by_text("60 texts").wait_for()
    for number in range(CODED):
        before = frame.locator("#item-text").inner_text()
        page.wait_for_timeout(400)  # an answer at once is taken for a double click
        frame.locator("#item").press(str(1 + number % 4))
        for _ in range(50):
            if frame.locator("#item-text").inner_text() != before:
                break
            page.wait_for_timeout(100)
        else:
            raise AssertionError(f"no other text came after answer {number + 1}")
    frame.locator("#mine").get_by_text(f"{CODED} yours").wait_for()
    _shoot(page, "4-label")


def _retrain(page: Page, frame: FrameLocator) -> None:
    frame.get_by_role("link", name="Models").click()
    frame.get_by_label("Note for whoever decides").first.fill("after the autumn's codings")
    button = frame.get_by_role("button", name="Start a retraining").first
    button.click()
    unpause = frame.get_by_role("button", name="Unpause and start")
    page.wait_for_timeout(1500)
    if unpause.count():
        unpause.click()
    # the codings that came with the demo have started a retraining of their own, and its model may wait already
    frame.get_by_text(re.compile("It waits for a person|a model that waits for a decision")).first.wait_for(
        timeout=PATIENCE
    )
    _shoot(page, "5-models")
    frame.get_by_role("link", name="Required Actions").first.click()


def _approve(page: Page, base: str) -> None:
    page.wait_for_url("**/required_actions**")
    asked = page.get_by_role("link", name="A new framing model: put it in force?")
    until = time.monotonic() + PATIENCE / 1000
    while not asked.count() and time.monotonic() < until:  # the model that comes first may still be in training
        page.wait_for_timeout(4000)
        page.reload()
        page.wait_for_timeout(2000)
    asked.first.wait_for()
    _shoot(page, "6-required-actions")
    asked.first.click()
    page.wait_for_timeout(SETTLES)
    _answer(page)
    _shoot(page, "7-approved")
    # an answer that Airflow lost is given again, as a person would who sees the question stand
    until = time.monotonic() + PATIENCE / 1000
    while time.monotonic() < until:
        page.wait_for_timeout(SETTLES)
        page.reload()
        page.get_by_text("Operator", exact=True).first.wait_for()
        if not page.get_by_text("Awaiting Input").count():
            break
        if page.get_by_role("button", name="Approve").first.is_visible():
            _answer(page)
    page.goto(f"{base}/plugin/rift")


def _answer(page: Page) -> None:
    """Approve, and wait until the server has it: who leaves the page before takes the answer along."""
    fields = "input[name*=comment], textarea[name*=comment], main input[type=text], input:not([type])"
    page.locator(fields).last.fill("better on the random codings")  # without a comment nobody may answer
    with page.expect_response(lambda r: r.request.method == "PATCH" and "hitl" in r.url.lower()):
        page.get_by_role("button", name="Approve").first.click()


def _see_the_bridge(page: Page) -> None:
    frame = page.frame_locator("iframe")
    frame.get_by_role("heading").first.wait_for()
    until = time.monotonic() + PATIENCE / 1000
    inner = page.frames[-1].url.split("/rift/ui/")[0] + "/rift/ui/m/demo/models"
    alone = page.context.new_page()
    while time.monotonic() < until:
        alone.goto(inner)
        row = alone.get_by_role("row", name="in force").first
        row.get_by_role("link").first.click()
        if alone.get_by_text("The bridge: what its promotion changed here").count():
            break
        time.sleep(3)
    alone.get_by_text("The bridge: what its promotion changed here").wait_for()
    _shoot(alone, "8-bridge")
