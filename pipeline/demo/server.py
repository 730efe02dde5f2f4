"""Serves the demo world on loopback, one port per site."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

from pipeline.demo.sites import Answer, SitePages
from pipeline.demo.world import BASE_PORT, DEMO_FOLDER, SITES, load_comments, load_posts, load_truth

HOST = "127.0.0.1"


class PortInUseError(OSError):
    """A port of the demo world is taken; says which and what to do."""


def _handler(pages: SitePages, log: list[str]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _send(self, with_body: bool) -> None:
            parts = urlsplit(self.path)
            answer: Answer = pages.answer(parts.path, parts.query)
            log.append(self.path)
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.send_header("Content-Length", str(len(answer.body)))
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if with_body:
                self.wfile.write(answer.body)

        def do_GET(self) -> None:
            self._send(with_body=True)

        def do_HEAD(self) -> None:
            self._send(with_body=False)

        def handle(self) -> None:
            # a client that goes away is no fault of ours
            with suppress(ConnectionError):
                super().handle()

        def log_message(self, format: str, *args: object) -> None:
            """Quiet: the log list is enough."""

    return Handler


@dataclass
class DemoServer:
    """The running world."""

    addresses: dict[str, str]
    """site name -> http://host:port"""
    requests: dict[str, list[str]]
    """site name -> paths that were asked for"""


@contextmanager
def serve(base_port: int = BASE_PORT, folder: Path = DEMO_FOLDER) -> Iterator[DemoServer]:
    """Serve all sites at ``base_port`` and the ports after it, until the block ends.

    Raises :class:`PortInUseError` when one of the ports is taken.
    """
    posts = load_posts(folder)
    framings = {row.id: row for row in load_truth(folder)}
    comments = load_comments(folder)
    running = DemoServer(addresses={}, requests={})
    with ExitStack() as stack:
        for i, site in enumerate(SITES):
            port = base_port + i
            address = f"http://{HOST}:{port}"
            pages = SitePages(site, [p for p in posts if p.site == site.name], address, framings, comments)
            running.addresses[site.name] = address
            running.requests[site.name] = []
            try:
                server = ThreadingHTTPServer((HOST, port), _handler(pages, running.requests[site.name]))
            except OSError as error:
                raise PortInUseError(
                    f"port {port} for the demo site {site.name} is in use; stop what listens there "
                    "(another `make run`?) and start again"
                ) from error
            stack.callback(server.server_close)
            thread = threading.Thread(target=server.serve_forever, daemon=True, name=f"demo-{site.name}")
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.shutdown)
        yield running
