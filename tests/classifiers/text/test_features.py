import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.feature_extraction.text import TfidfTransformer
from sklearn.utils.estimator_checks import check_estimator

from classifiers.text.features import Weights, as_rows, featurise
from classifiers.text.featuriser import hash_texts


def test_it_keeps_the_contract_of_scikit_learn():
    check_estimator(Weights(), on_skip=None)  # what needs pandas


def test_rows_are_texts_or_texts_with_neighbours():
    assert as_rows(["a", ("b", "c", "d"), ["", "e", ""]]) == [("", "a", ""), ("b", "c", "d"), ("", "e", "")]


@pytest.mark.parametrize("wrong", [["a", ("b", "c")], [3], [("a", None, "c")], [None], "a text"])
def test_anything_else_is_refused(wrong):
    with pytest.raises((ValueError, TypeError)):
        as_rows(wrong)


def test_weights_are_those_of_scikit_learn_block_by_block():
    rng = np.random.default_rng(0)
    X = sp.csr_matrix((rng.random((30, 12)) < 0.3).astype(float))
    ours = Weights(first_block=5).fit(X)
    used = X[:, ours.columns_].toarray()
    words, letters = used[:, : ours.edge_], used[:, ours.edge_ :]
    expected = [TfidfTransformer().fit_transform(block).toarray() for block in (words, letters)]
    np.testing.assert_allclose(ours.transform(X).toarray(), np.hstack(expected))
    np.testing.assert_allclose(ours.transform(X.toarray()), np.hstack(expected))


def test_rare_columns_are_left_out():
    X = np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    assert Weights(min_df=2).fit(X).columns_.tolist() == [0]
    assert Weights().fit(X).columns_.tolist() == [0, 1]


def test_a_long_text_is_the_mean_of_its_passages_by_words():
    long = "\n".join(f"{'land ' * 100}{i}" for i in range(2)) + "\n" + "people " * 50
    made = featurise([long, "", "one"])
    assert made.text.tolist() == [0, 0, 0, 2]
    assert made.words.tolist() == [101, 101, 50, 1]
    np.testing.assert_allclose(
        made.averages().toarray(), [[101 / 252, 101 / 252, 50 / 252, 0], [0, 0, 0, 0], [0, 0, 0, 1]]
    )


def test_neighbours_come_along_only_when_asked_and_count_no_words():
    rows = [("before", "text", "after"), ("", "alone", "")]
    assert featurise(rows).words.tolist() == [1, 1]
    made = featurise(rows, context=True)
    assert made.words.tolist() == [0, 1, 0, 1]
    np.testing.assert_allclose(made.averages(0.5).toarray(), [[0.25, 1, 0.25, 0], [0, 0, 0, 1]])


def test_texts_are_prepared_then_normalised():
    made = featurise(["Aurin LAND"], lambda text: text.replace("Aurin", ""))
    assert (made.passages.words != hash_texts(["land"]).words).nnz == 0
