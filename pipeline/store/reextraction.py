"""What extracting anew reads: documents with the places of their responses, and responses that gave none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select, update
from sqlalchemy.orm import Session

from pipeline.store.tables import Capture, Coding, Document, Frontier, FrontierStatus
from pipeline.store.upsert import IN_ONE_QUERY


@dataclass(frozen=True)
class Again:
    """A response to be read again."""

    capture_id: int
    address: str
    captured_at: datetime
    content_type: str | None
    warc_file: str
    warc_offset: int
    problem: str | None
    document_id: int | None = None
    """null: it gave no document so far"""
    document_address: str | None = None
    dates: list[Any] = field(default_factory=list)
    """of the document: every candidate"""
    collected_at: datetime | None = None


_CAPTURE = (
    Capture.id,
    Capture.address,
    Capture.captured_at,
    Capture.content_type,
    Capture.warc_file,
    Capture.warc_offset,
    Capture.problem,
)


def _outdated(monitor: str, source: str, stamp: str, every: bool) -> tuple[Any, ...]:
    mine = (Document.monitor == monitor, Document.source == source)
    return mine if every else (*mine, Document.extractor != stamp)


def outdated(
    session: Session, monitor: str, source: str, *, stamp: str, every: bool, after: int, limit: int
) -> list[Again]:
    """The next documents above an id that were made otherwise than ``stamp`` says (``every``: all), by id."""
    rows = session.execute(
        select(*_CAPTURE, Document.id, Document.address, Document.dates, Document.collected_at)
        .join(Capture, Capture.id == Document.capture_id)
        .where(*_outdated(monitor, source, stamp, every), Document.id > after)
        .order_by(Document.id)
        .limit(limit)
    )
    return [Again(*row) for row in rows]


def count_outdated(session: Session, monitor: str, source: str, *, stamp: str, every: bool) -> tuple[int, int]:
    """How many such documents have a response, and how many have none."""
    row = session.execute(
        select(func.count(Document.capture_id), func.count()).where(*_outdated(monitor, source, stamp, every))
    ).one()
    return int(row[0]), int(row[1] - row[0])


def quarantined(session: Session, monitor: str, source: str, *, after: int, limit: int) -> list[Again]:
    """The next responses above an id that gave no document, by id; none that was followed by one that did."""
    followed = (
        select(Document.id)
        .where(
            Document.monitor == monitor,
            Document.source == source,
            Document.address == Capture.address,
            Document.capture_id > Capture.id,
        )
        .exists()
    )
    rows = session.execute(
        select(*_CAPTURE)
        .where(
            Capture.monitor == monitor,
            Capture.source == source,
            Capture.problem.is_not(None),
            Capture.id > after,
            ~followed,
        )
        .order_by(Capture.id)
        .limit(limit)
    )
    return [Again(*row) for row in rows]


def fetched_pages(session: Session, monitor: str, source: str, addresses: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Address -> hints of those that were fetched as pages (not read as places of discovery)."""
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(addresses), IN_ONE_QUERY):
        rows = session.execute(
            select(Frontier.address, Frontier.hints).where(
                Frontier.monitor == monitor,
                Frontier.source == source,
                Frontier.status == FrontierStatus.FETCHED,
                Frontier.address.in_(addresses[start : start + IN_ONE_QUERY]),
                or_(Frontier.discovered_in != Frontier.address, Frontier.discovered_in.is_(None)),
            )
        )
        found.update((row.address, row.hints) for row in rows)
    return found


def set_problem(session: Session, capture: int, problem: str | None) -> None:
    """Why a response gives no document; null when it does now. Does not commit."""
    session.execute(update(Capture).where(Capture.id == capture).values(problem=problem))


def coded_among(session: Session, documents: Iterable[int]) -> list[str]:
    """Addresses of those of the documents that people have coded, sorted."""
    wanted = list(documents)
    found: set[str] = set()
    for start in range(0, len(wanted), IN_ONE_QUERY):
        found |= set(
            session.scalars(
                select(Coding.address).where(Coding.document_id.in_(wanted[start : start + IN_ONE_QUERY])).distinct()
            )
        )
    return sorted(found)
