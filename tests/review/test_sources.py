"""The pages on the health of sources."""

from __future__ import annotations

import re

import pytest

from pipeline.settings import Settings
from pipeline.store.session import engine_for, open_session
from pipeline.store.tables import Place
from tests.review.filled import HOSTILE_WORDS, fill

pytestmark = [pytest.mark.airflow, pytest.mark.filterwarnings("ignore")]


def test_every_source_has_a_row_with_its_state(get):
    text = get("/ui/m/harbour/sources").text
    for source, state in [
        ("heron-news", "silent"),
        ("maple-letters", "failing"),
        ("harbour-gazette", "ok"),
        ("old-pamphlets", "never run"),
    ]:
        row = text.split(f'href="sources/{source}"')[1].split("</tr>")[0]
        assert f">{state}</span>" in row, source
    assert "No text for" in text
    assert "<strong>Failing:</strong>" in text
    assert text.count("<svg") == 2


def test_a_source_is_told_step_by_step(get):
    text = get("/ui/m/harbour/sources/harbour-gazette").text
    for name in ("monitor file", "places", "addresses", "texts", "dates", "duplicates", "trend", "runs", "volume"):
        assert f'<th scope="row">{name}</th>' in text
    assert "150 texts from 1 response" in text
    assert "HTTP 410" in text
    failing = get("/ui/m/harbour/sources/maple-letters").text
    assert "Look first at: places." in failing
    assert "It never ran." in get("/ui/m/harbour/sources/old-pamphlets").text


def test_of_very_many_places_a_bound_is_shown_and_the_others_are_counted(tmp_path, on_store, get):
    made = Settings(data=tmp_path / "data", database_url="", monitors=tmp_path / "monitors")
    fill(made)
    on_store(made)
    address = "/ui/m/harbour/sources/maple-letters"
    assert "are not shown" not in get(address).text
    with open_session(made) as session:
        for number in range(1_300):
            place = f"http://127.0.0.1:9/{number:04}.xml"
            session.add(Place(monitor="harbour", source="maple-letters", address=place, failures=0, walked=False))
        session.commit()
    text = get(address).text
    assert "1,301 places known; 1 failing: http://127.0.0.1:9/sitemap.xml: " in text
    shown = re.findall(r'<td class="mono" dir="ltr">http://127.0.0.1:9/([a-z0-9]+).xml</td>', text)
    assert shown == ["sitemap", *(f"{number:04}" for number in range(1_299, 1_100, -1))]
    assert "Failing places stand first, then the newest; 1,101 more are not shown." in text
    engine_for(made.database).dispose()


def test_what_was_crawled_is_escaped(get):
    for address in ("sources", "sources/harbour-gazette", "sources/maple-letters"):
        text = get(f"/ui/m/harbour/{address}").text
        assert HOSTILE_WORDS not in text
        assert "&lt;script&gt;document.title=" in text


def test_an_unknown_source_is_told_in_words(get):
    answer = get("/ui/m/harbour/sources/nobody")
    assert answer.status_code == 404
    assert "no such source" in answer.text


def test_the_navigation_leads_there(get):
    assert 'href="../../m/harbour/sources">Sources</a>' in get("/ui/m/harbour/trends").text
