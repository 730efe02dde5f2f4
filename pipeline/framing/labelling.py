"""Coding by hand: which text a coder gets next, and what becomes of the answer. Every face calls these.

A coder leases a text for half an hour; each call for it makes the lease longer. An answer and its coding are written
in one transaction, so whatever is killed, a text is answered and coded or neither. Nothing that is handed out here
says how a text was drawn, with which others, what a model thinks of it, or what another coder said: an item is named
by its key.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import SystemRandom

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from classifiers.codebook import codebook_of
from pipeline.monitor import Monitor
from pipeline.settings import Settings
from pipeline.store import queues
from pipeline.store.codings import keep_codings
from pipeline.store.queues import CODED, UNCLEAR, ItemRow, Progressed, Said, Wanted
from pipeline.store.session import open_session

LEASE = timedelta(minutes=30)
LONGEST_NAME = 60
_AT_ONCE = 10
"""texts that are tried in turn where other coders take them away"""
_TRIES = 100
_CHANCE = SystemRandom()


class LabellingError(ValueError):
    """What a coder asked for can't be done; says why and what to do."""


class NoItemError(LabellingError):
    """The monitor has no item of this key."""


class NotYoursError(LabellingError):
    """The item is not the coder's (any more)."""


class NoValueError(LabellingError):
    """The codebook has no such value."""


class AnsweredError(LabellingError):
    """The coder has answered the item before, and otherwise."""


class FinalError(LabellingError):
    """The answer can't be taken back any more."""


@dataclass(frozen=True)
class Item:
    """A text for a coder."""

    item: str
    """its key"""
    variable: str
    target: str
    """of a targeted codebook the group that is asked about; else empty"""
    target_name: str
    title: str | None
    text: str
    language: str | None
    published_at: datetime | None
    source: str
    """not for coders' eyes unless they ask for it, like ``group``"""
    group: str | None
    leased_until: datetime


def _now(now: datetime | None) -> datetime:
    return (now or datetime.now(UTC)).astimezone(UTC)


def check_coder(coder: str) -> str:
    """The coder's short name, without space around it. Raises LabellingError for one that can't be kept."""
    name = coder.strip()
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise LabellingError(
            f"{coder!r} is no coder's name; write a short name or number, at most {LONGEST_NAME} letters"
        )
    return name


def _shown(row: ItemRow, monitor: Monitor, until: datetime) -> Item:
    try:
        name = monitor.group(row.target).name if row.target else ""
    except KeyError:  # the group has left the monitor since the draw
        name = row.target
    return Item(
        item=row.key,
        variable=row.variable,
        target=row.target,
        target_name=name,
        title=row.title,
        text=row.text,
        language=row.language,
        published_at=row.published_at,
        source=row.source,
        group=row.group,
        leased_until=until,
    )


def next_item(
    settings: Settings,
    monitor: Monitor,
    coder: str,
    *,
    queue: int | None = None,
    variable: str | None = None,
    languages: Sequence[str] = (),
    leave: Sequence[str] = (),
    now: datetime | None = None,
) -> Item | None:
    """The next text for a coder, leased for half an hour; None when there is none.

    First what the coder was given and has not answered, then the open queues in their order; while an alarm's is among
    them, first texts of all queues of its variable by chance. queue: only this one. variable: only what is coded for
    it. languages: only texts in these. leave: items the coder does not want now.
    """
    coder, now = check_coder(coder), _now(now)
    until = now + LEASE
    wanted = Wanted(monitor.name, queue, variable, tuple(languages), tuple(leave))
    with open_session(settings) as session:
        for _ in range(_TRIES):
            mine = queues.unfinished_item(session, wanted, coder)
            if mine is not None and queues.renew(session, mine, coder, until):
                return _taken(session, mine, monitor, until)
            some = _mixed(session, wanted, coder, now)
            free = queues.free_items(session, some, coder, now=now, limit=_AT_ONCE)
            if not free and some is wanted:  # else others took the last of the queue that chance chose
                return None
            for item, slot in free:
                if _take(session, item, slot, coder, now, until):
                    return _taken(session, item, monitor, until)
    raise LabellingError("other coders took every text that was free just now; try again")


def _mixed(session: Session, wanted: Wanted, coder: str, now: datetime) -> Wanted:
    """The same; while an alarm's queue is open narrowed to one of its variable by chance, by the texts that are left.

    One queue after another, the numbers of texts that the page shows would tell where the alarm's begin.
    """
    variable = None if wanted.queue is not None else queues.variable_of_alarms(session, wanted)
    if variable is None:
        return wanted
    free = queues.free_in_each(session, replace(wanted, variable=variable), coder, now=now)
    return replace(wanted, queue=_CHANCE.choices(list(free), list(free.values()))[0]) if free else wanted


def _take(session: Session, item: int, slot: int, coder: str, now: datetime, until: datetime) -> bool:
    try:
        if queues.take(session, item, slot, coder, now=now, until=until):
            return True
    except IntegrityError:  # the same coder took its other slot elsewhere, or its text was erased
        pass
    session.rollback()
    return False


def _taken(session: Session, item: int, monitor: Monitor, until: datetime) -> Item | None:
    row = queues.item_row(session, item)
    session.commit()
    return None if row is None else _shown(row, monitor, until)


def _row_of(session: Session, monitor: Monitor, item: str) -> ItemRow:
    row = queues.row_of_key(session, item)
    if row is None or row.monitor != monitor.name:
        raise NoItemError(f"{monitor.name} has no item {item}; `riftwatch label next` gives the key of one")
    return row


def _not_yours(item: str, coder: str) -> NotYoursError:
    return NotYoursError(
        f"item {item} is not with {coder}: it was never given to {coder}, or it was left for more than "
        f"{int(LEASE.total_seconds() // 60)} minutes and another coder has it; `riftwatch label next` gives the next"
    )


def answer(
    settings: Settings,
    monitor: Monitor,
    item: str,
    value: str,
    coder: str,
    *,
    note: str | None = None,
    first: bool = False,
    now: datetime | None = None,
) -> None:
    """Keep a coder's answer: a value of the codebook, or ``unclear``, of which no coding is made.

    The same again leaves the coding as it is, another value corrects it; with ``first`` it raises AnsweredError
    instead, so that a coder at two windows, or with two quick keys, can't change an answer unseen. Raises
    LabellingError for an item that is not the coder's (any more) and for a value that the codebook does not have;
    nothing is written then.

    The time of the coding is the answer's arrival here, whatever a coder's clock says: one clock orders the answers of
    all coders, and a look at an alarm's confirmation takes what has arrived by then. Texts come in a random order, so
    an answer that a browser kept while the network failed, and that arrives late, favours no value. A coding that a
    file brings keeps the file's own time.
    """
    coder, now = check_coder(coder), _now(now)
    with open_session(settings) as session:
        row = _row_of(session, monitor, item)
        book = codebook_of(row.variable)
        if value not in [*book.names, UNCLEAR]:
            raise NoValueError(f"unknown value {value!r}; write one of {', '.join([*book.names, UNCLEAR])}")
        unclear = value == UNCLEAR and UNCLEAR not in book.names
        remark = (note or "").strip() or None
        outcome = UNCLEAR if unclear else CODED
        if not queues.finish(session, row.item, coder, outcome, now, remark if unclear else None, first=first):
            session.rollback()
            said = queues.said_of(session, row, coder) if first else None
            if said is None:
                raise _not_yours(item, coder)
            if said.value != value:
                raise AnsweredError(
                    f"{coder} has answered item {item} before: {said.value}; that stays until it is undone"
                )
            return
        if unclear:
            queues.remove_coding(session, row, coder)
        else:
            kept = {
                "address": row.address,
                "variable": row.variable,
                "target": row.target,
                "value": value,
                "codebook_version": book.version,
                "coder": coder,
                "coded_at": None,  # now; the same again keeps its time
                "draw": row.draw,
                "probability": row.probability,
                "drawn_at": row.drawn_at,
                "note": remark,
                "origin": "human",
                "settles": False,
                "extra": None,
            }
            keep_codings(session, monitor.name, [kept], now=now)
        session.commit()


def undo(
    settings: Settings,
    monitor: Monitor,
    coder: str,
    *,
    item: str | None = None,
    queue: int | None = None,
    variable: str | None = None,
    now: datetime | None = None,
) -> str | None:
    """Take back a coder's answer, the last one where no item is named: its coding goes, the text is to be coded again.

    Returns the item; None when there is nothing to take back. Raises LabellingError for an item without an answer of
    this coder, FinalError for an answer that stays: its queue is closed, or the text's other coder has finished too.
    """
    coder, now = check_coder(coder), _now(now)
    with open_session(settings) as session:
        row = _named_or_last(session, monitor, coder, item, queue, variable)
        if row is None:
            return None
        if not queues.reopen(session, row.item, coder, now + LEASE):
            session.rollback()
            if queues.said_of(session, row, coder) is not None:
                raise FinalError(
                    f"the answer of {coder} to item {row.key} stays: its queue is closed, or the text's other coder "
                    "has finished too and both answers are shown; where the two disagree, a third coder settles"
                )
            raise LabellingError(f"{coder} has not answered item {row.key}, so there is nothing to take back")
        queues.remove_coding(session, row, coder)
        session.commit()
    return row.key


def _named_or_last(
    session: Session, monitor: Monitor, coder: str, item: str | None, queue: int | None, variable: str | None
) -> ItemRow | None:
    if item is not None:
        return _row_of(session, monitor, item)
    last = queues.last_finished(session, Wanted(monitor.name, queue, variable), coder)
    return None if last is None else queues.item_row(session, last)


def last_answer(
    settings: Settings,
    monitor: Monitor,
    coder: str,
    *,
    item: str | None = None,
    queue: int | None = None,
    variable: str | None = None,
) -> tuple[str, Said] | None:
    """The item that the coder did last (or this one), and what the coder said; None where there is no answer."""
    coder = check_coder(coder)
    with open_session(settings) as session:
        row = _named_or_last(session, monitor, coder, item, queue, variable)
        said = None if row is None else queues.said_of(session, row, coder)
    return None if row is None or said is None else (row.key, said)


def held(settings: Settings, monitor: Monitor, item: str, coder: str, *, now: datetime | None = None) -> Item | None:
    """An item that the coder has and has not answered, for another half hour; None when it is not the coder's."""
    coder, until = check_coder(coder), _now(now) + LEASE
    with open_session(settings) as session:
        row = _row_of(session, monitor, item)
        if not queues.renew(session, row.item, coder, until):
            return None
        session.commit()
    return _shown(row, monitor, until)


def renew_each(settings: Settings, items: Sequence[str], coder: str, *, now: datetime | None = None) -> frozenset[str]:
    """Keep items for their coder for another half hour; those that the coder still has."""
    with open_session(settings) as session:
        numbers = queues.numbers_of(session, items)
        kept = queues.renew_each(session, list(numbers.values()), check_coder(coder), _now(now) + LEASE)
        session.commit()
    return frozenset(key for key, item in numbers.items() if item in kept)


def give_back(settings: Settings, items: Sequence[str], coder: str) -> int:
    """Let others have unanswered items at once; how many the coder had."""
    with open_session(settings) as session:
        numbers = queues.numbers_of(session, items)
        given = queues.give_back(session, list(numbers.values()), check_coder(coder))
        session.commit()
    return given


def progress(
    settings: Settings, monitor: Monitor, *, queue: int | None = None, now: datetime | None = None
) -> list[Progressed]:
    """How far the queues are, per part and group; nothing of what anybody said.

    What was coded elsewhere and brought in by a file counts as done from here on.
    """
    with open_session(settings) as session:
        queues.adopt(session, monitor.name, _now(now))
        session.commit()
        return queues.progress_of(session, monitor.name, queue, _now(now))


def close_queue(settings: Settings, monitor: Monitor, queue: int, *, now: datetime | None = None) -> int:
    """Close a queue; returns how many unanswered texts leave it. What is answered stays.

    Its random draw becomes the smaller one it was in fact: probabilities are multiplied by the share of each stratum
    that was answered. Raises LabellingError for a queue that is closed or is none of the monitor's.
    """
    with open_session(settings) as session:
        queues.adopt(session, monitor.name, _now(now))
        left = queues.close(session, monitor.name, queue, _now(now))
        if left is None:
            raise LabellingError(f"{monitor.name} has no open queue {queue}; `riftwatch label status` lists them")
        session.commit()
    return left
