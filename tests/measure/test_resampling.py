from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.no_rift import sources_world, weeks_world
from pipeline.measure.resampling import (
    ResamplingError,
    Weekly,
    _draw_blocks,
    _random_halves,
    assignments,
    change_test,
    p_value,
    permutation_test,
    permuted_labels,
    placebo_dates,
    placebo_dyads,
    weekly,
)


def test_p_counts_the_seen_figure_itself():
    assert p_value(3.0, np.array([1.0, 2.0, 2.9])) == 1 / 4
    assert p_value(2.0, np.array([1.0, 2.0, 2.9])) == 3 / 4
    assert p_value(2.0 + 1e-15, np.array([1.0, 2.0, 2.9])) == 3 / 4
    with pytest.raises(ValueError, match="at least one"):
        p_value(1.0, np.array([]))


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 2)), min_size=1, max_size=12), st.integers(0, 99))
def test_every_stratum_keeps_its_labels(units, seed):
    label, stratum = (np.array(each) for each in zip(*units, strict=True))
    made = permuted_labels(label, stratum, 20, np.random.default_rng(seed))
    for each in np.unique(stratum):
        assert (made[:, stratum == each].sum(axis=1) == label[stratum == each].sum()).all()


def test_every_assignment_is_as_likely():
    label = np.array([True, True, False, False])
    made = permuted_labels(label, np.zeros(4), 6000, np.random.default_rng(1))
    seen = [int((made[:, list(pair)].all(axis=1)).sum()) for pair in combinations(range(4), 2)]
    assert sum(seen) == 6000
    assert all(860 < times < 1140 for times in seen)
    assert assignments(label, np.zeros(4)) == 6
    assert assignments(label, np.array([0, 1, 0, 1])) == 4


def fields(world):
    return world.f, world.source, world.in_a, world.language


def test_the_permuted_gap_is_the_gap_of_the_means_in_one_language():
    world = sources_world(np.random.default_rng(1), 0.2)
    made = permutation_test(world.f, world.source, world.in_a, np.zeros(len(world.f)), seed=1, replicates=99)
    assert made.statistic == pytest.approx(world.f[world.in_a].mean() - world.f[~world.in_a].mean())
    assert made.flags == ()
    assert made.resampled == "group labels over 12 and 12 sources, within language"


def test_a_large_gap_is_found_and_the_order_of_texts_does_not_matter():
    world = sources_world(np.random.default_rng(1), 1.0)
    made = permutation_test(*fields(world), seed=1, replicates=199)
    order = np.random.default_rng(2).permutation(len(world.f))
    again = permutation_test(*(each[order] for each in fields(world)), seed=1, replicates=199)
    assert made.p == again.p == 1 / 200
    assert made.statistic == pytest.approx(again.statistic)


def test_a_difference_of_languages_is_no_gap():
    # A writes mostly in the language in which everybody is higher
    random = np.random.default_rng(3)
    source = np.repeat(np.arange(32), 20)
    in_a = source < 16
    language = np.where(np.isin(source, [*range(12), *range(16, 20)]), "ar", "ps")
    f = (language == "ar") * 1.0 + random.normal(0, 0.1, len(source))
    assert f[in_a].mean() - f[~in_a].mean() > 0.4
    made = permutation_test(f, source, in_a, language, seed=1)
    assert abs(made.statistic) < 0.05
    assert made.p > 0.05


def test_gaps_of_languages_are_weighed_by_their_sources():
    # language 0: 8 and 2 sources, gap 1, weight 8 * 2/10; language 1: 2 and 8, gap .2, the same; language 2: 4 and 4
    source = np.repeat(np.arange(28), 2)
    in_a = np.isin(source, [*range(8), 10, 11, *range(20, 24)])
    language = np.select([source < 10, source < 20], [0, 1], 2)
    f = in_a * np.select([language == 0, language == 1], [1.0, 0.2], -0.5)
    made = permutation_test(f, source, in_a, language, seed=1, replicates=9)
    assert made.statistic == pytest.approx((1.6 * 1.0 + 1.6 * 0.2 + 2 * -0.5) / 5.2)


def test_languages_of_one_group_only_are_left_out_and_said():
    world = sources_world(np.random.default_rng(1), 0.2)
    f, source, in_a, language = fields(world)
    more = np.repeat(np.arange(100, 103), 4)
    made = permutation_test(
        np.concatenate([f, np.ones(12)]),
        np.concatenate([source, more]),
        np.concatenate([in_a, np.ones(12, dtype=bool)]),
        np.concatenate([language, np.full(12, 7)]),
        seed=1,
    )
    assert made.flags == ("3 sources left out: their languages have sources of one group only",)
    assert made.statistic == pytest.approx(permutation_test(f, source, in_a, language, seed=1).statistic)


def test_under_ten_sources_labels_are_not_permuted():
    world = sources_world(np.random.default_rng(1), 0.5, sources=9)
    with pytest.raises(ResamplingError, match="9 and 9 sources in languages that both groups use; 10 of each"):
        permutation_test(*fields(world), seed=1)
    # ten, of which one writes in a language of its own
    world = sources_world(np.random.default_rng(1), 0.5, sources=10)
    with pytest.raises(ResamplingError, match="9 and 10 sources"):
        permutation_test(world.f, world.source, world.in_a, np.where(world.source == 0, 9, 1), seed=1)


def test_the_size_of_the_permutation_test():
    random = np.random.default_rng(12)
    p = [permutation_test(*fields(sources_world(random, 0.0)), seed=i, replicates=99).p for i in range(300)]
    assert 0.02 <= np.mean(np.array(p) <= 0.05) <= 0.09
    assert 0.4 < np.mean(p) < 0.6


def test_texts_by_week():
    made = weekly([0.5, 0.1, 0.3, -1.0], ["a", "a", "a", "b"], np.array([True] * 3 + [False]), [0, 0, 2, 1], weeks=3)
    assert made.sums == pytest.approx(np.array([[0.6, 0, 0.3], [0, -1, 0]]))
    assert made.counts.tolist() == [[2, 0, 1], [0, 1, 0]]
    assert made.in_a.tolist() == [True, False]
    assert made.by_group().sum(axis=0) == pytest.approx(np.array([[0.6, 0, 0.3], [2, 0, 1], [0, -1, 0], [0, 1, 0]]))


STRETCHES = ((0, 26), (26, 52))


def test_the_change_is_the_difference_of_two_gaps():
    texts = weeks_world(np.random.default_rng(1), 52, 0.0, shift=0.3, at=26)
    made = change_test(texts, *STRETCHES, seed=1)
    a, n_a, b, n_b = texts.by_group().sum(axis=0)
    gaps = [a[s].sum() / n_a[s].sum() - b[s].sum() / n_b[s].sum() for s in (slice(0, 26), slice(26, 52))]
    assert made.statistic == pytest.approx(gaps[1] - gaps[0])
    assert made.p < 0.05
    assert "blocks of 4 weeks" in made.resampled
    assert "more than 4 apart are independent" in made.assumption


def test_the_standard_error_is_that_of_repeated_worlds():
    """Independent weeks, three blocks a stretch: the variance that one world says is that of the change over worlds.

    Drawn blocks scatter about the stretch's own mean, less by 1 - block/weeks.
    """
    random = np.random.default_rng(2)
    changes, said, drawn = [], [], []
    for _ in range(400):
        series = weeks_world(random, 24, 0.0).by_group().sum(axis=0, keepdims=True)
        old, new = (_draw_blocks(series[..., half], 4, 50, random) for half in (slice(0, 12), slice(12, 24)))
        changes.append(new.gap - old.gap)
        said.append(new.variance + old.variance)
        drawn.append((new.variances + old.variances).mean())
    assert np.mean(said) == pytest.approx(np.var(changes), rel=0.2)
    assert np.mean(drawn) == pytest.approx(np.mean(said) * (1 - 4 / 12), rel=0.1)


@pytest.mark.parametrize("week", [0, 5, 11])
def test_every_week_is_drawn_as_often_as_every_other(week):
    series = np.array([[np.arange(12) == week, np.ones(12), np.zeros(12), np.ones(12)]], dtype=float)
    made = _draw_blocks(series, 4, 6000, np.random.default_rng(1))
    assert made.gap == pytest.approx(1 / 12)
    assert made.gaps.mean() == pytest.approx(1 / 12, rel=0.05)


@pytest.mark.parametrize("lag", [0.0, 0.3])
def test_the_size_of_the_block_bootstrap(lag):
    random = np.random.default_rng(4)
    p = [change_test(weeks_world(random, 52, lag, shared=0.5), *STRETCHES, seed=i, replicates=99).p for i in range(200)]
    assert np.mean(np.array(p) <= 0.05) <= 0.1


def test_strong_autocorrelation_is_flagged():
    random = np.random.default_rng(5)
    flagged = {
        lag: np.mean(
            [
                bool(change_test(weeks_world(random, 104, lag), (0, 52), (52, 104), seed=i, replicates=9).flags)
                for i in range(40)
            ]
        )
        for lag in (0.0, 0.8)
    }
    assert flagged[0.0] <= 0.05
    assert flagged[0.8] >= 0.9
    (flag,) = change_test(weeks_world(random, 104, 0.9), (0, 52), (52, 104), seed=1, replicates=9).flags
    assert "blocks of 4 weeks are short" in flag
    assert "blocks of 12 weeks" in flag


def test_sources_that_move_together_need_weeks_drawn_together():
    random = np.random.default_rng(6)
    p = np.array(
        [
            [change_test(texts, *STRETCHES, seed=i, replicates=99, together=t).p <= 0.05 for t in (True, False)]
            for i in range(150)
            for texts in [weeks_world(random, 52, 0.0, shared=1.0, sources=6)]
        ]
    )
    assert p[:, 0].mean() <= 0.1 < p[:, 1].mean()


def test_the_same_seed_gives_the_same_bits():
    texts = weeks_world(np.random.default_rng(7), 52, 0.3)
    assert change_test(texts, *STRETCHES, seed=3) == change_test(texts, *STRETCHES, seed=3)
    world = sources_world(np.random.default_rng(1), 0.1)
    assert permutation_test(*fields(world), seed=3) == permutation_test(*fields(world), seed=3)
    assert len({permutation_test(*fields(world), seed=seed).p for seed in range(4)}) > 1
    one, two = (placebo_dyads(*monthly(texts, 26), seed=3, splits=19) for _ in range(2))
    assert (one["A"].values == two["A"].values).all()


def test_changes_that_can_not_be_tested_say_why():
    texts = weeks_world(np.random.default_rng(7), 52, 0.3)
    with pytest.raises(ResamplingError, match="11 weeks before, 12 are needed"):
        change_test(texts, (0, 11), (26, 52), seed=1)
    with pytest.raises(ValueError, match="not one after the other"):
        change_test(texts, (0, 30), (26, 52), seed=1)
    silent = Weekly(texts.sums, np.where(texts.in_a[:, None] & (np.arange(52) < 26), 0, texts.counts), texts.in_a)
    with pytest.raises(ResamplingError, match="group A has no text in the 26 weeks before"):
        change_test(silent, *STRETCHES, seed=1)
    still = Weekly(texts.counts * 0.5, texts.counts, texts.in_a)
    with pytest.raises(ResamplingError, match="does not vary"):
        change_test(still, *STRETCHES, seed=1)
    rare = np.where(texts.in_a[:, None] & (np.arange(52) % 26 != 3), 0, texts.counts)
    with pytest.raises(ResamplingError, match="too few weeks"):
        change_test(Weekly(texts.sums * (rare > 0), rare, texts.in_a), *STRETCHES, seed=1)


def test_arrays_that_can_not_be_right_are_refused():
    label = np.array([True, False])
    with pytest.raises(ValueError, match="differ in length: 1, 2, 2, 2"):
        weekly([0.1], ["a", "b"], label, [0, 1], weeks=2)
    with pytest.raises(ValueError, match="model balance"):
        weekly([0.1, np.nan], ["a", "b"], label, [0, 1], weeks=2)
    with pytest.raises(ValueError, match="True or False"):
        weekly([0.1, 0.2], ["a", "b"], [1, 0], [0, 1], weeks=2)
    with pytest.raises(ValueError, match="source a has texts of both groups"):
        weekly([0.1, 0.2], ["a", "a"], label, [0, 1], weeks=2)
    for week in ([0, 2], [0.0, 1.0], [-1, 0]):
        with pytest.raises(ValueError, match="whole numbers from 0 to 1"):
            weekly([0.1, 0.2], ["a", "b"], label, week, weeks=2)


def monthly(texts, at):
    """One text for each source and week, as placebo_dyads takes them."""
    source, week = np.argwhere(texts.counts > 0).T
    f = texts.sums[source, week] / texts.counts[source, week]
    return f, source, texts.in_a[source], week // 4, week >= at


def test_a_rift_stands_out_of_the_placebos():
    texts = weeks_world(np.random.default_rng(8), 104, 0.0, shift=0.6, at=78)
    dates = placebo_dates(texts, 78, length=26)
    dyads = placebo_dyads(*monthly(texts, 78), seed=1, splits=199)
    assert dates.share == 1 / (1 + len(dates.values))
    assert {group: made.share for group, made in dyads.items()} == {"A": 1 / 200, "B": 1 / 200}
    assert dyads["A"].real == pytest.approx(0.6, abs=0.2)
    assert np.abs(dyads["A"].values).max() < 0.4
    assert "group A split at random" in dyads["A"].made


def test_no_rift_does_not():
    random = np.random.default_rng(9)
    shares = [
        placebo_dyads(*monthly(weeks_world(random, 104, 0.0), 78), seed=1, splits=99)["B"].share for _ in range(60)
    ]
    assert np.mean(np.array(shares) <= 0.05) <= 0.1


@given(st.lists(st.integers(0, 3), min_size=2, max_size=15), st.integers(0, 99))
def test_halves_have_the_same_sources_but_for_the_one_over(own, seed):
    own = np.unique(own, return_inverse=True)[1]
    made = _random_halves(own, 50, np.random.default_rng(seed))
    assert set(made.sum(axis=1).tolist()) <= {len(own) // 2, (len(own) + 1) // 2}
    for source in np.unique(own):
        number = int((own == source).sum())
        assert set(made[:, own == source].sum(axis=1).tolist()) <= {number // 2, (number + 1) // 2}


def test_every_month_falls_into_each_half_as_often():
    made = _random_halves(np.array([0, 0, 0, 1]), 8000, np.random.default_rng(1))
    assert made.mean(axis=0) == pytest.approx(0.5, abs=0.03)


def test_placebo_dyads_average_to_nothing():
    texts = weeks_world(np.random.default_rng(10), 104, 0.0, shift=0.6, at=52)
    made = placebo_dyads(*monthly(texts, 52), seed=1, splits=999)["A"]
    assert made.values.mean() == pytest.approx(0, abs=4 * made.values.std() / 999**0.5)


def test_placebo_dates_by_hand():
    level = np.array([0.0, 0, 0, 1, 1, 1, 1, 1, 1, 1])
    texts = Weekly(
        np.stack([level * 2, np.zeros(10)]), np.stack([np.full(10, 2.0), np.ones(10)]), np.array([True, False])
    )
    made = placebo_dates(texts, 3, length=1)
    assert made.real == 1
    # weeks 1 and 2, 4 to 9
    assert made.values.tolist() == [0] * 8
    assert made.share == 1 / 9


def test_placebos_that_can_not_be_made_say_why():
    texts = weeks_world(np.random.default_rng(10), 60, 0.0)
    with pytest.raises(ResamplingError, match="26 weeks on each side of week 40 are needed, of 60 in all"):
        placebo_dates(texts, 40, length=26)
    with pytest.raises(ResamplingError, match="0 placebo dates, 5 are needed"):
        placebo_dates(texts, 30, length=26)
    f, source, in_a, month, after = monthly(texts, 58)
    one = source == 0
    with pytest.raises(ResamplingError, match="group A has 1 source-months"):
        placebo_dyads(*(each[one | ~in_a] for each in (f, source, in_a, month, after)), seed=1)
    with pytest.raises(ResamplingError, match="no text in one of the stretches"):
        placebo_dyads(f, source, in_a, month, np.zeros(len(f), dtype=bool), seed=1)
    with pytest.raises(ValueError, match="after: True or False"):
        placebo_dyads(f, source, in_a, month, month, seed=1)
