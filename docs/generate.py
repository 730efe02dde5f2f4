"""Makes the pages of ``docs/reference/`` from the code, so that they can't go stale: ``make docs``.

``--check`` writes nothing and fails when a page differs from the code; the tests call it so.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from pipeline import monitor
from pipeline.settings import PROJECT_ROOT, Settings
from pipeline.store.alarms import ALARM_COLUMNS
from pipeline.store.bridges import BRIDGE_COLUMNS
from pipeline.store.directed import CRITICISM_COLUMNS
from pipeline.store.states import STATE_COLUMNS
from pipeline.store.trends import GAP_COLUMNS, TREND_COLUMNS
from pipeline.store.vintages import VINTAGE_COLUMNS
from pipeline.store.watched import LOOK_COLUMNS

REFERENCE = PROJECT_ROOT / "docs" / "reference"
NOTE = "<!-- Made by `make docs`; change the code and make it again. -->\n"

SECTIONS: tuple[tuple[str, type[BaseModel]], ...] = (
    ("The file", monitor.Monitor),
    ("groups", monitor.Group),
    ("sources, kind: feed", monitor.FeedSource),
    ("sources, kind: sitemap", monitor.SitemapSource),
    ("sources, kind: listing", monitor.ListingSource),
    ("sources, kind: warc", monitor.WarcSource),
    ("sources, kind: table", monitor.TableSource),
    ("columns of a table", monitor.TableColumns),
    ("outages of a source", monitor.Outage),
    ("dyads", monitor.Dyad),
    ("events", monitor.Event),
    ("silences", monitor.Silence),
)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "**required**"
    value = field.default if field.default is not PydanticUndefined else field.default_factory()  # type: ignore[misc,call-arg]
    if isinstance(value, Path) and value.is_relative_to(PROJECT_ROOT):
        value = value.relative_to(PROJECT_ROOT)
    return f"`{value}`"


def _fields(model: type[BaseModel]) -> str:
    lines = ["| field | default | meaning |", "| --- | --- | --- |"]
    for name, field in model.model_fields.items():
        lines.append(f"| `{name}` | {_default(field)} | {field.description or ''} |")
    return "\n".join(lines)


def monitor_page() -> str:
    """Every field of a monitor file."""
    parts = [NOTE, "# Fields of a monitor file\n"]
    for title, model in SECTIONS:
        parts.append(f"## {title}\n\n{(model.__doc__ or '').strip()}\n\n{_fields(model)}\n")
    return "\n".join(parts)


def settings_page() -> str:
    """Every environment variable."""
    lines = [NOTE, "# Settings\n", "| variable | default | meaning |", "| --- | --- | --- |"]
    for name, field in Settings.model_fields.items():
        variable = field.validation_alias or f"RIFTWATCH_{name.upper()}"
        lines.append(f"| `{variable}` | {_default(field)} | {field.description or ''} |")
    return "\n".join(lines) + "\n"


def columns_page() -> str:
    """Every column of the tables that commands print and exports hold."""
    parts = [NOTE, "# Columns\n"]
    tables = (
        ("Trend table", TREND_COLUMNS),
        ("Gaps", GAP_COLUMNS),
        ("Alarms", ALARM_COLUMNS),
        ("Confirmations", LOOK_COLUMNS),
        ("Changes of state", STATE_COLUMNS),
        ("Bridges", BRIDGE_COLUMNS),
        ("Published figures", VINTAGE_COLUMNS),
        ("Criticism", CRITICISM_COLUMNS),
    )
    for title, columns in tables:
        rows = "\n".join(f"| `{name}` | {meaning} |" for name, meaning in columns.items())
        parts.append(f"## {title}\n\n| column | meaning |\n| --- | --- |\n{rows}\n")
    return "\n".join(parts)


def schedule_in_words(timetable: Any) -> str:
    """A DAG's schedule: cron fields with real intervals, or assets with cron fields as a net."""
    if getattr(timetable, "asset_condition", None) is not None:
        assets = " or ".join(asset.name for asset in timetable.asset_condition.objects)
        return f"after {assets}; `{timetable.timetable.expression}` as a net"
    return f"`{timetable.expression}`" if hasattr(timetable, "expression") else "by hand"


def dags_page() -> str:
    """Every DAG that the monitors we ship make."""
    with tempfile.TemporaryDirectory() as home:
        os.environ.setdefault("AIRFLOW_HOME", home)
        os.environ.setdefault("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        os.environ.setdefault("AIRFLOW__LOGGING__LOGGING_LEVEL", "ERROR")
        from airflow.dag_processing.dagbag import DagBag

        bag = DagBag(str(PROJECT_ROOT / "dags"))
        if bag.import_errors:
            raise RuntimeError(f"a DAG file can't be read: {bag.import_errors}")
        rows = [
            f"| `{name}` | {Path(dag.fileloc).name} | {schedule_in_words(dag.timetable)} |"
            for name, dag in sorted(bag.dags.items())
        ]
    return "\n".join([NOTE, "# DAGs\n", "| DAG | file | schedule |", "| --- | --- | --- |", *rows, ""])


PAGES = {
    "monitor.md": monitor_page,
    "settings.md": settings_page,
    "columns.md": columns_page,
    "dags.md": dags_page,
    "monitor.schema.json": lambda: json.dumps(monitor.Monitor.model_json_schema(), indent=1) + "\n",
}


def main(arguments: list[str]) -> int:
    """Write the pages, or with ``--check`` name those that are stale."""
    stale = []
    for name, make in PAGES.items():
        page, file = make(), REFERENCE / name
        if "--check" in arguments:
            if not file.exists() or file.read_text(encoding="utf-8") != page:
                stale.append(name)
        else:
            REFERENCE.mkdir(exist_ok=True)
            file.write_text(page, encoding="utf-8")
    if stale:
        print(f"stale, run `make docs`: {', '.join(stale)}", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
