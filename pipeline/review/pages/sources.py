"""How the sources do."""

from __future__ import annotations

from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from pipeline.collect import health
from pipeline.collect.why import told
from pipeline.review import source_charts
from pipeline.review.asked import (
    monitor_of,
    settings_of,
)
from pipeline.review.html import page
from pipeline.store.health import quarantined_pages
from pipeline.store.session import open_session

router = APIRouter()


@router.get("/ui/m/{monitor}/sources")
def sources(request: Request, monitor: str) -> Response:
    """How every source does: its state, its last run, its volume, its failing places."""
    watched_by = monitor_of(request, monitor)
    now = datetime.now(UTC)
    with open_session(settings_of(request)) as session:
        lines = health.overview(session, watched_by, now)
    rows = [(line, source_charts.bars(line.weeks)) for line in lines]
    return page(request, "sources.html", monitor=watched_by, rows=rows, now=now)


@router.get("/ui/m/{monitor}/sources/{source}")
def source(request: Request, monitor: str, source: str) -> Response:
    """One source, step by step, from what is stored: a page asks nobody."""
    watched_by = monitor_of(request, monitor)
    if all(one.id != source for one in watched_by.sources):
        raise HTTPException(404, "The monitor has no such source. It may have been taken out of the monitor's file.")
    now = datetime.now(UTC)
    with open_session(settings_of(request)) as session:
        found = watched_by.source(source)
        line = health.line(session, watched_by, found, now)
        known = health.facts(session, watched_by, found, now)
        quarantined = quarantined_pages(session, watched_by.name, source)
        return page(
            request,
            "source.html",
            monitor=watched_by,
            line=line,
            drawn=source_charts.bars(line.weeks),
            explained=told(watched_by, found, known, now),
            facts=known,
            quarantined=quarantined,
            now=now,
        )
