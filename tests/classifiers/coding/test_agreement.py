import time
from collections import Counter
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.coding.agreement import (
    Agreement,
    AgreementError,
    Rating,
    agreement,
    coincidences,
    confusion,
    counts_of,
)

# Krippendorff (2011), example C: four observers, twelve units, missing values; alpha of nominal data .743
TEXTBOOK = {
    "A": "1 2 3 3 2 1 4 1 2 . . .",
    "B": "1 2 3 3 2 2 4 1 2 5 . 3",
    "C": ". 3 3 3 2 3 4 2 2 5 1 .",
    "D": "1 2 3 3 2 4 4 1 2 5 1 .",
}


def _ratings(coders: dict[str, str]) -> list[Rating]:
    return [
        Rating(unit, unit, coder, value)
        for coder, line in coders.items()
        for unit, value in enumerate(line.split())
        if value != "."
    ]


def _pairwise(ratings) -> float:
    """The same by its other definition: observed against expected disagreement of pairs of values, pair by pair."""
    units: dict = {}
    for rating in ratings:
        units.setdefault(rating.unit, []).append(rating.value)
    units = {unit: values for unit, values in units.items() if len(values) > 1}
    pooled = [value for values in units.values() for value in values]
    observed = sum(
        sum(a != b for a, b in permutations(values, 2)) / (len(values) - 1) for values in units.values()
    ) / len(pooled)
    counts = Counter(pooled)
    n = len(pooled)
    expected = sum(counts[a] * counts[b] for a, b in permutations(counts, 2)) / (n * (n - 1))
    return 1 - observed / expected


def test_the_textbook_example_gives_743():
    found = agreement(_ratings(TEXTBOOK))
    assert found.alpha == pytest.approx(0.743, abs=0.0005)
    assert (found.units, found.ratings) == (11, 40)
    assert found.low < found.alpha < found.high


def test_two_coders_by_hand():
    """Krippendorff's example A: two observers, ten units, values 0 and 1; alpha .095 by his hand."""
    found = agreement(_ratings({"A": "0 1 0 0 0 0 0 0 1 0", "B": "1 1 1 0 0 1 0 0 0 0"}))
    assert found.alpha == pytest.approx(0.095, abs=0.0005)
    assert found.percent == pytest.approx(0.6)


def test_the_coincidences_of_the_textbook():
    table, _, values = counts_of(_ratings(TEXTBOOK))
    found = coincidences(table)
    assert values == ["1", "2", "3", "4", "5"]
    assert found.sum(axis=1) == pytest.approx([9, 13, 10, 5, 3])
    assert found.diagonal() == pytest.approx([7, 10, 8, 4, 3])
    assert found == pytest.approx(found.T)


rows = st.lists(
    st.lists(st.sampled_from(["a", "b", "c", None]), min_size=3, max_size=3), min_size=2, max_size=12
)  # units x coders


@given(rows)
def test_it_is_the_pairwise_definition(units):
    ratings = [
        Rating(u, u, f"c{c}", value)
        for u, line in enumerate(units)
        for c, value in enumerate(line)
        if value is not None
    ]
    try:
        found = agreement(ratings, draws=20)
    except AgreementError as error:
        assert str(error)  # noqa: PT017
        paired = [[v for v in line if v] for line in units if sum(v is not None for v in line) > 1]
        assert len({r.coder for r in ratings}) < 2 or len(paired) < 2 or len({v for line in paired for v in line}) == 1
    else:
        assert found.alpha == pytest.approx(_pairwise(ratings))
        assert 0 <= found.percent <= 1


@given(rows, st.permutations(["a", "b", "c"]))
def test_names_of_values_and_coders_do_not_matter(units, names):
    other = dict(zip("abc", names, strict=True))
    plain = [Rating(u, u, f"c{c}", v) for u, line in enumerate(units) for c, v in enumerate(line) if v]
    renamed = [Rating(r.unit, r.document, f"x{r.coder}", other[r.value]) for r in reversed(plain)]
    try:
        found = agreement(plain, draws=5).alpha
    except AgreementError:
        with pytest.raises(AgreementError):
            agreement(renamed, draws=5)
    else:
        assert agreement(renamed, draws=5).alpha == pytest.approx(found)


@pytest.mark.parametrize(
    ("coders", "match"),
    [
        ({}, "fewer than two coders"),
        ({"A": "1 2 3"}, "fewer than two coders"),
        ({"A": "1 2 .", "B": ". . 3"}, "no text was coded by two"),
        ({"A": "1 1 1", "B": "1 1 1"}, r"only one value is in use \(1\)"),
        ({"A": "1 2 1 3", "B": "1 . 1 ."}, "only one value is in use"),
        ({"A": "1 2 1 3", "B": "2 . . ."}, "too few texts for an interval: 1 coded by two coders"),
    ],
)
def test_what_can_not_be_reckoned_is_said(coders, match):
    with pytest.raises(AgreementError, match=match):
        agreement(_ratings(coders))


def test_missing_is_missing_and_the_last_rating_of_a_coder_counts():
    ratings = _ratings({"A": "1 2 1 2", "B": "1 2 1 2"})
    assert agreement(ratings).alpha == 1
    assert agreement([*ratings, Rating(9, 9, "A", "1")]).alpha == 1
    again = agreement([Rating(0, 0, "A", "2"), *ratings])
    assert (again.alpha, again.units) == (1, 4)


def test_units_of_a_document_are_drawn_together():
    """Twice the same units: alone they halve the variance, together they change nothing."""
    rng = np.random.default_rng(1)
    values = [("a" if rng.random() < 0.5 else "b", rng.random() < 0.25) for _ in range(200)]
    once = [
        Rating((d, 0), d, coder, v if coder == "A" or not flip else "ba"[v == "b"])
        for d, (v, flip) in enumerate(values)
        for coder in "AB"
    ]
    twice = once + [Rating((r.document, 1), r.document, r.coder, r.value) for r in once]
    apart = [Rating(r.unit, r.unit, r.coder, r.value) for r in twice]
    width = {name: (f := agreement(r)).high - f.low for name, r in [("once", once), ("twice", twice), ("apart", apart)]}
    assert width["twice"] == pytest.approx(width["once"], rel=0.05)
    assert width["apart"] == pytest.approx(width["once"] / np.sqrt(2), rel=0.15)


def test_the_interval_is_that_of_drawing_documents_one_by_one():
    rng = np.random.default_rng(2)
    lines = {c: " ".join(rng.choice(list("aabc"), 60)) for c in "AB"}
    lines["B"] = " ".join(
        a if rng.random() < 0.8 else b for a, b in zip(lines["A"].split(), lines["B"].split(), strict=True)
    )
    ratings = _ratings(lines)
    table, _, _ = counts_of(ratings)
    slow = []
    for _ in range(1000):
        some = table[rng.integers(0, len(table), len(table))]
        o = coincidences(some)
        n = o.sum(axis=1)
        slow.append(1 - (n.sum() - 1) * (o.sum() - o.trace()) / (n.sum() ** 2 - (n**2).sum()))
    found = agreement(ratings)
    assert [found.low, found.high] == pytest.approx(np.percentile(slow, [2.5, 97.5]), abs=0.03)
    assert agreement(ratings) == found
    assert agreement(ratings, seed=1) != found


def test_the_interval_covers():
    """Of 200 samples of 80 units from coders who err in a tenth, about 95 in 100 intervals hold the true alpha."""
    rng = np.random.default_rng(3)

    def sample(size):
        truth = rng.integers(0, 3, size)
        both = [np.where(rng.random(size) < 0.1, rng.integers(0, 3, size), truth) for _ in range(2)]
        return [Rating(u, u, c, str(v)) for c, line in zip("AB", both, strict=True) for u, v in enumerate(line)]

    true = _pairwise(sample(50_000))
    held = [(f := agreement(sample(80), draws=400)).low <= true <= f.high for _ in range(200)]
    assert 0.88 <= np.mean(held) <= 0.99


@pytest.mark.parametrize(("low", "word"), [(0.8, "reliable"), (0.667, "tentative"), (0.66, "not shown")])
def test_the_lower_bound_is_judged_in_words(low, word):
    assert Agreement(0.9, low, 1, 0.9, 10, 10, 20, 0).verdict.startswith(word)


def test_confusion_counts_units_of_both():
    ratings = _ratings({"A": "1 2 1 2 .", "B": "1 1 1 2 2", "C": "3 3 3 3 3"})
    assert confusion(ratings, "A", "B") == {("1", "1"): 2, ("2", "1"): 1, ("2", "2"): 1}
    assert confusion(ratings, "B", "A")["1", "2"] == 1
    assert confusion(ratings, "A", "nobody") == {}


def test_ten_thousand_documents_take_seconds():
    rng = np.random.default_rng(4)
    ratings = [Rating(u, u, c, str(v)) for c in "AB" for u, v in enumerate(rng.integers(0, 4, 10_000))]
    began = time.perf_counter()
    agreement(ratings)
    assert time.perf_counter() - began < 5
