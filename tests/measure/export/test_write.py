import csv
import hashlib
import json
from datetime import UTC, date, datetime

import openpyxl
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.measure.export import write
from pipeline.measure.export.tables import ExportError, table
from pipeline.measure.export.write import write_export, write_workbook
from tests.measure.conftest import make_monitor

NOW = datetime(2024, 12, 31, 12, tzinfo=UTC)
MEANINGS = {
    "text": "a text",
    "number": "a number",
    "day": "a day",
    "time": "a time",
    "flags": "words",
    "count": "how many",
}
ROW = ["plain", -0.25, date(2024, 1, 1), NOW, ["one", "two"], 3]
FORMULAS = ["=1+1", "+1", "-1+2", "@SUM(A1)", " =cmd|' /C calc'!A0", "\t=1", "\r=1"]


def small(*rows):
    return table("small", "A small table", MEANINGS, list(rows) or [ROW])


def test_every_format_gives_the_values_back(tmp_path):
    empty = [None] * 6
    files = write_export(tmp_path, make_monitor(), [small(ROW, empty)], ["csv", "parquet", "json", "xlsx"], now=NOW)
    assert sorted(f.name for f in files) == ["datapackage.json", "m.xlsx", "small.csv", "small.json", "small.parquet"]
    assert sorted(f.name for f in tmp_path.iterdir()) == sorted(f.name for f in files)
    with (tmp_path / "small.csv").open(encoding="utf-8-sig", newline="") as lines:
        assert list(csv.reader(lines)) == [
            list(MEANINGS), ["plain", "-0.25", "2024-01-01", NOW.isoformat(), "one; two", "3"], [""] * 6
        ]  # fmt: skip
    first, second = json.loads((tmp_path / "small.json").read_text())
    assert first == {"text": "plain", "number": -0.25, "day": "2024-01-01", "time": NOW.isoformat(),
                     "flags": ["one", "two"], "count": 3}  # fmt: skip
    assert set(second.values()) == {None}
    read = pq.read_table(tmp_path / "small.parquet")
    assert read.to_pylist() == [
        dict(zip(MEANINGS, [*ROW[:4], '["one", "two"]', 3], strict=True)),
        dict.fromkeys(MEANINGS),
    ]
    assert read.schema.field("number").metadata[b"description"] == b"a number"
    sheet = openpyxl.load_workbook(tmp_path / "m.xlsx")["small"]
    assert [c.value for c in sheet[2]] == [
        "plain",
        -0.25,
        datetime.fromisoformat("2024-01-01"),
        NOW.replace(tzinfo=None),
        "one; two",
        3,
    ]
    assert [c.value for c in sheet[3]] == [None] * 6


def test_the_package_describes_every_file_as_it_is(tmp_path):
    write_export(tmp_path, make_monitor(), [small()], ["csv", "parquet"], now=NOW)
    package = json.loads((tmp_path / "datapackage.json").read_text())
    assert package["name"] == "m"
    assert len(package["resources"]) == 2
    for one in package["resources"]:
        content = (tmp_path / one["path"]).read_bytes()
        assert one["bytes"] == len(content)
        assert one["hash"] == "sha256:" + hashlib.sha256(content).hexdigest()
        assert [f["name"] for f in one["schema"]["fields"]] == list(MEANINGS)
    assert [f["type"] for f in package["resources"][0]["schema"]["fields"]] == [
        "string", "number", "date", "datetime", "string", "integer",
    ]  # fmt: skip


@pytest.mark.parametrize("text", FORMULAS)
def test_nothing_is_run_by_a_spreadsheet(tmp_path, text):
    write_export(tmp_path, make_monitor(), [small([text, -1.5, *ROW[2:4], [text], 1])], ["csv", "xlsx"], now=NOW)
    with (tmp_path / "small.csv").open(encoding="utf-8-sig", newline="") as lines:
        _, row = csv.reader(lines)
    assert row[0] == row[4] == "'" + text
    assert row[1] == "-1.5"
    sheet = openpyxl.load_workbook(tmp_path / "m.xlsx")["small"]
    for cell in (sheet["A2"], sheet["E2"]):
        assert cell.data_type == "s"
        # a workbook's XML spells a carriage return out
        assert cell.value.replace("_x000D_", "").strip() == text.strip()


@given(texts=st.lists(st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"))), min_size=1, max_size=5))
@settings(max_examples=25)
def test_texts_in_any_script_survive(tmp_path_factory, texts):
    folder = tmp_path_factory.mktemp("export")
    write_export(folder, make_monitor(), [small(*([t, *ROW[1:]] for t in texts))], ["csv", "json", "parquet"], now=NOW)
    assert [r["text"] for r in json.loads((folder / "small.json").read_text())] == texts
    assert pq.read_table(folder / "small.parquet")["text"].to_pylist() == texts
    with (folder / "small.csv").open(encoding="utf-8-sig", newline="") as lines:
        assert [row[0].removeprefix("'") for row in list(csv.reader(lines))[1:]] == [t.removeprefix("'") for t in texts]


def test_what_a_format_cant_hold_is_refused_and_leaves_no_half_file(tmp_path, monkeypatch):
    with pytest.raises(ExportError, match="unknown format 'xls'; write one or more of csv, parquet, json, xlsx"):
        write_export(tmp_path, make_monitor(), [small()], ["xls"], now=NOW)
    with pytest.raises(ExportError, match="no format is named"):
        write_export(tmp_path, make_monitor(), [small()], [], now=NOW)
    long = ["x" * 40_000, *ROW[1:]]
    with pytest.raises(ExportError, match=r"small, row 1, text: 40,000 characters"):
        write_export(tmp_path, make_monitor(), [small(long)], ["xlsx"], now=NOW)
    monkeypatch.setattr(write, "MOST_ROWS", 2)
    with pytest.raises(ExportError, match="3 rows and a worksheet holds 2"):
        write_workbook(tmp_path / "a.xlsx", [small(ROW, ROW, ROW)])
    assert list(tmp_path.iterdir()) == []


def test_a_column_of_two_kinds_is_refused_with_its_name():
    with pytest.raises(ExportError, match=r"small.number: a column holds number and string"):
        small(ROW, ["a", "b", *ROW[2:]])


def test_an_older_export_in_the_folder_is_replaced(tmp_path):
    write_export(tmp_path, make_monitor(), [small(ROW, ROW)], ["json"], now=NOW)
    write_export(tmp_path, make_monitor(), [small(ROW)], ["json"], now=NOW)
    assert len(json.loads((tmp_path / "small.json").read_text())) == 1
