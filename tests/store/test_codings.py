from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from pipeline.store.codings import KeptCodings, count_waiting, keep_codings, match_waiting
from pipeline.store.session import open_session
from pipeline.store.tables import Coding, Document

NOW = datetime(2024, 1, 1, tzinfo=UTC)


@pytest.fixture
def session(store_settings):
    with open_session(store_settings) as opened:
        yield opened


def _document(session, address, source="s", monitor="m"):
    document = Document(
        monitor=monitor, source=source, speaker="own", address=address, text="t", text_digest="d", collected_at=NOW,
        updated_at=NOW, extractor="test",
    )  # fmt: skip
    session.add(document)
    session.flush()
    return document.id


def _row(address="http://x/1", **changes):
    return {
        "address": address,
        "variable": "framing",
        "value": "both",
        "codebook_version": 1,
        "coder": "c1",
        "coded_at": NOW,
        "draw": "random",
        "probability": 0.5,
        "drawn_at": NOW,
        "note": None,
        **changes,
    }


def _codings(session):
    return list(session.scalars(select(Coding).order_by(Coding.id)))


def test_new_known_and_corrected(session):
    rows = [_row(), _row(coder="c2"), _row(draw="active", probability=None)]
    assert keep_codings(session, "m", rows) == KeptCodings(3, 0, 0)
    assert keep_codings(session, "m", [rows[0], _row(coder="c2", value="neither")]) == KeptCodings(0, 1, 1)
    assert [c.value for c in _codings(session)] == ["both", "neither", "both"]
    assert keep_codings(session, "m", []) == KeptCodings(0, 0, 0)
    assert keep_codings(session, "other", rows) == KeptCodings(3, 0, 0)


def test_codings_wait_for_their_document(session):
    elsewhere = _document(session, "http://x/1", monitor="other")
    keep_codings(session, "m", [_row(), _row("http://x/2")])
    assert count_waiting(session, "m") == 2
    assert match_waiting(session, "m") == 0
    first = _document(session, "http://x/1")
    _document(session, "http://x/1", source="s2")
    assert match_waiting(session, "m") == 1
    assert match_waiting(session, "m") == 0
    session.expire_all()
    assert [c.document_id for c in _codings(session)] == [first, None]
    assert count_waiting(session, "m") == 1
    assert first != elsewhere


def test_a_document_that_is_there_is_matched_at_once(session):
    document = _document(session, "http://x/1")
    keep_codings(session, "m", [_row()])
    assert [c.document_id for c in _codings(session)] == [document]
