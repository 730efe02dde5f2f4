"""One text and all that is known of it."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from starlette.exceptions import HTTPException

from pipeline.monitor.periods import period_of
from pipeline.review.asked import (
    monitor_of,
    names_of,
    settings_of,
)
from pipeline.review.html import page
from pipeline.store.pages import document_detail
from pipeline.store.session import open_session

router = APIRouter()

LONGEST_TEXT = 200_000
"""Characters of a text shown on its page."""


@router.get("/ui/m/{monitor}/documents/{document_id}")
def document(request: Request, monitor: str, document_id: Annotated[int, Path(ge=1, le=2**63 - 1)]) -> Response:
    """One text and all that is known of it."""
    watched_by = monitor_of(request, monitor)
    with open_session(settings_of(request)) as session:
        detail = document_detail(session, watched_by.name, document_id)
        if detail is None:
            raise HTTPException(404, "The monitor has no such text. It may have been collected under another monitor.")
        found = detail.document
        cell = None
        if found.group_id and found.published_at and found.speaker == "own":
            span = period_of(watched_by.audit_period, found.published_at.date())
            cell = {"label": span.label, "start": span.start, "end": span.end}
        return page(
            request,
            "document.html",
            monitor=watched_by,
            names=names_of(watched_by),
            detail=detail,
            document=found,
            text=found.text[:LONGEST_TEXT],
            cut=max(0, len(found.text) - LONGEST_TEXT),
            cell=cell,
        )
