"""The addresses of the pages: each reads a bounded piece of the store and fills a template."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import FileResponse, RedirectResponse
from markupsafe import Markup
from starlette.exceptions import HTTPException

from pipeline.collect import health
from pipeline.collect.why import told
from pipeline.monitor import PERIODS, Dyad, Monitor, Period
from pipeline.monitor.periods import period_of
from pipeline.review import dyads, source_charts
from pipeline.review.charts import Series, Spec, render, series_spec, sparkline_spec
from pipeline.review.html import page
from pipeline.review.monitors import watched
from pipeline.review.words import csv_file
from pipeline.settings import Settings
from pipeline.store.health import quarantined_pages
from pipeline.store.pages import count_texts_of_cell, document_detail, latest_cells, latest_gaps, trend_page
from pipeline.store.runs import last_runs
from pipeline.store.session import open_session
from pipeline.store.trends import TREND_COLUMNS, as_record, documents_of_cell, trend_rows

router = APIRouter()

MOST_PERIODS = 600
"""Periods of one kind on a dyad page: more than eleven years of weeks."""
ROWS_A_PAGE = 200
TEXTS_A_PAGE = 50
MOST_A_PAGE = 200
LONGEST_TEXT = 200_000
"""Characters of a text shown on its page."""
FIRST_DAY, LAST_DAY = date(1000, 1, 1), date(9998, 12, 31)
"""Days a page may be asked for; a period that holds the calendar's last day has no end."""
RUNS_SHOWN = 6
SPARK_PERIODS = 24
WIDTH_PLANNED = 0.2
"""Half-width of the gap's interval for which missing codings are counted."""

STATIC = {
    "style.css": "text/css",
    "theme.js": "text/javascript",
    "icon.svg": "image/svg+xml",
    "icon-dark.svg": "image/svg+xml",
}
_STATIC_FOLDER = FilePath(__file__).parent / "static"

PageNumber = Annotated[int, Query(alias="page", ge=1, le=1_000_000)]
Limit = Annotated[int, Query(ge=1)]


def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


def _monitor(request: Request, name: str) -> Monitor:
    known = watched(_settings(request))
    if found := known.named(name):
        return found
    raise HTTPException(404, "No monitor of this name is watched. Its file may have been renamed or have an error.")


def _group(monitor: Monitor, group: str) -> str:
    if all(g.id != group for g in monitor.groups):
        raise HTTPException(404, "The monitor has no such group.")
    return group


def _dyad(monitor: Monitor, a: str, b: str) -> Dyad:
    for dyad in monitor.dyads:
        if (dyad.a, dyad.b) == (a, b):
            return dyad
    raise HTTPException(404, "The monitor has no such dyad. Add it under dyads in the monitor's file.")


def _names(monitor: Monitor) -> dict[str, str]:
    return {g.id: g.name for g in monitor.groups}


def periods_of(monitor: Monitor) -> list[Period]:
    """The period kinds a monitor's tables have, short to long."""
    return [kind for kind in PERIODS if kind in monitor.periods or kind == monitor.audit_period]


def _download(body: str, media_type: str, name: str) -> Response:
    # names are made of identifiers, which hold letters, digits, - and _ only
    return Response(body, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})


@router.get("/")
@router.get("/ui")
def to_overview() -> Response:
    """Lead to the overview; relative, because only the browser knows the whole address."""
    return RedirectResponse("ui/")


@router.get("/ui/static/{name}")
def static(name: str) -> Response:
    """A file of the package. Names are looked up in a list, so no path can be made of them."""
    if name not in STATIC:
        raise HTTPException(404, "There is no such file.")
    headers = {"Cache-Control": "private, max-age=300"}
    return FileResponse(_STATIC_FOLDER / name, media_type=STATIC[name], headers=headers)


# ---- overview


def _drawn(spec: Spec, title: str, description: str, name: str) -> Markup:
    # charts.render rebuilds the drawing from an allowlist and escapes every text in it
    return Markup(render(spec, title=title, description=description, name=name))  # noqa: S704


def _card(session: Any, monitor: Monitor, dyad: Dyad, position: str) -> dict[str, Any]:
    kind = monitor.audit_period
    names = _names(monitor)
    a, b = names[dyad.a], names[dyad.b]
    gaps = latest_gaps(session, monitor.name, dyad.a, dyad.b, kind, SPARK_PERIODS)
    newest = gaps[-1] if gaps else None
    known = dyads.latest_with_value(gaps)
    cells = latest_cells(session, monitor.name, [dyad.a, dyad.b], kind, 2 * SPARK_PERIODS, known.start) if known else {}
    first = {group: rows[0] if rows else None for group, rows in cells.items()}
    spark = None
    if known:
        series = dyads.gap_series(f"Gap of {a} and {b}", gaps)
        spark = _drawn(sparkline_spec(series), series.name, dyads.reading(known, a, b), f"spark-{position}")
    return {
        "dyad": dyad,
        "a": a,
        "b": b,
        "state": newest.state if newest else "not enough evidence",
        "reasons": newest.flags if newest else ["nothing is measured yet"],
        "known": known,
        "label": dyads.label_of(known) if known else None,
        "estimate": dyads.estimate(known.gap, known.low, known.high) if known else None,
        "reading": dyads.reading(known, a, b),
        "corrected": dyads.last_corrected(gaps, a, b),
        "texts": dyads.texts_counted(first.get(dyad.a), first.get(dyad.b), a, b) if known else "",
        "later": dyads.reading(newest, a, b) if newest is not None and newest is not known else None,
        "spark": spark,
        "from": dyads.label_of(gaps[0]) if gaps else None,
        "to": dyads.label_of(gaps[-1]) if gaps else None,
    }


@router.get("/ui/")
def overview(request: Request) -> Response:
    """Every monitor: its dyads as cards, and what the last runs did."""
    settings = _settings(request)
    known = watched(settings)
    shown = []
    with open_session(settings) as session:
        for number, monitor in enumerate(known.monitors):
            cards = [_card(session, monitor, d, f"{number}-{i}") for i, d in enumerate(monitor.dyads)]
            runs = last_runs(session, monitor.name, limit=RUNS_SHOWN)
            shown.append({"monitor": monitor, "cards": cards, "runs": runs})
    return page(request, "overview.html", shown=shown, problems=known.problems, monitor=None)


# ---- dyad


def _dyad_parts(request: Request, monitor: Monitor, dyad: Dyad, period: Period | None) -> dict[str, Any]:
    kind = period or monitor.audit_period
    if kind not in periods_of(monitor):
        raise HTTPException(404, f"The monitor measures no {kind}s; choose one of {', '.join(periods_of(monitor))}.")
    names = _names(monitor)
    with open_session(_settings(request)) as session:
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
    watched_by = _monitor(request, monitor)
    dyad = _dyad(watched_by, a, b)
    parts = _dyad_parts(request, watched_by, dyad, period)
    gaps = parts["gaps"]
    charts = {
        name: _drawn(spec, title, description, name)
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
    watched_by = _monitor(request, monitor)
    dyad = _dyad(watched_by, a, b)
    parts = _dyad_parts(request, watched_by, dyad, period)
    charts = _charts(dyad, parts, "")
    if chart not in charts:
        raise HTTPException(404, "There is no such chart, or nothing is measured yet.")
    spec, title, description = charts[chart]
    svg = render(spec, title=title, description=description, page=False, name=chart)
    return _download(svg, "image/svg+xml", f"{watched_by.name}-{dyad.id}-{chart}-{parts['kind']}.svg")


POINT_COLUMNS = ("period", "start", "end", "gap", "gap_low", "gap_high", "gap_estimator", "gap_missing", "state")
SIDE_COLUMNS = ("balance", "low", "high", "estimator", "missing", "texts", "clusters", "sources", "codings", "flags")


@router.get("/ui/m/{monitor}/dyads/{a}/{b}/points.csv")
def dyad_points(request: Request, monitor: str, a: str, b: str, period: Period | None = None) -> Response:
    """The data of both charts, one line a period."""
    watched_by = _monitor(request, monitor)
    dyad = _dyad(watched_by, a, b)
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
    return _download(csv_file(columns, rows), "text/csv; charset=utf-8", name)


# ---- trend table


@router.get("/ui/m/{monitor}/trends")
def trends(
    request: Request,
    monitor: str,
    group: str = "",
    period: Period | Literal[""] | None = None,
    number: PageNumber = 1,
    limit: Limit = ROWS_A_PAGE,
) -> Response:
    """Group x period with every column. Without ``period`` the audit period, with an empty one all kinds."""
    watched_by = _monitor(request, monitor)
    kind = watched_by.audit_period if period is None else period or None
    chosen = _group(watched_by, group) if group else None
    limit = min(limit, MOST_A_PAGE)
    with open_session(_settings(request)) as session:
        rows, total = trend_page(session, watched_by.name, chosen, kind, limit, (number - 1) * limit)
    records = [as_record(row) for row in rows]
    return page(
        request,
        "trends.html",
        monitor=watched_by,
        names=_names(watched_by),
        kinds=periods_of(watched_by),
        group=chosen,
        period=kind,
        columns=TREND_COLUMNS,
        numeric={name for record in records for name, value in record.items() if isinstance(value, int | float)},
        rows=[
            (row, dyads.label_of(row), dyads.texts_address(row.group_id, row), record)
            for row, record in zip(rows, records, strict=True)
        ],
        total=total,
        number=number,
        pages=max(1, -(-total // limit)),
        limit=limit,
    )


@router.get("/ui/m/{monitor}/trends.csv")
def trends_csv(request: Request, monitor: str, group: str = "", period: Period | Literal[""] = "") -> Response:
    """The same view as a file, all rows; all kinds of period unless one is named."""
    watched_by = _monitor(request, monitor)
    chosen = _group(watched_by, group) if group else None
    with open_session(_settings(request)) as session:
        rows = [list(as_record(row).values()) for row in trend_rows(session, watched_by.name, chosen, period or None)]
    name = "-".join([watched_by.name, "trends", *(part for part in (chosen, period) if part)]) + ".csv"
    return _download(csv_file(list(TREND_COLUMNS), rows), "text/csv; charset=utf-8", name)


# ---- texts


@router.get("/ui/m/{monitor}/texts")
def texts(
    request: Request,
    monitor: str,
    group: str,
    start: date,
    end: date,
    number: PageNumber = 1,
    limit: Limit = TEXTS_A_PAGE,
) -> Response:
    """The texts behind a point: a group's own texts of one period."""
    watched_by = _monitor(request, monitor)
    _group(watched_by, group)
    if start < FIRST_DAY or end > LAST_DAY:
        raise HTTPException(422, f"Both days must lie from {FIRST_DAY} to {LAST_DAY}.")
    if start >= end:
        raise HTTPException(404, "The period ends before it starts.")
    limit = min(limit, MOST_A_PAGE)
    with open_session(_settings(request)) as session:
        total = count_texts_of_cell(session, watched_by.name, group, start, end)
        rows = documents_of_cell(session, watched_by.name, group, start, end, limit, (number - 1) * limit)
    kind: Period | None = next((k for k in PERIODS if (s := period_of(k, start)).start == start and s.end == end), None)
    return page(
        request,
        "texts.html",
        monitor=watched_by,
        group=group,
        name=_names(watched_by)[group],
        start=start,
        end=end,
        label=period_of(kind, start).label if kind else f"{start} to {end}",
        rows=rows,
        total=total,
        number=number,
        pages=max(1, -(-total // limit)),
        limit=limit,
    )


@router.get("/ui/m/{monitor}/documents/{document_id}")
def document(request: Request, monitor: str, document_id: Annotated[int, Path(ge=1, le=2**63 - 1)]) -> Response:
    """One text and all that is known of it."""
    watched_by = _monitor(request, monitor)
    with open_session(_settings(request)) as session:
        detail = document_detail(session, watched_by.name, document_id)
        if detail is None:
            raise HTTPException(404, "The monitor has no such text. It may have been collected under another monitor.")
        found = detail.document
        cell = None
        if found.group_id and found.published_at and found.speaker == "own":
            span = period_of(watched_by.audit_period, found.published_at.date())
            cell = {"label": span.label, "start": span.start, "end": span.end}
        return page(
            request,
            "document.html",
            monitor=watched_by,
            names=_names(watched_by),
            detail=detail,
            document=found,
            text=found.text[:LONGEST_TEXT],
            cut=max(0, len(found.text) - LONGEST_TEXT),
            cell=cell,
        )


# ---- sources


@router.get("/ui/m/{monitor}/sources")
def sources(request: Request, monitor: str) -> Response:
    """How every source does: its state, its last run, its volume, its failing places."""
    watched_by = _monitor(request, monitor)
    now = datetime.now(UTC)
    with open_session(_settings(request)) as session:
        lines = health.overview(session, watched_by, now)
    rows = [(line, source_charts.bars(line.weeks)) for line in lines]
    return page(request, "sources.html", monitor=watched_by, rows=rows, now=now)


@router.get("/ui/m/{monitor}/sources/{source}")
def source(request: Request, monitor: str, source: str) -> Response:
    """One source, step by step, from what is stored: a page asks nobody."""
    watched_by = _monitor(request, monitor)
    if all(one.id != source for one in watched_by.sources):
        raise HTTPException(404, "The monitor has no such source. It may have been taken out of the monitor's file.")
    now = datetime.now(UTC)
    with open_session(_settings(request)) as session:
        found = watched_by.source(source)
        line = health.line(session, watched_by, found, now)
        known = health.facts(session, watched_by, found, now)
        quarantined = quarantined_pages(session, watched_by.name, source)
        return page(
            request,
            "source.html",
            monitor=watched_by,
            line=line,
            drawn=source_charts.bars(line.weeks),
            explained=told(watched_by, found, known, now),
            facts=known,
            quarantined=quarantined,
            now=now,
        )
