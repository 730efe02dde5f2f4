"""Tables as files: CSV, Parquet, JSON and a workbook, with a ``datapackage.json`` that describes them."""

from __future__ import annotations

import csv
import hashlib
import json
import os
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

from pipeline.environment import code_version
from pipeline.measure.export.tables import Column, ExportError, Kind, Table, columns_of
from pipeline.monitor import Monitor
from pipeline.spreadsheet import csv_cell

FORMATS = ("csv", "parquet", "json", "xlsx")
MOST_ROWS = 1_048_575
"""rows below the header of a worksheet"""
LONGEST_CELL = 32_767
"""characters a worksheet's cell holds"""


def _plain(value: Any) -> Any:
    """A value as JSON has it."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if isinstance(value, date) else value


def _write_csv(file: Path, table: Table) -> None:
    # the byte order mark tells spreadsheets that it is UTF-8
    with file.open("w", encoding="utf-8-sig", newline="") as out:
        writer = csv.writer(out, lineterminator="\r\n")
        writer.writerow([column.name for column in table.columns])
        writer.writerows([csv_cell(value) for value in row] for row in table.rows)


def _write_json(file: Path, table: Table) -> None:
    names = [column.name for column in table.columns]
    records = [dict(zip(names, map(_plain, row), strict=True)) for row in table.rows]
    file.write_text(json.dumps(records, ensure_ascii=False, indent=1, allow_nan=False) + "\n", encoding="utf-8")


def _write_parquet(file: Path, table: Table) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types: dict[Kind, Any] = {
        "string": pa.string(),
        "integer": pa.int64(),
        "number": pa.float64(),
        "boolean": pa.bool_(),
        "date": pa.date32(),
        "datetime": pa.timestamp("us", tz="UTC"),
        "object": pa.string(),
    }
    fields = [
        pa.field(column.name, types[column.kind], metadata={"description": column.meaning}) for column in table.columns
    ]
    arrays = []
    for i, column in enumerate(table.columns):
        values = [row[i] for row in table.rows]
        if column.kind == "object":
            values = [None if value is None else json.dumps(value, ensure_ascii=False) for value in values]
        elif column.kind == "number":
            values = [None if value is None else float(value) for value in values]
        arrays.append(pa.array(values, type=fields[i].type))
    pq.write_table(pa.Table.from_arrays(arrays, schema=pa.schema(fields)), file)


def _sheet_cell(value: Any) -> Any:
    """A value as a cell holds it: text, number, date, or nothing."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).replace(tzinfo=None)  # a worksheet knows no zone
    if isinstance(value, list):
        value = "; ".join(map(str, value))
    elif isinstance(value, dict):
        value = json.dumps(value, ensure_ascii=False, sort_keys=True) if value else None
    return value


def write_workbook(file: Path, tables: Sequence[Table]) -> None:
    """One sheet a table. Texts are written as texts: nothing in them is run, and nothing has to be put before them.

    Raises ExportError where a table has more rows than a sheet, or a text is longer than a cell: neither is cut.
    """
    import xlsxwriter

    for table in tables:
        if len(table.rows) > MOST_ROWS:
            raise ExportError(
                f"{table.name} has {len(table.rows):,} rows and a worksheet holds {MOST_ROWS:,}; "
                "choose one --period, or another format"
            )
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    with xlsxwriter.Workbook(str(file), options) as book:
        bold = book.add_format({"bold": True, "text_wrap": True})
        days, times = book.add_format({"num_format": "yyyy-mm-dd"}), book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        for table in tables:
            sheet = book.add_worksheet(table.name)
            sheet.freeze_panes(1, 0)
            for place, column in enumerate(table.columns):
                sheet.write_string(0, place, column.name, bold)
                sheet.set_column(place, place, min(40, max(10, len(column.name) + 2)))
            for line, row in enumerate(table.rows, start=1):
                for place, value in enumerate(map(_sheet_cell, row)):
                    if value is None or value == "":
                        continue
                    if isinstance(value, bool):
                        sheet.write_boolean(line, place, value)
                    elif isinstance(value, int | float):
                        sheet.write_number(line, place, value)
                    elif isinstance(value, date):
                        form = times if isinstance(value, datetime) else days
                        sheet.write_datetime(line, place, value, form)
                    elif len(value) > LONGEST_CELL:
                        raise ExportError(
                            f"{table.name}, row {line}, {table.columns[place].name}: {len(value):,} characters, and a "
                            f"worksheet's cell holds {LONGEST_CELL:,}; choose another format"
                        )
                    else:
                        sheet.write_string(line, place, value)


_ONE_FILE_A_TABLE: dict[str, Callable[..., None]] = {
    "csv": _write_csv,
    "parquet": _write_parquet,
    "json": _write_json,
}
MEDIA = {
    "csv": "text/csv",
    "parquet": "application/vnd.apache.parquet",
    "json": "application/json",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def write_table(file: Path, table: Table, form: str) -> None:
    """Write one table into a file; a workbook has a second sheet that says what the columns mean.

    Raises ExportError for an unknown format and for what a format can't hold.
    """
    if form not in FORMATS:
        raise ExportError(f"unknown format {form!r}; write one of {', '.join(FORMATS)}")
    if form == "xlsx":
        write_workbook(file, [table, columns_of([table])])
    else:
        _ONE_FILE_A_TABLE[form](file, table)


def _field(column: Column, form: str) -> dict[str, Any]:
    # a list or record stands as text in a CSV file, and as JSON text in Parquet
    kind = "string" if column.kind == "object" and form == "csv" else column.kind
    return {"name": column.name, "type": kind, "description": column.meaning}


def _resource(folder: Path, file: Path, form: str, table: Table | None) -> dict[str, Any]:
    content = (folder / file).read_bytes()
    described: dict[str, Any] = {
        "name": f"{table.name}-{form}" if table else "workbook",
        "path": file.as_posix(),
        "format": form,
        "mediatype": MEDIA[form],
        "bytes": len(content),
        "hash": f"sha256:{hashlib.sha256(content).hexdigest()}",
    }
    if table is None:
        return described
    described |= {"title": table.title, "schema": {"fields": [_field(c, form) for c in table.columns]}}
    if form == "csv":
        described |= {"profile": "tabular-data-resource", "encoding": "utf-8", "dialect": {"lineTerminator": "\r\n"}}
        described["schema"]["missingValues"] = [""]
    return described


def write_export(
    folder: Path, monitor: Monitor, tables: Sequence[Table], formats: Sequence[str], *, now: datetime
) -> list[Path]:
    """Write the tables into ``folder`` in every format asked for, and ``datapackage.json`` last; returns the files.

    Every file appears whole or not at all. ``now``: the moment the tables were read. Raises ExportError for an unknown
    format and for what a format can't hold.
    """
    if unknown := [form for form in formats if form not in FORMATS]:
        raise ExportError(f"unknown format {unknown[0]!r}; write one or more of {', '.join(FORMATS)}")
    if not formats:
        raise ExportError(f"no format is named; write one or more of {', '.join(FORMATS)}")
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    resources = []

    def whole(name: str, write: Callable[[Path], object]) -> Path:
        half = folder / f".{name}.half"
        try:
            write(half)
            os.replace(half, folder / name)
        finally:
            half.unlink(missing_ok=True)
        return Path(name)

    for form in dict.fromkeys(formats):
        if form == "xlsx":
            file = whole(f"{monitor.name}.xlsx", partial(write_workbook, tables=tables))
            resources.append(_resource(folder, file, form, None))
            written.append(folder / file)
            continue
        for table in tables:
            file = whole(f"{table.name}.{form}", partial(_ONE_FILE_A_TABLE[form], table=table))
            resources.append(_resource(folder, file, form, table))
            written.append(folder / file)
    package = {
        "profile": "data-package",
        "name": monitor.name,
        "title": monitor.title,
        "description": (monitor.description or "").strip(),
        "created": now.astimezone(UTC).isoformat(),
        "version": code_version(),
        "keywords": ["framing", "trends", *(group.id for group in monitor.groups)],
        "notes": "In CSV files an apostrophe stands before texts that a spreadsheet would run as a formula.",
        "resources": resources,
    }
    text = json.dumps(package, ensure_ascii=False, indent=1) + "\n"
    file = whole("datapackage.json", lambda half: half.write_text(text, encoding="utf-8"))
    return [*written, folder / file]
