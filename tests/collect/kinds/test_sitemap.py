import gzip

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
