"""When people are told: after trends were measured, and every hour as a net. Each change of state once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.apprise.notifications.apprise import AppriseNotifier
from airflow.providers.smtp.notifications.smtp import SmtpNotifier
from airflow.sdk import Asset, AssetOrTimeSchedule, CronTriggerTimetable, dag, task
from airflow.sdk.exceptions import AirflowSkipException
from apprise import Apprise

from pipeline.monitors import load_monitors
from pipeline.settings import Settings

TRENDS = Asset(name="trends", uri="riftwatch://trends")


class SureApprise(AppriseNotifier):
    """Apprise says by its answer whether a message went out; Airflow's hook drops the answer."""

    def notify(self, context: Any) -> None:
        """Send, and raise when any address did not take it."""
        box = Apprise()
        self.hook.set_config_from_conn(self.hook.get_connection(self.apprise_conn_id), box)
        if not box.notify(body=self.body, title=self.title):
            raise RuntimeError(f"apprise could not send to every address of {self.apprise_conn_id}; its log says why")


def ways_of(settings: Settings, context: Any) -> dict[str, Any]:
    """How people are told: name of the way -> what sends a message."""
    to = [address.strip() for address in settings.alert_emails.split(",") if address.strip()]
    connection = settings.alert_apprise

    def mail(message: Any) -> None:
        SmtpNotifier(to=to, subject=message.title, html_content=message.html).notify(context)

    def apprise(message: Any) -> None:
        SureApprise(body=message.text, title=message.title, apprise_conn_id=connection).notify(context)

    return ({"mail": mail} if to else {}) | ({"apprise": apprise} if connection else {})


@dag(
    dag_id="alert",
    schedule=AssetOrTimeSchedule(timetable=CronTriggerTimetable("57 * * * *", timezone="UTC"), assets=[TRENDS]),
    start_date=datetime(2024, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,
    tags=["riftwatch", "alert"],
    default_args={
        "owner": "riftwatch",
        "retries": 2,
        "retry_delay": timedelta(minutes=10),
        "execution_timeout": timedelta(minutes=30),
    },
    doc_md="""
Tells people of dyads whose state has changed: once, with the reason in words and the figures. By e-mail
(`RIFTWATCH_ALERT_EMAILS`, Airflow's connection `smtp_default`) and to any apprise address (`RIFTWATCH_ALERT_APPRISE`
names the connection). Silences stand in the monitor file, each with a link and an end date. See `docs/alarms.md`.
""",
)
def alert_dag() -> None:
    @task(task_id="tell")
    def tell(**context: Any) -> list[str]:
        from pipeline.measure.telling import messages
        from pipeline.measure.telling import tell as job

        settings = Settings()
        ways = ways_of(settings, context)
        if not ways:
            raise AirflowSkipException("nobody is told: set RIFTWATCH_ALERT_EMAILS or RIFTWATCH_ALERT_APPRISE")
        sent, wrong = [], []
        for monitor in load_monitors(settings.monitor_files()).monitors.values():
            for message in messages(settings, monitor):
                failed = job(settings, message, ways)
                wrong += failed
                sent += [] if failed else [message.title]
        if wrong:
            raise RuntimeError("; ".join(wrong))
        return sent

    tell()


alert_dag()
