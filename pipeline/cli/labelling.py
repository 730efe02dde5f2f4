"""Commands for coders: what to label next."""

from __future__ import annotations

from pipeline.cli.app import label_app
from pipeline.cli.common import AsFormat, MonitorFile, open_store, the_monitor, the_settings
from pipeline.printing import PLAN_TABLE, Format, print_rows


@label_app.command("plan")
def label_plan(
    monitor: MonitorFile = None,
    form: AsFormat = Format.TABLE,
) -> None:
    """How many random codings give which width of interval, per group and period."""
    from dataclasses import fields

    from pipeline.measure.plan import PlanRow, coding_plan

    settings = the_settings()
    loaded = the_monitor(monitor, settings)
    columns = [f.name for f in fields(PlanRow)]
    with open_store(settings) as session:
        print_rows(coding_plan(session, loaded), columns, PLAN_TABLE, form)
