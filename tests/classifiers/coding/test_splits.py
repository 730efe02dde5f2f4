from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.codebook import load_codebook
from classifiers.coding.coding_table import CodingRow
from classifiers.coding.splits import connected, grouped_folds, split, time_folds, units

HEADS = load_codebook().two_heads
VALUES = ["nationalist", "universalist", "both", "neither"]


def rows_of(n, **columns):
    """n rows of different texts; a column is a function of the row's number."""
    return [
        CodingRow(f"text number {i}", VALUES[i % 4], **{name: make(i) for name, make in columns.items()})
        for i in range(n)
    ]


def test_what_hangs_together_by_a_chain_is_one_unit():
    assert connected([["a", "a", None, "b"], [None, "x", "x", None]], 4).tolist() == [0, 0, 0, 1]
    # the same key in another column is another key
    assert len(set(connected([["a", None], [None, "a"]], 2))) == 2


def test_texts_that_differ_in_spelling_only_stay_together():
    rows = [CodingRow("Our land", "both"), CodingRow("OUR  land", "both"), CodingRow("your land", "both")]
    assert units(rows).tolist() == [0, 0, 1]


def test_clusters_tie_sources_together():
    rows = [
        CodingRow("a", "both", source="s1", cluster="c"),
        CodingRow("b", "both", source="s2", cluster="c"),
        CodingRow("d", "both", source="s2"),
        CodingRow("e", "both", source="s3"),
        CodingRow("f", "both"),
        CodingRow("g", "both"),
    ]
    assert units(rows, "source").tolist() == [0, 0, 0, 1, 2, 3]


def test_starter_codings_stay_with_their_source_whatever_the_split():
    rows = [CodingRow(str(i), "both", source="s", draw="starter") for i in range(2)]
    assert len(set(units(rows, "cluster"))) == len(set(units(rows, "group"))) == 1


keys = st.one_of(st.just(""), st.sampled_from("abcdef"))


@given(st.lists(st.tuples(keys, keys, keys), min_size=2, max_size=40), st.sampled_from(["source", "group"]))
def test_no_cluster_source_or_group_is_on_both_sides(cells, by):
    rows = [
        CodingRow(f"text {i}", VALUES[i % 4], cluster=cluster, source=source, group=group)
        for i, (cluster, source, group) in enumerate(cells)
    ]
    unit = units(rows, by)
    if len(set(unit)) < 2:
        with pytest.raises(ValueError, match="hang together in one unit"):
            grouped_folds([row.value for row in rows], unit)
        return
    folds = grouped_folds([row.value for row in rows], unit, 3)
    assert sorted(i for _, test in folds for i in test) == list(range(len(rows)))
    for train, test in folds:
        for column in ("cluster", by):
            seen = {getattr(rows[i], column) for i in train} - {""}
            assert not seen & {getattr(rows[i], column) for i in test}


@given(st.lists(st.tuples(st.one_of(st.none(), st.integers(1, 12)), keys), min_size=2, max_size=40))
def test_time_never_tests_before_it_has_trained(cells):
    rows = [
        CodingRow(f"text {i}", VALUES[i % 4], date=day and date(2020, day, 1), cluster=cluster)
        for i, (day, cluster) in enumerate(cells)
    ]
    if len({row.date for row in rows} - {None}) < 2:
        with pytest.raises(ValueError, match="codings of two dates or more"):
            time_folds(rows, units(rows))
        return
    folds, notes = time_folds(rows, units(rows), 4)
    for train, test in folds:
        assert max(rows[i].date for i in train) < min(rows[i].date for i in test)
        assert not {rows[i].cluster for i in train} & {rows[i].cluster for i in test} - {""}
    tested = [i for _, test in folds for i in test]
    assert len(tested) == len(set(tested))
    undated = sum(row.date is None for row in rows)
    assert any(f"{undated} codings without a date" in note for note in notes) == bool(undated)


def test_starter_codings_train_in_every_part_of_time():
    rows = [*rows_of(8, date=lambda i: date(2020, i + 1, 1)), CodingRow("s", "both", draw="starter", source="t")]
    folds, notes = time_folds(rows, units(rows), 4)
    assert all(8 in train and 8 not in test for train, test in folds)
    assert notes == []


def test_the_default_is_the_coarsest_that_is_told():
    many = rows_of(40)
    assert split(many, [r.value for r in many], HEADS).by == "cluster"
    grouped = rows_of(40, group=lambda i: f"g{i // 4}")
    assert split(grouped, [r.value for r in grouped], HEADS).by == "group"
    both = rows_of(40, group=lambda i: "g", source=lambda i: f"s{i // 4}")
    made = split(both, [r.value for r in both], HEADS)
    assert (made.by, made.notes, len(made.folds)) == ("source", [], 5)


def test_a_split_that_can_t_be_made_falls_back_and_says_so():
    one_group = rows_of(40, group=lambda i: "g")
    made = split(one_group, [r.value for r in one_group], HEADS, "group")
    assert made.by == "cluster"
    assert "no split by group is possible" in made.notes[0]
    assert "no coding tells its source" in made.notes[1]
    # two groups, each on one side: a split by group would leave nothing to learn
    sided = [replace(row, group=row.value) for row in rows_of(40) if row.value in VALUES[:2]]
    assert split(sided, [r.value for r in sided], HEADS, "group").by == "cluster"


def test_what_can_t_be_split_at_all_is_refused_in_words():
    same = [CodingRow("text", value) for value in VALUES * 3]
    with pytest.raises(ValueError, match="can't be split so that both sides"):
        split(same, [r.value for r in same], HEADS)
    undated = rows_of(20)
    with pytest.raises(ValueError, match="codings of two dates or more"):
        split(undated, [r.value for r in undated], HEADS, "time")
    # all of one side first
    second = {"universalist", "both"}
    late = [replace(row, date=date(2020 + (row.value in second), 1, 1)) for row in rows_of(8)]
    with pytest.raises(ValueError, match="no earlier part has codings on both sides"):
        split(late, [r.value for r in late], HEADS, "time", folds=2)


def test_a_value_with_three_members_is_spread_over_fewer_folds():
    rows = [CodingRow(f"t{i}", "both" if i < 3 else "neither") for i in range(40)]
    made = split(rows, [r.value for r in rows], HEADS)
    assert all(sum(rows[i].value == "both" for i in train) >= 2 for train, _ in made.folds)
    assert all(len(train) + len(test) == 40 for train, test in made.folds)
    assert np.array_equal(np.sort(np.concatenate([test for _, test in made.folds])), np.arange(40))
