"""When texts are labelled: after any source brought new ones, and every hour as a net below lost events."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import Asset, AssetOrTimeSchedule, CronTriggerTimetable, dag, task

from pipeline.monitors import for_each_monitor
from pipeline.settings import Settings

DOCUMENTS = Asset(name="documents", uri="riftwatch://documents")
FRAMINGS = Asset(name="framings", uri="riftwatch://framings")


@dag(
    dag_id="frame",
    schedule=AssetOrTimeSchedule(timetable=CronTriggerTimetable("17 * * * *", timezone="UTC"), assets=[DOCUMENTS]),
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["riftwatch", "frame"],
    default_args={
        "owner": "riftwatch",
        "retries": 2,
        "retry_delay": timedelta(minutes=2),
        "execution_timeout": timedelta(hours=6),
    },
    doc_md="""
Labels the framing of every text that has no label of the model in force, for all monitors.

It looks at what is pending in the store and never at the event that woke it, so a lost or doubled event
does no harm. The first run trains and promotes the starter model.
""",
)
def frame_dag() -> None:
    @task(outlets=[FRAMINGS], task_id="frame")
    def frame() -> list[str]:
        from pipeline.framing.job import frame as job

        return for_each_monitor(Settings(), job)

    frame()


frame_dag()
