from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import event, insert

from pipeline.collect.health import (
    LOOKED_BACK,
    asked_since,
    daily,
    day_looked_at,
    finding,
    line,
    next_due,
    overview,
    state_of,
)
from pipeline.collect.volume import Volume, volume, weekly
from pipeline.monitor import Monitor
from pipeline.store.places import PlacesInShort
from pipeline.store.session import engine_for, open_session
from pipeline.store.tables import Document, Place, Run

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
        "problems": [],
    }
    return Run(**(counts | told | more))


FINE, ONE_FAILS, ALL_FAIL = PlacesInShort(1), PlacesInShort(2, 1), PlacesInShort(1, 1)


@pytest.mark.parametrize(
    ("places", "runs", "volume", "state"),
    [
        (PlacesInShort(), [], USUAL, "never run"),
        (FINE, [run(new=1)], USUAL, "ok"),
        (FINE, [run()], USUAL, "ok"),
        (ONE_FAILS, [run(known=1, failed=1)], USUAL, "slow"),
        (FINE, [run(known=1)], LOW, "slow"),
        (ALL_FAIL, [run(known=1)], USUAL, "failing"),
        (FINE, [run(failed=1)], SILENT, "failing"),
        (FINE, [run(known=1)], SILENT, "silent"),
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
        counted = daily(session, "test", {"letters": NOW.date()})["letters"]
    assert len(counted) == 90
    assert set(counted.values()) == {1}


def test_the_next_turn(watch):
    source = watch(allowed=[], **FEED).sources[0]
    assert next_due(source, None, NOW) == NOW
    assert next_due(source, run(), NOW) == datetime(2010, 1, 1, tzinfo=UTC)
    assert next_due(source, run(started_at=NOW - 3 * DAY), NOW) == NOW
    assert next_due(watch(allowed=[], **FEED, schedule=None).sources[0], run(), NOW) is None


def test_since_when_a_place_must_have_been_asked():
    runs = [run(known=1, started_at=NOW - n * DAY) for n in range(5)]
    assert asked_since(runs) == NOW - 4 * DAY
    assert asked_since(runs[:4]) is None
    assert asked_since([]) is None


def text(source, number, published, collected, monitor="test"):
    return {
        "monitor": monitor, "source": source, "speaker": "own", "address": f"http://a/{number}", "text": "t",
        "text_digest": "d", "published_at": published, "collected_at": collected, "updated_at": collected,
        "extractor": "x",
    }  # fmt: skip


EVERY_DAY = [NOW - n * DAY for n in range(1, 700)]
TIMES = {
    "usual": [(day, NOW) for day in EVERY_DAY],
    "silent": [(day, NOW) for day in EVERY_DAY[40:]],
    "silent-long": [(day - 800 * DAY, NOW) for day in EVERY_DAY],
    "low": [(day, NOW) for day in EVERY_DAY for _ in range(3 if day < NOW - 28 * DAY else day.day % 14 == 0)],
    "flood": [(day, NOW) for day in EVERY_DAY] + [(NOW - 2 * DAY, NOW)] * 60,
    "undated": [(None, NOW - 600 * DAY)] * 50 + [(None, day) for day in EVERY_DAY[50:500]],
    "half-dated": [(day if n % 2 else None, day) for n, day in enumerate(EVERY_DAY)],
    "only-later": [(NOW + DAY, NOW)],
    "first-day-only": [(None, NOW)] * 9,
    "too-old": [(datetime(1999, 1, 1, tzinfo=UTC), datetime(1999, 1, 2, tzinfo=UTC))],
    "rows": [(day, NOW) for day in EVERY_DAY],
    "down": [(day, NOW) for day in EVERY_DAY[90:]],
    "archive": [(day, NOW) for day in EVERY_DAY],
    "in-vain": [(day, NOW) for day in EVERY_DAY],
    "never-ran": [(day, NOW) for day in EVERY_DAY],
    "empty": [],
}


@pytest.fixture(scope="module")
def many():
    """A monitor with a source of each kind of history."""
    common = {"group": "home", "speaker": "own"}
    more = {
        "rows": {"kind": "table", "path": "rows.csv", "columns": {"text": "t", "date": "d", "source": "s"}},
        "archive": {"kind": "wayback", "addresses": ["http://a.example/"]},
        "down": FEED | {"outages": [{"start": "2009-12-01", "end": "2010-01-31", "reason": "the provider was down"}]},
    }
    return Monitor.model_validate(
        {
            "name": "test",
            "title": "Test",
            "groups": [{"id": "home", "name": "Home"}],
            "sources": [common | {"id": name} | more.get(name, FEED) for name in TIMES],
        }
    )


@pytest.fixture
def watched(store_settings, many):
    """A store with the texts, the runs and the places of these sources."""
    # what others have is not theirs
    texts = [text("usual-2", 1, NOW, NOW), text("usual", 1, NOW, NOW, monitor="other")]
    with open_session(store_settings) as session:
        for name, times in TIMES.items():
            for number, (published, collected) in enumerate(times):
                of_row = f"{name}/{number % 3}" if name == "rows" and number % 4 else name
                texts.append(text(of_row, number, published, collected))
            if name != "never-ran":
                counts = {"failed": 1} if name == "in-vain" else {"known": 1}
                session.add_all(run(source=name, started_at=NOW - n * DAY / 2, **counts) for n in range(7))
        session.add_all(
            Place(
                monitor="test", source=source, address=f"http://a/{number}", failures=fails, walked=False,
                failure="soft" if fails else None, checked_at=NOW - days * DAY,
            )
            for source, number, fails, days in [
                ("usual", 1, 0, 0), ("usual", 2, 3, 0), ("usual", 3, 9, 30), ("low", 1, 1, 0), ("rows", 1, 9, 30),
            ]
        )  # fmt: skip
        session.execute(insert(Document), texts)
        session.commit()
    return store_settings


def plainly_counted(times, until):
    """Texts a day, one by one and as far back as ever."""
    since = until - LOOKED_BACK
    published, collected = {}, {}
    for at, found in times:
        for counts, time in ((published, at), (collected, found)):
            if time is not None and time.date() >= since:
                counts[time.date()] = counts.get(time.date(), 0) + 1
    if 2 * sum(at is None for at, _ in times) <= len(times):
        return published
    return {day: count for day, count in collected.items() if day > min(collected)}


def test_the_overview_says_of_every_source_what_is_said_of_it_alone(watched, many):
    with open_session(watched) as session:
        lines = overview(session, many, NOW)
        assert lines == [line(session, many, source, NOW) for source in many.sources]
        states = {one.source.id: one.state for one in lines}
        assert states == dict.fromkeys(TIMES, "ok") | {
            "usual": "slow", "silent": "silent", "silent-long": "silent", "low": "failing", "undated": "silent",
            "in-vain": "failing", "never-ran": "never run",
        }  # fmt: skip
        for one in lines:
            if one.source.id in {"in-vain", "never-ran"}:
                assert (one.weeks, one.volume.state) == ([], "unknown")
                continue
            counts = plainly_counted(TIMES[one.source.id], NOW.date())
            assert one.weeks == (weekly(counts, NOW.date()) if counts else []), one.source.id
            if one.source.id not in {"rows", "archive", "down"}:
                assert one.volume == volume(counts, NOW.date()), one.source.id
        found = {one.source.id: one.volume.state for one in lines}
        assert [found[name] for name in ("usual", "low", "flood", "half-dated")] == ["usual", "low", "flood", "usual"]
        places = {one.source.id: one.places for one in lines}
        assert (places["usual"].total, [one.address for one in places["usual"].some]) == (2, ["http://a/2"])
        assert places["rows"] == places["empty"] == PlacesInShort()


def test_more_sources_are_no_more_questions(watched, many):
    asked = []
    engine = engine_for(watched.database)

    def note(connection, cursor, statement, *rest):
        asked.append(statement)

    few = many.model_copy(update={"sources": [one for one in many.sources if one.id in {"usual", "undated"}]})
    with open_session(watched) as session:
        event.listen(engine, "before_cursor_execute", note)
        try:
            counts = []
            for monitor in (few, many):
                asked.clear()
                overview(session, monitor, NOW)
                counts.append(len(asked))
        finally:
            event.remove(engine, "before_cursor_execute", note)
    assert counts == [7, 7]
