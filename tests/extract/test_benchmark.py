"""The quality gate: an update of a library must not read pages worse without anyone saying so."""

import pytest

from benchmarks import dates, extraction, languages, reposts


def test_the_measure_by_hand():
    assert extraction.page_scores("a b c d e", "a b c d x") == (0.5, 0.5)
    assert extraction.page_scores("a b", "a b") == (1, 1)
    assert extraction.page_scores("a b c d", "") == (None, 0)
    assert extraction.f1([(0.5, 1.0), (None, 0.0)]) == (0.5, 0.5, 0.5)


def test_the_main_text_of_real_pages_holds_its_floor(shared_data):
    scores = extraction.measure({"riftwatch": extraction.ours}, shared_data / "article_extraction")
    assert scores["riftwatch"][2] >= extraction.FLOOR


@pytest.mark.long
def test_the_dates_of_real_pages_hold_their_floor(shared_data):
    assert round(dates.accuracy(dates.our_day, shared_data / "htmldate200")[0], 4) >= dates.FLOOR


def test_languages_hold_their_floors(shared_data, capsys):
    assert languages.main() == 0
    assert "held" in capsys.readouterr().out


@pytest.mark.long
def test_reposts_hold_their_floors(shared_data):
    true, (run,), _ = reposts.measure(shared_data / "news_cluster", orders=1)
    assert min(reposts.scores(true, run)) >= reposts.FLOOR
    assert (run.moved, run.first_wrong) == (0, 0)
