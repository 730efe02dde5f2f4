import gzip
from http.client import HTTPConnection
from urllib.parse import urlsplit

import pytest

from pipeline.demo.server import PortInUseError, serve
from pipeline.demo.sites import WRONG_DATE
from pipeline.demo.world import load_posts
from tests.ports import free_ports


@pytest.fixture(scope="module")
def world():
    with serve(free_ports(7)) as running:
        yield running


@pytest.fixture(scope="module")
def posts():
    return load_posts()


def get(world, site: str, path: str) -> tuple[int, str, bytes]:
    parts = urlsplit(world.addresses[site])
    connection = HTTPConnection(parts.hostname, parts.port, timeout=5)
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read()
    finally:
        connection.close()


def test_every_post_has_a_page_with_its_text(world, posts):
    for post in posts[::40]:
        status, _, body = get(world, post.site, post.path)
        assert status == 200
        if post.quirk != "legacy-encoding":
            assert post.title[:10].replace("'", "&#39;").replace('"', "&#34;") in body.decode()


def test_robots_and_machine_readable_lists(world, posts):
    assert b"Crawl-delay: 0.05" in get(world, "juniper-path", "/robots.txt")[2]
    for site, path in (("kestrel-news", "/feed.xml"), ("juniper-radio", "/atom.xml"), ("quay-review", "/feed.xml")):
        status, kind, body = get(world, site, path)
        assert (status, "xml" in kind) == (200, True)
        assert all(p.path.encode() in body for p in posts if p.site == site)
    sitemap = gzip.decompress(get(world, "juniper-path", "/sitemap-posts.xml.gz")[2])
    assert all(p.path.encode() in sitemap for p in posts if p.site == "juniper-path")


def test_a_listing_is_walked_by_its_older_links(world, posts):
    seen, path = set(), "/archive"
    while path:
        body = get(world, "kestrel-valley", path)[2].decode()
        seen |= {p.id for p in posts if p.site == "kestrel-valley" and f'href="{p.path}"' in body}
        older = body.partition('class="older" href="')[2].partition('"')[0]
        path = older
    assert seen == {p.id for p in posts if p.site == "kestrel-valley"}


def test_comments_contradict_the_post(world, posts):
    post = next(p for p in posts if p.site == "kestrel-news")
    assert b'class="comment-list"' in get(world, "kestrel-news", post.path)[2]


def test_the_legacy_page_is_in_its_old_encoding(world, posts):
    post = next(p for p in posts if p.quirk == "legacy-encoding")
    _, kind, body = get(world, post.site, post.path)
    assert "charset" not in kind
    with pytest.raises(UnicodeDecodeError):
        body.decode()
    assert post.paragraphs[0][:30] in body.decode("windows-1256")


def test_the_wrong_date_is_on_its_page(world, posts):
    post = next(p for p in posts if p.quirk == "wrong-date")
    assert WRONG_DATE.encode() in get(world, post.site, post.path)[2]


def test_what_is_not_there_is_404(world):
    assert get(world, "quay-review", "/nothing")[0] == 404


def test_a_taken_port_is_named(world):
    port = urlsplit(world.addresses["kestrel-voice"]).port
    with pytest.raises(PortInUseError, match=f"port {port} for the demo site kestrel-news is in use"), serve(port):
        pass
