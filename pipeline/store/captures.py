"""Index of the raw archive: which response lies where."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline.store.tables import Capture
from pipeline.store.upsert import upsert

_KEYS = ["monitor", "source", "address", "digest"]


def capture_id(session: Session, monitor: str, source: str, address: str, digest: str) -> int | None:
    """The capture of an address with exactly this body; null when there is none."""
    return session.scalar(
        select(Capture.id).where(
            Capture.monitor == monitor,
            Capture.source == source,
            Capture.address == address,
            Capture.digest == digest,
        )
    )


def keep_capture(
    session: Session,
    *,
    monitor: str,
    source: str,
    address: str,
    captured_at: datetime,
    http_status: int,
    content_type: str | None,
    digest: str,
    length: int,
    warc_file: str,
    warc_offset: int,
    problem: str | None,
) -> int:
    """Index a response that is in the archive; returns its id. Does not commit."""
    row = {
        "monitor": monitor,
        "source": source,
        "address": address,
        "captured_at": captured_at,
        "http_status": http_status,
        "content_type": content_type,
        "digest": digest,
        "length": length,
        "warc_file": warc_file,
        "warc_offset": warc_offset,
        "problem": problem,
    }
    written = upsert(session, Capture, [row], keys=_KEYS, update=["problem"])
    return int(written[0])
