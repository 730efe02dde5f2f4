import itertools
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


def test_a_loop_ends_after_ten(visitor):
    visit, _, a, _ = visitor
    a.add("/a", "", status=302, Location="/b")
    a.add("/b", "", status=302, Location="/a")
    with pytest.raises(Failure, match="more than 10 times") as caught:
        visit.get(a.address + "/a")
    assert caught.value.kind == "soft"
    assert len(a.asked("/a") + a.asked("/b")) == 11


@pytest.mark.parametrize(
    "target",
    ["http://127.0.0.1:9/x", "http://10.0.0.1/", "http://[::1]/", "file:///etc/passwd", "http://u:p@127.0.0.1/"],
)
def test_a_redirect_leads_nowhere_private(visitor, target):
    visit, _, a, _ = visitor
    a.add("/a", "", status=302, Location=target)
    with pytest.raises(Failure, match="refused") as caught:
        visit.get(a.address + "/a")
    assert caught.value.kind == "hard"


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
