"""The page of a dyad."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response
from starlette.exceptions import HTTPException

from pipeline.monitor import Dyad, Monitor, Period
from pipeline.review import dyads
from pipeline.review.asked import (
    download,
    dyad_of,
    monitor_of,
    names_of,
    periods_of,
    settings_of,
)
from pipeline.review.charts import Series, Spec, drawn, render, series_spec
from pipeline.review.html import page
from pipeline.review.words import csv_file
from pipeline.store.pages import latest_cells, latest_gaps
from pipeline.store.session import open_session

router = APIRouter()

MOST_PERIODS = 600
"""Periods of one kind on a dyad page: more than eleven years of weeks."""
WIDTH_PLANNED = 0.2
"""Half-width of the gap's interval for which missing codings are counted."""


def _dyad_parts(request: Request, monitor: Monitor, dyad: Dyad, period: Period | None) -> dict[str, Any]:
    kind = period or monitor.audit_period
    if kind not in periods_of(monitor):
        raise HTTPException(404, f"The monitor measures no {kind}s; choose one of {', '.join(periods_of(monitor))}.")
    names = names_of(monitor)
    with open_session(settings_of(request)) as session:
        gaps = latest_gaps(session, monitor.name, dyad.a, dyad.b, kind, MOST_PERIODS)
        cells = latest_cells(session, monitor.name, [dyad.a, dyad.b], kind, MOST_PERIODS)
    return {
        "kind": kind,
        "a": names[dyad.a],
        "b": names[dyad.b],
        "gaps": gaps,
        "cells": cells,
        "events": dyads.events_of(monitor, dyad),
    }


def _charts(dyad: Dyad, parts: dict[str, Any], up: str) -> dict[str, tuple[Spec, str, str]]:
    """Chart -> its specification, title and description; empty while nothing is measured."""
    a, b, kind, marks = parts["a"], parts["b"], parts["kind"], dyads.marks(parts["events"])
    both: list[Series] = [
        dyads.balance_series("a", a, parts["cells"][dyad.a], up),
        dyads.balance_series("b", b, parts["cells"][dyad.b], up),
    ]
    gap = dyads.gap_series(f"Gap of {a} and {b}", parts["gaps"])
    made = {}
    if any(s.points for s in both):
        title = f"Balance of {a} and of {b} per {kind}"
        spec = series_spec(both, marks, title=title, value_title="universalist ←   balance   → nationalist", height=360)
        made["balances"] = (
            spec,
            title,
            "Two lines with 95% intervals where codings correct them; the table says the same.",
        )
    if gap.points:
        title = f"Gap: balance of {a} less balance of {b} per {kind}"
        spec = series_spec([gap], marks, title=title, value_title="gap", height=280)
        made["gap"] = (spec, title, dyads.reading(dyads.latest_with_value(parts["gaps"]), a, b))
    return made


def _missing_codings(dyad: Dyad, parts: dict[str, Any]) -> list[dict[str, Any]]:
    """Audit periods whose gap is uncorrected, newest first, and the most codings a side it takes to correct them."""
    from pipeline.measure.plan import LARGEST_VARIANCE, codings_needed

    sides = [{c.start: c for c in parts["cells"][group]} for group in (dyad.a, dyad.b)]
    rows = []
    for gap in reversed(parts["gaps"]):
        cells = [side.get(gap.start) for side in sides]
        if gap.gap is None or gap.estimator == "corrected" or any(c is None for c in cells):
            continue
        texts = [c.clusters for c in cells if c]
        needed = codings_needed(WIDTH_PLANNED, texts, LARGEST_VARIANCE)
        rows.append({"label": dyads.label_of(gap), "cells": cells, "needed": needed})
    return rows


@router.get("/ui/m/{monitor}/dyads/{a}/{b}")
def dyad_page(request: Request, monitor: str, a: str, b: str, period: Period | None = None) -> Response:
    """Both balances, the gap, and what stands behind each point."""
    watched_by = monitor_of(request, monitor)
    dyad = dyad_of(watched_by, a, b)
    parts = _dyad_parts(request, watched_by, dyad, period)
    gaps = parts["gaps"]
    charts = {
        name: drawn(spec, title, description, name)
        for name, (spec, title, description) in _charts(dyad, parts, "../../").items()
    }
    names = {dyad.a: parts["a"], dyad.b: parts["b"]}
    audit = parts["kind"] == watched_by.audit_period
    return page(
        request,
        "dyad.html",
        monitor=watched_by,
        dyad=dyad,
        name_a=parts["a"],
        name_b=parts["b"],
        kind=parts["kind"],
        kinds=periods_of(watched_by),
        audit=audit,
        charts=charts,
        events=parts["events"],
        state=gaps[-1].state if gaps else "not enough evidence",
        reasons=gaps[-1].flags if gaps else ["nothing is measured yet"],
        reading=dyads.reading(dyads.latest_with_value(gaps), parts["a"], parts["b"]),
        corrected=dyads.last_corrected(gaps, parts["a"], parts["b"]),
        absent=dyads.absences(names, parts["cells"]),
        lines=dyads.lines(gaps, parts["cells"][dyad.a], parts["cells"][dyad.b]),
        missing_codings=_missing_codings(dyad, parts) if audit else [],
        width=WIDTH_PLANNED,
        full=len(gaps) >= MOST_PERIODS,
        most=MOST_PERIODS,
        three=dyads.THREE_SENTENCES,
        how=dyads.HOW_TO_READ,
    )


@router.get("/ui/m/{monitor}/dyads/{a}/{b}/{chart}.svg")
def dyad_chart(request: Request, monitor: str, a: str, b: str, chart: str, period: Period | None = None) -> Response:
    """One chart as a file."""
    watched_by = monitor_of(request, monitor)
    dyad = dyad_of(watched_by, a, b)
    parts = _dyad_parts(request, watched_by, dyad, period)
    charts = _charts(dyad, parts, "")
    if chart not in charts:
        raise HTTPException(404, "There is no such chart, or nothing is measured yet.")
    spec, title, description = charts[chart]
    svg = render(spec, title=title, description=description, page=False, name=chart)
    return download(svg, "image/svg+xml", f"{watched_by.name}-{dyad.id}-{chart}-{parts['kind']}.svg")


POINT_COLUMNS = ("period", "start", "end", "gap", "gap_low", "gap_high", "gap_estimator", "gap_missing", "state")
SIDE_COLUMNS = ("balance", "low", "high", "estimator", "missing", "texts", "clusters", "sources", "codings", "flags")


@router.get("/ui/m/{monitor}/dyads/{a}/{b}/points.csv")
def dyad_points(request: Request, monitor: str, a: str, b: str, period: Period | None = None) -> Response:
    """The data of both charts, one line a period."""
    watched_by = monitor_of(request, monitor)
    dyad = dyad_of(watched_by, a, b)
    parts = _dyad_parts(request, watched_by, dyad, period)
    columns = [*POINT_COLUMNS, *(f"{side}_{c}" for side in (dyad.a, dyad.b) for c in SIDE_COLUMNS)]
    rows = []
    for line in reversed(dyads.lines(parts["gaps"], parts["cells"][dyad.a], parts["cells"][dyad.b])):
        gap, any_row = line.gap, line.gap or line.a or line.b
        first = [line.label, any_row.start if any_row else None, any_row.end if any_row else None]
        of_gap = [gap.gap, gap.low, gap.high, gap.estimator, gap.missing, gap.state] if gap else [None] * 6
        sides = [getattr(row, c) if row else None for row in (line.a, line.b) for c in SIDE_COLUMNS]
        rows.append([*first, *of_gap, *sides])
    name = f"{watched_by.name}-{dyad.id}-{parts['kind']}.csv"
    return download(csv_file(columns, rows), "text/csv; charset=utf-8", name)
