"""The frontier: every address a source has shown us, and what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, func, or_, select, update
from sqlalchemy.orm import Session

from pipeline.store.erasures import erased
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
    """title, language, dates [{origin, value}], text, original; all optional"""
    content: str | None = None
    """what it leads to; where that is known from another address of the source, this one is not added"""


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


def _known_contents(session: Session, monitor: str, source: str, found: Sequence[Discovered]) -> set[str | None]:
    wanted = [one.content for one in found if one.content is not None]
    known: set[str | None] = set()
    for start in range(0, len(wanted), _STEP):
        rows = session.scalars(
            select(Frontier.content).where(
                Frontier.monitor == monitor,
                Frontier.source == source,
                Frontier.content.in_(wanted[start : start + _STEP]),
            )
        )
        known.update(rows)
    return known


def _other_contents(found: Sequence[Discovered], known: set[str | None]) -> Iterator[Discovered]:
    for one in found:
        if one.content is None or one.content not in known:
            known.add(one.content)
            yield one


def discover(session: Session, monitor: str, source: str, found: Sequence[Discovered], *, now: datetime) -> int:
    """Add addresses that are new; those that are known stay as they are. Returns how many were new. Does not commit.

    Neither is an address added whose ``content`` is known from another one, nor one that was erased.
    """
    refused = erased(session, monitor, [one.address for one in found])
    found = [one for one in found if one.address not in refused]
    rows = [
        {
            "monitor": monitor,
            "source": source,
            "address": one.address,
            "status": FrontierStatus.PENDING,
            "discovered_at": now,
            "discovered_in": one.found_in,
            "hints": one.hints,
            "content": one.content,
            "attempts": 0,
        }
        for one in _other_contents(found, _known_contents(session, monitor, source, found))
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


def still_due(session: Session, rows: Sequence[int]) -> list[Due]:
    """Those of the rows that are still pending, in the order of ``rows``; of the others another process was faster."""
    found = session.execute(
        select(Frontier.id, Frontier.address, Frontier.attempts, Frontier.hints).where(
            Frontier.id.in_(rows), Frontier.status == FrontierStatus.PENDING
        )
    )
    dues = {row.id: Due(row.id, row.address, row.attempts, row.hints) for row in found}
    return [dues[row] for row in rows if row in dues]


_FETCHED = (
    update(Frontier)
    .where(Frontier.id == bindparam("row"))
    .values(
        status=FrontierStatus.FETCHED,
        fetched_at=bindparam("now"),
        not_before=None,
        failure=bindparam("kind"),
        reason=bindparam("why"),
    )
)


def mark_fetched(session: Session, rows: Mapping[int, str | None], *, now: datetime) -> None:
    """The responses were had. ``rows``: row -> why it gave no document, null when it did. Does not commit."""
    if rows:
        session.connection().execute(
            _FETCHED,
            [{"row": row, "now": now, "kind": "soft" if why else None, "why": why} for row, why in rows.items()],
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
