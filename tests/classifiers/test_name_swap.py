import pytest

from benchmarks.name_swap import NAMES, TOLERANCE, Text, bare, camps, measure, problems, texts, woven
from classifiers.text.mask import Mask

MASK = Mask(name for two in NAMES.values() for one in two for name in one)


def test_names_say_nothing_once_they_are_masked_and_betray_the_value_if_they_are_not():
    figures = measure(rows=300)
    assert problems(figures) == []
    assert figures["masked"]["swapped"] > 0.4  # four values: it has learnt something
    # the model that sees the names would be thought better than it is
    assert figures["not masked"]["as in training"] > figures["not masked"]["swapped"] + 0.1


def test_a_leak_and_a_control_without_force_are_named():
    good = {"as in training": 0.7, "swapped": 0.7, "none": 0.7}
    leaks = good | {"swapped": 0.7 - TOLERANCE - 0.001}
    falls = good | {"swapped": 0.3}
    assert problems({"masked": good, "not masked": falls}) == []
    assert "with names swapped" in problems({"masked": leaks, "not masked": falls})[0]
    assert "the control shows nothing" in problems({"masked": good, "not masked": good})[0]


@pytest.mark.parametrize("lang", NAMES)
def test_no_name_is_left_in_a_masked_text(lang):
    item = Text("", lang, "both", "world")
    left = {MASK(woven(item, camp)) for camp in (0, 1)}
    assert len(left) == 1
    words = set(left.pop().split())
    assert words <= {*MASK(bare(item)).split()}
    assert all(name in woven(item, camp) for camp in (0, 1) for name in NAMES[lang][camp])


def test_names_follow_the_value_in_training():
    coded = [item for item in texts() if item.value in {"nationalist", "universalist"}]
    faithful = [(item.value == "universalist") == camp for item, camp in zip(coded, camps(coded), strict=True)]
    assert 0.85 < sum(faithful) / len(faithful) < 0.95
