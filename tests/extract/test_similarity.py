import gzip
import json
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.extract.similarity import (
    BANDS,
    SAME_TEXT,
    bands,
    jaccard,
    shingles,
    signature,
    words,
)

_sets = st.frozensets(st.text(alphabet="abcdefgh", min_size=1, max_size=2), min_size=1, max_size=30)


def test_words_are_the_same_however_they_are_dressed():
    assert words("The Wells, the WELLS!") == ["the", "wells", "the", "wells"]
    # vowel signs and tatweel are written by one outlet and left out by the next
    assert words("قَالَ المُتَحَدِّثُ") == words("قال المتحـــدث") == ["قال", "المتحدث"]
    assert words("می\u200cخواهند") == ["میخواهند"]
    assert words("土地属于") == ["土", "地", "属", "于"]


def test_shingles_are_runs_of_five_words_and_short_texts_are_one():
    assert shingles("a b c d e f") == {"a b c d e", "b c d e f"}
    assert shingles("a b") == {"a b"}
    assert shingles(" . ") == frozenset()


def test_jaccard_by_hand():
    assert jaccard(frozenset("abc"), frozenset("bcd")) == 0.5
    assert jaccard(frozenset("a"), frozenset()) == 0
    with pytest.raises(ValueError, match="no similarity"):
        jaccard(frozenset(), frozenset())


def test_bands_are_the_same_on_every_machine():
    made = bands(signature(shingles("one two three four five six")))
    assert len(set(made)) == BANDS
    assert made[:2] == (-8404539791236694334, -8202572388181677585)
    assert all(-(2**63) <= value < 2**63 for value in made)


@given(_sets, _sets)
def test_equal_minima_are_as_many_as_the_similarity_says(a, b):
    minima = signature(a)
    share = sum(x == y for x, y in zip(minima, signature(b), strict=True)) / len(minima)
    # six standard errors of a share of 80 draws
    assert abs(share - jaccard(a, b)) <= 6 * 0.056
    assert minima == signature(frozenset(sorted(a, reverse=True)))


def test_texts_just_above_the_limit_share_a_band():
    """At a similarity of .3 the bands should find .977 of the pairs."""
    found = 0
    for trial in range(300):
        common = {f"{trial}-{i}" for i in range(30)}
        a = frozenset(common | {f"a{trial}-{i}" for i in range(35)})
        b = frozenset(common | {f"b{trial}-{i}" for i in range(35)})
        assert jaccard(a, b) == 0.3
        found += bool(set(bands(signature(a))) & set(bands(signature(b))))
    assert found >= 0.94 * 300


def test_reposts_of_real_news_are_candidates_and_little_else_is(shared_data):
    with gzip.open(shared_data / "news_cluster" / "news_cluster.jsonl.gz", "rt", encoding="utf-8") as lines:
        grams = [shingles(json.loads(line)["text"]) for line in lines]
    index = [set(bands(signature(one))) for one in grams]
    similar = {(i, j) for i, j in combinations(range(len(grams)), 2) if jaccard(grams[i], grams[j]) > SAME_TEXT}
    candidates = {(i, j) for i, j in combinations(range(len(grams)), 2) if index[i] & index[j]}
    assert len(similar) == 34
    assert len(similar & candidates) >= 33
    assert len(candidates) < 150
