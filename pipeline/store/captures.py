"""Index of the raw archive: which response lies where."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline.store.tables import Capture
from pipeline.store.upsert import IN_ONE_QUERY, upsert

_KEYS = ["monitor", "source", "address", "digest"]


@dataclass(frozen=True)
class Captured:
    """A response that is in the archive."""

    address: str
    captured_at: datetime
    http_status: int
    content_type: str | None
    digest: str
    """sha256 of the body, hexadecimal"""
    length: int
    warc_file: str
    warc_offset: int
    problem: str | None
    """why no document came of it"""


def captures_of(session: Session, monitor: str, source: str, addresses: Iterable[str]) -> dict[tuple[str, str], int]:
    """(address, digest) -> id of every capture of these addresses."""
    wanted = list(dict.fromkeys(addresses))
    found: dict[tuple[str, str], int] = {}
    for start in range(0, len(wanted), IN_ONE_QUERY):
        rows = session.execute(
            select(Capture.address, Capture.digest, Capture.id).where(
                Capture.monitor == monitor,
                Capture.source == source,
                Capture.address.in_(wanted[start : start + IN_ONE_QUERY]),
            )
        )
        found.update(((row.address, row.digest), row.id) for row in rows)
    return found


def keep_captures(
    session: Session, monitor: str, source: str, captured: Sequence[Captured]
) -> dict[tuple[str, str], int]:
    """Index responses that are in the archive; (address, digest) -> id. No pair may be there twice. Does not commit.

    One body of one address is indexed once: where it is known, only its problem is written.
    """
    rows = [{"monitor": monitor, "source": source, **vars(one)} for one in captured]
    written = upsert(session, Capture, rows, keys=_KEYS, update=["problem"], returning=["address", "digest", "id"])
    return {(address, digest): row for address, digest, row in written}
