from datetime import date

import numpy as np
import pytest

from pipeline.measure.alarm.thresholds import threshold
from pipeline.measure.series import GroupSeries
from pipeline.measure.watching import NOTHING_EXPLAINED, watch_dyads
from pipeline.monitor.periods import periods_covering

WEEKS = periods_covering("week", date(2018, 1, 1), date(2023, 12, 31))
T = len(WEEKS)


def group(rng, shift=0.0, at=T, *, every=1):
    """Five texts a week (in every ``every``-th week), whose mean moves by ``shift`` from week ``at`` on."""
    texts = np.where(np.arange(T) % every == 0, 5.0, 0.0)
    level = np.where(np.arange(T) >= at, shift, 0.0)
    mean = level + rng.normal(0, 0.3 / 5**0.5, T)
    return GroupSeries(texts, np.where(texts > 0, mean, np.nan), np.where(texts > 0, 0.09, np.nan))


def watch(**more):
    rng = np.random.default_rng(5)
    groups = {"a": group(rng, 0.4, 150), "b": group(rng), "c": group(rng)}
    return watch_dyads("week", WEEKS, groups, [("a", "b"), ("b", "c")], **({"lam": 0.7} | more))


def test_the_dyad_that_moves_raises_an_alarm_and_the_other_does_not():
    made = watch()
    (alarm,) = made["a", "b"].path.alarms
    assert alarm.side == 1
    assert 143 <= alarm.since <= 155
    assert 150 < alarm.at <= 170
    assert made["b", "c"].path.alarms == ()
    assert made["a", "b"].threshold == made["b", "c"].threshold  # one autocorrelation for all
    assert made["a", "b"].usable_before(30) == 30
    assert made["a", "b"].usable_before(200) == 52


def test_how_far_the_model_is_trusted_changes_no_alarm():
    paths = [watch(lam=lam)["a", "b"].path for lam in (None, 0.3, 1.0)]
    assert len({path.alarms for path in paths}) == 1
    assert np.allclose(paths[0].z, paths[1].z, equal_nan=True)


def test_a_model_that_explains_nothing_raises_none_and_says_so():
    assert {one.impossible for one in watch(lam=0.0).values()} == {NOTHING_EXPLAINED}


def test_a_reference_moved_by_a_person_begins_there():
    made = watch(starts={("a", "b"): date(2021, 1, 1)})
    assert WEEKS[made["a", "b"].reference.first].end > date(2021, 1, 1) >= WEEKS[made["a", "b"].reference.first].start
    assert made["a", "b"].path.alarms == ()  # the shift lies before it
    assert made["b", "c"].reference.first == 0


@pytest.mark.parametrize("weeks", [26, 52, 104])
def test_each_length_of_a_reference_has_its_threshold(weeks):
    made = watch(lengths={("a", "b"): weeks})
    one = made["a", "b"]
    assert (one.length, one.reference.used, one.usable_before(T)) == (weeks, weeks, weeks)
    assert one.threshold == threshold(weeks, one.autocorrelation)
    assert len(one.path.alarms) == 1
    assert (made["b", "c"].length, made["b", "c"].reference.used) == (52, 52)


def test_a_length_without_a_threshold_is_watched_by_nobody():
    one = watch(lengths={("a", "b"): 40})["a", "b"]
    assert one.path is None
    assert "no threshold was simulated for a reference of 40 periods" in one.impossible


def test_a_text_now_and_then_is_no_series():
    rng = np.random.default_rng(5)
    groups = {"a": group(rng, every=4), "b": group(rng)}
    one = watch_dyads("week", WEEKS, groups, [("a", "b")], lam=1.0)["a", "b"]
    assert one.path is None
    assert "52 usable weeks, is spread over 205: most weeks have no text of both" in one.impossible


def test_single_texts_are_refused_in_words():
    rng = np.random.default_rng(5)
    lonely = GroupSeries(np.ones(T), rng.normal(0, 0.3, T), np.full(T, np.nan))
    one = watch_dyads("week", WEEKS, {"a": lonely, "b": group(rng)}, [("a", "b")], lam=1.0)["a", "b"]
    assert one.usable_before(100) == 0
    assert "never two texts in one period" in one.impossible


@pytest.mark.parametrize("weeks", [0, 51])
def test_without_enough_weeks_there_is_no_reference(weeks):
    rng = np.random.default_rng(5)
    whole = {"a": group(rng), "b": group(rng)}
    groups = {
        name: GroupSeries(one.texts[:weeks], one.mean[:weeks], one.variance[:weeks]) for name, one in whole.items()
    }
    one = watch_dyads("week", WEEKS[:weeks], groups, [("a", "b")], lam=1.0)["a", "b"]
    assert (one.reference, one.path, one.impossible) == (None, None, None)
    assert one.usable_before(weeks) == weeks


def test_a_reference_that_begins_today_is_none_yet():
    made = watch(starts={("a", "b"): WEEKS[-1].end})
    one = made["a", "b"]
    assert (one.reference, one.path) == (None, None)
    assert one.usable_before(T - 1) == 0
    recent = watch(starts={("a", "b"): WEEKS[-10].start})["a", "b"]
    assert recent.reference is None
    assert recent.usable_before(T) == 10
    assert made["b", "c"].path is not None


@pytest.mark.parametrize(
    ("case", "said"),
    [
        ("every second week", "pairs of neighbouring weeks"),
        ("a constant model", "does not vary"),
    ],
)
def test_a_series_the_alarm_cant_use_says_so_and_breaks_nothing(case, said):
    rng = np.random.default_rng(5)
    if case == "every second week":
        groups = {name: group(rng, every=2) for name in "ab"}
    else:
        groups = {name: GroupSeries(np.full(T, 5.0), np.full(T, 0.2), np.zeros(T)) for name in "ab"}
    one = watch_dyads("week", WEEKS, groups, [("a", "b")], lam=1.0)["a", "b"]
    assert one.path is None
    assert said in one.impossible
