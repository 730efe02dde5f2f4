from hypothesis import given
from hypothesis import strategies as st

from pipeline.extract.boilerplate import lines, repeated, without

FOOT = "Subscribe to our newsletter and follow us on all channels."


def texts(count, foot=FOOT):
    return [f"Paragraph number {n} says what no other says.\nHe said so.\n{foot}" for n in range(count)]


def test_a_line_that_many_texts_carry_is_learnt_and_left_out():
    learnt = repeated(map(lines, texts(10)))
    assert without(texts(10)[3], learnt) == "Paragraph number 3 says what no other says.\nHe said so."
    assert without(f"New text of the source today.\n{FOOT.upper()}", learnt) == "New text of the source today."


def test_few_texts_and_rare_lines_teach_nothing():
    assert repeated(map(lines, texts(4))) == frozenset()
    assert repeated(map(lines, [*texts(5), *texts(40, foot="")])) == frozenset()


def test_a_text_of_learnt_lines_alone_stays():
    assert without(FOOT, lines(FOOT)) == FOOT


@given(st.lists(st.text(max_size=80), max_size=8))
def test_only_learnt_lines_go(parts):
    text = "\n".join(parts)
    assert without(text, frozenset()) in {text, text.strip()}
    left = without(text, lines(text))
    assert set(left.split("\n")) <= set(text.split("\n")) | {left}
