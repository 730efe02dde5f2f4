"""What the jobs did, run by run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from starlette.exceptions import HTTPException

from pipeline.review.asked import MOST_A_PAGE, Limit, monitor_of, settings_of
from pipeline.review.html import page
from pipeline.review.runs import airflow_path, lasted, of_whom
from pipeline.store.runs import TROUBLE_LOOKED_BACK, RunFilter, RunPage, jobs_of, run_page
from pipeline.store.session import open_session

router = APIRouter()

RUNS_A_PAGE = 50

JobName = Annotated[str, Query(max_length=60, description="a job, such as collect; empty: all")]
SourceName = Annotated[str, Query(max_length=60, description="a source; empty: all, and jobs that have none")]
Trouble = Annotated[bool, Query(description="only runs with problems or failures, of the last 90 days")]
Before = Annotated[int | None, Query(ge=1, le=2**63 - 1, description="only runs older than the one with this id")]


def runs_asked(
    request: Request, monitor: str, job: str, source: str, trouble: bool, before: int | None, limit: int
) -> tuple[RunPage, list[str]]:
    """A page of runs and the names of all jobs; 404 where ``before`` is no run."""
    asked = RunFilter(job or None, source or None, datetime.now(UTC) - TROUBLE_LOOKED_BACK if trouble else None)
    with open_session(settings_of(request)) as session:
        found = run_page(session, monitor, asked, min(limit, MOST_A_PAGE), before)
        jobs = jobs_of(session, monitor)
    if found is None:
        raise HTTPException(404, "There is no run of this number. Start from the newest runs.")
    return found, jobs


@router.get("/ui/m/{monitor}/runs")
def runs(
    request: Request,
    monitor: str,
    job: JobName = "",
    source: SourceName = "",
    trouble: Trouble = False,
    before: Before = None,
    limit: Limit = RUNS_A_PAGE,
) -> Response:
    """Report lines of a monitor's jobs and of the jobs of all monitors, newest first."""
    watched_by = monitor_of(request, monitor)
    found, jobs = runs_asked(request, watched_by.name, job, source, trouble, before, limit)
    kept = {"job": job, "source": source, **({"trouble": "1"} if trouble else {})}
    if limit != RUNS_A_PAGE:
        kept["limit"] = str(min(limit, MOST_A_PAGE))
    return page(
        request,
        "runs.html",
        monitor=watched_by,
        rows=[(run, airflow_path(run), lasted(run.seconds), of_whom(run)) for run in found.runs],
        jobs=jobs if not job or job in jobs else [*jobs, job],
        sources=[one.id for one in watched_by.sources],
        job=job,
        source=source,
        trouble=trouble,
        days=TROUBLE_LOOKED_BACK.days,
        before=before,
        newest="?" + urlencode(kept),
        older="?" + urlencode(kept | {"before": str(found.older)}) if found.older else None,
    )
