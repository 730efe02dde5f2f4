"""Listing pages: links by CSS selector, page after page."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from bs4 import BeautifulSoup, Tag

from pipeline.collect.fetch import Response
from pipeline.collect.kinds.events import Event, Links, Scene, Trouble, WalkBegun, WalkEnded
from pipeline.collect.kinds.links import resolve, wanted
from pipeline.extract.decode import decode
from pipeline.monitor import ListingSource
from pipeline.store.frontier import Discovered


@dataclass(frozen=True)
class Page:
    """What the selectors find on one listing page."""

    links: list[str]
    """canonical addresses, in the order of the page"""
    next_page: str | None
    bad: list[str]
    """links that are no addresses"""


def _reference(element: Tag) -> str | None:
    """The link of the element, or of the first one inside it."""
    holder = element if element.get("href") else element.find(href=True)
    return str(holder["href"]) if isinstance(holder, Tag) else None


def parse(text: str, *, address: str, link_selector: str, next_selector: str | None) -> Page:
    """Apply the selectors to the text of a page."""
    soup = BeautifulSoup(text, "lxml")
    base = soup.find("base", href=True)
    if isinstance(base, Tag):
        with suppress(ValueError):  # a base that is no address is ignored, as browsers do
            address = resolve(address, str(base["href"]))
    links: dict[str, None] = {}
    bad = []
    for element in soup.select(link_selector):
        if (reference := _reference(element)) is None:
            continue
        try:
            links[resolve(address, reference)] = None
        except ValueError:
            bad.append(reference)
    next_page = None
    for element in soup.select(next_selector) if next_selector else ():
        if reference := _reference(element):
            try:
                next_page = resolve(address, reference)
                break
            except ValueError:
                bad.append(reference)
    return Page(list(links), next_page, bad)


def _page(response: Response, source: ListingSource) -> Page:
    text, _ = decode(response.body, response.content_type)
    return parse(text, address=response.address, link_selector=source.link_selector, next_selector=source.next_selector)


def discover(source: ListingSource, address: str, scene: Scene) -> Iterator[Event]:
    """Walk through one listing.

    Stops at the first page all of whose links were discovered by earlier runs, provided that an earlier walk
    reached the end; else an interrupted first walk, or one that max_pages cut off, would never be completed.
    """
    complete = scene.walked(address)
    pages: set[str] = set()
    found_here: set[str] = set()
    asked: str | None = address
    while asked is not None and asked not in pages:
        if len(pages) == source.max_pages:
            yield Trouble(asked, f"not read: max_pages is {source.max_pages}", failed=False)
            return
        pages.add(asked)
        response = scene.get(asked)
        page = _page(response, source)
        if len(pages) == 1:
            yield WalkBegun(address)
        for link in page.bad:
            yield Trouble(asked, f"left out: {link[:200]!r} is no address")
        links = [link for link in page.links if wanted(link, source)]
        if not page.links and len(pages) == 1:
            yield Trouble(asked, f"link_selector {source.link_selector!r} finds no link", response=response)
        yield Links(tuple(Discovered(link, asked) for link in links))
        if complete and links and set(links) - found_here <= scene.known(links):
            break
        found_here.update(links)
        asked = page.next_page
    yield WalkEnded(address)
