import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.coding.coding_table import CodingRow
from classifiers.coding.examples import sort_codings

VALUES = ["nationalist", "universalist", "both", "neither"]


def test_the_codings_of_one_text_share_its_weight():
    found = sort_codings(
        [
            CodingRow("a", "both", coder="1"),
            CodingRow("A ", "neither", coder="2"),
            CodingRow("b", "both", weight=3),
            CodingRow("c", "both", cluster="x"),
            CodingRow("d", "both", cluster="x"),
        ]
    )
    assert found.training.weights.tolist() == [0.5, 0.5, 3, 0.5, 0.5]
    assert found.contradictions == {"texts": 1, "settled": 0}
    assert found.training.units.tolist()[0] == found.training.units.tolist()[1]


def test_a_coding_that_settles_counts_alone():
    rows = [CodingRow("a", "both"), CodingRow("a", "neither"), CodingRow("a", "neither", settles=True)]
    found = sort_codings(rows)
    assert found.training.values == ["neither"]
    assert found.training.weights.tolist() == [1]
    assert found.contradictions == {"texts": 1, "settled": 1}
    assert found.left_out == {"of a text that another coding settles": 2}


def test_the_same_text_towards_two_groups_is_no_contradiction():
    found = sort_codings([CodingRow("a", "hostile", target="n"), CodingRow("a", "neutral", target="s")])
    assert found.contradictions["texts"] == 0
    assert found.training.weights.tolist() == [1, 1]
    assert len(set(found.training.units)) == 1  # yet never on both sides of a split


def test_machines_and_empty_texts_count_nowhere():
    found = sort_codings([CodingRow("a", "both", origin="machine"), CodingRow(" \n", "both"), CodingRow("b", "both")])
    assert len(found.training) == 1
    assert found.left_out == {"labelled by a machine": 1, "without a text": 1}
    assert len(sort_codings([]).training) == 0
    assert sort_codings([CodingRow("a", "both", origin="confirmed")]).left_out == {}


def test_random_codings_and_what_hangs_on_them_never_train():
    found = sort_codings(
        [
            CodingRow("a", "both", draw="random", cluster="c"),
            CodingRow("b", "both", cluster="c"),
            CodingRow("B", "both"),  # the same text as the one above
            CodingRow("d", "both"),
        ]
    )
    assert [row.text for row in found.audit.rows] == ["a"]
    assert [row.text for row in found.training.rows] == ["d"]
    assert found.left_out == {"of a text in the random sample": 2}


@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcdef"), st.sampled_from(VALUES), st.sampled_from(["", "c1", "c2"]),
            st.sampled_from(["random", "active"]), st.booleans(), st.sampled_from(["human", "machine"]),
        )
    )
)  # fmt: skip
def test_every_coding_is_in_one_place_and_every_text_weighs_one(cells):
    rows = [
        CodingRow(text, value, cluster=cluster, draw=draw, settles=settles, origin=origin)
        for text, value, cluster, draw, settles, origin in cells
    ]
    found = sort_codings(rows)
    assert len(found.training) + len(found.audit) + sum(found.left_out.values()) == len(rows)
    assert not set(found.training.units) & set(found.audit.units)
    for part in (found.training, found.audit):
        weights: dict[str, float] = {}
        for row, weight in zip(part.rows, part.weights, strict=True):
            key = row.cluster or f"text {row.text}"
            weights[key] = weights.get(key, 0) + weight
        assert list(weights.values()) == pytest.approx([1] * len(weights))


def test_random_codings_of_a_text_that_was_coded_for_training_are_marked():
    found = sort_codings(
        [
            CodingRow("a", "both", draw="random"),
            CodingRow("b", "both", draw="random"),
            CodingRow("b!", "neither", draw="active", cluster="7"),
            CodingRow("c", "both", draw="random", cluster="7"),
            CodingRow("d", "both", draw="active", origin="machine", cluster="a"),
        ]
    )
    assert [row.text for row in found.audit.rows] == ["a", "b", "c"]
    assert found.unseen.tolist() == [True, True, False]


def test_copies_of_a_random_coding_without_a_text_do_not_train_either():
    found = sort_codings(
        [
            CodingRow(" ", "both", draw="random", cluster="7"),
            CodingRow("", "both", draw="random"),
            CodingRow("a", "both", draw="active", cluster="7"),
            CodingRow("A", "neither", draw="active", cluster="8"),
            CodingRow("b", "neither", draw="active"),
        ]
    )
    assert [row.text for row in found.training.rows] == ["b"]
    assert len(found.audit) == 0
