import gzip
from datetime import UTC, datetime

import httpx
import pytest
from warcio.archiveiterator import ArchiveIterator

from pipeline.collect.archive import Archive, ArchiveError, read
from pipeline.collect.fetch import Response


def response(body, raw=None, **headers):
    named = httpx.Headers({name.replace("_", "-"): value for name, value in headers.items()})
    return Response("http://a.example/1", 200, named, body, raw or body, datetime(2009, 9, 19, 8, tzinfo=UTC), 0.1)


def test_a_response_comes_back_byte_for_byte(tmp_path):
    archive = Archive(tmp_path, "test", "letters")
    body = "اعلامیه\0 and more".encode() * 50
    packed = gzip.compress(body)
    places = [
        archive.write("http://a.example/1", response(body, content_type="text/html; charset=utf-8")),
        archive.write(
            "http://a.example/2",
            response(body, packed, content_encoding="gzip", transfer_encoding="chunked", content_length="7"),
        ),
        archive.write("http://a.example/3", response(b"")),
    ]
    archive.close()
    first, second, third = (read(tmp_path, place.file, place.offset) for place in places)
    assert (first.address, first.status, first.content_type) == ("http://a.example/1", 200, "text/html; charset=utf-8")
    assert first.body == second.body == body
    assert third.body == b""
    assert places[0].file.startswith("test/letters/")
    # other programs read it too, and the digests are right
    with (tmp_path / places[0].file).open("rb") as stream:
        records = [
            (r.rec_headers.get_header("WARC-Date"), r.rec_type, r.content_stream().read(), r.digest_checker.passed)
            for r in ArchiveIterator(stream, check_digests=True)
        ]
    assert [r[2] for r in records] == [body, body, b""]
    assert records[0][:2] == ("2009-09-19T08:00:00Z", "response")
    assert all(r[3] is not False for r in records)


def test_files_are_rotated_and_never_shared(tmp_path):
    archive = Archive(tmp_path, "test", "letters", rotate_bytes=1500)
    other = Archive(tmp_path, "test", "letters")
    places = [archive.write("http://a.example/1", response(bytes([i]) * 10)) for i in range(10)]
    places.append(other.write("http://a.example/1", response(b"other")))
    archive.close()
    other.close()
    assert len({place.file for place in places}) > 2
    assert [read(tmp_path, p.file, p.offset).body for p in places] == [bytes([i]) * 10 for i in range(10)] + [b"other"]


def test_a_run_without_responses_leaves_no_file(tmp_path):
    Archive(tmp_path / "archive", "test", "letters").close()
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_holds_no_response_is_named(tmp_path):
    archive = Archive(tmp_path, "test", "letters")
    place = archive.write("http://a.example/1", response(b"words"))
    archive.close()
    with pytest.raises(ArchiveError, match="at 3"):
        read(tmp_path, place.file, 3)
    with pytest.raises(ArchiveError, match="moved"):
        read(tmp_path, "gone.warc.gz", 0)
