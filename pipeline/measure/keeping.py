"""The job that makes what no request can wait for: fixed panels, smoothed gaps, and the sheet of every dyad."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import partial
from math import isfinite
from time import monotonic
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from pipeline.measure.exchanges import ExchangeError, exchanges
from pipeline.measure.job import MOST_UNFRAMED
from pipeline.measure.named import NamesLeftIn
from pipeline.measure.panels import panel_rows
from pipeline.measure.sensitivity import Stretch
from pipeline.measure.sheet import DyadSheet, SheetError, dyad_sheet, usual_stretches
from pipeline.measure.smoothed import smoothed_rows
from pipeline.measure.timespan import measured_periods
from pipeline.monitor import Monitor
from pipeline.report import Progress, Report, silent
from pipeline.settings import Settings
from pipeline.store.cells import model_in_force
from pipeline.store.kept import (
    basis_of_panels,
    basis_of_smoothed,
    keeping_alone,
    kept_sheets,
    newest_published,
    source_days,
    write_panels,
    write_sheet,
    write_smoothed,
)
from pipeline.store.marks import day_marks
from pipeline.store.runs import record_run
from pipeline.store.session import open_session
from pipeline.store.trends import trend_rows

OLDEST = timedelta(hours=20)
"""A sheet is made anew when it is older than this and something was measured since."""
BUDGET = 2700.0
"""Seconds after which a run begins no further sheet, over all monitors; the rest are left for the next run."""

log = logging.getLogger(__name__)


def plain(made: DyadSheet) -> dict[str, Any]:
    """A sheet as values that JSON holds."""
    whole = {
        "reference": _days(made.reference),
        "present": _days(made.present),
        "texts": list(made.texts),
        "base": asdict(made.sensitivity.base),
        "rows": [asdict(row) for row in made.sensitivity.rows],
        "error_rates": [asdict(rate) for rate in made.sensitivity.rates],
        "sections": [{"title": section.title, "lines": list(section.lines)} for section in made.sections],
        "words": [asdict(words) for words in made.words],
    }
    cleaned: dict[str, Any] = _clean(whole)
    return cleaned


def _clean(value: Any) -> Any:
    """The same without what JSON does not hold: numpy's scalars become Python's, what is not finite becomes null."""
    if isinstance(value, dict):
        return {name: _clean(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(one) for one in value]
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not isfinite(value) else value


def _days(stretch: Any) -> list[str]:
    return [stretch.start.isoformat(), stretch.end.isoformat()]


def _exchanged(session: Session, monitor: Monitor, a: str, b: str, stretch: Stretch) -> dict[str, Any]:
    """How the two answer and cite each other in the present stretch, or why that is not known."""
    try:
        both = exchanges(session, monitor, a, b, stretch)
    except ExchangeError as error:
        return {"exchanges": [], "exchanges_why": str(error)}
    kept = [asdict(one) for one in both]
    for one in kept:
        for text in one["cited"]:
            text["day"] = text["day"].isoformat()
    return {"exchanges": _clean(kept), "exchanges_why": None}


def half_scored(session: Session, monitor: Monitor) -> str | None:
    """Why nothing can be made now: the model in force is in the middle of scoring all texts anew. None: it is not.

    Half of the texts would be missing. It is the condition under which a measurement leaves the states as they were.
    """
    model = model_in_force(session)
    if model is None:
        return None
    marks = day_marks(session, monitor.name, model.id)
    if (left := marks.unframed - marks.wordless) <= MOST_UNFRAMED * marks.texts:
        return None
    return f"the model in force has not scored {left} of {marks.texts} texts yet; run `riftwatch frame`"


def keep_panels(session: Session, monitor: Monitor, now: datetime) -> int:
    """Make the fixed panels of a monitor, unless nothing was measured since. Returns how many. Does not commit."""
    basis, model = newest_published(session, monitor.name), model_in_force(session)
    if model is None or basis_of_panels(session, monitor.name) == basis:
        return 0
    missing = {
        (row.group_id, row.period, row.start): row.missing for row in trend_rows(session, monitor.name) if row.missing
    }
    days = source_days(session, monitor.name, model.id)
    rows = panel_rows(days, measured_periods(monitor), missing, now.astimezone(UTC).date())
    write_panels(session, monitor.name, [row | {"made_at": now, "basis": basis} for row in rows])
    return len(rows)


def keep_smoothed(session: Session, monitor: Monitor, now: datetime) -> int:
    """Make the smoothed gaps of a monitor's dyads in the audit period, unless nothing was measured since.

    Returns of how many dyads. Does not commit.
    """
    basis = newest_published(session, monitor.name)
    if not basis or basis_of_smoothed(session, monitor.name) == basis:
        return 0
    trends = trend_rows(session, monitor.name, period=monitor.audit_period)
    rows = smoothed_rows(trends, [(dyad.a, dyad.b) for dyad in monitor.dyads], monitor.audit_period)
    write_smoothed(session, monitor.name, [row | {"made_at": now, "basis": basis} for row in rows])
    return len(rows)


def keep_sheet(
    session: Session,
    monitor: Monitor,
    a: str,
    b: str,
    *,
    now: datetime,
    make: Callable[..., DyadSheet] = dyad_sheet,
) -> str | None:
    """Make the sheet of a dyad and keep it in place of its last one. Returns why it can't be made. Does not commit.

    Of a sheet that can't be made the reason is kept. Where the program fails, what was not committed is rolled back.
    """
    clock, basis, model = monotonic(), newest_published(session, monitor.name), model_in_force(session)
    sha256, made, problem = model.sha256 if model else None, {}, None
    try:
        stretches = usual_stretches(session, monitor, a, b, today=now.astimezone(UTC).date())
        made = plain(make(session, monitor, a, b, *stretches))
        made |= _exchanged(session, monitor, a, b, stretches[1])
    except SheetError as error:
        problem = str(error)
    except Exception as error:  # a fault of the program with this dyad keeps no other dyad from its sheet
        log.exception("the sheet of %s and %s of %s failed", a, b, monitor.name)
        session.rollback()
        made, problem = {}, f"the program failed, its log says where ({type(error).__name__}: {error})"
    write_sheet(
        session,
        monitor=monitor.name,
        a=a,
        b=b,
        made_at=now,
        seconds=monotonic() - clock,
        basis=basis,
        model=sha256,
        sheet=made,
        problem=problem,
    )
    return problem


def keep(
    settings: Settings,
    monitor: Monitor,
    *,
    progress: Progress = silent,
    now: datetime | None = None,
    budget: float = BUDGET,
    make: Callable[..., DyadSheet] | None = None,
) -> Report:
    """Bring the fixed panels, smoothed gaps and sheets of a monitor up to date.

    Panels and smoothed gaps follow every measurement. A sheet is made when there is none, or when it is older than 20
    hours and something was measured since; the oldest first, until ``budget`` seconds are over. While the model in
    force scores all texts anew, nothing is made. The report counts dyads (found), sheets made (updated), good as they
    are (known) and left for the next run (waiting). make: in place of
    :func:`pipeline.measure.sheet.dyad_sheet`.
    """
    started, clock = datetime.now(UTC), monotonic()
    now = now or started
    make = make or partial(dyad_sheet, named=NamesLeftIn(settings))
    problems: list[str] = []
    updated = known = waiting = 0
    with open_session(settings) as session:
        why = half_scored(session, monitor)
        session.commit()
        if why:
            problems.append(f"no panels and sheets are made: {why}")
        else:
            progress("fixed panels", 0, None)
            with keeping_alone(settings, monitor.name):
                keep_panels(session, monitor, now)
                session.commit()
            progress("smoothed gaps", 0, None)
            with keeping_alone(settings, monitor.name):
                keep_smoothed(session, monitor, now)
                session.commit()
        basis, there = newest_published(session, monitor.name), kept_sheets(session, monitor.name)
        session.commit()
        dyads = [(dyad.a, dyad.b) for dyad in monitor.dyads]
        never = datetime.min.replace(tzinfo=UTC)
        for done, dyad in enumerate(sorted(dyads, key=lambda one: there.get(one, (never, 0))[0])):
            made_at, of = there.get(dyad, (never, -1))
            if of == basis or (made_at != never and now - made_at < OLDEST):
                known += 1
            elif why or monotonic() - clock > budget:
                waiting += 1
            else:
                progress("sheets", done, len(dyads))
                # one by one: an erasure waits for the sheet that is being made, and for no other
                with keeping_alone(settings, monitor.name):
                    problem = keep_sheet(session, monitor, *dyad, now=now, make=make)
                    session.commit()
                updated += 1
                if problem:
                    problems.append(f"{dyad[0]} and {dyad[1]}: {problem}")
        report = Report(
            job="sheet",
            found=len(dyads),
            known=known,
            updated=updated,
            waiting=waiting,
            seconds=monotonic() - clock,
            problems=tuple(problems),
        )
        record_run(session, report, started_at=started, monitor=monitor.name)
        session.commit()
    return report


def keep_in_turn(budget: float = BUDGET) -> Callable[[Settings, Monitor], Report]:
    """The job for several monitors in turn: ``budget`` seconds from now are for all of them together."""
    end = monotonic() + budget
    return lambda settings, monitor: keep(settings, monitor, budget=end - monotonic())
