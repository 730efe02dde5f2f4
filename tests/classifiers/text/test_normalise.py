import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.text.normalise import normalise


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("The PEOPLE", "the people"),
        ("كتاب", "کتاب"),  # Arabic and Persian kaf
        ("علي", "علی"),  # Arabic and Persian yeh
        ("على", "علی"),  # alef maksura
        ("أمة إسلام آخر ٱلله", "امه اسلام اخر الله"),  # alef forms, teh marbuta
        ("أُمَّةٌ", "امة"),  # vowel signs
        ("الأمـــة", "الامة"),  # tatweel
        ("ﷲ", "الله"),  # presentation form
        ("۱۳۸۸", "1388"),
        ("١٣٨٨", "1388"),
        ("ملت‌ها", "ملت ها"),  # zero width non-joiner
        ("ہمارا", "همارا"),  # Urdu heh
        ("a\u202bb\u200f", "ab"),  # direction marks
        ("don’t  – “so”\n", 'don\'t - "so"'),
        ("ﬁne", "fine"),
    ],
)
def test_spellings_of_one_word_become_one(one, other):
    assert normalise(one) == normalise(other)


@pytest.mark.parametrize(("one", "other"), [("سړې", "سړی"), ("لا", "ولا"), ("nation", "notion")])
def test_different_words_stay_different(one, other):
    assert normalise(one) != normalise(other)


@given(st.text(max_size=60))
def test_normalising_twice_changes_nothing(text):
    assert normalise(normalise(text)) == normalise(text)


@given(st.text(alphabet="أإآاٱىيیكکةهـًٌٍَُِّْٰ\u0653\u0654e\u0301\u0327 \u200c۱١1", max_size=30))
def test_normalising_arabic_and_marks_twice_changes_nothing(text):
    assert normalise(normalise(text)) == normalise(text)
