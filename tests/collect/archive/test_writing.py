import gzip

import pytest
from warcio.archiveiterator import ArchiveIterator

from pipeline.collect.archive import Archive, ArchiveError, read


def test_a_response_comes_back_byte_for_byte(tmp_path, response):
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


def test_files_are_rotated_and_never_shared(tmp_path, response):
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


def test_a_place_that_holds_no_response_is_named(tmp_path, response):
    archive = Archive(tmp_path, "test", "letters")
    place = archive.write("http://a.example/1", response(b"words"))
    archive.close()
    with pytest.raises(ArchiveError, match="at 3"):
        read(tmp_path, place.file, 3)
    with pytest.raises(ArchiveError, match="moved"):
        read(tmp_path, "gone.warc.gz", 0)


def test_a_full_disk_leaves_the_mark_for_the_next_run(tmp_path, response, monkeypatch):
    archive = Archive(tmp_path, "test", "letters")
    place = archive.write("http://a.example/1", response(b"words"))
    half = (tmp_path / place.file).read_bytes()[:60]
    with (tmp_path / place.file).open("ab") as file:
        file.write(half)

    def full(_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(OSError, match="No space"):
            archive.close()
    archive.close()
    assert len(list(tmp_path.rglob("*.open"))) == 1
    said = []
    Archive(tmp_path, "test", "letters", say=said.append).recover()
    assert "were cut off" in said[0]
    assert read(tmp_path, place.file, place.offset).body == b"words"
