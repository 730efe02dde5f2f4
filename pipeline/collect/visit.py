"""A polite visit: guard, robots.txt and pace before every single request, redirects included."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urljoin

from pipeline.collect.failure import Failure, TooManyRedirects
from pipeline.collect.fetch import Disconnected, Fetcher, Response
from pipeline.collect.guard import place_of
from pipeline.collect.pace import Paces
from pipeline.collect.problems import Problems
from pipeline.collect.robots import MAX_BYTES, RobotsBook
from pipeline.settings import Settings

MAX_REDIRECTS = 10
ROBOTS_REDIRECTS = 5
"""RFC 9309, 2.3.1.2"""
PAUSE_UNASKED = timedelta(minutes=1)
"""how long a host is left alone after a 429 that names no time"""

NO_CONTACT: str = Settings.model_fields["contact"].default
NAMELESS = (
    "the servers were told no contact: set RIFTWATCH_CONTACT to a page or mail address of whoever runs this collector, "
    "which is sent with every request"
)


def _shown(address: str) -> str:
    """An address for a report: without a user name and password, without what breaks a line, not endless."""
    shown = re.sub(r"(?<=//)[^/?#]*@", "...@", address)
    return "".join(c if c.isprintable() else "?" for c in shown[:300])


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


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
        self._nameless = NO_CONTACT in settings.agent
        self.bytes = 0
        """received so far"""

    def get(
        self, address: str, *, etag: str | None = None, last_modified: str | None = None, stay: bool = False
    ) -> Response:
        """The response, redirects followed; with ``stay`` not to another host.

        Raises :class:`Failure` or :class:`NotNow`.
        With ``etag`` or ``last_modified`` of an earlier response the answer may be a 304 (``not_modified``, no body).
        They are sent at every step of a redirect: a 304 only means something where its ``address`` is still
        the one they came from.
        """

        def ask(asked: str) -> Response:
            if stay and place_of(asked).host != place_of(address).host:
                raise Failure("soft", "that is another host, and nothing is asked there")
            return self._obedient(asked, etag, last_modified)

        return self._follow(address, ask, MAX_REDIRECTS)

    def _follow(self, address: str, ask: Callable[[str], Response], most: int) -> Response:
        seen = [address]
        while True:
            try:
                response = ask(seen[-1])
            except Failure as failure:
                if len(seen) == 1:
                    raise
                reason = f"redirects to {_shown(seen[-1])}: {failure.reason}"
                raise Failure(failure.kind, reason, status=failure.status, retry_after=failure.retry_after) from None
            if response.location is None:
                return response
            try:
                target = urljoin(seen[-1], response.location).partition("#")[0]
            except ValueError:
                raise Failure("soft", f"redirects to {_shown(response.location)}, which is no address") from None
            if target in seen:
                raise TooManyRedirects(f"redirects in a circle, to {_shown(target)}")
            if len(seen) > most:
                raise TooManyRedirects(f"redirects more than {most} times, last to {_shown(target)}")
            seen.append(target)

    def _obedient(self, address: str, etag: str | None, last_modified: str | None) -> Response:
        host = place_of(address).key
        # only then: the run that talked to the host before us may have left a fresh robots.txt
        self._paces.hold(host)
        rules = self._robots.rules(host, self._robots_txt)
        rules.check(address)
        return self._paced(
            address, rules.crawl_delay(), lambda: self._fetcher.get(address, etag=etag, last_modified=last_modified)
        )

    def _robots_txt(self, address: str) -> Response:
        def ask(asked: str) -> Response:
            # a host that is redirected to keeps its distance too, where it is known
            wanted = self._robots.crawl_delay(place_of(asked).key)
            return self._paced(asked, wanted, lambda: self._fetcher.get(asked, enough=MAX_BYTES))

        return self._follow(address, ask, ROBOTS_REDIRECTS)

    def _paced(self, address: str, crawl_delay: float | None, get: Callable[[], Response]) -> Response:
        host = place_of(address).key
        delay = max(self._delay, self._capped(host, crawl_delay))
        if self._nameless and not _is_loopback(place_of(address).host):
            self._problems.note(NAMELESS)
        try:
            try:
                with self._paces.turn(host, delay):
                    response = get()
            except Disconnected:
                # a request like any other, so it waits for its turn
                with self._paces.turn(host, delay):
                    response = get()
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
