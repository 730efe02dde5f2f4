"""All that the dyad page and its API know of one view: read in a fixed number of questions, then charts made of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from pipeline.monitor import Dyad, Event, Monitor
from pipeline.review import alarm_words, criticism, dyads, smoothed
from pipeline.review.asked import names_of
from pipeline.review.charts import AlarmMark, Band, Chart, frame_of, in_sight, series_spec, share_extent, spots
from pipeline.review.dyad_rows import Rows, rows_of
from pipeline.review.dyad_view import MOST_PERIODS, View
from pipeline.store.directed import DirectedCell, directed_cells
from pipeline.store.dyads import (
    Answers,
    Stretch,
    answers_of,
    changes_of,
    framed_in,
    gaps_in,
    model_gaps_in,
    newest_alarms,
)
from pipeline.store.kept import smoothed_of
from pipeline.store.tables import AlarmLook, GapCell, KeptSmoothed, RaisedAlarm, StateChange, WatchedDyad
from pipeline.store.watched import looks_of, watched_dyad

MOST_ALARMS = 20
MOST_OPEN = 3
"""open alarms of which the confirmation is shown; there is at most one each way under one reference"""
MOST_CHANGES = 20
MOST_DIRECTED = 104
"""periods of directed criticism: of weeks two years"""
MOST_LISTED = 104
"""periods of the table beneath the charts"""
CHARTS = ("balances", "gap", "smoothed", "criticism")


@dataclass(frozen=True)
class Facts:
    """One view of a dyad."""

    monitor: Monitor
    dyad: Dyad
    view: View
    a: str
    """name of the first group"""
    b: str
    rows: Rows
    events: Sequence[tuple[int, Event]]
    watched: WatchedDyad | None
    alarms: Sequence[RaisedAlarm]
    looks: Mapping[int, AlarmLook]
    answers: Mapping[int, Answers]
    """queue -> how far coders are with it"""
    texts: Mapping[int, tuple[int, int, int, int]]
    """open alarm -> framed texts of its four sides"""
    changes: Sequence[StateChange]
    directed: tuple[Sequence[DirectedCell], Sequence[DirectedCell]]
    """what a's texts say of b, and what b's say of a"""
    reference_gaps: alarm_words.ReferenceGaps | None
    """of the view's kind of period; null: the band is the alarm's own, or there is none"""
    smoothed: KeptSmoothed | None
    """null: the view has none, or none are made"""
    smoothed_old: bool
    """a gap of the dyad was measured anew since"""

    @property
    def coded(self) -> frozenset[date]:
        """First days of the periods of which every text of both groups is coded."""
        return dyads.both_all_coded(self.rows.cells[self.dyad.a], self.rows.cells[self.dyad.b])

    @property
    def open(self) -> list[RaisedAlarm]:
        """The newest open alarms."""
        return [one for one in self.alarms if one.closed is None][-MOST_OPEN:]

    @property
    def band(self) -> tuple[Band | None, str | None]:
        """The reference's band and what it is."""
        if self.view.sources == "panel":
            return None, "The reference and its alarms are of all sources, so the panel is drawn without the band."
        if self.view.series == "vintage":
            return None, "The band is of today's model, so the vintage series is drawn without it."
        return alarm_words.band(self.watched, self.reference_gaps, self.view.kind)

    @property
    def marks(self) -> list[AlarmMark]:
        """The alarms that stand in the chart of the gap. Those of today are of all sources and of today's model."""
        if self.view.sources == "panel":
            return []
        if self.view.series == "vintage":
            return alarm_words.marks_then(self.alarms, self.view.as_of, self.a, self.b)
        return alarm_words.marks(self.alarms, self.looks, self.a, self.b)


def _reference_gaps(
    session: Session, monitor: Monitor, dyad: Dyad, view: View, watched: WatchedDyad | None
) -> alarm_words.ReferenceGaps | None:
    """The gaps of the reference's own periods: corrected where all of them are, else the model's alone."""
    if watched is None or watched.period == view.kind or view.series != "current" or view.sources != "all":
        return None
    start, end = watched.reference_start, watched.reference_end
    if start is None or end is None:
        return None
    stretch = Stretch(view.kind, start, end, MOST_PERIODS)
    gaps = [
        one
        for one in gaps_in(session, monitor.name, dyad.a, dyad.b, stretch)
        if one.gap is not None and one.start >= start and one.end <= end
    ]
    if not gaps or all(one.estimator == "corrected" for one in gaps):
        return alarm_words.ReferenceGaps([one.gap for one in gaps if one.gap is not None], corrected=True)
    model = model_gaps_in(session, monitor.name, dyad.a, dyad.b, stretch)
    return alarm_words.ReferenceGaps([model[one.start] for one in gaps if one.start in model], corrected=False)


def facts_of(session: Session, monitor: Monitor, dyad: Dyad, view: View) -> Facts:
    """Read one view. The number of questions does not depend on how much there is."""
    names, key = names_of(monitor), (monitor.name, dyad.a, dyad.b)
    alarms = newest_alarms(session, *key, MOST_ALARMS)
    still_open = [one for one in alarms if one.closed is None][-MOST_OPEN:]
    queues = [one.queue_id for one in still_open if one.queue_id is not None]
    ways = [
        directed_cells(session, monitor.name, one, other, view.kind, MOST_DIRECTED, since=view.since, until=view.until)
        for one, other in ((dyad.a, dyad.b), (dyad.b, dyad.a))
    ]
    watched = watched_dyad(session, *key)
    kept, old = (smoothed_of(session, *key) if view.smoothable else None) or (None, False)
    if kept is not None and kept.period != view.kind:  # the monitor's audit period was another one
        kept, old = None, False
    return Facts(
        monitor=monitor,
        dyad=dyad,
        view=view,
        a=names[dyad.a],
        b=names[dyad.b],
        rows=rows_of(session, monitor, dyad, view),
        events=dyads.events_of(monitor, dyad),
        watched=watched,
        alarms=alarms,
        looks=looks_of(session, [one.id for one in alarms]),
        answers=answers_of(session, queues) if queues else {},
        texts={one.id: framed_in(session, monitor.name, one) for one in still_open},
        changes=changes_of(session, *key, MOST_CHANGES),
        directed=(ways[0], ways[1]),
        reference_gaps=_reference_gaps(session, monitor, dyad, view, watched),
        smoothed=kept,
        smoothed_old=old,
    )


def charts_of(facts: Facts, up: str) -> dict[str, Chart]:
    """Name -> chart; without those of which there is nothing. ``up`` leads from the page to the monitor's pages."""
    a, b, view, marks = facts.a, facts.b, facts.view, dyads.marks(facts.events)
    what = {"current": "", "vintage": ", as published"}[view.series] + {"all": "", "panel": ", fixed panel"}[
        view.sources
    ]
    made = {}
    both = [
        dyads.balance_series("a", a, facts.rows.cells[facts.dyad.a], up),
        dyads.balance_series("b", b, facts.rows.cells[facts.dyad.b], up),
    ]
    if any(one.points for one in both):
        title = f"Balance of {a} and of {b} per {view.kind}{what}"
        axis = "universalist −     balance     + nationalist"
        spec = series_spec(both, marks, title=title, value_title=axis, height=340)
        said = "Two lines with 95% intervals where codings correct them; the table says the same."
        frame = frame_of(both, marks, 340)
        made["balances"] = Chart(spec, title, said, spots(both, frame), in_sight(marks, frame.first, frame.last))
    in_table = {row.start for row in facts.rows.gaps[-MOST_LISTED:]}
    whole = view.query(since=None, until=None)

    def row_of(gap: GapCell) -> str:
        """Its row in the table; of an older period the view that has it."""
        narrow = "" if gap.start in in_table else f"?{whole}&since={gap.start}&until={gap.start}"
        return f"{narrow}#{dyads.anchor_of(gap)}"

    coded = facts.coded
    gap = [dyads.gap_series(f"Gap of {a} and {b}", facts.rows.gaps, leads=row_of, coded=coded)]
    if gap[0].points:
        title = f"Gap: balance of {a} less balance of {b} per {view.kind}{what}"
        band, _ = facts.band
        alarms = facts.marks
        spec = series_spec(gap, marks, title=title, value_title="gap", height=260, band=band, alarms=alarms)
        said = dyads.reading(dyads.latest_with_value(facts.rows.gaps), a, b, coded)
        frame = frame_of(gap, marks, 260, None, band, alarms)
        made["gap"] = Chart(spec, title, said, spots(gap, frame), in_sight(marks, frame.first, frame.last))
    periods = smoothed.periods_of(facts.smoothed, facts.rows.gaps)
    if smoothed.why_none(facts.smoothed, periods) is None:
        title = f"Smoothed gap of {a} and {b} per {view.kind}, for the eye"
        lines = [smoothed.series("Smoothed gap", periods, row_of, coded)]
        spec = series_spec(lines, marks, title=title, value_title="gap", height=260)
        frame = frame_of(lines, marks, 260)
        shown = in_sight(marks, frame.first, frame.last)
        made["smoothed"] = Chart(spec, title, smoothed.IN_SHORT, spots(lines, frame), shown)
    ways = [
        criticism.series("a", a, b, facts.directed[0], up),
        criticism.series("b", b, a, facts.directed[1], up),
    ]
    # where nobody coded anything and nobody named anybody a flat line at zero would look like a finding
    told = [row for own in facts.directed for row in own if row.coded or row.rate]
    if told:
        title = f"Hostile criticism: share of each group's texts that are hostile to the other, per {view.kind}"
        spec = series_spec(ways, marks, title=title, value_title="share of its texts", height=170, shares=True)
        said = criticism.what_is_known([(a, b, facts.directed[0]), (b, a, facts.directed[1])], bounded=view.bounded)
        frame = frame_of(ways, marks, 170, share_extent(ways))
        made["criticism"] = Chart(spec, title, said, spots(ways, frame), in_sight(marks, frame.first, frame.last))
    return made
