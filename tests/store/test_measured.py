from datetime import date

import numpy as np
import pytest

from pipeline.store.measured import Known, bases_of, known_cells, pack_arrays, remember, unpack_arrays
from pipeline.store.session import open_session

JANUARY, FEBRUARY = date(2024, 1, 1), date(2024, 2, 1)


def _row(start, **values):
    known = Known("d" * 32, 3, 1, 2, 1, 1, 2, 0.1 + 0.2, None, {"cc": 1 / 3}, b"arrays", b"")
    named = {"group_id": "a", "period": "month", "start": start, "documents": b"12", "coding_ids": b"3"}
    return named | vars(known) | values


def test_arrays_come_back_to_the_last_bit():
    random = np.random.default_rng(1)
    f, y = random.normal(size=50), np.where(random.random(50) < 0.5, np.nan, 1.0)
    made = unpack_arrays(pack_arrays(f, y, f > 0), 3)
    assert [one.tobytes() for one in made] == [one.astype(float).tobytes() for one in (f, y, f > 0)]
    assert [len(one) for one in unpack_arrays(pack_arrays(np.empty(0), np.empty(0)), 2)] == [0, 0]
    with pytest.raises(ValueError, match="changed by hand"):
        unpack_arrays(b"nothing of ours", 2)
    with pytest.raises(ValueError, match="changed by hand"):
        unpack_arrays(pack_arrays(np.ones(3)), 2)


def test_cells_are_remembered_replaced_and_forgotten(store_settings):
    key, other = ("a", "month", JANUARY), ("a", "month", FEBRUARY)
    with open_session(store_settings) as session:
        remember(session, "m", [_row(JANUARY), _row(FEBRUARY, documents=b"4")], [])
        remember(session, "other", [_row(JANUARY, texts=9)], [])
        session.commit()
        known = known_cells(session, "m")
        assert known.keys() == {key, other}
        assert (known[key].model_balance, known[key].companions) == (0.1 + 0.2, {"cc": 1 / 3})
        assert bases_of(session, "m", [key, other, ("b", "month", JANUARY)]) == {
            key: (b"12", b"3"),
            other: (b"4", b"3"),
        }
        remember(session, "m", [_row(JANUARY, texts=4)], [other, ("b", "month", JANUARY)])
        session.commit()
        assert {k: v.texts for k, v in known_cells(session, "m").items()} == {key: 4}
        assert known_cells(session, "other")[key].texts == 9
