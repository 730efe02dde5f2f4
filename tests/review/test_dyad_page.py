"""What the dyad page and its API say: alarms, criticism, panel, vintages, sheet, provenance; and nothing beyond it."""

from __future__ import annotations

import html
import json
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from markupsafe import escape
from sqlalchemy import func, select, update

from pipeline.review import criticism, dyad_facts
from pipeline.settings import Settings
from pipeline.store.directed import DirectedCell
from pipeline.store.session import open_session
from pipeline.store.tables import (
    AlarmLook,
    Assignment,
    Document,
    GapCell,
    KeptSheet,
    Published,
    Queue,
    QueueItem,
    RaisedAlarm,
    TrendCell,
)
from tests.review import filled
from tests.review.test_routes import ids, statements, table_of

__all__ = ["ids", "statements"]

pytestmark = [pytest.mark.airflow, pytest.mark.filterwarnings("ignore")]

DYAD = "/ui/m/harbour/dyads/heron/maple"
API = "/api/v1/monitors/harbour/dyads/heron/maple"


@pytest.fixture
def own(on_store, tmp_path):
    """A filled store of its own that the pages show and the test may change, and the ids of its rows."""
    made = Settings(data=tmp_path / "data", database_url="", monitors=tmp_path / "monitors")
    found = filled.fill(made)
    on_store(made)
    with open_session(made) as session:
        yield session, found


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
    assert "No text of it waits for coders yet" in text
    assert re.search(r"±0\.5.*?\d", text, re.DOTALL)
    assert "no finding" in text


def test_the_band_is_the_alarms_own_in_weeks_and_the_periods_own_elsewhere(get):
    assert "mean of the model&#39;s gap in the reference (2024-01-01 to" in get(DYAD + "?period=week").text
    said = "mean and standard deviation of the corrected gaps of the 4 quarters of the reference"
    assert said in get(DYAD).text
    # the band is that of the reference, whatever days the chart shows
    assert said in get(DYAD + "?since=2025-06-01").text
    assert "of the model&#39;s uncorrected gaps of the 12 months" in get(DYAD + "?period=month&since=2025-06-01").text
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


def test_criticism_stands_with_its_intervals_and_says_what_is_not_coded(get, monkeypatch):
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
    assert "No directed figure lies in the days of this view" in get(DYAD + "?period=month&since=2025-01-01").text
    monkeypatch.setattr(dyad_facts, "MOST_DIRECTED", 1)
    old = get(API + "?since=2024-01-01&until=2024-01-01").json()["criticism_of_b_by_a"]
    assert [one["period"] for one in old] == ["2024-Q1"]
    monkeypatch.undo()
    rows = table_of(get(DYAD + "/criticism.csv"))
    assert len(rows) == 16
    assert [(rows[0][name]) for name in ("kind", "period", "start")] == ["quarter", "2024-Q1", "2024-01-01"]
    assert {row["a"] for row in rows} == {"heron", "maple"}


def test_a_point_of_criticism_opens_the_texts_that_name_the_other(get):
    text = get(DYAD).text
    spots = {one[2].split(":")[0]: one[3] for one in spots_of(text, "criticism")}
    asked = "texts?group=maple&speaker=own&start=2025-01-01&end=2025-04-01&counting=1&names=heron"
    assert spots["Maple Covenant of Heron League, 2025-Q1"] == f"../../{asked}"
    assert "hostile or not" in text
    opened = get(f"/ui/m/harbour/{asked}")
    assert opened.status_code == 200
    assert "naming Heron League" in opened.text
    cell = DirectedCell(
        a="maple", b="heron", period="quarter", start=date(2025, 1, 1), end=date(2025, 4, 1), clusters=9, named=0,
        audited=0, coded=0, late=0, hostile=0.0, estimator="counted", hostile_share=None, hostile_low=None,
        hostile_high=None, rate=0.0, low=0.0, high=0.0, why=None, measured_at=datetime(2026, 1, 2, tzinfo=UTC),
    )  # fmt: skip
    assert criticism.series("a", "A", "B", [cell], "../").points[0].href is None  # nothing would be found


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
    assert 'published <time datetime="2024-04-03T' in text
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
    assert "the panel of this period is not made yet; the DAG sheets makes it" in months[0]["missing"]
    assert 'the DAG <span class="mono">sheets</span> makes it' in get(DYAD + "?sources=panel&period=month").text


def test_a_link_says_which_texts_it_opens_where_they_are_others(get):
    usual = get(DYAD).text
    assert 'data-opens="today' not in usual
    assert "opens today" not in usual
    for view in ("?sources=panel", "?series=vintage"):
        text = get(DYAD + view).text
        assert 'data-opens="today&#39;s texts of all sources"' in text
        assert re.search(r'title="\d+ texts, [^"]*; opens today&#39;s texts of all sources"', text)
        assert "leads to today&#39;s texts of all sources, which need not be those behind the figure" in text
    assert 'data-opens="the texts that name the other"' in usual


def test_days_bound_the_view_and_its_addresses_keep_it(get):
    text = get(DYAD + "?since=2025-02-01&until=2025-07-01").text
    assert re.findall(r'<tr id="p-([^"]+)"', text) == ["2025-Q3", "2025-Q2", "2025-Q1"]
    assert "maple?period=week&amp;since=2025-02-01&amp;until=2025-07-01" in text
    assert "maple/gap.png?period=quarter&amp;since=2025-02-01" in text
    # a form sends the days that were left empty too
    assert re.findall(r'<tr id="p-([^"]+)"', get(DYAD + "?since=2025-07-01&until=").text) == ["2025-Q4", "2025-Q3"]
    assert get(DYAD + "?series=vintage&as_of=2025-08-01&since=&until=").status_code == 200
    assert get(DYAD + "?since=&until=").status_code == 200
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


def test_days_that_can_not_be_meant_are_said_and_stay_in_the_form(get):
    query = "?period=month&series=vintage&since=2025-02-01&until=2025-01-01&as_of=2025-12-31"
    text = get(DYAD + query).text
    assert "The view ends (2025-01-01) before it begins (2025-02-01)" in text
    for kept in (
        'name="since" value="2025-02-01" aria-invalid="true"',
        'name="until" value="2025-01-01"',
        'name="as_of" value="2025-12-31"',
        'type="hidden" name="period" value="month"',
        'type="hidden" name="series" value="vintage"',
        'href="maple?period=month&amp;series=vintage">All periods',
    ):
        assert kept in text, kept
    bad = get(DYAD + "?since=spring+2025&sources=panel")
    assert bad.status_code == 422
    assert "The day &#39;spring 2025&#39; can&#39;t be read; write it as YYYY-MM-DD" in bad.text
    assert 'name="since" value="spring 2025"' in bad.text
    assert 'type="hidden" name="sources" value="panel"' in bad.text
    # files and the API have no form
    for address in (f"{DYAD}/gap.svg?since=spring", f"{API}?since=2025-02-01&until=2025-01-01"):
        assert get(address).status_code == 422


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
    (tmp_path / "monitors").mkdir()
    (tmp_path / "monitors" / "m.yaml").write_text(filled.MONITOR)
    on_store(Settings(data=tmp_path, database_url="", monitors=tmp_path / "monitors"))
    assert '<span class="mono">make_sheets</span> of the DAG <span class="mono">sheets</span>' in get(DYAD).text
    assert get(API + "/sheet").status_code == 404
    assert "the DAG sheets" in get(API + "/sheet").json()["detail"]
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
        "gap: 0.6274 was published, nothing comes out now",
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


def test_every_text_of_a_sheet_stands_on_the_page_as_text(get, own):
    session, _ = own
    kept = session.scalars(select(KeptSheet)).one()
    planted: list[tuple[str, str]] = []

    def plant(value: Any, name: str = "") -> Any:
        if isinstance(value, dict):
            return {key: one if key in {"a", "b"} else plant(one, key) for key, one in value.items()}
        if isinstance(value, list):
            return [plant(one, name) for one in value]
        if isinstance(value, str):
            planted.append((name, f"<i{len(planted)} x=\"'>"))  # of a model's name the page has twelve letters
            return planted[-1][1]
        return value

    exchanges = kept.sheet["exchanges"]
    untitled = [one | {"cited": [text | {"title": None} for text in one["cited"]]} for one in exchanges]
    for sheet, problem, not_shown in (
        (kept.sheet | {"exchanges": [*exchanges, *untitled]}, None, {"kind"}),
        (kept.sheet | {"exchanges": [], "exchanges_why": "too many texts"}, None, {"kind"}),
        ({}, "no model is in force", {"model"}),
    ):
        planted.clear()
        kept.sheet, kept.problem, kept.model = plant(sheet), plant(problem, "problem"), plant("0" * 64, "model")
        session.commit()
        text = get(DYAD).text
        assert re.search(r"<i\d", text) is None
        shown = {name for name, said in planted if str(escape(said)) in text}
        assert {name for name, _ in planted} - shown == not_shown


def test_a_saved_chart_says_what_it_is_and_what_it_holds_for(get):
    svg = get(DYAD + "/gap.svg").text
    for said in (
        ">Gap: balance of Heron League less balance of Maple Covenant per quarter</text>",
        "Hollow marks on a dashed line: the model alone, uncorrected.",
        "monitor “A quarrel at the harbour”, made 20",
        "Conclusions hold for the sources of this monitor",
    ):
        assert said in svg, said
    assert "As it stood on 2025-12-31." in get(DYAD + "/gap.svg?series=vintage&as_of=2025-12-31").text


def test_pictures_and_data_are_saved_under_the_views_name(get):
    png = get(DYAD + "/criticism.png?scale=1")
    assert png.content[:4] == b"\x89PNG"
    assert png.headers["content-disposition"] == 'attachment; filename="harbour-heron--maple-criticism-quarter.png"'
    panel = get(DYAD + "/points.csv?sources=panel&period=week")
    assert 'filename="harbour-heron--maple-week-panel.csv"' in panel.headers["content-disposition"].replace("--", "--")


def test_a_view_asks_the_store_a_fixed_number_of_questions(get, statements):
    for query, most in (("?period=week", 11), ("?series=vintage", 14), ("?sources=panel&period=week", 12)):
        statements.clear()
        assert get(DYAD + query).status_code == 200
        asked = [s for s in statements if s.lstrip().upper().startswith(("SELECT", "WITH"))]
        assert len(asked) <= most, (query, len(asked))


def test_an_open_alarm_leads_to_its_coders_without_naming_its_texts(get, own):
    session, ids = own
    texts = session.scalars(select(Document.id).order_by(Document.id).limit(12)).all()
    queue = Queue(monitor="harbour", variable="framing", drawn_at=datetime(2026, 1, 1, tzinfo=UTC), seed=5)
    session.add(queue)
    session.flush()
    items = [
        QueueItem(queue_id=queue.id, place=i, document_id=text, target="", draw="random", probability=0.5, coders=1)
        for i, text in enumerate(texts)
    ]
    session.add_all(items)
    session.flush()
    alarm = session.get_one(RaisedAlarm, ids["alarm"])
    alarm.queue_id, alarm.planned = queue.id, 12
    session.commit()
    text = get(DYAD + "?period=week").text
    assert "Its texts are coded among the others" in text
    assert "label?" not in text
    link = re.search(r'href="\.\./\.\./\.\./\.\./(m/harbour/label)">Code texts', text).group(1)
    assert get(f"/ui/{link}").status_code == 200

    def answer(some):
        at = datetime(2026, 1, 2, tzinfo=UTC)
        for item in some:
            session.add(
                Assignment(item_id=item.id, slot=1, coder="ana", leased_until=at, outcome="coded", finished_at=at)
            )
        session.commit()
        found = re.search(r"<p>([^<]*12 drawn texts are answered[^<]*?\))", get(DYAD + "?period=week").text)
        return found.group(1)

    assert answer(items[:3]) == "Fewer than 10 of 12 drawn texts are answered (told in steps of 10)"
    assert answer(items[3:10]).startswith("At least 10 of 12")
    # whoever answers one more can't see that it was the alarm's
    assert answer(items[10:11]).startswith("At least 10 of 12")


def test_an_alarm_that_holds_no_more_says_so_on_every_page(get, own):
    session, ids = own
    alarm = session.get_one(RaisedAlarm, ids["alarm"])
    alarm.confirmed_at = datetime(2025, 12, 28, tzinfo=UTC)
    figures = {"change": 0.1, "low": -0.2, "high": 0.4, "reference": 0.1, "present": 0.2, "holds": False}
    session.execute(update(AlarmLook).where(AlarmLook.alarm_id == alarm.id).values(figures=figures, why=None))
    session.commit()
    text = get(DYAD + "?period=week").text
    assert f"alarm {ids['alarm']}, open, no longer confirmed" in text
    moment = '<time datetime="2025-12-28T00:00:00Z" title="2025-12-28 00:00 UTC">2025-12-28 00:00 UTC</time>'
    assert f"It was confirmed on {moment} and holds no more." in text
    overview = get("/ui/").text
    assert f"from 2025-W49 to 2025-W51; it was confirmed on {moment} and holds no more" in overview
    assert "from 2025-W49 to 2025-W51; coders have confirmed it" not in overview


def test_the_band_does_not_mix_corrected_and_uncorrected_gaps(get, own):
    session, _ = own
    quarter = GapCell.period == "quarter"
    session.execute(update(GapCell).where(quarter, GapCell.start == date(2024, 1, 1)).values(estimator="uncorrected"))
    session.execute(update(GapCell).where(quarter, GapCell.start == date(2024, 4, 1)).values(gap=3.9))
    session.commit()
    text = get(DYAD).text
    assert "of the model&#39;s uncorrected gaps of the 4 quarters of the reference" in text
    mean = session.scalar(
        select(func.avg(TrendCell.model_balance)).where(
            TrendCell.group_id == "heron", TrendCell.period == "quarter", TrendCell.start < date(2025, 1, 1)
        )
    ) - session.scalar(
        select(func.avg(TrendCell.model_balance)).where(
            TrendCell.group_id == "maple", TrendCell.period == "quarter", TrendCell.start < date(2025, 1, 1)
        )
    )
    assert f"Band: +{mean:.2f}" in text


def test_what_was_computed_long_after_its_period_is_no_vintage(get, own):
    session, _ = own
    late = datetime(2026, 1, 2, 5, tzinfo=UTC)
    first = (Published.start == date(2024, 7, 1), Published.as_of >= datetime(2024, 10, 1, tzinfo=UTC))
    session.execute(update(Published).where(*first).values(as_of=late))
    session.commit()

    def point(query):
        return {one["period"]: one for one in get(f"{API}?series=vintage{query}").json()["points"]}["2024-Q3"]

    shown = point("")
    assert (shown["gap"], shown["state"], shown["a"]["balance"], shown["a"]["texts"]) == (None, None, None, 0)
    assert shown["missing"].startswith("first published on 2026-01-02, 458 days after its end: no reader saw")
    assert "`riftwatch replay`" in shown["a"]["missing"]
    assert point("&as_of=2026-01-02")["gap"] is not None  # so it stood on that day
    text = get(DYAD + "?series=vintage").text
    assert "that would be hindsight" in text
    assert "riftwatch backtest --replay" in text
    row = next(one for one in table_of(get(DYAD + "/points.csv?series=vintage")) if one["period"] == "2024-Q3")
    assert (row["gap"], row["state"]) == ("", "")
    session.execute(update(Published).where(Published.kind == "gap").values(as_of=late + timedelta(days=90)))
    session.commit()
    assert "No state was published in time" in get(DYAD + "?series=vintage").text


def test_charts_of_the_past_carry_nothing_that_was_learnt_later(get, ids):
    old, new = ids["old_alarm"], ids["alarm"]
    usual = get(DYAD + "/gap.svg").text
    assert f"alarm {old}, closed, was confirmed" in usual
    for query in ("?series=vintage", "?series=vintage&as_of=2025-12-31"):
        drawn = get(DYAD + "/gap.svg" + query).text
        assert f"alarm {old}, raised" in drawn
        assert f"alarm {new}, raised" in drawn
        assert "confirmed" not in drawn
        assert "closed" not in drawn
    then = get(DYAD + "/gap.svg?series=vintage&as_of=2025-03-17").text
    assert f"alarm {old}, raised" in then
    assert f"alarm {new}," not in then
    assert f"alarm {old}," not in get(DYAD + "/gap.svg?series=vintage&as_of=2025-03-16").text


def test_the_panel_has_neither_alarms_nor_states(get):
    assert "alarm" not in get(DYAD + "/gap.svg?sources=panel").text
    assert {one["state"] for one in get(API + "?sources=panel").json()["points"]} == {None}
    assert {one["state"] for one in table_of(get(DYAD + "/points.csv?sources=panel"))} == {""}
    text = get(DYAD + "?sources=panel").text
    assert 'class="strip"' not in text
    assert "States are judged of all sources" in text
    assert 'class="strip"' in get(DYAD).text


def test_a_published_figure_leads_to_how_that_very_one_was_made(get, own):
    session, _ = own
    row = session.scalars(
        select(Published).where(
            Published.kind == "gap",
            Published.start == date(2024, 1, 1),
            Published.as_of >= datetime(2024, 4, 1, tzinfo=UTC),
        )
    ).one()
    names = [column.name for column in Published.__table__.columns if column.name != "id"]
    again = {name: getattr(row, name) for name in names} | {
        "as_of": row.as_of + timedelta(hours=3, microseconds=7), "digest": "again",
        "figures": row.figures | {"gap": 1.5},
    }  # fmt: skip
    session.add(Published(**again))
    session.commit()
    text = html.unescape(get(DYAD + "?series=vintage").text)
    query = re.search(r'href="maple/(explain\?period=2024-Q1&at=[^"]+)"', text).group(1)
    page = html.unescape(get(f"{DYAD}/{query}").text)
    of_json = re.search(r'dyads/heron/maple/(explain\?[^"]+)">JSON', page).group(1)
    figure = get(f"{API}/{of_json}").json()["figure"]
    assert datetime.fromisoformat(figure["as_of"]) == row.as_of
    assert "at=" in of_json
    # by the day alone it is the last one of that day
    whole = get(f"{API}/explain?period=2024-Q1&as_of=2024-04-03").json()["figure"]
    assert datetime.fromisoformat(whole["as_of"]) == again["as_of"]
    side = re.search(r'href="maple/(explain\?period=2024-Q1&subject=heron&at=[^"]+)"', text).group(1)
    assert get(f"{DYAD}/{side}").status_code == 200
    for below in (DYAD, API):
        for moment in ("0001-01-01T00:00:00%2B14:00", "9999-12-31T23:59:59-14:00"):
            assert get(f"{below}/explain?period=2024-Q1&at={moment}").status_code == 422
    assert get(f"{API}/explain?period=2024-Q1&at=2024-04-03T00:00:00").status_code == 422
