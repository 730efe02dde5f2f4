from datetime import UTC, datetime, timedelta

import pytest

from pipeline.collect.failure import Failure, NotNow, failure_of
from pipeline.collect.robots import MAX_BYTES, RobotsBook, agent_token, parse
from pipeline.store.hosts import StoredRobots, keep_robots, robots_of
from pipeline.store.session import open_session

NOW = datetime.now(UTC)
HOST = "http://news.example:80"


class Answer:
    def __init__(self, body, status=200):
        self.body, self.status = body, status


def rules(settings, answer):
    def get(address):
        assert address == f"{HOST}/robots.txt"
        if isinstance(answer, Exception):
            raise answer
        return Answer(answer)

    return RobotsBook(settings).rules(HOST, get)


def allowed(found, path):
    try:
        found.check(HOST + path)
    except Failure as failure:
        return failure.kind
    return True


def test_the_agent_is_its_first_word():
    assert agent_token("riftwatch/0.1 (+https://example.org/bot)") == "riftwatch"


def test_rules_are_those_for_us(settings):
    found = rules(
        settings, b"\xef\xbb\xbfUser-agent: *\nDisallow: /\nUser-agent: Riftwatch\nDisallow: /in\nCrawl-delay: 7"
    )
    assert allowed(found, "/out") is True
    assert allowed(found, "/in/1") == "soft"
    assert found.crawl_delay() == 7


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410])
def test_4xx_allows_all(settings, status):
    assert allowed(rules(settings, failure_of(status)), "/x") is True


@pytest.mark.parametrize(
    "failure", [failure_of(500), failure_of(503), failure_of(429), Failure("temporary", "no connection")]
)
def test_5xx_and_unreachable_forbid_all_for_now(settings, failure):
    assert allowed(rules(settings, failure), "/x") == "temporary"


def test_endless_redirects_allow_all(settings):
    assert allowed(rules(settings, Failure("soft", "redirects more than 10 times")), "/x") is True


def test_only_the_first_500_kib_count(settings):
    start = b"User-agent: *\nDisallow: /a\n"
    found = rules(settings, start + b"#" * (MAX_BYTES - len(start) - 1) + b"\nDisallow: /b\n")
    assert allowed(found, "/a") == "soft"
    assert allowed(found, "/b") is True


def test_a_copy_is_good_for_a_day_over_runs(store_settings):
    asked = []

    def get(address):
        asked.append(address)
        return Answer(b"User-agent: *\nDisallow: /\x00a")

    for _ in range(2):
        book = RobotsBook(store_settings)
        for _ in range(2):
            assert allowed(book.rules(HOST, get), "/a") == "soft"
    assert len(asked) == 1
    with open_session(store_settings) as session:
        old = robots_of(session, HOST)
        keep_robots(session, HOST, StoredRobots(old.text, 200, NOW - timedelta(hours=25)))
    RobotsBook(store_settings).rules(HOST, get)
    assert len(asked) == 2


def test_an_old_copy_counts_while_the_host_is_down(settings):
    with open_session(settings) as session:
        keep_robots(session, HOST, StoredRobots("User-agent: *\nDisallow: /a", 200, NOW - timedelta(days=3)))
    assert allowed(rules(settings, failure_of(503)), "/b") is True
    assert allowed(rules(settings, failure_of(503)), "/a") == "soft"
    assert allowed(rules(settings, failure_of(410)), "/a") is True


def test_an_unreachable_host_is_asked_again_soon(settings):
    with open_session(settings) as session:
        keep_robots(session, HOST, StoredRobots(None, 503, NOW - timedelta(minutes=11)))
    assert allowed(rules(settings, b""), "/a") is True


def test_no_time_is_no_answer(settings):
    with pytest.raises(NotNow):
        rules(settings, NotNow(HOST, "the time of this run is over"))


def test_the_same_decisions_as_protego():
    from protego import Protego

    text = "User-agent: *\nDisallow: /*.pdf$\nAllow: /a/*.pdf$\nDisallow: /p*q"
    found = parse(StoredRobots(text, 200, NOW), "riftwatch")
    direct = Protego.parse(text)
    for path in ("/x.pdf", "/a/x.pdf", "/pq", "/p/q", "/q", "/%70q"):
        assert (allowed(found, path) is True) == direct.can_fetch(HOST + path, "riftwatch")
