"""axe-core finds nothing on any page, light and dark, on a screen and on a phone (WCAG 2.2, levels A and AA)."""

from __future__ import annotations

import pytest

from tests.review.addresses import pages
from tests.review.axe import violations

pytestmark = [
    pytest.mark.long,
    pytest.mark.browser,
    pytest.mark.airflow,
    pytest.mark.xdist_group("pages"),
    pytest.mark.filterwarnings("ignore"),
]


@pytest.mark.parametrize(("mode", "width"), [("light", 1280), ("dark", 1280), ("light", 390)])
def test_axe_finds_no_violation_on_any_page(visit, review_store, mode, width):
    visitor = visit(mode=mode, width=width)
    found = {}
    for name, address in pages(review_store[1]).items():
        visitor.opens(address)
        visitor.page.locator("main").wait_for()
        if told := violations(visitor.page):
            found[name] = told
    assert found == {}


def test_axe_would_find_what_is_wrong(visit):
    visitor = visit()
    visitor.opens("")
    visitor.page.evaluate("document.querySelector('main').innerHTML += '<input type=text>'")
    assert [told for told in violations(visitor.page) if told.startswith("label (")]
