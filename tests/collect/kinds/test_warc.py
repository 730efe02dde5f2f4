import gzip as packing
import io
import zipfile
from collections import Counter
from datetime import UTC, datetime

import brotli
import pytest
from sqlalchemy import select
from warcio.archiveiterator import ArchiveIterator
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from pipeline.collect import archive
from pipeline.collect.job import collect
from pipeline.collect.kinds.events import Trouble
from pipeline.collect.kinds.warc import files
from pipeline.extract.address import canonical
from pipeline.extract.document import ExtractError
from pipeline.extract.page import extract_page
from pipeline.store.session import open_session
from pipeline.store.tables import Capture, Document
from tests.collect.kinds.warc_files import made, page, written


def test_pages_become_documents_with_their_capture(store_settings, watch, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "b.warc.gz").write_bytes(made(3)[0])
    (tmp_path / "in" / "a.warc").write_bytes(made(4, gzip=False)[0])
    (tmp_path / "in" / "notes.txt").write_text("no archive")
    monitor = watch(kind="warc", paths=[tmp_path / "in"], exclude="/2$")
    report = collect(store_settings, monitor, "letters")
    assert (report.found, report.new, report.known, report.failed) == (5, 3, 2, 0)
    with open_session(store_settings) as session:
        documents = session.scalars(select(Document).order_by(Document.address)).all()
        captures = {c.id: c for c in session.scalars(select(Capture))}
    assert [d.address for d in documents] == [f"http://old.example/{n}" for n in (0, 1, 3)]
    capture = captures[documents[2].capture_id]
    assert capture.captured_at == datetime(2006, 10, 4, tzinfo=UTC)
    assert archive.read(store_settings.archive, capture.warc_file, capture.warc_offset).body == page(3)
    assert {(one["origin"], one["accepted"]) for one in documents[0].dates} == {("capture", False)}
    (date,) = documents[2].dates
    assert datetime.fromisoformat(date["value"]) == capture.captured_at
    assert "when the page was seen, not when the text was published" in date["why"]
    again = collect(store_settings, monitor, "letters")
    assert (again.found, again.new, again.known) == (5, 0, 5)


def test_a_path_that_is_not_there_is_said(tmp_path):
    (tmp_path / "empty").mkdir()
    found = list(files([tmp_path / "none.warc", tmp_path / "empty"]))
    assert [type(one) for one in found] == [Trouble, Trouble]
    assert "is not there" in found[0].reason


def independent(path):
    """HTML responses with status 200, by warcio alone: address, capture date, body."""
    with path.open("rb") as stream:
        for record in ArchiveIterator(stream):
            if record.rec_type != "response" or record.http_headers.get_statuscode() != "200":
                continue
            if "html" in (record.http_headers.get_header("content-type") or ""):
                address = record.rec_headers.get_header("WARC-Target-URI")
                yield address, record.rec_headers.get_header("WARC-Date"), record.content_stream().read()


@pytest.mark.long
def test_the_iana_archive(settings, watch, shared_data):
    path = shared_data / "warc" / "pywb" / "warcs" / "iana.warc.gz"
    monitor = watch(kind="warc", paths=[path])
    report = collect(settings, monitor, "letters")
    expected = list(independent(path))
    with open_session(settings) as session:
        captures = session.scalars(select(Capture)).all()
        documents = session.scalars(select(Document)).all()
    by_id = {c.id: c for c in captures}
    assert report.found == len(expected) == 16
    assert Counter(c.address for c in captures) == Counter(canonical(a) for a, _, _ in expected)
    assert sorted(c.captured_at for c in captures) == sorted(datetime.fromisoformat(d) for _, d, _ in expected)
    texts = set()
    for address, _, body in expected:
        try:
            texts.add(extract_page(body, address=canonical(address), now=datetime.now(UTC)).address)
        except ExtractError:
            assert any(c.problem for c in captures if c.address == canonical(address))
    assert {d.address for d in documents} == texts
    assert report.new == len(documents)
    dates = {canonical(a): d for a, d, _ in expected}
    for document in documents:
        capture = by_id[document.capture_id]
        assert capture.captured_at == datetime.fromisoformat(dates[capture.address])
        hinted = [one["value"] for one in document.dates if one["origin"] == "capture"]
        assert hinted == [capture.captured_at.isoformat()]
    assert any("revisits of type text/css left out" in p for p in report.problems)
    again = collect(settings, monitor, "letters")
    assert (again.new, again.known) == (0, report.found)


def addresses_of(settings):
    with open_session(settings) as session:
        return sorted(session.scalars(select(Document.address)))


def imported(settings, watch, tmp_path, **some):
    for name, body in some.items():
        (tmp_path / f"{name}.warc.gz").write_bytes(body)
    return collect(settings, watch(kind="warc", paths=[tmp_path]), "letters")


def test_what_is_packed_as_one_piece_is_archived_where_it_can_be_read_again(settings, watch, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "old.warc.gz").write_bytes(packing.compress(made(3, gzip=False)[0]))
    monitor = watch(kind="warc", paths=[tmp_path / "in"])
    assert collect(settings, monitor, "letters").new == 3
    with open_session(settings) as session:
        captures = session.scalars(select(Capture).order_by(Capture.address)).all()
    for number, capture in enumerate(captures):
        stored = archive.read(settings.archive, capture.warc_file, capture.warc_offset)
        assert (stored.address, stored.body) == (f"http://old.example/{number}", page(number))
        assert capture.captured_at == datetime(2006, 10, number + 1, tzinfo=UTC)
    again = collect(settings, monitor, "letters")
    assert (again.new, again.known) == (0, 3)


def test_a_revisit_of_another_address_is_a_page_with_its_body(settings, watch, tmp_path):
    same = {"WARC-Payload-Digest": "sha1:AAAA"}
    first = written(("response", "http://old.example/1", page(1), dict(same)))
    again = written(
        ("revisit", "http://old.example/1", b"", dict(same)), ("revisit", "http://other.example/copy", b"", dict(same))
    )
    report = imported(settings, watch, tmp_path, b=first, a=again)
    assert addresses_of(settings) == ["http://old.example/1", "http://other.example/copy"]
    assert (report.new, report.reposts, report.failed) == (2, 1, 0)


def test_a_revisit_whose_page_is_nowhere_is_said(settings, watch, tmp_path):
    body = written(("revisit", "http://other.example/copy", b"", {"WARC-Payload-Digest": "sha1:AAAA"}))
    report = imported(settings, watch, tmp_path, a=body)
    assert (report.new, report.failed) == (0, 1)
    assert "http://other.example/copy" in report.problems[0]
    assert "add the file that has it" in report.problems[0]


def test_the_text_of_a_page_that_is_not_there_becomes_a_document(settings, watch, tmp_path):
    plain = b"The bread and the salt of the land are dear this year, said the letter of the village."
    body = written(
        ("response", "http://old.example/1", page(1), {}),
        ("conversion", "http://old.example/1", b"Bread. All of the page, with its menus and with its feet.", {}),
        ("conversion", "http://old.example/2", plain, {}),
    )
    report = imported(settings, watch, tmp_path, a=body)
    assert addresses_of(settings) == ["http://old.example/1", "http://old.example/2"]
    assert "1 texts of pages that are there left out" in report.problems
    with open_session(settings) as session:
        document = session.scalars(select(Document).where(Document.address == "http://old.example/2")).one()
    assert (document.text, document.published_at) == (plain.decode(), None)
    assert document.dates[0]["origin"] == "capture"


def test_a_page_that_its_crawler_cut_off_is_kept_and_said(settings, watch, tmp_path):
    body = written(("response", "http://old.example/1", page(1), {"WARC-Truncated": "length"}))
    report = imported(settings, watch, tmp_path, a=body)
    assert (report.new, report.failed) == (1, 0)
    assert "cut off by its crawler (length)" in report.problems[0]


def test_a_page_kept_as_a_resource_is_a_page(settings, watch, tmp_path):
    body = written(("resource", "http://old.example/1", page(1), {"Content-Type": "text/html; charset=utf-8"}))
    assert imported(settings, watch, tmp_path, a=body).new == 1
    with open_session(settings) as session:
        capture = session.scalars(select(Capture)).one()
    assert archive.read(settings.archive, capture.warc_file, capture.warc_offset).body == page(1)


def test_a_wacz_file_that_grows_without_measure_is_not_unpacked(settings, watch, tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.wacz", "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("archive/a.warc", bytes(100_000_000))
    report = imported(settings, watch, tmp_path)
    assert (report.found, report.failed) == (0, 1)
    assert any("archive/a.warc: grows by more than 200 times and is not unpacked" in one for one in report.problems)


def test_wacz_files_and_files_packed_in_other_ways(settings, watch, tmp_path):
    with zipfile.ZipFile(tmp_path / "crawl.wacz", "w") as packed:
        packed.writestr("archive/data.warc.gz", made(2)[0])
        packed.writestr("datapackage.json", "{}")
    (tmp_path / "broken.wacz").write_bytes(b"PK no zip at all")
    (tmp_path / "more.warc.zst").write_bytes(b"(/\xb5/\xfd")
    report = imported(settings, watch, tmp_path)
    assert (report.new, report.failed) == (2, 2)
    assert any("broken.wacz: can't be read" in problem for problem in report.problems)
    assert any("more.warc.zst: is packed in a way that is not read" in problem for problem in report.problems)


def test_common_crawl(settings, watch, shared_data, tmp_path):
    folder = shared_data / "warc" / "whirlwind"
    both = collect(settings, watch(kind="warc", paths=[folder]), "letters")
    # WARC and WET, each also packed: one page, and its text is not kept beside it
    assert (both.new, both.failed) == (1, 0)
    assert "2 texts of pages that are there left out" in both.problems


def test_a_revisit_in_another_file_of_the_samples(settings, watch, shared_data):
    names = [f"example-url-agnostic-{part}.warc.gz" for part in ("orig", "revisit")]
    paths = [shared_data / "warc" / "pywb" / "warcs" / name for name in names]
    report = collect(settings, watch(kind="warc", paths=paths), "letters")
    assert (report.new, report.reposts, report.failed) == (2, 1, 0)


def test_bodies_packed_as_browsers_are_sent_them(settings, watch, tmp_path):
    stream = io.BytesIO()
    for number, (name, pack) in enumerate((("br", brotli.compress), ("gzip", packing.compress))):
        body = pack(page(number))
        headers = [("Content-Type", "text/html; charset=utf-8"), ("Content-Encoding", name)]
        writer = WARCWriter(stream, gzip=True)
        writer.write_record(
            writer.create_warc_record(
                f"http://old.example/{number}",
                "response",
                payload=io.BytesIO(body),
                length=len(body),
                http_headers=StatusAndHeaders("200 OK", headers, protocol="HTTP/1.1"),
            )
        )
    assert imported(settings, watch, tmp_path, a=stream.getvalue()).new == 2
    with open_session(settings) as session:
        captures = session.scalars(select(Capture).order_by(Capture.address)).all()
    for number, capture in enumerate(captures):
        assert archive.read(settings.archive, capture.warc_file, capture.warc_offset).body == page(number)
