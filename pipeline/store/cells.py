"""What measuring reads (own texts with framing, random codings, when sources were collected) and writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    ColumnElement,
    Date,
    Select,
    String,
    and_,
    case,
    cast,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from pipeline.store.answered import Place, answered_shares
from pipeline.store.bulk import upsert_many
from pipeline.store.columns import Columns, Kind, columns_of, empty_columns, nan_for_null
from pipeline.store.earlier_draws import earlier_draws
from pipeline.store.models import LEARNT_FROM
from pipeline.store.tables import Cluster, Coding, Document, Framing, GapCell, Model, Promotion, Run, TrendCell
from pipeline.store.upsert import IN_ONE_QUERY

VARIABLE = "framing"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TREND_KEYS = ("monitor", "group_id", "period", "start")
_GAP_KEYS = ("monitor", "a", "b", "period", "start")


@dataclass(frozen=True)
class Texts:
    """Own dated texts of a monitor, one entry each in every array, sorted by group, then day."""

    document: NDArray[np.int64]
    """the document's id"""
    cluster: NDArray[np.int64]
    """the cluster's id; a text without cluster is a cluster of its own (minus its id)"""
    group: NDArray[np.str_]
    source: NDArray[np.str_]
    day: NDArray[np.datetime64]
    """day of publication, UTC"""
    collected: NDArray[np.datetime64]
    """when it was collected, UTC, microseconds"""
    counts: NDArray[np.bool_]
    """True where it stands for its cluster: the first publication"""
    p_nationalist: NDArray[np.float64]
    """NaN: not framed by the model in force, framed before its text changed, or the model knows no word of it"""
    p_universalist: NDArray[np.float64]
    undated: int
    """own texts left out because no acceptable date was found"""
    wordless: int = 0
    """texts that count and that the model in force was shown, but knows no word of"""

    def __len__(self) -> int:
        return len(self.cluster)


@dataclass(frozen=True)
class RandomCoding:
    """One random coding of a collected text."""

    cluster: int
    value: str
    coder: str
    coded_at: datetime
    drawn_at: datetime
    probability: float | None
    id: int = 0
    settles: bool = False
    """true: it settles the disagreement of the others"""
    answered: float | None = field(default=1.0, repr=False)
    """share of its draw that is answered by now in its stratum; null: what is answered is no random part of it"""
    earlier: frozenset[datetime] = field(default=frozenset(), repr=False)
    """when earlier queues drew texts of its stratum, whether or not they were answered"""


@dataclass(frozen=True)
class Written:
    """What became of the trend and gap tables."""

    trends: set[tuple[Any, ...]]
    """group, period kind and start of the rows that are new or differ from what was there"""
    gaps: set[tuple[Any, ...]]
    """a, b, period kind and start of such gaps"""
    deleted: int


def model_in_force(session: Session) -> Model | None:
    """The model whose framings count; None before the first promotion."""
    newest = select(Promotion.model_id).where(Promotion.variable == VARIABLE).order_by(Promotion.id.desc()).limit(1)
    return session.scalar(select(Model).where(Model.id == newest.scalar_subquery()))


def own(monitor: str | None = None) -> tuple[ColumnElement[bool], ...]:
    """What makes a document one of a monitor's own dated texts."""
    which = (Document.speaker == "own", Document.group_id.is_not(None), Document.published_at.is_not(None))
    return which if monitor is None else (Document.monitor == monitor, *which)


def fresh_framing(model_id: int | None) -> ColumnElement[bool]:
    """Joins a document's framing by this model, unless its text has changed since."""
    return and_(
        Framing.document_id == Document.id,
        Framing.model_id == model_id,
        Framing.target == "",
        Framing.text_digest == Document.text_digest,
    )


def counts_column() -> ColumnElement[int]:
    """1 where a document stands for its cluster, else 0."""
    return case((or_(Cluster.id.is_(None), Cluster.first_document_id == Document.id), 1), else_=0)


def day_column(session: Session, moment: Any) -> ColumnElement[Any]:
    """Day of a time, UTC, as the database has it; for :func:`to_days`."""
    if session.get_bind().dialect.name == "sqlite":
        return func.substr(moment, 1, 10, type_=String)
    return cast(func.timezone("UTC", moment), Date)


def to_days(values: Sequence[Any]) -> NDArray[np.datetime64]:
    """Days as :func:`day_column` gives them."""
    return np.array(values, dtype="datetime64[D]")


def undated_texts(session: Session, monitor: str) -> int:
    """Own texts without an acceptable date: they are in no period."""
    query = select(func.count()).where(
        Document.monitor == monitor,
        Document.speaker == "own",
        Document.group_id.is_not(None),
        Document.published_at.is_(None),
    )
    return int(session.scalar(query) or 0)


def first_days(session: Session, monitor: str) -> dict[str, date]:
    """Group -> day of its earliest own text."""
    query = select(Document.group_id, func.min(Document.published_at)).where(*own(monitor))
    rows = session.execute(query.group_by(Document.group_id))
    return {str(group): first.date() for group, first in rows if first is not None}


def last_days(session: Session, monitor: str) -> dict[str, dict[str, date]]:
    """Group -> source -> day of its latest own text."""
    query = select(Document.group_id, Document.source, func.max(Document.published_at)).where(*own(monitor))
    last: dict[str, dict[str, date]] = {}
    for group, source, moment in session.execute(query.group_by(Document.group_id, Document.source)):
        if moment is not None:
            last.setdefault(str(group), {})[source] = moment.date()
    return last


def own_texts(session: Session, monitor: str, model_id: int | None) -> Texts:
    """Every own dated text of the monitor, with its fresh framing by this model."""
    whole = _joined(list(_chunks(session, model_id, Document.monitor == monitor)))
    return replace(whole, undated=undated_texts(session, monitor))


def texts_by_group(session: Session, monitor: str, model_id: int | None) -> Iterator[Texts]:
    """The same group by group, so that never more than one group's texts are held."""
    held: list[Columns] = []
    for chunk in _chunks(session, model_id, Document.monitor == monitor):
        group = chunk["group"]
        edges = [0, *(np.flatnonzero(group[1:] != group[:-1]) + 1).tolist(), len(group)]
        for start, end in pairwise(edges):
            if held and held[0]["group"][0] != group[start]:
                yield _joined(held)
                held = []
            held.append({column: values[start:end] for column, values in chunk.items()})
    if held:
        yield _joined(held)


def texts_of_days(
    session: Session, monitor: str, model_id: int | None, group: str, ranges: Sequence[tuple[date, date]]
) -> Texts:
    """The same of one group, published from the first of two days to the day before the second.

    ranges: pairs of days, in order, none overlapping another.
    """
    parts: list[Columns] = []
    for start, end in ranges:
        which = and_(
            Document.monitor == monitor,
            Document.group_id == group,
            Document.published_at >= _midnight(start),
            Document.published_at < _midnight(end),
        )
        parts += _chunks(session, model_id, which)
    return _joined(parts)


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), tzinfo=UTC)


def texts_again(session: Session, documents: Sequence[int], model_id: int | None) -> Texts:
    """The same of these documents and the copies in their clusters, the documents standing for the clusters.

    Those that are gone, or that no group speaks for any more, are missing.
    """
    clusters = set()
    for start in range(0, len(documents), IN_ONE_QUERY):
        some = documents[start : start + IN_ONE_QUERY]
        clusters |= set(session.scalars(select(Document.cluster_id).where(Document.id.in_(some))))
    wanted = list(documents)
    parts: list[Columns] = []
    for column, values in ((Document.cluster_id, sorted(c for c in clusters if c is not None)), (Document.id, wanted)):
        for start in range(0, len(values), IN_ONE_QUERY):
            parts += _chunks(session, model_id, column.in_(values[start : start + IN_ONE_QUERY]))
    whole = _joined(parts)
    _, once = np.unique(whole.document, return_index=True)
    order = once[np.lexsort((whole.document[once], whole.day[once], whole.group[once]))]
    sorted_ = {name: getattr(whole, name)[order] for name in _KINDS if name != "shown"}
    return Texts(**sorted_ | {"counts": np.isin(sorted_["document"], wanted)}, undated=0)


_AT_ONCE = 10_000
"""rows of the tables that are held at a time"""
_KINDS: dict[str, Kind] = {
    "document": "whole",
    "cluster": "whole",
    "day": "time",
    "collected": "time",
    "counts": "whole",
    "shown": "whole",
    "p_nationalist": "real",
    "p_universalist": "real",
    "group": "name",
    "source": "name",
}


def _chunks(session: Session, model_id: int | None, which: ColumnElement[bool]) -> Iterator[Columns]:
    """The own dated texts of which this holds, by group and time of publication, as arrays."""
    query = (
        select(
            Document.id,
            func.coalesce(Document.cluster_id, -Document.id),
            Document.published_at,
            Document.collected_at,
            counts_column(),
            # the model was shown the text, and need not know a word of it
            case((Framing.document_id.is_not(None), 1), else_=0),
            nan_for_null(session, Framing.p_first),
            nan_for_null(session, Framing.p_second),
            Document.group_id,
            Document.source,
        )
        .select_from(Document)
        .outerjoin(Cluster, Cluster.id == Document.cluster_id)
        .outerjoin(Framing, fresh_framing(model_id))
        .where(which, *own())
        .order_by(Document.group_id, Document.published_at, Document.id)
    )
    for columns in columns_of(session, query, _KINDS):
        yield columns | {"day": columns["day"].astype("datetime64[D]"), "counts": columns["counts"].astype(bool)}


def _joined(parts: Sequence[Columns]) -> Texts:
    """Columns one after another, as texts."""
    some = parts or [empty_columns(_KINDS) | {"counts": np.empty(0, dtype=bool)}]
    arrays = {name: np.concatenate([part[name] for part in some]) for name in _KINDS}
    wordless = arrays["counts"] & arrays.pop("shown").astype(bool) & np.isnan(arrays["p_nationalist"])
    arrays["day"] = arrays["day"].astype("datetime64[D]")
    return Texts(undated=0, wordless=int(np.count_nonzero(wordless)), **arrays)


def first_copies(session: Session, monitor: str, clusters: Sequence[int]) -> dict[int, datetime]:
    """Cluster -> when the first of its own dated copies was collected; without those that have none.

    A cluster below 0 is a text without cluster, minus its id.
    """
    found: dict[int, datetime] = {}
    # not a condition: SQLite would walk through the monitor's whole index instead of looking up the clusters
    collected = func.min(case((and_(*own(monitor)), Document.collected_at)))
    for sign, column in ((1, Document.cluster_id), (-1, Document.id)):
        wanted = [abs(c) for c in clusters if (c > 0) == (sign > 0)]
        for start in range(0, len(wanted), IN_ONE_QUERY):
            some = wanted[start : start + IN_ONE_QUERY]
            rows = session.execute(select(column, collected).where(column.in_(some)).group_by(column))
            found.update((sign * int(c), t) for c, t in rows if c is not None and t is not None)
    return found


def places(session: Session, monitor: str, clusters: Sequence[int]) -> dict[int, tuple[str, date]]:
    """Cluster -> group and day where it counts; without those that count nowhere. Clusters: as above."""
    found: dict[int, tuple[str, date]] = {}
    told = (Document.group_id, Document.published_at, case((and_(*own(monitor)), 1), else_=0))
    first = select(Cluster.id, *told).join(Document, Document.id == Cluster.first_document_id)
    alone = select(-Document.id, *told).where(Document.cluster_id.is_(None))
    for negative, column, query in ((False, Cluster.id, first), (True, Document.id, alone)):
        wanted = [abs(c) for c in clusters if (c < 0) == negative]
        for start in range(0, len(wanted), IN_ONE_QUERY):
            rows = session.execute(query.where(column.in_(wanted[start : start + IN_ONE_QUERY])))
            found.update(
                (int(c), (str(group), moment.date())) for c, group, moment, is_own in rows if is_own and moment
            )
    return found


def random_codings(session: Session, monitor: str, *, before: date | None = None) -> list[RandomCoding]:
    """Random codings of framing by people whose text is collected, oldest first.

    before: only those of texts published earlier than this day. Nothing is asked of their draws then: how far these are
    answered rests on texts of later days too.
    """
    if before is None:
        answered, earlier = answered_shares(session, monitor, VARIABLE), earlier_draws(session, monitor, VARIABLE)
        return _random_codings(session, Coding.monitor == monitor, answered, earlier)
    of_days = and_(Coding.monitor == monitor, Document.published_at < _midnight(before))
    return _random_codings(session, of_days, {}, {})


def codings_again(session: Session, monitor: str, codings: Sequence[int], at: datetime) -> list[RandomCoding]:
    """Those of these random codings that are still there, oldest first; their draws as far as they were answered then.

    at: when they were used.
    """
    answered = answered_shares(session, monitor, VARIABLE, at=at)
    earlier = earlier_draws(session, monitor, VARIABLE)
    found = []
    for start in range(0, len(codings), IN_ONE_QUERY):
        found += _random_codings(session, Coding.id.in_(codings[start : start + IN_ONE_QUERY]), answered, earlier)
    return sorted(found, key=lambda coding: (coding.coded_at, coding.id))


def _random_codings(
    session: Session,
    which: ColumnElement[bool],
    answered: Mapping[Place, float | None],
    earlier: Mapping[int, frozenset[datetime]],
) -> list[RandomCoding]:
    query = (
        select(
            Coding.id.label("coding"),
            Coding.address,
            Coding.target,
            Document.id,
            Document.cluster_id,
            Coding.value,
            Coding.coder,
            Coding.coded_at,
            Coding.drawn_at,
            Coding.probability,
            Coding.settles,
        )
        .join(Document, Document.id == Coding.document_id)
        .where(which, Coding.variable == VARIABLE, Coding.draw == "random", Coding.origin != "machine")
        .order_by(Coding.coded_at, Coding.id)
    )
    return [
        RandomCoding(
            cluster=-row.id if row.cluster_id is None else row.cluster_id,
            value=row.value,
            coder=row.coder,
            coded_at=row.coded_at,
            drawn_at=row.drawn_at,
            probability=row.probability,
            id=row.coding,
            settles=row.settles,
            answered=answered.get((row.drawn_at, row.address, row.target), 1.0),
            earlier=earlier.get(row.coding, frozenset()),
        )
        for row in session.execute(query)
    ]


def waiting_codings(session: Session, monitor: str) -> int:
    """Random codings of framing whose text has not been collected."""
    query = select(func.count()).where(
        Coding.monitor == monitor,
        Coding.variable == VARIABLE,
        Coding.draw == "random",
        Coding.origin != "machine",
        Coding.document_id.is_(None),
    )
    return int(session.scalar(query) or 0)


def learnt_then_drawn(session: Session, monitor: str, model: Model) -> int:
    """Clusters whose random codings correct a model that may have learnt from them: coded otherwise before it was
    trained, drawn and coded at random only afterwards."""

    def clusters(*which: ColumnElement[bool]) -> Select[Any]:
        return (
            select(func.coalesce(Document.cluster_id, -Document.id))
            .join(Coding, Coding.document_id == Document.id)
            .where(Coding.monitor == monitor, Coding.variable == VARIABLE, Coding.origin != "machine", *which)
        )

    drawn = Coding.draw == "random"
    before, after = Coding.coded_at <= model.trained_at, Coding.coded_at > model.trained_at
    if LEARNT_FROM not in model.card:  # a starter model has learnt no text that is collected
        return 0
    now_drawn = set(session.scalars(clusters(drawn, after))) - set(session.scalars(clusters(drawn, before)))
    return len(now_drawn & set(session.scalars(clusters(~drawn, before))))


def last_collected(session: Session, monitor: str) -> dict[str, datetime]:
    """Source -> when it was last collected with success: a run that saw something or had no problem, or a text kept."""
    runs = (
        select(Run.source, func.max(Run.started_at))
        .where(
            Run.monitor == monitor,
            Run.source.is_not(None),
            or_(Run.found > 0, func.json_array_length(Run.problems) == 0),
        )
        .group_by(Run.source)
    )
    kept = (
        select(Document.source, func.max(Document.collected_at))
        .where(Document.monitor == monitor)
        .group_by(Document.source)
    )
    last: dict[str, datetime] = {}
    for source, moment in [*session.execute(runs), *session.execute(kept)]:
        last[str(source)] = max(moment, last.get(str(source), EPOCH))
    return last


def _bring_up_to_date(
    session: Session,
    model: type[TrendCell | GapCell],
    monitor: str,
    rows: Sequence[dict[str, Any]],
    keys: Sequence[str],
    measured_at: datetime,
) -> tuple[set[tuple[Any, ...]], int]:
    """Write the rows that differ from what is there, and delete those that are no more.

    Returns the keys of the rows that were written, without the monitor, and how many were deleted.
    """
    table = model.__table__
    names = [column.name for column in table.columns if column.name not in {"id", "measured_at"}]
    query = select(table.c.id, *(table.c[name] for name in names)).where(table.c.monitor == monitor)
    known: dict[tuple[Any, ...], tuple[int, tuple[Any, ...]]] = {}
    place = [names.index(key) for key in keys]
    for row_id, *values in session.execute(query.execution_options(yield_per=_AT_ONCE)):
        known[tuple(values[i] for i in place)] = (row_id, tuple(values))
    fresh = []
    written: set[tuple[Any, ...]] = set()
    for row in rows:
        key = tuple(row[name] for name in keys)
        before = known.pop(key, None)
        if before is None or before[1] != tuple(row[name] for name in names):
            fresh.append(row | {"measured_at": measured_at})
            written.add(key[1:])
    session.execute(update(model).where(model.monitor == monitor).values(measured_at=measured_at))
    upsert_many(session, model, fresh, keys)
    gone = [row_id for row_id, _ in known.values()]
    for start in range(0, len(gone), IN_ONE_QUERY):
        session.execute(delete(model).where(model.id.in_(gone[start : start + IN_ONE_QUERY])))
    return written, len(gone)


def write_measures(
    session: Session,
    monitor: str,
    trends: Sequence[dict[str, Any]],
    gaps: Sequence[dict[str, Any]],
    measured_at: datetime,
) -> Written:
    """Make ``trends`` and ``gaps`` the monitor's rows: write those that differ, delete those of cells that are no more.

    Does not commit: the caller commits once, so that readers see the old rows or the new ones, never some of each.
    """
    new_trends, old_trends = _bring_up_to_date(session, TrendCell, monitor, trends, _TREND_KEYS, measured_at)
    new_gaps, old_gaps = _bring_up_to_date(session, GapCell, monitor, gaps, _GAP_KEYS, measured_at)
    return Written(new_trends, new_gaps, old_trends + old_gaps)
