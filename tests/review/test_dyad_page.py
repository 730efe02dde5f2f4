"""What the dyad page and its API say: alarms, criticism, panel, vintages, sheet, provenance; and nothing beyond it."""

from __future__ import annotations

import json
import re
from datetime import datetime

import pytest

from tests.review import filled
from tests.review.test_routes import ids, statements, table_of

__all__ = ["ids", "statements"]

pytestmark = [pytest.mark.airflow, pytest.mark.filterwarnings("ignore")]

DYAD = "/ui/m/harbour/dyads/heron/maple"
API = "/api/v1/monitors/harbour/dyads/heron/maple"


def spots_of(text: str, chart: str) -> list:
    found = re.search(rf'<script type="application/json" id="spots-{chart}">(.*?)</script>', text, re.DOTALL)
    return json.loads(found.group(1))


def test_alarms_stand_with_their_state_their_figures_and_what_coders_said(get, ids):
    text = get(DYAD + "?period=week").text
    assert f"alarm {ids['old_alarm']}, closed, was confirmed" in text
    assert f"alarm {ids['alarm']}, open, codings needed" in text
    assert "Closed on 2025-11-24: C was zero for 8 periods in a row." in text
    assert re.search(r"In 2026-W01: C\+ = [\d.]+, C− = [\d.]+; an alarm is raised above h = 9\.7", text)
    assert "at most 0.05 false alarms a year" in text
    assert "Nothing can be said yet: no texts are drawn for its confirmation yet" in text
    assert "Code texts of this alarm" in text
    assert re.search(r"±0\.5.*?\d", text, re.DOTALL)
    assert "no finding" in text


def test_the_band_is_the_alarms_own_in_weeks_and_the_periods_own_elsewhere(get):
    assert "mean of the model&#39;s gap in the reference (2024-01-01 to" in get(DYAD + "?period=week").text
    assert "mean and standard deviation of the 4 quarters of the reference" in get(DYAD).text
    assert "drawn without the band" in get(DYAD + "?sources=panel").text


def test_every_point_can_be_read_and_leads_to_its_texts(get):
    spots = spots_of(get(DYAD).text, "balances")
    assert len(spots) == 16
    said = {one[2]: one[3] for one in spots}
    assert said["Heron League, 2025-Q1: +0.32 (+0.15 to +0.49); 81 texts from 2 sources, 20 coded"] == (
        "../../texts?group=heron&start=2025-01-01&end=2025-04-01"
    )
    assert spots == sorted(spots, key=lambda one: one[0])
    gaps = spots_of(get(DYAD + "?period=week").text, "gap")
    missing = [one for one in gaps if "outage" in one[2]]
    assert len(missing) == 6
    assert all(one[3] is None for one in missing)
    text = get(DYAD + "?period=week").text
    rows = {f"#{name}" for name in re.findall(r'<tr id="([^"]+)"', text)}
    assert len(rows) == 104
    elsewhere = {one[3] for one in gaps if one[3]} - rows
    # the table lists the newest 104; an older point leads to the view of its own period
    assert elsewhere == {"?period=week&since=2024-01-01&until=2024-01-01#p-2024-W01"}
    assert "The newest 104 of 105 periods" in text
    narrow = get(DYAD + elsewhere.pop().split("#")[0]).text
    assert re.findall(r'<tr id="([^"]+)"', narrow) == ["p-2024-W01"]


def test_criticism_stands_with_its_intervals_and_says_what_is_not_coded(get):
    text = get(DYAD).text
    assert "Random codings in the periods shown: Heron League of Maple Covenant: 63 of 144 texts" in text
    said = [one[2] for one in spots_of(text, "criticism")]
    of_maple = next(one for one in said if one.startswith("Maple Covenant of Heron League, 2025-Q1"))
    assert re.search(
        r": hostile 11\.0% \(9\.0% to 14\.0%\); 20 of \d+ texts name Heron League, 9 of them coded$", of_maple
    )
    assert any("not enough: 0 random codings of criticism" in one for one in said)
    assert "blame without a name is out of scope" in text
    assert "No directed figures are stored yet" in get(DYAD + "?period=month").text
    rows = table_of(get(DYAD + "/criticism.csv"))
    assert len(rows) == 16
    assert {row["a"] for row in rows} == {"heron", "maple"}


def test_the_vintage_series_is_never_the_current_one(get):
    def gaps(query: str) -> dict[str, float]:
        return {p["period"]: p["gap"] for p in get(f"{API}?period=quarter{query}").json()["points"]}

    current, first = gaps(""), gaps("&series=vintage")
    then = gaps("&series=vintage&as_of=2025-12-31")
    assert current["2025-Q1"] == pytest.approx(first["2025-Q1"] + 0.1)
    assert then["2025-Q1"] == pytest.approx(current["2025-Q1"])
    assert then["2024-Q1"] == pytest.approx(first["2024-Q1"])
    # what was published while a period ran is no first figure of it, but it is what a reader of that day saw
    assert first["2025-Q4"] == pytest.approx(current["2025-Q4"] - 0.1)
    assert then["2025-Q4"] == pytest.approx(current["2025-Q4"] - 0.3)
    text = get(DYAD + "?series=vintage").text
    assert "first published after its period had ended" in text
    assert "published 2024-04-03" in text
    assert "As it stood on" in text
    rows = table_of(get(DYAD + "/points.csv?series=vintage"))
    assert rows[0]["published"].startswith("2024-04-03")
    assert "Nothing was published by then" in get(DYAD + "?series=vintage&as_of=2020-01-01").text


def test_the_fixed_panel_stands_beside_all_sources(get):
    text = get(DYAD + "?sources=panel").text
    assert "heron-news (100%)" in text
    assert "heron-news/late (no text in 3 of 8 periods)" in text
    shown = get(f"{API}?sources=panel").json()["points"]
    usual = get(API).json()["points"]
    for one, other in zip(shown, usual, strict=True):
        assert one["a"]["balance"] == pytest.approx(other["a"]["balance"] - 0.05, abs=1e-3)
        assert one["gap"] == pytest.approx(other["gap"], abs=1e-3)
        assert (one["estimator"], one["low"]) == ("uncorrected", None)
    weeks = get(f"{API}?sources=panel&period=week").json()["points"]
    gone = next(one for one in weeks if one["period"] == "2024-W20")
    assert gone["gap"] is None
    assert gone["missing"] == "maple: outage: the provider was down"
    months = get(f"{API}?sources=panel&period=month").json()["points"]
    assert "the panel of this period is not made yet" in months[0]["missing"]


def test_days_bound_the_view_and_its_addresses_keep_it(get):
    text = get(DYAD + "?since=2025-02-01&until=2025-07-01").text
    assert re.findall(r'<tr id="p-([^"]+)"', text) == ["2025-Q3", "2025-Q2", "2025-Q1"]
    assert "maple?period=week&amp;since=2025-02-01&amp;until=2025-07-01" in text
    assert "maple/gap.png?period=quarter&amp;since=2025-02-01" in text
    assert "No figure lies in this view" in get(DYAD + "?since=1999-01-01&until=1999-02-01").text


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("?since=2025-02-01&until=2025-01-01", 422, "ends (2025-01-01) before it begins"),
        ("?series=vintage&sources=panel", 422, "No figure of the fixed panel is published"),
        ("?as_of=2025-01-01", 422, "Only the vintage series"),
        ("?since=0001-01-01", 422, "A day must lie from"),
        ("?series=older", 422, "can&#39;t be read"),
        ("/explain?period=2025-Q9", 422, "is no period"),
        ("/explain?period=1999-Q1", 404, "figures were published from 2024-01-01 to 2025-10-01"),
        ("/explain?period=2025-Q1&subject=gull", 404, "ask for gap, heron or maple"),
        ("/gap.png?scale=40", 422, "can&#39;t be read"),
        ("/words.png", 404, "no such chart"),
    ],
)
def test_what_cant_be_shown_is_said_in_words(get, query, status, said):
    answer = get(DYAD + query)
    assert answer.status_code == status
    assert said in answer.text


def test_the_sheet_and_the_words_say_how_old_they_are_and_what_makes_them(get, on_store, review_store, tmp_path):
    text = get(DYAD).text
    assert "Made " in text
    assert "riftwatch sheet heron maple --keep" in text
    for said in ("river", "covenant", "2 and 11 texts, 20 of each are needed", "needs scores without masking", "13%"):
        assert said in text, said
    assert "leave-out partisanship of words: 0.512" in text
    assert "20 are followed by one that names it, half of them within 2.5 days" in text
    assert "cited by 3 texts: 2 by link, 0 by title, 1 in its own words" in text
    assert "It cites none of its texts." in text
    assert "typical of Heron League (uses by either)" not in text  # they stand in the table
    words = get(API + "/words").json()
    assert [one["word"] for one in words["languages"][0]["of_a"]] == ["river", "soil"]
    assert get(API + "/sheet").json()["rows"][0]["change"] == 0.52
    from pipeline.settings import Settings

    (tmp_path / "monitors").mkdir()
    (tmp_path / "monitors" / "m.yaml").write_text(filled.MONITOR)
    on_store(Settings(data=tmp_path, database_url="", monitors=tmp_path / "monitors"))
    assert "a job makes it" in get(DYAD).text
    assert get(API + "/sheet").status_code == 404
    assert "--keep" in get(API + "/words").json()["detail"]
    assert get(API).json()["points"] == []
    assert get("/api/v1/monitors/harbour/dyads").json()[0]["state"] == "not enough evidence"


def test_a_figure_says_how_it_was_made(get):
    text = get(DYAD + "/explain?period=2025-Q1").text
    for said in (
        "Gap of Heron League and Maple Covenant, 2025-Q1: how it was made",
        "balance of the one minus balance of the other",
        "30 different texts then",
        "riftwatch trends explain heron--maple 2025-Q1",
        "Published before",
        "it differs",  # the texts in this store were never measured into that figure
    ):
        assert said in text, said
    side = get(DYAD + "/explain?period=2025-Q1&subject=heron").text
    assert "prediction-powered inference" in side
    answer = get(API + "/explain?period=2025-Q1&most=5").json()
    assert len(answer["figure"]["texts"]) == 5
    assert answer["figure"]["texts_then"] == 30
    assert answer["figure"]["codebook_version"] == 1
    assert answer["figure"]["code_version"] == "0.1.0+test"
    assert datetime.fromisoformat(answer["figure"]["as_of"]).year == 2025
    early = get(API + "/explain?period=2025-Q1&as_of=2025-03-01").json()["figure"]
    assert early["texts_then"] == 3
    assert get(API + "/explain?period=2025-Q1&most=100000").status_code == 422


def test_a_figure_of_very_many_texts_is_not_made_again_in_a_request(get, monkeypatch):
    from pipeline.review.pages import dyad

    monkeypatch.setattr(dyad, "MOST_VERIFIED", 29)
    assert "too many to make it again" in get(DYAD + "/explain?period=2025-Q1").text


def test_hostile_words_are_never_interpreted(get):
    text = get(DYAD).text
    assert "<script>document" not in text
    assert text.count("&lt;script&gt;document") >= 2  # a word and a judgement of the sheet
    month = get(DYAD + "?period=month").text
    assert "<script>document" not in month
    assert any("[b]silent[/b] <script>" in one[2] for one in spots_of(month, "gap"))


def test_pictures_and_data_are_saved_under_the_views_name(get):
    png = get(DYAD + "/criticism.png?scale=1")
    assert png.content[:4] == b"\x89PNG"
    assert png.headers["content-disposition"] == 'attachment; filename="harbour-heron--maple-criticism-quarter.png"'
    panel = get(DYAD + "/points.csv?sources=panel&period=week")
    assert 'filename="harbour-heron--maple-week-panel.csv"' in panel.headers["content-disposition"].replace("--", "--")


def test_a_view_asks_the_store_a_fixed_number_of_questions(get, statements):
    for query, most in (("?period=week", 14), ("?series=vintage", 18), ("?sources=panel&period=week", 15)):
        statements.clear()
        assert get(DYAD + query).status_code == 200
        asked = [s for s in statements if s.lstrip().upper().startswith("SELECT")]
        assert len(asked) <= most, (query, len(asked))
