"""Thousands of real robots.txt files: served, fetched, stored, read back, and decided on as protego decides."""

import re
import socket
import tarfile

import pytest
from protego import Protego

from pipeline.collect.fetch import Fetcher
from pipeline.collect.guard import Guard
from pipeline.collect.robots import MAX_BYTES, RobotsBook, parse
from pipeline.store.hosts import robots_of
from pipeline.store.session import open_session

AGENTS = ("googlebot", "bingbot", "gptbot", "ccbot", "baiduspider", "mediapartners-google", "some-other-bot")
PATHS = (
    "/",
    "/index.html",
    "/robots.txt",
    "/a/b.php?c=d&e",
    "/search?q=x",
    "/%7Euser/",
    "/r\u00e9sum\u00e9",
    "/wp-admin/x",
)


def addresses(host, text):
    """Addresses that a file's own rules name, and some that any site has."""
    named = re.findall(r"(?im)^\s*(?:dis)?allow\s*:\s*([^\s#]+)", text)
    step = max(1, len(named) // 30)
    paths = [path.replace("*", "any").rstrip("$") for path in named[::step]]
    return [host + path for path in (*PATHS, *(path for path in paths if path.startswith("/")))]


def compare(settings, new_site, monkeypatch, shared_data, part):
    site = new_site()
    port = int(site.host_port.partition(":")[2])
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer)
    bodies = {}

    def serve(handler):
        body = bodies[handler.headers["Host"].partition(".")[0]]
        handler.close_connection = False
        handler.send_response(200)
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    site.add("/robots.txt", serve)
    with tarfile.open(next((shared_data / "robots" / "protego").glob("*.tar.gz"))) as archive:
        files = [archive.extractfile(member).read() for member in archive if member.isfile()]
    files = [body for number, body in enumerate(files) if part(number)]
    bodies.update((f"h{number}", body) for number, body in enumerate(files))
    fetcher = Fetcher(settings, Guard(frozenset(f"{name}.example:{port}" for name in bodies)))
    book = RobotsBook(settings)
    decisions = forbidden = 0
    for name, body in bodies.items():
        host = f"http://{name}.example:{port}"
        rules = book.rules(host, lambda address: fetcher.get(address, enough=MAX_BYTES))
        with open_session(settings) as session:
            stored = robots_of(session, host)
        assert stored.status == 200
        text = body[:MAX_BYTES].decode("utf-8", "replace").removeprefix("\ufeff")
        if len(body) > MAX_BYTES:
            text = text[: text.rindex("\n")]
        direct = Protego.parse(text)
        for agent in (rules.agent, *AGENTS):
            ours = rules if agent == rules.agent else parse(stored, agent)
            assert ours.crawl_delay() == direct.crawl_delay(agent)
            for address in addresses(host, text) if agent == rules.agent else addresses(host, text)[:12]:
                expected = direct.can_fetch(address, agent)
                assert ours.parsed.can_fetch(address, agent) == expected, (address, agent)
                decisions += 1
                forbidden += not expected
    fetcher.close()
    assert len(site.asked()) == len(files)
    assert decisions > 50 * len(files)
    assert forbidden > decisions / 10
    return len(files)


def test_a_few_of_the_files(settings, new_site, monkeypatch, shared_data):
    assert compare(settings, new_site, monkeypatch, shared_data, lambda number: number % 40 == 0) > 100


@pytest.mark.long
def test_all_files(settings, new_site, monkeypatch, shared_data):
    assert compare(settings, new_site, monkeypatch, shared_data, lambda _: True) > 4200
