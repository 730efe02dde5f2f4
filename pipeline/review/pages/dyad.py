"""The page of a dyad, its charts as files, and how each of its figures was made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.exceptions import HTTPException

from pipeline.monitor import Dyad, Monitor
from pipeline.monitor.periods import span_of
from pipeline.review import alarm_words, criticism, dyads, sheets, smoothed
from pipeline.review.access import reader_of
from pipeline.review.asked import day_of, download, dyad_of, monitor_of, names_of, periods_of, settings_of
from pipeline.review.chart_files import KEY, ONLY_THESE, SMOOTHED_KEY, event_lines, with_words
from pipeline.review.charts import LEFT, WIDTH, Chart, as_png, drawn, frame_of, render
from pipeline.review.dyad_facts import CHARTS, MOST_LISTED, Facts, charts_of, facts_of
from pipeline.review.dyad_view import (
    MOST_PERIODS,
    AskedDay,
    AskedMoment,
    AskedPeriod,
    AskedSeries,
    AskedSmoothed,
    AskedSources,
    TypedDay,
    View,
    view_of,
)
from pipeline.review.html import page
from pipeline.review.words import csv_file
from pipeline.store.kept import kept_sheet
from pipeline.store.session import open_session
from pipeline.store.tables import GapCell, KeptSheet, TrendCell

router = APIRouter()

WIDTH_PLANNED = 0.2
"""Half-width of the gap's interval for which missing codings are counted."""
MOST_EXPLAINED = 200
"""texts and codings that the page of a figure lists; the command lists all"""
MOST_VERIFIED = 5_000
"""texts of a figure that is made again within a request"""


def seen(
    request: Request,
    monitor: str,
    a: str,
    b: str,
    period: AskedPeriod = None,
    series: AskedSeries = "current",
    sources: AskedSources = "all",
    as_of: AskedDay = None,
    since: AskedDay = None,
    until: AskedDay = None,
) -> Facts:
    """The view that an address asks for, read."""
    watched_by = monitor_of(request, monitor)
    dyad = dyad_of(watched_by, a, b)
    view = view_of(watched_by, period=period, series=series, sources=sources, as_of=as_of, since=since, until=until)
    with open_session(settings_of(request)) as session:
        return facts_of(session, watched_by, dyad, view)


Seen = Annotated[Facts, Depends(seen)]


@dataclass(frozen=True)
class Refused:
    """A view that can't be shown: what is wrong with it, and what was typed."""

    monitor: Monitor
    dyad: Dyad
    view: View
    """the same without days"""
    days: dict[str, str]
    said: str


def seen_or_refused(
    request: Request,
    monitor: str,
    a: str,
    b: str,
    period: AskedPeriod = None,
    series: AskedSeries = "current",
    sources: AskedSources = "all",
    as_of: TypedDay = "",
    since: TypedDay = "",
    until: TypedDay = "",
    smoothed: AskedSmoothed = False,
) -> Facts | Refused:
    """As :func:`seen`, for the page, which has a form: what can't be meant is told beside it, and stays in it."""
    watched_by = monitor_of(request, monitor)
    dyad = dyad_of(watched_by, a, b)
    whole = view_of(watched_by, period=period, series=series)
    try:
        view = view_of(
            watched_by,
            period=period,
            series=series,
            sources=sources,
            as_of=day_of(as_of),
            since=day_of(since),
            until=day_of(until),
            smoothed=smoothed,
        )
    except HTTPException as error:
        days = {"since": since, "until": until, "as_of": as_of}
        return Refused(watched_by, dyad, replace(whole, sources=sources, smoothed=smoothed), days, error.detail)
    with open_session(settings_of(request)) as session:
        return facts_of(session, watched_by, dyad, view)


SeenOrRefused = Annotated[Facts | Refused, Depends(seen_or_refused)]


def moment_of(at: datetime) -> str:
    """A moment as an address has it: UTC, to the microsecond, without a plus sign."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _how(facts: Facts) -> dict[str, dict[str, str]]:
    """gap or group -> period's label -> query of the page that says how its figure was made: the one that is shown."""
    groups = (facts.dyad.a, facts.dyad.b)
    moments = {"gap": facts.rows.published} | {group: facts.rows.of_groups.get(group, {}) for group in groups}
    made: dict[str, dict[str, str]] = {}
    # ten years of weeks have 1,500 figures, which share a subject and a few moments
    of_moment = {at: urlencode({"at": moment_of(at)}) for at in {at for one in moments.values() for at in one.values()}}
    shown: dict[str, Sequence[GapCell | TrendCell]] = {"gap": facts.rows.gaps}
    shown |= {group: facts.rows.cells[group] for group in groups}
    for subject, rows in shown.items():
        made[subject] = {}
        of_subject = [] if subject == "gap" else [urlencode({"subject": subject})]
        for row in rows:
            label = dyads.label_of(row)  # holds nothing that an address would have to mask
            at = moments[subject].get(row.start)
            made[subject][label] = "&".join([f"period={label}", *of_subject, *([of_moment[at]] if at else [])])
    return made


def _missing_codings(facts: Facts) -> list[dict[str, Any]]:
    """Audit periods whose gap is uncorrected, newest first, and the most codings a side it takes to correct them."""
    from pipeline.measure.plan import LARGEST_VARIANCE, codings_needed

    sides = [{c.start: c for c in facts.rows.cells[group]} for group in (facts.dyad.a, facts.dyad.b)]
    rows = []
    for gap in reversed(facts.rows.gaps):
        cells = [side.get(gap.start) for side in sides]
        if gap.gap is None or gap.estimator == "corrected" or any(c is None for c in cells):
            continue
        texts = [c.clusters for c in cells if c]
        needed = codings_needed(WIDTH_PLANNED, texts, LARGEST_VARIANCE)
        rows.append({"label": dyads.label_of(gap), "cells": cells, "needed": needed})
    return rows


def _strip(facts: Facts) -> list[dict[str, Any]]:
    """The history of states as pieces of a strip that stands beneath the charts' time axis."""
    series = [dyads.gap_series("", facts.rows.gaps)]
    if not series[0].points:
        return []
    frame = frame_of(series, [], 1)
    return [
        {"run": run, "x": round(frame.x(run.start), 1), "width": round(frame.x(run.end) - frame.x(run.start), 1)}
        for run in alarm_words.state_runs(facts.rows.gaps)
    ]


def _smoothed(facts: Facts) -> dict[str, Any] | None:
    """The section of the smoothed gaps, its periods newest first; None where the view has none."""
    if not facts.view.smoothable or not facts.rows.gaps:
        return None
    kept, periods = facts.smoothed, smoothed.periods_of(facts.smoothed, facts.rows.gaps)
    return {
        "why_none": smoothed.why_none(kept, periods),
        "old": smoothed.OLD if facts.smoothed_old else None,
        "age": sheets.age(kept.made_at, datetime.now(UTC)) if kept else None,
        "made_at": kept.made_at if kept else None,
        "periods": periods[: -MOST_LISTED - 1 : -1],
        "coded": facts.coded,
        "in_short": smoothed.IN_SHORT,
        "how": smoothed.HOW_TO_READ,
    }


def _spots(chart: Chart) -> list[list[Any]]:
    """Points for the script: x, y, sentence, address, number of the line."""
    names = list(dict.fromkeys(spot.line for spot in chart.spots))
    return [[s.x, s.y, s.said, s.href, names.index(s.line)] for s in chart.spots]


@router.get("/ui/m/{monitor}/dyads/{a}/{b}")
def dyad_page(request: Request, facts: SeenOrRefused) -> Response:
    """Both balances, the gap with its alarms, criticism, and what stands behind each point."""
    monitor, dyad, view = facts.monitor, facts.dyad, facts.view
    if isinstance(facts, Refused):
        pair = " and ".join(names_of(monitor)[group] for group in (dyad.a, dyad.b))
        return page(
            request,
            "dyad_again.html",
            status=422,
            monitor=monitor,
            dyad=dyad,
            pair=pair,
            view=view,
            days=facts.days,
            said=facts.said,
        )
    with open_session(settings_of(request)) as session:
        sheet: KeptSheet | None = kept_sheet(session, monitor.name, dyad.a, dyad.b)
    gaps = facts.rows.gaps
    charts = charts_of(facts, "../../")
    if not view.smoothed:  # drawing it takes as long as any other chart
        charts.pop("smoothed", None)
    coded = facts.coded
    names = {dyad.a: facts.a, dyad.b: facts.b}
    audit = view.kind == view.audit
    newest = next((gap for gap in reversed(gaps) if gap.state), None)
    stated = view.sources == "all" and (newest is not None or view.series == "current")
    ways = [(facts.a, facts.b, facts.directed[0]), (facts.b, facts.a, facts.directed[1])]
    return page(
        request,
        "dyad.html",
        monitor=monitor,
        dyad=dyad,
        names=names,
        name_a=facts.a,
        name_b=facts.b,
        view=view,
        kind=view.kind,
        kinds=periods_of(monitor),
        audit=audit,
        charts={name: drawn(one.spec, one.title, one.description, name) for name, one in charts.items()},
        spots={name: _spots(one) for name, one in charts.items()},
        events=facts.events,
        state=newest.state if newest else "not enough evidence" if stated else None,
        reasons=newest.flags if newest else ["nothing is measured yet"],
        state_in=dyads.label_of(newest) if newest else None,
        reading=dyads.reading(dyads.latest_with_value(gaps), facts.a, facts.b, coded),
        corrected=dyads.last_corrected(gaps, facts.a, facts.b, coded),
        all_coded=dyads.all_coded,
        band_said=facts.band[1],
        sums=alarm_words.sums_in_words(facts.watched),
        alarms=[alarm_words.shown(one, facts.looks.get(one.id), facts.a, facts.b) for one in reversed(facts.alarms)],
        confirming=[
            alarm_words.confirming(
                one, facts.looks.get(one.id), facts.answers.get(one.queue_id or -1), facts.texts[one.id]
            )
            for one in reversed(facts.open)
        ],
        changes=facts.changes,
        strip=_strip(facts),
        strip_width=WIDTH,
        strip_left=LEFT,
        criticism_said=criticism.what_is_known(ways, bounded=view.bounded),
        criticism_limits=criticism.LIMITS,
        sheet=sheets.shown(sheet) if sheet else None,
        smoothed=_smoothed(facts),
        panels=[(names[group], facts.rows.panels.get(group)) for group in (dyad.a, dyad.b)],
        published=facts.rows.published,
        absent=dyads.absences(names, facts.rows.cells),
        lines=dyads.lines(gaps, facts.rows.cells[dyad.a], facts.rows.cells[dyad.b])[:MOST_LISTED],
        how_made=_how(facts) if view.sources == "all" else {},
        listed=MOST_LISTED,
        periods=len(gaps),
        missing_codings=_missing_codings(facts) if audit and view.sources == "all" else [],
        width=WIDTH_PLANNED,
        full=len(gaps) >= MOST_PERIODS,
        most=MOST_PERIODS,
        late=alarm_words.LATE,
        three=dyads.THREE_SENTENCES,
        how=dyads.HOW_TO_READ,
    )


def _name(facts: Facts, what: str) -> str:
    """What a saved file is called; made of identifiers and period kinds."""
    view = facts.view
    parts = [facts.monitor.name, facts.dyad.id, what, view.kind]
    parts += [part for part, usual in ((view.series, "current"), (view.sources, "all")) if part != usual]
    return "-".join(part for part in parts if part)


def _chart(facts: Facts, chart: str) -> Chart:
    found = charts_of(facts, "").get(chart) if chart in CHARTS else None
    if found is None:
        raise HTTPException(404, "There is no such chart, or nothing is measured yet.")
    return found


def _file(facts: Facts, name: str, chart: Chart) -> str:
    """The drawing that is saved: with title, key, events, monitor and time, since no page stands around it."""
    svg = render(chart.spec, title=chart.title, description=chart.description, page=False, name=name)
    made = f"Riftwatch, monitor “{facts.monitor.title}”, made {datetime.now(UTC):%Y-%m-%d %H:%M} UTC."
    as_of = facts.view.as_of
    if facts.view.series == "vintage":
        made += f" As it stood on {as_of.isoformat()}." if as_of else " Figures as they were first published."
    key = SMOOTHED_KEY if name == "smoothed" else KEY
    return with_words(svg, title=chart.title, key=key, foot=[*event_lines(chart.events), made, ONLY_THESE])


@router.get("/ui/m/{monitor}/dyads/{a}/{b}/{chart}.svg")
def dyad_chart(facts: Seen, chart: str) -> Response:
    """One chart as a drawing."""
    found = _chart(facts, chart)
    return download(_file(facts, chart, found), "image/svg+xml", f"{_name(facts, chart)}.svg")


@router.get("/ui/m/{monitor}/dyads/{a}/{b}/{chart}.png")
def dyad_picture(facts: Seen, chart: str, scale: Annotated[float, Query(ge=0.5, le=4)] = 2) -> Response:
    """One chart as a picture of 1080 times ``scale`` pixels' width."""
    found = _chart(facts, chart)
    png = as_png(_file(facts, chart, found), scale=scale)
    return download(png, "image/png", f"{_name(facts, chart)}.png")


POINT_COLUMNS = ("period", "start", "end", "gap", "gap_low", "gap_high", "gap_estimator", "gap_missing", "state")
SIDE_COLUMNS = ("balance", "low", "high", "estimator", "missing", "texts", "clusters", "sources", "codings", "flags")


@router.get("/ui/m/{monitor}/dyads/{a}/{b}/points.csv")
def dyad_points(facts: Seen) -> Response:
    """The data of the charts of balances and gap, one line a period."""
    dyad, cells = facts.dyad, facts.rows.cells
    vintage = facts.view.series == "vintage"
    columns = [*POINT_COLUMNS, *(f"{side}_{c}" for side in (dyad.a, dyad.b) for c in SIDE_COLUMNS)]
    columns += ["published"] if vintage else []
    rows = []
    for line in reversed(dyads.lines(facts.rows.gaps, cells[dyad.a], cells[dyad.b])):
        gap = line.gap
        of_gap = [gap.gap, gap.low, gap.high, gap.estimator, gap.missing, gap.state] if gap else [None] * 6
        sides = [getattr(row, c) if row else None for row in (line.a, line.b) for c in SIDE_COLUMNS]
        published = [facts.rows.published.get(line.start)] if vintage else []
        rows.append([line.label, line.start, line.end, *of_gap, *sides, *published])
    return download(csv_file(columns, rows), "text/csv; charset=utf-8", f"{_name(facts, '')}.csv")


SMOOTHED_COLUMNS = ("period", "start", "end", "smoothed", "low", "high", "why", "corrected_gap", "gap_low", "gap_high")


@router.get("/ui/m/{monitor}/dyads/{a}/{b}/smoothed.csv")
def dyad_smoothed(facts: Seen) -> Response:
    """The data of the chart of smoothed gaps, one line a period. Such a value is for the eye, and no figure."""
    if facts.smoothed is None:
        raise HTTPException(404, "No smoothed gaps are made of this view.")
    rows = []
    for one in smoothed.periods_of(facts.smoothed, facts.rows.gaps):
        bounds = (one.gap.low, one.gap.high) if one.corrected is not None else (None, None)
        days = (one.label, one.gap.start, one.gap.end)
        rows.append([*days, one.value, one.low, one.high, one.why, one.corrected, *bounds])
    return download(csv_file(SMOOTHED_COLUMNS, rows), "text/csv; charset=utf-8", f"{_name(facts, 'smoothed')}.csv")


DIRECTED_COLUMNS = (
    *("start", "end", "clusters", "named", "audited", "coded", "late", "hostile"),
    *("estimator", "rate", "low", "high", "why"),
)


@router.get("/ui/m/{monitor}/dyads/{a}/{b}/criticism.csv")
def dyad_criticism(facts: Seen) -> Response:
    """The data of the chart of criticism, one line a direction and period. kind: week, month, quarter or year."""
    columns = ["a", "b", "kind", "period", *DIRECTED_COLUMNS]
    rows = [
        [row.a, row.b, row.period, dyads.label_of(row), *(getattr(row, c) for c in DIRECTED_COLUMNS)]
        for own in facts.directed
        for row in own
    ]
    return download(csv_file(columns, rows), "text/csv; charset=utf-8", f"{_name(facts, 'criticism')}.csv")


@router.get("/ui/m/{monitor}/dyads/{a}/{b}/explain")
def dyad_explained(
    request: Request,
    monitor: str,
    a: str,
    b: str,
    period: str,
    subject: str = "gap",
    as_of: AskedDay = None,
    at: AskedMoment = None,
) -> Response:
    """How one published figure was made: formula, texts, codings, model, versions; and whether it can be made again."""
    from pipeline.review.explained import explained

    watched_by = monitor_of(request, monitor)
    dyad = dyad_of(watched_by, a, b)
    with open_session(settings_of(request)) as session:
        found = explained(
            session,
            watched_by,
            dyad,
            period,
            subject,
            as_of,
            at=at,
            most=MOST_EXPLAINED,
            verified=MOST_VERIFIED,
            reader=reader_of(request),
        )
        when = {"at": moment_of(at)} if at else {"as_of": as_of.isoformat()} if as_of else {}
        return page(
            request,
            "dyad_explain.html",
            monitor=watched_by,
            dyad=dyad,
            names={g.id: g.name for g in watched_by.groups},
            label=span_of(period).label,
            asked=urlencode({"period": period, "subject": subject} | when),
            subject=subject,
            found=found,
            most=MOST_EXPLAINED,
            view=View(span_of(period).kind, watched_by.audit_period),
        )
