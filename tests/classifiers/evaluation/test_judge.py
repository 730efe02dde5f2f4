import json

import numpy as np
import pytest

from classifiers.codebook import load_codebook
from classifiers.coding.coding_table import CodingRow
from classifiers.coding.examples import Examples
from classifiers.evaluation.judge import judge, understood

BOOK = load_codebook()
VALUES = ["nationalist", "universalist", "both", "neither"]


def judged(p, rows=None, **more):
    rows = rows or [CodingRow(f"t{i}", VALUES[i % 4], group="ab"[i % 2], lang="en") for i in range(40)]
    options = {"training_balance": 0.0, "base_rates": np.array([0.5, 0.25]), "baselines": {}, "replicates": 50} | more
    examples = Examples(rows, np.ones(len(rows)), np.arange(len(rows)))
    return judge(examples, p, heads=BOOK.two_heads, balances=BOOK.balances, **options)


def test_a_perfect_model():
    truth = BOOK.two_heads.truth([VALUES[i % 4] for i in range(40)])
    made = judged(np.where(truth, 0.99, 0.01))
    assert made["figures"]["macro_f1"] == {"value": 1.0, "interval": [1.0, 1.0]}
    assert made["figures"]["brier"]["value"] == pytest.approx(0.0001)
    assert made["baselines"]["base rate"]["brier"] == pytest.approx(0.25)
    assert set(made["error_rates"]) == {"group", "language"}
    assert made["warnings"] == []
    assert json.loads(json.dumps(made, allow_nan=False)) == made


def test_what_is_not_understood_counts_as_the_base_rate():
    p = np.full((40, 2), np.nan)
    made = judged(p)
    assert made["not_understood"] == 40
    assert made["figures"]["brier_nationalist"]["value"] == pytest.approx(0.25)
    assert made["figures"]["brier_universalist"]["value"] == pytest.approx(0.5 * 0.0625 + 0.5 * 0.5625)
    assert understood(p, np.array([0.1, 0.2])).tolist() == [[0.1, 0.2]] * 40


def test_a_baseline_is_judged_on_what_it_says_anything_of():
    said = np.array([VALUES[i % 4] if i < 20 else "" for i in range(40)])
    made = judged(np.full((40, 2), 0.5), baselines={"half": said, "none": np.array([""] * 40)})
    assert made["baselines"]["half"] == {"texts": 20, "macro_f1": 1.0}
    assert "none" not in made["baselines"]


def test_groups_that_the_model_serves_unequally_are_warned_of():
    rows = [CodingRow(f"t{i}", "nationalist", group="ab"[i % 2]) for i in range(80)]
    p = np.array([[0.9 if i % 2 else 0.1, 0.1] for i in range(80)])
    (warning,) = judged(p, rows)["warnings"]
    assert "nationalist unequally often by group" in warning


def test_nothing_to_judge():
    with pytest.raises(ValueError, match="no coded texts"):
        judge(
            Examples([], np.empty(0), np.empty(0, dtype=int)),
            np.empty((0, 2)),
            heads=BOOK.two_heads,
            balances=BOOK.balances,
            training_balance=0.0,
            base_rates=np.array([0.5, 0.5]),
            baselines={},
        )
