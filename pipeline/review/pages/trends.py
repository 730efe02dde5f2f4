"""The trend table."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter, Request, Response

from pipeline.monitor import Period
from pipeline.review import dyads
from pipeline.review.asked import (
    MOST_A_PAGE,
    Limit,
    PageNumber,
    download,
    group_of,
    monitor_of,
    names_of,
    periods_of,
    settings_of,
)
from pipeline.review.html import page
from pipeline.review.words import csv_file
from pipeline.store.pages import trend_page
from pipeline.store.session import open_session
from pipeline.store.trends import TREND_COLUMNS, as_record, trend_rows

router = APIRouter()

ROWS_A_PAGE = 200


@router.get("/ui/m/{monitor}/trends")
def trends(
    request: Request,
    monitor: str,
    group: str = "",
    period: Period | Literal[""] | None = None,
    number: PageNumber = 1,
    limit: Limit = ROWS_A_PAGE,
) -> Response:
    """Group x period with every column. Without ``period`` the audit period, with an empty one all kinds."""
    watched_by = monitor_of(request, monitor)
    kind = watched_by.audit_period if period is None else period or None
    chosen = group_of(watched_by, group) if group else None
    limit = min(limit, MOST_A_PAGE)
    with open_session(settings_of(request)) as session:
        rows, total = trend_page(session, watched_by.name, chosen, kind, limit, (number - 1) * limit)
    records = [as_record(row) for row in rows]
    return page(
        request,
        "trends.html",
        monitor=watched_by,
        names=names_of(watched_by),
        kinds=periods_of(watched_by),
        group=chosen,
        period=kind,
        columns=TREND_COLUMNS,
        numeric={name for record in records for name, value in record.items() if isinstance(value, int | float)},
        rows=[
            (row, dyads.label_of(row), dyads.texts_address(row.group_id, row), record)
            for row, record in zip(rows, records, strict=True)
        ],
        total=total,
        number=number,
        pages=max(1, -(-total // limit)),
        limit=limit,
    )


@router.get("/ui/m/{monitor}/trends.csv")
def trends_csv(request: Request, monitor: str, group: str = "", period: Period | Literal[""] = "") -> Response:
    """The same view as a file, all rows; all kinds of period unless one is named."""
    watched_by = monitor_of(request, monitor)
    chosen = group_of(watched_by, group) if group else None
    with open_session(settings_of(request)) as session:
        rows = [list(as_record(row).values()) for row in trend_rows(session, watched_by.name, chosen, period or None)]
    name = "-".join([watched_by.name, "trends", *(part for part in (chosen, period) if part)]) + ".csv"
    return download(csv_file(list(TREND_COLUMNS), rows), "text/csv; charset=utf-8", name)
