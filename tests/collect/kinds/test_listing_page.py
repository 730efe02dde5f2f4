import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.collect.kinds.listing_page import Item, parse
from tests.collect.kinds.mutation import mutated

BLOG = """<?xml version="1.0" encoding="utf-8"?>
<html><head><link rel="next" href="/page/2"></head><body><nav><a href="/about">About</a></nav>
<div class="post"><a href="/1"><img alt=""></a><h2><a href="/1">The first</a></h2>
<time datetime="2009-09-19">Sat</time></div>
<div class="post"><h2><a href="/2">The <b>second</b></a></h2><span class="day"> 3/4/2009 </span></div>
<a class="post" href="/3"><h2>The third</h2></a>
<h2><a href="/4">Outside</a></h2></body></html>"""


def read(text, **more):
    return parse(text, address="http://a.example/", **{"link_selector": "a", "next_selector": None, **more})


def test_links_next_page_and_base():
    found = read(
        '<base href="http://b.example/dir/"><div class=l><a href="1">x</a></div><div class=l href>y</div>'
        '<div class=l><p><a href="javascript:x">z</a></p></div><a class=older href="?p=2">more</a>',
        link_selector=".l",
        next_selector=".older",
    )
    assert found.links == ["http://b.example/dir/1"]
    assert found.next_page == "http://b.example/dir/?p=2"
    assert found.bad == ["javascript:x"]


def test_title_and_date_beside_each_link():
    found = read(
        BLOG,
        link_selector=".post h2 a, a.post, h2 > a, .post > a",
        item_selector=".post",
        item_title_selector="h2",
        item_date_selector="time, .day",
    )
    assert found.items == [
        Item("http://a.example/1", "The first", "2009-09-19"),
        Item("http://a.example/2", "The second", "3/4/2009"),
        Item("http://a.example/3", "The third"),
        Item("http://a.example/4"),
    ]


def test_the_next_page_is_what_html_calls_so_unless_a_selector_says():
    assert read(BLOG).next_page == "http://a.example/page/2"
    assert read('<a rel="nofollow next" href="/p">older</a>').next_page == "http://a.example/p"
    assert read(BLOG, next_selector="a.none").next_page is None


def test_why_a_page_has_no_link():
    built = read('<html><head><script src="app.js"></script></head><body><div id="app"></div></body></html>')
    assert "has no links at all and may be built by scripts" in built.why_empty("a")
    plain = read("".join(f'<a href="/{i}">x</a>' for i in range(40)), link_selector="ul a")
    assert plain.items == []
    assert "link_selector 'ul a' finds no link among the 40 on the page" in plain.why_empty("ul a")


def test_a_thousand_mutated_pages_neither_break_it_nor_hold_it_up():
    selectors = {"item_selector": ".post", "item_title_selector": "h2", "item_date_selector": "time, .day"}
    for seed in range(1_000):
        text = mutated(seed, BLOG.encode()).decode("utf-8", "replace")
        began = time.perf_counter()
        read(text, **selectors)
        assert time.perf_counter() - began < 2, seed


@pytest.mark.parametrize(
    "text",
    ["<div>" * 20_000 + '<a href="/1">x</a>', "<a href=/1>" * 5_000, "<p " + "a=b " * 20_000 + ">", "&" * 100_000],
    ids=["depth", "open links", "attributes", "ampersands"],
)
def test_pages_built_to_hold_it_up_do_not(text):
    began = time.perf_counter()
    read(text, item_selector="div", item_title_selector="a")
    assert time.perf_counter() - began < 5


@given(st.text(max_size=200))
def test_no_page_breaks_it(text):
    read(text, next_selector="a.next")


def test_a_page_nested_as_deep_as_it_is_long_holds_nothing_up():
    text = "".join(f"<div><a href=/{number}>a letter</a>" for number in range(20_000))
    began = time.perf_counter()
    assert len(parse(text, address="http://a/", link_selector="a", next_selector=None).items) == 20_000
    assert time.perf_counter() - began < 10


def test_items_nested_in_one_another_without_end_take_bounded_time():
    count = 4000
    items = "".join(f'<div class="i"><a href="/{n}">x</a><span class="d">2009-01-01</span>' for n in range(count))
    began = time.monotonic()
    page = parse(
        items,
        address="http://a.example/",
        link_selector="a",
        next_selector=None,
        item_selector=".i",
        item_date_selector=".d",
    )
    assert time.monotonic() - began < 10
    assert len(page.items) > 1000
    assert page.items[0].date == "2009-01-01"
