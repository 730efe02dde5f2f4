"""Which cells have changed since they were measured: one number per group and day, summed by the database.

Every own text has a mark, a number made of all that measuring takes from it: its id, its cluster, whether it stands
for the cluster, and its framing by the model. Its source and when it was collected are not in it, since they never
change for an id. The database sums the marks of a day, so that nobody reads the texts; two different days have the
same sum with a chance of about one in two thousand million. The same is reckoned here from texts that were read, so
that what is remembered of a cell belongs to the very rows it was measured on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import BigInteger, ColumnElement, case, cast, func, select
from sqlalchemy.orm import Session

from pipeline.store.cells import Texts, counts_column, day_column, fresh_framing, own, to_days
from pipeline.store.tables import Cluster, Document, Framing

Ints = NDArray[np.int64]

_PRIME = 2**31 - 1
_FACTORS = (805_306_457, 402_653_189, 201_326_611, 100_663_319, 50_331_653)
"""Below 2^30, so that no step leaves 63 bits. Id, cluster and place in it are mixed with the framing by products: a sum
of the parts would not notice two texts that change places."""
_SCALE = 2.0**53
_NOT_FRAMED = 2**53 + 1
"""stands for a probability that is missing; one is never above 2^53 when scaled"""


@dataclass(frozen=True)
class DayMarks:
    """The days of a group that have own texts. Arrays: one entry each, in order."""

    day: NDArray[np.datetime64]
    texts: Ints
    mark: Ints
    """sum of the texts' marks"""


@dataclass(frozen=True)
class Marks:
    """What the database knows of all own dated texts of a monitor without showing them."""

    groups: dict[str, DayMarks]
    unframed: int
    """texts that stand for their cluster and are not framed by the model"""
    wordless: int
    """of them those the model was shown, but knows no word of"""

    @property
    def texts(self) -> int:
        """How many texts there are."""
        return sum(int(days.texts.sum()) for days in self.groups.values())


def _mixed(document: Any, cluster: Any, counts: Any, p: Any, q: Any) -> Any:
    """The mark, in SQL or for arrays of 64 bit integers; below 2^31. p, q: probabilities, scaled to integers."""
    a, b, c, d, e = _FACTORS
    who = (document % _PRIME * a + cluster % _PRIME * b + counts * c) % _PRIME
    what = (p % _PRIME * d + q % _PRIME * e + 1) % _PRIME
    return (who * who % _PRIME * what + who) % _PRIME


def marks_of(texts: Texts) -> Ints:
    """The mark of each text, shape (N,); the same numbers as in the database."""

    def scaled(p: NDArray[np.float64]) -> Ints:
        whole = np.floor(np.nan_to_num(p) * _SCALE).astype(np.int64)
        whole[np.isnan(p)] = _NOT_FRAMED
        return whole

    made: Ints = _mixed(
        texts.document,
        np.maximum(texts.cluster, 0),
        texts.counts.astype(np.int64),
        scaled(texts.p_nationalist),
        scaled(texts.p_universalist),
    )
    return made


def _scaled(session: Session, p: Any) -> ColumnElement[int]:
    # SQLite cuts the fraction off, PostgreSQL rounds unless told otherwise
    whole = p * _SCALE if session.get_bind().dialect.name == "sqlite" else func.floor(p * _SCALE)
    return func.coalesce(cast(whole, BigInteger), _NOT_FRAMED)


def _present(column: Any) -> ColumnElement[int]:
    return case((column.is_not(None), 1), else_=0)


def day_marks(session: Session, monitor: str, model_id: int | None) -> Marks:
    """The marks of all own dated texts of a monitor, per group and day: one pass of the database over them."""
    counts = counts_column()
    mark = _mixed(
        Document.id,
        func.coalesce(Document.cluster_id, 0),
        counts,
        _scaled(session, Framing.p_first),
        _scaled(session, Framing.p_second),
    )
    day = day_column(session, Document.published_at).label("day")
    query = (
        select(
            Document.group_id,
            day,
            func.count(),
            cast(func.sum(mark), BigInteger),
            cast(func.sum(counts), BigInteger),
            cast(func.sum(counts * _present(Framing.p_first)), BigInteger),
            cast(func.sum(counts * _present(Framing.document_id)), BigInteger),
        )
        .select_from(Document)
        .outerjoin(Cluster, Cluster.id == Document.cluster_id)
        .outerjoin(Framing, fresh_framing(model_id))
        .where(*own(monitor))
        .group_by(Document.group_id, day)
    )
    found: dict[str, list[Any]] = {}
    counted = framed = scored = 0
    for group, *sums in session.execute(query):
        found.setdefault(group, []).append(sums[:3])
        counted, framed, scored = counted + sums[3], framed + sums[4], scored + sums[5]
    return Marks({group: _days(rows) for group, rows in found.items()}, counted - framed, scored - framed)


def _days(rows: Sequence[Sequence[Any]]) -> DayMarks:
    days = to_days([row[0] for row in rows])
    order = np.argsort(days)
    texts, mark = (np.array([row[i] for row in rows], dtype=np.int64)[order] for i in (1, 2))
    return DayMarks(days[order], texts, mark)


def days_of(texts: Texts) -> DayMarks:
    """The same from texts of one group that were read."""
    days, first, counts = np.unique(texts.day, return_index=True, return_counts=True)
    sums = np.add.reduceat(marks_of(texts), first) if len(first) else np.empty(0, dtype=np.int64)
    return DayMarks(days, counts.astype(np.int64), sums)
