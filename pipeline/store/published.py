"""Published figures: what was measured on which day, and of what. Rows are added and never changed or deleted."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, Table, and_, bindparam, func, or_, select, update
from sqlalchemy.orm import Session, defer

from pipeline.store.bulk import insert_many
from pipeline.store.tables import Capture, Coding, Document, ErasedDocument, Erasure, Model, Published
from pipeline.store.upsert import IN_ONE_QUERY

Ids = NDArray[np.int64]
Key = tuple[str, str, str, date]
"""kind (one of :data:`KINDS`), subject, period kind, first day"""
KINDS: dict[str, str] = {
    "trend": "balance of a group; subject: the group",
    "gap": "gap of a dyad; subject: a--b",
    "state": "what the states of a dyad were made of at a measurement; subject: a--b, start: the last finished period",
    "change": "X of an alarm, as coders confirm it; subject: alarm N",
    "rise": "the test of criticism beside an alarm; subject: alarm N/who speaks",
    "texts": "how many different texts a group has; subject: the group",
    "criticism": "how hostile a's texts are to b; subject: a--b",
}
"""What is published."""


_NOTHING = zlib.compress(b"", 9)


def pack(ids: Iterable[int] | Ids) -> bytes:
    """Different positive ids as bytes: sorted, as differences, all first bytes before all second ones, deflated."""
    values = np.sort(np.fromiter(ids, dtype=np.int64) if not isinstance(ids, np.ndarray) else ids)
    if not len(values):
        return _NOTHING
    values = values[np.concatenate([[True], values[1:] != values[:-1]])]
    steps = values.astype("<i8")
    steps[1:] -= values[:-1]
    return zlib.compress(np.ascontiguousarray(steps.view(np.uint8).reshape(-1, 8).T).tobytes(), 9)


def unpack(packed: bytes) -> Ids:
    """The ids again, sorted. Raises ValueError for what is nothing of ours."""
    try:
        planes = np.frombuffer(zlib.decompress(packed), dtype=np.uint8)
        return np.cumsum(np.ascontiguousarray(planes.reshape(8, -1).T).view("<i8").reshape(-1)).astype(np.int64)
    except (zlib.error, ValueError) as error:
        raise ValueError(f"these are no packed ids ({error}); was the row changed by hand?") from error


@dataclass(frozen=True)
class Figure:
    """A figure that is to be published."""

    key: Key
    end: date
    figures: dict[str, Any]
    digest: str
    """of the figure and of what it was made of"""
    documents: Ids
    codings: Ids


def newest_digests(session: Session, monitor: str, kinds: Sequence[str]) -> dict[Key, str]:
    """Key -> digest of the newest published figure of every key of these kinds."""
    newest = (
        select(func.max(Published.id))
        .where(Published.monitor == monitor, Published.kind.in_(kinds))
        .group_by(Published.kind, Published.subject, Published.period, Published.start)
    )
    rows = session.execute(
        select(Published.kind, Published.subject, Published.period, Published.start, Published.digest).where(
            Published.id.in_(newest)
        )
    )
    return {(row.kind, row.subject, row.period, row.start): row.digest for row in rows}


def append(
    session: Session,
    monitor: str,
    figures: Sequence[Figure],
    *,
    as_of: datetime,
    model: str | None,
    codebook_version: int,
    code_version: str,
) -> None:
    """Publish figures. Does not commit."""
    rows = [
        {
            "monitor": monitor,
            "kind": one.key[0],
            "subject": one.key[1],
            "period": one.key[2],
            "start": one.key[3],
            "end": one.end,
            "as_of": as_of,
            "figures": one.figures,
            "digest": one.digest,
            "documents": pack(one.documents),
            "codings": pack(one.codings),
            "model": model,
            "codebook_version": codebook_version,
            "code_version": code_version,
            "basis_erased": 0,
        }
        for one in figures
    ]
    insert_many(session, Published, rows)


_WITHOUT_BASIS = [defer(column, raiseload=True) for column in (Published.documents, Published.codings)]
"""What a figure was made of is large, and needed of the one that is explained alone."""


def _newest_first(monitor: str, key: Key, until: datetime | None) -> Select[int]:
    """Ids of the published figures of a cell (not younger than ``until``)."""
    kind, subject, period, start = key
    query = select(Published.id).where(
        Published.monitor == monitor,
        Published.kind == kind,
        Published.subject == subject,
        Published.period == period,
        Published.start == start,
    )
    if until is not None:
        query = query.where(Published.as_of <= until)
    return query.order_by(Published.id.desc())


def newest_vintage(
    session: Session, monitor: str, key: Key, *, until: datetime | None = None, basis: bool = True
) -> Published | None:
    """The newest published figure of a cell (not younger than ``until``). basis: with what it was made of."""
    newest = _newest_first(monitor, key, until).limit(1)
    return session.scalar(select(Published).where(Published.id.in_(newest)).options(*([] if basis else _WITHOUT_BASIS)))


def newest_of_kind(session: Session, monitor: str, kind: str, subject: str, until: datetime) -> Published | None:
    """The newest published figure of a kind and subject, of whichever period, not younger than ``until``."""
    return session.scalar(
        select(Published)
        .where(
            Published.monitor == monitor,
            Published.kind == kind,
            Published.subject == subject,
            Published.as_of <= until,
        )
        .order_by(Published.id.desc())
        .limit(1)
    )


def newest_of_alarm(session: Session, monitor: str, alarm: int, until: datetime) -> Sequence[Published]:
    """The newest figures of an alarm, not younger than ``until``: X, then the test of criticism by either group."""
    newest = (
        select(func.max(Published.id))
        .where(
            Published.monitor == monitor,
            or_(
                and_(Published.kind == "change", Published.subject == f"alarm {alarm}"),
                and_(Published.kind == "rise", Published.subject.startswith(f"alarm {alarm}/", autoescape=True)),
            ),
            Published.as_of <= until,
        )
        .group_by(Published.kind, Published.subject)
    )
    query = select(Published).where(Published.id.in_(newest)).order_by(Published.kind, Published.subject)
    return session.scalars(query).all()


def figures_by_start(
    session: Session, monitor: str, kind: str, subject: str, period: str, until: datetime
) -> dict[date, dict[str, Any]]:
    """First day -> the newest figures published of this kind of period, not younger than ``until``."""
    newest = (
        select(func.max(Published.id))
        .where(
            Published.monitor == monitor,
            Published.kind == kind,
            Published.subject == subject,
            Published.period == period,
            Published.as_of <= until,
        )
        .group_by(Published.start)
    )
    rows = session.execute(select(Published.start, Published.figures).where(Published.id.in_(newest)))
    return {row.start: row.figures for row in rows}


def earlier_vintages(
    session: Session, monitor: str, key: Key, row: Published, *, until: datetime | None = None, most: int | None = None
) -> Sequence[Published]:
    """Figures of a cell published before ``row``, the newest first, without what they were made of. most: None: all."""
    ids = _newest_first(monitor, key, until).where(Published.id < row.id).limit(most)
    query = select(Published).where(Published.id.in_(ids)).order_by(Published.id.desc())
    return session.scalars(query.options(*_WITHOUT_BASIS)).all()


def published_span(session: Session, monitor: str, kind: str, subject: str, period: str) -> tuple[date, date] | None:
    """First days of the first and the last period of which a figure was published; None: of none."""
    first, last = session.execute(
        select(func.min(Published.start), func.max(Published.start)).where(
            Published.monitor == monitor,
            Published.kind == kind,
            Published.subject == subject,
            Published.period == period,
        )
    ).one()
    return None if first is None else (first, last)


@dataclass(frozen=True)
class PublishedState:
    """The state of a dyad in a period, as it was published once."""

    dyad: str
    """a--b"""
    start: date
    end: date
    """first day after the period"""
    as_of: datetime
    state: str | None


def published_states(session: Session, monitor: str, period: str) -> Iterator[PublishedState]:
    """Every state that was ever published of a monitor's dyads in this kind of period, in the order of publication."""
    query = (
        select(
            Published.subject, Published.start, Published.end, Published.as_of, Published.figures["state"].as_string()
        )
        .where(Published.monitor == monitor, Published.kind == "gap", Published.period == period)
        .order_by(Published.id)
        .execution_options(yield_per=10_000)
    )
    return (PublishedState(*row) for row in session.execute(query))


def publishing_times(session: Session, monitor: str) -> list[datetime]:
    """When anything of a monitor was published, the first time first: it was measured then at the latest."""
    measured = Published.kind.in_(("trend", "gap"))  # rates of criticism are another job's
    query = select(Published.as_of).where(Published.monitor == monitor, measured).distinct().order_by(Published.as_of)
    return list(session.scalars(query))


@dataclass(frozen=True)
class Basis:
    """A text that a figure was made of."""

    id: int
    address: str
    title: str | None
    published_at: datetime | None
    updated_at: datetime
    captured_at: datetime | None
    """null: it came without a response (a table's row, a feed's entry)"""
    warc_file: str | None
    warc_offset: int | None


@dataclass(frozen=True)
class Erased:
    """How many of a figure's texts an erasure took, when and why."""

    texts: int
    erased_at: datetime
    reason: str


def basis_of(session: Session, documents: Sequence[int]) -> list[Basis]:
    """The texts that are still there, by date of publication."""
    found: list[Basis] = []
    for start in range(0, len(documents), IN_ONE_QUERY):
        rows = session.execute(
            select(
                Document.id,
                Document.address,
                Document.title,
                Document.published_at,
                Document.updated_at,
                Capture.captured_at,
                Capture.warc_file,
                Capture.warc_offset,
            )
            .outerjoin(Capture, Capture.id == Document.capture_id)
            .where(Document.id.in_(documents[start : start + IN_ONE_QUERY]))
        )
        found += [Basis(*row) for row in rows]
    return sorted(found, key=lambda one: (one.published_at is None, one.published_at, one.id))


def codings_of(session: Session, codings: Sequence[int]) -> list[Coding]:
    """The codings that are still there, by text and coder."""
    found: list[Coding] = []
    for start in range(0, len(codings), IN_ONE_QUERY):
        found += session.scalars(select(Coding).where(Coding.id.in_(codings[start : start + IN_ONE_QUERY])))
    return sorted(found, key=lambda one: (one.address, one.coder, one.id))


def erasures_among(session: Session, documents: Sequence[int]) -> list[Erased]:
    """The erasures that took some of these texts, the oldest first."""
    taken: dict[int, int] = {}
    for start in range(0, len(documents), IN_ONE_QUERY):
        for erasure in session.scalars(
            select(ErasedDocument.erasure_id).where(
                ErasedDocument.document_id.in_(documents[start : start + IN_ONE_QUERY])
            )
        ):
            taken[erasure] = taken.get(erasure, 0) + 1
    rows = session.scalars(select(Erasure).where(Erasure.id.in_(taken)).order_by(Erasure.id))
    return [Erased(taken[row.id], row.erased_at, row.reason) for row in rows]


def model_of(session: Session, sha256: str | None) -> Model | None:
    """The model with this checksum, if it is still known."""
    return session.scalar(select(Model).where(Model.sha256 == sha256).order_by(Model.id.desc()).limit(1))


def mark_erased(session: Session, monitor: str) -> int:
    """Say of every published figure how many of its texts were erased; returns how many figures that concerns.

    Counted anew each time, so that an erasure that was broken off and run again counts nothing twice. Does not commit.
    """
    gone = np.array(sorted(session.scalars(select(ErasedDocument.document_id))), dtype=np.int64)
    rows = session.execute(
        select(Published.id, Published.documents, Published.basis_erased)
        .where(Published.monitor == monitor)
        .execution_options(yield_per=5_000)
    )
    counts = {row.id: (int(np.isin(unpack(row.documents), gone).sum()), row.basis_erased) for row in rows}
    changed = [{"row": row, "count": now} for row, (now, before) in counts.items() if now != before]
    if changed:
        table = Published.__table__
        assert isinstance(table, Table)  # noqa: S101 (for the type checker)
        session.connection().execute(
            update(table).where(table.c.id == bindparam("row")).values(basis_erased=bindparam("count")), changed
        )
    return sum(now > 0 for now, _ in counts.values())
