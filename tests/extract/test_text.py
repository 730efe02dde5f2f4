import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.extract.text import clean, clean_line, clean_title, digest, normalised

# Letters, marks, joiners, marks of direction, controls, spaces and line ends: what meets in wild texts.
WILD = st.text(
    st.one_of(
        st.sampled_from(
            "aZée\u0301\u0308ïﬁ\u1100\u1161ښ\u064e\u0640یيکك\u200c\u200d\u200b\u200e\u202e\u2066\u00ad\ufeff\u00a0"
        ),
        st.sampled_from(" \t\r\n\x85\u2028\x00\x07\x1f\uffff"),
        st.characters(),
    ),
    max_size=60,
)


def letters(text):
    return "".join(c for c in unicodedata.normalize("NFC", text) if c.isalnum())


@given(WILD)
def test_clean_is_done_once(text):
    assert clean(clean(text)) == clean(text)
    assert clean_line(clean_line(text)) == clean_line(text)


@given(WILD)
def test_no_letter_is_lost(text):
    seen = "".join(c for c in text if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Cn"})
    made = "".join(c for c in clean(text) if unicodedata.category(c) not in {"Cc", "Cf", "Cs", "Cn"})
    assert letters(made) == letters(seen)


@given(WILD)
def test_forms_of_one_text_have_one_digest(text):
    text = clean(text)
    assert digest(unicodedata.normalize("NFD", text)) == digest(unicodedata.normalize("NFC", text)) == digest(text)
    assert digest(text.replace(" ", "\u00a0")) == digest(text.replace(" ", "\n\n"))


@given(WILD)
def test_what_is_stored_is_sound(text):
    made = clean(text)
    made.encode()
    assert "\x00" not in made
    assert "  " not in made
    assert "\n\n\n" not in made
    assert made == made.strip()


@pytest.mark.parametrize(
    ("written", "stored"),
    [
        ("می\u200cروند", "می\u200cروند"),
        ("می\u200c\u200c\u200cروند \u200c", "می\u200cروند"),
        ("\u202bدولت\u202c \u200fگفت\u200e", "دولت گفت"),
        ("sepa\u00adrate wo\u200brds\ufeff", "separate words"),
        ("\u2067a\u2069 \U000e0041", "a"),
        ("Cafe\u0301", "Café"),
    ],
)
def test_what_is_not_seen_goes_and_spelling_stays(written, stored):
    assert clean(written) == stored


def test_joiners_do_not_tell_two_texts_apart():
    assert digest("می\u200cروند") == digest("میروند")
    assert normalised("A\u200dB  c") == "ab c"


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ("AT&amp;T &amp;amp; others", "AT&T & others"),
        ("&amp;#8220;Wells&amp;#8221;", "“Wells”"),
        ("a &lt; b", "a < b"),
        ("Q&A; R&D", "Q&A; R&D"),
        ("&nosuchthing; 5 &copy 6", "&nosuchthing; 5 &copy 6"),
        ("&#0;&#xD800;x", "\ufffd\ufffdx"),
        ("  \n", None),
        (None, None),
    ],
)
def test_titles_that_were_escaped_twice(written, title):
    assert clean_title(written) == title
