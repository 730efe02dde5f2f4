"""Reading queries that only the pages need. Every one reads a bounded number of rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import Session

from pipeline.store.cells import VARIABLE, model_in_force
from pipeline.store.pending import is_pending
from pipeline.store.tables import Capture, Cluster, Coding, Document, Framing, GapCell, Model, Queue, TrendCell
from pipeline.store.withheld import withheld_variables

MEMBERS_SHOWN = 50
CODINGS_SHOWN = 200
FRAMINGS_SHOWN = 10


def latest_cells(
    session: Session, monitor: str, groups: Sequence[str], period: str, limit: int, since: date | None = None
) -> dict[str, list[TrendCell]]:
    """Group -> its newest ``limit`` cells of a period kind (that start at or after ``since``), oldest first."""
    found: dict[str, list[TrendCell]] = {}
    for group in dict.fromkeys(groups):
        query = select(TrendCell).where(
            TrendCell.monitor == monitor, TrendCell.group_id == group, TrendCell.period == period
        )
        if since is not None:
            query = query.where(TrendCell.start >= since)
        rows = session.scalars(query.order_by(TrendCell.start.desc()).limit(limit)).all()
        found[group] = list(reversed(rows))
    return found


def latest_gaps(session: Session, monitor: str, a: str, b: str, period: str, limit: int) -> list[GapCell]:
    """The newest ``limit`` gaps of a dyad and period kind, oldest first."""
    query = (
        select(GapCell)
        .where(GapCell.monitor == monitor, GapCell.a == a, GapCell.b == b, GapCell.period == period)
        .order_by(GapCell.start.desc())
        .limit(limit)
    )
    return list(reversed(session.scalars(query).all()))


@dataclass(frozen=True)
class ScoredBy:
    """The probabilities one model gave a document."""

    model: str
    p_nationalist: float | None
    """null, like the other and the label: the model knows no word of the text"""
    p_universalist: float | None
    label: str | None
    scored_at: datetime
    in_force: bool
    stale: bool
    """the text changed after it was scored"""


@dataclass(frozen=True)
class Member:
    """Another document that carries the same text."""

    id: int
    title: str | None
    address: str
    source: str
    group_id: str | None
    speaker: str
    published_at: datetime | None
    counts: bool
    """this one stands for the cluster"""


@dataclass(frozen=True)
class ShownCoding:
    """A label of a text, by a person or a machine, as everybody may see it."""

    coder: str
    variable: str
    target: str
    value: str
    codebook_version: int
    origin: str
    """human, machine or confirmed"""
    coded_at: datetime
    note: str | None
    draw: str | None
    """how its text was drawn; null, like the probability, while its queue is open: coders must not tell queues apart"""
    probability: float | None


@dataclass(frozen=True)
class DocumentDetail:
    """All that is known of one document, as whoever asks may see it."""

    document: Document
    capture: Capture | None
    counts: bool
    """it stands for its cluster (or has none)"""
    framings: list[ScoredBy]
    """the model in force first, then newest first; none while framing is withheld"""
    members: list[Member]
    members_total: int
    codings: list[ShownCoding]
    """of this document and of its cluster; none that a second coder, or whoever asks, must not see yet"""
    withheld: frozenset[str]
    """variables for which whoever asks has the text to code: of those no coding of others is here, and no machine's of
    any variable"""


def _framings(session: Session, document: Document) -> list[ScoredBy]:
    current = model_in_force(session)
    query = (
        select(Framing, Model.name)
        .join(Model, Model.id == Framing.model_id)
        # what a model says of criticism has other heads, and a group towards which
        .where(Framing.document_id == document.id, Framing.target == "", Model.variable == VARIABLE)
        .order_by((Framing.model_id == (current.id if current else -1)).desc(), Framing.scored_at.desc())
        .limit(FRAMINGS_SHOWN)
    )
    return [
        ScoredBy(
            model=name,
            p_nationalist=framing.p_first,
            p_universalist=framing.p_second,
            label=framing.label,
            scored_at=framing.scored_at,
            in_force=current is not None and framing.model_id == current.id,
            stale=framing.text_digest != document.text_digest,
        )
        for framing, name in session.execute(query)
    ]


def _members(session: Session, document: Document, first: int | None) -> tuple[list[Member], int]:
    if document.cluster_id is None:
        return [], 0
    others = (Document.cluster_id == document.cluster_id, Document.id != document.id)
    query = (
        select(
            Document.id,
            Document.title,
            Document.address,
            Document.source,
            Document.group_id,
            Document.speaker,
            Document.published_at,
        )
        .where(*others)
        .order_by(Document.published_at, Document.id)
        .limit(MEMBERS_SHOWN)
    )
    rows = [Member(*row, counts=row.id == first) for row in session.execute(query)]
    return rows, session.scalar(select(func.count(Document.id)).where(*others)) or 0


def _codings(session: Session, document: Document, reader: str | None, withheld: frozenset[str]) -> list[ShownCoding]:
    """The newest codings of the text that the reader may see."""
    coded = [Coding.document_id == document.id]
    if document.cluster_id is not None:
        same = select(Document.id).where(Document.cluster_id == document.cluster_id)
        coded.append(Coding.document_id.in_(same))
    drawn = and_(Queue.monitor == Coding.monitor, Queue.variable == Coding.variable, Queue.drawn_at == Coding.drawn_at)
    waits = select(Queue.id).where(drawn, Queue.closed_at.is_(None)).exists().label("waits")
    query = select(Coding, waits).where(Coding.monitor == document.monitor, or_(*coded), ~is_pending())
    if withheld:
        query = query.where(Coding.origin != "machine", or_(Coding.coder == reader, Coding.variable.not_in(withheld)))
    query = query.order_by(Coding.coded_at.desc(), Coding.id.desc()).limit(CODINGS_SHOWN)
    same_names = ("coder", "variable", "target", "value", "codebook_version", "origin", "coded_at", "note")
    return [
        ShownCoding(
            **{name: getattr(coding, name) for name in same_names},
            draw=None if waits else coding.draw,
            probability=None if waits else coding.probability,
        )
        for coding, waits in session.execute(query)
    ]


def document_detail(
    session: Session, monitor: str, document_id: int, reader: str | None = None
) -> DocumentDetail | None:
    """A document of a monitor with all that hangs on it; None when the monitor has no such document.

    reader: the coder who asks, from whom is kept what a blind answer must not know; None: nobody who codes.
    """
    document = session.scalar(select(Document).where(Document.id == document_id, Document.monitor == monitor))
    if document is None:
        return None
    first = (
        session.scalar(select(Cluster.first_document_id).where(Cluster.id == document.cluster_id))
        if document.cluster_id is not None
        else None
    )
    members, total = _members(session, document, first)
    withheld = frozenset() if reader is None else withheld_variables(session, monitor, reader, document)
    return DocumentDetail(
        document=document,
        capture=session.get(Capture, document.capture_id) if document.capture_id is not None else None,
        counts=document.cluster_id is None or first == document.id,
        framings=[] if VARIABLE in withheld else _framings(session, document),
        members=members,
        members_total=total,
        codings=_codings(session, document, reader, withheld),
        withheld=withheld,
    )
