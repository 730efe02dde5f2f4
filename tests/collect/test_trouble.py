"""Which sources are in trouble, told from a few rows."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import event

from pipeline.collect.health import RUNS_SHOWN
from pipeline.collect.trouble import sources_in_short, trouble_of
from pipeline.collect.volume import state_said, volume
from pipeline.monitor import load_monitor
from pipeline.monitor.sources import FeedSource
from pipeline.store.places import PlacesInShort, PlaceState
from pipeline.store.session import engine_for, open_session
from pipeline.store.tables import Place
from tests.collect.test_health import NOW, run

SOURCE = FeedSource(id="letters", group="a", speaker="own", addresses=["http://127.0.0.1:9/f"], kind="feed")
FINE = PlacesInShort(1)
BROKEN = PlaceState("b", failures=4, failure="soft", reason="HTTP 404")
TODAY = date(2009, 12, 31)


def finding(found):
    return run(known=1, problems=["HTTP 404 at x", f"volume: {found.said}"])


def test_nothing_is_wrong():
    assert trouble_of(SOURCE, FINE, [run(new=1, problems=[])]) is None
    assert trouble_of(SOURCE, PlacesInShort(), []) is None


def test_each_trouble_says_why():
    every_day = {TODAY - timedelta(days=i): 3 for i in range(1, 400)}
    silent = volume(every_day, TODAY + timedelta(days=30))
    low = volume(every_day | {TODAY - timedelta(days=i): i % 14 == 0 for i in range(1, 29)}, TODAY)
    flood = volume(every_day | {TODAY - timedelta(days=1): 900}, TODAY)
    assert [one.state for one in (silent, low, flood)] == ["silent", "low", "flood"]
    for one in (silent, low, flood):
        assert state_said(one.said) == one.state
    assert state_said("It is as usual.") == "unknown"
    for places, newest, state, said in (
        (FINE, finding(silent), "silent", "No text for 30 days"),
        (FINE, finding(low), "slow", "in the last 28 days"),
        (PlacesInShort(2, 1, [BROKEN]), run(known=1, problems=[]), "slow", "b: HTTP 404 (4 in a row)"),
        (PlacesInShort(1, 1, [BROKEN]), run(known=1, problems=[]), "failing", "b: HTTP 404 (4 in a row)"),
        (FINE, run(failed=2, problems=[], sentence="collect: 2 failed."), "failing", "collect: 2 failed."),
    ):
        found = trouble_of(SOURCE, places, [newest])
        assert (found.state, said in found.said) == (state, True), found
    assert trouble_of(SOURCE, FINE, [finding(flood)]) is None  # more than usual is no trouble
    several = trouble_of(SOURCE, PlacesInShort(2_001, 2_000, [BROKEN] * 20), [run(known=1, problems=[])])
    assert several.said.endswith(", and 1,999 more")


MONITOR = """
name: test
title: Many sources
groups:
  - {id: a, name: A}
sources:
"""


@pytest.fixture
def many(settings, tmp_path):
    """A monitor of forty sources."""
    of_all = "kind: feed, group: a, speaker: own"
    lines = [
        f'  - {{id: s{i:02d}, {of_all}, addresses: ["http://127.0.0.1:9/{i}"], schedule: "{i} 6 * * *"}}'
        for i in range(40)
    ]
    file = tmp_path / "test.yaml"
    file.write_text(MONITOR + "\n".join(lines) + "\n")
    return load_monitor(file)


def test_forty_sources_of_two_monitors_cost_two_questions(settings, many):
    now = datetime(2010, 1, 1, 12, tzinfo=UTC)
    other = many.model_copy(update={"name": "other", "sources": many.sources[:9]})
    with open_session(settings) as session:
        for i in range(39):
            session.add_all(
                run(source=f"s{i:02d}", started_at=now - timedelta(days=day, minutes=1), known=1, problems=[])
                for day in range(RUNS_SHOWN + 2)
            )
        session.add(run(monitor="other", source="s03", started_at=now - timedelta(minutes=1), failed=1, problems=[]))
        session.add(
            Place(
                monitor="test", source="s07", address="http://127.0.0.1:9/7", checked_at=NOW, failures=2, walked=False,
                failure="hard", reason="HTTP 410", not_before=now + timedelta(days=1),
            )
        )  # fmt: skip
        session.commit()
        sent = []
        engine = engine_for(settings.database)
        event.listen(engine, "before_cursor_execute", lambda *about: sent.append(about[2]))
        both = sources_in_short(session, [many, other], now)
    assert len(sent) == 2
    found = both["test"]
    assert found.total == 40
    assert [(one.source.id, one.state) for one in found.troubles] == [("s07", "failing")]
    assert found.due[0].source.id == "s39"  # it never ran
    assert found.due[0].at == now
    assert found.due[1].at == datetime(2010, 1, 2, 6, 0, tzinfo=UTC)
    # sources of the same names did otherwise there
    assert (both["other"].total, [one.source.id for one in both["other"].troubles]) == (9, ["s03"])
    assert [one.at for one in both["other"].due] == [now] * 8 + [datetime(2010, 1, 2, 6, 3, tzinfo=UTC)]
