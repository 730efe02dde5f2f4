from datetime import UTC, datetime

import numpy as np
import pytest

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
