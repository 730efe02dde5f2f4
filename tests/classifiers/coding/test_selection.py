import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.coding.selection import SHORTLIST, doubt, shortlist, spread, word_features

RNG = np.random.default_rng(0)


def test_doubt_is_the_mean_entropy_of_the_heads():
    made = doubt(np.array([[0.5, 0.5], [0.5, 1.0], [0.0, 1.0], [0.25, 0.75]]))
    assert made == pytest.approx([1, 0.5, 0, 0.8112781], abs=1e-6)


def test_the_shortlist_holds_the_most_doubted_and_breaks_ties_by_lot():
    doubts = np.array([0.1, 0.9, 0.5, 0.9, 0.2, 0.8])
    assert set(shortlist(doubts, 1, RNG)) == {1, 3, 5}
    assert len(shortlist(doubts, 4, RNG)) == 6
    firsts = {int(shortlist(np.ones(9), 1, np.random.default_rng(i))[0]) for i in range(60)}
    assert len(firsts) > 5
    assert SHORTLIST == 3


def test_one_text_of_each_topic_is_taken():
    topics = ["rain harvest grain mill bread", "port ship sea fish net", "school book teacher class pupil"]
    texts = [f"{topic} {word}" for topic in topics for word in ("one", "two", "three", "four")]
    chosen = spread(word_features(texts), np.ones(12), 3, seed=1)
    assert {int(i) // 4 for i in chosen} == {0, 1, 2}


def test_texts_that_are_all_alike_fill_up_by_doubt():
    doubts = np.array([0.1, 0.9, 0.3, 0.8, 0.2])
    chosen = spread(word_features(["the same words"] * 5), doubts, 3, seed=1)
    assert len(set(chosen.tolist())) == 3
    assert len({1, 3} & set(chosen.tolist())) >= 1


@pytest.mark.parametrize("texts", [["", "  ", "?!", "..."], ["word", "", "", ""], ["a b", "c d", "e f", "g h"]])
def test_texts_without_words_are_chosen_by_doubt(texts):
    chosen = spread(word_features(texts), np.array([0.1, 0.4, 0.3, 0.2]), 2, seed=0)
    assert len(set(chosen.tolist())) == 2


def test_all_are_taken_where_no_more_are_wanted():
    assert spread(word_features(["a", "b"]), np.ones(2), 5, seed=0).tolist() == [0, 1]


@settings(max_examples=30)
@given(
    st.lists(st.text(alphabet="abc de", max_size=30), min_size=1, max_size=25),
    st.integers(1, 12),
    st.integers(0, 5),
)
def test_as_many_as_wanted_and_none_twice(texts, size, seed):
    doubts = np.random.default_rng(seed).random(len(texts))
    chosen = spread(word_features(texts), doubts, size, seed)
    assert len(chosen) == len(set(chosen.tolist())) == min(size, len(texts))
    assert np.array_equal(chosen, spread(word_features(texts), doubts, size, seed))
