"""Servers that attack, really: each is left in bounded time and memory, with a reason in words, and the run goes on."""

from __future__ import annotations

import gzip
import re
import socket
import ssl
import struct
import subprocess
import threading
import time
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import count

import psutil
import pytest
from sqlalchemy import select

from pipeline.collect import archive
from pipeline.collect.failure import Failure
from pipeline.collect.fetch import Fetcher
from pipeline.collect.guard import LOOKUP_SECONDS, Guard
from pipeline.collect.job import collect
from pipeline.store.session import open_session
from pipeline.store.tables import Capture, Document, Frontier

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
SECONDS = 0.7
"""time for one response"""
LIMIT = 1_000_000
"""bytes of a body"""


def sends(*parts: bytes, again: bytes = b"", pause: float = 0.0) -> Callable[..., None]:
    """Writes ``parts``, then ``again`` for ever, with a pause between."""

    def answer(handler):
        with suppress(OSError):
            for part in parts:
                handler.wfile.write(part)
            while again:
                handler.wfile.write(again)
                time.sleep(pause)

    return answer


def trickles(data: bytes) -> Callable[..., None]:
    def answer(handler):
        with suppress(OSError):
            for byte in data:
                handler.wfile.write(bytes([byte]))
                time.sleep(0.02)

    return answer


def says_nothing(handler):
    time.sleep(SECONDS * 2)


def resets(handler):
    handler.wfile.write(HEAD + b"Content-Length: 1000\r\n\r\nsome words")
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()


def packed(encoding: bytes, body: bytes) -> Callable[..., None]:
    return sends(HEAD + b"Content-Encoding: %b\r\nContent-Length: %d\r\n\r\n" % (encoding, len(body)), body)


ZEROS = bytes(50_000_000)
SLOW = "no full response within"
LONG = r"body is longer than 1,000,000 bytes|bytes came over the wire"
NO_HTTP = "does not speak HTTP"
BOMB = "grows by more than|body is longer than"
ATTACKS = {
    "header byte by byte": (trickles(HEAD + b"X-Long: " + b"x" * 1000), SLOW),
    "body byte by byte": (trickles(HEAD + b"Content-Length: 1000\r\n\r\n" + b"x" * 999), SLOW),
    "silence": (says_nothing, SLOW),
    "a byte now and then": (sends(HEAD + b"\r\n", again=b"x", pause=0.1), SLOW),
    "ten thousand headers": (
        sends(HEAD, *(b"X-%d: yes and yes and yes\r\n" % i for i in range(10_000)), b"\r\n"),
        NO_HTTP,
    ),
    "header of 10 MB": (sends(HEAD + b"X-Long: ", b"x" * 10_000_000, b"\r\n\r\n"), NO_HTTP),
    "endless headers": (sends(HEAD, again=b"X-Again: and again\r\n" * 100), NO_HTTP),
    "endless interim responses": (sends(again=b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" * 100), f"{LONG}|{SLOW}"),
    "chunks of one byte": (
        sends(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", again=(b"1;" + b"x" * 3000 + b"\r\na\r\n") * 10),
        f"{LONG}|{SLOW}",
    ),
    "endless trailer": (
        sends(HEAD + b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\n", again=b"X-Again: and again\r\n" * 100),
        NO_HTTP,
    ),
    "announced as too long": (sends(HEAD + b"Content-Length: 9999999999\r\n\r\n"), LONG),
    "endless": (sends(HEAD + b"\r\n", again=b"x" * 10_000), LONG),
    "endless chunks": (
        sends(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", again=b"2710\r\n" + b"x" * 10_000 + b"\r\n"),
        LONG,
    ),
    "malformed chunks": (sends(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\nwords\r\n0\r\n\r\n"), NO_HTTP),
    "chunks without an end": (sends(HEAD + b"Transfer-Encoding: chunked\r\n\r\n5\r\nwords\r\n"), NO_HTTP),
    "shorter than announced": (sends(HEAD + b"Content-Length: 100\r\n\r\nsome words"), NO_HTTP),
    "longer than announced": (
        sends(HEAD + b"Content-Length: 10\r\n\r\nsome words and the rest of the sentence"),
        "longer than the server announced",
    ),
    "two lengths": (sends(HEAD + b"Content-Length: 10\r\nContent-Length: 20\r\n\r\nsome words"), NO_HTTP),
    "negative length": (sends(HEAD + b"Content-Length: -10\r\n\r\nsome words"), NO_HTTP),
    "HTTP/0.9": (sends(b"<html><body>some words</body></html>"), NO_HTTP),
    "noise": (sends(bytes(range(256)) * 100), NO_HTTP),
    "closed at once": (sends(), f"{NO_HTTP}|no connection"),
    "reset in the middle": (resets, "no connection"),
    "gzip bomb": (packed(b"gzip", gzip.compress(ZEROS)), BOMB),
    "deflate bomb": (packed(b"deflate", zlib.compress(ZEROS)), BOMB),
    "bomb in many members": (packed(b"gzip", gzip.compress(bytes(200_000)) * 500), BOMB),
    "bomb in a bomb": (packed(b"gzip, gzip", gzip.compress(gzip.compress(ZEROS))), "not asked for"),
    "Brotli unasked": (packed(b"br", b"whatever"), "not asked for"),
    "Zstandard unasked": (packed(b"zstd", b"whatever"), "not asked for"),
    "half a gzip": (packed(b"gzip", gzip.compress(b"some words " * 100)[:-9]), "ended early"),
    "NUL in Location": (sends(b"HTTP/1.1 302 x\r\nLocation: /a\0b\r\nContent-Length: 0\r\n\r\n"), NO_HTTP),
    "line break in Location": (
        sends(b"HTTP/1.1 302 x\r\nLocation: /a\rHost: evil\r\nContent-Length: 0\r\n\r\n"),
        f"{NO_HTTP}|HTTP 404",
    ),
    "Location without sense": (
        sends(b"HTTP/1.1 302 x\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n"),
        "which is no address",
    ),
    "Location of 60 kB": (
        sends(b"HTTP/1.1 302 x\r\nLocation: /" + b"a" * 60_000 + b"\r\nContent-Length: 0\r\n\r\n"),
        "redirects to",
    ),
}  # fmt: skip


@pytest.fixture
def small(settings):
    return settings.model_copy(update={"request_seconds": SECONDS, "max_body_bytes": LIMIT, "max_inflation": 100.0})


@contextmanager
def memory_within(megabytes: float) -> Iterator[None]:
    """Memory of this process may not rise by more."""
    process, done = psutil.Process(), threading.Event()
    before = process.memory_info().rss
    highest = [before]

    def look() -> None:
        while not done.wait(0.01):
            highest.append(max(highest.pop(), process.memory_info().rss))

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()
    assert highest[0] - before < megabytes * 1e6


def rows(settings, model):
    with open_session(settings) as session:
        return list(session.scalars(select(model)))


def test_a_run_survives_every_attack_and_gets_what_lies_between(small, site, watch, feed_of):
    links = {}
    for number, (name, (answer, _)) in enumerate(ATTACKS.items()):
        links[name] = site.add(f"/attack/{number}", answer)
        links[f"behind {name}"] = site.article(f"/good/{number}", f"matter number {number} of {number * 37}")
    site.add("/feed", feed_of(site, list(links.values())), type="text/xml")
    began = time.monotonic()
    with memory_within(120):
        report = collect(small, watch(site, kind="feed", addresses=[site.address + "/feed"]), "letters")
    assert time.monotonic() - began < 60
    assert report.new == len(ATTACKS)
    assert {d.address for d in rows(small, Document)} == {a for name, a in links.items() if name.startswith("behind")}
    told = {row.address: row.reason for row in rows(small, Frontier)}
    wrong = {
        name: told[links[name]] for name, (_, reason) in ATTACKS.items() if not re.search(reason, told[links[name]])
    }
    assert wrong == {}
    assert all(len(reason) < 600 and reason.isprintable() for reason in told.values() if reason)


def test_what_is_named_a_page_and_is_none_lies_in_quarantine_with_its_bytes(small, site, watch, feed_of):
    bodies = {
        "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<</Type/Catalog>>\nendobj\n" + bytes(range(256)) * 20,
        "png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(range(256)) * 20,
        "jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF\0" + bytes(range(256)) * 20,
        "zip": b"PK\x03\x04\x14\0\0\0\x08\0" + bytes(range(256)) * 20,
        "elf": b"\x7fELF\x02\x01\x01" + bytes(range(256)) * 20,
    }
    links = [site.add(f"/{name}.html", body) for name, body in bodies.items()]
    links.append(site.article("/good", "what is a page"))
    site.add("/feed", feed_of(site, links), type="text/xml")
    report = collect(small, watch(site, kind="feed", addresses=[site.address + "/feed"]), "letters")
    assert report.new == 1
    kept = {c.address: c for c in rows(small, Capture)}
    for name, body in bodies.items():
        capture = kept[f"{site.address}/{name}.html"]
        assert capture.problem
        assert archive.read(small.archive, capture.warc_file, capture.warc_offset).body == body


LAUGHS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
BOMBS = {
    "billion laughs": f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]>',
    "quadratic blow-up": f'<!DOCTYPE x [<!ENTITY l9 "{"ha" * 50_000}">]>',
    "external entity": '<!DOCTYPE x [<!ENTITY l9 SYSTEM "{site}/evil.txt">]>',
    "file": '<!DOCTYPE x [<!ENTITY l9 SYSTEM "file:///etc/hostname">]>',
    "external DTD": '<!DOCTYPE x SYSTEM "{site}/evil.dtd" [<!ENTITY l9 "ha">]>',
    "parameter entity": '<!DOCTYPE x [<!ENTITY % p SYSTEM "{site}/evil.dtd"> %p; <!ENTITY l9 "ha">]>',
}


@pytest.mark.parametrize("kind", ["feed", "sitemap"])
@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS.keys())
def test_xml_bombs_and_external_entities_do_nothing(small, site, watch, kind, bomb):
    head = '<?xml version="1.0"?>' + bomb.replace("{site}", site.address)
    good = site.article("/good", "what lies beside the bomb")
    many = "&l9;" * (1000 if "hahaha" in bomb else 1)
    if kind == "feed":
        inside = f"<item><title>{many}</title><link>{good}</link></item><item><link>{good}?{many[:4]}</link></item>"
        body = f'{head}<rss version="2.0"><channel><title>{many}</title>{inside}</channel></rss>'
    else:
        body = (
            f'{head}<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>{good}</loc></url>'
            f"<url><loc>{site.address}/{many}</loc></url></urlset>"
        )
    site.add("/evil.dtd", '<!ENTITY l9 "fetched">')
    site.add("/evil.txt", "fetched")
    site.add("/bomb.xml", body, type="text/xml")
    began = time.monotonic()
    with memory_within(150):
        collect(small, watch(site, kind=kind, addresses=[site.address + "/bomb.xml"]), "letters")
    assert time.monotonic() - began < 10
    assert not site.asked("/evil")
    with open("/etc/hostname") as file:
        own = file.read().strip()
    assert all(own not in f"{row.address} {row.hints}" or not own for row in rows(small, Frontier))
    assert "fetched" not in " ".join(f"{row.address} {row.hints}" for row in rows(small, Frontier))


@pytest.fixture
def tcp() -> Iterator[Callable[..., int]]:
    """Starts servers that do one thing with every connection; gives their port."""
    servers = []

    def start(answer: Callable[[socket.socket], None]) -> int:
        server = socket.create_server(("127.0.0.1", 0))
        servers.append(server)

        def serve() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    threading.Thread(target=one, args=(connection,), daemon=True).start()

        def one(connection: socket.socket) -> None:
            with suppress(OSError), connection:
                answer(connection)

        threading.Thread(target=serve, daemon=True).start()
        return server.getsockname()[1]

    yield start
    for server in servers:
        server.shutdown(socket.SHUT_RDWR)
        server.close()


def fails(settings, address, word, *, host_port=None):
    fetcher = Fetcher(settings, Guard(frozenset({host_port or address.split("/")[2]})))
    began = time.monotonic()
    with pytest.raises(Failure, match=word) as caught:
        fetcher.get(address)
    fetcher.close()
    assert time.monotonic() - began < SECONDS + 1
    assert caught.value.kind == "temporary"


def test_a_tls_handshake_that_hangs_or_trickles_is_given_up(small, tcp):
    def trickle(connection):
        connection.recv(10_000)
        # a handshake record that is announced as long, and comes byte by byte
        for byte in b"\x16\x03\x03\x40\x00\x02\x00\x3f\xfc" + bytes(1000):
            connection.sendall(bytes([byte]))
            time.sleep(0.05)

    fails(small, f"https://127.0.0.1:{tcp(lambda connection: time.sleep(3))}/", SLOW)
    fails(small, f"https://127.0.0.1:{tcp(trickle)}/", SLOW)


def test_noise_instead_of_tls_and_silence_after_the_connection(small, tcp):
    port = tcp(lambda connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    fails(small, f"https://127.0.0.1:{port}/", "no secure connection")
    fails(small, f"http://127.0.0.1:{tcp(lambda connection: time.sleep(3))}/", SLOW)


def test_a_certificate_that_nobody_signed_is_not_trusted(small, tcp, tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    request = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=127.0.0.1"]
    subprocess.run([*request, "-keyout", str(key), "-out", str(certificate)], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    got = []

    def answer(connection):
        with context.wrap_socket(connection, server_side=True) as secure:
            got.append(secure.recv(1000))

    fails(
        small, f"https://127.0.0.1:{tcp(answer)}/", r"no secure connection \(the certificate is not valid: self.signed"
    )
    assert got == []


def test_a_resolver_that_hangs_holds_nobody(small, site, watch, feed_of, monkeypatch):
    real, hang = socket.getaddrinfo, threading.Event()

    def resolve(host, *more, **named):
        if host == "hangs.example":
            hang.wait(30)
        return real(host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    links = ["http://hangs.example/a", site.article("/good", "what lies beside")]
    site.add("/feed", feed_of(site, links), type="text/xml")
    began = time.monotonic()
    report = collect(small, watch(site, kind="feed", addresses=[site.address + "/feed"]), "letters")
    took = time.monotonic() - began
    hang.set()
    assert report.new == 1
    assert took < min(LOOKUP_SECONDS, SECONDS) * 3 + 3


def test_a_name_that_turns_private_between_two_questions_gains_nothing(small, site, monkeypatch):
    """Rebinding, in both families: the connection goes to what was checked."""
    port = int(site.host_port.partition(":")[2])
    for family, public, private in (
        (socket.AF_INET, "93.184.216.34", "127.0.0.1"),
        (socket.AF_INET6, "2606:2800:220:1::1", "::1"),
    ):
        asked, connected = count(), []

        def resolve(host, *_, family=family, asked=asked, public=public, private=private, **__):
            return [(family, socket.SOCK_STREAM, 6, "", ((public, private)[next(asked) % 2], port))]

        def connect(address, *_, connected=connected, **__):
            connected.append(address[0])
            raise OSError("no network in tests")

        monkeypatch.setattr(socket, "getaddrinfo", resolve)
        monkeypatch.setattr(socket, "create_connection", connect)
        fetcher = Fetcher(small, Guard())
        for reason in ("no connection", f"leads to {private}, which is no public address") * 2:
            with pytest.raises(Failure, match=reason):
                fetcher.get(f"http://rebind.example:{port}/")
        fetcher.close()
        assert connected == [public] * 2
    assert site.requests == []
