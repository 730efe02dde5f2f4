"""The texts behind a point, and one text."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter, Request, Response

from pipeline.monitor import PERIODS, Period
from pipeline.monitor.periods import period_of
from pipeline.review.asked import (
    MOST_A_PAGE,
    Limit,
    PageNumber,
    days_between,
    group_of,
    monitor_of,
    names_of,
    settings_of,
)
from pipeline.review.html import page
from pipeline.store.pages import count_texts_of_cell
from pipeline.store.session import open_session
from pipeline.store.trends import documents_of_cell

router = APIRouter()

TEXTS_A_PAGE = 50


@router.get("/ui/m/{monitor}/texts")
def texts(
    request: Request,
    monitor: str,
    group: str,
    start: date,
    end: date,
    number: PageNumber = 1,
    limit: Limit = TEXTS_A_PAGE,
) -> Response:
    """The texts behind a point: a group's own texts of one period."""
    watched_by = monitor_of(request, monitor)
    group_of(watched_by, group)
    days_between(start, end)
    limit = min(limit, MOST_A_PAGE)
    with open_session(settings_of(request)) as session:
        total = count_texts_of_cell(session, watched_by.name, group, start, end)
        rows = documents_of_cell(session, watched_by.name, group, start, end, limit, (number - 1) * limit)
    kind: Period | None = next((k for k in PERIODS if (s := period_of(k, start)).start == start and s.end == end), None)
    return page(
        request,
        "texts.html",
        monitor=watched_by,
        group=group,
        name=names_of(watched_by)[group],
        start=start,
        end=end,
        label=period_of(kind, start).label if kind else f"{start} to {end}",
        rows=rows,
        total=total,
        number=number,
        pages=max(1, -(-total // limit)),
        limit=limit,
    )
