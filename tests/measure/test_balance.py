from dataclasses import asdict

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy import stats

from pipeline.measure.balance import Borrowed, Moments, balance, borrow, moments

BORROWED = Borrowed(lam=0.6, s2=0.4, freedom=10)


@st.composite
def cells(draw, least=5):
    """(f, y) of a cell with at least ``least`` codings that vary."""
    total = draw(st.integers(max(2, least), 30))
    n = draw(st.integers(least, total))
    number = st.floats(-1, 1, allow_nan=False).map(lambda x: round(x, 3))
    f = np.array(draw(st.lists(number, min_size=total, max_size=total)))
    y = np.full(total, np.nan)
    y[:n] = draw(st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=n, max_size=n))
    return f, y


def test_an_example_computed_by_hand():
    # ten texts, five coded; lam .5, borrowed variance .2
    f = np.array([0.8, 0.4, 0.0, -0.4, -0.8, 0.6, 0.6, 0.2, 0.2, -0.6])
    y = np.array([1.0, 1.0, 0.0, 0.0, -1.0, *[np.nan] * 5])
    made = balance(f, y, Borrowed(lam=0.5, s2=0.2, freedom=10))
    # e = .6 .8 0 .2 -.6, mean .2, sum of squares about it .16 + .36 + .04 + 0 + .64 = 1.2; mean of f .1
    assert made.value == pytest.approx(0.5 * 0.1 + 0.2)
    assert made.interval.variance == pytest.approx((1 - 5 / 10) * ((1.2 + 10 * 0.2) / 14) / 5)
    assert made.interval.freedom == 14
    half = 2.144787 * np.sqrt(0.5 * (3.2 / 14) / 5)
    assert (made.interval.low, made.interval.high) == pytest.approx((0.25 - half, 0.25 + half), abs=1e-6)
    assert (made.model, made.coded, made.lam) == (pytest.approx(0.1), 5, 0.5)


def test_lam_and_variance_are_borrowed_within_cells():
    # the two cells differ a lot in level; pooled within cells that must not count as covariance
    one = moments(np.array([0.0, 0.2, 0.4]), np.array([0.0, 0.1, 0.2]))
    two = moments(np.array([0.6, 0.8, 1.0]), np.array([-1.0, -0.9, -0.8]))
    made = borrow([one, two])
    assert made.lam == pytest.approx(0.5)
    assert made.s2 == pytest.approx(0.0, abs=1e-12)
    assert made.freedom == 4


@pytest.mark.parametrize(("slope", "lam"), [(-1.0, 0.0), (0.25, 0.25), (3.0, 1.0)])
def test_lam_is_clipped(slope, lam):
    f = np.linspace(-0.3, 0.3, 7)
    assert borrow([moments(f, slope * f)]).lam == pytest.approx(lam)


def test_a_model_that_says_the_same_of_all_is_not_trusted():
    made = borrow([moments(np.full(6, 0.3), np.array([1.0, 0, 0, -1, 1, 1]))])
    assert made.lam == 0.0
    assert made.s2 > 0


def test_at_most_ten_degrees_of_freedom_are_borrowed():
    assert borrow([Moments(9, 1, 0, 1)] * 5).freedom == 10
    assert borrow([Moments(4, 1, 0, 1)]).freedom == 3
    assert borrow([Moments(1, 0, 0, 0)]) == Borrowed()


def test_the_only_coded_cell_stands_on_its_own_codings():
    f = np.linspace(-1, 1, 20)
    y = np.array([1.0, 0, 1, -1, 0, 1, *[np.nan] * 14])
    made = balance(f, y, borrow([]))
    assert made.value == pytest.approx(np.nanmean(y))
    assert made.interval.freedom == 5
    assert made.interval.variance == pytest.approx((1 - 6 / 20) * np.nanvar(y, ddof=1) / 6)


def test_fewer_than_five_codings_correct_nothing():
    f = np.linspace(0, 1, 9)
    made = balance(f, np.array([1.0, -1, 0, 1, *[np.nan] * 5]), BORROWED)
    assert made.interval is None
    assert made.value == pytest.approx(0.5)
    assert made.why == "4 random codings, 5 are needed"


def test_codings_that_do_not_vary_make_no_interval_of_width_0():
    y = np.array([1.0] * 6 + [np.nan] * 4)
    made = balance(np.full(10, 0.5), y, Borrowed())
    assert made.interval is None
    assert "do not vary" in made.why
    # with a borrowed variance there is an interval
    assert balance(np.full(10, 0.5), y, BORROWED).interval.variance > 0


@given(cells())
def test_a_census_is_the_mean_of_its_codings_without_error(cell):
    f, y = cell
    y = np.where(np.isnan(y), 0.0, y)
    made = balance(f, y, BORROWED)
    assert made.value == pytest.approx(y.mean(), abs=1e-12)
    assert made.interval.high - made.interval.low == 0


@given(cells(), st.floats(-1, 1))
def test_codings_shifted_shift_the_balance(cell, shift):
    f, y = cell
    before, after = balance(f, y, BORROWED), balance(f, y + shift, BORROWED)
    assert after.value == pytest.approx(before.value + shift, abs=1e-9)
    assert after.interval.variance == pytest.approx(before.interval.variance, abs=1e-12)


@given(cells(), st.floats(-1, 1))
def test_a_constant_error_of_the_model_changes_nothing(cell, shift):
    f, y = cell
    before, after = balance(f, y, BORROWED), balance(f + shift, y, BORROWED)
    assert after.value == pytest.approx(before.value, abs=1e-9)
    assert after.interval.low == pytest.approx(before.interval.low, abs=1e-9)


@given(cells(), st.randoms(use_true_random=False))
def test_the_order_of_texts_does_not_matter(cell, random):
    f, y = cell
    order = list(range(len(f)))
    random.shuffle(order)
    before, after = balance(f, y, BORROWED), balance(f[order], y[order], BORROWED)
    assert after.value == pytest.approx(before.value, abs=1e-12)
    assert asdict(after.interval) == pytest.approx(asdict(before.interval), abs=1e-12)


@given(cells())
def test_both_signs_are_treated_alike(cell):
    f, y = cell
    assert balance(-f, -y, BORROWED).value == pytest.approx(-balance(f, y, BORROWED).value, abs=1e-12)


@given(cells(least=6), st.floats(0.05, 0.95))
def test_unequal_draws_that_are_almost_equal_agree_with_equal_ones(cell, chance):
    f, y = cell
    drawn = ~np.isnan(y)
    assume(np.ptp(y[drawn] - BORROWED.lam * f[drawn]) > 0.01)
    n = int(drawn.sum())
    pi = np.where(drawn, n / len(f) if n < len(f) else chance, np.nan)
    nearly = pi.copy()
    nearly[0] *= 1 - 1e-5
    equal, unequal = balance(f, y, BORROWED, pi=pi), balance(f, y, BORROWED, pi=nearly)
    assert unequal.value == pytest.approx(equal.value, abs=1e-3)
    assert unequal.interval.freedom == pytest.approx(equal.interval.freedom, abs=1e-3)
    if n < len(f):
        assert unequal.interval.variance == pytest.approx(equal.interval.variance, rel=1e-2)


def test_unequal_draws_by_the_formula():
    f = np.zeros(12)
    y = np.array([1.0, 1, 0, -1, 0, 1, *[np.nan] * 6])
    pi = np.array([0.2, 0.2, 0.2, 0.8, 0.8, 0.8, *[np.nan] * 6])
    made = balance(f, y, BORROWED, pi=pi)
    w, e = 1 / pi[:6], y[:6]
    mean = (w * e).sum() / w.sum()
    assert made.value == pytest.approx(mean)
    part = (1 - pi[:6]) * w**2 / w.sum() ** 2
    own, lent = 6 / 5 * (part * (e - mean) ** 2).sum(), BORROWED.s2 * part.sum()
    kish = w.sum() ** 2 / (w**2).sum()
    assert made.interval.freedom == pytest.approx(kish - 1 + 10)
    assert made.interval.variance == pytest.approx(((kish - 1) * own + 10 * lent) / (kish + 9))


def test_unequal_draws_cover():
    # texts of one kind are drawn four times as often; the plain mean would be far off
    random = np.random.default_rng(7)
    total, runs, hits, plain = 200, 600, 0, 0
    often = np.arange(total) < 100
    truth = np.where(often, random.choice([-1, 0, 1], total, p=[0.1, 0.2, 0.7]), random.choice([-1, 0, 1], total))
    f = np.clip(truth * 0.5 + random.normal(0, 0.4, total), -1, 1)
    pi = np.where(often, 0.32, 0.08)
    for _ in range(runs):
        drawn = random.random(total) < pi
        y = np.where(drawn, truth, np.nan)
        made = balance(f, y, Borrowed(0.5, 0.3, 10), pi=np.where(drawn, pi, np.nan))
        hits += made.interval.low <= truth.mean() <= made.interval.high
        ignored = balance(f, y, Borrowed(0.5, 0.3, 10))
        plain += ignored.interval.low <= truth.mean() <= ignored.interval.high
    assert hits / runs >= 0.92
    assert plain < hits


def test_late_texts_are_left_out_and_counted():
    f = np.array([0.1] * 10 + [0.9] * 4)
    y = np.array([1.0, 0, 0, 1, -1, *[np.nan] * 9])
    late = np.arange(14) >= 10
    made = balance(f, y, BORROWED, late=late)
    alone = balance(f[:10], y[:10], BORROWED)
    assert (made.value, made.interval) == (alone.value, alone.interval)
    assert (made.late, made.coded) == (4, 5)
    assert made.model == pytest.approx(f.mean())


def test_late_texts_that_are_coded_are_a_stratum():
    f = np.linspace(-0.5, 0.5, 20)
    y = np.full(20, np.nan)
    y[:6], y[14:] = [1, 1, 0, 1, 1, 0], [-1, 0, -1, -1, 0, -1]
    late = np.arange(20) >= 12
    made = balance(f, y, BORROWED, late=late)
    one, two = balance(f[:12], y[:12], BORROWED), balance(f[12:], y[12:], BORROWED)
    assert made.value == pytest.approx(0.6 * one.value + 0.4 * two.value)
    assert made.interval.variance == pytest.approx(0.36 * one.interval.variance + 0.16 * two.interval.variance)
    assert made.interval.freedom == 6 + 6 + 8
    assert (made.late, made.coded) == (0, 12)


def test_a_stratum_of_which_all_is_coded_adds_no_degrees_of_freedom():
    f = np.linspace(-0.5, 0.5, 20)
    y = np.full(20, np.nan)
    y[:6], y[12:] = [1, 1, 0, 1, 1, 0], [-1, 0, -1, -1, 0, -1, 1, 0]
    made = balance(f, y, BORROWED, late=np.arange(20) >= 12)
    assert (made.interval.freedom, made.interval.borrowed) == (5 + 10, 10)


def test_a_cell_of_late_texts_only_is_not_corrected():
    made = balance(np.zeros(3), np.full(3, np.nan), BORROWED, late=np.ones(3, dtype=bool))
    assert made.interval is None
    assert "after the sample" in made.why


def test_arrays_that_can_not_be_right_are_refused():
    one = np.zeros(1)
    with pytest.raises(ValueError, match="without texts"):
        balance(np.array([]), np.array([]), BORROWED)
    with pytest.raises(ValueError, match="differ in length"):
        balance(np.zeros(2), one, BORROWED)
    with pytest.raises(ValueError, match="inclusion probability"):
        balance(one, one, BORROWED, pi=np.array([0.0]))
    with pytest.raises(ValueError, match="model balance"):
        balance(np.array([np.nan]), one, BORROWED)


def test_the_interval_can_be_recomputed():
    f, y = np.linspace(-1, 1, 30), np.array([1.0, -1, 0, 0, 1, 1, *[np.nan] * 24])
    made = balance(f, y, BORROWED, level=0.9)
    half = stats.t.ppf(0.95, made.interval.freedom) * made.interval.variance**0.5
    assert made.interval.high - made.value == pytest.approx(half)
