"""The feeds of a home page: those it links, those it seems to link, and where feeds usually lie. Pure."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import unquote, urljoin, urlsplit

from lxml import etree

FEED_TYPES = frozenset(
    (
        "application/rss+xml",
        "application/atom+xml",
        "application/rdf+xml",
        "application/feed+json",
        "application/rss",
        "application/atom",
        "application/x.atom+xml",
        "application/x-atom+xml",
        "application/x-rss+xml",
        "application/x-cdf",
        "text/rss",
        "text/rss+xml",
        "text/atom",
        "text/atom+xml",
    )
)
_VAGUE_TYPES = frozenset(("application/xml", "text/xml", "application/json", "text/plain", ""))
"""types that other things have too: their address has to look like a feed's"""
USUAL_PATHS = (
    "feed",
    "rss",
    "rss.xml",
    "atom.xml",
    "feed.xml",
    "index.xml",
    "feeds/posts/default",
    "?feed=rss2",
    "index.rdf",
    "feed.json",
)
"""of WordPress, static sites, Hugo, Blogger, WordPress without fine addresses, Movable Type, JSON Feed"""
MOST_FEEDS = 20
"""of one page"""

_LOOKS_LIKE = re.compile(
    r"\.(?:rss|rdf|atom)$|/(?:feed|feeds|rss|atom|rdf|rss2|feed\.json|feeds/posts/default)/?$"
    r"|(?:feed|rss|atom|index)\w*\.(?:xml|aspx|php)$|[?&]feed=|[?&]format=feed|[?&]type=100$|[?&]alt=rss",
    re.I,
)
_COMMENTS = re.compile(
    r"\b(?:comment|kommentar|commentaire|comentario|commenti|reacties|replies)|تعليق|دیدگاه|نظرات|تبصر|коммент", re.I
)
_COMMENTS_ADDRESS = re.compile(r"comment|wfw:|/replies\b", re.I)
_PART = re.compile(
    r"/(?:categor(?:y|ies)|cat|tags?|topics?|sections?|rubriques?|authors?|labels?|search|-)/"
    r"|[?&](?:cat|category|tag|author|s|q|search|label)=",
    re.I,
)
_FORMAT = re.compile(r"\b(?:rss2?|rdf|atom|xml|json|feeds?|alt|format|type|100)\b|[^\w]+", re.I)


@dataclass(frozen=True)
class Feeds:
    """What a page says of feeds; absolute addresses, most likely first."""

    linked: tuple[str, ...]
    """named as its feeds (link rel=alternate)"""
    likely: tuple[str, ...]
    """links in its text that look like feeds of the same site"""


def is_of_comments(title: str) -> bool:
    """Whether a feed's title says that it holds readers' comments."""
    return _COMMENTS.search(title) is not None


def _same_site(one: str, other: str) -> bool:
    def name(address: str) -> str:
        return (urlsplit(address).hostname or "").removeprefix("www.")

    a, b = name(one), name(other)
    return a == b or a.endswith(f".{b}") or b.endswith(f".{a}")


def _resolved(base: str, link: str) -> str | None:
    """The absolute address of a link; null when it is no address of the web."""
    link = link.strip()
    if link.lower().startswith("feed:"):  # feed://host/path and feed:https://host/path
        link = link[5:] if link[5:].lower().startswith("http") else "http:" + link[5:]
    with suppress(ValueError):
        address = urljoin(base, link).partition("#")[0]
        parts = urlsplit(address)
        if parts.scheme in {"http", "https"} and parts.hostname and not parts.username:
            return address
    return None


def _kept(found: dict[str, str]) -> tuple[str, ...]:
    """Of addresses with their titles those that are worth reading.

    Readers' comments are left out. One format of a feed is enough: the first. Feeds of a category, tag or author are
    left out where the site has a feed of all.
    """
    texts = {
        address: title
        for address, title in found.items()
        if not _COMMENTS_ADDRESS.search(unquote(address)) and not is_of_comments(title)
    }
    formats: dict[tuple[str, str], str] = {}
    for address in texts:
        parts = urlsplit(address)
        words = _FORMAT.sub(" ", f"{parts.path} {parts.query}").split()
        formats.setdefault((parts.netloc, " ".join(words)), address)
    one_each = list(formats.values())
    whole = [address for address in one_each if not _PART.search(unquote(address))]
    return tuple((whole or one_each)[:MOST_FEEDS])


def feeds_of(text: str, address: str) -> Feeds:
    """The feeds that the HTML of the page at ``address`` names."""
    parser = etree.HTMLParser(no_network=True, remove_comments=True, remove_pis=True, encoding="utf-8")
    body = text.replace("\x00", "").encode("utf-8", "replace")
    tree = etree.fromstring(body, parser) if body.strip() else None
    if tree is None:
        return Feeds((), ())
    base = next((_resolved(address, one.get("href")) for one in tree.iter("base") if one.get("href")), None) or address
    linked: dict[str, str] = {}
    likely: dict[str, str] = {}
    for element in tree.iter("link", "a"):
        target = _resolved(base, element.get("href") or "")
        if not element.get("href") or target is None or target == address:
            continue
        rel = (element.get("rel") or "").lower().split()
        kind = (element.get("type") or "").partition(";")[0].strip().lower()
        looks = bool(_LOOKS_LIKE.search(target))
        if ("alternate" in rel or "feed" in rel) and (kind in FEED_TYPES or (kind in _VAGUE_TYPES and looks)):
            linked.setdefault(target, element.get("title") or "")
        elif element.tag == "a" and (looks or kind in FEED_TYPES) and _same_site(target, address):
            likely.setdefault(target, " ".join("".join(element.itertext()).split()))
    return Feeds(_kept(linked), _kept({a: title for a, title in likely.items() if a not in linked}))


def usual_addresses(address: str) -> tuple[str, ...]:
    """Where the feed of a site usually lies, most likely first; ``address``: its home page."""
    folder = urljoin(address, ".")
    if not urlsplit(address).path.endswith("/") and "." not in urlsplit(address).path.rpartition("/")[2]:
        folder = address.partition("?")[0].partition("#")[0] + "/"  # https://host/blog is a folder, /index.html is none
    return tuple(urljoin(folder, path) for path in USUAL_PATHS)
