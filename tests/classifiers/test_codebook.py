import pytest

from classifiers.codebook import CodebookError, codebook_of, load_codebook


def test_the_framing_codebook():
    book = load_codebook()
    assert book.variable == "framing"
    assert book.version >= 1
    assert book.balances == {"nationalist": 1, "universalist": -1, "both": 0, "neither": 0}
    assert {r.id for r in book.rules} >= {"quoting", "both", "neither", "nation-of-believers", "civic-ethnic"}
    assert codebook_of("framing") == book


def test_an_unknown_variable_names_the_known():
    with pytest.raises(CodebookError, match=r"unknown variable 'mood'.*framing"):
        codebook_of("mood")


HEAD = "variable: v\nversion: 1\nquestion: q\nunit: u\n"
TWO = (
    "values:\n- {value: a, balance: 1, definition: d}\n- {value: b, balance: 0, definition: d}\n"
    "heads: {x: [a], y: [b]}\n"
)


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("a: [", "can't be read as YAML"),
        ("- 1", "the file"),
        (HEAD, "values"),
        (HEAD + TWO.replace("balance: 1", "balance: 2"), r"values\.0\.balance"),
        (HEAD + TWO.replace("value: b", "value: a"), "a stands twice"),
        (HEAD + TWO + "rules:\n- {id: r, title: t, rule: x}\n- {id: r, title: t, rule: x}\n", "r stands twice"),
        (HEAD.replace("version: 1", "version: 0") + TWO, "version"),
        (HEAD + TWO + "colour: red\n", "colour"),
        (HEAD + TWO.replace("y: [b]", "y: [c]"), "names the unknown value 'c'"),
    ],
)
def test_a_wrong_codebook_is_named(tmp_path, content, match):
    file = tmp_path / "book.yaml"
    file.write_text(content)
    with pytest.raises(CodebookError, match=match) as caught:
        load_codebook(file)
    assert "book.yaml" in str(caught.value)


def test_a_missing_codebook_is_named(tmp_path):
    with pytest.raises(CodebookError, match=r"none\.yaml"):
        load_codebook(tmp_path / "none.yaml")


def test_a_rule_may_have_the_name_of_a_value(tmp_path):
    file = tmp_path / "book.yaml"
    file.write_text(HEAD + TWO + "rules:\n- {id: a, title: t, rule: x}\n")
    assert load_codebook(file).names == ["a", "b"]
