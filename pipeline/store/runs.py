"""Report lines: what each run of each job did."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from pipeline.report import Report
from pipeline.settings import run_of_airflow
from pipeline.store.tables import Run


def record_run(
    session: Session, report: Report, *, started_at: datetime, monitor: str | None = None, source: str | None = None
) -> None:
    """Write the report line of a run, with the run of Airflow whose task it is, if any. Does not commit."""
    dag, dag_run = run_of_airflow()
    session.add(
        Run(
            job=report.job,
            monitor=monitor,
            source=source,
            started_at=started_at,
            seconds=report.seconds,
            found=report.found,
            new=report.new,
            known=report.known,
            updated=report.updated,
            reposts=report.reposts,
            failed=report.failed,
            waiting=report.waiting,
            bytes=report.bytes,
            first=report.first,
            last=report.last,
            problems=list(report.problems),
            sentence=report.sentence(),
            dag=dag,
            dag_run=dag_run,
        )
    )


def last_runs(
    session: Session,
    monitor: str | None = None,
    job: str | None = None,
    limit: int = 50,
    *,
    source: str | None = None,
) -> list[Run]:
    """The newest report lines first, of one monitor, job and source or of all."""
    query = select(Run).order_by(Run.started_at.desc(), Run.id.desc()).limit(limit)
    if monitor is not None:
        query = query.where(Run.monitor == monitor)
    if job is not None:
        query = query.where(Run.job == job)
    if source is not None:
        query = query.where(Run.source == source)
    return list(session.scalars(query))


def runs_after(session: Session, run_id: int) -> list[Run]:
    """Report lines newer than ``run_id``, the oldest first."""
    return list(session.scalars(select(Run).where(Run.id > run_id).order_by(Run.id)))


TROUBLE_LOOKED_BACK = timedelta(days=90)
"""Runs with problems are looked for among those of so many days: the others would have to be read one by one."""


@dataclass(frozen=True)
class RunFilter:
    """Which report lines a reader asks for."""

    job: str | None = None
    source: str | None = None
    trouble_since: datetime | None = None
    """only runs with problems or failures, begun at this time or later"""


@dataclass(frozen=True)
class RunPage:
    """One page of report lines."""

    runs: list[Run]
    """newest first"""
    older: int | None
    """id of the last one where there are older ones, else null"""


def _kept(session: Session, asked: RunFilter, before: int | None) -> list[ColumnElement[bool]] | None:
    """What rows must fulfil; null where ``before`` is no run."""
    kept: list[ColumnElement[bool]] = []
    if asked.job is not None:
        kept.append(Run.job == asked.job)
    if asked.source is not None:
        kept.append(Run.source == asked.source)
    if asked.trouble_since is not None:
        kept += [
            Run.started_at >= asked.trouble_since,
            or_(Run.failed > 0, func.json_array_length(Run.problems) > 0),
        ]
    if before is not None:
        last = session.execute(select(Run.started_at, Run.id).where(Run.id == before)).one_or_none()
        if last is None:
            return None
        kept.append(or_(Run.started_at < last.started_at, and_(Run.started_at == last.started_at, Run.id < last.id)))
    return kept


def run_page(session: Session, monitor: str, asked: RunFilter, limit: int, before: int | None = None) -> RunPage | None:
    """Report lines of a monitor and of the jobs that work for all monitors, newest first.

    ``before``: only those older than this run, from :attr:`RunPage.older`; null answer: there is no such run.
    """
    kept = _kept(session, asked, before)
    if kept is None:
        return None
    found: list[Run] = []
    # two queries: with OR no index would give the rows in their order
    for of_whom in (Run.monitor == monitor, Run.monitor.is_(None)):
        query = select(Run).where(of_whom, *kept).order_by(Run.started_at.desc(), Run.id.desc()).limit(limit + 1)
        found += session.scalars(query)
    found.sort(key=lambda run: (run.started_at, run.id), reverse=True)
    return RunPage(found[:limit], found[limit - 1].id if len(found) > limit else None)


JOBS_SHOWN = 60


def jobs_of(session: Session, monitor: str) -> list[str]:
    """Names of the jobs that have run for a monitor, or for all monitors, in order."""
    found: set[str] = set()
    for of_whom in (Run.monitor == monitor, Run.monitor.is_(None)):
        # from one name to the next by the index, however many runs each has
        first = select(func.min(Run.job).label("job")).where(of_whom).cte("names", recursive=True)
        after = select(func.min(Run.job)).where(of_whom, Run.job > first.c.job).correlate(first).scalar_subquery()
        names = first.union_all(select(after).where(first.c.job.is_not(None)))
        found |= {job for job in session.scalars(select(names.c.job).limit(JOBS_SHOWN)) if job is not None}
    return sorted(found)
