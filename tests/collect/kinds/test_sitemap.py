import gzip
import hashlib
import subprocess
import sys
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from pipeline.collect.job import collect
from pipeline.store.session import open_session
from pipeline.store.tables import Capture, Frontier

NS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'


def hints(settings):
    with open_session(settings) as session:
        return {row.address: row.hints for row in session.execute(select(Frontier.address, Frontier.hints))}


def test_index_gzip_news_and_plain_text(settings, site, watch):
    a = f"{site.address}/a"
    site.add(
        "/index.xml",
        f"<sitemapindex {NS}><sitemap><loc>{site.address}/one.xml.gz</loc></sitemap>"
        "<sitemap><loc>/two.xml</loc></sitemap>"
        f"<sitemap><loc>{site.address}/three.txt</loc></sitemap><sitemap><loc>{site.address}/missing.xml</loc></sitemap>"
        f"<sitemap><loc>{site.address}/index.xml</loc></sitemap></sitemapindex>",
    )
    one = f"<urlset {NS}><url><loc> {a}1 </loc><lastmod>2009-09-19</lastmod></url><url><loc>{a}2</loc></url></urlset>"
    site.add("/one.xml.gz", gzip.compress(one.encode()), type="application/gzip")
    site.add(
        "/two.xml",
        f'<urlset {NS} xmlns:news="http://www.google.com/schemas/sitemap-news/0.9" xmlns:i="urn:image"><url>'
        f"<loc>{a}3</loc><i:image><i:loc>{a}.jpg</i:loc></i:image><news:news><news:publication><news:name>N</news:name>"
        "<news:language>ur</news:language></news:publication><news:publication_date>2009-10-01T08:00:00Z"
        "</news:publication_date><news:title>Title &amp; more</news:title></news:news><lastmod>2009-10-02</lastmod>"
        "</url></urlset>",
    )
    site.add("/three.txt", f"\ufeff{a}4\n\n{a}5\n", type="text/plain")
    for number in range(1, 6):
        site.article(f"/a{number}", f"letter {number} about the well and the wall")
    report = collect(settings, watch(site, kind="sitemap", addresses=[site.address + "/index.xml"]), "letters")
    assert (report.found, report.new, report.failed) == (5, 5, 1)
    assert any("/missing.xml: HTTP 404" in p for p in report.problems)
    found = hints(settings)
    assert set(found) == {f"{a}{n}" for n in range(1, 6)}
    assert found[f"{a}1"] == {"dates": [{"origin": "sitemap", "value": "2009-09-19"}]}
    assert found[f"{a}3"] == {
        "title": "Title & more",
        "language": "ur",
        "dates": [
            {"origin": "news", "value": "2009-10-01T08:00:00Z"},
            {"origin": "sitemap", "value": "2009-10-02"},
        ],
    }


def test_indexes_are_not_followed_for_ever(settings, site, watch):
    for level in range(8):
        site.add(f"/{level}.xml", f"<sitemapindex><sitemap><loc>/{level + 1}.xml</loc></sitemap></sitemapindex>")
    report = collect(settings, watch(site, kind="sitemap", addresses=[site.address + "/0.xml"]), "letters")
    assert site.asked("/")[1:] == ["/0.xml", "/1.xml", "/2.xml", "/3.xml"]
    assert any("followed for 3 levels" in p for p in report.problems)


def test_what_is_no_sitemap_is_kept_and_said(settings, site, watch):
    site.add("/map.xml", "<html><body>Moved</body></html>")
    report = collect(settings, watch(site, kind="sitemap", addresses=[site.address + "/map.xml"]), "letters")
    assert report.failed == 1
    with open_session(settings) as session:
        assert "is no sitemap" in session.scalar(select(Capture.problem))


def page_map(site, *paths, lastmod=""):
    changed = f"<lastmod>{lastmod}</lastmod>" if lastmod else ""
    return (
        f"<urlset {NS}>"
        + "".join(f"<url><loc>{site.address}{path}</loc>{changed}</url>" for path in paths)
        + "</urlset>"
    )


@pytest.fixture
def letters(site):
    for number in range(1, 5):
        site.article(f"/a{number}", f"letter {number} about the well and the wall")
    return site


def test_files_that_did_not_change_in_the_window_are_not_asked_for(settings, letters, watch):
    old, new = "<lastmod>2008-05-01</lastmod>", "<lastmod>2009-11-01</lastmod>"
    files = f"<sitemap><loc>/old.xml</loc>{old}</sitemap><sitemap><loc>/new.xml</loc>{new}</sitemap>"
    letters.add("/index.xml", f"<sitemapindex {NS}>{files}<sitemap><loc>/undated.xml</loc></sitemap></sitemapindex>")
    letters.add("/old.xml", page_map(letters, "/a1"))
    letters.add("/new.xml", page_map(letters, "/a2", lastmod="2009-10-20"))
    letters.add("/undated.xml", page_map(letters, "/a3", lastmod="2009-09-01"))
    monitor = watch(letters, kind="sitemap", addresses=[letters.address + "/index.xml"])
    report = collect(settings, monitor, "letters", since=datetime(2009, 10, 1, tzinfo=UTC))
    assert letters.asked("/old.xml") == []
    assert letters.asked("/a") == ["/a2"]
    assert any("1 of its sitemaps not read: changed last before 2009-10-01" in problem for problem in report.problems)
    # nothing is lost: a run without a window reads it
    assert collect(settings, monitor, "letters").new == 2


def test_packed_files_of_several_parts_and_wrong_types(settings, letters, watch):
    whole = page_map(letters, "/a1", "/a2").encode()
    letters.add("/map", gzip.compress(whole[:70]) + gzip.compress(whole[70:]), type="text/html")
    assert collect(settings, watch(letters, kind="sitemap", addresses=[letters.address + "/map"]), "letters").new == 2


def test_a_torn_packed_file_gives_what_came_before(settings, letters, watch):
    filler = "".join(
        f"<url><loc>{letters.address}/{hashlib.sha256(b'%d' % i).hexdigest()}</loc></url>" for i in range(3000)
    )
    whole = page_map(letters, "/a1", "/a2").replace("</urlset>", filler + "</urlset>")
    letters.add("/map.gz", gzip.compress(whole.encode())[:-5000], type="application/gzip")
    monitor = watch(letters, kind="sitemap", addresses=[letters.address + "/map.gz"], include="/a")
    report = collect(settings, monitor, "letters")
    assert report.new == 2
    assert any("ended early; what came before was read" in problem for problem in report.problems)
    # it may be mended any day, and is not taken for read
    letters.add("/map.gz", gzip.compress(whole.replace("/a2", "/a3").encode()), type="application/gzip")
    assert collect(settings, monitor, "letters").new == 1


def test_a_bomb_is_refused_and_the_other_files_are_read(settings, letters, watch):
    letters.add("/bomb.gz", gzip.compress(bytes(80_000_000)), type="application/gzip")
    letters.add("/good.xml", page_map(letters, "/a1"))
    letters.add(
        "/i.xml",
        "<sitemapindex><sitemap><loc>/bomb.gz</loc></sitemap><sitemap><loc>/good.xml</loc></sitemap></sitemapindex>",
    )
    report = collect(settings, watch(letters, kind="sitemap", addresses=[letters.address + "/i.xml"]), "letters")
    assert report.new == 1
    assert any("/bomb.gz: refused" in problem for problem in report.problems)


def test_a_sitemap_may_be_larger_than_other_bodies(settings, letters, watch):
    small = settings.model_copy(update={"max_body_bytes": 5_000})
    body = page_map(letters, "/a1").replace("</urlset>", " " * 20_000 + "</urlset>")
    letters.add("/map.xml", body)
    letters.add("/map.xml.gz", gzip.compress(body.encode()))
    for name in ("/map.xml", "/map.xml.gz"):
        monitor = watch(letters, id=name[-2:], kind="sitemap", addresses=[letters.address + name])
        assert collect(small, monitor, name[-2:]).found == 1


def test_a_feed_in_a_sitemaps_place(settings, letters, watch, feed_of):
    letters.add("/map", feed_of(letters, [letters.address + "/a1", letters.address + "/a2"]), type="application/xml")
    assert collect(settings, watch(letters, kind="sitemap", addresses=[letters.address + "/map"]), "letters").new == 2
    found = hints(settings)[letters.address + "/a1"]
    assert (found["title"], found["dates"][0]["origin"]) == ("Letter 0", "feed")


def test_translations_are_texts_of_their_own(settings, letters, watch):
    letters.add(
        "/map.xml",
        '<urlset xmlns:x="http://www.w3.org/1999/xhtml"><url><loc>/a1</loc><lastmod>2009-10-01</lastmod>'
        '<x:link rel="alternate" hreflang="ps" href="/a2"/>'
        '<x:link rel="alternate" hreflang="x-default" href="/a3"/></url>'
        "<url><loc>/a2</loc><lastmod>2009-10-02</lastmod></url></urlset>",
    )
    monitor = watch(letters, kind="sitemap", addresses=[letters.address + "/map.xml"])
    assert collect(settings, monitor, "letters").new == 3
    found = hints(settings)
    assert found[letters.address + "/a2"] == {"dates": [{"origin": "sitemap", "value": "2009-10-02"}]}
    assert found[letters.address + "/a3"] == {}


@pytest.mark.parametrize("address", ["/robots.txt", "/"])
def test_robots_txt_and_home_pages_lead_to_sitemaps(settings, letters, watch, address):
    letters.add("/robots.txt", "User-agent: *\nDisallow: /none\nSitemap: /one.xml\nsitemap: two.xml", type="text/plain")
    letters.add("/one.xml", page_map(letters, "/a1"))
    letters.add("/two.xml", page_map(letters, "/a2"))
    report = collect(settings, watch(letters, kind="sitemap", addresses=[letters.address + address]), "letters")
    assert (report.new, report.problems) == (2, ())


def test_a_home_page_whose_robots_txt_names_none_is_tried_at_the_usual_places(settings, letters, watch):
    monitor = watch(letters, kind="sitemap", addresses=[letters.address + "/"])
    report = collect(settings, monitor, "letters")
    assert any("no sitemap found: robots.txt names none" in problem for problem in report.problems)
    letters.add("/sitemap_index.xml", page_map(letters, "/a1"))
    assert collect(settings, monitor, "letters", all_places=True).new == 1


_MEASURE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from pipeline.collect.job import collect
from pipeline.monitor import load_monitor
from pipeline.settings import Settings
from pipeline.store.session import open_session

def peak():
    return int(next(line for line in Path("/proc/self/status").read_text().splitlines() if "VmHWM" in line).split()[1])

settings, monitor = Settings(), load_monitor(Path(sys.argv[1]))
with open_session(settings):
    pass
since = datetime(2010, 1, 1, tzinfo=UTC)
collect(settings, monitor, "small", since=since)
before = peak()
report = collect(settings, monitor, "large", since=since)
print(report.found, peak() - before)
"""


@pytest.mark.long
def test_fifty_thousand_addresses_are_discovered_in_bounded_memory(letters, tmp_path):
    """The whole way, from the server into the frontier: ten times the addresses, hardly more memory.

    Discovering only: all were changed last before the window, so that none is asked for and the frontier holds them.
    """
    for many in (5_000, 50_000):
        letters.add(
            f"/{many}.xml", page_map(letters, *(f"/text/{many}/{i}" for i in range(many)), lastmod="2009-09-19")
        )
    sources = "".join(
        f"  - {{id: {name}, group: home, speaker: own, kind: sitemap, addresses: ['{letters.address}/{many}.xml']}}\n"
        for name, many in (("small", 5_000), ("large", 50_000))
    )
    file = tmp_path / "m.yaml"
    file.write_text(
        "name: m\ntitle: T\ngroups: [{id: home, name: Home}]\n"
        f"allowed_addresses: ['{letters.host_port}']\nsources:\n{sources}"
    )
    answer = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(file)],
        env={
            "PATH": "/usr/bin:/bin",
            "RIFTWATCH_DATA": str(tmp_path / "data"),
            "RIFTWATCH_DEFAULT_DELAY": "0",
            "RIFTWATCH_RUN_SECONDS": "8",
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    found, kilobytes = map(int, answer.stdout.split())
    assert found == 50_000
    assert kilobytes < 60_000
