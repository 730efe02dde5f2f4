"""Sitemaps: index and plain, gzip or not, news dates and titles, plain text lists. Read bit by bit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BytesIO

from lxml import etree

from pipeline.collect.failure import Failure
from pipeline.collect.inflate import gunzip
from pipeline.collect.kinds.events import Event, Links, Scene, Trouble
from pipeline.collect.kinds.links import hints, resolve, wanted
from pipeline.monitor import SitemapSource
from pipeline.store.frontier import Discovered

MAX_DEPTH = 3
"""an index may name an index; deeper ones are a loop or a mistake"""
MAX_FILES = 1000
_BATCH = 1000


@dataclass(frozen=True)
class Entry:
    """One `url` or `sitemap` element."""

    location: str
    is_sitemap: bool = False
    title: str | None = None
    language: str | None = None
    dates: list[tuple[str, str]] = field(default_factory=list)
    """(origin, value): news says when it was published, sitemap when it was changed last"""


class NoSitemapError(ValueError):
    """The body is no sitemap; says why."""


def _name(element: etree._Element) -> str:
    # whatever the namespace: half of all sitemaps have it wrong
    return etree.QName(element).localname.lower() if isinstance(element.tag, str) else ""


def _entry(element: etree._Element) -> Entry | None:
    said: dict[str, str] = {}
    for child in element.iter():
        # the first one: an image inside the element has a location too
        if child is not element and child.text and child.text.strip():
            said.setdefault(_name(child), child.text.strip())
    if "loc" not in said:
        return None
    return Entry(
        location=said["loc"],
        is_sitemap=_name(element) == "sitemap",
        title=said.get("title"),
        language=said.get("language"),
        dates=[
            (origin, said[name])
            for origin, name in (("news", "publication_date"), ("sitemap", "lastmod"))
            if name in said
        ],
    )


def parse(body: bytes) -> Iterator[Entry]:
    """The entries, as they are read. Raises :class:`NoSitemapError` when nothing in the body is a sitemap."""
    start = body.lstrip(b"\xef\xbb\xbf \t\r\n")
    if start.startswith((b"http://", b"https://")):
        for line in body.decode("utf-8-sig", "replace").splitlines():
            if line.strip():
                yield Entry(line.strip())
        return
    elements = 0
    # no entities, nothing from the network, no DTD: a sitemap needs none of them
    reading = etree.iterparse(
        BytesIO(start), events=("end",), recover=True, resolve_entities=False, no_network=True, load_dtd=False
    )
    root = None
    try:
        for _, element in reading:
            root = reading.root if root is None else root
            if _name(element) not in {"url", "sitemap"}:
                continue
            elements += 1
            entry = _entry(element)
            # what was read is let go, or a long sitemap stays in memory whole
            element.clear()
            while (before := element.getprevious()) is not None and element.getparent() is not None:
                element.getparent().remove(before)
            if entry is not None:
                yield entry
    except etree.XMLSyntaxError as error:
        if not elements:
            raise NoSitemapError(f"is no sitemap ({error})") from None
    if not elements and _name_of_root(reading) not in {"urlset", "sitemapindex"}:
        raise NoSitemapError("is no sitemap (neither urlset nor sitemapindex)")


def _name_of_root(reading: etree.iterparse) -> str:
    root = reading.root
    return "" if root is None else _name(root)


def discover(source: SitemapSource, address: str, scene: Scene) -> Iterator[Event]:
    """Read one sitemap and all that it names."""
    seen: set[str] = set()
    yield from _read(source, address, scene, seen, depth=0)


def _read(source: SitemapSource, address: str, scene: Scene, seen: set[str], *, depth: int) -> Iterator[Event]:
    seen.add(address)
    response = scene.get(address)
    limits = {"max_bytes": scene.settings.max_body_bytes, "max_ratio": scene.settings.max_inflation}
    found: list[Discovered] = []
    inner: list[str] = []
    try:
        packed = response.body.startswith(b"\x1f\x8b")
        for entry in parse(gunzip(response.body, **limits) if packed else response.body):  # type: ignore[arg-type]
            try:
                link = resolve(response.address, entry.location)
            except ValueError as error:
                yield Trouble(address, f"left out: {error}")
                continue
            if entry.is_sitemap:
                inner.append(link)
            elif wanted(link, source):
                said = hints(title=entry.title, language=entry.language, dates=entry.dates)
                found.append(Discovered(link, address, said))
            if len(found) == _BATCH:
                yield Links(tuple(found))
                found = []
    except NoSitemapError as error:
        yield Trouble(address, str(error), response=response)
    yield Links(tuple(found))
    for link in dict.fromkeys(inner):
        yield from _inner(source, link, scene, seen, depth=depth + 1)


def _inner(source: SitemapSource, address: str, scene: Scene, seen: set[str], *, depth: int) -> Iterator[Event]:
    if address in seen:
        return
    if depth > MAX_DEPTH or len(seen) >= MAX_FILES:
        limit = f"{MAX_DEPTH} levels" if depth > MAX_DEPTH else f"{MAX_FILES} files"
        yield Trouble(address, f"not read: a sitemap index is followed for {limit}; name this file in the monitor")
        return
    try:
        yield from _read(source, address, scene, seen, depth=depth)
    except Failure as failure:
        # the other files are read all the same
        yield Trouble(address, failure.reason)
