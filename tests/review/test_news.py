"""What happened, in sentences."""

from __future__ import annotations

from datetime import UTC, date, datetime

from pipeline.review.news import alarm_said, change_said, expected_false_alarms, news_of
from pipeline.store.tables import AlarmLook, RaisedAlarm, StateChange

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


def test_false_alarms_of_a_page_of_twenty_dyads():
    assert expected_false_alarms(20) == 1.0
