"""Every step of the way, against a server that really fails at it."""

import ssl
import subprocess
import threading
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from pipeline.collect.job import collect
from pipeline.collect.probe import NAMES, deciding_line
from pipeline.collect.why import explain
from pipeline.monitor import Monitor
from tests.collect.conftest import article
from tests.ports import free_ports

NOW = datetime.now(UTC)
PAGES = [f"/post/{n}" for n in range(3)]
ABOUT = [" ".join(f"{word}{i}" for i in range(40)) for word in ("harvest", "bridge", "school")]


@pytest.fixture
def blog(site, feed_of):
    for n, path in enumerate(PAGES):
        site.article(path, ABOUT[n])
    site.add("/feed", feed_of(site, PAGES), type="application/rss+xml")
    return site


@pytest.fixture
def why(settings, watch):
    """Explains a feed source: the step asked for and all others by name."""

    def ask(*sites, offline=False, **fields):
        monitor = watch(*sites, **{"kind": "feed", "addresses": [f"{sites[0].address}/feed"], **fields})
        made = explain(settings, monitor, "letters", now=datetime.now(UTC), offline=offline)
        return {step.name: step for step in made.steps}, made

    return ask


def behind(steps, name):
    """Outcomes of the network steps behind this one."""
    return {steps[one].outcome for one in NAMES[NAMES.index(name) + 1 :]}


def test_a_source_that_works(why, blog, settings, watch):
    monitor = watch(blog, kind="feed", addresses=[blog.address + "/feed"])
    assert collect(settings, monitor, "letters").new == 3
    blog.requests.clear()
    steps, made = why(blog)
    assert made.conclusion == "Nothing is in its way."
    assert made.asked == f"{blog.address}/feed"
    assert {one.outcome for one in made.steps if one.name != "volume"} == {"ok"}
    assert "3 addresses found" in steps["links"].said
    assert "3 of 3 addresses fetched" in steps["addresses"].said
    assert "All of 3 texts are dated" in steps["dates"].said
    assert "3 new" in steps["runs"].said
    # one polite request, robots.txt was known
    assert blog.asked() == ["/feed"]
    blog.requests.clear()
    _, offline = why(blog, offline=True)
    assert blog.asked() == []
    assert not {one.name for one in offline.steps} & set(NAMES)


def test_a_name_that_does_not_exist(why, blog):
    steps, made = why(blog, addresses=["http://nowhere.invalid/feed"])
    assert steps["name"].outcome == "trouble"
    assert "nowhere.invalid" in steps["name"].said
    assert behind(steps, "name") == {"not reached"}
    assert made.conclusion.startswith("Look first at: name.")


def test_an_address_that_must_not_be_fetched(why, blog):
    steps, _ = why(blog, allowed=[])
    assert "no public address" in steps["name"].said
    assert "allowed_addresses" in steps["name"].mend


def test_a_port_that_is_closed(why, blog):
    closed = f"127.0.0.1:{free_ports(1)}"
    steps, _ = why(blog, addresses=[f"http://{closed}/feed"], allowed=[closed])
    assert steps["connection"].outcome == "trouble"
    assert "refused" in steps["connection"].said
    assert behind(steps, "connection") == {"not reached"}


def test_a_certificate_nobody_vouches_for(why, blog, tmp_path):
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    made = f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -keyout {key} -out {certificate}"
    subprocess.run(made.split(), check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_):
            pass  # the client turns away, which is what this is about

    server = Server(("127.0.0.1", 0), BaseHTTPRequestHandler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    try:
        place = f"127.0.0.1:{server.server_address[1]}"
        steps, _ = why(blog, addresses=[f"https://{place}/feed"], allowed=[place])
    finally:
        server.shutdown()
        server.server_close()
    assert steps["certificate"].outcome == "trouble"
    assert "self-signed" in steps["certificate"].said
    assert behind(steps, "certificate") == {"not reached"}


def test_robots_txt_names_the_line(why, blog):
    blog.add("/robots.txt", "User-agent: other\nDisallow: /\n\nUser-agent: *\nAllow: /post\nDisallow: /fe\n")
    steps, _ = why(blog)
    assert steps["robots.txt"].outcome == "trouble"
    assert "line 6, 'Disallow: /fe'" in steps["robots.txt"].said
    assert behind(steps, "robots.txt") == {"not reached"}
    assert blog.asked("/feed") == []


def test_robots_txt_that_cannot_be_had(why, blog):
    blog.add("/robots.txt", "", status=503)
    steps, _ = why(blog)
    assert steps["robots.txt"].outcome == "trouble"
    assert "503" in steps["robots.txt"].said


def test_no_line_forbids_what_is_allowed():
    assert deciding_line("User-agent: *\nDisallow: /a\n", "http://x.example/b", "riftwatch") is None


@pytest.mark.parametrize(
    ("status", "mend"), [(404, "moved"), (410, "gone for good"), (500, "busy or down"), (429, "patience")]
)
def test_statuses(why, blog, status, mend):
    blog.add("/feed", "no", status=status)
    steps, _ = why(blog)
    assert steps["robots.txt"].outcome == "ok"
    assert steps["answer"].outcome == "trouble"
    assert f"HTTP {status}" in steps["answer"].said
    assert mend in steps["answer"].mend
    assert behind(steps, "answer") == {"not reached"}


def test_a_redirect_is_shown(why, blog):
    blog.pages["/new"] = blog.pages["/feed"]
    blog.add("/feed", "", status=301, location="/new")
    steps, _ = why(blog)
    assert f"{blog.address}/feed redirects to {blog.address}/new" in steps["answer"].said
    assert steps["links"].outcome == "ok"


def test_a_page_instead_of_a_feed(why, blog):
    blog.add("/feed", "<html><body>We have moved.</body></html>")
    steps, _ = why(blog)
    assert "text/html" in steps["answer"].said
    assert steps["links"].outcome == "trouble"
    assert "is no feed" in steps["links"].said


def test_an_empty_feed(why, blog, feed_of):
    blog.add("/feed", feed_of(blog, []), type="application/rss+xml")
    steps, _ = why(blog)
    assert steps["links"].outcome == "trouble"
    assert "0 addresses found" in steps["links"].said


def test_patterns_that_let_nothing_in(why, blog):
    steps, _ = why(blog, include="/essay/")
    assert steps["links"].outcome == "trouble"
    assert "3 left out" in steps["links"].said
    assert "include and exclude" in steps["links"].mend
    assert "include '/essay/'" in steps["monitor file"].said
    # the feed was asked for once only
    assert blog.asked("/feed") == ["/feed"]


def test_pages_that_all_fail(why, blog, settings, watch):
    for path in PAGES:
        blog.add(path, "no", status=500)
    collect(settings, watch(blog, kind="feed", addresses=[blog.address + "/feed"]), "letters")
    steps, _ = why(blog, offline=True)
    assert steps["addresses"].outcome == "trouble"
    assert "HTTP 500 (3" in steps["addresses"].said
    assert "retry is due" in steps["addresses"].said
    assert steps["runs"].outcome == "trouble"
    assert steps["texts"].outcome == "not reached"


def test_pages_without_a_text(why, blog, settings, watch):
    for path in PAGES:
        blog.add(path, "<html><body></body></html>")
    collect(settings, watch(blog, kind="feed", addresses=[blog.address + "/feed"]), "letters")
    steps, _ = why(blog, offline=True)
    assert steps["texts"].outcome == "trouble"
    assert "3 quarantined" in steps["texts"].said


def test_texts_that_are_all_undated(why, blog, settings, watch):
    late = (NOW + timedelta(days=400)).date().isoformat()
    items = "".join(f"<item><link>{path}</link></item>" for path in PAGES)
    blog.add("/feed", f'<rss version="2.0"><channel>{items}</channel></rss>', type="application/rss+xml")
    for n, path in enumerate(PAGES):
        blog.add(path, article(ABOUT[n], date=late))
    collect(settings, watch(blog, kind="feed", addresses=[blog.address + "/feed"]), "letters")
    steps, _ = why(blog, offline=True)
    assert steps["dates"].outcome == "trouble"
    assert "3 of 3 texts have no acceptable date" in steps["dates"].said
    assert "date_selector" in steps["dates"].mend
    assert steps["trend"].outcome == "trouble"


def test_texts_that_are_all_duplicates(why, blog, settings, feed_of, new_site):
    other = new_site()
    for n, path in enumerate(PAGES):
        other.pages[path] = blog.pages[path]
        blog.add(path, article(ABOUT[n], date="2009-11-05"))
    other.add("/feed", feed_of(other, PAGES), type="application/rss+xml")
    blog.add("/feed", feed_of(blog, PAGES).replace("Oct", "Nov"), type="application/rss+xml")
    source = {"group": "home", "speaker": "own", "kind": "feed"}
    monitor = Monitor.model_validate(
        {
            "name": "test",
            "title": "Test",
            "groups": [{"id": "home", "name": "Home"}],
            "sources": [
                {**source, "id": "first", "addresses": [other.address + "/feed"]},
                {**source, "id": "letters", "addresses": [blog.address + "/feed"]},
            ],
            "allowed_addresses": [blog.host_port, other.host_port],
        }
    )
    for one in ("first", "letters"):
        assert collect(settings, monitor, one).new == 3
    steps, _ = why(blog, offline=True)
    assert steps["duplicates"].outcome == "ok"
    assert "3 of 3 texts carry a text that counts elsewhere. It mostly reposts" in steps["duplicates"].said


def test_an_archive_without_captures(why, site):
    site.add("/cdx?", "")
    site.pages = _AnyQuery(site.pages, "/cdx")
    steps, _ = why(
        site,
        kind="wayback",
        addresses=["http://old.example/"],
        cdx=f"{site.address}/cdx",
        replay=f"{site.address}/web",
    )
    assert steps["answer"].outcome == "ok"
    assert steps["links"].outcome == "trouble"
    assert "archive's own pages" in steps["links"].mend


class _AnyQuery(dict):
    """Answers every query of a path with an empty 200."""

    def __init__(self, pages, path):
        super().__init__(pages)
        self._path = path

    def get(self, key, default=None):
        return (200, {"content-type": "text/plain"}, "") if key.startswith(self._path) else super().get(key, default)


def test_a_failing_place_is_the_one_that_is_asked(why, blog, settings, watch):
    places = [blog.address + "/feed", blog.address + "/gone"]
    collect(settings, watch(blog, kind="feed", addresses=places), "letters")
    steps, made = why(blog, addresses=places)
    assert made.asked == blog.address + "/gone"
    assert steps["places"].outcome == "trouble"
    assert "HTTP 404 (1 failure in a row, asked again" in steps["places"].said


def test_files_that_are_not_there(settings, watch, tmp_path):
    fields = {"kind": "table", "path": str(tmp_path / "none.csv"), "columns": {"text": "t", "date": "d"}}
    made = explain(settings, watch(allowed=[], **fields), "letters", now=NOW)
    assert [step.name for step in made.steps if step.outcome == "trouble"] == ["files", "runs"]


def test_an_unknown_source(settings, watch, blog):
    with pytest.raises(KeyError):
        explain(settings, watch(blog, kind="feed", addresses=[blog.address + "/feed"]), "other", now=NOW)
