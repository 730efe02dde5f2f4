from datetime import UTC, datetime

import pytest
from alembic import command
from sqlalchemy import select

from pipeline.store import session as store
from pipeline.store.framings import count_documents, count_unframed, keep_framings, texts_of, unframed
from pipeline.store.models import keep_model
from pipeline.store.session import open_session
from pipeline.store.tables import Document, Framing

NOW = datetime(2024, 1, 1, tzinfo=UTC)
EMPTY = ("p_first", "p_second", "label")


@pytest.fixture
def session(store_settings):
    with open_session(store_settings) as opened:
        yield opened


def _document(session, address, monitor="m", digest="d1"):
    document = Document(
        monitor=monitor, source="s", speaker="own", address=address, text=f"text of {address}", text_digest=digest,
        language="en", collected_at=NOW, updated_at=NOW, extractor="test",
    )  # fmt: skip
    session.add(document)
    session.flush()
    return document.id


def _model(session, name):
    return keep_model(
        session, variable="framing", name=name, sha256="0" * 64, trained_at=NOW, training_balance=0.0, confusion={},
        card={},
    ).id  # fmt: skip


def _row(document_id, model_id, digest="d1", featuriser="f1", p=0.5):
    return {
        "document_id": document_id,
        "model_id": model_id,
        "text_digest": digest,
        "featuriser": featuriser,
        "p_first": p,
        "p_second": 0.5,
        "label": "both",
        "scored_at": NOW,
    }


def _waiting(session, model_id, featuriser="f1", after=0, limit=10):
    return unframed(session, "m", model_id=model_id, featuriser=featuriser, after=after, limit=limit)


def test_missing_and_stale_framings_wait(session):
    a, b, c, d = (_document(session, name) for name in "abcd")
    _document(session, "e", monitor="other")
    old, new = _model(session, "old"), _model(session, "new")
    keep_framings(session, [_row(a, new), _row(b, new, digest="d0"), _row(c, new, featuriser="f0"), _row(d, old)])
    assert [(w.id, w.stale) for w in _waiting(session, new)] == [(b, True), (c, True), (d, False)]
    assert [w.id for w in _waiting(session, new, after=b, limit=1)] == [c]
    assert [w.id for w in _waiting(session, old)] == [a, b, c]
    assert count_unframed(session, "m", model_id=new, featuriser="f1") == 3
    assert count_documents(session, "m") == 4
    assert texts_of(session, [b, 10**6]) == {b: ("text of b", "d1")}


def test_framings_outlive_the_migration_that_lets_them_be_empty(store_settings):
    config = store._alembic_config(store_settings.database)
    with open_session(store_settings) as session:
        a, b, model = _document(session, "a"), _document(session, "b"), _model(session, "m")
        keep_framings(session, [_row(a, model, p=0.2), _row(b, model) | dict.fromkeys(EMPTY)])
        session.commit()
    command.downgrade(config, "0001")
    command.upgrade(config, "head")
    with open_session(store_settings) as session:
        assert [(f.document_id, f.p_first) for f in session.scalars(select(Framing))] == [(a, 0.2)]


def test_a_scored_text_without_a_known_word_waits_no_longer(session):
    a, model = _document(session, "a"), _model(session, "m")
    keep_framings(session, [_row(a, model) | dict.fromkeys(EMPTY)])
    assert _waiting(session, model) == []
    assert [w.id for w in _waiting(session, model, featuriser="f2")] == [a]


def test_a_framing_is_written_over_the_same_of_its_model_only(session):
    a = _document(session, "a")
    old, new = _model(session, "old"), _model(session, "new")
    keep_framings(session, [_row(a, old, p=0.1), _row(a, new, p=0.2)])
    keep_framings(session, [_row(a, new, p=0.9, featuriser="f2")])
    session.expire_all()
    assert session.get_one(Framing, (a, old, "")).p_first == 0.1
    assert session.get_one(Framing, (a, new, "")).p_first == 0.9
    assert session.get_one(Framing, (a, new, "")).featuriser == "f2"
    keep_framings(session, [])
