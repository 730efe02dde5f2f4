"""The quality gate: an update of a library must not read pages worse without anyone saying so."""

import pytest

from benchmarks import extraction


def test_the_measure_by_hand():
    assert extraction.page_scores("a b c d e", "a b c d x") == (0.5, 0.5)
    assert extraction.page_scores("a b", "a b") == (1, 1)
    assert extraction.page_scores("a b c d", "") == (None, 0)
    assert extraction.f1([(0.5, 1.0), (None, 0.0)]) == (0.5, 0.5, 0.5)


def test_the_main_text_of_real_pages_holds_its_floor(shared_data):
    score = extraction.measure(extraction.ours, shared_data / "article_extraction")[2]
    assert score >= extraction.FLOOR


@pytest.mark.long
def test_the_dates_of_real_pages_hold_their_floor(shared_data):
    assert extraction.date_accuracy(extraction.our_day, shared_data / "htmldate200")[0] >= extraction.DATE_FLOOR
