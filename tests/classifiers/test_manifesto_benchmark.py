import pytest

from benchmarks.manifesto import DATA, OURS, load, measure, problems


@pytest.mark.long
def test_ours_leads_every_plain_way(shared_data):
    data = load(shared_data / "manifesto_en" / "nat_univ.csv")
    assert len(data.rows) == 312
    reached = measure(1, data)
    assert problems(reached) == []


def test_what_is_below_is_named():
    assert problems({"plain, a": [0.70], OURS: [0.75]}) == []
    assert problems({"plain, a": [0.73], OURS: [0.75]}) == [f"{OURS}: 0.750 is not 0.03 above plain, a (0.730)"]
    assert "below" in problems({"plain, a": [0.1], OURS: [0.2]})[0]
    assert DATA.name == "nat_univ.csv"
