"""The whole way over HTTP, without Airflow: the demo world's sites to its trend table, held against the truth.

Only the hand-written texts are served, which takes a third of the time; tests/e2e/test_demo_states.py has them all.
"""

from __future__ import annotations

import csv
import json
import re
from collections import Counter
from datetime import date

import numpy as np
import pytest
from sqlalchemy import func, select

from pipeline.demo.coders import PER_STRATUM, address_of, quarter
from pipeline.demo.world import SITES, load_comments
from pipeline.store.session import open_session
from pipeline.store.tables import Cluster, Document, Frontier, Run
from pipeline.store.trends import gap_rows, trend_rows

pytestmark = pytest.mark.xdist_group("demo")


@pytest.fixture
def session(demo):
    with open_session(demo.settings) as opened:
        yield opened


def words(text: str) -> list[str]:
    return re.findall(r"\w+", text)


def test_every_text_is_collected_once(demo, session):
    counts = dict(session.execute(select(Document.source, func.count()).group_by(Document.source)).all())
    assert counts == Counter(p.site for p in demo.posts)
    assert {r.failed for r in demo.reports.values()} == {0}, [r.sentence() for r in demo.reports.values()]


def test_a_second_run_finds_nothing_new(demo):
    assert [(r.new, r.updated, r.failed) for r in demo.again] == [(0, 0, 0)] * len(SITES)


def test_texts_are_whole_and_only_theirs(demo, session):
    documents = {d.address: d for d in session.scalars(select(Document))}
    foreign = {" ".join(words(c)[:6]) for group in load_comments().values() for c in group}
    foreign |= {"We use cookies to remember your", "This site stores cookies"}
    for post in demo.posts:
        document = documents[address_of(post, demo.port)]
        stored = " ".join(words(document.text))
        for paragraph in post.paragraphs:
            assert " ".join(words(paragraph)) in stored, (post.id, document.text)
        assert not [c for c in foreign if c in stored], post.id
        assert len(words(document.text)) <= len(words(post.text)) + len(words(post.title)) + 12, (
            post.id,
            document.text,
        )


def test_dates_are_right_even_where_a_page_lies(demo, session):
    documents = {d.address: d for d in session.scalars(select(Document))}
    for post in demo.posts:
        assert documents[address_of(post, demo.port)].published_at.date() == post.day, post.id
    liar = next(p for p in demo.posts if p.quirk == "wrong-date")
    refused = [c for c in documents[address_of(liar, demo.port)].dates if not c["accepted"]]
    assert any("2041" in c["value"] and c["why"] for c in refused)


def test_languages_are_told_apart(demo, session):
    documents = {d.address: d for d in session.scalars(select(Document))}
    wrong = [p.id for p in demo.posts if documents[address_of(p, demo.port)].language != p.language]
    assert len(wrong) <= len(demo.posts) / 100, wrong


def test_reposts_join_the_cluster_of_their_original(demo, session):
    documents = {d.address: d for d in session.scalars(select(Document))}
    by_id = {p.id: p for p in demo.posts}
    for post in demo.posts:
        if post.repost_of:
            here = documents[address_of(post, demo.port)]
            original = documents[address_of(by_id[post.repost_of], demo.port)]
            assert here.cluster_id == original.cluster_id
            assert session.get(Cluster, here.cluster_id).first_document_id == original.id
    originals = sum(p.repost_of is None for p in demo.posts)
    assert session.scalar(select(func.count()).select_from(Cluster)) == originals


def test_robots_txt_is_asked_first_and_nothing_forbidden_is_fetched(demo):
    for paths in demo.first_requests.values():
        assert paths[0] == "/robots.txt"
        assert not [p for p in paths if p.startswith("/private/")]


def test_nothing_waits_and_every_run_left_a_line(demo, session):
    states = dict(session.execute(select(Frontier.status, func.count()).group_by(Frontier.status)).all())
    assert set(states) == {"fetched"}
    jobs = Counter(session.scalars(select(Run.job)))
    assert jobs["collect"] == 2 * len(SITES)
    assert min(jobs["frame"], jobs["measure"]) >= 1


def test_codings_waited_for_their_texts_and_found_them(demo, session):
    quarters = list(trend_rows(session, "demo", period="quarter"))
    assert [r.codings for r in quarters] == [min(PER_STRATUM, r.clusters) for r in quarters]
    assert demo.imported.new == 2 * sum(r.codings for r in quarters)


def test_the_truth_lies_in_the_intervals(demo, session):
    truth = demo.coded_balance()
    rows = trend_rows(session, "demo", period="quarter")
    assert {(r.group_id, r.start) for r in rows} == set(truth)
    assert {r.estimator for r in rows} == {"corrected"}
    # a cell that is coded whole has an interval without width
    inside = [r.low - 1e-9 <= truth[r.group_id, r.start] <= r.high + 1e-9 for r in rows]
    assert np.mean(inside) >= 0.9, [(r.group_id, r.start, truth[r.group_id, r.start], r.low, r.high) for r in rows]


def gaps(session) -> dict[date, object]:
    return {g.start: g for g in gap_rows(session, "demo", "kestrel", "juniper", period="quarter")}


def test_the_change_of_the_gap_is_visible(session):
    rows = gaps(session)
    before = [rows[date(2024, m, 1)] for m in (1, 4, 7, 10)]
    quarrel = [rows[date(2025, m, 1)] for m in (4, 7)]
    assert max(g.high for g in before) < min(g.gap for g in quarrel)
    assert max(g.gap for g in before) < min(g.low for g in quarrel)
    # and the partial reconciliation brings it down again
    assert rows[date(2025, 10, 1)].gap < min(g.gap for g in quarrel)


def test_nothing_is_claimed_that_no_coder_has_confirmed(session):
    """The first 52 usable weeks are the reference, and reach into the quarrel; after them no alarm has been coded."""
    weeks = gap_rows(session, "demo", "kestrel", "juniper", period="week")
    states = [g.state for g in weeks]
    first = states.index("steady")
    assert first >= 52
    assert set(states[:first]) == {"not enough evidence"}
    assert set(states[first:]) <= {"steady", "not enough evidence"}
    assert weeks[0].flags[0] == "no usable reference (needs 52 usable weeks, has 0)"


def test_a_corrected_gap_that_moved_without_an_alarm_is_pointed_at(session):
    rows = gaps(session)
    for start in (date(2025, 4, 1), date(2025, 7, 1)):
        assert rows[start].state == "steady"
        assert rows[start].flags[0] == "no alarm is open"
        assert rows[start].flags[1].startswith("the corrected gap differs by +")
    assert not any("no alarm sees it" in flag for flag in rows[date(2024, 10, 1)].flags)


def cell(session, group: str, start: date, period: str = "quarter"):
    (row,) = [r for r in trend_rows(session, "demo", group=group, period=period) if r.start == start]
    return row


def test_the_flood_shows_in_the_volume_and_not_in_the_balance(demo, session):
    before, flood, after = (
        cell(session, "juniper", start) for start in (date(2024, 7, 1), date(2024, 10, 1), date(2025, 1, 1))
    )
    assert flood.clusters > 2 * before.clusters
    assert abs(flood.balance - before.balance) < np.hypot(flood.high - flood.balance, before.high - before.balance)
    # what the flood did is known: the gap of that quarter still holds the truth (benchmarks.demo draws 200 audits)
    truth, made = demo.coded_balance(), gaps(session)[date(2024, 10, 1)]
    assert made.low <= truth["kestrel", made.start] - truth["juniper", made.start] <= made.high
    assert after.clusters < flood.clusters


def test_the_reposts_are_counted_beside_and_not_within(demo, session):
    row = cell(session, "kestrel", date(2024, 7, 1))
    reposts = [p for p in demo.posts if p.repost_of and p.site.startswith("kestrel") and quarter(p.day) == (2024, 3)]
    assert len(reposts) >= 25
    originals = [t for t in demo.truth if t.group == "kestrel" and quarter(t.day) == (2024, 3)]
    assert row.clusters == len(originals)
    assert row.texts == len(originals) + len(reposts)


def test_the_outage_is_missing_and_not_zero(session):
    weeks = [cell(session, "juniper", date(2024, 5, day), "week") for day in (6, 13, 20, 27)]
    weeks += [cell(session, "juniper", date(2024, 6, day), "week") for day in (3, 10)]
    assert {(w.balance, w.low, w.high, w.estimator, w.clusters) for w in weeks} == {(None, None, None, None, 0)}
    assert all(w.missing.startswith("outage") and "provider" in w.missing for w in weeks)
    dyad_weeks = [
        g for g in gap_rows(session, "demo", "kestrel", "juniper", period="week") if g.start == weeks[0].start
    ]
    assert [(g.gap, bool(g.missing)) for g in dyad_weeks] == [(None, True)]
    assert any("outage" in flag for flag in cell(session, "juniper", date(2024, 4, 1)).flags)


def test_weeks_and_months_are_marked_uncorrected(session):
    for period in ("week", "month"):
        rows = [r for r in trend_rows(session, "demo", period=period) if r.balance is not None]
        assert rows
        assert {(r.estimator, r.low, r.high) for r in rows} == {("uncorrected", None, None)}


def test_trends_by_hand_as_table_json_and_csv(demo):
    table = demo.riftwatch("trends", "--period", "quarter", "--group", "juniper")
    assert table.returncode == 0, table.stderr
    assert "2024-Q4" in table.stdout
    as_json = json.loads(demo.riftwatch("trends", "--period", "quarter", "--format", "json").stdout)
    as_csv = list(
        csv.DictReader(demo.riftwatch("trends", "--period", "quarter", "--format", "csv").stdout.splitlines())
    )
    assert len(as_json) == len(as_csv) == 16
    assert [float(r["balance"]) for r in as_csv] == [r["balance"] for r in as_json]


def test_a_dyad_by_hand(demo):
    rows = json.loads(demo.riftwatch("dyad", "kestrel", "juniper", "--period", "quarter", "--format", "json").stdout)
    assert len(rows) == 8
    unknown = demo.riftwatch("dyad", "kestrel", "nobody")
    assert (unknown.returncode, "no group 'nobody'" in unknown.stderr) == (1, True)
    turned = demo.riftwatch("dyad", "juniper", "kestrel")
    assert (turned.returncode, "no dyad" in turned.stderr) == (1, True)


def test_a_coding_plan_by_hand(demo):
    rows = json.loads(demo.riftwatch("label", "plan", "--format", "json").stdout)
    assert len([r for r in rows if r["against"] is None]) == 16
    assert len([r for r in rows if (r["group"], r["against"]) == ("kestrel", "juniper")]) == 8
    assert {r["basis"] for r in rows} == {"coded cells"}


def test_classify_by_hand(demo):
    lines = ['{"id": 1, "text": "The people of this land alone decide."}', "no json", '{"id": "b", "text": "زمین ما"}']
    answer = demo.riftwatch("classify", stdin="\n".join(lines))
    results = [json.loads(line) for line in answer.stdout.splitlines()]
    assert [r["id"] for r in results] == [1, "b"]
    assert all(set(r) == {"id", "p_nationalist", "p_universalist", "label"} for r in results)
    assert (answer.returncode, "line 2" in answer.stderr) == (1, True)


def test_the_command_line_says_what_each_job_did(demo):
    for job in ("frame", "measure"):
        answer = demo.riftwatch(job)
        assert answer.returncode == 0, answer.stderr
        assert re.match(rf"{job}: .* in \d+\.\d s", answer.stdout), answer.stdout
        assert "Warning" not in answer.stderr
