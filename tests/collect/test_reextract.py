import subprocess
import sys
from datetime import UTC, datetime

import httpx
import pytest
from sqlalchemy import select

from pipeline.collect import reextract as module
from pipeline.collect.archive import Archive
from pipeline.collect.erase import erase
from pipeline.collect.fetch import Response
from pipeline.collect.job import collect
from pipeline.collect.reextract import reextract
from pipeline.settings import PROJECT_ROOT
from pipeline.store.runs import last_runs
from pipeline.store.session import open_session
from pipeline.store.tables import Capture, Coding, Document


class Killed(BaseException):
    """What stands for a kill: nothing catches it but the report line."""


PAGE = (
    '<html lang="en"><head><title>About {0}</title></head><body>'
    "<div class=menu><p>{1}</p></div><div class=words><p>{2}</p></div></body></html>"
)


def page(name):
    menu = f"This is the long menu of the page about {name}, and nobody wants to read it at all. " * 6
    words = " ".join(f"The {name} council says of {name} number {i} that {name} come first." for i in range(12))
    return PAGE.format(name, menu, words)


@pytest.fixture
def world(site, watch, feed_of):
    links = [site.add(f"/{name}.html", page(name)) for name in ("rivers", "roads", "schools")]
    site.add("/picture.html", b"\x89PNG\r\n\x1a\n" + bytes(400), type="image/png")
    site.add("/feed", feed_of(site, [*links, f"{site.address}/picture.html"]), type="application/rss+xml")
    return lambda **fields: watch(site, kind="feed", addresses=[f"{site.address}/feed"], **fields)


def texts(session):
    session.expire_all()
    return {d.address.rpartition("/")[2]: d for d in session.scalars(select(Document).order_by(Document.id))}


def test_a_corrected_selector_reaches_known_pages(store_settings, site, world):
    assert collect(store_settings, world(text_selector=".menu"), "letters").new == 3
    with open_session(store_settings, expire_on_commit=False) as session:
        before = texts(session)
        assert all("nobody wants to read" in d.text for d in before.values())
        ids = {name: (d.id, d.collected_at, d.published_at) for name, d in before.items()}
        session.add(
            Coding(
                monitor="test",
                address=before["roads.html"].address,
                document_id=before["roads.html"].id,
                variable="framing",
                value="both",
                codebook_version=1,
                coder="one",
                coded_at=datetime(2009, 9, 19, tzinfo=UTC),
                draw="random",
                probability=0.5,
                drawn_at=datetime(2009, 9, 19, tzinfo=UTC),
            )
        )
        session.commit()
        asked = len(site.requests)
        # collecting again changes nothing: the bodies are known
        assert collect(store_settings, world(text_selector=".words"), "letters", all_places=True).updated == 0
        assert any("council" in d.text for d in texts(session).values()) is False
        asked = len(site.requests)
        report = reextract(store_settings, world(text_selector=".words"), "letters")
        assert (report.found, report.updated, report.failed, len(site.requests)) == (4, 3, 0, asked)
        after = texts(session)
        assert all("council" in d.text and "nobody wants" not in d.text for d in after.values())
        # ids, the day of collecting, and the feed's date, which does not stand in the page
        assert {name: (d.id, d.collected_at, d.published_at) for name, d in after.items()} == ids
        assert len({d.cluster_id for d in after.values()}) == 3
        assert next(p for p in report.problems if p.startswith("1 coded texts have changed")).endswith("/roads.html")
        assert session.scalars(select(Coding.document_id)).one() == after["roads.html"].id
        assert "1 quarantined responses still give no document" in report.problems
        assert last_runs(session, "test", "re-extract")[0].updated == 3
        again = reextract(store_settings, world(text_selector=".words"), "letters")
        assert (again.found, again.updated, again.known) == (1, 0, 0)
        every = reextract(store_settings, world(text_selector=".words"), "letters", every=True)
        assert (every.found, every.updated, every.known) == (4, 0, 3)


def test_killed_and_run_again_it_goes_on(settings, world, monkeypatch):
    collect(settings, world(text_selector=".menu"), "letters")
    monkeypatch.setattr(module, "BATCH", 1)
    real, calls = module.keep_documents, []

    def killed_at_the_second(*arguments):
        calls.append(1)
        if len(calls) == 2:
            raise Killed
        return real(*arguments)

    with monkeypatch.context() as patch:
        patch.setattr(module, "keep_documents", killed_at_the_second)
        with pytest.raises(Killed):
            reextract(settings, world(text_selector=".words"), "letters")
    with open_session(settings) as session:
        assert sum("council" in d.text for d in texts(session).values()) == 1
        report = reextract(settings, world(text_selector=".words"), "letters")
        assert (report.updated, report.known) == (2, 0)
        assert all("council" in d.text for d in texts(session).values())
        assert "broken off" in last_runs(session, "test", "re-extract")[1].problems[-1]


def test_what_was_quarantined_becomes_a_document_when_it_can(settings, world, monkeypatch):
    collect(settings, world(), "letters")
    with open_session(settings) as session:
        # as if the extractor of that day had failed at it
        text = texts(session)["rivers.html"]
        capture = session.get(Capture, text.capture_id)
        text.capture_id, capture.problem = None, "extraction failed: a fault since mended"
        session.flush()
        session.execute(Document.__table__.update().values(extractor="0, the first"))
        text.address = f"{text.address}?other"
        session.commit()
        report = reextract(settings, world(), "letters")
        assert (report.new, report.known) == (1, 2)
        made = texts(session)["rivers.html"]
        assert made.capture_id == capture.id
        assert made.published_origin == "feed"
        session.refresh(capture)
        assert capture.problem is None
        assert any(p.startswith("1 texts have no stored response") for p in report.problems)


def test_a_page_that_gives_no_text_any_more_keeps_its_old_one(settings, world, monkeypatch):
    collect(settings, world(), "letters")
    with open_session(settings) as session:
        old = texts(session)["roads.html"].text
        file = settings.archive / session.scalars(select(Capture.warc_file)).first()
        file.rename(file.with_suffix(".away"))
        report = reextract(settings, world(text_selector=".words"), "letters")
        assert (report.failed, report.updated) == (4, 0)
        assert "was the file moved?" in report.problems[0]
        file.with_suffix(".away").rename(file)
        # what extraction itself can't do any more
        real = module.read
        monkeypatch.setattr(
            module, "read", lambda *a: real(*a).__class__("", 200, "image/png", b"\x89PNG\r\n\x1a\n" * 9)
        )
        report = reextract(settings, world(text_selector=".words"), "letters")
        assert report.failed == 3
        assert any("gives no text any more" in p and "the old one was kept" in p for p in report.problems)
        assert texts(session)["roads.html"].text == old


def test_a_listing_that_could_not_be_read_is_no_text(settings, site, watch):
    site.add("/all", page("everything"))
    monitor = watch(site, kind="listing", addresses=[f"{site.address}/all"], link_selector="a.none")
    collect(settings, monitor, "letters")
    with open_session(settings) as session:
        assert session.scalars(select(Capture.problem)).all() != []
        assert reextract(settings, monitor, "letters").found == 0
        assert texts(session) == {}


def test_an_imported_file_is_read_where_it_lies_and_an_erased_address_is_not_imported(settings, watch, tmp_path):
    writer = Archive(tmp_path / "mine", "x", "y")
    for name in ("rivers", "roads"):
        body = page(name).encode()
        headers = httpx.Headers({"content-type": "text/html"})
        at = datetime(2009, 10, 7, tzinfo=UTC)
        writer.write(f"http://a.example/{name}.html", Response("", 200, headers, body, body, at, 0.1))
    writer.close()
    monitor = watch(kind="warc", paths=[str(tmp_path / "mine")])
    erase(settings, monitor, "address", "http://a.example/roads.html", reason="a court")
    assert collect(settings, monitor, "letters").new == 1
    with open_session(settings) as session:
        before = texts(session)["rivers.html"]
        dates, capture = before.dates, session.get(Capture, before.capture_id)
        assert capture.warc_file.startswith(str(tmp_path))
        session.execute(Document.__table__.update().values(extractor="0, the first", text="old", text_digest="old"))
        session.commit()
        assert reextract(settings, monitor, "letters").updated == 1
        after = texts(session)["rivers.html"]
        assert ("council" in after.text, after.dates, after.capture_id) == (True, dates, capture.id)


def test_the_command(settings, tmp_path):
    answer = subprocess.run(
        [sys.executable, "-m", "pipeline.cli", "re-extract", "--monitor", "monitors/demo.yaml", "--source", "nope"],
        env={"PATH": "/usr/bin:/bin", "RIFTWATCH_DATA": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        cwd=PROJECT_ROOT,
    )
    assert (answer.returncode, "no source 'nope' in demo" in answer.stderr) == (1, True)
