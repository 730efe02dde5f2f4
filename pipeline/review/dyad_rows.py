"""The rows a view of a dyad shows: as measured now, as published, or of the fixed panel; in one shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from pipeline.monitor import Dyad, Monitor
from pipeline.review.alarm_words import LATE
from pipeline.review.dyad_view import View
from pipeline.store.dyads import Vintage, cells_in, gaps_in, published_in
from pipeline.store.kept import panels_of
from pipeline.store.tables import GapCell, KeptPanel, TrendCell

_OF_TREND = {column.name for column in TrendCell.__table__.columns}
_OF_GAP = {column.name for column in GapCell.__table__.columns}


@dataclass(frozen=True)
class Rows:
    """What stands behind a view. Rows that were never in the tables are made of what was published or kept."""

    gaps: list[GapCell]
    """oldest first"""
    cells: dict[str, list[TrendCell]]
    published: Mapping[date, datetime] = field(default_factory=dict)
    """of the vintage series: first day -> when its gap was published"""
    of_groups: Mapping[str, Mapping[date, datetime]] = field(default_factory=dict)
    """of the vintage series: group -> first day -> when its balance was published"""
    panels: Mapping[str, KeptPanel] = field(default_factory=dict)
    """of the fixed panel: group -> who is in it"""


def _cell(monitor: str, group: str, kind: str, one: Vintage) -> TrendCell:
    figures = {name: value for name, value in one.figures.items() if name in _OF_TREND}
    named = {"monitor": monitor, "group_id": group, "period": kind, "start": one.start, "end": one.end}
    return TrendCell(**figures | named)


def _gap(monitor: str, dyad: Dyad, kind: str, one: Vintage) -> GapCell:
    figures = {name: value for name, value in one.figures.items() if name in _OF_GAP}
    named = {"monitor": monitor, "a": dyad.a, "b": dyad.b, "period": kind, "start": one.start, "end": one.end}
    return GapCell(**figures | named)


def _published(session: Session, monitor: Monitor, dyad: Dyad, view: View) -> Rows:
    def of(kind: str, subject: str) -> list[Vintage]:
        found = published_in(session, monitor.name, kind, subject, view.stretch, as_of=view.as_of)
        return [_in_time(one, view) for one in found]

    gaps = of("gap", f"{dyad.a}--{dyad.b}")
    sides = {group: of("trend", group) for group in (dyad.a, dyad.b)}
    cells = {group: [_cell(monitor.name, group, view.kind, one) for one in own] for group, own in sides.items()}
    made = [_gap(monitor.name, dyad, view.kind, one) for one in gaps]
    moments = {group: {one.start: one.as_of for one in own} for group, own in sides.items()}
    return Rows(made, cells, published={one.start: one.as_of for one in gaps}, of_groups=moments)


def _in_time(one: Vintage, view: View) -> Vintage:
    """The figure, or that there is none: one that was computed long after its period is hindsight, no vintage.

    Only where every figure is asked for as it was published first. As it stood on a day, it did stand so.
    """
    late = (one.as_of.date() - one.end).days
    if view.as_of is not None or late <= LATE:
        return one
    missing = (
        f"first published on {one.as_of:%Y-%m-%d}, {late} days after its end: no reader saw a figure in its time. "
        "`riftwatch replay` computes what the model of that time would have said, `riftwatch backtest --replay` "
        "its alarms"
    )
    return replace(
        one, figures={"missing": missing, "texts": 0, "clusters": 0, "sources": 0, "codings": 0, "flags": []}
    )


_NO_PANEL = "the panel of this period is not made yet; the DAG sheets makes it, by hand `riftwatch sheet A B --keep`"


def _panel_cell(cell: TrendCell, point: Sequence[Any] | None) -> TrendCell:
    """A cell whose balance is the panel's: the model alone, of the panel's texts."""
    _, value, texts, why = point or (None, None, 0, cell.missing or _NO_PANEL)
    return TrendCell(
        monitor=cell.monitor, group_id=cell.group_id, period=cell.period, start=cell.start, end=cell.end,
        texts=texts, clusters=texts, sources=cell.sources, codings=0, late=0, balance=value, model_balance=value,
        estimator=None if value is None else "uncorrected", missing=why if value is None else None, flags=[],
    )  # fmt: skip


def _panel(session: Session, monitor: Monitor, dyad: Dyad, view: View) -> Rows:
    from pipeline.measure.panels import panel_gap

    current = _current(session, monitor, dyad, view)
    panels = panels_of(session, monitor.name, [dyad.a, dyad.b], view.kind)
    points = {group: panel.points for group, panel in panels.items()}
    by_start = {group: {one[0]: one for one in own} for group, own in points.items()}
    cells = {
        group: [_panel_cell(cell, by_start.get(group, {}).get(cell.start.isoformat())) for cell in own]
        for group, own in current.cells.items()
    }
    for group, own in cells.items():
        for cell in own:
            cell.sources = len(panels[group].weights) if group in panels else 0
    of_both = panel_gap(points.get(dyad.a, []), points.get(dyad.b, []), (dyad.a, dyad.b))
    gaps = []
    for gap in current.gaps:
        point = of_both.get(gap.start)
        known = point is not None and point.value is not None
        gaps.append(
            GapCell(
                monitor=gap.monitor,
                a=gap.a,
                b=gap.b,
                period=gap.period,
                start=gap.start,
                end=gap.end,
                gap=point.value if point else None,
                estimator="uncorrected" if known else None,
                missing=point.missing if point else _NO_PANEL,
                flags=[],  # state and its reasons are of all sources
            )
        )
    return Rows(gaps, cells, panels=panels)


def _current(session: Session, monitor: Monitor, dyad: Dyad, view: View) -> Rows:
    gaps = gaps_in(session, monitor.name, dyad.a, dyad.b, view.stretch)
    return Rows(gaps, cells_in(session, monitor.name, [dyad.a, dyad.b], view.stretch))


def rows_of(session: Session, monitor: Monitor, dyad: Dyad, view: View) -> Rows:
    """The rows of a view: at most 600 periods of one kind."""
    if view.series == "vintage":
        return _published(session, monitor, dyad, view)
    return (_panel if view.sources == "panel" else _current)(session, monitor, dyad, view)
