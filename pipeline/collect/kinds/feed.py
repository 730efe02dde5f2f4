"""Feeds: which places a source has, what stands in a feed, and the older pages of one."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urljoin

from pipeline.collect.failure import Failure
from pipeline.collect.feed_reader import read_feed
from pipeline.collect.fetch import Response
from pipeline.collect.inflate import gunzip
from pipeline.collect.kinds import opml
from pipeline.collect.kinds.events import (
    CursorAt,
    Event,
    Links,
    PlaceRead,
    PlacesFound,
    Scene,
    Trouble,
    WalkBegun,
    WalkEnded,
)
from pipeline.collect.kinds.homepage import feeds_of, is_of_comments, usual_addresses
from pipeline.collect.kinds.links import hints, resolve, wanted
from pipeline.extract.decode import decode
from pipeline.extract.document import ExtractError
from pipeline.extract.feed import Entry, Feed, NoFeedError
from pipeline.monitor import FeedSource
from pipeline.settings import Settings
from pipeline.store.frontier import Discovered
from pipeline.store.places import PlaceState

LOOK_AGAIN = timedelta(days=30)
"""when a home page whose feeds are known is asked whether it has others now"""
LOOK_AGAIN_IN_VAIN = timedelta(days=7)
"""the same where no feed was found"""
FAILING = 3
"""a home page whose feeds all failed so often in a row is asked at once"""
MOST_TRIED = 5
"""links that only look like feeds, which are asked for"""
MOST_SAID = 20
"""lines about one OPML file"""


# Which places a source has


def places(source: FeedSource, states: Sequence[PlaceState], now: datetime) -> Iterator[str | Trouble]:
    """The feeds of a source, and the home pages whose turn it is to be asked for theirs; each once.

    ``states``: what earlier runs know of its places. What is wrong with its OPML file comes as trouble.
    """
    given: dict[str, None] = dict.fromkeys(str(address) for address in source.addresses)
    if source.opml is not None:
        listed = yield from _listed(source.opml)
        given |= dict.fromkeys(listed)
    for home_page in map(str, source.home_pages):
        found = [state for state in states if state.found_on == home_page]
        given |= dict.fromkeys(state.address for state in found)
        state = next((one for one in states if one.address == home_page), PlaceState(home_page))
        if _asks_again(state, found, now):
            given[home_page] = None
        elif not found and state.checked_at is not None:
            again = state.checked_at + LOOK_AGAIN_IN_VAIN
            reason = f"no feed was found there; it is asked again on {again:%Y-%m-%d}. Name its feed in addresses"
            yield Trouble(home_page, reason, failed=False)
    yield from given


def _listed(file: Path) -> Generator[Trouble, None, list[str]]:
    """The feeds of the OPML file, returned; what is wrong with it, yielded."""
    try:
        listed = opml.feeds(opml.read(file.read_bytes()))
    except OSError as error:
        yield Trouble(str(file), f"can't be read: {error.strerror}; correct opml in the monitor")
        return []
    except opml.OpmlError as error:
        yield Trouble(str(file), str(error))
        return []
    for reason in listed.problems[:MOST_SAID]:
        yield Trouble(str(file), reason, failed=False)
    if (more := len(listed.problems) - MOST_SAID) > 0:
        yield Trouble(str(file), f"and {more:,} more like these", failed=False)
    if not listed.feeds:
        yield Trouble(str(file), "names no feed; put outlines with xmlUrl into it")
    return list(listed.feeds)


def _asks_again(state: PlaceState, found: Sequence[PlaceState], now: datetime) -> bool:
    if state.checked_at is None or state.failure is not None:
        return True  # when a failing place is asked again is said elsewhere
    if found and all(one.failures >= FAILING for one in found):
        return True
    return now - state.checked_at >= (LOOK_AGAIN if found else LOOK_AGAIN_IN_VAIN)


# What stands in a feed


def read(settings: Settings, response: Response) -> Feed:
    """The feed in a response, whatever type the server gives it, packed or not.

    Raises :class:`NoFeedError`, and a hard :class:`Failure` for a body that unpacks past a limit.
    """
    body = response.body
    if body.startswith(b"\x1f\x8b"):
        body = gunzip(body, max_bytes=settings.max_body_bytes, max_ratio=settings.max_inflation)
    return read_feed(settings, body, address=response.address, content_type=response.content_type)


def discovered(entries: Sequence[Entry], source: FeedSource, address: str) -> Iterator[Discovered | Trouble]:
    """Frontier rows of the entries; entries without a usable link as trouble."""
    for number, entry in enumerate(entries, 1):
        try:
            if entry.link is None:
                raise ValueError("has no link")
            link = resolve(address, entry.link)
        except ValueError as error:
            said = f": {entry.title[:60]!r}" if entry.title else ""
            yield Trouble(f"{address} entry {number}{said}", f"left out: {error}")
            continue
        if wanted(link, source):
            said_of_it = hints(
                title=entry.title,
                language=entry.language,
                dates=[("feed", date) for date in entry.dates],
                text=entry.text,
            )
            yield Discovered(link, address, said_of_it)


def _show(source: FeedSource, feed: Feed, address: str) -> Generator[Event, None, set[str]]:
    """Hand over the entries of a feed; returns their addresses."""
    found = []
    for one in discovered(feed.entries, source, address):
        if isinstance(one, Trouble):
            yield one
        else:
            found.append(one)
    yield Links(tuple(found))
    return {one.address for one in found}


# Discovering


def discover(source: FeedSource, address: str, scene: Scene) -> Iterator[Event]:
    """Read one feed with its older pages, or look for the feeds of a home page."""
    if address in map(str, source.home_pages) and address not in map(str, source.addresses):
        yield from _HomePage(source, address, scene).events()
    else:
        yield from _Walk(source, address, scene).events()


class _Walk:
    """One feed, and behind it the pages of older entries that it names (RFC 5005).

    They are read until a page shows nothing new, once an earlier walk reached the end. A walk that was broken off goes
    on where it was.
    """

    def __init__(self, source: FeedSource, address: str, scene: Scene) -> None:
        self.source, self.address, self.scene = source, address, scene
        state = scene.state(address)
        self.complete = state.walked
        self.cursor = None if state.walked else state.cursor
        """where an earlier walk was broken off: all pages before it were read"""
        self.seen: set[str] = set()

    def events(self) -> Iterator[Event]:
        response = self.scene.ask(self.address, anew=self.cursor is not None)
        if response is None:
            return
        try:
            feed = read(self.scene.settings, response)
        except NoFeedError as error:
            yield Trouble(self.address, str(error), response=response, failure=Failure("soft", str(error)))
            return
        links = yield from _show(self.source, feed, response.address)
        self.seen |= links
        known = self.scene.known(list(links))
        ended = True
        if feed.older is not None and not (self.complete and links <= known):
            ended = yield from self._older(response, feed, joined=bool(known))
        yield PlaceRead(
            self.address, response, entries=len(links), new=len(links - known), may_overflow=True, anew=not ended
        )

    def _older(self, first: Response, feed: Feed, *, joined: bool) -> Generator[Event, None, bool]:
        """Read the older pages; returns whether nothing is left behind."""
        yield WalkBegun(self.address)
        passed = {self.address, first.address}
        following = _following(first, feed)
        if self.cursor is not None and joined:
            following, self.cursor = self.cursor, None
        elif self.cursor is not None:
            # until what is new is joined to what was read, a walk broken off now would leave a gap between the two
            yield CursorAt(self.address, None)
        pages = 1
        while following is not None and following not in passed:
            if pages == self.source.max_pages:
                yield Trouble(following, f"older entries not read: max_pages is {self.source.max_pages}", failed=False)
                break
            passed.add(following)
            pages += 1
            if self.cursor is None:
                yield CursorAt(self.address, following)
            try:
                response = self.scene.get(following)
                feed = read(self.scene.settings, response)
            except (Failure, NoFeedError) as error:
                reason = error.reason if isinstance(error, Failure) else str(error)
                yield Trouble(following, f"older entries not read: {reason}")
                return False
            links = yield from _show(self.source, feed, response.address)
            known = self.scene.known(list(links))
            if links <= (known if self.complete else self.seen):
                break
            self.seen |= links
            following = _following(response, feed)
            if self.cursor is not None and known:
                following, self.cursor = self.cursor, None
        yield WalkEnded(self.address)
        return True


def _following(response: Response, feed: Feed) -> str | None:
    if feed.older is None:
        return None
    try:
        return urljoin(response.address, feed.older)
    except ValueError:
        return None


class _HomePage:
    """One home page: its feeds are read at once, and remembered for the runs to come."""

    def __init__(self, source: FeedSource, address: str, scene: Scene) -> None:
        self.source, self.address, self.scene = source, address, scene
        self.found: dict[str, None] = {}
        self.asked: set[str] = set()
        self.answered: set[str] = set()

    def events(self) -> Iterator[Event]:
        response = self.scene.ask(self.address, anew=True)
        if response is None:
            return
        yield from self._look(response)
        if not self.found:
            reason = (
                "no feed was found: the page links none, nor is there one at the usual addresses. "
                f"Name its feed in addresses; the page is asked again in {LOOK_AGAIN_IN_VAIN.days} days"
            )
            yield Trouble(self.address, reason)
        yield PlaceRead(self.address, response, entries=0, new=0, anew=True)
        yield PlacesFound(self.address, tuple(self.found))

    def _look(self, response: Response) -> Iterator[Event]:
        self.asked |= {self.address, response.address}
        try:
            yield from self._take(self.address, response, read(self.scene.settings, response))
            return
        except NoFeedError:
            pass
        try:
            text, _ = decode(response.body, response.content_type)
        except ExtractError as error:
            yield Trouble(self.address, f"no feed can be looked for there: {error.reason}", response=response)
            return
        named = feeds_of(text, response.address)
        for address in named.linked:
            yield from self._try(address, linked=True)
        for address in named.likely[:MOST_TRIED]:
            if not named.linked or not self.found:
                yield from self._try(address)
        if self.found or named.linked:
            return
        for address in usual_addresses(response.address):
            yield from self._try(address)
            if self.found:
                return

    def _try(self, address: str, *, linked: bool = False) -> Iterator[Event]:
        """Read what may be a feed. ``linked``: the page names it as one, so what fails is worth saying."""
        if address in self.asked:
            return
        self.asked.add(address)
        try:
            response = self.scene.get(address)
            feed = read(self.scene.settings, response)
        except Failure as failure:
            if linked:
                yield Trouble(address, failure.reason)
                if failure.kind == "temporary":
                    self.found[address] = None
        except NoFeedError as error:
            if linked:
                yield Trouble(address, str(error), response=response)
        else:
            yield from self._take(address, response, feed)

    def _take(self, address: str, response: Response, feed: Feed) -> Iterator[Event]:
        if is_of_comments(feed.title) or response.address in self.answered:
            return
        self.answered.add(response.address)
        self.found[address] = None
        yield from _show(self.source, feed, response.address)
