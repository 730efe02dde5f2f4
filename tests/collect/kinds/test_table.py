import csv
import gzip
import io
import json
from collections import Counter
from datetime import UTC, datetime

import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet
from sqlalchemy import select

from pipeline.collect.job import collect
from pipeline.collect.kinds.rows import BadRow, Row, _csv_rows, rows
from pipeline.collect.kinds.table import _source_name
from pipeline.store.session import open_session
from pipeline.store.tables import Document

COLUMNS = {"text": "body", "date": "day", "id": "number"}


def table(settings, watch, path, text, **fields):
    """Imports a table; returns the report and the documents."""
    path.write_text(text, encoding="utf-8")
    return imported(settings, watch, path, **{"columns": COLUMNS, **fields})


def imported(settings, watch, path, **fields):
    report = collect(settings, watch(kind="table", path=path, **fields), "letters")
    with open_session(settings) as session:
        return report, session.scalars(select(Document).order_by(Document.address)).all()


def test_columns_are_mapped(store_settings, watch, tmp_path):
    text = (
        "\ufeffnumber,day,body,name,url,lang,who,where\n"
        '1,2009-09-19,"One text,\nof two lines",First,https://a.example/1?utm_source=x,en,H,paper\n'
        "2,1946,Another text of words,Second,,ps,A,radio\n"
        "3,2009-09-20,Left out since nobody asked,Third,,en,X,paper\n"
    )
    columns = {**COLUMNS, "title": "name", "address": "url", "language": "lang", "group": "who", "source": "where"}
    groups = {"H": "home", "A": "abroad"}
    report, documents = table(
        store_settings, watch, tmp_path / "t.csv", text, columns=columns, groups=groups, group=None
    )
    assert (report.found, report.new, report.failed) == (2, 2, 0)
    web, row = documents
    assert (web.address, row.address) == ("https://a.example/1", "table:letters/2")
    assert (web.title, web.group_id, web.source) == ("First", "home", "letters/paper")
    assert web.text == "One text,\nof two lines"
    assert (row.group_id, row.source) == ("abroad", "letters/radio")
    assert (web.published_at, row.published_at) == (datetime(2009, 9, 19, tzinfo=UTC), datetime(1946, 1, 1, tzinfo=UTC))
    assert web.published_origin == "table"
    assert report.problems == ("1 rows of other groups (X) left out",)
    assert (report.first, report.last) == (row.published_at, web.published_at)


def test_wrong_rows_are_named_by_line_and_the_others_come_in(settings, watch, tmp_path):
    text = (
        "number,day,body\n"
        "1,2009-01-01,good words\n"
        "2,2009-01-02\n"  # too short
        "3,soon,words without a date\n"
        '4,2009-01-04,"words over\ntwo lines"\n'
        "5,2009-01-05,\n"  # no text
        "6,,words\n"  # no date
        "1,2009-01-07,the same number\n"
        "8,2009-01-08,...\n"  # no words
        "9,2009-01-09,good again\n"
    )
    report, documents = table(settings, watch, tmp_path / "t.csv", text)
    assert [d.address for d in documents] == [f"table:letters/{n}" for n in (1, 4, 9)]
    assert documents[0].text == "good words"
    assert report.failed == 6
    problems = "\n".join(report.problems)
    for line, word in ((3, "2 fields"), (4, "'soon'"), (7, "no text"), (8, "no date"), (9, "already")):
        assert f"t.csv line {line}: left out" in problems
        assert word in problems
    assert "no words" in problems


def test_a_second_import_changes_nothing_and_a_changed_row_is_updated(settings, watch, tmp_path):
    path = tmp_path / "t.csv"
    first, _ = table(settings, watch, path, "number,day,body\n1,2009-01-01,one\n2,2009-01-02,two\n")
    second, _ = imported(settings, watch, path, columns=COLUMNS)
    third, documents = table(settings, watch, path, "number,day,body\n1,2009-01-01,one\n2,2009-01-02,two changed\n")
    assert [(r.new, r.known, r.updated) for r in (first, second, third)] == [(2, 0, 0), (0, 2, 0), (0, 1, 1)]
    assert documents[1].text == "two changed"


def test_rows_without_id_are_told_apart_by_all_they_say(settings, watch, tmp_path):
    text = "who,day,body\nH,2009-01-01,the same\nA,2009-01-01,the same\nH,2009-01-02,the same\nH,2009-01-01,the same\n"
    columns = {"text": "body", "date": "day", "group": "who"}
    report, documents = table(
        settings, watch, tmp_path / "t.csv", text, columns=columns, groups={"H": "home", "A": "abroad"}, group=None
    )
    assert (report.new, report.reposts, report.failed) == (3, 2, 1)
    assert len({d.cluster_id for d in documents}) == 1


def test_rows_that_share_an_address_do_not_overwrite_each_other(settings, watch, tmp_path):
    text = "number,day,body,url\n1,2009-01-01,question,http://f.example/t\n2,2009-01-02,answer,http://f.example/t\n"
    report, documents = table(settings, watch, tmp_path / "t.csv", text, columns={**COLUMNS, "address": "url"})
    assert report.new == 2
    assert [d.address for d in documents] == ["http://f.example/t", "table:letters/2"]


def test_json_lines_packed_or_not(settings, watch, tmp_path):
    lines = [
        json.dumps({"number": 1, "day": "2009-01-01", "body": "words with \u0000 in them"}),
        "",
        '{"number": 2, "day": ',
        "[1]",
        json.dumps({"number": 3, "day": 2010, "body": "a year as a number"}),
        json.dumps({"number": 4, "day": "2009-01-01"}),
    ]
    path = tmp_path / "t.ndjson.gz"
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    report, documents = imported(settings, watch, path, columns=COLUMNS)
    assert [d.published_at.year for d in documents] == [2009, 2010]
    assert report.failed == 3
    assert any("line 3: left out: no JSON" in p for p in report.problems)


def test_dates_in_a_form_of_their_own(settings, watch, tmp_path):
    text = "number,day,body\n1,19.09.2009,words\n2,2009-09-19,words of another form\n"
    report, (document,) = table(settings, watch, tmp_path / "t.csv", text, date_format="%d.%m.%Y")
    assert document.published_at == datetime(2009, 9, 19, tzinfo=UTC)
    assert report.failed == 1


def test_a_window_leaves_other_rows(settings, watch, tmp_path):
    path = tmp_path / "t.csv"
    path.write_text("number,day,body\n1,1946,old words\n2,2009-01-02,new words\n")
    monitor = watch(kind="table", path=path, columns=COLUMNS)
    report = collect(settings, monitor, "letters", since=datetime(2000, 1, 1, tzinfo=UTC))
    assert (report.found, report.new, report.waiting) == (2, 1, 1)


def test_a_row_in_another_encoding_is_refused_and_not_garbled(settings, watch, tmp_path):
    rows = ["1,2009-01-01,good words", "2,2009-01-02,\u0628\u064a\u0627\u0646"]
    path = tmp_path / "t.csv"
    path.write_bytes(b"number,day,body\n" + rows[0].encode() + b"\n" + rows[1].encode("windows-1256") + b"\n")
    report, (document,) = imported(settings, watch, path, columns=COLUMNS)
    assert document.text == "good words"
    assert report.problems == ("t.csv line 3: left out: holds bytes that are not UTF-8; save the file as UTF-8",)


def test_what_a_spreadsheet_calls_unicode_is_read(settings, watch, tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("number,day,body\n1,2009-01-01,\u0628\u064a\u0627\u0646\n".encode("utf-16"))
    _, (document,) = imported(settings, watch, path, columns=COLUMNS)
    assert document.text == "\u0628\u064a\u0627\u0646"


def test_an_address_that_is_none_does_not_cost_the_text(settings, watch, tmp_path):
    text = "number,day,body,url\n1,2009-01-01,words,see the archive\n"
    report, (document,) = table(settings, watch, tmp_path / "t.csv", text, columns={**COLUMNS, "address": "url"})
    assert (document.address, report.new, report.failed) == ("table:letters/1", 1, 0)
    assert "its address 'see the archive' is none" in report.problems[0]


@pytest.mark.parametrize(
    ("name", "content", "word"),
    [
        ("t.csv", b"a,b\n1,2\n", "has no column body, day, number; it has: a, b"),
        ("T.CSV", b"a,b\n1,2\n", "has no column body, day, number; it has: a, b"),
        ("t.xlsx", b"PK", "unknown kind of table"),
        ("t.parquet", b"no parquet at all", "is no Parquet file"),
        ("gone.parquet", None, "can't be read"),
        ("t.csv.gz", b"no gzip", "can't be read to its end"),
        ("gone.csv", None, "can't be read"),
    ],
)
def test_files_that_are_wrong_altogether(settings, watch, tmp_path, name, content, word):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    report, documents = imported(settings, watch, tmp_path / name, columns=COLUMNS)
    assert (report.failed, documents) == (1, [])
    assert word in report.problems[0]


@pytest.mark.parametrize(("name", "content"), [("t.csv", ""), ("t.csv", "number,day,body\n"), ("t.jsonl", "\n")])
def test_a_table_without_rows_is_said_to_be_one(settings, watch, tmp_path, name, content):
    report, documents = table(settings, watch, tmp_path / name, content)
    assert (report.found, report.failed, documents) == (0, 0, [])
    assert "holds no row" in report.problems[0]


def test_a_gzip_file_cut_off_gives_the_rows_that_are_there(settings, watch, tmp_path):
    whole = "number,day,body\n" + "".join(f"{i},2009-01-01,text number {i * i * 7919}\n" for i in range(300))
    (tmp_path / "t.csv.gz").write_bytes(gzip.compress(whole.encode())[:-400])
    report, documents = imported(settings, watch, tmp_path / "t.csv.gz", columns=COLUMNS)
    assert report.new == len(documents) > 100
    assert report.failed == 1
    assert "can't be read to its end" in report.problems[-1]


def test_parquet(settings, watch, tmp_path):
    columns = {
        "number": [1, 2, None],
        "day": [datetime(2009, 9, 19, tzinfo=UTC), None, datetime(2010, 1, 1, tzinfo=UTC)],
        "body": ["a text", "b", "c text"],
    }
    parquet.write_table(pyarrow.table(columns), tmp_path / "t.parquet")
    report, documents = imported(settings, watch, tmp_path / "t.parquet", columns=COLUMNS)
    assert (report.new, report.failed) == (2, 1)
    assert "line 2: left out: no date" in report.problems[0]
    assert documents[0].address == "table:letters/1"
    assert documents[0].published_at == datetime(2009, 9, 19, tzinfo=UTC)


def test_times_that_python_has_none_for_cost_their_row_alone(tmp_path):
    times = pyarrow.array([0, 10**18, 1_000_000], pyarrow.timestamp("us"))  # the second lies in the year 33,658
    parquet.write_table(pyarrow.table({"day": times}), tmp_path / "t.parquet")
    first, second, third = rows(tmp_path / "t.parquet")
    assert isinstance(second, BadRow)
    assert "date value out of range" in second.reason
    assert [first.values["day"].second, third.values["day"].second] == [0, 1]


def test_json_nested_without_end_costs_its_line_alone(tmp_path):
    (tmp_path / "t.jsonl").write_text('{"a": 1}\n{"a": ' + "[" * 200_000 + '}\n{"a": 2}\n')
    first, second, third = rows(tmp_path / "t.jsonl")
    assert isinstance(second, BadRow)
    assert (first.values, second.line, third.values) == ({"a": 1}, 2, {"a": 2})


CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00\r"), max_size=30)


@given(st.lists(st.tuples(CELL, CELL), max_size=10))
def test_what_csv_writes_is_read_back(tmp_path_factory, cells):
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("a", "b"), *cells])
    assert [tuple(row.values.values()) for row in rows(path)] == cells


@given(st.text(max_size=300))
def test_no_text_breaks_the_csv_reader(text):
    assert all(isinstance(row, Row | BadRow) for row in _csv_rows(io.StringIO(text, newline="")))


def test_names_of_sources_fit_the_store():
    assert _source_name("posts", "paper") == "posts/paper"
    long = {_source_name("posts", "x" * 100 + str(i)) for i in range(3)}
    assert len(long) == 3
    assert all(len(name) <= 60 for name in long)


@pytest.mark.long
def test_the_general_debate(settings, watch, shared_data):
    states = ["GBR", "USA", "CHN", "RUS", "FRA", "ALB", "AFG", "YUG"]
    from pipeline.monitor import Monitor

    monitor = Monitor.model_validate(
        {
            "name": "ungd",
            "title": "UN general debate",
            "periods": ["year"],
            "groups": [{"id": state.lower(), "name": state} for state in states],
            "sources": [
                {
                    "id": "debate",
                    "kind": "table",
                    "speaker": "own",
                    "path": str(shared_data / "ungd" / "ungd.csv.gz"),
                    "columns": {"text": "text", "date": "year", "group": "iso3", "id": "source_path"},
                    "groups": {state: state.lower() for state in states},
                    "language": "en",
                }
            ],
        }
    )
    report = collect(settings, monitor, "debate")
    assert (report.found, report.new, report.failed, report.problems) == (571, 571, 0, ())
    assert (report.first.year, report.last.year) == (1946, 2024)
    with open_session(settings) as session:
        groups = Counter(session.scalars(select(Document.group_id)))
    assert groups == {"gbr": 79, "usa": 79, "chn": 78, "rus": 78, "fra": 74, "alb": 69, "afg": 63, "yug": 51}
