import numpy as np
import pytest

from classifiers.features import Counts, Weights, as_rows

TEXTS = ["the people of the land", "the people of the world", "land and world"]


def test_rows_are_texts_or_texts_with_neighbours():
    assert as_rows(["a", ("b", "c", "d"), ["", "e", ""]]) == [("", "a", ""), ("b", "c", "d"), ("", "e", "")]


@pytest.mark.parametrize("wrong", [["a", ("b", "c")], [3], [("a", None, "c")], [None], "a text"])
def test_anything_else_is_refused(wrong):
    with pytest.raises((ValueError, TypeError)):
        as_rows(wrong)


def test_features_are_those_of_scikit_learn():
    from sklearn.feature_extraction.text import TfidfVectorizer

    counts = Counts(min_df=1).fit(TEXTS)
    ours = Weights(len(counts.words_)).fit(counts.transform(TEXTS)).transform(counts.transform(TEXTS)).toarray()
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True).fit_transform(TEXTS).toarray()
    letters = TfidfVectorizer(analyzer="char", ngram_range=(3, 5), sublinear_tf=True).fit_transform(TEXTS).toarray()
    np.testing.assert_allclose(ours, np.hstack([words, letters]))


def test_neighbours_count_less_and_only_when_asked():
    rows = [("", "people land", ""), ("world", "people land", "")]
    alone = Counts(min_df=1).fit(TEXTS)
    same = Weights(len(alone.words_)).fit(alone.transform(TEXTS)).transform(alone.transform(rows)).toarray()
    np.testing.assert_array_equal(same[0], same[1])
    both = Counts(min_df=1, context=True).fit(TEXTS)
    weights = Weights(len(both.words_), 0.25).fit(both.transform(TEXTS))
    made = weights.transform(both.transform(rows)).toarray()
    world, people = both.words_.index("world"), both.words_.index("people")
    assert made[0, world] == 0
    assert 0 < made[1, world] < made[1, people]


def test_the_digest_names_the_vocabulary():
    one, same, other = Counts(min_df=1).fit(TEXTS), Counts(min_df=1).fit(TEXTS), Counts(min_df=1).fit(TEXTS[:2])
    assert one.digest_ == same.digest_ != other.digest_


def test_no_vocabulary_is_said():
    with pytest.raises(ValueError, match="no vocabulary in 2 texts"):
        Counts().fit(["", "!"])
