from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from sqlalchemy import select

from pipeline.store.columns import columns_of, empty_columns, nan_for_null
from pipeline.store.session import open_session
from pipeline.store.tables import Document, Framing, Model

KINDS = {"document": "whole", "collected": "time", "p": "real", "source": "name", "group": "name"}
FIRST = datetime(2009, 9, 19, 4, 30, 0, 123456, tzinfo=UTC)
NUMBER = 2_345


def _query(session):
    return (
        select(
            Document.id,
            Document.collected_at,
            nan_for_null(session, Framing.p_first),
            Document.source,
            Document.group_id,
        )
        .outerjoin(Framing, Framing.document_id == Document.id)
        .order_by(Document.id.desc())
    )


@pytest.fixture
def filled(store_settings):
    """A session on a store of texts of three sources; every third is framed, and one was collected before 1970."""
    with open_session(store_settings) as session:
        session.add(
            Model(id=1, variable="framing", name="m", sha256="0", trained_at=FIRST, training_balance=0.0, confusion={})
        )
        for i in range(1, NUMBER + 1):
            session.add(
                Document(
                    id=i,
                    monitor="m",
                    source=("Ünïcode 100%", "صوت", "plain")[i % 3],
                    group_id="a" if i % 2 else "b",
                    speaker="own",
                    address=f"https://example.org/{i}",
                    text="",
                    text_digest="0",
                    collected_at=FIRST + timedelta(seconds=i) if i > 1 else datetime(1969, 12, 31, 23, tzinfo=UTC),
                    updated_at=FIRST,
                    extractor="test",
                )
            )
        session.flush()
        for i in range(3, NUMBER + 1, 3):
            session.add(
                Framing(
                    document_id=i, model_id=1, text_digest="0", featuriser="x", p_first=1 / i if i % 2 else None,
                    scored_at=FIRST,
                )
            )  # fmt: skip
        session.flush()
        yield session


def _whole(parts):
    return {name: np.concatenate([part[name] for part in parts]) for name in KINDS}


def test_every_value_comes_back_to_the_last_bit_in_the_order_of_the_query(filled):
    made = _whole(list(columns_of(filled, _query(filled), KINDS)))
    rows = filled.execute(_query(filled)).all()
    assert made["document"].tolist() == [row[0] for row in rows] == list(range(NUMBER, 0, -1))
    assert [moment.replace(tzinfo=UTC) for moment in made["collected"].astype(object)] == [row[1] for row in rows]
    assert made["collected"].dtype == "datetime64[us]"
    plain = np.array([np.nan if row[2] is None else row[2] for row in rows], dtype=float)
    np.testing.assert_array_equal(made["p"], plain)
    assert np.isfinite(made["p"]).sum() == sum(1 for i in range(3, NUMBER + 1, 3) if i % 2)
    assert made["source"].tolist() == [row[3] for row in rows]
    assert made["group"].tolist() == [row[4] for row in rows]


def test_the_session_can_be_asked_meanwhile(filled):
    numbers = []
    for part in columns_of(filled, _query(filled), KINDS):
        numbers.append(len(part["document"]))
        assert filled.scalar(select(Document.source).where(Document.id == int(part["document"][0]))) is not None
    assert sum(numbers) == NUMBER
    assert len(numbers) > 1, "a large answer comes in parts"


def test_an_answer_without_rows(filled):
    assert list(columns_of(filled, _query(filled).where(Document.id < 0), KINDS)) == []
    assert {name: len(column) for name, column in empty_columns(KINDS).items()} == dict.fromkeys(KINDS, 0)
    made = next(columns_of(filled, _query(filled), KINDS))
    assert [empty_columns(KINDS)[name].dtype.kind for name in KINDS] == [made[name].dtype.kind for name in KINDS]


def test_many_values_in_one_condition(filled):
    query = _query(filled).where(Document.id.in_([3, 5, 7]), Document.source != "100%")
    assert _whole(list(columns_of(filled, query, KINDS)))["document"].tolist() == [7, 5, 3]


@pytest.mark.parametrize("missing", ["source", "number"])
def test_a_null_where_none_may_be_is_no_figure(filled, missing):
    column = Document.title if missing == "source" else Document.capture_id
    kinds = {"document": "whole", "it": "name" if missing == "source" else "whole"}
    with pytest.raises(ValueError, match="it"):
        list(columns_of(filled, select(Document.id, column), kinds))


def test_names_stand_last(filled):
    with pytest.raises(ValueError, match="stand last"):
        columns_of(filled, select(Document.source, Document.id), {"source": "name", "document": "whole"})
