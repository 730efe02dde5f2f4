"""Coding, one text at a time, and settling what coders disagree on.

The page itself gives out no text: what a coder is given is leased, and a GET changes nothing. ``label.js`` asks for it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from classifiers.codebook import codebooks
from pipeline.framing.draw import LEAST_RANDOM
from pipeline.review.access import coder_name
from pipeline.review.asked import monitor_of, settings_of
from pipeline.review.html import page
from pipeline.review.label import COMMANDS, UNCLEAR_KEY, book_of, first_variable, keys_of, work_of
from pipeline.store.label import disputes
from pipeline.store.session import open_session

router = APIRouter()

QueueNumber = Annotated[Annotated[int, Field(ge=1, le=2**53)] | Literal[""] | None, Query()]
"""empty, as a form sends it: all open queues"""
Languages = Annotated[str, Query(max_length=200, pattern=r"^[A-Za-z0-9, -]*$")]


@router.get("/ui/m/{monitor}/label")
def label(
    request: Request,
    monitor: str,
    variable: Annotated[str, Query(max_length=60)] = "",
    queue: QueueNumber = None,
    languages: Languages = "",
) -> Response:
    """The desk of a coder: codebook, keys, progress; read only for whoever may not write."""
    watched_by = monitor_of(request, monitor)
    with open_session(settings_of(request)) as session:
        book = book_of(variable or first_variable(session, watched_by.name))
        work = work_of(session, watched_by.name, book.variable, queue or None, coder_name(request))
    return page(
        request,
        "label.html",
        monitor=watched_by,
        book=book,
        keys=keys_of(book),
        unclear_key=UNCLEAR_KEY,
        commands=COMMANDS,
        variables=[one.variable for one in codebooks()],
        work=work,
        queue=None if work.together else queue or None,
        languages=languages,
        coder=coder_name(request),
        least_random=LEAST_RANDOM,
    )


@router.get("/ui/m/{monitor}/label/settle")
def settle(
    request: Request,
    monitor: str,
    variable: Annotated[str, Query(max_length=60)] = "",
    skip: Annotated[int, Query(ge=0, le=1_000)] = 0,
) -> Response:
    """One text on which other coders disagree, for a third to settle."""
    watched_by = monitor_of(request, monitor)
    with open_session(settings_of(request)) as session:
        book = book_of(variable or first_variable(session, watched_by.name))
        found = disputes(session, watched_by.name, book.variable, coder_name(request), limit=1, skip=skip)
    names = {group.id: group.name for group in watched_by.groups}
    return page(
        request,
        "settle.html",
        monitor=watched_by,
        book=book,
        keys=keys_of(book),
        variables=[one.variable for one in codebooks()],
        found=found,
        dispute=found.shown[0] if found.shown else None,
        names=names,
        skip=skip,
        coder=coder_name(request),
    )
