from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.store.published import Figure, append, mark_erased, newest_digests, pack, unpack
from pipeline.store.session import open_session
from pipeline.store.tables import ErasedDocument, Erasure
from tests.vintages import vintages

NOW = datetime(2009, 9, 19, tzinfo=UTC)
KEY = ("trend", "home", "quarter", date(2009, 7, 1))


@given(st.sets(st.integers(1, 2**62)))
def test_packed_ids_come_back(ids):
    assert unpack(pack(ids)).tolist() == sorted(ids)


def test_packed_ids_are_small():
    random = np.random.default_rng(1)
    ids = np.sort(random.choice(2_000_000, 2_000, replace=False))
    assert len(pack(ids)) < 2 * len(ids)
    assert len(pack([1_234_567])) < 24
    assert len(pack([])) < 10


@pytest.mark.parametrize("wrong", [b"", b"nothing", pack([1, 2])[:-3]])
def test_what_is_no_list_of_ids_is_refused(wrong):
    with pytest.raises(ValueError, match="no packed ids"):
        unpack(wrong)


def figure(digest, documents=(1, 2, 3), key=KEY):
    ids = np.array(documents, dtype=np.int64)
    return Figure(key, date(2009, 10, 1), {"balance": 0.25}, digest, ids, np.array([7]))


def published(session, *figures, as_of=NOW):
    append(session, "m", figures, as_of=as_of, model="0" * 64, codebook_version=1, code_version="0.1.0")
    session.commit()


def test_the_newest_figure_of_every_cell_counts_and_the_older_ones_stay(store_settings):
    other = ("gap", "home--abroad", "quarter", date(2009, 7, 1))
    with open_session(store_settings) as session:
        published(session, figure("one"), figure("other", key=other))
        published(session, figure("two"), as_of=datetime(2009, 9, 20, tzinfo=UTC))
        assert newest_digests(session, "m", ["trend", "gap"]) == {KEY: "two", other: "other"}
        assert newest_digests(session, "another", ["trend", "gap"]) == {}
        assert [row.digest for row in vintages(session, "m", KEY)] == ["two", "one"]
        assert [row.digest for row in vintages(session, "m", KEY, until=NOW)] == ["one"]


def test_erased_texts_are_counted_and_nothing_else_changes(store_settings):
    with open_session(store_settings) as session:
        published(session, figure("one"), figure("far", (8, 9), ("trend", "abroad", "quarter", date(2009, 7, 1))))
        erasure = Erasure(
            monitor="m", erased_at=NOW, scope="source", target="s", reason="asked for", documents=2, captures=0
        )
        session.add(erasure)
        session.flush()
        session.add_all([ErasedDocument(document_id=i, erasure_id=erasure.id) for i in (2, 3, 77)])
        assert mark_erased(session, "m") == 1
        assert mark_erased(session, "m") == 1
        session.commit()
        (row,) = vintages(session, "m", KEY)
        assert (row.basis_erased, row.figures, unpack(row.documents).tolist()) == (2, {"balance": 0.25}, [1, 2, 3])
