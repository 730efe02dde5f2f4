"""The frontier: every address a source has shown us, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, or_, select, update
from sqlalchemy.orm import Session

from pipeline.store.tables import Frontier, FrontierStatus
from pipeline.store.upsert import upsert

_STEP = 500
"""addresses in one query"""


@dataclass(frozen=True)
class Discovered:
    """An address, and what the place of discovery said of it."""

    address: str
    """canonical"""
    found_in: str
    """address of the feed, sitemap or listing page"""
    hints: dict[str, Any] = field(default_factory=dict)
    """title, language, dates [{origin, value}], text; all optional"""


@dataclass(frozen=True)
class Due:
    """An address whose turn has come."""

    id: int
    address: str
    tries: int
    """failed tries so far, counted anew when a page is read"""
    hints: dict[str, Any]


def statuses(
    session: Session, monitor: str, source: str, addresses: Sequence[str], *, before: datetime | None = None
) -> dict[str, str]:
    """Status of those of ``addresses`` that the source has shown (``before`` a time)."""
    found: dict[str, str] = {}
    for start in range(0, len(addresses), _STEP):
        query = select(Frontier.address, Frontier.status).where(
            Frontier.monitor == monitor,
            Frontier.source == source,
            Frontier.address.in_(addresses[start : start + _STEP]),
        )
        if before is not None:
            query = query.where(Frontier.discovered_at < before)
        rows = session.execute(query)
        found.update((row.address, row.status) for row in rows)
    return found


def discover(session: Session, monitor: str, source: str, found: Sequence[Discovered], *, now: datetime) -> int:
    """Add addresses that are new; those that are known stay as they are. Returns how many were new. Does not commit."""
    rows = [
        {
            "monitor": monitor,
            "source": source,
            "address": one.address,
            "status": FrontierStatus.PENDING,
            "discovered_at": now,
            "discovered_in": one.found_in,
            "hints": one.hints,
            "attempts": 0,
        }
        for one in found
    ]
    return len(upsert(session, Frontier, rows, keys=["monitor", "source", "address"]))


def due(session: Session, monitor: str, source: str, *, now: datetime) -> Iterator[Due]:
    """The pending addresses whose time has come, in the order of their discovery.

    Read in pages, so that no result is open while the caller writes.
    """
    last = 0
    while True:
        page = session.execute(
            select(Frontier.id, Frontier.address, Frontier.attempts, Frontier.hints)
            .where(
                Frontier.monitor == monitor,
                Frontier.source == source,
                Frontier.status == FrontierStatus.PENDING,
                or_(Frontier.not_before.is_(None), Frontier.not_before <= now),
                Frontier.id > last,
            )
            .order_by(Frontier.id)
            .limit(_STEP)
        ).all()
        yield from (Due(row.id, row.address, row.attempts, row.hints) for row in page)
        if len(page) < _STEP:
            return
        last = page[-1].id


def hints_of(session: Session, row: int) -> dict[str, Any] | None:
    """The hints of a row that is still pending; null when another process was faster (or the row is gone)."""
    return session.scalar(select(Frontier.hints).where(Frontier.id == row, Frontier.status == FrontierStatus.PENDING))


_READING = "the run ended while this page was read"


def begin_reading(session: Session, row: int) -> int:
    """Note that a page was fetched and is going to be read; returns how often it was begun, this time included.

    The row stays pending, so a page that ends the process is known again by the next run. Commits.
    """
    again = case((Frontier.reason == _READING, Frontier.attempts + 1), else_=1)
    session.execute(
        update(Frontier).where(Frontier.id == row).values(attempts=again, failure="temporary", reason=_READING)
    )
    begun = session.scalar(select(Frontier.attempts).where(Frontier.id == row))
    session.commit()
    return begun or 1


def mark_fetched(session: Session, row: int, *, now: datetime, reason: str | None = None) -> None:
    """The response was had; ``reason`` says why it gave no document, if so. Does not commit."""
    session.execute(
        update(Frontier)
        .where(Frontier.id == row)
        .values(
            status=FrontierStatus.FETCHED,
            fetched_at=now,
            not_before=None,
            failure="soft" if reason else None,
            reason=reason,
        )
    )


def mark_failed(
    session: Session, row: int, *, status: str, failure: str, reason: str, not_before: datetime | None
) -> None:
    """One more failed try: its kind, its reason, and what the row's status is now. Does not commit."""
    session.execute(
        update(Frontier)
        .where(Frontier.id == row)
        .values(status=status, failure=failure, reason=reason, not_before=not_before, attempts=Frontier.attempts + 1)
    )


def waiting(session: Session, monitor: str, source: str) -> int:
    """How many addresses are pending."""
    return (
        session.scalar(
            select(func.count())
            .select_from(Frontier)
            .where(Frontier.monitor == monitor, Frontier.source == source, Frontier.status == FrontierStatus.PENDING)
        )
        or 0
    )


# A listing may stop at the first page of known links only when an earlier walk reached the end. Whether one did
# must survive a kill, so the listing has a frontier row of its own, which is never due.
_UNFINISHED = "the walk through this listing is not finished; the next run walks all its pages"


def begin_walk(session: Session, monitor: str, source: str, listing: str, *, now: datetime) -> None:
    """Note that a walk through a listing has begun. Does not commit."""
    row = {
        "monitor": monitor,
        "source": source,
        "address": listing,
        "status": FrontierStatus.FAILED,
        "discovered_at": now,
        "discovered_in": listing,
        "hints": {},
        "attempts": 0,
        "failure": "temporary",
        "reason": _UNFINISHED,
    }
    upsert(session, Frontier, [row], keys=["monitor", "source", "address"], update=["status", "failure", "reason"])


def end_walk(session: Session, monitor: str, source: str, listing: str, *, now: datetime) -> None:
    """Note that the walk reached its end. Does not commit."""
    session.execute(
        update(Frontier)
        .where(Frontier.monitor == monitor, Frontier.source == source, Frontier.address == listing)
        .values(status=FrontierStatus.FETCHED, fetched_at=now, failure=None, reason=None)
    )


def walked_to_the_end(session: Session, monitor: str, source: str, listing: str) -> bool:
    """Whether the newest walk through a listing reached its end."""
    return statuses(session, monitor, source, [listing]).get(listing) == FrontierStatus.FETCHED
