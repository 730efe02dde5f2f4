"""Labelling queues: the texts that can be drawn, the queues that were, and which coder has which text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, and_, delete, func, insert, literal, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased

from pipeline.store.answered import answered_out_of_order, codings_of_items
from pipeline.store.cells import own
from pipeline.store.tables import Assignment, Cluster, Coding, Document, Framing, Queue, QueueItem, RaisedAlarm
from pipeline.store.upsert import IN_ONE_QUERY

Unit = tuple[int, str]
"""cluster (minus the document's id where it has none) and target"""

CODED, UNCLEAR = "coded", "unclear"


@dataclass(frozen=True)
class Candidate:
    """A cluster that a queue may draw, by the document that stands for it: own speaker, dated, first publication."""

    document: int
    cluster: int
    group: str
    day: date
    language: str | None


def lock_queues(session: Session, monitor: str) -> None:
    """Let one transaction at a time draw a queue of a monitor. Held until the caller commits.

    On SQLite the caller's first write does this: it is the one writer from then on.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(select(func.pg_advisory_xact_lock(func.hashtext(f"riftwatch queues {monitor}"))))


def has_more_than(session: Session, monitor: str, most: int) -> bool:
    """Whether the monitor has more own dated texts than ``most``, copies included."""
    some = select(literal(1)).select_from(Document).where(*own(monitor)).limit(most + 1)
    return (session.scalar(select(func.count()).select_from(some.subquery())) or 0) > most


def candidates(session: Session, monitor: str, collected_by: datetime) -> list[Candidate]:
    """Every cluster of the monitor that measuring counts and that was there at ``collected_by``, by document."""
    query = (
        select(Document.id, Document.cluster_id, Document.group_id, Document.published_at, Document.language)
        .outerjoin(Cluster, Cluster.id == Document.cluster_id)
        .where(
            Document.monitor == monitor,
            Document.speaker == "own",
            Document.group_id.is_not(None),
            Document.published_at.is_not(None),
            Document.collected_at <= collected_by,
            or_(Document.cluster_id.is_(None), Cluster.first_document_id == Document.id),
        )
        .order_by(Document.id)
        .execution_options(yield_per=10_000)
    )
    return [
        Candidate(document, -document if cluster is None else cluster, str(group), published.date(), language)
        for document, cluster, group, published, language in session.execute(query)
        if published is not None
    ]


def texts_of(session: Session, documents: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Document and text, a few hundred at a time; in no promised order."""
    for start in range(0, len(documents), IN_ONE_QUERY):
        some = documents[start : start + IN_ONE_QUERY]
        yield from (
            (int(document), str(text))
            for document, text in session.execute(select(Document.id, Document.text).where(Document.id.in_(some)))
        )


def probabilities(session: Session, monitor: str, model_id: int) -> dict[tuple[int, str], tuple[float, float]]:
    """(document, target) -> what the model's two heads say of the text as it is now; without those it can't read."""
    query = (
        select(Framing.document_id, Framing.target, Framing.p_first, Framing.p_second)
        .join(Document, Document.id == Framing.document_id)
        .where(
            Document.monitor == monitor,
            Framing.model_id == model_id,
            Framing.text_digest == Document.text_digest,
            Framing.p_first.is_not(None),
            Framing.p_second.is_not(None),
        )
        .execution_options(yield_per=10_000)
    )
    return {
        (document, target): (first, second)
        for document, target, first, second in session.execute(query)
        if first is not None and second is not None
    }


def _units(session: Session, query: Any) -> set[Unit]:
    return {(-document if cluster is None else cluster, target) for document, cluster, target in session.execute(query)}


def coded_units(session: Session, monitor: str, variable: str, *, random: bool) -> set[Unit]:
    """What people have coded of a variable; with ``random`` only what was drawn at random."""
    query = (
        select(Document.id, Document.cluster_id, Coding.target)
        .join(Document, Document.id == Coding.document_id)
        .where(Coding.monitor == monitor, Coding.variable == variable, Coding.origin != "machine")
    )
    return _units(session, query.where(Coding.draw == "random") if random else query)


def queued_units(session: Session, monitor: str, variable: str, *, random: bool) -> set[Unit]:
    """What stands in a queue of a variable, done or not; with ``random`` only what was drawn at random."""
    query = (
        select(Document.id, Document.cluster_id, QueueItem.target)
        .join(QueueItem, QueueItem.document_id == Document.id)
        .join(Queue, Queue.id == QueueItem.queue_id)
        .where(Queue.monitor == monitor, Queue.variable == variable)
    )
    return _units(session, query.where(QueueItem.draw == "random") if random else query)


def add_queue(session: Session, **columns: Any) -> int:
    """Write a queue and return its id. Does not commit: until then no other queue is drawn on SQLite."""
    queue = Queue(**columns)
    session.add(queue)
    session.flush()
    return queue.id


def drawn_with_seed(
    session: Session, monitor: str, variable: str, seed: int, since: datetime, *, before: int
) -> int | None:
    """A queue of this seed that was drawn ``since``, other than ``before``: the same request, sent twice."""
    return session.scalar(
        select(Queue.id)
        .where(Queue.monitor == monitor, Queue.variable == variable, Queue.seed == seed, Queue.drawn_at >= since)
        .where(Queue.id != before)
        .limit(1)
    )


def add_items(session: Session, queue: int, rows: Sequence[dict[str, Any]]) -> None:
    """Write a queue's items, and which strata it drew at random from. Does not commit."""
    if rows:
        session.execute(insert(QueueItem), [{**row, "queue_id": queue} for row in rows])
        strata = {row["stratum"] for row in rows if row["draw"] == "random"}
        session.execute(update(Queue).where(Queue.id == queue).values(strata=sorted(strata)))


def leave_active(session: Session, monitor: str, variable: str, documents: Sequence[tuple[int, str]]) -> int:
    """Take (document, target) out of the active part of the monitor's queues unless somebody has begun it.

    Returns how many. Does not commit.
    """
    gone = 0
    queues = select(Queue.id).where(Queue.monitor == monitor, Queue.variable == variable)
    begun = select(Assignment.item_id).where(Assignment.item_id == QueueItem.id).exists()
    for start in range(0, len(documents), IN_ONE_QUERY):
        some = documents[start : start + IN_ONE_QUERY]
        taken = session.execute(
            delete(QueueItem).where(
                QueueItem.queue_id.in_(queues),
                QueueItem.draw == "active",
                tuple_(QueueItem.document_id, QueueItem.target).in_(some),
                ~begun,
            )
        )
        gone += cast("CursorResult[Any]", taken).rowcount
    return gone


@dataclass(frozen=True)
class ItemRow:
    """An item of a queue with its text, as a coder is shown it and as a coding needs it."""

    item: int
    """its number, which no coder is told"""
    key: str
    """what coders name it by"""
    variable: str
    target: str
    title: str | None
    text: str
    language: str | None
    published_at: datetime | None
    source: str
    group: str | None
    address: str
    draw: str
    probability: float | None
    drawn_at: datetime
    monitor: str


_ITEM = (
    select(
        QueueItem.id.label("item"),
        QueueItem.key,
        Queue.variable,
        QueueItem.target,
        Document.title,
        Document.text,
        Document.language,
        Document.published_at,
        Document.source,
        Document.group_id.label("group"),
        Document.address,
        QueueItem.draw,
        QueueItem.probability,
        Queue.drawn_at,
        Queue.monitor,
    )
    .join(Queue, Queue.id == QueueItem.queue_id)
    .join(Document, Document.id == QueueItem.document_id)
)


def item_row(session: Session, item: int) -> ItemRow | None:
    """An item and its text; None when there is none of this number."""
    return _only(session, QueueItem.id == item)


def row_of_key(session: Session, key: str) -> ItemRow | None:
    """The same by its key."""
    return _only(session, QueueItem.key == key)


def _only(session: Session, which: ColumnElement[bool]) -> ItemRow | None:
    found = session.execute(_ITEM.where(which)).one_or_none()
    return None if found is None else ItemRow(**found._mapping)


def numbers_of(session: Session, keys: Sequence[str]) -> dict[str, int]:
    """Key -> number of the item; without those that no item has."""
    query = select(QueueItem.key, QueueItem.id).where(QueueItem.key.in_(keys))
    return {row.key: row.id for row in session.execute(query)}


@dataclass(frozen=True)
class Wanted:
    """Which items a coder wants."""

    monitor: str
    queue: int | None = None
    """only this queue"""
    variable: str | None = None
    """only queues of this variable"""
    languages: tuple[str, ...] = ()
    """only texts in these; empty: any"""
    leave: tuple[str, ...] = ()
    """none of the items of these keys"""

    @property
    def of_queues(self) -> list[ColumnElement[bool]]:
        """What the queue alone has to be."""
        which = [Queue.monitor == self.monitor, Queue.closed_at.is_(None)]
        if self.queue is not None:
            which.append(Queue.id == self.queue)
        if self.variable is not None:
            which.append(Queue.variable == self.variable)
        return which

    @property
    def where(self) -> list[ColumnElement[bool]]:
        which = self.of_queues
        if self.languages:
            read = select(Document.id).where(Document.id == QueueItem.document_id)
            which.append(read.where(Document.language.in_(self.languages)).exists())
        if self.leave:
            which.append(QueueItem.key.not_in(self.leave))
        return which


def unfinished_item(session: Session, wanted: Wanted, coder: str) -> int | None:
    """A text that this coder was given and has not coded."""
    return session.scalar(
        select(QueueItem.id)
        .join(Queue, Queue.id == QueueItem.queue_id)
        .join(Assignment, Assignment.item_id == QueueItem.id)
        # of what is not done neither stands; the index knows the time
        .where(*wanted.where, Assignment.coder == coder, Assignment.outcome.is_(None), Assignment.finished_at.is_(None))
        # the queues' order would tell which of several texts are of one queue
        .order_by(QueueItem.key)
        .limit(1)
    )


def _free(coder: str, now: datetime) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    """Whether this coder may begin an item, and whether its first slot is taken."""
    mine, held = aliased(Assignment), aliased(Assignment)
    own = select(mine.item_id).where(mine.item_id == QueueItem.id, mine.coder == coder).exists()
    slots = (
        select(held.slot)
        .where(held.item_id == QueueItem.id, or_(held.outcome.is_not(None), held.leased_until > now))
        .correlate(QueueItem)
    )
    first, second = slots.where(held.slot == 1).exists(), slots.where(held.slot == 2).exists()
    return and_(~own, or_(~first, and_(QueueItem.coders == 2, ~second))), first


def free_items(session: Session, wanted: Wanted, coder: str, *, now: datetime, limit: int) -> list[tuple[int, int]]:
    """The next texts that this coder may begin, in the queue's order: item and slot."""
    free, first = _free(coder, now)
    query = (
        select(QueueItem.id, first)
        .join(Queue, Queue.id == QueueItem.queue_id)
        .where(*wanted.where, free)
        .order_by(QueueItem.queue_id, QueueItem.place)
        .limit(limit)
    )
    return [(item, 2 if taken else 1) for item, taken in session.execute(query)]


def free_in_each(session: Session, wanted: Wanted, coder: str, *, now: datetime) -> dict[int, int]:
    """Open queue -> how many of its texts this coder may begin; without queues where that is none."""
    free, _ = _free(coder, now)
    query = (
        select(QueueItem.queue_id, func.count())
        .join(Queue, Queue.id == QueueItem.queue_id)
        .where(*wanted.where, free)
        .group_by(QueueItem.queue_id)
        .order_by(QueueItem.queue_id)
    )
    return {int(queue): int(number) for queue, number in session.execute(query)}


def variable_of_alarms(session: Session, wanted: Wanted) -> str | None:
    """The variable of which one of the queues was drawn to confirm an alarm; None where none was."""
    query = select(Queue.variable).join(RaisedAlarm, RaisedAlarm.queue_id == Queue.id).where(*wanted.of_queues)
    return session.scalar(query.order_by(Queue.variable).limit(1))


def take(session: Session, item: int, slot: int, coder: str, *, now: datetime, until: datetime) -> bool:
    """Give a slot of an item to a coder, or make the coder's lease of it longer. False when somebody has it.

    One statement decides, so two coders who try at once can't both win. Raises IntegrityError where the coder has the
    item's other slot (the same coder in two places at once). Does not commit.
    """
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    statement: Any = dialect.insert(Assignment).values(item_id=item, slot=slot, coder=coder, leased_until=until)
    free = and_(Assignment.outcome.is_(None), or_(Assignment.leased_until <= now, Assignment.coder == coder))
    statement = statement.on_conflict_do_update(
        index_elements=["item_id", "slot"], set_={"coder": coder, "leased_until": until}, where=free
    ).returning(Assignment.item_id)
    return session.connection().execute(statement).first() is not None


def _changed(session: Session, statement: Any) -> bool:
    result = session.execute(statement.execution_options(synchronize_session=False))
    return cast("CursorResult[Any]", result).rowcount == 1


def renew(session: Session, item: int, coder: str, until: datetime) -> bool:
    """Make a coder's lease of an unfinished item longer; False when the coder has it no more. Does not commit."""
    return _changed(
        session,
        update(Assignment)
        .where(Assignment.item_id == item, Assignment.coder == coder, Assignment.outcome.is_(None))
        .values(leased_until=until),
    )


def renew_each(session: Session, items: Sequence[int], coder: str, until: datetime) -> list[int]:
    """Make a coder's leases of these unfinished items longer; those the coder still has. Does not commit."""
    renewed = (
        update(Assignment)
        .where(Assignment.item_id.in_(items), Assignment.coder == coder, Assignment.outcome.is_(None))
        .values(leased_until=until)
        .returning(Assignment.item_id)
        .execution_options(synchronize_session=False)
    )
    return list(session.scalars(renewed))


def give_back(session: Session, items: Sequence[int], coder: str) -> int:
    """End a coder's unfinished leases of these, so that others may take the texts; how many. Does not commit."""
    statement = delete(Assignment).where(
        Assignment.item_id.in_(items), Assignment.coder == coder, Assignment.outcome.is_(None)
    )
    gone = session.execute(statement.execution_options(synchronize_session=False))
    return cast("CursorResult[Any]", gone).rowcount


def finish(
    session: Session, item: int, coder: str, outcome: str, now: datetime, note: str | None, *, first: bool = False
) -> bool:
    """Write down that the coder has done the item; False when it is not the coder's. Does not commit.

    first: False also when the coder has done it before.
    """
    done = update(Assignment).where(Assignment.item_id == item, Assignment.coder == coder)
    if first:
        done = done.where(Assignment.outcome.is_(None))
    return _changed(session, done.values(outcome=outcome, finished_at=now, note=note))


@dataclass(frozen=True)
class Said:
    """What a coder has said of an item."""

    value: str
    """of the codebook, or unclear"""
    note: str | None


def said_of(session: Session, row: ItemRow, coder: str) -> Said | None:
    """The coder's own answer to an item; None where there is none."""
    done = session.execute(
        select(Assignment.outcome, Assignment.note).where(
            Assignment.item_id == row.item, Assignment.coder == coder, Assignment.outcome.is_not(None)
        )
    ).one_or_none()
    if done is None:
        return None
    coded = session.execute(select(Coding.value, Coding.note).where(*_coding_of(row, coder))).one_or_none()
    return Said(UNCLEAR, done.note) if coded is None else Said(coded.value, coded.note)


def reopen(session: Session, item: int, coder: str, until: datetime) -> bool:
    """Take the coder's outcome back: the item is the coder's to do again. Does not commit.

    False where there is none, and where it stays: the queue is closed (its probabilities count on it), or the item's
    other coder has finished too (both answers are shown from then on, so a new one would not be blind).
    """
    other = aliased(Assignment)
    finished = select(other.slot).where(other.item_id == item, other.coder != coder, other.outcome.is_not(None))
    opened = select(QueueItem.id).join(Queue, Queue.id == QueueItem.queue_id).where(Queue.closed_at.is_(None))
    return _changed(
        session,
        update(Assignment)
        .where(Assignment.item_id == item, Assignment.coder == coder, Assignment.outcome.is_not(None))
        .where(~finished.exists(), opened.where(QueueItem.id == item).exists())
        .values(outcome=None, finished_at=None, note=None, leased_until=until),
    )


def last_finished(session: Session, wanted: Wanted, coder: str) -> int | None:
    """The item of open queues that the coder did last."""
    return session.scalar(
        select(Assignment.item_id)
        .join(QueueItem, QueueItem.id == Assignment.item_id)
        .join(Queue, Queue.id == QueueItem.queue_id)
        .where(*wanted.where, Assignment.coder == coder, Assignment.outcome.is_not(None))
        .order_by(Assignment.finished_at.desc(), Assignment.item_id.desc())
        .limit(1)
    )


def remove_coding(session: Session, row: ItemRow, coder: str) -> None:
    """Delete what the coder said of an item. Does not commit."""
    session.execute(delete(Coding).where(*_coding_of(row, coder)))


def _coding_of(row: ItemRow, coder: str) -> list[ColumnElement[bool]]:
    return [
        Coding.monitor == row.monitor,
        Coding.address == row.address,
        Coding.variable == row.variable,
        Coding.target == row.target,
        Coding.coder == coder,
        Coding.draw == row.draw,
        Coding.drawn_at == row.drawn_at,
    ]


def unanswered(session: Session, monitor: str, variable: str, *, before: int) -> dict[int, int]:
    """Open queue -> how many of its items drawn at random nobody has answered; only earlier queues, none without."""
    answered = (
        select(Assignment.item_id).where(Assignment.item_id == QueueItem.id, Assignment.outcome.is_not(None)).exists()
    )
    query = (
        select(QueueItem.queue_id, func.count())
        .join(Queue, Queue.id == QueueItem.queue_id)
        .where(Queue.monitor == monitor, Queue.variable == variable, Queue.closed_at.is_(None), Queue.id != before)
        .where(QueueItem.draw == "random", ~answered)
        .group_by(QueueItem.queue_id)
        .order_by(QueueItem.queue_id)
    )
    return {int(queue): int(number) for queue, number in session.execute(query)}


def adopt(session: Session, monitor: str, now: datetime) -> int:
    """Write down as done what was coded elsewhere: codings of an open queue's draw that came in by a file.

    Returns how many. A coder beyond the number that an item wants is not counted. Does not commit.
    """
    mine = (
        select(Assignment.item_id)
        .where(Assignment.item_id == QueueItem.id, Assignment.coder == Coding.coder, Assignment.outcome.is_not(None))
        .exists()
    )
    query = (
        select(QueueItem.id, QueueItem.coders, Coding.coder, Coding.coded_at)
        .join(Queue, Queue.id == QueueItem.queue_id)
        .join(Document, Document.id == QueueItem.document_id)
        .join(Coding, and_(*codings_of_items()))
        .where(Queue.monitor == monitor, Queue.closed_at.is_(None), Coding.origin != "machine", ~Coding.settles, ~mine)
        .order_by(QueueItem.id, Coding.id)
    )
    adopted = 0
    for item, coders, coder, coded_at in session.execute(query).all():
        held = session.scalar(select(Assignment.slot).where(Assignment.item_id == item, Assignment.coder == coder))
        for slot in [held] if held else range(1, coders + 1):
            if take(session, item, slot, coder, now=now, until=now):
                adopted += finish(session, item, coder, CODED, coded_at, None)
                break
    return adopted


def keep_probabilities(session: Session, monitor: str) -> int:
    """Give random codings the probability of the queue item they are of: a file may be older than the queue's closing.

    Returns how many had another. Does not commit.
    """
    query = (
        select(Coding.id, QueueItem.probability)
        .join(Document, and_(Document.monitor == Coding.monitor, Document.address == Coding.address))
        .join(QueueItem, and_(QueueItem.document_id == Document.id, QueueItem.target == Coding.target))
        .join(Queue, and_(Queue.id == QueueItem.queue_id, Queue.variable == Coding.variable))
        .where(
            Queue.monitor == monitor,
            Queue.drawn_at == Coding.drawn_at,
            Coding.draw == "random",
            QueueItem.draw == "random",
            Coding.probability != QueueItem.probability,
        )
    )
    wrong = session.execute(query).all()
    for coding, probability in wrong:
        _changed(session, update(Coding).where(Coding.id == coding).values(probability=probability))
    return len(wrong)


@dataclass(frozen=True)
class Progressed:
    """How far a part of a queue is, for one group. Counts labels wanted: a text for two coders counts twice."""

    queue: int
    variable: str
    drawn_at: datetime
    open: bool
    part: str
    """random or active"""
    group: str
    texts: int
    wanted: int
    coded: int
    unclear: int
    at_work: int
    """given to a coder whose lease runs"""

    @property
    def left(self) -> int:
        """labels that nobody works on"""
        return self.wanted - self.coded - self.unclear - self.at_work


def progress_of(session: Session, monitor: str, queue: int | None, now: datetime) -> list[Progressed]:
    """Progress per queue, part and group; no coder and no value is in it."""
    by = (Queue.id, Queue.variable, Queue.drawn_at, Queue.closed_at, QueueItem.draw, Document.group_id)
    which = [Queue.monitor == monitor, *([Queue.id == queue] if queue is not None else [])]
    items = (
        select(*by, func.count(), func.sum(QueueItem.coders))
        .join(QueueItem, QueueItem.queue_id == Queue.id)
        .join(Document, Document.id == QueueItem.document_id)
        .where(*which)
        .group_by(*by)
        .order_by(Queue.id, QueueItem.draw.desc(), Document.group_id)
    )
    done = (
        select(Queue.id, QueueItem.draw, Document.group_id, Assignment.outcome, func.count())
        .join(QueueItem, QueueItem.queue_id == Queue.id)
        .join(Document, Document.id == QueueItem.document_id)
        .join(Assignment, Assignment.item_id == QueueItem.id)
        .where(*which, or_(Assignment.outcome.is_not(None), Assignment.leased_until > now))
        .group_by(Queue.id, QueueItem.draw, Document.group_id, Assignment.outcome)
    )
    counts = {(q, part, group, outcome): n for q, part, group, outcome, n in session.execute(done)}
    return [
        Progressed(
            queue=q,
            variable=variable,
            drawn_at=drawn_at,
            open=closed is None,
            part=part,
            group=group or "",
            texts=int(texts),
            wanted=int(wanted),
            coded=counts.get((q, part, group, CODED), 0),
            unclear=counts.get((q, part, group, UNCLEAR), 0),
            at_work=counts.get((q, part, group, None), 0),
        )
        for q, variable, drawn_at, closed, part, group, texts, wanted in session.execute(items)
    ]


def close(session: Session, monitor: str, queue: int, now: datetime) -> int | None:
    """Close a queue: what nobody has answered leaves it, and the random draw becomes the smaller one it was in fact.

    Texts come in random order, so the m that were answered of the n drawn in a stratum are a random sample of them:
    their probability, and that of their codings, becomes p m/n. Of an alarm's draw what was answered out of order
    leaves too: it is no part of the sample that the others are. Returns how many texts left; None where the queue is
    closed already or is none of the monitor's. Does not commit.
    """
    lock_queues(session, monitor)
    opened = update(Queue).where(Queue.id == queue, Queue.monitor == monitor, Queue.closed_at.is_(None))
    if not _changed(session, opened.values(closed_at=now)):
        return None
    begun = (
        select(Assignment.item_id).where(Assignment.item_id == QueueItem.id, Assignment.outcome.is_not(None)).exists()
    )
    by_stratum = (
        select(QueueItem.stratum, func.count())
        .where(QueueItem.queue_id == queue, QueueItem.draw == "random")
        .group_by(QueueItem.stratum)
    )
    drawn = {stratum: int(number) for stratum, number in session.execute(by_stratum)}
    items = select(QueueItem.id).where(QueueItem.queue_id == queue)
    of_alarm = set(session.scalars(items.where(QueueItem.draw == "alarm")))
    aside = sorted(of_alarm & answered_out_of_order(session, queue).keys())
    session.execute(delete(Assignment).where(Assignment.item_id.in_(items), Assignment.outcome.is_(None)))
    for start in range(0, len(aside), IN_ONE_QUERY):
        some = aside[start : start + IN_ONE_QUERY]
        session.execute(delete(Assignment).where(Assignment.item_id.in_(some)))
    gone = session.execute(delete(QueueItem).where(QueueItem.queue_id == queue, ~begun))
    row = session.execute(select(Queue.variable, Queue.drawn_at).where(Queue.id == queue)).one()
    given_back = set()
    for stratum, number in drawn.items():
        left = (QueueItem.queue_id == queue, QueueItem.draw == "random", QueueItem.stratum == stratum)
        answered = session.scalar(select(func.count()).where(*left)) or 0
        if not answered:
            given_back.add(stratum)
        if answered in {0, number}:
            continue
        share = answered / number
        # by address, as in adopt
        of_stratum = (
            select(Document.address, QueueItem.target).join(Document, Document.id == QueueItem.document_id).where(*left)
        )
        session.execute(
            update(Coding)
            .where(
                Coding.monitor == monitor,
                Coding.variable == row.variable,
                Coding.draw == "random",
                Coding.drawn_at == row.drawn_at,
                tuple_(Coding.address, Coding.target).in_(of_stratum),
            )
            .values(probability=Coding.probability * share)
            .execution_options(synchronize_session=False)
        )
        session.execute(
            update(QueueItem)
            .where(*left)
            .values(probability=QueueItem.probability * share)
            .execution_options(synchronize_session=False)
        )
    later = select(Queue.strata).where(
        Queue.monitor == monitor, Queue.variable == row.variable, Queue.drawn_at > row.drawn_at
    )
    forgotten = given_back - {stratum for strata in session.scalars(later) for stratum in strata}
    _forget(session, queue, forgotten)
    for stratum in forgotten:
        _forget_before(session, monitor, row.variable, row.drawn_at, stratum)
    return cast("CursorResult[Any]", gone).rowcount


def _forget(session: Session, queue: int, strata: set[str | None]) -> None:
    """Let a queue be as if it had not drawn from these strata: it held none of their texts when others were drawn."""
    kept = session.scalars(select(Queue.strata).where(Queue.id == queue)).one()
    left = [stratum for stratum in kept if stratum not in strata]
    session.execute(update(Queue).where(Queue.id == queue).values(strata=left))


def _forget_before(session: Session, monitor: str, variable: str, drawn_at: datetime, stratum: str | None) -> None:
    """Let earlier queues that were given up forget a stratum that no later one names any more.

    They kept it for those later ones. The newest comes first: one that is open, or still holds texts of the stratum,
    keeps it, and so do all before it.
    """
    earlier = select(Queue.id, Queue.closed_at, Queue.strata).where(
        Queue.monitor == monitor, Queue.variable == variable, Queue.drawn_at < drawn_at
    )
    for older in session.execute(earlier.order_by(Queue.drawn_at.desc())).all():
        if stratum not in older.strata:
            continue
        held = select(QueueItem.id).where(
            QueueItem.queue_id == older.id, QueueItem.draw == "random", QueueItem.stratum == stratum
        )
        if older.closed_at is None or session.scalar(held.limit(1)) is not None:
            return
        _forget(session, older.id, {stratum})
