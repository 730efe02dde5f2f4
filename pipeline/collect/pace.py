"""Who may send the next request to a host, and when.

One request at a time goes to a host, and the wait is counted from the end of the last response, so that by the server's
own clock none comes early. Between processes the lease in the database decides; within one, a lock.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from pipeline.collect.failure import NotNow
from pipeline.collect.owner import is_gone, new_owner
from pipeline.settings import Settings
from pipeline.store.hosts import Lease, give_back, holder, postpone, take_lease
from pipeline.store.session import open_session

log = logging.getLogger(__name__)

_LOOK_AGAIN = 0.5
"""seconds between two looks at a lease that another process holds"""
_RESERVE = 30.0
"""seconds a lease lasts longer than the request it is needed for, so that not every request renews it"""

_TELL_AFTER = 5.0
"""seconds of waiting for another run after which it is said"""


@dataclass
class _Pace:
    lock: threading.Lock = field(default_factory=threading.Lock)
    leased_until: float = 0.0
    earliest: float = 0.0
    """no request before this: what the last process left, or the server asked for"""
    last_end: float = float("-inf")
    """end of the last response; no earlier than it, where another process had it"""
    next_request: float = 0.0
    """what is left for the next process"""

    def take_over(self, lease: Lease, until: float) -> None:
        """Goes on where the last holder stopped."""
        self.leased_until = until
        if lease.inherited:
            # It may have made a request a moment ago. Ours keeps its whole distance from now.
            self.last_end = max(self.last_end, time.time())
        if lease.next_request_at is not None:
            # The last holder's distance ends here. Ours may be longer, and it is counted from no later than here.
            self.earliest = max(self.earliest, lease.next_request_at.timestamp())
            self.last_end = max(self.last_end, self.earliest)
        self.next_request = max(self.next_request, self.last_end)


class Paces:
    """The pace of every host of one run. Threads share it."""

    def __init__(self, settings: Settings, *, deadline: float, stop: threading.Event, owner: str | None = None) -> None:
        """``deadline``: time.time() after which no request begins; ``stop``: set when the run is over early."""
        self._settings, self._deadline, self._stop = settings, deadline, stop
        self._owner = owner or new_owner()
        self._paces: dict[str, _Pace] = {}
        self._lock = threading.Lock()

    def _pace(self, host: str) -> _Pace:
        with self._lock:
            return self._paces.setdefault(host, _Pace())

    def hold(self, host: str) -> None:
        """Waits until this run may talk to ``host`` at all. Raises :class:`NotNow`."""
        pace = self._pace(host)
        with pace.lock:
            if pace.leased_until < time.time() + self._settings.request_seconds:
                self._lease(host, pace, self._settings.request_seconds)

    @contextmanager
    def turn(self, host: str, delay: float) -> Iterator[None]:
        """Waits until a request to ``host`` may be sent; the request is made within. Raises :class:`NotNow`."""
        pace = self._pace(host)
        with pace.lock:
            self._wait(host, pace, delay)
            try:
                yield
            finally:
                pace.last_end = time.time()
                pace.next_request = max(pace.earliest, pace.last_end + delay)

    def _wait(self, host: str, pace: _Pace, delay: float) -> None:
        # A lease that runs out by itself (a dead process) must not do so before the next request is due.
        need = self._settings.request_seconds + delay
        while True:
            now = time.time()
            if pace.leased_until < now + need:
                self._lease(host, pace, need)
                now = time.time()
            due = max(pace.earliest, pace.last_end + delay)
            if due <= now:
                self._check_stop(host, now)
                return
            if due >= self._deadline:
                raise NotNow(
                    host, f"{host} may not be asked before {datetime.fromtimestamp(due, UTC):%Y-%m-%d %H:%M:%S} UTC"
                )
            self._sleep(host, due - now)

    def _lease(self, host: str, pace: _Pace, need: float) -> None:
        began, told = time.time(), False
        while True:
            now = time.time()
            until = now + need + _RESERVE
            lease = self._try_lease(host, now, until)
            if lease is not None:
                pace.take_over(lease, until)
                return
            if now >= self._deadline:
                raise NotNow(host, f"{host} is being collected by another run")
            if not told and now - began > _TELL_AFTER:
                told = True
                log.warning("%s is being collected by another run, or by one that was killed: waiting for it", host)
            # two runs that wait for each other's hosts (redirects lead both ways) would wait for ever
            self.let_go()
            self._sleep(host, _LOOK_AGAIN)

    def _try_lease(self, host: str, now: float, until: float) -> Lease | None:
        with open_session(self._settings) as session:
            lease = take_lease(session, host, self._owner, now=_utc(now), until=_utc(until))
            if lease is None:
                gone = holder(session, host)
                session.rollback()
                if gone is not None and is_gone(gone):
                    lease = take_lease(session, host, self._owner, now=_utc(now), until=_utc(until), gone=gone)
            return lease

    def _check_stop(self, host: str, now: float) -> None:
        if self._stop.is_set() or now >= self._deadline:
            raise NotNow(host, "the time of this run is over")

    def _sleep(self, host: str, seconds: float) -> None:
        self._stop.wait(min(seconds, max(0.0, self._deadline - time.time()) + 0.001))
        if self._stop.is_set():
            raise NotNow(host, "the run was stopped")

    def pause(self, host: str, wait: timedelta) -> None:
        """The server asked for a pause: nothing is sent to the host until it is over, by no process."""
        pace = self._pace(host)
        with pace.lock:
            pace.earliest = max(pace.earliest, time.time() + wait.total_seconds())
            pace.next_request = max(pace.next_request, pace.earliest)
            with open_session(self._settings) as session:
                postpone(session, host, _utc(pace.earliest))

    def let_go(self) -> None:
        """Give the leases back of hosts that no thread talks to just now. Who needs one takes it again."""
        self._give_back(wait=False)

    def close(self) -> None:
        """Give every lease back."""
        self._give_back(wait=True)

    def _give_back(self, *, wait: bool) -> None:
        with self._lock:
            paces = dict(self._paces)
        for host, pace in paces.items():
            if not pace.lock.acquire(blocking=wait):
                continue
            try:
                if pace.leased_until:
                    with open_session(self._settings) as session:
                        give_back(session, host, self._owner, _utc(pace.next_request) if pace.next_request else None)
                    pace.leased_until = 0.0
            finally:
                pace.lock.release()


def _utc(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
