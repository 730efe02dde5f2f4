"""Erasing through the real thing: sites on loopback, the archive, the database's own files."""

import shutil
import signal
import subprocess
import sys
from datetime import UTC, date, datetime
from uuid import uuid4

import numpy as np
import pytest
from sqlalchemy import func, select
from warcio.archiveiterator import ArchiveIterator

from pipeline.collect.archive import Archive, shelf_of
from pipeline.collect.archive.audit import audit
from pipeline.collect.erase import EraseError, erase, look
from pipeline.collect.job import collect
from pipeline.monitor import Monitor
from pipeline.settings import PROJECT_ROOT, Settings
from pipeline.store.published import Figure, append
from pipeline.store.session import engine_for, open_session
from pipeline.store.tables import (
    Capture,
    Cluster,
    Coding,
    Document,
    ErasedAddress,
    ErasedDocument,
    Erasure,
    Framing,
    Frontier,
    MinHashBand,
    Model,
    Place,
    Published,
    Run,
)

NOW = datetime(2009, 9, 19, tzinfo=UTC)
WORDS = "zanzibar pomegranate"
MOVED = "wandering marmalade"


def page(words, day="2009-10-05"):
    """No two of them resemble each other unless they have the same words."""
    text = " ".join(f"The {words} council says of {words} that {words} number {i} come first." for i in range(12))
    date = f'<meta property="article:published_time" content="{day}T08:00:00+00:00">'
    return (
        f'<html lang="en"><head><title>{words}</title>{date}</head><body><article><p>{text}</p></article></body></html>'
    )


@pytest.fixture
def world(site, feed_of):
    """Two sources that share a text; one text moved; a broken page. Returns the monitor."""
    site.add("/one.html", page(WORDS))
    site.add("/two.html", page("rivers and roads"))
    site.add("/moved.html", "", status=302, location="/target.html")
    site.add("/target.html", page(MOVED))
    site.add("/broken.html", b"\x89PNG" + bytes(100), type="image/png")
    links = [f"{site.address}/{name}.html" for name in ("one", "two", "moved", "broken")]
    site.add("/feed", feed_of(site, links), type="application/rss+xml")
    site.add("/copy.html", page(WORDS, "2009-10-09"))
    site.add("/feed2", feed_of(site, [f"{site.address}/copy.html", links[1]]), type="application/rss+xml")
    return Monitor.model_validate(
        {
            "name": "test",
            "title": "Test",
            "groups": [{"id": "home", "name": "Home"}, {"id": "abroad", "name": "Abroad"}],
            "sources": [
                {"id": name, "kind": "feed", "group": group, "speaker": "own", "addresses": [f"{site.address}/{feed}"]}
                for name, group, feed in (("letters", "home", "feed"), ("copies", "abroad", "feed2"))
            ],
            "allowed_addresses": [site.host_port],
        }
    )


def fill(settings, monitor):
    """Collected, framed, coded and published; returns ids of the texts by source and page."""
    for source in ("letters", "copies"):
        collect(settings, monitor, source, all_places=True)
    with open_session(settings) as session:
        texts = session.scalars(select(Document).order_by(Document.id)).all()
        model = Model(variable="framing", name="m", sha256="0" * 64, trained_at=NOW, training_balance=0.0)
        session.add(model)
        session.flush()
        for text in texts:
            framing = {"text_digest": text.text_digest, "featuriser": "f", "label": "both", "scored_at": NOW}
            session.add(Framing(document_id=text.id, model_id=model.id, **framing))
            coding = {
                "variable": "framing",
                "value": "both",
                "codebook_version": 1,
                "coder": text.source,
                "coded_at": NOW,
            }
            drawn = {"draw": "random", "probability": 0.5, "drawn_at": NOW, "note": text.text[:60]}
            session.add(Coding(monitor="test", address=text.address, document_id=text.id, **coding, **drawn))
        session.flush()
        ids = np.array([text.id for text in texts])
        key = ("trend", "home", "quarter", date(2009, 10, 1))
        figure = Figure(key, date(2010, 1, 1), {"balance": 0.5}, "d", ids, np.array([1]))
        append(session, "test", [figure], as_of=NOW, model="0" * 64, codebook_version=1, code_version="0")
        session.commit()
        return {(text.source, text.address.rpartition("/")[2]): text.id for text in texts}


def bytes_everywhere(settings):
    """All that lies in the data folder and at the archive's address, WARC files unpacked."""
    found = [file.read_bytes() for file in settings.data.rglob("*") if file.is_file()]
    shelf = shelf_of(settings)
    for name in shelf.names("test"):
        with shelf.whole(name) as stream:
            for record in ArchiveIterator(stream):
                found.append(str(record.rec_headers).encode() + record.content_stream().read())
    return found


def held(settings, words):
    return any(words.encode() in one for one in bytes_everywhere(settings))


def count(session, table):
    return session.scalar(select(func.count()).select_from(table))


@pytest.fixture(params=["", "memory"])
def everywhere(request, store_settings):
    """On both databases, with the archive here and away."""
    if not request.param:
        return store_settings
    away = f"memory://bucket-{uuid4().hex}"
    return Settings(
        data=store_settings.data, database_url=store_settings.database_url, default_delay=0.0, archive_address=away
    )


def test_a_source_goes_to_the_last_byte(everywhere, site, world):
    ids = fill(everywhere, world)
    copy, shared = ids["copies", "copy.html"], ids["copies", "two.html"]
    with open_session(everywhere) as session:
        assert (
            session.get(Cluster, session.get(Document, copy).cluster_id).first_document_id == ids["letters", "one.html"]
        )
        session.rollback()
        # what a killed run left behind, and its words in a report line
        orphan = Archive(shelf_of(everywhere), "test", "letters")
        from tests.collect.archive.conftest import make_response

        orphan.write("http://a.example/orphan", make_response(f"an orphan of {WORDS}".encode()))
        orphan.close()
        found = look(everywhere, world, "source", "letters")
        assert (found.documents, found.framings, found.codings, found.captures, found.frontier) == (3, 3, 3, 4, 4)
        done = erase(everywhere, world, "source", "letters", reason="asked for")
        assert (done.documents, done.captures, done.published, done.open) == (3, 4, 1, [])
        kept = session.scalars(select(Document.id).order_by(Document.id)).all()
        assert kept == sorted([copy, shared])
        assert session.get(Cluster, session.get(Document, copy).cluster_id).first_document_id == copy
        assert {row.document_id for row in session.scalars(select(Coding))} == {copy, shared}
        # a label of the shared text went over to the copy that is left
        assert sorted(session.scalars(select(Coding.coder).where(Coding.document_id == shared))) == [
            "copies",
            "letters",
        ]
        assert {row.document_id for row in session.scalars(select(MinHashBand))} == {copy, shared}
        for table in (Capture, Frontier):
            assert set(session.scalars(select(table.source))) == {"copies"}
        assert session.scalars(select(Published)).one().basis_erased == 3
        row = session.scalars(select(Erasure)).one()
        assert (row.target, row.documents, row.captures, row.reason) == ("letters", 3, 4, "asked for")
        assert row.finished_at is not None
        assert count(session, ErasedDocument) == 3
        assert count(session, ErasedAddress) == 0
        assert not any("broken.html" in str(run.problems) + run.sentence for run in session.scalars(select(Run)))
        session.rollback()
    assert (found := audit(everywhere, shelf_of(everywhere), "test")).dangling == []
    assert found.orphans == 0
    assert held(everywhere, "copy.html")
    if everywhere.database.startswith("sqlite"):
        engine_for(everywhere.database).dispose()
        assert not held(everywhere, "one.html")
        assert not held(everywhere, MOVED)
        assert not held(everywhere, "an orphan of")


def test_an_address_goes_for_ever_with_what_led_to_it(store_settings, site, world):
    fill(store_settings, world)
    for name in ("one", "target", "copy"):
        done = erase(store_settings, world, "address", f"{site.address}/{name}.html#top", reason="a court")
        assert (done.documents, done.captures, done.open) == (1, 1, [])
    if store_settings.database.startswith("sqlite"):
        engine_for(store_settings.database).dispose()
        assert not held(store_settings, WORDS)
        assert not held(store_settings, "one.html")
        assert not held(store_settings, "target.html")
    with open_session(store_settings) as session:
        assert {row.scope: row.finished_at is not None for row in session.scalars(select(Erasure))} == {"address": True}
        assert all(len(row.target) == 64 for row in session.scalars(select(Erasure)))
        session.rollback()
        asked = len(site.asked("/one.html"))
        # the address that only led there is known, but its text is not collected again: nor by a new start
        session.execute(Frontier.__table__.delete())
        session.execute(Place.__table__.delete())
        session.execute(Capture.__table__.delete().where(Capture.problem.is_not(None)))
        session.commit()
        for source in ("letters", "copies"):
            report = collect(store_settings, world, source, all_places=True)
            assert report.new == 0
        assert len(site.asked("/one.html")) == asked
        moved = session.scalars(select(Frontier).where(Frontier.address.endswith("/moved.html"))).one()
        assert (moved.status, "was erased" in moved.reason) == ("gone", True)
        assert session.scalars(select(Document.address)).all() == [f"{site.address}/two.html"] * 2


def test_a_group_goes_from_all_its_sources(settings, world):
    ids = fill(settings, world)
    assert look(settings, world, "group", "abroad").documents == 2
    erase(settings, world, "group", "abroad", reason="asked for")
    with open_session(settings) as session:
        assert set(session.scalars(select(Document.source))) == {"letters"}
        assert session.scalars(select(Coding.document_id).where(Coding.coder == "copies")).all() == [
            ids["letters", "two.html"]
        ]
        # it is still watched, and so it comes again
        assert collect(settings, world, "copies", all_places=True).new == 2


def test_codings_go_over_to_a_text_of_no_group(store_settings, world):
    letters, copies = world.sources
    observer = letters.model_copy(update={"group": None, "speaker": "observer"})
    observed = world.model_copy(update={"sources": [observer, copies]})
    ids = fill(store_settings, observed)
    erase(store_settings, observed, "group", "abroad", reason="asked for")
    with open_session(store_settings) as session:
        assert session.scalars(select(Coding.document_id).where(Coding.coder == "copies")).all() == [
            ids["letters", "two.html"]
        ]


def test_a_table_goes_with_the_sources_that_its_rows_name(store_settings, tmp_path):
    rows = "".join(f"{WORDS} number {i},2009-09-1{i},outlet {i % 2},{i}\n" for i in range(4))
    (tmp_path / "t.csv").write_text(f"text,day,outlet,id\n{rows}")
    table = {"kind": "table", "group": "home", "speaker": "own", "path": tmp_path / "t.csv"}
    table["columns"] = {"text": "text", "date": "day", "source": "outlet", "id": "id"}
    monitor = Monitor.model_validate(
        {
            "name": "test",
            "title": "Test",
            "groups": [{"id": "home", "name": "Home"}],
            "sources": [{**table, "id": "posts"}, {**table, "id": "posts2"}],
        }
    )
    for source in ("posts", "posts2"):
        assert collect(store_settings, monitor, source).new == 4
    assert look(store_settings, monitor, "source", "posts").documents == 4
    assert erase(store_settings, monitor, "source", "posts", reason="asked for").documents == 4
    with open_session(store_settings) as session:
        assert set(session.scalars(select(Document.source))) == {"posts2/outlet 0", "posts2/outlet 1"}


CHILD = """
import os, signal, sys
from pathlib import Path
from sqlalchemy import Engine, event
from pipeline.collect.erase import erase
from pipeline.monitor import Monitor
from pipeline.settings import Settings

left = int(sys.argv[1])

def step(*_):
    global left
    left -= 1
    if not left:
        os.kill(os.getpid(), signal.SIGKILL)

event.listen(Engine, "commit", step)
for name in ("unlink", "rename"):
    real = getattr(Path, name)
    setattr(Path, name, lambda self, *a, _real=real, **k: (step(), _real(self, *a, **k))[1])
settings = Settings(data=Path(sys.argv[2]), default_delay=0.0)
erase(settings, Monitor.model_validate_json(sys.argv[3]), "address", sys.argv[4], reason="killed")
"""


def killed_at(step, settings, world, address):
    """Whether an erasure in a process of its own was killed at that commit, renaming or removing of a file."""
    told = [str(step), str(settings.data), world.model_dump_json(exclude_defaults=True), address]
    child = subprocess.run(
        [sys.executable, "-c", CHILD, *told], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False
    )
    assert child.returncode in {0, -signal.SIGKILL}, child.stderr
    return child.returncode != 0


@pytest.mark.long
def test_killed_anywhere_it_completes_when_it_is_run_again(settings, tmp_path, site, world):
    fill(settings, world)
    engine_for(settings.database).dispose()
    address, step, killed = f"{site.address}/target.html", 1, True
    states = set()
    while killed:
        copy = Settings(data=tmp_path / f"killed-{step}", default_delay=0.0)
        shutil.copytree(settings.data, copy.data)
        killed = killed_at(step, copy, world, address)
        with open_session(copy) as session:
            states.add((count(session, Document), count(session, Capture), count(session, Erasure)))
            session.rollback()
        done = erase(copy, world, "address", address, reason="again")
        # one that had come to its end is run once more in vain
        assert (done.documents, done.captures, done.open) in ((1, 1, []), (0, 0, []))
        assert (found := audit(copy, shelf_of(copy), "test")).dangling == []
        assert found.orphans == 0
        with open_session(copy) as session:
            assert session.scalars(select(Erasure.finished_at).where(Erasure.finished_at.is_(None))).all() == []
            assert sum(row.documents for row in session.scalars(select(Erasure))) == 1
            assert session.scalars(select(Published)).one().basis_erased == 1
            assert count(session, Document) == 4
            session.rollback()
        engine_for(copy.database).dispose()
        assert not held(copy, "target.html")
        assert not held(copy, MOVED)
        step += 5
    assert step > 12
    assert {before for before, *_ in states} == {5, 4}


def test_a_file_that_a_run_is_writing_leaves_it_unfinished(settings, site, world):
    from tests.collect.archive.conftest import make_response

    fill(settings, world)
    running = Archive(shelf_of(settings), "test", "letters")
    running.write(f"{site.address}/one.html", make_response(f"again {WORDS}".encode()))
    elsewhere = Archive(shelf_of(settings), "test", "copies")
    elsewhere.write(f"{site.address}/two.html", make_response(b"no matter"))
    done = erase(settings, world, "address", f"{site.address}/one.html", reason="a court")
    assert len(done.open) == 1
    assert "test/letters/" in done.open[0]
    with open_session(settings) as session:
        assert session.scalars(select(Erasure.finished_at)).all() == [None]
    running.close()
    elsewhere.close()
    assert erase(settings, world, "address", f"{site.address}/one.html", reason="a court").open == []
    assert not held(settings, f"again {WORDS}")


def test_what_was_never_collected(settings, world):
    with pytest.raises(EraseError, match="the monitor has letters, copies"):
        look(settings, world, "source", "nothing")
    with pytest.raises(EraseError, match="home, abroad"):
        look(settings, world, "group", "nobody")
    with pytest.raises(EraseError, match="no web address"):
        look(settings, world, "address", "not an address")
    # an address may be refused before it is ever seen
    assert look(settings, world, "address", "http://a.example/x").documents == 0
    assert erase(settings, world, "address", "http://a.example/x", reason="r").open == []


def test_the_command_shows_first_and_does_nothing(settings, tmp_path, world, site):
    fill(settings, world)
    file = tmp_path / "m.yaml"
    file.write_text(world.model_dump_json(exclude_defaults=True), encoding="utf-8")
    engine_for(settings.database).dispose()

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "pipeline.cli", "erase", "--monitor", str(file), "--reason", "r", *arguments],
            env={"PATH": "/usr/bin:/bin", "RIFTWATCH_DATA": str(settings.data)},
            capture_output=True,
            text=True,
            check=False,
            cwd=PROJECT_ROOT,
        )

    answer = run("--source", "letters")
    assert answer.returncode == 0, answer.stderr
    assert "source letters: 3 texts, 3 framings, 3 codings, 4 responses" in answer.stdout
    assert "nothing was erased" in answer.stdout
    assert held(settings, "one.html")
    answer = run("--source", "letters", "--yes")
    assert "erased: 3 texts, 4 responses; 1 published figures stay" in answer.stdout, answer.stderr
    assert not held(settings, "one.html")
    assert run("--source", "letters", "--group", "home").returncode == 1
