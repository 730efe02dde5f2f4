"""Feeds: RSS 0.9 to 2.0, RDF, Atom and CDF by feedparser, JSON Feed by hand. Bytes to entries; pure.

What is malformed is read as far as it goes. feedparser takes time that grows with the square of some things
(attributes, nesting, blank lines before the first element), so strangers' feeds are read in a process of their own:
:mod:`pipeline.collect.feed_reader`.
"""

from __future__ import annotations

import html
import html.entities
import json
import re
from calendar import timegm
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import feedparser
from lxml import etree

from pipeline.extract.dates import parse_date
from pipeline.extract.decode import decode
from pipeline.extract.document import ExtractError

_BLOCKS = frozenset(
    re.findall(r"\w+", "address article blockquote br dd div dl dt figure h1 h2 h3 h4 h5 h6 hr li ol p pre table tr ul")
)
_UNSEEN = frozenset(("script", "style", "template", "head", "noscript"))
_NO_TEXTS = ("audio/", "video/", "image/")


@dataclass(frozen=True)
class Entry:
    """One entry of a feed, as it stands there."""

    link: str | None
    """absolute, or relative to the feed's address"""
    title: str = ""
    language: str = ""
    dates: tuple[str, ...] = ()
    """publication first"""
    text: str = ""
    """the longest of what it says itself (content, summary), one paragraph a line"""


@dataclass(frozen=True)
class Feed:
    """A feed, or one page of a feed."""

    entries: list[Entry] = field(default_factory=list)
    """in its order"""
    older: str | None = None
    """where the entries before these stand (RFC 5005 next and prev-archive, JSON Feed's next_url)"""
    title: str = ""


class NoFeedError(ValueError):
    """The body is no feed; says why."""


# Mark-up to text


def plain(markup: str) -> str:
    """HTML of an entry as text, one paragraph a line."""
    if "<" not in markup:
        return _lines(html.unescape(markup))
    # a parser serves once; it takes no zero bytes, and its own guess at an encoding would be wrong
    parser = etree.HTMLParser(no_network=True, remove_comments=True, remove_pis=True, encoding="utf-8")
    tree = etree.fromstring(f"<div>{markup}</div>".replace("\x00", "").encode("utf-8", "replace"), parser)
    return _lines("".join(_pieces(tree))) if tree is not None else ""


def _pieces(tree: Any) -> Iterator[str]:
    hidden = 0
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        hidden += (element.tag in _UNSEEN) * (1 if event == "start" else -1)
        if element.tag in _BLOCKS:
            yield "\n"
        if event == "start":
            if not hidden and element.text:
                yield element.text
            continue
        if not hidden and element.tail:
            yield element.tail


def _lines(text: str) -> str:
    lines = (" ".join(line.split()) for line in text.split("\n"))
    return "\n".join(line for line in lines if line)


# Bytes to what feedparser can read

_MARKS = (
    (b"\x00<\x00?", "utf-16-be"),
    (b"<\x00?\x00", "utf-16-le"),
    (b"\x00\x00\x00<", "utf-32-be"),
    (b"<\x00\x00\x00", "utf-32-le"),
    (b"\x4c\x6f\xa7\x94", "cp037"),
)
"""first characters in encodings that are no ASCII, where no byte order mark tells (XML 1.0, appendix F)"""
_PROLOG = re.compile(r"(?:[\ufeff\s]+|<!--.*?-->|<\?[^>]{0,1000}>)+", re.DOTALL)
_ELEMENT = re.compile(r"<\w")
_LONGEST_HEAD = 20_000
"""characters before the first element; there feedparser's search takes time that grows with their square"""
_ENTITY = re.compile(r"""<!ENTITY\s{1,100}(\w{1,100})\s{1,100}("[^"]{0,60}"|'[^']{0,60}')\s{0,100}>""")
"""a longer value, referred to a million times, would fill the memory"""
_REFERENCE = re.compile(
    r"&(?!(?:amp|lt|gt|quot|apos);)(#[0-9]{1,10}|#[xX][0-9a-fA-F]{1,8}|#\w{1,100}|[A-Za-z]\w{0,40});"
)
_CONDITION = re.compile(r"<!\[(?!CDATA\[)[^\]<>]{0,100}\]>")
"""a word processor's condition"""
_MARKED = re.compile(r"<!\[(?!CDATA\[)")
"""what feedparser would take for a section that goes on to the end"""
_NOT_XML = dict.fromkeys((*range(9), 11, 12, *range(14, 32), 65534, 65535))
"""characters that XML knows no way to write"""


def _decoded(body: bytes, content_type: str | None) -> str:
    for mark, encoding in _MARKS:
        if body.startswith(mark):
            return body.decode(encoding, "replace")
    try:
        return decode(body, content_type)[0]
    except ExtractError as error:
        raise NoFeedError(f"is no feed ({error.reason})") from None


def _head(head: str) -> tuple[str, frozenset[str]]:
    """What stands before the first element, harmless; and the names of the entities it declares."""
    if len(head) > _LONGEST_HEAD:
        return "", frozenset()
    head = re.sub(r"<!--.*?-->", "", head, flags=re.DOTALL)
    kept = [found for found in _ENTITY.finditer(head) if "&" not in found[2] or found[2][1:3] == "&#"]
    doctype = re.search(r"<!DOCTYPE\s+([\w:.-]{1,100})", head)
    if doctype is None or not kept:
        return "", frozenset()
    entities = "".join(f"\n<!ENTITY {found[1]} {found[2]}>" for found in kept)
    return f"<!DOCTYPE {doctype[1]} [{entities}\n]>", frozenset(found[1] for found in kept)


def _character(reference: re.Match[str], declared: frozenset[str]) -> str:
    """A reference that feedparser knows; what is none becomes text."""
    name = reference[1]
    if name.startswith("#"):
        digits = name[2:] if name[1] in "xX" else name[1:]
        try:
            code = int(digits, 16 if name[1] in "xX" else 10)
        except ValueError:
            return f"&amp;{name};"
        if code > 0x10FFFF or code in _NOT_XML or 0xD800 <= code < 0xE000:
            return "\ufffd"
        return reference[0]
    if name in declared:
        return reference[0]
    return html.entities.html5.get(f"{name};") or f"&amp;{name};"


def _tamed(body: bytes, content_type: str | None) -> bytes:
    """The feed in UTF-8, with nothing in it that would break the reader or make it ask another server.

    HTML's names of characters are resolved here (RSS 0.91 has them from a DTD that is not fetched).
    """
    text = _decoded(body, content_type).translate(_NOT_XML)
    if prolog := _PROLOG.match(text):
        text = text[prolog.end() :]
    start = _ELEMENT.search(text)
    head, declared = _head(text[: start.start() if start else len(text)])
    rest = text[start.start() :] if start else ""
    rest = _MARKED.sub("&lt;![", _CONDITION.sub("", rest))
    rest = _REFERENCE.sub(lambda reference: _character(reference, declared), rest)
    return f"{head}{rest}".encode("utf-8", "replace")


# feedparser's result, and JSON Feed


def parse(body: bytes, *, address: str, content_type: str | None) -> Feed:
    """A feed, whatever type the server gives it. ``address``: what relative links start from.

    Raises :class:`NoFeedError`.
    """
    if body.lstrip(b"\xef\xbb\xbf\xff\xfe\x00 \t\r\n").startswith((b"{", b"\x00{")):
        return _json_feed(_decoded(body, content_type))
    headers = {"content-location": address, "content-type": "application/xml; charset=utf-8"}
    # without a stream feedparser would take a short body for a file's name or an address, and fetch it
    stream = BytesIO(_tamed(body, content_type))
    try:
        # we take the text only, so its mark-up need not be mended
        parsed = feedparser.parse(stream, response_headers=headers, sanitize_html=False, resolve_relative_uris=False)
    except (ValueError, TypeError, LookupError, AttributeError, AssertionError, RecursionError) as error:
        raise NoFeedError(f"can't be read ({type(error).__name__}: {error})"[:300]) from None
    if not parsed.get("version") and not parsed.entries:
        problem = parsed.get("bozo_exception")
        raise NoFeedError(f"is no feed{f' ({problem})' if problem else ''}")
    language = str(dict.get(parsed.feed, "language") or "")
    return Feed([_entry(entry, language) for entry in parsed.entries], _older(parsed.feed), _title(parsed.feed))


def _entry(entry: dict[str, Any], language: str) -> Entry:
    # dict.get: feedparser's own invents an "updated" out of "published", with a warning
    said = [*dict.get(entry, "content", [])]
    if summary := dict.get(entry, "summary"):
        said.append({**(dict.get(entry, "summary_detail") or {}), "value": summary})
    longest = max(said, key=lambda one: len(str(one.get("value") or "")), default=None)
    spoken = next((str(one["language"]) for one in said if one.get("language")), language)
    return Entry(
        link=_link(entry),
        title=_title(entry),
        language=spoken,
        dates=tuple(_dates(entry)),
        text=_text(longest) if longest is not None else "",
    )


def _text(said: dict[str, Any]) -> str:
    value = str(said.get("value") or "")
    return _lines(value) if said.get("type") == "text/plain" else plain(value)


def _title(holder: dict[str, Any]) -> str:
    detail = dict.get(holder, "title_detail") or {}
    return " ".join(_text({**detail, "value": dict.get(holder, "title")}).split())


def _link(entry: dict[str, Any]) -> str | None:
    """The entry's page: its link, a guid that is one, else what is enclosed, unless that is a sound or film."""
    if link := str(dict.get(entry, "link") or "").strip():
        return link
    links = [one for one in dict.get(entry, "links", []) if one.get("href")]
    for rel in ("alternate", "enclosure"):
        for one in links:
            kind = str(one.get("type") or "").lower()
            if one.get("rel") == rel and (rel == "alternate" or not kind.startswith(_NO_TEXTS)):
                return str(one["href"]).strip()
    return None


def _older(feed: dict[str, Any]) -> str | None:
    links = {str(one.get("rel")): str(one["href"]) for one in reversed(dict.get(feed, "links", [])) if one.get("href")}
    return links.get("next") or links.get("prev-archive")


def _dates(entry: dict[str, Any]) -> Iterator[str]:
    for name in ("published", "created", "updated"):
        written = str(dict.get(entry, name) or "").strip()[:200]
        if not written:
            continue
        read = dict.get(entry, f"{name}_parsed")
        if read and parse_date(written) is None:
            # feedparser knows a few spellings of its own
            try:
                yield datetime.fromtimestamp(timegm(read), UTC).isoformat()
            except (ValueError, OverflowError, OSError):
                yield written
        else:
            yield written


def _json_feed(text: str) -> Feed:
    try:
        feed = json.loads(text.lstrip("\ufeff \t\r\n\x00"))
    except (ValueError, RecursionError) as error:
        raise NoFeedError(f"is no feed (neither XML nor JSON: {error})"[:300]) from None
    items = feed.get("items") if isinstance(feed, dict) else None
    if not isinstance(items, list):
        raise NoFeedError("is no feed (JSON without items)")
    language = _words(feed, "language")
    entries = [_json_entry(item, language) for item in items if isinstance(item, dict)]
    return Feed(entries, _words(feed, "next_url") or None, _words(feed, "title"))


def _words(holder: dict[str, Any], name: str) -> str:
    value = holder.get(name)
    return str(value).strip() if isinstance(value, str | int | float) and not isinstance(value, bool) else ""


def _json_entry(item: dict[str, Any], language: str) -> Entry:
    # the id of an item is its address in most feeds (jsonfeed.org, version 1.1)
    identifier = _words(item, "id")
    address = identifier if identifier.startswith(("http://", "https://")) else ""
    said = [plain(_words(item, "content_html")), _lines(_words(item, "content_text")), _lines(_words(item, "summary"))]
    return Entry(
        link=_words(item, "url") or _words(item, "external_url") or address or _enclosed(item),
        title=" ".join(_words(item, "title").split()),
        language=_words(item, "language") or language,
        dates=tuple(_words(item, name)[:200] for name in ("date_published", "date_modified") if _words(item, name)),
        text=max(said, key=len),
    )


def _enclosed(item: dict[str, Any]) -> str | None:
    attachments = item.get("attachments")
    for one in attachments if isinstance(attachments, list) else ():
        if isinstance(one, dict) and not _words(one, "mime_type").lower().startswith(_NO_TEXTS) and _words(one, "url"):
            return _words(one, "url")
    return None
