"""What a job makes for the pages: what alarms ran on, fixed panels, sheets; on both databases."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from threading import Event
from time import monotonic, sleep

import numpy as np
import pytest
import typer
from sqlalchemy import func, select, text

from pipeline.cli.sheet import _keep as keep_by_hand
from pipeline.collect.erase import erase
from pipeline.framing.confirming import ask_for_codings
from pipeline.measure.gap import gap
from pipeline.measure.job import measure
from pipeline.measure.keeping import _clean, keep
from pipeline.measure.panels import NOT_FINISHED, panel_row
from pipeline.measure.sheet import dyad_sheet, usual_stretches
from pipeline.measure.smoothed import balance_of
from pipeline.store.alarms import alarms_of
from pipeline.store.dyads import (
    Stretch,
    answers_of,
    cells_in,
    changes_of,
    framed_in,
    gaps_in,
    newest_alarms,
    published_in,
)
from pipeline.store.kept import SourceDay, kept_sheet, panels_of, smoothed_of
from pipeline.store.session import open_session
from pipeline.store.tables import Coding, Document, Framing, Published
from pipeline.store.trends import gap_rows, trend_rows
from pipeline.store.watched import looks_of, series_of, watched_dyad
from tests.measure.moving import FIRST, NOW, WEEKLY, WEEKS, fill
from tests.measure.test_judging import as_the_model_says, code


@pytest.fixture
def measured(store_settings, world, monitor_of):
    fill(store_settings, world)
    monitor = monitor_of(**WEEKLY)
    measure(store_settings, monitor, now=NOW)
    return store_settings, monitor


def test_a_measurement_leaves_what_its_alarms_ran_on(measured):
    settings, monitor = measured
    with open_session(settings) as session:
        row = watched_dyad(session, "m", "a", "b")
        (alarm,) = alarms_of(session, "m")
        series = series_of(row)
        weeks = {g.start: g.gap for g in gap_rows(session, "m", period="week")}
    assert (row.period, row.reference_start, row.reference_end) == ("week", FIRST, FIRST + timedelta(weeks=52))
    assert series.start[0] == FIRST
    assert len(series.start) == len(series.m) == len(series.up)
    # without codings lam is 1: the series is the gap of the pages
    for start, m in zip(series.start, series.m.tolist(), strict=True):
        assert weeks[start] == pytest.approx(m, abs=1e-12)
    at = series.start.index(alarm.raised)
    assert series.up[at] > row.threshold >= series.up[at - 1]
    assert (series.up[: series.start.index(alarm.since)][-1], series.down[10]) == (0, 0)
    measure(settings, monitor_without_dyads(monitor), now=NOW + timedelta(hours=1))
    with open_session(settings) as session:
        assert watched_dyad(session, "m", "a", "b") is None


def monitor_without_dyads(monitor):
    return monitor.model_copy(update={"dyads": []})


def test_what_coders_have_said_is_kept_with_each_measurement(measured):
    settings, monitor = measured
    ask_for_codings(settings, monitor, now=NOW)
    code(settings, as_the_model_says, most=20)
    measure(settings, monitor, now=NOW + timedelta(hours=1))
    with open_session(settings) as session:
        (alarm,) = newest_alarms(session, "m", "a", "b", 5)
        look = looks_of(session, [alarm.id])[alarm.id]
        assert look.figures == {}
        assert "20 of 160 texts of its confirmation are coded" in look.why
        assert answers_of(session, [alarm.queue_id])[alarm.queue_id].drawn == 160
        a, b, ref_a, ref_b = framed_in(session, "m", alarm)
    assert ref_a == ref_b == 52 * 4
    assert a == b == 4 * ((alarm.end - alarm.since).days // 7)
    code_the_rest(settings)
    measure(settings, monitor, now=NOW + timedelta(hours=2))
    with open_session(settings) as session:
        look = looks_of(session, [alarm.id])[alarm.id]
        assert look.why is None
        assert look.figures["low"] < look.figures["change"] < look.figures["high"]
        assert look.figures["holds"] is True
        assert look.figures["present"] - look.figures["reference"] == pytest.approx(look.figures["change"], abs=1e-6)
        assert [c.state for c in changes_of(session, "m", "a", "b", 5)] == ["diverging", "steady"]


def code_the_rest(settings):
    with open_session(settings) as session:
        session.query(Coding).delete()
        session.commit()
    code(settings, as_the_model_says)


def test_panels_and_sheets_are_made_once_until_something_is_measured(measured):
    settings, monitor = measured
    first = keep(settings, monitor, now=NOW)
    assert (first.found, first.updated, first.known, first.problems) == (1, 1, 0, ())
    with open_session(settings) as session:
        sheet = kept_sheet(session, "m", "a", "b")
        (alarm,) = alarms_of(session, "m")
        panels = panels_of(session, "m", ["a", "b"], "week")
        gaps = gaps_in(session, "m", "a", "b", Stretch("week", None, None, 600))
        cells = cells_in(session, "m", ["a", "b"], Stretch("week", None, None, 600))
    assert sheet.problem is None
    assert sheet.sheet["present"] == [alarm.since.isoformat(), alarm.end.isoformat()]
    assert sheet.sheet["rows"][0]["kind"] == "base"
    assert "The change of the gap under other choices" in [one["title"] for one in sheet.sheet["sections"]]
    assert sheet.sheet["words"][0]["there"][0] >= 4
    # one source a side: the panel is that source, and its series the same as that of all sources
    assert panels["a"].weights == {"a-site": 1.0}
    by_start = {start: value for start, value, *_ in panels["a"].points}
    for cell in cells["a"][:-1]:
        assert by_start[cell.start.isoformat()] == pytest.approx(cell.balance, abs=1e-9)
    assert len(gaps) == len(cells["a"])
    assert keep(settings, monitor, now=NOW + timedelta(days=3)).known == 1
    with open_session(settings) as session:
        assert kept_sheet(session, "m", "a", "b").made_at == NOW


QUARTER = Stretch("quarter", None, None, 600)


def code_the_quarters(settings, world, each=8):
    """Code the first texts of every group and quarter at random."""
    with open_session(settings) as session:
        coded: dict[tuple, int] = {}
        for number, text in enumerate(session.scalars(select(Document).order_by(Document.published_at, Document.id))):
            day = text.published_at
            cell = (text.group_id, day.year, (day.month - 1) // 3)
            coded[cell] = coded.get(cell, 0) + 1
            if coded[cell] <= each:
                world(session).coding(text, ("nationalist", "universalist", "neither")[number % 3])
        session.commit()


def smoothed(settings):
    with open_session(settings) as session:
        found = smoothed_of(session, "m", "a", "b")
        assert found is not None
        return found


def test_smoothed_gaps_follow_every_measurement_and_change_no_figure(measured, world):
    settings, monitor = measured
    keep(settings, monitor, now=NOW)
    kept, old = smoothed(settings)
    assert (kept.period, old) == ("quarter", False)
    assert {tuple(one[2:]) for one in kept.points} == {(None, None, "the balance of a is not corrected")}
    code_the_quarters(settings, world)
    keep(settings, monitor, now=NOW + timedelta(hours=1))
    # codings that nothing was measured of move nothing
    assert smoothed(settings)[0].made_at == NOW
    measure(settings, monitor, now=NOW + timedelta(hours=1))
    kept, old = smoothed(settings)
    assert (kept.made_at, old) == (NOW, True)
    with open_session(settings) as session:
        before = [(g.gap, g.low, g.high, g.state, g.flags) for g in gap_rows(session, "m")]
        published = session.scalar(select(func.count(Published.id)))
    keep(settings, monitor, now=NOW + timedelta(hours=2))
    kept, old = smoothed(settings)
    assert (kept.made_at, old) == (NOW + timedelta(hours=2), False)
    with open_session(settings) as session:
        rows = gaps_in(session, "m", "a", "b", QUARTER)
        cells = {(c.group_id, c.start): c for c in trend_rows(session, "m", period="quarter")}
        assert [(g.gap, g.low, g.high, g.state, g.flags) for g in gap_rows(session, "m")] == before
        assert session.scalar(select(func.count(Published.id))) == published
    found = {date.fromisoformat(start): rest for start, *rest in kept.points}
    assert list(found) == [row.start for row in rows]
    assert sum(row.low is not None for row in rows) >= 6
    for row in rows:
        value, low, high, why = found[row.start]
        own = gap(*(balance_of(cells[side, row.start]) for side in "ab"))
        if row.low is None:
            assert (low, high) == (None, None)
            assert "is not corrected" in why
            continue
        # the gap that is smoothed is the one of the table, to the last of its degrees of freedom
        assert (own.value, own.interval.variance) == pytest.approx((row.gap, row.variance))
        assert (own.interval.low, own.interval.high) == pytest.approx((row.low, row.high))
        assert own.interval.freedom == pytest.approx(row.freedom)
        assert low < row.gap < high
        assert abs(value - row.gap) <= 0.75 * row.variance**0.5 + 1e-9
        assert why is None
    keep(settings, monitor, now=NOW + timedelta(days=2))
    assert smoothed(settings)[0].made_at == NOW + timedelta(hours=2)


def test_by_hand_smoothed_gaps_are_made_too_and_an_erasure_drops_them(measured):
    settings, monitor = measured
    keep_by_hand(settings, monitor, "a", "b")
    assert smoothed(settings)[0].points
    with open_session(settings) as session:
        assert smoothed_of(session, "m", "b", "a") is None
    erase(settings, monitor, "source", "a-site", reason="x")
    with open_session(settings) as session:
        assert smoothed_of(session, "m", "a", "b") is None


def test_a_dyad_that_is_watched_no_more_has_no_smoothed_gaps(measured):
    settings, monitor = measured
    keep(settings, monitor, now=NOW)
    with open_session(settings) as session:
        session.query(Published).filter(Published.id == session.scalar(select(func.max(Published.id)))).delete()
        session.commit()
    keep(settings, monitor_without_dyads(monitor), now=NOW)
    with open_session(settings) as session:
        assert smoothed_of(session, "m", "a", "b") is None


def test_a_budget_that_is_used_up_leaves_sheets_for_the_next_run(measured):
    settings, monitor = measured
    report = keep(settings, monitor, now=NOW, budget=-1)
    assert (report.updated, report.waiting) == (0, 1)


def test_a_dyad_on_which_the_program_fails_keeps_no_other_from_its_sheet(measured, monitor_of):
    settings, _ = measured
    monitor = monitor_of(**WEEKLY, groups=[{"id": g, "name": g} for g in "abc"], dyads=[["a", "c"], ["a", "b"]])

    def make(session, monitor, a, b, *stretches):
        if b == "c":
            session.execute(text("SELECT nothing FROM nowhere"))
        return dyad_sheet(session, monitor, a, b, *stretches)

    report = keep(settings, monitor, now=NOW, make=make)
    assert report.updated == 2
    (problem,) = report.problems
    assert problem.startswith("a and c: the program failed, its log says where (")
    with open_session(settings) as session:
        assert kept_sheet(session, "m", "a", "c").problem in problem
        assert kept_sheet(session, "m", "a", "b").problem is None
    # and it is tried again no sooner than any other
    assert keep(settings, monitor, now=NOW + timedelta(hours=1), make=make).known == 2


def test_while_texts_are_scored_anew_nothing_is_made(measured, capsys):
    settings, monitor = measured
    with open_session(settings) as session:
        for framing in session.query(Framing).limit(60):
            session.delete(framing)
        session.commit()
    report = keep(settings, monitor, now=NOW)
    assert (report.updated, report.waiting) == (0, 1)
    (problem,) = report.problems
    assert problem == (
        "no panels and sheets are made: the model in force has not scored 60 of 720 texts yet; run `riftwatch frame`"
    )
    with pytest.raises(typer.Exit):
        keep_by_hand(settings, monitor, "a", "b")
    assert "nothing is made: the model in force has not scored 60 of 720" in capsys.readouterr().err
    with open_session(settings) as session:
        assert kept_sheet(session, "m", "a", "b") is None
        assert panels_of(session, "m", ["a", "b"], "week") == {}
        assert smoothed_of(session, "m", "a", "b") is None


def test_an_erasure_waits_for_the_sheet_that_is_being_made_and_drops_it(measured):
    settings, monitor = measured
    read, go_on = Event(), Event()

    def slow(*arguments):
        made = dyad_sheet(*arguments)
        read.set()
        go_on.wait(60)
        return made

    def texts_of_a():
        with open_session(settings) as session:
            return session.scalar(select(func.count()).select_from(Document).where(Document.source == "a-site"))

    with ThreadPoolExecutor(2) as pool:
        keeping = pool.submit(keep, settings, monitor, now=NOW, make=slow)
        try:
            assert read.wait(60)
            erasing = pool.submit(erase, settings, monitor, "source", "a-site", reason="x")
            end = monotonic() + 60
            while texts_of_a() and monotonic() < end:
                sleep(0.1)
            sleep(1)
            assert not erasing.done()
        finally:
            go_on.set()
        assert keeping.result(60).updated == 1
        assert erasing.result(60).documents == 360
    with open_session(settings) as session:
        assert kept_sheet(session, "m", "a", "b") is None


def test_a_withdrawn_alarm_has_no_sheet_and_a_confirmed_one_for_a_year(measured):
    settings, monitor = measured
    today = NOW.date()

    def present(**columns):
        with open_session(settings) as session:
            (alarm,) = alarms_of(session, "m")
            for name, value in columns.items():
                setattr(alarm, name, value)
            session.commit()
            stretch = usual_stretches(session, monitor, "a", "b", today=today)[1]
            if (stretch.start, stretch.end) == (alarm.since, alarm.end):
                return "of the alarm"
            assert (stretch.start, stretch.end) == (today - timedelta(weeks=26), today)
            return "half a year"

    assert present() == "of the alarm"
    assert present(closed=today - timedelta(days=10), closed_why="quiet") == "half a year"
    assert present(confirmed_at=NOW) == "of the alarm"
    assert present(closed=today - timedelta(days=366)) == "half a year"


def test_without_a_model_the_reason_is_kept(store_settings, monitor_of):
    report = keep(store_settings, monitor_of(), now=NOW)
    assert "no model is in force" in report.problems[0]
    with open_session(store_settings) as session:
        kept = kept_sheet(session, "m", "a", "b")
        assert kept.sheet == {}
        assert "no model is in force" in kept.problem
        assert panels_of(session, "m", ["a"], "week") == {}
        assert smoothed_of(session, "m", "a", "b") is None


def test_the_vintage_series_is_what_was_said_first_after_each_period(measured):
    settings, monitor = measured
    late = FIRST + timedelta(weeks=5)
    with open_session(settings) as session:
        for framing in session.query(Framing).join(Document, Document.id == Framing.document_id).where(
            Document.group_id == "a", Document.published_at >= datetime.combine(late, time(), tzinfo=UTC),
            Document.published_at < datetime.combine(late + timedelta(days=7), time(), tzinfo=UTC),
        ):  # fmt: skip
            framing.p_first, framing.p_second = 1.0, 0.0
        session.commit()
    before = datetime.now(UTC)
    measure(settings, monitor, now=NOW + timedelta(hours=1))
    weeks = Stretch("week", None, None, 600)
    with open_session(settings) as session:
        first = {one.start: one for one in published_in(session, "m", "gap", "a--b", weeks)}
        now = {one.start: one for one in published_in(session, "m", "gap", "a--b", weeks, as_of=date(2999, 1, 1))}
        past = published_in(session, "m", "gap", "a--b", weeks, as_of=date(2000, 1, 1))
        rows = {g.start: g.gap for g in gap_rows(session, "m", period="week")}
        some = Stretch("week", FIRST + timedelta(weeks=10), FIRST + timedelta(weeks=12), 2)
        assert [one.start for one in published_in(session, "m", "gap", "a--b", some)] == [
            FIRST + timedelta(weeks=11),
            FIRST + timedelta(weeks=12),
        ]
        assert len(gaps_in(session, "m", "a", "b", Stretch("week", FIRST, FIRST, 600))) == 1
    week = late - timedelta(days=late.weekday())
    assert past == []
    assert first[week].as_of < before < now[week].as_of
    assert first[week].figures["gap"] < now[week].figures["gap"] == rows[week]
    assert len(first) >= WEEKS


def day(source, number, texts=2, total=0.5):
    return SourceDay("a", source, date(2024, 1, 1) + timedelta(days=number), texts, total)


def test_a_panel_holds_the_sources_that_are_always_there():
    days = [day("x", 0), day("x", 9), day("x", 14), day("y", 1, 4, -2.0), day("y", 10, 4, -2.0), day("z", 9, 9, 9.0)]
    made = panel_row("a", days, "week", {}, date(2024, 1, 15))
    # two weeks are finished: x has 4 of their 12 panel texts, y 8; z came late and is left out
    assert made["weights"] == {"x": pytest.approx(1 / 3), "y": pytest.approx(2 / 3)}
    assert made["left_out"] == {"z": "no text in 1 of 2 periods"}
    values = [value for _, value, *_ in made["points"]]
    assert values[:2] == [pytest.approx(0.25 / 3 - 0.5 * 2 / 3)] * 2
    assert made["points"][2][1:] == [None, 0, NOT_FINISHED]


def test_a_panel_of_a_period_without_texts_says_why():
    days = [day("x", 0), day("x", 14)]
    made = panel_row("a", days, "week", {date(2024, 1, 8): "outage: down"}, date(2024, 3, 1))
    assert made["points"][1] == ["2024-01-08", None, 0, "outage: down"]
    nothing_yet = panel_row("a", days[:1], "week", {}, date(2024, 1, 3))
    assert nothing_yet["points"] == [["2024-01-01", None, 0, "no period is finished yet"]]


def test_what_json_does_not_hold_becomes_null():
    assert _clean({"a": (np.float64("nan"), np.bool_(True), float("inf")), "b": np.int64(3)}) == {
        "a": [None, True, None],
        "b": 3,
    }
