"""How the sources do."""

from __future__ import annotations

from datetime import UTC, datetime
from threading import Lock
from typing import Annotated

from fastapi import APIRouter, Form, Request, Response
from starlette.exceptions import HTTPException

from pipeline.collect import health
from pipeline.collect.proposing import Proposal, ProposalError, propose
from pipeline.collect.why import told
from pipeline.monitor import Monitor
from pipeline.review import source_charts
from pipeline.review.asked import monitor_of, names_of, settings_of
from pipeline.review.html import page
from pipeline.store.health import quarantined_pages
from pipeline.store.session import open_session

router = APIRouter()

LONGEST = {"address": 2_000, "group": 60, "speaker": 10}
"""characters of a field of the form"""
LINKS_SHOWN = 10
LONGEST_EXCERPT = 600
_one_at_a_time = Lock()
"""Trying an address holds a thread of the server for up to half a minute."""


@router.get("/ui/m/{monitor}/sources")
def sources(request: Request, monitor: str) -> Response:
    """How every source does: its state, its last run, its volume, its failing places."""
    watched_by = monitor_of(request, monitor)
    now = datetime.now(UTC)
    with open_session(settings_of(request)) as session:
        lines = health.overview(session, watched_by, now)
    rows = [(line, source_charts.bars(line.weeks)) for line in lines]
    return page(request, "sources.html", monitor=watched_by, rows=rows, now=now)


def looked_at(request: Request, monitor: Monitor, address: str, group: str, speaker: str) -> Proposal:
    """What is found at an address; one address at a time. Raises ProposalError, also while another is looked at."""
    if not _one_at_a_time.acquire(blocking=False):
        raise ProposalError("another address is being looked at right now; try again in half a minute")
    try:
        return propose(settings_of(request), monitor, address, group=group or None, speaker=speaker)
    finally:
        _one_at_a_time.release()


@router.get("/ui/m/{monitor}/new-source")
def new_source(request: Request, monitor: str) -> Response:
    """The form for an address; what it finds is shown by the answer to the form."""
    return _form(request, monitor_of(request, monitor), "", "", "own")


@router.post("/ui/m/{monitor}/new-source")
def try_address(
    request: Request,
    monitor: str,
    address: Annotated[str, Form()] = "",
    group: Annotated[str, Form()] = "",
    speaker: Annotated[str, Form()] = "own",
) -> Response:
    """Look for what can be collected at an address, and show it. Nothing is stored, no file is changed."""
    watched_by = monitor_of(request, monitor)
    # told here and not where the form is read, so that what was typed stays in it
    for name, typed in (("address", address), ("group", group), ("speaker", speaker)):
        if len(typed) > LONGEST[name]:
            error = f"the {name} has {len(typed):,} characters and may have {LONGEST[name]:,}; paste the {name} alone"
            return _form(request, watched_by, address, group, speaker, error=error)
    try:
        found = looked_at(request, watched_by, address, group, speaker)
    except ProposalError as error:
        return _form(request, watched_by, address, group, speaker, error=str(error))
    return _form(request, watched_by, address, group, speaker, found=found)


def _form(
    request: Request,
    monitor: Monitor,
    address: str,
    group: str,
    speaker: str,
    *,
    error: str | None = None,
    found: Proposal | None = None,
) -> Response:
    return page(
        request,
        "new_source.html",
        status=422 if error else 200,
        monitor=monitor,
        names=names_of(monitor),
        address=address,
        group=group,
        speaker=speaker,
        error=error,
        found=found,
        links=LINKS_SHOWN,
        longest=LONGEST_EXCERPT,
    )


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
            explained=told(watched_by, found, known),
            facts=known,
            dag=f"collect__{watched_by.name}__{source}",
            quarantined=quarantined,
            now=now,
        )
