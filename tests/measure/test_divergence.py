import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.measure.divergence import (
    LEAST_EFFECTIVE,
    DivergenceError,
    jensen_shannon,
    shares,
    shares_of_counts,
    squared_distance,
)

COUNTS = st.lists(st.integers(0, 40), min_size=4, max_size=4).filter(lambda counts: sum(counts) >= 5)
MANY = st.lists(st.integers(1, 500), min_size=4, max_size=4).filter(lambda counts: sum(counts) >= LEAST_EFFECTIVE)


def rows(counts):
    return np.repeat(np.eye(len(counts)), counts, axis=0)


def test_an_example_computed_by_hand():
    # shares .5 .3 .2 and .2 .3 .5
    a, b = shares_of_counts([5, 3, 2]), shares_of_counts([2, 3, 5], total=20)
    made = squared_distance(a, b)
    v_a = (0.25 + 0.21 + 0.16) / 9
    v_b = (1 - 10 / 20) * (0.16 + 0.21 + 0.25) / 9
    assert made.plain == pytest.approx(0.18)
    assert made.value == pytest.approx(0.18 - v_a - v_b)
    assert made.codings == (10, 10)
    assert made.low == 0 < made.value < made.high


def test_every_way_to_draw_from_a_small_cell_averages_to_its_distance():
    """Unbiased for the texts of the cells: all samples of 6 of 8 and of 5 of 7, weighed by their chance."""
    cell_a, cell_b = np.array([5, 2, 1]), np.array([1, 3, 3])
    truth = ((cell_a / 8 - cell_b / 7) ** 2).sum()
    mean = sum(
        p * q * squared_distance(shares_of_counts(s, total=8), shares_of_counts(t, total=7)).value
        for s, p in samples(cell_a, 6)
        for t, q in samples(cell_b, 5)
    )
    assert mean == pytest.approx(truth, abs=1e-12)


def samples(cell, n):
    """Every sample of n without replacement, as counts, and its chance."""
    from math import comb

    for first in range(cell[0] + 1):
        for second in range(cell[1] + 1):
            third = n - first - second
            if 0 <= third <= cell[2]:
                ways = comb(cell[0], first) * comb(cell[1], second) * comb(cell[2], third)
                yield np.array([first, second, third]), ways / comb(int(cell.sum()), n)


@given(COUNTS)
def test_counts_and_rows_say_the_same(counts):
    one, two = shares_of_counts(counts, total=200), shares(rows(counts), total=200)
    for name in ("share", "covariance", "cautious"):
        assert getattr(one, name) == pytest.approx(getattr(two, name), abs=1e-12)
    assert one.effective == two.effective == sum(counts)


@given(COUNTS, COUNTS)
def test_the_interval_is_within_bounds_and_holds_what_is_seen(first, second):
    made = squared_distance(shares_of_counts(first), shares_of_counts(second))
    assert 0 <= made.low <= made.plain <= max(made.high, 2)
    assert made.low < made.high <= 2
    assert made.value <= made.plain


@given(COUNTS, COUNTS)
def test_the_sides_are_treated_alike(first, second):
    a, b = shares_of_counts(first), shares_of_counts(second)
    one, two = squared_distance(a, b), squared_distance(b, a)
    assert (one.value, one.low, one.high) == pytest.approx((two.value, two.low, two.high), abs=1e-12)


def test_a_census_has_no_error():
    a, b = shares_of_counts([5, 3, 2], total=10), shares_of_counts([2, 3, 5], total=10)
    made = squared_distance(a, b)
    assert (made.value, made.low, made.high) == pytest.approx((0.18, 0.18, 0.18))


def test_samples_that_happen_to_agree_are_not_certain():
    made = squared_distance(shares_of_counts([6, 0, 0, 0]), shares_of_counts([6, 0, 0, 0]))
    assert made.value == 0
    assert made.high > 0.3


def test_unequal_draws_are_weighed():
    # every text of the first value is drawn, one in four of the second
    values, pi = rows([40, 10]), np.array([1.0] * 40 + [0.25] * 10)
    made = shares(values, pi=pi)
    assert made.share == pytest.approx([0.5, 0.5])
    assert made.effective == pytest.approx(80**2 / (40 + 10 * 16))
    assert made.covariance[0, 0] == pytest.approx(50 / 49 * 10 * 0.75 * 16 * 0.25 / 80**2)


def test_the_variance_of_unequal_draws_is_that_of_repeated_draws():
    random = np.random.default_rng(1)
    cell = rows([300, 200, 100])
    pi = np.where(np.arange(600) % 3 == 0, 0.4, 0.1)
    found, said = [], []
    for _ in range(600):
        drawn = random.random(600) < pi
        made = shares(cell[drawn], pi=pi[drawn])
        found.append(made.share)
        said.append(np.diag(made.covariance))
    assert np.mean(found, axis=0) == pytest.approx([1 / 2, 1 / 3, 1 / 6], abs=0.006)
    assert np.mean(said, axis=0) == pytest.approx(np.var(found, axis=0, ddof=1), rel=0.15)


@given(COUNTS, st.floats(0.05, 1))
def test_equal_probabilities_are_equal_draws(counts, chance):
    values = rows(counts)
    one, two = shares(values, pi=np.full(len(values), chance)), shares(values)
    assert one.share == pytest.approx(two.share)
    assert one.covariance == pytest.approx(two.covariance * (1 - chance), abs=1e-12)


@pytest.mark.parametrize(("n", "shift"), [(8, 0.0), (40, 0.0), (40, 0.3), (200, 0.1)])
def test_the_interval_covers(n, shift):
    random = np.random.default_rng(n)
    p = np.array([0.4, 0.3, 0.2, 0.1])
    q = p + shift * np.array([-1, 1, 0, 0])
    truth, hits = ((p - q) ** 2).sum(), 0
    for _ in range(1000):
        made = squared_distance(shares_of_counts(random.multinomial(n, p)), shares_of_counts(random.multinomial(n, q)))
        hits += made.low <= truth <= made.high
    assert hits / 1000 >= 0.935


def test_jensen_shannon_by_hand():
    # (1/2, 1/2) against (1/4, 3/4), middle (3/8, 5/8)
    made = jensen_shannon(shares_of_counts([200, 200]), shares_of_counts([100, 300]))
    plain = 0.5 * np.log(0.5 / 0.375) * 0.5 + 0.5 * np.log(0.5 / 0.625) * 0.5
    plain += 0.5 * np.log(0.25 / 0.375) * 0.25 + 0.5 * np.log(0.75 / 0.625) * 0.75
    assert made.plain == pytest.approx(plain)
    v_a, v_b = 0.25 / 399, 0.1875 / 399
    bias = (v_a / 0.5 * 2 + v_b / 0.25 + v_b / 0.75) / 4 - (v_a + v_b) * (1 / 0.375 + 1 / 0.625) / 8
    assert made.bias == pytest.approx(bias)
    assert made.value == pytest.approx(plain - bias)


@given(MANY, MANY)
def test_jensen_shannon_is_symmetric_and_between_0_and_ln_2(first, second):
    a, b = shares_of_counts(first), shares_of_counts(second)
    one, two = jensen_shannon(a, b), jensen_shannon(b, a)
    assert one.value == pytest.approx(two.value, abs=1e-12)
    assert -1e-12 <= one.plain <= np.log(2)
    assert one.value < one.plain


def test_groups_that_share_no_value_are_ln_2_apart():
    made = jensen_shannon(shares_of_counts([300, 0]), shares_of_counts([0, 300]))
    assert made.value == pytest.approx(np.log(2))


def test_jensen_shannon_is_refused_below_200_effective_codings():
    enough = shares_of_counts([100, 100])
    jensen_shannon(enough, enough)
    with pytest.raises(DivergenceError, match="199 effective codings"):
        jensen_shannon(enough, shares_of_counts([100, 99]))
    # 300 codings, of very unequal weight
    uneven = shares(rows([150, 150]), pi=np.where(np.arange(300) < 30, 0.02, 0.9))
    assert uneven.codings == 300
    with pytest.raises(DivergenceError, match="200 on each"):
        jensen_shannon(enough, uneven)


def test_what_can_not_be_right_is_refused():
    with pytest.raises(DivergenceError, match="4 codings on one side, 5 are needed"):
        shares_of_counts([2, 2])
    with pytest.raises(ValueError, match="can't be drawn from 9"):
        shares_of_counts([5, 5], total=9)
    for counts in ([-1, 9], [2.5, 7.5], [9]):
        with pytest.raises(ValueError, match="a whole number of texts"):
            shares_of_counts(counts)
    with pytest.raises(ValueError, match="sum to 1"):
        shares(np.full((9, 2), 0.4))
    with pytest.raises(ValueError, match="inclusion probability"):
        shares(rows([5, 5]), pi=np.zeros(10))
    with pytest.raises(ValueError, match="2 and 3 values"):
        squared_distance(shares_of_counts([5, 5]), shares_of_counts([5, 5, 5]))
