from datetime import UTC, datetime

import numpy as np
import pytest

from pipeline.measure.balance import Borrowed, balance
from pipeline.measure.draws import WHOLE_CELL, inclusion_probabilities, late_texts

JANUARY, MARCH, MAY = (datetime(2024, month, 1, tzinfo=UTC) for month in (1, 3, 5))


def test_one_draw_gives_its_probability():
    pi = inclusion_probabilities([{MARCH: 0.2}, None, {MARCH: 0.2}], [JANUARY] * 3)
    assert pi == pytest.approx([0.2, np.nan, 0.2], nan_ok=True)


def test_a_text_passed_over_by_a_draw_could_have_fallen_into_it():
    # both were there for both draws, so both had the same chance, whichever draw they fell into
    pi = inclusion_probabilities([{MARCH: 0.2}, {MAY: 0.5}], [JANUARY, JANUARY])
    assert pi == pytest.approx([1 - 0.8 * 0.5] * 2)


def test_a_text_that_came_after_the_first_draw_had_one_chance():
    pi = inclusion_probabilities([{MARCH: 0.2}, {MAY: 0.5}], [JANUARY, datetime(2024, 4, 1, tzinfo=UTC)])
    assert pi == pytest.approx([0.6, 0.5])


def test_a_draw_from_the_whole_cell_covers_whatever_came_when():
    pi = inclusion_probabilities([{WHOLE_CELL: 0.3}, {WHOLE_CELL: 0.3}], [JANUARY, MAY])
    assert pi == pytest.approx([0.3, 0.3])
    assert not late_texts([{WHOLE_CELL: 0.3}, None], [JANUARY, MAY]).any()


def test_texts_after_the_newest_draw_are_late():
    draws = [{JANUARY: 0.2}, {MARCH: 0.2}, None, None]
    assert late_texts(draws, [JANUARY, JANUARY, MARCH, MAY]).tolist() == [False, False, False, True]


def test_without_a_draw_nothing_is_late():
    assert not late_texts([None, None], [JANUARY, MAY]).any()


APRIL = datetime(2024, 4, 1, tzinfo=UTC)


def test_a_draw_that_is_half_answered_had_half_its_chance():
    pi = inclusion_probabilities([{MARCH: 0.2}, None], [JANUARY] * 2, [{MARCH: 0.5}, None])
    assert pi == pytest.approx([0.1, np.nan], nan_ok=True)
    # both drew from what the first had left, whether that was answered or not
    draws, answered = [{MARCH: 0.2}, {MAY: 0.5}, {MAY: 0.5}], [{MARCH: 0.5}, {MAY: 0.25}, {MAY: 0.25}]
    pi = inclusion_probabilities(draws, [JANUARY, JANUARY, APRIL], answered)
    assert pi == pytest.approx([0.2 * 0.5 + 0.8 * 0.5 * 0.25] * 2 + [0.5 * 0.25])


def test_where_every_draw_is_answered_no_bit_changes():
    draws, collected = [{MARCH: 0.2}, {MAY: 0.3}, None], [JANUARY, APRIL, MAY]
    whole = inclusion_probabilities(draws, collected)
    assert inclusion_probabilities(draws, collected, [{}, {}, None]).tobytes() == whole.tobytes()


@pytest.mark.parametrize(("coded", "late"), [(4, True), (5, False)])
def test_texts_in_reach_of_an_unfinished_draw_alone_are_late_until_five_are_coded(coded, late):
    draws = [{MARCH: 0.2}, *[{MAY: 0.5}] * coded, *[None] * 7]
    collected = [JANUARY, *[APRIL] * (coded + 7)]
    answered = [{}, *[{MAY: 0.4}] * coded, *[None] * 7]
    assert late_texts(draws, collected, answered).tolist() == [False, *[late] * (coded + 7)]
    assert not late_texts(draws, collected).any()  # the draw is finished: so it was planned


def test_an_unfinished_draw_of_all_new_texts_is_whole_once_these_are_coded():
    draws, collected = [{MARCH: 0.2}, {MAY: 1.0}, {MAY: 1.0}, None], [JANUARY, APRIL, APRIL, JANUARY]
    assert not late_texts(draws, collected, [{}, {MAY: 0.6}, {MAY: 0.6}, None]).any()


def _half_coded(rng, coded):
    """100 early texts, .3 of them nationalist, 20 coded; 100 later ones, .7; then 40 of all, ``coded`` by now."""
    y = np.r_[rng.permutation(np.arange(100) < 30), rng.permutation(np.arange(100) < 70)].astype(float)
    first = rng.choice(100, 20, replace=False)
    left = np.setdiff1d(np.arange(200), first)
    second = rng.choice(left, 40, replace=False)[:coded]
    draws, answered = [None] * 200, [None] * 200
    for i in first.tolist():
        draws[i], answered[i] = {MARCH: 0.2}, {}
    for i in second.tolist():
        draws[i], answered[i] = {MAY: 40 / 180}, {MAY: coded / 40}
    collected = [JANUARY] * 100 + [APRIL] * 100
    pi, late = inclusion_probabilities(draws, collected, answered), late_texts(draws, collected, answered)
    seen = np.where([own is not None for own in draws], y, np.nan)
    made = balance(np.zeros(200), seen, Borrowed(0.0, 0.21, 10), pi=pi, late=late)
    truth = y[~late].mean()
    return made.value - truth, made.interval.low <= truth <= made.interval.high


@pytest.mark.parametrize("coded", [2, 10, 20])
def test_a_second_draw_that_is_partly_coded_leaves_no_bias_and_covers(coded):
    rng = np.random.default_rng(coded)
    bias, covered = np.mean([_half_coded(rng, coded) for _ in range(1000)], axis=0)
    # taken for finished, as before: bias -.17, -.09 and -.05, coverage .54, .75 and .89
    assert abs(bias) < 0.015
    assert 0.925 < covered < 0.97
