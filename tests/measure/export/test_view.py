"""A view of the trend table as a file: kinds of columns, and a codebook in the workbook."""

from __future__ import annotations

from datetime import UTC, date, datetime

import openpyxl
import pyarrow.parquet as pq
import pytest

from pipeline.measure.export.tables import ExportError
from pipeline.measure.export.view import view_table
from pipeline.measure.export.write import FORMATS, write_table
from pipeline.store.trend_table import COLUMNS, kind_of_column

COLUMNS_READ = ("group_id", "start", "balance", "texts", "missing", "flags", "measured_at")
ROWS = [("heron", date(2025, 1, 1), None, 3, "=1+1", ["-2 of 3"], datetime(2026, 1, 2, tzinfo=UTC))]


def test_every_column_has_a_kind():
    for table, columns in COLUMNS.items():
        for column in columns:
            assert kind_of_column(table, column)
    assert [kind_of_column("groups", c) for c in COLUMNS_READ] == [
        "string", "date", "number", "integer", "string", "object", "datetime",
    ]  # fmt: skip


def test_a_column_without_a_value_keeps_its_kind(tmp_path):
    write_table(tmp_path / "t.parquet", view_table("groups", COLUMNS_READ, ROWS), "parquet")
    read = pq.read_table(tmp_path / "t.parquet")
    assert str(read.schema.field("balance").type) == "double"
    assert read.schema.field("balance").metadata[b"description"].startswith(b"share nationalist")
    assert read.column("flags").to_pylist() == ['["-2 of 3"]']


def test_the_workbook_says_what_its_columns_mean(tmp_path):
    write_table(tmp_path / "t.xlsx", view_table("groups", COLUMNS_READ, ROWS), "xlsx")
    book = openpyxl.load_workbook(tmp_path / "t.xlsx")
    assert book.sheetnames == ["trends", "columns"]
    assert book["trends"]["E2"].value == "=1+1"
    assert book["trends"]["E2"].data_type == "s"  # a text, no formula
    meant = {row[1]: row[3] for row in book["columns"].iter_rows(min_row=2, values_only=True)}
    assert set(meant) == set(COLUMNS_READ)
    assert meant["balance"] == COLUMNS["groups"]["balance"]


def test_a_spreadsheet_runs_nothing_of_a_csv_file(tmp_path):
    write_table(tmp_path / "t.csv", view_table("groups", COLUMNS_READ, ROWS), "csv")
    line = (tmp_path / "t.csv").read_text(encoding="utf-8-sig").splitlines()[1]
    assert line == "heron,2025-01-01,,3,'=1+1,'-2 of 3,2026-01-02T00:00:00+00:00"


@pytest.mark.parametrize("form", FORMATS)
def test_an_empty_view_is_a_file_of_columns(tmp_path, form):
    write_table(tmp_path / f"t.{form}", view_table("dyads", ("a", "b", "gap"), []), form)
    assert (tmp_path / f"t.{form}").stat().st_size > 0


def test_an_unknown_format_is_told(tmp_path):
    with pytest.raises(ExportError, match="unknown format 'ods'"):
        write_table(tmp_path / "t.ods", view_table("dyads", ("a",), []), "ods")
