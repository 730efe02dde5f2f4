"""The trend table: balances of groups, gaps of dyads, every column, and the same view as files."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from pipeline.measure.export.tables import ExportError
from pipeline.measure.export.view import view_table
from pipeline.measure.export.write import MEDIA, write_table
from pipeline.review.asked import MOST_A_PAGE, Limit, PageNumber, download, names_of, periods_of, settings_of
from pipeline.review.html import page
from pipeline.review.trend_views import USUAL, Asked, AskedView, Typed, href_of, labels_of
from pipeline.store.session import open_session
from pipeline.store.trend_table import COLUMNS, KEYS, SORTED_BY, count_rows, kind_of_column, rows_of

router = APIRouter()

ROWS_A_PAGE = 200
MOST_ROWS = {"csv": 100_000, "parquet": 100_000, "json": 100_000, "xlsx": 20_000}
"""Format -> rows a file may have; a workbook takes long to write."""
LONG_WORDS = ("flags", "companions", "missing")
"""Columns whose words may be longer than a column is wide."""
FORMS = {"csv": "CSV", "parquet": "Parquet", "xlsx": "Excel", "json": "JSON"}


def _headers(asked: AskedView) -> list[dict[str, str]]:
    """Of each column on the page: name, words, meaning, kind, order (of aria-sort), the address that sorts by it."""
    view, table = asked.view, asked.view.table
    headers = []
    said = {KEYS[table][0]: "group" if table == "groups" else "dyad", "start": "period"}
    for name in (KEYS[table][0], "start", *asked.chosen):
        now = "" if view.sort != name else "descending" if view.descending else "ascending"
        # a first click sorts upwards, the next downwards, the third brings the newest first again
        then = {"": name, "ascending": f"-{name}", "descending": None}[now]
        by = f"; sorted by {SORTED_BY[name]}" if name in SORTED_BY else ""
        headers.append(
            {
                "name": name,
                "said": said.get(name, name),
                "meaning": COLUMNS[table][name] + by,
                "kind": kind_of_column(table, name),
                "now": now,
                "href": "?" + asked.query(sort=then),
            }
        )
    return headers


@router.get("/ui/m/{monitor}/trends")
def trends(request: Request, asked: Typed, number: PageNumber = 1, limit: Limit = ROWS_A_PAGE) -> Response:
    """Rows of the table, page by page; ``trends.js`` makes one table of them all.

    Days that can't be meant are told beside the form, which keeps what was typed; no rows are shown then.
    """
    limit = min(limit, MOST_A_PAGE)
    name, view, names = asked.monitor.name, asked.view, names_of(asked.monitor)
    filter_form: dict[str, Any] = {
        "monitor": asked.monitor,
        "asked": asked,
        "view": view,
        "names": names,
        "ordered": asked.ordered,
        "kinds": periods_of(asked.monitor),
        "columns": {name: meaning for name, meaning in COLUMNS[view.table].items() if name not in KEYS[view.table]},
        "usual": USUAL[view.table],
    }
    if asked.problem:
        return page(request, "trends_again.html", status=422, **filter_form)
    with open_session(settings_of(request)) as session:
        total = count_rows(session, name, view)
        rows = rows_of(
            session, name, view, asked.columns, limit=limit, offset=(number - 1) * limit, groups=asked.ordered
        )
    subjects = KEYS[view.table][:-3]
    return page(
        request,
        "trends.html",
        **filter_form,
        headers=_headers(asked),
        meanings=COLUMNS[view.table],
        long_words=LONG_WORDS,
        rows=[
            (
                " less ".join(names.get(row[i], row[i]) for i in range(len(subjects))),
                label,
                href_of(asked, row),
                row[len(KEYS[view.table]) :],
            )
            for row, label in zip(rows, labels_of(asked, rows), strict=True)
        ],
        total=total,
        number=number,
        pages=max(1, -(-total // limit)),
        query=asked.query(limit=str(limit) if limit != ROWS_A_PAGE else None),
        files=[(form, said, f"trends.{form}?{asked.query()}") for form, said in FORMS.items()],
    )


@router.get("/ui/m/{monitor}/trends.{form}")
def trends_file(request: Request, asked: Asked, form: Literal["csv", "parquet", "xlsx", "json"]) -> Response:
    """All rows of the same view as a file."""
    name, view = asked.monitor.name, asked.view
    with open_session(settings_of(request)) as session:
        rows = rows_of(session, name, view, asked.columns, limit=MOST_ROWS[form] + 1, groups=asked.ordered)
    if len(rows) > MOST_ROWS[form]:
        raise HTTPException(
            422,
            f"This view has more than {MOST_ROWS[form]:,} rows, the most this format is saved with from a page. "
            "Choose a group, a period or days, or write all with `riftwatch export`.",
        )
    with TemporaryDirectory() as folder:
        file = Path(folder) / f"trends.{form}"
        try:
            write_table(file, view_table(view.table, asked.columns, rows), form)
        except ExportError as error:
            raise HTTPException(422, f"This format can't hold the view: {error}") from error
        content = file.read_bytes()
    media = MEDIA[form] + ("; charset=utf-8" if form == "csv" else "")
    parts = [name, "trends" if view.table == "groups" else "gaps", view.group, view.period]
    return download(content, media, "-".join(part for part in parts if part) + f".{form}")
