"""The cumulative sum that raises the alarm (Page 1954).

z - 1/2 is the logarithm of how much likelier a week is after a shift by one standard deviation than without one. Its
sum, kept from falling below 0, forgets the quiet past and remembers the run of weeks that speaks for a shift.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pipeline.measure.alarm.reference import Floats, Reference, standardise

SLACK = 0.5
"""What a week must lie above the reference, in standard deviations, to speak for a shift."""
QUIET = 8
"""An alarm closes after so many periods in a row at which its sum is 0."""


@dataclass(frozen=True)
class Alarm:
    """One alarm, counted once until it closes."""

    at: int
    """week of the alarm"""
    since: int
    """first week after the last zero of C; the period to be confirmed is since..at, frozen"""
    side: int
    """+1: A moved up against B; -1: down"""
    closed: int | None
    """week at which it closed, or None: open"""


@dataclass(frozen=True)
class Path:
    """The sums of a dyad. Arrays of shape (T,)."""

    z: Floats
    """standardised gap, NaN where missing"""
    up: Floats
    """C+ at the end of each week; 0 up to the end of the reference"""
    down: Floats
    """C-"""
    alarms: tuple[Alarm, ...]
    """by week"""


def watch(m: Floats, v: Floats, ref: Reference, threshold: float, *, quiet: int = QUIET) -> Path:
    """Watch a dyad from the week after its reference.

    m, v: shape (T,), gap of model means and its sampling variance, NaN where missing.
    threshold: h, see :func:`pipeline.measure.alarm.thresholds.threshold`.
    quiet: usable weeks in a row with C = 0 after which an alarm closes.

    C+- = max(0, C+- +- z - .5); alarm at C > h. A missing week leaves C as it is, raises nothing and does not count as
    quiet. Both sides are watched apart, and each has at most one open alarm.

    Raises ValueError for a threshold or quiet that is not positive, and for arrays that do not belong together.
    """
    if not threshold > 0 or quiet < 1:
        raise ValueError(f"threshold and quiet must be positive, not {threshold} and {quiet}")
    z = standardise(m, v, ref)
    sums, alarms = {}, []
    for side in (1, -1):
        sums[side], found = _one_side(side * z - SLACK, ref.last + 1, side, threshold, quiet)
        alarms += found
    return Path(z, sums[1], sums[-1], tuple(sorted(alarms, key=lambda alarm: (alarm.at, -alarm.side))))


def _one_side(steps: Floats, first: int, side: int, threshold: float, quiet: int) -> tuple[Floats, list[Alarm]]:
    """C of one side, shape (T,), and its alarms. ``steps``: what each week adds, NaN where missing."""
    sums = np.zeros(len(steps))
    alarms: list[Alarm] = []
    c, zeros, since = 0.0, 0, first
    is_open = False
    for week in range(first, len(steps)):
        if not np.isnan(steps[week]):
            if c == 0:
                since = week
            c = max(0.0, c + float(steps[week]))
            zeros = zeros + 1 if c == 0 else 0
            if is_open and zeros >= quiet:
                last = alarms[-1]
                alarms[-1] = Alarm(last.at, last.since, side, closed=week)
                is_open = False
            if c > threshold and not is_open:
                alarms.append(Alarm(at=week, since=since, side=side, closed=None))
                is_open = True
        sums[week] = c
    return sums, alarms
