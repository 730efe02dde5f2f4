"""One sitemap file: bytes in, entries out, read bit by bit without a tree, so that its length costs no memory."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from lxml import etree

_STEP = 1 << 16
_LONGEST = 4096
"""characters that are kept of one field; an address is shorter"""
_MOST_ALTERNATES = 1000
_SITEMAP_ROOTS = frozenset({"urlset", "sitemapindex"})
_FEED_ROOTS = frozenset({"rss", "feed", "rdf"})
_STRAY = re.compile(rb"<!\[CDATA\[.*?(?:\]\]>|\Z)|&(?!(?:amp|lt|gt|quot|apos|#\d{1,7}|#x[0-9A-Fa-f]{1,6});)", re.DOTALL)
"""An ampersand that begins none of XML's own entities, and the sections in which one may stand. One that is not closed
lasts to the end: looked for its end again and again, thousands of them would take hours."""
_FATAL = etree.ErrorLevels.FATAL


@dataclass(frozen=True)
class Entry:
    """One `url` or `sitemap` element."""

    location: str
    is_sitemap: bool = False
    title: str | None = None
    language: str | None = None
    dates: list[tuple[str, str]] = field(default_factory=list)
    """(origin, value): news says when it was published, sitemap when it was changed last"""
    alternates: list[tuple[str, str]] = field(default_factory=list)
    """(language code, address) of the same text in other languages (hreflang)"""


@dataclass(frozen=True)
class Flaw:
    """Something in a sitemap that could not be read; the rest of it was."""

    reason: str


class NoSitemapError(ValueError):
    """The body is no sitemap; says why."""


class IsFeedError(ValueError):
    """The body is RSS or Atom, which the protocol allows in a sitemap's place."""


def _name(tag: str) -> str:
    # whatever the namespace or prefix: half of all sitemaps have it wrong or not at all
    return tag.rpartition("}")[2].rpartition(":")[2].lower()


class _Target:
    """Takes the parser's events and keeps what the present entry says. A tree is never built."""

    def __init__(self) -> None:
        self.root: str | None = None
        self.entries: list[Entry] = []
        self.nameless = 0
        """entries without an address"""
        self._depth = 0
        self._path: list[str] | None = None
        """names of the open elements inside an entry, the entry first; null outside"""
        self._said: dict[str, str] = {}
        self._alternates: list[tuple[str, str]] = []
        self._text: list[str] = []
        self._length = 0

    def start(self, tag: str, attributes: Any) -> None:
        name = _name(tag)
        self._depth += 1
        if self.root is None:
            self.root = name
        if name in {"url", "sitemap"} and self._depth > 1:
            # one that begins inside another: the other was not closed
            if self._path is not None:
                self._finish()
            self._path, self._said, self._alternates = [name], {}, []
        elif self._path is not None:
            self._path.append(name)
            if name == "link" and len(self._alternates) < _MOST_ALTERNATES:
                spoken, place = attributes.get("hreflang"), attributes.get("href")
                if spoken and place and (attributes.get("rel") or "").lower() == "alternate":
                    self._alternates.append((spoken[:_LONGEST], place[:_LONGEST]))
        self._text, self._length = [], 0

    def data(self, text: str) -> None:
        if self._path is not None and self._length < _LONGEST:
            self._text.append(text[:_LONGEST])
            self._length += len(text)

    def end(self, tag: str) -> None:
        self._depth -= 1
        if self._path is None:
            return
        if len(self._path) == 1:
            self._finish()
            return
        field_name = self._field(self._path)
        value = "".join(self._text)[:_LONGEST].strip()
        if field_name and value:
            self._said.setdefault(field_name, value)
        self._path.pop()
        self._text, self._length = [], 0

    def close(self) -> None:
        if self._path is not None and "loc" in self._said:
            self._finish()  # the file ends inside an entry whose address was read

    @staticmethod
    def _field(path: list[str]) -> str | None:
        """Which field an element is; images and videos beside a text have addresses, titles and dates of their own."""
        if len(path) == 2 and path[1] in {"loc", "lastmod"}:
            return path[1]
        if path[1] == "news" and path[-1] in {"title", "language", "publication_date"}:
            return path[-1]
        return None

    def _finish(self) -> None:
        said, path = self._said, self._path
        self._path = None
        if path is None:
            return
        if "loc" not in said:
            self.nameless += 1
            return
        self.entries.append(
            Entry(
                location=said["loc"],
                is_sitemap=path[0] == "sitemap",
                title=said.get("title"),
                language=said.get("language"),
                dates=[
                    (origin, said[name])
                    for origin, name in (("news", "publication_date"), ("sitemap", "lastmod"))
                    if name in said
                ],
                alternates=self._alternates,
            )
        )


def _prepared(body: bytes) -> tuple[bytes, str | None]:
    """The body as the parser takes it, and its encoding where that is known from a mark at its beginning."""
    encoding = None
    if body.startswith((b"\xff\xfe", b"\xfe\xff")):
        body, encoding = body.decode("utf-16", "replace").encode(), "utf-8"
    body = body.removeprefix(b"\xef\xbb\xbf").lstrip(b" \t\r\n")
    # what a server's script prints before the file, such as its warnings
    begin = body.find(b"<?xml", 0, _LONGEST)
    if begin > 0:
        body = body[begin:]
    # A field that the file's end cuts off would be read as a shorter address.
    last = body.rfind(b"<")
    if last > 0 and body[last : last + 2] != b"</" and not body.rstrip().endswith(b">"):
        body = body[:last]
    # Ampersands are often left bare in addresses. And no entity but XML's own five is ever read.
    return _STRAY.sub(lambda found: found[0] if found[0][:1] == b"<" else b"&amp;", body), encoding


def parse(body: bytes) -> Iterator[Entry | Flaw]:
    """The entries, as they are read, and what is wrong with the file.

    Raises :class:`NoSitemapError` when nothing in the body is a sitemap, :class:`IsFeedError` when it is a feed.
    """
    text, encoding = _prepared(body)
    if text[:8].lower().startswith((b"http://", b"https://")):
        yield from _lines(text)
        return
    target = _Target()
    # no entities, nothing from the network, no DTD: a sitemap needs none of them
    parser = etree.XMLParser(
        target=target, encoding=encoding, recover=True, resolve_entities=False, no_network=True, load_dtd=False
    )
    count = 0
    broken: str | None = None
    for start in range(0, len(text), _STEP):
        try:
            parser.feed(text[start : start + _STEP])
        except etree.XMLSyntaxError as error:
            broken = str(error)
        if target.root is not None:
            _check_root(target.root)
        count += len(target.entries)
        yield from target.entries
        target.entries.clear()
        if broken:
            break
    try:
        parser.close()
    except etree.XMLSyntaxError as error:
        broken = broken or str(error)
    target.close()
    count += len(target.entries)
    yield from target.entries
    if target.root is None:
        raise NoSitemapError(f"is no sitemap ({broken or 'no XML in it'})")
    _check_root(target.root, count)
    if target.nameless:
        yield Flaw(f"entries without an address (loc) left out: {target.nameless:,}")
    damage = next((error for error in parser.feed_error_log if error.level == _FATAL), None)
    if damage is not None:
        yield Flaw(
            f"is damaged in line {damage.line:,} ({damage.message.strip()}); {count:,} entries were read all the same"
        )
    elif broken:
        yield Flaw(f"is damaged ({broken}); {count:,} entries were read all the same")


def _check_root(root: str, entries: int = 0) -> None:
    if root in _FEED_ROOTS:
        raise IsFeedError
    if root == "html":
        raise NoSitemapError("is no sitemap (an HTML page)")
    if root not in _SITEMAP_ROOTS and entries == 0:
        raise NoSitemapError(f"is no sitemap (neither urlset nor sitemapindex, but {root[:40]})")


def _lines(text: bytes) -> Iterator[Entry]:
    """A plain text sitemap: an address a line."""
    start = 0
    while start < len(text):
        end = text.find(b"\n", start)
        end = len(text) if end < 0 else end
        if line := text[start:end].strip():
            yield Entry(line[:_LONGEST].decode("utf-8", "replace"))
        start = end + 1
