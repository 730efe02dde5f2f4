"""Alarms against events: the three baselines are what they must be, and nothing is counted that was not watched."""

from datetime import date, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from pipeline.measure.backtest import DESCRIPTION, Watched, back_test, days_in, merged
from pipeline.monitor.model import Event

START = date(2010, 1, 1)


def day(n: int) -> date:
    return START + timedelta(days=n)


def event(n: int, kind: str = "split", dyad: tuple[str, str] | None = ("a", "b")) -> Event:
    return Event(date=day(n), dyad=dyad, kind=kind, text="t", reference="r")


def watched(alarms=(), observed=((0, 999),), a="a", b="b") -> Watched:
    return Watched(a, b, tuple((day(f), day(t)) for f, t in observed), tuple(day(n) for n in alarms))


def run(dyads, events, least=7, most=180, kinds=("split",), series="replay"):
    return back_test(
        dyads,
        events,
        kinds=kinds,
        least_lead=timedelta(days=least),
        most_lead=timedelta(days=most),
        series=series,
    )


@st.composite
def histories(draw):
    """One to three dyads over a few hundred days, with alarms, and events of all sorts."""
    dyads, events = [], []
    for name in draw(st.sampled_from(["b", "bc", "bcd"])):
        end = draw(st.integers(150, 500))
        alarms = draw(st.lists(st.integers(0, end), unique=True, max_size=6))
        dyads.append(watched(alarms, ((0, end),), b=name))
        events += [
            event(draw(st.integers(0, end + 60)), draw(st.sampled_from(["split", "rename", "no-split"])), ("a", name))
            for _ in range(draw(st.integers(0, 3)))
        ]
    events.append(event(120, "split", ("a", "b")))  # one that can be judged
    return dyads, events


leads = st.tuples(st.integers(0, 100), st.integers(0, 100)).map(sorted)


def test_an_example_by_hand():
    # windows of days 200-280 and 500-580 before the splits on day 300 and 600; one no-split on day 900: 800-880
    found = run(
        [watched([150, 210, 250, 890, 820])],
        [event(300), event(600), event(900, "no-split"), event(700, "statement")],
        least=20,
        most=100,
    )
    assert found.ours.hit_rate == 0.5
    assert found.ours.median_lead == 90  # of the first alarm in the window, day 210
    assert (found.false_alarms, found.alarms) == (3, 5)
    assert found.dyad_years == pytest.approx(1000 / 365.25)
    assert found.ours.false_per_dyad_year == pytest.approx(3 / (1000 / 365.25))
    assert found.ours.negatives_rate == 1.0
    assert [e.lead for e in found.events] == [90, None]
    assert found.always.false_per_dyad_year == pytest.approx((1000 - 2 * 81) / (1000 / 365.25))
    assert found.random.hit_rate == pytest.approx(1 - (1 - 81 / 1000) ** 5)
    assert found.random.false_per_dyad_year == pytest.approx(5 * (1 - 162 / 1000) / (1000 / 365.25))


@pytest.mark.parametrize(("alarm", "hit"), [(199, 0), (200, 1), (280, 1), (281, 0), (300, 0), (301, 0)])
def test_both_ends_of_the_window_count(alarm, hit):
    found = run([watched([alarm])], [event(300)], least=20, most=100)
    assert (found.ours.hit_rate, found.false_alarms) == (hit, 1 - hit)


@settings(max_examples=60)
@given(histories(), leads)
def test_never_hits_nothing_and_always_hits_all(history, lead):
    dyads, events = history
    found = run(dyads, events, *lead, kinds=("split", "rename"))
    assert (found.never.hit_rate, found.never.median_lead, found.never.false_per_dyad_year) == (0, None, 0)
    assert (found.always.hit_rate, found.always.median_lead) == (1, lead[1])
    # and so do the functions when they are given no alarm, or one every day
    silent = [Watched(d.a, d.b, d.observed) for d in dyads]
    loud = [
        Watched(d.a, d.b, d.observed, tuple(d.observed[0][0] + timedelta(days=n) for n in range(days_in(d.observed))))
        for d in dyads
    ]
    assert run(silent, events, *lead, kinds=("split", "rename")).ours == found.never
    assert run(loud, events, *lead, kinds=("split", "rename")).ours == found.always


@settings(max_examples=60)
@given(histories(), leads)
def test_every_alarm_is_in_a_window_or_false(history, lead):
    dyads, events = history
    found = run(dyads, events, *lead, kinds=("split", "rename"))
    inside = {
        (d.b, alarm)
        for d in dyads
        for alarm in d.alarms
        for e in events
        if e.dyad == (d.a, d.b) and e.kind in {"split", "rename"} and lead[0] <= (e.date - alarm).days <= lead[1]
    }
    assert found.false_alarms == found.alarms - len(inside)
    assert 0 <= found.random.hit_rate <= 1
    for score in (found.ours, found.random, found.random_within):
        assert score.median_lead is None or lead[0] <= score.median_lead <= lead[1]
        assert score.false_per_dyad_year <= found.alarms / found.dyad_years + 1e-9


@pytest.mark.parametrize("within", [False, True])
def test_the_expectation_of_random_alarms_is_that_of_random_alarms(within):
    dyads = [watched([10, 20, 30, 40, 50, 60]), watched([15], ((0, 399), (500, 899)), b="c")]
    events = [event(300), event(320), event(700, dyad=("a", "c")), event(880, "no-split", ("a", "c"))]
    expected = run(dyads, events, least=10, most=60)
    expected = expected.random_within if within else expected.random
    rng = np.random.default_rng(5)
    hits, false, negatives, first = [], [], [], []
    grounds = [np.arange(1000), np.concatenate([np.arange(400), np.arange(500, 900)])]
    for _ in range(4000):
        if within:
            thrown = [rng.choice(grounds[0], 6), rng.choice(grounds[1], 1)]
        else:
            all_days = rng.integers(0, 1800, 7)
            thrown = [grounds[0][all_days[all_days < 1000]], grounds[1][all_days[all_days >= 1000] - 1000]]
        windows = [(thrown[0], 300), (thrown[0], 320), (thrown[1], 700)]
        inside = [t[(t >= n - 60) & (t <= n - 10)] for t, n in windows]
        hits += [len(i) > 0 for i in inside]
        first += [n - i.min() for i, (_, n) in zip(inside, windows, strict=True) if len(i)]
        negatives.append(((thrown[1] >= 820) & (thrown[1] <= 870)).any())
        out = [(thrown[0] < 240) | (thrown[0] > 310), (thrown[1] < 640) | (thrown[1] > 690)]
        false.append(sum(o.sum() for o in out))
    assert expected.hit_rate == pytest.approx(np.mean(hits), abs=0.015)
    assert expected.negatives_rate == pytest.approx(np.mean(negatives), abs=0.02)
    assert expected.false_per_dyad_year == pytest.approx(np.mean(false) / (1800 / 365.25), rel=0.02)
    assert expected.median_lead == pytest.approx(np.median(first), abs=2)


def test_an_event_of_no_watched_dyad_is_named():
    """Its groups may be mistyped; nothing is left out without a word."""
    events = [event(300), event(400, dyad=("a", "bee")), event(500, "no-split", ("c", "a")), event(600, "statement")]
    found = run([watched([250]), watched(b="c"), watched(a="c", b="d")], [*events, event(700, dyad=("d", "a"))])
    assert len(found.events) == 1
    assert len(found.negatives) == 1  # a and c in the other order
    assert found.unjudged == (
        f"{day(400)} split of a--bee: no dyad that was watched (no watched dyad has bee)",
        f"{day(700)} split of d--a: no dyad that was watched",
    )
    others = [event(n, dyad=(f"x{n}", "y")) for n in range(300, 307)]
    *named, together = run([watched([250])], [event(300), *others[:2], event(400, dyad=("a", "bee"))]).unjudged
    assert len(named) == 1
    assert together == f"of groups that no watched dyad has: {day(300)} of x300--y, {day(301)} of x301--y"
    (together,) = run([watched([250])], [event(300), *others]).unjudged
    assert together.endswith(f"{day(304)} of x304--y and 2 more")
    with pytest.raises(ValueError, match=r"no event of the kinds split .*\n  .* split of a--bee: no dyad"):
        run([watched([250])], [event(400, dyad=("a", "bee"))])


def test_alarms_that_are_better_than_chance_beat_it():
    found = run([watched([250, 550])], [event(300), event(600)], least=20, most=100)
    assert found.ours.hit_rate > found.random.hit_rate
    assert found.ours.false_per_dyad_year < found.random.false_per_dyad_year


def test_random_within_a_dyad_knows_which_one_is_restless():
    found = run([watched(range(0, 100, 10)), watched(b="c")], [event(500), event(700)], least=1, most=90)
    assert found.random_within.hit_rate > found.random.hit_rate


def test_an_event_whose_window_was_not_observed_whole_is_left_out_and_said():
    dyad = watched([250], ((0, 259), (262, 999)))
    found = run([dyad], [event(300), event(600), event(999, "no-split"), event(1300)], least=20, most=100)
    assert [e.event.date for e in found.events] == [day(600)]
    assert len(found.negatives) == 1
    assert len(found.unjudged) == 2
    assert "not observed on every day from 2010-07-20 to 2010-10-08" in found.unjudged[0]
    # there was an event, so the alarm before it is not false
    assert (found.false_alarms, found.ours.hit_rate) == (0, 0)


def test_intervals_that_touch_are_one():
    assert merged([(day(5), day(9)), (day(0), day(4)), (day(7), day(12))]) == [(day(0), day(12))]
    found = run([watched([250], ((260, 999), (0, 259)))], [event(300)], least=20, most=100)
    assert found.ours.hit_rate == 1


def test_the_order_of_a_pair_does_not_matter_and_other_pairs_are_left_out():
    found = run([watched([250])], [event(300, dyad=("b", "a")), event(400, dyad=("a", "z"))])
    assert len(found.events) == 1


def test_an_event_without_dyad_concerns_all():
    found = run([watched([250]), watched(b="c")], [event(300, dyad=None)])
    assert [(e.b, len(e.alarms)) for e in found.events] == [("b", 1), ("c", 0)]


def test_one_alarm_may_come_before_two_events():
    found = run([watched([250])], [event(300), event(310)])
    assert (found.ours.hit_rate, found.ours.median_lead) == (1, 55)


def test_the_words_say_what_series_it_is_and_what_it_can_not_say():
    found = run([watched([250, 900])], [event(300), event(960, "no-split")])
    assert "REPLAY" in found.words
    assert "1 of 1 events (split) had an alarm 7 to 180 days before; 1 of 2 alarms" in found.words
    assert "1 of 1 no-split events had one too" in found.words
    assert found.words.endswith(DESCRIPTION)
    assert DESCRIPTION == "Six or eight events support description, not inference."
    vintage = run([watched()], [event(300)], series="vintage")
    assert "vintage" in vintage.words
    assert "REPLAY" not in vintage.words
    assert vintage.ours.negatives_rate is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kinds": ("split", "no-split")}, "negatives"),
        ({"kinds": ()}, "name the kinds"),
        ({"kinds": ("rename",)}, "nothing to hold"),
        ({"least": 200}, "0 <= least <= most"),
        ({"least": -1}, "0 <= least <= most"),
        ({"series": "current"}, "vintage or replay"),
        ({"dyads": [watched(), watched(a="b", b="a")]}, "stands twice"),
        ({"dyads": [watched([3, 3])]}, "two alarms on one day"),
        ({"dyads": [watched([1500])]}, "not observed"),
        ({"dyads": [watched(observed=((9, 0),))]}, "before the start"),
        ({"dyads": [watched(observed=())]}, "not observed|nothing can be said"),
        ({"dyads": []}, "nothing can be said"),
        ({"events": []}, "nothing to hold"),
    ],
)
def test_what_can_not_be_judged_is_refused_in_words(change, message):
    given_ = {"dyads": [watched([250])], "events": [event(300)], **change}
    with pytest.raises(ValueError, match=message):
        run(given_.pop("dyads"), given_.pop("events"), **given_)


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 10)), max_size=8))
def test_merging_keeps_the_days(pairs):
    assume(pairs)
    intervals = [(day(n), day(n + length)) for n, length in pairs]
    whole = merged(intervals)
    assert days_in(whole) == len({n + k for n, length in pairs for k in range(length + 1)})
    assert all(b[0] > a[1] + timedelta(days=1) for a, b in pairwise(whole))
