"""What happened, in sentences."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

from pipeline.review.news import alarm_said, change_said, expected_false_alarms, new_gap, news_of, readings_of
from pipeline.store.newest import PublishedGap
from pipeline.store.tables import AlarmLook, GapCell, RaisedAlarm, StateChange

NAMES = {"heron": "Heron League", "maple": "Maple Covenant"}


def at(day):
    return datetime(2025, 6, day, tzinfo=UTC)


def change(**other):
    told = {
        "a": "heron",
        "b": "maple",
        "period": "week",
        "start": date(2025, 6, 2),
        "state": "diverging",
        "previous": "steady",
        "as_of": at(9),
    }
    return StateChange(**(told | other))


def alarm(**other):
    told = {
        "a": "heron", "b": "maple", "period": "week", "since": date(2025, 5, 5), "raised": date(2025, 5, 19),
        "side": -1,
        "found_at": at(1), "closed": None, "confirmed_at": None, "queue_id": None,
    }  # fmt: skip
    return RaisedAlarm(**(told | other))


def test_a_change_of_state():
    assert change_said(change()) == "diverging, in 2025-W23 (before: steady)"
    assert change_said(change(previous=None)) == "diverging, in 2025-W23 (the first state it has)"
    assert change_said(change(previous="diverging")) == "diverging, in 2025-W23 (as before; its alarms changed)"


def test_an_alarm_never_claims_more_than_coders_said():
    said = alarm_said(alarm())
    assert said == (
        "the model's gap went down from 2025-W19 to 2025-W21; not confirmed: nothing is drawn for coders yet"
    )
    assert "wait for coders" in alarm_said(alarm(queue_id=3))
    confirmed = alarm_said(alarm(queue_id=3, confirmed_at=at(4), side=1, since=date(2025, 5, 19)))
    assert confirmed == "the model's gap went up in 2025-W21; coders have confirmed it"
    holds, fell = (AlarmLook(alarm_id=1, looked_at=at(8), figures={"holds": held}) for held in (True, False))
    assert alarm_said(alarm(queue_id=3, confirmed_at=at(4)), holds).endswith("coders have confirmed it")
    assert alarm_said(alarm(queue_id=3, confirmed_at=at(4)), fell).endswith(
        "it was confirmed on 2025-06-04 00:00 UTC and holds no more"
    )
    assert "not confirmed by what coders have said" in alarm_said(alarm(queue_id=3), fell)
    back = alarm_said(alarm(closed=date(2025, 5, 19), closed_why="a newer model does not raise it"))
    assert back.endswith("; taken back: a newer model does not raise it")
    assert alarm_said(alarm(closed=date(2025, 8, 4))).endswith("; closed 2025-08-04")


def test_news_stand_newest_first_and_are_cut():
    told = news_of([change()], [alarm(confirmed_at=at(4)), alarm(a="left", found_at=at(2))], {}, NAMES, 10)
    assert [(one.at.day, one.kind, one.pair) for one in told] == [
        (9, "state", "Heron League and Maple Covenant"),
        (4, "confirmed", "Heron League and Maple Covenant"),
        (2, "alarm", "left and Maple Covenant"),
        (1, "alarm", "Heron League and Maple Covenant"),
    ]
    assert len(news_of([change()], [alarm()], {}, NAMES, 1)) == 1
    assert news_of([], [], {}, NAMES, 5) == []


GAP = GapCell(a="heron", b="maple", period="quarter", start=date(2025, 4, 1), end=date(2025, 7, 1))


def published(day, gap, low=None, high=None, codings=b""):
    """As of a day of July, the month after the period; 0 and less: while it was running."""
    return PublishedGap(datetime(2025, 6, 30, tzinfo=UTC) + timedelta(days=day), gap, low, high, codings)


def told(*newest_first, whole=False, recoded=False, cut=False):
    """What it reads now, and its readings as (day, words)."""
    made = new_gap(GAP, newest_first, whole=whole, recoded=recoded, cut=cut)
    return made and (made.said, [(one.at.day, one.said + " (running)" * one.running) for one in made.readings])


def test_each_reading_stands_once_with_the_time_it_was_first_published():
    corrected = [published(day, 0.311, 0.121, 0.5, b"12") for day in (7, 6, 5)]
    model = [published(day, 0.05) for day in (4, 3)]
    said, first = "+0.31 (+0.12 to +0.50)", (3, "+0.05, uncorrected")
    assert told(*corrected, *model) == (f"2025-Q2, gap {said}", [(5, said), first])
    assert told(*model) == ("2025-Q2, gap +0.05, uncorrected", [first])
    # a change that no reader could see on the page is none
    assert told(published(8, 0.312, 0.122, 0.501, b"12"), *corrected, *model)[1] == [(5, said), first]
    # the same as two readings ago: who last saw that one reads nothing new, and the page can tell
    again = told(published(9, 0.31, 0.12, 0.5, b"12"), published(8, 0.32, 0.12, 0.5, b"12"), *corrected, *model)
    assert again[1] == [(9, said), (8, "+0.32 (+0.12 to +0.50)"), (5, said), first]


def test_of_a_running_period_only_what_was_replaced_is_left():
    june = [published(day, gap) for day, gap in ((-1, 0.05), (-3, 0.2), (-5, 0.3))]
    last = (29, "+0.05, uncorrected (running)")
    assert told(published(4, 0.31), published(2, 0.1), *june)[1] == [
        (4, "+0.31, uncorrected"), (2, "+0.10, uncorrected"), last,
    ]  # fmt: skip
    # it read the same before and after the end
    assert told(published(2, 0.05), *june)[1] == [(29, "+0.05, uncorrected"), (27, "+0.20, uncorrected (running)")]
    # nothing was published since: the newest stands
    assert told(*june)[1] == [last, (27, "+0.20, uncorrected (running)")]
    # the first moment after the period's last day, in UTC and not in the zone of the figure's time
    end = datetime(2025, 7, 1, tzinfo=UTC)
    for moment, running in ((end, False), (end - timedelta(seconds=1), True)):
        zoned = moment.astimezone(timezone(timedelta(hours=5)))
        assert readings_of([PublishedGap(zoned, 0.1, None, None, b"")], GAP.end)[0].running is running


def test_the_readings_for_the_page_are_small():
    made = new_gap(GAP, [published(4, 0.31, 0.1, 0.5), published(-1, 0.05)], whole=False, recoded=False)
    assert made.at == datetime(2025, 7, 4, tzinfo=UTC)
    assert made.listed == [
        ("2025-07-04T00:00:00.000+00:00", "+0.31 (+0.10 to +0.50)", False),
        ("2025-06-29T00:00:00.000+00:00", "+0.05, uncorrected", True),
    ]


def test_no_interval_is_made_up_and_none_without_width_is_shown_as_one():
    assert told(published(4, 0.2), published(3, 0.3, 0.1, 0.5))[0] == "2025-Q2, gap +0.20, uncorrected"
    coded = published(4, 0.2, 0.2, 0.2, b"1"), published(3, 0.05)
    assert told(*coded, whole=True)[0] == "2025-Q2, gap +0.20 (all coded)"
    assert "all coded" not in told(*coded)[0]


def test_a_gap_that_went_away_is_told_and_one_that_never_was_is_not():
    gone = told(published(4, None), published(3, 0.05))
    assert gone == ("2025-Q2, no gap any more", [(4, "no value"), (3, "+0.05, uncorrected")])
    assert told(published(4, 0.05), published(3, None))[1][1] == (3, "no value")
    assert told(published(4, None), published(3, None)) is None
    assert told() is None


def test_of_earlier_periods_only_what_was_coded_anew_is_new():
    old, lam = published(3, 0.3, 0.1, 0.5, b"1"), published(5, 0.33, 0.1, 0.5, b"1")
    assert told(lam, old, recoded=True) is None  # other periods' codings moved it a little
    assert told(lam, old)[1] == [(5, "+0.33 (+0.10 to +0.50)"), (3, "+0.30 (+0.10 to +0.50)")]
    again = [published(day, 0.4, 0.2, 0.6, b"12") for day in (7, 6)]
    now = (6, "+0.40 (+0.20 to +0.60)")
    assert told(*again, lam, old, recoded=True)[1] == [now, *told(lam, old)[1]]
    # what came after the new codings has a time of its own
    moved = told(published(9, 0.5, 0.2, 0.6, b"12"), *again, lam, old, recoded=True)
    assert moved == ("2025-Q2, gap +0.50 (+0.20 to +0.60)", [(9, "+0.50 (+0.20 to +0.60)"), now, *told(lam, old)[1]])
    assert told(published(8, 0.33, 0.1, 0.5, b"123"), lam, recoded=True) is None  # it reads as it did
    # codings that came in while the period ran are its first ones
    assert told(lam, old, published(-1, 0.1, 0.0, 0.2, b""), recoded=True) is None


def test_what_is_older_than_all_that_was_read_is_no_news():
    same = [published(day, 0.05) for day in (7, 6, 5)]
    assert told(*same, cut=True) is None
    assert told(*same, published(4, 0.2), cut=True)[1][0] == (5, "+0.05, uncorrected")


def test_an_earlier_period_of_many_figures_may_have_been_coded_anew_before_them():
    many = [published(20 - number, number / 100, 0, 1, b"12") for number in range(20)]
    assert told(*many, recoded=True) is None
    assert len(told(*many, recoded=True, cut=True)[1]) == 20
    # all since the end are read: none of them rests on other codings
    assert told(*many[:19], published(-1, 0.9), recoded=True, cut=True) is None


def test_false_alarms_of_a_page_of_twenty_dyads():
    assert expected_false_alarms(20) == 1.0
