from datetime import date

import numpy as np
import pytest

from classifiers.codebook import load_codebook
from classifiers.coding.coding_table import CodingRow
from classifiers.evaluation.error_rates import by_size, error_rates, prevalence_errors, quarter, unequal

BOOK = load_codebook()
HEADS = BOOK.two_heads


def test_rates_by_hand():
    truth = np.array([[True, False]] * 10 + [[False, True]] * 10)
    p = np.where(truth, 0.9, 0.1).astype(float)
    p[:4, 0] = 0.2  # four of the first ten are missed
    made = error_rates(truth, p, np.ones(20), ["a"] * 20, HEADS)
    assert made["a"]["nationalist"]["tpr"]["rate"] == pytest.approx(0.6)
    assert made["a"]["nationalist"]["fpr"]["rate"] == 0
    assert made["a"]["nationalist"]["tpr"]["low"] < 0.6 < made["a"]["nationalist"]["tpr"]["high"]
    assert made["a"]["texts"] == 20


def test_a_rate_of_few_texts_is_not_told():
    made = error_rates(np.array([[True, False]] * 3), np.full((3, 2), 0.9), np.ones(3), ["a"] * 3, HEADS)
    assert made["a"]["nationalist"]["tpr"] == {"texts": 3, "rate": None, "low": None, "high": None}


def test_groups_that_differ_are_named_and_alike_ones_are_not():
    truth = np.array([[True, False]] * 100)
    keys = ["north"] * 50 + ["south"] * 50
    p = np.full((100, 2), 0.9)
    p[:, 1] = 0.1
    assert unequal(error_rates(truth, p, np.ones(100), keys, HEADS), HEADS) == []
    p[50:75, 0] = 0.1
    (said,) = unequal(error_rates(truth, p, np.ones(100), keys, HEADS), HEADS)
    assert "finds nationalist unequally often by group: 0.50 of the texts of south, 1.00 of those of north" in said


def test_chance_differences_are_seldom_called():
    rng = np.random.default_rng(0)
    called = 0
    for _ in range(100):
        truth = rng.random((120, 2)) < 0.5
        rates = error_rates(truth, rng.random((120, 2)), np.ones(120), ["a", "b", "c"] * 40, HEADS)
        called += bool(unequal(rates, HEADS))
    assert called <= 12


def test_errors_of_cells():
    rows = [
        CodingRow(f"{i}", "nationalist" if i < 3 else "neither", group="a", date=date(2020, 2, 1)) for i in range(6)
    ] + [CodingRow("x", "both", group="b")]
    p = np.full((7, 2), 0.25)
    p[:, 1] = 0.05
    made = prevalence_errors(rows, p, np.ones(7), HEADS, BOOK.balances, 0.1)
    (cell,) = made["cells"]
    assert (cell["group"], cell["period"], cell["texts"]) == ("a", "2020-Q1", 6)
    assert cell["error_nationalist"] == pytest.approx(0.25 - 0.5)
    assert cell["error_balance"] == pytest.approx(0.2 - 0.5)
    assert cell["error_constant"] == pytest.approx(0.1 - 0.5)
    assert made["cells_too_small"] == 1
    assert (
        prevalence_errors(rows[:2], p[:2], np.ones(2), HEADS, BOOK.balances, 0)["mean_absolute"]["error_balance"]
        is None
    )


def test_quarters_and_long_tables():
    assert [quarter(CodingRow("a", "both", date=date(2020, m, 1))) for m in (1, 3, 4, 12)] == [
        "2020-Q1", "2020-Q1", "2020-Q2", "2020-Q4",
    ]  # fmt: skip
    assert quarter(CodingRow("a", "both")) == ""
    assert by_size(["a", "b", "b", "c", "c"], most=2) == ["other", "b", "b", "c", "c"]
