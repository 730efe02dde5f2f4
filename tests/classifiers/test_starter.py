import re
from collections import Counter

import pytest
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from classifiers.codebook import codebook_of
from classifiers.starter import StarterError, load_starter, starter_digest, starter_groups
from classifiers.text.normalise import normalise

BOOKS = {variable: codebook_of(variable) for variable in ("framing", "criticism")}
CODINGS = {variable: load_starter(book) for variable, book in BOOKS.items()}
GROUPS = starter_groups(BOOKS["criticism"])
# prose as election programmes have it: there the usual words go with the usual meaning, and values are not equal
PLAIN_PROSE = "en-d-"
every_variable = pytest.mark.parametrize("variable", list(BOOKS))


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", normalise(text))


def _balanced(variable):
    return [c for c in CODINGS[variable] if not c.id.startswith(PLAIN_PROSE)]


@pytest.mark.parametrize(("variable", "rows", "of_language"), [("framing", 800, 60), ("criticism", 400, 50)])
def test_enough_of_every_language_and_value(variable, rows, of_language):
    codings = _balanced(variable)
    assert len(codings) >= rows
    languages = Counter(c.lang for c in codings)
    assert all(languages[code] >= of_language for code in ("en", "ar", "ps", "ur", "fa"))
    counts = Counter(c.value for c in codings)
    assert set(counts) == set(BOOKS[variable].names)
    assert all(abs(n - len(codings) / len(counts)) <= 0.05 * len(codings) / len(counts) for n in counts.values())


@every_variable
def test_every_tradition_and_language_has_all_values(variable):
    codings, values = CODINGS[variable], BOOKS[variable].names
    for key in ("tradition", "lang"):
        groups = {getattr(c, key) for c in codings}
        assert {(g, v) for g in groups for v in values} == {(getattr(c, key), c.value) for c in codings}
    assert len({c.tradition for c in codings}) >= 5


@every_variable
def test_hard_cases_name_a_rule_of_the_codebook(variable):
    hard = [c.hard for c in _balanced(variable) if c.hard]
    assert {c.hard for c in CODINGS[variable]} - {""} <= {rule.id for rule in BOOKS[variable].rules}
    assert len(hard) >= len(_balanced(variable)) / 3


@every_variable
def test_only_english_is_marked_as_reviewed(variable):
    assert {(c.lang == "en", c.reviewed) for c in CODINGS[variable]} == {(True, True), (False, False)}


@every_variable
def test_no_two_rows_share_a_run_of_eight_words(variable):
    """But pairs: the same text, coded towards two groups with different values."""
    seen: dict[tuple[str, ...], object] = {}
    codings = CODINGS[variable]
    assert len({c.id for c in codings}) == len(codings)
    assert len({(c.text, c.target) for c in codings}) == len(codings)
    for coding in codings:
        words = _words(coding.text)
        for run in zip(*(words[i:] for i in range(8)), strict=False):
            other = seen.setdefault(run, coding)
            assert other is coding or (other.text == coding.text and other.value != coding.value), (
                f"{coding.id} and {other.id}: {' '.join(run)}"
            )


def test_no_word_gives_the_value_away():
    """Of the rows with a common word, at most three quarters are of one value; also among the two sides alone."""
    rows: dict[str, Counter[str]] = {}
    for coding in _balanced("framing"):
        for word in set(_words(coding.text)) - ENGLISH_STOP_WORDS:
            rows.setdefault(word, Counter())[coding.value] += 1
    for word, by_value in rows.items():
        sides = {v: by_value[v] for v in ("nationalist", "universalist")}
        for counts in (by_value, sides):
            total = sum(counts.values())
            assert total < 30 or max(sides.values()) <= 0.75 * total, f"{word}: {dict(by_value)}"


def test_every_text_names_its_target():
    for coding in CODINGS["criticism"]:
        assert any(normalise(alias) in normalise(coding.text) for alias in GROUPS[coding.target]), coding.id
    assert {c.target for c in CODINGS["framing"]} == {""}
    assert starter_groups(BOOKS["framing"]) == {}


def test_no_group_gives_the_value_away():
    """Each occurs with all values, and with none of them in half of its rows."""
    by_group: dict[str, Counter[str]] = {}
    for coding in CODINGS["criticism"]:
        by_group.setdefault(coding.target, Counter())[coding.value] += 1
    assert set(by_group) == set(GROUPS)
    for group, counts in by_group.items():
        assert set(counts) == set(BOOKS["criticism"].names), group
        assert max(counts.values()) <= 0.42 * sum(counts.values()), f"{group}: {dict(counts)}"


def test_pairs_differ_by_their_target_alone():
    by_text: dict[str, list] = {}
    for coding in CODINGS["criticism"]:
        by_text.setdefault(coding.text, []).append(coding)
    pairs = [codings for codings in by_text.values() if len(codings) > 1]
    assert len(pairs) >= 15
    assert all(len({c.value for c in codings}) == len({c.target for c in codings}) == 2 for codings in pairs)


HEADER = "id,text,before,after,lang,value,tradition,genre,hard,reviewed\n"


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("id,text\n", r"x\.csv:1: the columns must be"),
        (HEADER + "1,t,,,en,joyful,t,g,,yes\n", r"x\.csv:2: unknown value 'joyful'; write one of nationalist"),
        (HEADER + "1,t,,,en,both,t,g,,yes\n2,t,,,en\n", r"x\.csv:3: a column is missing"),
        (HEADER + "1,,,,en,both,t,g,,yes\n", r"x\.csv:2: .* text is empty"),
        (HEADER + "1,t,,,en,both,t,g,,maybe\n", r"x\.csv:2: reviewed is yes or no"),
    ],
)
def test_a_wrong_row_is_named(tmp_path, content, match):
    (tmp_path / "x.csv").write_text(content)
    with pytest.raises(StarterError, match=match):
        load_starter(folder=tmp_path)


def test_a_targeted_codebook_needs_the_column(tmp_path):
    (tmp_path / "x.csv").write_text(HEADER)
    with pytest.raises(StarterError, match="reviewed,target"):
        load_starter(BOOKS["criticism"], folder=tmp_path)


def test_an_empty_folder_is_no_starter(tmp_path):
    with pytest.raises(StarterError, match="no starter codings"):
        load_starter(folder=tmp_path)


def test_the_digest_changes_with_a_byte(tmp_path):
    (tmp_path / "x.csv").write_text(HEADER)
    before = starter_digest(folder=tmp_path)
    (tmp_path / "x.csv").write_text(HEADER + "1,t,,,en,both,t,g,,yes\n")
    assert starter_digest(folder=tmp_path) != before
    assert starter_digest() == starter_digest()
    assert starter_digest("criticism") != starter_digest()
