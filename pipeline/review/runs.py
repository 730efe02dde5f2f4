"""What the page of the runs says of one: rows in, words and addresses out. Pure."""

from __future__ import annotations

from urllib.parse import quote

from pipeline.store.tables import Run


def _dag_path(run: Run) -> str | None:
    """Where Airflow shows the DAG that does this job, below Airflow's address; null where none does it."""
    if run.job == "collect" and run.monitor and run.source:
        return "dags/" + quote(f"collect__{run.monitor}__{run.source}", safe="")
    if run.job == "frame" or run.job.startswith("frame "):
        return "dags/frame"
    if run.job in {"measure", "ask for codings", "who names whom"}:
        return "dags/measure"
    if run.job == "sheet":
        return "dags/sheets"
    if run.job.startswith("retrain "):
        return "dags/" + quote("retrain__" + run.job.removeprefix("retrain "), safe="")
    return None


def airflow_path(run: Run) -> str | None:
    """Where Airflow shows the very run, below Airflow's address; where that is not known, the DAG that does this job.

    Not known are runs by hand, and those from before it was written down. Null where no DAG does the job either.
    """
    if run.dag and run.dag_run:
        return f"dags/{quote(run.dag, safe='')}/runs/{quote(run.dag_run, safe='')}"
    return _dag_path(run)


def lasted(seconds: float) -> str:
    """A duration in words."""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def of_whom(run: Run) -> str:
    """The source a run was about; a job of a whole monitor has none, a job of all monitors neither."""
    return run.source or ("all sources" if run.monitor else "all monitors")
