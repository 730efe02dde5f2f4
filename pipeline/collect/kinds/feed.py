"""Feeds: RSS 0.9 to 2.0, RDF and Atom by feedparser, JSON Feed by hand. What is malformed is read as far as it goes."""

from __future__ import annotations

import json
from calendar import timegm
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import feedparser
from bs4 import BeautifulSoup

from pipeline.collect.failure import Failure
from pipeline.collect.kinds.events import Event, Links, PlaceRead, Scene, Trouble
from pipeline.collect.kinds.links import hints, resolve, wanted
from pipeline.extract.dates import parse_date
from pipeline.monitor import FeedSource
from pipeline.store.frontier import Discovered

_BLOCKS = ("p", "br", "div", "li", "tr", "blockquote", "h1", "h2", "h3", "h4", "h5", "h6", "pre")


@dataclass(frozen=True)
class Entry:
    """One entry of a feed, as it stands there."""

    link: str | None
    """absolute, or relative to the feed's address"""
    title: str | None = None
    language: str | None = None
    dates: list[str] = field(default_factory=list)
    """publication first"""
    markup: str = ""
    """the content in HTML"""
    text: str = ""
    """the content where it is plain text"""


class NoFeedError(ValueError):
    """The body is no feed; says why."""


def plain(markup: str) -> str:
    """HTML of an entry as text, one paragraph a line."""
    if not markup.strip():
        return ""
    soup = BeautifulSoup(f"<div>{markup}</div>", "lxml")
    for block in soup.find_all(_BLOCKS):
        block.append("\n")
    lines = (" ".join(line.split()) for line in soup.get_text().split("\n"))
    return "\n".join(line for line in lines if line)


def parse(body: bytes, *, address: str, content_type: str | None) -> list[Entry]:
    """The entries of a feed, in its order. Raises :class:`NoFeedError`."""
    if body.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{"):
        return _json_entries(body)
    # a server's wrong type must not decide: feedparser looks at the body
    headers = {"content-location": address, "content-type": content_type or "application/xml"}
    # without a stream feedparser would take a short body for a file's name or an address, and fetch it
    parsed = feedparser.parse(BytesIO(body), response_headers=headers)
    if not parsed.get("version") and not parsed.entries:
        problem = parsed.get("bozo_exception")
        raise NoFeedError(f"is no feed{f' ({problem})' if problem else ''}")
    language = dict.get(parsed.feed, "language")
    return [_entry(entry, language) for entry in parsed.entries]


def _entry(entry: dict[str, Any], language: str | None) -> Entry:
    # dict.get: feedparser's own invents an "updated" out of "published", with a warning
    contents = [c for c in dict.get(entry, "content", []) if c.get("value")]
    summary = str(dict.get(entry, "summary") or "")
    markup = max([str(c["value"]) for c in contents] + [summary], key=len)
    spoken = next((str(c["language"]) for c in contents if c.get("language")), language)
    return Entry(
        link=_link(entry),
        title=plain(str(dict.get(entry, "title") or "")),
        language=spoken,
        dates=list(_dates(entry)),
        markup=markup,
    )


def _link(entry: dict[str, Any]) -> str | None:
    if link := str(dict.get(entry, "link") or "").strip():
        return link
    links = dict.get(entry, "links", [])
    return next((str(one["href"]) for one in links if one.get("rel") == "alternate" and one.get("href")), None)


def _dates(entry: dict[str, Any]) -> Iterator[str]:
    for name in ("published", "created", "updated"):
        written = dict.get(entry, name)
        if not written:
            continue
        read = dict.get(entry, f"{name}_parsed")
        if read and parse_date(str(written)) is None:
            # feedparser knows a few spellings of its own
            try:
                yield datetime.fromtimestamp(timegm(read), UTC).isoformat()
            except (ValueError, OverflowError, OSError):
                yield str(written)
        else:
            yield str(written)


def _json_entries(body: bytes) -> list[Entry]:
    try:
        feed = json.loads(body)
    except ValueError as error:
        raise NoFeedError(f"is no feed (neither XML nor JSON: {error})") from None
    items = feed.get("items") if isinstance(feed, dict) else None
    if not isinstance(items, list):
        raise NoFeedError("is no feed (JSON without items)")
    return [_json_entry(item, feed) for item in items if isinstance(item, dict)]


def _json_entry(item: dict[str, Any], feed: dict[str, Any]) -> Entry:
    def words(name: str) -> str:
        return str(item.get(name) or "")

    # the id of an item is its address in most feeds (jsonfeed.org, version 1.1)
    link = words("url") or words("external_url") or (words("id") if words("id").startswith("http") else "")
    return Entry(
        link=link or None,
        title=words("title"),
        language=words("language") or str(feed.get("language") or ""),
        dates=[words(name) for name in ("date_published", "date_modified") if words(name)],
        markup=words("content_html"),
        text=words("content_text") or ("" if words("content_html") else words("summary")),
    )


def discovered(entries: list[Entry], source: FeedSource, address: str) -> Iterator[Discovered | Trouble]:
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
                text=entry.text or plain(entry.markup),
            )
            yield Discovered(link, address, said_of_it)


def discover(source: FeedSource, address: str, scene: Scene) -> Iterator[Event]:
    """Read one feed."""
    response = scene.ask(address)
    if response is None:
        return
    try:
        entries = parse(response.body, address=response.address, content_type=response.content_type)
    except NoFeedError as error:
        yield Trouble(address, str(error), response=response, failure=Failure("soft", str(error)))
        return
    found = []
    for one in discovered(entries, source, response.address):
        if isinstance(one, Trouble):
            yield one
        else:
            found.append(one)
    yield Links(tuple(found))
    links = {one.address for one in found}
    new = len(links) - len(scene.known(list(links)))
    yield PlaceRead(address, response, entries=len(links), new=new, may_overflow=True)
