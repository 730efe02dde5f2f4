import numpy as np

from classifiers.evaluation.baselines import commonest, held_out, plain

TEXTS = ["our land", "our soil", "all workers", "all people"]
VALUES = ["nationalist", "nationalist", "universalist", "universalist"]
ONES = np.ones(4)


def test_plain_learns_words():
    assert plain(TEXTS, VALUES, ONES, ["this land", "workers"]).tolist() == ["nationalist", "universalist"]


def test_plain_says_the_commonest_value_where_nothing_can_be_learnt():
    assert plain(TEXTS, ["both"] * 4, ONES, ["a"]).tolist() == ["both"]
    assert plain(["", ""], ["both", "neither"], np.array([1.0, 2.0]), ["a"]).tolist() == ["neither"]


def test_commonest_goes_by_weight_then_by_name():
    assert commonest(["a", "b", "b"], np.array([3.0, 1, 1]), 2).tolist() == ["a", "a"]
    assert commonest(["b", "a"], np.ones(2), 1).tolist() == ["a"]


def test_held_out_says_nothing_of_what_no_fold_tests():
    made = held_out(TEXTS, VALUES, ONES, [(np.array([0, 2]), np.array([1]))])
    assert made.tolist() == ["", "nationalist", "", ""]
