"""What the pages say, that they escape what was crawled, and that they read no more than they must."""

from __future__ import annotations

import csv
import io
import re

import pytest
from lxml import etree
from sqlalchemy import event

from pipeline.store.session import engine_for
from tests.review import filled

pytestmark = [pytest.mark.airflow, pytest.mark.filterwarnings("ignore")]

DYAD = "/ui/m/harbour/dyads/heron/maple"
CELL = "group=heron&start=2025-01-01&end=2025-04-01"


@pytest.fixture
def ids(review_store):
    return review_store[1]


@pytest.fixture
def statements(review_store):
    """The statements sent to the store while the test runs."""
    sent: list[str] = []
    engine = engine_for(review_store[0].database)

    def note(connection, cursor, statement, *rest):
        sent.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    yield sent
    event.remove(engine, "before_cursor_execute", note)


def words_of(svg: str) -> str:
    """What a reader of the drawing sees in words; tooltips are none."""
    root = etree.fromstring(svg.encode())
    return " ".join("".join(one.itertext()) for one in root.iter("{*}text"))


def table_of(answer) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))


def test_the_overview_shows_each_pair_its_newest_gap_and_the_last_runs(get):
    text = get("/ui/").text
    assert "Heron League and Maple Covenant" in text
    assert "not enough evidence" in text
    assert "Gap in 2025-Q4" in text
    assert "uncorrected: no interval" in text
    assert "collect: 642 found" in text
    assert "<svg" in text


def test_the_overview_says_what_to_do_next_when_nothing_is_watched(airflow_app, get, tmp_path):
    from pipeline.settings import Settings

    pages, real = airflow_app[1], airflow_app[1].state.settings
    (tmp_path / "monitors").mkdir()
    pages.state.settings = Settings(data=tmp_path, database_url="", monitors=tmp_path / "monitors")
    try:
        assert "Nothing is watched yet" in get("/ui/").text
        (tmp_path / "monitors" / "m.yaml").write_text(filled.MONITOR)
        (tmp_path / "monitors" / "n.yaml").write_text("name: <b>\n")
        text = get("/ui/").text
        assert "No period has a gap yet" in text
        assert "riftwatch run" in text
        assert "n.yaml:1" in text
        assert "Nothing is measured yet" in get(DYAD).text
        assert get(DYAD + "/gap.svg").status_code == 404
    finally:
        pages.state.settings = real


def test_the_dyad_page_says_what_stands_behind_each_point(get):
    text = get(DYAD).text
    for said in (
        "the Taliban and al-Qaeda did not split in 2010",
        "opponents talk about the same thing",
        "No evidence is a result",
        "How to read this",
        "The winter address",
        "Open letters begin",
        "Talks soften the quarrel",
        "82 texts",
        "Codings that would correct this",
        "outage of maple-letters from 2024-05-06 to 2024-06-16",
    ):
        assert said in text, said
    assert text.count("<svg") > 2
    assert re.search(r"2024-08-01</span>: The lighthouse is lit", text)


def test_missing_weeks_are_named_with_their_reason(get):
    text = get(DYAD + "?period=week").text
    assert re.search(r"Maple Covenant, <span[^>]*>2024-W19 to 2024-W24</span>: outage: the provider was down", text)
    assert "every point here is uncorrected" in text


def test_points_lead_to_the_texts_of_their_cell(get):
    text = get(DYAD).text
    assert "../../texts?group=heron&amp;start=2025-01-01&amp;end=2025-04-01" in text
    assert "70 own texts" in get(f"/ui/m/harbour/texts?{CELL}").text


def test_charts_and_their_data_can_be_saved(get):
    svg = get(DYAD + "/balances.svg?period=month")
    assert svg.headers["content-disposition"] == 'attachment; filename="harbour-heron--maple-balances-month.svg"'
    assert "<a " not in svg.text
    assert "var(" not in svg.text
    # a saved picture says what its numbers mean, and of no event that it does not draw
    assert "2024-08-01: The lighthouse is lit" in words_of(svg.text)
    early = get(DYAD + "/balances.svg?period=month&until=2024-06-30")
    assert "The lighthouse is lit" not in early.text
    rows = table_of(get(DYAD + "/points.csv?period=quarter"))
    assert [r["period"] for r in rows][:2] == ["2024-Q1", "2024-Q2"]
    assert float(rows[0]["gap"]) == pytest.approx(float(rows[0]["heron_balance"]) - float(rows[0]["maple_balance"]))
    weeks = {r["period"]: r for r in table_of(get(DYAD + "/points.csv?period=week"))}
    assert weeks["2024-W20"]["maple_balance"] == ""
    assert weeks["2024-W20"]["maple_missing"] == "outage: the provider was down"


def test_the_trend_table_filters_and_explains_its_columns(get):
    text = get("/ui/m/harbour/trends?group=maple&period=quarter").text
    assert "8 rows" in text
    assert 'title="share nationalist less share universalist' in text
    assert "2025-Q4" in text
    assert 'title="outage of maple-letters from 2024-05-06 to 2024-06-16"' in text
    assert "16 rows" in get("/ui/m/harbour/trends").text  # the audit period, unless asked
    assert "274 rows" in get("/ui/m/harbour/trends?period=").text
    assert get("/ui/m/harbour/trends?period=eon").status_code == 422


def test_the_trend_table_comes_as_a_file(get):
    rows = table_of(get("/ui/m/harbour/trends.csv?group=heron&period=quarter&sort=start&column=lam"))
    assert len(rows) == 8
    assert rows[0]["lam"] == "0.7123456"
    assert rows[0]["start"] == "2024-01-01"


def test_the_trend_table_has_pages_and_a_cap(get):
    assert "Page 1 of 2" in get("/ui/m/harbour/trends?period=").text
    assert get("/ui/m/harbour/trends?period=&limit=100000").text.count("<tr>") == 201  # with the head
    assert "no such page" in get("/ui/m/harbour/trends?page=900").text
    assert get("/ui/m/harbour/trends?page=0").status_code == 422
    assert get(f"/ui/m/harbour/trends?page={10**30}").status_code == 422


def test_texts_have_pages_and_a_cap(get):
    first, second = get(f"/ui/m/harbour/texts?{CELL}"), get(f"/ui/m/harbour/texts?{CELL}&page=2")
    assert (first.text.count("<h3"), second.text.count("<h3")) == (50, 20)
    assert get(f"/ui/m/harbour/texts?{CELL}&limit=1000000").text.count("<h3") == 70
    assert "No own text" in get("/ui/m/harbour/texts?group=heron&start=1990-01-01&end=1990-04-01").text


def test_a_document_shows_all_that_is_known_of_it(get, ids):
    text = get(f"/ui/m/harbour/documents/{ids['heron-ar']}").text
    for said in (
        'dir="rtl" lang="ar"',
        "هذه الأرض لأهلها",
        "framing-2026-01-01",
        "in force",
        "more than a day ahead",
        "first of the page&#39;s own dates",
        "http://127.0.0.1:9/heron/1",
        "http://127.0.0.1:9/maple/901",
        "second coder",
        "quotes an elder",
        "48,213 bytes",
        "2026-01-02 06:30 UTC",
    ):
        assert said in text, said
    assert (
        "not here: the text counts where it was published first" in get(f"/ui/m/harbour/documents/{ids['repost']}").text
    )


def test_a_text_of_which_the_model_knows_no_word_has_no_probabilities(get, ids):
    text = get(f"/ui/m/harbour/documents/{ids['wordless']}").text
    assert "the model knows no word of this text" in text
    assert "meters" not in text
    assert "not framed" in get("/ui/m/harbour/texts?group=maple&start=2025-07-01&end=2025-10-01").text


def test_no_page_opens_a_watched_site(get, ids):
    for address in (f"/ui/m/harbour/documents/{ids['heron-ar']}", f"/ui/m/harbour/texts?{CELL}", DYAD, "/ui/"):
        for target in re.findall(r'(?:href|src|action)="([^"]*)"', get(address).text):
            assert not re.match(r"[a-z]+:|//", target), target


def test_crawled_text_is_never_interpreted(get, ids):
    cell = "/ui/m/harbour/texts?group=heron&start=2025-04-01&end=2025-07-01"
    for address in (f"/ui/m/harbour/documents/{ids['hostile']}", cell):
        text = get(address).text
        assert "&lt;script&gt;document.title" in text
        assert "<script>document" not in text
        assert "<img" not in text
        assert "onload=alert(1)>" not in text
        assert 'lang="und"' in text
    text = get(f"/ui/m/harbour/documents/{ids['hostile']}").text
    assert "{{ 7*7 }}" in text
    assert "&lt;b&gt;2025&lt;/b&gt;" in text
    assert "<b>" not in text


def test_reasons_and_flags_are_never_interpreted(get):
    for address in (DYAD + "?period=month", "/ui/m/harbour/trends?period=month", DYAD + "/balances.svg?period=month"):
        text = get(address).text
        assert "[b]silent[/b] &lt;script&gt;" in text, address
        assert "<script>document" not in text, address


@pytest.mark.parametrize(
    ("address", "status", "said"),
    [
        ("/ui/m/nobody/trends", 404, "No monitor of this name"),
        ("/ui/m/harbour/trends?group=nobody", 404, "no such group"),
        ("/ui/m/harbour/trends?group=%01", 404, "no such group"),
        ("/ui/m/harbour/trends?group=%00", 422, "a character that no text has (NUL, %00)"),
        ("/ui/m/harbour/models/%00", 422, "a character that no text has (NUL, %00)"),
        ("/ui/m/harbour/dyads/maple/heron", 404, "no such dyad"),
        (DYAD + "?period=year", 404, "measures no years"),
        (DYAD + "?period=eon", 422, "can&#39;t be read"),
        (DYAD + "/sources.svg", 404, "no such chart"),
        ("/ui/m/harbour/documents/999999", 404, "no such text"),
        (f"/ui/m/harbour/documents/{10**40}", 422, "can&#39;t be read"),
        ("/ui/m/harbour/texts?group=heron&start=2025-02-01&end=2025-01-01", 422, "ends before it starts"),
        ("/ui/m/harbour/texts?group=heron&start=x&end=y", 422, "can&#39;t be read"),
        ("/ui/m/harbour/texts?group=heron&start=9999-12-30&end=9999-12-31", 422, "from 1000-01-01 to 9998-12-31"),
        ("/ui/m/harbour/texts?group=heron&start=0001-01-01&end=2025-01-01", 422, "from 1000-01-01 to 9998-12-31"),
        ("/ui/static/..%2Fapp.py", 404, ""),
        ("/ui/static/secret", 404, "no such file"),
        ("/nothing", 404, "no such page"),
    ],
)
def test_what_is_not_there_is_said_in_words(get, address, status, said):
    answer = get(address)
    assert answer.status_code == status
    assert said in answer.text


def test_pages_ask_the_store_a_fixed_number_of_questions(get, ids, statements):
    for address, most in (
        ("/ui/", 12),  # whatever the number of monitors: see test_overviews
        ("/ui/m/harbour/trends", 2),
        ("/ui/m/harbour/trends?table=dyads&sort=-gap&q=maple", 2),
        ("/api/v1/monitors/harbour/trends", 1),
        ("/ui/m/harbour/trends.xlsx", 1),
        ("/ui/m/harbour/runs", 4),
        (DYAD + "?period=week", 11),
        (f"{DYAD}/explain?period=2025-Q1", 13),
        (f"/ui/m/harbour/texts?{CELL}", 5),
        (f"/ui/m/harbour/documents/{ids['heron-ar']}", 8),
        ("/ui/m/harbour/label", 6),
        ("/ui/m/harbour/label/settle", 6),
        ("/api/v1/monitors/harbour/label/progress", 5),
        ("/api/v1/monitors/harbour/label/agreement", 4),
        ("/ui/m/harbour/models", 12),  # six a codebook
        ("/ui/m/harbour/sources", 6),  # whatever the number of sources: see tests.collect.test_health
        ("/api/v1/monitors/harbour/sources", 6),
        ("/ui/m/harbour/sources/harbour-gazette", 22),
    ):
        statements.clear()
        assert get(address).status_code == 200
        asked = [s for s in statements if s.lstrip().upper().startswith(("SELECT", "WITH"))]
        assert len(asked) <= most, (address, asked)


def test_a_coder_is_asked_one_question_more_for_what_is_withheld(client, token, ids, statements):
    for address in (
        f"/ui/m/harbour/texts?{CELL}",
        "/api/v1/monitors/harbour/texts",
        f"/ui/m/harbour/documents/{ids['heron-ar']}",
        f"/api/v1/monitors/harbour/documents/{ids['heron-ar']}",
        f"{DYAD}/explain?period=2025-Q1",
    ):
        counts = []
        for who in ("viewer", "user"):
            statements.clear()
            assert client.get("/rift" + address, headers=token(who)).status_code == 200
            counts.append(sum(one.lstrip().upper().startswith(("SELECT", "WITH")) for one in statements))
        assert counts[1] <= counts[0] + 1, address


def test_links_work_beneath_any_prefix(get):
    for address, up in (
        ("/ui/", "./"),
        (DYAD, "../../../../"),
        ("/ui/m/harbour/trends", "../../"),
        ("/nothing", "ui/"),
    ):
        assert f'href="{up}static/style.css"' in get(address).text, address
    assert get("/ui").headers["location"] == "ui/"
