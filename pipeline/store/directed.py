"""What the directed figures (who names, answers, cites, criticises whom) are made of, and the counts kept of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, and_, delete, select, tuple_
from sqlalchemy.orm import Session

from pipeline.store.answered import answered_shares
from pipeline.store.cells import RandomCoding, counts_column, own
from pipeline.store.columns import Kind, columns_of, empty_columns
from pipeline.store.earlier_draws import earlier_draws
from pipeline.store.tables import Cluster, Coding, DirectedCount, DirectedTotal, Document, Framing
from pipeline.store.upsert import IN_ONE_QUERY, upsert


@dataclass(frozen=True)
class OwnText:
    """An own dated document. One with ``counts`` stands for its cluster."""

    document: int
    cluster: int
    """minus the document's id where it has none"""
    group: str
    source: str
    address: str
    title: str | None
    published_at: datetime
    collected_at: datetime
    counts: bool
    """it is the first publication of its text"""


@dataclass(frozen=True)
class AuditedText:
    """A text that hits an alias of another group."""

    document: int
    cluster: int
    """minus the document's id where it has none"""
    published_at: datetime
    p: float | None
    """the model's probability of hostile; null: not scored as it is now"""


def own_documents(
    session: Session, monitor: str, start: date | None = None, end: date | None = None, most: int | None = None
) -> list[OwnText]:
    """Own dated documents of a monitor by publication, without their texts; reposts too.

    start, end: first day, and first day that is left out. most: the first so many; null: all.
    """
    query = (
        select(
            Document.id,
            Document.cluster_id,
            Document.group_id,
            Document.source,
            Document.address,
            Document.title,
            Document.published_at,
            Document.collected_at,
            counts_column(),
        )
        .outerjoin(Cluster, Cluster.id == Document.cluster_id)
        .where(*own(monitor))
        .order_by(Document.published_at, Document.id)
        .limit(most)
        .execution_options(yield_per=10_000)
    )
    if start is not None:
        query = query.where(Document.published_at >= datetime.combine(start, time(), tzinfo=UTC))
    if end is not None:
        query = query.where(Document.published_at < datetime.combine(end, time(), tzinfo=UTC))
    return [
        OwnText(
            document=document,
            cluster=-document if cluster is None else cluster,
            group=str(group),
            source=source,
            address=address,
            title=title,
            published_at=published,
            collected_at=collected,
            counts=bool(counts),
        )
        for document, cluster, group, source, address, title, published, collected, counts in session.execute(query)
        if published is not None
    ]


def texts_in_order(session: Session, documents: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Document and text in the order asked for, some hundreds at a time; those that are gone are left out."""
    for start in range(0, len(documents), IN_ONE_QUERY):
        some = documents[start : start + IN_ONE_QUERY]
        query = select(Document.id, Document.text).where(Document.id.in_(some))
        found = {int(document): str(text) for document, text in session.execute(query)}
        yield from ((document, found[document]) for document in some if document in found)


def hostile_probabilities(session: Session, monitor: str, model_id: int) -> dict[tuple[int, str], float]:
    """(document, target) -> the model's probability of hostile, its second head, of the text as it is now."""
    query = (
        select(Framing.document_id, Framing.target, Framing.p_second)
        .join(Document, Document.id == Framing.document_id)
        .where(
            Document.monitor == monitor,
            Framing.model_id == model_id,
            Framing.text_digest == Document.text_digest,
            Framing.p_second.is_not(None),
        )
        .execution_options(yield_per=10_000)
    )
    return {(document, target): p for document, target, p in session.execute(query) if p is not None}


def random_codings_towards(
    session: Session, monitor: str, variable: str, *, at: datetime | None = None
) -> dict[str, list[RandomCoding]]:
    """Target -> random codings by people of a targeted variable, of collected texts, oldest first.

    at: their draws as far as they were answered then; None: as they are now.
    """
    query = (
        select(
            Coding.id,
            Coding.address,
            Coding.target,
            Document.id.label("document"),
            Document.cluster_id,
            Coding.value,
            Coding.coder,
            Coding.coded_at,
            Coding.drawn_at,
            Coding.probability,
            Coding.settles,
        )
        .join(Document, Document.id == Coding.document_id)
        .where(
            Coding.monitor == monitor,
            Coding.variable == variable,
            Coding.draw == "random",
            Coding.origin != "machine",
        )
        .order_by(Coding.coded_at, Coding.id)
    )
    answered = answered_shares(session, monitor, variable, at=at)
    earlier = earlier_draws(session, monitor, variable)
    made: dict[str, list[RandomCoding]] = {}
    for row in session.execute(query):
        made.setdefault(row.target, []).append(
            RandomCoding(
                cluster=-row.document if row.cluster_id is None else row.cluster_id,
                value=row.value,
                coder=row.coder,
                coded_at=row.coded_at,
                drawn_at=row.drawn_at,
                probability=row.probability,
                id=row.id,
                settles=row.settles,
                answered=answered.get((row.drawn_at, row.address, row.target), 1.0),
                earlier=earlier.get(row.id, frozenset()),
            )
        )
    return made


def own_again(session: Session, documents: Sequence[int], group: str, days: tuple[date, date]) -> list[int]:
    """Those of these documents that are still a group's own, published from the first day to before the second."""
    found: list[int] = []
    for start in range(0, len(documents), IN_ONE_QUERY):
        some = Document.id.in_(documents[start : start + IN_ONE_QUERY])
        found += session.scalars(select(Document.id).where(some, *_of(group, days)))
    return sorted(found)


def _of(group: str, days: tuple[date, date]) -> tuple[ColumnElement[bool], ...]:
    first, after = (datetime.combine(day, time(), tzinfo=UTC) for day in days)
    return (*own(), Document.group_id == group, Document.published_at >= first, Document.published_at < after)


def audited_again(
    session: Session,
    documents: Sequence[int],
    group: str,
    days: tuple[date, date],
    *,
    model_id: int | None,
    target: str,
) -> list[AuditedText]:
    """Those of these documents that are still a group's own of these days, as the estimate of hostile texts needs them.

    By publication. days: the first, and the first after. model_id: of the model of criticism whose scores towards
    ``target`` count.
    """
    scored = and_(
        Framing.document_id == Document.id,
        Framing.model_id == model_id,
        Framing.target == target,
        Framing.text_digest == Document.text_digest,
    )
    found: list[AuditedText] = []
    for start in range(0, len(documents), IN_ONE_QUERY):
        query = (
            select(Document.id, Document.cluster_id, Document.published_at, Framing.p_second)
            .outerjoin(Framing, scored)
            .where(Document.id.in_(documents[start : start + IN_ONE_QUERY]), *_of(group, days))
        )
        found += [
            AuditedText(document, -document if cluster is None else cluster, published, p)
            for document, cluster, published, p in session.execute(query)
            if published is not None
        ]
    return sorted(found, key=lambda text: (text.published_at.date(), text.document))


# ---- the counts that are kept

TotalKey = tuple[str, str, date]
"""a, period kind, first day"""
CountKey = tuple[str, str, str, date]
"""a, b, period kind, first day"""
_TOTAL_KEYS, _COUNT_KEYS = ("a", "period", "start"), ("a", "b", "period", "start")
_TOTALS = ("end", "clusters")
_COUNTS = (
    "named", "audited", "coded", "late", "hostile", "estimator", "hostile_share", "hostile_low", "hostile_high", "rate",
    "low", "high", "why",
)  # fmt: skip
_KEYS_IN_ONE_QUERY = 150


_BY_DAY: dict[str, Kind] = {"document": "whole", "day": "time", "group": "name"}


def texts_by_day(session: Session, monitor: str) -> dict[str, tuple[NDArray[np.datetime64], NDArray[np.int64]]]:
    """Group -> the days of its different texts, and their documents; two arrays, by day."""
    columns: list[Any] = [Document.id, Document.published_at, Document.group_id]
    query = (
        select(*columns)
        .outerjoin(Cluster, Cluster.id == Document.cluster_id)
        .where(*own(monitor), counts_column() == 1)
        .order_by(Document.group_id, Document.published_at, Document.id)
    )
    parts = list(columns_of(session, query, _BY_DAY)) or [empty_columns(_BY_DAY)]
    document, day, group = (np.concatenate([part[name] for part in parts]) for name in _BY_DAY)
    edges = [0, *(np.flatnonzero(group[1:] != group[:-1]) + 1).tolist(), len(group)]
    return {
        str(group[start]): (day[start:end].astype("datetime64[D]"), document[start:end])
        for start, end in pairwise(edges)
        if end > start
    }


@dataclass(frozen=True)
class DirectedChange:
    """What became of the directed counts; cells."""

    written: int
    """new, or different from what was there"""
    deleted: int


def keep_directed(
    session: Session,
    monitor: str,
    totals: Mapping[TotalKey, Mapping[str, Any]],
    counts: Mapping[CountKey, Mapping[str, Any]],
    now: datetime,
) -> DirectedChange:
    """Write the cells that have changed, delete those that are no more, leave the others alone. Does not commit."""
    stored_totals = {
        (row.a, row.period, row.start): row
        for row in session.execute(
            select(DirectedTotal.a, DirectedTotal.period, DirectedTotal.start, *_columns(DirectedTotal, _TOTALS)).where(
                DirectedTotal.monitor == monitor
            )
        )
    }
    stored_counts = {
        (row.a, row.b, row.period, row.start): row
        for row in session.execute(
            select(
                DirectedCount.a, DirectedCount.b, DirectedCount.period, DirectedCount.start,
                *_columns(DirectedCount, _COUNTS),
            ).where(DirectedCount.monitor == monitor)
        )
    }  # fmt: skip
    new_totals = [
        {"monitor": monitor, "a": a, "period": kind, "start": start, **row, "measured_at": now}
        for (a, kind, start), row in totals.items()
        if not _same(stored_totals.get((a, kind, start)), row)
    ]
    new_counts = [
        {"monitor": monitor, "a": a, "b": b, "period": kind, "start": start, **row, "measured_at": now}
        for (a, b, kind, start), row in counts.items()
        if not _same(stored_counts.get((a, b, kind, start)), row)
    ]
    upsert(session, DirectedTotal, new_totals, keys=("monitor", *_TOTAL_KEYS), update=(*_TOTALS, "measured_at"))
    upsert(session, DirectedCount, new_counts, keys=("monitor", *_COUNT_KEYS), update=(*_COUNTS, "measured_at"))
    gone_totals = [key for key in stored_totals if key not in totals]
    gone_counts = [key for key in stored_counts if key not in counts]
    _delete(session, DirectedTotal, _TOTAL_KEYS, monitor, gone_totals)
    _delete(session, DirectedCount, _COUNT_KEYS, monitor, gone_counts)
    return DirectedChange(len(new_totals) + len(new_counts), len(gone_totals) + len(gone_counts))


def _columns(table: type[DirectedTotal] | type[DirectedCount], names: Sequence[str]) -> list[Any]:
    return [getattr(table, name) for name in names]


def _same(stored: Any, row: Mapping[str, Any]) -> bool:
    return stored is not None and all(getattr(stored, name) == value for name, value in row.items())


def _delete(
    session: Session,
    table: type[DirectedTotal] | type[DirectedCount],
    names: Sequence[str],
    monitor: str,
    keys: Sequence[tuple[Any, ...]],
) -> None:
    columns = _columns(table, names)
    for start in range(0, len(keys), _KEYS_IN_ONE_QUERY):
        some = keys[start : start + _KEYS_IN_ONE_QUERY]
        session.execute(delete(table).where(table.monitor == monitor, tuple_(*columns).in_(some)))


@dataclass(frozen=True)
class DirectedCell:
    """What a's texts of one period say of b, as it was measured last."""

    a: str
    b: str
    period: str
    start: date
    end: date
    """first day after it"""
    clusters: int
    """different texts of a: N"""
    named: int
    """of them name b, by an alias or another transliteration"""
    audited: int
    """texts that hit an alias of b, from which codings are drawn: M"""
    coded: int
    """of them drawn at random and coded"""
    late: int
    """audited texts that came at a time that codings do not speak for; a corrected share is of the others"""
    hostile: float
    """of the coded ones; a tie of two coders counts a half"""
    estimator: str
    """corrected, counted (no text names b, so the rate is 0), uncorrected (the model alone) or none"""
    hostile_share: float | None
    """of the audited texts"""
    hostile_low: float | None
    hostile_high: float | None
    rate: float | None
    """h: hostile texts that name b, of all texts of a"""
    low: float | None
    """null beside a corrected share: of texts that came at a time that codings do not speak for nothing is known"""
    high: float | None
    why: str | None
    """why it is not corrected, has no interval, or is not there"""
    measured_at: datetime


CRITICISM_COLUMNS: dict[str, str] = {
    "a": "group that speaks",
    "b": "group that is spoken of",
    "period": "week, month, quarter or year",
    "start": "first day of the period (UTC)",
    "end": "first day after the period",
    "clusters": "different texts of a",
    "named": "of them those that name b, by an alias or another transliteration",
    "audited": "texts that hit an alias of b, from which codings are drawn",
    "coded": "of them drawn at random and coded",
    "late": "audited texts that arrived at a time that codings do not speak for",
    "hostile": "hostile ones among the coded; a tie of two coders counts a half",
    "estimator": "corrected, counted (no text names b), uncorrected (the model alone) or none",
    "hostile_share": "share of hostile ones among the audited texts",
    "hostile_low": "lower end of its 95% interval",
    "hostile_high": "upper end of its 95% interval",
    "rate": "hostile texts that name b, of all texts of a",
    "low": "lower end of its 95% interval",
    "high": "upper end of its 95% interval",
    "why": "why it is not corrected, has no interval, or is not there",
    "measured_at": "when the row was computed",
}
"""The columns of a directed cell, in the order tables show them: name -> meaning in one line."""


def directed_cells(
    session: Session,
    monitor: str,
    a: str,
    b: str,
    kind: str,
    most: int = 60,
    *,
    since: date | None = None,
    until: date | None = None,
) -> list[DirectedCell]:
    """The newest ``most`` periods of a kind of what ``a`` says of ``b``, oldest first. One bounded query.

    since, until: only periods that touch these days. Empty: nothing was counted in them yet, or the monitor does not
    measure this kind of period.
    """
    query_of = select(DirectedTotal).where(
        DirectedTotal.monitor == monitor, DirectedTotal.a == a, DirectedTotal.period == kind
    )
    if since is not None:
        query_of = query_of.where(DirectedTotal.end > since)
    if until is not None:
        query_of = query_of.where(DirectedTotal.start <= until)
    newest = query_of.order_by(DirectedTotal.start.desc()).limit(most).subquery()
    same = and_(
        DirectedCount.monitor == newest.c.monitor,
        DirectedCount.a == newest.c.a,
        DirectedCount.b == b,
        DirectedCount.period == newest.c.period,
        DirectedCount.start == newest.c.start,
    )
    query = select(newest, DirectedCount).outerjoin(DirectedCount, same).order_by(newest.c.start)
    made = []
    for row in session.execute(query):
        found: DirectedCount | None = row.DirectedCount
        if found is not None:
            figures = {name: getattr(found, name) for name in _COUNTS}
        else:
            figures = dict.fromkeys(_COUNTS) | {"named": 0, "audited": 0, "coded": 0, "late": 0, "hostile": 0.0}
            if row.clusters:
                figures |= {"estimator": "counted", "rate": 0.0, "low": 0.0, "high": 0.0}
            else:
                figures |= {"estimator": "none", "why": f"{a} has no text in this period"}
        made.append(
            DirectedCell(
                a=a, b=b, period=kind, start=row.start, end=row.end, clusters=row.clusters,
                measured_at=found.measured_at if found is not None else row.measured_at, **figures,
            )
        )  # fmt: skip
    return made
