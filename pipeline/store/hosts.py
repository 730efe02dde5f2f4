"""Hosts: which process may talk to one now, when its next request may be made, and its robots.txt.

A host is leased by one process at a time, so that two processes cannot double the rate. A process that dies
leaves its lease behind: it runs out by itself, or is taken by one that knows that the process is gone. Times are the
processes' own clocks: machines that share a database need clocks that agree.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, or_, select, update
from sqlalchemy.orm import Session

from pipeline.store.tables import Host
from pipeline.store.upsert import upsert


@dataclass(frozen=True)
class Lease:
    """The right to talk to a host."""

    next_request_at: datetime | None
    """no request before this, whoever made the last one"""
    inherited: bool
    """whether the last holder did not give it back: when it made its last request is unknown"""


def take_lease(
    session: Session, host: str, owner: str, *, now: datetime, until: datetime, gone: str | None = None
) -> Lease | None:
    """Lease ``host`` to ``owner``, or make its lease longer; null while another owner holds it. Commits.

    ``gone``: an owner whose lease counts no more.
    """
    upsert(session, Host, [{"host": host}], keys=["host"])
    before = session.scalar(select(Host.leased_by).where(Host.host == host))
    free = or_(
        Host.leased_by.is_(None), Host.leased_by == owner, Host.leased_by == (gone or owner), Host.leased_until < now
    )
    # one statement decides, so two processes that try at once can't both win
    taken = session.execute(update(Host).where(Host.host == host, free).values(leased_by=owner, leased_until=until))
    won = cast("CursorResult[Any]", taken).rowcount == 1
    # read again: who held it a moment ago may have given it back in between
    next_request_at = session.scalar(select(Host.next_request_at).where(Host.host == host)) if won else None
    session.commit()
    return Lease(next_request_at, before not in {None, owner}) if won else None


def holder(session: Session, host: str) -> str | None:
    """Who leases a host; null when nobody does."""
    return session.scalar(select(Host.leased_by).where(Host.host == host))


def postpone(session: Session, host: str, until: datetime) -> None:
    """No request to ``host`` before ``until``, by nobody: said at once, so that it outlives this process. Commits."""
    later = or_(Host.next_request_at.is_(None), Host.next_request_at < until)
    session.execute(update(Host).where(Host.host == host, later).values(next_request_at=until))
    session.commit()


def give_back(session: Session, host: str, owner: str, next_request_at: datetime | None) -> None:
    """End ``owner``'s lease and leave word when the next request may be made. Commits."""
    session.execute(
        update(Host)
        .where(Host.host == host, Host.leased_by == owner)
        .values(leased_by=None, leased_until=None, next_request_at=next_request_at)
    )
    session.commit()


@dataclass(frozen=True)
class StoredRobots:
    """A host's robots.txt as it was last fetched."""

    text: str | None
    status: int | None
    """HTTP status; null when the host could not be reached"""
    fetched_at: datetime


def robots_of(session: Session, host: str) -> StoredRobots | None:
    """The stored robots.txt of a host; null when it was never asked for."""
    row = session.execute(
        select(Host.robots, Host.robots_status, Host.robots_fetched_at).where(Host.host == host)
    ).one_or_none()
    if row is None or row.robots_fetched_at is None:
        return None
    return StoredRobots(row.robots, row.robots_status, row.robots_fetched_at)


def keep_robots(session: Session, host: str, robots: StoredRobots) -> None:
    """Store a host's robots.txt. Commits."""
    row = {
        "host": host,
        "robots": robots.text,
        "robots_status": robots.status,
        "robots_fetched_at": robots.fetched_at,
    }
    upsert(session, Host, [row], keys=["host"], update=["robots", "robots_status", "robots_fetched_at"])
    session.commit()
