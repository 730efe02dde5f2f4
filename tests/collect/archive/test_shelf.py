import fcntl
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import fsspec
import pytest

from pipeline.collect.archive import Archive, ArchiveError, Shelf, read
from pipeline.settings import PROJECT_ROOT, Settings


@pytest.fixture(params=["memory", "file"])
def away(request, tmp_path):
    return f"memory://bucket-{uuid4().hex}/raw" if request.param == "memory" else f"file://{tmp_path}/away"


def test_closed_files_are_brought_away_and_read_from_there(tmp_path, away, response):
    shelf = Shelf(tmp_path / "here", away)
    archive = Archive(shelf, "test", "letters", rotate_bytes=600)
    places = [archive.write("http://a.example/1", response(bytes([i]) * 300)) for i in range(6)]
    assert shelf.local(places[-1].file).exists()
    assert read(shelf, places[-1].file, places[-1].offset).body == bytes([5]) * 300  # still here, and growing
    archive.close()
    assert list((tmp_path / "here").rglob("*.*")) == []
    assert shelf.names("test") == sorted({place.file for place in places})
    assert [read(shelf, p.file, p.offset).body for p in places] == [bytes([i]) * 300 for i in range(6)]
    shelf.remove(places[0].file)
    with pytest.raises(ArchiveError, match="no response can be read"):
        read(shelf, places[0].file, places[0].offset)


def test_what_could_not_be_brought_away_stays_and_goes_with_the_next_run(tmp_path, response):
    (tmp_path / "away").write_text("a file where a folder should be")
    shelf, said = Shelf(tmp_path / "here", f"file://{tmp_path}/away"), []
    archive = Archive(shelf, "test", "letters", say=said.append)
    place = archive.write("http://a.example/1", response(b"words"))
    archive.close()
    assert len(said) == 1
    assert "could not be brought to file://" in said[0]
    assert read(shelf, place.file, place.offset).body == b"words"
    (tmp_path / "away").unlink()
    Archive(shelf, "test", "letters").recover()
    assert not shelf.local(place.file).exists()
    assert (tmp_path / "away" / place.file).exists()
    assert read(shelf, place.file, place.offset).body == b"words"


def test_a_copy_that_arrives_changed_is_no_copy(tmp_path, response, monkeypatch):
    away = f"memory://bucket-{uuid4().hex}"
    system = fsspec.core.url_to_fs(away)[0]
    put = type(system).put_file

    def damaged(self, mine, theirs, **options):
        put(self, mine, theirs, **options)
        self.pipe_file(theirs, self.cat_file(theirs)[:-1])

    monkeypatch.setattr(type(system), "put_file", damaged)
    shelf, said = Shelf(tmp_path, away), []
    archive = Archive(shelf, "test", "letters", say=said.append)
    place = archive.write("http://a.example/1", response(b"words"))
    archive.close()
    assert "is not what was sent" in said[0]
    assert shelf.local(place.file).exists()


def test_a_file_that_another_process_brings_away_is_left_to_it(tmp_path, response):
    shelf = Shelf(tmp_path / "here", f"file://{tmp_path}/away")
    archive = Archive(tmp_path / "here", "test", "letters")
    place = archive.write("http://a.example/1", response(b"words"))
    archive.close()
    with shelf.local(place.file).open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        shelf.bring(place.file)
        assert shelf.local(place.file).exists()
    shelf.bring(place.file)
    assert not shelf.local(place.file).exists()


def test_a_store_whose_package_is_missing_is_named_and_no_secret_is_shown(tmp_path):
    archive = Archive(Shelf(tmp_path, "s3://key:secret@bucket/raw"), "test", "letters")
    with pytest.raises(ArchiveError, match="s3: s3fs") as caught:
        archive.recover()
    assert "secret" not in str(caught.value)
    with pytest.raises(ArchiveError, match="nonsense"):
        Archive(Shelf(tmp_path, "nonsense://bucket"), "test", "letters").recover()


def test_the_address_comes_from_the_environment(monkeypatch):
    monkeypatch.setenv("RIFTWATCH_ARCHIVE", "s3://bucket/raw")
    assert Settings().archive_address == "s3://bucket/raw"


CHILD = """
import os, signal, sys
from datetime import UTC, datetime
from pathlib import Path
import httpx
from pipeline.collect.archive import Archive, Shelf
from pipeline.collect.fetch import Response

NOW = datetime.now(UTC)
archive = Archive(Shelf(Path(sys.argv[1])), "test", "letters", rotate_bytes=20_000)
for i in range(30):
    body = os.urandom(5_000)
    place = archive.write(f"http://a.example/{i}", Response("", 200, httpx.Headers(), body, body, NOW, 0.1))
    print(place.file, place.offset, flush=True)
archive._file.write(b"\\x1f\\x8b\\x08\\x00torn")  # what a kill in the middle of a write leaves
archive._file.flush()
print("ready", flush=True)
signal.pause()
"""


def start(folder):
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(folder)], cwd=PROJECT_ROOT, stdout=subprocess.PIPE, text=True
    )
    places = []
    for line in child.stdout:
        if line == "ready\n":
            break
        places.append(line.split())
    return child, places


def test_the_torn_end_of_a_killed_run_is_cut_and_a_live_runs_files_are_not_touched(tmp_path):
    killed, places = start(tmp_path)
    alive, others = start(tmp_path)
    try:
        killed.kill()
        killed.wait()
        sizes = {p: p.stat().st_size for p in tmp_path.rglob("*.warc.gz")}
        said = []
        Archive(tmp_path, "test", "letters", say=said.append).recover()
        torn, growing = tmp_path / places[-1][0], tmp_path / others[-1][0]
        assert torn.stat().st_size == sizes[torn] - 8
        assert growing.stat().st_size == sizes[growing]
        assert [str(Path(places[-1][0])) in line and "8 bytes were cut off" in line for line in said] == [True]
        assert Shelf(tmp_path).live(others[0][0])  # rotated, but its index rows may be to come
        assert not Shelf(tmp_path).live(places[0][0])
        assert all(len(read(tmp_path, file, int(offset)).body) == 5_000 for file, offset in places + others)
        said.clear()
        Archive(tmp_path, "test", "letters", say=said.append).recover()
        assert said == []
    finally:
        for child in (killed, alive):
            child.kill()
            child.wait()
            child.stdout.close()
    assert list(tmp_path.rglob("*.open")) != []  # of the second, until the next run
    Archive(tmp_path, "test", "letters").recover()
    assert list(tmp_path.rglob("*.open")) == []
