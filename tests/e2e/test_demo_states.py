"""The whole demo world through the shipped procedure: alarm, codings, states, step by step."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select

from pipeline.demo.answering import CODER, LEAVE, PLANNED
from pipeline.store.alarms import alarms_of
from pipeline.store.queues import progress_of
from pipeline.store.session import open_session
from pipeline.store.tables import Coding
from pipeline.store.trends import gap_rows, trend_rows

pytestmark = [pytest.mark.long, pytest.mark.timeout(900), pytest.mark.xdist_group("whole-demo")]


@pytest.fixture
def session(whole_demo):
    with open_session(whole_demo.settings) as opened:
        yield opened


REFERENCE = [(date(2024, 1, 1), "not enough evidence"), (date(2025, 2, 10), "steady")]
RAISED, SINCE, FELL = date(2025, 5, 19), date(2025, 10, 13), date(2025, 12, 1)
"""the weeks in which the alarm of the quarrel is raised, and that of the reconciliation begins and is raised"""


def test_nothing_is_claimed_that_no_coder_has_confirmed(whole_demo, session):
    """The first 52 usable weeks are the reference; after them alarms of the model alone, which claim nothing."""
    assert whole_demo.uncoded == REFERENCE
    weeks = gap_rows(session, "demo", "kestrel", "juniper", period="week")
    assert weeks[0].flags[0] == "no usable reference (needs 52 usable weeks, has 0)"


def test_the_quarrel_and_the_reconciliation_raise_an_alarm_each(whole_demo, session):
    alarms = alarms_of(session, "demo")
    assert [(a.since, a.raised, a.side) for a in alarms] == [(date(2025, 2, 10), RAISED, 1), (SINCE, FELL, -1)]
    assert {(a.reference_start, a.reference_end) for a in alarms} == {(date(2024, 1, 1), date(2025, 2, 10))}
    assert whole_demo.asked.new == len(alarms) * PLANNED


def test_coders_confirm_both_and_a_visitor_has_texts_left(whole_demo, session):
    assert whole_demo.answered == 2 * (PLANNED - LEAVE)
    assert whole_demo.confirmed == [*REFERENCE, (RAISED, "diverging"), (FELL, "converging")]
    for alarm in alarms_of(session, "demo"):
        left = progress_of(session, "demo", alarm.queue_id, datetime.now(UTC))
        assert sum(part.left for part in left) == LEAVE
        assert alarm.confirmed_at is not None
    said = set(session.scalars(select(Coding.coder).where(Coding.draw == "alarm")))
    assert said == {CODER}, "nobody takes a simulated coder for a person"


def test_with_the_criticism_it_is_a_rift_and_then_they_converge(whole_demo, session):
    assert whole_demo.criticised.new == whole_demo.criticised.found > 200
    assert whole_demo.changes() == [*REFERENCE, (RAISED, "rift"), (FELL, "converging")]
    quarters = {row.start: row for row in gap_rows(session, "demo", "kestrel", "juniper", period="quarter")}
    states = {start: quarters[start].state for start in sorted(quarters)}
    assert list(states.values()) == ["not enough evidence"] * 4 + ["steady", "rift", "rift", "converging"]
    said = " ".join(quarters[date(2025, 7, 1)].flags)
    assert "confirmed by coders: change of the corrected gap +" in said
    for a, b in (("juniper", "kestrel"), ("kestrel", "juniper")):
        assert re.search(rf"hostile criticism of {a} by {b} has risen, since about 2025-0[2-5]", said), said


def test_the_truth_lies_in_the_intervals(whole_demo, session):
    truth = whole_demo.coded_balance()
    rows = trend_rows(session, "demo", period="quarter")
    assert {(r.group_id, r.start) for r in rows} == set(truth)
    assert sum(r.low <= truth[r.group_id, r.start] <= r.high for r in rows) >= 14


def test_made_texts_are_no_copies_of_one_another(whole_demo, session):
    originals = sum(post.repost_of is None for post in whole_demo.posts)
    quarters = trend_rows(session, "demo", period="quarter")
    observed = sum(row.group is None for row in whole_demo.truth)
    assert sum(row.clusters for row in quarters) == originals - observed
