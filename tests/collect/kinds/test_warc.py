import io
from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select
from warcio.archiveiterator import ArchiveIterator
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter

from pipeline.collect import archive
from pipeline.collect.job import collect
from pipeline.collect.kinds.events import Trouble
from pipeline.collect.kinds.warc import Damage, files, records
from pipeline.extract.address import canonical
from pipeline.extract.document import ExtractError
from pipeline.extract.page import extract_page
from pipeline.store.session import open_session
from pipeline.store.tables import Capture, Document

MAX = 20_000_000


def page(number):
    words = " ".join(
        f"<p>Paragraph {i} of letter {number} about the bread and the salt of the land.</p>" for i in range(5)
    )
    return f"<html><head><title>Letter {number}</title></head><body><article>{words}</article></body></html>".encode()


def made(count, *, gzip=True):
    """A WARC file, and the offset of each record."""
    stream, offsets = io.BytesIO(), []
    writer = WARCWriter(stream, gzip=gzip)
    for number in range(count):
        offsets.append(stream.tell())
        record = writer.create_warc_record(
            f"http://old.example/{number}",
            "response",
            payload=io.BytesIO(page(number)),
            length=len(page(number)),
            http_headers=StatusAndHeaders(
                "200 OK", [("Content-Type", "text/html; charset=utf-8")], protocol="HTTP/1.1"
            ),
            warc_headers_dict={"WARC-Date": f"2006-10-{number + 1:02}T00:00:00Z"},
        )
        writer.write_record(record)
    return stream.getvalue(), offsets


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


@pytest.mark.parametrize("gzip", [True, False])
def test_damage_in_the_middle_costs_one_record(gzip):
    body, offsets = made(6, gzip=gzip)
    hurt = bytearray(body)
    # the record's own head, and some bytes of its body
    for start in (offsets[2], offsets[2] + 200):
        hurt[start : start + 40] = b"\xff" * 40
    found = list(records(io.BytesIO(bytes(hurt)), max_bytes=MAX))
    good = [one.address for one in found if not isinstance(one, Damage)]
    damage = [one.offset for one in found if isinstance(one, Damage)]
    assert set(good) >= {f"http://old.example/{n}" for n in (0, 1, 3, 4, 5)}
    assert len(damage) == 1
    assert offsets[1] < damage[0] <= offsets[2] + 1


@pytest.mark.parametrize("gzip", [True, False])
def test_a_tail_that_is_torn_off_is_reported(gzip):
    body, offsets = made(3, gzip=gzip)
    cut = body[: offsets[2] + (len(body) - offsets[2]) // 2]
    found = list(records(io.BytesIO(cut), max_bytes=MAX))
    assert [type(one).__name__ for one in found] == ["Record", "Record", "Damage"]
    assert found[2].offset == offsets[2]


@given(st.binary(max_size=400), st.booleans())
def test_no_bytes_break_the_reader(junk, before):
    body, _ = made(1)
    mixed = junk + body if before else body + junk
    found = list(records(io.BytesIO(mixed), max_bytes=MAX))
    if not before:
        assert found[0].address == "http://old.example/0"


def test_a_body_past_the_limit_is_reported():
    body, _ = made(2)
    found = list(records(io.BytesIO(body), max_bytes=100))
    assert [type(one).__name__ for one in found] == ["Damage", "Damage"]


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
    assert any("revisit records left out" in p for p in report.problems)
    again = collect(settings, monitor, "letters")
    assert (again.new, again.known) == (0, report.found)


@pytest.mark.parametrize(
    ("name", "least", "damaged"),
    [
        ("pywb/warcs/example.warc.gz", 1, False),
        ("pywb/warcs/example.arc.gz", 1, False),
        ("pywb/warcs/example.arc", 1, False),
        ("pywb/warcs/bad.arc", 0, True),
        ("pywb/warcs/example-bad.warc.gz.bad", 0, True),
        ("pywb/warcs/dupes.warc.gz", 1, False),
    ],
)
def test_real_archives_good_and_bad(shared_data, name, least, damaged):
    with (shared_data / "warc" / name).open("rb") as stream:
        found = list(records(stream, max_bytes=MAX))
    good = [one for one in found if not isinstance(one, Damage) and one.kind == "response" and one.body]
    assert len(good) >= least
    assert any(isinstance(one, Damage) for one in found) == damaged
