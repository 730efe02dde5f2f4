"""Watching the dyads of a monitor: series, reference, threshold and alarms of each, all from the model alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from pipeline.measure.alarm.cusum import Path, watch
from pipeline.measure.alarm.reference import Reference, pooled_autocorrelation, reference, standardise
from pipeline.measure.alarm.thresholds import threshold
from pipeline.measure.balance import Floats
from pipeline.measure.series import DyadSeries, GroupSeries, dyad_series
from pipeline.measure.state import USABLE_NEEDED
from pipeline.monitor import Period
from pipeline.monitor.periods import Span

DyadKey = tuple[str, str]
WIDEST = 2
"""A reference that is spread over more than so many times its length is none: a text a year is no weekly series."""
NOTHING_EXPLAINED = "the model's balance does not go with the coders' at all, so it can raise no alarm"


@dataclass(frozen=True)
class Watched:
    """A dyad as the alarm sees it."""

    series: DyadSeries | None
    reference: Reference | None
    path: Path | None
    start: int = 0
    """the period from which on a reference is looked for"""
    length: int | None = None
    """how many usable periods its reference takes; null: nothing was looked for"""
    threshold: float | None = None
    autocorrelation: float | None = None
    """that the threshold allows for"""
    impossible: str | None = None
    """why no alarm can be computed although there is a reference"""

    def usable_before(self, i: int) -> int:
        """How many usable periods of the reference lie before period ``i``."""
        if self.series is None:
            return 0
        first = self.reference.first if self.reference is not None else self.start
        last = self.reference.last + 1 if self.reference is not None else i
        return int(self.series.usable[first : min(i, last)].sum())


def _within_reference(series: DyadSeries, found: Reference) -> Floats:
    """z of the reference's periods, NaN elsewhere: the same entry is the same period in every dyad."""
    inside = np.zeros(len(series.m), dtype=bool)
    inside[found.first : found.last + 1] = True
    return np.where(inside, standardise(series.m, series.v, found), np.nan)


def watch_dyads(
    unit: Period,
    spans: Sequence[Span],
    groups: Mapping[str, GroupSeries],
    dyads: Sequence[DyadKey],
    *,
    lam: float | None,
    starts: Mapping[DyadKey, date] | None = None,
    lengths: Mapping[DyadKey, int] | None = None,
) -> dict[DyadKey, Watched]:
    """Alarms of every dyad. Pure: the same numbers give the same alarms.

    unit: week or month. spans: the finished periods. lam: how far the codings trust the model; None: nothing is coded
    yet, and it counts as it is (the alarm does not depend on lam, only its scale does). starts: dyad -> first day of
    its reference, where a person moved it; else the first usable period. lengths: dyad -> usable periods its reference
    takes, where a person chose; else as many as usual.

    The autocorrelation is pooled over all dyads of the monitor, since one reference is too short to tell.
    """
    trust = 1.0 if lam is None else lam
    if trust <= 0:
        return {dyad: Watched(None, None, None, impossible=NOTHING_EXPLAINED) for dyad in dyads}
    made = {
        (a, b): with_reference(
            unit,
            spans,
            groups[a],
            groups[b],
            lam=trust,
            start=(starts or {}).get((a, b)),
            length=(lengths or {}).get((a, b), USABLE_NEEDED[unit]),
        )
        for a, b in dyads
    }
    residuals = [
        _within_reference(w.series, w.reference)
        for w in made.values()
        if w.series is not None and w.reference is not None and w.impossible is None
    ]
    if not residuals:
        return made
    try:
        autocorrelation = pooled_autocorrelation(residuals)
    except ValueError as error:
        return {dyad: w if w.impossible else replace(w, impossible=str(error)) for dyad, w in made.items()}
    return {dyad: with_path(one, autocorrelation) for dyad, one in made.items()}


def with_reference(
    unit: Period, spans: Sequence[Span], a: GroupSeries, b: GroupSeries, *, lam: float, start: date | None, length: int
) -> Watched:
    """The series of one dyad and its reference, if it has one. Pure.

    lam: above 0. start: first day of its reference; None: the first usable period. length: usable periods it takes.
    """
    first = next((i for i, span in enumerate(spans) if start is None or span.end > start), len(spans))
    series = None
    try:
        series = dyad_series(a, b, spans, lam=lam, length=length, start=first)
        found = reference(series.m, series.v, length=length, start=first)
    except ValueError as error:
        return Watched(series, None, None, first, length, impossible=str(error))
    if found is not None and (spread := found.last - found.first + 1) > WIDEST * length:
        why = f"its reference, {length} usable {unit}s, is spread over {spread}: most {unit}s have no text of both"
        return Watched(series, found, None, first, length, impossible=why)
    return Watched(series, found, None, first, length)


def with_path(one: Watched, autocorrelation: float) -> Watched:
    """A dyad with the sums of its alarm, where it has a reference and they can be computed. Pure.

    autocorrelation: that the threshold allows for.
    """
    if one.series is None or one.reference is None or one.impossible is not None:
        return one
    try:
        h = threshold(one.reference.used, autocorrelation)
    except ValueError as error:
        return replace(one, autocorrelation=autocorrelation, impossible=str(error))
    path = watch(one.series.m, one.series.v, one.reference, h)
    return replace(one, path=path, threshold=h, autocorrelation=autocorrelation)
