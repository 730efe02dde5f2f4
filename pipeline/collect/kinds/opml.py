"""OPML 1.0 to 2.0: lists of feeds, as feed readers exchange them. Bytes to outlines and back; pure.

Other programs' files are read as far as they go: wrong encodings, HTML's names of characters, bare ampersands, names of
attributes in any spelling. Nothing in a file can make the reader open another file or ask a server.
"""

from __future__ import annotations

import html.entities
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from lxml import etree
from pydantic import TypeAdapter, ValidationError

from pipeline.extract.decode import decode
from pipeline.extract.document import ExtractError
from pipeline.monitor.fields import Address

NAMESPACE = "https://riftwatch.example/opml"
"""of the one attribute that is not OPML's: ``source``, a source as JSON, on the outline of the source"""
_SOURCE = f"{{{NAMESPACE}}}source"

_PROLOG = re.compile(r"(?:[\ufeff\s]+|<!--.*?-->|<\?[^>]{0,1000}>)*", re.DOTALL)
_DOCTYPE = re.compile(r"<!DOCTYPE[^\[>]{0,2000}(?:\[[^\]]{0,20000}\]\s*)?>", re.I)
_NO_REFERENCE = re.compile(r"&(?!(?:amp|lt|gt|quot|apos|#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6});)(?:([A-Za-z]\w{1,40});)?")
_NOT_XML = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 65534, 65535))


class OpmlError(ValueError):
    """The bytes are no OPML; says why."""


@dataclass(frozen=True)
class Outline:
    """One entry of a list: a feed, a page, or a folder of others."""

    title: str = ""
    feed: str | None = None
    """xmlUrl, as it stands there"""
    page: str | None = None
    """htmlUrl, or the url of a link"""
    categories: tuple[str, ...] = ()
    """the folders around it, outermost first, then those its category attribute names"""
    source: str | None = None
    """a source of a monitor as JSON"""
    children: tuple[Outline, ...] = field(default=(), repr=False)

    def all(self) -> Iterator[Outline]:
        """Itself and all inside, in the order of the file."""
        yield self
        for child in self.children:
            yield from child.all()


@dataclass(frozen=True)
class Opml:
    """What stands in a file."""

    title: str
    outlines: tuple[Outline, ...]
    damage: str | None = None
    """why the file may not have been read to its end; null: it is well-formed"""

    def all(self) -> Iterator[Outline]:
        """All outlines, in the order of the file."""
        for one in self.outlines:
            yield from one.all()


# Reading


def _escaped(reference: re.Match[str]) -> str:
    """HTML's names become characters, what refers to nothing becomes text; a file's own entities are never used."""
    name = reference[1]
    return html.entities.html5.get(f"{name};") or f"&amp;{name};" if name else "&amp;"


def read(body: bytes) -> Opml:
    """The outlines of a file. Raises :class:`OpmlError`."""
    try:
        text, _ = decode(body)
    except ExtractError as error:
        raise OpmlError(f"is no OPML ({error.reason})") from None
    text = text.translate(_NOT_XML)
    for start in (_PROLOG, _DOCTYPE):
        if found := start.match(text):
            text = text[found.end() :]
    text = _NO_REFERENCE.sub(_escaped, text)
    parser = etree.XMLParser(
        recover=True,
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        remove_comments=True,
        remove_pis=True,
        encoding="utf-8",
    )
    try:
        tree = etree.fromstring(text.encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise OpmlError(f"is no OPML ({error})") from None
    if tree is None or _name(tree) not in {"opml", "outlinedocument"}:
        raise OpmlError("is no OPML (its first element is not opml)")
    damage = next((f"line {one.line}: {one.message}" for one in parser.error_log if one.level_name == "FATAL"), None)
    heads = [one for one in tree.iter("title", "Title") if one.getparent() is not None]
    body_of = next((one for one in tree if _name(one) == "body"), tree)
    title = _tidy(heads[0].text or "") if heads else ""
    return Opml(title, tuple(_outlines(body_of, ())), damage)


def _name(element: Any) -> str:
    # broken pages have names that lxml takes for none (":"), so it is not asked for the local part
    return re.split("[}:]", element.tag)[-1].lower() if isinstance(element.tag, str) else ""


def _tidy(text: str) -> str:
    return " ".join(text.split())


def _outlines(holder: Any, around: tuple[str, ...]) -> Iterator[Outline]:
    for element in holder:
        if _name(element) != "outline":
            continue
        own = {str(name).lower(): str(value).strip() for name, value in element.attrib.items()}
        title = _tidy(own.get("text") or own.get("title") or "")
        labels = [label for one in own.get("category", "").split(",") if (label := _tidy(one.replace("/", " ")))]
        feed = own.get("xmlurl") or (own.get("url") if own.get("type", "").lower() in _FEEDS else None)
        page = own.get("htmlurl") or (own.get("url") if not feed else None)
        inside = (*around, title) if title and not feed else around
        yield Outline(
            title=title,
            feed=feed or None,
            page=page or None,
            categories=(*around, *labels),
            source=element.get(_SOURCE),
            children=tuple(_outlines(element, inside)),
        )


_FEEDS = frozenset(("rss", "atom", "feed", "rss1", "rdf", "json"))


@dataclass(frozen=True)
class FeedList:
    """The feeds of a file, each once, and what is to be said of the others."""

    feeds: dict[str, Outline]
    """by address, as a monitor would write it; in the order of the file"""
    problems: tuple[str, ...]


_ADDRESS: TypeAdapter[Any] = TypeAdapter(Address)


def address_of(written: str) -> str:
    """An address as a monitor would write it. Raises ValueError with the reason."""
    written = re.sub(r"^feed:(?://)?(?=https?:)", "", written.strip(), flags=re.I)
    written = re.sub(r"^feed:(?://)?", "http://", written, flags=re.I)
    try:
        return str(_ADDRESS.validate_python(written))
    except ValidationError as error:
        reason = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise ValueError(f"{written[:100]!r} is no address ({reason})") from None


def feeds(opml: Opml, others: Collection[Outline] = ()) -> FeedList:
    """The feeds in all folders. ``others``: outlines that are known to be no feeds."""
    found: dict[str, Outline] = {}
    problems: list[str] = []
    if opml.damage:
        problems.append(f"is no well-formed XML ({opml.damage}); what could be read was")
    for one in opml.all():
        called = f"outline {one.title[:60]!r}" if one.title else "an outline without text"
        if one.feed is None:
            if not one.children and one.source is None and one not in others:
                problems.append(f"{called} has no xmlUrl and is left out")
            continue
        try:
            address = address_of(one.feed)
        except ValueError as error:
            problems.append(f"{called} is left out: {error}")
            continue
        if address in found:
            problems.append(f"{called} names {address} again; it counts once")
        found.setdefault(address, one)
    return FeedList(found, tuple(problems))


# Writing


def write(title: str, outlines: Iterable[Outline]) -> bytes:
    """OPML 2.0 in UTF-8; characters that XML knows no way to write are left out."""
    root = etree.Element("opml", {"version": "2.0"}, nsmap={"riftwatch": NAMESPACE})
    head = etree.SubElement(root, "head")
    etree.SubElement(head, "title").text = _writable(title)
    body = etree.SubElement(root, "body")
    for one in outlines:
        _write(body, one)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def _write(holder: Any, outline: Outline) -> None:
    named: Mapping[str, str | None] = {
        "text": outline.title or outline.feed or outline.page or "",
        "type": "rss" if outline.feed else "link" if outline.page and not outline.children else None,
        "xmlUrl": outline.feed,
        "htmlUrl": outline.page,
        "url": outline.page if outline.page and not outline.feed and not outline.children else None,
        _SOURCE: outline.source,
    }
    element = etree.SubElement(holder, "outline", {name: _writable(value) for name, value in named.items() if value})
    for child in outline.children:
        _write(element, child)


def _writable(text: str) -> str:
    return text.translate(_NOT_XML).encode("utf-8", "replace").decode()
