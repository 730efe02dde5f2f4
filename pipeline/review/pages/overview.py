"""The overview: every monitor, its dyads as cards."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from pipeline.monitor import Dyad, Monitor
from pipeline.review import dyads
from pipeline.review.asked import (
    names_of,
    settings_of,
)
from pipeline.review.charts import drawn, sparkline_spec
from pipeline.review.html import page
from pipeline.review.monitors import watched
from pipeline.store.pages import latest_cells, latest_gaps
from pipeline.store.runs import last_runs
from pipeline.store.session import open_session

router = APIRouter()

RUNS_SHOWN = 6
SPARK_PERIODS = 24


def _card(session: Any, monitor: Monitor, dyad: Dyad, position: str) -> dict[str, Any]:
    kind = monitor.audit_period
    names = names_of(monitor)
    a, b = names[dyad.a], names[dyad.b]
    gaps = latest_gaps(session, monitor.name, dyad.a, dyad.b, kind, SPARK_PERIODS)
    newest = gaps[-1] if gaps else None
    known = dyads.latest_with_value(gaps)
    cells = latest_cells(session, monitor.name, [dyad.a, dyad.b], kind, 2 * SPARK_PERIODS, known.start) if known else {}
    first = {group: rows[0] if rows else None for group, rows in cells.items()}
    spark = None
    if known:
        series = dyads.gap_series(f"Gap of {a} and {b}", gaps)
        spark = drawn(sparkline_spec(series), series.name, dyads.reading(known, a, b), f"spark-{position}")
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
    settings = settings_of(request)
    known = watched(settings)
    shown = []
    with open_session(settings) as session:
        for number, monitor in enumerate(known.monitors):
            cards = [_card(session, monitor, d, f"{number}-{i}") for i, d in enumerate(monitor.dyads)]
            runs = last_runs(session, monitor.name, limit=RUNS_SHOWN)
            shown.append({"monitor": monitor, "cards": cards, "runs": runs})
    return page(request, "overview.html", shown=shown, problems=known.problems, monitor=None)
