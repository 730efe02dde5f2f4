"""When texts are collected: one DAG per source of every monitor, made by one loop.

Schedule, pause, history and backfill of a source are Airflow's own. A backfill means "what was published
in this window"; a scheduled run collects whatever the source shows that is not known yet.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow.sdk import DAG, Asset, CronDataIntervalTimetable, dag, task

from pipeline.monitor import Monitor, MonitorError, Source, load_monitor
from pipeline.monitors import load_monitors
from pipeline.settings import Settings

DOCUMENTS = Asset(name="documents", uri="riftwatch://documents")


def time_limit(source: Source) -> timedelta:
    """The net below a run: those from the web keep to a time budget of their own; files are read to their end."""
    if source.kind in {"table", "warc"}:
        return timedelta(days=1)
    return timedelta(seconds=Settings().run_seconds) + timedelta(minutes=40)


def collect_dag(file: Path, monitor: Monitor, source: Source) -> DAG:
    """The DAG of one source."""

    @dag(
        dag_id=f"collect__{monitor.name}__{source.id}",
        schedule=CronDataIntervalTimetable(source.schedule, timezone="UTC") if source.schedule else None,
        start_date=datetime(2024, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        tags=["riftwatch", "collect", monitor.name, source.kind],
        default_args={
            "owner": "riftwatch",
            "retries": 2,
            "retry_delay": timedelta(minutes=5),
            "execution_timeout": time_limit(source),
        },
        doc_md=f"""
**{monitor.title}**: collects the texts of `{source.id}` ({source.kind}, speaker: {source.speaker}).

Unpause to collect on schedule; trigger to collect now; backfill to fetch what was *published* in a window.
What a run did stands in its log as one sentence and on the Riftwatch pages. Monitor file: `{file.name}`.
""",
    )
    def build() -> None:
        @task(outlets=[DOCUMENTS], task_id="collect")
        def collect(**context: object) -> str:
            from pipeline.collect.job import collect as job

            run = context["dag_run"]
            backfill = getattr(run, "run_type", None) == "backfill"
            report = job(
                Settings(),
                load_monitor(file),
                source.id,
                since=run.data_interval_start if backfill else None,
                until=run.data_interval_end if backfill else None,
                # whoever triggers it wants to know how it is now
                all_places=getattr(run, "run_type", None) == "manual",
            )
            report.require_something()
            return report.sentence()

        collect()

    return build()


def broken_monitor_dag(file: Path, error: MonitorError) -> DAG:
    """Stands for a monitor file that can't be read, so that it is seen and alerts, and the others go on."""

    @dag(
        dag_id=f"broken_monitor__{re.sub('[^A-Za-z0-9_.-]', '_', file.stem)}",
        schedule="@daily",
        start_date=datetime(2024, 1, 1, tzinfo=UTC),
        catchup=False,
        tags=["riftwatch", "broken"],
        default_args={"owner": "riftwatch", "retries": 0, "execution_timeout": timedelta(minutes=5)},
        doc_md=f"This monitor file can't be used:\n\n```\n{error}\n```\n\nMend it; `riftwatch check` says the same.",
    )
    def build() -> None:
        @task(task_id="check")
        def check() -> None:
            broken = load_monitors(Settings().monitor_files()).broken
            if file in broken:
                raise broken[file]

        check()

    return build()


_loaded = load_monitors(Settings().monitor_files())
for _file, _monitor in _loaded.monitors.items():
    for _source in _monitor.sources:
        collect_dag(_file, _monitor, _source)
for _file, _error in _loaded.broken.items():
    broken_monitor_dag(_file, _error)
