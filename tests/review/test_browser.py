"""The pages in a real browser, through Airflow's own login and inside its frame. Screenshots: build/screenshots/."""

from __future__ import annotations

import pytest

from tests.review.visiting import Visitor

pytestmark = [
    pytest.mark.browser,
    pytest.mark.airflow,
    pytest.mark.xdist_group("pages"),
    pytest.mark.filterwarnings("ignore"),
]


@pytest.mark.parametrize("mode", ["light", pytest.param("dark", marks=pytest.mark.long)])
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
            visitor.frame.get_by_role("link", name="SVG").first.click()
        assert saved.value.suggested_filename == "harbour-heron--maple-balances-quarter.svg"

        # a click on a mark of the chart leads to the texts of its cell
        visitor.frame.locator("figure svg a[href*='group=heron'][href*='start=2025-01-01']").first.click()
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
