import math

import pytest

from benchmarks import alarm_thresholds, alarms
from pipeline.measure.alarm.thresholds import AUTOCORRELATIONS, MONTHS, RATE, THRESHOLDS, WEEKS, threshold
from pipeline.measure.state import USABLE_NEEDED


def test_between_grid_points_the_next_higher_one_counts():
    low, high = AUTOCORRELATIONS[:2]
    row = THRESHOLDS[52]
    assert threshold(52, low) == row[0]
    assert threshold(52, low + 0.001) == row[1]
    assert threshold(52, high) == row[1]
    assert threshold(52, -0.2) == row[0]
    assert threshold(52, AUTOCORRELATIONS[-1]) == row[-1]


def test_rounding_does_not_lead_to_the_next_row():
    assert threshold(26, 0.1 + 0.2) == THRESHOLDS[26][AUTOCORRELATIONS.index(0.3)]


@pytest.mark.parametrize("length", sorted(THRESHOLDS))
def test_thresholds_rise_with_the_autocorrelation(length):
    assert list(THRESHOLDS[length]) == sorted(set(THRESHOLDS[length]))


def test_a_longer_reference_needs_no_higher_threshold():
    for short, middle, long in zip(THRESHOLDS[26], THRESHOLDS[52], THRESHOLDS[104], strict=True):
        assert short > middle > long


def test_a_person_may_choose_each_length_in_weeks_and_no_other():
    assert WEEKS == (26, 52, 104)
    assert sorted([*WEEKS, MONTHS]) == sorted(THRESHOLDS)
    assert USABLE_NEEDED == {"week": 52, "month": MONTHS}


def test_beyond_the_table_there_is_no_threshold():
    with pytest.raises(ValueError, match="there are 24, 26, 52, 104"):
        threshold(40, 0.3)
    with pytest.raises(ValueError, match="beyond the table"):
        threshold(52, 0.81)
    with pytest.raises(ValueError, match="beyond the table"):
        threshold(52, math.nan)


@pytest.mark.parametrize(("length", "phi"), [(26, 0.3), (52, 0.3), (52, 0.6), (104, 0.45), (24, 0.3)])
def test_the_rate_is_kept_in_a_simulation_of_its_own(length, phi):
    seen, error = alarm_thresholds.rate(length, phi, threshold(length, phi), 800, seed=1)
    assert seen <= RATE + 3 * error
    # nor is it needlessly high
    assert seen >= 0.8 * RATE - 3 * error


@pytest.mark.parametrize("name", ["volume swings", "sources in and out", "reposts", "outage", "promotion"])
def test_a_monitor_keeps_the_rate_whatever_happens_to_its_sources(name):
    made = alarms.scenario(name, 0.3, 26, 60)
    assert made.value <= RATE + 3 * made.error
    assert made.value > 0
    assert made.autocorrelation > 0.3
