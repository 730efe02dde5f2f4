"""One listing page: HTML in, links with what stands beside them out."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace

from bs4 import BeautifulSoup, Tag

from pipeline.collect.fetch import Response
from pipeline.collect.kinds.links import resolve
from pipeline.extract.decode import decode
from pipeline.monitor import ListingSource

NEXT_BY_DEFAULT = "link[rel~=next], a[rel~=next]"
"""HTML's own word for the page that comes next, in the head or in the page"""
_DECLARATION = re.compile(r"<\?(?=xml)", re.IGNORECASE)
_SCRIPT_BUILT = 5
"""a page with fewer links than this, and with scripts, is taken for one that scripts build"""
_WITH_WORDS = 1000
"""links of one page whose title and date are looked for: in a page nested without end each search takes longer"""


@dataclass(frozen=True)
class Item:
    """A link to a text, and what the listing says of it."""

    link: str
    """canonical address"""
    title: str | None = None
    date: str | None = None
    """as it is written"""


@dataclass(frozen=True)
class Page:
    """What the selectors find on one listing page."""

    items: list[Item]
    """each address once, in the order of the page"""
    next_page: str | None
    bad: list[str]
    """links that are no addresses"""
    anchors: int
    """links of any kind on the page"""
    scripts: int

    @property
    def links(self) -> list[str]:
        return [item.link for item in self.items]

    def why_empty(self, link_selector: str) -> str:
        """Why no link was found, in words."""
        if self.anchors < _SCRIPT_BUILT and self.scripts:
            few = f"the page has {self.anchors or 'no'} link{'s' * (self.anchors != 1)}"
            return (
                f"link_selector {link_selector!r} finds no link: {few} at all and may be built by scripts, "
                "which are not run; look for a feed or a sitemap of the site"
            )
        return (
            f"link_selector {link_selector!r} finds no link among the {self.anchors:,} on the page; "
            "`riftwatch source try` shows which part of it fails"
        )


def soup_of(text: str) -> BeautifulSoup:
    """The tree of a page. Where XHTML says that it is XML that is made a comment: it is read as HTML."""
    return BeautifulSoup(_DECLARATION.sub("<!", text) + "\n", "lxml")


def reference(element: Tag) -> str | None:
    """The link of the element, or of the first one inside it."""
    holder = element if element.get("href") else element.find(href=True)
    return str(holder["href"]) if isinstance(holder, Tag) else None


def written_in(element: Tag) -> str:
    """What an element says: its machine-readable value where it has one, else its words."""
    return " ".join(str(element.get("datetime") or element.get("content") or element.get_text(" ")).split())


def base_of(soup: BeautifulSoup, address: str) -> str:
    """What relative links of the page are relative to."""
    base = soup.find("base", href=True)
    if isinstance(base, Tag):
        with suppress(ValueError):  # a base that is no address is ignored, as browsers do
            return resolve(address, str(base["href"]))
    return address


def parse(
    text: str,
    *,
    address: str,
    link_selector: str,
    next_selector: str | None,
    item_selector: str | None = None,
    item_title_selector: str | None = None,
    item_date_selector: str | None = None,
) -> Page:
    """Apply the selectors to the text of a page."""
    soup = soup_of(text)
    base = base_of(soup, address)
    around = {id(element) for element in soup.select(item_selector)} if item_selector else set()
    found: dict[str, Item] = {}
    bad = []
    for element in soup.select(link_selector):
        if (written := reference(element)) is None:
            continue
        try:
            link = resolve(base, written)
        except ValueError:
            bad.append(written)
            continue
        near = _item_around(element, around) if len(found) < _WITH_WORDS else None
        item = _said(near, link, item_title_selector, item_date_selector)
        # the picture and the headline of a text are two links to it
        before = found.get(link, item)
        found[link] = replace(before, title=before.title or item.title, date=before.date or item.date)
    next_page = None
    for element in soup.select(next_selector or NEXT_BY_DEFAULT):
        if written := reference(element):
            try:
                next_page = resolve(base, written)
                break
            except ValueError:
                bad.append(written)
    return Page(list(found.values()), next_page, bad, len(soup.find_all("a", href=True)), len(soup.find_all("script")))


def _item_around(element: Tag, around: set[int]) -> Tag | None:
    if not around:
        return None  # a page may be nested as deep as it is long, and then the way up takes as long for every link
    if id(element) in around:
        return element
    return next((parent for parent in element.parents if id(parent) in around), None)


def _said(item: Tag | None, link: str, title_selector: str | None, date_selector: str | None) -> Item:
    if item is None:
        return Item(link)
    title = item.select_one(title_selector) if title_selector else None
    date = item.select_one(date_selector) if date_selector else None
    return Item(
        link,
        title=(written_in(title) or None) if title is not None else None,
        date=(written_in(date) or None) if date is not None else None,
    )


def page_of(response: Response, source: ListingSource) -> Page:
    """What a source's selectors find in a response."""
    text, _ = decode(response.body, response.content_type)
    return parse_by(text, source, address=response.address)


def parse_by(text: str, source: ListingSource, *, address: str) -> Page:
    """What a source's selectors find in the text of a page."""
    return parse(
        text,
        address=address,
        link_selector=source.link_selector,
        next_selector=source.next_selector,
        item_selector=source.item_selector,
        item_title_selector=source.item_title_selector,
        item_date_selector=source.item_date_selector,
    )
