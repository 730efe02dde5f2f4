"""What the source kinds hand to the job. The kinds read, the job writes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pipeline.collect.archive import Position
from pipeline.collect.fetch import Response
from pipeline.settings import Settings
from pipeline.store.frontier import Discovered

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


@dataclass(frozen=True)
class WalkBegun:
    """The first page of a listing was read."""

    listing: str


@dataclass(frozen=True)
class WalkEnded:
    """The last page of a listing that had to be read was read."""

    listing: str


Event = Links | Trouble | WalkBegun | WalkEnded


@dataclass(frozen=True)
class Scene:
    """What a discovering kind may use."""

    settings: Settings
    get: Callable[[str], Response]
    """a polite visit; raises Failure or NotNow"""
    known: Callable[[Sequence[str]], set[str]]
    """those of the addresses that earlier runs discovered"""
    walked: Callable[[str], bool]
    """whether the newest walk through this listing reached its end"""


# Of the kinds that import: warc, table


@dataclass(frozen=True)
class PageItem:
    """A page with its place in an archive file."""

    address: str
    status: int
    content_type: str | None
    body: bytes
    captured_at: datetime
    position: Position
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
