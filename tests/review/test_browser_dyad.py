"""The dyad page at a real browser: points are read by pointer and keyboard, a click opens their texts."""

from __future__ import annotations

import pytest

from tests.review.addresses import DYAD

pytestmark = [
    pytest.mark.long,
    pytest.mark.browser,
    pytest.mark.airflow,
    pytest.mark.xdist_group("pages"),
    pytest.mark.filterwarnings("ignore"),
]


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_a_point_is_read_by_pointer_and_keyboard_and_opens_its_texts(visit, mode):
    visitor = visit(mode)
    visitor.follows("Heron League and Maple Covenant")
    visitor.sees("What this can't say")
    visitor.shoots("dyad-page")
    frame = visitor.frame
    plot, readout = frame.locator(".plot").first, frame.locator("#readout-balances")
    box = plot.locator("svg").bounding_box()
    plot.hover(position={"x": box["width"] * 0.3, "y": box["height"] * 0.4})
    assert "texts from" in readout.inner_text()
    assert readout.get_by_role("link", name="its texts").count() == 1
    plot.focus()
    plot.press("Home")
    assert readout.inner_text().startswith("Heron League, 2024-Q1")
    plot.press("ArrowRight")
    assert readout.inner_text().startswith("Heron League, 2024-Q2")
    plot.press("ArrowDown")
    assert readout.inner_text().startswith("Maple Covenant, 2024-Q2")
    plot.press("ArrowUp")
    for _ in range(3):
        plot.press("ArrowRight")
    assert readout.inner_text().startswith("Heron League, 2025-Q1")
    plot.press("Enter")
    visitor.sees("Texts of Heron League, 2025-Q1")
    assert visitor.complaints == []


def test_the_week_shows_reference_and_alarms_and_a_gap_leads_to_its_row(visit):
    visitor = visit()
    visitor.opens(f"{DYAD}?period=week")
    page = visitor.page
    page.get_by_text("Alarm 1 is open").wait_for()
    gap = page.locator(".plot").nth(1)
    gap.focus()
    gap.press("End")
    said = page.locator("#readout-gap").inner_text()
    assert said.startswith("Gap, 2026-W01")
    gap.press("ArrowLeft")
    gap.press("Enter")
    page.wait_for_url("**#p-2025-W52")
    assert page.evaluate("document.querySelector(':target').innerText").startswith("2025-W52")
    missing = page.locator(".plot").first
    missing.focus()
    missing.press("Home")
    missing.press("ArrowDown")
    for _ in range(18):
        missing.press("ArrowRight")
    assert "outage: the provider was down" in page.locator("#readout-balances").inner_text()
    missing.press("Enter")  # a period without value has no texts to open
    assert page.url.endswith("#p-2025-W52")
    needs, gives = visitor.width_of_page()
    assert needs <= gives
    assert visitor.complaints == []


def test_enter_on_a_link_follows_that_link_alone(visit):
    visitor = visit()
    visitor.opens(DYAD)
    page = visitor.page
    plot = page.locator(".plot").first
    plot.focus()
    plot.press("Home")
    plot.press("ArrowRight")
    asked = []
    page.on("request", lambda request: asked.append(request.url) if request.is_navigation_request() else None)
    plot.locator("svg a").last.press("Enter")
    page.wait_for_url("**/texts?**")
    assert len(asked) == 1
    assert "start=2024-04-01" not in page.url


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_every_view_is_looked_at(visit, mode):
    visitor = visit(mode)
    for name, query in (
        ("dyad-weeks", "period=week"),
        ("dyad-published", "period=quarter&series=vintage"),
        ("dyad-panel", "period=quarter&sources=panel"),
        ("dyad-explained", None),
    ):
        visitor.opens(f"{DYAD}?{query}" if query else f"{DYAD}/explain?period=2025-Q1")
        visitor.page.locator("h1").wait_for()
        visitor.shoots(name)
        needs, gives = visitor.width_of_page()
        assert needs <= gives, name
    assert visitor.complaints == []


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_smoothed_gaps_are_shown_when_asked_for_and_read_like_the_others(visit, mode):
    visitor = visit(mode)
    visitor.opens(DYAD)
    page = visitor.page
    assert page.locator("#readout-smoothed").count() == 0
    page.get_by_role("link", name="Show the smoothed gaps").click()
    page.wait_for_url("**smoothed=true#smoothed")
    plot, readout = page.locator("section.smoothed .plot"), page.locator("#readout-smoothed")
    plot.focus()
    plot.press("Home")
    assert readout.inner_text().startswith("Smoothed gap, 2024-Q1: ")
    assert "corrected gap" in readout.inner_text()
    plot.press("End")
    assert readout.inner_text() == "Smoothed gap, 2025-Q4: not smoothed: the balance of heron is not corrected"
    plot.press("ArrowLeft")
    visitor.shoots("dyad-smoothed")
    plot.press("Enter")
    page.wait_for_url("**#p-2025-Q3")
    page.get_by_role("link", name="Hide the smoothed gaps").click()
    page.get_by_role("link", name="Show the smoothed gaps").wait_for()
    assert plot.count() == 0
    needs, gives = visitor.width_of_page()
    assert needs <= gives
    assert visitor.complaints == []


def test_a_view_is_chosen_by_its_days_and_its_link_restores_it(visit):
    visitor = visit()
    visitor.opens(DYAD)
    page = visitor.page
    page.get_by_label("From").fill("2025-01-01")
    page.get_by_label("Until").fill("2025-06-30")
    page.get_by_role("button", name="Show").click()
    page.get_by_role("link", name="Show everything").wait_for()
    assert "since=2025-01-01&until=2025-06-30" in page.url
    assert page.locator("tr[id^=p-]").count() == 2
    page.get_by_role("link", name="As published").click()
    page.get_by_label("As it stood on").wait_for()
    assert "series=vintage" in page.url
    assert "since=2025-01-01" in page.url
    with page.expect_download() as saved:
        page.locator("figure").first.get_by_role("link", name="PNG").click()
    assert saved.value.suggested_filename == "harbour-heron--maple-balances-quarter-vintage.png"


def test_it_fits_a_phone(visit):
    visitor = visit(width=390, height=800)
    visitor.opens(DYAD)
    visitor.page.locator("h1").wait_for()
    needs, gives = visitor.width_of_page()
    assert needs <= gives
