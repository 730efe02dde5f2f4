import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks import alarm_worlds
from pipeline.measure.alarm.cusum import Alarm, watch
from pipeline.measure.alarm.reference import Reference, reference, standardise

NAN = np.nan
UNIT = Reference(first=0, last=1, used=2, mean=0.0, noise=1.0, sigma_u=0.0)
"""Makes z = m where v = 1."""


def path(z, threshold=4.0, **more):
    m = np.array([0.0, 0.0, *z])
    return watch(m, np.where(np.isnan(m), NAN, 1.0), UNIT, threshold, **more)


def ups(made):
    return [a for a in made.alarms if a.side > 0]


def test_an_example_computed_by_hand():
    made = path([1.5, -2.0, 2.5, 1.0, NAN, 2.6, 0.0])
    assert made.up == pytest.approx([0, 0, 1.0, 0, 2.0, 2.5, 2.5, 4.6, 4.1])
    assert made.down == pytest.approx([0, 0, 0, 1.5, 0, 0, 0, 0, 0])
    # C was last 0 in week 3
    assert made.alarms == (Alarm(at=7, since=4, side=1, closed=None),)


def test_a_fall_is_watched_like_a_rise():
    z = [1.5, -2.0, 2.5, 1.0, NAN, 2.6, 0.0]
    up, down = path(z), path([-x for x in z])
    assert down.down == pytest.approx(up.up)
    assert down.alarms == (Alarm(at=7, since=4, side=-1, closed=None),)


def test_the_reference_itself_is_not_watched():
    m = np.array([90.0, -90.0, 0.0, 0.0])
    made = watch(m, np.ones(4), UNIT, 4.0)
    assert not made.up.any()
    assert not made.alarms


def test_an_alarm_is_counted_once_until_it_closes():
    made = ups(path([5.0, -1.0, 5.0, -9.0, *[0.0] * 7, 5.0]))
    # weeks 2 and 4 lie above; then 0 in weeks 5 to 12, the eighth of which closes
    assert [(a.at, a.closed) for a in made] == [(2, 12), (13, None)]
    assert made[1].since == 13


def test_one_week_less_of_quiet_does_not_close():
    z = [5.0, -9.0, *[0.0] * 6, 5.0]
    assert [(a.at, a.closed) for a in ups(path(z))] == [(2, None)]
    assert [(a.at, a.closed) for a in ups(path(z, quiet=7))] == [(2, 9), (10, None)]


def test_a_missing_week_neither_closes_nor_breaks_the_quiet():
    with_hole = path([5.0, -9.0, *[0.0] * 3, NAN, NAN, *[0.0] * 4])
    assert ups(with_hole)[0].closed == 2 + 10
    silent = path([5.0, -9.0, *[NAN] * 20])
    assert ups(silent)[0].closed is None


def test_a_silence_before_the_rise_is_not_part_of_it():
    made = path([0.0, NAN, NAN, 3.0, 3.0])
    assert made.alarms == (Alarm(at=6, since=5, side=1, closed=None),)
    # a silence within it is
    made = path([0.0, 3.0, NAN, NAN, 3.0])
    assert made.alarms == (Alarm(at=6, since=3, side=1, closed=None),)


def test_both_sides_can_have_an_alarm():
    made = path([5.0, 0.0, -12.0])
    assert [(a.at, a.side) for a in made.alarms] == [(2, 1), (4, -1)]


def test_reaching_the_threshold_is_not_crossing_it():
    assert not path([4.5]).alarms
    assert path([4.75]).alarms


def test_a_week_of_few_texts_weighs_less():
    m = np.array([0.0, 0.0, 5.0])
    few = watch(m, np.array([1.0, 1.0, 4.0]), UNIT, 4.0)
    assert few.up[2] == pytest.approx(5 / 2 - 0.5)
    assert not few.alarms


@given(st.lists(st.floats(-4, 4) | st.just(NAN), max_size=60), st.integers(0, 40), st.floats(1, 6))
def test_what_was_published_stays(z, cut, threshold):
    """More weeks change nothing before them but whether an alarm has closed."""
    long, short = path(z, threshold), path(z[:cut], threshold)
    n = len(short.z)
    assert np.array_equal(long.up[:n], short.up)
    assert np.array_equal(long.down[:n], short.down)
    early = [a for a in long.alarms if a.at < n]
    assert [(a.at, a.since, a.side) for a in early] == [(a.at, a.since, a.side) for a in short.alarms]


@given(st.integers(0, 10**6), st.floats(0.3, 3), st.floats(-0.5, 0.5))
def test_a_model_that_scores_reference_and_present_alike_makes_no_step(seed, factor, shift):
    """A promotion: the other model is steeper and leans elsewhere, in all of history."""
    random = np.random.default_rng(seed)
    m, v = random.normal(0, 0.3, 80), 0.5 / random.integers(3, 30, 80)
    n, w = shift + factor * m, factor**2 * v
    before = watch(m, v, reference(m, v, length=26), 4.0)
    after = watch(n, w, reference(n, w, length=26), 4.0)
    assert after.up == pytest.approx(before.up, abs=1e-3)
    assert after.down == pytest.approx(before.down, abs=1e-3)


@given(st.lists(st.floats(-4, 4) | st.just(NAN), max_size=60), st.floats(1, 6))
def test_the_period_of_an_alarm_begins_after_the_last_zero(z, threshold):
    made = path(z, threshold)
    for alarm in made.alarms:
        c = made.up if alarm.side > 0 else made.down
        assert c[alarm.at] > threshold
        assert (c[alarm.since : alarm.at + 1] > 0).all()
        assert c[alarm.since - 1] == 0
        assert not np.isnan(made.z[alarm.since])


@given(st.integers(0, 10**6), st.sampled_from([0.0, 0.4]), st.floats(1, 8), st.integers(1, 8), st.integers(8, 30))
def test_the_benchmarks_batch_is_the_same_alarm(seed, phi, threshold, quiet, length):
    random = np.random.default_rng(seed)
    world = alarm_worlds.plain((length + 70, 4), phi, random, mean=3.0, between=random.choice([0.0, 0.1, 0.5]))
    world.m[random.random(world.m.shape) < 0.1] = NAN
    v = np.where(np.isnan(world.m), NAN, world.v)
    world.m[40:] += random.normal(0, 0.3, 4)
    if ((~np.isnan(world.m)).sum(axis=0) < length).any():
        return
    refs = alarm_worlds.references(world.m, v, length)
    z = alarm_worlds.standardised(world.m, v, refs)
    made = alarm_worlds.sums(z, refs.last)
    found = alarm_worlds.alarms(made, threshold, quiet=quiet)
    for dyad in range(4):
        m, own = world.m[:, dyad], v[:, dyad]
        ref = reference(m, own, length=length)
        assert refs.last[dyad] == ref.last
        assert refs.mean[dyad] == pytest.approx(ref.mean, abs=1e-6)
        assert refs.sigma_u[dyad] ** 2 == pytest.approx(ref.sigma_u**2, abs=1e-7)
        assert z[:, dyad] == pytest.approx(standardise(m, own, ref), abs=1e-4, nan_ok=True)
        # from here on with the very same reference, or a hair's breadth at the threshold would decide
        same = Reference(ref.first, ref.last, ref.used, refs.mean[dyad], ref.noise, refs.sigma_u[dyad])
        one = watch(m, own, same, threshold, quiet=quiet)
        assert made.c[0, :, dyad] == pytest.approx(one.up, abs=1e-9)
        assert made.c[1, :, dyad] == pytest.approx(one.down, abs=1e-9)
        for row, side in enumerate((1, -1)):
            mine = [a for a in one.alarms if a.side == side]
            assert np.flatnonzero(found.raised[row, :, dyad]).tolist() == [a.at for a in mine]
            open_ = np.zeros(len(m), dtype=bool)
            for a in mine:
                open_[a.at : len(m) if a.closed is None else a.closed] = True
            assert np.array_equal(found.open[row, :, dyad], open_)


def test_what_can_not_be_watched_is_refused():
    with pytest.raises(ValueError, match="must be positive"):
        path([0.0], threshold=0.0)
    with pytest.raises(ValueError, match="must be positive"):
        path([0.0], threshold=NAN)
    with pytest.raises(ValueError, match="must be positive"):
        path([0.0], quiet=0)
    with pytest.raises(ValueError, match="missing in the same weeks"):
        watch(np.array([0.0, NAN, 1.0]), np.ones(3), UNIT, 4.0)
