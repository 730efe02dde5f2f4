from datetime import UTC, date, datetime, timedelta

import openpyxl
import pytest

from pipeline.measure.balance import Interval
from pipeline.measure.directed_job import measure_directed
from pipeline.measure.export.tables import ExportError, tables_of
from pipeline.measure.export.write import FORMATS, write_export
from pipeline.measure.gap import Gap
from pipeline.measure.job import measure
from pipeline.measure.state import Confirmed
from pipeline.measure.watch_log import look_row
from pipeline.store.alarms import add_alarm, keep_reference
from pipeline.store.directed import CRITICISM_COLUMNS, directed_cells
from pipeline.store.session import open_session
from pipeline.store.trends import TREND_COLUMNS
from pipeline.store.watched import write_looks

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
        "trends", "gaps", "alarms", "confirmations", "states", "bridges", "published", "criticism", "events",
        "codebook", "columns",
    ]  # fmt: skip
    assert [c.name for c in tables["trends"].columns] == list(TREND_COLUMNS)
    described = {(row[0], row[1]) for row in tables["columns"].rows}
    assert described == {(t.name, c.name) for t in tables.values() if t.name != "columns" for c in t.columns}
    assert all(row[3] for row in tables["columns"].rows)
    assert {row[2] for row in tables["codebook"].rows} >= {"nationalist", "universalist", "both", "neither", "hostile"}
    # three months and a quarter that hold texts, of two groups and a dyad
    assert [row[1] for row in tables["published"].rows if row[1] != "state"] == ["trend"] * 8 + ["gap"] * 4
    files = write_export(tmp_path, monitor, list(tables.values()), FORMATS, now=NOW)
    assert len(files) == 3 * 11 + 2
    book = openpyxl.load_workbook(tmp_path / "m.xlsx")
    assert book.sheetnames == list(tables)
    assert book["events"]["E2"].value == "=a formula?"
    assert book["events"]["E2"].data_type == "s"


def rows_of(table):
    names = [column.name for column in table.columns]
    return [dict(zip(names, row, strict=True)) for row in table.rows]


def test_criticism_is_told_of_every_pair_and_period(measured):
    settings, monitor = measured
    measure_directed(settings, monitor, now=NOW)
    with open_session(settings) as session:
        tables = {table.name: table for table in tables_of(session, monitor)}
        quarters = {table.name: table for table in tables_of(session, monitor, "quarter")}
        kept = {
            (a, b): directed_cells(session, "m", a, b, kind, 100)
            for a, b in (("a", "b"), ("b", "a"))
            for kind in ("month", "quarter")
        }
    rows = rows_of(tables["criticism"])
    assert [c.name for c in tables["criticism"].columns] == list(CRITICISM_COLUMNS)
    assert {(row["a"], row["b"], row["period"]) for row in rows} == {
        (a, b, kind) for a, b in kept for kind in ("month", "quarter")
    }
    (first,) = [r for r in rows if (r["a"], r["period"], r["start"]) == ("a", "quarter", date(2024, 1, 1))]
    assert (first["clusters"], first["named"], first["estimator"], first["rate"]) == (90, 0, "counted", 0.0)
    assert {row["period"] for row in rows_of(quarters["criticism"])} == {"quarter"}
    assert [row for row in rows if row["period"] == "quarter"] == rows_of(quarters["criticism"])


def test_what_coders_said_of_an_alarm_stands_beside_it(measured):
    settings, monitor = measured
    present = Gap(0.4, Interval(0.2, 0.6, 0.01, 18))
    found = Confirmed(0.5, 0.3, 0.7, reference=Gap(-0.1), present=present)
    with open_session(settings) as session:
        kept = keep_reference(session, "m", "a", "b", start=date(2022, 1, 1), reason="x", person=None, now=NOW)
        alarm = {
            "monitor": "m", "a": "a", "b": "b", "period": "month", "since": date(2024, 3, 1),
            "end": date(2024, 4, 1), "side": 1, "reference_id": kept.id, "reference_start": date(2022, 1, 1),
            "reference_end": date(2024, 1, 1), "threshold": 7.0, "autocorrelation": 0.3, "found_at": NOW,
        }  # fmt: skip
        days = [date(2024, 3, day) for day in (1, 2, 3)]
        ids = [add_alarm(session, **alarm | {"since": day, "raised": day}).id for day in days]
        write_looks(session, [look_row(ids[0], found, None, NOW), look_row(ids[1], None, "nothing is coded", NOW)])
        session.commit()
        tables = {table.name: table for table in tables_of(session, monitor)}
    first, second = rows_of(tables["confirmations"])
    assert (first["alarm_id"], first["change"], first["low"], first["high"], first["holds"]) == (
        ids[0],
        0.5,
        0.3,
        0.7,
        True,
    )
    assert (first["reference"], first["reference_low"], first["present_low"]) == (-0.1, None, 0.2)
    assert (second["alarm_id"], second["change"], second["why"]) == (ids[1], None, "nothing is coded")
    kinds = {column.name: column.kind for column in tables["confirmations"].columns}
    assert (kinds["change"], kinds["holds"], kinds["looked_at"]) == ("number", "boolean", "datetime")


def test_one_kind_of_period_can_be_chosen(measured):
    settings, monitor = measured
    with open_session(settings) as session:
        tables = {table.name: table for table in tables_of(session, monitor, "quarter")}
        place = list(TREND_COLUMNS).index("period")
        assert {row[place] for row in tables["trends"].rows} == {"quarter"}
        with pytest.raises(ExportError, match="nothing is measured by week of m; run `riftwatch measure` first"):
            tables_of(session, monitor, "week")
