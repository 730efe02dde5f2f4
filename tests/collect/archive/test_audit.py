import pytest
from sqlalchemy import update

from pipeline.collect.archive import shelf_of
from pipeline.collect.archive.audit import audit
from pipeline.store.session import open_session
from pipeline.store.tables import Capture


def test_what_is_named_what_is_not_and_what_is_missing(store_settings, letters, stored):
    shelf = shelf_of(store_settings)
    with open_session(store_settings) as session:
        archive = letters(store_settings, rotate_bytes=400)
        places = [stored(archive, session, number, index=number != 3) for number in range(8)]
        growing = letters(store_settings)
        stored(growing, session, 99)
        archive.close()
        found = audit(store_settings, shelf, "test")
        assert (found.records, found.captures, found.orphans, found.growing, found.dangling) == (8, 7, 1, 1, [])
        assert found.files == len({place.file for place in places})
        growing.close()
        # a row that names a wrong place, one whose body is another, one whose file is gone
        for number, wrong in (
            (0, {"warc_offset": 7}),
            (1, {"digest": "0" * 64}),
            (2, {"warc_file": "test/gone.warc.gz"}),
        ):
            session.execute(update(Capture).where(Capture.address == f"http://a.example/{number}").values(**wrong))
        session.commit()
        found = audit(store_settings, shelf, "test")
        assert sorted(line.split(": ")[0] for line in found.dangling) == [f"http://a.example/{i}" for i in range(3)]
        assert any("no record begins there" in line for line in found.dangling)
        assert any("is not the response" in line for line in found.dangling)
        assert any("was the file moved?" in line for line in found.dangling)
        assert "3 of them without their response" in found.lines()[1]


def test_damage_in_the_middle_hides_nothing_behind_it(settings, letters, stored):
    shelf = shelf_of(settings)
    with open_session(settings) as session:
        archive = letters(settings)
        places = [stored(archive, session, number) for number in range(4)]
        archive.close()
    path = shelf.local(places[0].file)
    content = bytearray(path.read_bytes())
    content[places[1].offset + 20 : places[1].offset + 40] = b"\xff" * 20
    path.write_bytes(content)
    found = audit(settings, shelf, "test")
    assert [line.split(": ")[0] for line in found.dangling] == ["http://a.example/1"]
    assert found.records == 3
    assert found.spoilt_bytes == places[2].offset - places[1].offset


@pytest.mark.parametrize("name", ["test", "other"])
def test_an_empty_archive_is_no_fault(settings, name):
    assert audit(settings, shelf_of(settings), name).lines()[0].startswith("0 files")
