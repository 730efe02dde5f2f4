"""Every published figure of a cell, for tests."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from pipeline.store.published import Key, earlier_vintages, newest_vintage
from pipeline.store.tables import Published


def vintages(session: Session, monitor: str, key: Key, *, until: datetime | None = None) -> list[Published]:
    """The newest first; only of that one what it was made of."""
    newest = newest_vintage(session, monitor, key, until=until)
    if newest is None:
        return []
    return [newest, *earlier_vintages(session, monitor, key, newest, until=until)]
