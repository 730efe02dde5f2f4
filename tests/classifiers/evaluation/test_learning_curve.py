import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.codebook import load_codebook
from classifiers.coding.coding_table import CodingRow
from classifiers.coding.examples import Examples
from classifiers.evaluation.learning_curve import LARGEST, learning_curve, nested, sizes

HEADS = load_codebook().two_heads


def test_sizes_double_and_end_with_all_there_are():
    assert sizes(0) == []
    assert sizes(10) == [10]
    assert sizes(120) == [25, 50, 100, 120]
    assert sizes(10**6)[-1] == LARGEST


@given(st.lists(st.integers(0, 5), min_size=1, max_size=40), st.integers(0, 9))
def test_units_are_drawn_whole(units, seed):
    order = nested(np.array(units), seed)
    assert sorted(order) == list(range(len(units)))
    drawn = [units[i] for i in order]
    assert len([a for a, b in zip(drawn, [None, *drawn], strict=False) if a != b]) == len(set(units))


def test_every_size_is_measured_on_the_same_parts():
    small, large = (
        Examples([CodingRow(f"t{i}", "both") for i in range(n)], np.ones(n), np.arange(n)) for n in (30, 100)
    )
    made = learning_curve(
        [(small, small), (large, small)], lambda _, tested: np.full((len(tested), 2), 0.9), HEADS, repeats=2
    )
    assert [(point["codings"], point["runs"]) for point in made] == [(25, 2), (30, 2)]


def test_the_curve_rises_with_what_was_learnt():
    rows = [CodingRow(f"t{i}", ["nationalist", "neither"][i % 2]) for i in range(100)]
    examples = Examples(rows, np.ones(100), np.arange(100))
    truth = HEADS.truth(examples.values).astype(float)
    sizes_seen = []

    def fit_and_say(training, tested):
        sizes_seen.append(len(training))
        if len(training) < 50:
            raise ValueError("too few")
        p = truth.copy()
        p[len(training) :, 0] = 0.0
        return np.clip(p, 0.1, 0.9)

    made = learning_curve([(examples, examples)], fit_and_say, HEADS, repeats=2)
    assert sizes_seen == [25, 50, 100] * 2
    assert [(point["codings"], point["runs"]) for point in made] == [(50, 2), (100, 2)]
    assert made[0]["macro_f1"] < made[1]["macro_f1"] == pytest.approx(1)
    assert made[1]["spread"] == 0
