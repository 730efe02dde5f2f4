"""Asking places of discovery: not before their turn, and reading only what has changed."""

from __future__ import annotations

import hashlib
import random
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from sqlalchemy.orm import Session

from pipeline.collect import places
from pipeline.collect.failure import Failure
from pipeline.collect.fetch import Response
from pipeline.collect.kinds.events import Event, PlaceRead, PlaceUnchanged, Trouble
from pipeline.extract.document import EXTRACTOR
from pipeline.monitor.sources import WebSource
from pipeline.settings import Settings
from pipeline.store.places import PlaceState, keep_failure, keep_reading, place_state
from pipeline.store.session import open_session


class Get(Protocol):
    """A polite visit; raises Failure or NotNow."""

    def __call__(self, address: str, *, etag: str | None = None, last_modified: str | None = None) -> Response: ...


class Asker:
    """Asks the places of one run of one source, and keeps how it went. Threads share it."""

    def __init__(
        self,
        settings: Settings,
        monitor: str,
        source: WebSource,
        now: datetime,
        *,
        window: tuple[datetime | None, datetime | None] = (None, None),
        all_places: bool = False,
    ) -> None:
        """``now``: when the run began; ``window``: its first and last time, which decide what is read of a place, as
        the source's patterns do; ``all_places``: ask also those whose turn has not come.
        """
        self._settings, self._monitor, self._source, self._now = settings, monitor, source, now
        self._all_places = all_places
        # another pattern or selector reads other links out of the same bytes, and so may another version
        rules = f"{EXTRACTOR}\0{source.model_dump_json()}\0{window}"
        self._rules = hashlib.sha256(rules.encode()).hexdigest()
        self._resting: dict[str, datetime] = {}
        self._lock = threading.Lock()
        # only spreads the waits after a 429; nothing secret hangs on it
        self._chance = random.Random()  # noqa: S311

    def state(self, place: str) -> PlaceState:
        """What is known of a place."""
        with open_session(self._settings) as session:
            return place_state(session, self._monitor, self._source.id, place)

    def ask(self, place: str, get: Get, put: Callable[[Event], None], *, anew: bool = False) -> Response | None:
        """The response of a place; null when there is nothing to read now, and ``put`` or :meth:`notes` says why.

        ``anew``: it is wanted though nothing may have changed (a walk that was broken off). What :func:`get` raises
        passes through.
        """
        state = self.state(place)
        known = state.rules == self._rules and not anew
        if state.not_before is not None and self._now < state.not_before and not self._all_places:
            if state.failure is not None:
                put(Trouble(place, places.put_off(state, state.not_before)))
                return None
            if known:
                with self._lock:
                    self._resting[place] = state.not_before
                return None
        conditions = {"etag": state.etag, "last_modified": state.last_modified}
        response = get(place, **conditions) if known and self._source.conditional else get(place)
        if response.not_modified and response.address != place:
            response = get(place)  # it leads elsewhere now, and that other server's word is none about this place
        if response.not_modified or (known and state.digest == places.digest_of(response.body)):
            put(PlaceUnchanged(place, state.entries or 0))
            return None
        return response

    def notes(self) -> list[str]:
        """What is to be said of places that rest."""
        with self._lock:
            if not self._resting:
                return []
            count = len(self._resting)
            which = next(iter(self._resting)) if count == 1 else f"{count:,} places"
            first = places.stamp(min(self._resting.values()))
        verb, they = ("is", "it") if count == 1 else ("are", "they")
        return [f"{which} {verb} not due before {first}: {they} rarely show anything new (--all-places asks at once)"]

    # In the thread that writes. The state is read again: another run may have been here.

    def keep_reading(self, session: Session, read: PlaceRead) -> None:
        """A place was read, and all it showed is written. Does not commit."""
        state = place_state(session, self._monitor, self._source.id, read.place)
        headers = read.response.headers
        # what another address said of itself is no word about this one
        own = read.response.address == read.place and not read.anew
        after = places.after_reading(
            state,
            now=self._now,
            entries=read.entries,
            new=read.new,
            digest=None if read.anew else places.digest_of(read.response.body),
            rules=self._rules,
            etag=headers.get("etag") if own else None,
            last_modified=headers.get("last-modified") if own else None,
        )
        keep_reading(session, self._monitor, self._source.id, after)

    def overflow(self, read: PlaceRead) -> str | None:
        """What is to be said of a reading that may have missed something; ask before it is kept."""
        if not read.may_overflow:
            return None
        return places.overflow(self.state(read.place), entries=read.entries, new=read.new)

    def keep_unchanged(self, session: Session, place: str) -> None:
        """A place is as it was. Does not commit."""
        state = place_state(session, self._monitor, self._source.id, place)
        keep_reading(session, self._monitor, self._source.id, places.unchanged(state, self._now))

    def keep_failure(self, session: Session, place: str, failure: Failure) -> None:
        """A place failed, once more perhaps. Does not commit."""
        state = place_state(session, self._monitor, self._source.id, place)
        wait = places.wait_after(failure, state.failures + 1, self._chance)
        keep_failure(
            session,
            self._monitor,
            self._source.id,
            place,
            now=self._now,
            failure=failure.kind,
            reason=failure.reason,
            not_before=self._now + wait,
        )
