"""What overview, runs and trend table say, as pages, files and JSON."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import UTC, date, datetime

import openpyxl
import pyarrow.parquet as pq
import pytest

from pipeline.settings import Settings
from pipeline.store.published import pack
from pipeline.store.session import open_session
from pipeline.store.tables import Published
from tests.review.filled import MONITOR, fill
from tests.review.filling_overview import HOSTILE, MEASURED

pytestmark = [pytest.mark.airflow, pytest.mark.filterwarnings("ignore")]

API = "/api/v1/monitors/harbour"


# ---- overview


def test_the_overview_says_what_changed_what_is_due_and_what_is_in_trouble(get):
    text = get("/ui/").text
    for said in (
        "not enough evidence, in 2025-W45 (before: steady)",
        "Open alarm:",
        "went up from 2025-W49 to 2025-W51; not confirmed",
        "No text for 270 days",
        'href="m/harbour/sources/heron-news"',
        'href="./../../dags/collect__harbour__harbour-gazette" data-airflow',
        "due now",
        "All runs",
    ):
        assert said in text, said
    assert HOSTILE not in text
    assert "false alarm" not in text  # one dyad is no page of many


def test_a_page_of_many_dyads_says_how_many_false_alarms_to_expect(on_store, get, tmp_path, review_store):
    groups = [f"g{i:02d}" for i in range(40)]
    text = MONITOR.replace("groups:\n", "groups:\n" + "".join(f"  - {{id: {g}, name: {g}}}\n" for g in groups)).replace(
        "[[heron, maple]]", str([["heron", "maple"], *([g, "maple"] for g in groups)]).replace("'", "")
    )
    (tmp_path / "harbour.yaml").write_text(text)
    on_store(Settings(data=review_store[0].data, database_url=review_store[0].database, monitors=tmp_path))
    page = get("/ui/").text
    assert page.count("<article") == 41
    assert "up to 2.05 false alarms a year must be expected" in page
    assert get(API + "/overview").json()["expected_false_alarms"] == pytest.approx(2.05)


def test_a_page_of_many_monitors_shows_each_by_the_name_of_its_file(on_store, get, tmp_path, review_store):
    for number in range(40):
        told = MONITOR.replace("name: harbour", f"name: m{39 - number:02d}", 1).replace(
            "title: A quarrel", f"title: No. {number}, a quarrel", 1
        )
        (tmp_path / f"{number:02d}.yaml").write_text(told)
    (tmp_path / "19b.yaml").write_text(MONITOR)
    (tmp_path / "40.yaml").write_text(MONITOR.replace("name: harbour", "name: m07", 1))
    on_store(Settings(data=review_store[0].data, database_url=review_store[0].database, monitors=tmp_path))
    page = get("/ui/").text
    names = [f"m{39 - number:02d}" for number in range(40)]
    assert re.findall(r'<h2 id="([^"]+)">', page) == [*names[:20], "harbour", *names[20:]]
    assert page.count("<article") == 41
    assert "up to 2.05 false alarms a year must be expected" in page
    assert page.count("Open alarm:") == 1  # that of the one monitor of which something is stored
    assert "40.yaml:1: name: &#39;m07&#39; is the name of 32.yaml too" in page


def test_the_overview_as_json(get):
    told = get(API + "/overview").json()
    card = told["dyads"][0]
    assert (card["a"], card["b"], card["state"]) == ("heron", "maple", "not enough evidence")
    assert card["gaps"][-1]["label"] == "2025-Q4"
    assert card["gaps"][-1]["low"] is None
    assert card["alarm"]["found_at"].startswith("2025-12-31")
    assert {one["source"]: one["state"] for one in told["troubles"]} == {
        "heron-news": "silent",
        "maple-letters": "failing",
    }
    assert told["finds"][0]["new"] == 640
    assert told["news"][0]["kind"] == "alarm"
    assert told["sources"] == 4
    assert get("/api/v1/monitors/nobody/overview").status_code == 404


def test_a_card_tells_the_last_finished_gap_as_it_was_published(client, token):
    told = [
        client.get(f"/rift{API}/overview", headers=token(role)).json()["dyads"][0]["new_gaps"]
        for role in ("viewer", "user")
    ]
    (one,) = told[0]
    assert one["said"].startswith("2025-Q4, gap +")
    # what was published on its fortieth day is said to be of then
    assert [(r["at"][:10], r["running"]) for r in one["readings"]] == [("2026-01-03", False), ("2025-11-10", True)]
    assert one["at"] == one["readings"][0]["at"]
    assert one["said"] == f"2025-Q4, gap {one['readings'][0]['said']}"
    assert told[0] == told[1]  # a coder sees it as they see the card's gap


def test_a_gap_that_codings_corrected_anew_is_new_and_an_older_one_is_not_looked_at(on_store, get, tmp_path):
    made = Settings(data=tmp_path / "data", database_url="", monitors=tmp_path / "monitors")
    fill(made)
    on_store(made)

    def publish(start, end, codings):
        figures = {"gap": 0.314, "low": 0.12, "high": 0.5, "estimator": "corrected"}
        with open_session(made) as session:
            session.add(
                Published(
                    monitor="harbour", kind="gap", subject="heron--maple", period="quarter", start=start, end=end,
                    as_of=datetime(2026, 1, 9, tzinfo=UTC), figures=figures, digest="", documents=pack([]),
                    codings=pack(codings), code_version="0",
                )
            )  # fmt: skip
            session.commit()

    def told():
        return get(API + "/overview").json()["dyads"][0]["new_gaps"]

    before = told()
    publish(date(2025, 1, 1), date(2025, 4, 1), [1, 2])  # the fourth from the end
    publish(date(2025, 7, 1), date(2025, 10, 1), [])  # by no other codings than before
    assert told() == before
    publish(date(2025, 4, 1), date(2025, 7, 1), [1, 2])
    newest, other = told()
    assert newest == before[0]
    assert other["said"] == "2025-Q2, gap +0.31 (+0.12 to +0.50)"
    readings = [(one["at"][:10], one["running"]) for one in other["readings"]]
    assert readings[0] == ("2026-01-09", False)
    assert readings[-1] == ("2025-05-11", True)
    assert [running for _, running in readings].count(True) == 1
    page = get("/ui/").text
    assert page.count('class="small only-fresh"') == 2
    assert f'data-said="{other["said"]}" data-readings=\'[["2026-01-09T00:00:00.000+00:00", "+0.31 (+0.12 to' in page


# ---- runs


def test_the_runs_are_told_in_sentences_and_lead_into_airflow(get):
    text = get("/ui/m/harbour/runs").text
    assert "collect: 642 found, 640 new" in text
    assert 'href="../../../../dags/collect__harbour__heron-news" data-airflow>grid</a>' in text
    assert 'href="../../../../dags/measure" data-airflow>grid</a>' in text
    assert 'href="sources/heron-news"' in text
    assert "Older" in text


def test_runs_are_chosen_by_job_source_and_trouble(get):
    text = get("/ui/m/harbour/runs?job=retrain+framing").text
    assert text.count("<tr id=") == 1
    assert "all monitors" in text
    assert "dags/retrain__framing" in text
    assert get("/ui/m/harbour/runs?source=maple-letters&job=re-extract").text.count("<tr id=") == 1
    assert "No run fits this choice" in get("/ui/m/harbour/runs?job=nothing").text
    trouble = get(API + "/runs?trouble=1&source=heron-news").json()["runs"]
    # the store of the tests is older than the days that are looked at
    assert trouble == []
    assert "No run of the last 90 days" in get("/ui/m/harbour/runs?trouble=1").text


def test_what_a_run_met_is_never_interpreted(get):
    text = get("/ui/m/harbour/runs?job=import+codings").text
    assert HOSTILE not in text
    assert "&lt;script&gt;" in text
    assert "by hand" in text  # no DAG imports codings


def test_the_runs_as_json_page_by_page(get):
    first = get(API + "/runs?job=measure&limit=60").json()
    assert len(first["runs"]) == 60
    assert "import codings" in first["jobs"]
    rest = get(f"{API}/runs?job=measure&limit=60&before={first['older']}").json()
    assert len(rest["runs"]) == MEASURED + 1 - 60
    assert rest["older"] is None
    ids = [one["id"] for one in first["runs"] + rest["runs"]]
    assert len(set(ids)) == MEASURED + 1
    assert len(get(API + "/runs?limit=100000").json()["runs"]) <= 200
    assert rest["runs"][0]["airflow_path"] == "dags/measure"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("before=999999999", 404),
        ("before=0", 422),
        (f"before={10**30}", 422),
        ("job=%00", 422),
        ("source=" + "x" * 61, 422),
        ("trouble=perhaps", 422),
        ("limit=0", 422),
    ],
)
def test_what_is_no_run_is_said_in_words(get, query, status):
    for below in ("/ui/m/harbour/runs?", API + "/runs?"):
        answer = get(below + query)
        assert answer.status_code == status
        assert "<html" in answer.text or answer.json()["detail"]


# ---- trend table

VIEW = "group=heron&period=quarter&sort=-balance&column=balance&column=flags&column=measured_at"


def balances(rows):
    return [None if value in (None, "") else round(float(value), 6) for value in rows]


def test_one_view_is_the_same_in_every_form(get):
    names = ["group_id", "period", "start", "end", "balance", "flags", "measured_at"]
    told = get(f"{API}/trends?{VIEW}").json()
    assert [one["name"] for one in told["columns"]] == names
    assert told["total"] == 8
    assert told["names"] == {"heron": "Heron League", "maple": "Maple Covenant"}
    values = [row[4] for row in told["rows"]]
    assert values == sorted(values, reverse=True)
    assert told["labels"][0] == "2025-Q3"

    page = get(f"/ui/m/harbour/trends?{VIEW}").text
    assert page.index("2025-Q3</a>") < page.index("2025-Q2</a>") < page.index("2024-Q1</a>")
    assert 'aria-sort="descending"' in page
    for form in ("csv", "parquet", "xlsx", "json"):
        assert f"trends.{form}?" in page

    below = f"/ui/m/harbour/trends.{{}}?{VIEW}"
    lines = list(csv.DictReader(io.StringIO(get(below.format("csv")).content.decode("utf-8-sig"))))
    assert list(lines[0]) == names
    assert balances(line["balance"] for line in lines) == balances(values)
    records = json.loads(get(below.format("json")).text)
    assert [one["balance"] for one in records] == values
    assert pq.read_table(io.BytesIO(get(below.format("parquet")).content)).column("balance").to_pylist() == values
    workbook = get(below.format("xlsx"))
    assert workbook.headers["content-disposition"] == 'attachment; filename="harbour-trends-heron-quarter.xlsx"'
    sheet = openpyxl.load_workbook(io.BytesIO(workbook.content))
    assert [row[4] for row in sheet["trends"].iter_rows(min_row=2, values_only=True)] == values
    assert "columns" in sheet.sheetnames


def test_the_gaps_of_dyads_are_a_table_too(get):
    page = get("/ui/m/harbour/trends?table=dyads").text
    assert "Heron League less Maple Covenant" in page
    assert 'href="dyads/heron/maple?period=quarter#p-2025-Q1"' in page
    assert '<tr id="p-2025-Q1"' in get("/ui/m/harbour/dyads/heron/maple?period=quarter").text
    told = get(API + "/trends?table=dyads&period=&estimator=corrected&sort=gap&column=gap").json()
    values = [row[-1] for row in told["rows"]]
    assert values == sorted(values)
    assert len(values) == 7
    answer = get("/ui/m/harbour/trends.csv?table=dyads&group=maple")
    assert 'filename="harbour-gaps-maple-quarter.csv"' in answer.headers["content-disposition"]


def test_filters_reach_the_rows(get):
    def total(query):
        return get(f"{API}/trends?limit=1&{query}").json()["total"]

    assert total("") == 16
    assert total("period=") == 274
    assert total("q=LEAGUE&period=") == 137
    assert total("q=nobody") == 0
    assert total("from=2025-01-01&to=2025-06-30") == 4
    assert total("flagged=1") == 1
    assert total("estimator=none&period=week") == 6
    assert total("from=&to=&estimator=&sort=&q=&group=") == 16  # as a form sends what was left empty


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("sort=nothing", 422, "no column to sort by"),
        ("column=nothing", 422, "no such column"),
        ("group=nobody", 404, "no such group"),
        ("from=spring", 422, "write it as YYYY-MM-DD"),
        ("from=0001-01-01", 422, "A day must lie from 1000-01-01 to 9998-12-31"),
        ("estimator=guess", 422, ""),
        ("table=events", 422, ""),
        ("q=" + "x" * 101, 422, ""),
        ("flagged=perhaps", 422, ""),
    ],
)
def test_what_can_not_be_meant_is_said_in_words(get, query, status, said):
    for below in ("/ui/m/harbour/trends?", API + "/trends?", "/ui/m/harbour/trends.csv?"):
        answer = get(below + query)
        assert answer.status_code == status, below
        assert said in answer.text, below


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ("from=spring&to=2025-06-30", "The day &#39;spring&#39; can&#39;t be read; write it as YYYY-MM-DD."),
        ("from=2025-01-01&to=2025-02-30", "The day &#39;2025-02-30&#39; can&#39;t be read"),
        ("from=&to=9999-01-01", "A day must lie from"),
        ("from=2025-06-30&to=2025-01-01", "No period begins on 2025-06-30 or later and on 2025-01-01 or earlier"),
        ("from=%3Cb%3E&to=", "The day &#39;&lt;b&gt;&#39; can&#39;t be read"),
    ],
)
def test_days_that_can_not_be_meant_are_said_and_the_form_keeps_what_was_typed(get, days, said):
    more = "table=dyads&group=maple&q=cov&period=week&estimator=none&flagged=1&sort=-gap&column=gap"
    answer = get(f"/ui/m/harbour/trends?{more}&{days}")
    assert answer.status_code == 422
    text = answer.text
    first, last = (part.partition("=")[2].replace("%3Cb%3E", "&lt;b&gt;") for part in days.split("&"))
    for kept in (
        said,
        "No row is shown",
        f'name="from" value="{first}" aria-invalid="true" aria-describedby="wrong"',
        f'name="to" value="{last}" aria-invalid="true"',
        '<option value="maple" selected>',
        'name="q" value="cov"',
        "<option selected>week</option>",
        '<option value="none" selected>',
        'name="flagged" value="1" checked',
        'name="table" value="dyads"',
        'name="sort" value="-gap"',
        'name="column" value="gap" checked',
    ):
        assert kept in text, kept
    # the script would fetch the rows of all days
    assert "trends.js" not in text
    assert 'id="grid"' not in text


def test_a_search_for_names_takes_any_letters(get):
    for q in ("%01", "%25", "' OR 1=1 --", "%F0%9F%9B%B6", "\\"):
        assert get(f"{API}/trends?q={q}").json()["total"] == 0


def test_a_file_that_would_be_too_large_is_refused_in_words(get, monkeypatch):
    from pipeline.review.pages import trends

    monkeypatch.setitem(trends.MOST_ROWS, "xlsx", 10)
    answer = get("/ui/m/harbour/trends.xlsx")
    assert answer.status_code == 422
    assert "more than 10 rows" in answer.text
    assert get("/ui/m/harbour/trends.csv").status_code == 200
