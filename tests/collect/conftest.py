"""A real web site on loopback, and monitors that watch it."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from pipeline.collect import readers
from pipeline.monitor import Monitor

Body = bytes | str | Callable[[BaseHTTPRequestHandler], None]
Answer = tuple[int, dict[str, str], Body]


def extraction_workers(count: int = 2) -> set[int]:
    """Process ids of the pool of this size; it outlives the test."""
    return {worker._process.pid for worker in readers._pool(count)._workers}


@dataclass
class Site:
    """Serves ``pages`` (path -> status, headers, body) and remembers who asked for what, and when.

    A body may be a function: it is given the handler and writes the whole answer itself.
    """

    host_port: str
    pages: dict[str, Answer] = field(default_factory=dict)
    requests: list[tuple[float, str]] = field(default_factory=list)
    """(time of arrival, path with query)"""
    agents: set[str] = field(default_factory=set)

    @property
    def address(self) -> str:
        return f"http://{self.host_port}"

    def add(self, path: str, body: Body, *, status: int = 200, type: str = "text/html", **headers: str) -> str:
        named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        self.pages[path] = (status, {"content-type": type, **named}, body)
        return self.address + path

    def article(self, path: str, words: str, **more: Any) -> str:
        """A page that extraction can make a text of."""
        return self.add(path, article(words), **more)

    def asked(self, prefix: str = "/") -> list[str]:
        return [path for _, path in self.requests if path.startswith(prefix)]

    def gaps(self) -> list[float]:
        """Seconds between the arrivals of one request and the next."""
        times = sorted(when for when, _ in self.requests)
        return [b - a for a, b in itertools.pairwise(times)]


def article(words: str, date: str = "2009-10-05") -> str:
    paragraphs = "".join(
        f"<p>{words} This is paragraph number {i} of the statement about {words}.</p>" for i in range(5)
    )
    return (
        f'<html lang="en"><head><title>About {words}</title>'
        f'<meta property="article:published_time" content="{date}T08:00:00+00:00"></head>'
        f"<body><article><h1>About {words}</h1>{paragraphs}</article></body></html>"
    )


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: Site

    def do_GET(self) -> None:
        self.site.requests.append((time.time(), self.path))
        self.site.agents.add(self.headers["User-Agent"])
        status, headers, body = self.site.pages.get(self.path, (404, {"content-type": "text/plain"}, "not here"))
        if callable(body):
            self.close_connection = True
            body(self)
            return
        data = body.encode() if isinstance(body, str) else body
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if "content-length" not in {name.lower() for name in headers}:
            self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        pass  # a client that turned away is what some tests are about


@pytest.fixture
def new_site() -> Iterator[Callable[[], Site]]:
    """Starts sites, each on a port of its own."""
    servers: list[ThreadingHTTPServer] = []

    def start() -> Site:
        handler = type("Handler", (_Handler,), {})
        server = _Server(("127.0.0.1", 0), handler)
        site = Site(f"127.0.0.1:{server.server_address[1]}")
        handler.site = site
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        servers.append(server)
        return site

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def site(new_site: Callable[[], Site]) -> Site:
    return new_site()


@pytest.fixture
def watch() -> Callable[..., Monitor]:
    """Makes a monitor of one source. ``sites`` are allowed; other keywords are the source's fields."""

    def make(*sites: Site, allowed: list[str] | None = None, id: str = "letters", **fields: Any) -> Monitor:
        source = {"id": id, "group": "home", "speaker": "own", **fields}
        return Monitor.model_validate(
            {
                "name": "test",
                "title": "Test",
                "groups": [{"id": "home", "name": "Home"}, {"id": "abroad", "name": "Abroad"}],
                "sources": [source],
                "allowed_addresses": [s.host_port for s in sites] if allowed is None else allowed,
            }
        )

    return make


def rss(site: Site, links: list[str], **more: str) -> str:
    items = "".join(
        f"<item><title>Letter {i}</title><link>{link}</link><pubDate>Mon, 05 Oct 2009 0{i % 10}:00:00 GMT</pubDate>"
        f"{more.get('inside', '')}</item>"
        for i, link in enumerate(links)
    )
    return f'<?xml version="1.0"?><rss version="2.0"><channel><title>Letters</title>{items}</channel></rss>'


@pytest.fixture
def feed_of() -> Callable[..., str]:
    """An RSS feed with these links."""
    return rss
