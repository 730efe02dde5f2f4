import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.passages import LONGEST, SHORTEST, score_texts, split_passages


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


def test_a_long_text_is_the_mean_of_its_passages_by_words(small, starter):
    one, other = starter[0].text, starter[1].text
    text = f"{one} {one}\n\n{other} {other}"
    passages = split_passages(text)
    assert len(passages) == 2
    each = small.predict_proba(passages)
    words = np.array([len(p.split()) for p in passages])
    made, known = score_texts(small, [text])
    np.testing.assert_allclose(made[0], words @ each / words.sum())
    assert known == [True]


def test_a_text_of_which_nothing_is_known_gets_no_number(small):
    made, known = score_texts(small, ["日本語", "", "the people"])
    assert known == [False, False, True]
    assert np.isnan(made[:2]).all()
    assert np.isfinite(made[2]).all()
    assert score_texts(small, [])[0].shape == (0, 2)


def test_batches_change_nothing(small, starter, monkeypatch):
    texts = [c.text for c in starter[:30]] + ["\n\n".join(c.text for c in starter[:12])]
    whole, _ = score_texts(small, texts)
    monkeypatch.setattr("classifiers.passages.BATCH", 7)
    np.testing.assert_allclose(score_texts(small, texts)[0], whole)


def test_texts_are_prepared_after_cutting(small):
    text = _text(100, 100)
    seen = []
    score_texts(small, [("b", text, "a")], lambda part: seen.append(part) or part)
    assert seen == ["b", *split_passages(text)[:1], *split_passages(text)[1:], "a"]
