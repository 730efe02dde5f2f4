"""One text and all that is known of it: how the model weighs it, and its archived copy."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from starlette.exceptions import HTTPException

from pipeline.collect.archive import ArchiveError, read, shelf_of
from pipeline.collect.archive.inert import MOST_BYTES as MOST_SHOWN
from pipeline.collect.archive.inert import NotShown, inert
from pipeline.framing.weighed import MOST_CHARACTERS, WORDS_MARKED, CantWeigh, Weighed, weigh_text
from pipeline.monitor.periods import period_of
from pipeline.review.access import reader_of
from pipeline.review.archived import MOST_BYTES, saved_copy, shown_copy
from pipeline.review.asked import monitor_of, names_of, settings_of
from pipeline.review.html import page
from pipeline.store.cells import VARIABLE
from pipeline.store.pages import document_detail
from pipeline.store.search.excerpt import marked
from pipeline.store.search.query import LONGEST_QUERY, parse
from pipeline.store.session import open_session
from pipeline.store.tables import Capture, Document

router = APIRouter()

LONGEST_TEXT = 200_000
"""Characters of a text shown on its page."""
NO_TEXT = "The monitor has no such text. It may have been collected under another monitor, or have been erased."

TO_CODE = (
    "You have this text to code, may still be given it, or can still take your answer back. What a model says of it is "
    "shown once your answer stays (its queue is closed, or its other coder has finished too), or the queue wants you "
    "no more."
)

DocumentId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("/ui/m/{monitor}/documents/{document_id}")
def document(
    request: Request,
    monitor: str,
    document_id: DocumentId,
    view: Literal["text", "weights"] = "text",
    q: Annotated[str, Query(max_length=LONGEST_QUERY)] = "",
    copy: bool = False,
) -> Response:
    """One text and all that is known of it. ``q``: what was searched is marked; ``copy``: the archived copy beneath."""
    watched_by = monitor_of(request, monitor)
    settings = settings_of(request)
    with open_session(settings) as session:
        detail = document_detail(session, watched_by.name, document_id, reader_of(request))
        if detail is None:
            raise HTTPException(404, NO_TEXT)
        found = detail.document
        cell = None
        if found.group_id and found.published_at and found.speaker == "own":
            span = period_of(watched_by.audit_period, found.published_at.date())
            cell = {"label": span.label, "start": span.start, "end": span.end}
        withheld = VARIABLE in detail.withheld
        weighed: Weighed | None = None
        problem = TO_CODE if withheld else None
        if view == "weights" and not withheld:
            try:
                weighed = weigh_text(session, settings, watched_by, found.text)
            except CantWeigh as error:
                problem = str(error)
        text = found.text[:LONGEST_TEXT]
        return page(
            request,
            "document.html",
            monitor=watched_by,
            names=names_of(watched_by),
            detail=detail,
            document=found,
            stretches=marked(text, parse(q) if q.strip() else None),
            cut=max(0, len(found.text) - len(text)),
            cell=cell,
            view=view,
            q=q,
            copy=copy,
            weighed=weighed,
            problem=problem,
            withheld=TO_CODE if withheld else None,
            words_marked=WORDS_MARKED,
            most_weighed=MOST_CHARACTERS,
        )


@router.get("/ui/m/{monitor}/documents/{document_id}/archived")
def archived(
    request: Request,
    monitor: str,
    document_id: DocumentId,
    raw: Annotated[bool, Query(description="the bytes as they came, to be saved")] = False,
) -> Response:
    """The archived copy of a text: inert, or its bytes to be saved. Where it lies is known from the index alone."""
    watched_by = monitor_of(request, monitor)
    settings = settings_of(request)
    with open_session(settings) as session:
        found = session.get(Document, document_id)
        if found is None or found.monitor != watched_by.name:
            raise HTTPException(404, NO_TEXT)
        capture = session.get(Capture, found.capture_id) if found.capture_id is not None else None
    if capture is None:
        raise HTTPException(404, "No response is kept of this text: it came from a table or a feed.")
    if capture.length > (MOST_BYTES if raw else MOST_SHOWN):
        raise HTTPException(404, f"The response has {capture.length:,} bytes, too many for this page.")
    try:
        stored = read(shelf_of(settings), capture.warc_file, capture.warc_offset)
    except ArchiveError as error:
        # the message names folders of the server; whoever runs it sees them with the command
        raise HTTPException(
            404, "The response can't be read in the archive; `riftwatch archive check` says what is wrong with it."
        ) from error
    if raw:
        return saved_copy(stored.body, document_id)
    try:
        return shown_copy(inert(stored.body, stored.content_type or capture.content_type))
    except NotShown as error:
        raise HTTPException(
            404, f"The copy is not shown: {error}. Its bytes can be saved from the text's page."
        ) from None
