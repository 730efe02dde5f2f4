import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.store.cells import Texts, own_texts, texts_by_group
from pipeline.store.marks import day_marks, days_of, marks_of
from pipeline.store.session import open_session
from pipeline.store.tables import Cluster
from tests.store.test_cells import T, _document, _framing, _model


def _texts(ids, clusters, counts, p, q):
    number = len(ids)
    return Texts(
        document=np.array(ids, dtype=np.int64),
        cluster=np.array(clusters, dtype=np.int64),
        group=np.full(number, "a"),
        source=np.full(number, "s"),
        day=np.full(number, "2024-01-01", dtype="datetime64[D]"),
        collected=np.full(number, "2024-01-01", dtype="datetime64[us]"),
        counts=np.array(counts, dtype=bool),
        p_nationalist=np.array(p, dtype=float),
        p_universalist=np.array(q, dtype=float),
        undated=0,
    )


def test_the_database_and_we_reckon_the_same_marks(store_settings):
    probabilities = [0.0, 1.0, 0.1, 1 / 3, 5e-324, 1e-17, 0.7000000000000001, 1 - 2**-53]
    with open_session(store_settings) as session:
        _model(session, 1)
        session.add(Cluster(id=1, monitor="m", first_document_id=2))
        session.flush()
        for number, p in enumerate(probabilities, 1):
            moment = T.replace(day=1 + number % 3, hour=23, minute=59, second=59, microsecond=999_999)
            _document(
                session, number, cluster_id=1 if number < 3 else None, published_at=moment, group_id="ab"[number % 2]
            )
            _framing(session, number, 1, p_first=p, p_second=1 - p)
        _document(session, 2**31 + 5)
        _document(session, 21)
        _framing(session, 21, 1, p_first=None, p_second=None, label=None)
        _document(session, 22)
        _framing(session, 22, 1, text_digest="older")
        _document(session, 23, published_at=None)
        _document(session, 24, speaker="observer")
        session.commit()
        there = day_marks(session, "m", 1)
        here = {str(texts.group[0]): days_of(texts) for texts in texts_by_group(session, "m", 1)}
        assert there.groups.keys() == here.keys() == {"a", "b"}
        for group, days in here.items():
            for name in ("day", "texts", "mark"):
                assert getattr(there.groups[group], name).tolist() == getattr(days, name).tolist()
        assert (there.texts, there.unframed, there.wordless) == (11, 3, 1)
        assert len(own_texts(session, "m", 1)) == 11


def test_no_texts_have_no_marks(store_settings):
    with open_session(store_settings) as session:
        found = day_marks(session, "m", None)
        assert (found.groups, found.texts, found.unframed) == ({}, 0, 0)
        assert list(texts_by_group(session, "m", None)) == []


probability = st.one_of(st.floats(0, 1), st.just(float("nan")))


@given(st.lists(st.tuples(st.booleans(), probability, probability), min_size=2, max_size=6, unique_by=str), st.data())
def test_two_texts_that_change_places_are_noticed(parts, data):
    ids = list(range(1, len(parts) + 1))
    counts, p, q = zip(*parts, strict=True)
    i, j = data.draw(st.lists(st.sampled_from(ids), min_size=2, max_size=2, unique=True))
    swapped = list(parts)
    swapped[i - 1], swapped[j - 1] = swapped[j - 1], swapped[i - 1]
    clusters = [7] * len(ids)
    before = marks_of(_texts(ids, clusters, counts, p, q)).sum()
    after = marks_of(_texts(ids, clusters, *zip(*swapped, strict=True))).sum()
    alike = (
        all(
            x == y or (np.isnan(x) and np.isnan(y)) or np.floor(x * 2**53) == np.floor(y * 2**53)
            for x, y in zip(parts[i - 1][1:], parts[j - 1][1:], strict=True)
        )
        and counts[i - 1] == counts[j - 1]
    )
    assert alike or before != after


@pytest.mark.parametrize(
    "changed",
    [
        ([1, 2, 4], [5, 5, 6], [1, 0, 1], [0.1, 0.2, 0.3]),
        ([1, 2, 3], [5, 6, 6], [1, 0, 1], [0.1, 0.2, 0.3]),
        ([1, 2, 3], [5, 5, 6], [0, 1, 1], [0.1, 0.2, 0.3]),
        ([1, 2, 3], [5, 5, 6], [1, 0, 1], [0.1, 0.2, np.nan]),
        ([1, 2, 3], [5, 5, 6], [1, 0, 1], [0.1, 0.2, np.nextafter(0.3, 1)]),
        ([1, 2, 3], [5, 5, 6], [1, 0, 1], [0.2, 0.1, 0.3]),
    ],
)
def test_id_cluster_place_and_framing_are_in_the_mark(changed):
    whole = ([1, 2, 3], [5, 5, 6], [1, 0, 1], [0.1, 0.2, 0.3])
    q = [0.5, 0.5, 0.5]
    assert marks_of(_texts(*changed, q)).sum() != marks_of(_texts(*whole, q)).sum()


def test_marks_stay_within_31_bits():
    big = 2**62
    made = marks_of(_texts([big, big - 1], [big, 1], [1, 0], [1.0, np.nan], [1.0, 0.0]))
    assert ((made >= 0) & (made < 2**31)).all()
