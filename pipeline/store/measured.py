"""What is remembered of measured cells, so that a measurement reads the texts of changed cells only."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, select, tuple_
from sqlalchemy.orm import Session

from pipeline.store.bulk import upsert_many
from pipeline.store.tables import MeasuredCell

CellKey = tuple[str, str, date]
"""group, period kind, first day"""
_KEYS = ("monitor", "group_id", "period", "start")
_IN_ONE_QUERY = 200
"""keys of three values"""


def pack_arrays(*arrays: NDArray[Any]) -> bytes:
    """Arrays of one length as bytes, every bit of a float kept."""
    return zlib.compress(np.stack([np.asarray(one, dtype="<f8") for one in arrays]).tobytes(), 1)


def unpack_arrays(packed: bytes, number: int) -> list[NDArray[np.float64]]:
    """The ``number`` arrays again, as floats. Raises ValueError for what is nothing of ours."""
    try:
        flat = np.frombuffer(zlib.decompress(packed), dtype="<f8")
        return [row.astype(np.float64) for row in flat.reshape(number, -1)]
    except (zlib.error, ValueError) as error:
        raise ValueError(f"these are no packed arrays ({error}); was the row changed by hand?") from error


@dataclass(frozen=True)
class Known:
    """A remembered cell; the columns of :class:`pipeline.store.tables.MeasuredCell` say what each value means."""

    digest: str
    texts: int
    sources: int
    clusters: int
    codings: int
    codings_framed: int
    framed: int
    model_balance: float | None
    model_variance: float | None
    companions: dict[str, Any]
    arrays: bytes | None
    asked: bytes


_COLUMNS = tuple(Known.__dataclass_fields__)


def known_cells(session: Session, monitor: str) -> dict[CellKey, Known]:
    """All remembered cells of a monitor, without the ids of their texts and codings."""
    table = MeasuredCell.__table__.c
    query = select(table.group_id, table.period, table.start, *(table[name] for name in _COLUMNS))
    rows = session.execute(query.where(table.monitor == monitor).execution_options(yield_per=5_000))
    return {(group, period, start): Known(*values) for group, period, start, *values in rows}


def bases_of(session: Session, monitor: str, keys: Sequence[CellKey]) -> dict[CellKey, tuple[bytes, bytes]]:
    """Ids of the documents and of the codings, both packed, of these remembered cells."""
    table = MeasuredCell.__table__.c
    columns = (table.group_id, table.period, table.start)
    found: dict[CellKey, tuple[bytes, bytes]] = {}
    for start in range(0, len(keys), _IN_ONE_QUERY):
        some = keys[start : start + _IN_ONE_QUERY]
        query = select(*columns, table.documents, table.coding_ids)
        for row in session.execute(query.where(table.monitor == monitor, tuple_(*columns).in_(some))):
            found[row[0], row[1], row[2]] = (row[3], row[4])
    return found


def remember(session: Session, monitor: str, rows: Sequence[dict[str, Any]], gone: Iterable[CellKey]) -> None:
    """Write what is to be remembered of changed cells, and forget those that are gone. Does not commit."""
    upsert_many(session, MeasuredCell, [{"monitor": monitor} | row for row in rows], _KEYS)
    table = MeasuredCell.__table__.c
    keys = list(gone)
    for start in range(0, len(keys), _IN_ONE_QUERY):
        some = keys[start : start + _IN_ONE_QUERY]
        session.execute(
            delete(MeasuredCell).where(
                table.monitor == monitor, tuple_(table.group_id, table.period, table.start).in_(some)
            )
        )
