import re
from collections import Counter

import pytest
from sklearn.feature_extraction.text import ENGLISH_STOP_WORDS

from classifiers.codebook import load_codebook
from classifiers.normalise import normalise
from classifiers.starter import StarterError, load_starter, starter_digest

CODINGS = load_starter()
DESIGNED = [c for c in CODINGS if not c.id.startswith("en-d-")]
"""written so that no word betrays the value; in the others, natural prose, the usual words mean the usual"""
VALUES = set(load_codebook().names)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", normalise(text))


def test_enough_of_every_language_and_value():
    assert len(CODINGS) >= 800
    languages = Counter(c.lang for c in CODINGS)
    assert all(languages[code] >= 60 for code in ("ar", "ps", "ur", "fa"))
    counts = Counter(c.value for c in CODINGS)
    assert set(counts) == VALUES
    assert counts["nationalist"] == counts["universalist"]
    assert min(counts.values()) >= 0.2 * len(CODINGS)


def test_every_tradition_and_language_has_all_values():
    for key in ("tradition", "lang"):
        groups = {getattr(c, key) for c in CODINGS}
        assert {(g, v) for g in groups for v in VALUES} == {(getattr(c, key), c.value) for c in CODINGS}
    assert len({c.tradition for c in CODINGS}) >= 5


def test_hard_cases_name_a_rule_of_the_codebook():
    hard = [c.hard for c in CODINGS if c.hard]
    assert set(hard) <= {rule.id for rule in load_codebook().rules}
    assert len(hard) >= len(CODINGS) / 3


def test_only_english_is_marked_as_reviewed():
    assert {(c.lang == "en", c.reviewed) for c in CODINGS} == {(True, True), (False, False)}


def test_no_two_rows_share_a_run_of_eight_words():
    seen: dict[tuple[str, ...], str] = {}
    assert len({c.id for c in CODINGS}) == len(CODINGS)
    for coding in CODINGS:
        words = _words(coding.text)
        for run in zip(*(words[i:] for i in range(8)), strict=False):
            assert seen.setdefault(run, coding.id) == coding.id, f"{coding.id} and {seen[run]}: {' '.join(run)}"


def test_no_word_gives_the_value_away():
    """Of the rows with a common word, at most three quarters are of one value; also among the two sides alone."""
    rows: dict[str, Counter[str]] = {}
    for coding in DESIGNED:
        for word in set(_words(coding.text)) - ENGLISH_STOP_WORDS:
            rows.setdefault(word, Counter())[coding.value] += 1
    for word, by_value in rows.items():
        sides = {v: by_value[v] for v in ("nationalist", "universalist")}
        for counts in (by_value, sides):
            total = sum(counts.values())
            assert total < 30 or max(sides.values()) <= 0.75 * total, f"{word}: {dict(by_value)}"


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


def test_an_empty_folder_is_no_starter(tmp_path):
    with pytest.raises(StarterError, match="no starter codings"):
        load_starter(folder=tmp_path)


def test_the_digest_changes_with_a_byte(tmp_path):
    (tmp_path / "x.csv").write_text(HEADER)
    before = starter_digest(folder=tmp_path)
    (tmp_path / "x.csv").write_text(HEADER + "1,t,,,en,both,t,g,,yes\n")
    assert starter_digest(folder=tmp_path) != before
    assert starter_digest() == starter_digest()
