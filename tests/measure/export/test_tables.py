from datetime import UTC, date, datetime, timedelta

import openpyxl
import pytest

from pipeline.measure.export.tables import ExportError, tables_of
from pipeline.measure.export.write import FORMATS, write_export
from pipeline.measure.job import measure
from pipeline.store.session import open_session
from pipeline.store.trends import TREND_COLUMNS

NOW = datetime(2024, 7, 3, 12, tzinfo=UTC)


@pytest.fixture
def measured(store_settings, world, monitor_of):
    """A store with two groups over three months, measured."""
    event = {"date": "2024-02-01", "kind": "statement", "text": "=a formula?", "reference": "somewhere"}
    monitor = monitor_of(periods=["month", "quarter"], events=[event])
    with open_session(store_settings) as session:
        w = world(session)
        model = w.model()
        for day in range(90):
            for group, f in (("a", 0.3), ("b", -0.3)):
                text = w.text(group, date(2024, 1, 1) + timedelta(days=day), f + day / 1000, model=model)
                if day % 9 == 0:
                    w.coding(text, "nationalist" if group == "a" else "universalist")
        session.commit()
    measure(store_settings, monitor, now=NOW)
    return store_settings, monitor


def test_every_table_is_there_and_every_column_says_what_it_means(measured, tmp_path):
    settings, monitor = measured
    with open_session(settings) as session:
        tables = {table.name: table for table in tables_of(session, monitor)}
    assert list(tables) == [
        "trends", "gaps", "alarms", "states", "bridges", "published", "events", "codebook", "columns",
    ]  # fmt: skip
    assert [c.name for c in tables["trends"].columns] == list(TREND_COLUMNS)
    described = {(row[0], row[1]) for row in tables["columns"].rows}
    assert described == {(t.name, c.name) for t in tables.values() if t.name != "columns" for c in t.columns}
    assert all(row[3] for row in tables["columns"].rows)
    assert {row[2] for row in tables["codebook"].rows} >= {"nationalist", "universalist", "both", "neither", "hostile"}
    # three months and a quarter that hold texts, of two groups and a dyad
    assert len(tables["published"].rows) == 4 * 3
    files = write_export(tmp_path, monitor, list(tables.values()), FORMATS, now=NOW)
    assert len(files) == 3 * 9 + 2
    book = openpyxl.load_workbook(tmp_path / "m.xlsx")
    assert book.sheetnames == list(tables)
    assert book["events"]["E2"].value == "=a formula?"
    assert book["events"]["E2"].data_type == "s"


def test_one_kind_of_period_can_be_chosen(measured):
    settings, monitor = measured
    with open_session(settings) as session:
        tables = {table.name: table for table in tables_of(session, monitor, "quarter")}
        place = list(TREND_COLUMNS).index("period")
        assert {row[place] for row in tables["trends"].rows} == {"quarter"}
        with pytest.raises(ExportError, match="nothing is measured by week of m; run `riftwatch measure` first"):
            tables_of(session, monitor, "week")
