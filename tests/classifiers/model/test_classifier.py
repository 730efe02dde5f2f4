import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV

from classifiers.codebook import load_codebook
from classifiers.model.classifier import TextClassifier


def _rows(codings):
    return [c.row for c in codings], [c.value for c in codings]


def test_it_learns_and_its_held_out_probabilities_beat_the_base_rate(small, starter):
    truth = load_codebook().two_heads.truth([c.value for c in starter])
    rate = truth.mean(axis=0)
    brier = ((small.out_of_fold_ - truth) ** 2).mean(axis=0)
    assert (brier < 0.95 * rate * (1 - rate)).all()


def test_shapes_and_labels(small):
    probabilities = small.predict_heads(["Our land first.", ("", "All people are one.", "Wherever.")])
    assert probabilities.shape == (2, 2)
    assert ((probabilities > 0) & (probabilities < 1)).all()
    assert set(small.predict(["Our land first."])) <= set(small.classes_)
    assert small.decision_function(["a"]).shape == (1, 2)


def test_the_same_seed_gives_the_same_numbers_and_order_of_parameters_is_kept(small, starter):
    rows, values = _rows(starter)
    again = clone(small).fit(rows, values, [c.tradition for c in starter])
    np.testing.assert_array_equal(again.predict_heads(rows), small.predict_heads(rows))
    assert again.get_params() == small.get_params()
    assert clone(small).set_params(C=3.0).C == 3.0


def test_grid_search_works(starter):
    rows, values = _rows(starter[:80])
    search = GridSearchCV(TextClassifier(folds=2), {"C": [0.1, 10]}, cv=2, scoring="f1_macro").fit(rows, values)
    assert search.best_params_["C"] in {0.1, 10}
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()


def test_predicting_before_training_is_refused():
    with pytest.raises(NotFittedError):
        TextClassifier().predict_heads(["a"])


def test_a_text_without_a_known_word_is_told(small):
    _, known = small.predict_known(["the people", "日本語", "", "qqqqq"])
    assert known.tolist() == [True, False, False, False]


@pytest.mark.parametrize(
    ("rows", "values", "groups", "match"),
    [
        (["our land"] * 4, ["both"] * 3, None, "4 texts but 3 values"),
        (["our land"] * 4, ["good"] * 4, None, "unknown value 'good'; write one of both"),
        (["our land"] * 4, ["nationalist"] * 4, None, "needs at least 2 codings on either side, there are 4 for and 0"),
        (["our land"] * 4, ["both", "neither"] * 2, ["g"] * 4, "all texts are of one group"),
        (["our land"] * 4, ["both", "neither"] * 2, ["g"] * 3, "4 texts but 3 groups"),
        (["our land"] * 4, ["both", "both", "neither", "neither"], ["g", "g", "h", "h"], "codings on one side only"),
        ([], [], None, "no vocabulary"),
    ],
)
def test_codings_that_cannot_train_are_refused_in_words(rows, values, groups, match):
    with pytest.raises(ValueError, match=match):
        TextClassifier().fit(rows, values, groups)


def test_three_of_a_value_and_contradictions_still_train(starter):
    rows, _ = _rows(starter[:40])
    few = ["both", "both", "both", *["neither"] * 37]
    made = TextClassifier(min_df=2).fit(rows + rows[:2], [*few, "neither", "neither"])
    assert np.isfinite(made.predict_heads(rows)).all()


def test_a_weight_counts_rows(starter):
    rows, values = _rows(starter[:60])
    groups = [str(i) for i in range(60)]
    options = {"folds": 2}
    one = TextClassifier(**options).fit(rows, values, groups)
    same = TextClassifier(**options).fit(rows, values, groups, [1.0] * 60)
    assert np.array_equal(one.coef_, same.coef_)
    # all the weight on one value: it is said more often
    heavy = TextClassifier(**options).fit(rows, values, groups, [9.0 if v == "neither" else 0.1 for v in values])
    assert heavy.predict_heads(rows).mean() < one.predict_heads(rows).mean()
    assert sorted(set(one.fold_of_)) == [0, 1]
    for wrong in ([1.0] * 59, [0.0] * 60, [float("nan")] * 60):
        with pytest.raises(ValueError, match="sample_weight is no list of 60 numbers above 0"):
            TextClassifier(**options).fit(rows, values, groups, wrong)


def test_values_that_nobody_coded_leave_the_heads_working(starter):
    some = [c for c in starter if c.value in {"nationalist", "universalist"}]
    made = TextClassifier().fit(*_rows(some))
    assert made.coef_.shape[0] == 2
    truth = load_codebook().two_heads.truth([c.value for c in some])
    assert (made.predict_heads([c.row for c in some])[truth] > 0.5).mean() > 0.9


def test_a_column_for_every_value_and_the_likeliest_is_predicted(small, starter):
    rows, _ = _rows(starter[:20])
    p = small.predict_proba(rows)
    assert p.shape == (20, len(small.classes_))
    np.testing.assert_allclose(p.sum(axis=1), 1)
    assert (small.classes_[p.argmax(axis=1)] == small.predict(rows)).all()


def test_it_trains_on_features_that_are_made_already(small, starter):
    rows, values = _rows(starter)
    groups = [c.tradition for c in starter]
    again = clone(small).fit(small.featurise(rows), values, groups)
    np.testing.assert_array_equal(again.predict_heads(rows), small.predict_heads(rows))
