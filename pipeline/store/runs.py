"""Report lines: what each run of each job did."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from pipeline.report import Report
from pipeline.store.tables import Run


def record_run(
    session: Session, report: Report, *, started_at: datetime, monitor: str | None = None, source: str | None = None
) -> None:
    """Write the report line of a run. Does not commit."""
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
