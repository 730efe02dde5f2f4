"""Overview, runs and trend table in a real browser. Screenshots: build/screenshots/."""

from __future__ import annotations

import json
import re
from html import escape

import pytest

from tests.review.filling_overview import MEASURED

pytestmark = [
    pytest.mark.long,
    pytest.mark.browser,
    pytest.mark.airflow,
    pytest.mark.xdist_group("pages"),
    pytest.mark.filterwarnings("ignore"),
]

TABLE = "m/harbour/trends?group=maple&period=month"
ACTIVE = "document.activeElement.textContent"


def since(visitor) -> str:
    visitor.page.locator("#since p").wait_for()
    return visitor.page.locator("#since p").inner_text()


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_pages_as_they_look(visit, mode):
    visitor = visit(mode=mode)
    visitor.sees("A quarrel at the harbour")
    visitor.shoots("overview")
    visitor.follows("Runs")
    visitor.sees("What the jobs did")
    visitor.shoots("runs")
    assert visitor.width_of_page()[0] <= visitor.width_of_page()[1]
    visitor.follows("Trend table")
    visitor.sees("16 rows")
    visitor.frame.locator(".grid.whole").wait_for()
    visitor.shoots("trends")
    assert visitor.width_of_page()[0] <= visitor.width_of_page()[1]
    visitor.frame.get_by_text("Columns", exact=True).click()
    visitor.shoots("trends-columns")
    visitor.follows("Gaps of dyads")
    visitor.sees("8 rows")
    visitor.frame.locator(".grid.whole").wait_for()
    visitor.shoots("trends-dyads")
    assert visitor.complaints == []
    assert [a for a in visitor.asked if not a.startswith((visitor.address, "data:", "blob:"))] == []


def test_controls_in_a_row_have_one_height_and_a_header_of_two_lines_has_room(visit):
    visitor = visit()
    heights = """row => [...row.querySelectorAll("select, input:not([type=checkbox]):not([type=hidden]), button")]
      .filter(control => control.offsetParent).map(control => control.getBoundingClientRect().height)"""
    rows = {"m/harbour/trends": "form.filter", "m/harbour/texts?q=river": "form.search", "m/harbour/models": ".start"}
    for address, row in rows.items():
        visitor.opens(address)
        visitor.page.locator(f"{row} button").first.wait_for()
        found = visitor.page.locator(row).first.evaluate(heights)
        assert len(found) >= 2, address
        assert set(found) == {34}, (address, found)
    visitor.opens("m/harbour/dyads/heron/maple/explain?period=2025-Q1")
    above, below = visitor.page.evaluate("""() => {
      const [bar, crumbs, sections] = [".bar", ".crumbs", ".sections"]
        .map(one => document.querySelector(one).getBoundingClientRect());
      return [crumbs.top - bar.top, bar.bottom - sections.bottom];
    }""")
    assert min(above, below) >= 8


def test_only_the_browser_knows_when_its_reader_was_last_here(visit):
    visitor = visit()
    visitor.opens("")
    first = visitor.page.evaluate("localStorage.getItem('riftwatch-last-visit')")
    assert first
    # a tab of its own is a visit of its own; pretend that the last one was long ago
    visitor.page.evaluate(
        "localStorage.setItem('riftwatch-last-visit', '2025-12-30T00:00:00Z'); sessionStorage.clear()"
    )
    visitor.opens("")
    assert "Since your last visit on" in since(visitor)
    assert "1 change of a state or alarm" in since(visitor)
    assert "644 new texts" in since(visitor)
    assert "; 1 new gap; " in since(visitor)
    gap = visitor.page.locator(".card .only-fresh")
    assert gap.inner_text().startswith("new 2025-Q4, gap +")
    assert gap.inner_text().endswith(", uncorrected, while the period was still running")
    visitor.shoots_as_seen("overview-news")
    marked = visitor.page.locator(".news .fresh:visible")
    assert marked.count() == 1
    assert "Heron League and Maple Covenant: alarm:" in marked.locator("..").inner_text()
    # a reload is the same visit
    visitor.page.reload()
    assert "644 new texts" in since(visitor)
    assert visitor.page.evaluate("localStorage.getItem('riftwatch-last-visit')") > first
    visitor.page.get_by_role("button", name="Mark all as seen").click()
    assert visitor.page.locator(".fresh:visible, .only-fresh:visible").count() == 0
    visitor.page.reload()
    assert "no state has changed, no alarm was raised; 0 new texts" in since(visitor)
    assert not [a for a in visitor.asked if "2025-12-30" in a]
    assert visitor.complaints == []


def test_a_gap_is_told_against_what_this_reader_saw_last(visit):
    visitor = visit()
    page = visitor.page
    shown: list[list] = []

    def instead(route) -> None:
        answer = route.fetch()
        listed = [[f"2026-01-{day:02d}T12:00:00.000+00:00", said, running] for day, said, running in shown]
        html, count = re.subn(
            r"data-readings='[^']*'", lambda _: f"data-readings='{escape(json.dumps(listed))}'", answer.text()
        )
        assert count == 1
        route.fulfill(response=answer, body=html)

    page.route("**/rift/ui/", instead)

    def told(day: int, *newest_first) -> str | None:
        shown[:] = newest_first
        last = f"2026-01-{day:02d}T12:00:00Z"
        page.evaluate("last => { localStorage.setItem('riftwatch-last-visit', last); sessionStorage.clear(); }", last)
        visitor.opens("")
        line = page.locator(".card .only-fresh")
        assert ("; 1 new gap; " in since(visitor)) == line.is_visible()
        if not line.is_visible():
            return None
        assert line.locator(".fresh").is_visible()
        now, _, before = line.inner_text().partition("; ")
        assert now.startswith("new 2025-Q4, gap +")
        return before

    corrected = (8, "+0.32", False), (7, "+0.31 <b>", False), (3, "+0.05, uncorrected", False)
    assert told(5, *corrected) == "before: +0.05, uncorrected"
    assert told(3, *corrected) == "before: +0.05, uncorrected"  # that very moment
    assert told(7, *corrected) == "before: +0.31 <b>"  # words, never markup
    assert told(8, *corrected) is None
    assert told(1, *corrected) == "before: +0.05, uncorrected"
    there_and_back = (9, "+0.31", False), (8, "+0.32", False), (7, "+0.31", False)
    assert told(7, *there_and_back) is None
    assert told(8, *there_and_back) == "before: +0.32"
    assert told(6, *there_and_back) == "before: +0.32"
    running = (4, "+0.31", False), (2, "+0.05", True)
    assert told(3, *running) == "before: +0.05, while the period was still running"
    assert told(1, (4, "+0.31", False)) == "the first gap it has"
    assert told(5, (9, "+0.50", False), (5, "+0.31", False), (3, "+0.05", False)) == "before: +0.31"
    assert visitor.complaints == []


def test_times_are_the_readers_own_with_utc_on_hover(visit):
    visitor = visit(zone="Asia/Kathmandu")  # 5:45 hours ahead of UTC
    page = visitor.page
    visitor.opens("")
    page.evaluate("localStorage.setItem('riftwatch-last-visit', '2025-12-30T20:30:00Z'); sessionStorage.clear()")
    visitor.opens("")
    since(visitor)
    last = page.locator("#since time")
    assert (last.inner_text(), last.get_attribute("title")) == ("2025-12-31 02:15", "2025-12-30 20:30 UTC")
    assert since(visitor).startswith("Since your last visit on 2025-12-31 02:15: 1 change of a state or alarm")
    zone = "Intl.DateTimeFormat().resolvedOptions().timeZone"
    assert page.evaluate(zone) in ("Asia/Kathmandu", "Asia/Katmandu")
    told = """[...document.querySelectorAll('main time')].map(t => [t.textContent, t.title,
      (Date.parse(t.textContent.replace(' ', 'T') + 'Z') - Date.parse(t.dateTime.slice(0, 16) + 'Z')) / 60000])"""
    dyad = "m/harbour/dyads/heron/maple"
    # sentences with a time in them, the table of what was published, the summary of a figure and its texts
    source = "m/harbour/sources/maple-letters"
    for address, least in ((source, 3), (f"{dyad}?series=vintage", 5), (f"{dyad}/explain?period=2025-Q1", 10)):
        visitor.opens(address)
        times = page.evaluate(told)
        assert len(times) >= least, address
        assert all(ahead == 345 and utc.endswith(" UTC") for _, utc, ahead in times), times
        assert " UTC" not in page.evaluate("document.querySelector('main').innerText"), address
    assert page.locator("main li", has_text="by Riftwatch").locator("time").count() >= 1
    assert visitor.complaints == []


def test_a_first_visit_says_so(visit):
    visitor = visit()
    visitor.page.evaluate("localStorage.clear(); sessionStorage.clear()")
    visitor.opens("")
    assert "first visit" in since(visitor)
    assert visitor.page.locator(".fresh:visible, .only-fresh:visible").count() == 0


def test_the_runs_lead_out_of_the_frame_into_airflows_grid(visit):
    visitor = visit()
    visitor.follows("Runs")
    visitor.sees("What the jobs did")
    visitor.frame.get_by_label("Job").select_option("collect")
    visitor.frame.get_by_role("button", name="Show").click()
    visitor.frame.locator("option[selected]", has_text="collect").wait_for(state="attached")
    row = visitor.frame.locator("tbody tr", has_text="heron-news")
    row.get_by_role("link", name="grid").click()
    visitor.page.wait_for_url("**/dags/collect__harbour__heron-news**")
    assert visitor.page.locator("iframe").count() == 0
    assert visitor.complaints == [] or all("dags" in c or "404" in c for c in visitor.complaints)


def test_the_runs_lead_into_airflow_without_a_frame_too(visit):
    visitor = visit()
    visitor.opens("m/harbour/runs?job=measure")
    visitor.page.get_by_role("link", name="grid").first.click()
    visitor.page.wait_for_url("**/dags/measure**")


def test_older_runs_are_reached_page_by_page(visit):
    visitor = visit()
    visitor.opens("m/harbour/runs?job=measure")
    assert visitor.page.locator("tbody tr").count() == 50
    visitor.page.get_by_role("link", name="Older").click()
    visitor.page.get_by_role("link", name="Newest").wait_for()
    assert visitor.page.locator("tbody tr").count() == MEASURED + 1 - 50
    assert visitor.page.get_by_role("link", name="Older").count() == 0


def test_a_table_without_rows_keeps_what_to_do(visit):
    visitor = visit()
    page = visitor.page
    visitor.opens("m/harbour/trends?from=1990-01-01&to=1990-02-01")
    page.locator(".grid.whole").wait_for(state="attached")  # the script has read the answer
    empty = page.locator("#empty")
    assert empty.is_visible()
    assert "riftwatch run" in empty.inner_text()
    assert page.locator("#grid").is_hidden()
    assert page.locator("#count").inner_text() == "0 rows"
    # the words go once there are rows, and a choice without any is told in the table's own words
    page.locator("input[name=to]").fill("2024-02-01")
    page.locator(".grid.whole tbody tr").first.wait_for()
    assert empty.is_hidden()
    visitor.opens("m/harbour/trends")
    whole(visitor)
    page.get_by_label("Name holds").fill("nobody of this name")
    page.get_by_text("No row fits this choice").wait_for()
    assert page.locator("#grid").is_visible()
    assert visitor.complaints == []


def test_a_gap_leads_to_its_row_on_the_dyads_page(visit):
    visitor = visit()
    visitor.opens("m/harbour/trends?table=dyads&period=quarter")
    whole(visitor)
    visitor.page.get_by_role("link", name="2025-Q1").click()
    visitor.page.wait_for_url("**/dyads/heron/maple?period=quarter#p-2025-Q1")
    assert visitor.page.evaluate("document.querySelector(':target').innerText").startswith("2025-Q1")


def whole(visitor) -> None:
    visitor.page.locator(".grid.whole tbody tr").first.wait_for()


def test_the_table_is_walked_by_keys(visit):
    visitor = visit()
    visitor.opens(TABLE)
    whole(visitor)
    page = visitor.page
    page.locator(".grid tbody th").first.focus()
    assert page.evaluate(ACTIVE) == "Maple Covenant"
    for key, said in (
        ("ArrowRight", "2025-12"),
        ("ArrowDown", "2025-11"),
        ("PageDown", "2024-01"),
        ("Home", "Maple Covenant"),
        ("Control+Home", "Maple Covenant"),
        ("ArrowRight", "2025-12"),
        ("ArrowUp", "period"),
        ("ArrowRight", "balance"),
    ):
        page.keyboard.press(key)
        if key == "PageDown":
            page.keyboard.press("PageDown")
        assert page.evaluate(ACTIVE) == said, key
    # one stop for the tab key, wherever it stands
    assert page.locator(".grid [tabindex='0']").count() == 1
    page.keyboard.press("Enter")
    page.locator("th[aria-sort='ascending']").wait_for()
    assert page.evaluate(ACTIVE) == "balance"
    assert "sort=balance" in page.url
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Control+End")
    assert page.evaluate("document.activeElement.closest('tr').getAttribute('aria-rowindex')") == "25"
    assert visitor.complaints == []


def test_filters_columns_and_order_stand_in_the_address_and_in_the_files(visit):
    visitor = visit()
    visitor.opens("m/harbour/trends")
    whole(visitor)
    page = visitor.page
    page.get_by_label("Period").select_option("week")
    page.get_by_text("210 rows").wait_for()
    page.get_by_label("Name holds").fill("maple")
    page.get_by_text("105 rows").wait_for()
    page.locator("select[name=estimator]").select_option("none")
    page.get_by_text("6 rows", exact=True).wait_for()
    page.get_by_text("Columns", exact=True).click()
    page.get_by_label("lam", exact=True).check()
    page.locator("th", has_text="lam").wait_for()
    page.locator("a[data-sort='start']").click()
    page.get_by_text("6 rows, sorted by period").wait_for()
    assert page.locator(".grid tbody td a").first.inner_text() == "2024-W19"
    address = page.url
    with page.expect_download() as saved:
        page.get_by_role("link", name="CSV").click()
    lines = saved.value.path().read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 7
    assert lines[1].startswith("maple,week,2024-05-06")
    assert "lam" in lines[0].split(",")
    # the address alone brings the same view back
    page.goto(address)
    whole(visitor)
    assert page.get_by_label("Name holds").input_value() == "maple"
    assert page.locator("th[aria-sort='ascending']").inner_text().startswith("period")
    assert page.locator(".grid tbody td a").first.inner_text() == "2024-W19"
    assert visitor.complaints == []


def test_a_wrong_value_is_told_and_nothing_typed_is_lost(visit):
    visitor = visit()
    visitor.opens("m/harbour/trends")
    whole(visitor)
    page = visitor.page
    page.get_by_label("Name holds").fill("nobody of this name")
    page.get_by_text("No row fits this choice").wait_for()
    page.get_by_label("From").evaluate("box => { box.type = 'text'; box.value = 'spring'; box.form.requestSubmit(); }")
    page.get_by_text("The table could not be read").wait_for()
    assert page.get_by_label("Name holds").input_value() == "nobody of this name"


@pytest.mark.parametrize("column", ["balance", "-texts", "flags", "-companions", "-missing", "estimator", "group_id"])
def test_browser_and_server_sort_alike(visit, column):
    visitor = visit()
    visitor.opens(
        f"m/harbour/trends?sort={column}&column=balance&column=texts&column=flags&column=companions&column=missing&column=estimator"
    )
    served = """[...document.querySelectorAll('.grid tbody tr')]
      .map(row => row.cells[0].textContent.trim() + row.cells[1].textContent.trim())"""
    whole(visitor)
    drawn = visitor.page.evaluate(served)
    answer = visitor.page.request.get(visitor.page.url)
    other = visitor.context.new_page()
    other.route("**/trends.js", lambda route: route.abort())
    other.goto(visitor.page.url)
    assert answer.ok
    assert other.evaluate(served) == drawn
    assert len(drawn) == 16


def test_without_script_the_table_has_pages_and_sorts_too(visit, browser):
    visitor = visit()
    bare = browser.new_context(java_script_enabled=False, storage_state=visitor.context.storage_state())
    try:
        page = bare.new_page()
        page.goto(f"{visitor.address}/rift/ui/m/harbour/trends?period=")
        assert page.locator("tbody tr").count() == 200
        page.get_by_role("link", name="Next").click()
        assert page.locator("tbody tr").count() == 74
        page.locator("thead").get_by_role("link", name="texts").click()
        assert page.locator("th[aria-sort='ascending']").inner_text().startswith("texts")
        page.get_by_label("Group").select_option("maple")
        page.get_by_role("button", name="Show").click()
        assert "137 rows" in page.locator("#count").inner_text()
        assert "sort=texts" in page.url
    finally:
        bare.close()
