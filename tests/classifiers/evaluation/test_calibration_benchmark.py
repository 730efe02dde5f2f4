import pytest

from benchmarks.calibration import FLOORS, measure


@pytest.mark.long
def test_probabilities_of_new_texts_hold_their_floors_and_beat_the_base_rate():
    made = measure()
    assert set(made) == set(FLOORS)
    for name, (slope, brier, base) in made.items():
        assert slope >= FLOORS[name]
        assert brier < base
