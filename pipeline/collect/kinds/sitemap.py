"""Sitemaps: which files belong to an address, and what stands in them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from urllib.parse import urljoin, urlsplit

from pipeline.collect.failure import Failure
from pipeline.collect.feed_reader import read_feed
from pipeline.collect.fetch import Response
from pipeline.collect.inflate import gunzip_so_far
from pipeline.collect.kinds.events import Event, Links, PlaceRead, Scene, Trouble
from pipeline.collect.kinds.links import hints, resolve, wanted
from pipeline.collect.kinds.sitemap_file import Entry, Flaw, IsFeedError, NoSitemapError, parse
from pipeline.collect.robots import sitemaps
from pipeline.extract.dates import parse_date
from pipeline.extract.feed import NoFeedError
from pipeline.monitor import SitemapSource
from pipeline.settings import Settings
from pipeline.store.frontier import Discovered

MAX_DEPTH = 3
"""an index may name an index; deeper ones are a loop or a mistake"""
MAX_FILES = 1000
LARGEST = 52_428_800
"""bytes that the protocol allows an unpacked sitemap; other bodies may be limited to less"""
GUESSES = ("/sitemap.xml", "/sitemap_index.xml")
"""where a site's sitemap lies when its robots.txt names none"""
_BATCH = 1000


@dataclass
class _Walk:
    """One sitemap and all that it names."""

    source: SitemapSource
    scene: Scene
    seen: set[str] = field(default_factory=set)


def discover(source: SitemapSource, address: str, scene: Scene) -> Iterator[Event]:
    """Read one sitemap and all that it names.

    The address may also be a robots.txt, whose `Sitemap:` lines are followed, or a home page (no path): then its
    host's robots.txt is asked, and without such lines the usual places.
    """
    walk = _Walk(source, scene)
    parts = urlsplit(address)
    if parts.path.endswith("/robots.txt"):
        named = _named(scene.get(address))
        if not named:
            yield Trouble(address, "names no sitemap (it has no line `Sitemap: ...`); name the sitemap itself")
        for place in named:
            yield from _guarded(walk, place, depth=0)
    elif parts.path in {"", "/"} and not parts.query:
        yield from _of_home_page(walk, address)
    else:
        yield from _read(walk, address, depth=0)


def _named(robots: Response) -> list[str]:
    """The sitemaps that a robots.txt names, each once."""
    return list(dict.fromkeys(urljoin(robots.address, place) for place in sitemaps(robots.body)))


def _of_home_page(walk: _Walk, address: str) -> Iterator[Event]:
    try:
        named = _named(walk.scene.get(urljoin(address, "/robots.txt")))
    except Failure as failure:
        if failure.kind == "temporary":
            raise
        named = []
    for place in named:
        yield from _guarded(walk, place, depth=0)
    if named:
        return
    for guess in GUESSES:
        try:
            yield from _read(walk, urljoin(address, guess), depth=0)
        except Failure as failure:
            if failure.kind == "temporary":
                raise
        else:
            return
    yield Trouble(
        address,
        f"no sitemap found: robots.txt names none, nor is there one at {' or '.join(GUESSES)}; use another kind",
    )


def _guarded(walk: _Walk, address: str, *, depth: int) -> Iterator[Event]:
    """Read a file that another one named. What it fails with keeps no other file from being read."""
    if address in walk.seen:
        return
    if depth > MAX_DEPTH or len(walk.seen) >= MAX_FILES:
        limit = f"{MAX_DEPTH} levels" if depth > MAX_DEPTH else f"{MAX_FILES} files"
        yield Trouble(address, f"not read: a sitemap index is followed for {limit}; name this file in the monitor")
        return
    try:
        yield from _read(walk, address, depth=depth)
    except Failure as failure:
        yield Trouble(address, failure.reason, failure=failure)


def entries(response: Response, settings: Settings) -> Iterator[Entry | Flaw]:
    """What stands in a sitemap, packed or not, whatever type the server gives it; RSS and Atom are sitemaps too.

    Raises :class:`NoSitemapError`, and a hard :class:`Failure` for a body that unpacks past a limit.
    """
    body, torn = response.body, None
    if body.startswith(b"\x1f\x8b"):
        largest = max(settings.max_body_bytes, LARGEST)
        body, torn = gunzip_so_far(body, max_bytes=largest, max_ratio=settings.max_inflation)
    try:
        yield from parse(body)
    except IsFeedError:
        yield from _feed_entries(body, response, settings)
    except NoSitemapError:
        if torn is None:
            raise
    if torn is not None:
        yield Flaw(f"{torn}; what came before was read")


def _feed_entries(body: bytes, response: Response, settings: Settings) -> Iterator[Entry | Flaw]:
    try:
        read = read_feed(settings, body, address=response.address, content_type=response.content_type).entries
    except NoFeedError as error:
        raise NoSitemapError(f"is no sitemap ({error})") from None
    for one in read:
        if one.link is None:
            yield Flaw("entries without a link left out")
        else:
            yield Entry(one.link, title=one.title, language=one.language, dates=[("feed", date) for date in one.dates])


def changed_before(entry: Entry, since: datetime | None) -> bool:
    """Whether a file was changed last before a time, so that nothing in it can have been published since."""
    if since is None:
        return False
    dates = [parse_date(value) for origin, value in entry.dates if origin == "sitemap"]
    return bool(dates) and dates[0] is not None and dates[0] < since


def _read(walk: _Walk, address: str, *, depth: int) -> Iterator[Event]:
    """Read one file, and what it names. Raises Failure."""
    scene = walk.scene
    walk.seen.add(address)
    response = scene.ask(address)
    if response is None:
        return
    reading = _Reading(walk, address, response)
    try:
        yield from reading.entries()
    except NoSitemapError as error:
        yield Trouble(address, str(error), response=response, failure=Failure("soft", str(error)))
        return
    if reading.translated:
        yield from reading.translations()
    if reading.older and scene.since is not None:
        reason = (
            f"{reading.older:,} of its sitemaps not read: changed last before {scene.since:%Y-%m-%d}, "
            "so nothing in them was published since"
        )
        yield Trouble(address, reason, failed=False)
    # an index that is the same may lead to files that are not, and a damaged file may be mended without a trace
    anew = reading.damaged or bool(reading.inner) or bool(reading.older)
    yield PlaceRead(address, response, entries=reading.shown, new=reading.new, anew=anew)
    for link in reading.inner:
        yield from _guarded(walk, link, depth=depth + 1)


class _Reading:
    """One reading of one file: hands its addresses over in batches, and remembers what else was in it."""

    def __init__(self, walk: _Walk, address: str, response: Response) -> None:
        self._source, self._scene = walk.source, walk.scene
        self._address, self._response = address, response
        self._batch: list[Discovered] = []
        self.inner: dict[str, None] = {}
        """sitemaps that it names"""
        self.older = 0
        """sitemaps that were changed last before the run's window"""
        self.translated = self.damaged = False
        self.shown = self.new = 0

    def entries(self) -> Iterator[Event]:
        """Its own addresses. Raises :class:`NoSitemapError`."""
        for entry in entries(self._response, self._scene.settings):
            if isinstance(entry, Flaw):
                self.damaged = True
                yield Trouble(self._address, entry.reason, response=self._response)
                continue
            try:
                link = resolve(self._response.address, entry.location)
            except ValueError as error:
                yield Trouble(f"{self._address} {entry.location[:200]!r}", f"left out: {_why(error)}")
                continue
            if entry.is_sitemap and changed_before(entry, self._scene.since):
                self.older += 1
            elif entry.is_sitemap:
                self.inner[link] = None
            else:
                yield from self._found(link, title=entry.title, language=entry.language, dates=entry.dates)
            self.translated = self.translated or bool(entry.alternates)
        yield from self._hand_over()

    def translations(self) -> Iterator[Event]:
        """The same texts in other languages. After the entries, whose own dates and titles come first; read once more
        rather than kept, since a long sitemap may name ten for each."""
        for entry in entries(self._response, self._scene.settings):
            for language, place in entry.alternates if isinstance(entry, Entry) else ():
                # x-default is the page for all others, in whatever language
                spoken = None if language.lower().startswith("x-") else language
                with suppress(ValueError):
                    yield from self._found(resolve(self._response.address, place), language=spoken)
        yield from self._hand_over()

    def _found(
        self,
        link: str,
        *,
        title: str | None = None,
        language: str | None = None,
        dates: list[tuple[str, str]] | None = None,
    ) -> Iterator[Event]:
        if wanted(link, self._source):
            self._batch.append(Discovered(link, self._address, hints(title=title, language=language, dates=dates)))
        if len(self._batch) == _BATCH:
            yield from self._hand_over()

    def _hand_over(self) -> Iterator[Event]:
        batch, self._batch = self._batch, []
        addresses = list({one.address for one in batch})
        self.shown += len(addresses)
        self.new += len(addresses) - len(self._scene.known(addresses))
        if batch:
            yield Links(tuple(batch))


def _why(error: ValueError) -> str:
    """The reason without the address, which stands in the place: one line for all of a kind."""
    return "too long for an address" if "too long" in str(error) else "no web address"
