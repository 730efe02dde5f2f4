"""Listings: pages that link to texts, newest first, walked page after page."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence
from datetime import datetime
from urllib.parse import urlsplit

from pipeline.collect.failure import Failure
from pipeline.collect.fetch import Response
from pipeline.collect.kinds.events import CursorAt, Event, Links, PlaceRead, Scene, Trouble, WalkBegun, WalkEnded
from pipeline.collect.kinds.links import hints, wanted
from pipeline.collect.kinds.listing_page import Item, Page, page_of
from pipeline.extract.written import read_written
from pipeline.monitor import ListingSource
from pipeline.store.frontier import Discovered

BARREN = 12
"""so many pages in a row without a link that the walk has not seen end it: calendars and session numbers have no end"""
_BARREN_NUMBERED = 2
"""where page numbers are counted up: many sites show their last page again for every number past it"""


def discovered(item: Item, place: str) -> Discovered:
    """The frontier row of an item."""
    dates = [("listing", item.date)] if item.date else []
    return Discovered(item.link, place, hints(title=item.title, dates=dates))


def date_of(item: Item, source: ListingSource) -> datetime | None:
    """The date beside a link; null when there is none, or it can't be read."""
    if item.date is None:
        return None
    return read_written(item.date, date_format=source.date_format, languages=source.date_languages)


def before(items: Sequence[Item], since: datetime | None, source: ListingSource) -> bool:
    """Whether a page's dated items all lie before a time, and the following ones so too.

    Never where none is dated, or where the dates ascend: then what is newer is still to come.
    """
    dates = [date for item in items if (date := date_of(item, source)) is not None]
    return since is not None and bool(dates) and max(dates) < since and dates[0] >= dates[-1]


def following(source: ListingSource, asked: str, page: Page) -> str | None:
    """The page after this one; null at the end."""
    if source.page_template is None:
        return page.next_page
    if not page.items:
        return None
    head, _, tail = source.page_template.partition("{n}")
    number = re.fullmatch(f"{re.escape(head)}(\\d+){re.escape(tail)}", asked)
    return f"{head}{int(number[1]) + source.page_step if number else source.page_start}{tail}"


def _site(address: str) -> str:
    return (urlsplit(address).hostname or "").removeprefix("www.")


class _Walk:
    """One walk through one listing."""

    def __init__(self, source: ListingSource, address: str, scene: Scene) -> None:
        self.source, self.address, self.scene = source, address, scene
        state = scene.state(address)
        self.complete = state.walked
        """an earlier walk reached the end, so that behind a page of known links nothing is new"""
        self.cursor = None if state.walked else state.cursor
        """where an earlier walk was broken off: all pages before it were read"""
        self.read: set[str] = set()
        self.seen: set[str] = set()
        """links of this walk"""
        self.shown = self.new = 0

    def events(self) -> Iterator[Event]:
        """Read the listing, and say how far the walk came."""
        # the pages of a walk that has not reached its end may be the same and still have to be read
        first = self.scene.ask(self.address, anew=not self.complete)
        if first is None:
            return
        yield WalkBegun(self.address)
        if self.cursor is not None:
            # until what is new is joined to what was read, a walk broken off now would leave a gap between the two
            yield CursorAt(self.address, None)
        ended = yield from self._pages(first)
        if ended:
            yield WalkEnded(self.address)
        if self.shown:
            yield PlaceRead(self.address, first, entries=self.shown, new=self.new, anew=not ended)

    def _pages(self, first: Response) -> Generator[Event, None, bool]:
        """Read pages until the end, and return whether nothing is left behind."""
        asked: str | None = self.address
        barren = 0
        jumped = False
        while asked is not None and asked not in self.read:
            if len(self.read) == self.source.max_pages:
                yield Trouble(asked, f"not read: max_pages is {self.source.max_pages}", failed=False)
                return False
            response = first if not self.read else (yield from self._get(asked, jumped=jumped))
            if response is None:
                return True
            self.read.add(asked)
            page = page_of(response, self.source)
            joined, fresh = yield from self._hand_over(asked, page, response)
            if joined and self.complete:
                return True
            if jumped := joined and self.cursor is not None and self.cursor not in self.read:
                asked = self.cursor
            self.cursor = None if joined else self.cursor
            if self.cursor is None:
                # this page and not the next: new texts push others over to it until the walk goes on
                yield CursorAt(self.address, asked)
            if jumped:
                continue
            if not self.complete and self.cursor is None and before(page.items, self.scene.since, self.source):
                return False
            barren = 0 if fresh else barren + bool(page.items)
            if barren >= (BARREN if self.source.page_template is None else _BARREN_NUMBERED):
                if self.source.page_template is None:
                    reason = f"the walk ends here: {BARREN} pages in a row showed nothing that pages before them do not"
                    yield Trouble(asked, reason, failed=False)
                return True
            asked = yield from self._next(asked, response, page)
        return True

    def _get(self, asked: str, *, jumped: bool) -> Generator[Event, None, Response | None]:
        """A further page; null when the last one was passed. Raises Failure."""
        try:
            return self.scene.get(asked)
        except Failure as failure:
            if failure.kind == "temporary":
                raise
            if self.source.page_template is not None and failure.status in {404, 410}:
                return None  # page numbers end so
            if jumped:
                # the site may have been rebuilt: from the beginning next time
                yield CursorAt(self.address, None)
            raise Failure(failure.kind, f"its page {asked}: {failure.reason}", status=failure.status) from None

    def _hand_over(self, asked: str, page: Page, response: Response) -> Generator[Event, None, tuple[bool, bool]]:
        """Give the job what a page shows; return whether all of it was known, and whether any is new to this walk."""
        for link in page.bad:
            yield Trouble(f"{asked} {link[:200]!r}", "left out: no web address")
        if not page.items and asked == self.address:
            reason = page.why_empty(self.source.link_selector)
            yield Trouble(asked, reason, response=response, failure=Failure("soft", reason))
        items = [item for item in page.items if wanted(item.link, self.source)]
        yield Links(tuple(discovered(item, asked) for item in items))
        links = {item.link for item in items}
        fresh = links - self.seen
        known = self.scene.known(sorted(fresh))
        self.shown, self.new = self.shown + len(fresh), self.new + len(fresh - known)
        self.seen |= links
        return bool(links) and fresh <= known, bool(fresh)

    def _next(self, asked: str, response: Response, page: Page) -> Generator[Event, None, str | None]:
        """The address of the next page; null at the end, or where it leads to another site."""
        after = following(self.source, asked, page)
        if after is not None and _site(after) not in {_site(response.address), _site(self.address)}:
            yield Trouble(
                after, f"not read: the page after {asked} lies on another host; name it in the monitor", failed=False
            )
            return None
        return after


def discover(source: ListingSource, address: str, scene: Scene) -> Iterator[Event]:
    """Walk through one listing.

    A walk ends at the last page; at the first page all of whose links earlier runs discovered, where an earlier walk
    reached the end; and, in a run with a window, at the first page all of whose dates lie before it. One that was
    broken off, that max_pages cut off or that ended at the window's start goes on where it was.
    """
    yield from _Walk(source, address, scene).events()
