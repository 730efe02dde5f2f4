"""When codings start a retraining: every hour it is counted how many came since the last one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import Asset, CronTriggerTimetable, dag, task
from airflow.sdk.exceptions import AirflowSkipException

from classifiers.codebook import codebooks
from pipeline.settings import Settings


@dag(
    dag_id="count_codings",
    schedule=CronTriggerTimetable("7 * * * *", timezone="UTC"),
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["riftwatch", "retrain"],
    default_args={
        "owner": "riftwatch",
        "retries": 2,
        "retry_delay": timedelta(minutes=2),
        "execution_timeout": timedelta(minutes=10),
    },
    doc_md="""
Counts the codings of each variable that people made since it was last retrained. From `RIFTWATCH_RETRAIN_AFTER` on
(100) the retraining starts; below, the task is skipped.
""",
)
def count_codings_dag() -> None:
    for book in codebooks():
        codings = Asset(name=f"codings {book.variable}", uri=f"riftwatch://codings/{book.variable}")

        @task(task_id=book.variable, outlets=[codings])
        def count(variable: str) -> str:
            from pipeline.framing.retrain import enough_new_codings

            enough, said = enough_new_codings(Settings(), variable)
            if not enough:
                raise AirflowSkipException(said)
            return said

        count(book.variable)


count_codings_dag()
