"""Every job's report line leads to the DAG that does the job; where none does it, the page says "by hand"."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from pipeline.framing.codings.bring_in import IMPORTING
from pipeline.framing.retrain import retraining_job
from pipeline.review.runs import airflow_path
from pipeline.settings import PROJECT_ROOT
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


def test_the_dags_that_runs_lead_to_are_there():
    dags = "".join(file.read_text(encoding="utf-8") for file in (PROJECT_ROOT / "dags").glob("*.py"))
    there = {name.split("{")[0] for name in re.findall(r'dag_id=f?"([^"]+)"', dags)}
    for _, path in filter(None, WRITTEN.values()):
        if path:
            name = path.removeprefix("dags/")
            assert name in there or f"{name.split('__')[0]}__" in there
