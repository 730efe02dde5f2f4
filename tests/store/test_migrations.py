"""Migrations on a store that already holds something."""

import re
import sqlite3
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from alembic import command
from sqlalchemy import delete, select, text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from pipeline.settings import Settings
from pipeline.store import session as store
from pipeline.store.session import engine_for, open_session
from pipeline.store.tables import Document, Queue

NOW = datetime(2009, 9, 19, tzinfo=UTC)

FILLED = (
    "INSERT INTO documents (id, monitor, source, speaker, address, text, text_digest, dates, collected_at, updated_at,"
    " extractor) VALUES (7, 'm', 's', 'own', 'http://a/7', 'words', 'd', '[]', '2009-09-19', '2009-09-19', 'x')",
    "INSERT INTO minhash_bands (document_id, band, monitor, value) VALUES (7, 0, 'm', 5)",
    "INSERT INTO codings (id, monitor, address, document_id, variable, value, codebook_version, coder, coded_at, draw,"
    " drawn_at) VALUES (3, 'm', 'http://a/7', 7, 'framing', 'both', 1, 'one', '2009-09-19', 'random', '2009-09-19')",
)


def filled_at(settings, revision):
    settings.data.mkdir(parents=True, exist_ok=True)
    command.upgrade(store._alembic_config(settings.database), revision)
    with engine_for(settings.database).begin() as connection:
        for statement in FILLED:
            connection.execute(text(statement))


def test_a_filled_store_is_brought_to_the_newest_tables_and_back(untouched_settings):
    filled_at(untouched_settings, "0002")
    for _ in range(2):
        command.upgrade(store._alembic_config(untouched_settings.database), "head")
        command.check(store._alembic_config(untouched_settings.database))
        with engine_for(untouched_settings.database).connect() as connection:
            rows = connection.execute(
                text(
                    "SELECT d.id, b.value, c.id FROM documents d JOIN minhash_bands b ON b.document_id = d.id"
                    " JOIN codings c ON c.document_id = d.id"
                )
            ).all()
            assert [tuple(row) for row in rows] == [(7, 5, 3)]
        command.downgrade(store._alembic_config(untouched_settings.database), "0002")


def test_the_search_index_of_an_older_store_is_marked_and_keeps_its_words(postgres_server, tmp_path):
    address = postgres_server.new_database(f"test_{uuid4().hex}")
    settings = Settings(data=tmp_path, database_url=address)
    filled_at(settings, "0020")
    config, engine = store._alembic_config(address), engine_for(address)
    plain = "'river':2 'the':1,3 '¶':4"
    with engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO documents (id, monitor, source, group_id, speaker, address, text, text_digest, dates,"
                " published_at, collected_at, updated_at, extractor) VALUES (8, 'm', 'it''s', 'a', 'own', 'http://a/8',"
                " '', 'd', '[]', '2009-12-31 23:30-02', '2009-09-19', '2009-09-19', 'x')"
            )
        )
        connection.execute(text("INSERT INTO search_words VALUES (8, :v), (7, :v)"), {"v": plain})

    def lexemes():
        with engine.connect() as connection:
            return [row[1] for row in connection.execute(text("SELECT * FROM search_words ORDER BY document_id"))]

    for _ in range(2):
        command.upgrade(config, "head")
        marked = lexemes()
        with engine.connect() as connection, pytest.raises(ProgrammingError, match='column "vector"'):
            connection.execute(text("SELECT vector FROM search_words"))  # as a program of the older version would
        assert marked[0] == f"{plain} '¶source=s'"
        assert marked[1] == f"{plain} '¶group=a' '¶source=it''s' '¶year=2010'"
        with engine.connect() as connection:
            indexes = "SELECT indexname FROM pg_indexes WHERE tablename = 'search_words' ORDER BY indexname"
            assert connection.scalars(text(indexes)).all() == ["ix_search_words", "search_words_pkey"]
        command.downgrade(config, "0020")
        assert lexemes() == [plain, plain]
    engine.dispose()


MANY = 20_001
"""more items than are given their keys at once, twice"""


def test_items_of_older_queues_get_random_keys(untouched_settings):
    filled_at(untouched_settings, "0016")
    config = store._alembic_config(untouched_settings.database)
    with engine_for(untouched_settings.database).begin() as connection:
        connection.execute(
            text(
                "INSERT INTO queues (id, monitor, variable, drawn_at, seed) VALUES (1, 'm', 'framing', '2009-09-19', 1)"
            )
        )
        connection.execute(
            text(
                "INSERT INTO queue_items (id, queue_id, place, document_id, target, draw, coders)"
                " VALUES (:id, 1, :id, 7, :target, 'random', 1)"
            ),
            [{"id": number, "target": str(number)} for number in range(1, MANY + 1)],
        )
        connection.execute(
            text("INSERT INTO assignments (item_id, slot, coder, leased_until) VALUES (5, 1, 'one', '2009-09-19')")
        )
    for _ in range(2):
        command.upgrade(config, "head")
        command.check(config)
        with engine_for(untouched_settings.database).connect() as connection:
            rows = connection.execute(text("SELECT id, place, target, key FROM queue_items ORDER BY id")).all()
            assert connection.execute(text("SELECT item_id FROM assignments")).all() == [(5,)]
        assert [tuple(row[:3]) for row in rows] == [(n, n, str(n)) for n in range(1, MANY + 1)]
        keys = [row.key for row in rows]
        assert all(re.fullmatch("[0-9a-f]{16}", key) for key in keys)
        assert len(set(keys)) == MANY
        assert keys != sorted(keys)
        for key, target in ((f"'{keys[0]}'", "one key twice"), ("NULL", "no key")):
            with (
                engine_for(untouched_settings.database).connect() as connection,
                pytest.raises(IntegrityError, match="key"),
            ):
                connection.execute(
                    text(
                        "INSERT INTO queue_items (queue_id, place, document_id, target, draw, coders, key)"  # noqa: S608
                        f" VALUES (1, 1, 7, '{target}', 'random', 1, {key})"
                    )
                )
        command.downgrade(config, "0016")


def test_older_queues_say_which_strata_they_drew_from(untouched_settings):
    filled_at(untouched_settings, "0019")
    with engine_for(untouched_settings.database).begin() as connection:
        for number in (1, 2):
            connection.execute(
                text(
                    "INSERT INTO queues (id, monitor, variable, drawn_at, seed)"
                    " VALUES (:id, 'm', 'framing', :drawn_at, 1)"
                ),
                {"id": number, "drawn_at": f"2009-09-1{number}"},
            )
        items = [("b/1", "random"), ("a/1", "random"), ("a/1", "random"), (None, "active"), (None, "random")]
        connection.execute(
            text(
                "INSERT INTO queue_items (id, key, queue_id, place, document_id, target, draw, stratum, coders)"
                " VALUES (:id, :name, 1, :id, 7, :name, :draw, :stratum, 1)"
            ),
            [
                {"id": i, "name": str(i), "draw": draw, "stratum": stratum}
                for i, (stratum, draw) in enumerate(items, start=1)
            ],
        )
    command.upgrade(store._alembic_config(untouched_settings.database), "head")
    command.check(store._alembic_config(untouched_settings.database))
    with open_session(untouched_settings) as session:
        kept = {queue.id: queue.strata for queue in session.scalars(select(Queue))}
    assert kept == {1: ["a/1", "b/1"], 2: []}


@pytest.mark.parametrize("untouched_settings", ["sqlite"], indirect=True)
def test_references_are_checked_again_after_a_migration(untouched_settings):
    filled_at(untouched_settings, "0002")
    with open_session(untouched_settings) as session:
        assert session.execute(text("PRAGMA foreign_keys")).scalar() == 1
        assert session.execute(text("PRAGMA foreign_key_check")).all() == []


def document(number):
    return {
        "monitor": "m", "source": "s", "speaker": "own", "address": f"http://a.example/{number}", "text": "words",
        "text_digest": "d", "collected_at": NOW, "updated_at": NOW, "extractor": "x",
    }  # fmt: skip


def test_the_id_of_a_text_that_is_gone_is_never_given_again(store_settings):
    with open_session(store_settings) as session:
        ids = []
        for number in range(3):
            row = Document(**document(number))
            session.add(row)
            session.flush()
            ids.append(row.id)
            session.execute(delete(Document))
            session.expunge_all()
            session.commit()
    assert len(set(ids)) == 3
    assert ids == sorted(ids)


@pytest.mark.parametrize("untouched_settings", ["sqlite"], indirect=True)
def test_a_migration_that_is_broken_off_leaves_nothing(untouched_settings):
    filled_at(untouched_settings, "0002")
    file = untouched_settings.data / "riftwatch.db"
    before = list(sqlite3.connect(file).iterdump())
    # what a full disk does: the last statement of the new revision fails
    config = store._alembic_config(untouched_settings.database)
    with engine_for(untouched_settings.database).begin() as connection:
        connection.execute(text("CREATE TABLE _alembic_tmp_codings (id INTEGER)"))
    with pytest.raises(Exception, match="_alembic_tmp_codings"):
        command.upgrade(config, "head")
    with engine_for(untouched_settings.database).begin() as connection:
        connection.execute(text("DROP TABLE _alembic_tmp_codings"))
    assert list(sqlite3.connect(file).iterdump()) == before
    command.upgrade(config, "head")
