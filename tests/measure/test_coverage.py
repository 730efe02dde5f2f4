"""Small versions of benchmarks/coverage.py: the intervals cover, the baselines do not."""

import numpy as np
import pytest

from benchmarks.coverage import DESIGN_MAE, FLOOR, SEED, manifestos, score, synthetic


@pytest.mark.parametrize("n", [5, 20])
def test_intervals_cover_where_a_classifier_errs_unequally(n):
    random = np.random.default_rng(SEED)
    scores = score([synthetic(random) for _ in range(60)], n)
    for what in ("balance", "gap"):
        assert scores["ours", what][0] >= FLOOR
        assert scores["classify and count, naive", what][0] < 0.85
        assert scores["ours", what][1] < scores["audit alone", what][1]


def test_intervals_cover_on_what_a_crowd_has_counted(shared_data):
    scores = score([manifestos(shared_data / "uk_manifestos" / "manifestosentsUK.csv.gz")] * 40, 20)
    assert scores["ours", "balance"][0] >= FLOOR
    assert scores["ours", "gap"][0] >= FLOOR
    assert scores["ours", "balance"][1] <= DESIGN_MAE[20]
    assert scores["PCC, naive", "balance"][0] < 0.5
