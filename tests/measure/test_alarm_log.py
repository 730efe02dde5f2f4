from datetime import date

import numpy as np
import pytest

from pipeline.measure.alarm.cusum import Alarm, Path
from pipeline.measure.alarm_log import MOVED, QUIET_AGAIN, TAKEN_BACK, Known, compare
from pipeline.monitor.periods import periods_covering

WEEKS = periods_covering("week", date(2020, 1, 6), date(2021, 6, 1))[:60]
TODAY = WEEKS[-1].end


def path(*alarms, up=None, missing=()):
    z = np.ones(60)
    z[list(missing)] = np.nan
    return Path(z, np.ones(60) if up is None else np.array(up, dtype=float), np.ones(60), alarms)


def known(since=20, at=25, *, side=1, closed=None, confirmed=False, superseded=False):
    end = None if closed is None else WEEKS[closed].end
    return Known(7, WEEKS[since].start, WEEKS[at].start, WEEKS[at].end, side, end, confirmed, superseded)


def test_a_first_alarm_is_new():
    alarm = Alarm(25, 20, 1, None)
    assert compare([], path(alarm), WEEKS, today=TODAY) == ([alarm], [])


@pytest.mark.parametrize("again", [Alarm(25, 20, 1, None), Alarm(27, 18, 1, None), Alarm(24, 22, 1, None)])
def test_the_same_alarm_is_not_written_twice_though_it_moved_a_little(again):
    assert compare([known()], path(again), WEEKS, today=TODAY) == ([], [])


def test_the_other_side_and_a_later_one_are_others():
    down, later = Alarm(25, 20, -1, None), Alarm(50, 45, 1, None)
    fresh, closing = compare([known(closed=40)], path(Alarm(25, 20, 1, 40), down, later), WEEKS, today=TODAY)
    assert fresh == [down, later]
    assert closing == []


def test_it_closes_when_the_path_says_so_and_opens_again_when_it_does_not():
    _, (one,) = compare([known()], path(Alarm(25, 20, 1, 39)), WEEKS, today=TODAY)
    assert (one.id, one.closed, one.why) == (7, WEEKS[39].end, QUIET_AGAIN)
    assert compare([known(closed=39)], path(Alarm(25, 20, 1, 39)), WEEKS, today=TODAY) == ([], [])
    # texts that came late, or another model, show it open still
    fresh, (one,) = compare([known(closed=39)], path(Alarm(25, 20, 1, None)), WEEKS, today=TODAY)
    assert (fresh, one.closed, one.why) == ([], None, None)


def test_a_confirmed_one_that_the_path_does_not_show_closes_after_eight_quiet_weeks_missing_ones_not_counted():
    up = np.ones(60)
    up[30:45] = 0
    _, (one,) = compare([known(confirmed=True)], path(up=up, missing=[33, 34]), WEEKS, today=TODAY)
    assert (one.closed, one.why) == (WEEKS[39].end, QUIET_AGAIN)
    up[36] = 1  # not in a row
    assert compare([known(confirmed=True)], path(up=np.r_[up[:44], np.ones(16)]), WEEKS, today=TODAY)[1] == []


def test_what_another_model_does_not_raise_is_taken_back_unless_coders_confirmed_it():
    _, (one,) = compare([known()], path(), WEEKS, today=TODAY)
    assert (one.closed, one.why) == (WEEKS[25].start, TAKEN_BACK)
    assert compare([known(confirmed=True)], path(), WEEKS, today=TODAY) == ([], [])


def test_what_was_taken_back_opens_again_when_it_comes_back():
    taken = Known(7, WEEKS[20].start, WEEKS[25].start, WEEKS[25].end, 1, WEEKS[25].start, False, False)
    assert compare([taken], path(), WEEKS, today=TODAY) == ([], [])
    for again in (Alarm(26, 20, 1, None), Alarm(25, 25, 1, None)):
        fresh, (one,) = compare([taken], path(again), WEEKS, today=TODAY)
        assert (fresh, one.id, one.closed, one.why) == ([], 7, None, None)


def test_of_one_big_week_that_comes_back_there_is_one_alarm():
    single = Known(7, WEEKS[25].start, WEEKS[25].start, WEEKS[25].end, 1, WEEKS[25].start, False, False)
    fresh, (one,) = compare([single], path(Alarm(25, 25, 1, None)), WEEKS, today=TODAY)
    assert (fresh, one.closed) == ([], None)


def test_the_alarm_of_a_new_reference_is_another_one():
    again = Alarm(25, 20, 1, None)
    fresh, (one,) = compare([known(superseded=True)], path(again), WEEKS, today=TODAY)
    assert fresh == [again]
    assert one.why == MOVED


def test_a_moved_reference_closes_what_was_open():
    _, (one,) = compare([known(superseded=True)], path(Alarm(25, 20, 1, None)), WEEKS, today=TODAY)
    assert (one.closed, one.why) == (TODAY, MOVED)
