"""axe-core finds nothing on any page, light and dark, on a screen and on a phone (WCAG 2.2, levels A and AA)."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.review.addresses import pages

pytestmark = [
    pytest.mark.long,
    pytest.mark.browser,
    pytest.mark.airflow,
    pytest.mark.xdist_group("pages"),
    pytest.mark.filterwarnings("ignore"),
]

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def _told(violation: dict) -> str:
    where = "; ".join(f"{node['target']}: {node['html'][:160]}" for node in violation["nodes"][:3])
    return f"{violation['id']} ({violation['help']}) at {where}"


@pytest.mark.parametrize(("mode", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
def test_axe_finds_no_violation_on_any_page(visit, review_store, mode, width):
    visitor = visit(mode=mode, width=width)
    found = {}
    for name, address in pages(review_store[1]).items():
        visitor.opens(address)
        visitor.page.locator("main").wait_for()
        options = {"resultTypes": ["violations"], "runOnly": {"type": "tag", "values": RULES}}
        told = [_told(v) for v in Axe().run(visitor.page, options=options).response["violations"]]
        if told:
            found[name] = told
    assert found == {}


def test_axe_would_find_what_is_wrong(visit):
    visitor = visit()
    visitor.opens("")
    visitor.page.evaluate("document.querySelector('main').innerHTML += '<input type=text>'")
    ids = [v["id"] for v in Axe().run(visitor.page).response["violations"]]
    assert "label" in ids
