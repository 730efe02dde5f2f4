"""Did a group change its framing, or did what is collected of it change? The change taken apart by sources.

The mean balance of a group moves when its sources write otherwise, and also when a source appears, ends, floods or is
down, or when a translation feed comes in. Three things tell these apart: a *fixed panel* beside all sources; an exact
split of the change between two stretches of time into within, mix (Kitagawa 1955, "Components of a difference between
two rates", JASA 50), entry and exit (each against the sources that stay, as Melitz & Polanec 2015, "Dynamic Olley-Pakes
productivity decomposition with entry and exit", RAND J. Econ. 46); and a judgement in words by a rule that is written
down. Everything is of the model's balance f of texts, uncorrected: a model that errs more in one language or in new
wording shows up here as a change, and only random codings can tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtrit

from pipeline.measure.balance import NO_VARIANCE, Bools, Floats

Ints = NDArray[np.int64]
Strings = NDArray[np.str_]
By = Literal["source", "language", "source and language"]
Name = Literal["framing", "new source", "flood", "translation", "outage", "shift"]
Verdict = Literal["framing", "new source", "flood", "translation", "outage", "shift", "mixed", "none", "undecided"]

BEYOND = 0.99
"""A part is beyond noise when its t interval at this level excludes 0 (several parts are looked at, so not .95)."""
LEAST_PART = 0.05
"""A part smaller than this is not named as a cause, however precisely it is known."""
LEAST_SAID = 0.005
"""A part that would be printed as 0.00 is not printed."""
DOMINANT = 2 / 3
"""The largest cause is the verdict when it holds at least this share of all named ones (of their absolute values)."""
JUMP = 2.0
"""A source floods when it publishes at least this many times as much a period as in the reference ..."""
JUMP_SHARE = 0.10
"""... and its share of the texts rises by at least this."""
SILENCE = 0.001
"""A source is missing when its empty periods have less than this chance at its rate of the reference."""
COPIES = 0.5
"""A new source of whose texts at least this share repeat others is a feed of copies, not a new voice."""

WORDS: Mapping[Verdict, str] = {
    "framing": "a change of framing within sources",
    "new source": "a new source entering",
    "flood": "a source flooding",
    "translation": "a feed of translations or copies appearing",
    "outage": "sources missing (an outage, or they ended)",
    "shift": "weights shifting among sources, none of which floods or is missing",
    "mixed": "mixed, since no cause holds two thirds of what moved, or what moved runs against the change as a whole",
    "none": "no part of the change is beyond what sampling of texts produces",
    "undecided": "not decided: the noise of the change can't be estimated",
}


class CompositionError(ValueError):
    """The change can't be taken apart; says why."""


@dataclass(frozen=True, eq=False)
class GroupTexts:
    """The framed texts of one group, one entry each in every array of shape (N,)."""

    source: Strings
    language: Strings
    period: Ints
    """index of the period of publication: 0, 1, 2, ..."""
    f: Floats
    """the model's balance of the text, in [-1, 1]"""
    counts: Bools | None = None
    """True where the text stands for its cluster; None: all do. The others (reposts) are in no mean"""

    def __post_init__(self) -> None:
        columns = [self.source, self.language, self.period, self.f]
        if self.counts is not None:
            columns.append(self.counts)
        if len({len(column) for column in columns}) > 1:
            raise ValueError(f"arrays of texts differ in length: {[len(column) for column in columns]}")
        if len(self.f) and not np.all(np.abs(self.f) <= 1):
            raise ValueError("every text needs a model balance in [-1, 1]; leave out what is not framed")
        if len(self.period) and self.period.min() < 0:
            raise ValueError("periods are numbered from 0")

    def within(self, periods: Sequence[int]) -> GroupTexts:
        """The texts of these periods that count."""
        chosen = np.isin(self.period, np.asarray(periods, dtype=np.int64))
        if self.counts is not None:
            chosen &= self.counts
        return GroupTexts(self.source[chosen], self.language[chosen], self.period[chosen], self.f[chosen])


_COLUMNS = ("source", "language", "period", "f")


def _units(texts: GroupTexts, by: By) -> tuple[Strings, Ints]:
    """The different sources, languages or pairs of them, shape (2, units), in the order of the alphabet; and the
    number of each text's, shape (N,). What is not asked for is empty."""
    empty = np.full(len(texts.f), "")
    sources, source = np.unique(empty if by == "language" else texts.source, return_inverse=True)
    languages, language = np.unique(empty if by == "source" else texts.language, return_inverse=True)
    pairs, code = np.unique(source * len(languages) + language, return_inverse=True)
    names = np.stack([sources[pairs // len(languages)], languages[pairs % len(languages)]])
    return names, code


def _name(source: str, language: str) -> str:
    return " / ".join(part for part in (source, language) if part)


# -- the two series ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Point:
    """One period of a series. Null with its reason, never 0 and never joined to its neighbours."""

    value: float | None
    texts: int
    missing: str | None = None
    """why there is no value"""


@dataclass(frozen=True)
class Panel:
    """The fixed-panel series, and who is in the panel."""

    points: tuple[Point, ...]
    weights: Mapping[str, float]
    """source -> its share of the panel's texts over the whole stretch; they add up to 1"""
    left_out: Mapping[str, str]
    """source of the stretch that is not in the panel -> why"""


def _reason(period: int, missing: Mapping[int, str]) -> str:
    return missing.get(period, "no text, and no reason is known")


def all_sources(texts: GroupTexts, periods: int, missing: Mapping[int, str] | None = None) -> list[Point]:
    """Mean balance of all texts that count, of the periods 0 to ``periods`` - 1.

    missing: period -> why it has no text (outage, silent, not collected), for those that have none.
    """
    own = texts.within(range(periods))
    number = np.bincount(own.period, minlength=periods)
    total = np.bincount(own.period, weights=own.f, minlength=periods)
    return [
        Point(float(total[t] / number[t]), int(number[t])) if number[t] else Point(None, 0, _reason(t, missing or {}))
        for t in range(periods)
    ]


def fixed_panel(
    texts: GroupTexts,
    periods: int,
    stretch: Sequence[int],
    missing: Mapping[int, str] | None = None,
    *,
    by: By = "source",
) -> Panel:
    """The series of sources that are always there, each with a weight that never changes.

    ``by``: what a source is; with "source and language" a source that begins to translate stays as it was.

    A period of ``stretch`` in which the group has a text that counts is *not missing*. The panel: the sources with at
    least one such text in every period of the stretch that is not missing. The weight of a source: its texts in the
    stretch / the panel's texts in the stretch. A point: sum over the panel of weight x the source's mean in that
    period. A period in which a source of the panel is silent (outside the stretch) is null and says so: weights are
    never shared out anew. Without a panel every point is null.

    Raises CompositionError where the stretch has no texts at all.
    """
    own = texts.within(range(periods))
    if not len(own.within(stretch).f):
        raise CompositionError("the stretch has no texts, so it has no panel")
    kinds, code = _units(own, by)
    names = [_name(source, language) for source, language in kinds.T]
    number = np.zeros((len(names), periods))
    total = np.zeros((len(names), periods))
    np.add.at(number, (code, own.period), 1)
    np.add.at(total, (code, own.period), own.f)
    return panel_of_sums(names, number, total, stretch, missing)


def panel_of_sums(
    names: Sequence[str],
    number: Floats,
    total: Floats,
    stretch: Sequence[int],
    missing: Mapping[int, str] | None = None,
) -> Panel:
    """The same from sums: how many texts each source has in each period and the sum of their balances.

    number, total: shape (sources, periods); names: of the sources. Raises CompositionError where the stretch has no
    texts at all.
    """
    periods = number.shape[1]
    columns = np.asarray(stretch, dtype=np.int64)
    there = columns[number[:, columns].any(axis=0)]
    if not len(there):
        raise CompositionError("the stretch has no texts, so it has no panel")
    lacking = (number[:, there] == 0).sum(axis=1)
    seen = number[:, there].any(axis=1)
    left_out = {
        names[s]: f"no text in {lacking[s]} of {len(there)} periods"
        for s in np.flatnonzero(seen & (lacking > 0)).tolist()
    }
    members = np.flatnonzero(lacking == 0)
    if not len(members):
        empty = "no source has texts in every period of the stretch"
        reasons = [empty if number[:, t].any() else _reason(t, missing or {}) for t in range(periods)]
        return Panel(tuple(Point(None, 0, reason) for reason in reasons), {}, left_out)
    size = number[np.ix_(members, there)].sum(axis=1)
    weights = size / size.sum()
    points = []
    for t in range(periods):
        silent = members[number[members, t] == 0].tolist()
        if not number[:, t].any():
            points.append(Point(None, 0, _reason(t, missing or {})))
        elif silent:
            points.append(Point(None, 0, f"of the panel no text of {', '.join(names[s] for s in silent)}"))
        else:
            value = float(weights @ (total[members, t] / number[members, t]))
            points.append(Point(value, int(number[members, t].sum())))
    of_members = {names[s]: float(w) for s, w in zip(members.tolist(), weights, strict=True)}
    return Panel(tuple(points), of_members, left_out)


def difference(a: Sequence[Point], b: Sequence[Point]) -> list[Point]:
    """The gap of two series, A minus B, period by period; null where either is null, and says which."""
    made = []
    for one, other in zip(a, b, strict=True):
        if one.value is None or other.value is None:
            why = [f"{side}: {p.missing}" for side, p in (("A", one), ("B", other)) if p.value is None]
            made.append(Point(None, one.texts + other.texts, "; ".join(why)))
        else:
            made.append(Point(one.value - other.value, one.texts + other.texts))
    return made


# -- the split --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Part:
    """One part of a change, with the noise of the texts in it."""

    value: float
    se: float | None
    """standard error; 0: there is nothing of this kind; None: it can't be estimated"""
    freedom: float | None = None
    """degrees of freedom (Satterthwaite)"""

    def beyond(self, level: float = BEYOND) -> bool | None:
        """Does its t interval exclude 0? None where the noise is not known."""
        if self.se is None:
            return None
        if self.se == 0 or self.freedom is None:
            return False
        return bool(abs(self.value) > float(stdtrit(self.freedom, (1 + level) / 2)) * self.se)


NOTHING = Part(0.0, 0.0)


@dataclass(frozen=True)
class Unit:
    """A source, a language, or a language of a source: what it adds to each part."""

    source: str
    """empty in a split by language"""
    language: str
    """empty in a split by source"""
    texts: tuple[int, int]
    """in the reference, in the present"""
    shares: tuple[float, float]
    """of all texts"""
    means: tuple[float | None, float | None]
    within: float = 0.0
    mix: float = 0.0
    entry: float = 0.0
    exit: float = 0.0

    @property
    def name(self) -> str:
        return _name(self.source, self.language)


@dataclass(frozen=True)
class Split:
    """The change of the mean balance from the reference to the present. The four parts add up to it exactly."""

    reference: float
    present: float
    within: Part
    mix: Part
    entry: Part
    exit: Part
    units: tuple[Unit, ...]

    @property
    def change(self) -> float:
        return self.present - self.reference

    @property
    def share_within(self) -> float | None:
        """|within| / (|within| + |mix| + |entry| + |exit|); None where all are 0."""
        size = sum(abs(part.value) for part in (self.within, self.mix, self.entry, self.exit))
        return abs(self.within.value) / size if size > 0 else None


@dataclass(frozen=True, eq=False)
class UnitMeans:
    """Mean of each unit in a stretch and its variance, arrays of shape (units,)."""

    n: Floats
    mean: Floats
    variance: Floats
    """NaN: can't be estimated, or no texts"""
    freedom: Floats


def unit_means(unit: Ints, period: Ints, f: Floats, units: int) -> UnitMeans:
    """Means of units with the variance that the spread of their periods gives.

    With n texts of a unit in m periods and e_t the sum of (f - mean) over period t: V = m/(m-1) sum_t e_t^2 / n^2
    (a ratio estimator whose clusters are source-periods). A unit with texts in one period only borrows: the V n of the
    others, averaged by texts, over its own n.
    """
    n = np.bincount(unit, minlength=units).astype(float)
    total = np.bincount(unit, weights=f, minlength=units)
    mean = np.divide(total, n, out=np.full(units, np.nan), where=n > 0)
    cells, cell = np.unique(np.stack([unit, period]), axis=1, return_inverse=True)
    e = np.bincount(cell.ravel(), weights=f - mean[unit], minlength=cells.shape[1])
    m = np.bincount(cells[0], minlength=units).astype(float)
    squares = np.bincount(cells[0], weights=e**2, minlength=units)
    several = m >= 2
    raw = np.where(several, squares * m / np.maximum(m - 1, 1), 0.0)
    variance, freedom = np.full(units, np.nan), np.full(units, np.nan)
    if several.any() and raw.sum() > NO_VARIANCE:
        variance[several] = raw[several] / n[several] ** 2
        freedom[several] = m[several] - 1
        alone = (n > 0) & ~several
        variance[alone] = raw.sum() / n[several].sum() / n[alone]
        freedom[alone] = (m[several] - 1).sum()
    return UnitMeans(n, mean, variance, freedom)


def sum_part(value: float, variances: Floats, freedoms: Floats) -> Part:
    """A part whose variance is the sum of these; degrees of freedom after Satterthwaite (1946)."""
    if not len(variances):
        return NOTHING
    if np.isnan(variances).any():
        return Part(value, None)
    variance = float(variances.sum())
    if variance < NO_VARIANCE:
        return Part(value, None)
    return Part(value, variance**0.5, variance**2 / float((variances**2 / freedoms).sum()))


def _usual_mix(level: Floats, period: Ints, periods: int) -> tuple[float, float]:
    """Variance and degrees of freedom of a mix that is due to the usual ups and downs of who publishes how much.

    level: shape (n,), of each text of the reference the level of its source; period: its period; periods: how many the
    present has. With m periods of the reference and e_t the sum of (level - mean) over period t, the mean level of m
    periods has variance V = m/(m-1) sum_t e_t^2 / n^2, that of the present m/periods times as much. Only the reference
    is asked: a flood of three months *is* unsteady, and its unsteadiness must not excuse it. NaN with one period.
    """
    _, code = np.unique(period, return_inverse=True)
    e = np.bincount(code, weights=level - level.mean())
    m = len(e)
    if m < 2:
        return np.nan, np.nan
    return m / (m - 1) * float((e**2).sum()) / len(level) ** 2 * (1 + m / periods), m - 1.0


@dataclass(frozen=True, eq=False)
class _Sides:
    """Both stretches by unit; every array of shape (units,)."""

    names: Strings
    """shape (2, units): source and language"""
    means: tuple[UnitMeans, UnitMeans]
    usual: tuple[float, float]
    """variance and degrees of freedom of the usual ups and downs of the weights"""

    @property
    def stays(self) -> Bools:
        made: Bools = (self.means[0].n > 0) & (self.means[1].n > 0)
        return made

    def shares(self, side: int) -> Floats:
        """Of all texts of the stretch."""
        share: Floats = self.means[side].n / self.means[side].n.sum()
        return share

    def weights(self, side: int) -> Floats:
        """Of the texts of those who stay; 0 for the others."""
        n = np.where(self.stays, self.means[side].n, 0.0)
        weight: Floats = n / n.sum()
        return weight

    def known(self, side: int) -> Floats:
        """The means, 0 where there is none (it then has weight 0)."""
        return np.where(self.means[side].n > 0, self.means[side].mean, 0.0)

    def noise(self, weights: Floats, chosen: Bools, *sides: int) -> tuple[Floats, Floats]:
        """Variances of weight x mean of the chosen units, and their degrees of freedom."""
        return (
            np.concatenate([(weights**2 * self.means[side].variance)[chosen] for side in sides]),
            np.concatenate([self.means[side].freedom[chosen] for side in sides]),
        )

    def within(self) -> tuple[Floats, Part]:
        """What each unit that stays adds to within, and the part."""
        weight = (self.weights(0) + self.weights(1)) / 2
        each = weight * (self.known(1) - self.known(0))
        return each, sum_part(float(each.sum()), *self.noise(weight, self.stays, 0, 1))

    def mix(self) -> tuple[Floats, Part]:
        """What each unit that stays adds to mix, and the part."""
        level, moved = (self.known(0) + self.known(1)) / 2, self.weights(1) - self.weights(0)
        # the weights add up to 1 on both sides, so any constant may be taken off the levels; with their mean taken
        # off, a unit adds to the mix as far as it differs from the others
        each = moved * (level - (self.weights(0) + self.weights(1)) / 2 @ level)
        if float(np.ptp(level[self.stays])) < NO_VARIANCE:
            return each, NOTHING  # one unit, or all alike: nothing can be mixed
        variances, freedoms = self.noise(moved / 2, self.stays, 0, 1)
        return each, sum_part(
            float(each.sum()), np.append(variances, self.usual[0]), np.append(freedoms, self.usual[1])
        )

    def against_those_who_stay(self, chosen: Bools, side: int) -> tuple[Floats, Part]:
        """The same of units that are only in the reference (side 0: exit) or only in the present (side 1: entry)."""
        sign, share, stay, mean = (-1.0, 1.0)[side], self.shares(side), self.weights(side), self.known(side)
        each = np.where(chosen, sign * share * (mean - stay @ mean), 0.0)
        if not chosen.any():
            return each, NOTHING
        own, others = (
            self.noise(share, chosen, side),
            self.noise(float(share[chosen].sum()) * stay, self.stays, side),
        )
        return each, sum_part(float(each.sum()), *(np.concatenate(pair) for pair in zip(own, others, strict=True)))


def _take_apart(texts: GroupTexts, reference: Sequence[int], present: Sequence[int], by: By) -> tuple[Split, _Sides]:
    if set(reference) & set(present):
        raise CompositionError("reference and present share a period")
    stretches = (texts.within(reference), texts.within(present))
    for name, side in zip(("reference", "present"), stretches, strict=True):
        if not len(side.f):
            raise CompositionError(f"the {name} has no texts")
    both = GroupTexts(*(np.concatenate([getattr(s, name) for s in stretches]) for name in _COLUMNS))
    names, code = _units(both, by)
    of_r, of_p = np.split(code, [len(stretches[0].f)])
    r, p = (
        unit_means(unit, side.period, side.f, names.shape[1])
        for unit, side in zip((of_r, of_p), stretches, strict=True)
    )
    stays = (r.n > 0) & (p.n > 0)
    if not stays.any():
        raise CompositionError(
            f"no {by} has texts in both stretches, so nothing says what changed within and what came with new ones"
        )
    before, periods = stays[of_r], len(np.unique(stretches[1].period))
    level = (r.mean + p.mean)[of_r[before]] / 2
    sides = _Sides(names, (r, p), _usual_mix(level, stretches[0].period[before], periods))
    (within, a), (mix, b) = sides.within(), sides.mix()
    (entry, c), (gone, d) = sides.against_those_who_stay(r.n == 0, 1), sides.against_those_who_stay(p.n == 0, 0)
    share_r, share_p = sides.shares(0), sides.shares(1)
    units = tuple(
        Unit(
            source=str(names[0, u]),
            language=str(names[1, u]),
            texts=(int(r.n[u]), int(p.n[u])),
            shares=(float(share_r[u]), float(share_p[u])),
            means=(float(r.mean[u]) if r.n[u] else None, float(p.mean[u]) if p.n[u] else None),
            within=float(within[u]),
            mix=float(mix[u]),
            entry=float(entry[u]),
            exit=float(gone[u]),
        )
        for u in range(names.shape[1])
    )
    return Split(float(stretches[0].f.mean()), float(stretches[1].f.mean()), a, b, c, d, units), sides


def split_change(texts: GroupTexts, reference: Sequence[int], present: Sequence[int], *, by: By = "source") -> Split:
    """The change of the mean balance between two stretches (indices of periods), split into four parts.

    With p_s, q_s the shares of source s among the texts of the sources that stay (texts in both stretches), f_s, g_s
    its means, F, G the means of all that stay, in the reference and in the present:

        within = sum_s (p_s + q_s)/2 (g_s - f_s)
        mix    = sum_s (q_s - p_s) (f_s + g_s)/2
        entry  = (share of the new in the present)  x (mean of the new  - G)
        exit   = (share of the gone in the reference) x (F - mean of the gone)

    They add up to the change exactly. Standard errors say what the sampling of texts does, for these sources: from the
    spread of source-periods about their source's mean; of mix also from how much the weights of sources move between
    periods of the reference (docs/composition.md). Shares are taken as facts in entry and exit.

    ``by``: source, language, or both crossed. Raises CompositionError where a stretch has no texts or nobody stays.
    """
    return _take_apart(texts, reference, present, by)[0]


def _add(a: Part, b: Part, sign: float = 1.0) -> Part:
    """Sum (or difference) of two parts that do not share texts."""
    if b == NOTHING:
        return a
    value = a.value + sign * b.value
    if a == NOTHING:
        return Part(value, b.se, b.freedom)
    if a.se is None or b.se is None or a.freedom is None or b.freedom is None:
        return Part(value, None)
    return sum_part(value, np.array([a.se**2, b.se**2]), np.array([a.freedom, b.freedom]))


def split_gap(
    a: GroupTexts, b: GroupTexts, reference: Sequence[int], present: Sequence[int], *, by: By = "source"
) -> Split:
    """The same of a dyad's gap: every part is A's minus B's, and they add up to the change of the gap exactly.

    Units are named with their side, and what those of B add has its sign turned. The texts of A and B are taken as
    independent. Raises CompositionError as :func:`split_change` does, naming the side.
    """
    one, other = (_of_side(side, texts, reference, present, by)[0] for side, texts in (("A", a), ("B", b)))
    units = [
        replace(
            unit,
            source=f"{side}: {unit.source}",
            **{name: sign * getattr(unit, name) for name in ("within", "mix", "entry", "exit")},
        )
        for side, sign, split in (("A", 1.0, one), ("B", -1.0, other))
        for unit in split.units
    ]
    return Split(
        reference=one.reference - other.reference,
        present=one.present - other.present,
        within=_add(one.within, other.within, -1.0),
        mix=_add(one.mix, other.mix, -1.0),
        entry=_add(one.entry, other.entry, -1.0),
        exit=_add(one.exit, other.exit, -1.0),
        units=tuple(units),
    )


def _of_side(
    side: str, texts: GroupTexts, reference: Sequence[int], present: Sequence[int], by: By
) -> tuple[Split, _Sides]:
    """The split of one side of a dyad; an error names the side."""
    try:
        return _take_apart(texts, reference, present, by)
    except CompositionError as error:
        raise CompositionError(f"{side}: {error}") from error


# -- the judgement ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Cause:
    """One possible cause of a change and the part of the change that is its work."""

    name: Name
    part: Part
    sources: tuple[str, ...] = ()

    @property
    def named(self) -> bool:
        """Beyond noise, and large enough to be named."""
        return bool(self.part.beyond()) and abs(self.part.value) >= LEAST_PART


@dataclass(frozen=True)
class Judgement:
    """What a change was, by the rule of :func:`judge`."""

    reference: float
    present: float
    causes: tuple[Cause, ...]
    verdict: Verdict
    flags: tuple[str, ...] = ()
    panel: float | None = None
    """change of the fixed panel over both stretches; None without one"""
    panel_sources: int = 0
    what: str = "balance"

    @property
    def change(self) -> float:
        return self.present - self.reference

    def in_words(self) -> str:
        """A paragraph for people: the change, its parts with their noise, the verdict and what else was seen."""
        said = [f"The {self.what} moves from {self.reference:+.2f} to {self.present:+.2f} ({self.change:+.2f})."]
        parts = [_said(c) for c in self.causes if c.name == "framing" or abs(c.part.value) >= LEAST_SAID]
        said.append(f"Of this: {'; '.join(parts)}.")
        if self.panel is None:
            side = "on one side " if self.what == "gap" else ""
            said.append(f"No fixed panel: {side}no source has texts in every period.")
        else:
            sources = f"{self.panel_sources} source{'s' if self.panel_sources > 1 else ''}"
            said.append(f"On a fixed panel of {sources} it is {self.panel:+.2f}.")
        said.append(f"Judgement: {WORDS[self.verdict]}.")
        if self.verdict == "none" and any(cause.part.beyond() for cause in self.causes):
            said[-1] = f"Judgement: no part beyond noise is as large as {LEAST_PART:.2f}."
        said += [f"{flag}." for flag in self.flags]
        return " ".join(said)


_SHORT: Mapping[Name, str] = {
    "framing": "within sources",
    "new source": "new sources",
    "flood": "flood",
    "translation": "translations or copies",
    "outage": "missing sources",
    "shift": "shifted weights",
}


def _said(cause: Cause) -> str:
    noise = "noise not known" if cause.part.se is None else f"s.e. {cause.part.se:.2f}"
    names = f", {', '.join(cause.sources)}" if cause.sources and cause.name != "framing" else ""
    return f"{_SHORT[cause.name]} {cause.part.value:+.2f} ({noise}{names})"


def verdict_of(causes: Sequence[Cause], change: float) -> Verdict:
    """The verdict by rules 2 and 3 of :func:`judge`. ``change``: the whole change, for its sign."""
    named = sorted((cause for cause in causes if cause.named), key=lambda cause: -abs(cause.part.value))
    unknown = [c for c in causes if c.part.se is None and abs(c.part.value) >= LEAST_PART]
    if not named:
        return "undecided" if unknown else "none"
    largest = named[0].part.value
    if abs(largest) >= DOMINANT * sum(abs(c.part.value) for c in [*named, *unknown]) and largest * change > 0:
        return named[0].name
    return "undecided" if unknown else "mixed"


def _copied(texts: GroupTexts, present: Sequence[int]) -> dict[str, float]:
    """Source -> share of its texts in the present that repeat others."""
    if texts.counts is None:
        return {}
    inside = np.isin(texts.period, np.asarray(present, dtype=np.int64))
    names, code = np.unique(texts.source[inside], return_inverse=True)
    share = 1 - np.bincount(code, weights=texts.counts[inside]) / np.bincount(code)
    return {str(name): float(s) for name, s in zip(names, share, strict=True)}


@dataclass(frozen=True)
class _Volume:
    """How much each source publishes, reference and present."""

    source: str
    rates: tuple[float, float]
    """texts a period that is not missing"""
    shares: tuple[float, float]
    empty: int
    """periods of the present without a text of it"""
    periods: int
    """periods of the present that are not missing"""

    @property
    def jumped(self) -> bool:
        return self.rates[1] >= JUMP * self.rates[0] > 0 and self.shares[1] - self.shares[0] >= JUMP_SHARE

    @property
    def missing(self) -> bool:
        return self.empty > 0 and float(np.exp(-self.rates[0] * self.empty)) < SILENCE


def _volumes(texts: GroupTexts, reference: Sequence[int], present: Sequence[int]) -> list[_Volume]:
    r, p = texts.within(reference), texts.within(present)
    periods = [len(np.unique(side.period)) for side in (r, p)]
    made = []
    for source in np.unique(np.concatenate([r.source, p.source])):
        own = [side.source == source for side in (r, p)]
        number = [int(mask.sum()) for mask in own]
        made.append(
            _Volume(
                source=str(source),
                rates=(number[0] / periods[0], number[1] / periods[1]),
                shares=(number[0] / len(r.f), number[1] / len(p.f)),
                empty=periods[1] - len(np.unique(p.period[own[1]])),
                periods=periods[1],
            )
        )
    return made


def volume_flags(texts: GroupTexts, reference: Sequence[int], present: Sequence[int]) -> list[str]:
    """What changed in how much is published, in words, whether or not it moved the balance.

    A source that floods, is missing or is new; a new language; a source that mostly repeats others; periods in which
    nothing of the group was found. Raises CompositionError where a stretch has no texts.
    """
    r, p = texts.within(reference), texts.within(present)
    if not len(r.f) or not len(p.f):
        raise CompositionError(f"the {'present' if len(r.f) else 'reference'} has no texts")
    flags = []
    for one in _volumes(texts, reference, present):
        if one.rates[0] == 0:
            flags.append(f"{one.source} is new ({one.shares[1]:.0%} of the texts)")
        elif one.jumped:
            times, (before, now) = one.rates[1] / one.rates[0], one.shares
            flags.append(f"{one.source} publishes {times:.1f} times as much ({before:.0%} of the texts, now {now:.0%})")
        elif one.missing:
            flags.append(f"{one.source} has no text in {one.empty} of {one.periods} periods")
    flags += [
        f"texts in a new language, {language} ({np.mean(p.language == language):.0%})"
        for language in np.setdiff1d(p.language, r.language)
    ]
    flags += [
        f"{share:.0%} of the texts of {source} repeat others"
        for source, share in _copied(texts, present).items()
        if share >= COPIES
    ]
    for name, stretch, side in (("reference", reference, r), ("present", present, p)):
        absent = len(set(stretch)) - len(np.unique(side.period))
        if absent:
            flags.append(f"{absent} of {len(set(stretch))} periods of the {name} have no text")
    return flags


def _mix_cause(volumes: Sequence[_Volume]) -> tuple[Name, tuple[str, ...]]:
    """Who moved the weights: a source that floods, or one that is missing; whichever moved more texts."""
    jumped = [v for v in volumes if v.jumped]
    missing = [v for v in volumes if v.missing and v.rates[0] > v.rates[1]]
    gained = sum(v.rates[1] - v.rates[0] for v in jumped)
    lost = sum(v.rates[0] - v.rates[1] for v in missing)
    if jumped and gained >= lost:
        return "flood", tuple(v.source for v in jumped)
    if missing:
        return "outage", tuple(v.source for v in missing)
    return "shift", ()


def _causes(texts: GroupTexts, reference: Sequence[int], present: Sequence[int]) -> tuple[Split, dict[Name, Cause]]:
    split, sides = _take_apart(texts, reference, present, "source and language")
    units = split.units
    copied = _copied(texts, present)
    known = set(texts.within(reference).source.tolist())
    new = np.array([unit.texts[0] == 0 for unit in units])
    tongues = set(texts.within(reference).language.tolist())
    # a new voice is a new source in a language the group used before, that does not mostly repeat others
    voice = np.array(
        [
            unit.source not in known and unit.language in tongues and copied.get(unit.source, 0.0) < COPIES
            for unit in units
        ]
    )
    gone = np.array([unit.texts[1] == 0 for unit in units])
    mixed, movers = _mix_cause(_volumes(texts, reference, present))

    def names(chosen: Bools) -> tuple[str, ...]:
        return tuple(dict.fromkeys(units[u].name for u in np.flatnonzero(chosen)))

    def sources(chosen: Bools) -> tuple[str, ...]:
        return tuple(dict.fromkeys(units[u].source for u in np.flatnonzero(chosen)))

    made: dict[Name, Cause] = {
        "framing": Cause("framing", split.within),
        "new source": Cause("new source", sides.against_those_who_stay(new & voice, 1)[1], sources(new & voice)),
        "translation": Cause("translation", sides.against_those_who_stay(new & ~voice, 1)[1], names(new & ~voice)),
        "outage": Cause("outage", sides.against_those_who_stay(gone, 0)[1], names(gone)),
    }
    if mixed == "outage":
        # taken as independent: the one rests on who is gone, the other on the weights of those who stay
        before = made["outage"]
        together = tuple(dict.fromkeys((*before.sources, *movers)))
        made["outage"] = Cause("outage", _add(before.part, split.mix), together)
    else:
        made[mixed] = Cause(mixed, split.mix, movers)
    return split, made


def _panel_change(texts: GroupTexts, reference: Sequence[int], present: Sequence[int]) -> tuple[float | None, int]:
    """Mean of the panel's points in the present minus that in the reference, and how many sources it has.

    A source counts once for each of its languages, so that a feed of translations is not in it.
    """
    stretch = [*reference, *present]
    panel = fixed_panel(texts, max(stretch) + 1, stretch, by="source and language")
    before, now = (
        [value for t in side if (value := panel.points[t].value) is not None] for side in (reference, present)
    )
    if not before or not now:
        return None, 0
    return float(np.mean(now) - np.mean(before)), len(panel.weights)


def _ordered(causes: Mapping[Name, Cause]) -> tuple[Cause, ...]:
    return tuple(causes[name] for name in get_args(Name) if name in causes)


def judge(texts: GroupTexts, reference: Sequence[int], present: Sequence[int]) -> Judgement:
    """What moved a group's balance between two stretches, by this rule:

    1. The change is split by source and language (crossed). Each part is given to a cause: within to *framing*; the
       entry of a source in a language the group used before to *new source*; the entry of a new language (in the group
       or in that source), or of a source that mostly repeats others, to *translation*; exit to *outage*; mix to *flood*
       where a source publishes twice as much or more and its share rises by .10 or more, to *outage* where sources
       have empty periods that their rate makes unlikely (whichever moved more texts), else to *shift*.
    2. A cause is named when its part is beyond noise (99% t interval) and at least .05 in size.
    3. No cause named: *none*; *undecided* where a part of that size has a noise that can't be estimated (such parts
       count among the named ones below, and make *undecided* of *mixed*).
       One holds two thirds of the named ones or more, and has the sign of the whole change: that one. Else *mixed*.

    Raises CompositionError where a stretch has no texts, or no source has texts in both in the same language.
    """
    split, causes = _causes(texts, reference, present)
    panel, size = _panel_change(texts, reference, present)
    ordered = _ordered(causes)
    return Judgement(
        reference=split.reference,
        present=split.present,
        causes=ordered,
        verdict=verdict_of(ordered, split.change),
        flags=tuple(volume_flags(texts, reference, present)),
        panel=panel,
        panel_sources=size,
    )


def judge_gap(a: GroupTexts, b: GroupTexts, reference: Sequence[int], present: Sequence[int]) -> Judgement:
    """The same for a dyad: what moved the gap, A minus B. Each cause is A's part minus B's; names carry the side.

    The texts of A and B are taken as independent. Raises CompositionError as :func:`judge` does, naming the side.
    """
    splits, found, panels, flags = [], [], [], []
    for side, texts in (("A", a), ("B", b)):
        try:
            split, causes = _causes(texts, reference, present)
        except CompositionError as error:
            raise CompositionError(f"{side}: {error}") from error
        splits.append(split)
        found.append(causes)
        panels.append(_panel_change(texts, reference, present))
        flags += [f"{side}: {flag}" for flag in volume_flags(texts, reference, present)]
    together: dict[Name, Cause] = {}
    for name in get_args(Name):
        of_a, of_b = (causes.get(name, Cause(name, NOTHING)) for causes in found)
        if name in found[0] or name in found[1]:
            sources = (*(f"A: {s}" for s in of_a.sources), *(f"B: {s}" for s in of_b.sources))
            together[name] = Cause(name, _add(of_a.part, of_b.part, -1.0), sources)
    ordered = _ordered(together)
    before, now = (s[0] - s[1] for s in zip(*((s.reference, s.present) for s in splits), strict=True))
    (panel_a, size_a), (panel_b, size_b) = panels
    return Judgement(
        reference=before,
        present=now,
        causes=ordered,
        verdict=verdict_of(ordered, now - before),
        flags=tuple(flags),
        panel=None if panel_a is None or panel_b is None else panel_a - panel_b,
        panel_sources=size_a + size_b,
        what="gap",
    )
