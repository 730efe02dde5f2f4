"""The texts' pages and what stands beneath them: search, facets, shares, files; a text, its weights, its copy."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import event

from pipeline.review.text_search import Month
from pipeline.settings import Settings
from pipeline.store.session import engine_for, open_session
from pipeline.store.tables import Document, Mention, SearchProgress, TrendCell
from tests.review import filling_texts
from tests.review.filled import fill

pytestmark = [pytest.mark.airflow, pytest.mark.filterwarnings("ignore")]

TEXTS = "/ui/m/harbour/texts"
CELL = "group=heron&start=2025-01-01&end=2025-04-01"


@pytest.fixture
def ids(review_store):
    return review_store[1]


@pytest.fixture
def own_store(tmp_path, on_store):
    """A store of the test's own, which it may change."""
    made = Settings(data=tmp_path / "data", database_url="", monitors=tmp_path / "monitors")
    ids = fill(made)
    on_store(made)
    yield made, ids
    engine_for(made.database).dispose()


def test_a_search_marks_what_it_finds(get):
    text = get(f"{TEXTS}?q=river+kin*").text
    assert "No text is found" in text
    text = get(f"{TEXTS}?q=%22own+river%22").text
    assert "24 texts: “own river”; newest first." in text
    assert "<mark>own river</mark>" in text
    assert "What we defend ends at our " in text
    arabic = get(f"{TEXTS}?q=الارض").text  # written otherwise in the text
    assert "<mark>الأرض</mark>" in arabic
    assert 'dir="rtl"' in arabic


def test_what_can_not_be_searched_is_said_and_what_was_typed_stays(get):
    answer = get(f"{TEXTS}?q=-river&start=2025-01-01")
    assert answer.status_code == 422
    text = answer.text
    assert "needs a word that is to occur, beside those that are not to. Nothing was searched." in text
    assert "No text is found" not in text
    assert 'aria-invalid="true"' in text
    assert 'value="-river"' in text
    assert 'value="2025-01-01"' in text


def test_too_many_names_are_refused_in_words_everywhere(get):
    query = "q=" + "+OR+".join(f"name{number}" for number in range(31))
    for below in (TEXTS, f"{TEXTS}.csv", f"{TEXTS}.json", "/api/v1/monitors/harbour/texts"):
        answer = get(f"{below}?{query}")
        assert answer.status_code == 422, below
        assert "A search may have 30 words and phrases; this one has 31." in answer.text, below
    assert 'value="name0 OR name1 OR' in get(f"{TEXTS}?{query}").text


def test_one_of_several_words(get):
    text = get(f"{TEXTS}?q=%22own+river%22+OR+الارض").text
    assert ": “own river” or الارض; newest first." in text
    assert "<mark>own river</mark>" in text
    assert "<mark>الأرض</mark>" in text


def test_texts_that_name_a_group(own_store, get):
    settings, ids = own_store
    with open_session(settings) as session:
        session.add(Mention(document_id=ids["heron-en"], target="maple", named=True, audited=True))
        session.add(Mention(document_id=ids["heron-ar"], target="maple", named=False, audited=True))
        session.commit()
    text = get(f"{TEXTS}?names=maple&group=heron&speaker=own").text
    assert "1 text: group: Heron League, who speaks: the group itself, naming Maple Covenant, only texts that" in text
    assert f'href="documents/{ids["heron-en"]}"' in text
    assert '<option value="maple" selected>' in text
    assert "Whether a text is hostile can’t be searched" in text
    # reposts are not looked through, so a share is of texts that count
    assert 'name="counting" value="1" checked' in text
    assert "only texts that count" in text
    assert "names=maple" in re.search(r'href="(texts\.csv\?[^"]*)"', text)[1]
    assert get("/api/v1/monitors/harbour/texts?names=maple").json()["total"] == 1
    assert get(f"{TEXTS}?names=nobody").status_code == 404
    assert "No text is found" in get(f"{TEXTS}?{CELL}&names=heron").text
    assert "Whether a text is hostile" not in get(TEXTS).text


@pytest.mark.parametrize(
    ("start", "end", "said"),
    [
        ("2025-03-01", "2025-02-01", "no text is published from 2025-03-01 on and before 2025-02-01"),
        ("2025-02-01", "2025-02-01", "The period ends before it starts"),
        ("1 February 2025", "", "The day &#39;1 February 2025&#39; can&#39;t be read; write it as YYYY-MM-DD"),
    ],
)
def test_days_that_can_not_be_meant_are_said_and_the_search_stays(get, start, end, said):
    query = f"q=river&start={start}&end={end}&group=heron&speaker=any&order=oldest&counting=1"
    answer = get(f"{TEXTS}?{query}")
    assert answer.status_code == 422
    text = answer.text
    for kept in (
        said,
        "nothing was searched",
        'value="river"',
        f'name="start" value="{start}" aria-invalid="true"',
        f'name="end" value="{end}"',
        'name="group" value="heron"',
        '<option value="oldest" selected>',
        'name="counting" value="1" checked',
    ):
        assert kept in text, kept
    assert "No text is found" not in text
    # files and the API have no form: they say it in a sentence
    assert get(f"{TEXTS}.csv?{query}").status_code == 422
    told = get(f"/api/v1/monitors/harbour/texts?{query}")
    assert (told.status_code, said.replace("&#39;", "'") in told.json()["detail"]) == (422, True)


def test_every_hit_has_its_address_to_copy_and_no_link_to_its_site(get):
    text = get(f"{TEXTS}?{CELL}").text
    shown = re.findall(r'<span class="mono soft" dir="ltr" id="address-(\d+)">(http://127[^<]+)</span>', text)
    assert len(shown) == 50
    assert text.count("data-copies=") == 50
    assert all(f'data-says="address-{one}"' in text for one, _ in shown)
    assert "static/document.js" in text
    assert 'href="http' not in text


def test_facets_count_and_lead_on(get):
    text = get(f"{TEXTS}?q=river").text
    assert re.search(r'href="\?q=river&amp;group=heron&amp;speaker=any"[^>]*><span dir="auto">Heron League', text)
    chosen = get(f"{TEXTS}?q=river&group=heron&speaker=any").text
    assert re.search(
        r'href="\?q=river" aria-current="true"><span dir="auto">Heron League</span><span class="off">', chosen
    )
    for title in ("Group", "Source", "Language", "Who speaks", "Read as", "Year"):
        assert f"<summary>{title}</summary>" in text
    assert "start=2025-01-01&amp;end=2026-01-01" in text
    assert "No text is found" in get(f"{TEXTS}?language=xx").text


def test_shares_of_months_stand_beside_their_numbers(get):
    text = get(f"{TEXTS}?q=river").text
    assert "Share of a group’s own texts" in text
    row = re.search(r"<tr><th scope=\"row\">Heron League</th><td[^>]*>2025-01</td>(.*?)</tr>", text)
    share, found, of = re.findall(r'class="num">([^<]*)<', row[1])
    assert (found, of) == ("11", "28")
    assert share == "39.3%"
    assert "2025-01: 39.3%, 11 of 28 texts" in text
    # a cell alone asks for everything a group said
    assert "Share of a group’s own texts" not in get(f"{TEXTS}?{CELL}").text


def test_a_month_of_which_days_are_left_out_has_no_share(get):
    whole = get(f"{TEXTS}?q=river&start=2025-01-01&end=2025-03-01").text
    assert re.search(r"<td[^>]*>2025-01</td>", whole)
    assert "2024-12: " not in whole  # nobody looked there, so nothing says that nothing was found
    assert "is left out" not in whole
    cut = get(f"{TEXTS}?q=river&start=2025-01-10&end=2025-03-01").text
    assert re.search(r"<td[^>]*>2025-02</td>", cut)
    assert not re.search(r"<td[^>]*>2025-01</td>", cut)
    assert "2025-01: " not in cut
    assert "only some days are asked for is left out" in cut
    assert "Share of a group’s own texts" not in get(f"{TEXTS}?q=river&start=2025-01-10&end=2025-01-20").text


def test_a_share_of_texts_that_count_is_of_texts_that_count(own_store, get):
    settings, _ = own_store
    with open_session(settings) as session:
        cells = session.query(TrendCell).filter_by(group_id="heron", period="month", start=date(2025, 1, 1))
        assert cells.update({"texts": 40, "clusters": 20}) == 1
        session.commit()
    assert "of 40 texts" in get(f"{TEXTS}?q=river").text
    assert "of 20 texts" in get(f"{TEXTS}?q=river&counting=1").text


def test_a_share_is_not_made_up():
    day = datetime(2025, 1, 1, tzinfo=UTC).date()
    assert Month(day, 3, 12).share == 0.25
    assert Month(day, 3, None).share is None
    assert Month(day, 0, 0).share is None
    assert Month(day, 5, 4).share is None  # measured before the fifth came


def test_only_texts_that_count(get):
    both = get(f"{TEXTS}?q=النهر&speaker=own").text
    assert "repost: counts where it was published first" in both
    assert "repost: counts" not in get(f"{TEXTS}?q=النهر&speaker=own&counting=1").text


def test_a_link_restores_the_view(get):
    text = get(f"{TEXTS}?q=river&order=oldest&counting=1&language=en&end=2025-02-01").text
    assert '<option value="oldest" selected>' in text
    assert 'name="counting" value="1" checked' in text
    assert '<input type="hidden" name="language" value="en">' in text
    assert 'name="end" value="2025-02-01"' in text
    assert "language=en&amp;end=2025-02-01&amp;counting=1&amp;order=oldest" in text


def test_hits_come_as_files(get):
    answer = get(f"{TEXTS}.csv?q=river&order=oldest")
    assert answer.headers["content-disposition"] == 'attachment; filename="harbour-texts.csv"'
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) > 40
    assert rows[0]["address"].startswith("http://127.0.0.1:9/")
    assert rows == sorted(rows, key=lambda row: row["published_at"])
    assert "text" not in rows[0]
    made = json.loads(get(f"{TEXTS}.json?q=%22own+river%22&text=1").text)
    assert made["asked_for"] == ["“own river”"]
    assert made["found"] == "24 texts"
    assert len(made["texts"]) == 24
    assert "our own river" in made["texts"][0]["title"]
    assert "beyond the river" in made["texts"][0]["text"]
    # what a spreadsheet would run is disarmed
    assert get(f"{TEXTS}.csv?q=alert").text.count("<script>") >= 1


def test_a_file_with_texts_has_a_bound_and_says_what_was_cut(get, monkeypatch):
    whole = json.loads(get(f"{TEXTS}.json?q=%22own+river%22&text=1").text)
    assert (whole["texts_cut"], whole["cut_after_characters"]) == (0, None)
    monkeypatch.setattr("pipeline.review.pages.texts.MOST_CHARACTERS", 24 * 50)
    made = json.loads(get(f"{TEXTS}.json?q=%22own+river%22&text=1").text)
    assert (made["texts_cut"], made["cut_after_characters"]) == (24, 50)
    assert [one["text"] for one in made["texts"]] == [one["text"][:50] for one in whole["texts"]]
    assert "texts_cut" not in json.loads(get(f"{TEXTS}.json?q=%22own+river%22").text)


def test_the_form_keeps_who_speaks(get):
    # a group and two days alone would ask for the texts of a cell
    kept = '<input type="hidden" name="speaker" value="any">'
    assert kept in get(f"{TEXTS}?group=heron&speaker=any").text
    assert kept not in get(f"{TEXTS}?group=heron&speaker=own").text
    assert kept not in get(TEXTS).text


def test_a_store_older_than_its_index_says_what_to_do(own_store, get):
    settings, _ = own_store
    assert "riftwatch search index" not in get(f"{TEXTS}?q=river").text
    with open_session(settings) as session:
        session.query(SearchProgress).update({"after_id": 0, "last_id": 120})
        session.commit()
    assert "About 120 older texts are not in the search index yet" in get(f"{TEXTS}?q=river").text


def test_an_empty_store_says_what_to_do(tmp_path, on_store, get, review_store):
    made = Settings(data=tmp_path, database_url="", monitors=review_store[0].monitors)
    on_store(made)
    assert "No text is collected yet" in get(TEXTS).text
    engine_for(made.database).dispose()


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("start=2025-02-30", 422, "can&#39;t be read"),
        ("start=9999-12-30", 422, "from 1000-01-01 to 9998-12-31"),
        ("start=2025-02-01&end=2025-01-01", 422, "ends before it starts"),
        ("group=nobody", 404, "no such group"),
        ("order=worst", 422, "can&#39;t be read"),
        ("q=" + "a" * 501, 422, "can&#39;t be read"),
        ("q=%22%27%29%28*%3A", 422, "There is no word in what was typed"),
        ("q=%00river", 422, "a character that no text has (NUL, %00)"),
        ("q=river+OR", 422, "OR stands between two words or phrases"),
        ("names=%01", 404, "no such group"),
        ("language=%00", 422, "a character that no text has (NUL, %00)"),
        ("language=%01", 200, "No text is found"),
    ],
)
def test_odd_values_are_answered_in_words(get, query, status, said):
    answer = get(f"{TEXTS}?{query}")
    assert answer.status_code == status
    assert said in answer.text


def test_the_api_searches(get):
    found = get("/api/v1/monitors/harbour/texts?q=%22own+river%22&limit=5").json()
    assert found["total"] == 24
    assert found["more"] is False
    assert len(found["texts"]) == 5
    assert found["facets"]["group"] == [{"value": "heron", "texts": 24}]
    assert "own river" in found["texts"][0]["title"]
    assert found["texts"][0]["excerpt"].startswith("This land was given")
    cell = get(f"/api/v1/monitors/harbour/texts?{CELL}").json()
    assert cell["total"] == 70
    assert cell["texts"][0]["published_at"] < cell["texts"][-1]["published_at"]


def test_the_api_tells_all_of_a_text(get, ids):
    told = get(f"/api/v1/monitors/harbour/documents/{ids['heron-ar']}").json()
    assert told["group"] == "heron"
    assert [one["accepted"] for one in told["dates"]] == [True, False]
    assert [one["coder"] for one in told["codings"]] == ["second coder", "first coder"]
    assert told["copies_total"] == 1
    assert get("/api/v1/monitors/harbour/documents/999999").status_code == 404


def test_a_coding_that_a_second_coder_must_not_see_is_nowhere(own_store, get):
    settings, ids = own_store
    with open_session(settings) as session:
        filling_texts.add_pending(session, session.get_one(Document, ids["maple-en"]))
        session.commit()
    for address in (
        f"/ui/m/harbour/documents/{ids['maple-en']}",
        f"/api/v1/monitors/harbour/documents/{ids['maple-en']}",
    ):
        answer = get(address)
        assert answer.status_code == 200
        assert filling_texts.HIDDEN_NOTE not in answer.text
        assert "third coder" not in answer.text


def test_a_text_is_shown_as_the_model_weighs_it(get, ids):
    text = get(f"/ui/m/harbour/documents/{ids['heron-en']}?view=weights").text
    assert "the model in force" in text
    assert re.search(r'<span class="w [ab]" title="[+−]\d', text)
    assert "What the model saw" in text
    assert "100% of the text" in text
    arabic = get(f"/ui/m/harbour/documents/{ids['heron-ar']}?view=weights").text
    assert 'class="said" dir="rtl" lang="ar"' in arabic
    hostile = get(f"/ui/m/harbour/documents/{ids['hostile']}?view=weights").text
    assert "<script>document" not in hostile


def test_a_model_that_can_not_be_read_is_said_in_words(own_store, get):
    settings, ids = own_store
    for file in settings.models.glob("*/arrays.npz"):
        file.write_bytes(b"changed")
    text = get(f"/ui/m/harbour/documents/{ids['heron-en']}?view=weights").text
    assert "can&#39;t be read here" in text
    assert str(settings.data) not in text


def test_what_was_searched_is_marked_in_the_text(get, ids):
    assert "<mark>river</mark>" in get(f"/ui/m/harbour/documents/{ids['heron-en']}?q=river").text


def test_an_archived_copy_is_inert_and_says_nothing_to_its_site(get, ids):
    answer = get(f"/ui/m/harbour/documents/{ids['heron-en']}/archived")
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert policy.startswith("sandbox; default-src 'none';")
    assert "allow" not in policy
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert answer.headers["x-dns-prefetch-control"] == "off"
    assert "tilled it – and here it ends." in answer.text  # from windows-1252
    assert "[a heron]" in answer.text
    assert "elsewhere" not in answer.text
    assert "<script" not in answer.text
    raw = get(f"/ui/m/harbour/documents/{ids['heron-en']}/archived?raw=1")
    assert raw.content == filling_texts.PAGE.encode("windows-1252")
    assert raw.headers["content-type"] == "application/octet-stream"
    assert raw.headers["content-disposition"].startswith("attachment;")
    assert raw.headers["content-security-policy"].startswith("sandbox;")


def test_a_copy_that_is_not_shown_says_why(get, ids):
    pdf = get(f"/ui/m/harbour/documents/{ids['hostile']}/archived")
    assert pdf.status_code == 404
    assert "no page and no plain text but application/pdf" in pdf.text
    assert get(f"/ui/m/harbour/documents/{ids['hostile']}/archived?raw=1").content.startswith(b"%PDF")
    assert "No response is kept" in get(f"/ui/m/harbour/documents/{ids['maple-en']}/archived").text
    gone = get(f"/ui/m/harbour/documents/{ids['heron-ar']}/archived")  # its file was moved
    assert gone.status_code == 404
    assert "riftwatch archive check" in gone.text
    assert "warc" not in gone.text
    assert get("/ui/m/harbour/documents/999999/archived").status_code == 404


def test_the_copy_is_framed_without_rights(get, ids):
    address = f"/ui/m/harbour/documents/{ids['heron-en']}"
    assert "<iframe" not in get(address).text
    text = get(address + "?copy=1").text
    assert re.search(rf'<iframe class="archived" sandbox src="{ids["heron-en"]}/archived"', text)


def test_pages_of_texts_ask_the_store_a_fixed_number_of_questions(get, ids, review_store):
    sent: list[str] = []

    def note(connection, cursor, statement, *rest):
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            sent.append(statement)

    event.listen(engine_for(review_store[0].database), "before_cursor_execute", note)
    try:
        for address, most in (
            (f"{TEXTS}?{CELL}", 5),
            (f"{TEXTS}?q=river", 6),
            (f"{TEXTS}.csv?q=river", 4),
            ("/api/v1/monitors/harbour/texts?q=river", 4),
            (f"/ui/m/harbour/documents/{ids['heron-ar']}", 8),
            (f"/ui/m/harbour/documents/{ids['heron-ar']}?view=weights", 9),
            (f"/ui/m/harbour/documents/{ids['heron-en']}/archived", 2),
            (f"/api/v1/monitors/harbour/documents/{ids['heron-ar']}", 8),
        ):
            sent.clear()
            assert get(address).status_code == 200
            assert len(sent) <= most, (address, sent)
    finally:
        event.remove(engine_for(review_store[0].database), "before_cursor_execute", note)
