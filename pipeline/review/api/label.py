"""Coding: texts to be coded, answers, progress, agreement, disagreements.

Nothing here says how a text was drawn, what a model thinks of it, or what was said of a text that a second coder still
has to code.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from http import HTTPStatus
from math import ceil
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import AfterValidator, BaseModel, Field
from starlette.exceptions import HTTPException

from pipeline.framing import labelling
from pipeline.framing.draw import LEAST_RANDOM
from pipeline.framing.labelling import (
    AnsweredError,
    FinalError,
    Item,
    LabellingError,
    NoItemError,
    NotYoursError,
    NoValueError,
)
from pipeline.framing.live_agreement import live_agreement
from pipeline.framing.queue import QueueError, draw_queue
from pipeline.framing.settling import SettleError
from pipeline.framing.settling import settle as settle_dispute
from pipeline.monitor import Monitor
from pipeline.review import words
from pipeline.review.access import coder_name
from pipeline.review.asked import group_of, monitor_of, settings_of
from pipeline.review.label import book_of, choose, told_together, work_of
from pipeline.settings import Settings
from pipeline.store.label import disputes, in_dispute, queue_states
from pipeline.store.queues import has_more_than
from pipeline.store.session import open_session

router = APIRouter(prefix="/api/v1/monitors/{monitor}/label", tags=["label"])

MOST_HELD = 50
MOST_DRAWN = 5_000
SAME_REQUEST = timedelta(hours=1)
"""within which a draw with the same seed is the same request, sent twice"""
MOST_DRAWN_FROM = 100_000
"""own texts of a monitor from which a queue is drawn within a request: all are looked at, in some seconds"""
MOST_READ = 10_000
"""the same of a targeted codebook, for which the texts themselves are read: whom do they name?"""


def _clean(text: str) -> str:
    if "\x00" in text:
        raise ValueError("holds a character that no database keeps (NUL)")
    return text


Number = Annotated[int, Field(ge=1, le=2**53)]
ItemKey = Annotated[str, Field(pattern=r"^[0-9a-z]{1,40}$", coerce_numbers_to_str=True)]
"""a number, as keys were once, is none that a text has: told so like any other"""
Variable = Annotated[str, Field(max_length=60, description="of a codebook, such as framing")]
Note = Annotated[str | None, Field(max_length=20_000), AfterValidator(lambda note: note and _clean(note))]
AskedVariable = Annotated[str, Query(max_length=60, description="of a codebook, such as framing")]


class Choice(BaseModel):
    """Which texts a coder wants."""

    variable: Variable
    queue: Number | None = Field(None, description="only this open queue; none: all of them")
    languages: list[Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,20}$")]] = Field(
        default_factory=list, max_length=20, description="only texts in these; none: in any"
    )
    held: list[ItemKey] = Field(
        default_factory=list, max_length=MOST_HELD, description="texts the coder has already, and is not given again"
    )
    skipped: list[ItemKey] = Field(
        default_factory=list, max_length=500, description="texts the coder does not want; others may have them"
    )


class ItemShown(BaseModel):
    """A text to be coded. It is the coder's until ``leased_until``; each call for it makes that later."""

    item: str = Field(description="its key, random digits; answers name it")
    variable: str
    target: str = Field(description="of a targeted codebook the group that is asked about; else empty")
    target_name: str
    title: str | None
    text: str
    direction: str = Field(description="how the text runs: rtl, or auto")
    language: str = Field(description="a language tag; und where it is unknown")
    published: date | None = Field(description="day in UTC")
    leased_until: datetime


class NextShown(BaseModel):
    """The next text, or none."""

    item: ItemShown | None = Field(description="none: nothing is left for this coder")


class AnswerGiven(BaseModel):
    """A coder's answer to a text."""

    item: ItemKey
    value: Annotated[str, Field(max_length=60)] = Field(description="a value of the codebook, or unclear")
    note: Note = Field(None, description="a remark, kept with the coding")
    then: Choice | None = Field(None, description="which text is wanted next; none: no text is given")


class Taken(BaseModel):
    """What is to be taken back."""

    item: ItemKey | None = Field(None, description="none: the newest answer of this coder to a text of an open queue")
    variable: Variable
    queue: Number | None = None


class TakenBack(BaseModel):
    """The answer that was taken back, and its text, which is the coder's again."""

    item: ItemShown | None = Field(description="none: there was nothing to take back")
    value: str | None = Field(description="what had been answered")
    note: str | None


class Held(BaseModel):
    """Texts a coder has before them."""

    items: list[ItemKey] = Field(max_length=MOST_HELD)


class Renewed(BaseModel):
    """Which texts are the coder's for another half hour, and which are not any more."""

    kept: list[str]
    lost: list[str]


class QueueShown(BaseModel):
    """An open queue."""

    queue: int | None = Field(description="its number; none for what an alarm asked for, which is not coded by itself")
    drawn_at: datetime | None
    texts: int
    asked_by_alarm: bool
    wanted: int | None = Field(description="answers wanted; a text for two coders counts twice")
    answered: int | None = Field(description="null, like the next, of every queue while an alarm's is open")
    mine: int | None = Field(description="answers of whoever asks")


class ProgressShown(BaseModel):
    """How far the open queues of a variable are; nothing of what anybody said, or how a text was drawn.

    While an alarm's queue is open, answers are told of all open queues in one sum, also where one queue is asked for:
    told apart, they would tell which texts are the alarm's.
    """

    variable: str
    texts: int
    wanted: int = Field(description="answers wanted; a text for two coders counts twice")
    answered: int
    unclear: int = Field(description="of the answers, those that say unclear: no coding is made of them")
    left: int
    mine: int = Field(description="answers of whoever asks")
    mine_lately: int = Field(description="within 24 hours, to texts of every variable")
    waiting_for_second: int | None = Field(
        description="texts that one coder has done and a second has not; null while an alarm's queue is open"
    )
    asked_by_alarms: int = Field(description="texts among them that an alarm asked for; which ones is not said")
    queues: list[QueueShown]


class AgreementShown(BaseModel):
    """Krippendorff's alpha of a variable's coders, in one language or all."""

    language: str = Field(description="a language's code, unknown, or all")
    texts: int = Field(description="coded by two coders or more, and waiting for none")
    codings: int
    percent: float | None = Field(
        description="share of pairs that agree, in [0, 1]; flatters where one value is frequent"
    )
    alpha: float | None
    low: float | None = Field(description="95% bootstrap interval over texts")
    high: float | None
    verdict: str = Field(description="the lower bound against .667 and .800, or why there is no alpha")
    behind: int | None = Field(
        description="answers came that are not in it yet; after so many seconds they are. Null: all are in it"
    )
    newest: int | None = Field(
        description="only so many of the newest codings are in it; there are more, with which `riftwatch codings "
        "agreement` reckons. Null: all are in it"
    )


class DrawAsked(BaseModel):
    """A queue to be drawn."""

    variable: Variable = "framing"
    size: int = Field(200, ge=1, le=MOST_DRAWN, description="texts")
    random: float = Field(
        LEAST_RANDOM, ge=LEAST_RANDOM, le=1, description="share drawn at random; the rest the model chooses"
    )
    second: float = Field(0.2, ge=0, le=1, description="share that a second coder gets too, blind")
    group: Annotated[str, Field(max_length=60)] | None = Field(None, description="only texts of this group")
    seed: int | None = Field(None, ge=0, lt=2**31, description="the same seed within an hour is the same request")


class DrawShown(BaseModel):
    """A queue that was drawn."""

    queue: int
    texts: int
    for_two: int = Field(description="texts for two coders")
    notes: list[str] = Field(description="what to know of this draw")


class OpinionShown(BaseModel):
    """What one coder said; names are not given, whoever settles shall look at the text."""

    value: str
    note: str | None


class DisagreementShown(BaseModel):
    """A text on which coders disagree, and nobody has settled."""

    document: int
    target: str
    title: str | None
    text: str
    direction: str
    language: str
    published: date | None
    opinions: list[OpinionShown]


class DisagreementsShown(BaseModel):
    """Disagreements between other coders, the oldest first."""

    shown: list[DisagreementShown]
    others: int = Field(description="how many there are that whoever asks may settle")
    own: int = Field(description="how many there are in which whoever asks is a party: those are not shown")
    more: bool = Field(description="there are more than these counts say")


class SettleAsked(BaseModel):
    """The value that settles a disagreement."""

    document: Number
    variable: Variable = "framing"
    target: Annotated[str, Field(max_length=60)] = ""
    value: Annotated[str, Field(max_length=60)]
    note: Note = None


class Settled(BaseModel):
    """What was settled."""

    document: int
    value: str


@contextmanager
def _refusing() -> Iterator[None]:
    """What can't be done, in the words of a page."""
    try:
        yield
    except AnsweredError as error:
        raise HTTPException(
            409, f"This text was answered before, in another window or by a double click: {error}."
        ) from None
    except FinalError:
        raise HTTPException(
            409,
            "This answer stays: its queue is closed, or the text's other coder has finished too and both answers are "
            "shown. Where the two disagree, a third coder settles.",
        ) from None
    except NoValueError as error:
        raise HTTPException(422, f"{str(error)[:1].upper()}{str(error)[1:]}.") from None
    except NotYoursError:
        minutes = int(labelling.LEASE.total_seconds() // 60)
        raise HTTPException(
            409,
            f"This text is not with you any more: it was left for more than {minutes} minutes and another coder "
            "has it, or its queue was closed. The answer was not kept.",
        ) from None
    except NoItemError:
        raise HTTPException(
            404, "No queue of this monitor has this text. It may have been erased, or left its queue."
        ) from None
    except (LabellingError, QueueError, SettleError) as error:
        raise HTTPException(409, f"{str(error)[:1].upper()}{str(error)[1:]}.") from None


def _shown(item: Item | None) -> ItemShown | None:
    if item is None:
        return None
    return ItemShown(
        item=item.item,
        variable=item.variable,
        target=item.target,
        target_name=item.target_name,
        title=item.title,
        text=item.text,
        direction=words.direction(item.language),
        language=words.language_tag(item.language),
        published=item.published_at.astimezone(UTC).date() if item.published_at else None,
        leased_until=item.leased_until,
    )


def _chosen(settings: Settings, monitor: Monitor, variable: str, queue: int | None) -> int | None:
    """The queue to take texts from; None: all open ones, also while an alarm's is among them.

    Texts of one queue that come (or come back) by themselves would tell which of the others are the alarm's. 404 for a
    variable without a codebook, and for a queue that is not open or not to be coded by itself.
    """
    book_of(variable)
    if queue is None:
        return None
    with open_session(settings) as session:
        queues = queue_states(session, monitor.name, variable, "", datetime.now(UTC))
    choose(queues, queue)
    return None if told_together(queues) else queue


def _next(settings: Settings, monitor: Monitor, coder: str, wanted: Choice) -> ItemShown | None:
    queue = _chosen(settings, monitor, wanted.variable, wanted.queue)
    if wanted.skipped:
        labelling.give_back(settings, wanted.skipped, coder)
    found = labelling.next_item(
        settings,
        monitor,
        coder,
        queue=queue,
        variable=wanted.variable,
        languages=wanted.languages,
        leave=[*wanted.held, *wanted.skipped],
    )
    return _shown(found)


def _next_if_open(settings: Settings, monitor: Monitor, coder: str, wanted: Choice) -> ItemShown | None:
    try:
        return _next(settings, monitor, coder, wanted)
    except HTTPException as refused:
        if refused.status_code != HTTPStatus.NOT_FOUND:
            raise
        return None


@router.post("/next")
def next_text(request: Request, monitor: str, wanted: Choice) -> NextShown:
    """Lease the next text. What the coder holds or skips is not given again; what is skipped others may have."""
    watched_by, settings = monitor_of(request, monitor), settings_of(request)
    with _refusing():
        return NextShown(item=_next(settings, watched_by, coder_name(request), wanted))


@router.post("/answer")
def answer(request: Request, monitor: str, given: AnswerGiven) -> NextShown:
    """Keep an answer, and lease the text that is wanted next.

    The same answer again changes nothing, so it can be sent again where the network failed; another answer to the same
    text is refused (409) until the first is taken back. Where the queue of the next text was closed meanwhile, the
    answer is kept and nothing comes next.
    """
    watched_by, settings, coder = monitor_of(request, monitor), settings_of(request), coder_name(request)
    if given.then is not None:
        book_of(given.then.variable)
    with _refusing():
        labelling.answer(settings, watched_by, given.item, given.value, coder, note=given.note, first=True)
        return NextShown(item=_next_if_open(settings, watched_by, coder, given.then) if given.then else None)


@router.post("/undo")
def undo(request: Request, monitor: str, taken: Taken) -> TakenBack:
    """Take an answer back: its coding goes, its text is the coder's again."""
    watched_by, settings, coder = monitor_of(request, monitor), settings_of(request), coder_name(request)
    queue = _chosen(settings, watched_by, taken.variable, taken.queue)
    with _refusing():
        last = labelling.last_answer(settings, watched_by, coder, item=taken.item, queue=queue, variable=taken.variable)
        if last is None:
            return TakenBack(item=None, value=None, note=None)
        item, said = last
        labelling.undo(settings, watched_by, coder, item=item)
        shown = _shown(labelling.held(settings, watched_by, item, coder))
    return TakenBack(item=shown, value=said.value, note=said.note)


@router.post("/renew")
def renew(request: Request, monitor: str, held: Held) -> Renewed:
    """Keep texts for their coder for another half hour."""
    settings, coder = settings_of(request), coder_name(request)
    monitor_of(request, monitor)
    kept = labelling.renew_each(settings, held.items, coder)
    return Renewed(
        kept=[item for item in held.items if item in kept], lost=[item for item in held.items if item not in kept]
    )


@router.get("/progress")
def progress(
    request: Request,
    monitor: str,
    variable: AskedVariable = "framing",
    queue: Annotated[int | None, Query(ge=1, le=2**53)] = None,
) -> ProgressShown:
    """How far the open queues are: all of a variable, or one of them (all, while an alarm's is open)."""
    watched_by, book = monitor_of(request, monitor), book_of(variable)
    with open_session(settings_of(request)) as session:
        work = work_of(session, watched_by.name, book.variable, queue, coder_name(request))
    return ProgressShown(
        variable=book.variable,
        texts=work.texts,
        wanted=work.wanted,
        answered=work.answered,
        unclear=work.unclear,
        left=work.left,
        mine=work.mine,
        mine_lately=work.lately,
        waiting_for_second=work.second,
        asked_by_alarms=work.asked_by_alarms,
        queues=[
            QueueShown(
                queue=None if one.by_alarm else one.queue,
                drawn_at=None if one.by_alarm else one.drawn_at,
                texts=one.texts,
                asked_by_alarm=one.by_alarm,
                wanted=None if one.by_alarm else one.wanted,
                answered=None if work.together else one.coded + one.unclear,
                mine=None if work.together else one.mine,
            )
            for one in work.queues
        ],
    )


@router.get("/agreement")
def agreement(request: Request, monitor: str, variable: AskedVariable = "framing") -> list[AgreementShown]:
    """Krippendorff's alpha with its 95% interval, over all languages and in each.

    Of texts that two coders have coded and no coder is awaited for; what settles a disagreement is nobody's vote. Where
    reckoning takes long, answers of the last seconds are not in it yet: ``behind`` says when they are.
    """
    watched_by, book = monitor_of(request, monitor), book_of(variable)
    with open_session(settings_of(request)) as session:
        found = live_agreement(session, watched_by, book.variable)
    behind = None if found.behind is None else ceil(found.behind)
    return [AgreementShown(**asdict(one), behind=behind, newest=found.newest) for one in found.figures]


@router.post("/draw")
def draw(request: Request, monitor: str, asked: DrawAsked) -> DrawShown:
    """Draw a queue: a quarter or more at random per group and audit period, the rest where the model is in doubt."""
    watched_by, settings, book = monitor_of(request, monitor), settings_of(request), book_of(asked.variable)
    group = group_of(watched_by, asked.group) if asked.group else None
    most = MOST_READ if book.targeted else MOST_DRAWN_FROM
    with open_session(settings) as session:
        if has_more_than(session, monitor, most):
            raise HTTPException(
                422,
                f"The monitor has more than {most:,} texts to draw from, more than a page can look at while you wait. "
                f"Draw at a terminal: riftwatch label queue --variable {book.variable} --size {asked.size}",
            )
    with _refusing():
        made = draw_queue(
            settings,
            watched_by,
            variable=book.variable,
            size=asked.size,
            random=asked.random,
            second=asked.second,
            seed=asked.seed,
            group=group,
            once_within=None if asked.seed is None else SAME_REQUEST,
        )
    return DrawShown(queue=made.queue, texts=made.random + made.active, for_two=made.second, notes=made.notes)


@router.get("/disagreements")
def disagreements(
    request: Request,
    monitor: str,
    variable: AskedVariable = "framing",
    limit: Annotated[int, Query(ge=1, le=50)] = 10,
    skip: Annotated[int, Query(ge=0, le=1_000)] = 0,
) -> DisagreementsShown:
    """Texts on which other coders disagree, that nobody has settled, and that wait for no coder."""
    watched_by, book = monitor_of(request, monitor), book_of(variable)
    with open_session(settings_of(request)) as session:
        found = disputes(session, watched_by.name, book.variable, coder_name(request), limit=limit, skip=skip)
    return DisagreementsShown(
        shown=[
            DisagreementShown(
                document=one.document,
                target=one.target,
                title=one.title,
                text=one.text,
                direction=words.direction(one.language),
                language=words.language_tag(one.language),
                published=one.published_at.astimezone(UTC).date() if one.published_at else None,
                opinions=[OpinionShown(value=opinion.value, note=opinion.note) for opinion in one.opinions],
            )
            for one in found.shown
        ],
        others=found.others,
        own=found.own,
        more=found.more,
    )


@router.post("/settle")
def settle(request: Request, monitor: str, asked: SettleAsked) -> Settled:
    """Settle a disagreement between other coders: a third coding, which counts in place of theirs; theirs stay."""
    watched_by, book, coder = monitor_of(request, monitor), book_of(asked.variable), coder_name(request)
    if asked.value not in book.names:
        raise HTTPException(422, f"The codebook has no such value. It has: {', '.join(book.names)}.")
    with open_session(settings_of(request)) as session, _refusing():
        address = in_dispute(session, watched_by.name, book.variable, asked.document, asked.target, coder)
        if address is None:
            raise HTTPException(
                409,
                "There is nothing to settle for you on this text: it was settled meanwhile, its coders agree, it waits "
                "for a coder, an answer to it can still be taken back, or you are one of those who disagree.",
            )
        made = settle_dispute(
            session,
            watched_by,
            address,
            asked.value,
            coder=coder,
            variable=book.variable,
            target=asked.target,
            note=asked.note,
        )
        session.commit()
    return Settled(document=asked.document, value=made.value)
