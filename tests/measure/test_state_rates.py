"""The simulation of false states: its texts are what its series say, and its small run keeps the stated rates."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import poisson

from benchmarks.states import (
    CHANGED,
    CLAIMED,
    NOTHING,
    PLANNED,
    SLOPE,
    WEEKS,
    WORLDS,
    World,
    answer,
    lent,
    make_texts,
    outages,
    passed,
    rises,
    rounds,
    run,
    sources,
    upper_limit,
)
from pipeline.measure.state import RIFT


def made(world, seed=1):
    return make_texts(world, np.full(10, 200), np.random.default_rng(seed))


@pytest.mark.parametrize("world", [NOTHING, World("copies", copies=True), World("mix", mix=sources, volume=outages)])
def test_the_texts_of_a_week_are_what_its_series_says(world):
    texts = made(world)
    series = texts.series(3, SLOPE)
    for week in (0, 60, 400):
        f, y = texts.side(3, slice(week, week + 1), SLOPE, np.random.default_rng(week))
        assert len(f) == series.texts[week]
        if len(f):
            assert f.mean() == pytest.approx(series.mean[week])
            assert int((y == 1).sum()) == texts.plus[week, 3]
            assert int((y == -1).sum()) == texts.minus[week, 3]


def test_a_world_with_a_change_has_it_and_one_without_has_none():
    before, after = slice(0, 200), slice(200, WEEKS)

    def level(world, weeks):
        texts = made(world)
        n = texts.number[weeks, ::2].sum()
        return (texts.plus[weeks, ::2].sum() - texts.minus[weeks, ::2].sum()) / n

    assert abs(level(NOTHING, after) - level(NOTHING, before)) < 0.02
    assert level(CHANGED[0], after) - level(CHANGED[0], before) == pytest.approx(0.4, abs=0.02)


def test_coders_take_turns_from_ten_each_to_the_plan():
    every = list(rounds([40, 40, 12, 40], every=True))
    assert every[0] == [10, 10, 10, 10]
    assert every[-1] == [40, 40, 12, 40]
    assert all(sum(b) - sum(a) == 1 for a, b in pairwise(every))
    assert list(rounds([40, 40, 12, 40], every=False)) == [[n, n, min(n, 12), n] for n in range(10, 41)]


def test_coders_see_a_change_and_do_not_see_the_models_error():
    random = np.random.default_rng(20090919)
    moved, broken = made(World("moved", moves=1.0)), made(World("broken", breaks=0.6))
    weeks = (slice(200, 240), slice(0, 52))
    claims = []
    for texts in (moved, broken):
        sides = [texts.side(group, stretch, SLOPE, random) for stretch in weeks for group in (0, 1)]
        assert sum(len(y) for _, y in sides) > PLANNED
        claims.append([answer(sides, lent(random), risen, every=False) for risen in (False, True)])
    assert claims == [["diverging", "rift"], ["steady", "steady"]]


def test_criticism_that_rises_tenfold_is_seen_and_one_that_does_not_is_not():
    random = np.random.default_rng(20090919)
    loud = World("loud", criticised=10.0)
    seen = [rises((1000, 1000), (4, 4), loud, changed, random) for changed in (True, False) for _ in range(20)]
    assert sum(one.evidence for one in seen[:20]) >= 18
    assert sum(one.evidence for one in seen[20:]) <= 2
    assert sum(one.naive for one in seen[20:]) > sum(one.evidence for one in seen[20:])


def test_a_small_run_keeps_the_stated_rates_and_is_the_same_again():
    first, again = run(WORLDS[0], 20, False), run(WORLDS[0], 20, False)
    assert first == again
    assert 195 < first.years <= 200
    assert first.count(*CLAIMED) <= NOTHING.claims * first.years
    assert first.count(RIFT) == 0
    assert first.naive_claims / first.years > 1


@pytest.mark.parametrize(("count", "beyond"), [(0, False), (5, False), (6, True), (7, True), (10, True)])
def test_a_stated_rate_is_passed_by_more_than_chance_brings(count, beyond):
    # 2.5 are expected; 6 or more come in 4.2 of 100 such runs
    assert passed(count, 0.00025, 10_000) is beyond


@pytest.mark.parametrize("count", [0, 1, 7, 40])
def test_the_upper_limit_is_the_rate_under_which_so_few_are_rare(count):
    limit = upper_limit(count, 10_000)
    assert poisson.cdf(count, limit * 10_000) == pytest.approx(0.05)
    assert upper_limit(0, 10_000) == pytest.approx(-np.log(0.05) / 10_000)
