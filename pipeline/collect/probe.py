"""Asking one place of a source, a step at a time: name, connection, certificate, robots.txt, answer, links.

A few polite requests at most: the same leases, pace and robots.txt as a run. Nothing of the answers is stored; what is
known of the host (its robots.txt, its pace) is, as after every visit.
"""

from __future__ import annotations

import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from protego import Protego

from pipeline.collect.failure import Failure, NotNow
from pipeline.collect.fetch import Fetcher, Response
from pipeline.collect.guard import Guard, Place, place_of
from pipeline.collect.kinds import DISCOVER
from pipeline.collect.kinds.events import Event, Links, Scene, Trouble
from pipeline.collect.pace import Paces
from pipeline.collect.problems import Problems
from pipeline.collect.robots import RobotsBook, agent_token
from pipeline.collect.steps import Step, many
from pipeline.collect.visit import Visitor
from pipeline.monitor import Monitor
from pipeline.monitor.sources import FeedSource, ListingSource, SitemapSource, WaybackSource
from pipeline.settings import Settings
from pipeline.store.hosts import robots_of
from pipeline.store.places import PlaceState
from pipeline.store.session import open_session

WebSource = FeedSource | SitemapSource | ListingSource | WaybackSource

MOST_REQUESTS = 4
"""pages of the place; robots.txt comes on top"""
MOST_SECONDS = 60.0
CONNECT_SECONDS = 10.0
EXPIRES_SOON_DAYS = 14
NAMES = ("name", "connection", "certificate", "robots.txt", "answer", "links")


class _EnoughError(Exception):
    """So many requests are enough to tell."""


def not_reached(names: Sequence[str]) -> list[Step]:
    """Steps behind one that failed."""
    return [Step(name, "not reached", "An earlier step ended the way.") for name in names]


def asked_address(source: WebSource, place: str) -> str:
    """The address whose host is asked for a place: an archive answers for the addresses it holds."""
    return str(source.cdx) if isinstance(source, WaybackSource) else place


def probe(settings: Settings, monitor: Monitor, source: WebSource, place: str) -> list[Step]:
    """The steps from the name of the host to the links of the place, each with what to do about trouble."""
    address = asked_address(source, place)
    guard = Guard(frozenset(host.lower() for host in monitor.allowed_addresses))
    steps: list[Step] = []
    try:
        host = place_of(address)
    except Failure as failure:
        return [Step("name", "trouble", f"{address}: {failure.reason}.", "Mend the address."), *not_reached(NAMES[1:])]
    if settings.proxy is not None:
        said = "RIFTWATCH_PROXY is set: the proxy looks names up and connects."
        steps += [Step(name, "ok", said) for name in NAMES[:2]]
        steps.append(Step("certificate", "not reached", said))
    else:
        for step in _connected(guard, host):
            steps.append(step)
            if step.outcome == "trouble":
                return [*steps, *not_reached(NAMES[len(steps) :])]
    for step in _visited(settings, guard, source, place, host):
        steps.append(step)
    return [*steps, *not_reached(NAMES[len(steps) :])]


def _connected(guard: Guard, host: Place) -> Iterator[Step]:
    try:
        ips = guard.resolve(host.host, host.port)
    except Failure as failure:
        mend = "Is the name spelt right, does it still exist, and has this machine a resolver?"
        if failure.kind == "hard":
            mend = f"For a test server add {host.host_port} to allowed_addresses; any other must not be fetched."
        yield Step("name", "trouble", f"{failure.reason}.", mend)
        return
    yield Step("name", "ok", f"{host.host} is {', '.join(ips[:4])}.")
    try:
        connection = socket.create_connection((ips[0], host.port), CONNECT_SECONDS)
    except OSError as error:
        mend = "The server is down, or a firewall on the way drops us; try again later and from elsewhere."
        yield Step("connection", "trouble", f"No connection to {ips[0]} port {host.port} ({error}).", mend)
        return
    with connection:
        yield Step("connection", "ok", f"Port {host.port} of {ips[0]} answers.")
        yield _certificate(connection, host)


def _certificate(connection: socket.socket, host: Place) -> Step:
    name = "certificate"
    if host.scheme == "http":
        return Step(name, "ok", "Not encrypted (http): there is none.")
    context = ssl.create_default_context()
    try:
        with context.wrap_socket(connection, server_hostname=host.host) as secure:
            shown = secure.getpeercert() or {}
    except ssl.SSLCertVerificationError as error:
        mend = "Only the site can mend it. Where it speaks http too, name that address."
        return Step(name, "trouble", f"The certificate is not valid: {error.verify_message}.", mend)
    except (OSError, ssl.SSLError) as error:
        return Step(name, "trouble", f"No secure connection ({error}).", "Is the port the right one for https?")
    return _valid_certificate(shown, datetime.now(UTC))


def _valid_certificate(shown: Mapping[str, Any], now: datetime) -> Step:
    subject = {str(key): str(value) for part in shown.get("subject", ()) for key, value in part}
    ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(shown["notAfter"])), UTC)
    said = f"Valid for {subject.get('commonName', 'this name')} until {ends:%Y-%m-%d}."
    if (ends - now).days < EXPIRES_SOON_DAYS:
        said += " It ends soon: then nothing is fetched any more."
    return Step("certificate", "ok", said)


@dataclass
class _Reader:
    """Visits for one place, counted; a page that was had is not asked for again."""

    visitor: Visitor
    had: dict[str, Response]

    def get(self, address: str) -> Response:
        if address not in self.had:
            if len(self.had) >= MOST_REQUESTS:
                raise _EnoughError
            self.had[address] = self.visitor.get(address)
        return self.had[address]

    def ask(self, place: str, *, anew: bool = False) -> Response | None:
        return self.get(place)


@contextmanager
def _reader(settings: Settings, guard: Guard, source: WebSource) -> Iterator[_Reader]:
    stop = threading.Event()
    fetcher = Fetcher(settings, guard)
    paces = Paces(settings, deadline=time.time() + min(MOST_SECONDS, settings.run_seconds), stop=stop)
    visitor = Visitor(settings, fetcher, RobotsBook(settings), paces, Problems(), delay=source.delay)
    try:
        yield _Reader(visitor, {})
    finally:
        stop.set()
        fetcher.close()
        paces.close()


def _visited(settings: Settings, guard: Guard, source: WebSource, place: str, host: Place) -> Iterator[Step]:
    with _reader(settings, guard, source) as reader:
        events: list[Event] = []
        failure: Failure | None = None
        wait: NotNow | None = None
        try:
            events += _events(settings, source, place, reader)
        except Failure as error:
            failure = error
        except NotNow as error:
            wait = error
        yield _robots_step(settings, host, asked_address(source, place), failure)
        if wait is not None:
            yield Step("answer", "trouble", f"Not asked: {wait.reason}.", "Wait until then, and ask again.")
            return
        if failure is not None:
            if "robots.txt" not in failure.reason:
                yield Step("answer", "trouble", f"{place}: {failure.reason}.", _mend_of(failure))
            return
        yield _answer_step(source, reader)
        plain = source.model_copy(update={"include": None, "exclude": None})
        everything = _links(_events(settings, plain, place, reader))
        yield _links_step(source, _links(events), everything, events)


def _events(settings: Settings, source: WebSource, place: str, reader: _Reader) -> list[Event]:
    """What the kind finds with the requests it may make. Raises Failure or NotNow when it finds nothing."""
    scene = Scene(settings, reader.get, reader.ask, lambda _: set(), PlaceState)
    events: list[Event] = []
    try:
        for event in DISCOVER[source.kind](source, place, scene):
            events.append(event)
    except _EnoughError:
        pass
    except (Failure, NotNow):
        if not any(isinstance(event, Links) and event.found for event in events):
            raise
    return events


def _links(events: Sequence[Event]) -> set[str]:
    return {one.address for event in events if isinstance(event, Links) for one in event.found}


def deciding_line(text: str, address: str, agent: str) -> str | None:
    """The line of a robots.txt that forbids an address; null when none does by itself."""
    lines = text.splitlines()
    rules = [i for i, line in enumerate(lines) if line.strip().lower().startswith("disallow")]
    for number in rules[:1000]:
        alone = "\n".join(line for i, line in enumerate(lines) if i == number or i not in rules)
        if not Protego.parse(alone).can_fetch(address, agent):
            return f"line {number + 1}, {lines[number].strip()!r}"
    return None


def _robots_step(settings: Settings, host: Place, address: str, failure: Failure | None) -> Step:
    name = "robots.txt"
    with open_session(settings) as session:
        kept = robots_of(session, host.key)
    if failure is not None and "robots.txt forbids" in failure.reason:
        line = deciding_line(kept.text, address, agent_token(settings.agent)) if kept and kept.text else None
        said = f"It forbids {address}" + (f" ({line})" if line else f" ({failure.reason})")
        return Step(name, "trouble", f"{said}.", "Ask the site for leave, or use a place that it allows.")
    if failure is not None and "robots.txt" in failure.reason:
        mend = "Nothing is fetched while it can't be had; it is asked for again by itself."
        return Step(name, "trouble", f"{failure.reason}.", mend)
    if kept is None:
        return Step(name, "not reached", "It was not asked for.")
    if kept.text is None:
        return Step(name, "ok", f"There is none (HTTP {kept.status}): nothing is forbidden.")
    return Step(name, "ok", f"It allows the place (as of {kept.fetched_at:%Y-%m-%d %H:%M} UTC).")


def _mend_of(failure: Failure) -> str:
    mends = {
        401: "It wants a password: it is no public page.",
        403: "The site refuses this collector; ask it for leave.",
        404: "It has moved or is gone: look on the site for the new address, and write it into the monitor's file.",
        410: "It is gone for good: look on the site for a new address, or take it out of the monitor's file.",
        429: "The site asks for more patience: set a longer delay, or a rarer schedule.",
    }
    if failure.status in mends:
        return mends[failure.status]
    if failure.kind == "temporary":
        return "The other side is busy or down; it is tried again by itself, ever more slowly."
    return "Open the address in a browser."


def _answer_step(source: WebSource, reader: _Reader) -> Step:
    asked, response = next(iter(reader.had.items()), (None, None))
    if response is None or asked is None:
        return Step("answer", "not reached", "Nothing was asked.")
    said = f"HTTP {response.status}, {response.content_type or 'no type'}, {len(response.body):,} bytes"
    if response.address != asked:
        said += f"; {asked} redirects to {response.address}"
    return Step("answer", "ok", f"{said}.")


_NOTHING = {
    "feed": "Open the feed in a browser: it may be empty, or have moved.",
    "sitemap": "Open the sitemap in a browser: it may be empty, or have moved.",
    "listing": "Try link_selector in a browser's console, or with `riftwatch source try`.",
    "wayback": "Look the address up on the archive's own pages; try match: prefix or host, and other days.",
}


def _links_step(source: WebSource, found: set[str], everything: set[str], events: Sequence[Event]) -> Step:
    name = "links"
    troubles = [event for event in events if isinstance(event, Trouble) and event.failed]
    said = many(len(found), "address", "addresses") + " found"
    if left := len(everything - found):
        said += f", {left:,} left out by include and exclude (such as {min(everything - found)})"
    if troubles:
        said += f"; {troubles[0].place}: {troubles[0].reason}"
        if len(troubles) > 1:
            said += f" (and {len(troubles) - 1:,} more)"
    if found:
        return Step(name, "ok", f"{said}.")
    if left:
        mend = "The patterns let none of its addresses in: mend include and exclude in the monitor's file."
        return Step(name, "trouble", f"{said}.", mend)
    return Step(name, "trouble", f"{said}.", _NOTHING.get(source.kind, "Open the place in a browser."))
