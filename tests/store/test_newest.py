"""The newest rows of many subjects in one statement, on both databases."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from pipeline.store.newest import (
    cells_at,
    newest_alarms,
    newest_changes,
    newest_finds,
    newest_gaps,
    newest_published_gaps,
    newest_runs,
    open_alarms,
)
from pipeline.store.published import pack
from pipeline.store.runs import RunFilter, jobs_of, run_page
from pipeline.store.session import open_session
from pipeline.store.tables import GapCell, Published, RaisedAlarm, Run
from tests.review.filled import fill
from tests.review.filling_overview import MEASURED, NOW


@pytest.fixture
def store(store_settings, tmp_path):
    made = store_settings.model_copy(update={"monitors": tmp_path / "monitors"})
    fill(made)
    with open_session(made) as session:
        yield session


def gap(a, b, start):
    return GapCell(
        monitor="many", a=a, b=b, period="quarter", start=start, end=start + timedelta(days=90), state="steady",
        flags=[], measured_at=NOW,
    )  # fmt: skip


def run(started_at, **other):
    counts = dict.fromkeys(("found", "new", "known", "updated", "reposts", "failed", "waiting", "bytes"), 0)
    told = {
        "job": "collect",
        "monitor": "many",
        "source": "s",
        "started_at": started_at,
        "seconds": 1.0,
        "sentence": "s",
    }
    return Run(**(counts | {"problems": []} | told | other))


def test_each_dyad_has_its_own_newest_gaps(store):
    days = [date(2020 + i, 1, 1) for i in range(6)]
    pairs = [(f"g{i:03d}", "z") for i in range(450)]  # more than one statement holds
    store.add_all([gap(a, b, day) for a, b in pairs for day in days[: 2 + int(a[1:]) % 4]])
    store.flush()
    found = newest_gaps(store, "many", [*pairs, ("nobody", "z")], "quarter", 3)
    assert found["nobody", "z"] == []
    for a, b in pairs:
        there = days[: 2 + int(a[1:]) % 4]
        assert [one.start for one in found[a, b]] == there[-3:]
        assert {(one.a, one.b) for one in found[a, b]} == {(a, b)}
    assert newest_gaps(store, "many", [], "quarter", 3) == {}
    assert [g.start for g in newest_gaps(store, "harbour", [("heron", "maple")], "quarter", 2)["heron", "maple"]] == [
        date(2025, 7, 1),
        date(2025, 10, 1),
    ]


def test_cells_are_found_by_group_and_day(store):
    wanted = [("heron", date(2025, 7, 1)), ("maple", date(2025, 10, 1)), ("maple", date(1999, 1, 1))]
    found = cells_at(store, "harbour", "quarter", wanted)
    assert set(found) == set(wanted[:2])
    assert found[wanted[0]].group_id == "heron"
    assert cells_at(store, "harbour", "quarter", []) == {}


def test_each_gap_has_its_own_newest_published_figures(store):
    first, second = date(2025, 4, 1), date(2025, 7, 1)
    pairs = [(f"g{i:03d}", "z") for i in range(230)]  # more than one statement holds
    place = {"kind": "gap", "period": "quarter", "digest": "", "documents": pack([]), "code_version": "0"}
    for number, (a, b) in enumerate(pairs):
        for hour in range(1 + number % 4):
            figures = {"gap": number + hour / 10, "low": None if hour else -1.5}  # as JSON has it: null, and no key
            row = {"as_of": NOW + timedelta(hours=hour), "figures": figures, "codings": pack([hour])}
            store.add(
                Published(monitor="many", subject=f"{a}--{b}", start=first, end=second, model=None, **(place | row))
            )
    # neither of these is a quarter's gap
    for other in ({"kind": "trend"}, {"period": "month"}):
        row = place | other | {"as_of": NOW + timedelta(days=9), "figures": {"gap": -1}, "codings": pack([])}
        store.add(Published(monitor="many", subject="g000--z", start=first, end=second, model=None, **row))
    store.flush()
    found = newest_published_gaps(store, "many", "quarter", [(*pair, first) for pair in pairs], 2)
    assert list(found) == [(*pair, first) for pair in pairs]
    for number, (a, b) in enumerate(pairs):
        hours = list(reversed(range(1 + number % 4)))[:2]
        rows = found[a, b, first]
        assert [one.as_of for one in rows] == [NOW + timedelta(hours=hour) for hour in hours]
        assert [one.gap for one in rows] == [number + hour / 10 for hour in hours]
        assert [one.low for one in rows] == [None if hour else -1.5 for hour in hours]
        assert [one.high for one in rows] == [None for _ in hours]
        assert [one.codings for one in rows] == [pack([hour]) for hour in hours]
    assert newest_published_gaps(store, "many", "quarter", [], 2) == {}
    assert newest_published_gaps(store, "many", "quarter", [("g000", "z", second)], 2) == {("g000", "z", second): []}


def test_each_source_has_its_own_newest_runs(store):
    store.add_all([run(NOW + timedelta(hours=i), source=s, found=i) for s in ("s", "t") for i in range(8)])
    store.add(run(NOW + timedelta(days=9), job="re-extract"))
    store.flush()
    found = newest_runs(store, "many", ["s", "t", "never"], 3)
    assert {source: [one.found for one in runs] for source, runs in found.items()} == {
        "s": [7, 6, 5], "t": [7, 6, 5], "never": [],
    }  # fmt: skip


def test_what_happened_last(store):
    changes = newest_changes(store, "harbour", 1)
    assert len(changes) == 1
    assert changes[0].id == max(one.id for one in newest_changes(store, "harbour", 100))
    alarms = newest_alarms(store, "harbour", 100)
    assert alarms[0].found_at == NOW - timedelta(days=2)
    assert [one.found_at for one in alarms] == sorted((one.found_at for one in alarms), reverse=True)


def test_an_open_alarm_is_found_however_long_ago_it_was_raised(store):
    (still_open,) = open_alarms(store, "harbour", 10)
    assert still_open.closed is None
    columns = {c.name: getattr(still_open, c.name) for c in RaisedAlarm.__table__.columns if c.name != "id"}
    later = {"found_at": NOW + timedelta(days=1), "closed": NOW.date()}
    store.add_all([RaisedAlarm(**columns | later | {"since": date(2025, 12, day)}) for day in (8, 15, 22)])
    store.flush()
    assert still_open not in newest_alarms(store, "harbour", 3)
    assert open_alarms(store, "harbour", 3) == [still_open]
    assert open_alarms(store, "nobody", 3) == []


def test_runs_that_brought_texts(store, monkeypatch):
    from pipeline.store import newest

    whole = newest_finds(store, "harbour", 9)
    assert [new for _, new in whole.runs] == [640, 4]
    assert whole.whole_since is None
    cut = newest_finds(store, "harbour", 1)
    assert [new for _, new in cut.runs] == [640]
    assert cut.whole_since == whole.runs[0][0]
    monkeypatch.setattr(newest, "FINDS_READ", 2)
    assert newest_finds(store, "harbour", 9).whole_since is not None
    assert newest_finds(store, "nobody", 9).runs == []


def walk(session, asked, limit):
    """All ids, page by page."""
    ids, before = [], None
    while True:
        page = run_page(session, "harbour", asked, limit, before)
        ids += [one.id for one in page.runs]
        if page.older is None:
            return ids
        before = page.older


def test_every_run_stands_on_one_page(store):
    everything = walk(store, RunFilter(), 1_000)
    assert len(everything) == len(set(everything)) > MEASURED
    for limit in (1, 7, 50):
        assert walk(store, RunFilter(), limit) == everything
    store.add(run(datetime(2030, 1, 1, tzinfo=UTC), monitor="other"))
    store.add(run(datetime(2030, 1, 1, tzinfo=UTC), monitor=None, job="retrain criticism", source=None))
    store.flush()
    assert len(walk(store, RunFilter(), 1_000)) == len(everything) + 1  # not that of another monitor
    assert len(walk(store, RunFilter(job="measure"), 9)) == MEASURED + 1
    assert {store.get(Run, i).source for i in walk(store, RunFilter(source="heron-news"), 9)} == {"heron-news"}
    assert run_page(store, "harbour", RunFilter(), 5, before=10**9) is None


def test_runs_with_problems(store):
    page = run_page(store, "harbour", RunFilter(trouble_since=NOW - timedelta(days=30)), 50)
    assert page.runs
    assert all(one.problems or one.failed for one in page.runs)
    assert run_page(store, "harbour", RunFilter(trouble_since=NOW + timedelta(days=30)), 50).runs == []


def test_the_names_of_all_jobs(store):
    assert {"collect", "frame", "import codings", "measure", "re-extract", "retrain framing"} <= set(
        jobs_of(store, "harbour")
    )
    assert jobs_of(store, "nobody") == ["retrain framing"]
