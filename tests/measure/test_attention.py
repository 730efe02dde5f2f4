from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pipeline.measure.attention import (
    QUOTE,
    Citations,
    Cited,
    Vocabulary,
    address_key,
    addresses_in,
    median_wait,
    most_cited,
    prints_of,
    replies,
    stretches,
    waits,
    wilson,
)


def at(*days):
    return np.array([np.datetime64(date(2024, 1, 1)) + int(d) for d in days], dtype="datetime64[us]")


@given(st.integers(1, 200).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_scipys(share):
    k, n = share
    expected = stats.binomtest(k, n).proportion_ci(method="wilson")
    assert wilson(k, n) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_a_share_of_nothing_is_refused():
    for k, n in ((0, 0), (3, 2), (-1, 5)):
        with pytest.raises(ValueError, match="a share needs"):
            wilson(k, n)


def test_the_wait_is_to_the_next_text_that_names_and_what_is_open_is_censored():
    days, followed = waits(at(0, 3, 8, 40), at(2, 3, 9), np.datetime64("2024-01-21"))
    # 0 -> 2; 3 -> 9, not itself; 8 -> 9; 40 lies behind what was observed
    assert days.tolist() == [2, 6, 1]
    assert followed.all()
    days, followed = waits(at(0, 12), at(2), np.datetime64("2024-01-21"))
    assert (days.tolist(), followed.tolist()) == ([2, 8], [True, False])


def test_a_median_by_hand():
    # of four, one ends at 1, one is censored at 2, one ends at 3: 3/4, then 3/4 * 1/2
    assert median_wait(np.array([1.0, 2, 3, 4]), np.array([True, False, True, False])) == 3
    assert median_wait(np.array([1.0, 2]), np.array([True, False])) == 1
    assert median_wait(np.array([1.0, 2, 3]), np.array([True, False, False])) is None
    assert median_wait(np.empty(0), np.empty(0, dtype=bool)) is None


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=40))
def test_the_median_is_that_of_scipys_curve(rows):
    days, followed = np.array([float(d) for d, _ in rows]), np.array([f for _, f in rows])
    if not followed.any():
        assert median_wait(days, followed) is None
        return
    curve = stats.ecdf(stats.CensoredData(uncensored=days[followed], right=days[~followed])).sf
    # scipy leaves the end out of the curve when it is censored
    below = curve.quantiles[curve.probabilities <= 0.5 + 1e-12]
    assert median_wait(days, followed) == (below[0] if len(below) else None)


def test_a_quick_reply_is_told_from_one_that_any_day_would_get():
    every_day, end = at(*range(90)), np.datetime64("2024-03-31")
    triggers = at(10, 30, 50, 70)
    quick = replies(triggers, at(11, 31, 51, 71), every_day, end)
    assert (quick.triggers, quick.answered, quick.median) == (4, 4, 1)
    assert quick.usual > 5
    always = replies(triggers, at(*range(91)), every_day, end)
    assert (always.median, always.usual) == (1, 1)
    nobody = replies(at(), at(5), every_day, end)
    assert (nobody.triggers, nobody.answered, nobody.median) == (0, 0, None)
    silent = replies(triggers, at(), every_day, end)
    assert (silent.triggers, silent.answered, silent.median, silent.usual) == (4, 0, None, None)


def test_addresses_are_compared_in_one_spelling():
    assert address_key("HTTPS://www.Example.org/a/?utm_source=x#top") == "example.org/a"
    assert address_key("http://example.org/a") == "example.org/a"
    assert address_key("http://") is None
    text = "See (http://example.org/a/), www.example.org/b. And «https://example.org/ج»؛ or http://example.org alone."
    assert addresses_in(text) == {"example.org/a", "example.org/b", "example.org/%D8%AC"}


def test_stretches_tell_equal_words_from_others():
    number = Vocabulary()
    one, two = number(list("abcdefghijklm")), number(list("bcdefghijklmn"))
    assert len(stretches(one)) == len(stretches(two)) == 2
    assert stretches(one)[1] == stretches(two)[0]
    assert len(set(stretches(one).tolist()) | set(stretches(two).tolist())) == 3
    assert len(stretches(number(["a"] * (QUOTE - 1)))) == 0


def words(start, count):
    return " ".join(f"w{i}" for i in range(start, start + count))


def citations(rows):
    """rows: (group, title, text, addresses), by publication."""
    vocabulary = Vocabulary()
    prints = [prints_of(text, title, vocabulary) for _, title, text, _ in rows]
    return Citations([g for g, *_ in rows], prints, [own for *_, own in rows])


def test_links_titles_and_quotations_are_found():
    found = citations(
        [
            ("b", "The word of the winter council", words(0, 60), ["https://b.org/1", "https://copy.org/1"]),
            ("b", None, words(100, 60), ["https://b.org/2"]),
            ("a", None, f"They wrote, {words(20, 12)}, and lied.", ["https://a.org/1"]),
            ("a", None, "So, The Word of the Winter Council is void; see www.copy.org/1?utm_source=feed.", ["https://a.org/2"]),
            ("b", None, f"{words(100, 30)} https://b.org/1 {words(20, 12)}", ["https://b.org/3"]),
        ]
    )  # fmt: skip
    assert found.quotes() == {(0, 2)}
    assert found.titles() == {(0, 3)}
    assert found.links() == {(0, 3)}
    assert most_cited(found.links(), found.titles(), found.quotes()) == [Cited(0, 2, 1, 1, 1)]


def test_eleven_words_a_formula_and_the_first_author_are_no_quotations():
    formula = words(500, 15)
    found = citations(
        [
            ("b", "Short title", f"{words(0, 40)} {formula}", []),
            ("b", None, f"{words(50, 40)} {formula}", []),
            ("b", None, f"{words(100, 40)} {formula}", []),
            ("a", None, f"{words(0, 11)} short title {formula}", []),
            ("a", None, words(200, 40), []),
            ("b", None, words(205, 20), []),
        ]
    )
    # the last text quotes a, who said it first; the formula is nobody's
    assert found.quotes() == {(4, 5)}
    assert found.titles() == set()


def test_a_title_of_two_texts_names_neither():
    title = "A word to all our friends"
    found = citations([("b", title, "x", []), ("b", title, "y", []), ("a", None, f"they said: {title}!", [])])
    assert found.titles() == set()
    assert citations([]).quotes() == set()


def test_the_most_cited_come_first_and_equals_by_date():
    pairs = {(1, 5), (1, 6), (0, 5), (3, 7), (4, 8)}
    assert [c.text for c in most_cited(pairs, set(), {(1, 5)}, most=3)] == [1, 0, 3]
    assert most_cited(set(), set(), set()) == []
