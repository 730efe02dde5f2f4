from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.store.replays import (
    Planned,
    begin_replay,
    cells_of,
    counted_texts,
    first_cell,
    forget_replay,
    keep_stretch,
    pack_coded,
    stretches_of,
    unpack_coded,
)
from pipeline.store.session import open_session
from pipeline.store.tables import Cluster, Document

NOW = datetime(2024, 5, 1, tzinfo=UTC)
JAN, APR, JUL = date(2024, 1, 1), date(2024, 4, 1), date(2024, 7, 1)


def test_only_own_dated_texts_that_stand_for_their_cluster_are_counted(store_settings):
    def text(number, **columns):
        plain = {
            "monitor": "m", "source": "s", "group_id": "a", "speaker": "own", "address": f"http://x.example/{number}",
            "text": "words", "text_digest": f"d{number}", "extractor": "x", "collected_at": NOW, "updated_at": NOW,
            "published_at": datetime(2024, 1, 1, 23, 59, 59, tzinfo=UTC),
        }  # fmt: skip
        return Document(**plain | columns)

    with open_session(store_settings) as session:
        cluster = Cluster(monitor="m")
        session.add(cluster)
        session.flush()
        rows = [
            text(1, cluster_id=cluster.id, group_id="b"),
            text(2),
            text(3, cluster_id=cluster.id, published_at=NOW),
            text(4, speaker="observer"),
            text(5, published_at=None),
            text(6, group_id="c"),
            text(7, monitor="n"),
            text(8, published_at=datetime(2023, 12, 31, 23, 59, tzinfo=UTC)),
        ]
        session.add_all(rows)
        session.flush()
        cluster.first_document_id = rows[0].id
        session.commit()
        found = counted_texts(session, "m", ["a", "b"], JAN)
        assert found.id.tolist() == [rows[0].id, rows[1].id]
        assert found.digest.tolist() == [b"d1", b"d2"]
        assert found.cluster.tolist() == [cluster.id, -rows[1].id]
        assert found.group.tolist() == ["b", "a"]
        assert found.day.astype(object).tolist() == [JAN, JAN]
        nothing = counted_texts(session, "m", ["a"], JUL)
        assert (len(nothing.id), nothing.digest.dtype, nothing.day.dtype) == (0, "S64", "datetime64[D]")


def made(session, start, digest, *, mean=0.25):
    cell = {"group_id": "a", "start": start, "texts": 3, "mean": mean, "variance": None}
    keep_stretch(session, "m", start, {"digest": digest, "model": "x", "made_at": NOW}, [cell])


def test_a_plan_keeps_what_fits_empties_what_changed_and_takes_out_the_rest(store_settings):
    with open_session(store_settings) as session:
        plan = [Planned(JAN, APR, "1"), Planned(APR, JUL, "2")]
        assert begin_replay(session, "m", "week", plan) == {JAN: False, APR: False}
        made(session, JAN, "1")
        session.commit()
        assert begin_replay(session, "m", "week", plan) == {APR: False}  # as after a kill
        made(session, APR, "2")
        session.commit()
        assert begin_replay(session, "m", "week", plan) == {}
        assert begin_replay(session, "m", "week", [plan[0], Planned(APR, JUL, "3")]) == {APR: True}
        session.commit()
        first, second = stretches_of(session, "m")
        assert (first.made_at, second.made_at) == (NOW, None)
        assert (cells_of(session, first), cells_of(session, second)) == ([("a", JAN, 3, 0.25, None)], [])
        assert begin_replay(session, "other", "week", plan) == {JAN: False, APR: False}
        assert begin_replay(session, "m", "month", plan[:1]) == {JAN: True}
        session.commit()
        assert [row.start for row in stretches_of(session, "m")] == [JAN]
        forget_replay(session, "m")
        session.commit()
        assert (len(stretches_of(session, "m")), len(stretches_of(session, "other"))) == (0, 2)


def test_a_run_that_was_overtaken_by_another_plan_writes_nothing(store_settings):
    with open_session(store_settings) as session:
        begin_replay(session, "m", "week", [Planned(JAN, APR, "new")])
        made(session, JAN, "new")
        made(session, JAN, "old", mean=-1.0)
        made(session, JUL, "new", mean=-1.0)
        session.commit()
        (row,) = stretches_of(session, "m")
        assert (row.digest, cells_of(session, row)) == ("new", [("a", JAN, 3, 0.25, None)])
        made(session, JAN, "new", mean=0.5)  # the same once more, as two processes do
        session.commit()
        assert [cell[3] for cell in cells_of(session, row)] == [0.5]
        assert (first_cell(session, "m"), first_cell(session, "n")) == (JAN, None)


@given(st.dictionaries(st.integers(-(2**40), 2**40), st.floats(-1, 1)))
def test_coded_clusters_come_back_to_the_last_bit(balances):
    clusters = np.array(list(balances), dtype=np.int64)
    packed = pack_coded(clusters, np.array(list(balances.values()), dtype=np.float64))
    assert unpack_coded(packed) == balances
    with pytest.raises(ValueError, match="no packed arrays"):
        unpack_coded(packed[: len(packed) // 2])
