import time
import tracemalloc
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.collect.kinds.sitemap_file import Entry, Flaw, IsFeedError, NoSitemapError, parse
from tests.collect.kinds.mutation import mutated

NS = 'xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"'
ONE, TWO = "<url><loc>http://a/1</loc></url>", "<url><loc>http://a/2</loc></url>"


def read(body):
    found = list(parse(body.encode() if isinstance(body, str) else body))
    return [one.location for one in found if isinstance(one, Entry)], [
        one.reason for one in found if isinstance(one, Flaw)
    ]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "no element found"),
        (b"   ", "no element found"),
        (b"not xml", "no XML in it"),
        (b"\x00\x01\x02", "no XML in it"),
        (b"<html><body>Moved</body></html>", "an HTML page"),
        (b"<catalog><book/></catalog>", "neither urlset nor sitemapindex, but catalog"),
    ],
)
def test_no_sitemap(body, why):
    with pytest.raises(NoSitemapError, match=why):
        list(parse(body))


@pytest.mark.parametrize("root", ["rss", "feed", 'rdf:RDF xmlns:rdf="urn:rdf"'])
def test_a_feed_is_told_apart(root):
    with pytest.raises(IsFeedError):
        list(parse(f"<?xml version='1.0'?><{root}><x/></{root.split()[0]}>".encode()))


def test_an_empty_sitemap_is_one():
    assert read(f"<urlset {NS}></urlset>") == ([], [])
    assert read("<urlset/>") == ([], [])


@pytest.mark.parametrize(
    "root", ["urlset", f"urlset {NS}", 'urlset xmlns="https://wrong.example/"', "sm:urlset", "URLSET"]
)
def test_namespaces_may_be_wrong_or_missing(root):
    name = root.split()[0]
    prefix = "sm:" if ":" in name else ""
    body = f"<{root}><{prefix}url><{prefix}loc>http://a/1</{prefix}loc></{prefix}url></{name}>"
    assert read(body)[0] == ["http://a/1"]


def test_news_is_read_with_and_without_its_namespace():
    news = (
        "<news:news><news:publication><news:name>N</news:name><news:language>ur</news:language></news:publication>"
        "<news:publication_date>2009-10-01T08:00:00Z</news:publication_date><news:title>A &amp; B</news:title>"
        "</news:news>"
    )
    for declared in ("", ' xmlns:news="http://www.google.com/schemas/sitemap-news/0.9"'):
        (entry,) = parse(f"<urlset{declared}><url>{news}<loc>http://a/1</loc></url></urlset>".encode())
        assert entry == Entry(
            "http://a/1", title="A & B", language="ur", dates=[("news", "2009-10-01T08:00:00Z")], alternates=[]
        )


def test_pictures_and_videos_lend_a_text_neither_address_nor_title_nor_date():
    body = (
        "<urlset><url><image:image><image:loc>http://a/1.jpg</image:loc><image:title>Picture</image:title></image:image>"
        "<video:video><video:title>Film</video:title><video:publication_date>2001-01-01</video:publication_date>"
        "</video:video><loc>http://a/1</loc><lastmod>2009-10-02</lastmod></url></urlset>"
    )
    (entry,) = parse(body.encode())
    assert entry == Entry("http://a/1", dates=[("sitemap", "2009-10-02")], alternates=[])


def test_translations_are_named_and_mobile_copies_are_not():
    body = (
        '<urlset xmlns:xhtml="http://www.w3.org/1999/xhtml"><url><loc>http://a/1</loc>'
        '<xhtml:link rel="alternate" hreflang="ps" href="http://a/ps/1"/>'
        '<xhtml:link rel="alternate" media="only screen and (max-width: 640px)" href="http://m.a/1"/></url></urlset>'
    )
    (entry,) = parse(body.encode())
    assert entry.alternates == [("ps", "http://a/ps/1")]


def test_bare_ampersands_stay_in_addresses():
    body = (
        "<urlset><url><loc>http://a/?x=1&y=2</loc></url><url><loc>http://a/?x=1&amp;y=3</loc></url>"
        "<url><loc><![CDATA[http://a/?x=1&y=4]]></loc></url></urlset>"
    )
    assert read(body) == (["http://a/?x=1&y=2", "http://a/?x=1&y=3", "http://a/?x=1&y=4"], [])


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "windows-1256"])
def test_encodings(encoding):
    body = f'<?xml version="1.0" encoding="{encoding.removesuffix("-sig")}"?><urlset><url><loc>http://a/بيان</loc></url></urlset>'
    assert read(body.encode(encoding)) == (["http://a/بيان"], [])


def test_plain_text():
    assert read("\ufeffhttp://a/1\r\n\r\n  https://a/2  \n") == (["http://a/1", "https://a/2"], [])


def test_what_a_server_prints_before_the_file_is_passed_over():
    assert read(f'<br />\n<b>Warning</b>: old\n<?xml version="1.0"?><urlset>{ONE}</urlset>') == (["http://a/1"], [])


def test_entries_before_and_behind_damage_are_read_and_the_damage_is_said():
    links, flaws = read(f"<urlset>\n{ONE}\n<url><loc>http://a/x</locx></url>\n{TWO}\n</urlset>")
    assert links == ["http://a/1", "http://a/x", "http://a/2"]
    assert flaws[0].startswith("is damaged in line 3 (Opening and ending tag mismatch")
    assert "3 entries were read" in flaws[0]


@pytest.mark.parametrize("end", ["<url><lo", "<url><loc>http://a/12", "<url><loc><![CDATA[http://a/12", "<url", "<"])
def test_a_file_cut_off_gives_what_is_whole_and_no_half_address(end):
    links, flaws = read(f"<urlset {NS}>{ONE}{TWO}{end}")
    assert links == ["http://a/1", "http://a/2"]
    assert "damaged" in flaws[0]


def test_entries_without_address_are_counted():
    assert read(f"<urlset><url/><url><lastmod>2009-01-01</lastmod></url>{ONE}</urlset>") == (
        ["http://a/1"],
        ["entries without an address (loc) left out: 2"],
    )


def _peak(body):
    tracemalloc.start()
    try:
        count = sum(1 for _ in parse(body))
    except (NoSitemapError, IsFeedError):
        count = 0
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return count, peak


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_entities_are_neither_read_nor_multiplied(tmp_path, encoding):
    secret = tmp_path / "secret.txt"
    secret.write_text("secret")
    laughs = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
    body = (
        f'<?xml version="1.0" encoding="{encoding}"?><!DOCTYPE urlset SYSTEM "file://{secret}" [<!ENTITY x SYSTEM "file://{secret}">'
        f'<!ENTITY % p SYSTEM "file://{secret}"> %p; <!ENTITY l0 "ha">{laughs}]>'
        "<urlset><url><loc>http://a/&x;</loc></url><url><loc>http://a/&l9;</loc></url>" + ONE + "</urlset>"
    ).encode(encoding)
    links, _ = read(body)
    assert "secret" not in str(links)
    assert "http://a/1" in links
    assert max(map(len, links)) < 40
    assert _peak(body)[1] < 5_000_000


@pytest.mark.parametrize(
    "body",
    [
        b"<urlset>" + b"<x/>" * 500_000 + b"</urlset>",
        b"<urlset><url>" + b"<x/>" * 500_000 + b"<loc>http://a/1</loc></url></urlset>",
        b"<urlset><url><loc>" + b"a" * 2_000_000 + b"</loc></url></urlset>",
        b"<urlset>" + b"<url>" * 200_000,
        b"<urlset><url><loc>http://a/1</loc>" + b'<link rel="alternate" hreflang="a" href="b"/>' * 50_000 + b"</url>",
    ],
    ids=["elements", "elements of an entry", "a long address", "depth", "translations"],
)
def test_what_is_built_to_fill_memory_does_not(body):
    began = time.perf_counter()
    _, peak = _peak(body)
    assert peak < 2 * len(body) + 1_000_000
    assert time.perf_counter() - began < 10


def test_ten_times_the_addresses_take_no_more_memory():
    peaks = {}
    for many in (5_000, 50_000):
        entries = b"".join(b"<url><loc>http://a/%d</loc><lastmod>2009-09-19</lastmod></url>" % i for i in range(many))
        body = b"<urlset>" + entries + b"</urlset>"
        count, peaks[many] = _peak(body)
        assert count == many
    # the parser's own work is measured: the body itself was there before
    assert peaks[50_000] < peaks[5_000] + 200_000


WHOLE = (
    f'<?xml version="1.0" encoding="UTF-8"?><urlset {NS} xmlns:news="http://www.google.com/schemas/sitemap-news/0.9" '
    'xmlns:xhtml="http://www.w3.org/1999/xhtml">'
    + "".join(
        f"<url><loc>https://outlet.example/{i}?a=1&amp;b={i}</loc><lastmod>2009-09-{i % 28 + 1:02}</lastmod>"
        f'<xhtml:link rel="alternate" hreflang="ar" href="https://outlet.example/ar/{i}"/><news:news><news:publication>'
        "<news:language>en</news:language></news:publication><news:title>بيان</news:title></news:news></url>"
        for i in range(30)
    )
    + "</urlset>"
).encode()


def test_a_thousand_mutated_sitemaps_neither_break_it_nor_hold_it_up():
    for seed in range(1_000):
        body = mutated(seed, WHOLE)
        began = time.perf_counter()
        with suppress(NoSitemapError, IsFeedError):
            for one in parse(body):
                assert isinstance(one, Entry | Flaw)
        assert time.perf_counter() - began < 2, seed


@pytest.mark.parametrize("unit", ["<![CDATA[", "<!--", "<?x ", "<url><loc>", "&#", "<a ", "<!ENTITY ", "<loc a='"])
def test_what_is_opened_and_never_closed_holds_nothing_up(unit):
    began = time.perf_counter()
    list(parse(b"<urlset>" + unit.encode() * (500_000 // len(unit))))
    assert time.perf_counter() - began < 4


@given(st.binary(max_size=300))
def test_no_bytes_break_it(body):
    with suppress(NoSitemapError, IsFeedError):
        list(parse(body))
