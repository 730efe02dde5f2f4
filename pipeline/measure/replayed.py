"""What the alarms would have said at the time, from a replay that `riftwatch replay` has made.

As of a week everything is of the past: the model knows codings of texts dated before its stretch began, it scores the
texts of all weeks so far, the reference is the first 52 usable weeks, lam and the autocorrelation are of what was
dated earlier. One model scores reference and present, so a new model makes no step. The procedure is that of every
measurement, :func:`pipeline.measure.watching.watch_dyads`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby, pairwise

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from classifiers.codebook import codebook_of
from pipeline.measure.alarm.cusum import Path
from pipeline.measure.backtest import Interval, merged
from pipeline.measure.backtest import Watched as Observed
from pipeline.measure.balance import Floats, moments
from pipeline.measure.cells import Coded, borrow_each, codings_by_cluster
from pipeline.measure.judging import unit_of
from pipeline.measure.series import GroupSeries
from pipeline.measure.watching import DyadKey, watch_dyads
from pipeline.monitor import Monitor, Period
from pipeline.monitor.periods import Span, period_of, periods_covering
from pipeline.store.cells import VARIABLE, places, random_codings
from pipeline.store.replays import cells_of, first_cell, stretches_of, unpack_coded
from pipeline.store.tables import ReplayStretch

RUN = "run `riftwatch replay`"


class NoReplayError(ValueError):
    """There is no replay that could be looked at; says why and what to do."""


@dataclass(frozen=True)
class Stretch:
    """Periods that one model watches, and what it says of all periods up to the last of them."""

    first: int
    """index of the first period it watches"""
    end: int
    """index after the last"""
    groups: Mapping[str, GroupSeries]
    """arrays of shape (end,)"""
    lam: float | None
    """how far codings of texts dated before ``first`` trust the model; None: there are none"""


@dataclass(frozen=True)
class Replayed:
    """The alarms of a replay, and what they were raised with."""

    dyads: list[Observed]
    """those that could have had an alarm at some time"""
    unwatched: list[str]
    """dyads that never could, and why"""
    made_with: str
    """one sentence: how many models, of how many codings"""
    basis: list[str]
    """each model, its time and codings, and each time without one; then each dyad, when it was watched, its alarms"""


@dataclass
class _Watch:
    """A dyad while time goes on."""

    weeks: list[int] = field(default_factory=list)
    """indices of the periods in which an alarm could have come"""
    alarms: list[int] = field(default_factory=list)
    belated: list[int] = field(default_factory=list)
    """of them those that a new model shows, of an earlier period in which the model of the time had seen none"""
    in_alarm: dict[int, bool] = field(default_factory=lambda: {1: False, -1: False})
    """side -> whether it was in alarm in the last period that was watched"""
    why_not: str | None = None


def in_alarm(path: Path, side: int) -> NDArray[np.bool_]:
    """Whether an alarm of this side is open at the end of each period, shape (T,).

    What comes later changes nothing of it, so the path of a longer series says the same of the same period.
    """
    is_open = np.zeros(len(path.z), dtype=bool)
    for alarm in path.alarms:
        if alarm.side == side:
            is_open[alarm.at : alarm.closed] = True
    return is_open


def watch_as_of(
    unit: Period, spans: Sequence[Span], stretches: Sequence[Stretch], dyads: Sequence[DyadKey]
) -> dict[DyadKey, _Watch]:
    """Watch every dyad through all stretches, in order, knowing at each period only what was known then. Pure.

    An alarm is counted at the first period as of which it is open and, as of the last period watched before, was not;
    each side by itself. So one that goes on under the next model is the same; one that a model takes back and a later
    one shows again is counted twice, for whoever watched was alarmed twice.
    """
    found = {dyad: _Watch() for dyad in dyads}
    for stretch in stretches:
        for first, end in _parts(unit, spans, stretch, dyads):
            groups = _until(stretch.groups, end)
            for dyad, one in watch_dyads(unit, spans[:end], groups, dyads, lam=stretch.lam).items():
                kept = found[dyad]
                if one.path is None or one.reference is None:
                    kept.why_not = one.impossible or "its reference is not complete at the end of the replay"
                    continue
                sides = {side: in_alarm(one.path, side) for side in (1, -1)}
                for i in range(max(first, one.reference.last + 1), end):
                    kept.weeks.append(i)
                    fresh = [side for side, is_open in sides.items() if is_open[i] and not kept.in_alarm[side]]
                    if fresh:
                        kept.alarms.append(i)
                        if not any(alarm.at == i and alarm.side in fresh for alarm in one.path.alarms):
                            kept.belated.append(i)
                    kept.in_alarm = {side: bool(is_open[i]) for side, is_open in sides.items()}
    return found


def _until(groups: Mapping[str, GroupSeries], end: int) -> dict[str, GroupSeries]:
    return {name: GroupSeries(g.texts[:end], g.mean[:end], g.variance[:end]) for name, g in groups.items()}


def _parts(unit: Period, spans: Sequence[Span], stretch: Stretch, dyads: Sequence[DyadKey]) -> list[tuple[int, int]]:
    """The stretch in parts within which no reference is completed: as of any period of one, the same references
    tell the autocorrelation, and so the threshold is the same."""
    watched = watch_dyads(unit, spans[: stretch.end], _until(stretch.groups, stretch.end), dyads, lam=stretch.lam)
    completed = {one.reference.last for one in watched.values() if one.reference is not None}
    edges = {stretch.first, stretch.end, *(i for i in completed if stretch.first < i < stretch.end)}
    return list(pairwise(sorted(edges)))


def lam_of(
    coded: Mapping[int, Coded], balances: Mapping[int, float], where: Mapping[int, tuple[str, Span]]
) -> float | None:
    """The median of what the audit cells lend each other, as a measurement takes it; None where nothing is lent. Pure.

    coded: cluster -> what coders said. balances: cluster -> what the model says. where: cluster -> its audit cell.
    """
    cells: dict[tuple[str, Span], list[int]] = {}
    for cluster in sorted(coded.keys() & balances.keys() & where.keys()):
        cells.setdefault(where[cluster], []).append(cluster)
    own = []
    for key in sorted(cells):
        f: Floats = np.array([balances[cluster] for cluster in cells[key]], dtype=float)
        y: Floats = np.array([coded[cluster].y for cluster in cells[key]], dtype=float)
        own.append(moments(f, y))
    lams = [lent.lam for lent in borrow_each(own) if lent.freedom]
    return float(np.median(lams)) if lams else None


def _lam(session: Session, monitor: Monitor, row: ReplayStretch) -> float | None:
    """lam as of the first day of a stretch: of codings of texts dated before it, and of what its model says of them."""
    if row.coded is None:
        return None
    codings = random_codings(session, monitor.name, before=row.start)
    coded, _ = codings_by_cluster(codings, codebook_of(VARIABLE).balances)
    groups = {group.id for group in monitor.groups}
    where = {
        cluster: (group, period_of(monitor.audit_period, day))
        for cluster, (group, day) in places(session, monitor.name, list(coded)).items()
        if group in groups and day < row.start
    }
    return lam_of(coded, unpack_coded(row.coded), where)


def _series(
    session: Session, row: ReplayStretch, groups: Sequence[str], spans: Sequence[Span]
) -> dict[str, GroupSeries]:
    place = {span.start: i for i, span in enumerate(spans)}
    made = {
        group: GroupSeries(np.zeros(len(spans)), np.full(len(spans), np.nan), np.full(len(spans), np.nan))
        for group in groups
    }
    for group, start, texts, mean, variance in cells_of(session, row):
        if group in made and start in place:
            one, i = made[group], place[start]
            one.texts[i], one.mean[i] = texts, mean
            one.variance[i] = np.nan if variance is None else variance
    return made


def _checked(session: Session, monitor: Monitor, kinds: Sequence[Period]) -> tuple[Period, list[ReplayStretch]]:
    """The unit and the stretches of a replay that is whole. Raises NoReplayError."""
    unit, rows = unit_of(kinds), stretches_of(session, monitor.name)
    if unit is None:
        raise NoReplayError(f"{monitor.name} has neither weeks nor months; add one to its periods")
    if not rows:
        raise NoReplayError(f"no replay of {monitor.name} is made; {RUN} first")
    if missing := sum(row.made_at is None for row in rows):
        raise NoReplayError(f"{missing} of {len(rows)} stretches of the replay are still to be made; {RUN} again")
    if other := {row.period for row in rows} - {unit}:
        raise NoReplayError(f"the replay is of {other.pop()}s, and alarms run on {unit}s now; {RUN} again")
    return unit, rows


def replayed(session: Session, monitor: Monitor, kinds: Sequence[Period]) -> Replayed:
    """The alarms of a monitor's dyads as they would have been raised, each on the last day of its week or month.

    Raises NoReplayError where there is no replay, one that is not finished, or one of which no time has a model.
    """
    unit, rows = _checked(session, monitor, kinds)
    basis = _basis_lines(rows)
    if all(row.model is None for row in rows):
        raise NoReplayError(f"no time of {monitor.name} can be replayed: {'; '.join(basis)}")
    dyads = [(dyad.a, dyad.b) for dyad in monitor.dyads]
    # the first cell can be later than the first stretch: the model of one may know no word of any of its texts
    first = min(first_cell(session, monitor.name) or rows[0].start, rows[0].start)
    spans = periods_covering(unit, first, rows[-1].end - timedelta(days=1))
    index = {span.start: i for i, span in enumerate(spans)} | {spans[-1].end: len(spans)}
    groups = sorted({side for dyad in dyads for side in dyad})
    stretches = [
        Stretch(
            index[row.start],
            index[row.end],
            _series(session, row, groups, spans[: index[row.end]]),
            _lam(session, monitor, row),
        )
        for row in rows
        if row.model is not None
    ]
    found = watch_as_of(unit, spans, stretches, dyads)
    watched = [_observed(dyad, one, spans) for dyad, one in found.items() if one.weeks]
    lines = [_dyad_line(dyad, one, spans) for dyad, one in found.items() if one.weeks]
    unwatched = [f"{a}--{b}: not watched, {one.why_not}" for (a, b), one in found.items() if not one.weeks]
    return Replayed(watched, unwatched, _made_with(rows, list(found.values())), [*basis, *lines, *unwatched])


def _observed(dyad: DyadKey, one: _Watch, spans: Sequence[Span]) -> Observed:
    day = timedelta(days=1)
    intervals: list[Interval] = [(spans[i].start, spans[i].end - day) for i in one.weeks]
    return Observed(*dyad, tuple(merged(intervals)), tuple(spans[i].end - day for i in one.alarms))


def _dyad_line(dyad: DyadKey, one: _Watch, spans: Sequence[Span]) -> str:
    seen = _observed(dyad, one, spans)
    times = ", ".join(f"{first} to {last}" for first, last in seen.observed)
    days = [
        f"{day} (by a new model, of earlier {spans[i].kind}s)" if i in one.belated else str(day)
        for i, day in zip(one.alarms, seen.alarms, strict=True)
    ]
    return f"{dyad[0]}--{dyad[1]}: watched {times}; alarms: {', '.join(days) or 'none'}"


def _made_with(rows: Sequence[ReplayStretch], watches: Sequence[_Watch]) -> str:
    with_model = [row for row in rows if row.model is not None]
    models = {row.model: row.codings for row in with_model}
    counts = sorted(models.values())
    of = f"{counts[0]}" if counts[0] == counts[-1] else f"{counts[0]} to {counts[-1]}"
    said = f"{len(models)} model{'s' * (len(models) > 1)}, each of the codings of texts dated before its time ({of})"
    if without := len(rows) - len(with_model):
        said += f"; {without} of {len(rows)} stretches have none and are not watched"
    made = max(row.made_at for row in rows if row.made_at is not None)
    said += f"; made on {made:%Y-%m-%d}."
    if belated := sum(len(one.belated) for one in watches):
        alarms = sum(len(one.alarms) for one in watches)
        said += f" {belated} of {alarms} alarms came with a new model: their rate is above that of the threshold."
    return said


def _basis_lines(rows: Sequence[ReplayStretch]) -> list[str]:
    """A line for each model and each time without one; neighbours that have the same stand together."""
    lines = []
    for _, same in groupby(rows, key=lambda row: (row.model, row.missing)):
        of = list(same)
        time = f"{of[0].start} to {of[-1].end - timedelta(days=1)}"
        if of[0].model is None:
            lines.append(f"{time}: no replay, {of[0].missing}")
        else:
            lines.append(f"{time}: {of[0].model}, {of[0].codings} codings of {of[0].texts} texts")
    return lines
