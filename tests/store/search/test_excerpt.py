import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.store.search.excerpt import SHOWN, excerpt, marked
from pipeline.store.search.query import parse


def found(text, typed):
    return [stretch for stretch, found in marked(text, parse(typed)) if found]


@pytest.mark.parametrize(
    ("text", "typed", "stretches"),
    [
        ("Our River, our RIVERS.", "river", ["River"]),
        ("Our River, our RIVERS.", "river*", ["River", "RIVERS"]),
        ("our own river and our river", '"our river"', ["our river"]),
        ("Al-Qaeda’s men", "al-qaeda", ["Al-Qaeda"]),
        ("الأُمَّة لا تعرف", "الامه", ["الأُمَّة"]),
        ("日本語の文章", "本語", ["本語"]),
        ("日本語の文章", "日本語の", ["日本語の"]),
        ("river not border", "river -border", ["river"]),
        ("Straße", "strasse", ["Straße"]),
        ("", "river", []),
    ],
)
def test_what_is_found_is_marked_as_it_stands_in_the_text(text, typed, stretches):
    assert found(text, typed) == stretches


def test_an_excerpt_is_around_the_first_place():
    text = "before " * 200 + "here it is " + "after " * 200
    made = excerpt(text, parse("here"))
    assert made[0] == ("… ", False)
    assert ("here", True) in made
    assert made[-1] == ("…", False)
    assert len("".join(stretch for stretch, _ in made)) <= SHOWN + 4
    assert made[1][0].startswith("before")
    assert excerpt("short", None) == [("short", False)]
    assert excerpt("a" * 1000, parse("nothing"))[0][0] == "a" * SHOWN


@given(st.text(max_size=200), st.text(max_size=20))
def test_nothing_of_a_text_is_lost_or_added(text, typed):
    query = parse(typed)
    assert "".join(stretch for stretch, _ in marked(text, query)) == text
    shown = "".join(stretch for stretch, _ in excerpt(text, query)).removeprefix("… ").removesuffix("…")
    assert shown in text
