from itertools import combinations

import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from benchmarks.no_rift import baseline_partisanship, word_counts
from pipeline.measure.partisanship import (
    NOT_SEPARABLE,
    PartisanshipError,
    Units,
    choose_units,
    leave_out,
    partisanship,
    scores,
    unit_counts,
)


def first(a, b):
    return np.arange(a + b) < a


def sources(a, b):
    return Units(np.arange(a + b), first(a, b), "source")


def test_an_example_computed_by_hand():
    # units a1 a2 | b1 b2 over three words; k = 1, so the other reference is b1 or b2
    counts = sp.csr_matrix([[2, 2, 0], [3, 1, 0], [1, 3, 0], [0, 2, 2]])
    a1, a2, b1, b2 = counts.toarray() / 4

    def score(unit, own, others):
        tells = []
        for other in others:
            both = own + other
            tells.append(unit @ np.divide(own, both, out=np.full(3, 0.5), where=both > 0))
        return np.mean(tells)

    a = (score(a1, a2, (b1, b2)) + score(a2, a1, (b1, b2))) / 2
    b = (score(b1, b2, (a1, a2)) + score(b2, b1, (a1, a2))) / 2
    # a1's first word: 3/4 by a2 against 1/4 by b1: .75; against 0 by b2: 1
    assert score(a1, a2, (b1,)) == pytest.approx(0.5 * 0.75 + 0.5 * (0.25 / (0.25 + 0.75)))
    assert leave_out(counts, first(2, 2), seed=1) == pytest.approx((a + b) / 2)


@given(arrays(np.int64, (5, 4), elements=st.integers(0, 6)), st.sampled_from([(2, 3), (3, 2)]))
def test_over_all_labellings_the_mean_is_exactly_one_half(counts, sides):
    counts[:, 0] += 1
    labels = np.zeros((10, 5), dtype=bool)
    for row, chosen in enumerate(combinations(range(5), sides[0])):
        labels[row, list(chosen)] = True
    found = scores(sp.csr_matrix(counts), labels, np.random.default_rng(0))
    assert found.mean() == pytest.approx(0.5, abs=1e-12)


def test_unequal_reference_sets_and_plug_in_are_off_where_ours_is_not():
    random = np.random.default_rng(5)
    labels = np.array([[True, True, False, False], [True, False, True, False], [True, False, False, True]])
    found = {"ours": [], "unequal": [], "plug-in": []}
    for _ in range(20):
        counts = word_counts(random, 4)
        found["ours"].append(scores(sp.csr_matrix(counts), labels, random).mean())
        found["unequal"].append(baseline_partisanship(counts, labels, leave=True).mean())
        found["plug-in"].append(baseline_partisanship(counts, labels, leave=False).mean())
    means = {name: np.mean(each) for name, each in found.items()}
    assert means["ours"] == pytest.approx(0.5, abs=1e-9)
    assert means["unequal"] < 0.48
    assert means["plug-in"] > 0.6


def test_groups_without_a_word_in_common_are_told_apart_by_every_word():
    counts = sp.csr_matrix([[1, 2, 0, 0], [2, 1, 0, 0], [0, 0, 3, 1], [0, 0, 1, 1]])
    assert leave_out(counts, first(2, 2), seed=1) == 1


def test_words_of_one_unit_alone_tell_nothing():
    counts = np.hstack([np.eye(5), np.ones((5, 1))])
    made = partisanship(sp.csr_matrix(counts), sources(2, 3), seed=1)
    assert (made.value, made.p, made.known) == (pytest.approx(0.5), 1.0, 0.5)
    with pytest.raises(PartisanshipError, match="no word is used by two units"):
        leave_out(sp.csr_matrix(np.eye(5)), first(2, 3), seed=1)


def test_sampled_reference_sets_come_near_all_of_them():
    counts = sp.csr_matrix(word_counts(np.random.default_rng(2), 10, words=300))
    exact = leave_out(counts, first(3, 7), seed=1, subsets=1000)
    sampled = [leave_out(counts, first(3, 7), seed=seed, subsets=20) for seed in range(20)]
    assert np.std(sampled) > 0
    assert np.mean(sampled) == pytest.approx(exact, abs=4 * np.std(sampled) / 20**0.5)
    assert leave_out(counts, first(3, 7), seed=9, subsets=1000) == exact


def test_the_names_of_the_groups_do_not_matter():
    counts = sp.csr_matrix(word_counts(np.random.default_rng(3), 6, words=200))
    labels = np.array([True, True, False, False, False, True])
    assert leave_out(counts, labels, seed=1) == pytest.approx(leave_out(counts, ~labels, seed=1), abs=1e-12)


def test_a_real_difference_has_a_small_p_and_none_has_not():
    random = np.random.default_rng(4)
    counts = word_counts(random, 12, words=300)
    null = partisanship(sp.csr_matrix(counts), sources(6, 6), seed=1, permutations=99)
    counts[:6, 10:20] *= 4
    real = partisanship(sp.csr_matrix(counts), sources(6, 6), seed=1, permutations=99)
    assert null.p > 0.05 >= real.p
    assert real.value > null.value
    assert (real.units, real.permutations, real.flags) == ((6, 6), 99, ())


def test_the_same_seed_gives_the_same_bits():
    counts = sp.csr_matrix(word_counts(np.random.default_rng(4), 12, words=100))
    one, two = (partisanship(counts, sources(4, 8), seed=7, permutations=19) for _ in range(2))
    assert one == two
    assert one.value == leave_out(counts, first(4, 8), seed=7)
    assert partisanship(counts, sources(4, 8), seed=8, permutations=19).value != one.value


def test_few_assignments_are_said():
    counts = sp.csr_matrix(word_counts(np.random.default_rng(4), 4, words=100))
    made = partisanship(counts, sources(2, 2), seed=1)
    assert made.flags == ("3 different assignments of labels: p can't fall much below 0.33",)
    assert made.p >= 0.2


def test_labels_are_permuted_within_strata():
    # months differ, groups do not: within months nothing is found
    counts = np.zeros((8, 4))
    counts[:, :2] = [[9, 1]] * 4 + [[1, 9]] * 4
    units = Units(np.arange(8), np.array([True, True, True, False, True, False, False, False]), "source")
    across = partisanship(sp.csr_matrix(counts), units, seed=1)
    within = partisanship(sp.csr_matrix(counts), units, seed=1, strata=np.arange(8) // 4)
    assert across.p < within.p == 1


def test_units_are_sources_where_both_groups_have_two():
    source = np.array(["a1", "a2", "b1", "b2", "a1"])
    made = choose_units(source, ["2009-01"] * 5, np.array([True, True, False, False, True]))
    assert (made.kind, made.flags) == ("source", ())
    assert made.unit.tolist() == [0, 1, 2, 3, 0]
    assert made.in_a.tolist() == [True, True, False, False]


def test_units_are_source_months_where_a_group_has_one_source():
    source = np.array(["a1", "a1", "b1", "b2", "a1"])
    months = np.array(["2009-01", "2009-02", "2009-01", "2009-01", "2009-01"])
    made = choose_units(source, months, np.array([True, True, False, False, True]))
    assert (made.kind, made.flags) == ("source-month", (NOT_SEPARABLE,))
    assert made.unit[0] == made.unit[4] != made.unit[1]
    assert made.in_a.tolist() == [True, True, False, False]
    counts = unit_counts(sp.csr_matrix(np.arange(10).reshape(5, 2)), made.unit)
    assert counts.toarray().tolist() == [[8, 10], [2, 3], [4, 5], [6, 7]]
    flags = partisanship(counts, made, seed=1, permutations=9).flags
    assert flags[0] == NOT_SEPARABLE
    assert "sources differ, not that groups do" in flags[2]


def test_what_can_not_be_computed_says_why():
    with pytest.raises(PartisanshipError, match="1 and 2 source-months; 2 of each group are needed"):
        choose_units(["a", "b", "b"], [1, 1, 2], np.array([True, False, False]))
    with pytest.raises(ValueError, match="source a has texts of both groups"):
        choose_units(["a", "a", "b"], [1, 1, 2], np.array([True, False, False]))
    counts = sp.csr_matrix(np.ones((4, 3)))
    with pytest.raises(PartisanshipError, match="1 and 3 units"):
        leave_out(counts, first(1, 3), seed=1)
    with pytest.raises(ValueError, match="each of 4 units"):
        leave_out(counts, first(2, 3), seed=1)
    with pytest.raises(ValueError, match="unit 2 has no words"):
        leave_out(sp.csr_matrix([[1, 1], [1, 0], [0, 0], [1, 1]]), first(2, 2), seed=1)
    with pytest.raises(ValueError, match="negative"):
        leave_out(-counts, first(2, 2), seed=1)
    with pytest.raises(ValueError, match="0 reference sets"):
        leave_out(counts, first(2, 2), seed=1, subsets=0)
    with pytest.raises(ValueError, match="one for every text"):
        unit_counts(counts, np.arange(3))
