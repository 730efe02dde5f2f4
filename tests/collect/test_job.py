"""The whole way: from a site on loopback to stored documents."""

import itertools
import random
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime

import psutil
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import OperationalError

from pipeline.collect import archive
from pipeline.collect.ending import BrokenOffError
from pipeline.collect.job import CollectError, collect
from pipeline.collect.keep import Keeper
from pipeline.collect.visit import Visitor
from pipeline.store import frontier
from pipeline.store.session import open_session
from pipeline.store.tables import Capture, Cluster, Document, Frontier, Host, Run
from tests.collect.conftest import extraction_workers


def rows(settings, model):
    with open_session(settings) as session:
        return list(session.scalars(select(model).order_by(model.id)))


def state(settings):
    """What must be equal however often a run was broken off."""
    return sorted(
        (d.address, d.text_digest, d.published_at, d.source, d.group_id) for d in rows(settings, Document)
    ), sorted((f.address, f.status) for f in rows(settings, Frontier))


@pytest.fixture
def ten(site, feed_of):
    """A site with ten letters and their feed."""
    links = [
        site.article(f"/letter/{i}", f"letter {i} on the river and the mountain number {i * 7}") for i in range(10)
    ]
    site.add("/feed", feed_of(site, links), type="application/rss+xml")
    return site


def test_a_selector_that_finds_nothing_is_said(settings, ten, watch):
    monitor = watch(ten, kind="feed", addresses=[ten.address + "/feed"], text_selector="div.nothing")
    report = collect(settings, monitor, "letters")
    assert report.new == 10
    (problem,) = report.problems
    assert problem.endswith("and 7 more: text_selector finds nothing there; what extraction found by itself is kept")


def test_a_feed_of_ten_becomes_ten_documents(store_settings, ten, watch):
    monitor = watch(ten, kind="feed", addresses=[ten.address + "/feed"])
    steps = []
    report = collect(store_settings, monitor, "letters", progress=lambda *step: steps.append(step))
    assert (report.found, report.new, report.failed, report.waiting) == (10, 10, 0, 0)
    assert report.problems == ()
    assert report.first == report.last == datetime(2009, 10, 5, 8, tzinfo=UTC)
    assert steps[-1] == ("fetch", 10, 10)
    documents = rows(store_settings, Document)
    assert {d.address for d in documents} == {f"{ten.address}/letter/{i}" for i in range(10)}
    assert all(d.group_id == "home" and d.speaker == "own" and "river" in d.text for d in documents)
    assert {one["origin"] for one in documents[0].dates} >= {"meta", "feed"}
    captures = {c.id: c for c in rows(store_settings, Capture)}
    for document in documents:
        capture = captures[document.capture_id]
        stored = archive.read(store_settings.archive, capture.warc_file, capture.warc_offset)
        assert stored.address == document.address
        assert stored.body.decode() == ten.pages[document.address.removeprefix(ten.address)][2]
        assert capture.length == len(stored.body)
    assert report.bytes == sum(len(body) for _, _, body in ten.pages.values())
    run = rows(store_settings, Run)[0]
    assert (run.job, run.source, run.new, run.sentence) == ("collect", "letters", 10, report.sentence())


def test_a_second_run_finds_all_known(store_settings, ten, watch):
    monitor = watch(ten, kind="feed", addresses=[ten.address + "/feed"])
    collect(store_settings, monitor, "letters")
    before = state(store_settings)
    ten.requests.clear()
    report = collect(store_settings, monitor, "letters")
    assert (report.found, report.new, report.known, report.failed) == (10, 0, 10, 0)
    assert ten.asked("/letter") == []
    assert state(store_settings) == before
    assert len(rows(store_settings, Capture)) == 10


@pytest.mark.parametrize("after", [1, 4, 9])
def test_a_run_that_dies_in_the_middle_is_completed_by_the_next(store_settings, ten, watch, monkeypatch, after):
    monitor = watch(ten, kind="feed", addresses=[ten.address + "/feed"])
    written = 0
    real = Keeper._write_documents

    def dying(self, incoming):
        nonlocal written
        written += len(incoming)
        if written >= after:
            raise KeyboardInterrupt
        real(self, incoming)

    monkeypatch.setattr("pipeline.collect.keep.BATCH", 3)
    monkeypatch.setattr(Keeper, "_write_documents", dying)
    with pytest.raises(KeyboardInterrupt):
        collect(store_settings, monitor, "letters")
    assert threading.active_count() < 20
    monkeypatch.setattr(Keeper, "_write_documents", real)
    report = collect(store_settings, monitor, "letters")
    assert report.failed == 0
    documents, found = state(store_settings)
    assert [address for address, *_ in documents] == sorted(f"{ten.address}/letter/{i}" for i in range(10))
    assert {status for _, status in found} == {"fetched"}
    for capture in rows(store_settings, Capture):
        assert archive.read(store_settings.archive, capture.warc_file, capture.warc_offset).address == capture.address
    assert len(rows(store_settings, Capture)) == 10


def test_robots_txt_is_obeyed_and_the_agent_is_honest(settings, ten, watch):
    ten.add(
        "/robots.txt", "User-agent: riftwatch\nDisallow: /letter/3\n\nUser-agent: *\nDisallow: /", type="text/plain"
    )
    report = collect(settings, watch(ten, kind="feed", addresses=[ten.address + "/feed"]), "letters")
    assert (report.new, report.failed, report.waiting) == (9, 1, 1)
    assert "/letter/3" not in ten.asked()
    assert ten.asked("/robots.txt") == ["/robots.txt"]
    assert ten.agents == {settings.agent}
    assert any("robots.txt forbids" in problem and "/letter/3" in problem for problem in report.problems)
    row = next(r for r in rows(settings, Frontier) if r.address.endswith("/3"))
    assert (row.status, row.failure, row.attempts) == ("pending", "soft", 1)
    assert row.not_before > datetime.now(UTC)


def test_a_source_that_robots_txt_forbids_is_a_problem_not_a_crash(settings, ten, watch):
    ten.add("/robots.txt", "User-agent: *\nDisallow: /", type="text/plain")
    report = collect(settings, watch(ten, kind="feed", addresses=[ten.address + "/feed"]), "letters")
    assert (report.found, report.failed) == (0, 1)
    assert "robots.txt forbids" in report.problems[0]
    assert ten.asked() == ["/robots.txt"]


@pytest.mark.parametrize(
    ("status", "headers", "expected", "failure"),
    [
        (404, {}, "pending", "soft"),
        (410, {}, "gone", "hard"),
        (403, {}, "pending", "soft"),
        (500, {}, "pending", "temporary"),
        (429, {"retry-after": "7200"}, "pending", "temporary"),
    ],
)
def test_failures_are_kinds_with_reasons(settings, site, feed_of, watch, status, headers, expected, failure):
    good = site.article("/good", "the good letter of the hills")
    bad = site.add("/bad", "no", status=status)
    site.pages["/bad"][1].update(headers)
    site.add("/feed", feed_of(site, [good, bad]), type="application/rss+xml")
    report = collect(settings, watch(site, kind="feed", addresses=[site.address + "/feed"]), "letters")
    assert (report.new, report.failed) == (1, 1)
    row = next(r for r in rows(settings, Frontier) if r.address == bad)
    assert (row.status, row.failure) == (expected, failure)
    assert f"HTTP {status}" in row.reason
    if expected == "gone":
        assert row.not_before is None
    else:
        wait = (row.not_before - datetime.now(UTC)).total_seconds()
        assert wait > 7100 if headers else wait > 0
    site.requests.clear()
    again = collect(settings, watch(site, kind="feed", addresses=[site.address + "/feed"]), "letters")
    assert "/bad" not in site.asked()
    assert again.new == 0


def test_a_host_that_asks_to_wait_is_left_alone_by_the_next_run(settings, site, feed_of, watch):
    links = [site.add(f"/busy/{i}", "no", status=429, Retry_After="3600") for i in range(5)]
    site.add("/feed", feed_of(site, links), type="application/rss+xml")
    monitor = watch(site, kind="feed", addresses=[site.address + "/feed"])
    report = collect(settings, monitor, "letters")
    assert len(site.asked("/busy")) == 1
    assert report.waiting == 5
    site.requests.clear()
    again = collect(settings, monitor, "letters")
    assert site.requests == []
    assert any("may not be asked before" in problem for problem in again.problems)


def test_a_feeds_own_text_stands_in_for_a_page_that_is_gone(settings, site, feed_of, watch):
    gone = site.add("/gone", "no", status=410)
    words = "&lt;p&gt;The council speaks of the valley and its people.&lt;/p&gt;&lt;p&gt;A second paragraph.&lt;/p&gt;"
    site.add("/feed", feed_of(site, [gone], inside=f"<description>{words}</description>"), type="application/rss+xml")
    report = collect(settings, watch(site, kind="feed", addresses=[site.address + "/feed"]), "letters")
    (document,) = rows(settings, Document)
    assert document.text == "The council speaks of the valley and its people.\nA second paragraph."
    assert document.published_at == datetime(2009, 10, 5, tzinfo=UTC)
    assert (report.new, report.failed) == (1, 1)


def test_what_gives_no_document_is_kept_with_its_reason(settings, site, feed_of, watch):
    image = site.add("/picture", b"\x89PNG\r\n\x1a\n" + bytes(100), type="image/png")
    site.add("/feed", feed_of(site, [image]), type="application/rss+xml")
    monitor = watch(site, kind="feed", addresses=[site.address + "/feed"])
    report = collect(settings, monitor, "letters")
    assert (report.new, report.failed, report.waiting) == (0, 1, 0)
    (capture,) = rows(settings, Capture)
    assert "not a page" in capture.problem
    assert archive.read(settings.archive, capture.warc_file, capture.warc_offset).body.startswith(b"\x89PNG")
    (row,) = rows(settings, Frontier)
    assert (row.status, row.failure) == ("fetched", "soft")


def test_a_feed_that_is_none_is_reported_and_the_others_are_read(settings, ten, watch):
    ten.add("/nofeed", "<html><body>Moved.</body></html>")
    addresses = [ten.address + p for p in ("/nofeed", "/missing", "/feed")]
    report = collect(settings, watch(ten, kind="feed", addresses=addresses), "letters")
    assert (report.new, report.failed) == (10, 2)
    assert any("/nofeed" in p and "is no feed" in p for p in report.problems)
    assert any("/missing: HTTP 404" in p for p in report.problems)


def test_since_and_until_leave_other_texts_for_another_run(settings, site, watch):
    pages = {year: site.article(f"/{year}", f"the year {year} and its harvest") for year in (2006, 2007, 2008)}
    entries = "".join(f"<url><loc>{page}</loc><lastmod>{year}-06-01</lastmod></url>" for year, page in pages.items())
    undated = site.article("/undated", "a letter without a date in the map")
    site.add("/map.xml", f"<urlset>{entries}<url><loc>{undated}</loc></url></urlset>", type="application/xml")
    monitor = watch(site, kind="sitemap", addresses=[site.address + "/map.xml"])
    report = collect(
        settings, monitor, "letters", since=datetime(2007, 1, 1, tzinfo=UTC), until=datetime(2008, 1, 1, tzinfo=UTC)
    )
    # 2008 is the year of the last change: the text may be of 2007
    assert sorted(site.asked("/2")) == ["/2007", "/2008"]
    assert (report.new, report.waiting) == (3, 1)
    assert report.problems == (
        "1 addresses say no date: they are taken whatever the window",
        "2 addresses say only when they were changed or captured last: they are taken, "
        "and may be older than the window",
    )
    again = collect(settings, monitor, "letters")
    assert (again.new, again.problems) == (1, ())


def test_a_window_that_begins_before_a_feed_does_is_said(settings, ten, watch):
    monitor = watch(ten, kind="feed", addresses=[ten.address + "/feed"])
    report = collect(settings, monitor, "letters", since=datetime(2009, 9, 1, tzinfo=UTC))
    assert report.new == 10
    (said,) = report.problems
    assert "the oldest entry shown is of 2009-10-05: what was published between 2009-09-01 and then" in said


def test_a_run_ends_in_its_time_and_the_next_goes_on(settings, ten, watch):
    short = settings.model_copy(update={"run_seconds": 1.0})
    monitor = watch(ten, kind="feed", addresses=[ten.address + "/feed"], delay=0.15)
    # extraction workers take seconds to start, and are there afterwards
    collect(settings.model_copy(update={"data": settings.data / "warm"}), monitor, "letters")
    ten.requests.clear()
    began = time.monotonic()
    report = collect(short, monitor, "letters")
    assert time.monotonic() - began < 3
    assert 0 < report.new < 10
    assert report.waiting == 10 - report.new
    assert any("wait for a later run" in problem for problem in report.problems)
    total = report.new
    for _ in range(10):
        total += collect(short, monitor, "letters").new
        if total == 10:
            break
    assert total == 10
    assert len(ten.asked("/letter")) == 10
    assert min(ten.gaps()) >= 0.15


def test_two_sources_of_one_host_run_at_once_do_not_double_the_rate(store_settings, ten, feed_of, watch):
    more = [ten.article(f"/more/{i}", f"another letter {i} about the sea and its {i * 3} ships") for i in range(5)]
    ten.add("/feed2", feed_of(ten, more), type="application/rss+xml")
    ten.pages["/feed"] = (200, {}, feed_of(ten, [f"{ten.address}/letter/{i}" for i in range(5)]))
    ten.add("/robots.txt", "User-agent: *\nCrawl-delay: 0.1", type="text/plain")
    monitors = {
        "a": watch(ten, id="a", kind="feed", addresses=[ten.address + "/feed"]),
        "b": watch(ten, id="b", kind="feed", addresses=[ten.address + "/feed2"]),
    }
    with open_session(store_settings):
        pass  # the tables are made before
    reports = {}
    threads = [
        threading.Thread(target=lambda i=i, m=m: reports.update({i: collect(store_settings, m, i)}))
        for i, m in monitors.items()
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {i: r.new for i, r in reports.items()} == {"a": 5, "b": 5}
    # robots.txt comes first, before its own delay is known
    times = sorted(when for when, path in ten.requests if path != "/robots.txt")
    assert min(b - a for a, b in itertools.pairwise(times)) >= 0.1
    assert len(ten.asked("/robots.txt")) == 1
    with open_session(store_settings) as session:
        assert session.scalars(select(Host.leased_by)).all() == [None]


def test_hosts_are_collected_side_by_side(settings, new_site, feed_of, watch):
    sites = [new_site() for _ in range(4)]
    for number, site in enumerate(sites):
        links = [site.article(f"/{i}", f"site {number} letter {i} on bread and salt") for i in range(4)]
        site.add("/feed", feed_of(site, links), type="application/rss+xml")
    monitor = watch(*sites, kind="feed", addresses=[s.address + "/feed" for s in sites], delay=0.25)
    began = time.monotonic()
    report = collect(settings, monitor, "letters")
    assert report.new == 16
    # 6 requests to each of 4 hosts: 5 seconds one after another, a little more than one second side by side
    assert time.monotonic() - began < 4
    assert all(min(site.gaps()) >= 0.25 for site in sites)


def test_only_allowed_private_hosts_are_fetched_redirects_included(settings, new_site, feed_of, watch):
    open_site, closed = new_site(), new_site()
    secret = closed.article("/secret", "what is kept inside")
    away = open_site.add("/away", "", status=302, location=secret)
    metadata = open_site.add("/cloud", "", status=302, location="http://169.254.169.254/latest/meta-data/")
    file = open_site.add("/file", "", status=302, location="file:///etc/passwd")
    good = open_site.article("/good", "the letter that may be read")
    moved = open_site.add("/moved", "", status=301, location="/good")
    feed = feed_of(open_site, [away, metadata, file, moved, secret])
    open_site.add("/feed", feed, type="application/rss+xml")
    report = collect(settings, watch(open_site, kind="feed", addresses=[open_site.address + "/feed"]), "letters")
    assert closed.requests == []
    assert [d.address for d in rows(settings, Document)] == [good]
    assert (report.new, report.failed) == (1, 4)
    reasons = {r.address: (r.status, r.failure, r.reason) for r in rows(settings, Frontier)}
    for address in (away, metadata, file, secret):
        status, failure, reason = reasons[address]
        assert (status, failure) == ("failed", "hard")
        assert "refused" in reason


_REFUSE = {
    "sqlite": "CREATE TRIGGER refuse BEFORE INSERT ON documents WHEN NEW.address LIKE '%/4' "
    "BEGIN SELECT RAISE(ABORT, 'not this one'); END",
    "postgresql": "ALTER TABLE documents ADD CHECK (address NOT LIKE '%/4')",
}


def test_a_text_the_database_refuses_takes_no_other_with_it(store_settings, ten, watch):
    with open_session(store_settings) as session:
        session.execute(text(_REFUSE[session.get_bind().dialect.name]))
        session.commit()
    report = collect(store_settings, watch(ten, kind="feed", addresses=[ten.address + "/feed"]), "letters")
    assert (report.new, report.failed) == (9, 1)
    assert len(rows(store_settings, Document)) == 9
    row = next(r for r in rows(store_settings, Frontier) if r.address.endswith("/4"))
    assert (row.status, row.failure) == ("failed", "hard")
    assert "can't be stored" in row.reason
    assert len(rows(store_settings, Capture)) == 9


def test_an_unknown_source_is_named_with_the_known_ones(settings, site, watch):
    with pytest.raises(CollectError, match="letters"):
        collect(settings, watch(site, kind="feed", addresses=[site.address]), "nothing")


def test_an_address_that_breaks_a_library_ends_nothing(settings, ten, watch, monkeypatch):
    real = Visitor.get

    def breaking(self, address, **conditions):
        if address.endswith("/3"):
            raise RuntimeError("a bug")
        return real(self, address, **conditions)

    monkeypatch.setattr(Visitor, "get", breaking)
    report = collect(settings, watch(ten, kind="feed", addresses=[ten.address + "/feed"]), "letters")
    assert (report.new, report.failed, report.waiting) == (9, 1, 1)
    assert any("RuntimeError: a bug" in problem for problem in report.problems)


def test_a_database_that_goes_away_ends_the_run_and_the_next_completes_it(settings, ten, watch, monkeypatch):
    real = frontier.still_due
    asked = []

    def away(session, rows):
        asked.append(rows)
        if len(asked) == 2:
            raise OperationalError("select", {}, OSError("the server closed the connection"))
        return real(session, rows)

    monkeypatch.setattr(frontier, "still_due", away)
    monitor = watch(ten, kind="feed", addresses=[ten.address + "/feed"])
    with pytest.raises(BrokenOffError, match="the server closed the connection"):
        collect(settings, monitor, "letters")
    assert collect(settings, monitor, "letters").failed == 0
    assert len(rows(settings, Document)) == 10
    broken, whole = rows(settings, Run)
    assert broken.found == 10
    assert any("broken off (OperationalError" in problem for problem in broken.problems)
    assert whole.problems == []
    assert broken.new + whole.new == 10


def test_an_import_that_is_broken_off_leaves_its_line(store_settings, tmp_path, watch):
    file = tmp_path / "letters.csv"
    file.write_text("".join(["id,text,date\n", *(f"{i},Letter {i} of the hills.,2009-10-05\n" for i in range(40))]))
    monitor = watch(kind="table", path=str(file), columns={"id": "id", "text": "text", "date": "date"})

    def stop(_what, done, _total):
        if done == 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        collect(store_settings, monitor, "letters", progress=stop)
    (run,) = rows(store_settings, Run)
    assert (run.found, run.new) == (30, len(rows(store_settings, Document)))
    assert run.problems == ["the run was broken off (KeyboardInterrupt:)"]
    assert collect(store_settings, monitor, "letters").new == 40 - run.new


def test_addresses_past_every_limit_are_named_and_the_others_are_collected(store_settings, ten, feed_of, watch):
    long = "http://" + ".".join(["long"] * 100) + "/a"
    away = ten.add("/away", "", status=302, location=long)
    links = [f"{ten.address}/{'a' * 6000}", long, away, ten.address + "/letter/1"]
    ten.add("/feed", feed_of(ten, links), type="application/rss+xml")
    monitor = watch(ten, kind="feed", addresses=[ten.address + "/feed"])
    report = collect(store_settings, monitor, "letters")
    assert (report.found, report.new, report.failed) == (2, 1, 3)
    assert any("more than 2,000 bytes" in problem for problem in report.problems)
    assert any("longer than 253 characters" in problem for problem in report.problems)


def test_a_row_whose_id_the_database_cant_index_takes_no_other_with_it(store_settings, tmp_path, watch):
    file = tmp_path / "letters.csv"
    name = "".join(f"{random.getrandbits(64):x}" for _ in range(1000))  # PostgreSQL would pack a plain one
    file.write_text(f"id,text,date\n{name},The first of two.,2009-10-05\nb,The second of two.,2009-10-06\n")
    monitor = watch(kind="table", path=str(file), columns={"id": "id", "text": "text", "date": "date"})
    report = collect(store_settings, monitor, "letters")
    assert "b" in {d.address.rpartition("/")[2] for d in rows(store_settings, Document)}
    assert report.new + report.failed == 2


@pytest.mark.long
@pytest.mark.parametrize("limited", ["time", "memory"])
def test_a_page_that_ends_its_extraction_process_is_kept_and_costs_no_other(settings, ten, watch, limited):
    """A real page past a real limit, among others that keep within."""
    monitor = watch(ten, kind="feed", addresses=[ten.address + "/feed"])
    # workers of its own, started now: one that has read such a page before keeps the memory, and needs no more
    settings = settings.model_copy(update={"extraction_workers": 3})
    collect(settings.model_copy(update={"data": settings.data / "warm"}), monitor, "letters")
    heavy = "<html><body>" + "<div><p>heavy <b>words</b> of one page</p></div>" * 40_000 + "</body></html>"
    ten.add("/letter/5", heavy)
    if limited == "time":
        limit: dict[str, float] = {"extraction_seconds": 0.02}
        reason = "extraction took longer than 0.02 s"
    else:
        size = max(psutil.Process(pid).memory_info().vms for pid in extraction_workers(3)) + 60_000_000
        limit = {"extraction_bytes": size}
        reason = f"extraction needed more than {size / 1e6:,.0f} MB of memory"
    report = collect(settings.model_copy(update=limit), monitor, "letters")
    assert report.new + report.failed == 10
    assert any("/letter/5" in p and f"kept without a document: {reason}" in p for p in report.problems)
    (capture,) = (c for c in rows(settings, Capture) if c.address.endswith("/5"))
    assert capture.problem == reason
    assert archive.read(settings.archive, capture.warc_file, capture.warc_offset).body.decode() == heavy
    assert {row.status for row in rows(settings, Frontier)} == {"fetched"}
    assert collect(settings, monitor, "letters").failed == 0


@pytest.mark.long
def test_two_processes_collect_one_source_at_once(store_settings, new_site, feed_of, watch, tmp_path):
    """Nothing is lost, nothing is double, and every capture can be read."""
    sites = [new_site() for _ in range(3)]
    for site in sites:
        links = [site.article(f"/{i}", f"letter {i} on the river and the wells of {i * 7}") for i in range(12)]
        site.add("/feed", feed_of(site, links), type="application/rss+xml")
    monitor = watch(*sites, kind="feed", addresses=[site.address + "/feed" for site in sites])
    file = tmp_path / "monitor.json"
    file.write_text(monitor.model_dump_json(exclude_unset=True))
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from pipeline.collect.job import collect\n"
        "from pipeline.monitor import Monitor\n"
        "from pipeline.settings import Settings\n"
        "monitor = Monitor.model_validate_json(Path(sys.argv[1]).read_text())\n"
        "settings = Settings(data=Path(sys.argv[2]), database_url=sys.argv[3], default_delay=0.0)\n"
        "collect(settings, monitor, 'letters')\n"
    )
    with open_session(store_settings):
        pass  # the tables are made before
    command = [sys.executable, "-c", code, str(file), str(store_settings.data), store_settings.database_url]
    running = [subprocess.Popen(command) for _ in range(2)]
    assert [process.wait() for process in running] == [0, 0]
    documents = rows(store_settings, Document)
    assert sorted(d.address for d in documents) == sorted(f"{s.address}/{i}" for s in sites for i in range(12))
    assert {f.status for f in rows(store_settings, Frontier)} == {"fetched"}
    # the letters differ in a few words: one text, and no worker has made a second cluster of it
    assert len({d.cluster_id for d in documents}) == len(rows(store_settings, Cluster)) == 1
    captures = rows(store_settings, Capture)
    assert len(captures) == 36
    assert {d.capture_id for d in documents} == {c.id for c in captures}
    for capture in captures:
        assert archive.read(store_settings.archive, capture.warc_file, capture.warc_offset).address == capture.address
