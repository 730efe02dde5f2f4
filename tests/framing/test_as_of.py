from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest

from classifiers.codebook import codebook_of
from classifiers.coding.coding_table import CodingRow
from classifiers.training.train import Training
from pipeline.framing.as_of import TooFewCodingsError, dated_before, learn, training_of, weights_digest
from tests.framing.coded import WORDS, text_of

BOOK = codebook_of("framing")


def rows(number, *, values=tuple(WORDS), draw="active", first=0):
    return [
        CodingRow(text=text_of(values[i % len(values)], i), value=values[i % len(values)], draw=draw, cluster=str(i))
        for i in range(first, first + number)
    ]


def test_a_text_of_the_day_itself_or_without_a_date_is_not_of_before():
    day = date(2020, 4, 6)
    midnight = datetime(2020, 4, 6, tzinfo=UTC)
    moments = [midnight - timedelta(seconds=1), midnight, None, midnight.replace(year=2019)]
    coded = [SimpleNamespace(published_at=moment) for moment in moments]
    assert dated_before(coded, day) == [coded[0], coded[3]]


def test_random_codings_and_their_copies_are_not_learnt_from():
    own = rows(40)
    random = rows(12, draw="random")  # the first twelve texts once more
    assert len(training_of([*own, *random], BOOK)) == 28
    fitted = learn([*own, *random], BOOK, [], Training(folds=2))
    assert (fitted.codings, fitted.texts) == (28, 28)


@pytest.mark.parametrize(
    ("coded", "why"),
    [
        ([], "0 different texts that were not drawn at random are coded, and 20 are needed"),
        (rows(19), "19 different texts"),
        (rows(19) + rows(60, draw="random", first=500), "19 different texts"),
        (rows(10) * 3, "10 different texts"),
        (rows(40, values=("nationalist", "neither")), "0 different texts .* are coded as both or universalist"),
        (rows(40, values=("universalist", "both")), "0 different texts .* are coded as nationalist or neither, and 5"),
    ],
)
def test_too_few_codings_of_the_time_are_said(coded, why):
    with pytest.raises(TooFewCodingsError, match=why):
        training_of(coded, BOOK)


def test_codings_of_which_none_can_be_held_out_train_nothing():
    together = [replace(row, cluster="one") for row in rows(24)]
    with pytest.raises(TooFewCodingsError, match=r"can.t train a framing model: .* code more texts"):
        learn(together, BOOK, [], Training(folds=2))


def test_the_same_codings_make_the_same_model_and_another_coding_another():
    made = [learn(rows(n), BOOK, [], Training(folds=2)) for n in (24, 24, 25)]
    assert made[0].sha256 == made[1].sha256 != made[2].sha256
    made[0].classifier.calibration_ += 1e-9
    assert weights_digest(made[0].classifier) != made[1].sha256
