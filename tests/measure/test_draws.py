from datetime import UTC, datetime

import numpy as np
import pytest

from pipeline.measure.balance import Borrowed, balance
from pipeline.measure.draws import WHOLE_CELL, inclusion_probabilities, late_texts, reach_of, sample_chances

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
    draws = [{JANUARY: 0.2}, {MARCH: 0.2}, {MARCH: 0.2}, None]
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


@pytest.mark.parametrize(("coded", "late"), [(0, True), (4, True), (5, False)])
def test_texts_that_came_between_two_draws_are_late_until_five_are_coded(coded, late):
    # however much of the second draw is answered, and though it took early texts too
    draws = [*[{MARCH: 0.2}] * 5, {MAY: 0.5}, *[{MAY: 0.5}] * coded, *[None] * 7]
    collected = [*[JANUARY] * 6, *[APRIL] * (coded + 7)]
    assert late_texts(draws, collected).tolist() == [*[False] * 6, *[late] * (coded + 7)]


def test_new_texts_of_which_all_are_coded_are_not_late():
    early = [{MARCH: 0.2}] * 5
    draws, collected = [*early, {MAY: 1.0}, {MAY: 1.0}, None], [*[JANUARY] * 5, APRIL, APRIL, MAY]
    assert late_texts(draws[:-1], collected[:-1]).tolist() == [False] * 7
    assert late_texts(draws, collected).tolist() == [*[False] * 5, True, True, True]


@pytest.mark.parametrize("early", [2, 4])
def test_a_small_first_wave_is_joined_with_the_next_also_where_all_of_it_is_coded(early):
    # alone it corrects nothing, and together they are five or more
    later = max(3, early)
    draws = [*[{MARCH: 1.0}] * early, *[{MAY: 0.04}] * later, *[None] * (98 - later)]
    collected = [*[JANUARY] * early, *[APRIL] * 98]
    values = np.where([bool(own) for own in draws], 0.5, np.nan)
    late, pi = late_texts(draws, collected), sample_chances(draws, collected)
    made = balance(np.zeros(len(draws)), values, Borrowed(0.0, 0.21, 10), pi=pi, late=late)
    assert (made.coded, made.late) == (early + later, 0)
    assert made.interval is not None
    assert made.interval.high - made.interval.low > 0.1


def test_too_few_early_codings_speak_together_with_later_ones():
    draws = [*[{MARCH: 0.1}] * 3, *[None] * 7, *[{MAY: 0.1}] * 2, *[None] * 8]
    collected = [*[JANUARY] * 10, *[APRIL] * 10]
    assert reach_of(draws, collected) == MAY
    # not five in all: nothing is corrected, and nothing is called late
    assert reach_of(draws[1:], collected[1:]) == MAY


def test_a_wave_is_weighed_by_how_many_of_it_are_coded():
    draws = [{MARCH: 0.4}, {MARCH: 0.4}, {MAY: 0.5}, None, None, {MAY: 0.5}, None, None, None]
    collected = [*[JANUARY] * 5, *[APRIL] * 4]
    pi = sample_chances(draws, collected)
    assert pi == pytest.approx([3 / 5] * 3 + [np.nan] * 2 + [1 / 4] + [np.nan] * 3, nan_ok=True)
    # as the draws have it, three of five were to be expected of the early ones, and two of the others
    assert inclusion_probabilities(draws, collected)[5] == 0.5
    half = sample_chances(draws, collected, [{}, {}, {MAY: 0.5}, None, None, {MAY: 0.5}, None, None, None])
    assert half == pytest.approx(pi, nan_ok=True)


def test_texts_drawn_with_unequal_chances_keep_their_ratio_within_a_wave():
    draws = [{MARCH: 0.2}, {MARCH: 0.4}, *[None] * 6, {MAY: 0.5}, None]
    pi = sample_chances(draws, [*[JANUARY] * 8, APRIL, APRIL])
    assert pi[1] == pytest.approx(pi[0] * 0.7 / 0.6)
    assert (1 / pi[:2]).sum() == pytest.approx(8)
    assert pi[8] == pytest.approx(0.5)


def test_a_wave_of_which_nothing_is_coded_is_taken_to_be_like_the_next():
    june = datetime(2024, 6, 1, tzinfo=UTC)
    draws = [{MARCH: 0.5}, {MAY: 0.5}, None, *[None] * 3, *[{june: 0.5}] * 2, None]
    collected = [*[JANUARY] * 3, *[APRIL] * 3, *[MAY.replace(day=5)] * 3]
    pi = sample_chances(draws, collected)
    assert pi[[0, 1, 6, 7]] == pytest.approx([2 / 3, 2 / 3, 2 / 6, 2 / 6])


def test_after_one_draw_or_one_of_a_complete_list_no_bit_changes():
    for draws in ([{MARCH: 0.2}, {MARCH: 0.3}, None], [{WHOLE_CELL: 0.2}, {MAY: 0.3}, None]):
        collected = [JANUARY, JANUARY, APRIL]
        assert sample_chances(draws, collected).tobytes() == inclusion_probabilities(draws, collected).tobytes()


def _history(rng, queues, coded=None, *, silent=0, known=True):
    """A hundred texts before each queue, more and more of them nationalist; it draws of all that no other holds.

    coded: how many of the last one by now; None: all. silent: of so many queues at the beginning nothing is answered;
    known: whether the weights are told of them. Estimate less truth, whether covered, and the share in time.
    """
    y = np.concatenate([rng.permutation(np.arange(100) < 30 + 40 * wave) for wave in range(len(queues))]).astype(float)
    drawn_at = [datetime(2024, 3 + number, 2, tzinfo=UTC) for number in range(len(queues))]
    collected = [moment for at in drawn_at for moment in [at] * 100]
    draws, answered, held = [None] * len(y), [None] * len(y), set()
    for number, size in enumerate(queues):
        left = np.array([i for i in range(100 * (number + 1)) if i not in held])
        taken = rng.choice(left, size, replace=False)
        held.update(taken.tolist())
        share = 1 if coded is None or number < len(queues) - 1 else coded / size
        for i in taken[: round(share * size)].tolist() if number >= silent else ():
            draws[i], answered[i] = {drawn_at[number]: size / len(left)}, {drawn_at[number]: share}
    earlier = drawn_at[:silent] if known else []
    pi, late = sample_chances(draws, collected, answered, earlier), late_texts(draws, collected, earlier)
    seen = np.where([own is not None for own in draws], y, np.nan)
    made = balance(np.zeros(len(y)), seen, Borrowed(0.0, 0.21, 10), pi=pi, late=late)
    truth = y[~late].mean()
    assert made.late == late.sum()
    return made.value - truth, made.interval.low <= truth <= made.interval.high, (~late).mean()


@pytest.mark.parametrize(
    ("queues", "coded", "in_time"),
    [
        ((20, 1), None, (0.5, 0.5)),
        ((20, 2), None, (0.5, 0.5)),
        ((20, 8), None, (0.6, 0.9)),
        ((20, 40), None, (0.99, 1)),
        ((20, 40), 2, (0.5, 0.5)),
        ((20, 40), 10, (0.75, 0.95)),
        ((20, 40), 20, (0.99, 1)),
        ((20, 20, 2), None, (0.6, 0.7)),
    ],
)
def test_later_draws_small_or_large_or_partly_coded_leave_no_bias_and_cover(queues, coded, in_time):
    rng = np.random.default_rng([*queues, coded or 0])
    bias, covered, spoken_of = np.mean([_history(rng, queues, coded) for _ in range(1000)], axis=0)
    assert abs(bias) < 0.012
    assert 0.93 < covered < 0.99
    assert in_time[0] <= spoken_of <= in_time[1]


@pytest.mark.parametrize(("held", "in_time"), [(20, 1), (40, 1), (80, 0.999), (95, 0.9), (100, 0.5)])
def test_a_draw_of_which_nothing_is_answered_leaves_no_bias(held, in_time):
    rng = np.random.default_rng(held)
    bias, covered, spoken_of = np.mean([_history(rng, (held, 40), silent=1) for _ in range(1000)], axis=0)
    assert abs(bias) < 0.012
    assert 0.93 < covered < 0.99
    assert spoken_of == pytest.approx(in_time, abs=0.08)


def test_weights_that_do_not_know_of_a_silent_draw_are_wrong():
    rng = np.random.default_rng(80)
    bias, covered, _ = np.mean([_history(rng, (80, 40), silent=1, known=False) for _ in range(500)], axis=0)
    assert bias > 0.1
    assert covered < 0.7


def test_texts_that_an_unanswered_draw_holds_all_are_not_spoken_for_and_joined_with_none():
    june = datetime(2024, 6, 1, tzinfo=UTC)
    draws = [*[{MARCH: 0.5}] * 5, *[None] * 5, *[None] * 8, *[{june: 0.5}] * 5, *[None] * 5]
    collected = [*[JANUARY] * 10, *[APRIL] * 8, *[MAY.replace(day=5)] * 10]
    assert late_texts(draws, collected, [MAY]).tolist() == [*[False] * 10, *[True] * 8, *[False] * 10]
    assert np.unique(sample_chances(draws, collected, None, [MAY])[[0, 18]]).tolist() == [0.5]
    # without it they are taken to be like the later ones
    assert not late_texts(draws, collected).any()
    assert sample_chances(draws, collected)[18] == pytest.approx(5 / 18)


def test_a_draw_after_the_newest_coded_one_changes_no_bit():
    draws, collected = [{MARCH: 0.2}, {MARCH: 0.3}, None, None], [JANUARY, JANUARY, JANUARY, APRIL]
    assert sample_chances(draws, collected, None, [MAY]).tobytes() == sample_chances(draws, collected).tobytes()
    assert reach_of(draws, collected, [MAY]) == MARCH
    assert reach_of([None] * 4, collected, [MAY]) is None
