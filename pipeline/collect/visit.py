"""A polite visit: guard, robots.txt and pace before every single request, redirects included."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urljoin

from pipeline.collect.failure import Failure
from pipeline.collect.fetch import Fetcher, Response
from pipeline.collect.guard import place_of
from pipeline.collect.pace import Paces
from pipeline.collect.problems import Problems
from pipeline.collect.robots import RobotsBook
from pipeline.settings import Settings

MAX_REDIRECTS = 10
PAUSE_UNASKED = timedelta(minutes=1)
"""how long a host is left alone after a 429 that names no time"""


class Visitor:
    """What one thread uses to get responses."""

    def __init__(
        self,
        settings: Settings,
        fetcher: Fetcher,
        robots: RobotsBook,
        paces: Paces,
        problems: Problems,
        *,
        delay: float | None,
    ) -> None:
        """``delay``: the source's own, in seconds; null: the settings'."""
        self._fetcher, self._robots, self._paces, self._problems = fetcher, robots, paces, problems
        self._delay = settings.default_delay if delay is None else delay
        self._cap = settings.max_delay
        self.bytes = 0
        """received so far"""

    def get(self, address: str, *, etag: str | None = None, last_modified: str | None = None) -> Response:
        """The response, redirects followed. Raises :class:`Failure` or :class:`NotNow`.

        With ``etag`` or ``last_modified`` of an earlier response the answer may be a 304 (``not_modified``, no body).
        They are sent at every step of a redirect: a 304 only means something where its ``address`` is still
        the one they came from.
        """
        return self._follow(address, etag, last_modified)

    def _follow(
        self, address: str, etag: str | None = None, last_modified: str | None = None, *, obey: bool = True
    ) -> Response:
        asked = address
        for _ in range(MAX_REDIRECTS + 1):
            try:
                response = self._once(asked, etag, last_modified, obey=obey)
            except Failure as failure:
                if asked == address:
                    raise
                reason = f"redirects to {asked}: {failure.reason}"
                raise Failure(failure.kind, reason, status=failure.status, retry_after=failure.retry_after) from None
            if response.location is None:
                return response
            try:
                asked = urljoin(asked, response.location).partition("#")[0]
            except ValueError:
                raise Failure("soft", f"redirects to {response.location!r}, which is no address") from None
        raise Failure("soft", f"redirects more than {MAX_REDIRECTS} times, last to {asked}")

    def _once(self, address: str, etag: str | None, last_modified: str | None, *, obey: bool) -> Response:
        host = place_of(address).key
        delay = self._delay
        if obey:
            # only then: the run that talked to the host before us may have left a fresh robots.txt
            self._paces.hold(host)
            rules = self._robots.rules(host, lambda robots: self._follow(robots, obey=False))
            rules.check(address)
            delay = max(delay, self._capped(host, rules.crawl_delay()))
        try:
            with self._paces.turn(host, delay):
                response = self._fetcher.get(address, etag=etag, last_modified=last_modified)
        except Failure as failure:
            if failure.status == 429 or (failure.status == 503 and failure.retry_after):
                self._paces.pause(host, failure.retry_after or PAUSE_UNASKED)
            raise
        self.bytes += len(response.raw)
        return response

    def _capped(self, host: str, asked: float | None) -> float:
        if asked is not None and asked > self._cap:
            self._problems.note(f"{host} asks for {asked:g} s between requests; we wait {self._cap:g} s (the cap)")
        return min(asked or 0.0, self._cap)
