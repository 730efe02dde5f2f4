from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchmarks.differential_error import COVERS, MOST_WARNINGS, NAIVE, SEED, WORSE, score, synthetic
from pipeline.measure.error_rates import differential_error
from pipeline.measure.job import error_warnings
from pipeline.measure.summary import Summary
from pipeline.monitor.periods import period_of


@st.composite
def groups(draw):
    """(f, y) of a group with five or more codings whose errors vary."""
    n = draw(st.integers(5, 25))
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    f, y = random.uniform(-1, 1, n), random.choice([-1.0, 0.0, 1.0], n)
    f[0], y[0], f[1], y[1] = 0.5, 1.0, 0.5, -1.0
    return f, y


def test_an_example_computed_by_hand():
    # errors of A: .5 .3 .4 .2 .6 (mean .4, variance .025); of B: 0 .1 -.1 .2 -.2 (mean 0, variance .025)
    y = np.zeros(5)
    made = differential_error(np.array([0.5, 0.3, 0.4, 0.2, 0.6]), y, np.array([0, 0.1, -0.1, 0.2, -0.2]), y)
    half = 2.776445 * (0.025 / 5) ** 0.5
    assert (made.a.mean, made.a.low, made.a.high) == pytest.approx((0.4, 0.4 - half, 0.4 + half), abs=1e-6)
    # both sides alike: Welch's degrees of freedom are 8
    half = 2.306004 * (0.025 / 5 * 2) ** 0.5
    assert (made.difference, made.low, made.high) == pytest.approx((0.4, 0.4 - half, 0.4 + half), abs=1e-6)
    assert made.differs is True
    assert made.sentence == (
        "the model errs differently in the two groups: by +0.40 in A, +0.00 in B; trust only the corrected gap"
    )


@given(groups(), groups())
def test_the_difference_is_welchs(a, b):
    made = differential_error(*a, *b)
    known = stats.ttest_ind(a[0] - a[1], b[0] - b[1], equal_var=False).confidence_interval(0.95)
    assert (made.low, made.high) == pytest.approx((known.low, known.high), abs=1e-9)
    assert made.differs is bool(known.low > 0 or known.high < 0)
    assert ("trust only the corrected gap" in made.sentence) is made.differs


@given(groups(), groups())
def test_groups_changed_over_change_the_sign(a, b):
    one, other = differential_error(*a, *b), differential_error(*b, *a)
    assert (one.difference, one.low, one.high) == pytest.approx((-other.difference, -other.high, -other.low), abs=1e-12)


@given(groups(), groups())
def test_texts_without_coding_do_not_count(a, b):
    f = np.append(a[0], [0.9, np.nan])  # the last is not framed either
    y = np.append(a[1], [np.nan, np.nan])
    assert differential_error(f, y, *b) == differential_error(*a, *b)


@given(groups(), groups(), st.floats(0.01, 1))
def test_equal_draws_of_any_probability_are_the_same(a, b, chance):
    made = differential_error(*a, *b, pi_a=np.full(len(a[0]), chance))
    assert made.low == pytest.approx(differential_error(*a, *b).low, abs=1e-9)


def test_texts_drawn_more_often_count_less():
    f, y = np.array([1.0, 0.8, 1.0, 0.8, 0.1, -0.1, 0.1, -0.1]), np.zeros(8)
    pi = np.array([0.8] * 4 + [0.2] * 4)
    made = differential_error(f, y, f, y, pi_a=pi)
    assert made.a.mean == pytest.approx((4 * 0.9 / 0.8 + 0) / (4 / 0.8 + 4 / 0.2))
    assert made.b.mean == pytest.approx(0.45)


def test_few_codings_tell_nothing():
    y = np.array([0.0, 1, 0, 1, np.nan])
    made = differential_error(np.linspace(0, 1, 5), y, np.linspace(0, 1, 6), np.zeros(6))
    assert (made.difference, made.low, made.high, made.differs) == (None, None, None, None)
    assert (made.a.coded, made.a.mean, made.b.coded) == (4, None, 6)
    assert made.b.mean == pytest.approx(0.5)
    assert made.sentence.endswith("can't be told: 4 random codings in A, 6 in B, and 5 are needed in each")


def test_errors_that_are_all_alike_tell_nothing():
    made = differential_error(np.full(9, 0.3), np.zeros(9), np.linspace(0, 1, 6), np.zeros(6))
    assert (made.differs, made.a.low) == (None, None)
    assert "all alike" in made.sentence


def test_a_difference_that_is_not_shown_is_not_called_none():
    y = np.array([0.0, 1, -1, 1, 0])
    made = differential_error(np.linspace(-1, 1, 5), y, np.linspace(1, -1, 5), y)
    assert made.differs is False
    assert "not shown" in made.sentence
    assert f"{made.high:+.2f}" in made.sentence


def test_arrays_that_can_not_be_right_are_refused():
    five = np.zeros(5)
    with pytest.raises(ValueError, match="one length"):
        differential_error(five, np.zeros(4), five, five)
    with pytest.raises(ValueError, match="model balance"):
        differential_error(np.full(5, np.nan), five, five, five)
    with pytest.raises(ValueError, match="inclusion probability"):
        differential_error(five, five, five, five, pi_b=np.full(5, 1.5))


def test_a_model_that_errs_in_one_group_moves_the_model_gap_and_not_the_corrected_one():
    random = np.random.default_rng(SEED)
    row = score([synthetic(random) for _ in range(60)], WORSE, 20)
    assert row.bias > 0.3
    assert row.naive < NAIVE
    assert COVERS[0] - 0.02 <= row.corrected <= COVERS[1] + 0.02
    assert row.warned_pooled > 0.9


def test_a_model_that_errs_alike_is_seldom_warned_of():
    random = np.random.default_rng(SEED)
    row = score([synthetic(random, alike=True) for _ in range(60)], WORSE, 10)
    assert row.warned <= MOST_WARNINGS + 0.02
    assert row.difference >= 0.92


@pytest.mark.parametrize("late_codings", [1, 2, 4])
def test_a_few_codings_of_late_texts_raise_no_warning(monitor_of, late_codings):
    """Each of them would stand for many texts, and one alone for most of a group."""
    random = np.random.default_rng(5)
    span = period_of("quarter", date(2024, 1, 1))

    def cell(group: str) -> Summary:
        f, y = random.uniform(-1, 1, 300), random.choice([-1.0, 0.0, 1.0], 300)
        coded = np.zeros(300, dtype=bool)
        coded[:20] = coded[100 : 100 + late_codings] = True
        pi = np.where(np.arange(300) < 100, 0.2, late_codings / 200)
        late = np.arange(300) >= 100
        y, pi = np.where(coded, y, np.nan), np.where(coded, pi, np.nan)
        return Summary(group, span, coded_framed=int(coded.sum()), framed=300, f=f, y=y, pi=pi, late=late)

    warned = sum(bool(error_warnings(monitor_of(), {(g, span): cell(g) for g in "ab"})) for _ in range(200))
    assert warned <= 22  # 5% of 200, and four standard errors
