"""What the pages of coders read: how far the open queues are, and on which texts coders disagree.

Nothing here says how a text was drawn, or what somebody said of a text that a second coder still has to code.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from pipeline.store.pending import is_pending
from pipeline.store.queues import CODED, UNCLEAR
from pipeline.store.tables import Assignment, Coding, Document, Queue, QueueItem, RaisedAlarm, Run
from pipeline.store.upsert import IN_ONE_QUERY

RECENT = timedelta(hours=24)
IMPORTING = "import codings"
"""the name that bringing codings in has among the runs"""


@dataclass(frozen=True)
class QueueState:
    """How far an open queue is. Counts labels wanted: a text for two coders counts twice."""

    queue: int
    drawn_at: datetime
    by_alarm: bool
    """drawn to confirm an alarm: coders are not given such a queue by itself, lest they know what they read"""
    texts: int
    wanted: int
    coded: int
    unclear: int
    at_work: int
    """given to a coder whose lease runs"""
    mine: int
    """answered by the coder who asks"""

    @property
    def left(self) -> int:
        """labels that nobody has given yet"""
        return max(0, self.wanted - self.coded - self.unclear)


def _open(monitor: str, variable: str) -> list[ColumnElement[bool]]:
    return [Queue.monitor == monitor, Queue.variable == variable, Queue.closed_at.is_(None)]


def queue_states(session: Session, monitor: str, variable: str, coder: str, now: datetime) -> list[QueueState]:
    """The open queues of a variable, the oldest first."""
    alarmed = select(RaisedAlarm.id).where(RaisedAlarm.queue_id == Queue.id).exists()
    queues = session.execute(
        select(
            Queue.id,
            Queue.drawn_at,
            alarmed.label("by_alarm"),
            func.count(QueueItem.id).label("texts"),
            func.coalesce(func.sum(QueueItem.coders), 0).label("wanted"),
        )
        .outerjoin(QueueItem, QueueItem.queue_id == Queue.id)
        .where(*_open(monitor, variable))
        .group_by(Queue.id)
        .order_by(Queue.id)
    ).all()
    if not queues:
        return []
    own = func.sum(case((and_(Assignment.coder == coder, Assignment.outcome.is_not(None)), 1), else_=0))
    done: dict[tuple[int, str | None], tuple[int, int]] = {
        (q, outcome): (int(n), int(mine))
        for q, outcome, n, mine in session.execute(
            select(QueueItem.queue_id, Assignment.outcome, func.count(), own)
            .join(Queue, Queue.id == QueueItem.queue_id)
            .join(Assignment, Assignment.item_id == QueueItem.id)
            .where(*_open(monitor, variable), or_(Assignment.outcome.is_not(None), Assignment.leased_until > now))
            .group_by(QueueItem.queue_id, Assignment.outcome)
        )
    }
    nothing = (0, 0)
    return [
        QueueState(
            queue=row.id,
            drawn_at=row.drawn_at,
            by_alarm=row.by_alarm,
            texts=row.texts,
            wanted=int(row.wanted),
            coded=done.get((row.id, CODED), nothing)[0],
            unclear=done.get((row.id, UNCLEAR), nothing)[0],
            at_work=done.get((row.id, None), nothing)[0],
            mine=sum(done.get((row.id, outcome), nothing)[1] for outcome in (CODED, UNCLEAR)),
        )
        for row in queues
    ]


def answered_lately(session: Session, monitor: str, coder: str, now: datetime) -> int:
    """How many answers the coder has given to this monitor's texts in the last 24 hours."""
    query = (
        select(func.count())
        .select_from(Assignment)
        .join(QueueItem, QueueItem.id == Assignment.item_id)
        .join(Queue, Queue.id == QueueItem.queue_id)
        .where(Queue.monitor == monitor, Assignment.coder == coder, Assignment.outcome.is_not(None))
        .where(Assignment.finished_at > now - RECENT)
    )
    return session.scalar(query) or 0


def waiting_for_second(session: Session, monitor: str, variable: str) -> int:
    """Texts of open queues that one coder has done and a second has not."""
    done = (
        select(Assignment.item_id)
        .join(QueueItem, QueueItem.id == Assignment.item_id)
        .join(Queue, Queue.id == QueueItem.queue_id)
        .where(*_open(monitor, variable), QueueItem.coders > 1, Assignment.outcome.is_not(None))
        .group_by(Assignment.item_id)
        .having(func.count() == 1)
        .subquery()
    )
    return session.scalar(select(func.count()).select_from(done)) or 0


def open_work(session: Session, monitor: str) -> dict[str, int]:
    """Variable -> texts in its open queues."""
    query = (
        select(Queue.variable, func.count())
        .join(QueueItem, QueueItem.queue_id == Queue.id)
        .where(Queue.monitor == monitor, Queue.closed_at.is_(None))
        .group_by(Queue.variable)
    )
    return {variable: int(number) for variable, number in session.execute(query)}


# -- agreement ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Vote:
    """A person's coding of a text, as agreement needs it."""

    unit: str
    """texts of one cluster are one unit; a text that is not collected is its own"""
    target: str
    coder: str
    value: str
    language: str | None


def _votes(monitor: str, variable: str) -> list[ColumnElement[bool]]:
    """Codings that are somebody's vote, and may be known."""
    return [
        Coding.monitor == monitor,
        Coding.variable == variable,
        Coding.origin != "machine",
        Coding.settles.is_(False),
        # of a text that was coded before, a coder would see in the figure whether the other said the same, and undo
        ~is_pending(also_undoable=True),
    ]


def votes(session: Session, monitor: str, variable: str, *, most: int | None = None) -> list[Vote]:
    """Every coding that counts for agreement, the oldest first; what a second coder still has to code is left out.

    most: only so many of the newest, for a page; None: all.
    """
    query = (
        select(
            Coding.address,
            Coding.target,
            Coding.coder,
            Coding.value,
            Coding.document_id,
            Document.cluster_id,
            Document.language,
        )
        .outerjoin(Document, Document.id == Coding.document_id)
        .where(*_votes(monitor, variable))
        .order_by(Coding.coded_at.desc(), Coding.id.desc())
        .limit(most)
    )
    found = []
    for address, target, coder, value, document, cluster, language in session.execute(query):
        unit = address if document is None else f"document {document}" if cluster is None else f"cluster {cluster}"
        found.append(Vote(unit, target, coder, value, language))
    return found[::-1]


def votes_mark(session: Session, monitor: str, variable: str) -> tuple[Any, ...]:
    """Changes whenever the votes do: what was reckoned from them is then old.

    By a coding or an answer; by a queue that is closed, since what waited there for a second coder waits no more; and
    by a file, which may correct a coding and leave its number and time as they are.
    """
    codings = session.execute(
        select(func.count(), func.max(Coding.id), func.max(Coding.coded_at)).where(
            Coding.monitor == monitor, Coding.variable == variable
        )
    ).one()
    answers = session.execute(
        select(func.count(), func.max(Assignment.finished_at)).where(Assignment.outcome.is_not(None))
    ).one()
    others = session.execute(
        select(
            select(func.count())
            .where(Queue.monitor == monitor, Queue.variable == variable, Queue.closed_at.is_not(None))
            .scalar_subquery(),
            select(func.max(Run.started_at)).where(Run.monitor == monitor, Run.job == IMPORTING).scalar_subquery(),
        )
    ).one()
    return (*codings, *answers, *others)


# -- disagreements -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Opinion:
    """What one coder said of a text; the coder's name is nobody's business who settles."""

    value: str
    note: str | None


@dataclass(frozen=True)
class Dispute:
    """A text on which coders disagree and nobody has settled."""

    document: int
    """the text that is shown, one of its cluster"""
    address: str
    target: str
    title: str | None
    text: str
    language: str | None
    published_at: datetime | None
    opinions: list[Opinion]
    """the newest of each coder, in the order they were given"""


@dataclass(frozen=True)
class Disputes:
    """The texts on which coders disagree, as the coder who asks may see them."""

    shown: list[Dispute]
    others: int
    """how many there are between other coders, which this one may settle"""
    own: int
    """how many there are of which this coder is a party: those stay hidden, an undo must not be able to look"""
    more: bool
    """there are more than were looked at, and the two counts say ``or more``"""


MOST_DISPUTES = 1_000
"""disagreements that are looked at, the oldest first"""

_Unit = tuple[int, str]
"""cluster (minus the document's number where it has none) and target"""


def _unit() -> ColumnElement[int]:
    unit: ColumnElement[int] = func.coalesce(Document.cluster_id, -Document.id)
    return unit


def _chunks(numbers: Iterable[int]) -> Iterator[list[int]]:
    ordered = sorted(set(numbers))
    for start in range(0, len(ordered), IN_ONE_QUERY):
        yield ordered[start : start + IN_ONE_QUERY]


def _texts_of(session: Session, units: Iterable[int]) -> dict[int, int]:
    """Document -> its unit, of these units: first the numbers, since a join would read every coding there is."""
    numbers = set(units)
    found = {-unit: unit for unit in numbers if unit < 0}
    for some in _chunks(unit for unit in numbers if unit >= 0):
        query = select(Document.id, Document.cluster_id).where(Document.cluster_id.in_(some))
        found |= {document: int(cluster or 0) for document, cluster in session.execute(query)}
    return found


def _may_differ(session: Session, monitor: str, variable: str) -> list[_Unit]:
    """Units with two coders and two values and nothing that settles, the oldest first, one more than is looked at."""
    unit, vote = _unit().label("unit"), Coding.settles.is_(False)
    query = (
        select(unit, Coding.target)
        .join(Document, Document.id == Coding.document_id)
        .where(Coding.monitor == monitor, Coding.variable == variable, Coding.origin != "machine")
        .group_by(unit, Coding.target)
        .having(
            func.count(case((vote, Coding.value)).distinct()) > 1,
            func.count(case((vote, Coding.coder)).distinct()) > 1,
            func.sum(case((vote, 0), else_=1)) == 0,
        )
        .order_by(func.min(Coding.id))
        .limit(MOST_DISPUTES + 1)
    )
    return [(int(unit), target) for unit, target in session.execute(query)]


def _awaited(session: Session, monitor: str, variable: str, texts: Mapping[int, int]) -> set[_Unit]:
    """The units of these documents that an open queue still has for a coder, or whose answer can still be undone."""
    finished = (
        select(func.count())
        .where(Assignment.item_id == QueueItem.id, Assignment.outcome.is_not(None))
        .correlate(QueueItem)
        .scalar_subquery()
    )
    query = (
        select(QueueItem.document_id, QueueItem.target)
        .join(Queue, Queue.id == QueueItem.queue_id)
        .where(*_open(monitor, variable), or_(QueueItem.coders == 1, finished < QueueItem.coders))
    )
    return {
        (texts[document], target)
        for some in _chunks(texts)
        for document, target in session.execute(query.where(QueueItem.document_id.in_(some)))
    }


def _opinions(session: Session, monitor: str, variable: str, texts: Mapping[int, int]) -> dict[_Unit, list[Any]]:
    """Unit of these documents -> each coder's newest vote, in the order they were given. None where one settles it."""
    columns = (Coding.target, Coding.coder, Coding.value, Coding.note, Coding.coded_at, Coding.id, Coding.settles)
    query = select(Coding.document_id, *columns).where(
        Coding.monitor == monitor, Coding.variable == variable, Coding.origin != "machine"
    )
    rows = [row for some in _chunks(texts) for row in session.execute(query.where(Coding.document_id.in_(some)))]
    of: dict[_Unit, dict[str, Any]] = {}
    settled: set[_Unit] = set()
    for row in sorted(rows, key=lambda row: (row.coded_at, row.id)):
        key = (texts[row.document_id], row.target)
        if row.settles:
            settled.add(key)
        else:
            of.setdefault(key, {})[row.coder] = row
    return {
        key: sorted(by_coder.values(), key=lambda row: row.id) for key, by_coder in of.items() if key not in settled
    }


def _differ(opinions: Sequence[Any]) -> bool:
    return len({one.value for one in opinions}) > 1


def disputes(session: Session, monitor: str, variable: str, coder: str, *, limit: int, skip: int = 0) -> Disputes:
    """Texts on which other coders disagree, the oldest first, ``limit`` of them after ``skip``.

    Only texts that are collected, that nobody has settled, that no open queue still has for a coder, and whose answers
    all stay.
    """
    found = _may_differ(session, monitor, variable)
    looked_at = found[:MOST_DISPUTES]
    texts = _texts_of(session, (unit for unit, _ in looked_at))
    awaited = _awaited(session, monitor, variable, texts)
    opinions = _opinions(session, monitor, variable, texts)
    open_ones = [key for key in looked_at if key not in awaited and _differ(opinions.get(key, []))]
    others = [key for key in open_ones if all(one.coder != coder for one in opinions[key])]
    some = others[skip : skip + limit]
    documents = {
        row.id: row
        for row in session.execute(
            select(
                Document.id, Document.address, Document.title, Document.text, Document.language, Document.published_at
            ).where(Document.id.in_({opinions[key][0].document_id for key in some}))
        )
    }
    shown = []
    for key in some:
        document = documents[opinions[key][0].document_id]
        shown.append(
            Dispute(
                document=document.id,
                address=document.address,
                target=key[1],
                title=document.title,
                text=document.text,
                language=document.language,
                published_at=document.published_at,
                opinions=[Opinion(one.value, one.note) for one in opinions[key]],
            )
        )
    return Disputes(shown, len(others), len(open_ones) - len(others), len(found) > MOST_DISPUTES)


def in_dispute(session: Session, monitor: str, variable: str, document: int, target: str, coder: str) -> str | None:
    """The address of a text that the coder may settle; None where there is no such dispute (any more)."""
    row = session.execute(
        select(_unit().label("unit"), Document.address).where(Document.id == document, Document.monitor == monitor)
    ).one_or_none()
    if row is None:
        return None
    key = (int(row.unit), target)
    texts = _texts_of(session, [key[0]])
    opinions = _opinions(session, monitor, variable, texts).get(key, [])
    if not _differ(opinions) or any(one.coder == coder for one in opinions):
        return None
    return None if key in _awaited(session, monitor, variable, texts) else str(row.address)
