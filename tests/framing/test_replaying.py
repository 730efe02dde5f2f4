"""The replay from texts and codings in a store to alarms: what it is made of, that nothing leaks, that it goes on."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy import delete, select, update

from classifiers.training.train import Training
from pipeline.collect.erase import erase
from pipeline.framing import replaying as module
from pipeline.framing import retrain as retrain_module
from pipeline.framing.job import frame
from pipeline.framing.replaying import ReplayError, replay
from pipeline.measure.job import measure
from pipeline.measure.replayed import NoReplayError, replayed
from pipeline.measure.timespan import measured_periods
from pipeline.store.replays import cells_of, stretches_of, unpack_coded
from pipeline.store.session import open_session
from pipeline.store.tables import Cluster, Coding, Document, Model, ReplayCell, Run
from pipeline.store.trends import trend_rows
from tests.framing.past import FIRST, NOW, SHIFTED, WEEKS, coding, document, fill_past, past_monitor

QUICK = Training(folds=2)


@pytest.fixture(autouse=True)
def quick(short_starter, monkeypatch):
    """A small starter and two folds: what is tested is the way, not the figures."""
    monkeypatch.setattr(retrain_module, "load_starter", lambda _book: short_starter)
    monkeypatch.setattr(module, "HOW", QUICK)


def stretch_facts(settings, monitor="m"):
    """All that is kept, by first day of the stretch."""
    with open_session(settings) as session:
        return {
            row.start: {
                **{
                    name: getattr(row, name)
                    for name in ("end", "digest", "model", "model_sha256", "codings", "missing")
                },
                "coded": sorted(unpack_coded(row.coded).values()) if row.coded else None,
                "cells": cells_of(session, row),
            }
            for row in stretches_of(session, monitor)
        }


def alarms_of(settings, monitor):
    with open_session(settings) as session:
        return replayed(session, monitor, measured_periods(monitor))


def test_a_planted_shift_is_found_with_models_of_earlier_codings(store_settings):
    fill_past(store_settings)
    monitor = past_monitor()
    report = replay(store_settings, monitor, now=NOW)
    assert (report.found, report.new, report.updated, report.known, report.failed) == (6, 5, 0, 0, 1)
    facts = stretch_facts(store_settings)
    assert list(facts) == [
        date(2020, 4, 6),
        date(2020, 7, 6),
        date(2020, 10, 5),
        date(2021, 1, 4),
        date(2021, 4, 5),
        date(2021, 7, 5),
    ]
    # two texts a week of which one is coded to train: the first quarter has too few of a kind
    first, *others = facts.values()
    assert (first["model"], first["cells"]) == (None, [])
    assert "different texts that were not drawn at random are coded as" in first["missing"]
    weeks = [(start - FIRST).days // 7 for start in facts]
    assert [one["codings"] for one in others] == [2 * week for week in weeks[1:]]
    assert len({one["model_sha256"] for one in others}) == 5
    assert all(one["missing"] is None for one in others)

    made = alarms_of(store_settings, monitor)
    (dyad,) = made.dyads
    assert dyad.observed == ((FIRST + timedelta(weeks=52), NOW.date() - timedelta(days=1)),)
    (alarm,) = dyad.alarms
    shift = FIRST + timedelta(weeks=SHIFTED)
    assert shift < alarm <= shift + timedelta(weeks=10)
    assert alarm.weekday() == 6  # the last day of the week as of which it is in alarm
    assert made.made_with.startswith("5 models, each of the codings of texts dated before its time (52 to 156); 1 of 6")
    assert made.basis[0].startswith("2020-04-06 to 2020-07-05: no replay, ")
    assert made.basis[1] == f"2020-07-06 to 2020-10-04: {facts[date(2020, 7, 6)]['model']}, 52 codings of 52 texts"
    with open_session(store_settings) as session:
        assert session.scalars(select(Model)).all() == []  # nobody can promote them
        assert session.scalars(select(Run.job)).all() == ["replay"]

    again = replay(store_settings, monitor, now=NOW)
    assert (again.new, again.updated, again.known, again.failed) == (0, 0, 5, 1)
    assert stretch_facts(store_settings) == facts


def test_the_texts_that_count_are_those_that_measuring_counts(settings):
    """Reposts, observers, undated texts and texts of a single week: as many in every cell as in the trend table."""
    fill_past(settings, weeks=30)
    monitor = past_monitor()
    day = FIRST + timedelta(weeks=20)
    with open_session(settings) as session:
        cluster = Cluster(monitor="m")
        session.add(cluster)
        session.flush()
        extra = [
            document(5000, "a", day, "neither", cluster_id=cluster.id),
            document(5001, "b", day + timedelta(days=9), "neither", cluster_id=cluster.id),
            document(5002, "a", day, "neither", speaker="observer"),
            document(5003, "a", day, "neither", published_at=None),
            document(5004, "x", day, "neither", group_id=None),
        ]
        session.add_all(extra)
        session.flush()
        cluster.first_document_id = extra[0].id
        session.commit()
    now = datetime.combine(FIRST + timedelta(weeks=30), time(), tzinfo=UTC)
    frame(settings, monitor)
    measure(settings, monitor, now=now)
    replay(settings, monitor, now=now)
    with open_session(settings) as session:
        rows = trend_rows(session, "m", period="week")
        measured = {(row.group_id, row.start): row.clusters for row in rows if row.clusters and row.end <= now.date()}
        last = stretches_of(session, "m")[-1]
        made = {(group, start): texts for group, start, texts, *_ in cells_of(session, last)}
    assert made == measured
    assert last.scored == sum(measured.values()) == 30 * 6 + 1


def change_what_is_later(settings, cut, seed):
    """Texts and codings dated ``cut`` or later are added, changed and taken away; undated ones come as well."""
    lot = random.Random(seed)  # noqa: S311 (no secret)
    moment = datetime.combine(cut, time(), tzinfo=UTC)
    with open_session(settings) as session:
        later = list(session.scalars(select(Document).where(Document.published_at >= moment).order_by(Document.id)))
        earlier = list(session.scalars(select(Document).where(Document.published_at < moment).order_by(Document.id)))
        for one in lot.sample(later, len(later) // 3):
            one.text, one.text_digest = f"{one.text} flag soil sovereign {seed}", f"{seed}-{one.id}"
        for one in lot.sample(later, len(later) // 4):
            one.published_at = one.published_at + timedelta(days=3)
        ids = [one.id for one in later]
        session.execute(
            update(Coding).where(Coding.document_id.in_(ids)).values(value=lot.choice(["universalist", "neither"]))
        )
        session.execute(delete(Coding).where(Coding.document_id.in_(lot.sample(ids, len(ids) // 5))))
        number = 10_000 + seed
        for _ in range(60):
            number += 1
            day = cut + timedelta(days=lot.randrange(120))
            dated = {} if lot.random() < 0.8 else {"published_at": None}
            one = document(number, lot.choice("ab"), day, lot.choice(["nationalist", "universalist"]), **dated)
            session.add(one)
            session.flush()
            for draw in lot.sample(["active", "random", "import", "alarm"], 2):
                session.add(coding(one, lot.choice(["nationalist", "both", "neither"]), draw))
        # a repost of an early text that trains: drawn at random, but only later
        for old in lot.sample(earlier, 5):
            number += 1
            copy = document(
                number, old.group_id, cut + timedelta(days=lot.randrange(30)), "neither", text=old.text,
                text_digest=old.text_digest, cluster_id=old.cluster_id,
            )  # fmt: skip
            session.add(copy)
            session.flush()
            session.add(coding(copy, "universalist", "random"))
        session.commit()


def as_clusters_of_their_own(settings):
    """Every text gets a cluster, as extraction gives it one: so that a later copy changes no early row."""
    with open_session(settings) as session:
        for one in session.scalars(select(Document).order_by(Document.id)).all():
            cluster = Cluster(monitor="m", first_document_id=one.id)
            session.add(cluster)
            session.flush()
            one.cluster_id = cluster.id
        session.commit()


@pytest.mark.long
@pytest.mark.parametrize("weeks", [39, 57, 65, 66, 71, 80])
def test_what_is_dated_later_changes_nothing_up_to_a_day(store_settings, weeks):
    """No leak: models, sums, lam and alarms as of a day are the same whatever comes after it, to the last bit."""
    fill_past(store_settings)
    monitor = past_monitor()
    as_clusters_of_their_own(store_settings)
    replay(store_settings, monitor, now=NOW)
    before, seen = stretch_facts(store_settings), alarms_of(store_settings, monitor)
    cut = FIRST + timedelta(weeks=weeks)
    change_what_is_later(store_settings, cut, seed=weeks)
    report = replay(store_settings, monitor, now=NOW)
    after, seen_again = stretch_facts(store_settings), alarms_of(store_settings, monitor)
    whole = [start for start, one in before.items() if one["end"] <= cut]
    assert report.known + report.new == len([start for start in whole if before[start]["model"]])
    assert report.new == 0
    for start in whole:
        assert after[start] == before[start]
    for start in (start for start in before if start <= cut):  # the stretch that holds the day: what it had learnt
        for name in ("model", "model_sha256", "codings", "missing", "coded"):
            assert after[start][name] == before[start][name]
        early = [[cell for cell in one[start]["cells"] if cell[1] < cut] for one in (before, after)]
        assert early[0] == early[1]
    assert [_until(one, cut) for one in seen_again.dyads] == [_until(one, cut) for one in seen.dyads]
    # and the change was one: what is dated later is another
    assert all(after[start]["digest"] != before[start]["digest"] for start in before if before[start]["end"] > cut)


def _until(dyad, cut):
    """What was observed and found before a day."""
    days = [(first, min(last, cut - timedelta(days=1))) for first, last in dyad.observed if first < cut]
    return dyad.a, dyad.b, days, [day for day in dyad.alarms if day < cut]


def test_a_run_that_is_killed_is_gone_on_with_and_says_so_meanwhile(store_settings, monkeypatch):
    fill_past(store_settings)
    monitor = past_monitor()
    real, done = module.keep_stretch, []

    def killed(session, name, start, figures, cells):
        real(session, name, start, figures, cells)
        if len(done) == 3:
            raise KeyboardInterrupt  # before the commit, as a kill would
        done.append(start)

    monkeypatch.setattr(module, "keep_stretch", killed)
    with pytest.raises(KeyboardInterrupt):
        replay(store_settings, monitor, now=NOW)
    with pytest.raises(
        NoReplayError, match="3 of 6 stretches of the replay are still to be made; run `riftwatch replay`"
    ):
        alarms_of(store_settings, monitor)
    monkeypatch.setattr(module, "keep_stretch", real)
    rest = replay(store_settings, monitor, now=NOW)
    assert (rest.new, rest.known, rest.failed) == (3, 2, 1)
    broken_off = stretch_facts(store_settings)
    with open_session(store_settings) as session:
        for row in stretches_of(session, "m"):
            row.digest = "another"
        session.commit()
    whole = replay(store_settings, monitor, now=NOW)
    assert (whole.updated, whole.known) == (5, 0)
    assert stretch_facts(store_settings) == broken_off


def test_a_new_week_makes_the_last_stretch_again_and_other_lengths_other_stretches(settings):
    fill_past(settings, weeks=40)
    monitor = past_monitor()
    now = datetime.combine(FIRST + timedelta(weeks=39), time(), tzinfo=UTC)
    report = replay(settings, monitor, now=now)
    assert (report.found, report.new, report.failed) == (2, 1, 1)
    before = stretch_facts(settings)
    report = replay(settings, monitor, now=now + timedelta(weeks=1))  # 2020-10-05 to 2020-10-11 has begun a third
    assert (report.found, report.known, report.new, report.updated, report.failed) == (3, 1, 1, 0, 1)
    report = replay(settings, monitor, now=now + timedelta(days=13))  # no other week is over
    assert (report.known, report.failed) == (2, 1)
    report = replay(settings, monitor, now=now + timedelta(weeks=2))  # without a text in it
    assert (report.known, report.new, report.updated, report.failed) == (1, 0, 1, 1)
    report = replay(settings, monitor, now=now + timedelta(weeks=1), every="month")
    assert (report.found, report.known) == (9, 0)
    assert replay(settings, monitor, now=now).found == 2
    assert stretch_facts(settings) == before
    with open_session(settings) as session:
        kept = set(session.scalars(select(ReplayCell.stretch_id)))
        assert kept <= {row.id for row in stretches_of(session, "m")}


def test_too_few_codings_and_nothing_to_replay_are_said(settings):
    monitor = past_monitor()
    with pytest.raises(ReplayError, match="m has no own text with a date; collect first"):
        replay(settings, monitor, now=NOW)
    fill_past(settings, weeks=30, coded_from=30)
    now = datetime.combine(FIRST + timedelta(weeks=30), time(), tzinfo=UTC)
    with pytest.raises(ReplayError, match="m has 0 finished weeks, and no quarter begins after the first of them"):
        replay(settings, monitor, now=datetime.combine(FIRST, time(), tzinfo=UTC))
    with pytest.raises(ReplayError, match="neither weeks nor months"):
        replay(settings, past_monitor(periods=["quarter"]), now=now)
    with pytest.raises(NoReplayError, match="no replay of m is made; run `riftwatch replay` first"):
        alarms_of(settings, monitor)
    report = replay(settings, monitor, now=now)
    why = "0 different texts that were not drawn at random are coded, and 20 are needed"
    assert (report.new, report.failed) == (0, 2)
    assert report.problems == (f"no replay from 2020-04-06 to before 2020-08-03: {why}",)
    with pytest.raises(
        NoReplayError, match=f"no time of m can be replayed: 2020-04-06 to 2020-08-02: no replay, {why}"
    ):
        alarms_of(settings, monitor)
    with pytest.raises(NoReplayError, match="the replay is of weeks, and alarms run on months now"):
        alarms_of(settings, past_monitor(periods=["month", "quarter"]))


def test_by_months_too(settings):
    fill_past(settings)
    monitor = past_monitor(periods=["month", "quarter"])
    report = replay(settings, monitor, now=NOW, every="year")
    assert (report.found, report.new, report.failed) == (1, 1, 0)
    made = alarms_of(settings, monitor)
    assert made.dyads == []  # 24 months of both are needed, and there are twenty
    assert made.unwatched == ["a--b: not watched, its reference is not complete at the end of the replay"]
    (facts,) = stretch_facts(settings).values()
    assert {start for _, start, *_ in facts["cells"]} == {date(2020 + m // 12, m % 12 + 1, 1) for m in range(20)}


def test_what_is_erased_is_in_no_replay(settings):
    fill_past(settings, weeks=30)
    monitor = past_monitor()
    now = datetime.combine(FIRST + timedelta(weeks=30), time(), tzinfo=UTC)
    replay(settings, monitor, now=now)
    assert stretch_facts(settings)
    erase(settings, monitor, "address", "http://x.example/7", reason="asked for")
    assert stretch_facts(settings) == {}
    assert WEEKS > 30
    assert replay(settings, monitor, now=now).new == 1
