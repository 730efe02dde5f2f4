"""The smoothed interval covers whatever the neighbours say; they only decide towards which side it is short."""

from dataclasses import replace
from itertools import product
from time import monotonic

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchmarks.smoother import (
    MEAN_FLOOR,
    SHOWN,
    WORLDS,
    biased_critical,
    correct,
    draw,
    methods,
    robust_critical,
    score,
)
from pipeline.measure.balance import Balance, balance, borrow, moments, t_interval
from pipeline.measure.gap import gap
from pipeline.measure.smoother import (
    CELL_SPREADS,
    DECAYS,
    GROUP_SPREADS,
    LEVEL_SPREAD,
    expect,
    leaning_interval,
    line,
    smooth,
    smooth_gaps,
)

finite = st.floats(-2, 2, allow_nan=False)
positive = st.floats(0.001, 1.0)


def ends(value, variance, freedom, expected, spread):
    columns = [np.array([x], dtype=float) for x in (value, variance, freedom, expected, spread)]
    low, high = leaning_interval(*columns)
    return low[0], high[0]


def corrected(value, variance=0.02, n=10, model=0.0, lam=0.5):
    return Balance(value, model, n, lam=lam, interval=t_interval(value, variance, n + 9, 10))


# --- the interval ---


@pytest.mark.parametrize("away", [0.0, 0.5, 1.5, 4.0])
@pytest.mark.parametrize("spread", [0.1, 1.0])
def test_it_covers_wherever_the_truth_lies(away, spread):
    # neighbours expect 0; the truth is ``away`` standard errors from there; standard errors are estimated
    random, runs, freedom = np.random.default_rng(3), 5000, 14
    variance = random.chisquare(freedom, runs) / freedom
    value = away + random.normal(size=runs)
    everywhere = np.ones(runs)
    low, high = leaning_interval(value, variance, freedom * everywhere, 0 * everywhere, spread * everywhere)
    covered = ((low <= away) & (away <= high)).mean()
    assert covered == pytest.approx(0.95, abs=0.01)
    plain = 2 * stats.t.ppf(0.975, freedom) * np.sqrt(variance)
    if away == 0:
        assert (high - low).mean() < 0.95 * plain.mean()
    if away == 4:
        assert (high - low).mean() > plain.mean()


def test_neighbours_that_know_nothing_leave_the_t_interval():
    half = stats.t.ppf(0.975, 14) * 0.2
    assert ends(0.3, 0.04, 14, -0.5, 1e6) == pytest.approx((0.3 - half, 0.3 + half), abs=1e-4)


def test_neighbours_that_are_sure_make_it_reach_from_them_to_the_one_sided_end():
    # Pratt's interval: to the expected point on one side, to the one-sided 95% end on the other
    low, high = ends(1.0, 0.04, 1e6, 0.0, 1e-6)
    assert (low, high) == pytest.approx((0.0, 1.0 + 1.6449 * 0.2), abs=1e-2)


def test_it_is_shorter_by_a_sixth_at_most():
    value = np.random.default_rng(1).normal(size=4000)
    one = np.ones_like(value)
    low, high = leaning_interval(value, one, 1e6 * one, 0 * one, 1e-4 * one)
    assert (high - low).mean() / (2 * 1.96) == pytest.approx(0.85, abs=0.01)


@given(finite, positive, st.integers(4, 60), finite, positive)
def test_it_holds_the_estimate_and_the_line(value, variance, freedom, expected, spread):
    low, high = ends(value, variance, freedom, expected, spread)
    se = variance**0.5
    assert low <= value - 1.64 * se
    assert value + 1.64 * se <= high
    assert low <= line(value, variance, expected, spread) <= high


@given(finite, positive, st.integers(4, 60), finite, positive, finite, st.sampled_from([0.5, 2.0]))
def test_units_do_not_matter(value, variance, freedom, expected, spread, shift, scale):
    low, high = ends(value, variance, freedom, expected, spread)
    moved = ends(shift + scale * value, scale**2 * variance, freedom, shift + scale * expected, scale**2 * spread)
    assert moved == pytest.approx((shift + scale * low, shift + scale * high), abs=1e-6)
    mirrored = ends(-value, variance, freedom, -expected, spread)
    assert mirrored == pytest.approx((-high, -low), abs=1e-6)


@given(finite, positive, finite, positive)
def test_the_line_moves_towards_the_neighbours_but_not_far(value, variance, expected, spread):
    drawn = line(value, variance, expected, spread)
    assert abs(drawn - value) <= 0.75 * variance**0.5 + 1e-12
    assert (drawn - value) * (expected - value) >= 0


# --- what neighbours say ---


def test_neighbours_say_what_a_group_was_off_by():
    group, period = np.array([0, 0, 0, 1, 1, 1]), np.array([0, 1, 3, 0, 1, 3])
    error = np.array([0.3, 0.3, 0.3, -0.3, -0.3, -0.3])
    mean, covariance = expect(error, np.full(6, 0.001), group, period, np.array([0, 1]), 2)
    assert mean == pytest.approx([0.3, -0.3], abs=0.06)
    assert np.all(np.linalg.eigvalsh(covariance) > 0)


def test_neighbours_that_differ_are_trusted_less():
    group, period = np.zeros(6, dtype=int), np.array([0, 1, 2, 4, 5, 6])
    calm, restless = np.full(6, 0.1), np.array([0.5, -0.3, 0.4, -0.5, 0.6, -0.1])
    spreads = [expect(e, np.full(6, 0.002), group, period, np.array([0]), 3).covariance[0, 0] for e in (calm, restless)]
    assert spreads[0] < 0.02
    assert spreads[1] > 0.1


def test_many_data_sets_at_once_are_as_one_by_one():
    random = np.random.default_rng(2)
    error, variance = random.normal(size=(3, 8)), random.uniform(0.01, 0.1, (3, 8))
    group, period = np.repeat([0, 1], 4), np.tile([0, 1, 2, 4], 2)
    mean, covariance = expect(error, variance, group, period, np.array([0, 1]), 3)
    for i in range(3):
        own = expect(error[i], variance[i], group, period, np.array([0, 1]), 3)
        assert mean[i] == pytest.approx(own.mean)
        assert covariance[i] == pytest.approx(own.covariance)


def dense(error, variance, group, period, wanted, when):
    """The same, of one data set, by the covariance matrix of all cells: what it is by definition."""
    at = np.full(len(wanted), when)
    likelihoods, means, covariances = [], [], []
    for g, s, d in product(GROUP_SPREADS, CELL_SPREADS, DECAYS):
        if g == 0 and d != DECAYS[0]:
            continue  # one and the same prior

        def kernel(groups, periods, others, other_periods, g=g, s=s, d=d):
            apart = np.abs(periods[:, None] - other_periods)
            return LEVEL_SPREAD**2 + (groups[:, None] == others) * (g**2 * d**apart + s**2 * (apart == 0))

        total = kernel(group, period, group, period) + np.diag(variance)
        cross = kernel(group, period, wanted, at)
        likelihoods.append(stats.multivariate_normal.logpdf(error, cov=total))
        means.append(cross.T @ np.linalg.solve(total, error))
        covariances.append(kernel(wanted, at, wanted, at) - cross.T @ np.linalg.solve(total, cross))
    weights = np.exp(np.array(likelihoods) - max(likelihoods))
    weights /= weights.sum()
    mean = weights @ np.array(means)
    spread = [c + np.outer(m - mean, m - mean) for c, m in zip(covariances, means, strict=True)]
    return mean, np.tensordot(weights, np.array(spread), axes=1)


@pytest.mark.parametrize("seed", range(4))
def test_group_by_group_it_is_what_the_covariance_of_all_cells_gives(seed):
    # groups of unequal length with holes, one of a single cell, a cell measured twice, a wanted group nobody has seen
    random = np.random.default_rng(seed)
    group = np.array([0, 0, 0, 0, 2, 2, 5, 7, 7, 7, 7, 7])
    period = np.array([0, 1, 4, 9, 1, 8, 4, 0, 1, 1, 2, 8])
    error, variance = random.normal(0, 0.3, 12), random.uniform(0.005, 0.2, 12)
    wanted = np.array([7, 0, 3, 5, 7])
    mean, covariance = expect(error, variance, group, period, wanted, 3)
    by_all = dense(error, variance, group, period, wanted, 3)
    assert mean == pytest.approx(by_all[0], abs=1e-9)
    assert covariance == pytest.approx(by_all[1], abs=1e-9)


def test_forty_groups_in_forty_quarters_take_no_minute():
    group, period = np.repeat(np.arange(40), 40), np.tile(np.arange(40), 40)
    random, others = np.random.default_rng(1), period != 20
    error, variance = random.normal(0, 0.2, 1600), random.uniform(0.01, 0.1, 1600)
    began = monotonic()
    expect(error[others], variance[others], group[others], period[others], np.arange(40), 20)
    # one of the forty: about .1 s, by the covariance of all cells at once 30
    assert monotonic() - began < 5


def test_a_cell_is_not_its_own_neighbour():
    cell = np.array([1])
    with pytest.raises(ValueError, match="no neighbour"):
        expect(np.zeros(1), np.ones(1), cell, cell, cell, 1)
    with pytest.raises(ValueError, match="without neighbours"):
        expect(np.zeros(0), np.zeros(0), cell[:0], cell[:0], cell, 1)


# --- cells ---


def series(last=0.2):
    """Group a about 0, group b about .2, four periods."""
    values = {"a": [0.02, -0.03, 0.01, 0.0], "b": [0.2, 0.22, 0.18, last]}
    return {(group, t): corrected(v) for group, own in values.items() for t, v in enumerate(own)}


def test_cells_that_agree_are_smoothed_to_shorter_intervals():
    cells = series()
    for key, made in smooth(cells).items():
        own = cells[key].interval
        assert made.why is None
        assert made.high - made.low < 0.95 * (own.high - own.low)
        assert made.low < made.value < made.high


def test_codings_of_a_period_do_not_tell_what_to_expect_of_it():
    one, two = smooth(series(last=0.2)), smooth(series(last=-0.6))
    assert one["a", 3] == two["a", 3]
    assert one["a", 2] != two["a", 2]


def test_gaps_are_those_of_the_house():
    cells = series()
    made = smooth_gaps(cells, [("a", "b")])
    assert sorted(made) == [("a", "b", t) for t in range(4)]
    for (a, b, t), smoothed in made.items():
        own = gap(cells[a, t], cells[b, t])
        assert smoothed.low <= own.value <= smoothed.high
        assert smoothed.high - smoothed.low < own.interval.high - own.interval.low


def test_the_other_way_round_the_gap_changes_its_sign():
    cells = series()
    there, back = smooth_gaps(cells, [("a", "b")]), smooth_gaps(cells, [("b", "a")])
    assert back["b", "a", 1].value == pytest.approx(-there["a", "b", 1].value)
    assert back["b", "a", 1].low == pytest.approx(-there["a", "b", 1].high)


def test_what_can_not_be_smoothed_says_why():
    cells = series()
    cells["a", 0] = Balance(0.4, 0.4, 2, why="2 random codings, 5 are needed")
    del cells["b", 3], cells["b", 2]
    made = smooth(cells)
    assert (made["a", 0].value, made["a", 0].low, made["a", 0].high) == (0.4, None, None)
    assert "not corrected" in made["a", 0].why
    assert made["b", 1].why == "b is corrected in 1 other period, 2 are needed"
    assert made["a", 1].why is None
    gaps = smooth_gaps(cells, [("a", "b")])
    assert "not corrected" in gaps["a", "b", 0].why
    assert gaps["a", "b", 1].why == "b is corrected in 1 other period, 2 are needed"
    assert gaps["a", "b", 1].value == pytest.approx(cells["a", 1].value - cells["b", 1].value)
    assert ("a", "b", 2) not in gaps


def test_a_cell_with_late_texts_is_not_smoothed_and_lends_nothing():
    cells = series()
    found = smooth_gaps(cells | {("a", 3): replace(cells["a", 3], late=100)}, [("a", "b")])
    assert found["a", "b", 3].low is None
    assert found["a", "b", 3].why == "100 texts of a are late, and in no corrected balance"
    without = smooth_gaps({key: one for key, one in cells.items() if key != ("a", 3)}, [("a", "b")])
    assert found["a", "b", 2] == without["a", "b", 2]


def test_where_all_texts_are_coded_nothing_is_smoothed():
    cells = series() | {("a", 1): corrected(-0.03, variance=0.0)}
    made = smooth(cells)["a", 1]
    assert (made.low, made.value, made.high) == (-0.03, -0.03, -0.03)


# --- the benchmark ---


def test_the_benchmark_corrects_and_smooths_as_the_house_does():
    random, n, total, count = np.random.default_rng(5), 6, 30, 8
    y = random.choice([-1.0, 0.0, 1.0], (count, total))
    f = np.clip(0.5 * y + random.normal(0, 0.3, y.shape), -1, 1)
    part, error, variance = correct(f.mean(axis=1)[None], f[None, :, :n], y[None, :, :n], np.full((1, count), 30.0))
    lent = [moments(f[c, :n], y[c, :n]) for c in range(count)]
    for c in range(count):
        coded = np.where(np.arange(total) < n, y[c], np.nan)
        own = balance(f[c], coded, borrow(lent[:c] + lent[c + 1 :]))
        assert part[0, c] + error[0, c] == pytest.approx(own.value)
        assert part[0, c] == pytest.approx(own.lam * own.model)
        assert variance[0, c] == pytest.approx(own.interval.variance)


def test_the_benchmark_scores_what_is_shown():
    audits = draw(WORLDS[1], 5, 2, np.random.default_rng(4))
    cells = {}
    for i, (g, t) in enumerate(zip(audits.group, audits.period, strict=True)):
        value, model = audits.balance[0, i], audits.model_part[0, i]
        interval = t_interval(value, audits.variance[0, i], audits.n + 9, 10)
        cells["abcd"[g], int(t)] = Balance(value, model, audits.n, lam=1.0, interval=interval)
    made = smooth_gaps(cells, [("a", "b")])["a", "b", 3]
    o = audits.period != 3
    mean, covariance = expect(
        audits.error[:, o], audits.variance[:, o], audits.group[o], audits.period[o], np.arange(4), 3
    )
    value, low, high = dict(methods(audits, (0, 1), 3, mean, covariance))[SHOWN]
    assert (value[0], low[0], high[0]) == pytest.approx((made.value, made.low, made.high))


def test_it_covers_where_believing_the_neighbours_does_not():
    rift = WORLDS[2]
    scores = score(draw(rift, 5, 60, np.random.default_rng(6)))
    shown, believed = scores["gap", SHOWN], scores["gap", "full Bayes"]
    assert shown.mean >= MEAN_FLOOR
    assert shown.jump >= 0.88  # 180 intervals: a standard error is .02
    assert shown.width < 0.92
    assert believed.jump < 0.5
    assert shown.error < 0.8 * scores["gap", "unsmoothed"].error
    assert shown.jump_error < 1.3 * scores["gap", "unsmoothed"].jump_error


def test_critical_values_known_otherwise():
    # a bias known to be b: |N(b, 1)| has .95 quantile b + 1.645 for large b; without bias 1.96
    assert biased_critical(np.array([0.0, 4.0, 20.0])) == pytest.approx([1.96, 5.645, 21.645], abs=0.02)
    # the larger the mean square of the biases, the wider; without any 1.96
    wide = robust_critical(np.array([0.0, 0.1, 1.0, 10.0]))
    assert wide[0] == pytest.approx(1.96, abs=0.01)
    assert np.all(np.diff(wide) > 0)
    # two-point biases of mean square 1, the worst there are, leave 5% out
    at = wide[2]
    worst = max(stats.norm.sf(at - b) / b**2 + (1 - 1 / b**2) * 2 * stats.norm.sf(at) for b in np.linspace(1, 20, 400))
    assert worst == pytest.approx(0.05, abs=0.002)
