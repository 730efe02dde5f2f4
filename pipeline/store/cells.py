"""What measuring reads (own texts with framing, random codings, when sources were collected) and writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Select, and_, delete, func, or_, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from pipeline.store.models import LEARNT_FROM
from pipeline.store.tables import Base, Cluster, Coding, Document, Framing, GapCell, Model, Promotion, Run, TrendCell
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


def model_in_force(session: Session) -> Model | None:
    """The model whose framings count; None before the first promotion."""
    newest = select(Promotion.model_id).where(Promotion.variable == VARIABLE).order_by(Promotion.id.desc()).limit(1)
    return session.scalar(select(Model).where(Model.id == newest.scalar_subquery()))


def own_texts(session: Session, monitor: str, model_id: int | None) -> Texts:
    """Every own text of the monitor, with its fresh framing by this model."""
    return _texts(session, model_id, Document.monitor == monitor)


def texts_again(session: Session, documents: Sequence[int], model_id: int | None) -> Texts:
    """The same of these documents and the copies in their clusters, the documents standing for the clusters.

    Those that are gone, or that no group speaks for any more, are missing.
    """
    clusters = set()
    for start in range(0, len(documents), IN_ONE_QUERY):
        some = documents[start : start + IN_ONE_QUERY]
        clusters |= set(session.scalars(select(Document.cluster_id).where(Document.id.in_(some))))
    wanted = list(documents)
    parts = []
    for column, values in ((Document.cluster_id, sorted(c for c in clusters if c is not None)), (Document.id, wanted)):
        for start in range(0, len(values), IN_ONE_QUERY):
            parts.append(_texts(session, model_id, column.in_(values[start : start + IN_ONE_QUERY])))
    if not parts:
        return _texts(session, model_id, Document.id.is_(None))
    arrays = [one.name for one in fields(Texts) if one.name not in {"undated", "wordless"}]
    joined: dict[str, Any] = {name: np.concatenate([getattr(part, name) for part in parts]) for name in arrays}
    _, once = np.unique(joined["document"], return_index=True)
    joined = {name: values[once] for name, values in joined.items()}
    order = np.lexsort((joined["document"], joined["day"], joined["group"]))
    joined = {name: values[order] for name, values in joined.items()}
    return Texts(**joined | {"counts": np.isin(joined["document"], wanted)}, undated=0)


def _texts(session: Session, model_id: int | None, which: ColumnElement[bool]) -> Texts:
    fresh = and_(
        Framing.document_id == Document.id,
        Framing.model_id == model_id,
        Framing.text_digest == Document.text_digest,
    )
    query = (
        select(
            Document.id,
            Document.cluster_id,
            Document.group_id,
            Document.source,
            Document.published_at,
            Document.collected_at,
            Cluster.first_document_id,
            Framing.document_id,
            Framing.p_first,
            Framing.p_second,
        )
        .outerjoin(Cluster, Cluster.id == Document.cluster_id)
        .outerjoin(Framing, fresh)
        .where(which, Document.speaker == "own", Document.group_id.is_not(None))
        .order_by(Document.group_id, Document.published_at, Document.id)
        .execution_options(yield_per=10_000)
    )
    rows: list[tuple[Any, ...]] = []
    undated = wordless = 0
    for document, cluster, group, source, published, collected, first, scored, *p in session.execute(query):
        if published is None:
            undated += 1
            continue
        counts = cluster is None or first == document
        wordless += counts and scored is not None and p[0] is None
        rows.append(
            (
                document,
                -document if cluster is None else cluster,
                group,
                source,
                published.replace(tzinfo=None),
                collected.replace(tzinfo=None),
                counts,
                *(np.nan if value is None else value for value in p),
            )
        )
    columns = list(zip(*rows, strict=True)) if rows else [()] * 9
    return Texts(
        document=np.array(columns[0], dtype=np.int64),
        cluster=np.array(columns[1], dtype=np.int64),
        group=np.array(columns[2], dtype=str),
        source=np.array(columns[3], dtype=str),
        day=np.array(columns[4], dtype="datetime64[D]"),
        collected=np.array(columns[5], dtype="datetime64[us]"),
        counts=np.array(columns[6], dtype=bool),
        p_nationalist=np.array(columns[7], dtype=float),
        p_universalist=np.array(columns[8], dtype=float),
        undated=undated,
        wordless=wordless,
    )


def random_codings(session: Session, monitor: str) -> list[RandomCoding]:
    """Random codings of framing by people whose text is collected, oldest first."""
    return _random_codings(session, Coding.monitor == monitor)


def codings_again(session: Session, codings: Sequence[int]) -> list[RandomCoding]:
    """Those of these random codings that are still there, oldest first."""
    found = []
    for start in range(0, len(codings), IN_ONE_QUERY):
        found += _random_codings(session, Coding.id.in_(codings[start : start + IN_ONE_QUERY]))
    return sorted(found, key=lambda coding: (coding.coded_at, coding.id))


def _random_codings(session: Session, which: ColumnElement[bool]) -> list[RandomCoding]:
    query = (
        select(
            Coding.id.label("coding"),
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


def _write(session: Session, model: type[Base], rows: Sequence[dict[str, Any]], keys: Sequence[str]) -> None:
    """Upsert that runs one prepared statement per row: tens of thousands of wide rows compile too slowly as one."""
    if not rows:
        return
    table = model.__table__
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement: Any = insert(table)  # type: ignore[arg-type]
    changed = {name: statement.excluded[name] for name in rows[0] if name not in keys}
    statement = statement.on_conflict_do_update(index_elements=list(keys), set_=changed)
    session.connection().execute(statement, list(rows))


def write_measures(
    session: Session,
    monitor: str,
    trends: Sequence[dict[str, Any]],
    gaps: Sequence[dict[str, Any]],
    measured_at: datetime,
) -> int:
    """Make ``trends`` and ``gaps`` the monitor's rows: write all, delete those of cells that are no more.

    Returns how many were deleted. Does not commit: the caller commits once, so that readers see the old rows or the
    new ones, never some of each.
    """
    _write(session, TrendCell, [row | {"measured_at": measured_at} for row in trends], _TREND_KEYS)
    _write(session, GapCell, [row | {"measured_at": measured_at} for row in gaps], _GAP_KEYS)
    deleted = 0
    for table in (TrendCell, GapCell):
        old = delete(table).where(table.monitor == monitor, table.measured_at != measured_at)
        deleted += len(session.execute(old.returning(table.id)).all())
    return deleted
