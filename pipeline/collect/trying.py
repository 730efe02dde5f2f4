"""Trying a source: what its selectors and patterns find on one place of discovery and one text's page. Nothing is kept.

Two or three polite requests: the same guard, leases, pace and robots.txt as a run: a host is never asked faster.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import httpx

from pipeline.collect.failure import Failure, NotNow
from pipeline.collect.fetch import Fetcher, Response
from pipeline.collect.guard import Guard
from pipeline.collect.keep import rules_of
from pipeline.collect.kinds import DISCOVER, LARGEST, READ
from pipeline.collect.kinds.events import Event, Links, PageItem, Scene, Skipped, TextItem, Trouble
from pipeline.collect.kinds.links import wanted
from pipeline.collect.kinds.listing_page import page_of, soup_of, written_in
from pipeline.collect.kinds.suggest import suggest
from pipeline.collect.pace import Paces
from pipeline.collect.problems import Problems
from pipeline.collect.robots import RobotsBook
from pipeline.collect.visit import Visitor
from pipeline.extract.decode import decode
from pipeline.extract.document import DateCandidate, Extracted, ExtractError
from pipeline.extract.page import extract_page
from pipeline.extract.written import reader_of
from pipeline.monitor import ListingSource, Monitor, Source, TableSource, WarcSource
from pipeline.settings import Settings
from pipeline.store.frontier import Discovered
from pipeline.store.places import PlaceState

MOST_SECONDS = 60.0
MOST_FILES = 3
"""requests to places of discovery; an index and a sitemap that it names are two"""
MOST_LINKS = 1000
SHOWN = 8
_SELECTORS = ("text_selector", "title_selector", "date_selector")


@dataclass(frozen=True)
class Link:
    """An address that a place shows, with what it says of it."""

    address: str
    title: str | None = None
    written: str | None = None
    """its date as it is written there"""
    date: datetime | None = None
    """the same as it is read; null when it can't be"""
    kept: bool = True
    """false: include or exclude leave it out"""


@dataclass(frozen=True)
class Selected:
    """What one selector finds on a page."""

    name: str
    css: str
    count: int
    found: str | None
    """the first one's words, shortened"""
    own: str | None = None
    """what extraction finds without it"""
    mend: str | None = None


@dataclass(frozen=True)
class Text:
    """What would be stored of a text's page."""

    address: str
    problem: str | None = None
    title: str | None = None
    text: str = ""
    language: str | None = None
    published_at: datetime | None = None
    published_origin: str | None = None
    dates: tuple[DateCandidate, ...] = ()


@dataclass
class Trial:
    """What trying a source showed."""

    source: str
    kind: str
    place: str | None = None
    links: list[Link] = field(default_factory=list)
    more: bool = False
    """there are more links than were read"""
    next_page: str | None = None
    selected: list[Selected] = field(default_factory=list)
    text: Text | None = None
    problems: list[str] = field(default_factory=list)

    @property
    def kept(self) -> list[Link]:
        return [link for link in self.links if link.kept]

    @property
    def left_out(self) -> list[Link]:
        return [link for link in self.links if not link.kept]


def try_source(
    settings: Settings,
    monitor: Monitor,
    source_id: str,
    *,
    address: str | None = None,
    page: bytes | None = None,
    seconds: float = MOST_SECONDS,
) -> Trial:
    """Try one source of a monitor, for at most ``seconds``.

    ``address``: the text's page to read, else the first link's; ``page``: the bytes of a page that lies on the disk,
    read in place of the web, as a place of discovery and as a text. Raises KeyError for an unknown source.
    """
    source = monitor.source(source_id)
    trial = Trial(source.id, source.kind)
    if isinstance(source, WarcSource | TableSource):
        _files(settings, source, trial)
    elif page is not None:
        response = _from_disk(address or _first_place(source), page)
        _discover(settings, source, response.address, _only(response), trial)
        if isinstance(source, ListingSource) or not trial.links:
            _text(source, response, {}, trial)
    else:
        with visiting(settings, monitor, source, trial, seconds=seconds) as visitor:
            hints: dict[str, Any] = {}
            if address is None:
                found = _discover(settings, source, _first_place(source), visitor.get, trial)
                first = next((one for one in found if wanted(one.address, source)), None)
                address, hints = (first.address, first.hints) if first is not None else (None, {})
            if address is not None:
                try:
                    _text(source, visitor.get(address), hints, trial)
                except (Failure, NotNow) as failure:
                    trial.problems.append(f"{address}: {failure.reason}")
    return trial


def _first_place(source: Any) -> str:
    places = [*source.addresses, *getattr(source, "home_pages", [])]
    return str(places[0]) if places else ""


def _from_disk(address: str, page: bytes) -> Response:
    return Response(address, 200, httpx.Headers(), page, page, datetime.now(UTC), 0.0)


def _only(response: Response) -> Callable[[str], Response]:
    def get(address: str) -> Response:
        if address != response.address:
            raise Failure("soft", "not asked: one page was given with --page")
        return response

    return get


@contextmanager
def visiting(
    settings: Settings, monitor: Monitor, source: Any, trial: Trial, *, seconds: float = MOST_SECONDS
) -> Iterator[Visitor]:
    """What asks sites for a source, for at most ``seconds``; what went wrong is put into the trial at the end."""
    stop = threading.Event()
    problems = Problems()
    paces = Paces(settings, deadline=time.time() + seconds, stop=stop)
    limits = {"max_body_bytes": max(settings.max_body_bytes, LARGEST.get(source.kind, 0))}
    guard = Guard(frozenset(host.lower() for host in monitor.allowed_addresses))
    fetcher = Fetcher(settings.model_copy(update=limits), guard)
    try:
        yield Visitor(settings, fetcher, RobotsBook(settings), paces, problems, delay=source.delay)
    finally:
        fetcher.close()
        stop.set()
        paces.close()
        trial.problems.extend(problems.lines())


# Places of discovery


class _EnoughError(Exception):
    """So many requests are enough to show how it goes."""


def _discover(
    settings: Settings, source: Any, place: str, get: Callable[[str], Response], trial: Trial
) -> list[Discovered]:
    """Read one place with the source's own kind, and put what it shows into the trial."""
    trial.place = place
    had: dict[str, Response] = {}

    def visit(place: str, *, anew: bool = True) -> Response:
        if place not in had:
            if len(had) >= (1 if isinstance(source, ListingSource) else MOST_FILES):
                raise _EnoughError
            had[place] = get(place)
        return had[place]

    # without the patterns, so that what they leave out can be shown
    open_source = source.model_copy(update={"include": None, "exclude": None})
    scene = Scene(settings, visit, visit, lambda _: set(), PlaceState)
    found: dict[str, Discovered] = {}
    try:
        for event in DISCOVER[source.kind](open_source, place, scene):
            _take(event, found, trial)
            if len(found) >= MOST_LINKS:
                trial.more = True
                break
    except _EnoughError:
        trial.more = True
    except (Failure, NotNow) as failure:
        trial.problems.append(f"{place}: {failure.reason}")
    read = reader_of(rules_of(source))
    for one in found.values():
        dates = one.hints.get("dates") or []
        written = str(dates[0]["value"]) if dates else None
        trial.links.append(
            Link(
                one.address,
                title=one.hints.get("title"),
                written=written,
                date=read(str(dates[0]["origin"]), str(dates[0]["value"])) if dates else None,
                kept=wanted(one.address, source),
            )
        )
    if trial.links and not trial.kept:
        trial.problems.append("include and exclude leave every link out; mend the patterns")
    if isinstance(source, ListingSource) and place in had:
        _selectors_of_listing(source, had[place], trial)
    return list(found.values())


def _take(event: Event, found: dict[str, Discovered], trial: Trial) -> None:
    if isinstance(event, Links):
        for one in event.found:
            found.setdefault(one.address, one)
    elif isinstance(event, Trouble):
        trial.problems.append(f"{event.place}: {event.reason}")


def _selectors_of_listing(source: ListingSource, response: Response, trial: Trial) -> None:
    text, _ = decode(response.body, response.content_type)
    soup = soup_of(text)
    trial.next_page = page_of(response, source).next_page
    items = soup.select(source.item_selector) if source.item_selector else []
    for name in ("item_selector", "link_selector", "next_selector", "item_title_selector", "item_date_selector"):
        if (css := getattr(source, name)) is None:
            continue
        if name.startswith("item_") and name != "item_selector":
            chosen = [one for item in items if (one := item.select_one(css)) is not None]
        else:
            chosen = soup.select(css)
        words = _short(written_in(chosen[0])) if chosen else None
        trial.selected.append(Selected(name, css, len(chosen), words, mend=None if chosen else suggest(soup, css)))


# Texts


def _text(source: Source, response: Response, hints: dict[str, Any], trial: Trial) -> None:
    """Read a text's page with the source's selectors, and beside it without them."""
    rules = rules_of(source)
    own_rules = replace(rules, text_selector=None, title_selector=None, date_selector=None)
    now = datetime.now(UTC)

    def read(by: Any) -> Extracted:
        return extract_page(
            response.body, address=response.address, content_type=response.content_type, hints=hints, rules=by, now=now
        )

    try:
        made = read(rules)
    except (ExtractError, ValueError) as error:
        trial.text = Text(response.address, problem=f"no text would be stored: {error}")
        return
    try:
        own: Extracted | None = read(own_rules)
    except ExtractError:
        own = None
    text, _ = decode(response.body, response.content_type)
    soup = soup_of(text)
    beside = {
        "text_selector": own and own.text,
        "title_selector": own and own.title,
        "date_selector": own and own.published_at and f"{own.published_at:%Y-%m-%d} ({own.published_origin})",
    }
    for name in _SELECTORS:
        if (css := getattr(rules, name)) is None:
            continue
        chosen = soup.select(css)
        trial.selected.append(
            Selected(
                name,
                css,
                len(chosen),
                _short(written_in(chosen[0])) if chosen else None,
                own=_short(beside[name] or "") or None,
                mend=None if chosen else suggest(soup, css),
            )
        )
    trial.text = Text(
        made.address,
        title=made.title,
        text=made.text,
        language=made.language,
        published_at=made.published_at,
        published_origin=made.published_origin,
        dates=made.dates,
    )


def _short(words: str) -> str:
    line = " ".join(words.split())
    return line if len(line) <= 120 else f"{line[:117]}..."


# Files


def _files(settings: Settings, source: WarcSource | TableSource, trial: Trial) -> None:
    """The first texts of a source that is read from files."""
    trial.place = str(source.path) if isinstance(source, TableSource) else ", ".join(map(str, source.paths))
    read = reader_of(rules_of(source))
    skipped = 0
    for item in islice(READ[source.kind](source, settings), MOST_LINKS):
        if isinstance(item, Trouble):
            trial.problems.append(f"{item.place}: {item.reason}")
        elif isinstance(item, Skipped):
            skipped += 1
        else:
            dates = item.hints.get("dates") or []
            title = item.title if isinstance(item, TextItem) else None
            written = str(dates[0]["value"]) if dates else None
            date = read(str(dates[0]["origin"]), str(dates[0]["value"])) if dates else None
            trial.links.append(Link(item.address, title, written, date))
            if trial.text is None:
                _first_text(source, item, trial)
        if len(trial.links) >= SHOWN:
            trial.more = True
            break
    if skipped:
        trial.problems.append(f"{skipped:,} rows or records before these are not of this source, or no pages")


def _first_text(source: WarcSource | TableSource, item: PageItem | TextItem, trial: Trial) -> None:
    if isinstance(item, PageItem):
        headers = httpx.Headers({"content-type": item.content_type} if item.content_type else {})
        response = Response(item.address, item.status, headers, item.body, item.body, item.captured_at, 0.0)
        _text(source, response, item.hints, trial)
    else:
        trial.text = Text(item.address, title=item.title, text=item.text)
