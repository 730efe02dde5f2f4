"""Places of real runs: what is asked, what is read, what is said."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import update

from pipeline.collect.job import collect
from pipeline.store.places import place_state
from pipeline.store.session import open_session
from pipeline.store.tables import Place

PAGES = [f"/post/{n}" for n in range(3)]
DAY = timedelta(days=1)


@pytest.fixture
def blog(site, feed_of):
    for n in range(6):
        site.article(f"/post/{n}", " ".join(f"{'abcdef'[n]}word{i}" for i in range(40)))
    site.add("/feed", feed_of(site, PAGES), type="application/rss+xml", etag='"one"')
    return site


@pytest.fixture
def run(settings, watch, blog):
    def go(all_places=False, since=None, **fields):
        monitor = watch(blog, **{"kind": "feed", "addresses": [blog.address + "/feed"], **fields})
        blog.requests.clear()
        return collect(settings, monitor, "letters", all_places=all_places, since=since)

    return go


@pytest.fixture
def place(settings, blog):
    def state(path="/feed", **values):
        with open_session(settings) as session:
            if values:
                session.execute(update(Place).where(Place.address == blog.address + path).values(**values))
                session.commit()
            return place_state(session, "test", "letters", blog.address + path)

    return state


def test_a_feed_that_has_not_changed_is_asked_and_not_read(run, place, blog):
    assert run().new == 3
    first = place()
    assert (first.entries, first.failures, first.not_before, first.etag) == (3, 0, None, '"one"')
    report = run()
    assert (report.found, report.known, report.new) == (3, 3, 0)
    assert blog.asked() == ["/feed"]
    assert place().checked_at > first.checked_at
    # other patterns read other links out of the same bytes
    assert run(include="/post/1").known == 1


def test_nothing_is_asked_conditionally_unless_the_source_wants_it(run, blog):
    sent = []

    def answer(handler):
        sent.append(handler.headers.get("if-none-match"))
        same = handler.headers.get("if-none-match") == '"one"'
        body = b"" if same else feed
        handler.send_response(304 if same else 200)
        handler.send_header("etag", '"one"')
        handler.send_header("content-length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    feed = blog.pages["/feed"][2].encode()
    blog.add("/feed", answer)
    run()
    run()
    assert sent == [None, None]
    run(conditional=True)  # the source's rules are new, so its feed is read whole
    report = run(conditional=True)
    assert sent == [None, None, None, '"one"']
    assert (report.known, report.failed) == (3, 0)


def test_a_failing_feed_is_asked_later_and_stays_red_until_it_recovers(run, place, blog):
    works = blog.pages["/feed"]
    blog.add("/feed", "", status=500)
    assert run().in_vain
    failed = place()
    assert (failed.failures, failed.failure, failed.reason) == (1, "temporary", "HTTP 500")
    report = run()
    assert blog.asked() == []
    assert report.in_vain
    assert "it failed, last with: HTTP 500" in report.problems[0]
    assert run(all_places=True).in_vain
    assert place().failures == 2
    place(not_before=datetime.now(UTC) - DAY)
    blog.pages["/feed"] = works
    assert run().new == 3
    assert (place().failures, place().reason, place().not_before) == (0, None, None)


def test_retry_after_counts(run, place, blog):
    blog.add("/feed", "", status=503, retry_after="7200")
    run()
    waits = place().not_before - datetime.now(UTC)
    assert timedelta(hours=1.9) < waits <= timedelta(hours=2)


def test_what_is_no_feed_is_a_failure_of_the_place(run, place, blog):
    blog.add("/feed", "<html><body>moved</body></html>")
    run()
    assert place().failure == "soft"
    assert "is no feed" in place().reason


def test_a_quiet_feed_rests_and_that_is_said(run, place, blog):
    run()
    long_ago = datetime.now(UTC) - 20 * DAY
    place(changed_at=long_ago, checked_at=long_ago)
    run()
    # three entries rest for less than a day
    assert timedelta(hours=17) < place().not_before - datetime.now(UTC) < timedelta(hours=18.1)
    report = run()
    assert blog.asked() == []
    assert not report.in_vain
    assert "/feed is not due before" in report.problems[0]
    # a window of its own (a backfill) and a run by hand ask all the same
    run(since=long_ago)
    assert blog.asked() == ["/feed"]
    run()
    run(all_places=True)
    assert blog.asked() == ["/feed"]


def test_a_feed_that_shows_new_entries_only_may_have_lost_some(run, blog, feed_of):
    run()
    blog.add("/feed", feed_of(blog, ["/post/3", "/post/4", "/post/5"]), type="application/rss+xml")
    report = run()
    assert report.new == 3
    assert any("all 3 entries are new since" in one for one in report.problems)


def test_what_a_redirect_said_is_no_word_about_the_place(run, place, blog):
    blog.pages["/elsewhere"] = blog.pages["/feed"]
    blog.add("/feed", "", status=302, location="/elsewhere")
    run(conditional=True)
    assert place().etag is None
    assert place().entries == 3


def test_every_file_of_a_sitemap_is_a_place(run, place, blog):
    def urls(paths):
        return "".join(f"<url><loc>{blog.address}{path}</loc></url>" for path in paths)

    blog.add("/sitemap.xml", f"<sitemapindex><sitemap><loc>{blog.address}/a.xml</loc></sitemap><sitemap>"
             f"<loc>{blog.address}/b.xml</loc></sitemap></sitemapindex>", type="text/xml")  # fmt: skip
    blog.add("/a.xml", f"<urlset>{urls(PAGES)}</urlset>", type="text/xml")
    blog.add("/b.xml", "", status=500)
    fields = {"kind": "sitemap", "addresses": [blog.address + "/sitemap.xml"]}
    assert run(**fields).new == 3
    assert (place("/a.xml").entries, place("/a.xml").failure) == (3, None)
    assert (place("/b.xml").failure, place("/b.xml").failures) == ("temporary", 1)
    blog.add("/b.xml", f"<urlset>{urls(['/post/4'])}</urlset>", type="text/xml")
    # the index is read again though it is as it was
    assert run(all_places=True, **fields).new == 1


def test_a_source_that_fell_silent_is_said_in_the_report(run, settings, blog, feed_of):
    from pipeline.store.tables import Document

    run()
    with open_session(settings) as session:
        for n in range(200):
            day = datetime.now(UTC) - timedelta(days=40 + n)
            session.add(
                Document(
                    monitor="test", source="letters", group_id="home", speaker="own", address=f"http://a/{n}", text="t",
                    text_digest="d", published_at=day, collected_at=day, updated_at=day, extractor="x",
                )
            )  # fmt: skip
        session.commit()
    report = run(all_places=True)
    assert any(one.startswith("volume: No text for") for one in report.problems)
