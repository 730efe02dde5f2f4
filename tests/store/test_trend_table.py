"""Views of the trend and gap tables: every filter and order, on both databases, against the same done in Python."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.monitor import PERIODS
from pipeline.store.session import open_session
from pipeline.store.tables import GapCell, TrendCell
from pipeline.store.trend_table import COLUMNS, KEYS, View, count_rows, rows_of
from tests.review.filled import fill

ORDERED = ["maple", "heron"]  # as if the names stood so
ALL = list(COLUMNS["groups"])


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(request, tmp_path_factory):
    from uuid import uuid4

    from pipeline.settings import Settings
    from pipeline.store.session import engine_for

    folder = tmp_path_factory.mktemp("trends")
    address = ""
    if request.param == "postgresql":
        address = request.getfixturevalue("postgres_server").new_database(f"test_{uuid4().hex}")
    made = Settings(data=folder / "data", database_url=address, monitors=folder / "monitors")
    fill(made)
    with open_session(made) as session:
        yield session
    engine_for(made.database).dispose()


def rows(session, view, columns=("group_id", "period", "start", "balance"), limit=1_000, offset=0):
    return [tuple(r) for r in rows_of(session, "harbour", view, columns, limit=limit, offset=offset, groups=ORDERED)]


def test_without_an_order_the_newest_stand_first(store):
    found = rows(store, View())
    assert len(found) == count_rows(store, "harbour", View()) == 274
    assert found == sorted(found, key=lambda r: (-r[2].toordinal(), r[1], r[0]))
    assert rows(store, View(), limit=5, offset=3) == found[3:8]
    assert rows_of(store, "nobody", View(), ALL, limit=5) == []


def test_each_filter_keeps_what_it_says(store):
    everything = rows(store, View(), ALL)

    def kept(check):
        return [r for r in everything if check(dict(zip(ALL, r, strict=True)))]

    for view, check in (
        (View(group="maple"), lambda r: r["group_id"] == "maple"),
        (View(among=frozenset({"heron"})), lambda r: r["group_id"] == "heron"),
        (View(among=frozenset()), lambda r: False),
        (View(period="month"), lambda r: r["period"] == "month"),
        (View(estimator="corrected"), lambda r: r["estimator"] == "corrected"),
        (View(estimator="none"), lambda r: r["estimator"] is None),
        (View(flagged=True), lambda r: r["flags"]),
        (View(first=date(2025, 3, 1)), lambda r: r["start"] >= date(2025, 3, 1)),
        (View(last=date(2025, 3, 1)), lambda r: r["start"] <= date(2025, 3, 1)),
        (
            View(group="heron", period="week", estimator="uncorrected", first=date(2025, 1, 1)),
            lambda r: r["group_id"] == "heron" and r["period"] == "week" and r["start"] >= date(2025, 1, 1),
        ),
    ):
        assert rows(store, view, ALL) == kept(check), view
        assert count_rows(store, "harbour", view) == len(kept(check)), view


def test_a_dyad_is_found_by_either_of_its_groups(store):
    for group in ("heron", "maple"):
        assert count_rows(store, "harbour", View("dyads", group=group, period="quarter")) == 8
    assert count_rows(store, "harbour", View("dyads", among=frozenset({"maple"}))) == 137
    assert count_rows(store, "harbour", View("dyads", group="nobody")) == 0


def _key(name, value):
    if name in {"group_id", "a", "b"}:
        return ORDERED.index(value)
    if name == "period":
        return PERIODS.index(value)
    if value is None:
        return None
    if name == "flags":
        return len(value)
    return value.get("cc") if name == "companions" else value


@given(
    table=st.sampled_from(["groups", "dyads"]),
    place=st.integers(0, 30),
    descending=st.booleans(),
    period=st.sampled_from([None, "week", "quarter"]),
)
@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_every_column_sorts_with_what_is_missing_last(store, table, place, descending, period):
    names = list(COLUMNS[table])
    name = names[place % len(names)]
    plain = rows(store, View(table, period=period), names)
    keys = [_key(name, dict(zip(names, row, strict=True))[name]) for row in plain]
    known = sorted((i for i, key in enumerate(keys) if key is not None), key=lambda i: (keys[i], 0), reverse=False)
    if descending:
        # from the other end, but rows that are alike stay as they stood
        known = sorted((i for i, key in enumerate(keys) if key is not None), key=lambda i: -_rank(keys, keys[i]))
    expected = [plain[i] for i in known] + [row for row, key in zip(plain, keys, strict=True) if key is None]
    assert rows(store, View(table, period=period, sort=name, descending=descending), names) == expected


def _rank(keys, key):
    return sorted({one for one in keys if one is not None}).index(key)


def test_the_tables_have_the_columns_that_are_named():
    for table, rows_class in (("groups", TrendCell), ("dyads", GapCell)):
        assert set(KEYS[table]) <= set(COLUMNS[table])
        assert all(name in rows_class.__table__.c for name in COLUMNS[table])
