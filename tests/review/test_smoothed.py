"""The smoothed gaps on the dyad page, in its files and its API: shown when asked for, and nothing but shown."""

from __future__ import annotations

import re
from datetime import date

import pytest
from sqlalchemy import delete, select

from pipeline.review import dyads
from pipeline.review.charts import COLOURS, series_spec
from pipeline.review.smoothed import NOT_MADE, periods_of, series, why_none
from pipeline.settings import Settings
from pipeline.store.session import open_session
from pipeline.store.tables import GapCell, KeptSmoothed, Published
from tests.review import filled
from tests.review.filling_dyad import MADE
from tests.review.test_routes import ids, statements, table_of, words_of

__all__ = ["ids", "statements"]

pytestmark = [pytest.mark.airflow, pytest.mark.filterwarnings("ignore")]

DYAD = "/ui/m/harbour/dyads/heron/maple"
SHOWN = DYAD + "?smoothed=true"
API = "/api/v1/monitors/harbour/dyads/heron/maple"
OTHER_VIEWS = ("?period=week", "?period=month", "?series=vintage", "?sources=panel")


@pytest.fixture
def own(on_store, tmp_path):
    """A filled store of its own that the pages show and the test may change."""
    made = Settings(data=tmp_path / "data", database_url="", monitors=tmp_path / "monitors")
    filled.fill(made)
    on_store(made)
    with open_session(made) as session:
        yield session


def section(text: str) -> str:
    """The words of the section, without its tags."""
    found = re.search(r'<section class="smoothed".*?</section>', text, re.DOTALL)
    return "" if found is None else " ".join(re.sub(r"<[^>]+>", " ", found.group(0)).split())


def gaps() -> list[GapCell]:
    spans = filled.periods_covering("quarter", date(2024, 1, 1), date(2025, 12, 31))
    return [filled.gap_cell(*(filled.trend_cell(group, span) for group in ("heron", "maple"))) for span in spans]


def kept(*points) -> KeptSmoothed:
    return KeptSmoothed(monitor="harbour", a="heron", b="maple", period="quarter", made_at=MADE, basis=1, points=points)


# --- rows in, periods and line out ---


def test_the_line_is_never_joined_over_what_is_missing_or_not_smoothed():
    rows = gaps()
    rows[2].gap, rows[2].estimator, rows[2].missing = None, None, "maple: silent"
    some = kept(
        ["2024-01-01", 0.2, 0.0, 0.4, None],
        ["2024-04-01", 0.1, -0.1, 0.3, None],
        ["2024-10-01", 0.3, 0.1, 0.5, None],
        ["2025-01-01", 0.7, None, None, "the balance of maple is not corrected"],
        ["2025-04-01", 0.6, 0.4, 0.8, None],
        ["2025-07-01", 0.7, 0.5, 0.9, None],
    )
    periods = periods_of(some, rows)
    assert [one.value for one in periods] == [0.2, 0.1, None, 0.3, None, 0.6, 0.7, None]
    assert [one.why for one in periods] == [
        *(None, None, "maple: silent", None, "the balance of maple is not corrected", None, None),
        "not there when this was made",
    ]
    drawn = series_spec([series("S", periods, dyads.anchor_of)], [], title="t", value_title="v", height=200)
    layers = {}
    for layer in drawn["layer"]:
        layers.setdefault(layer["mark"]["type"], []).append(layer)
    (line,) = layers["line"]
    runs = {}
    for row in line["data"]["values"]:
        runs.setdefault(row["run"], []).append(row["y"])
    assert list(runs.values()) == [[0.2, 0.1], [0.6, 0.7]]  # 0.3 stands alone, and has its dash
    dashes, small = layers["point"]
    assert (dashes["mark"]["shape"], [row["y"] for row in dashes["data"]["values"]]) == (
        "stroke",
        [0.2, 0.1, 0.3, 0.6, 0.7],
    )
    # corrected gaps are shown whether they are smoothed or not; the model's alone is no such mark
    assert small["mark"]["fill"] == COLOURS["ink"]
    assert [row["y"] for row in small["data"]["values"]] == [
        row.gap for row in rows if row.estimator == "corrected" and row.gap is not None
    ]
    bars = next(layer for layer in layers["rule"] if layer["mark"].get("strokeOpacity"))
    assert [(row["y"], row["y2"]) for row in bars["data"]["values"]] == [
        *((0.0, 0.4), (-0.1, 0.3), (0.1, 0.5), (0.4, 0.8), (0.5, 0.9)),
    ]
    strips = [row["said"] for layer in layers["rect"] for row in layer["data"]["values"]]
    assert strips == [
        "S, 2024-Q3: not smoothed: maple: silent",
        "S, 2025-Q1: not smoothed: the balance of maple is not corrected",
        "S, 2025-Q4: not smoothed: not there when this was made",
    ]


def test_a_gap_that_is_not_corrected_any_more_has_no_smoothed_one():
    rows = gaps()[:1]
    rows[0].estimator = "uncorrected"
    (one,) = periods_of(kept(["2024-01-01", 0.2, 0.0, 0.4, None]), rows)
    assert (one.value, one.low, one.why) == (None, None, "the gap is not corrected any more")


def test_a_point_says_both_values_and_that_all_is_coded_only_where_it_is():
    rows = gaps()[:1]
    point = series("S", periods_of(kept(["2024-01-01", 0.2, 0.2, 0.2, None]), rows), dyads.anchor_of).points[0]
    assert point.said == "Smoothed gap, 2024-Q1: +0.20 (+0.200 to +0.200); corrected gap +0.15"
    coded = series("S", periods_of(kept(["2024-01-01", 0.2, 0.2, 0.2, None]), rows), dyads.anchor_of, {rows[0].start})
    assert "(all coded)" in coded.points[0].said


def test_where_nothing_is_smoothed_one_sentence_says_why_and_what_to_do():
    assert why_none(None, periods_of(None, gaps())) == NOT_MADE
    none = kept(["2024-01-01", 0.2, None, None, "heron is corrected in 1 other period, 2 are needed"])
    said = why_none(none, periods_of(none, gaps()))
    assert said.startswith("No quarter in this view is smoothed: that takes a corrected gap, and two other corrected")
    assert "`riftwatch label plan`" in said
    some = kept(["2024-01-01", 0.2, 0.1, 0.3, None])
    assert why_none(some, periods_of(some, gaps())) is None


# --- the page ---


def test_it_is_closed_until_asked_for_and_the_address_keeps_it(get):
    text = get(DYAD).text
    assert "Smoothed, for the eye" in text
    assert "enters no state, alarm, confirmation or published figure" in section(text)
    assert 'id="spots-smoothed"' not in text
    assert 'href="maple?period=quarter&amp;smoothed=true#smoothed">Show the smoothed gaps' in text
    text = get(SHOWN).text
    assert 'id="spots-smoothed"' in text
    assert 'href="maple?period=quarter#smoothed">Hide the smoothed gaps' in text
    assert '<input type="hidden" name="smoothed" value="true">' in text  # choosing days leaves it open
    # a view without smoothed gaps drops it
    assert 'href="maple?period=month"' in text
    assert 'href="maple?period=quarter&amp;series=vintage"' in text


def test_open_it_says_what_it_is_and_what_it_is_not(get):
    said = section(get(SHOWN).text)
    for words in (
        "in 95 of 100 draws whatever they say",
        "by at most .75 standard errors",
        "which is no evidence of calm",
        "The newest period leans on the past alone, and changes when later ones are coded.",
        "docs/smoother.md",
        "corrected gap",
    ):
        assert words in said, words
    shown = get(API).json()["smoothed"]["points"]
    rows = re.findall(r"(20\d\d-Q\d) ([+−]0\.\d\d) ([+−]\S+ to [+−]\S+) ([+−]0\.\d\d) ", said)
    assert [row[0] for row in rows] == [one["period"] for one in reversed(shown) if one["low"] is not None]
    assert len(rows) == 7
    assert "2025-Q4 the balance of heron is not corrected –" in said


@pytest.mark.parametrize("view", OTHER_VIEWS)
def test_only_the_audit_period_of_the_current_series_of_all_sources_has_it(get, view):
    assert section(get(DYAD + view).text) == ""
    assert get(API + view).json()["smoothed"] is None
    assert get(f"{DYAD}/smoothed.svg{view}").status_code == 404
    assert get(f"{DYAD}/smoothed.csv{view}").status_code == 404
    refused = get(f"{DYAD}{view}&smoothed=true")
    assert refused.status_code == 422
    assert "Only quarters of the current series are smoothed, of all sources" in refused.text


def test_days_bound_it_like_the_other_charts(get):
    text = get(SHOWN + "&since=2025-01-01&until=2025-06-30").text
    assert re.findall(r"20\d\d-Q\d(?= [+−])", section(text)) == ["2025-Q2", "2025-Q1"]
    bounded = section(get(SHOWN + "&since=2025-10-01").text)
    assert "No quarter in this view is smoothed" in bounded
    assert "Show" not in bounded


def test_it_is_read_with_one_question_more(get, statements):
    counts = []
    for query in ("?period=month", "", "?smoothed=true"):
        statements.clear()
        assert get(DYAD + query).status_code == 200
        counts.append(len([one for one in statements if one.lstrip().upper().startswith(("SELECT", "WITH"))]))
    assert counts[1] == counts[2] <= counts[0] + 1


def test_before_the_job_ran_and_after_a_new_measurement_the_page_says_so(get, own):
    newest = own.scalars(select(Published).where(Published.kind == "gap", Published.period == "quarter")).first()
    columns = {c.name: getattr(newest, c.name) for c in Published.__table__.columns if c.name not in {"id", "digest"}}
    assert "measured anew" not in get(SHOWN).text
    assert get(API).json()["smoothed"]["old"] is False
    # figures of weeks, and of other dyads, are no reason to make it again
    own.add(Published(**columns | {"period": "week", "digest": "w"}))
    own.add(Published(**columns | {"subject": "maple--heron", "digest": "o"}))
    own.commit()
    assert "measured anew" not in get(SHOWN).text
    own.add(Published(**columns, digest="new"))
    own.commit()
    for address in (DYAD, SHOWN):
        said = section(get(address).text)
        assert "The gap was measured anew since this was made; the DAG sheets makes it" in said
    assert get(API).json()["smoothed"]["old"] is True
    # the monitor's audit period was another one then: its points are of no period of this view
    own.scalars(select(KeptSmoothed)).one().period = "month"
    own.commit()
    assert "Not made yet" in section(get(DYAD).text)
    own.execute(delete(KeptSmoothed))
    own.commit()
    said = section(get(SHOWN).text)
    assert "Not made yet; the DAG sheets makes it after each measurement, by hand riftwatch sheet A B --keep" in said
    assert "Show the smoothed gaps" not in said
    assert get(API).json()["smoothed"] is None
    assert get(DYAD + "/smoothed.png").status_code == 404
    assert get(DYAD + "/smoothed.csv").status_code == 404


# --- files, API, and what it must not enter ---


def test_the_chart_and_its_data_are_saved_and_say_what_they_are(get):
    svg = get(DYAD + "/smoothed.svg")
    assert svg.headers["content-disposition"] == 'attachment; filename="harbour-heron--maple-smoothed-quarter.svg"'
    said = words_of(svg.text)
    assert "Smoothed gap of Heron League and Maple Covenant per quarter, for the eye" in said
    assert "smoothed, for the eye, in no state, alarm or published figure" in said
    assert "corrected by random codings, bar" not in said
    assert get(DYAD + "/smoothed.png?scale=1").content[:4] == b"\x89PNG"
    rows = table_of(get(DYAD + "/smoothed.csv?smoothed=true"))
    shown = {one["period"]: one for one in get(API).json()["smoothed"]["points"]}
    usual = {one["period"]: one for one in get(API).json()["points"]}
    assert [row["period"] for row in rows] == list(shown) == list(usual)
    for row in rows:
        one, gap = shown[row["period"]], usual[row["period"]]
        if one["low"] is None:
            assert (row["smoothed"], row["low"], row["corrected_gap"]) == ("", "", "")
            assert row["why"] == one["why"] == "the balance of heron is not corrected"
            continue
        assert float(row["smoothed"]) == one["value"]
        assert float(row["corrected_gap"]) == gap["gap"]
        assert one["low"] < one["value"] < one["high"]
        assert one["low"] < gap["gap"] < one["high"]


def test_no_figure_is_made_of_it(get, own):
    addresses = [
        *(f"{DYAD}/{file}" for file in ("points.csv", "explain?period=2025-Q1", "gap.svg", "criticism.csv")),
        *(f"{API}/explain?period=2025-Q1", "/ui/m/harbour/trends.csv?table=dyads", "/api/v1/monitors/harbour/dyads"),
    ]

    def without_clock(address: str) -> str:
        return re.sub(r"made 20[\d: -]+ UTC", "", get(address).text)

    before = {address: without_clock(address) for address in addresses}
    usual = get(API).json()
    row = own.scalars(select(KeptSmoothed)).one()
    row.points = [[start, 9.0, 8.0, 9.9, None] for start, *_ in row.points]
    own.commit()
    assert get(API).json()["smoothed"]["points"][0]["value"] == 9.0
    for address in addresses:
        assert without_clock(address) == before[address], address
    assert {**get(API).json(), "smoothed": None} == {**usual, "smoothed": None}


def test_coders_see_in_it_what_every_viewer_sees(client, token):
    seen = [section(client.get("/rift" + SHOWN, headers=token(who)).text) for who in ("viewer", "user")]
    assert seen[0] == seen[1]
    shown = [client.get("/rift" + API, headers=token(who)).json()["smoothed"] for who in ("viewer", "user")]
    assert shown[0] == shown[1]
    # published figures of groups, and no text or coding
    assert set(shown[0]) == {"made_at", "old", "points"}
    assert {name for one in shown[0]["points"] for name in one} == {
        *("period", "start", "end", "value", "low", "high", "why"),
    }
