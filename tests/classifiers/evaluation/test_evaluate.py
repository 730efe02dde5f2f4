import numpy as np
import pytest

from classifiers.codebook import load_codebook
from classifiers.evaluation.evaluate import confusion, cross_validate, figures, macro_f1, majority, training_balance
from classifiers.model.classifier import TextClassifier

HEADS = load_codebook().two_heads
VALUES = ["nationalist", "nationalist", "universalist", "both", "neither", "neither"]
RIGHT = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.9, 0.9], [0.1, 0.1], [0.2, 0.2]])


def test_macro_f1_by_hand():
    # a: precision 1, recall 1/2; b: precision 2/3, recall 1
    assert macro_f1(["a", "a", "b", "b"], ["a", "b", "b", "b"]) == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert macro_f1(["a", "b"], ["c", "b"]) == pytest.approx(0.5)  # what nobody coded is no class of its own
    with pytest.raises(ValueError, match="no coded texts"):
        macro_f1([], [])


def test_the_majority_baseline():
    assert majority(["b", "a", "b"]) == ["b"] * 3
    assert majority(["b", "a"]) == ["a"] * 2


def test_figures_of_a_perfect_model():
    made = figures(VALUES, RIGHT, HEADS, {"languages": ["en", "en", "en", "ar", "ar", "ar"]})
    assert made["macro_f1"] == made["two_way_macro_f1"] == 1
    assert made["majority_macro_f1"] == pytest.approx((2 * 2 / (6 + 2)) / 4)
    assert made["heads"]["nationalist"]["brier"] == pytest.approx(np.mean([0.01, 0.04, 0.01, 0.01, 0.01, 0.04]))
    assert made["heads"]["nationalist"]["base_brier"] == 0.25
    assert made["languages"]["ar"] == {"texts": 3, "macro_f1": 1.0, "majority_macro_f1": 0.4}


def test_confusion_by_hand():
    p = RIGHT.copy()
    p[0, 0] = 0.4  # one of three nationalist texts is missed
    rates = confusion(VALUES, p, HEADS)
    assert rates["nationalist"] == pytest.approx(
        {"prior": 0.5, "tpr": 2 / 3, "fpr": 0.0, "mean_positive": 0.7, "mean_negative": 0.4 / 3}
    )
    with pytest.raises(ValueError, match="no rates for the nationalist head"):
        confusion(["neither", "universalist"], p[:2], HEADS)


def test_training_balance():
    balances = {"nationalist": 1, "universalist": -1, "both": 0, "neither": 0}
    assert training_balance(VALUES, balances) == pytest.approx(1 / 6)
    with pytest.raises(ValueError, match="no codings"):
        training_balance([], balances)


def test_cross_validation_never_trains_on_the_group_it_tests(starter):
    class Watching(TextClassifier):
        seen: list[set[str]] = []  # noqa: RUF012

        def fit(self, X, y, groups=None):
            self.seen.append(set(groups))
            return super().fit(X, y, groups)

    groups = [c.tradition for c in starter]
    made = cross_validate(Watching(folds=2, min_df=3), [c.row for c in starter], [c.value for c in starter], groups, 3)
    assert made.shape == (len(starter), 2)
    assert np.isfinite(made).all()
    assert len(Watching.seen) == 3
    assert all(seen < set(groups) for seen in Watching.seen)
    # every group is left out exactly once
    assert sorted(g for seen in Watching.seen for g in set(groups) - seen) == sorted(set(groups))
