"""The alarms of a replay as of each week, on series made up here; that of the store is in tests/framing."""

from __future__ import annotations

from datetime import date, timedelta
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.measure.alarm.cusum import Alarm, Path
from pipeline.measure.cells import Coded, audit_balances
from pipeline.measure.judging import lent_by
from pipeline.measure.replayed import Stretch, in_alarm, lam_of, watch_as_of
from pipeline.measure.series import GroupSeries
from pipeline.measure.watching import watch_dyads
from pipeline.monitor.periods import period_of, periods_covering

FIRST = date(2020, 1, 6)
WEEKS = 100
SPANS = periods_covering("week", FIRST, FIRST + timedelta(weeks=WEEKS, days=-1))
DYADS = [("a", "b"), ("c", "b"), ("a", "c")]


def group(rng, *, shift_at=WEEKS, shift=0.0, silent=0.0, begins=0, scale=1.0):
    """Four texts a week about 0, about ``shift`` later on; ``silent``: share of weeks without a text."""
    weeks = np.arange(len(SPANS))
    mean = scale * (rng.normal(0, 0.2, len(SPANS)) + np.where(weeks >= shift_at, shift, 0.0))
    texts = np.where((rng.random(len(SPANS)) < silent) | (weeks < begins), 0.0, 4.0)
    variance = scale**2 * rng.uniform(0.02, 0.2, len(SPANS))
    return GroupSeries(texts, np.where(texts > 0, mean, np.nan), np.where(texts > 0, variance, np.nan))


def worlds(seed, *, models=3, shift=1.0):
    """What three models say of the same weeks: a moves, c comes later, and the models differ by scale and noise."""
    rng = np.random.default_rng(seed)
    shift_at, begins, silent = int(rng.integers(52, 80)), int(rng.integers(0, 12)), float(rng.choice([0, 0.1]))
    cuts = [int(c) for c in np.sort(rng.choice(np.arange(40, 95), models, replace=False))]
    ends = [*cuts[1:], WEEKS]
    made = []
    for first, end in zip(cuts, ends, strict=True):
        scale = float(rng.uniform(0.5, 1.5))
        noise = np.random.default_rng(seed + (0 if rng.random() < 0.5 else end))
        whole = {
            "a": group(noise, shift_at=shift_at, shift=shift, silent=silent, scale=scale),
            "b": group(noise, silent=silent, scale=scale),
            "c": group(noise, begins=begins, scale=scale),
        }
        lam = None if rng.random() < 0.3 else float(rng.uniform(0.2, 1))
        made.append(Stretch(first, end, cut(whole, end), lam))
    return made


def cut(groups, end):
    return {name: GroupSeries(g.texts[:end], g.mean[:end], g.variance[:end]) for name, g in groups.items()}


def week_by_week(stretches):
    """The definition: at each week the whole procedure on what there is, and an alarm where one is newly open."""
    weeks, alarms = {dyad: [] for dyad in DYADS}, {dyad: [] for dyad in DYADS}
    before = {dyad: set() for dyad in DYADS}
    for stretch in stretches:
        for i in range(stretch.first, stretch.end):
            watched = watch_dyads("week", SPANS[: i + 1], cut(stretch.groups, i + 1), DYADS, lam=stretch.lam)
            for dyad, one in watched.items():
                if one.path is None or one.reference.last >= i:
                    continue
                weeks[dyad].append(i)
                now = {alarm.side for alarm in one.path.alarms if alarm.closed is None}
                if now - before[dyad]:
                    alarms[dyad].append(i)
                before[dyad] = now
    return weeks, alarms


def seen(stretches, until=WEEKS):
    found = watch_as_of("week", SPANS, stretches, DYADS)
    return (
        {dyad: [i for i in one.weeks if i < until] for dyad, one in found.items()},
        {dyad: [i for i in one.alarms if i < until] for dyad, one in found.items()},
    )


@settings(max_examples=25)
@given(st.integers(0, 10_000))
def test_it_is_the_whole_procedure_run_anew_each_week(seed):
    stretches = worlds(seed)
    assert seen(stretches) == week_by_week(stretches)


def test_the_comparison_week_by_week_sees_alarms_and_more_than_one_threshold():
    """So that the test above does not compare nothing with nothing."""
    alarms = thresholds = 0
    for seed in range(12):
        stretches = worlds(seed)
        alarms += sum(len(found) for found in seen(stretches)[1].values())
        for stretch in stretches:
            ends = {
                one.autocorrelation
                for end in range(stretch.first + 1, stretch.end + 1)
                for one in watch_dyads("week", SPANS[:end], cut(stretch.groups, end), DYADS, lam=stretch.lam).values()
                if one.path is not None
            }
            thresholds = max(thresholds, len(ends))
    assert alarms >= 6
    assert thresholds >= 2


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(41, WEEKS - 1), st.integers(0, 10_000))
def test_nothing_that_comes_later_changes_what_was_seen_before(seed, t, other):
    """Later weeks of every model, later stretches whole and later lams are others; up to t all stays."""
    stretches = worlds(seed)
    rng = np.random.default_rng(other)
    changed = []
    for stretch in stretches:
        if stretch.first >= t:
            later = worlds(other)[0]
            whole = {name: group(rng, shift=float(rng.normal(0, 3)), shift_at=0) for name in "abc"}
            changed.append(Stretch(stretch.first, stretch.end, cut(whole, stretch.end), later.lam))
            continue
        groups = {}
        for name, one in stretch.groups.items():
            arrays = [np.array(values) for values in (one.texts, one.mean, one.variance)]
            silent = rng.random(stretch.end - t) < 0.3 if stretch.end > t else np.empty(0, dtype=bool)
            for values, new in zip(
                arrays,
                (rng.integers(1, 9, len(silent)), rng.normal(0, 3, len(silent)), rng.random(len(silent))),
                strict=True,
            ):
                values[t:] = np.where(silent, 0 if values is arrays[0] else np.nan, new)
            groups[name] = GroupSeries(*arrays)
        changed.append(Stretch(stretch.first, stretch.end, groups, stretch.lam))
    assert seen(changed, until=t) == seen(stretches, until=t)


def steady(level, *, end, jitter=0.3):
    """A gap of ``level`` per week from a, with a reference that varies by ``jitter``."""
    level = np.asarray(level, dtype=float)[:end]
    wave = jitter * np.where(np.arange(end) % 2 == 0, 1.0, -1.0)
    flat = GroupSeries(np.full(end, 4.0), np.zeros(end), np.full(end, 0.01))
    return {"a": GroupSeries(np.full(end, 4.0), level + wave, np.full(end, 0.01)), "b": flat, "c": flat}


def test_an_alarm_that_goes_on_under_the_next_model_is_one_and_one_shown_again_is_two():
    calm, high = np.zeros(WEEKS), np.where(np.arange(WEEKS) >= 60, 3.0, 0.0)
    dyads = [("a", "b")]

    def alarms(*levels):
        cuts = [40, 70, 80]
        stretches = [
            Stretch(first, end, steady(level, end=end), 0.5)
            for first, end, level in zip(cuts, [70, 80, WEEKS], levels, strict=True)
        ]
        one = watch_as_of("week", SPANS, stretches, dyads)["a", "b"]
        return one.alarms, one.belated

    (at,), belated = alarms(high, high, high)
    assert 60 <= at < 66
    assert belated == []
    assert alarms(calm, high, high) == ([70], [70])  # the new model shows at once what the old one did not see
    assert alarms(high, calm, high) == ([at, 80], [80])
    assert alarms(high, high, calm) == ([at], [])
    assert alarms(calm, calm, calm) == ([], [])


def test_a_time_without_a_model_is_not_watched_and_a_dyad_without_a_reference_says_so():
    end = WEEKS
    stretches = [
        Stretch(40, 60, steady(np.zeros(end), end=60), None),
        Stretch(80, end, steady(np.zeros(end), end=end), None),
    ]
    one = watch_as_of("week", SPANS, stretches, [("a", "b")])["a", "b"]
    assert one.weeks == [*range(52, 60), *range(80, end)]
    short = [Stretch(20, 40, steady(np.zeros(end), end=40), None)]
    one = watch_as_of("week", SPANS, short, [("a", "b")])["a", "b"]
    assert (one.weeks, one.why_not) == ([], "its reference is not complete at the end of the replay")
    blind = [Stretch(60, end, steady(np.zeros(end), end=end), 0.0)]
    one = watch_as_of("week", SPANS, blind, [("a", "b")])["a", "b"]
    assert (one.weeks, "can raise no alarm" in one.why_not) == ([], True)


def test_an_alarm_is_open_from_its_week_to_the_week_before_it_closes():
    z = np.zeros(10)
    path = Path(z, z, z, (Alarm(2, 1, 1, 5), Alarm(4, 3, -1, 6), Alarm(8, 7, 1, None)))
    assert np.flatnonzero(in_alarm(path, 1)).tolist() == [2, 3, 4, 8, 9]
    assert np.flatnonzero(in_alarm(path, -1)).tolist() == [4, 5]


@settings(max_examples=50)
@given(st.integers(0, 10_000), st.integers(0, 60))
def test_lam_is_what_a_measurement_takes(seed, n):
    rng = np.random.default_rng(seed)
    f, y = rng.uniform(-1, 1, n), rng.choice([-1.0, 0.0, 1.0], n)
    y = np.where(rng.random(n) < 0.6, np.sign(f), y)
    keys = [
        ("ab"[g], period_of("quarter", date(2020, 1 + 3 * q, 1)))
        for g, q in zip(rng.integers(0, 2, n), rng.integers(0, 4, n), strict=True)
    ]
    coded = {i + 1: Coded(float(y[i]), {}) for i in range(n)}
    balances = {i + 1: float(f[i]) for i in range(n)} | {999: 0.5}
    where = {i + 1: keys[i] for i in range(n)} | {998: ("a", keys[0][1])} if n else {}
    cells = []
    for name, span in sorted(set(keys)):
        mine = [i for i in range(n) if keys[i] == (name, span)]
        some = np.array(mine, dtype=int)
        cells.append(
            SimpleNamespace(
                group=name, span=span, f=f[some], y=y[some], pi=np.full(len(some), 0.5), late=np.zeros(len(some), bool)
            )
        )
    lent = lent_by(
        [b.borrowed for b in audit_balances(cells).values() if b.borrowed is not None and b.borrowed.freedom]
    )
    found = lam_of(coded, balances, where)
    assert found == (None if lent is None else pytest.approx(lent.lam, abs=1e-12))
