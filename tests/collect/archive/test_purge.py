from uuid import uuid4

import pytest
from sqlalchemy import delete

from pipeline.collect.archive import purge as module
from pipeline.collect.archive import shelf_of
from pipeline.collect.archive.audit import audit
from pipeline.collect.archive.purge import purge
from pipeline.collect.archive.shelf import Shelf
from pipeline.settings import Settings
from pipeline.store.session import open_session
from pipeline.store.tables import Capture


class Killed(BaseException):
    """What stands for a kill: nothing catches it."""


def filled(settings, session, letters, stored):
    archive = letters(settings, rotate_bytes=500)
    for number in range(12):
        stored(archive, session, number, index=number % 3 != 0)
    archive.close()


def state(settings):
    found = audit(settings, shelf_of(settings), "test")
    return found.records, found.captures, found.orphans, found.dangling


@pytest.fixture(params=["", "memory"])
def settings_of(request, store_settings):
    if not request.param:
        return store_settings
    return Settings(
        data=store_settings.data,
        database_url=store_settings.database_url,
        archive_address=f"memory://bucket-{uuid4().hex}",
    )


def test_records_that_no_row_names_are_taken_out(settings_of, letters, stored):
    shelf = shelf_of(settings_of)
    with open_session(settings_of) as session:
        filled(settings_of, session, letters, stored)
        assert state(settings_of) == (12, 8, 4, [])
        assert any(b"number 0 " in record for record in bodies(shelf))
        done = purge(session, shelf, "test")
        assert (done.records, done.left, done.waiting) == (4, [], [])
        assert state(settings_of) == (8, 8, 0, [])
        assert not any(b"number 0 " in record for record in bodies(shelf))
        assert purge(session, shelf, "test").rewritten == 0
        session.execute(delete(Capture))
        session.commit()
        assert purge(session, shelf, "test").removed > 0
        assert shelf.names("test") == []


def bodies(shelf):
    from warcio.archiveiterator import ArchiveIterator

    for name in shelf.names("test"):
        with shelf.whole(name) as stream:
            yield from [record.content_stream().read() for record in ArchiveIterator(stream)]


def test_files_of_a_run_at_work_are_left(settings, letters, stored):
    with open_session(settings) as session:
        archive = letters(settings, rotate_bytes=500)
        places = [stored(archive, session, number, index=False) for number in range(6)]
        done = purge(session, shelf_of(settings), "test")
        assert done.left == sorted({place.file for place in places})
        assert (done.records, done.removed) == (0, 0)
        archive.close()
        assert purge(session, shelf_of(settings), "test").removed == len(done.left)


@pytest.mark.parametrize("moment", ["keep_safe", "move_captures", "commit", "remove"])
def test_killed_anywhere_nothing_is_lost(settings_of, letters, stored, monkeypatch, moment):
    shelf = shelf_of(settings_of)
    with open_session(settings_of) as session:
        filled(settings_of, session, letters, stored)

        def kill(*_, **__):
            raise Killed

        with monkeypatch.context() as patch:
            place = {"commit": session, "remove": Shelf}.get(moment, module)
            patch.setattr(place, moment, kill)
            with pytest.raises(Killed):
                purge(session, shelf, "test")
        session.rollback()
        assert (state(settings_of)[1], state(settings_of)[3]) == (8, [])
        purge(session, shelf, "test")
        assert state(settings_of) == (8, 8, 0, [])
    assert list(shelf.folder.rglob("*.part")) == []
