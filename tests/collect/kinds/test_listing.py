import pytest

from pipeline.collect.job import collect
from pipeline.store.places import place_state
from pipeline.store.session import open_session

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
