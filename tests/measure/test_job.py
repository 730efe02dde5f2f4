import csv
import gzip
from datetime import UTC, date, datetime, timedelta
from time import monotonic

import numpy as np
import pytest
from sqlalchemy import func, insert, select, update

from pipeline.measure.job import measure
from pipeline.measure.timespan import measured_periods
from pipeline.monitor import Monitor
from pipeline.report import Report
from pipeline.store.runs import last_runs, record_run
from pipeline.store.session import open_session
from pipeline.store.tables import Cluster, Coding, Document, Framing, GapCell, TrendCell
from pipeline.store.trends import gap_rows, trend_rows
from tests.measure.conftest import COLLECTED

NOW = datetime(2024, 12, 31, 18, tzinfo=UTC)


def _cells(session, kind, group=None):
    return {(r.group_id, r.start): r for r in trend_rows(session, "m", group, kind)}


def _fill(w, model, *, quarters=4, texts=40, codings=20, seed=5):
    """Two groups that move apart, coded at random; returns the coders' balance of all texts per cell."""
    random = np.random.default_rng(seed)
    truth = {}
    for quarter in range(quarters):
        start = date(2024, 3 * quarter + 1, 1)
        for group, sign in (("a", 1), ("b", -1)):
            level = sign * 0.15 * quarter
            values = random.choice([1, -1, 0], texts, p=[0.35 + level / 2, 0.35 - level / 2, 0.3])
            coded = random.permutation(texts)[:codings]
            for i, y in enumerate(values):
                f = float(np.clip(0.5 * y + random.normal(0.1, 0.3), -1, 1))
                document = w.text(group, start + timedelta(days=int(random.integers(0, 88))), f, model=model)
                if i in coded:
                    value = {1: "nationalist", -1: "universalist", 0: "neither"}[int(y)]
                    w.coding(document, value, probability=codings / texts)
            truth[group, start] = values.mean()
    return truth


def test_the_trend_table_from_texts_and_codings(store_settings, world, monitor_of):
    with open_session(store_settings) as session:
        w = world(session)
        truth = _fill(w, w.model())
        session.commit()
        report = measure(store_settings, monitor_of(), now=NOW)
        cells = _cells(session, "quarter")
        assert cells.keys() == truth.keys()
        assert all(r.estimator == "corrected" and r.clusters == 40 and r.codings == 20 for r in cells.values())
        hits = [cells[key].low <= truth[key] <= cells[key].high for key in truth]
        assert sum(hits) >= len(hits) - 1
        assert all(set(r.companions) == {"cc", "pcc", "pacc", "sld", "constant"} for r in cells.values())
        gaps = gap_rows(session, "m", "a", "b", "quarter")
        assert gaps[-1].low > 0
        assert gaps[-1].gap == pytest.approx(
            cells["a", date(2024, 10, 1)].balance - cells["b", date(2024, 10, 1)].balance
        )
        assert gaps[-1].freedom == 20 + 20 + 8
        weeks = trend_rows(session, "m", period="week")
        assert len(weeks) == 2 * 53
        assert {r.estimator for r in weeks if r.balance is not None} == {"uncorrected"}
        assert all(r.low is None and r.high is None and r.variance is None for r in weeks)
        assert report.found == 320
        assert report.problems == ()
        assert last_runs(session, "m", "measure")[0].sentence.startswith("measure: 320 found")


def test_every_state_is_not_enough_evidence_and_says_why(settings, world, monitor_of):
    with open_session(settings) as session:
        w = world(session)
        _fill(w, w.model())
        session.commit()
        measure(settings, monitor_of(), now=NOW)
        gaps = gap_rows(session, "m")
        assert {g.state for g in gaps} == {"not enough evidence"}
        why = ("no usable reference (needs 52 usable weeks", "no week of it is finished")
        assert all(g.flags[0].startswith(why) for g in gaps)


def test_measured_again_nothing_is_double_and_dead_cells_go(store_settings, world, monitor_of):
    with open_session(store_settings) as session:
        w = world(session)
        _fill(w, w.model(), quarters=2)
        session.commit()
        measure(store_settings, monitor_of(), now=NOW)
        ids = set(session.scalars(select(TrendCell.id)))
        before = [(r.group_id, r.period, r.start, r.balance, r.high, r.flags) for r in trend_rows(session, "m")]
        session.rollback()
        measure(store_settings, monitor_of(), now=NOW)
        assert set(session.scalars(select(TrendCell.id))) == ids
        assert [(r.group_id, r.period, r.start, r.balance, r.high, r.flags) for r in trend_rows(session, "m")] == before
        session.rollback()
        measure(store_settings, monitor_of(periods=["quarter"], dyads=[]), now=NOW)
        session.expire_all()
        assert {r.period for r in trend_rows(session, "m")} == {"quarter"}
        assert session.scalar(select(func.count()).select_from(GapCell)) == 0


def test_another_monitor_is_left_alone(settings, world, monitor_of):
    with open_session(settings) as session:
        w = world(session, "other")
        w.text("a", date(2024, 1, 1), 0.1, model=w.model())
        session.commit()
        measure(settings, monitor_of(name="other"), now=NOW)
        measure(settings, monitor_of(), now=NOW)
        assert trend_rows(session, "other")
        assert not trend_rows(session, "m")


def test_why_cells_are_empty(settings, world, monitor_of):
    plain = monitor_of().model_dump(mode="json")
    plain["sources"][0]["outages"] = [{"start": "2024-03-01", "end": "2024-04-10", "reason": "server seized"}]
    monitor = Monitor.model_validate(plain | {"periods": ["month"], "since": "2024-01-01"})
    with open_session(settings) as session:
        w = world(session)
        model = w.model()
        # the world's texts are collected on the last day of the year, so their source is covered until then
        for month in (2, 6):
            w.text("a", date(2024, month, 3), 0.2, model=model)
        w.text("a", date(2024, 8, 3))
        first = w.text("b", date(2024, 1, 3), 0.1, model=model, collected=datetime(2024, 9, 1, tzinfo=UTC))
        w.text("a", date(2024, 9, 3), cluster=session.get(Cluster, first.cluster_id))
        session.commit()
        report = measure(settings, monitor, now=NOW)
        a, b = ({r.start.month: r for r in trend_rows(session, "m", g, "month")} for g in "ab")
        assert a[1].missing == "not collected: before its first text (2024-02-03)"
        assert a[2].missing is None
        assert (a[3].missing, a[4].missing) == ("outage: server seized", "outage: server seized")
        assert a[5].missing == "silent"
        assert (a[8].missing, a[8].texts, a[8].balance) == ("not framed", 1, None)
        assert a[9].missing == "no text of its own: what it published counts where it was published first"
        assert (a[9].texts, a[9].clusters) == (1, 0)
        assert b[8].missing == "silent"
        assert b[10].missing == "not collected: its sources were last read up to 2024-09-01"
        assert "outage of a-site from 2024-03-01 to 2024-04-10" in a[3].flags
        assert all(r.balance is None for r in (*a.values(), *b.values()) if r.missing)
        gap = {g.start.month: g for g in gap_rows(session, "m", "a", "b", "month")}
        assert gap[5].missing == "a: silent; b: silent"
        assert gap[5].gap is None
        assert gap[2].missing == "b: silent"
        assert report.problems == ("1 texts are not framed by the model in force; run `riftwatch frame`",)


def test_a_successful_run_makes_silence_known(settings, world, monitor_of):
    def month_10(session):
        return next(r for r in trend_rows(session, "m", "b", "month") if r.start.month == 10).missing

    with open_session(settings) as session:
        w = world(session)
        w.text("b", date(2024, 1, 3), 0.1, model=w.model(), collected=datetime(2024, 9, 1, tzinfo=UTC))
        failed = Report(job="collect", failed=1, problems=("the feed can't be reached",))
        record_run(session, failed, started_at=NOW, monitor="m", source="b-site")
        session.commit()
        measure(settings, monitor_of(), now=NOW)
        assert month_10(session).startswith("not collected")
        record_run(session, Report(job="collect"), started_at=NOW, monitor="m", source="b-site")
        session.commit()
        measure(settings, monitor_of(), now=NOW)
        session.expire_all()
        assert month_10(session) == "silent"


def test_what_could_not_be_used_is_in_the_report(settings, world, monitor_of):
    with open_session(settings) as session:
        w = world(session)
        model = w.model()
        text = w.text("a", date(2024, 5, 1), 0.3, model=model)
        w.text("a", None, 0.3, model=model)
        w.coding(Document(address="https://example.org/elsewhere"), "nationalist", matched=False)
        w.coding(text, "nationalist", probability=None, coder="two")
        w.coding(w.text("b", date(2024, 5, 1), speaker="observer"), "both")
        session.commit()
        problems = measure(settings, monitor_of(), now=NOW).problems
        assert len(problems) == 4
        text = "\n".join(problems)
        assert "1 own texts have no acceptable date" in text
        assert "1 random codings wait for a text" in text
        assert "1 random codings have no probability" in text
        assert "1 coded texts are in no cell" in text


def test_a_model_that_may_have_learnt_the_texts_that_correct_it_is_said(store_settings, world, monitor_of):
    with open_session(store_settings) as session:
        w = world(session)
        model = w.model()
        model.card = {"learnt_from": "0" * 64}
        learnt, known, fresh = (w.text("a", date(2024, 5, 1), 0.3, model=model) for _ in range(3))
        for text in (learnt, known):
            w.coding(text, "nationalist", draw="active", probability=None)
        w.coding(known, "nationalist")  # before it was trained: so it was left out of training
        session.flush()
        after = COLLECTED + timedelta(days=1)
        for text in (learnt, known, fresh):
            w.coding(text, "nationalist", coder="two", drawn_at=after)
        session.execute(update(Coding).where(Coding.coder == "two").values(coded_at=after))
        session.commit()
        (said,) = [p for p in measure(store_settings, monitor_of(), now=NOW).problems if "learnt" in p]
        assert said.startswith("1 texts with random codings were coded otherwise before the model in force was trained")
        model.card = {}  # a starter model
        session.commit()
        assert not [p for p in measure(store_settings, monitor_of(), now=NOW).problems if "learnt" in p]


def test_a_coding_that_did_not_see_its_text_is_joined_to_it(store_settings, world, monitor_of):
    with open_session(store_settings) as session:
        w = world(session)
        text = w.text("a", date(2024, 12, 1), 0.3, model=w.model())
        w.coding(text, "nationalist", matched=False)
        session.commit()
        assert measure(store_settings, monitor_of(), now=NOW).problems == ()
        assert _cells(session, "quarter")["a", date(2024, 10, 1)].codings == 1


def test_a_mistyped_year_is_said_and_measured_all_the_same(settings, world, monitor_of):
    with open_session(settings) as session:
        world(session).text("a", date(2024, 12, 1))
        session.commit()
        long = measure(settings, monitor_of(since=date(1919, 1, 1), periods=["week"]), now=NOW)
        assert long.problems[-1].startswith("5,956 periods of each group are measured, from 1918-12-30 to 2025-01-06")
        assert len(trend_rows(session, "m", "a", "week")) > 5000
        fine = measure(settings, monitor_of(since=date(2019, 1, 1), periods=["week"]), now=NOW)
        assert not [p for p in fine.problems if "mistyped" in p]


def test_an_empty_monitor_says_so(settings, monitor_of):
    report = measure(settings, monitor_of(), now=NOW)
    assert report.updated == 0
    assert report.problems == ("no own text with a date; collect first",)


def test_without_a_model_texts_are_counted_but_not_framed(settings, world, monitor_of):
    with open_session(settings) as session:
        world(session).text("a", date(2024, 12, 1))
        session.commit()
        report = measure(settings, monitor_of(), now=NOW)
        row = _cells(session, "quarter")["a", date(2024, 10, 1)]
        assert (row.missing, row.clusters, row.model_id) == ("not framed", 1, None)
        assert report.problems == ("no model is in force; run `riftwatch frame`",)


def test_a_text_without_a_known_word_is_in_no_balance_and_not_asked_for_again(settings, world, monitor_of):
    with open_session(settings) as session:
        w = world(session)
        model = w.model()
        w.text("a", date(2024, 12, 1), 0.4, model=model)
        wordless = session.get_one(Framing, (w.text("a", date(2024, 12, 2), 0.0, model=model).id, model.id, ""))
        wordless.p_first = wordless.p_second = wordless.label = None
        session.commit()
        assert measure(settings, monitor_of(), now=NOW).problems == ()
        row = _cells(session, "quarter")["a", date(2024, 10, 1)]
        assert (row.balance, row.clusters) == (pytest.approx(0.4), 2)
        assert "1 of 2 texts are not framed and not in the balance" in row.flags


def test_a_framing_of_an_older_text_does_not_count(settings, world, monitor_of):
    with open_session(settings) as session:
        w = world(session)
        document = w.text("a", date(2024, 12, 1), 0.4, model=w.model())
        document.text_digest = "f" * 64
        session.commit()
        measure(settings, monitor_of(), now=NOW)
        assert _cells(session, "quarter")["a", date(2024, 10, 1)].missing == "not framed"


def test_observers_and_undated_texts_stay_out(settings, world, monitor_of):
    with open_session(settings) as session:
        w = world(session)
        model = w.model()
        w.text("a", date(2024, 12, 1), 0.4, model=model)
        w.text("a", date(2024, 12, 2), -1.0, model=model, speaker="observer")
        w.text("a", None, -1.0, model=model)
        session.commit()
        measure(settings, monitor_of(), now=NOW)
        row = _cells(session, "quarter")["a", date(2024, 10, 1)]
        assert (row.texts, row.balance) == (1, pytest.approx(0.4))


def test_an_unfinished_period_and_late_texts_are_flagged(settings, world, monitor_of):
    drawn = datetime(2024, 11, 1, tzinfo=UTC)
    with open_session(settings) as session:
        w = world(session)
        model = w.model()
        for i in range(12):
            early = w.text("a", date(2024, 10, 1 + i), 0.1 * (i % 3), model=model, collected=drawn)
            if i < 6:
                w.coding(early, ("nationalist", "neither")[i % 2], drawn_at=drawn)
        for i in range(3):
            w.text("a", date(2024, 11, 2 + i), 0.9, model=model)
        session.commit()
        measure(settings, monitor_of(), now=datetime(2024, 12, 30, tzinfo=UTC))
        row = _cells(session, "quarter")["a", date(2024, 10, 1)]
        assert (row.late, row.clusters, row.codings, row.estimator) == (3, 15, 6, "corrected")
        assert row.flags == [
            "period not finished",
            "3 texts arrived at a time that codings do not speak for and are not in the balance",
        ]


def test_the_audit_period_is_always_measured(monitor_of):
    assert measured_periods(monitor_of(periods=["year", "week"], audit_period="month")) == ["week", "month", "year"]


def test_a_year_is_not_corrected_by_quarterly_codings(settings, world, monitor_of):
    with open_session(settings) as session:
        w = world(session)
        _fill(w, w.model(), quarters=2)
        session.commit()
        measure(settings, monitor_of(periods=["year"]), now=NOW)
        year = _cells(session, "year")["a", date(2024, 1, 1)]
        assert (year.estimator, year.low, year.codings) == ("uncorrected", None, 40)
        assert _cells(session, "quarter")["a", date(2024, 1, 1)].estimator == "corrected"


def test_one_speech_a_year_since_1946_is_no_ground_for_claims(settings, shared_data, world, monitor_of):
    with gzip.open(shared_data / "ungd" / "ungd.csv.gz", "rt", encoding="utf-8", newline="") as file:
        speeches = [(row["iso3"].lower(), int(row["year"])) for row in csv.DictReader(file)]
    countries = sorted({country for country, _ in speeches})
    monitor = monitor_of(
        groups=[{"id": c, "name": c} for c in countries],
        sources=[
            {
                "id": "ungd",
                "speaker": "own",
                "kind": "table",
                "path": "ungd.csv.gz",
                "columns": {"text": "text", "date": "year", "group": "iso3"},
                "groups": {c: c for c in countries},
            }
        ],
        dyads=[["yug", "rus"], ["alb", "chn"], ["gbr", "usa"]],
        periods=["year"],
        audit_period="year",
    )
    with open_session(settings) as session:
        w = world(session)
        model = w.model()
        for i, (country, year) in enumerate(speeches):
            w.text(country, date(year, 9, 20), np.sin(i) / 2, model=model, source="ungd")
        session.commit()
        clock = monotonic()
        measure(settings, monitor, now=datetime(2026, 1, 5, tzinfo=UTC))
        assert monotonic() - clock < 10
        rows = trend_rows(session, "m")
        assert len(rows) == 8 * 81
        assert {r.estimator for r in rows if r.balance is not None} == {"uncorrected"}
        assert all(r.low is None for r in rows)
        by_cell = {(r.group_id, r.start.year): r.missing for r in rows}
        assert by_cell["yug", 2024] == "not collected: its sources were last read up to 2005-09-20"
        assert by_cell["gbr", 2025].startswith("not collected")
        gaps = gap_rows(session, "m")
        assert len(gaps) == 3 * 81
        assert {g.state for g in gaps} == {"not enough evidence"}


def test_many_texts_are_measured_in_seconds(settings, world, monitor_of):
    """20,000 texts, four years of weeks: no query per cell, no quadratic step."""
    random, number = np.random.default_rng(1), 20_000
    hours = random.integers(0, 35_000, number).tolist()
    with open_session(settings) as session:
        model = world(session).model()
        ids = range(1, number + 1)
        session.execute(insert(Cluster), [{"id": i, "monitor": "m", "first_document_id": i} for i in ids])
        texts = [
            {
                "id": i,
                "monitor": "m",
                "source": "a-site",
                "group_id": "ab"[i % 2],
                "speaker": "own",
                "address": f"https://example.org/{i}",
                "text": "x",
                "text_digest": "0",
                "published_at": datetime(2021, 1, 1, tzinfo=UTC) + timedelta(hours=hours[i - 1]),
                "cluster_id": i,
                "collected_at": NOW,
                "updated_at": NOW,
                "extractor": "test",
            }
            for i in ids
        ]
        session.execute(insert(Document), texts)
        framing = {"model_id": model.id, "text_digest": "0", "featuriser": "test", "label": "neither", "scored_at": NOW}
        session.execute(insert(Framing), [framing | {"document_id": i, "p_first": 0.6, "p_second": 0.4} for i in ids])
        session.commit()
        clock = monotonic()
        assert measure(settings, monitor_of(), now=NOW).found == number
        assert monotonic() - clock < 20
        assert all(r.balance == pytest.approx(0.2) for r in trend_rows(session, "m", "a", "quarter"))


@pytest.mark.parametrize("leaning", [0.0, 0.5])
def test_uncorrected_gaps_warn_of_a_model_that_errs_differently(settings, world, monitor_of, leaning):
    rng = np.random.default_rng(11)
    with open_session(settings) as session:
        w = world(session)
        model = w.model()
        for group in "ab":
            for i in range(60):
                y = int(rng.integers(-1, 2))
                f = float(np.clip(0.4 * y + (leaning if group == "a" else 0.0) + rng.normal(0, 0.2), -1, 1))
                text = w.text(group, date(2024, 1, 1) + timedelta(days=i), f, model=model)
                w.coding(text, {1: "nationalist", -1: "universalist", 0: "neither"}[y])
        session.commit()
        measure(settings, monitor_of(), now=NOW)
        warned = {
            row.period: any("errs differently" in f for f in row.flags) for row in gap_rows(session, "m") if row.gap
        }
    assert warned == {"week": leaning > 0, "month": leaning > 0, "quarter": False}
