from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.measure.balance import balance, borrow
from pipeline.measure.cells import Coded, Grid, audit_balances, cell_moments, codings_by_cluster, model_balance
from pipeline.measure.draws import WHOLE_CELL
from pipeline.monitor.periods import period_of, periods_covering
from pipeline.store.cells import RandomCoding, Texts

BALANCES = {"nationalist": 1.0, "universalist": -1.0, "both": 0.0, "neither": 0.0}
QUARTER = period_of("quarter", date(2024, 1, 1))


def _coding(cluster, value, coder="one", at=1, drawn_at=WHOLE_CELL, probability=0.5):
    return RandomCoding(cluster, value, coder, datetime(2024, 6, at, tzinfo=UTC), drawn_at, probability)


def _texts(rows):
    """Texts from (cluster, group, day, f, counts, collected) rows."""
    rows = sorted(rows, key=lambda r: (r[1], r[2]))
    f = np.array([np.nan if r[3] is None else r[3] for r in rows], dtype=float)
    return Texts(
        document=np.arange(1, len(rows) + 1),
        cluster=np.array([r[0] for r in rows], dtype=np.int64),
        group=np.array([r[1] for r in rows], dtype=str),
        source=np.array([f"{r[1]}-site" for r in rows], dtype=str),
        day=np.array([r[2] for r in rows], dtype="datetime64[D]"),
        collected=np.array([r[5] for r in rows], dtype="datetime64[us]"),
        counts=np.array([r[4] for r in rows], dtype=bool),
        p_nationalist=(1 + f) / 2,
        p_universalist=(1 - f) / 2,
        undated=0,
    )


def test_coders_of_a_text_count_alike_and_each_once():
    made, problems = codings_by_cluster(
        [
            _coding(1, "universalist", "one", at=1),
            _coding(1, "nationalist", "one", at=3),
            _coding(1, "neither", "two", at=2),
            _coding(2, "both"),
        ],
        BALANCES,
    )
    assert made == {1: Coded(0.5, {WHOLE_CELL: 0.5}), 2: Coded(0.0, {WHOLE_CELL: 0.5})}
    assert problems == []


def test_codings_that_can_not_be_used_are_said():
    made, problems = codings_by_cluster(
        [_coding(1, "patriotic"), _coding(2, "both", probability=None), _coding(3, "both", probability=0.0)], BALANCES
    )
    assert made == {}
    assert len(problems) == 2
    assert "'patriotic'" in problems[0]
    assert problems[1].startswith("2 random codings have no probability")


def test_a_cell_counts_a_text_once_and_its_reposts_as_texts():
    day, now = "2024-01-10", "2024-02-01"
    grid = Grid(
        _texts(
            [
                (1, "a", day, 0.5, True, now),
                (1, "a", "2024-01-11", 0.5, False, now),
                (2, "a", "2024-04-01", 0.1, True, now),
                (3, "a", "2024-03-31", None, True, now),
                (1, "b", "2024-01-12", 0.5, False, now),
            ]
        ),
        {1: Coded(1.0, {WHOLE_CELL: 0.5}), 9: Coded(1.0, {WHOLE_CELL: 0.5})},
    )
    cell = grid.cell("a", QUARTER)
    assert (cell.texts, cell.clusters, cell.unframed, cell.sources, cell.coded) == (3, 2, 1, 1, 1)
    assert cell.f.tolist() == [0.5]
    assert cell.y.tolist() == [1.0]
    repost = grid.cell("b", QUARTER)
    assert (repost.texts, repost.clusters) == (1, 0)
    assert grid.cell("nobody", QUARTER).texts == 0
    assert grid.outside() == 1
    assert grid.first_day() == date(2024, 1, 10)
    assert grid.last_days("a") == {"a-site": date(2024, 4, 1)}


def test_an_empty_grid():
    grid = Grid(_texts([]), {})
    assert grid.first_day() is None
    assert grid.cell("a", QUARTER).clusters == 0


def test_a_cluster_is_there_to_be_drawn_from_its_first_copy_on():
    drawn = datetime(2024, 2, 1, tzinfo=UTC)
    rows = [
        (1, "a", "2024-01-01", 0.0, True, "2024-03-01"),
        (1, "b", "2024-01-02", 0.0, False, "2024-01-15"),
        (2, "a", "2024-01-03", 0.0, True, "2024-03-01"),
        (3, "a", "2024-01-04", 0.0, True, "2024-01-15"),
    ]
    cell = Grid(_texts(rows), {3: Coded(1.0, {drawn: 0.4})}).cell("a", QUARTER)
    assert cell.late.tolist() == [False, True, False]
    assert cell.pi == pytest.approx([np.nan, np.nan, 0.4], nan_ok=True)


def _coded_grid(level_b=0.3):
    random = np.random.default_rng(3)
    rows, coded = [], {}
    for group, level in (("a", 0.0), ("b", level_b)):
        for i in range(30):
            number = i + (100 if group == "b" else 0)
            f = float(np.clip(level + random.normal(0, 0.4), -1, 1))
            rows.append((number, group, f"2024-0{1 + i % 3}-10", f, True, "2024-04-01"))
            if i < 12:
                coded[number] = Coded(float(np.clip(round(f + random.normal(0, 0.5)), -1, 1)), {WHOLE_CELL: 0.4})
    return Grid(_texts(rows), coded)


def test_each_audit_cell_borrows_from_all_others_and_never_from_itself():
    grid = _coded_grid()
    cells = [grid.cell(g, QUARTER) for g in ("a", "b")]
    made = audit_balances(cells)
    a, b = cells
    assert made["a", QUARTER] == balance(a.f, a.y, borrow([cell_moments(b)]), pi=a.pi, late=a.late)
    assert made["a", QUARTER].interval.freedom == 11 + 10


def test_other_periods_are_the_models_alone():
    month = _coded_grid().cell("a", period_of("month", date(2024, 1, 1)))
    made = model_balance(month)
    assert made.value == pytest.approx(month.f.mean())
    assert made.interval is None
    assert model_balance(Grid(_texts([]), {}).cell("a", QUARTER)) is None


@given(
    rows=st.lists(
        st.tuples(st.integers(0, 120), st.integers(0, 3), st.booleans(), st.one_of(st.none(), st.floats(-1, 1))),
        max_size=60,
    ),
    coded=st.sets(st.integers(0, 60)),
)
def test_the_cells_of_many_periods_hold_what_lies_in_each(rows, coded):
    start = np.datetime64("2024-01-01")
    texts = _texts([(i, "b", str(start + day), f, counts, "2024-06-01") for i, (day, _, counts, f) in enumerate(rows)])
    texts = replace(texts, source=np.array([f"s{rows[i][1]}" for i in texts.cluster.tolist()], dtype=str))
    grid = Grid(texts, {i: Coded(0.5, {WHOLE_CELL: 0.5}, (i + 1000,)) for i in coded})
    spans = [*periods_covering("week", date(2023, 12, 1), date(2024, 5, 31)), QUARTER]
    for span, cell in zip(spans, grid.cells("b", spans), strict=True):
        inside = [i for i, day in enumerate(texts.day.astype(object)) if span.start <= day < span.end]
        counted = [i for i in inside if texts.counts[i]]
        framed = [i for i in counted if not np.isnan(texts.p_nationalist[i])]
        assert (cell.group, cell.span, cell.texts, cell.clusters) == ("b", span, len(inside), len(counted))
        assert cell.sources == len({texts.source[i] for i in inside})
        assert cell.coded == sum(int(texts.cluster[i]) in coded for i in counted)
        assert cell.documents.tolist() == texts.document[counted].tolist()
        assert cell.cluster_ids.tolist() == texts.cluster[framed].tolist()
        assert cell.p_nationalist.tolist() == texts.p_nationalist[framed].tolist()
        assert cell.codings == tuple(int(texts.cluster[i]) + 1000 for i in counted if int(texts.cluster[i]) in coded)
        of_coded = np.array([int(texts.cluster[i]) in coded for i in framed], dtype=bool)
        assert (~np.isnan(cell.y)).tolist() == (~np.isnan(cell.pi)).tolist() == of_coded.tolist()
        assert not cell.late.any()
