import pytest

from pipeline.extract.language import code, identify


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("en-US", "en"), ("AR", "ar"), ("fa_AF", "fa"), ("prs", "fa"), ("pus", "ps"), (" ur ", "ur"), ("und", None),
        ("", None), (None, None), ("English", None), ("x", None), ("iw", "he"),
    ],
)  # fmt: skip
def test_codes(tag, expected):
    assert code(tag) == expected


@pytest.mark.parametrize("language", ["ar", "fa", "he", "ps", "ur", "en", "ru", "tr", "ug", "ku"])
def test_languages_that_are_easily_confused(shared_data, language):
    (file,) = (shared_data / "langid").glob(f"{language}.*.txt")
    lines = [line for line in file.read_text("utf-8").splitlines() if not line.startswith("#")]
    found, confidence = identify("\n".join(lines), declared=["en"])
    assert found == language
    assert confidence > 0.9


def test_what_is_declared_decides_only_where_the_text_leaves_it_open():
    assert identify("Kabul, 19", declared=["not a tag", "xx", "tr"])[0] == "tr"
    assert identify("The council says that the land belongs to those who till it.", declared=["fr"])[0] == "en"


def test_a_guess_is_no_language():
    assert identify("hi") == (None, None)
    assert identify("hi", declared=["en"])[0] == "en"


def test_without_letters_there_is_no_language():
    assert identify("12 - 34") == (None, None)
