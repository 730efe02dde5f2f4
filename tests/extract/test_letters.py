import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.extract.language import identify
from pipeline.extract.letters import weighed

EVEN = dict.fromkeys(("ar", "fa", "ps", "ur", "ku", "en"), 1 / 6)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("ښځې او ماشومان په کلي کې دي", "ps"),
        ("لڑکے اور لڑکیاں گاؤں میں ہیں", "ur"),
        ("کوڕ و کچ لە گوندێکی بچووک دەژین", "ku"),
        ("المدرسة الجديدة في القرية", "ar"),
        ("ٻار ڳوٺ ۾ آهن ۽ ڪتاب پڙهن ٿا", "sd"),
    ],
)
def test_the_language_that_writes_these_letters_is_likeliest(text, language):
    made = weighed(EVEN, text)
    assert max(made, key=made.__getitem__) == language
    assert identify(text)[0] == language


def test_a_name_from_elsewhere_does_not_turn_a_text_round():
    persian = "این کتاب درباره زندگی مردم در روستاهای کوهستانی است و هر فصل آن را کسی دیگر نوشته است. " * 8
    made = weighed({"fa": 0.9, "ps": 0.1}, persian + "ښځه")
    assert made["fa"] > 0.7
    assert identify(persian + "ښځه")[0] == "fa"


def test_other_scripts_and_shared_letters_tell_nothing():
    assert weighed(EVEN, "The wells, колодцы, 井") is EVEN
    assert weighed({"fa": 0.6, "ur": 0.4}, "دنیا") == {"fa": 0.6, "ur": 0.4}


@given(st.text(alphabet="ښٹێةچاب xé", max_size=40))
def test_probabilities_stay_probabilities(text):
    made = weighed(EVEN, text)
    assert sum(made.values()) == pytest.approx(1)
    assert all(0 <= share <= 1 for share in made.values())
