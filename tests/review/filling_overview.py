"""What has happened lately: changes of state, an open alarm, a finding on a volume, and many runs of jobs."""

# ruff: noqa: E501 (a row stands on few lines)

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from pipeline.store.tables import KeptReference, RaisedAlarm, Run, StateChange

NOW = datetime(2026, 1, 2, 6, 30, tzinfo=UTC)
HOSTILE = "<script>document.title='run'</script>"
SILENT = "volume: No text for 270 days (since 2025-03-12); before, about 1 a day and never silent for more than 1 day."
MEASURED = 70
"""runs of measuring, hourly: more than a page of the runs"""


def _run(job: str, started_at: datetime, **other: object) -> Run:
    values: dict[str, object] = {
        "job": job, "monitor": "harbour", "source": None, "started_at": started_at, "seconds": 75.4, "found": 12, "new": 0,
        "known": 12, "updated": 0, "reposts": 0, "failed": 0, "waiting": 0, "bytes": 0, "problems": [],
        "sentence": f"{job}: 12 found, 12 known in 75.4 s.",
    }  # fmt: skip
    return Run(**(values | other))


def add(session: Session, ids: dict[str, int]) -> None:
    """Write it into the store of :mod:`tests.review.filled`. Does not commit."""
    reference = KeptReference(
        monitor="harbour", a="heron", b="maple", start=date(2024, 1, 1), kept_at=NOW - timedelta(days=300),
        reason="the first reference that was complete",
    )  # fmt: skip
    session.add(reference)
    session.flush()
    alarm = RaisedAlarm(
        monitor="harbour", a="heron", b="maple", period="week", since=date(2025, 12, 1), raised=date(2025, 12, 15),
        end=date(2025, 12, 22), side=1, reference_id=reference.id, reference_start=date(2024, 1, 1), reference_end=date(2024, 12, 30),
        threshold=9.7, autocorrelation=0.3, model="0" * 64, found_at=NOW - timedelta(days=2),
    )  # fmt: skip
    session.add(alarm)
    session.flush()
    ids["alarm"] = alarm.id
    changes = (("steady", None, date(2025, 1, 6), 300), ("not enough evidence", "steady", date(2025, 11, 3), 40))
    last = 0
    for state, previous, start, days in changes:
        change = StateChange(
            monitor="harbour", a="heron", b="maple", period="week", start=start, state=state, previous=previous, after_id=last,
            reasons=["no usable reference"], figures={}, as_of=NOW - timedelta(days=days),
        )  # fmt: skip
        session.add(change)
        session.flush()
        last = change.id
    session.execute(
        update(Run).where(Run.source == "heron-news", Run.job == "collect").values(problems=[SILENT], new=640)
    )
    session.add_all([_run("measure", NOW - timedelta(hours=1 + hour)) for hour in range(MEASURED)])
    session.add_all(
        [
            _run("retrain framing", NOW - timedelta(days=3), monitor=None, sentence="retrain framing: 40 found, 1 new in 75.4 s."),
            _run(
                "import codings", NOW - timedelta(days=4), failed=2, problems=[f"line 7: {HOSTILE}", "line 9: no value"],
                sentence=f"import codings: 40 found, 2 failed in 75.4 s; 2 problems, first: line 7: {HOSTILE}.",
            ),
            _run("re-extract", NOW - timedelta(days=5), source="maple-letters"),
        ]
    )  # fmt: skip
