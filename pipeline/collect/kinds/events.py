"""What the source kinds hand to the job. The kinds read, the job writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from pipeline.collect.archive import Position
from pipeline.collect.failure import Failure
from pipeline.collect.fetch import Response
from pipeline.settings import Settings
from pipeline.store.frontier import Discovered
from pipeline.store.places import PlaceState

# Of the kinds that discover addresses: feed, sitemap, listing


@dataclass(frozen=True)
class Links:
    """Addresses that were discovered, and entries that have none."""

    found: tuple[Discovered, ...]


@dataclass(frozen=True)
class Trouble:
    """A place that could not be read, or only in part."""

    place: str
    reason: str
    failed: bool = True
    """false: worth saying, but nothing was lost"""
    response: Response | None = None
    """what could not be read, to be kept"""
    failure: Failure | None = None
    """set when the place as a whole failed: it is asked again later and later"""


@dataclass(frozen=True)
class PlaceRead:
    """A place of discovery was read to its end. It comes after all the links it showed."""

    place: str
    """the address it was asked by"""
    response: Response
    entries: int
    """addresses it showed"""
    new: int
    """of these, such as no earlier run has discovered"""
    may_overflow: bool = False
    """it shows its newest entries only (a feed)"""
    anew: bool = False
    """it must be read again though its bytes be the same: what it leads to may have changed (a sitemap index)"""


@dataclass(frozen=True)
class PlaceUnchanged:
    """A place was asked and is as it was at the last reading."""

    place: str
    entries: int
    """addresses it showed then"""


@dataclass(frozen=True)
class CursorAt:
    """All that a walk through a place showed up to ``cursor`` has been handed over."""

    place: str
    cursor: str | None
    """where the walk goes on when it is broken off now; null: at the beginning"""


@dataclass(frozen=True)
class WalkBegun:
    """The first page of a listing was read."""

    listing: str


@dataclass(frozen=True)
class WalkEnded:
    """The last page of a listing that had to be read was read."""

    listing: str


@dataclass(frozen=True)
class PlacesFound:
    """Places that a page was found to have (the feeds of a home page); later runs ask them themselves."""

    page: str
    addresses: tuple[str, ...]


Event = Links | Trouble | PlaceRead | PlaceUnchanged | PlacesFound | CursorAt | WalkBegun | WalkEnded


class Ask(Protocol):
    """A polite visit to a place of discovery; raises Failure or NotNow.

    Null: there is nothing to read (its turn has not come, it has not changed), and the run knows of it. ``anew``:
    it is wanted even then.
    """

    def __call__(self, place: str, *, anew: bool = False) -> Response | None: ...


@dataclass(frozen=True)
class Scene:
    """What a discovering kind may use."""

    settings: Settings
    get: Callable[[str], Response]
    """a polite visit to the further pages of a place; raises Failure or NotNow"""
    ask: Ask
    """the same to a place itself; a place that is read ends with PlaceRead"""
    known: Callable[[Sequence[str]], set[str]]
    """those of the addresses that earlier runs discovered"""
    state: Callable[[str], PlaceState]
    """what is known of a place: whether a walk through it has reached its end, where a broken one goes on"""
    since: datetime | None = None
    """the run wants texts published from then on (aware); null: from the beginning"""
    until: datetime | None = None
    """and published before then; null: to this day"""
    all_places: bool = False
    """ask also what is not due"""


# Of the kinds that import: warc, table


@dataclass(frozen=True)
class PageItem:
    """A page with its place in an archive file."""

    address: str
    status: int
    content_type: str | None
    body: bytes
    captured_at: datetime
    position: Position | None
    """where its bytes lie; null: nowhere from where they could be read again, so they are archived"""
    hints: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TextItem:
    """A text that is no page."""

    address: str
    text: str
    group: str | None
    source: str
    title: str | None = None
    hints: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Skipped:
    """Something that is not ours to keep; counted per reason."""

    reason: str


Item = PageItem | TextItem | Skipped | Trouble
