import base64
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlsplit

import httpx
import pytest
from sqlalchemy import select, update
from warcio.archiveiterator import ArchiveIterator

from pipeline.collect.fetch import Response
from pipeline.collect.job import collect
from pipeline.collect.kinds import wayback
from pipeline.collect.kinds.events import Links, Scene
from pipeline.extract.address import canonical
from pipeline.monitor import Monitor, WaybackSource
from pipeline.store.places import PlaceState
from pipeline.store.session import open_session
from pipeline.store.tables import Capture, Document, Frontier, Host, Place
from tests import pywb_server
from tests.collect.conftest import Site, article
from tests.pywb_server import Pywb, Seen, write_warc

OUTLET = "http://outlet.example"


def page(words: str, date: str | None = "2009-10-05") -> bytes:
    text = article(words)
    dated = '<meta property="article:published_time" content="2009-10-05T08:00:00+00:00">'
    return text.replace(dated, dated.replace("2009-10-05", date) if date else "").encode()


def arabic() -> bytes:
    sentence = "أصدرت الحركة بيانا عن البئر والسور في القرية وقالت إن الأرض لأهلها وإن الناس أحرار فيها. "
    paragraphs = "".join(f"<p>{sentence * 3} الفقرة رقم {n}.</p>" for n in range(5))
    return f"<html><head><title>بيان</title></head><body><article>{paragraphs}</article></body></html>".encode(
        "windows-1256"
    )


HOME_OLD = Seen(f"{OUTLET}/", "20060301100000", page("the first letter about the well", "2006-02-28"))
HOME_SAME = Seen(f"{OUTLET}/", "20060401100000", HOME_OLD.body)
HOME_REVISIT = Seen(f"{OUTLET}/", "20060501100000", same_as=HOME_OLD)
HOME_NEW = Seen(f"{OUTLET}/", "20090901100000", page("the wall that nobody had asked for", "2009-08-30"))
DATED = Seen(f"{OUTLET}/2009/10/07/statement.html", "20120301100000", page("no harm to other countries", None))
ARABIC = Seen(f"{OUTLET}/ar.html", "20080101000000", arabic(), type="text/html; charset=windows-1256")
MOVED = Seen(f"{OUTLET}/old", "20091101000000", status="302 Found", headers=(("Location", f"{OUTLET}/new?a=2&b=1"),))
NEW = Seen(f"{OUTLET}/new?a=2&b=1", "20091101000005", page("a page that has moved to here", "2009-10-30"))
GONE = Seen(f"{OUTLET}/gone", "20091101000000", page("not found"), status="404 Not Found")
PICTURE = Seen(f"{OUTLET}/logo.png", "20091101000000", b"\x89PNG", type="image/png")
PRINTED = Seen(f"{OUTLET}/print/5", "20091101000000", page("a page for printers"))
TWIN = Seen(f"{OUTLET}/twin", "20100101000000", same_as=HOME_NEW)
OTHER_HOST = Seen("http://news.outlet.example/letter", "20091101000000", page("a letter from the news desk"))
ELSEWHERE = Seen("http://elsewhere.example/outlet.example/", "20091101000000", page("a page of somebody else"))
SITE = [
    HOME_OLD, HOME_SAME, HOME_REVISIT, HOME_NEW, DATED, ARABIC, MOVED, NEW, GONE, PICTURE, PRINTED, TWIN, OTHER_HOST,
    ELSEWHERE,
]  # fmt: skip
FRAMES = [
    Seen(f"{OUTLET}/5", f"2009{month}01120000", NEW.body.replace(b"</body>", f"<p>{month}</p></body>".encode()))
    for month in ("09", "10", "11")
]
MANY = [
    Seen(f"{OUTLET}/{n % 20}", f"20{n % 9 + 1:02}0{n % 8 + 1}1512{n:02}00", page(f"letter {n % 25}")) for n in range(50)
]


@pytest.fixture(scope="module")
def pywb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pywb]:
    folder = tmp_path_factory.mktemp("pywb")
    with pywb_server.running(folder / "server") as server:
        for name, captures in (("site", SITE), ("many", MANY), ("frames", FRAMES)):
            write_warc(folder / f"{name}.warc.gz", captures)
            server.collection(name, folder / f"{name}.warc.gz")
        yield server


@pytest.fixture
def of_pywb(pywb: Pywb, watch: Callable[..., Monitor]) -> Callable[..., Monitor]:
    """A monitor of a collection."""

    def make(collection: str = "site", **fields: object) -> Monitor:
        given = {"addresses": [f"{OUTLET}/"], "delay": 0, **pywb.fields(collection), **fields}
        return watch(kind="wayback", allowed=[pywb.host_port], **given)

    return make


def documents(settings) -> dict[str, Document]:
    with open_session(settings) as session:
        return {one.address: one for one in session.scalars(select(Document).order_by(Document.address))}


def shown(pywb: Pywb, *captures: Seen, collection: str = "site") -> set[str]:
    return {f"http://{pywb.host_port}/{collection}/{one.time}/{one.address}" for one in captures}


def forget_when_asked(settings) -> None:
    """As if the index had been read two weeks ago."""
    with open_session(settings) as session:
        session.execute(update(Place).values(checked_at=datetime.now(UTC) - timedelta(days=14), not_before=None))
        session.commit()


def test_every_body_of_every_address_once(store_settings, pywb, of_pywb):
    monitor = of_pywb(exclude="/print/")
    report = collect(store_settings, monitor, "letters")
    found = documents(store_settings)
    assert set(found) == shown(pywb, HOME_OLD, HOME_NEW, DATED, ARABIC, NEW, TWIN)
    assert (report.new, report.failed, report.waiting) == (6, 0, 0), report.problems

    def of(seen: Seen) -> Document:
        return found[next(iter(shown(pywb, seen)))]

    assert "the first letter about the well" in of(HOME_OLD).text
    assert "أصدرت الحركة بيانا" in of(ARABIC).text
    assert (of(ARABIC).encoding or "").lower().replace("_", "-") in {"windows-1256", "cp1256"}
    assert of(TWIN).text == of(HOME_NEW).text
    assert of(TWIN).cluster_id == of(HOME_NEW).cluster_id
    assert report.reposts


def test_a_page_whose_frame_has_changed_is_one_text(settings, pywb, of_pywb):
    report = collect(settings, of_pywb("frames"), "letters")
    found = documents(settings)
    assert set(found) == shown(pywb, *FRAMES, collection="frames")
    assert len({one.cluster_id for one in found.values()}) == 1
    assert (report.new, report.reposts) == (3, 2)


def test_a_page_is_dated_by_its_own_address_never_by_its_capture(settings, pywb, of_pywb):
    collect(settings, of_pywb(), "letters")
    one = documents(settings)[next(iter(shown(pywb, DATED)))]
    assert (one.published_origin, one.published_at) == ("url", datetime(2009, 10, 7, tzinfo=UTC))
    capture = next(date for date in one.dates if date["origin"] == "capture")
    assert (capture["accepted"], datetime.fromisoformat(capture["value"])) == (
        False,
        datetime(2012, 3, 1, 10, tzinfo=UTC),
    )
    with open_session(settings) as session:
        hints = session.scalar(select(Frontier.hints).where(Frontier.address.contains("statement")))
        assert hints["original"] == DATED.address
        kept = session.get(Capture, one.capture_id)
    from pipeline.collect import archive

    assert kept.address == one.address
    assert archive.read(settings.archive, kept.warc_file, kept.warc_offset).body == DATED.body


@pytest.mark.parametrize(
    ("fields", "seen"),
    [
        ({"match": "exact"}, [HOME_OLD, HOME_NEW]),
        ({"match": "prefix", "addresses": [f"{OUTLET}/2009/"]}, [DATED]),
        ({"match": "host", "addresses": [f"{OUTLET}/2009/"], "include": "(ar|statement).html"}, [DATED, ARABIC]),
        ({"match": "domain", "include": "/(letter|twin)"}, [TWIN, OTHER_HOST]),
        ({"from": "2009-01-01", "to": "2009-11-01", "exclude": "print"}, [HOME_NEW, NEW]),
        ({"from": "2006-04-01", "to": "2006-12-31"}, [HOME_SAME]),
        ({"from": "2006-05-01", "to": "2006-12-31"}, [HOME_REVISIT]),
        ({"addresses": [f"{OUTLET}/nothing"]}, []),
    ],
    ids=["exact", "prefix", "host", "domain", "from-to", "same", "revisit", "nothing"],
)
def test_which_captures(settings, pywb, of_pywb, fields, seen):
    report = collect(settings, of_pywb(**fields), "letters")
    assert set(documents(settings)) == shown(pywb, *seen)
    assert report.failed == 0, report.problems


def test_a_window_begins_but_does_not_end_the_question(settings, pywb, of_pywb):
    monitor = of_pywb(exclude="/print/")
    # published in October 2009: it can't have been captured before, and may have been captured any time since
    window = {"since": datetime(2009, 10, 1, tzinfo=UTC), "until": datetime(2009, 11, 1, tzinfo=UTC)}
    collect(settings, monitor, "letters", **window)
    assert set(documents(settings)) == shown(pywb, DATED, NEW, TWIN)
    collect(settings, monitor, "letters", since=datetime(2030, 1, 1, tzinfo=UTC))
    assert len(documents(settings)) == 3


def test_an_index_that_names_nothing_is_said_to(settings, of_pywb):
    report = collect(settings, of_pywb(addresses=["http://mistyped.example/"]), "letters")
    assert (report.found, report.failed) == (0, 0)
    assert report.problems[0].startswith("http://mistyped.example/: the archive's index names no wanted page")


def test_a_second_run_finds_nothing_new(settings, of_pywb):
    monitor = of_pywb()
    first = collect(settings, monitor, "letters")
    again = collect(settings, monitor, "letters")
    assert (again.found, again.new, again.failed) == (0, 0, 0)
    assert any("read to the end" in problem for problem in again.problems)
    again = collect(settings, monitor, "letters", all_places=True)
    assert (again.found, again.known, again.new, again.failed) == (first.found, first.found, 0, 0)
    forget_when_asked(settings)
    assert collect(settings, monitor, "letters").found == first.found


def same_body_under_another_capture(captures: list[Seen]) -> set[tuple[str, bytes]]:
    return {(one.address, one.body) for one in captures}


def state(settings) -> list[tuple[object, ...]]:
    with open_session(settings) as session:
        rows = session.execute(
            select(Document.address, Document.text_digest, Document.published_at, Document.cluster_id, Capture.digest)
            .join(Capture, Document.capture_id == Capture.id)
            .order_by(Document.address)
        ).all()
        clusters: dict[int, int] = {}
        # ids depend on the order of writing, what stands together does not
        return [(a, t, p, clusters.setdefault(c, len(clusters)), d) for a, t, p, c, d in rows]


@pytest.mark.parametrize("lines", [1000, 7])
def test_the_index_is_read_in_parts_where_it_is_long(settings, pywb, of_pywb, monkeypatch, lines):
    monkeypatch.setattr(wayback, "LINES", lines)
    report = collect(settings, of_pywb("many"), "letters")
    assert report.failed == 0, report.problems
    assert len(documents(settings)) == len(same_body_under_another_capture(MANY))


RUN = """
import sys
from pathlib import Path
from pipeline.collect.job import collect
from pipeline.collect.kinds import wayback
from pipeline.extract.address import canonical
from pipeline.monitor import Monitor
from pipeline.settings import Settings
wayback.LINES = 7
monitor = Monitor.model_validate_json(Path(sys.argv[2]).read_text())
collect(Settings(data=sys.argv[1], database_url="", default_delay=0.0), monitor, "letters")
"""


def test_killed_in_the_middle_of_the_index_and_run_again(settings, pywb, of_pywb, monkeypatch, tmp_path):
    monitor = of_pywb("many")
    monkeypatch.setattr(wayback, "LINES", 7)
    undisturbed = settings.model_copy(update={"data": tmp_path / "undisturbed"})
    undisturbed.__dict__.pop("database", None)
    collect(undisturbed, monitor, "letters")

    slow = monitor.model_copy(update={"sources": [monitor.sources[0].model_copy(update={"delay": 0.1})]})
    (tmp_path / "monitor.json").write_text(slow.model_dump_json(by_alias=True))
    with open_session(settings):
        pass  # makes the tables
    process = subprocess.Popen([sys.executable, "-c", RUN, str(settings.data), str(tmp_path / "monitor.json")])
    until = time.monotonic() + 30
    while not (cursor := cursor_of(settings)) and time.monotonic() < until:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert cursor
    assert cursor_of(settings)
    assert not documents(settings)

    asked: list[str] = []
    real = wayback.address_of

    def noted(base, question, **more):
        asked.append(wayback.stamp(question.first))
        return real(base, question, **more)

    monkeypatch.setattr(wayback, "address_of", noted)
    collect(settings, monitor, "letters")
    assert asked[0] >= json.loads(cursor)["first"]
    assert state(settings) == state(undisturbed)


def cursor_of(settings) -> str | None:
    with open_session(settings) as session:
        return session.scalar(select(Place.cursor).where(Place.cursor.is_not(None)))


def test_a_run_that_is_out_of_time_goes_on_where_it_was(settings, of_pywb, monkeypatch):
    monkeypatch.setattr(wayback, "LINES", 7)
    monitor = of_pywb("many", delay=0.1)
    short = settings.model_copy(update={"run_seconds": 0.7})
    report = collect(short, monitor, "letters")
    assert any("not read to its end" in problem for problem in report.problems)
    assert (report.new, report.failed) == (0, 0)
    cursor = cursor_of(settings)
    assert cursor
    quick = of_pywb("many")
    report = collect(settings, quick, "letters")
    assert report.failed == 0
    assert len(documents(settings)) == len(same_body_under_another_capture(MANY))


def pages_in(*files: Path) -> set[tuple[str, str]]:
    """Address and digest of every page in archive files, by their own records."""
    pages: dict[str, set[str]] = {}
    again: set[tuple[str, str]] = set()
    for file in files:
        with file.open("rb") as stream:
            for record in ArchiveIterator(stream):
                address = record.rec_headers.get_header("WARC-Target-URI") or ""
                digest = record.rec_headers.get_header("WARC-Payload-Digest") or ""
                if record.rec_type == "revisit":
                    again.add((address, digest))
                elif (
                    record.rec_type == "response"
                    and record.http_headers.get_statuscode() == "200"
                    and record.http_headers.get_header("Content-Type", "").startswith("text/html")
                ):
                    pages.setdefault(digest, set()).add(address)
    return {(a, d) for d, addresses in pages.items() for a in addresses} | {(a, d) for a, d in again if d in pages}


def test_the_samples_of_pywb(settings, pywb, watch, shared_data):
    files = [shared_data / "warc" / "pywb" / "warcs" / name for name in ("iana.warc.gz", "dupes.warc.gz")]
    pywb.collection("samples", *files)
    monitor = watch(
        kind="wayback", allowed=[pywb.host_port], addresses=["http://www.iana.org/"], match="domain", delay=0,
        **pywb.fields("samples"),
    )  # fmt: skip
    report = collect(settings, monitor, "letters")
    with open_session(settings) as session:
        originals = session.execute(select(Frontier.hints, Frontier.content)).all()
    expected = {page for page in pages_in(*files) if urlsplit(page[0]).netloc.endswith("iana.org")}
    assert len(originals) == len(expected)
    assert {hints["original"] for hints, _ in originals} == {canonical(address) for address, _ in expected}
    assert (report.new, report.failed) == (len(expected), 0), report.problems


# The Internet Archive's own form of index: https://github.com/internetarchive/wayback/tree/master/wayback-cdx-server

NAMES = ["urlkey", "timestamp", "original", "mimetype", "statuscode", "digest", "length"]


@dataclass
class InternetArchive:
    """Answers as wayback-cdx-server does: JSON rows, at most ``most`` of them, and the key of the next. And replays."""

    site: Site
    captures: dict[tuple[str, str], bytes]
    """(time, address) -> body"""
    most: int = 1000
    asked: list[dict[str, str]] = field(default_factory=list)
    fails: dict[int, int] = field(default_factory=dict)
    """number of the question -> status it is refused with"""

    @property
    def fields(self) -> dict[str, str]:
        return {"cdx": f"{self.site.address}/cdx/search/cdx", "replay": f"{self.site.address}/web"}

    def rows(self) -> list[list[str]]:
        def row(time: str, address: str) -> list[str]:
            digest = hashlib.sha1(self.captures[time, address], usedforsecurity=False).digest()
            key = f"example,outlet){urlsplit(address).path}"
            return [key, time, address, "text/html", "200", base64.b32encode(digest).decode(), "500"]

        return sorted(row(*one) for one in self.captures)

    def cdx(self, handler: BaseHTTPRequestHandler) -> None:
        asked = dict(parse_qsl(urlsplit(handler.path).query))
        self.asked.append(asked)
        if status := self.fails.pop(len(self.asked), None):
            handler.send_response(status)
            handler.end_headers()
            return
        prefix = asked["url"].partition("://")[2].partition("/")[2]
        rows = [
            row
            for row in self.rows()
            if row[0].startswith(f"example,outlet)/{prefix}") and asked["from"] <= row[1] <= asked["to"]
        ]
        if "resumeKey" in asked:
            rows = [row for row in rows if f"{row[0]} {row[1]}" >= asked["resumeKey"]]
        most = min(self.most, int(asked["limit"]))
        answer: list[list[str]] = [NAMES, *rows[:most]] if rows else []
        if len(rows) >= most and rows:
            last = rows[most - 1]
            # as the server writes it: the last digit of the time is counted up, and all is escaped
            answer += [[], [quote_plus(f"{last[0]} {last[1][:-1]}{chr(ord(last[1][-1]) + 1)}")]]
        self.send(handler, json.dumps(answer).encode(), "application/json")

    def show(self, handler: BaseHTTPRequestHandler) -> None:
        time, _, address = handler.path.removeprefix("/web/").partition("id_/")
        made = datetime.strptime(time, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
        headers = {"Memento-Datetime": format_datetime(made, usegmt=True)}
        self.send(handler, self.captures[time, address], "text/html", **headers)

    def send(self, handler: BaseHTTPRequestHandler, body: bytes, type: str, **headers: str) -> None:
        handler.send_response(200)
        for name, value in {"Content-Type": type, "Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)


@pytest.fixture
def internet_archive(new_site: Callable[[], Site]) -> InternetArchive:
    """Thirty captures of ten addresses, and two of the home page."""
    site = new_site()
    captures = {
        (f"2009{n % 9 + 1:02}01120000", f"{OUTLET}/{n % 10}"): page(f"letter {n % 20} of many") for n in range(30)
    }
    archive = InternetArchive(site, captures)
    site.pages = Routes(archive)
    return archive


class Routes(dict[str, Any]):
    """Every address below the two services."""

    def __init__(self, archive: InternetArchive) -> None:
        self.archive = archive

    def get(self, path: str, default: Any = None) -> Any:
        if path in self:
            return self[path]
        if path.startswith("/cdx/"):
            return (200, {}, self.archive.cdx)
        return (200, {}, self.archive.show) if path.startswith("/web/") else default


@pytest.fixture
def of_archive(internet_archive: InternetArchive, watch: Callable[..., Monitor]) -> Callable[..., Monitor]:
    def make(**more: object) -> Monitor:
        fields = {"addresses": [f"{OUTLET}/"], "delay": 0, **internet_archive.fields, **more}
        return watch(internet_archive.site, kind="wayback", **fields)

    return make


def bodies(archive: InternetArchive) -> int:
    return len({(address, body) for (_, address), body in archive.captures.items()})


def test_the_internet_archives_index_is_read_by_its_keys(settings, internet_archive, of_archive):
    internet_archive.most = 4
    report = collect(settings, of_archive(), "letters")
    assert (report.new, report.failed) == (bodies(internet_archive), 0), report.problems
    assert len(internet_archive.asked) == 8
    assert all("collapse" not in one for one in internet_archive.asked)
    assert internet_archive.asked[1]["resumeKey"].startswith("example,outlet)/1 2009")


@pytest.mark.parametrize(("status", "kind"), [(429, "temporary"), (503, "temporary"), (504, "temporary")])
def test_an_index_that_is_busy_is_asked_on_where_it_was(settings, internet_archive, of_archive, status, kind):
    internet_archive.most, internet_archive.fails = 4, {4: status}
    report = collect(settings.model_copy(update={"run_seconds": 2.0}), of_archive(), "letters")
    assert any(f"HTTP {status}" in problem for problem in report.problems)
    with open_session(settings) as session:
        place = session.scalars(select(Place)).one()
        assert (place.failure, place.failures) == (kind, 1)
        assert place.cursor
    again = collect(settings.model_copy(update={"run_seconds": 1.0}), of_archive(), "letters")
    assert any("not asked before" in problem for problem in again.problems)
    with open_session(settings) as session:
        session.execute(update(Place).values(not_before=None))
        session.execute(update(Host).values(next_request_at=None))
        session.execute(update(Frontier).values(not_before=None))
        session.commit()
    asked = len(internet_archive.asked)
    collect(settings, of_archive(), "letters")
    assert len(documents(settings)) == bodies(internet_archive)
    # the three answers before are not asked for again; where a second has passed meanwhile, it is asked for too
    assert len(internet_archive.asked) - asked in {8 - 3, 8 - 3 + 1}


@pytest.mark.parametrize(("status", "said"), [(403, "may have excluded the site"), (400, "does not take the question")])
def test_an_index_that_refuses(settings, internet_archive, of_archive, status, said):
    internet_archive.fails = {1: status}
    report = collect(settings, of_archive(), "letters")
    assert report.failed == 1
    assert any(said in problem for problem in report.problems)


def test_a_key_that_is_not_taken_any_more_begins_the_walk_anew(settings, internet_archive, of_archive):
    internet_archive.most, internet_archive.fails = 4, {3: 400, 4: 400}
    collect(settings, of_archive(), "letters")
    assert cursor_of(settings) is not None  # it may have been a mishap
    forget_when_asked(settings)
    collect(settings, of_archive(), "letters")
    assert cursor_of(settings) is None
    forget_when_asked(settings)
    collect(settings, of_archive(), "letters")
    assert len(documents(settings)) == bodies(internet_archive)


def test_pages_of_the_archives_own_are_no_captures(settings, internet_archive, of_archive):
    site, captures = internet_archive.site, internet_archive.captures
    captures.clear()
    for number in range(4):
        captures["20090901120000", f"{OUTLET}/{number}"] = page(f"letter {number}")
    web = f"/web/20090901120000id_/{OUTLET}"
    site.add(f"{web}/0", "<html><body><h1>Not archived</h1><p>This page was not archived.</p></body></html>")
    elsewhere = f"/web/20050901120000id_/{OUTLET}/1"
    site.add(f"{web}/1", "", status=302, location=elsewhere)
    captures["20050901120000", f"{OUTLET}/1"] = page("a much older letter")
    site.add(f"{web}/2", "", status=302, location=f"{OUTLET}/2")
    report = collect(settings, of_archive(**{"from": "2009-01-01"}), "letters")
    assert set(documents(settings)) == {f"{site.address}/web/20090901120000/{OUTLET}/3"}
    assert (report.new, report.failed, report.waiting) == (1, 3, 3)
    for said in ("a page of its own", "one of another day", "that is another host"):
        assert any(said in problem for problem in report.problems), report.problems


def test_a_page_that_led_elsewhere_is_the_capture_it_led_to(settings, internet_archive, of_archive):
    site, captures = internet_archive.site, internet_archive.captures
    captures.clear()
    captures["20090901120000", f"{OUTLET}/old"] = b"moved"
    captures["20090901120003", f"{OUTLET}/2009/08/30/new"] = page("what has moved", None)
    site.add(
        f"/web/20090901120000id_/{OUTLET}/old",
        "",
        status=302,
        location=f"/web/20090901120003id_/{OUTLET}/2009/08/30/new",
    )
    report = collect(settings, of_archive(), "letters")
    (one,) = documents(settings).values()
    assert one.address == f"{site.address}/web/20090901120003/{OUTLET}/2009/08/30/new"
    assert (report.new, report.known, report.failed) == (1, 1, 0)
    assert one.published_origin == "url"


def test_a_robots_file_of_the_archive_counts(settings, internet_archive, of_archive):
    internet_archive.site.add("/robots.txt", "User-agent: *\nDisallow: /web/\n", type="text/plain")
    report = collect(settings, of_archive(), "letters")
    assert (report.new, report.found) == (0, bodies(internet_archive))
    assert any("robots.txt forbids" in problem for problem in report.problems)


def test_a_long_index_is_never_in_memory_as_a_whole(settings, monkeypatch):
    """Forty parts take no more than four."""
    monkeypatch.setattr(wayback, "LINES", 200)

    def peak(parts: int) -> int:
        rows = ",".join(
            json.dumps(["example,outlet)/", "20090919120000", f"{OUTLET}/%d", "text/html", "200", f"{n}", "5"])
            for n in range(200)
        )
        asked = 0

        def get(address: str) -> Response:
            nonlocal asked
            asked += 1
            more = f',[],["key+{asked}"]' if asked < parts else ""
            body = f"[{json.dumps(NAMES)},{rows.replace('%d', str(asked))}{more}]".encode()
            return Response(address, 200, httpx.Headers(), body, body, datetime.now(UTC), 0.0)

        scene = Scene(settings, get, get, lambda addresses: set(), PlaceState)  # type: ignore[arg-type]
        source = WaybackSource(id="x", kind="wayback", speaker="observer", addresses=[f"{OUTLET}/"])
        tracemalloc.start()
        count = sum(
            len(event.found) for event in wayback.discover(source, f"{OUTLET}/", scene) if isinstance(event, Links)
        )
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count == 200 * parts
        return most

    assert peak(40) < 1.3 * peak(4)
