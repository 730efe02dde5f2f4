"""Ten thousand rows of the trend table scroll, sort and are walked by keys at once; prints what it took."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, timedelta

import pytest

from pipeline.monitor.periods import periods_covering
from pipeline.settings import Settings
from pipeline.store.session import engine_for, open_session
from pipeline.store.tables import TrendCell
from tests.review.visiting import Visitor, start_server

pytestmark = [
    pytest.mark.long,
    pytest.mark.browser,
    pytest.mark.airflow,
    pytest.mark.xdist_group("pages"),
    pytest.mark.filterwarnings("ignore"),
]

GROUPS, WEEKS = 40, 250
MONITOR = "name: many\ntitle: Many groups\nperiods: [week]\ngroups:\n" + "".join(
    f"  - {{id: g{i:02d}, name: Group {i:02d}}}\n" for i in range(GROUPS)
)
MONITOR += 'sources:\n  - {id: s, kind: feed, group: g00, speaker: own, addresses: ["http://127.0.0.1:9/f"]}\n'
AT_ONCE = 100
"""milliseconds"""


@pytest.fixture(scope="module")
def server(new_airflow, tmp_path_factory):
    folder = tmp_path_factory.mktemp("many")
    settings = Settings(data=folder / "data", database_url="", monitors=folder / "monitors")
    (folder / "monitors").mkdir()
    (folder / "monitors" / "many.yaml").write_text(MONITOR)
    spans = periods_covering("week", date(2020, 1, 6), date(2020, 1, 6) + timedelta(weeks=WEEKS - 1))
    with open_session(settings) as session:
        for number in range(GROUPS):
            for span in spans:
                value = int(hashlib.sha256(f"{number} {span.label}".encode()).hexdigest()[:6], 16) / 0xFFFFFF
                session.add(
                    TrendCell(
                        monitor="many", group_id=f"g{number:02d}", period="week", start=span.start, end=span.end,
                        texts=int(400 * value), clusters=int(390 * value), sources=3, codings=0, late=0,
                        estimator="uncorrected", balance=2 * value - 1, model_balance=2 * value - 1, companions={},
                        flags=["few texts"] if value < 0.1 else [], measured_at=datetime(2026, 1, 2, tzinfo=UTC),
                    )
                )  # fmt: skip
        session.commit()
    yield from start_server(new_airflow, tmp_path_factory.mktemp("server"), settings)
    engine_for(settings.database).dispose()


TIMED = """(act) => new Promise(done => {
  const box = document.getElementById('grid');
  const shown = begun => { box.getBoundingClientRect(); done(performance.now() - begun); };
  if (act === 'scroll') {
    // the table draws in the next frame: what stands before and after it there is timed
    let begun;
    requestAnimationFrame(() => { begun = performance.now(); });
    box.scrollTop = Math.random() * box.scrollHeight;
    box.dispatchEvent(new Event('scroll'));
    requestAnimationFrame(() => shown(begun));
    return;
  }
  const begun = performance.now();
  if (act === 'sort') box.querySelector("a[data-sort='balance']").click();
  else document.activeElement.dispatchEvent(new KeyboardEvent('keydown', {key: 'PageDown', bubbles: true}));
  shown(begun);
})"""
"""Milliseconds of work from the act until its result is laid out; a frame, 16 at most, comes on top."""

ROW = "document.activeElement.closest('tr').getAttribute('aria-rowindex')"


def test_ten_thousand_rows(server, browser, capsys):
    visitor = Visitor(browser, server, "light")
    try:
        page = visitor.page
        visitor.opens("m/many/trends?period=week")
        page.get_by_text("10,000 rows", exact=True).wait_for()
        page.locator(".grid.whole").wait_for()
        assert page.locator("table").get_attribute("aria-rowcount") == str(GROUPS * WEEKS + 1)
        assert page.locator(".grid tbody tr").count() < 80  # only those in sight are there
        page.locator(".grid tbody th").first.focus()
        took = {act: sorted(page.evaluate(TIMED, act) for _ in range(15)) for act in ("scroll", "sort", "key")}
        with capsys.disabled():
            for act, times in took.items():
                print(f"\n10,000 rows, {act}: median {times[7]:.0f} ms, worst {times[-1]:.0f} ms")  # noqa: T201
        for act, times in took.items():
            assert times[7] < AT_ONCE, (act, times)
        # it is all there: the last row by the keyboard, in the order of the balances
        visitor.opens("m/many/trends?period=week&sort=balance")
        page.locator("th[aria-sort='ascending']").wait_for()
        page.locator(".grid.whole").wait_for()
        page.locator(".grid tbody th").first.focus()
        page.keyboard.press("Control+End")
        assert page.evaluate(ROW) == "10001"
        for key in ("Home", "ArrowRight", "ArrowRight"):
            page.keyboard.press(key)
        assert float(page.evaluate("document.activeElement.textContent")) > 0.99
        # scrolled out of sight the focus waits, and comes back
        page.evaluate("document.getElementById('grid').scrollTop = 0")
        page.wait_for_function("document.activeElement.id === 'grid'")
        page.keyboard.press("ArrowUp")
        assert page.evaluate(ROW) == "10000"
        assert visitor.complaints == []
    finally:
        visitor.context.close()
