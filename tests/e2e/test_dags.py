"""The DAG files as Airflow's own parser reads them."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from time import sleep
from types import SimpleNamespace

import pytest
from sqlalchemy import select

from classifiers.codebook import codebooks
from pipeline.demo.server import serve
from pipeline.demo.world import SITES, demo_monitor_text, load_posts
from pipeline.measure.keeping import BUDGET
from pipeline.monitor import load_monitor
from pipeline.report import Report
from pipeline.settings import PROJECT_ROOT, Settings, run_of_airflow
from pipeline.store.session import engine_for, open_session
from pipeline.store.tables import Document, Frontier
from tests.airflow_home import prepare
from tests.collect.conftest import article, new_site  # noqa: F401 (a fixture)
from tests.ports import free_ports

pytestmark = [pytest.mark.airflow, pytest.mark.xdist_group("airflow")]

DAGS = PROJECT_ROOT / "dags"


@pytest.fixture(scope="module")
def parse(tmp_path_factory):
    prepare(tmp_path_factory.mktemp("airflow"))
    from airflow.dag_processing.dagbag import DagBag

    return lambda: DagBag(str(DAGS))


def test_one_collect_dag_per_source_one_retraining_per_codebook_and_those_that_wait(parse):
    bag = parse()
    assert bag.import_errors == {}
    monitors = [load_monitor(f) for f in sorted((PROJECT_ROOT / "monitors").glob("*.yaml"))]
    expected = {f"collect__{m.name}__{s.id}" for m in monitors for s in m.sources}
    retraining = {f"retrain__{book.variable}" for book in codebooks()}
    assert set(bag.dags) == expected | retraining | {"frame", "measure", "sheets", "count_codings", "alert"}
    files = Counter(Path(dag.fileloc).name for dag in bag.dags.values())
    assert files == {
        "collect.py": len(expected), "frame.py": 1, "measure.py": 1, "sheets.py": 1, "codings.py": 1,
        "retrain.py": len(retraining), "alert.py": 1,
    }  # fmt: skip


def test_every_dag_has_docs_tags_owner_retries_and_a_time_limit(parse):
    for dag in parse().dags.values():
        assert dag.doc_md.strip(), dag.dag_id
        assert "riftwatch" in dag.tags
        assert (dag.catchup, dag.max_active_runs) == (False, 1)
        several = {"retrain.py": 7, "measure.py": 4, "codings.py": len(codebooks())}
        assert len(dag.tasks) == several.get(Path(dag.fileloc).name, 1), "few tasks, and fat ones"
        for task in dag.tasks:
            assert task.owner == "riftwatch"
            assert task.retries == 2
            limit = task.response_timeout if task.task_id == "approve" else task.execution_timeout
            assert limit.total_seconds() > 0


@pytest.mark.filterwarnings("ignore")  # Airflow's own, as it starts its API in this process
@pytest.mark.parametrize("failing", ["measure", "ask_for_codings", "count_criticism", None])
def test_a_run_of_measure_fails_when_any_part_does_and_the_others_are_done(parse, tmp_path, monkeypatch, failing):
    from airflow.utils.db import initdb

    initdb()
    (tmp_path / "demo.yaml").write_text((PROJECT_ROOT / "monitors" / "demo.yaml").read_text())
    monkeypatch.setenv("RIFTWATCH_MONITORS", str(tmp_path))
    monkeypatch.setenv("RIFTWATCH_DATA", str(tmp_path / "data"))
    jobs = {
        "measure": "pipeline.measure.job.measure",
        "ask_for_codings": "pipeline.framing.confirming.ask_for_codings",
        "count_criticism": "pipeline.measure.directed_job.measure_directed",
    }
    for name in ("AIRFLOW_CTX_DAG_ID", "AIRFLOW_CTX_DAG_RUN_ID"):
        monkeypatch.setenv(name, "")  # what Airflow sets is taken back after the test
    done, told = [], set()
    for name, job in jobs.items():

        def stand_in(_settings, _monitor, name=name):
            told.add(run_of_airflow())
            if name == failing:
                raise ValueError("it can't be done")
            done.append(name)
            return Report(job=name)

        monkeypatch.setattr(job, stand_in)
    dag = parse().dags["measure"]
    for task in dag.tasks:
        task.retries = 0  # they wait two minutes
    run = dag.test()
    assert done == [name for name in jobs if name != failing]
    assert run.state == ("failed" if failing else "success")
    assert told == {("measure", run.run_id)}  # by which the page of the runs leads to the very run


def test_sheets_hold_up_no_measurement_and_share_one_deadline(parse, tmp_path, monkeypatch):
    dags = parse().dags
    assert "make_sheets" not in dags["measure"].task_ids
    woken_by = dags["sheets"].timetable.asset_condition.objects
    assert [asset.uri for asset in dags["measure"].get_task("measure").outlets] == [asset.uri for asset in woken_by]
    for name in ("one", "two"):
        text = (PROJECT_ROOT / "monitors" / "demo.yaml").read_text()
        (tmp_path / f"{name}.yaml").write_text(text.replace("name: demo\n", f"name: {name}\n", 1))
    monkeypatch.setenv("RIFTWATCH_MONITORS", str(tmp_path))
    left = []

    def slow(_settings, monitor, *, budget):
        left.append((monitor.name, budget))
        sleep(0.2)
        return Report(job="sheet")

    monkeypatch.setattr("pipeline.measure.keeping.keep", slow)
    dags["sheets"].get_task("make_sheets").python_callable()
    (first, whole), (second, rest) = left
    assert (first, second) == ("one", "two")
    assert rest <= whole - 0.2 < BUDGET


def test_collecting_has_real_data_intervals(parse):
    timetables = {n: d.timetable for n, d in parse().dags.items() if n.startswith("collect__demo")}
    assert timetables
    assert all("CronDataInterval" in type(t).__name__ for t in timetables.values()), timetables


def test_two_parses_give_the_same_dags(parse):
    def shape(bag):
        return {name: (str(d.schedule), sorted(d.tags), d.doc_md, sorted(d.task_ids)) for name, d in bag.dags.items()}

    assert shape(parse()) == shape(parse())


def test_a_broken_monitor_is_seen_and_the_others_go_on(parse, tmp_path, monkeypatch):
    (tmp_path / "good.yaml").write_text((PROJECT_ROOT / "monitors" / "demo.yaml").read_text())
    (tmp_path / "bad.yaml").write_text("name: bad\n")
    monkeypatch.setenv("RIFTWATCH_MONITORS", str(tmp_path))
    bag = parse()
    assert bag.import_errors == {}
    assert "bad.yaml:1: title: is missing; add it" in bag.dags["broken_monitor__bad"].doc_md
    assert len([n for n in bag.dags if n.startswith("collect__demo__")]) == 7


@pytest.mark.parametrize(
    ("run_type", "days"), [("backfill", {"2024-05", "2024-06"}), ("scheduled", None)], ids=["backfill", "scheduled"]
)
@pytest.mark.long
def test_a_backfill_fetches_what_its_window_published(parse, tmp_path, monkeypatch, run_type, days):
    """The collect task as Airflow calls it, on a live site: only a backfill keeps to its window."""
    port = free_ports(len(SITES))
    (tmp_path / "demo.yaml").write_text(demo_monitor_text(port), encoding="utf-8")
    monkeypatch.setenv("RIFTWATCH_MONITORS", str(tmp_path))
    monkeypatch.setenv("RIFTWATCH_DATA", str(tmp_path / "data"))
    task = parse().dags["collect__demo__kestrel-news"].get_task("collect")
    run = SimpleNamespace(
        run_type=run_type,
        data_interval_start=datetime(2024, 5, 1, tzinfo=UTC),
        data_interval_end=datetime(2024, 7, 1, tzinfo=UTC),
    )
    with serve(port):
        sentence = task.python_callable(dag_run=run)
    published = [p.day for p in load_posts() if p.site == "kestrel-news"]
    expected = Counter(f"{d:%Y-%m}" for d in published if days is None or f"{d:%Y-%m}" in days)
    with open_session(Settings()) as session:
        kept = Counter(f"{d:%Y-%m}" for d in session.scalars(select(Document.published_at)))
    engine_for(Settings().database).dispose()
    assert kept == expected
    assert f"{expected.total()} new" in sentence
    assert ("waiting for a later run" in sentence) == (days is not None)


def test_the_generated_pages_are_not_stale():
    answer = subprocess.run(
        [sys.executable, "-m", "docs.generate", "--check"],
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr[-2000:]


LISTING = """
name: diary
title: A diary
groups: [{{id: home, name: Home}}]
allowed_addresses: ["{host}"]
sources:
  - id: posts
    kind: listing
    group: home
    speaker: own
    schedule: "@monthly"
    delay: 0
    addresses: ["http://{host}/list"]
    link_selector: "li a"
    next_selector: "a.older"
    item_selector: "li"
    item_date_selector: "i"
    date_format: "%d/%m/%Y"
"""

BACKFILL = """
import sys
from datetime import UTC, datetime
from airflow.dag_processing.dagbag import DagBag
from airflow.models.backfill import ReprocessBehavior, _create_backfill
from airflow.models.dagrun import DagRun
from airflow.utils.session import create_session
from sqlalchemy import select

name = "collect__diary__posts"
task = DagBag(sys.argv[1]).dags[name].get_task("collect")
_create_backfill(
    dag_id=name, from_date=datetime(2009, 3, 1, tzinfo=UTC), to_date=datetime(2009, 5, 1, tzinfo=UTC),
    max_active_runs=1, reverse=True, dag_run_conf={}, triggering_user_name="test",
    reprocess_behavior=ReprocessBehavior.NONE,
)
with create_session() as session:
    runs = session.scalars(select(DagRun).where(DagRun.dag_id == name).order_by(DagRun.logical_date.desc())).all()
    for run in runs:
        said = task.python_callable(dag_run=run)
        print("told", run.run_type, f"{run.data_interval_start:%Y-%m-%d}", said, sep="|")
"""


@pytest.mark.long
def test_airflows_own_backfill_walks_a_listing_back_window_by_window(new_site, tmp_path):  # noqa: F811
    """Airflow makes the runs and their intervals, in its own database; each fetches what its month published."""
    site = new_site()
    days = [(month, day) for month in range(6, 0, -1) for day in (20, 10)]
    for number in range(6):
        items = "".join(
            f'<li><a href="/post/{month}-{day}">post</a> <i>{day}/{month:02}/2009</i></li>'
            for month, day in days[2 * number : 2 * number + 2]
        )
        older = f'<a class="older" href="/list?page={number + 2}">older</a>' if number < 5 else ""
        site.add("/list" if number == 0 else f"/list?page={number + 1}", f"<html><ul>{items}</ul>{older}</html>")
    for month, day in days:
        site.add(f"/post/{month}-{day}", article(f"month {month} and day {day}", f"2009-{month:02}-{day}"))
    monitors = tmp_path / "monitors"
    monitors.mkdir()
    (monitors / "diary.yaml").write_text(LISTING.format(host=site.host_port))
    home = tmp_path / "airflow"
    environment = {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__DAGS_FOLDER": str(DAGS),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home / 'airflow.db'}",
        "RIFTWATCH_MONITORS": str(monitors),
        "RIFTWATCH_DATA": str(tmp_path / "data"),
        "PYTHONPATH": str(PROJECT_ROOT),
    }

    def run(*command: str) -> str:
        answer = subprocess.run(
            command, env=environment, cwd=PROJECT_ROOT, capture_output=True, text=True, check=False, timeout=200
        )
        assert answer.returncode == 0, answer.stderr[-3000:]
        return answer.stdout

    run("airflow", "db", "migrate")
    run("airflow", "dags", "reserialize")
    said = run(sys.executable, "-c", BACKFILL, str(DAGS))
    told = [line.split("|")[1:] for line in said.splitlines() if line.startswith("told|")]
    assert [(kind, window[:7]) for kind, window, _ in told] == [
        ("backfill", "2009-05"),
        ("backfill", "2009-04"),
        ("backfill", "2009-03"),
    ]
    assert all("2 new" in sentence for _, _, sentence in told), told
    assert sorted(site.asked("/post/")) == sorted(f"/post/{m}-{d}" for m in (3, 4, 5) for d in (10, 20))
    # the second and third walks go on where the one before them ended
    assert site.asked("/list") == [
        *("/list", "/list?page=2", "/list?page=3"),
        *("/list", "/list?page=3", "/list?page=4"),
        *("/list", "/list?page=4", "/list?page=5"),
    ]
    # what lies outside is not lost: it waits
    with open_session(Settings(data=tmp_path / "data")) as session:
        waiting = session.scalars(select(Frontier.address).where(Frontier.status == "pending")).all()
    assert sorted(address.rpartition("/")[2] for address in waiting) == ["2-10", "2-20", "6-10", "6-20"]
