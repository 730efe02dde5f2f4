"""When the panels, smoothed gaps and sheets of the dyad pages are made: after a measurement, and hourly as a net.

A DAG of its own, since sheets take minutes each: neither the next measurement nor an alarm waits for them.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import Asset, AssetOrTimeSchedule, CronTriggerTimetable, dag, task

from pipeline.monitors import for_each_monitor
from pipeline.settings import Settings

TRENDS = Asset(name="trends", uri="riftwatch://trends")


@dag(
    dag_id="sheets",
    schedule=AssetOrTimeSchedule(timetable=CronTriggerTimetable("37 * * * *", timezone="UTC"), assets=[TRENDS]),
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["riftwatch", "measure"],
    default_args={
        "owner": "riftwatch",
        "retries": 2,
        "retry_delay": timedelta(minutes=2),
        "execution_timeout": timedelta(hours=6),
    },
    doc_md="""
Makes the fixed panels, smoothed gaps and sheets that the dyad pages show, for all monitors: a sheet at most once in 20
hours, and only when something was measured since. A run begins no sheet after 45 minutes; what is left waits for the
next one.
""",
)
def sheets_dag() -> None:
    @task(task_id="make_sheets")
    def sheets() -> list[str]:
        from pipeline.measure.keeping import keep_in_turn

        return for_each_monitor(Settings(), keep_in_turn())

    sheets()


sheets_dag()
