import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from sklearn.utils.estimator_checks import check_estimator

from classifiers.codebook import load_codebook
from classifiers.model import softmax
from classifiers.model.softmax import CalibratedHeads, fit_sigmoid, rotate

FOLDS_ARE_BY_ROW = "the folds of the calibration are drawn by rows, so a row twice is not a row of weight two"


@pytest.mark.long
def test_it_keeps_the_contract_of_scikit_learn():
    check_estimator(
        CalibratedHeads(folds=2),
        on_skip=None,  # what needs pandas
        expected_failed_checks={
            "check_sample_weight_equivalence_on_dense_data": FOLDS_ARE_BY_ROW,
            "check_sample_weight_equivalence_on_sparse_data": FOLDS_ARE_BY_ROW,
        },
    )


@given(st.lists(st.tuples(st.floats(-5, 5), st.booleans()), min_size=4, max_size=30))
def test_the_sigmoid_is_finite_and_never_falls(pairs):
    scores, truth = np.array([s for s, _ in pairs]), np.array([t for _, t in pairs])
    slope, intercept = fit_sigmoid(scores, truth)
    assert slope >= 0
    assert np.isfinite([slope, intercept]).all()


def test_the_sigmoid_finds_the_one_the_data_come_from():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=20_000)
    truth = rng.random(20_000) < 1 / (1 + np.exp(-(1.5 * scores - 0.5)))
    assert fit_sigmoid(scores, truth) == pytest.approx((1.5, -0.5), abs=0.1)


def _data(n=200, columns=3000):
    rng = np.random.default_rng(0)
    X = sp.random(n, columns, density=0.02, format="csr", random_state=0)
    return X, np.array(["both", "nationalist", "neither", "universalist"])[rng.integers(0, 4, n)]


def test_rotated_rows_train_the_same_model(monkeypatch):
    X, y = _data()
    Z, back = rotate(X)
    np.testing.assert_allclose(Z @ Z.T, (X @ X.T).toarray(), atol=1e-9)
    np.testing.assert_allclose(X @ (X.T @ back), Z, atol=1e-9)
    quick = CalibratedHeads(load_codebook().two_heads, C=1.0).fit(X, y)
    monkeypatch.setattr(softmax, "FEW_ROWS", 10)
    slow = CalibratedHeads(load_codebook().two_heads, C=1.0).fit(X, y)
    np.testing.assert_allclose(quick.coef_, slow.coef_, atol=5e-3)
    np.testing.assert_allclose(quick.out_of_fold_, slow.out_of_fold_, atol=1e-2)


def test_values_sum_to_the_heads_where_every_yes_and_no_has_a_value():
    X, y = _data()
    made = CalibratedHeads(load_codebook().two_heads, C=1.0).fit(X, y)
    heads, values = made.predict_heads(X), dict(zip(made.classes_, made.predict_proba(X).T, strict=True))
    np.testing.assert_allclose(values["both"] + values["nationalist"], heads[:, 0])
    np.testing.assert_allclose(values["both"] + values["universalist"], heads[:, 1])
    assert (made.predict(X) == made.classes_[np.argmax(made.predict_proba(X), axis=1)]).all()
