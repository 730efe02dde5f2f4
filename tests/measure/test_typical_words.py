import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from benchmarks.no_rift import word_counts
from classifiers.text.mask import Mask
from pipeline.measure.typical_words import TypicalWordsError, count_words, typical_words, words_of

LABEL = np.arange(100) % 2 == 0
NAMES = [f"w{i}" for i in range(2000)]


def test_words_are_normalised():
    assert words_of("The 2 Emirs' statement, THE 3rd of a kind") == [
        "the",
        "emirs",
        "statement",
        "the",
        "rd",
        "of",
        "kind",
    ]
    # Arabic and Persian letters of one word, vowel signs, tatweel
    assert words_of("كتاب کتاب كِتَاب كتـــاب") == ["کتاب"] * 4


def test_a_groups_own_name_is_no_typical_word():
    texts = ["Taliban statement on the nation", "الطالبان بیان عن الأمة", "والطالبان nation"] * 4
    other = ["Statement on the ummah of القاعدة", "Al-Qaeda on the ummah"] * 6
    mask = Mask(["Taliban", "الطالبان", "al-Qaeda", "القاعدة"])
    counts, words = count_words(texts + other, mask)
    assert {"nation", "ummah", "statement"} <= set(words)
    assert not {word for word in words if any(name in word for name in ("taliban", "qaeda", "طالبان", "قاعده"))}
    plain, unmasked = count_words(texts + other)
    assert "taliban" in unmasked
    label = np.arange(24) < 12
    assert "taliban" in {word.word for word in typical_words(plain, unmasked, label, least=3, rate=1.0).of_a}
    assert "taliban" not in {word.word for word in typical_words(counts, words, label, least=3, rate=1.0).of_a}


def test_counting():
    assert count_words(["b a b", "2009"])[1] == []
    counts, words = count_words(["bb aa bb", "", "cc bb"])
    assert words == ["aa", "bb", "cc"]
    assert counts.toarray().tolist() == [[1, 2, 0], [0, 0, 0], [0, 1, 1]]


def test_log_odds_by_the_formula():
    # ten texts a side, so evenly written that no word bursts
    counts = np.array([[6, 2, 2]] * 10 + [[3, 5, 2]] * 10)
    made = typical_words(sp.csr_matrix(counts), ["one", "two", "same"], np.arange(20) < 10, prior_words=20, rate=1.0)
    y_a, y_b, a = 60, 30, 20 * 90 / 200
    delta = np.log((y_a + a) / (100 + 20 - y_a - a)) - np.log((y_b + a) / (100 + 20 - y_b - a))
    word = next(word for word in made.of_a if word.word == "one")
    assert word.log_odds == pytest.approx(delta)
    assert word.z == pytest.approx(delta / np.sqrt(1 / (y_a + a) + 1 / (y_b + a)))
    assert word.p == pytest.approx(2 * stats.t.sf(word.z, 18))
    assert word.uses == (60, 30)
    assert [w.word for w in made.of_b] == ["two"]
    assert (made.tested, made.texts) == (3, (10, 10))


def test_a_word_in_one_text_alone_is_evidence_of_one_text():
    counts = np.tile([100, 100, 1], (20, 1))
    counts[0, 2] = 60
    args = sp.csr_matrix(counts), ["one", "two", "burst"], np.arange(20) < 10
    (published,) = (w for w in typical_words(*args, prior_words=10, bursts=False, rate=1.0).of_a if w.word == "burst")
    (ours,) = (w for w in typical_words(*args, prior_words=10, rate=1.0).of_a if w.word == "burst")
    assert published.p < 0.001
    assert ours.p > 0.05
    assert ours.log_odds == published.log_odds


def test_adjusted_as_by_hand():
    """Benjamini & Yekutieli: p m (1 + 1/2 + ... + 1/m)/rank, made monotone."""
    counts = word_counts(np.random.default_rng(1), 100)
    counts[np.ix_(LABEL, range(20, 30))] *= 4
    made = typical_words(sp.csr_matrix(counts), NAMES, LABEL, rate=1.0)
    found = sorted([*made.of_a, *made.of_b], key=lambda word: word.p)
    m = made.tested
    raw = np.array([word.p for word in found]) * m * (1 / np.arange(1, m + 1)).sum() / np.arange(1, m + 1)
    by_hand = np.minimum(1, np.minimum.accumulate(raw[::-1])[::-1])
    assert [word.adjusted for word in found] == pytest.approx(by_hand)


def test_planted_words_are_found_and_nothing_where_nothing_is():
    counts = word_counts(np.random.default_rng(2), 100)
    null = typical_words(sp.csr_matrix(counts), NAMES, LABEL)
    assert (null.of_a, null.of_b) == ((), ())
    assert null.tested > 500
    assert typical_words(sp.csr_matrix(counts), NAMES, LABEL, bursts=False).of_a
    counts[np.ix_(LABEL, range(20, 30))] *= 4
    found = {word.word for word in typical_words(sp.csr_matrix(counts), NAMES, LABEL).of_a}
    assert len(found & {f"w{i}" for i in range(20, 30)}) >= 8
    assert len(found) <= 11


@given(st.integers(0, 1000))
def test_the_groups_are_treated_alike(seed):
    counts = sp.csr_matrix(word_counts(np.random.default_rng(seed), 12, words=60))
    label = np.arange(12) < 6
    one, two = (typical_words(counts, NAMES[:60], side, rate=1.0) for side in (label, ~label))
    assert [word.word for word in one.of_a] == [word.word for word in two.of_b]
    assert [word.z for word in one.of_a] == pytest.approx([-word.z for word in two.of_b])


def test_a_background_draws_towards_its_own_shares():
    counts = sp.csr_matrix(np.array([[6, 2, 2]] * 10 + [[3, 5, 2]] * 10))
    words, label = ["one", "two", "same"], np.arange(20) < 10
    own = typical_words(counts, words, label, rate=1.0)
    even = typical_words(counts, words, label, background=[1000, 10, 10], rate=1.0)
    assert even.of_a[0].log_odds != own.of_a[0].log_odds
    # a word that the background lacks keeps a finite log-odds
    lacking = typical_words(counts, words, label, background=[10, 0, 10], rate=1.0)
    assert np.isfinite([w.log_odds for w in (*lacking.of_a, *lacking.of_b)]).all()
    with pytest.raises(ValueError, match="background"):
        typical_words(counts, words, label, background=[1, 2])


def test_what_can_not_be_computed_says_why():
    counts, words = sp.csr_matrix(np.full((12, 2), 3)), ["one", "two"]
    with pytest.raises(TypicalWordsError, match="4 and 8 texts with words; 5 of each group"):
        typical_words(counts, words, np.arange(12) < 4)
    with pytest.raises(TypicalWordsError, match="use one word only"):
        typical_words(sp.csr_matrix(np.full((12, 1), 3)), ["one"], np.arange(12) < 6)
    with pytest.raises(TypicalWordsError, match="no word is used 100 times"):
        typical_words(counts, words, np.arange(12) < 6, least=100)
    with pytest.raises(ValueError, match="3 words and 12 labels"):
        typical_words(counts, [*words, "three"], np.arange(12) < 6)
    with pytest.raises(ValueError, match="prior"):
        typical_words(counts, words, np.arange(12) < 6, prior_words=0)
