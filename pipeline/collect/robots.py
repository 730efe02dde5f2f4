"""robots.txt, by RFC 9309."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from protego import Protego

from pipeline.collect.failure import Failure, Refused, TooManyRedirects
from pipeline.collect.fetch import Response
from pipeline.settings import Settings
from pipeline.store.hosts import StoredRobots, keep_robots, robots_of
from pipeline.store.session import open_session

MAX_BYTES = 500 * 1024
"""RFC 9309, 2.5: the part that is read"""
KEPT = timedelta(days=1)
"""RFC 9309, 2.4: a copy is good for a day"""
KEPT_UNREACHABLE = timedelta(minutes=10)
MAX_WORK = 300_000
"""rules times the agents they are for: a file that needs more is read no further (4,231 real ones: under 40,000)"""

_ENDS_AGENTS = ("allow:", "disallow:", "crawl-delay:")


def agent_token(agent: str) -> str:
    """The product token of a User-Agent header, which robots.txt speaks to: ``riftwatch/0.1 (+x)`` -> ``riftwatch``."""
    return agent.split("/", maxsplit=1)[0].split(maxsplit=1)[0]


@dataclass(frozen=True)
class Rules:
    """What a host's robots.txt says to us."""

    agent: str
    parsed: Protego | None
    """null: nothing is forbidden"""
    unreachable: str | None = None
    """why robots.txt could not be had, when all is forbidden for that reason"""

    def check(self, address: str) -> None:
        """Raises :class:`Failure` when the address may not be fetched."""
        if self.unreachable is not None:
            raise Failure("temporary", f"robots.txt can't be had ({self.unreachable}), so nothing is fetched for now")
        if self.parsed is not None and not self.parsed.can_fetch(address, self.agent):
            raise Failure("soft", "robots.txt forbids this address")

    def crawl_delay(self) -> float | None:
        """Seconds between two requests that the host asks for; null when it asks for none."""
        delay = self.parsed.crawl_delay(self.agent) if self.parsed is not None else None
        return float(delay) if delay is not None else None


def _unavailable(status: int | None) -> bool:
    """RFC 9309, 2.3.1.3: a 4xx says that there is no robots.txt; but 429 says only "not now"."""
    return status is not None and 400 <= status < 500 and status != 429


def parse(robots: StoredRobots, agent: str, why: str | None = None) -> Rules:
    """The rules of a stored robots.txt. ``why``: what failed when there was no answer, where it is known.

    A file that was had counts, even an old one while the host is down; 4xx: nothing is forbidden; no answer or 5xx:
    everything is, for now. (RFC 9309, 2.3.1.4, would let us take 30 days of that for a permission. We do not.)
    """
    if robots.text is not None:
        return Rules(agent, Protego.parse(_bounded(robots.text)))
    if _unavailable(robots.status):
        return Rules(agent, None)
    return Rules(agent, None, f"HTTP {robots.status}" if robots.status else why or "no usable answer a few minutes ago")


def _bounded(text: str) -> str:
    """As much of a robots.txt as can be parsed in about a second.

    The parser keeps every rule for every agent of its group, so a small file with thousands of both takes minutes.
    """
    lines = text.splitlines()
    work = agents = 0
    ended = False
    for number, line in enumerate(lines):
        words = line.lstrip().lower()
        if words.startswith("user"):
            agents, ended = (1, False) if ended else (agents + 1, False)
            work += agents // 20
        else:
            ended = ended or words.startswith(_ENDS_AGENTS)
            work += agents
        if work > MAX_WORK:
            return "\n".join(lines[:number])
    return text


def sitemaps(body: bytes) -> list[str]:
    """The sitemaps that a robots.txt names, each once, as they stand there.

    Only these lines are parsed: what the others take is not bounded.
    """
    lines = [line for line in _text(body).splitlines() if line.lstrip().lower().startswith("site")]
    return list(dict.fromkeys(line.strip() for line in Protego.parse("\n".join(lines)).sitemaps if line.strip()))


def _text(body: bytes) -> str:
    if len(body) > MAX_BYTES:
        # up to the last whole line: half a rule would forbid more than was meant
        body = body[:MAX_BYTES]
        body = body[: body.rfind(b"\n") + 1] or body
    # PostgreSQL can't store NUL; no rule needs one
    return body.decode("utf-8", "replace").removeprefix("\ufeff").replace("\x00", "")


class RobotsBook:
    """The rules of every host of one run; kept in the database between runs. Threads share it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._agent = agent_token(settings.agent)
        self._rules: dict[str, Rules] = {}
        self._why: dict[str, str] = {}
        """what failed, of hosts that gave no answer"""
        self._locks: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def rules(self, host: str, get: Callable[[str], Response]) -> Rules:
        """The rules of ``host``; ``get`` fetches robots.txt (:data:`MAX_BYTES` suffice) where no fresh copy is known.

        :class:`NotNow` and :class:`Refused` of ``get`` pass through.
        """
        with self._lock:
            lock = self._locks.setdefault(host, threading.Lock())
        with lock:
            if host not in self._rules:
                self._rules[host] = parse(self._stored(host, get), self._agent, self._why.get(host))
            return self._rules[host]

    def crawl_delay(self, host: str) -> float | None:
        """What is known of the distance ``host`` asks for, without asking it: an old copy is better than none."""
        if host not in self._rules:
            with open_session(self._settings) as session:
                kept = robots_of(session, host)
            return parse(kept, self._agent).crawl_delay() if kept is not None else None
        return self._rules[host].crawl_delay()

    def _stored(self, host: str, get: Callable[[str], Response]) -> StoredRobots:
        now = datetime.now(UTC)
        with open_session(self._settings) as session:
            kept = robots_of(session, host)
        settled = kept is not None and (kept.text is not None or _unavailable(kept.status))
        if kept is not None and now - kept.fetched_at < (KEPT if settled else KEPT_UNREACHABLE):
            return kept
        try:
            response = get(f"{host}/robots.txt")
            fresh = StoredRobots(_text(response.body), response.status, now)
        except Refused:
            raise  # the page is refused for the same reason
        except TooManyRedirects:
            fresh = StoredRobots(None, 404, now)  # RFC 9309, 2.3.1.2: as if there were none
        except Failure as failure:
            status = failure.status
            if kept is not None and kept.text is not None and not _unavailable(status):
                return kept
            fresh = StoredRobots(None, status, now)
            self._why[host] = failure.reason
        with open_session(self._settings) as session:
            keep_robots(session, host, fresh)
        return fresh
