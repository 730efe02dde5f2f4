from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from pipeline.store.codings import (
    KeptCodings,
    coded_texts,
    count_waiting,
    keep_codings,
    match_waiting,
    stored_codings,
    unit_at,
)
from pipeline.store.erasures import digest_of
from pipeline.store.session import open_session
from pipeline.store.tables import Cluster, Coding, Document, ErasedAddress, Erasure

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


def test_a_coding_without_a_time_keeps_the_one_it_has(session):
    keep_codings(session, "m", [_row()])
    assert keep_codings(session, "m", [_row(coded_at=None)]) == KeptCodings(0, 0, 1)
    assert _codings(session)[0].coded_at == NOW
    assert keep_codings(session, "m", [_row(coded_at=None, value="neither")]) == KeptCodings(0, 1, 0)
    assert _codings(session)[0].coded_at > NOW


def test_what_was_erased_is_left_out_and_named(session):
    erasure = Erasure(monitor="m", erased_at=NOW, scope="address", target="t", reason="r", documents=0, captures=0)
    session.add(erasure)
    session.flush()
    session.add(ErasedAddress(monitor="m", address_digest=digest_of("http://x/1"), erasure_id=erasure.id))
    session.flush()
    kept = keep_codings(session, "m", [_row(), _row("http://x/2")])
    assert kept == KeptCodings(1, 0, 0, frozenset({"http://x/1"}))
    assert keep_codings(session, "other", [_row()]).new == 1


def test_codings_are_read_by_text_with_what_is_known_of_it(session):
    _document(session, "http://x/2")
    keep_codings(
        session, "m", [_row("http://x/2"), _row("http://x/1"), _row("http://x/1", coder="c2", variable="other")]
    )
    found = list(stored_codings(session, "m", with_texts=True))
    assert [(f.coding.address, f.coding.variable, f.text) for f in found] == [
        ("http://x/1", "framing", None),
        ("http://x/1", "other", None),
        ("http://x/2", "framing", "t"),
    ]
    assert [f.coding.coder for f in stored_codings(session, "m", variable="other")] == ["c2"]
    assert [f.coding.address for f in stored_codings(session, "m", coder="c1")] == ["http://x/1", "http://x/2"]
    assert list(stored_codings(session, "m", since=datetime(2025, 1, 1, tzinfo=UTC))) == []


def test_copies_of_a_text_are_one_unit(session):
    cluster = Cluster(monitor="m")
    session.add(cluster)
    session.flush()
    for address in ("http://x/1", "http://x/2"):
        session.get(Document, _document(session, address)).cluster_id = cluster.id
    session.flush()
    rows = [
        _row("http://x/1"),
        _row("http://x/2", coder="c2"),
        _row("http://x/3"),
        _row("http://x/3", origin="machine", coder="m"),
    ]
    keep_codings(session, "m", rows)
    assert [c.unit for c in coded_texts(session, "m", "framing")] == [f"cluster {cluster.id}"] * 2 + ["http://x/3"]
    assert unit_at(session, "m", "http://x/2") == f"cluster {cluster.id}"
    assert [c.address for c in coded_texts(session, "m", "framing", units={"http://x/3"})] == ["http://x/3"]
