"""When models are trained again: one DAG per codebook, made by one loop; a person decides whether a model is used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, Asset, AssetOrTimeSchedule, CronTriggerTimetable, Param, dag, task

from classifiers.codebook import Codebook, codebooks
from pipeline.monitors import for_each_monitor
from pipeline.settings import Settings

TRENDS = Asset(name="trends", uri="riftwatch://trends")


class Approval(ApprovalOperator):
    """Waits as long as the run's parameter says, and leaves the answer behind also when it is no."""

    def execute(self, context: Any) -> None:
        """Ask, and wait."""
        self.response_timeout = timedelta(hours=float(context["params"]["approval_hours"]))
        super().execute(context)

    def execute_complete(self, context: Any, event: dict[str, Any]) -> Any:
        """Go on. A rejection skips what follows by an exception, and with it the value that would be returned."""
        answer = {name: event.get(name) for name in ("chosen_options", "params_input", "responded_by_user")}
        context["ti"].xcom_push(key="answer", value=answer)
        return super().execute_complete(context, event)


def retrain_dag(book: Codebook) -> DAG:
    """The DAG of one codebook."""
    variable = book.variable
    codings = Asset(name=f"codings {variable}", uri=f"riftwatch://codings/{variable}")

    @dag(
        dag_id=f"retrain__{variable}",
        schedule=AssetOrTimeSchedule(timetable=CronTriggerTimetable("27 3 * * 1", timezone="UTC"), assets=[codings]),
        start_date=datetime(2024, 1, 1, tzinfo=UTC),
        catchup=False,
        max_active_runs=1,
        tags=["riftwatch", "retrain", variable],
        default_args={
            "owner": "riftwatch",
            "retries": 2,
            "retry_delay": timedelta(minutes=2),
            "execution_timeout": timedelta(hours=6),
        },
        params={
            "minimum_gain": Param(
                0.0,
                type="number",
                minimum=0,
                maximum=1,
                title="Minimum gain",
                description="of macro-F1; 0: none is asked",
            ),
            "seed": Param(0, type="integer", minimum=0, title="Seed", description="of folds and bootstrap"),
            "approval_hours": Param(
                168.0, type="number", exclusiveMinimum=0, title="Hours to decide", description="then it counts as no"
            ),
            "note": Param("", type="string", title="Note", description="why you start this; shown to whoever decides"),
        },
        doc_md=f"""
Trains the model of **{variable}** on all codings of all monitors, compares it with the one in force on the random
codings, and waits for a person: *Browse*, *Required Actions*. Approved, it is put in force, all texts are scored again
and the trends measured anew; what was published stays. Rejected, not answered in time, refused by a gate, too few
codings: these are ends, not errors.

Runs every week, after enough new codings (`RIFTWATCH_RETRAIN_AFTER`), or by hand with parameters. See
`docs/retraining.md`.
""",
    )
    def build() -> None:
        @task.short_circuit(task_id="train", ignore_downstream_trigger_rules=False)
        def train(params: dict[str, Any]) -> str | None:
            from pipeline.framing.retrain import retrain as job

            return job(Settings(), variable, seed=params["seed"], note=params["note"]).model

        @task.short_circuit(task_id="gate", ignore_downstream_trigger_rules=False)
        def gate(model: str, params: dict[str, Any]) -> str | None:
            from pipeline.framing.approval import propose as job

            return job(Settings(), model, minimum_gain=params["minimum_gain"])

        approve = Approval(
            task_id="approve",
            subject=f"A new {variable} model: put it in force?",
            body="{{ ti.xcom_pull(task_ids='gate') }}",
            params={"comment": Param("", type="string", title="Comment", description="kept with the decision")},
            defaults=Approval.REJECT,
            execution_timeout=None,  # of asking; waiting has its own
            response_timeout=timedelta(days=7),
        )

        @task.short_circuit(task_id="promote", ignore_downstream_trigger_rules=False)
        def promote(model: str, ti: Any) -> str | None:
            from pipeline.framing.approval import approved as job

            return job(Settings(), model, ti.xcom_pull(task_ids="approve", key="answer"))

        @task(task_id="frame")
        def frame() -> list[str]:
            from pipeline.framing.job import frame as job

            return for_each_monitor(Settings(), job)

        @task(task_id="measure", outlets=[TRENDS])
        def measure() -> list[str]:
            from pipeline.measure.job import measure as job

            return for_each_monitor(Settings(), job)

        # whatever was skipped: it reads what the others left, and is no direct follower of those that skip
        @task(task_id="conclude", trigger_rule="none_failed")
        def conclude(ti: Any) -> str:
            from pipeline.framing.approval import concluded as job

            return job(Settings(), ti.xcom_pull(task_ids="train"), ti.xcom_pull(task_ids="approve", key="answer"))

        trained = train()
        gate(trained) >> approve >> promote(trained) >> frame() >> measure() >> conclude()

    return build()


for _book in codebooks():
    retrain_dag(_book)
