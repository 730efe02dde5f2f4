"""What the page of coders and its API share: which variable and queue is meant, the keys, how far the work is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException

from classifiers.codebook import Codebook, CodebookError, codebook_of, codebooks
from pipeline.store.label import (
    QueueState,
    answered_lately,
    open_work,
    queue_states,
    waiting_for_second,
)

FIRST_VARIABLE = "framing"
UNCLEAR_KEY = "0"
COMMANDS = {"u": "undo", "n": "note", "s": "skip"}
"""letters that mean something else than a value, as at the terminal"""


@dataclass(frozen=True)
class Key:
    """The keys of a value."""

    value: str
    digit: str
    """empty from the tenth value on"""
    letter: str
    """the first letter of its name that is free; empty where none is"""


def keys_of(book: Codebook) -> list[Key]:
    """A digit and a letter for each value, in the codebook's order."""
    taken, keys = set(COMMANDS), []
    for number, value in enumerate(book.names, start=1):
        letter = next((c for c in value if "a" <= c <= "z" and c not in taken), "")
        taken.add(letter)
        keys.append(Key(value, str(number) if number <= 9 else "", letter))
    return keys


def book_of(variable: str) -> Codebook:
    """The codebook of a variable; 404 in words."""
    try:
        return codebook_of(variable)
    except CodebookError:
        known = ", ".join(book.variable for book in codebooks())
        raise HTTPException(404, f"There is no codebook of that variable. There are: {known}.") from None


def first_variable(session: Session, monitor: str) -> str:
    """Where nothing is asked for: framing, unless only another variable has open queues."""
    work = open_work(session, monitor)
    known = [book.variable for book in codebooks()]
    return next((v for v in (FIRST_VARIABLE, *known) if v in work), FIRST_VARIABLE)


def told_together(queues: list[QueueState]) -> bool:
    """An alarm's queue is among them: then none is chosen, counted or coded by itself."""
    return any(one.by_alarm for one in queues)


@dataclass(frozen=True)
class Work:
    """How far the open queues of a variable are, or one of them, as a coder sees it."""

    queues: list[QueueState]
    """all open ones, the oldest first"""
    chosen: list[QueueState]
    """those that count in the sums below"""
    second: int | None
    """texts that wait for their second coder; null where answers are told together"""
    lately: int
    """answers of this coder within 24 hours, of every variable"""

    @property
    def together(self) -> bool:
        """Answers are told of all open queues in one sum: an alarm's queue is among them.

        Told apart, the numbers of the others, or one of them that stays as it was at an answer, would tell which texts
        are the alarm's.
        """
        return told_together(self.queues)

    @property
    def texts(self) -> int:
        """Texts in the chosen queues."""
        return sum(one.texts for one in self.chosen)

    @property
    def wanted(self) -> int:
        """Answers that are wanted: two for a text of two coders."""
        return sum(one.wanted for one in self.chosen)

    @property
    def answered(self) -> int:
        """Answers that were given, unclear ones too."""
        return sum(one.coded + one.unclear for one in self.chosen)

    @property
    def unclear(self) -> int:
        """Answers that say unclear: missing, no value."""
        return sum(one.unclear for one in self.chosen)

    @property
    def left(self) -> int:
        """Answers that are still wanted."""
        return sum(one.left for one in self.chosen)

    @property
    def mine(self) -> int:
        """Answers of this coder."""
        return sum(one.mine for one in self.chosen)

    @property
    def asked_by_alarms(self) -> int:
        """Texts of open queues that an alarm asked for; which ones they are, nobody is told."""
        return sum(one.texts for one in self.queues if one.by_alarm)


def choose(queues: list[QueueState], queue: int | None) -> list[QueueState]:
    """All open queues, or the one that is asked for; 404 where it is not open, or may not be coded by itself."""
    if queue is None:
        return queues
    found = next((one for one in queues if one.queue == queue), None)
    if found is None:
        raise HTTPException(404, "No open queue has this number. It may be closed, or of another variable.")
    if found.by_alarm:
        raise HTTPException(
            404, "An alarm asked for this queue. It is coded among the others: nobody is told which texts are its own."
        )
    return [found]


def work_of(session: Session, monitor: str, variable: str, queue: int | None, coder: str) -> Work:
    """How far the work is, of all open queues where an alarm's is among them. 404 as :func:`choose`."""
    now = datetime.now(UTC)
    queues = queue_states(session, monitor, variable, coder, now)
    chosen = choose(queues, queue)
    together = told_together(queues)
    return Work(
        queues=queues,
        chosen=queues if together else chosen,
        # an alarm's texts have one coder: a number that stays as it was would tell of them too
        second=None if together else waiting_for_second(session, monitor, variable),
        lately=answered_lately(session, monitor, coder, now),
    )
