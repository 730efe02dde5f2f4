from dataclasses import replace

import numpy as np
import pytest

from classifiers.codebook import load_codebook
from classifiers.training.fitting import Training, fit_codings, says, starter_rows

BOOK = load_codebook()
QUICK = Training(folds=2)


@pytest.fixture(scope="module")
def own(starter):
    return [replace(row, draw="active", source=f"s{i % 6}") for i, row in enumerate(starter_rows(starter[:80]))]


def test_starter_codings_keep_their_tradition_together(starter):
    rows = starter_rows(starter)
    assert {row.source for row in rows} == {coding.tradition for coding in starter}
    assert {row.draw for row in rows} == {"starter"}


def test_own_codings_come_first_and_starter_codings_weigh_less(own, starter):
    fitted = fit_codings(own, BOOK, starter[80:140], replace(QUICK, starter_weight=0.3))
    assert fitted.everything.rows[:80] == fitted.own.rows
    assert set(fitted.everything.weights[80:]) == {0.3}
    assert fitted.out_of_fold.shape == (len(fitted.everything), 2)
    # the folds that the probabilities are of hold every row once, and no unit on both sides
    tested = np.concatenate([test for _, test in fitted.folds])
    assert sorted(tested) == list(range(len(fitted.everything)))
    for train, test in fitted.folds:
        assert not set(fitted.how.units[train]) & set(fitted.how.units[test])


def test_a_starter_weight_of_zero_leaves_them_out(own, starter):
    assert len(fit_codings(own, BOOK, starter[80:], replace(QUICK, starter_weight=0)).shipped) == 0


def test_base_rates_and_balance_go_by_weight(own):
    heavy = [replace(row, weight=9.0 if row.value == "nationalist" else 1.0) for row in own]
    fitted = fit_codings(heavy, BOOK, [], QUICK)
    n = {value: fitted.own.values.count(value) for value in BOOK.names}
    total = 9 * n["nationalist"] + n["universalist"] + n["both"] + n["neither"]
    assert fitted.base_rates[0] == pytest.approx((9 * n["nationalist"] + n["both"]) / total)
    assert fitted.training_balance == pytest.approx((9 * n["nationalist"] - n["universalist"]) / total)


def test_a_text_without_a_known_word_gets_nothing(own):
    said = says(fit_codings(own, BOOK, [], QUICK).classifier)(["", own[0].text])
    assert np.isnan(said[0]).all()
    assert np.isfinite(said[1]).all()
