import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from classifiers.text.featuriser import LETTER_BITS, WORD_BITS, features_digest, hash_texts, stack, terms_of
from classifiers.text.normalise import normalise

TEXTS = st.lists(st.text(max_size=40).map(normalise), max_size=5)


def _sets(matrix):
    return [set(matrix.indices[a:b].tolist()) for a, b in zip(matrix.indptr, matrix.indptr[1:], strict=False)]


@given(TEXTS)
def test_a_passage_is_the_set_of_its_terms(texts):
    """The terms of one text alone are the features it has among others; a surrogate half does no harm."""
    made = hash_texts(texts)
    assert len(made) == len(texts)
    for words, letters, text in zip(_sets(made.words), _sets(made.letters), texts, strict=True):
        terms = terms_of(text)
        assert words == set(terms[0].values())
        assert letters == set(terms[1].values())


def test_terms_are_those_of_scikit_learn():
    text = "the people of a land, and the people"
    words = CountVectorizer(ngram_range=(1, 2)).build_analyzer()(text)
    letters = CountVectorizer(analyzer="char", ngram_range=(3, 5)).build_analyzer()(text)
    made = terms_of(text)
    assert (set(made[0]), set(made[1])) == (set(words), set(letters))


def test_buckets_are_spread_and_stay_what_they_are():
    names = [f"word{i}" for i in range(20_000)]
    buckets = np.array([terms_of(name)[0][name] for name in names])
    expected = 2**WORD_BITS * (1 - np.exp(-20_000 / 2**WORD_BITS))
    assert len(set(buckets.tolist())) == pytest.approx(expected, rel=0.01)
    # kept features and models rely on it: another number here means another VERSION
    assert terms_of("land") == ({"land": 113897}, {"lan": 55645, "and": 14364, "land": 26473})
    assert max(terms_of("people of all lands")[1].values()) < 2**LETTER_BITS


def test_rows_are_sorted_sets_of_ones_and_many_are_as_one():
    texts = [f"land {i} and {i} people" for i in range(600)]
    made = hash_texts(texts)
    assert made.words.has_canonical_format
    assert set(made.letters.data.tolist()) == {1.0}
    again = stack([hash_texts([text]) for text in texts])
    assert (made.words != again.words).nnz == (made.letters != again.letters).nnz == 0
    assert len(stack([])) == 0
    assert len(made.take([3, 5])) == 2


def test_the_digest_names_rules_and_parts():
    assert features_digest(["a"]) == features_digest(["a"]) != features_digest(["b"])
    assert len(features_digest()) == 64
