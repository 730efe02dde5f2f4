import gzip
import itertools
import socket
import threading
import time

import pytest

from pipeline.collect.failure import Failure
from pipeline.collect.fetch import Fetcher
from pipeline.collect.guard import Guard
from pipeline.collect.pace import Paces
from pipeline.collect.problems import Problems
from pipeline.collect.robots import RobotsBook
from pipeline.collect.visit import Visitor
from pipeline.settings import Settings


@pytest.fixture
def visitor(settings, new_site):
    """A visitor of two sites, and the sites."""
    sites = [new_site(), new_site()]
    fetcher = Fetcher(settings, Guard(frozenset(site.host_port for site in sites)))
    paces = Paces(settings, deadline=time.time() + 20, stop=threading.Event())
    short = settings.model_copy(update={"max_delay": 0.2})
    problems = Problems()
    made = Visitor(short, fetcher, RobotsBook(settings), paces, problems, delay=None)
    yield made, problems, *sites
    paces.close()
    fetcher.close()


def test_redirects_are_followed_over_hosts_and_each_host_is_asked_for_its_rules(visitor):
    visit, _, a, b = visitor
    b.add("/end", "there")
    a.add("/start", "", status=301, Location="/middle")
    a.add("/middle", "", status=307, Location=b.address + "/end#part")
    response = visit.get(a.address + "/start")
    assert (response.address, response.body) == (b.address + "/end", b"there")
    assert a.asked() == ["/robots.txt", "/start", "/middle"]
    assert b.asked() == ["/robots.txt", "/end"]
    assert visit.bytes == len(b"there")


def test_conditions_reach_the_end_of_a_redirect(visitor):
    visit, _, a, b = visitor

    def unchanged(handler):
        assert handler.headers["If-None-Match"] == '"1"'
        handler.wfile.write(b"HTTP/1.1 304 Not Modified\r\n\r\n")

    a.add("/start", "", status=301, Location=b.address + "/end")
    b.add("/end", unchanged)
    response = visit.get(a.address + "/start", etag='"1"')
    assert response.not_modified
    assert response.address == b.address + "/end"


def test_the_rules_of_the_host_redirected_to_count(visitor):
    visit, _, a, b = visitor
    b.add("/robots.txt", "User-agent: *\nDisallow: /end", type="text/plain")
    b.add("/end", "there")
    a.add("/start", "", status=302, Location=b.address + "/end")
    with pytest.raises(Failure, match=r"redirects to .*/end: robots.txt forbids"):
        visit.get(a.address + "/start")
    assert b.asked() == ["/robots.txt"]


def test_a_circle_is_left_at_once(visitor):
    visit, _, a, _ = visitor
    a.add("/a", "", status=302, Location="/b")
    a.add("/b", "", status=302, Location="/a")
    with pytest.raises(Failure, match=r"in a circle, to .*/a$") as caught:
        visit.get(a.address + "/a")
    assert caught.value.kind == "soft"
    assert a.asked() == ["/robots.txt", "/a", "/b"]


def test_endless_redirects_end_after_ten(visitor):
    visit, _, a, _ = visitor
    for number in range(20):
        a.add(f"/{number}", "", status=302, Location=f"/{number + 1}")
    with pytest.raises(Failure, match=r"more than 10 times, last to .*/11$") as caught:
        visit.get(a.address + "/0")
    assert caught.value.kind == "soft"
    assert len(a.asked()) == 1 + 11


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:9/x", "http://10.0.0.1/", "http://[::1]/", "http://169.254.169.254/latest/meta-data/",
        "http://[fd00:ec2::254]/", "http://100.64.0.1/", "http://0.0.0.0/", "http://2130706433/", "http://0x7f000001/",
        "http://017700000001/", "http://[::ffff:10.0.0.1]/", "http://[64:ff9b::a00:1]/", "http://[2002:a00:1::]/",
        "file:///etc/passwd", "ftp://example.org/", "gopher://example.org/", "data:text/html,x", "javascript:alert(1)",
        "http://u:p@127.0.0.1/", "//u:p@127.0.0.1/",
    ],
)  # fmt: skip
def test_a_redirect_leads_nowhere_private(visitor, target):
    visit, _, a, _ = visitor
    a.add("/a", "", status=302, Location=target)
    with pytest.raises(Failure, match="refused") as caught:
        visit.get(a.address + "/a")
    assert caught.value.kind == "hard"
    assert "u:p" not in caught.value.reason
    assert visit.bytes == 0


def test_redirects_are_paced_like_any_request(visitor):
    visit, _, a, _ = visitor
    a.add("/robots.txt", "User-agent: *\nCrawl-delay: 0.15", type="text/plain")
    for i in range(3):
        a.add(f"/{i}", "", status=302, Location=f"/{i + 1}")
    a.add("/3", "end")
    visit.get(a.address + "/0")
    times = [when for when, path in a.requests if path != "/robots.txt"]
    assert len(times) == 4
    assert all(later - earlier >= 0.15 for earlier, later in itertools.pairwise(times))


def test_a_long_crawl_delay_is_capped_and_said(visitor):
    visit, problems, a, _ = visitor
    a.add("/robots.txt", "User-agent: *\nCrawl-delay: 600", type="text/plain")
    a.add("/1", "one")
    visit.get(a.address + "/1")
    visit.get(a.address + "/1")
    assert a.requests[-1][0] - a.requests[-2][0] >= 0.2
    assert problems.lines() == (f"{a.address} asks for 600 s between requests; we wait 0.2 s (the cap)",)


def test_robots_txt_may_be_redirected(visitor):
    visit, _, a, b = visitor
    a.add("/robots.txt", "", status=301, Location=b.address + "/rules")
    b.add("/rules", "User-agent: *\nDisallow: /no", type="text/plain")
    b.add("/robots.txt", "User-agent: *\nDisallow: /rules", type="text/plain")
    a.add("/no", "x")
    with pytest.raises(Failure, match=r"robots.txt forbids"):
        visit.get(a.address + "/no")
    assert a.asked() == ["/robots.txt"]


def test_robots_txt_is_followed_over_five_redirects_and_no_more(visitor):
    visit, _, a, b = visitor
    for site, hops in ((a, 5), (b, 6)):
        site.add("/robots.txt", "", status=301, Location="/r1")
        for hop in range(1, hops):
            site.add(f"/r{hop}", "", status=301, Location=f"/r{hop + 1}")
        site.add(f"/r{hops}", "User-agent: *\nDisallow: /", type="text/plain")
        site.add("/a", "x")
    with pytest.raises(Failure, match=r"robots.txt forbids"):
        visit.get(a.address + "/a")
    assert visit.get(b.address + "/a").body == b"x"


def test_the_distance_of_a_host_that_robots_txt_is_redirected_to_is_kept(visitor):
    visit, _, a, b = visitor
    b.add("/robots.txt", "User-agent: *\nCrawl-delay: 0.19", type="text/plain")
    b.add("/page", "x")
    b.add("/rules", "", type="text/plain")
    a.add("/robots.txt", "", status=301, Location=b.address + "/rules")
    a.add("/page", "x")
    visit.get(b.address + "/page")
    visit.get(a.address + "/page")
    assert b.asked() == ["/robots.txt", "/page", "/rules"]
    assert min(b.gaps()) >= 0.19


def test_a_robots_txt_without_end_is_read_as_far_as_it_counts(visitor):
    visit, _, a, b = visitor

    def endless(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n\r\nUser-agent: *\nDisallow: /no\n")
        while True:
            handler.wfile.write(b"# and so on\n" * 1000)

    bomb = gzip.compress(b"User-agent: *\nDisallow: /no\n" + b"# and so on\n" * 2_000_000)
    a.add("/robots.txt", endless)
    b.add("/robots.txt", bomb, Content_Encoding="gzip")
    for site in (a, b):
        site.add("/yes", "x")
        with pytest.raises(Failure, match=r"robots.txt forbids"):
            visit.get(site.address + "/no")
        assert visit.get(site.address + "/yes").body == b"x"


def test_a_connection_that_was_closed_meanwhile_is_asked_again_in_its_turn(visitor):
    visit, _, a, _ = visitor
    times = []

    def closes(handler):
        times.append(time.time())
        if len(times) > 1:
            handler.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    a.add("/robots.txt", "User-agent: *\nCrawl-delay: 0.15", type="text/plain")
    a.add("/a", closes)
    assert visit.get(a.address + "/a").body == b"ok"
    assert times[1] - times[0] >= 0.15


def test_who_names_no_contact_is_told_so(settings, site, monkeypatch):
    """Only where somebody else is asked: a site on this machine needs no contact."""
    port = int(site.host_port.partition(":")[2])
    answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer)
    site.add("/a", "x")

    def notes(settings, host):
        problems = Problems()
        fetcher = Fetcher(settings, Guard(frozenset({f"{host}:{port}"})))
        paces = Paces(settings, deadline=time.time() + 20, stop=threading.Event())
        Visitor(settings, fetcher, RobotsBook(settings), paces, problems, delay=None).get(f"http://{host}:{port}/a")
        paces.close()
        fetcher.close()
        return problems.lines()

    assert [line for line in notes(settings, "news.example") if "set RIFTWATCH_CONTACT" in line]
    assert notes(settings, "127.0.0.1") == ()
    assert (
        notes(Settings(data=settings.data, contact="https://news.example/who", default_delay=0.0), "news.example") == ()
    )
    assert "riftwatch/0.1 (+https://news.example/who)" in site.agents
