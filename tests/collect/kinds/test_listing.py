from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from pipeline.collect.job import collect
from pipeline.store.places import place_state
from pipeline.store.session import open_session
from pipeline.store.tables import Document, Frontier
from tests.collect.conftest import article

FIELDS = {"kind": "listing", "link_selector": "ul.posts a", "next_selector": "a.next"}


def page(links, following=None):
    items = "".join(f'<li><a href="{link}">post</a></li>' for link in links)
    more = f'<a class="next" href="{following}">older</a>' if following else ""
    return f'<html><body><a href="/about">about</a><ul class="posts">{items}</ul>{more}</body></html>'


def paginate(site, posts, per_page=3):
    """Newest first, as blogs do."""
    pages = [posts[i : i + per_page] for i in range(0, len(posts), per_page)]
    for number, links in enumerate(pages):
        following = f"/list?page={number + 2}" if number + 1 < len(pages) else None
        site.add("/list" if number == 0 else f"/list?page={number + 1}", page(links, following))


@pytest.fixture
def blog(site):
    for number in range(12):
        site.article(f"/post/{number}", f"post {number} about the road and the {number * 5} bridges")
    paginate(site, [f"/post/{n}" for n in reversed(range(9))])
    return site


def test_all_pages_are_walked_once_and_then_only_the_new(settings, blog, watch):
    monitor = watch(blog, **FIELDS, addresses=[blog.address + "/list"])
    report = collect(settings, monitor, "letters")
    assert (report.found, report.new, report.failed) == (9, 9, 0)
    assert blog.asked("/list") == ["/list", "/list?page=2", "/list?page=3"]
    assert "/about" not in blog.asked()
    blog.requests.clear()
    paginate(blog, [f"/post/{n}" for n in reversed(range(11))])
    report = collect(settings, monitor, "letters")
    assert report.new == 2
    assert blog.asked("/list") == ["/list", "/list?page=2"]


def test_a_walk_that_was_broken_off_goes_on_where_it_was(settings, blog, watch):
    monitor = watch(blog, **FIELDS, addresses=[blog.address + "/list"])
    third = blog.pages.pop("/list?page=3")
    report = collect(settings, monitor, "letters")
    assert report.new == 6
    assert any("/list: HTTP 404" in p or "page=3" in p or "HTTP 404" in p for p in report.problems)
    with open_session(settings) as session:
        place = place_state(session, "test", "letters", blog.address + "/list")
    assert (place.walked, place.failures, place.reason) == (False, 1, f"its page {blog.address}/list?page=3: HTTP 404")
    blog.pages["/list?page=3"] = third
    assert collect(settings, monitor, "letters", all_places=True).new == 3
    blog.requests.clear()
    assert collect(settings, monitor, "letters").new == 0
    assert blog.asked("/list") == ["/list"]


def test_pages_in_a_circle_end(settings, blog, watch):
    blog.add("/list?page=3", page(["/post/0"], "/list"))
    report = collect(settings, watch(blog, **FIELDS, addresses=[blog.address + "/list"]), "letters")
    assert report.new == 7
    assert len(blog.asked("/list")) == 3


def test_max_pages_and_a_selector_that_finds_nothing_are_said(settings, blog, watch):
    few = watch(blog, **FIELDS, addresses=[blog.address + "/list"], max_pages=2)
    report = collect(settings, few, "letters")
    assert report.new == 6
    assert any("max_pages is 2" in p for p in report.problems)
    more = watch(blog, **FIELDS, addresses=[blog.address + "/list"], max_pages=9)
    assert collect(settings, more, "letters").new == 3
    wrong = watch(blog, kind="listing", link_selector="div.none a", addresses=[blog.address + "/list"], id="other")
    report = collect(settings, wrong, "other")
    assert any("finds no link" in p for p in report.problems)
    assert report.failed == 1


DATED = {
    **FIELDS,
    "item_selector": "ul.posts li",
    "item_title_selector": "a",
    "item_date_selector": ".day",
    "date_format": "%d/%m/%Y",
}


def dated_page(numbers, following=None):
    """Post n is of the n-th of March 2009."""
    items = "".join(f'<li><a href="/post/{n}">Post {n}</a> <i class="day">{n:02}/03/2009</i></li>' for n in numbers)
    more = f'<a class="next" href="{following}">older</a>' if following else ""
    return f'<html><body><ul class="posts">{items}</ul>{more}</body></html>'


@pytest.fixture
def diary(site):
    """Ten pages of three, newest first: 30 to 1."""
    for n in range(1, 34):
        site.add(f"/post/{n}", article(f"the day {n} and the {n * 5} bridges", f"2009-03-{min(n, 31):02}"))
    fill(site, 30)
    return site


def fill(site, newest):
    days = list(range(newest, 0, -1))
    pages = [days[i : i + 3] for i in range(0, newest, 3)]
    for number, numbers in enumerate(pages, 1):
        following = f"/list?page={number + 1}" if number < len(pages) else None
        site.add("/list" if number == 1 else f"/list?page={number}", dated_page(numbers, following))


def march(day):
    return datetime(2009, 3, day, tzinfo=UTC)


def posts(site):
    return sorted(int(path.rpartition("/")[2]) for path in site.asked("/post/"))


def pages(site):
    return [int(path.partition("=")[2] or 1) for path in site.asked("/list")]


def test_title_and_date_beside_a_link_are_kept(settings, diary, watch):
    collect(settings, watch(diary, **DATED, addresses=[diary.address + "/list"]), "letters", since=march(30))
    with open_session(settings) as session:
        hints = session.scalar(select(Frontier.hints).where(Frontier.address == diary.address + "/post/30"))
        document = session.scalars(select(Document).where(Document.address == diary.address + "/post/30")).one()
    assert hints == {"title": "Post 30", "dates": [{"origin": "listing", "value": "30/03/2009"}]}
    assert {one["origin"]: one["date"][:10] for one in document.dates}["listing"] == "2009-03-30"


def test_a_window_reads_back_to_its_start_and_fetches_what_lies_in_it(settings, diary, watch):
    monitor = watch(diary, **DATED, addresses=[diary.address + "/list"])
    report = collect(settings, monitor, "letters", since=march(22), until=march(25))
    # page 4 (21 to 19) is the first that lies before the window as a whole
    assert pages(diary) == [1, 2, 3, 4]
    assert posts(diary) == [22, 23, 24]
    assert (report.new, report.waiting, report.problems) == (3, 9, ())


def test_an_older_window_walks_on_past_known_pages_and_reads_none_twice(settings, diary, watch):
    monitor = watch(diary, **DATED, addresses=[diary.address + "/list"])
    collect(settings, monitor, "letters", since=march(22), until=march(25))
    diary.requests.clear()
    report = collect(settings, monitor, "letters", since=march(10), until=march(13))
    assert pages(diary) == [1, 4, 5, 6, 7, 8]
    assert posts(diary) == [10, 11, 12]
    assert report.new == 3
    # without a window all the rest is had, and the walk is complete
    diary.requests.clear()
    report = collect(settings, monitor, "letters")
    assert pages(diary) == [1, 8, 9, 10]
    assert report.new == 24
    diary.requests.clear()
    assert collect(settings, monitor, "letters", since=march(1), until=march(5)).new == 0
    assert pages(diary) == [1]


def test_new_posts_between_two_parts_of_a_walk_leave_no_gap(settings, diary, watch):
    monitor = watch(diary, **DATED, addresses=[diary.address + "/list"])
    collect(settings, monitor, "letters", since=march(22))
    fill(diary, 33)
    assert collect(settings, monitor, "letters").waiting == 0
    with open_session(settings) as session:
        found = session.scalars(select(Frontier.address).where(Frontier.address.contains("/post/"))).all()
    assert len(found) == 33


def test_a_walk_that_breaks_off_before_it_meets_what_is_known_begins_anew(settings, diary, watch):
    """Else what lies between the two parts would never be found."""
    monitor = watch(diary, **DATED, addresses=[diary.address + "/list"])
    fill(diary, 15)
    collect(settings, monitor, "letters", since=march(10))
    for n in range(34, 40):
        diary.article(f"/post/{n}", f"the day {n} and the {n * 5} bridges")
    fill(diary, 33)
    second = diary.pages.pop("/list?page=3")
    collect(settings, monitor, "letters", all_places=True)
    diary.pages["/list?page=3"] = second
    collect(settings, monitor, "letters", all_places=True)
    with open_session(settings) as session:
        found = session.scalars(select(Frontier.address).where(Frontier.address.contains("/post/"))).all()
    assert len(found) == 33


def test_ascending_dates_do_not_end_a_walk(settings, diary, watch):
    diary.add("/list", dated_page([1, 2, 3], "/list?page=2"))
    diary.add("/list?page=2", dated_page([4, 5, 6]))
    monitor = watch(diary, **DATED, addresses=[diary.address + "/list"])
    assert collect(settings, monitor, "letters", since=march(5)).new == 2


def test_page_numbers_are_counted_up_where_nothing_links_to_them(settings, blog, watch):
    for start in (0, 3, 6):
        blog.add(f"/all?start={start}", page([f"/post/{n}" for n in range(start, start + 3)]))
    blog.add("/all", page(["/post/0", "/post/1", "/post/2"]))
    fields = {"kind": "listing", "link_selector": "ul.posts a", "page_template": blog.address + "/all?start={n}"}
    monitor = watch(blog, **fields, page_start=3, page_step=3, addresses=[blog.address + "/all"])
    report = collect(settings, monitor, "letters")
    # the fourth is not there (404): so page numbers end
    assert blog.asked("/all") == ["/all", "/all?start=3", "/all?start=6", "/all?start=9"]
    assert (report.new, report.failed, report.problems) == (9, 0, ())
    with open_session(settings) as session:
        assert place_state(session, "test", "letters", blog.address + "/all").walked


def test_rel_next_in_the_head_is_followed(settings, blog, watch):
    blog.add("/head", f'<html><head><link rel="next" href="/list"></head>{page(["/post/11"])}</html>')
    monitor = watch(blog, kind="listing", link_selector="ul.posts a", addresses=[blog.address + "/head"])
    assert collect(settings, monitor, "letters").new == 4


def test_a_next_page_on_another_host_is_not_read(settings, blog, watch, new_site):
    other = new_site()
    other.add("/list", page([blog.address + "/post/11"]))
    blog.add("/away", page(["/post/10"], f"http://localhost:{other.host_port.partition(':')[2]}/list"))
    report = collect(settings, watch(blog, other, **FIELDS, addresses=[blog.address + "/away"]), "letters")
    assert other.requests == []
    assert any("lies on another host; name it in the monitor" in problem for problem in report.problems)


def test_pages_that_never_end_are_left(settings, site, watch):
    def endless(handler):
        number = int(handler.path.rpartition("=")[2])
        body = page(["/post/1"], f"/list?week={number + 1}").encode()
        handler.wfile.write(b"HTTP/1.0 200 OK\r\ncontent-type: text/html\r\n\r\n" + body)

    site.article("/post/1", "the only post and its bridges")
    for number in range(40):
        site.add(f"/list?week={number}", endless)
    report = collect(settings, watch(site, **FIELDS, addresses=[site.address + "/list?week=0"]), "letters")
    assert len(site.asked("/list")) == 13
    assert any("12 pages in a row showed nothing" in problem for problem in report.problems)


def test_a_page_built_by_scripts_is_told(settings, site, watch):
    site.add("/list", '<html><head><script src="/app.js"></script></head><body><div id="app"></div></body></html>')
    report = collect(settings, watch(site, **FIELDS, addresses=[site.address + "/list"]), "letters")
    assert any("may be built by scripts, which are not run" in problem for problem in report.problems)
