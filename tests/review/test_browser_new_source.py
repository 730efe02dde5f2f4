"""Trying an address, in a real browser: the form, what was looked for, the lines for the monitor's file."""

from __future__ import annotations

import pytest

from tests.collect.conftest import new_site
from tests.review.axe import violations

__all__ = ["new_site"]

pytestmark = [
    pytest.mark.long,
    pytest.mark.browser,
    pytest.mark.airflow,
    pytest.mark.xdist_group("pages"),
    pytest.mark.filterwarnings("ignore"),
]

MONITOR = """
name: quay
title: A quarrel at the quay
since: 2009-01-01
periods: [quarter]
groups:
  - {{id: heron, name: Heron League}}
  - {{id: maple, name: Maple Covenant}}
sources:
  - {{id: old-pamphlets, kind: table, speaker: observer, path: pamphlets.csv, columns: {{text: text, date: date}}}}
dyads: [[heron, maple]]
allowed_addresses: ["{host_port}"]
"""
TITLES = (
    "The council of the harbour",
    "What we defend ends at our own river",
    "أرضنا وحدودها",
    "A letter to the Covenant",
    "The market reopens on Thursday",
)
"""on the page that is pasted; each leads to a text"""


@pytest.fixture
def site(new_site, review_store):
    """A site that lists texts and has no feed, and a monitor that may look at it as long as the test runs."""
    site = new_site()
    listed = "".join(f"<h2><a href='/text/{n}'>{title}</a></h2>" for n, title in enumerate(TITLES))
    site.add("/", f"<html><body>{listed}</body></html>")
    for n, title in enumerate(TITLES):
        site.article(f"/text/{n}", title)
    file = review_store[0].monitors / "quay.yaml"
    file.write_text(MONITOR.format(host_port=site.host_port))
    yield site
    file.unlink()


@pytest.mark.parametrize("mode", ["light", "dark"])
def test_the_steps_as_they_look(visit, site, mode):
    visitor = visit(mode=mode, height=1700)
    inner = visitor.page.frames[-1]

    def looks(name: str) -> None:
        visitor.shoots_as_seen(name)
        assert violations(inner) == [], name
        assert visitor.width_of_page()[0] <= visitor.width_of_page()[1], name

    inner.goto(f"{visitor.address}/rift/ui/m/quay/new-source")
    visitor.sees("Nothing is stored")
    looks("new-source")
    visitor.frame.get_by_label("Address").fill(f"ftp://{site.host_port}/")
    visitor.frame.locator("select[name=group]").select_option("heron")
    visitor.frame.get_by_role("button", name="Look").click()
    visitor.sees("This is no web address")
    looks("new-source-wrong")
    visitor.complaints.clear()  # the browser tells of an answer with 422
    visitor.frame.get_by_label("Address").fill(f"{site.address}/nothing")
    visitor.frame.get_by_role("button", name="Look").click()
    visitor.sees("Looking; this takes up to half a minute")
    visitor.frame.get_by_text("Nothing was found that can be collected").wait_for(timeout=60_000)
    looks("new-source-nothing")
    visitor.frame.get_by_label("Address").fill(site.address)
    visitor.frame.get_by_role("button", name="Look").click()
    visitor.frame.get_by_role("heading", name="What it would collect").wait_for(timeout=60_000)
    visitor.sees("link_selector: h2 a")
    visitor.sees("About The council of the harbour")
    assert visitor.frame.locator(".looked").first.inner_text() == f"A feed at {site.address}/feed: HTTP 404."
    assert "5 links at" in visitor.frame.locator("main").inner_text()
    assert "the first 5" not in visitor.frame.locator("main").inner_text()
    looks("new-source-found")
    assert visitor.complaints == []
