"""When trend tables are filled: after texts were labelled, and every hour as a net (imported codings, too)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.providers.standard.operators.empty import EmptyOperator
from airflow.sdk import Asset, AssetOrTimeSchedule, CronTriggerTimetable, dag, task

from pipeline.monitors import for_each_monitor
from pipeline.settings import Settings

FRAMINGS = Asset(name="framings", uri="riftwatch://framings")
TRENDS = Asset(name="trends", uri="riftwatch://trends")


@dag(
    dag_id="measure",
    schedule=AssetOrTimeSchedule(timetable=CronTriggerTimetable("47 * * * *", timezone="UTC"), assets=[FRAMINGS]),
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
Fills the trend tables of all monitors: each group's balance per period with its interval, the gap of each dyad, its
alarms and its state. Then every alarm that nobody has been asked about puts its texts into the labelling queue, and it
is counted who names and criticises whom. A run fails when any of it fails, although the others are done all the same.

Review the result on the Riftwatch pages (side bar).
""",
)
def measure_dag() -> None:
    @task(outlets=[TRENDS], task_id="measure")
    def measure() -> list[str]:
        from pipeline.measure.job import measure as job

        return for_each_monitor(Settings(), job)

    # one monitor that can't be measured keeps no alarm of the others from its coders
    @task(task_id="ask_for_codings", trigger_rule="all_done")
    def ask() -> list[str]:
        from pipeline.framing.confirming import ask_for_codings as job

        return for_each_monitor(Settings(), job)

    @task(task_id="count_criticism", trigger_rule="all_done")
    def directed() -> list[str]:
        from pipeline.measure.directed_job import measure_directed as job

        return for_each_monitor(Settings(), job)

    # Airflow takes the state of a run from its last tasks alone: this one succeeds only where all three have
    done = EmptyOperator(task_id="all_succeeded")

    measured, asked, counted = measure(), ask(), directed()
    measured >> asked >> counted
    [measured, asked, counted] >> done


measure_dag()
