"""The texts' pages in a real browser: searching, narrowing, a text as the model weighs it, its inert copy."""

from __future__ import annotations

import pytest

pytestmark = [
    pytest.mark.long,
    pytest.mark.browser,
    pytest.mark.airflow,
    pytest.mark.xdist_group("pages"),
    pytest.mark.filterwarnings("ignore"),
]


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_an_analyst_searches_and_reads(visit, review_store, airflow_server, mode):
    visitor = visit(mode=mode, user="vera")
    visitor.opens("m/harbour/texts")
    page = visitor.page
    page.get_by_label("Search the texts").fill("river -letter")
    page.keyboard.press("Enter")
    page.get_by_text("river, not letter").wait_for()
    assert page.locator("mark").count() > 10
    page.get_by_role("link", name="Heron League").click()
    page.get_by_text("group: Heron League").wait_for()
    assert page.get_by_label("Search the texts").input_value() == "river -letter"
    visitor.shoots("texts-search")
    page.get_by_text("The months as a table").click()
    page.get_by_role("link", name="What we defend ends at our own river").first.click()
    page.get_by_role("link", name="As the model weighs it").click()
    page.get_by_text("What the model saw").first.click()
    assert page.locator(".passages .w").count() > 1
    visitor.shoots("document-weights")
    assert visitor.complaints == []


def test_an_arabic_text_as_the_model_weighs_it(visit, review_store):
    visitor = visit()
    visitor.opens(f"m/harbour/documents/{review_store[1]['heron-ar']}?view=weights&q=النهر")
    assert visitor.page.locator(".said[dir=rtl]").count() == 1
    visitor.shoots("document-weights-rtl")
    visitor.opens(f"m/harbour/documents/{review_store[1]['heron-ar']}?q=النهر")
    assert visitor.page.locator("mark").count() >= 1


def test_an_address_is_copied(visit, review_store, airflow_server):
    visitor = visit()
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=airflow_server)
    visitor.opens(f"m/harbour/documents/{review_store[1]['heron-en']}")
    visitor.page.get_by_role("button", name="Copy").click()
    visitor.page.get_by_text("Copied").wait_for()
    assert visitor.page.evaluate("navigator.clipboard.readText()") == "http://127.0.0.1:9/heron/0"


def test_an_address_in_the_list_is_copied(visit, airflow_server):
    visitor = visit()
    visitor.context.grant_permissions(["clipboard-read", "clipboard-write"], origin=airflow_server)
    visitor.opens("m/harbour/texts?group=heron&start=2025-01-01&end=2025-04-01")
    hit = visitor.page.locator(".texts li").nth(1)
    address = hit.locator(".mono").inner_text()
    assert address.startswith("http://127.0.0.1:9/heron/")
    hit.get_by_role("button", name="Copy the address").click()
    hit.get_by_text("Copied").wait_for()
    assert visitor.page.evaluate("navigator.clipboard.readText()") == address
    visitor.shoots("texts-addresses")
    needs, gives = visitor.width_of_page()
    assert needs <= gives
    assert visitor.complaints == []


def test_an_archived_copy_runs_nothing_and_asks_for_nothing(visit, review_store, airflow_server):
    visitor = visit()
    below = f"m/harbour/documents/{review_store[1]['heron-en']}"
    visitor.opens(f"{below}?copy=1")
    copy = visitor.page.frame_locator("iframe.archived")
    copy.get_by_text("This land was given to us").wait_for()
    visitor.shoots("document-copy")
    title = visitor.page.title()
    visitor.opens(f"{below}/archived")  # on its own, without our frame
    visitor.page.get_by_text("This land was given to us").wait_for()
    assert "run" not in (title, visitor.page.title())
    assert visitor.page.evaluate("origin") == "null"
    assert [a for a in visitor.asked if not a.startswith((airflow_server, "data:", "blob:"))] == []
