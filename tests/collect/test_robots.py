import random
import time
from datetime import UTC, datetime, timedelta

import pytest

from pipeline.collect.failure import Failure, NotNow, Refused, TooManyRedirects, failure_of
from pipeline.collect.robots import MAX_BYTES, RobotsBook, _text, agent_token, parse, sitemaps
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
    "failure",
    [
        failure_of(500),
        failure_of(503),
        failure_of(429),
        Failure("temporary", "no connection"),
        Failure("hard", "refused: the packed body grows by more than 200 times"),
        Failure("soft", "the body is packed as 'br', which was not asked for"),
        Failure("hard", "redirects to http://10.0.0.1/robots.txt: refused: no public address"),
    ],
)
def test_5xx_and_unreachable_forbid_all_for_now(settings, failure):
    assert allowed(rules(settings, failure), "/x") == "temporary"


def test_what_failed_is_said(settings):
    found = rules(settings, Failure("temporary", "the certificate is not valid"))
    assert found.unreachable == "the certificate is not valid"
    assert "minutes ago" in rules(settings, b"").unreachable  # another run, which has not asked


def test_endless_redirects_allow_all(settings):
    assert allowed(rules(settings, TooManyRedirects("redirects more than 5 times")), "/x") is True


def test_a_refused_host_is_refused_for_its_own_reason(settings):
    with pytest.raises(Refused, match="no public address"):
        rules(settings, Refused("news.example:80 leads to 10.0.0.1, which is no public address"))


def test_a_host_that_is_down_for_a_year_stays_closed(settings):
    with open_session(settings) as session:
        keep_robots(session, HOST, StoredRobots(None, 503, NOW - timedelta(days=365)))
    assert allowed(rules(settings, failure_of(503)), "/x") == "temporary"


def test_half_a_rule_at_the_limit_does_not_count(settings):
    start = b"User-agent: *\nDisallow: /a\n"
    rule = b"\nDisallow: /bcdef\n"
    found = rules(settings, start + b"#" * (MAX_BYTES - len(start) - len(rule) + 4) + rule)
    assert allowed(found, "/bc") is True
    assert allowed(found, "/a") == "soft"


@pytest.mark.parametrize(
    "body",
    [
        b"<!DOCTYPE html><html><head><title>Not found</title></head><body><p>User: nobody</p></body></html>",
        b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
        b"",
    ],
)
def test_what_holds_no_rule_forbids_nothing(settings, body):
    assert allowed(rules(settings, body), "/x") is True


def test_latin_1_in_a_rule_harms_no_other(settings):
    found = rules(settings, "User-agent: *\nDisallow: /Gr\xfc\xdfe\nDisallow: /b".encode("latin-1"))
    assert allowed(found, "/b") == "soft"
    assert allowed(found, "/c") is True


def test_the_distance_is_known_without_asking_even_from_an_old_copy(settings):
    with open_session(settings) as session:
        keep_robots(session, HOST, StoredRobots("User-agent: *\nCrawl-delay: 3", 200, NOW - timedelta(days=9)))
    book = RobotsBook(settings)
    assert book.crawl_delay(HOST) == 3
    assert book.crawl_delay("http://other.example:80") is None
    book.rules(HOST, lambda _: Answer(b"User-agent: *\nCrawl-delay: 5"))
    assert book.crawl_delay(HOST) == 5


AGENTS = "".join(f"user-agent: a{number}\n" for number in range(15_000))
SLOW = {
    "many agents, many rules": AGENTS + "allow:/a\n" * 20_000,
    "in other words": AGENTS.replace(": ", " ").replace("-", "") + "host: x\n" + "allow /a\n" * 20_000,
    "agents only": "user-agent: *\n" + AGENTS * 2,
    "many rules": "user-agent: *\n" + "".join(f"disallow:/{number}*x\n" for number in range(25_000)),
    "many stars": "user-agent: *\ndisallow: /" + "*a" * 200_000,
    "stars alone": "user-agent: *\ndisallow: /" + "*" * 400_000 + "$",
    "dollars": "user-agent: *\n" + ("disallow: /" + "$" * 1000 + "\n") * 400,
    "one line": "user-agent: *" * 30_000,
    "escapes": "user-agent: *\ndisallow: /" + "%zz%41" * 60_000,
}


@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW.keys())
def test_no_file_takes_long(text):
    began = time.monotonic()
    found = parse(StoredRobots(text, 200, NOW), "riftwatch")
    allowed(found, "/" + "a" * 2000)
    found.crawl_delay()
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW.keys())
def test_neither_does_looking_for_sitemaps(text):
    began = time.monotonic()
    body = f"Sitemap: /a.xml\n{text[:400_000]}\nsite-map:/b.xml\nsitemap: /a.xml\n".encode()
    assert sitemaps(body) == ["/a.xml", "/b.xml"]
    assert time.monotonic() - began < 5


def test_a_file_too_long_for_the_parser_counts_up_to_there():
    text = "user-agent: *\ndisallow: /no\n" + SLOW["many agents, many rules"]
    assert allowed(parse(StoredRobots(text, 200, NOW), "riftwatch"), "/no") == "soft"


PIECES = [
    b"User-agent: *", b"User-agent: riftwatch", b"user agent: x*", b"Disallow: /", b"Disallow:", b"Allow: /a*b$",
    b"Crawl-delay: 1e3", b"Crawl-delay: -1", b"Crawl-delay: nan", b"Request-rate: 1/0", b"Visit-time: 2500-1",
    b"Sitemap: http://[", b"Host: ", b"# note", b"\xef\xbb\xbf", b"\xff\xfe", b"%", b"%zz", b"$", b"\x00", b"\r", b"\n",
    b"\x85", "Disallow: /\u0628*\u200f".encode(), b"<html>", b":", b"*" * 50,
]  # fmt: skip


def test_fifteen_hundred_broken_files_break_nothing():
    chance = random.Random(1)  # noqa: S311 (a test's own)
    began = time.monotonic()
    for _ in range(1500):
        body = bytearray(b"\n".join(chance.choices(PIECES, k=chance.randrange(1, 30))))
        for _ in range(chance.randrange(5)):
            at = chance.randrange(len(body) + 1)
            body[at : at + chance.randrange(4)] = chance.randbytes(chance.randrange(4))
        found = parse(StoredRobots(_text(bytes(body)), 200, NOW), "riftwatch")
        assert allowed(found, "/a/b?c=%zz") in {True, "soft"}
        delay = found.crawl_delay()
        assert delay is None or 0 <= delay < float("inf")
    assert time.monotonic() - began < 10


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
