from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.collect.kinds.homepage import MOST_FEEDS, feeds_of, is_of_comments, usual_addresses

HOME = "https://www.outlet.example/"


def link(href, type="application/rss+xml", title="", rel="alternate"):
    return f'<link rel="{rel}" type="{type}" title="{title}" href="{href}">'


def linked(*parts, at=HOME):
    return [address.removeprefix("https://www.outlet.example") for address in feeds_of("".join(parts), at).linked]


@pytest.mark.parametrize(
    "type",
    ["rss+xml", "atom+xml", "rdf+xml", "feed+json", "x.atom+xml", "rss", "RSS+XML; charset=utf-8"],
)
def test_feeds_of_every_type_are_found(type):
    assert linked(link("/n", f"application/{type}")) == ["/n"]


def test_types_that_other_things_have_too_need_an_address_like_a_feeds():
    assert linked(link("/index.xml", "application/xml"), link("/feed.json", "application/json")) == [
        "/index.xml",
        "/feed.json",
    ]
    assert (
        linked(
            link("/wp-json/wp/v2/pages/2", "application/json"),
            link("/oembed?url=x", "application/json+oembed"),
            link("/oembed.xml?format=xml", "text/xml+oembed"),
            link("/opensearch.xml", "application/opensearchdescription+xml", rel="search"),
            link("/ar/", "", rel="alternate"),
            link("/style.css", "text/css", rel="alternate stylesheet"),
        )
        == []
    )


def test_readers_comments_are_left_out_in_many_languages():
    parts = [
        link("/feed/", title="Outlet » Feed"),
        link("/comments/feed/", title="Outlet » Comments Feed"),
        link("/f2", title="مجلة » خلاصة التعليقات"),
        link("/f3", title="روزنامه » خوراک دیدگاه‌ها"),
        link("/f4", title="Blatt » Kommentar-Feed"),
        link("/feeds/123/comments/default", "application/atom+xml"),
    ]
    assert linked(*parts) == ["/feed/"]
    assert is_of_comments("Comments on: A letter")
    assert not is_of_comments("The Herald")


def test_one_format_of_a_feed_is_enough_and_categories_give_way_to_the_whole():
    whole = [link("/feed/"), link("/feed/rss/"), link("/feed/atom/", "application/atom+xml")]
    parts = [link("/category/war/feed/"), link("/tag/peace/feed/"), link("/?cat=3&feed=rss2"), link("/author/a/feed/")]
    assert linked(*whole) == ["/feed/"]
    assert linked(*whole, *parts) == ["/feed/"]
    assert len(linked(*parts)) == 4
    # two feeds of the whole site are two
    assert linked(link("/news.rss"), link("/analysis.rss")) == ["/news.rss", "/analysis.rss"]
    assert len(linked(*(link(f"/n{i}.rss") for i in range(100)))) == MOST_FEEDS


def test_addresses_are_resolved_and_the_page_itself_is_no_feed_of_its_own():
    assert linked('<base href="/ar/">', link("feed.xml"), link("?x=1#top")) == ["/ar/feed.xml", "/ar/?x=1"]
    assert feeds_of(link("feed://other.example/f") + link("feed:https://other.example/g"), HOME).linked == (
        "http://other.example/f",
        "https://other.example/g",
    )
    assert (
        linked(link(HOME), link("javascript:void(0)"), link("mailto:a@b.example"), link("http://[::1/x"), link(""))
        == []
    )


def test_links_in_the_text_count_only_when_they_look_like_feeds_of_the_same_site():
    found = feeds_of(
        '<a href="/rss">RSS</a><a href="https://news.outlet.example/atom.xml">Atom</a>'
        '<a href="https://other.example/feed">a friend</a><a href="/feeding-the-poor">no</a>'
        '<a href="/sitemap.xml">no</a>'
        '<a href="/comments/feed">Comments</a><a href="/x.php" type="application/rss+xml">typed</a>',
        HOME,
    )
    assert found.linked == ()
    assert found.likely == (
        "https://www.outlet.example/rss",
        "https://news.outlet.example/atom.xml",
        "https://www.outlet.example/x.php",
    )


def test_where_feeds_usually_lie():
    assert usual_addresses("https://a.example")[0] == "https://a.example/feed"
    assert usual_addresses("https://a.example/blog")[0] == "https://a.example/blog/feed"
    assert usual_addresses("https://a.example/blog/")[0] == "https://a.example/blog/feed"
    assert usual_addresses("https://a.example/x/index.html?y#z")[0] == "https://a.example/x/feed"
    assert "https://a.example/?feed=rss2" in usual_addresses("https://a.example/")
    assert len(set(usual_addresses(HOME))) <= 10


@given(st.text(max_size=300))
def test_no_page_breaks_the_reader(text):
    feeds_of(text, HOME)


def test_a_hostile_page_takes_no_time():
    for text in ("<div>" * 100_000, link("/f") * 20_000, "<a href='" * 100_000, link("/" + "a-" * 50_000 + ".rss")):
        began = time.process_time()
        feeds_of(text, HOME)
        assert time.process_time() - began < 2
