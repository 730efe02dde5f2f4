import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.text.mask import MARKER, Mask, target_masks
from classifiers.text.normalise import normalise


@pytest.mark.parametrize(
    ("names", "text", "left"),
    [
        (["Homeland Front"], "The Homeland Front's word; the homeland FRONT.", "the 's word; the ."),
        (["al-Nur"], "Al Nur and al-nur, not alnurian", "and , not alnurian"),
        (["Front", "Front of the North"], "the front of the north spoke", "the spoke"),  # the longest first
        (["جبهة الوطن"], "وجبهة الوطن ولجبهة الوطن وبجبهة الوطن", ""),
        (["النور"], "قال النور وللنور والنور وبالنور نور", "قال"),
        (["نور"], "النور منور نوري", "منور نوری"),  # no prefix of Arabic, no whole word
        (["حق"], "الحق حق", "الحق"),  # two letters: only the word itself
        (["کور ملت"], "د کور ملت غږ", "د غږ"),
        (["حِزْبُ البَلَد"], "حزب البلد", ""),  # vowel signs
        (["ملت‌ها"], "این ملت‌ها و ملت ها", "این و"),
        (["c++", "(x"], "c++ and (x", "and"),  # nothing in a name is a pattern
        (["", " ", "!"], "all stays!", "all stays!"),
        ([], "All Stays", "all stays"),
    ],
)
def test_names_are_taken_out(names, text, left):
    assert Mask(names)(text) == left


@given(st.lists(st.text(max_size=8), max_size=4), st.text(max_size=60))
def test_masking_never_fails_and_leaves_normalised_text(names, text):
    masked = Mask(names)(text)
    assert normalise(masked) == masked
    assert len(masked) <= len(normalise(text))


def test_the_featuriser_depends_on_the_names_only():
    assert Mask(["A", "b"]).featuriser == Mask(["B", "a", "a"]).featuriser
    assert Mask(["a"]).featuriser != Mask(["a", "b"]).featuriser
    assert len(Mask().featuriser) == 64


def test_the_target_is_marked_and_all_others_go():
    masks = target_masks({"a": ["Aurin Front", "أورين"], "b": ["Belt League", "Front"]}, ["Miro"])
    text = "Miro of the AURIN  Front met the Belt League; الأورين and a front"
    assert masks["a"](text) == f"of the {MARKER} met the ; {MARKER} and a"
    assert masks["b"](text) == f"of the met the {MARKER} ; and a {MARKER}"
    assert masks["a"].finds_target(text)
    assert not masks["a"].finds_target("the front and the League")
    assert len({masks["a"].featuriser, masks["b"].featuriser, Mask(["Aurin Front"]).featuriser}) == 3
    assert not Mask(["x"]).finds_target("x")
