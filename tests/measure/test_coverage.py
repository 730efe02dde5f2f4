"""Small versions of benchmarks/coverage.py: the intervals cover, the baselines do not."""

import numpy as np
import pytest

from benchmarks.coverage import (
    DESIGN_MAE,
    DESIGN_SHARE_MAE,
    DRAWS,
    FLOOR,
    SEED,
    beyond,
    certain,
    score,
    score_world,
    unequal,
)
from benchmarks.coverage_worlds import (
    BALANCE,
    SHARE,
    SHARE_OF_TWO,
    VARIABLES,
    WORLDS,
    World,
    manifestos,
    of_sources,
    synthetic,
)
from tests.conftest import NO_DATA, SHARED_DATA

pytestmark = pytest.mark.xdist_group("manifestos")  # they share what takes long to make


@pytest.fixture(scope="module")
def crowd():
    """Variable -> cells of the manifestos."""
    file = SHARED_DATA / "uk_manifestos" / "manifestosentsUK.csv.gz"
    if not file.is_file():
        pytest.skip(NO_DATA)
    return manifestos(file)


@pytest.mark.parametrize("n", [5, 20])
def test_intervals_cover_where_a_classifier_errs_unequally(n):
    random = np.random.default_rng(SEED)
    scores = score([synthetic(random) for _ in range(60)], n)
    for what in ("balance", "gap"):
        assert scores["ours", what][0] >= FLOOR
        assert scores["classify and count, naive", what][0] < 0.85
        assert scores["ours", what][1] < scores["audit alone", what][1]


@pytest.mark.parametrize(
    ("covers", "whole", "slack", "missed"),
    [(0.929, 0.0, 0.02, 1), (0.93, 0.0, 0.0, 0), (0.97, 0.0, 0.0, 0), (0.975, 0.0, 0.0, 1), (0.975, 0.0, 0.02, 0),
     (0.975, 1 / 3, 0.0, 0), (0.985, 1 / 3, 0.0, 1)],
)  # fmt: skip
def test_too_wide_is_missed_as_too_narrow_is(covers, whole, slack, missed):
    scores = {("ours", "balance"): (covers, 0.1, 0.1), ("ours", "gap"): (0.95, 0.1, 0.1)}
    found = beyond("Cells", 5, scores, {"balance": whole, "gap": 0.0}, slack)
    assert len(found) == missed
    assert all("balance" in one for one in found)


def test_what_is_coded_whole_is_right_by_itself():
    random = np.random.default_rng(SEED)
    cells = [synthetic(random) for _ in range(30)]
    assert certain(cells, 5) == {"balance": 0.0, "gap": 0.0}
    assert certain(cells, 60) == {"balance": 1.0, "gap": 1.0}
    some = certain(cells, 40)
    assert 0.25 < some["balance"] < 0.45
    assert 0.05 < some["gap"] < some["balance"] / 2


@pytest.mark.long
def test_intervals_cover_on_what_a_crowd_has_counted(crowd):
    scores = score([crowd[BALANCE]] * 40, 20)
    assert scores["ours", "balance"][0] >= FLOOR
    assert scores["ours", "gap"][0] >= FLOOR
    assert scores["ours", "balance"][1] <= DESIGN_MAE[20]
    assert scores["PCC, naive", "balance"][0] < 0.5
    assert np.isnan(scores["SLD", "balance"][0])
    assert scores["constant", "balance"][1] > 0


@pytest.mark.parametrize("variable", [SHARE, SHARE_OF_TWO])
def test_a_share_is_the_same_function_with_a_probability(crowd, variable):
    scores = score([crowd[variable]] * 40, 20)
    assert scores["ours", "balance"][0] >= FLOOR - 0.01
    assert scores["ours", "gap"][0] >= FLOOR - 0.01
    assert scores["ours", "balance"][1] <= DESIGN_SHARE_MAE[20]
    assert scores["ours", "balance"][1] < scores["audit alone", "balance"][1]
    assert scores["classify and count, naive", "balance"][0] < 0.7


def test_the_variables_of_the_manifestos_agree(crowd):
    assert tuple(crowd) == VARIABLES
    for balance, share, of_two in zip(*crowd.values(), strict=True):
        assert (balance.group, balance.period) == (share.group, share.period) == (of_two.group, of_two.period)
        assert (balance.y == 1).sum() == share.y.sum() == of_two.y.sum()
        assert len(of_two.y) == (balance.y != 0).sum()
        assert np.all((share.f >= 0) & (share.f <= 1))
        assert {"PACC", "SLD", "constant"} == set(balance.without_codings) == set(share.without_codings)


@pytest.mark.parametrize("draw", sorted(DRAWS))
def test_intervals_cover_the_texts_of_few_sources_however_they_are_drawn(draw):
    # 420 intervals of cells, a standard error of .011
    found = score_world(World(3, 0.3, draw), 10, 35)
    assert found.balance >= 0.90
    assert found.gap >= 0.90


@pytest.mark.parametrize("n", [5, 10])
def test_a_later_draw_of_one_or_two_texts_takes_nothing_from_the_coverage(n):
    found = score_world(World(10, 0.2, "small second draw"), n, 40)
    # when it spoke for all texts that came before it: .90 and .86 of the cells
    assert found.balance >= FLOOR
    assert found.gap >= FLOOR


def test_the_intervals_do_not_speak_of_sources_that_were_never_watched():
    alike, apart = score_world(WORLDS[0], 20, 30), score_world(WORLDS[2], 20, 30)
    assert (WORLDS[0].correlation, WORLDS[2].correlation) == (0, 0.3)
    assert apart.balance >= 0.91
    assert apart.unseen < 0.65 < alike.unseen


def test_texts_of_one_source_resemble_one_another():
    random = np.random.default_rng(1)
    expected = [
        abs(c.y.mean() - c.expected) for r in (0.0, 0.3) for _ in range(30) for c in of_sources(World(3, r), random)
    ]
    half = len(expected) // 2
    assert np.mean(expected[half:]) > 2 * np.mean(expected[:half])


def test_unequal_draws_have_the_chances_they_say():
    random = np.random.default_rng(2)
    cell = of_sources(World(5, 0.1), random)[0]
    seen, chance = np.zeros(len(cell.y)), np.full(len(cell.y), np.nan)
    for _ in range(3000):
        y, pi, _, _ = unequal(cell, 10, random)
        assert (~np.isnan(y)).sum() == 10
        seen += ~np.isnan(y)
        chance = np.where(np.isnan(pi), chance, pi)
    assert seen / 3000 == pytest.approx(chance, abs=0.03)
    assert np.nanmax(chance) == pytest.approx(3 * np.nanmin(chance))


def test_a_large_second_draw_weighs_and_leaves_nothing_late():
    random = np.random.default_rng(3)
    cell = of_sources(World(5, 0.1), random)[0]
    y, pi, arrived, meant = DRAWS["large second draw"](cell, 10, random)
    assert not arrived.any()
    assert meant.all()
    chances = pi[~np.isnan(y)]
    assert len(chances) == 30
    assert len(set(np.round(chances, 6))) == 2
    assert (1 / chances).sum() == pytest.approx(len(y))


def test_a_small_second_draw_leaves_what_came_after_the_first_late():
    random = np.random.default_rng(3)
    cell = of_sources(World(5, 0.1), random)[0]
    y, pi, arrived, meant = DRAWS["small second draw"](cell, 10, random)
    assert meant.sum() == np.ceil(0.4 * len(y))
    assert (arrived == ~meant).all()
    assert len(set(np.round(pi[~np.isnan(y) & meant], 6))) == 1
