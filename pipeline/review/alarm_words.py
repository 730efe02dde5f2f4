"""What the dyad page says of alarms: marks for the chart, figures in words, what a confirmation still needs. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from itertools import pairwise
from typing import Any

from pipeline.monitor import Period
from pipeline.monitor.periods import period_of
from pipeline.review.charts import AlarmMark, Band
from pipeline.review.words import interval, moment, number
from pipeline.store.dyads import Answers
from pipeline.store.tables import AlarmLook, GapCell, RaisedAlarm, WatchedDyad
from pipeline.store.watched import series_of

FALSE_ALARMS = 0.05
"""a dyad and year, at most (docs/alarms.md)"""


def state_of(alarm: RaisedAlarm, look: AlarmLook | None) -> str:
    """The alarm's state in a word or two."""
    if alarm.closed is not None and alarm.closed <= alarm.raised:
        return "taken back"
    if alarm.closed is not None:
        return "closed, was confirmed" if alarm.confirmed_at is not None else "closed, never confirmed"
    stands = stands_now(alarm, look)
    return f"open, {stands}" if stands else "open, codings needed"


def stands_now(alarm: RaisedAlarm, look: AlarmLook | None) -> str | None:
    """What coders say of an open alarm by the newest look; without one by what they said first. None: nothing."""
    if look is not None and look.figures:
        if look.figures.get("holds"):
            return "confirmed"
        return "not confirmed" if alarm.confirmed_at is None else "no longer confirmed"
    return "confirmed" if alarm.confirmed_at is not None else None


def label_of(alarm: RaisedAlarm, day: date) -> str:
    """The name of the alarm's period that holds a day."""
    kind: Period = alarm.period  # type: ignore[assignment]  # the column holds nothing else
    return period_of(kind, day).label


@dataclass(frozen=True)
class AlarmShown:
    """An alarm as the page tells of it."""

    id: int
    state: str
    said: str
    """one sentence: when, over what, which way"""
    closed: str | None
    found_at: datetime
    note: str | None
    """what else a reader has to know"""


def shown(alarm: RaisedAlarm, look: AlarmLook | None, a: str, b: str) -> AlarmShown:
    """An alarm in words."""
    way = f"towards {a} being the more nationalist" if alarm.side > 0 else f"towards {b} being the more nationalist"
    said = (
        f"Raised in {label_of(alarm, alarm.raised)} over the {alarm.period}s from {label_of(alarm, alarm.since)}: the "
        f"model's gap moved {way}."
    )
    if alarm.closed is None and alarm.confirmed_at is not None and stands_now(alarm, look) == "no longer confirmed":
        said += f" It was confirmed on {moment(alarm.confirmed_at)} and holds no more."
    closed = None
    if alarm.closed is not None:
        closed = f"Closed on {alarm.closed.isoformat()}: {alarm.closed_why or 'no reason stored'}."
    late = (alarm.found_at.date() - alarm.end).days
    note = None
    if late > LATE:
        note = f"It was computed on {moment(alarm.found_at)} only: a later look at the past, nobody was warned then."
    return AlarmShown(alarm.id, state_of(alarm, look), said, closed, alarm.found_at, note)


LATE = 60
"""days after its end from which on what is computed of a stretch is no look of its own day"""


def marks_then(alarms: Sequence[RaisedAlarm], as_of: date | None, a: str, b: str) -> list[AlarmMark]:
    """The alarms as marks of a chart of what was published: as they were raised, and nothing that was learnt later.

    as_of: those that were found by the end of this day (UTC); None: those that were found soon after their stretch.
    """
    made = []
    for one in alarms:
        found = one.found_at.date()
        if found <= as_of if as_of is not None else (found - one.end).days <= LATE:
            said = f"Alarm {one.id}, raised on {found.isoformat()}. {shown(one, None, a, b).said}"
            made.append(AlarmMark(one.since, one.end, one.raised, one.raised, f"alarm {one.id}, raised", said))
    return made


def marks(alarms: Sequence[RaisedAlarm], looks: Mapping[int, AlarmLook], a: str, b: str) -> list[AlarmMark]:
    """The alarms as marks of a chart; those that were taken back are none."""
    made = []
    for one in alarms:
        state = state_of(one, looks.get(one.id))
        if state != "taken back":
            said = f"Alarm {one.id}, {state}. {shown(one, looks.get(one.id), a, b).said}"
            made.append(AlarmMark(one.since, one.end, one.raised, one.closed, f"alarm {one.id}, {state}", said))
    return made


@dataclass(frozen=True)
class ReferenceGaps:
    """The gaps of the periods that lie whole in a reference, on one scale."""

    values: Sequence[float]
    corrected: bool
    """all of them corrected; else all of them the model's alone"""


def band(watched: WatchedDyad | None, gaps: ReferenceGaps | None, kind: str) -> tuple[Band | None, str | None]:
    """The reference's band for a chart of this kind of period, and in words what it is; or why there is none.

    gaps: of this kind of period, whatever days the chart shows; not needed for the kind that alarms run on.
    """
    from pipeline.measure.reference_band import LEAST_PERIODS, of_alarm, of_gaps

    if watched is None:
        return None, "No reference yet: nothing is measured."
    if watched.reference_start is None or watched.reference_end is None:
        return None, watched.impossible or "The reference is not complete yet, so nothing is called a change."
    within = f"{watched.reference_start.isoformat()} to {watched.reference_end.isoformat()}"
    if kind == watched.period:
        usual = of_alarm(watched.lam, watched.mean, watched.sigma_u, watched.noise)
        how = f"mean of the model's gap in the reference ({within}), ± one standard deviation of a {kind}"
    else:
        inside = gaps or ReferenceGaps([], corrected=False)
        usual = of_gaps(inside.values)
        if usual is None:
            return None, (
                f"No band: fewer than {LEAST_PERIODS} {kind}s with a gap lie whole in the reference ({within}). Alarms "
                f"run on the {watched.period}."
            )
        scale = "corrected gaps" if inside.corrected else "model's uncorrected gaps"
        periods = f"{len(inside.values)} {kind}s of the reference ({within})"
        how = f"mean and standard deviation of the {scale} of the {periods}"
    if usual is None:
        return None, "The reference has no figures."
    low, high = usual.mean - usual.deviation, usual.mean + usual.deviation
    said = f"Band: {number(usual.mean)} ({number(low)} to {number(high)}), {how}."
    return Band(watched.reference_start, watched.reference_end, usual.mean, low, high, said), said


def sums_in_words(watched: WatchedDyad | None) -> list[str]:
    """C, h and what they mean, as the last measurement left them; or why there is no alarm to speak of."""
    if watched is None:
        return ["Nothing is measured yet, so no alarm can be raised."]
    if watched.impossible:
        return [f"No alarm can be computed: {watched.impossible}."]
    if watched.reference_start is None or watched.threshold is None:
        return ["The reference is not complete yet, so no alarm can be raised."]
    series = series_of(watched)
    label = period_of(watched.period, series.start[-1]).label if series.start else ""  # type: ignore[arg-type]
    up, down = float(series.up[-1]), float(series.down[-1])
    scale = "" if watched.lam in (None, 1.0) else f" The model's gap counts times {watched.lam:.2f}, by the codings."
    return [
        f"In {label}: C+ = {up:.1f}, C− = {down:.1f}; an alarm is raised above h = {watched.threshold:.1f}.",
        f"C adds up how far the {watched.period}s lie outside the reference's usual ups and downs, and forgets quiet "
        f"ones. h is simulated so that a dyad without any change has at most {FALSE_ALARMS:.2f} false alarms a year "
        f"(autocorrelation allowed for: {watched.autocorrelation or 0:.2f}).{scale}",
    ]


@dataclass(frozen=True)
class Confirming:
    """How far the confirmation of an open alarm is."""

    alarm: int
    raised: str
    """the period"""
    drawn: bool
    """its texts are drawn for coders; in which queue is not told"""
    progress: str
    found: str
    """X and its confidence sequence, or why there is none"""
    looked_at: datetime | None
    needed: list[tuple[str, str]]
    """half-width, and how many codings in all it takes"""
    texts: str


WIDTHS = (0.5, 0.4, 0.3, 0.2)
STEP = 10
"""in steps of so many it is told how many texts of an open queue are answered"""


def answered(answers: Answers) -> str:
    """How many drawn texts are answered. Of an open queue in steps: a coder who saw the number go up by one at an
    answer would know that the text was one of the alarm's."""
    done = answers.coded + answers.unclear
    if answers.closed_at is not None:
        unclear = f", {answers.unclear} of them unclear" if answers.unclear else ""
        closed = moment(answers.closed_at)
        return f"{done} of {answers.drawn} drawn texts are answered{unclear}. The queue was closed on {closed}."
    told = done // STEP * STEP
    how_many = f"At least {told}" if told else f"Fewer than {STEP}"
    return f"{how_many} of {answers.drawn} drawn texts are answered (told in steps of {STEP})."


def confirming(
    alarm: RaisedAlarm, look: AlarmLook | None, answers: Answers | None, texts: tuple[int, int, int, int]
) -> Confirming:
    """The confirmation of an open alarm. texts: framed texts of a and b in its stretch, then in its reference."""
    from pipeline.measure.balance import Borrowed
    from pipeline.measure.confirmation import codings_for, prior_variance

    variance = prior_variance(Borrowed(**alarm.borrowed) if alarm.borrowed else Borrowed())
    needed = []
    for width in WIDTHS:
        found = codings_for(width, texts, variance, planned=alarm.planned)
        needed.append((f"±{width:.1f}", "fewer than five texts on a side" if found is None else f"{found:,}"))
    progress = "No texts are drawn for it yet: the DAG measure draws them, by hand `riftwatch alarm draw`."
    if answers is not None:
        progress = answered(answers)
    a, b, ref_a, ref_b = texts
    return Confirming(
        alarm.id,
        label_of(alarm, alarm.raised),
        alarm.queue_id is not None,
        progress,
        _found(look),
        look.looked_at if look else None,
        needed,
        f"{a:,} and {b:,} texts in the alarm's stretch, {ref_a:,} and {ref_b:,} in the reference",
    )


def _found(look: AlarmLook | None) -> str:
    if look is None:
        return "Nothing was computed yet; the next measurement does."
    figures: dict[str, Any] = look.figures
    if not figures:
        return f"Nothing can be said yet: {look.why or 'no codings'}."
    # the variance of the sequence has a floor: it is 0 only where every text of the four samples is coded
    bounds = interval(figures["low"], figures["high"], all_coded=figures["low"] == figures["high"])
    said = f"X = {number(figures['change'])}, confidence sequence {bounds}: the corrected gap in the alarm's stretch "
    said += f"({number(figures['present'])}) less the one in the reference ({number(figures['reference'])})."
    if figures.get("holds"):
        return f"{said} It excludes 0: confirmed."
    return f"{said} Not confirmed: it holds 0, or the change is smaller than .1."


@dataclass(frozen=True)
class StateRun:
    """Neighbouring periods of one state."""

    state: str
    start: date
    end: date
    first: str
    last: str
    periods: int


def state_runs(gaps: Sequence[GapCell]) -> list[StateRun]:
    """The history of states, oldest first; a period that is missing in the rows ends a run."""
    made: list[StateRun] = []
    run: list[GapCell] = []
    for row, following in pairwise([*gaps, None]):
        if row is None or row.state is None:
            continue  # a figure of the panel, or one that was never published in its time, has no state
        run.append(row)
        if following is None or following.state != row.state or following.start != row.end:
            kind: Period = row.period  # type: ignore[assignment]  # the column holds nothing else
            first, last = (period_of(kind, one.start).label for one in (run[0], row))
            made.append(StateRun(row.state, run[0].start, row.end, first, last, len(run)))
            run = []
    return made
