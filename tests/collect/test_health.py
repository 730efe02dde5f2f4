from datetime import UTC, date, datetime, timedelta

import pytest

from pipeline.collect.health import daily, day_looked_at, finding, line, next_due, overview, state_of, still_asked
from pipeline.collect.volume import Volume
from pipeline.store.places import PlaceState
from pipeline.store.session import open_session
from pipeline.store.tables import Document, Run

NOW = datetime(2009, 12, 31, 6, 30, tzinfo=UTC)
DAY = timedelta(days=1)
USUAL, SILENT, LOW = Volume("usual", "s"), Volume("silent", "s"), Volume("low", "s")


def run(**more):
    counts = dict.fromkeys(("found", "new", "known", "updated", "reposts", "failed", "waiting", "bytes"), 0)
    told = {
        "job": "collect",
        "monitor": "test",
        "source": "letters",
        "started_at": NOW,
        "seconds": 1.0,
        "sentence": "s",
    }
    return Run(**(counts | told | more))


FINE, FAILS = PlaceState("a"), PlaceState("b", failures=1, failure="soft", reason="HTTP 404")


@pytest.mark.parametrize(
    ("places", "runs", "volume", "state"),
    [
        ([], [], USUAL, "never run"),
        ([FINE], [run(new=1)], USUAL, "ok"),
        ([FINE], [run()], USUAL, "ok"),
        ([FINE, FAILS], [run(known=1, failed=1)], USUAL, "slow"),
        ([FINE], [run(known=1)], LOW, "slow"),
        ([FAILS], [run(known=1)], USUAL, "failing"),
        ([FINE], [run(failed=1)], SILENT, "failing"),
        ([FINE], [run(known=1)], SILENT, "silent"),
    ],
)
def test_a_source_in_one_word(places, runs, volume, state):
    assert state_of(places, runs, volume) == state


def test_a_run_in_vain_has_looked_at_nothing():
    assert day_looked_at([]) is None
    assert day_looked_at([run(failed=3)]) is None
    assert day_looked_at([run(failed=3), run(known=1, started_at=NOW - 2 * DAY)]) == date(2009, 12, 29)
    assert day_looked_at([run()]) == date(2009, 12, 31)


@pytest.fixture
def filled(settings):
    """A store with ``count`` texts on each of so many days."""

    def fill(days, *, published=True, run_at=NOW):
        with open_session(settings) as session:
            for number, day in enumerate(days):
                session.add(
                    Document(
                        monitor="test", source="letters", speaker="own", address=f"http://a/{number}", text="t",
                        text_digest="d", published_at=day if published else None, collected_at=day, updated_at=day,
                        extractor="x",
                    )
                )  # fmt: skip
            session.add(run(known=1, started_at=run_at))
            session.commit()
        return settings

    return fill


FEED = {"kind": "feed", "addresses": ["http://a.example/feed"]}


def test_a_silent_source_is_a_finding_but_not_while_it_is_known_to_be_down(filled, watch):
    days = [NOW - n * DAY for n in range(40, 300)]
    monitor = watch(allowed=[], **FEED)
    with open_session(filled(days)) as session:
        shown = line(session, monitor, monitor.sources[0], NOW)
        assert (shown.state, shown.recent, len(shown.weeks)) == ("silent", 0, 26)
        assert "No text for" in finding(session, "test", monitor.sources[0], NOW)
        outage = [{"start": "2009-12-01", "end": "2010-01-31", "reason": "the provider was down"}]
        down = watch(allowed=[], **FEED, outages=outage)
        assert finding(session, "test", down.sources[0], NOW) is None
        assert overview(session, down, NOW)[0].state == "ok"
        # an archive holds what it holds
        old = watch(allowed=[], kind="wayback", addresses=["http://a.example/"])
        assert finding(session, "test", old.sources[0], NOW) is None
        assert line(session, old, old.sources[0], NOW).state == "ok"


def test_undated_texts_are_counted_by_collection_and_the_first_day_is_no_flood(filled):
    days = [NOW - 100 * DAY] * 50 + [NOW - n * DAY for n in range(90)]
    with open_session(filled(days, published=False)) as session:
        counted = daily(session, "test", "letters", date(2009, 1, 1))
    assert len(counted) == 90
    assert set(counted.values()) == {1}


def test_the_next_turn(watch):
    source = watch(allowed=[], **FEED).sources[0]
    assert next_due(source, None, NOW) == NOW
    assert next_due(source, run(), NOW) == datetime(2010, 1, 1, tzinfo=UTC)
    assert next_due(source, run(started_at=NOW - 3 * DAY), NOW) == NOW
    assert next_due(watch(allowed=[], **FEED, schedule=None).sources[0], run(), NOW) is None


def test_a_failing_place_that_nobody_names_any_more_is_left_out():
    runs = [run(known=1, started_at=NOW - n * DAY) for n in range(5)]
    old = NOW - 30 * DAY
    gone = PlaceState("a", checked_at=old, not_before=old + DAY, failures=9, failure="soft", reason="HTTP 404")
    waits = PlaceState("b", checked_at=old, not_before=NOW + DAY, failures=1, failure="soft", reason="HTTP 404")
    asked = PlaceState("c", checked_at=NOW, not_before=NOW + DAY, failures=9, failure="soft", reason="HTTP 404")
    fine = PlaceState("d", checked_at=old)
    assert still_asked([gone, waits, asked, fine], runs) == [waits, asked, fine]
    assert still_asked([gone], runs[:4]) == [gone]
