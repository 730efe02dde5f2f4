import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.text.cutting import LONGEST, SHORTEST, split_passages


def _text(*lengths: int) -> str:
    return "\n\n".join(" ".join([f"w{i}"] * (n - 1)) + f" w{i}." for i, n in enumerate(lengths))


@pytest.mark.parametrize(
    ("text", "lengths"),
    [
        ("", []),
        (" \n ", []),
        (_text(20, 30), [50]),  # short: one passage
        (_text(100, 100), [100, 100]),
        (_text(20, 100, 100), [120, 100]),  # a heading joins what follows
        (_text(100, 100, 10), [100, 110]),  # a short end joins what precedes
        (_text(400), [150, 150, 100]),  # a sentence without end
        (_text(140, 30, 140), [140, 30, 140]),  # joining would be too long
    ],
)
def test_where_texts_are_cut(text, lengths):
    assert [len(p.split()) for p in split_passages(text)] == lengths


@given(st.lists(st.integers(1, 400), max_size=6))
def test_no_word_is_lost_and_no_passage_too_long(lengths):
    text = _text(*lengths)
    passages = split_passages(text)
    assert " ".join(passages).split() == text.split()
    assert all(len(p.split()) <= LONGEST for p in passages)
    assert SHORTEST < LONGEST
