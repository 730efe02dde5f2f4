"""Change points after the fact: when did the level of a series change, and how sure is the date?

For looking back, never for warning. The series is the one the alarm watches, in standard deviations of its reference.
PELT (Killick, Fearnhead & Eckley 2012, doi 10.1080/01621459.2012.737745) finds the levels that minimise the residual
sum of squares plus a penalty for each change. The penalty is simulated, so that a series without any change shows one
in 5 of 100 cases, with the autocorrelation assumed and with a scale that was itself estimated from the reference. A
date alone would be a lie, so each change has the *set* of dates that the data can't tell apart: all at which the
residual sum of squares is at most a simulated cutoff above its least (the likelihood inverted, as in Siegmund 1988,
International Statistical Review 56, and Hansen 2000, Econometrica 68). `benchmarks/change_point_constants.py` makes
both constants.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray
from ruptures import Pelt

Floats = NDArray[np.float64]
Ints = NDArray[np.intp]

TABLE = Path(__file__).with_suffix(".json")
LEAST_SEGMENT = 4
"""Points a level must last: one or two odd weeks are no level."""
ROUNDING = 1e-9


@dataclass(frozen=True)
class Limits:
    """The two simulated constants, both on the scale of a residual sum of squares of the standardised series."""

    penalty: float
    """what a change must take off, so that 5% of series without change show one"""
    cutoff: float
    """how far above its least the sum may be at a date of the set, so that sets hold the true date in 95%"""


@dataclass(frozen=True)
class Constants:
    """The table of simulated constants."""

    limits: Mapping[int, Mapping[float, Mapping[int, Limits]]]
    """points of the reference -> autocorrelation -> usable points -> the constants"""

    def at(self, length: int, *, reference: int, phi: float) -> Limits:
        """The constants for ``length`` usable points, a scale from ``reference`` of them, and AR(1) noise of ``phi``.

        The next smaller reference of the table is taken, which errs to the careful side. Between lengths and
        autocorrelations the logarithms are interpolated, over log length and log((1 + phi) / (1 - phi)), the
        variance of a mean of AR(1) noise. Raises ValueError outside the table: nothing is extrapolated.
        """
        known = [r for r in self.limits if r <= reference]
        if not known:
            raise ValueError(f"a reference of {reference} points is too short; at least {min(self.limits)} are needed")
        by_phi = self.limits[max(known)]
        if not min(by_phi) <= phi <= max(by_phi):
            raise ValueError(
                f"constants are simulated for an autocorrelation of 0 to {max(by_phi)}, not for {phi:.2f}; "
                "look at months, which remember less"
            )
        lengths = sorted(by_phi[min(by_phi)])
        if not lengths[0] <= length <= lengths[-1]:
            raise ValueError(
                f"there are {length} usable points, and constants are simulated for {lengths[0]} to {lengths[-1]} "
                f"(reference of {max(known)}); {'look at months' if length > lengths[-1] else 'wait for more'}"
            )
        phis = sorted(by_phi)
        memory = np.log((1 + np.array(phis)) / (1 - np.array(phis)))

        def between(name: str) -> float:
            rows = [
                np.interp(np.log(length), np.log(lengths), [np.log(getattr(by_phi[p][n], name)) for n in lengths])
                for p in phis
            ]
            return float(np.exp(np.interp(np.log((1 + phi) / (1 - phi)), memory, rows)))

        return Limits(between("penalty"), between("cutoff"))


@cache
def read_constants(file: Path = TABLE) -> Constants:
    """The shipped table, read once."""
    limits: dict[int, dict[float, dict[int, Limits]]] = {}
    for row in json.loads(file.read_text(encoding="utf-8")):
        by_length = limits.setdefault(row["reference"], {}).setdefault(row["phi"], {})
        by_length[row["length"]] = Limits(row["penalty"], row["cutoff"])
    return Constants(limits)


@dataclass(frozen=True)
class Change:
    """One change. Indices are those of the series as it was given, missing points counted."""

    index: int
    """first point of the new level that is not missing"""
    dates: tuple[int, ...]
    """the 95% set: points with which the new level may have begun; need not be without holes"""
    before: float
    """mean since the change before it, in standard deviations of the reference"""
    after: float
    """mean up to the next change"""
    gain: float
    """what it takes off the residual sum of squares, the other changes staying where they are"""


@dataclass(frozen=True)
class Fit:
    """How well a number of levels describes the series. Noise of variance 1, as the reference has it."""

    changes: int
    rss: float
    """residual sum of squares"""
    cost: float
    """rss + penalty x changes: what decides"""
    bic: float
    """rss + (2 changes + 1) log n: the textbook's, for comparison; it takes the noise for independent"""


@dataclass(frozen=True)
class ChangePoints:
    """The changes of a series, and the description without any beside them."""

    changes: tuple[Change, ...]
    fit: Fit
    never: Fit
    """one level throughout"""
    mean: float
    """that level"""
    limits: Limits
    usable: int
    missing: tuple[int, ...]
    """indices of the points left out"""
    reference: int
    phi: float

    @property
    def words(self) -> str:
        """What was found, in a sentence or two."""
        assumed = f"5% family-wise error, autocorrelation {self.phi:.2f} assumed"
        if not self.changes:
            return (
                f"No change in {self.usable} points ({assumed}): one level, {self.mean:+.2f}, stands. "
                "A change too small to be found may lie anywhere."
            )
        count = "1 change" if len(self.changes) == 1 else f"{len(self.changes)} changes"
        sizes = ", ".join(f"{c.after - c.before:+.2f}" for c in self.changes)
        return (
            f"{count} in {self.usable} points ({assumed}), of {sizes} standard deviations of the reference. "
            "Each date is a set; a change is no break of an alliance."
        )


def _fit(rss: float, changes: int, n: int, penalty: float) -> Fit:
    return Fit(changes, rss, rss + penalty * changes, rss + (2 * changes + 1) * float(np.log(n)))


def _date_set(z: Floats, low: int, found: int, high: int, cutoff: float) -> tuple[Ints, float]:
    """The set of one change between its neighbours ``low`` and ``high``, and what the change takes off.

    ``z``: shape (n,). A number t stands for "the new level begins with z[t]".
    """
    part = z[low:high]
    sums, n = np.cumsum(part), len(part)
    sizes = np.arange(LEAST_SEGMENT, n - LEAST_SEGMENT + 1)
    head = sums[sizes - 1]
    gains = head**2 / sizes + (sums[-1] - head) ** 2 / (n - sizes) - sums[-1] ** 2 / n
    own = float(gains[found - low - LEAST_SEGMENT])
    return low + sizes[own - gains <= cutoff + ROUNDING], own


def change_points(z: ArrayLike, constants: Constants, *, reference: int, phi: float) -> ChangePoints:
    """The changes of level of a standardised series, each with its set of dates.

    z: shape (n,), the series in standard deviations of its reference, in order of time; NaN: missing.
    constants: see :func:`read_constants`.
    reference: usable points on which the scale was estimated, 24 or more.
    phi: AR(1) autocorrelation assumed of the noise, 0 to .6; the upper limit the alarm uses, at least .3, is careful.

    Missing points are left out: the noise on both sides of a hole is taken to be as alike as elsewhere, and a date next
    to a hole stands for the whole hole. A reference that was calmer than the rest finds changes that are none: penalty
    and cutoff are measured by its noise, so it must be typical.

    Raises ValueError for a series that is too short or too long, and for values that are not finite.
    """
    series = np.asarray(z, dtype=float)
    if series.ndim != 1 or np.isinf(series).any():
        raise ValueError("a series is one row of finite numbers, NaN where a point is missing")
    usable = np.flatnonzero(~np.isnan(series))
    values, n = series[usable], len(usable)
    limits = constants.at(n, reference=reference, phi=phi)
    search = Pelt(model="l2", jump=1, min_size=LEAST_SEGMENT).fit(values)
    edges = [0, *(int(end) for end in search.predict(pen=limits.penalty))]
    changes = []
    for low, found, high in zip(edges, edges[1:], edges[2:], strict=False):
        inside, gain = _date_set(values, low, found, high, limits.cutoff)
        # a level that begins with point t may have begun with any missing one just before it
        dates = {int(i) for t in inside for i in range(int(usable[t - 1]) + 1, int(usable[t]) + 1)}
        before, after = float(values[low:found].mean()), float(values[found:high].mean())
        changes.append(Change(int(usable[found]), tuple(sorted(dates)), before, after, gain))
    rss = sum(float(((values[a:b] - values[a:b].mean()) ** 2).sum()) for a, b in pairwise(edges))
    return ChangePoints(
        changes=tuple(changes),
        fit=_fit(rss, len(changes), n, limits.penalty),
        never=_fit(float(((values - values.mean()) ** 2).sum()), 0, n, limits.penalty),
        mean=float(values.mean()),
        limits=limits,
        usable=n,
        missing=tuple(int(i) for i in np.flatnonzero(np.isnan(series))),
        reference=reference,
        phi=phi,
    )
