"""Texts: what a search finds, counted by what it is found in; the texts of a cell; and the hits as a file."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy.orm import Session

from pipeline.review.access import reader_of
from pipeline.review.asked import MOST_A_PAGE, Limit, PageNumber, download, names_of, settings_of
from pipeline.review.html import page
from pipeline.review.text_search import (
    EXPORTED,
    ORDERS,
    Asked,
    AskedTexts,
    Attention,
    Typed,
    attention,
    exported,
    facets,
    how_many,
    months_of,
)
from pipeline.review.words import csv_file
from pipeline.store.search.excerpt import LOOKED_AT, excerpt, marked
from pipeline.store.search.index import left_to_index
from pipeline.store.session import open_session
from pipeline.store.texts import MOST_HITS, Hits, Months, search, shown, texts_of_months

router = APIRouter()

TEXTS_A_PAGE = 50
MOST_WITH_TEXT = 1_000
"""texts in a file that has the texts themselves"""
MOST_CHARACTERS = 50_000_000
"""characters of all texts in such a file together; a longer one stands shortened"""


@router.get("/ui/m/{monitor}/texts")
def texts(request: Request, asked: Typed, number: PageNumber = 1, limit: Limit = TEXTS_A_PAGE) -> Response:
    """What a search finds. A group and two days alone: the group's own texts of a cell, oldest first.

    What can't be meant is told beside the form, which keeps what was typed; nothing is searched then.
    """
    limit = min(limit, MOST_A_PAGE)
    wanted = asked.wanted
    with open_session(settings_of(request)) as session:
        hits = Hits([], more=False) if asked.refused else search(session, wanted, asked.order, reader_of(request))
        some = [hit.id for hit in hits.hits[(number - 1) * limit : number * limit]]
        rows = shown(session, some, LOOKED_AT, hits.withheld)
        drawn, counted = _attention(session, asked, hits)
        waiting = left_to_index(session) if asked.searches and not asked.refused else 0
    names = names_of(asked.monitor)
    return page(
        request,
        "texts.html",
        status=422 if asked.refused else 200,
        monitor=asked.monitor,
        asked=asked,
        wanted=wanted,
        names=names,
        name=names.get(wanted.only.get("group", ""), ""),
        rows=[(row, marked(row.title or "(no title)", wanted.query), excerpt(row.text, wanted.query)) for row in rows],
        hits=hits,
        said=how_many(hits),
        facets=facets(asked, hits) if hits.hits or (asked.state and not asked.refused) else [],
        attention=drawn,
        counted=counted,
        waiting=waiting,
        orders=ORDERS,
        most=MOST_HITS,
        most_with_text=MOST_WITH_TEXT,
        number=number,
        pages=max(1, -(-len(hits.hits) // limit)),
        query=asked.query(limit=str(limit) if limit != TEXTS_A_PAGE else None),
    )


def _attention(session: Session, asked: AskedTexts, hits: Hits) -> tuple[list[Attention], Months | None]:
    """Shares of the groups' months; none where not all hits are known."""
    found = months_of(hits, asked.wanted)
    if not asked.narrows or hits.more or found is None:
        return [], None
    groups, first, last = found
    counting = asked.wanted.counting
    counted = texts_of_months(session, asked.monitor.name, groups, first, last, counting=counting)
    return attention(names_of(asked.monitor), hits, counted, first, last), counted


@router.get("/ui/m/{monitor}/texts.{form}")
def texts_file(
    request: Request,
    asked: Asked,
    form: Literal["csv", "json"],
    text: Annotated[bool, Query(description="with the texts themselves")] = False,
) -> Response:
    """The hits as a file, in the same order: with their texts the first thousand.

    All texts together have at most fifty million characters: each has its part of them, a longer one is cut, and the
    JSON says how many are.
    """
    with open_session(settings_of(request)) as session:
        hits = search(session, asked.wanted, asked.order, reader_of(request))
        some = hits.hits[: MOST_WITH_TEXT if text else MOST_HITS]
        # each may have its part of what all may have, and one more character, by which a cut is seen
        each = MOST_CHARACTERS // max(1, len(some)) if text else 0
        rows = shown(session, [hit.id for hit in some], each + 1 if text else 0, hits.withheld)
    cut = sum(len(row.text) > each for row in rows) if text else 0
    rows = [replace(row, text=row.text[:each]) for row in rows]
    columns = [*EXPORTED, "text"] if text else list(EXPORTED)
    lines = exported(rows, text)
    name = f"{asked.monitor.name}-texts.{form}"
    if form == "csv":
        return download(csv_file(columns, lines), "text/csv; charset=utf-8", name)
    made: dict[str, Any] = {
        "monitor": asked.monitor.name,
        "asked_for": asked.words,
        "order": asked.order,
        "made_at": datetime.now(UTC),
        "found": how_many(hits),
        **({"texts_cut": cut, "cut_after_characters": each if cut else None} if text else {}),
        "texts": [dict(zip(columns, line, strict=True)) for line in lines],
    }
    return download(json.dumps(made, default=_iso, ensure_ascii=False, indent=1), "application/json", name)


def _iso(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no form in JSON")
