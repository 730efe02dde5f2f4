"""Against a server that really does it."""

import gzip
import time
import zlib
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.collect.failure import DAY, Failure
from pipeline.collect.fetch import Disconnected, Fetcher, retry_after
from pipeline.collect.guard import Guard


@pytest.fixture(params=[5.0])
def get(request, settings, site):
    """Fetches a path of the site under small limits."""
    limits = {"request_seconds": request.param, "max_body_bytes": 300_000, "max_inflation": 50.0}
    fetcher = Fetcher(settings.model_copy(update=limits), Guard(frozenset({site.host_port})))
    yield lambda path, **conditions: fetcher.get(site.address + path, **conditions)
    fetcher.close()


in_a_second = pytest.mark.parametrize("get", [1.0], indirect=True)
"""for what does not answer: others may take longer on a busy machine"""


def test_a_response_says_what_came_and_how(get, site):
    site.add("/a", "hello", X_Thing="yes")
    response = get("/a")
    assert (response.status, response.body, response.raw) == (200, b"hello", b"hello")
    assert response.address == site.address + "/a"
    assert response.content_type == "text/html"
    assert response.headers["x-thing"] == "yes"
    assert 0 < response.elapsed < 5
    assert abs(response.fetched_at - datetime.now(UTC)) < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("x-gzip", lambda body: gzip.compress(body[:50]) + gzip.compress(body[50:])),
        ("gzip", lambda body: gzip.compress(body) + b"\0\0\0padding"),
        ("deflate", zlib.compress),
        ("deflate", lambda body: zlib.compress(body, wbits=-15)),
        ("identity", lambda body: body),
    ],
)
def test_packed_bodies_are_unpacked_and_kept_as_they_came(get, site, encoding, pack):
    body = b"".join(b"word %d " % i for i in range(500))
    site.add("/packed", pack(body), Content_Encoding=encoding)
    response = get("/packed")
    assert response.body == body
    assert response.raw == pack(body)


def test_a_contact_may_be_written_in_any_script(settings, site):
    site.add("/a", "hello")
    fetcher = Fetcher(settings.model_copy(update={"contact": "Universität"}), Guard(frozenset({site.host_port})))
    assert fetcher.get(site.address + "/a").status == 200
    fetcher.close()


def test_connections_are_kept_open(get, site):
    ports = []

    def look(handler):
        handler.close_connection = False
        ports.append(handler.client_address[1])
        handler.send_response(200)
        handler.send_header("content-length", "2")
        handler.end_headers()
        handler.wfile.write(b"ok")

    site.add("/a", look)
    for _ in range(3):
        get("/a")
    assert len(set(ports)) == 1


def test_a_connection_that_the_server_closed_meanwhile_is_told_from_a_broken_server(get, site):
    answers = iter([b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", b""])

    def look(handler):
        handler.wfile.write(next(answers))
        handler.close_connection = handler.requestline.startswith("GET /last")

    site.add("/first", look)
    site.add("/last", look)
    get("/first")
    with pytest.raises(Disconnected):
        get("/last")


def test_redirects_are_handed_over_not_followed(get, site):
    site.add("/from", b"", status=302, Location="/to")
    assert get("/from").location == "/to"
    assert site.asked() == ["/from"]


def test_a_conditional_get_may_be_answered_with_304(get, site):
    seen = []

    def look(handler):
        seen.append((handler.headers.get("If-None-Match"), handler.headers.get("If-Modified-Since")))
        new = handler.headers.get("If-None-Match") != '"a1"'
        handler.wfile.write(
            b'HTTP/1.1 200 OK\r\nETag: "a1"\r\nConnection: close\r\nContent-Length: 3\r\n\r\nnew'
            if new
            else b"HTTP/1.1 304 x\r\nConnection: close\r\n\r\n"
        )

    site.add("/feed", look)
    first = get("/feed")
    assert (first.body, first.not_modified) == (b"new", False)
    date = "Mon, 05 Oct 2009 00:00:00 GMT"
    again = get("/feed", etag=first.headers["etag"], last_modified=date)
    assert (again.status, again.body, again.not_modified) == (304, b"", True)
    # what can't stand in a header is not sent
    assert get("/feed", etag='"a\r\nX: 1"', last_modified="\u0665").body == b"new"
    assert seen == [(None, None), ('"a1"', date), (None, None)]


def test_a_304_that_nobody_asked_for_is_no_success(get, site):
    site.add("/odd", b"", status=304)
    refused(get, "/odd", "HTTP 304", "soft")


def test_cookies_are_not_kept(get, site):
    seen = []

    def look(handler):
        seen.append(handler.headers.get("Cookie"))
        handler.wfile.write(
            b"HTTP/1.1 200 OK\r\nSet-Cookie: id=1; Path=/\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
        )

    site.add("/", look)
    get("/")
    get("/")
    assert seen == [None, None]


def test_proxy_variables_are_ignored(settings, site, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    site.add("/a", "direct")
    fetcher = Fetcher(settings, Guard(frozenset({site.host_port})))
    assert fetcher.get(site.address + "/a").body == b"direct"
    fetcher.close()


def test_a_proxy_of_the_settings_is_used_for_public_places_only(settings, site, monkeypatch):
    through = settings.model_copy(update={"proxy": site.address})
    site.add("http://93.184.216.34/a", "by proxy")
    fetcher = Fetcher(through, Guard())
    assert fetcher.get("http://93.184.216.34/a").body == b"by proxy"
    with pytest.raises(Failure, match="no public address"):
        fetcher.get("http://10.0.0.1/a")
    fetcher.close()
    assert len(site.requests) == 1


def refused(get, path, word, kind):
    began = time.monotonic()
    with pytest.raises(Failure, match=word) as caught:
        get(path)
    assert caught.value.kind == kind
    assert time.monotonic() - began < 5


def test_a_body_announced_as_too_long_is_not_read(get, site):
    site.add("/long", b"x", Content_Length="300001")
    refused(get, "/long", "longer than 300,000", "hard")


def test_a_body_that_never_ends_is_cut(get, site):
    def endless(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")
        while True:
            handler.wfile.write(b"x" * 10_000)

    site.add("/endless", endless)
    refused(get, "/endless", "longer than 300,000", "hard")


def test_a_gzip_bomb_is_refused(get, site):
    site.add("/bomb", gzip.compress(bytes(100_000_000)), Content_Encoding="gzip")
    refused(get, "/bomb", "grows by more than 50|unpacked body is longer", "hard")
    half = gzip.compress(b"".join(b"%d " % i for i in range(100_000)))
    assert len(half) < 300_000
    site.add("/big", half, Content_Encoding="gzip")
    refused(get, "/big", "unpacked body is longer", "hard")


def test_a_bomb_in_a_bomb_is_not_unpacked(get, site):
    site.add("/twice", gzip.compress(gzip.compress(b"x")), Content_Encoding="gzip, gzip")
    refused(get, "/twice", "not asked for", "soft")


@in_a_second
def test_a_body_that_trickles_is_given_up(get, site):
    def trickle(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(100):
            handler.wfile.write(b"x")
            handler.wfile.flush()
            time.sleep(0.1)

    site.add("/slow", trickle)
    refused(get, "/slow", "no full response within 1 s", "temporary")


@in_a_second
def test_headers_that_trickle_are_given_up(get, site):
    def trickle(handler):
        for byte in b"HTTP/1.1 200 OK\r\n" + b"X-Very-Long: yes\r\n" * 100:
            handler.wfile.write(bytes([byte]))
            time.sleep(0.1)

    site.add("/loris", trickle)
    refused(get, "/loris", "no full response within 1 s", "temporary")


def test_a_flood_of_headers_is_refused(get, site):
    def flood(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(100_000):
            handler.wfile.write(b"X-%d: yes\r\n" % number)

    site.add("/flood", flood)
    refused(get, "/flood", "does not speak HTTP|no connection", "temporary")


@pytest.mark.parametrize(
    "answer",
    [b"", b"hello\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", b"HTTP/1.1 999999 \r\n\r\n"],
)
def test_what_is_not_http_is_a_temporary_failure(get, site, answer):
    site.add("/broken", lambda handler: handler.wfile.write(answer))
    refused(get, "/broken", "does not speak HTTP|no connection", "temporary")


def test_damaged_and_shortened_packed_bodies_are_temporary(get, site):
    body = gzip.compress(b"some words, and more of them" * 10)
    site.add("/short", body[:-10], Content_Encoding="gzip")
    refused(get, "/short", "ended early", "temporary")
    site.add("/damaged", body[:10] + b"\xff" * 20, Content_Encoding="gzip")
    refused(get, "/damaged", "damaged", "temporary")
    site.add("/brotli", b"whatever", Content_Encoding="br")
    refused(get, "/brotli", "not asked for", "soft")


def test_nobody_listens(settings):
    fetcher = Fetcher(settings, Guard(frozenset({"127.0.0.1:1"})))
    with pytest.raises(Failure, match="no connection") as caught:
        fetcher.get("http://127.0.0.1:1/")
    fetcher.close()
    assert caught.value.kind == "temporary"


NOW = datetime(2009, 9, 19, 12, tzinfo=UTC)


def test_retry_after_in_both_forms_and_its_limits():
    assert retry_after("120", NOW) == timedelta(minutes=2)
    assert retry_after(format_datetime(NOW + timedelta(hours=3), usegmt=True), NOW) == timedelta(hours=3)
    assert retry_after("9999999", NOW) == DAY
    assert retry_after("-5", NOW) == timedelta(0)
    assert retry_after(format_datetime(NOW - timedelta(days=400), usegmt=True), NOW) == timedelta(0)
    assert retry_after("Fri, 31 Dec 9999 23:59:59 GMT", NOW) == DAY
    assert retry_after("9" * 400, NOW) is None
    assert retry_after("nan", NOW) is None
    assert retry_after(None, NOW) is None
    assert retry_after("soon", NOW) is None


@given(st.text(max_size=40) | st.floats().map(str) | st.integers().map(str))
def test_no_retry_after_breaks_it(value):
    wait = retry_after(value, NOW)
    assert wait is None or timedelta(0) <= wait <= DAY
