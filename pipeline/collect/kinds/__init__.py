"""The source kinds: one row each. A kind either discovers addresses to fetch, or imports what is there already."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from pipeline.collect.kinds import feed, listing, sitemap, table, warc, wayback
from pipeline.collect.kinds.events import Event, Item, Scene, Trouble
from pipeline.settings import Settings
from pipeline.store.places import PlaceState

# (source, address, scene) -> what is found there. `Any`: each takes the source type of its own kind.
DISCOVER: dict[str, Callable[[Any, str, Scene], Iterator[Event]]] = {
    "feed": feed.discover,
    "sitemap": sitemap.discover,
    "listing": listing.discover,
    "wayback": wayback.discover,
}

# (source, what is known of its places, now) -> which to ask; kinds that are not here ask their addresses
PLACES: dict[str, Callable[[Any, Sequence[PlaceState], datetime], Iterator[str | Trouble]]] = {"feed": feed.places}

# bytes that a place of discovery may have, where its kind's own standard allows more than the settings
LARGEST: dict[str, int] = {"sitemap": sitemap.LARGEST}

# (source, settings) -> the texts in it
READ: dict[str, Callable[[Any, Settings], Iterator[Item]]] = {
    "warc": warc.read,
    "table": table.read,
}
