import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.codebook import codebook_of, codebooks, load_codebook
from classifiers.heads import Heads

FRAMING = load_codebook().two_heads
CRITICISM = codebook_of("criticism").two_heads


def test_every_codebook_has_heads_that_count_as_its_balances_do():
    for book in codebooks():
        truth = book.two_heads.truth(book.names)
        assert [float(first) - float(second) for first, second in truth] == list(book.balances.values())


def test_labels_say_what_the_heads_say_at_one_half():
    p = np.array([[0.9, 0.1], [0.1, 0.9], [0.5, 0.5], [0.2, 0.3], [np.nan, 0.0]])
    assert FRAMING.labels(p).tolist() == ["nationalist", "universalist", "both", "neither", "nationalist"]


def test_where_no_value_says_both_the_surer_head_wins():
    p = np.array([[0.9, 0.6], [0.6, 0.9], [0.2, 0.3]])
    assert CRITICISM.labels(p).tolist() == ["supportive", "hostile", "neutral"]


@given(st.lists(st.sampled_from(FRAMING.value_names), min_size=1))
def test_certain_heads_give_back_the_coded_values(values):
    truth = FRAMING.truth(values)
    assert FRAMING.labels(truth.astype(float)).tolist() == values
    assert FRAMING.sided(values).tolist() == [value in {"nationalist", "universalist"} for value in values]


def test_sides_takes_the_higher_head():
    assert FRAMING.sides(np.array([[0.2, 0.1], [0.6, 0.7]])) == ["nationalist", "universalist"]
    assert CRITICISM.sides(np.array([[0.2, 0.1], [0.6, 0.7]])) == ["supportive", "hostile"]


def test_an_unknown_value_is_named():
    with pytest.raises(ValueError, match="unknown value 'fierce'; write one of both, nationalist"):
        FRAMING.truth(["both", "fierce"])


@pytest.mark.parametrize(
    ("heads", "words"),
    [
        ({"a": ["x"]}, "two heads, not 1"),
        ({"a": ["x"], "b": ["z"]}, "unknown value 'z'"),
        ({"a": ["x"], "b": []}, "names no value"),
        ({"a": ["x", "y"], "b": ["x", "y"]}, "x and y say the same"),
        ({"a": ["x"], "b": ["x"]}, "head a has no value of its own"),
    ],
)
def test_heads_that_fit_no_codebook_are_refused_in_words(heads, words):
    with pytest.raises(ValueError, match=words):
        Heads.of(heads, ["x", "y"])
