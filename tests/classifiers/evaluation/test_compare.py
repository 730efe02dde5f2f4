from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifiers.codebook import load_codebook
from classifiers.coding.coding_table import CodingRow
from classifiers.evaluation.compare import MARGINS, compare, overall, verdict_of

BOOK = load_codebook()
VALUES = ["nationalist", "universalist", "both", "neither"]
SIGNS = {"better": "worse", "worse": "better"}


def rows_of(n, groups=("a", "b")):
    return [
        CodingRow(
            f"t{i}", VALUES[i % 4], group=groups[i % 7 % len(groups)] if groups else "", date=date(2020, 1 + i % 9, 1)
        )
        for i in range(n)
    ]


def compared(rows, new, old, **more):
    n = len(rows)
    options = {"weights": np.ones(n), "units": np.arange(n), "replicates": 200} | more
    return compare(rows, new, old, heads=BOOK.two_heads, balances=BOOK.balances, **options)


def noisy(rows, noise, seed=0):
    truth = BOOK.two_heads.truth([row.value for row in rows]).astype(float)
    rng = np.random.default_rng(seed)
    return np.clip(truth + rng.normal(0, noise, truth.shape), 0.01, 0.99)


@given(st.integers(1, 60), st.integers(0, 3))
@settings(max_examples=25)
def test_a_model_against_itself_differs_by_nothing(n, seed):
    rows = rows_of(n)
    p = np.random.default_rng(seed).random((n, 2))
    made = compared(rows, p, p)
    for one in made["figures"].values():
        assert one["difference"] == 0
        assert one["interval"] in (None, [0, 0])
    assert made["verdict"] == ("not worse" if n >= 20 else "too few codings to tell")


@given(st.integers(20, 60), st.integers(0, 3))
@settings(max_examples=25)
def test_swapping_the_models_turns_every_sign(n, seed):
    rows = rows_of(n)
    one, two = noisy(rows, 0.5, seed), noisy(rows, 0.9, seed + 10)
    made, turned = compared(rows, one, two), compared(rows, two, one)
    for name, figure in made["figures"].items():
        other = turned["figures"][name]
        assert figure["difference"] == pytest.approx(-other["difference"])
        assert figure["interval"] == pytest.approx([-other["interval"][1], -other["interval"][0]])
        assert (figure["new"], figure["old"]) == (other["old"], other["new"])


def test_a_better_model_is_found_better_and_a_worse_one_worse():
    rows = rows_of(400)
    good, bad = noisy(rows, 0.2), noisy(rows, 1.2)
    assert compared(rows, good, bad)["figures"]["macro_f1"]["verdict"] == "better"
    made = compared(rows, bad, good)
    assert made["verdict"] == "worse"
    assert made["figures"]["brier"]["verdict"] == "worse"


def test_the_gap_is_that_of_dyads_and_without_two_groups_of_balances():
    rows = rows_of(300, groups=("a", "b", "c"))
    p, q = noisy(rows, 0.3), noisy(rows, 0.4, 5)
    # three quarters, three pairs of groups
    assert compared(rows, p, q)["gap_error_of"] == "9 gaps"
    assert compared(rows, p, q, dyads=[("c", "a")])["gap_error_of"] == "3 gaps"
    assert compared(rows_of(60, groups=()), p[:60], q[:60])["gap_error_of"] == "3 balances"
    few = compared(rows[:3], p[:3], q[:3])
    assert few["gap_error_of"] == "no cell of 5 texts"
    assert "gap_error" not in few["figures"]


def test_a_gap_error_by_hand():
    rows = [
        CodingRow(f"{g}{i}", "nationalist" if g == "a" else "universalist", group=g) for g in "ab" for i in range(5)
    ]
    # balance of a is 1, of b -1, so the gap is 2; the new model says .5 and -.5, the old one 0 and 0
    new = np.array([[0.75, 0.25]] * 5 + [[0.25, 0.75]] * 5)
    figure = compared(rows, new, np.full((10, 2), 0.5))["figures"]["gap_error"]
    assert (figure["new"], figure["old"]) == pytest.approx((1, 2))


def test_errors_that_both_groups_share_are_no_gap_error():
    rows = [CodingRow(f"{g}{i}", "neither", group=g) for g in "ab" for i in range(10)]
    same = np.array([[0.6, 0.2]] * 20)
    assert compared(rows, same, same)["figures"]["gap_error"]["new"] == pytest.approx(0)


@pytest.mark.parametrize(
    ("between", "verdict"),
    [
        ([0.01, 0.05], "better"),
        ([-0.01, 0.03], "not worse"),
        ([-0.019, -0.01], "not worse"),
        ([-0.1, -0.03], "worse"),
        ([-0.1, 0.1], "too few codings to tell"),
        (None, "too few codings to tell"),
    ],
)
def test_the_verdict_of_macro_f1(between, verdict):
    assert verdict_of(0.0, between, "macro_f1") == verdict


def test_of_brier_and_gap_error_less_is_better():
    assert verdict_of(0.0, [-0.05, -0.01], "brier") == "better"
    assert verdict_of(0.0, [0.2, 0.3], "gap_error") == "worse"
    assert verdict_of(0.0, [-0.3, MARGINS["gap_error"]], "gap_error") == "not worse"


def test_one_bad_figure_decides():
    assert overall(["better", "worse", "too few codings to tell"]) == "worse"
    assert overall(["better", "too few codings to tell"]) == "too few codings to tell"
    assert overall(["better", "not worse"]) == "better"
    assert overall(["not worse"]) == "not worse"


def test_nothing_to_compare_on():
    with pytest.raises(ValueError, match="no random codings to compare models on"):
        compared([], np.empty((0, 2)), np.empty((0, 2)))
