"""Texts: a search with its facets, and one text with what is known of it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from pipeline.review.access import reader_of
from pipeline.review.asked import MOST_A_PAGE, Limit, PageNumber, monitor_of, settings_of
from pipeline.review.text_search import Asked
from pipeline.store.cells import VARIABLE
from pipeline.store.pages import DocumentDetail, document_detail
from pipeline.store.search.excerpt import LOOKED_AT, excerpt
from pipeline.store.session import open_session
from pipeline.store.texts import FACETS, MOST_HITS, Shown, search, shown

router = APIRouter(prefix="/api/v1", tags=["texts"])

NO_TEXT = "The monitor has no such text."


class TextFound(BaseModel):
    """A text that was found."""

    id: int
    title: str | None
    excerpt: str = Field(description="about 260 characters around what was found; else its beginning")
    address: str
    group: str | None
    speaker: str = Field(description="own: the group speaks; observer: someone writes about it, and it enters no trend")
    source: str
    language: str | None
    published_at: datetime | None = Field(description="null: no acceptable date was found; the text is in no period")
    published_origin: str | None
    counts: bool = Field(description="false: a repost; its text counts where it was published first")
    label: str | None = Field(description="what the model in force reads it as; null: not framed, or no known word")
    p_nationalist: float | None
    p_universalist: float | None
    withheld: bool = Field(
        description="true: whoever asks has this text to code, or can still take an answer back, so what the model "
        "says is left out"
    )


class ValueCounted(BaseModel):
    """A value and how many of the hits have it."""

    value: str
    texts: int


class TextsFound(BaseModel):
    """What a search found."""

    asked_for: list[str] = Field(description="what was read from the address, in words")
    total: int = Field(description=f"hits that are listed and counted, at most {MOST_HITS:,}")
    more: bool = Field(description="true: there are more; these were collected last")
    facets: dict[str, list[ValueCounted]] = Field(description="of all hits, most frequent first; none: without a value")
    page: int
    texts: list[TextFound]


def _found(row: Shown, asked: Asked) -> TextFound:
    said = "".join(stretch for stretch, _ in excerpt(row.text, asked.wanted.query))
    return TextFound(excerpt=said, **{name: getattr(row, name) for name in TextFound.model_fields if name != "excerpt"})


@router.get("/monitors/{monitor}/texts")
def texts(request: Request, asked: Asked, number: PageNumber = 1, limit: Limit = 50) -> TextsFound:
    """Search a monitor's texts. A group and two days alone: the group's own texts of a cell, oldest first."""
    limit = min(limit, MOST_A_PAGE)
    with open_session(settings_of(request)) as session:
        hits = search(session, asked.wanted, asked.order, reader_of(request))
        some = [hit.id for hit in hits.hits[(number - 1) * limit : number * limit]]
        rows = shown(session, some, LOOKED_AT, hits.withheld)
    return TextsFound(
        asked_for=asked.words,
        total=len(hits.hits),
        more=hits.more,
        facets={
            facet: [ValueCounted(value=value, texts=number) for value, number in hits.counts(facet)] for facet in FACETS
        },
        page=number,
        texts=[_found(row, asked) for row in rows],
    )


class DateFound(BaseModel):
    """A candidate for the date of publication."""

    origin: str | None = None
    value: str | None = Field(None, description="as it was found")
    accepted: bool | None = None
    why: str | None = None


class FramedBy(BaseModel):
    """What one model says of the text."""

    model: str
    p_nationalist: float | None = Field(description="null, like the other and the label: the model knows no word of it")
    p_universalist: float | None
    label: str | None
    scored_at: datetime
    in_force: bool
    stale: bool = Field(description="true: the text changed after it was scored")


class CodingShown(BaseModel):
    """A label by a person or a machine. None that a second coder, or whoever asks, must not see yet."""

    coder: str
    variable: str
    target: str
    value: str
    codebook_version: int
    origin: str = Field(
        description="human; machine: what a model said elsewhere, which is no evidence; confirmed: a machine's label "
        "that a person took over"
    )
    draw: str | None = Field(description="how its text was drawn; null while its queue is open")
    probability: float | None = Field(description="of a random draw; null also while its queue is open")
    coded_at: datetime
    note: str | None


class CopyShown(BaseModel):
    """Another document with the same text."""

    id: int
    title: str | None
    address: str
    source: str
    group_id: str | None
    speaker: str
    published_at: datetime | None
    counts: bool


class TextShown(BaseModel):
    """One text and all that is known of it."""

    id: int
    title: str | None
    text: str
    address: str
    group: str | None
    speaker: str
    source: str
    language: str | None
    language_confidence: float | None
    published_at: datetime | None
    published_origin: str | None
    dates: list[DateFound]
    counts: bool
    copies: list[CopyShown] = Field(description="at most 50")
    copies_total: int
    framings: list[FramedBy]
    framings_withheld: bool = Field(
        description="true: whoever asks has this text to code, or can still take an answer back, so what the models "
        "say is left out"
    )
    codings: list[CodingShown]
    codings_withheld: list[str] = Field(
        description="variables for which whoever asks has this text to code, or can still take an answer back: what "
        "others said of it, if anything, is left out, and what machines said of any variable"
    )
    collected_at: datetime
    updated_at: datetime
    extractor: str
    encoding: str | None
    text_digest: str = Field(description="sha256 of the normalised text")
    response_digest: str | None = Field(description="sha256 of the response it was made of; null: none is kept")


def _date(candidate: dict[str, Any]) -> DateFound:
    said = {name: candidate.get(name) for name in ("origin", "value", "why")}
    return DateFound(accepted=candidate.get("accepted"), **{n: None if v is None else str(v) for n, v in said.items()})


def _shown(detail: DocumentDetail) -> TextShown:
    document = detail.document
    same = ("id", "title", "text", "address", "speaker", "source", "language", "language_confidence", "published_at",
            "published_origin", "collected_at", "updated_at", "extractor", "encoding", "text_digest")  # fmt: skip
    return TextShown(
        **{name: getattr(document, name) for name in same},
        group=document.group_id,
        dates=[_date(candidate) for candidate in document.dates],
        counts=detail.counts,
        copies=[CopyShown(**vars(member)) for member in detail.members],
        copies_total=detail.members_total,
        framings=[FramedBy(**vars(framing)) for framing in detail.framings],
        framings_withheld=VARIABLE in detail.withheld,
        codings=[CodingShown(**vars(coding)) for coding in detail.codings],
        codings_withheld=sorted(detail.withheld),
        response_digest=detail.capture.digest if detail.capture else None,
    )


@router.get("/monitors/{monitor}/documents/{document_id}")
def document(request: Request, monitor: str, document_id: Annotated[int, Path(ge=1, le=2**63 - 1)]) -> TextShown:
    """One text and all that is known of it."""
    watched_by = monitor_of(request, monitor)
    with open_session(settings_of(request)) as session:
        detail = document_detail(session, watched_by.name, document_id, reader_of(request))
        if detail is None:
            raise HTTPException(404, NO_TEXT)
        return _shown(detail)
