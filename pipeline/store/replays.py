"""The replay in the store: which stretches there are, what each is made of, and the cells of its model."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from pipeline.monitor import Period
from pipeline.store.cells import day_column, own, to_days
from pipeline.store.measured import pack_arrays, unpack_arrays
from pipeline.store.tables import Cluster, Document, ReplayCell, ReplayStretch

_AT_ONCE = 10_000


@dataclass(frozen=True)
class CountedTexts:
    """Own dated texts that stand for their clusters, by id. Arrays of shape (n,)."""

    id: NDArray[np.int64]
    digest: NDArray[np.bytes_]
    """of the text"""
    cluster: NDArray[np.int64]
    """a text without cluster is one of its own (minus its id)"""
    group: NDArray[np.str_]
    day: NDArray[np.datetime64]
    """day of publication, UTC"""


@dataclass(frozen=True)
class Planned:
    """A stretch as it should be."""

    start: date
    end: date
    digest: str


def midnight(day: date) -> datetime:
    """The first moment of a day, UTC."""
    return datetime.combine(day, time(), tzinfo=UTC)


def counted_texts(session: Session, monitor: str, groups: Collection[str], first: date) -> CountedTexts:
    """The texts of these groups that count, published on ``first`` or later: all that a replay scores."""
    query = (
        select(
            Document.id,
            Document.text_digest,
            func.coalesce(Document.cluster_id, -Document.id),
            Document.group_id,
            day_column(session, Document.published_at),
        )
        .outerjoin(Cluster, Cluster.id == Document.cluster_id)
        .where(
            *own(monitor),
            or_(Cluster.id.is_(None), Cluster.first_document_id == Document.id),
            Document.group_id.in_(groups),
            Document.published_at >= midnight(first),
        )
        .execution_options(yield_per=_AT_ONCE)
    )
    parts = [_columns([])]
    # on the connection, as arrays chunk by chunk: a million rows as objects would fill the memory
    for rows in session.connection().execute(query).partitions():
        parts.append(_columns(rows))
    whole = [np.concatenate(column) for column in zip(*parts, strict=True)]
    order = np.argsort(whole[0], kind="stable")
    return CountedTexts(*(column[order] for column in whole))


def _columns(rows: Sequence[Any]) -> tuple[NDArray[Any], ...]:
    ids, digests, clusters, groups, days = zip(*rows, strict=True) if rows else ((), (), (), (), ())
    return (
        np.array(ids, dtype=np.int64),
        np.array([digest.encode() for digest in digests], dtype="S64"),
        np.array(clusters, dtype=np.int64),
        np.array(groups, dtype=str),
        to_days(days),
    )


def stretches_of(session: Session, monitor: str) -> list[ReplayStretch]:
    """The stretches of a monitor's replay, in order; those without ``made_at`` are still to be made."""
    return list(
        session.scalars(select(ReplayStretch).where(ReplayStretch.monitor == monitor).order_by(ReplayStretch.start))
    )


def cells_of(session: Session, stretch: ReplayStretch) -> list[tuple[str, date, int, float, float | None]]:
    """Group, first day, texts, mean and variance of every cell of a stretch, by group and time."""
    cell = ReplayCell
    query = select(cell.group_id, cell.start, cell.texts, cell.mean, cell.variance)
    rows = session.execute(query.where(cell.stretch_id == stretch.id).order_by(cell.group_id, cell.start))
    return [(group, start, texts, mean, variance) for group, start, texts, mean, variance in rows]


def first_cell(session: Session, monitor: str) -> date | None:
    """First day of the first week or month that any model of the monitor's replay has scored."""
    query = select(func.min(ReplayCell.start)).join(ReplayStretch, ReplayStretch.id == ReplayCell.stretch_id)
    return session.scalar(query.where(ReplayStretch.monitor == monitor))


def _remove(session: Session, stretches: Sequence[int]) -> None:
    session.execute(delete(ReplayCell).where(ReplayCell.stretch_id.in_(stretches)))
    session.execute(delete(ReplayStretch).where(ReplayStretch.id.in_(stretches)))


def begin_replay(session: Session, monitor: str, period: Period, planned: Sequence[Planned]) -> dict[date, bool]:
    """Make these the monitor's stretches. Returns first day -> whether one was there that has changed, of those that
    are to be made. Does not commit.

    Those that fit stay as they are; others lose their cells until they are made again. So what is there is never of
    two states of the data without anybody knowing.
    """
    wanted = {one.start: one for one in planned}
    known = {row.start: row for row in stretches_of(session, monitor)}
    _remove(session, [row.id for start, row in known.items() if start not in wanted])
    open_: dict[date, bool] = {}
    for start, one in wanted.items():
        row = known.get(start)
        if row is None:
            row = ReplayStretch(monitor=monitor, period=period, start=start, end=one.end, digest=one.digest)
            session.add(row)
            open_[start] = False
        elif (row.period, row.end, row.digest) != (period, one.end, one.digest):
            session.execute(delete(ReplayCell).where(ReplayCell.stretch_id == row.id))
            row.period, row.end, row.digest, row.made_at = period, one.end, one.digest, None
            open_[start] = True
        elif row.made_at is None:  # an earlier run was broken off before it
            open_[start] = False
    session.flush()
    return open_


def keep_stretch(
    session: Session, monitor: str, start: date, figures: Mapping[str, Any], cells: Sequence[Mapping[str, Any]]
) -> None:
    """Write a stretch that is made, and its cells instead of those that are there. Does not commit.

    Nothing is written where another run has planned anew meanwhile: ``figures`` holds the digest it was made of.
    """
    made = session.execute(
        update(ReplayStretch)
        .where(
            ReplayStretch.monitor == monitor, ReplayStretch.start == start, ReplayStretch.digest == figures["digest"]
        )
        .values(**figures)
        .returning(ReplayStretch.id)
        .execution_options(synchronize_session=False)
    ).scalar_one_or_none()
    if made is None:
        return
    session.execute(delete(ReplayCell).where(ReplayCell.stretch_id == made))
    if cells:
        session.execute(insert(ReplayCell), [{"stretch_id": made, **cell} for cell in cells])


def forget_replay(session: Session, monitor: str) -> None:
    """Take the monitor's replay out, as when texts it is made of are erased. Does not commit."""
    _remove(session, [row.id for row in stretches_of(session, monitor)])


def pack_coded(clusters: NDArray[np.int64], balances: NDArray[np.float64]) -> bytes:
    """Clusters and the model's balance of each, as bytes. Arrays of shape (n,)."""
    return pack_arrays(clusters.astype(np.float64), balances)


def unpack_coded(packed: bytes) -> dict[int, float]:
    """Cluster -> the model's balance. Raises ValueError for what is nothing of ours."""
    clusters, balances = unpack_arrays(packed, 2)
    return dict(zip(clusters.astype(np.int64).tolist(), balances.tolist(), strict=True))
