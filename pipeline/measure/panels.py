"""The fixed-panel series of every group: the sources that are always there, each with a weight that never changes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np

from pipeline.measure.composition import CompositionError, Point, difference, panel_of_sums
from pipeline.monitor import Period
from pipeline.monitor.periods import Span, period_of, periods_covering
from pipeline.store.kept import SourceDay

Row = dict[str, Any]
NOT_FINISHED = "the period is not finished: a source that has not written yet is none that is silent"


def _sums(days: Sequence[SourceDay], spans: Sequence[Span]) -> tuple[list[str], Any, Any]:
    """Names of the sources, their texts and the sums of their balances, arrays of shape (sources, periods)."""
    names = sorted({one.source for one in days})
    row = {name: i for i, name in enumerate(names)}
    column = {span.start: i for i, span in enumerate(spans)}
    number, total = np.zeros((len(names), len(spans))), np.zeros((len(names), len(spans)))
    kind = spans[0].kind
    for one in days:
        at = row[one.source], column[period_of(kind, one.day).start]
        number[at] += one.texts
        total[at] += one.total
    return names, number, total


def panel_row(group: str, days: Sequence[SourceDay], kind: Period, missing: Mapping[date, str], today: date) -> Row:
    """The panel of one group and period kind as a row of the store. Pure.

    days: the group's framed texts by source and day. missing: first day of a period -> why it has no text. A source is
    in the panel if it has a text in every finished period in which the group has any; see
    :func:`pipeline.measure.composition.fixed_panel`.
    """
    first, last = min(one.day for one in days), max(one.day for one in days)
    spans = periods_covering(kind, first, last)
    names, number, total = _sums(days, spans)
    finished = [i for i, span in enumerate(spans) if span.end <= today]
    reasons = {i: missing[span.start] for i, span in enumerate(spans) if span.start in missing}
    try:
        made = panel_of_sums(names, number, total, finished, reasons)
    except CompositionError:
        why = "no period is finished yet"
        points: list[Any] = [[span.start.isoformat(), None, 0, why] for span in spans]
        return {"group_id": group, "period": kind, "points": points, "weights": {}, "left_out": {}}
    points = []
    for i, (span, point) in enumerate(zip(spans, made.points, strict=True)):
        said = NOT_FINISHED if point.value is None and i not in finished else point.missing
        points.append([span.start.isoformat(), point.value, point.texts, said])
    return {
        "group_id": group,
        "period": kind,
        "points": points,
        "weights": dict(made.weights),
        "left_out": dict(made.left_out),
    }


def panel_rows(
    days: Iterable[SourceDay],
    kinds: Sequence[Period],
    missing: Mapping[tuple[str, str, date], str],
    today: date,
) -> list[Row]:
    """The panels of every group that has framed texts. missing: (group, period kind, first day) -> why it has none."""
    by_group: dict[str, list[SourceDay]] = {}
    for one in days:
        by_group.setdefault(one.group, []).append(one)
    return [
        panel_row(
            group, own, kind, {start: why for (g, k, start), why in missing.items() if (g, k) == (group, kind)}, today
        )
        for group, own in sorted(by_group.items())
        for kind in kinds
    ]


def panel_gap(
    a: Sequence[Sequence[Any]], b: Sequence[Sequence[Any]], names: tuple[str, str] = ("A", "B")
) -> dict[date, Point]:
    """First day -> the gap of two groups' panels, as :func:`panel_row` keeps their points.

    Null where either is null, and says which by ``names``.
    """
    sides = [
        {date.fromisoformat(start): Point(value, texts, why) for start, value, texts, why in points}
        for points in (a, b)
    ]
    made = {}
    for start in sorted(sides[0].keys() & sides[1].keys()):
        both = [side[start] for side in sides]
        why = [f"{name}: {point.missing}" for name, point in zip(names, both, strict=True) if point.value is None]
        made[start] = replace(difference(both[:1], both[1:])[0], missing="; ".join(why) or None)
    return made
