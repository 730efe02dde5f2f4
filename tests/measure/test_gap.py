import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.measure.balance import Balance, Borrowed, balance, t_interval
from pipeline.measure.gap import gap

corrected = st.builds(
    lambda value, variance, n: Balance(
        value, value / 2, n, lam=0.5, interval=t_interval(value, variance, n + 9, borrowed=10)
    ),
    st.floats(-1, 1),
    st.floats(1e-6, 1),
    st.integers(5, 80),
)


@given(corrected, corrected)
def test_the_gap_of_two_corrected_balances(a, b):
    made = gap(a, b)
    assert made.value == a.value - b.value
    assert made.interval.variance == a.interval.variance + b.interval.variance
    assert made.interval.freedom == a.coded + b.coded + 8
    assert made.interval.low < made.value < made.interval.high


@given(corrected, corrected)
def test_the_gap_turned_round_changes_its_sign_only(a, b):
    there, back = gap(a, b), gap(b, a)
    assert back.value == -there.value
    assert (back.interval.low, back.interval.high) == pytest.approx((-there.interval.high, -there.interval.low))


@given(corrected)
def test_one_uncorrected_side_makes_the_gap_the_models_own(a):
    b = Balance(value=0.25, model=0.25, coded=2, why="2 random codings, 5 are needed")
    made = gap(a, b)
    assert made.interval is None
    assert made.value == a.model - 0.25
    assert gap(b, a).interval is None


def test_a_side_of_which_all_is_coded_adds_no_degrees_of_freedom():
    f = np.linspace(-1, 1, 40)
    census = balance(f, np.resize([1.0, 0, -1], 40), Borrowed(0.5, 0.3, 10))
    few = balance(f, np.array([1.0, 0, 0, -1, 1, *[np.nan] * 35]), Borrowed(0.5, 0.3, 10))
    assert census.interval.variance == 0
    for made in (gap(census, few), gap(few, census)):
        assert made.interval.freedom == few.interval.freedom == 5 + 9
        assert made.interval.high - made.interval.low == pytest.approx(few.interval.high - few.interval.low)
    assert gap(census, census).interval.low == gap(census, census).interval.high


def test_degrees_of_freedom_count_what_is_borrowed_once():
    f, y = np.linspace(-1, 1, 20), np.array([1.0, 0, 0, -1, 1, 1, *[np.nan] * 14])
    few, many = balance(f, y, Borrowed(0.5, 0.3, 4)), balance(f, y, Borrowed(0.5, 0.3, 10))
    assert gap(few, many).interval.freedom == 5 + 5 + 4
