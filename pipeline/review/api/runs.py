"""What the jobs did."""

from __future__ import annotations

from datetime import datetime

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from pipeline.review.asked import Limit, monitor_of
from pipeline.review.pages.runs import RUNS_A_PAGE, Before, JobName, SourceName, Trouble, runs_asked
from pipeline.review.runs import airflow_path
from pipeline.store.tables import Run

router = APIRouter(prefix="/api/v1", tags=["runs"])


class RunShown(BaseModel):
    """The report line of one run."""

    id: int
    job: str
    source: str | None = Field(description="null: it was about all sources, or about all monitors")
    all_monitors: bool = Field(description="the job works for all monitors")
    started_at: datetime
    seconds: float
    found: int = Field(description="addresses, rows or records seen")
    new: int = Field(description="kept for the first time")
    known: int = Field(description="seen before and left alone")
    updated: int = Field(description="kept again with changed content")
    reposts: int = Field(description="new texts that joined the cluster of an earlier one")
    failed: int
    waiting: int = Field(description="left for a later run")
    bytes: int
    first: datetime | None = Field(description="earliest publication among the new")
    last: datetime | None
    problems: list[str]
    sentence: str
    airflow_path: str | None = Field(
        description="the run below Airflow's address, or the DAG that does this job where its run is not known; null: "
        "no DAG does it"
    )


class RunsShown(BaseModel):
    """A page of report lines."""

    runs: list[RunShown] = Field(description="newest first")
    older: int | None = Field(description="the value of `before` for the next page; null: there are no older ones")
    jobs: list[str] = Field(description="jobs that have ever run")


def _shown(run: Run) -> RunShown:
    values = {name: getattr(run, name) for name in RunShown.model_fields if hasattr(run, name)}
    values["problems"] = [str(problem) for problem in run.problems]
    return RunShown(**values, all_monitors=run.monitor is None, airflow_path=airflow_path(run))


@router.get("/monitors/{monitor}/runs")
def runs(
    request: Request,
    monitor: str,
    job: JobName = "",
    source: SourceName = "",
    trouble: Trouble = False,
    before: Before = None,
    limit: Limit = RUNS_A_PAGE,
) -> RunsShown:
    """What each run of a monitor's jobs did, and of those that work for all monitors."""
    found, jobs = runs_asked(request, monitor_of(request, monitor).name, job, source, trouble, before, limit)
    return RunsShown(runs=[_shown(run) for run in found.runs], older=found.older, jobs=jobs)
