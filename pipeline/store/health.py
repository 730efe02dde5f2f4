"""What the store knows of a source: its addresses, captures, texts and their dates. Counts only, and a few examples."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import ColumnElement, and_, case, false, func, or_, select
from sqlalchemy.orm import Session

from pipeline.store.daily import source_names
from pipeline.store.tables import Capture, Cluster, Document, Frontier, FrontierStatus

REASONS_SHOWN = 5
NAMES_AT_ONCE = 1_000
"""names of a source's rows that one statement takes"""
UNDATED_READ = 200
"""texts without a date whose candidates are looked at"""


@dataclass(frozen=True)
class Reason:
    """Why addresses, pages or dates came to nothing."""

    said: str
    count: int
    example: str | None = None


@dataclass(frozen=True)
class FrontierFacts:
    """The addresses a source has shown."""

    total: int
    pending: int
    due: int
    """pending, and their time has come"""
    fetched: int
    failed: int
    gone: int
    next_due: datetime | None
    """when the first of the pending ones that must wait is due"""
    reasons: list[Reason]
    """why addresses are not fetched, the most frequent first"""


@dataclass(frozen=True)
class TextFacts:
    """The texts of a source."""

    total: int
    undated: int
    outside: int
    """published outside of the days that the trend tables speak of"""
    reposts: int
    """in the cluster of another text that counts"""
    captures: int
    quarantined: int
    quarantine: list[Reason]
    dates: list[Reason]
    """why candidate dates of undated texts were refused"""


def _of_source(session: Session, monitor: str, source: str, of: type[Document | Capture]) -> ColumnElement[bool]:
    """Rows of a source, and of those that rows of a table name: by their names, which an index leads to."""
    names = source_names(session, monitor, [source], of)
    if len(names) <= NAMES_AT_ONCE:
        return and_(of.monitor == monitor, of.source.in_(names))
    inner = of.source.startswith(f"{source}/", autoescape=True)
    return and_(of.monitor == monitor, or_(of.source == source, inner))


def frontier_facts(session: Session, monitor: str, source: str, now: datetime) -> FrontierFacts:
    """How many addresses are in which state, and why."""
    mine = and_(Frontier.monitor == monitor, Frontier.source == source)
    by_status = session.execute(select(Frontier.status, func.count()).where(mine).group_by(Frontier.status))
    counts: dict[str, int] = {row.status: row[1] for row in by_status}
    pending = and_(mine, Frontier.status == FrontierStatus.PENDING)
    waits = and_(pending, Frontier.not_before > now)
    waiting, next_due = session.execute(select(func.count(), func.min(Frontier.not_before)).where(waits)).one()
    rows = session.execute(
        select(Frontier.reason, func.count(), func.min(Frontier.address))
        .where(mine, Frontier.reason.is_not(None), Frontier.status != FrontierStatus.FETCHED)
        .group_by(Frontier.reason)
        .order_by(func.count().desc())
        .limit(REASONS_SHOWN)
    )
    known = {status: counts.get(status, 0) for status in FrontierStatus}
    return FrontierFacts(
        total=sum(counts.values()),
        pending=known[FrontierStatus.PENDING],
        due=known[FrontierStatus.PENDING] - waiting,
        fetched=known[FrontierStatus.FETCHED],
        failed=known[FrontierStatus.FAILED],
        gone=known[FrontierStatus.GONE],
        next_due=next_due,
        reasons=[Reason(reason or "", count, example) for reason, count, example in rows],
    )


def text_facts(session: Session, monitor: str, source: str, since: date | None, until: date | None) -> TextFacts:
    """How many texts there are and what is wrong with them. ``since``, ``until``: first and last day of the trend."""
    mine = _of_source(session, monitor, source, Document)
    outside = []
    if since is not None:
        outside.append(Document.published_at < _midnight(since))
    if until is not None:
        outside.append(Document.published_at >= _midnight(until + timedelta(days=1)))
    repost = and_(Document.cluster_id.is_not(None), Cluster.first_document_id != Document.id)
    counts = session.execute(
        select(
            func.count(),
            func.count(case((Document.published_at.is_(None), 1))),
            func.count(case((or_(false(), *outside), 1))),
            func.count(case((repost, 1))),
        )
        .select_from(Document)
        .join(Cluster, Cluster.id == Document.cluster_id, isouter=True)
        .where(mine)
    ).one()
    captured = _of_source(session, monitor, source, Capture)
    captures, quarantined = session.execute(select(func.count(), func.count(Capture.problem)).where(captured)).one()
    quarantine = session.execute(
        select(Capture.problem, func.count(), func.min(Capture.address))
        .where(captured, Capture.problem.is_not(None))
        .group_by(Capture.problem)
        .order_by(func.count().desc())
        .limit(REASONS_SHOWN)
    )
    return TextFacts(
        total=counts[0],
        undated=counts[1],
        outside=counts[2],
        reposts=counts[3],
        captures=captures,
        quarantined=quarantined,
        quarantine=[Reason(reason or "", count, example) for reason, count, example in quarantine],
        dates=_refused(session, mine) if counts[1] else [],
    )


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


def _refused(session: Session, mine: ColumnElement[bool]) -> list[Reason]:
    newest = session.execute(
        select(Document.dates, Document.address)
        .where(mine, Document.published_at.is_(None))
        .order_by(Document.id.desc())
        .limit(UNDATED_READ)
    )
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for dates, address in newest:
        said = {f"{one['origin']}: {one['why']}" for one in dates if not one.get("accepted")} or {"no date was found"}
        for reason in said:
            counts[reason] += 1
            examples.setdefault(reason, address)
    return [Reason(reason, count, examples[reason]) for reason, count in counts.most_common(REASONS_SHOWN)]


QUARANTINED_SHOWN = 50


def quarantined_pages(session: Session, monitor: str, source: str) -> list[Capture]:
    """The newest pages that gave no text, with the reason."""
    mine = and_(_of_source(session, monitor, source, Capture), Capture.problem.is_not(None))
    return list(session.scalars(select(Capture).where(mine).order_by(Capture.id.desc()).limit(QUARANTINED_SHOWN)))
