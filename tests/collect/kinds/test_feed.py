from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta

import feedparser
import pytest
from sqlalchemy import select

from pipeline.collect.job import collect
from pipeline.collect.kinds.events import Trouble
from pipeline.collect.kinds.feed import LOOK_AGAIN, LOOK_AGAIN_IN_VAIN, discovered, places
from pipeline.extract.address import canonical
from pipeline.extract.feed import parse
from pipeline.store import frontier
from pipeline.store.frontier import Discovered
from pipeline.store.places import PlaceState, place_state
from pipeline.store.session import open_session
from pipeline.store.tables import Capture, Document, Frontier, Place
from tests.extract.feeds import feed

NOW = datetime(2009, 9, 19, tzinfo=UTC)
LATER = timedelta(days=40)


def rows(settings, table):
    with open_session(settings) as session:
        return session.scalars(select(table).order_by(table.id)).all()


def addresses(settings):
    with open_session(settings) as session:
        return session.scalars(select(Frontier.address).order_by(Frontier.address)).all()


def forget_waits(settings):
    """Let every place and address be due now."""
    with open_session(settings) as session:
        for row in [*session.scalars(select(Place)), *session.scalars(select(Frontier))]:
            row.not_before = None
        session.commit()


# Entries


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
    assert addresses(settings) == [site.address + "/good"]


@pytest.mark.parametrize(
    ("headers", "packed"),
    [
        ({"type": "text/html; charset=iso-8859-1"}, False),
        ({"type": "text/plain"}, False),
        ({"type": "application/octet-stream"}, True),
        ({"type": "application/gzip"}, True),
    ],
)
def test_a_feed_is_a_feed_whatever_its_type(settings, site, watch, headers, packed):
    body = feed("atom10", base=site.address, title="رسالة {i}").encode()
    site.add("/feed", gzip.compress(body) if packed else body, **headers)
    moved = site.add("/old/feed", "", status=301, location="/feed")
    report = collect(settings, watch(site, kind="feed", addresses=[moved], fetch_pages=False), "letters")
    assert (report.found, report.failed) == (3, 0)
    assert {row.hints["title"] for row in rows(settings, Frontier)} == {"رسالة 1", "رسالة 2", "رسالة 3"}


def test_relative_links_start_from_where_the_feed_really_lies(settings, site, watch):
    site.add("/new/feed", '<rss version="2.0"><channel><item><link>letter</link></item></channel></rss>')
    moved = site.add("/feed", "", status=302, location="/new/feed")
    collect(settings, watch(site, kind="feed", addresses=[moved], fetch_pages=False), "letters")
    assert addresses(settings) == [site.address + "/new/letter"]


def test_a_feed_that_never_ends_to_be_read_costs_no_other(settings, site, watch):
    attributes = " ".join(f"a{i}='x'" for i in range(40_000))
    bomb = site.add("/bomb", f"<rss version='2.0' {attributes}><channel><item><title>&x</title></item></channel></rss>")
    good = site.add("/feed", feed("rss20", base=site.address))
    short = settings.model_copy(update={"extraction_seconds": 2.0})
    report = collect(short, watch(site, kind="feed", addresses=[bomb, good], fetch_pages=False), "letters")
    assert report.found == 3
    assert any("/bomb" in problem and "takes longer than 2 s" in problem for problem in report.problems)
    (capture,) = rows(settings, Capture)
    assert "takes longer" in capture.problem


def test_the_same_entry_in_two_feeds_and_a_guid_with_a_new_link(settings, site, watch):
    entry = "<item><guid isPermaLink='false'>7</guid><title>T</title><link>{}</link></item>"
    shell = '<rss version="2.0"><channel>{}</channel></rss>'
    one = site.add("/a.xml", shell.format(entry.format("/letter?utm_source=a")))
    two = site.add("/b.xml", shell.format(entry.format("/letter#comments")))
    monitor = watch(site, kind="feed", addresses=[one, two], fetch_pages=False)
    assert collect(settings, monitor, "letters").found == 1
    assert addresses(settings) == [site.address + "/letter"]
    # another address is another page, whatever the guid says; a text that stands at both is one cluster
    site.add("/a.xml", shell.format(entry.format("/moved")))
    collect(settings, monitor, "letters")
    assert addresses(settings) == [site.address + "/letter", site.address + "/moved"]


# What the entry says itself


WORDS = "The council speaks of the valley and its people. " * 4
INSIDE = f"<description>&lt;p&gt;{WORDS}&lt;/p&gt;</description>"


@pytest.mark.parametrize("ending", ["410", "404", "robots", "403"])
def test_an_entrys_own_text_stands_in_once_its_page_is_given_up(settings, site, feed_of, watch, ending):
    page = site.address + "/gone"
    if ending == "robots":
        site.add("/robots.txt", "User-agent: *\nDisallow: /gone", type="text/plain")
    else:
        site.add("/gone", "no", status=int(ending))
    site.add("/feed", feed_of(site, [page], inside=INSIDE))
    monitor = watch(site, kind="feed", addresses=[site.address + "/feed"])
    tries = {"410": 1, "404": 3, "robots": 5, "403": 5}[ending]
    for number in range(1, tries + 1):
        assert rows(settings, Document) == []
        report = collect(settings, monitor, "letters")
        assert report.new == (number == tries)
        forget_waits(settings)
    (document,) = rows(settings, Document)
    assert (document.address, document.text, document.title) == (page, WORDS.strip(), "Letter 0")
    assert document.published_at == datetime(2009, 10, 5, tzinfo=UTC)
    # that is the end of it
    again = collect(settings, monitor, "letters")
    assert (again.new, again.updated, again.failed, again.waiting) == (0, 0, 0, 0)
    assert len(rows(settings, Document)) == 1


def test_a_page_that_comes_back_wins_over_its_entry(settings, site, feed_of, watch):
    page = site.add("/letter", "no", status=404)
    site.add("/feed", feed_of(site, [page], inside=INSIDE))
    monitor = watch(site, kind="feed", addresses=[site.address + "/feed"])
    assert collect(settings, monitor, "letters").new == 0
    site.article("/letter", "the letter that came back")
    forget_waits(settings)
    assert collect(settings, monitor, "letters").new == 1
    assert "came back" in rows(settings, Document)[0].text


def test_full_texts_of_entries_without_a_page_fetched(store_settings, site, feed_of, watch):
    links = [f"{site.address}/{i}" for i in range(3)]
    items = "".join(
        f"<item><title>Letter {i}</title><link>{link}</link><pubDate>Mon, 05 Oct 2009 08:00:00 GMT</pubDate>"
        f"<description>{WORDS} number {i} {'of the sea ' * i}</description></item>"
        for i, link in enumerate(links)
    )
    silent = site.article("/silent", "the letter that the feed only names")
    items += f"<item><title>Silent</title><link>{silent}</link></item>"
    site.add("/feed", f'<rss version="2.0"><channel>{items}</channel></rss>')
    monitor = watch(site, kind="feed", addresses=[site.address + "/feed"], text_from="entry")
    report = collect(store_settings, monitor, "letters")
    assert (report.new, report.failed, report.waiting) == (4, 0, 0)
    assert sorted(site.asked()) == ["/feed", "/robots.txt", "/silent"]
    texts = {document.address: document.text for document in rows(store_settings, Document)}
    assert "number 2" in texts[links[2]]
    assert "only names" in texts[silent]
    assert collect(store_settings, monitor, "letters").new == 0
    assert len(rows(store_settings, Document)) == 4


def test_without_pages_what_says_nothing_stays_pending(settings, site, watch):
    body = (
        f'<rss version="2.0"><channel><item><link>/1</link>{INSIDE}</item><item><link>/2</link></item></channel></rss>'
    )
    site.add("/feed", body)
    fields = {"kind": "feed", "addresses": [site.address + "/feed"], "fetch_pages": False}
    report = collect(settings, watch(site, **fields), "letters")
    assert (report.new, report.waiting) == (0, 2)
    report = collect(settings, watch(site, **fields, text_from="entry"), "letters")
    assert (report.new, report.waiting) == (1, 1)
    assert site.asked("/1") == site.asked("/2") == []


# Older pages


def paged(site, page, last, *, first=None, rel="next"):
    """A page of an archive of letters: three entries, the newest on page 1."""
    top = f"/feed?page={page}" if page > 1 else "/feed"
    older = f'<link rel="{rel}" href="/feed?page={page + 1}"/>' if page < last else ""
    ids = range((last - page) * 3 + 1, (last - page) * 3 + 4) if first is None else first
    entries = "".join(
        f'<entry><title>{i}</title><link href="/letter/{i}"/>'
        f"<published>2009-01-{1 + i % 28:02d}T00:00:00Z</published></entry>"
        for i in reversed(ids)
    )
    site.add(top, f'<feed xmlns="http://www.w3.org/2005/Atom">{older}{entries}</feed>', type="application/atom+xml")


@pytest.mark.parametrize("rel", ["next", "prev-archive"])
def test_older_pages_make_history_reachable_and_are_read_once(store_settings, site, watch, rel):
    for page in range(1, 6):
        paged(site, page, 5, rel=rel)
    monitor = watch(site, kind="feed", addresses=[site.address + "/feed"], fetch_pages=False)
    assert collect(store_settings, monitor, "letters").found == 15
    assert len(site.asked("/feed")) == 5
    site.requests.clear()
    # nothing new: the feed alone
    collect(store_settings, monitor, "letters")
    assert site.asked("/feed") == ["/feed"]
    # six new entries: read on until what is known
    paged(site, 1, 5, first=range(19, 22), rel=rel)
    paged(site, 2, 5, first=range(16, 19), rel=rel)
    paged(site, 3, 5, first=range(13, 16), rel=rel)
    site.requests.clear()
    collect(store_settings, monitor, "letters")
    assert site.asked("/feed") == ["/feed", "/feed?page=2", "/feed?page=3"]
    assert len(addresses(store_settings)) == 21


def test_a_walk_that_broke_off_goes_on_and_leaves_no_gap(store_settings, site, watch):
    for page in range(1, 6):
        paged(site, page, 5)
    broken = site.pages["/feed?page=4"]
    site.pages["/feed?page=4"] = (503, {}, "later")
    monitor = watch(site, kind="feed", addresses=[site.address + "/feed"], fetch_pages=False)
    report = collect(store_settings, monitor, "letters")
    assert (report.found, report.failed) == (9, 1)
    assert any("older entries not read: HTTP 503" in problem for problem in report.problems)
    site.pages["/feed?page=4"] = broken
    site.requests.clear()
    forget_waits(store_settings)
    collect(store_settings, monitor, "letters")
    assert site.asked("/feed") == ["/feed", "/feed?page=4", "/feed?page=5"]
    assert len(addresses(store_settings)) == 15
    with open_session(store_settings) as session:
        state = place_state(session, "test", "letters", site.address + "/feed")
    assert (state.walked, state.cursor) == (True, None)


def test_what_came_between_a_broken_walk_and_the_next_is_read_too(settings, site, watch):
    for page in range(1, 6):
        paged(site, page, 5)
    site.pages["/feed?page=4"] = (503, {}, "later")
    monitor = watch(site, kind="feed", addresses=[site.address + "/feed"], fetch_pages=False)
    collect(settings, monitor, "letters")
    # two pages of new entries push the others over
    for page in range(1, 8):
        paged(site, page, 7)
    forget_waits(settings)
    collect(settings, monitor, "letters")
    assert len(addresses(settings)) == 21


def test_the_cap_on_pages_and_circles_end_a_walk(settings, site, watch):
    for page in range(1, 6):
        paged(site, page, 5)
    monitor = watch(site, kind="feed", addresses=[site.address + "/feed"], fetch_pages=False, max_pages=2)
    report = collect(settings, monitor, "letters")
    assert (report.found, report.failed) == (6, 0)
    assert any("max_pages is 2" in problem for problem in report.problems)
    site.add("/round", '<feed xmlns="http://www.w3.org/2005/Atom"><link rel="next" href="/round"/></feed>')
    shell = '<feed xmlns="http://www.w3.org/2005/Atom">{}<entry><link href="/x"/></entry></feed>'
    endless = shell.format('<link rel="next" href="?n={}"/>')
    site.add("/endless", endless.format(1))
    for n in range(1, 9):
        site.add(f"/endless?n={n}", endless.format(n + 1))
    site.requests.clear()
    both = watch(
        site, id="b", kind="feed", addresses=[site.address + p for p in ("/round", "/endless")], fetch_pages=False
    )
    assert collect(settings, both, "b").failed == 0
    assert sorted(site.asked("/")) == ["/endless", "/endless?n=1", "/round"]


# Lists of feeds


def test_an_opml_file_is_read_at_every_run(settings, site, watch, tmp_path):
    for name in "abc":
        site.add(f"/{name}.xml", feed("rss20", base=f"{site.address}/{name}"))
    listed = tmp_path / "feeds.opml"

    def write(*names):
        outlines = "".join(f'<outline text="{n}" xmlUrl="{site.address}/{n}.xml"/>' for n in names)
        listed.write_text(f'<opml version="2.0"><body><outline text="x">{outlines}</outline></body></opml>')

    write("a", "b", "b")
    fields = {"kind": "feed", "addresses": [site.address + "/a.xml"], "opml": listed, "fetch_pages": False}
    monitor = watch(site, **fields)
    report = collect(settings, monitor, "letters")
    assert (report.found, report.failed) == (6, 0)
    assert any("feeds.opml" in problem and "again" in problem for problem in report.problems)
    assert sorted(site.asked("/")) == ["/a.xml", "/b.xml", "/robots.txt"]
    write("c")
    assert collect(settings, monitor, "letters").found == 6
    assert len(addresses(settings)) == 9
    listed.write_text("<html>no list</html>")
    report = collect(settings, monitor, "letters")
    assert (report.found, report.failed) == (3, 1)
    assert any("feeds.opml: is no OPML" in problem for problem in report.problems)
    listed.unlink()
    report = collect(settings, monitor, "letters")
    assert any("feeds.opml: can't be read" in problem for problem in report.problems)


# Home pages


def head(*links):
    return f"<html><head>{''.join(links)}</head><body><p>Welcome</p></body></html>"


def alternate(address, title="", type="application/rss+xml"):
    return f'<link rel="alternate" type="{type}" title="{title}" href="{address}">'


def test_the_feeds_of_a_home_page_are_read_and_remembered(store_settings, site, watch):
    site.add("/", head(alternate("/feed/"), alternate("/comments/feed/", "Comments Feed"), alternate("/gone.xml")))
    site.add("/feed/", feed("rss20", base=site.address))
    site.add("/comments/feed/", feed("rss20", base=site.address + "/comments"))
    home = site.address + "/"
    monitor = watch(site, kind="feed", home_pages=[home], fetch_pages=False)
    report = collect(store_settings, monitor, "letters")
    assert (report.found, report.failed) == (3, 1)
    assert any("/gone.xml: HTTP 404" in problem for problem in report.problems)
    assert site.asked("/") == ["/robots.txt", "/", "/feed/", "/gone.xml"]
    with open_session(store_settings) as session:
        assert place_state(session, "test", "letters", home + "feed/").found_on == home
    # the next run asks the feed alone
    site.requests.clear()
    site.add("/feed/", feed("rss20", 5, base=site.address))
    assert collect(store_settings, monitor, "letters").failed == 0
    assert site.asked("/") == ["/feed/"]
    assert len(addresses(store_settings)) == 5


def test_where_nothing_is_linked_the_usual_places_are_tried_once(settings, site, watch):
    site.add(
        "/", "<html><body><a href='/news.rss'>no feed behind it</a><a href='http://x.example/rss'>x</a></body></html>"
    )
    site.add("/atom.xml", feed("atom10", base=site.address))
    monitor = watch(site, kind="feed", home_pages=[site.address + "/"], fetch_pages=False)
    assert collect(settings, monitor, "letters").found == 3
    assert site.asked("/") == ["/robots.txt", "/", "/news.rss", "/feed", "/rss", "/rss.xml", "/atom.xml"]


def test_a_home_page_without_feeds_is_said_so_and_left_alone_for_a_week(settings, site, watch):
    site.add("/", "<html><body>Nothing here</body></html>")
    monitor = watch(site, kind="feed", home_pages=[site.address + "/"], fetch_pages=False)
    report = collect(settings, monitor, "letters")
    assert (report.found, report.failed) == (0, 1)
    assert any("no feed was found" in problem and "addresses" in problem for problem in report.problems)
    assert len(site.asked("/")) == 12
    site.requests.clear()
    report = collect(settings, monitor, "letters")
    assert (report.failed, site.requests) == (0, [])
    assert any("asked again on" in problem for problem in report.problems)


def test_a_home_page_that_is_a_feed_or_away_or_links_only_in_its_text(settings, new_site, watch):
    itself, away, texts = new_site(), new_site(), new_site()
    itself.add("/", feed("rss20", base=itself.address))
    away.add("/", "no", status=503)
    texts.add("/", "<html><body><a href='/index.xml'>Subscribe</a><a href='/rss'>RSS</a></body></html>")
    texts.add("/index.xml", feed("rss20", base=texts.address))
    texts.add("/rss", feed("rss20", 2, base=texts.address))
    sites = [itself, away, texts]
    monitor = watch(*sites, kind="feed", home_pages=[s.address + "/" for s in sites], fetch_pages=False)
    report = collect(settings, monitor, "letters")
    assert (report.found, report.failed) == (6, 1)
    away.add("/", head(alternate("/f")))
    away.add("/f", feed("rss20", base=away.address))
    forget_waits(settings)
    collect(settings, monitor, "letters")
    assert len(addresses(settings)) == 9


def test_robots_txt_holds_for_looking_too(settings, site, watch):
    site.add("/robots.txt", "User-agent: *\nDisallow: /feed\nDisallow: /rss", type="text/plain")
    site.add("/", "<html><body>Nothing linked</body></html>")
    site.add("/feed", feed("rss20", base=site.address))
    collect(settings, watch(site, kind="feed", home_pages=[site.address + "/"], fetch_pages=False), "letters")
    assert site.asked("/feed") == []
    assert "/atom.xml" in site.asked("/")


HOME, FEED = "http://a.example/", "http://a.example/feed"


def chosen(watch, states, now=NOW):
    source = watch(kind="feed", home_pages=[HOME]).sources[0]
    return [one if isinstance(one, str) else "said" for one in places(source, states, now)]


def test_when_a_home_page_is_asked_again(watch):
    asked = PlaceState(HOME, checked_at=NOW)
    known = PlaceState(FEED, checked_at=NOW, found_on=HOME)
    assert chosen(watch, []) == [HOME]
    assert chosen(watch, [asked]) == ["said"]
    assert chosen(watch, [asked], NOW + LOOK_AGAIN_IN_VAIN) == [HOME]
    assert chosen(watch, [asked, known]) == [FEED]
    assert chosen(watch, [asked, known], NOW + LOOK_AGAIN) == [FEED, HOME]
    failing = PlaceState(FEED, checked_at=NOW, found_on=HOME, failures=3, failure="soft", reason="HTTP 404")
    assert chosen(watch, [asked, failing]) == [FEED, HOME]
    assert chosen(watch, [PlaceState(HOME, checked_at=NOW, failures=1, failure="temporary", reason="x")]) == [HOME]


def test_a_place_that_is_named_twice_is_asked_once(watch, tmp_path):
    listed = tmp_path / "x.opml"
    listed.write_text(f'<opml><body><outline xmlUrl="{FEED}"/><outline xmlUrl="nonsense"/></body></opml>')
    source = watch(kind="feed", addresses=[FEED], opml=listed, home_pages=[HOME]).sources[0]
    found = list(places(source, [PlaceState(FEED, found_on=HOME), PlaceState(HOME, checked_at=NOW)], NOW))
    assert [one for one in found if isinstance(one, str)] == [FEED]
    assert [one.failed for one in found if isinstance(one, Trouble)] == [False]


# Other people's feeds, the whole way


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
    # some name older pages on hosts that are not there
    monitor = watch(site, kind="feed", addresses=list(expected), fetch_pages=False, max_pages=1)
    report = collect(settings, monitor, "letters")
    every = set().union(*expected.values())
    assert set(addresses(settings)) == every
    assert rows(settings, Document) == rows(settings, Capture) == []
    assert (report.found, report.waiting) == (len(every), len(every))
    assert len(every) > 200
    assert empty == ["AtomEscapedHTMLInPreTag.xml"]  # its only entry has no link
    # nothing was fetched but the feeds and robots.txt
    assert len(site.requests) == len(files) + 1
    # and file by file, in order
    for file, (address, links) in zip(files, expected.items(), strict=True):
        found = parse(file.read_bytes(), address=address, content_type="text/xml").entries
        kept = [one.address for one in discovered(found, monitor.sources[0], address) if isinstance(one, Discovered)]
        assert set(kept) == links, file.name
        assert kept == [canonical(link) for link in independent_links(file.read_bytes(), address)], file.name


def test_the_expected_contents_beside_them_are_no_feeds(settings, site, watch, shared_data):
    folder = shared_data / "feeds" / "feedjira" / "sample_feeds"
    files = sorted(f for f in folder.iterdir() if "FirstEntry" in f.name)
    named = [site.add(f"/{file.name}", file.read_bytes()) for file in files]
    report = collect(settings, watch(site, kind="feed", addresses=named, fetch_pages=False), "letters")
    assert (report.found, report.failed) == (0, len(files))
    assert all("is no feed" in capture.problem for capture in rows(settings, Capture))


def test_a_feed_of_thousands_of_entries_the_whole_way(settings, site, watch):
    site.add("/feed", feed("rss20", 3000, base=site.address))
    report = collect(
        settings, watch(site, kind="feed", addresses=[site.address + "/feed"], fetch_pages=False), "letters"
    )
    assert (report.found, report.waiting) == (3000, 3000)
    with open_session(settings) as session:
        assert frontier.waiting(session, "test", "letters") == 3000
