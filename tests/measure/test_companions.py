import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pipeline.measure.companions import companions_of, maximum_likelihood_priors
from pipeline.measure.quantifiers import companions
from tests.measure.conftest import RATES

probabilities = st.integers(1, 12).flatmap(
    lambda n: st.tuples(*(arrays(float, n, elements=st.floats(0, 1)) for _ in range(2)))
)


@given(st.lists(probabilities, min_size=1, max_size=6))
def test_the_same_numbers_as_cell_by_cell(cells):
    for made, (p, q) in zip(companions_of(cells, RATES, 0.1), cells, strict=True):
        assert made == pytest.approx(companions(p, q, RATES, 0.1), abs=1e-7)


def test_many_texts_give_the_same_to_a_thousand_millionth():
    random = np.random.default_rng(4)
    cells = [tuple(random.beta(0.6, 0.9, (2, n))) for n in (5, 40, 600, 3000)]
    for made, (p, q) in zip(companions_of(cells, RATES, 0.1), cells, strict=True):
        assert made == pytest.approx(companions(p, q, RATES, 0.1), abs=1e-9)


@given(st.lists(probabilities, min_size=2, max_size=6))
def test_a_cell_does_not_hang_on_those_beside_it(cells):
    assert companions_of(cells, RATES, 0.1) == [companions_of([cell], RATES, 0.1)[0] for cell in cells]


def test_what_can_not_be_computed_says_why():
    cell = (np.array([0.2, 0.9]), np.array([0.4, 0.1]))
    for rates in ({}, RATES | {"nationalist": RATES["nationalist"] | {"prior": 1.0}}):
        (made,) = companions_of([cell], rates, 0.1)
        known = companions(*cell, rates, 0.1)
        assert made["sld"] is known["sld"] is None
        assert made["reasons"] == known["reasons"]
        assert {n: v for n, v in made.items() if isinstance(v, float)} == pytest.approx(
            {n: v for n, v in known.items() if isinstance(v, float)}
        )


def test_empty_cells_have_none():
    assert companions_of([], RATES, 0.1) == []
    with pytest.raises(ValueError, match="without texts"):
        companions_of([(np.empty(0), np.empty(0))], RATES, 0.1)


def test_probabilities_that_say_nothing_leave_the_share_at_nothing():
    assert maximum_likelihood_priors(np.full(5, 0.4), np.array([0, 2]), 0.4).tolist() == [0, 0]
