"""Every job's report line leads to the DAG that does the job; where none does it, the page says "by hand"."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from pipeline.framing.codings.bring_in import IMPORTING
from pipeline.framing.retrain import retraining_job
from pipeline.report import Report
from pipeline.review.runs import airflow_path
from pipeline.settings import PROJECT_ROOT, Settings
from pipeline.store.runs import record_run
from pipeline.store.session import engine_for, open_session
from pipeline.store.tables import Run

WRITTEN = {
    "'collect'": ("collect", "dags/collect__harbour__heron-news"),
    "'frame'": ("frame", "dags/frame"),
    "job": ("frame criticism", "dags/frame"),
    "'measure'": ("measure", "dags/measure"),
    "'ask for codings'": ("ask for codings", "dags/measure"),
    "'who names whom'": ("who names whom", "dags/measure"),
    "'sheet'": ("sheet", "dags/sheets"),
    "retraining_job(variable)": (retraining_job("framing"), "dags/retrain__framing"),
    "'re-extract'": ("re-extract", None),
    "'replay'": ("replay", None),
    "IMPORTING": (IMPORTING, None),
    "self.job": None,  # the sum of two reports of one job
}
"""How the program names a job -> such a name, and where the page of the runs leads; None: no DAG does it."""


def named_jobs() -> Iterator[tuple[Path, str]]:
    """Every place where a report line is made, and how it names its job."""
    for file in sorted((PROJECT_ROOT / "pipeline").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Report":
                name = next((one.value for one in node.keywords if one.arg == "job"), None) or node.args[0]
                yield file, ast.unparse(name)


def test_every_job_that_is_written_down_is_known_here():
    named = list(named_jobs())
    assert len(named) > 10
    for file, name in named:
        assert name in WRITTEN, f"{file} writes runs of {name}: name it here, and its DAG in pipeline/review/runs.py"
    assert {name for _, name in named} == set(WRITTEN)


@pytest.mark.parametrize("known", [known for known in WRITTEN.values() if known])
def test_a_run_leads_to_the_dag_that_does_its_job(known):
    job, path = known
    run = Run(job=job, monitor="harbour", source="heron-news", started_at=datetime(2026, 1, 2, tzinfo=UTC))
    assert airflow_path(run) == path


def test_a_run_leads_to_the_very_run_of_airflow_whose_task_it_was():
    run = Run(job="frame", dag="retrain__framing", dag_run='manual__2026-01-02T03:04:05+00:00/../?x#y&"')
    assert airflow_path(run) == (
        "dags/retrain__framing/runs/manual__2026-01-02T03%3A04%3A05%2B00%3A00%2F..%2F%3Fx%23y%26%22"
    )


@pytest.mark.airflow
@pytest.mark.filterwarnings("ignore")
def test_the_page_and_the_api_lead_to_the_run(tmp_path, on_store, get, review_store, monkeypatch):
    monkeypatch.delenv("AIRFLOW_CTX_DAG_RUN_ID", raising=False)
    made = Settings(data=tmp_path, database_url="", monitors=review_store[0].monitors)
    on_store(made)
    began = datetime(2026, 1, 2, tzinfo=UTC)
    with open_session(made) as session:
        record_run(session, Report(job="frame"), started_at=began, monitor="harbour")
        monkeypatch.setenv("AIRFLOW_CTX_DAG_ID", "retrain__framing")
        monkeypatch.setenv("AIRFLOW_CTX_DAG_RUN_ID", "asset__1:2")
        record_run(session, Report(job="frame"), started_at=began + timedelta(hours=1), monitor="harbour")
        session.commit()
    text = get("/ui/m/harbour/runs").text
    link = '<a href="{}" data-airflow>{}</a>'
    leads = [link.format("../../../../dags/retrain__framing/runs/asset__1%3A2", "run")]
    leads.append(link.format("../../../../dags/frame", "grid"))
    assert re.findall(r"<a href=[^>]* data-airflow>(?:run|grid)</a>", text) == leads
    told = get("/api/v1/monitors/harbour/runs").json()["runs"]
    assert [one["airflow_path"] for one in told] == ["dags/retrain__framing/runs/asset__1%3A2", "dags/frame"]
    engine_for(made.database).dispose()


def test_the_dags_that_runs_lead_to_are_there():
    dags = "".join(file.read_text(encoding="utf-8") for file in (PROJECT_ROOT / "dags").glob("*.py"))
    there = {name.split("{")[0] for name in re.findall(r'dag_id=f?"([^"]+)"', dags)}
    for _, path in filter(None, WRITTEN.values()):
        if path:
            name = path.removeprefix("dags/")
            assert name in there or f"{name.split('__')[0]}__" in there
