from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from pipeline.store.bulk import insert_many, upsert_many
from pipeline.store.session import open_session
from pipeline.store.tables import GapCell, MeasuredCell, Published

KEYS = ("monitor", "a", "b", "period", "start")
THEN = datetime(2024, 1, 1, 12, 30, 1, 234567, tzinfo=UTC)


def gap_row(number, value, flags=()):
    start = date.fromordinal(date(2020, 1, 1).toordinal() + number)
    return {
        "monitor": "m", "a": "a", "b": "b\t\\N\n", "period": "week", "start": start, "end": start, "gap": value,
        "missing": None, "state": "steady", "flags": list(flags), "measured_at": THEN,
    }  # fmt: skip


def test_what_is_written_is_read_again_to_the_last_bit(store_settings):
    words = ['a tab\t, a line\n, a backslash \\ and \\N, "quotes"', "{[صوت]}", "\\."]
    with open_session(store_settings) as session:
        rows = [gap_row(0, 1 / 3, words), gap_row(1, -1e-300), gap_row(2, None)]
        upsert_many(session, GapCell, rows, KEYS)
        session.commit()
        found = session.scalars(select(GapCell).order_by(GapCell.start)).all()
        assert [{name: getattr(one, name) for name in rows[0]} for one in found] == rows
        assert len({one.id for one in found}) == 3


def test_known_rows_are_changed_and_keep_their_id(store_settings):
    with open_session(store_settings) as session:
        upsert_many(session, GapCell, [gap_row(i, 0.5) for i in range(3)], KEYS)
        before = {row.start: row.id for row in session.scalars(select(GapCell))}
        upsert_many(session, GapCell, [gap_row(i, 0.25, ["changed"]) for i in (1, 3)], KEYS)
        # and once more in the same transaction
        upsert_many(session, GapCell, [gap_row(2, 0.75)], KEYS)
        session.expire_all()
        found = session.scalars(select(GapCell).order_by(GapCell.start)).all()
        assert [one.gap for one in found] == [0.5, 0.25, 0.75, 0.25]
        assert [one.flags for one in found] == [[], ["changed"], [], ["changed"]]
        assert {one.start: one.id for one in found[:3]} == before
        session.rollback()
        assert session.scalars(select(GapCell)).all() == []


def test_bytes_and_ids_given_by_the_database(store_settings):
    packed = bytes(range(256))
    with open_session(store_settings) as session:
        cell = {
            "monitor": "m", "group_id": "a", "period": "week", "start": date(2024, 1, 1), "digest": "0", "texts": 1,
            "sources": 1, "clusters": 1, "codings": 0, "codings_framed": 0, "framed": 1, "model_balance": 0.1,
            "model_variance": None, "companions": {"cc": None, "reasons": {"pacc": "why"}}, "arrays": None,
            "asked": packed, "documents": b"", "coding_ids": packed,
        }  # fmt: skip
        upsert_many(session, MeasuredCell, [cell], ("monitor", "group_id", "period", "start"))
        made = session.scalars(select(MeasuredCell)).one()
        assert {name: getattr(made, name) for name in cell} == cell
        figure = {
            "monitor": "m", "kind": "trend", "subject": "a", "period": "week", "start": date(2024, 1, 1),
            "end": date(2024, 1, 8), "as_of": THEN, "figures": {"balance": 0.1}, "digest": "0", "documents": packed,
            "codings": b"", "model": None, "codebook_version": 1, "code_version": "1", "basis_erased": 0,
        }  # fmt: skip
        insert_many(session, Published, [figure, figure])
        insert_many(session, Published, [figure])
        ids = session.scalars(select(Published.id).order_by(Published.id)).all()
        assert len(set(ids)) == 3
        assert session.get(Published, ids[2]).documents == packed


def test_no_rows_no_question(store_settings):
    with open_session(store_settings) as session:
        upsert_many(session, GapCell, [], KEYS)
        insert_many(session, Published, [])
        assert session.scalars(select(GapCell)).all() == []


def test_a_row_that_lacks_a_column_is_refused(store_settings):
    with open_session(store_settings) as session, pytest.raises(Exception, match="gap"):
        upsert_many(session, GapCell, [gap_row(0, 0.1), {k: v for k, v in gap_row(1, 0.1).items() if k != "gap"}], KEYS)
