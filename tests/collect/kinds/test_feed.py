import json

import feedparser
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from pipeline.collect.job import collect
from pipeline.collect.kinds.feed import NoFeedError, discovered, parse, plain
from pipeline.extract.address import canonical
from pipeline.store.frontier import Discovered
from pipeline.store.session import open_session
from pipeline.store.tables import Capture, Document, Frontier

ADDRESS = "http://news.example/feeds/all.xml"


def entries(text, content_type="application/xml"):
    return parse(text.encode(), address=ADDRESS, content_type=content_type)


def test_rss_atom_and_rdf_say_link_title_language_dates_and_text():
    (rss,) = entries(
        '<rss version="2.0"><channel><language>ps</language><item><title>A &amp;amp; B</title><link>/1</link>'
        "<pubDate>Sat, 19 Sep 2009 04:30:00 +0430</pubDate><description>&lt;p&gt;One&lt;/p&gt;two</description></item>"
        "</channel></rss>"
    )
    assert (rss.link, rss.title, rss.language) == ("http://news.example/1", "A & B", "ps")
    assert rss.dates == ["Sat, 19 Sep 2009 04:30:00 +0430"]
    assert plain(rss.markup) == "One\ntwo"
    (atom,) = entries(
        '<feed xmlns="http://www.w3.org/2005/Atom" xml:base="http://other.example/b/"><entry><title>T</title>'
        '<link href="x?a=1"/><published>2009-09-19T00:00:00Z</published><updated>2009-09-20T00:00:00Z</updated>'
        '<summary>short</summary><content type="html" xml:lang="ur">a much longer content</content></entry></feed>'
    )
    assert (atom.link, atom.language) == ("http://other.example/b/x?a=1", "ur")
    assert atom.dates == ["2009-09-19T00:00:00Z", "2009-09-20T00:00:00Z"]
    assert atom.markup == "a much longer content"
    (rdf,) = entries(
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/"><item rdf:about="http://news.example/r"><title>R</title>'
        "<link>http://news.example/r</link><dc:date>2006-10-15</dc:date></item></rdf:RDF>"
    )
    assert (rdf.link, rdf.dates) == ("http://news.example/r", ["2006-10-15"])


def test_json_feed():
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "language": "fa",
        "items": [
            {
                "id": "1",
                "url": "/a",
                "title": "A",
                "content_html": "<p>x</p>",
                "date_published": "2009-01-01T00:00:00Z",
            },
            {"id": "http://news.example/b", "content_text": "plain"},
            {"id": "3", "title": "no address"},
            "nonsense",
        ],
    }
    found = entries(json.dumps(feed), "application/json")
    assert [e.link for e in found] == ["/a", "http://news.example/b", None]
    assert (found[0].language, found[0].dates, found[0].markup) == ("fa", ["2009-01-01T00:00:00Z"], "<p>x</p>")
    assert found[1].text == "plain"


def test_a_malformed_feed_is_read_as_far_as_it_goes():
    found = entries(
        '<rss version="2.0"><channel><item><title>Fish & chips</title><link>http://a.example/1</link></item>'
        "<item><title>Broken <b>mark-up</title><link>http://a.example/2</link></item><item><title>cut"
    )
    assert [e.link for e in found][:2] == ["http://a.example/1", "http://a.example/2"]


@pytest.mark.parametrize("body", ["", "hello", "<html><body><p>Moved</p></body></html>", "{}", "{", '{"items": 3}'])
def test_what_is_no_feed_is_named_so(body):
    with pytest.raises(NoFeedError, match="is no feed"):
        entries(body, "text/html")


def test_an_empty_feed_is_a_feed():
    assert entries('<rss version="2.0"><channel><title>Nothing yet</title></channel></rss>') == []


def test_a_body_is_never_taken_for_a_file_or_an_address(tmp_path):
    secret = tmp_path / "feed.xml"
    secret.write_text('<rss version="2.0"><channel><item><title>secret</title></item></channel></rss>')
    with pytest.raises(NoFeedError):
        entries(str(secret))


def test_entities_from_outside_are_not_read(tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("the secret words")
    feed = (
        f'<?xml version="1.0"?><!DOCTYPE rss [<!ENTITY x SYSTEM "file://{secret}">]><rss version="2.0"><channel>'
        "<item><title>&x;</title><link>http://a.example/1</link></item></channel></rss>"
    )
    assert "secret words" not in str(entries(feed))


@given(
    st.binary(max_size=300) | st.text(max_size=300).map(lambda t: f"<rss version='2.0'><item>{t}</item></rss>".encode())
)
def test_no_bytes_break_the_reader(body):
    try:
        found = parse(body, address=ADDRESS, content_type=None)
    except NoFeedError:
        return
    assert isinstance(found, list)


@given(st.text(max_size=200))
def test_no_markup_breaks_the_text(markup):
    assert "\x00" not in plain(markup)


def test_entries_without_link_are_counted_and_said(settings, site, watch):
    site.add(
        "/feed",
        '<rss version="2.0"><channel><item><title>No link at all</title></item>'
        "<item><title>Script</title><link>javascript:void(0)</link></item>"
        "<item><title>Good</title><link>/good?utm_source=feed#top</link></item>"
        "<item><title>Left out</title><link>/private/1</link></item></channel></rss>",
    )
    monitor = watch(site, kind="feed", addresses=[site.address + "/feed"], fetch_pages=False, exclude="/private/")
    report = collect(settings, monitor, "letters")
    assert (report.found, report.failed, report.waiting) == (1, 2, 1)
    assert any("No link at all" in p and "has no link" in p for p in report.problems)
    with open_session(settings) as session:
        assert session.scalars(select(Frontier.address)).all() == [site.address + "/good"]


def independent_links(body, address):
    """The links of a feed, by feedparser and json alone."""
    if body.lstrip().startswith(b"{"):
        items = json.loads(body)["items"]
        return [item.get("url") or item.get("external_url") or item["id"] for item in items]
    parsed = feedparser.parse(body, response_headers={"content-location": address, "content-type": "application/xml"})
    return [entry["link"] for entry in parsed.entries if dict.get(entry, "link")]


def test_the_real_feeds_give_exactly_their_entries(settings, site, watch, shared_data):
    folder = shared_data / "feeds" / "feedjira" / "sample_feeds"
    files = sorted(f for f in folder.iterdir() if "FirstEntry" not in f.name)
    expected, empty = {}, []
    for file in files:
        address = site.add(f"/{file.name}", file.read_bytes(), type="text/xml")
        links = {canonical(link) for link in independent_links(file.read_bytes(), address)}
        expected[address] = links
        if not links:
            empty.append(file.name)
    assert len(files) == 37
    monitor = watch(site, kind="feed", addresses=list(expected), fetch_pages=False)
    report = collect(settings, monitor, "letters")
    every = set().union(*expected.values())
    with open_session(settings) as session:
        assert set(session.scalars(select(Frontier.address))) == every
        assert session.scalars(select(Document.id)).all() == []
        assert session.scalars(select(Capture.problem)).all() == []
    assert (report.found, report.waiting) == (len(every), len(every))
    assert len(every) > 200
    assert empty == ["AtomEscapedHTMLInPreTag.xml"]  # its only entry has no link
    # nothing was fetched but the feeds and robots.txt
    assert len(site.requests) == len(files) + 1
    # and file by file
    for file, (address, links) in zip(files, expected.items(), strict=True):
        found = discovered(
            parse(file.read_bytes(), address=address, content_type="text/xml"), monitor.sources[0], address
        )
        assert {one.address for one in found if isinstance(one, Discovered)} == links, file.name


def test_the_expected_contents_beside_them_are_no_feeds(settings, site, watch, shared_data):
    folder = shared_data / "feeds" / "feedjira" / "sample_feeds"
    files = sorted(f for f in folder.iterdir() if "FirstEntry" in f.name)
    addresses = [site.add(f"/{file.name}", file.read_bytes()) for file in files]
    report = collect(settings, watch(site, kind="feed", addresses=addresses, fetch_pages=False), "letters")
    assert (report.found, report.failed) == (0, len(files))
    with open_session(settings) as session:
        assert all("is no feed" in problem for problem in session.scalars(select(Capture.problem)))
