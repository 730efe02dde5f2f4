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
    newest_report_lines,
    newest_runs,
    open_alarms,
)
from pipeline.store.published import pack
from pipeline.store.runs import RunFilter, jobs_of, run_page
from pipeline.store.session import open_session
from pipeline.store.tables import GapCell, Published, RaisedAlarm, Run, StateChange
from tests.review.filled import fill
from tests.review.filling_overview import MEASURED, NOW


@pytest.fixture
def store(store_settings, tmp_path):
    made = store_settings.model_copy(update={"monitors": tmp_path / "monitors"})
    fill(made)
    with open_session(made) as session:
        yield session


def gap(a, b, start, monitor="many"):
    return GapCell(
        monitor=monitor, a=a, b=b, period="quarter", start=start, end=start + timedelta(days=90), state="steady",
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
    monitors = ("many", "more")
    pairs = [(f"g{i:03d}", "z") for i in range(300)]
    there = {(m, a): days[: 2 + (int(a[1:]) + len(m)) % 4] for m in monitors for a, _ in pairs}
    store.add_all([gap(a, "z", day, monitor) for (monitor, a), starts in there.items() for day in starts])
    store.add_all([gap(*pairs[0], date(2030, 1, 1), "unasked"), gap("unasked", "z", date(2030, 1, 1))])
    store.flush()
    harbour = ("harbour", "quarter", "heron", "maple")
    asked = [(monitor, "quarter", *pair) for monitor in monitors for pair in [*pairs, ("nobody", "z")]]
    found = newest_gaps(store, [*asked, harbour, ("many", "month", *pairs[0])], 3)
    assert list(found) == [*asked, harbour, ("many", "month", *pairs[0])]
    assert found["many", "quarter", "nobody", "z"] == found["many", "month", *pairs[0]] == []
    for (monitor, a), starts in there.items():
        gaps = found[monitor, "quarter", a, "z"]
        assert [(one.monitor, one.a, one.start) for one in gaps] == [(monitor, a, day) for day in starts[-3:]]
    assert [one.start for one in found[harbour]] == [date(2025, 4, 1), date(2025, 7, 1), date(2025, 10, 1)]
    assert newest_gaps(store, [], 3) == {}


def test_cells_are_found_by_group_and_day(store):
    there = [("harbour", "quarter", "heron", date(2025, 7, 1)), ("harbour", "month", "maple", date(2025, 10, 1))]
    absent = [("harbour", "quarter", "maple", date(1999, 1, 1)), ("other", "quarter", "heron", date(2025, 7, 1))]
    found = cells_at(store, [*there, *absent, there[0]])
    assert {(one.monitor, one.period, one.group_id, one.start) for one in found.values()} == set(found) == set(there)
    assert cells_at(store, []) == {}


def test_each_gap_has_its_own_newest_published_figures(store):
    first, second = date(2025, 4, 1), date(2025, 7, 1)
    pairs = [(f"g{i:03d}", "z") for i in range(230)]
    place = {"kind": "gap", "period": "quarter", "digest": "", "documents": pack([]), "code_version": "0"}
    for number, (a, b) in enumerate(pairs):
        for hour in range(1 + number % 4):
            figures = {"gap": number + hour / 10, "low": None if hour else -1.5}  # as JSON has it: null, and no key
            row = {"as_of": NOW + timedelta(hours=hour), "figures": figures, "codings": pack([hour])}
            store.add(
                Published(monitor="many", subject=f"{a}--{b}", start=first, end=second, model=None, **(place | row))
            )
    # neither of these is a quarter's gap
    for other in ({"kind": "trend"}, {"period": "month"}, {"monitor": "other"}):
        row = {"monitor": "many", "as_of": NOW + timedelta(days=9), "figures": {"gap": -1}, "codings": pack([])}
        store.add(Published(subject="g000--z", start=first, end=second, model=None, **(place | row | other)))
    store.flush()
    others = [(monitor, kind, "g000", "z", first) for monitor, kind in (("many", "month"), ("other", "quarter"))]
    asked = [("many", "quarter", *pair, first) for pair in pairs]
    found = newest_published_gaps(store, [*asked, *others], 2)
    assert list(found) == [*asked, *others]
    assert [[one.gap for one in found[other]] for other in others] == [[-1], [-1]]
    for number, (a, b) in enumerate(pairs):
        hours = list(reversed(range(1 + number % 4)))[:2]
        rows = found["many", "quarter", a, b, first]
        assert [one.as_of for one in rows] == [NOW + timedelta(hours=hour) for hour in hours]
        assert [one.gap for one in rows] == [number + hour / 10 for hour in hours]
        assert [one.low for one in rows] == [None if hour else -1.5 for hour in hours]
        assert [one.high for one in rows] == [None for _ in hours]
        assert [one.codings for one in rows] == [pack([hour]) for hour in hours]
    assert newest_published_gaps(store, [], 2) == {}
    nothing = ("many", "quarter", "g000", "z", second)
    assert newest_published_gaps(store, [nothing], 2) == {nothing: []}


def test_each_source_has_its_own_newest_runs(store):
    store.add_all([run(NOW + timedelta(hours=i), source=s, found=i) for s in ("s", "t") for i in range(8)])
    store.add_all([run(NOW + timedelta(hours=i), monitor="more", found=10 + i) for i in range(2)])
    store.add(run(NOW + timedelta(days=9), job="re-extract"))
    store.flush()
    found = newest_runs(store, [("many", "s"), ("many", "t"), ("many", "never"), ("more", "s")], 3)
    assert {source: [one.found for one in runs] for source, runs in found.items()} == {
        ("many", "s"): [7, 6, 5], ("many", "t"): [7, 6, 5], ("many", "never"): [], ("more", "s"): [11, 10],
    }  # fmt: skip


def test_each_monitor_has_its_own_newest_report_lines(store):
    store.add_all([run(NOW + timedelta(hours=i), found=i, job=("frame", "collect")[i % 2]) for i in range(8)])
    store.add_all([run(NOW, monitor="more", found=i) for i in range(2)])
    store.add(run(NOW + timedelta(days=9), monitor=None))
    store.flush()
    found = newest_report_lines(store, ["many", "more", "never"], 3)
    assert {monitor: [one.found for one in runs] for monitor, runs in found.items()} == {
        "many": [7, 6, 5], "more": [1, 0], "never": [],
    }  # fmt: skip


def test_what_happened_last(store):
    kept = newest_alarms(store, ["harbour"], 1)["harbour"][0]
    columns = {c.name: getattr(kept, c.name) for c in RaisedAlarm.__table__.columns if c.name != "id"}
    for days, monitor in enumerate(("many", "more", "many", "more", "more")):
        at = NOW - timedelta(days=days)
        told = {"monitor": monitor, "found_at": at, "since": date(2025, 1, 1 + days)}
        store.add(RaisedAlarm(**columns | told))
        store.add(
            StateChange(
                monitor=monitor, a="heron", b="maple", period="week", start=at.date(), state=f"{days}",
                after_id=days, as_of=at,
            )
        )  # fmt: skip
        store.flush()
    changes = newest_changes(store, ["many", "more", "nobody"], 2)
    assert {monitor: [one.state for one in told] for monitor, told in changes.items()} == {
        "many": ["2", "0"], "more": ["4", "3"], "nobody": [],
    }  # fmt: skip
    alarms = newest_alarms(store, ["many", "more", "nobody"], 2)
    assert {monitor: [(NOW - one.found_at).days for one in told] for monitor, told in alarms.items()} == {
        "many": [0, 2], "more": [1, 3], "nobody": [],
    }  # fmt: skip


def test_an_open_alarm_is_found_however_long_ago_it_was_raised(store):
    (still_open,) = open_alarms(store, ["harbour"], 10)["harbour"]
    assert still_open.closed is None
    columns = {c.name: getattr(still_open, c.name) for c in RaisedAlarm.__table__.columns if c.name != "id"}
    later = {"found_at": NOW + timedelta(days=1), "closed": NOW.date()}
    store.add_all([RaisedAlarm(**columns | later | {"since": date(2025, 12, day)}) for day in (8, 15, 22)])
    store.flush()
    assert still_open not in newest_alarms(store, ["harbour"], 3)["harbour"]
    assert open_alarms(store, ["harbour", "nobody"], 3) == {"harbour": [still_open], "nobody": []}


def test_runs_that_brought_texts(store, monkeypatch):
    from pipeline.store import newest

    def found(limit):
        return newest_finds(store, ["harbour", "many", "nobody"], limit)

    store.add_all([run(NOW - timedelta(hours=i), new=(i % 3) * i) for i in range(8)])
    store.flush()
    whole = found(9)
    assert [new for _, new in whole["harbour"].runs] == [640, 4]
    assert whole["many"].runs == [
        (NOW - timedelta(hours=i), new) for i, new in ((1, 1), (2, 4), (4, 4), (5, 10), (7, 7))
    ]
    assert [one.whole_since for one in whole.values()] == [None, None, None]
    assert whole["nobody"].runs == []
    exact = found(5)["many"]
    assert (len(exact.runs), exact.whole_since) == (5, None)
    cut = found(1)
    assert [new for _, new in cut["harbour"].runs] == [640]
    assert cut["harbour"].whole_since == whole["harbour"].runs[0][0]
    assert (cut["many"].runs, cut["many"].whole_since) == (whole["many"].runs[:1], NOW - timedelta(hours=1))
    monkeypatch.setattr(newest, "FINDS_READ", 2)
    assert found(9)["harbour"].whole_since is not None
    monkeypatch.setattr(newest, "FINDS_READ", 7)  # the last that is read brought none
    looked = found(9)["many"]
    assert (looked.runs, looked.whole_since) == (whole["many"].runs[:4], NOW - timedelta(hours=6))


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
