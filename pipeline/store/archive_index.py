"""The archive's index by files: what of a file is named, and where it lies after the file was written anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, bindparam, select, update
from sqlalchemy.orm import Session

from pipeline.store.tables import Capture


@dataclass(frozen=True)
class Indexed:
    """A row of the index."""

    id: int
    address: str
    offset: int
    digest: str
    """sha256 of the body, hexadecimal"""


def indexed_files(session: Session, monitor: str) -> list[str]:
    """All files that the monitor's index names, sorted."""
    return sorted(session.scalars(select(Capture.warc_file).where(Capture.monitor == monitor).distinct()))


def captures_in(session: Session, monitor: str, file: str) -> list[Indexed]:
    """The monitor's index rows of one file, by place."""
    rows = session.execute(
        select(Capture.id, Capture.address, Capture.warc_offset, Capture.digest)
        .where(Capture.monitor == monitor, Capture.warc_file == file)
        .order_by(Capture.warc_offset)
    )
    return [Indexed(*row) for row in rows]


def move_captures(session: Session, monitor: str, old: str, new: str, places: Mapping[int, int]) -> None:
    """Name another file: ``places``, offset in the old file -> offset in the new one. Does not commit."""
    if not places:
        return
    table = Capture.__table__
    assert isinstance(table, Table)  # noqa: S101 (for the type checker)
    statement: Any = (
        update(table)
        .where(table.c.monitor == monitor, table.c.warc_file == old, table.c.warc_offset == bindparam("before"))
        .values(warc_file=new, warc_offset=bindparam("after"))
    )
    session.connection().execute(statement, [{"before": a, "after": b} for a, b in places.items()])
