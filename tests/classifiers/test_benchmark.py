import pytest

from benchmarks.framing import FLOORS, MANIFESTOS, Line, below, measure


@pytest.mark.long
@pytest.mark.timeout(600)
def test_figures_stay_above_their_floors_and_baselines():
    lines = {line.name: line for line in measure()}
    assert below(list(lines.values())) == []
    assert set(FLOORS) - set(lines) == (set() if MANIFESTOS.is_file() else {"manifestos, two sides"})
    for name in set(FLOORS) & set(lines):
        assert lines[name].reached > lines[name].majority
        if "four values" in name:  # on two sides the lead is inside the noise
            assert lines[name].reached > lines[name].plain


def test_a_figure_below_its_floor_is_named():
    name, floor = next(iter(FLOORS.items()))
    assert below([Line(name, 10, floor, 0, 0), Line("no floor", 10, 0, 0, 0)]) == []
    assert below([Line(name, 10, floor - 0.001, 0, 0)])[0].startswith(name)
