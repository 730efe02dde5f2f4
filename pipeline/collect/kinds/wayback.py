"""Captures of a web archive: what its index names is fetched as it was captured, once per address and body."""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any
from urllib.parse import urlsplit

from pipeline.collect.failure import Failure
from pipeline.collect.fetch import Response
from pipeline.collect.kinds.cdx import (
    FIRST_CAPTURE,
    LINES,
    Answer,
    Capture,
    NoIndexError,
    Question,
    address_of,
    following,
    is_cut,
    moment,
    parse,
    query,
    stamp,
    unread_in_words,
)
from pipeline.collect.kinds.events import CursorAt, Event, Links, PlaceRead, Scene, Trouble, WalkBegun, WalkEnded
from pipeline.collect.kinds.links import wanted
from pipeline.extract.address import MAX_ADDRESS, canonical
from pipeline.extract.memento import Memento, memento_at
from pipeline.monitor import WaybackSource
from pipeline.store.frontier import Discovered
from pipeline.store.places import PlaceState

ASKED_AGAIN = timedelta(days=7)
"""An index that was read to its end is left alone for so long: the past of a site hardly changes, and a long index that
was read at every run would leave no time to fetch what it names."""
NEAR = timedelta(days=1)
"""An archive that can't show a capture leads to the next one in time; one as near as this stands for it."""

_PAGES = frozenset({"text/html", "application/xhtml+xml"})


# The index


def _span(source: WaybackSource, since: datetime | None, now: datetime) -> Question:
    """The captures to ask for.

    A text was published before it was captured. So captures of before ``since`` can't hold what was published since,
    but what was published before the window's end may have been captured at any time after it.
    """
    first, last = FIRST_CAPTURE, now
    if source.first_day is not None:
        first = max(first, datetime.combine(source.first_day, time(), UTC))
    if source.last_day is not None:
        last = min(last, datetime.combine(source.last_day, time(23, 59, 59), UTC))
    if since is not None:
        first = max(first, since)
    return Question(first.replace(microsecond=0), last.replace(microsecond=0))


def _place(source: WaybackSource, address: str, span: Question) -> str:
    """The query as a whole, as the store knows it: with the bounds that were set, without today."""
    last = f"&to={stamp(span.last)}" if source.last_day is not None else ""
    return f"{query(str(source.cdx), address, source.match)}&from={stamp(span.first)}{last}"


def _may_be_page(capture: Capture) -> bool:
    if capture.is_revisit:
        # its type is that of another capture, which the answer did not hold; pictures and the like give themselves away
        guessed = mimetypes.guess_type(urlsplit(capture.original).path)[0]
        return guessed is None or guessed in _PAGES
    # pywb gives a revisit the type of what it repeats, but no status
    return capture.media in _PAGES and capture.status in {"200", ""}


def _content(original: str, digest: str) -> str | None:
    """What one capture per address and body is known by."""
    return hashlib.sha256(f"{original}\0{digest}".encode()).hexdigest() if digest else None


def _discovered(capture: Capture, source: WaybackSource, place: str) -> Discovered | None:
    """Null for what is not wanted. Raises ValueError for an address that is none."""
    if not _may_be_page(capture):
        return None
    original = canonical(capture.original)
    if not wanted(original, source):
        return None
    raw = Memento(f"{str(source.replay).rstrip('/')}/", stamp(capture.time), capture.original).raw
    if len(raw.encode()) > MAX_ADDRESS:
        raise ValueError(f"{raw[:200]!r} is too long")
    return Discovered(raw, place, _hints(original, capture.time), content=_content(original, capture.digest))


def _hints(original: str, captured: datetime) -> dict[str, Any]:
    return {"original": original, "dates": [{"origin": "capture", "value": captured.isoformat()}]}


def links(answer: Answer, source: WaybackSource, place: str) -> Iterator[Event]:
    """What one answer names, one capture per address and body."""
    found: dict[str, Discovered] = {}
    for capture in answer.captures:
        try:
            one = _discovered(capture, source, place)
        except ValueError:
            yield Trouble(capture.original[:300], "left out: no address that can be asked for")
            continue
        if one is not None:
            found.setdefault(one.content or one.address, one)
    yield Links(tuple(found.values()))


def _rests(state: PlaceState, now: datetime) -> str | None:
    """Why the index is not asked now; null when it is."""
    if state.failure is not None and state.not_before is not None and now < state.not_before:
        return f"its index is not asked before {state.not_before:%Y-%m-%d %H:%M} UTC: {state.reason}"
    if state.walked and state.checked_at is not None and now < state.checked_at + ASKED_AGAIN:
        day = f"{state.checked_at:%Y-%m-%d}"
        return f"its index was read to the end on {day} and is asked again a week later (--all-places asks at once)"
    return None


def discover(source: WaybackSource, address: str, scene: Scene) -> Iterator[Event]:
    """Read the index for one address, from where the last run came to."""
    now = datetime.now(UTC)
    span = _span(source, scene.since, now)
    place = _place(source, address, span)
    if span.last < span.first:
        return  # nothing that was captured so early can hold a text of the window
    state = scene.state(place)
    if not scene.all_places and (said := _rests(state, now)) is not None:
        yield Trouble(address, said, failed=False)
        return
    try:
        yield from _walk(source, address, place, span, state.cursor, scene)
    except Failure as failure:
        yield Trouble(place, _in_words(failure), failure=failure)
        if state.cursor is not None and failure.kind != "temporary":
            yield CursorAt(place, None)  # it may be the resume key that the archive does not take any more


def _walk(
    source: WaybackSource, address: str, place: str, span: Question, cursor: str | None, scene: Scene
) -> Iterator[Event]:
    question: Question | None = Question.from_cursor(cursor) if cursor is not None else span
    if cursor is None:
        yield WalkBegun(place)
    entries = new = 0
    base = query(str(source.cdx), address, source.match)
    while question is not None:
        response = scene.get(address_of(base, question, lines=LINES))
        try:
            answer = parse(response.body)
        except NoIndexError as error:
            failure = Failure("soft", str(error))
            yield Trouble(place, str(error), response=response, failure=failure)
            return
        cut = is_cut(question, answer, lines=LINES)
        if not cut or question.first == question.last:
            for event in links(answer, source, place):
                if isinstance(event, Links):
                    entries += len(event.found)
                    new += len(event.found) - len(scene.known([one.address for one in event.found]))
                yield event
            for said in unread_in_words(answer.unread):
                yield Trouble(place, said, failed=False)
            if cut:
                yield Trouble(place, f"more than {LINES:,} captures in one second: the others are not named")
        question = following(question, answer, span.last, lines=LINES)
        if question is not None:
            yield CursorAt(place, question.cursor())
        else:
            if not entries and cursor is None:
                said = (
                    "the archive's index names no wanted page; check `cdx`, `match`, the days, `include` and `exclude`"
                )
                yield Trouble(address, said, failed=False)
            yield PlaceRead(place, response, entries, new, anew=True)
            yield WalkEnded(place)


def _in_words(failure: Failure) -> str:
    if failure.status in {403, 451}:
        return f"the archive does not give this out ({failure.reason}): it may have excluded the site"
    if failure.status in {400, 404}:
        return f"the archive's index does not take the question ({failure.reason}); check `cdx` and `match`"
    return failure.reason


# The pages


def captured(hints: dict[str, Any], asked: str, response: Response) -> dict[str, Any]:
    """The hints of a capture that was fetched: of the one that came.

    It can be another than was asked for: where the page led elsewhere at the time, or where the archive can't show
    it any more. Raises :class:`Failure` when what came is no capture, or one of another time.
    """
    wish, came = memento_at(asked), memento_at(response.address)
    # RFC 7089: archives say of every capture when it was made, and of their own pages nothing
    if came is None or wish is None or "memento-datetime" not in response.headers:
        raise Failure("soft", "the archive answers with a page of its own, not with a capture")
    if abs(moment(came.time) - moment(wish.time)) > NEAR:
        raise Failure("soft", "the archive can't show this capture and leads to one of another day")
    return {**hints, **_hints(canonical(came.original), moment(came.time))}
