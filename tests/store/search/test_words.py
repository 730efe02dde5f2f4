import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.store.search.words import GAP, LONGEST, MOST_BYTES, MOST_PLACES, indexed_words, words_of


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The River’s EDGE, al-Qaeda!", ["the", "river", "s", "edge", "al", "qaeda"]),
        ("Café Ærø ΑΘΉΝΑ ёлка", ["cafe", "ærø", "αθηνα", "елка"]),
        ("مُجَاهِدِين المجاهدين ـــ كتـــاب", ["مجاهدین", "المجاهدین", "کتاب"]),
        ("الأمّة إلى آخر", ["الامه", "الی", "اخر"]),
        ("٢٠٠٩ ۲۰۰۹ 2009", ["2009", "2009", "2009"]),
        ("می‌رود", ["می", "رود"]),
        ("हिन्दी भाषा", ["हिन्दी", "भाषा"]),
        ("日本語の", ["日本", "本語", "語の", "の"]),
        ("東京2020年", ["東京", "京", "2020", "年"]),
        ("ประเทศ", ["ปร", "ระ", "ะเ", "เท", "ทศ", "ศ"]),
        ("a\x00b\ud800c _ 'x'", ["a", "b", "c", "x"]),
        ("", []),
    ],
)
def test_words_have_one_form(text, words):
    assert words_of(text) == words


@given(st.text())
def test_words_are_letters_digits_and_marks_and_are_their_own_form(text):
    for word in words_of(text):
        assert word
        assert all(letter.isalnum() or unicodedata.category(letter).startswith("M") for letter in word), word
        word.encode()
        assert len(word) <= LONGEST


def test_title_and_text_stand_apart():
    assert indexed_words("One title", "and text") == ["one", "title", GAP, "and", "text"]
    assert indexed_words(None, "text") == [GAP, "text"]
    assert GAP not in words_of(f"a {GAP} b")


def test_a_long_text_is_cut_where_a_tsvector_is_full():
    different = indexed_words(None, " ".join(f"word{number}" for number in range(200_000)))
    assert 50_000 < len(different) < 100_000
    assert sum(len(word) + 6 for word in different) <= MOST_BYTES
    # the same word again costs its place only, and none beyond those that are kept
    assert len(indexed_words(None, "again " * 300_000)) == 300_001
    assert MOST_PLACES < 300_000
