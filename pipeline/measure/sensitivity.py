"""The sensitivity sheet of a dyad: does the change of its gap survive other choices than those that were made?

Each row changes one thing (deduplication, a source, the period, the index, masking, who speaks, the stretches), makes
the change of the gap again and says whether its sign and the conclusion hold; or says why it can't be made. Beside
them a placebo (one group split in two at random) and the classifier's errors in each group by random codings: unequal
ones bias the gap. All rows but the one corrected by codings are of the model's balance alone.
"""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pipeline.measure.balance import LEVEL, NO_VARIANCE, Bools, Floats, balance, borrow, moments
from pipeline.measure.composition import Part, sum_part, unit_means

Ints = NDArray[np.int64]
Strings = NDArray[np.str_]
Days = NDArray[np.datetime64]
Kind = Literal[
    "base", "deduplication", "source", "period", "stretch", "index", "masking", "speaker", "coded", "placebo"
]

SPLITS = 500
"""Random halves of a placebo."""
LEAST_SPLITS = 0.9
"""Share of them in which every half has texts in both stretches; below it there is no placebo."""
LEAST_CODED = 5
"""With fewer codings of a kind no error rate is given."""
LEAST_REST = 15
"""Days: what is left of a stretch after its last whole month is a month of its own from so many on."""
RESTS_ON = 0.5
"""A change rests on a source when leaving it out takes away more than this share of it."""


class SensitivityError(ValueError):
    """The change of the gap itself can't be made, so there is nothing to vary; says why."""


@dataclass(frozen=True)
class Stretch:
    """A stretch of time: ``start`` is its first day, ``end`` the first day after it."""

    start: date
    end: date

    def holds(self, day: Days) -> Bools:
        """Which of these days lie in it."""
        made: Bools = (day >= np.datetime64(self.start)) & (day < np.datetime64(self.end))
        return made

    def halves(self) -> tuple[Stretch, Stretch]:
        """The first and the second half."""
        middle = self.start + (self.end - self.start) // 2
        return Stretch(self.start, middle), Stretch(middle, self.end)

    def weeks(self) -> list[date]:
        """First days of its weeks, counted from its own first day. The last may be shorter."""
        return [self.start + timedelta(days=days) for days in range(0, (self.end - self.start).days, 7)]

    def months(self) -> list[date]:
        """First days of its months, counted from its own first day: of a stretch of whole calendar months those.

        A rest of less than half a month belongs to the month before it, since few days are no month of their own.
        """
        firsts = [self.start]
        while (following := _months_later(self.start, len(firsts))) < self.end:
            firsts.append(following)
        if len(firsts) > 1 and (self.end - firsts[-1]).days < LEAST_REST:
            firsts.pop()
        return firsts


def _months_later(day: date, months: int) -> date:
    """The same day so many months later, or the last one of that month."""
    year, month = divmod(12 * day.year + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def periods_of(day: Days, firsts: Sequence[Sequence[date]]) -> tuple[Ints, list[range]]:
    """Days sorted into the periods of several stretches. Pure.

    day: shape (N,), each within one of the stretches. firsts: of each stretch the first days of its periods, such as
    :meth:`Stretch.weeks`. Returns the number of each day's period, shape (N,), and the numbers of each stretch. They go
    on from one stretch to the next, whatever lies between them, and no period holds days of two.
    """
    starts = np.array([first for of in firsts for first in of], dtype="datetime64[D]")
    order = np.argsort(starts)
    numbers: Ints = order[np.searchsorted(starts[order], day, side="right") - 1].astype(np.int64)
    ends = np.cumsum([0, *(len(of) for of in firsts)]).tolist()
    return numbers, [range(first, end) for first, end in pairwise(ends)]


@dataclass(frozen=True, eq=False)
class DyadTexts:
    """The framed texts of both groups of a dyad, reposts included, one entry each in every array of shape (N,)."""

    names: tuple[str, str]
    """A and B"""
    reference: Stretch
    present: Stretch
    of_a: Bools
    """True: a text of A; False: of B"""
    source: Strings
    day: Days
    """of publication, datetime64[D]"""
    cluster: Ints
    counts: Bools
    """True where the text stands for its cluster, as in the trend table"""
    p_nationalist: Floats
    p_universalist: Floats
    y: Floats | None = None
    """coded balance of texts drawn at random, NaN elsewhere; None: no codings"""
    pi: Floats | None = None
    """inclusion probability of the coded ones; None: all drawn alike"""
    late: Bools | None = None
    """True: came after the draw, so that the coded ones do not speak for it, and is not coded; None: none did"""
    unmasked: tuple[Floats, Floats] | None = None
    """the two probabilities by the same model without masked names; null: see ``not_unmasked``"""
    not_unmasked: str = "needs scores without masking"
    observer: Bools | None = None
    """True: an observer's text about the group; None: only the groups' own texts are given"""

    def __post_init__(self) -> None:
        columns = [self.of_a, self.source, self.day, self.cluster, self.counts, self.p_nationalist, self.p_universalist]
        columns += [one for one in (self.y, self.pi, self.late, self.observer) if one is not None]
        columns += list(self.unmasked or ())
        if len({len(column) for column in columns}) > 1:
            raise ValueError(f"arrays of texts differ in length: {[len(column) for column in columns]}")
        for p in (self.p_nationalist, self.p_universalist, *(self.unmasked or ())):
            if len(p) and not np.all((p >= 0) & (p <= 1)):
                raise ValueError("every text needs probabilities in [0, 1]; leave out what is not framed")
        if self.reference.end > self.present.start and self.present.end > self.reference.start:
            raise ValueError("reference and present overlap")

    @property
    def f(self) -> Floats:
        return self.p_nationalist - self.p_universalist

    @property
    def own(self) -> Bools:
        """Texts in which the groups themselves speak."""
        return np.ones(len(self.day), dtype=bool) if self.observer is None else ~self.observer


@dataclass(frozen=True)
class Row:
    """One row of the sheet."""

    kind: Kind
    changed: str
    """what was done otherwise"""
    change: float | None = None
    """change of the gap, present minus reference; of a placebo: 95 of 100 random halves change by less than this"""
    se: float | None = None
    sign_holds: bool | None = None
    conclusion_holds: bool | None = None
    """beyond noise (95%) and of the same sign where the base row is; not beyond noise where it is not. Of a placebo:
    whether the change of the gap is larger than that of 95 of 100 random halves. None: can't be said"""
    why: str | None = None
    """why something is not computed"""


@dataclass(frozen=True)
class ErrorRate:
    """How often the model's label differs from the coders' in one group (both stretches together)."""

    group: str
    coded: str
    """nationalist, universalist, or both or neither"""
    codings: int
    rate: float | None
    """weighted by 1/pi where draws were unequal"""
    why: str | None = None


@dataclass(frozen=True)
class Sheet:
    """The sensitivity sheet of one dyad. The first row is the base."""

    names: tuple[str, str]
    base: Part
    """the change of the gap as it is published, uncorrected"""
    rows: tuple[Row, ...]
    rates: tuple[ErrorRate, ...]
    bias: Part | None
    """mean error of the model (f - y) in A minus that in B: by so much its gap is too wide; None: see ``no_bias``"""
    no_bias: str | None = None

    @property
    def beyond(self) -> bool | None:
        """The 95% interval of the base row excludes 0; None: no standard error."""
        return self.base.beyond(LEVEL)

    @property
    def variants(self) -> tuple[Row, ...]:
        """The rows that make the change again in another way, and could."""
        return tuple(row for row in self.rows[1:] if row.kind != "placebo" and row.change is not None)

    @property
    def rests_on(self) -> tuple[Row, ...]:
        """Sources without which more than half of the change is gone, or it turns; the worst first."""
        left = {row: (row.change or 0.0) / self.base.value for row in self.variants if row.kind == "source"}
        return tuple(sorted((row for row, share in left.items() if share < 1 - RESTS_ON), key=lambda row: left[row]))

    def in_words(self) -> str:
        """A few sentences for people."""
        noise = "" if self.base.se is None else f" (s.e. {self.base.se:.2f})"
        size = {True: "beyond noise", False: "within noise", None: "noise not known"}[self.beyond]
        said = [f"The gap {self.names[0]} - {self.names[1]} changes by {self.base.value:+.2f}{noise}, {size}."]
        kept = [row.sign_holds for row in self.variants]
        tested = [row.conclusion_holds for row in self.variants if row.conclusion_holds is not None]
        said.append(f"It keeps its sign in {sum(map(bool, kept))} of {len(kept)} variants")
        if tested:
            said[-1] += f", and the conclusion holds in {sum(tested)} of {len(tested)} that can be tested"
        said[-1] += "."
        if self.rests_on:
            resting = ", ".join(f"{row.changed.removeprefix('without ')} ({row.change:+.2f})" for row in self.rests_on)
            said.append(f"It rests on {resting}: what is left without it stands in brackets.")
        said += [
            f"{row.changed[0].upper()}{row.changed[1:]}; {_placebo_words(row)}."
            for row in self.rows
            if row.kind == "placebo" and not row.why
        ]
        if self.bias is not None and self.bias.beyond(LEVEL):
            said.append(
                f"The model errs unequally: its gap is off by {self.bias.value:+.2f} (s.e. {self.bias.se:.2f})."
            )
        lacking = [f"{row.changed} ({row.why})" for row in self.rows[1:] if row.change is None]
        if lacking:
            said.append(f"Not computed: {'; '.join(lacking)}.")
        return " ".join(said)


def _placebo_words(row: Row) -> str:
    said = "more" if row.conclusion_holds else "no more"
    return f"95 of 100 change by less than {row.change:.2f}, so the gap changes by {said} than chance"


# -- the change of the gap --------------------------------------------------------------------------------------------


def _months(day: Days) -> Ints:
    return day.astype("datetime64[M]").astype(np.int64)


def _weeks(day: Days) -> Ints:
    # day 0, 1 January 1970, was a Thursday; weeks start on Monday
    made: Ints = (day.astype("datetime64[D]").astype(np.int64) + 3) // 7
    return made


def _quarters(day: Days) -> Ints:
    return _months(day) // 3


class _Missing(Exception):
    """A row can't be computed; says why. Never leaves this module."""


def _cells(texts: DyadTexts, used: Bools) -> Iterator[tuple[float, str, Bools]]:
    """Sign, name and texts of the four cells: X = (b_A - b_B) in the present minus the same in the reference."""
    for time, sign, stretch in (("present", 1.0, texts.present), ("reference", -1.0, texts.reference)):
        inside = stretch.holds(texts.day) & used
        for name, side, mask in ((texts.names[0], 1.0, texts.of_a), (texts.names[1], -1.0, ~texts.of_a)):
            chosen = inside & mask
            if not chosen.any():
                raise _Missing(f"{name} has no text in the {time}")
            yield sign * side, f"{name} in the {time}", chosen


def _pooled(texts: DyadTexts, used: Bools, f: Floats) -> Part:
    value, variances, freedoms = 0.0, [], []
    for sign, _, chosen in _cells(texts, used):
        names, source = np.unique(texts.source[chosen], return_inverse=True)
        means = unit_means(source, _months(texts.day[chosen]), f[chosen], len(names))
        value += sign * float(f[chosen].mean())
        variances.append((means.n / means.n.sum()) ** 2 * means.variance)
        freedoms.append(means.freedom)
    return sum_part(value, np.concatenate(variances), np.concatenate(freedoms))


def gap_change(texts: DyadTexts, *, deduplicated: bool = True) -> Part:
    """The base row: X = (mean f_A - mean f_B) of the present minus that of the reference, own texts.

    Its variance is the sum of four, each the sum over sources of (share of the source)^2 V_s, with V_s from the spread
    of the source's months (see :func:`pipeline.measure.composition.unit_means`): sources are fixed strata, months of a
    source the units that vary. ``deduplicated``: reposts do not count. Raises SensitivityError for an empty cell.
    """
    try:
        return _pooled(texts, texts.own & (texts.counts if deduplicated else True), texts.f)
    except _Missing as error:
        raise SensitivityError(str(error)) from None


def _alike(texts: DyadTexts, used: Bools, period: Ints) -> Part:
    """The same with every period weighted alike: the mean of the gaps of periods in which both groups have texts."""
    list(_cells(texts, used))  # an empty cell has a reason of its own
    value, variances, freedoms = 0.0, [], []
    for time, sign, stretch in (("present", 1.0, texts.present), ("reference", -1.0, texts.reference)):
        inside = stretch.holds(texts.day) & used
        _, code = np.unique(period[inside], return_inverse=True)
        sides = []
        for mask in (texts.of_a[inside], ~texts.of_a[inside]):
            number = np.bincount(code[mask], minlength=int(code.max()) + 1)
            total = np.bincount(code[mask], weights=texts.f[inside][mask], minlength=int(code.max()) + 1)
            sides.append(np.divide(total, number, out=np.full(len(number), np.nan), where=number > 0))
        gaps = sides[0] - sides[1]
        gaps = gaps[~np.isnan(gaps)]
        if not len(gaps):
            raise _Missing(f"no period of the {time} has texts of both groups")
        value += sign * float(gaps.mean())
        variances.append(float(gaps.var(ddof=1)) / len(gaps) if len(gaps) > 1 else np.nan)
        freedoms.append(float(len(gaps) - 1))
    return sum_part(value, np.array(variances), np.array(freedoms))


def without_source(texts: DyadTexts, source: str) -> DyadTexts:
    """The texts without a source. Where it had published a text first, the next copy stands for the text: own texts
    before observers', then the earliest day, then the order given."""
    left = texts.source != source
    counts = texts.counts & left
    orphaned = np.isin(texts.cluster, texts.cluster[texts.counts & ~left]) & left
    candidates = np.flatnonzero(orphaned)
    candidates = candidates[np.lexsort((texts.day[candidates], ~texts.own[candidates]))]
    _, first = np.unique(texts.cluster[candidates], return_index=True)
    counts[candidates[first]] = True
    columns: dict[str, Any] = {
        name: value[left] for name, value in vars(texts).items() if isinstance(value, np.ndarray)
    }
    if texts.unmasked is not None:
        columns["unmasked"] = (texts.unmasked[0][left], texts.unmasked[1][left])
    return replace(texts, **columns | {"counts": counts[left]})


# -- the rows ---------------------------------------------------------------------------------------------------------


def _row(kind: Kind, changed: str, made: Part, base: Part) -> Row:
    """A row beside the base."""
    sign = made.value * base.value > 0
    beyond, base_beyond = made.beyond(LEVEL), base.beyond(LEVEL)
    holds = None
    if beyond is not None and base_beyond is not None:
        holds = (beyond and sign) if base_beyond else not beyond
    why = "no standard error: sources have texts in too few months" if made.se is None else None
    return Row(kind, changed, made.value, made.se, sign, holds, why)


Variant = tuple[Kind, str, Callable[[], Part]]


def _variants(texts: DyadTexts) -> Iterator[Variant]:
    """Everything that is done otherwise, one at a time."""
    used = texts.own & texts.counts
    p, q = texts.p_nationalist, texts.p_universalist

    def pooled(chosen: Bools, f: Floats) -> Callable[[], Part]:
        return lambda: _pooled(texts, chosen, f)

    def without(source: str) -> Callable[[], Part]:
        left = without_source(texts, source)
        return lambda: _pooled(left, left.own & left.counts, left.f)

    def alike(period: Ints) -> Callable[[], Part]:
        return lambda: _alike(texts, used, period)

    def between(**stretches: Stretch) -> Callable[[], Part]:
        other = replace(texts, **stretches)  # type: ignore[arg-type]
        return lambda: _pooled(other, used, other.f)

    yield "deduplication", "deduplication off", pooled(texts.own, texts.f)
    inside = (texts.reference.holds(texts.day) | texts.present.holds(texts.day)) & used
    for source in np.unique(texts.source[inside]):
        yield "source", f"without {source}", without(str(source))
    for name, period in (("weeks", _weeks), ("months", _months), ("quarters", _quarters)):
        yield "period", f"{name} weighted alike", alike(period(texts.day))
    for name, half in zip(("first", "second"), texts.reference.halves(), strict=True):
        yield "stretch", f"{name} half of the reference only", between(reference=half)
    for name, half in zip(("first", "second"), texts.present.halves(), strict=True):
        yield "stretch", f"{name} half of the present only", between(present=half)
    labels = (p >= 0.5).astype(float) - (q >= 0.5).astype(float)
    yield "index", "share of labels (CC) in place of probabilities", pooled(used, labels)
    yield "index", "nationalist share only", pooled(used, p)
    yield "index", "universalist share only, reversed", pooled(used, -q)
    yield "masking", "names not masked", lambda: _unmasked(texts, used)
    yield "speaker", "observers' texts about the groups too", lambda: _observed(texts)
    late = 0 if texts.late is None else int((inside & texts.late).sum())
    without_late = f", without {late} texts that arrived at a time that codings do not speak for" if late else ""
    yield "coded", f"corrected by random codings{without_late}", lambda: _corrected(texts, used)


def _unmasked(texts: DyadTexts, used: Bools) -> Part:
    if texts.unmasked is None:
        raise _Missing(texts.not_unmasked)
    return _pooled(texts, used, texts.unmasked[0] - texts.unmasked[1])


def _observed(texts: DyadTexts) -> Part:
    if texts.observer is None or not texts.observer.any():
        raise _Missing("no observers' texts are given")
    return _pooled(texts, texts.counts, texts.f)


def _corrected(texts: DyadTexts, used: Bools) -> Part:
    """The change of the gap corrected by random codings: four balances as in :mod:`pipeline.measure.balance`, each of
    which borrows lam and residual variance from the other three."""
    if texts.y is None or np.isnan(texts.y).all():
        raise _Missing("no random codings")
    cells = list(_cells(texts, used))
    drawn = [chosen & ~np.isnan(texts.y) for _, _, chosen in cells]
    own = [moments(texts.f[mask], texts.y[mask]) for mask in drawn]
    value, variance, freedom, borrowed = 0.0, 0.0, 0.0, []
    for k, (sign, name, chosen) in enumerate(cells):
        others = borrow(own[:k] + own[k + 1 :])
        pi = None if texts.pi is None else texts.pi[chosen]
        late = None if texts.late is None else texts.late[chosen]
        made = balance(texts.f[chosen], texts.y[chosen], others, pi=pi, late=late)
        if made.interval is None:
            raise _Missing(f"{name}: {made.why}")
        value += sign * made.value
        if made.interval.variance > 0:
            variance += made.interval.variance
            freedom += made.interval.freedom - made.interval.borrowed
            borrowed.append(made.interval.borrowed)
    if variance < NO_VARIANCE:  # a census of all four cells
        return Part(value, None)
    # what the cells borrow is counted once, as in the gap
    return Part(value, variance**0.5, freedom + min(borrowed))


def _placebo(texts: DyadTexts, of_a: bool, base: Part, splits: int, seed: int) -> Row:
    """One group split in two at random by source-month, many times: how much the 'gap' of its halves changes.

    The halves are smaller than the group, so their change is wider by chance than that of two groups of its size (by
    the square root of two): a change that passes this passes more than it must.
    """
    name = texts.names[0 if of_a else 1]
    changed = f"placebo: {name} split in two at random by source-month, {splits} times"
    used = texts.own & texts.counts & (texts.of_a == of_a)
    random = np.random.default_rng([seed, int(of_a)])
    moved = np.zeros(splits)
    for sign, stretch in ((1.0, texts.present), (-1.0, texts.reference)):
        chosen = stretch.holds(texts.day) & used
        _, source = np.unique(texts.source[chosen], return_inverse=True)
        cells, cell = np.unique(np.stack([source, _months(texts.day[chosen])]), axis=1, return_inverse=True)
        if cells.shape[1] < 2:
            time = "present" if sign > 0 else "reference"
            return Row("placebo", changed, why=f"{name} has fewer than two source-months in the {time}")
        number = np.bincount(cell.ravel()).astype(float)
        total = np.bincount(cell.ravel(), weights=texts.f[chosen])
        half = random.random((splits, len(number))) < 0.5
        with np.errstate(invalid="ignore"):  # an empty half is no number
            moved += sign * ((half @ total) / (half @ number) - (~half @ total) / (~half @ number))
    made = np.abs(moved[~np.isnan(moved)])
    if len(made) < LEAST_SPLITS * splits:
        return Row("placebo", changed, why=f"{name} has too few source-months to be split")
    limit = float(np.quantile(made, LEVEL))
    return Row("placebo", changed, limit, float(np.std(moved[~np.isnan(moved)])), None, bool(abs(base.value) > limit))


# -- the errors of the classifier -------------------------------------------------------------------------------------

_CODED = ("nationalist", "universalist", "both or neither")


def error_rates(texts: DyadTexts) -> tuple[ErrorRate, ...]:
    """Share of random codings of each value that the model labels otherwise, per group; null below five codings.

    A text is coded nationalist from y = .5 on (most coders), universalist down from -.5; the model's label is its
    probabilities at .5. Own texts that count, both stretches together.
    """
    used = texts.own & texts.counts & (texts.reference.holds(texts.day) | texts.present.holds(texts.day))
    y = np.full(len(texts.day), np.nan) if texts.y is None else texts.y
    coded = np.where(y >= 0.5, 0, np.where(y <= -0.5, 1, 2))
    label = (texts.p_nationalist >= 0.5).astype(int) - (texts.p_universalist >= 0.5).astype(int)
    said = np.where(label > 0, 0, np.where(label < 0, 1, 2))
    weight = np.ones(len(y)) if texts.pi is None else 1 / np.where(np.isnan(y), 1.0, texts.pi)
    made = []
    for name, side in ((texts.names[0], texts.of_a), (texts.names[1], ~texts.of_a)):
        for value, what in enumerate(_CODED):
            chosen = used & side & ~np.isnan(y) & (coded == value)
            n = int(chosen.sum())
            if n < LEAST_CODED:
                made.append(ErrorRate(name, what, n, None, f"{n} random codings, {LEAST_CODED} are needed"))
            else:
                wrong = float(np.average(said[chosen] != value, weights=weight[chosen]))
                made.append(ErrorRate(name, what, n, wrong))
    return tuple(made)


def error_bias(texts: DyadTexts) -> Part:
    """Mean error of the model (f - y) over A's random codings minus that over B's: by so much its gap is too wide.

    Weighted by 1/pi; V of each side = n/(n-1) sum w^2 (e - mean)^2 / sum(w)^2. Both stretches together. Raises
    SensitivityError with fewer than five codings on a side.
    """
    if texts.y is None:
        raise SensitivityError("no random codings")
    used = texts.own & texts.counts & (texts.reference.holds(texts.day) | texts.present.holds(texts.day))
    value, variances, freedoms = 0.0, [], []
    for name, sign, side in ((texts.names[0], 1.0, texts.of_a), (texts.names[1], -1.0, ~texts.of_a)):
        chosen = used & side & ~np.isnan(texts.y)
        n = int(chosen.sum())
        if n < LEAST_CODED:
            raise SensitivityError(f"{name}: {n} random codings, {LEAST_CODED} are needed")
        e = (texts.f - texts.y)[chosen]
        w = np.ones(n) if texts.pi is None else 1 / texts.pi[chosen]
        mean = float(np.average(e, weights=w))
        value += sign * mean
        variances.append(n / (n - 1) * float((w**2 * (e - mean) ** 2).sum()) / float(w.sum()) ** 2)
        freedoms.append(n - 1.0)
    return sum_part(value, np.array(variances), np.array(freedoms))


# -- the sheet --------------------------------------------------------------------------------------------------------


def sensitivity_sheet(texts: DyadTexts, *, splits: int = SPLITS, seed: int = 20090919) -> Sheet:
    """The sheet of one dyad, made by itself from its texts.

    Rows: base; deduplication off; each source left out; weeks, months, quarters weighted alike; half of the reference
    or of the present; labels in place of probabilities; one side of the index only; names not masked; observers too;
    corrected by random codings; placebo of each group. What can't be made says why. The same seed gives the same sheet.
    Raises SensitivityError where a group has no own text in a stretch, or the gap does not change at all.
    """
    base = gap_change(texts)
    if base.value == 0:
        raise SensitivityError("the gap does not change at all, so no sign can hold")
    why = "sources have texts in too few months" if base.se is None else None
    rows = [Row("base", "nothing", base.value, base.se, why=why)]
    for kind, changed, make in _variants(texts):
        try:
            rows.append(_row(kind, changed, make(), base))
        except _Missing as error:
            rows.append(Row(kind, changed, why=str(error)))
    rows += [_placebo(texts, of_a, base, splits, seed) for of_a in (True, False)]
    bias, no_bias = None, None
    try:
        bias = error_bias(texts)
    except SensitivityError as error:
        no_bias = str(error)
    return Sheet(texts.names, base, tuple(rows), error_rates(texts), bias, no_bias)
