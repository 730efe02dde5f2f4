"""Where nothing is there yet, a page says what to do next."""

from __future__ import annotations

import re

import pytest

from pipeline.settings import Settings
from pipeline.store.session import engine_for

pytestmark = [pytest.mark.airflow, pytest.mark.filterwarnings("ignore")]


@pytest.fixture
def empty(tmp_path, on_store, review_store):
    """The pages show a store in which nothing is."""
    made = Settings(data=tmp_path, database_url="", monitors=review_store[0].monitors)
    on_store(made)
    yield
    engine_for(made.database).dispose()


def part(text: str, begin: str) -> str:
    """The paragraph that begins with these words."""
    found = re.search(rf"<p[^>]*>(?:<strong>)?{re.escape(begin)}.*?</p>", text, re.DOTALL)
    assert found, begin
    return found.group()


def test_a_monitor_that_never_ran_says_what_starts_it(empty, get):
    said = part(get("/ui/").text, "No job has run for this monitor yet.")
    assert "collect__harbour__…" in said
    assert "riftwatch run" in said
    said = part(get("/ui/m/harbour/dyads/heron/maple").text, "No change of state was written down yet.")
    assert "riftwatch measure" in said
    assert "what it still needs" in said
    source = get("/ui/m/harbour/sources/heron-news").text
    for begin in ("No place was asked yet", "It never ran."):
        assert "riftwatch collect heron-news" in part(source, begin)


def test_a_text_without_a_page_says_that_no_copy_is_kept(get, review_store):
    ids = review_store[1]
    assert (
        "<dt>Archived copy</dt><dd>none: the text came without a page"
        in get(f"/ui/m/harbour/documents/{ids['maple-en']}").text
    )
    assert "<dd>none: the text" not in get(f"/ui/m/harbour/documents/{ids['heron-en']}").text
