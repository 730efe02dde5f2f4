"""Is a gap, or its change, more than noise? Tests by permutation and by blocks of weeks, and placebos beside them.

Ten or more sources a group: the group labels are permuted over whole sources, since texts of one source hang
together. Under ten there are too few ways to permute, and two groups of few sources always differ in style; then only
the *change* of their gap is tested, by drawing blocks of weeks. Placebos are no tests: they show how large the same
figure gets where nothing can be.

All functions work on the model's balance f of each text; none reads codings. Every random number comes from the
``seed``: the same seed gives the same result.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, prod

import numpy as np
import numpy.typing as npt

from pipeline.measure.balance import Bools, Floats

LEAST_SOURCES = 10
"""Sources a group from which group labels are permuted."""
BLOCK = 4
"""Weeks in a block."""
LEAST_BLOCKS = 3
"""Whole blocks in each of two stretches that are compared."""
REPLICATES = 999
LIBERAL_FROM = 0.3
"""Lag-1 autocorrelation of the weekly gap above which blocks of four weeks reject too often (docs/divergence.md)."""
MOST_EMPTY = 0.05
"""Part of the replicates that may lack one group's texts."""
LEAST_DATES = 5
"""Placebo dates."""
TIE = 1e-12
"""Statistics closer than this are equal but for rounding."""

Ints = npt.NDArray[np.int64]


class ResamplingError(ValueError):
    """The test or placebo can't be made of these texts; says why."""


@dataclass(frozen=True)
class Outcome:
    """Outcome of a resampling test. Two-sided."""

    statistic: float
    p: float
    """(1 + replicates at least as far from 0) / (1 + replicates)"""
    replicates: int
    resampled: str
    """what was permuted or drawn, in words"""
    assumption: str
    """under which p holds, in words; printed beside it"""
    flags: tuple[str, ...] = ()
    """what to know before p is used"""


@dataclass(frozen=True)
class Placebo:
    """The real figure among figures made where no rift can be. Not a test."""

    real: float
    values: Floats
    """shape (B,), the placebos"""
    share: float
    """(1 + placebos at least as far from 0 as the real figure) / (1 + B); says how unusual it is, and is no p value"""
    made: str
    """how the placebos were made, in words"""
    caution: str
    """what they do not show"""


def p_value(statistic: float, replicates: Floats) -> float:
    """(1 + #{replicate >= statistic}) / (1 + B) (Davison & Hinkley 1997, 4.2.5): never 0, and of the right size
    with any B. Equal values count. Raises ValueError without replicates."""
    if not len(replicates):
        raise ValueError("a p value needs at least one replicate")
    return float((1 + (replicates >= statistic - TIE).sum()) / (1 + len(replicates)))


def permuted_labels(
    in_a: Bools, strata: npt.NDArray[np.generic], replicates: int, random: np.random.Generator
) -> Bools:
    """Shape (replicates, n): the labels, shape (n,), permuted within strata, shape (n,). Every stratum keeps its
    number of each label."""
    if len(in_a) != len(strata):
        raise ValueError(f"{len(in_a)} labels and {len(strata)} strata; each unit needs one of both")
    made = np.empty((replicates, len(in_a)), dtype=bool)
    for stratum in np.unique(strata):
        inside = np.flatnonzero(strata == stratum)
        order = random.random((replicates, len(inside))).argsort(axis=1)
        made[:, inside] = in_a[inside][order]
    return made


def assignments(in_a: Bools, strata: npt.NDArray[np.generic]) -> int:
    """Ways to assign the labels within strata."""
    return prod(comb(int((strata == s).sum()), int(in_a[strata == s].sum())) for s in np.unique(strata))


def _both_labels(in_a: Bools, strata: npt.NDArray[np.generic]) -> Bools:
    """Shape (n,): whether a unit's stratum has units of both groups."""
    _, of = np.unique(strata, return_inverse=True)
    in_all, of_a = np.bincount(of), np.bincount(of, in_a)
    mixed: Bools = ((of_a > 0) & (of_a < in_all))[of]
    return mixed


def permutation_test(
    f: npt.ArrayLike,
    source: npt.ArrayLike,
    in_a: npt.ArrayLike,
    language: npt.ArrayLike,
    *,
    seed: int,
    replicates: int = REPLICATES,
) -> Outcome:
    """Test of the gap of one period: labels permuted over sources within language.

    f: shape (n,), the model's balance of each text; source, language: shape (n,); in_a: shape (n,), True for texts
    of group A, False for B. All texts of one period (labels are never permuted across periods: the caller cuts them).
    A source's language is the one of most of its texts, the first by name of several.

    Statistic: in every language the mean of f over A's texts less that over B's, averaged over languages with weights
    s_A s_B/(s_A + s_B), s the numbers of sources; with one language that is the gap. Languages with sources of one
    group only can show nothing and are left out, with a flag. Two-sided.

    Raises ResamplingError under ten such sources in either group.
    """
    f, source, in_a, language = _texts(f, source, in_a, language)
    names, of_source = np.unique(source, return_inverse=True)
    count, sums = np.bincount(of_source), _sums(of_source, f)
    label = label_of_sources(of_source, in_a, names)
    languages, of_language = np.unique(language, return_inverse=True)
    table = np.zeros((len(names), len(languages)))
    np.add.at(table, (of_source, of_language), 1)
    stratum = table.argmax(axis=1)
    mixed = _both_labels(label, stratum)
    n_a, n_b = int((mixed & label).sum()), int((mixed & ~label).sum())
    if min(n_a, n_b) < LEAST_SOURCES:
        raise ResamplingError(
            f"{n_a} and {n_b} sources in languages that both groups use; {LEAST_SOURCES} of each are needed to permute "
            "labels. Test the change of the gap instead"
        )
    label, stratum, count, sums = label[mixed], stratum[mixed], count[mixed], sums[mixed]
    drawn = permuted_labels(label, stratum, replicates, np.random.default_rng(seed))
    values = _stratified_gap(np.vstack([label, drawn]), stratum, count, sums)
    left_out = int((~mixed).sum())
    return Outcome(
        statistic=float(values[0]),
        p=p_value(abs(float(values[0])), np.abs(values[1:])),
        replicates=replicates,
        resampled=f"group labels over {n_a} and {n_b} sources, within language",
        assumption="if the groups did not differ, any source could as well belong to the other group of its language",
        flags=(f"{left_out} sources left out: their languages have sources of one group only",) if left_out else (),
    )


def _stratified_gap(labels: Bools, stratum: Ints, count: Ints, sums: Floats) -> Floats:
    """Shape (B, sources) -> (B,): gaps within strata, weighted by numbers of sources."""
    made, weights = np.zeros(len(labels)), 0.0
    for each in np.unique(stratum):
        inside = stratum == each
        a = labels[:, inside].astype(float)
        s_a, s_all = a[0].sum(), a.shape[1]
        weight = s_a * (s_all - s_a) / s_all
        mean_a = (a @ sums[inside]) / (a @ count[inside])
        mean_b = ((1 - a) @ sums[inside]) / ((1 - a) @ count[inside])
        made, weights = made + weight * (mean_a - mean_b), weights + weight
    return made / weights


def _texts(
    f: npt.ArrayLike, source: npt.ArrayLike, in_a: npt.ArrayLike, other: npt.ArrayLike
) -> tuple[Floats, npt.NDArray[np.generic], Bools, npt.NDArray[np.generic]]:
    made = np.asarray(f, dtype=float), np.asarray(source), np.asarray(in_a), np.asarray(other)
    if len({len(array) for array in made}) != 1:
        raise ValueError(f"the arrays differ in length: {', '.join(str(len(array)) for array in made)}")
    if not np.isfinite(made[0]).all():
        raise ValueError("every text needs a model balance; leave out what is not framed")
    if made[2].dtype != np.bool_:
        raise ValueError("in_a: True or False is needed for every text")
    return made


def _sums(of: Ints, f: Floats, number: int = 0) -> Floats:
    """Shape (n,), (n,) -> (units,): sum of f by unit."""
    return np.asarray(np.bincount(of, f, minlength=number), dtype=float)


def label_of_sources(of_source: Ints, in_a: Bools, names: npt.NDArray[np.generic]) -> Bools:
    """Shape (sources,), whether a source is A's. Raises ValueError for a source of both groups."""
    texts, of_a = np.bincount(of_source), np.bincount(of_source, in_a)
    both = (of_a > 0) & (of_a < texts)
    if both.any():
        raise ValueError(f"source {names[both][0]} has texts of both groups; a source speaks for one")
    label: Bools = of_a > 0
    return label


@dataclass(frozen=True)
class Weekly:
    """Texts of a dyad by source and week."""

    sums: Floats
    """shape (sources, weeks): sum of f; 0 where there is no text"""
    counts: Floats
    """shape (sources, weeks): texts"""
    in_a: Bools
    """shape (sources,): True for sources of group A"""

    @property
    def weeks(self) -> int:
        return int(self.sums.shape[1])

    def by_group(self) -> Floats:
        """Shape (sources, 4, weeks): sum and number of texts of A, sum and number of B, of each source."""
        a = self.in_a[:, None]
        return np.stack(
            [np.where(side, array, 0.0) for side in (a, ~a) for array in (self.sums, self.counts)],
            axis=1,
        )


def weekly(f: npt.ArrayLike, source: npt.ArrayLike, in_a: npt.ArrayLike, week: npt.ArrayLike, *, weeks: int) -> Weekly:
    """Texts sorted into source x week. Arrays of shape (n,); week: number of the week, 0 to ``weeks`` - 1."""
    f, source, in_a, at = _texts(f, source, in_a, week)
    if not np.issubdtype(at.dtype, np.integer) or not np.all((at >= 0) & (at < weeks)):  # type: ignore[operator]
        raise ValueError(f"week: whole numbers from 0 to {weeks - 1} are needed")
    names, of_source = np.unique(source, return_inverse=True)
    cell = of_source * weeks + at.astype(np.int64)
    shape = (len(names), weeks)
    sums = _sums(cell, f, shape[0] * weeks).reshape(shape)
    counts = np.bincount(cell, minlength=shape[0] * weeks).reshape(shape).astype(float)
    return Weekly(sums, counts, label_of_sources(of_source, in_a, names))


def _gap_of(totals: Floats) -> Floats:
    """Shape (..., 4), sum and number of A and of B -> (...): mean of A less mean of B; NaN where either has no text."""
    with np.errstate(invalid="ignore", divide="ignore"):
        made: Floats = totals[..., 0] / totals[..., 1] - totals[..., 2] / totals[..., 3]
    return made


def _residuals(parts: Floats, totals: Floats) -> Floats:
    """What each part adds to the gap's deviation (linearised ratio): shape (..., 4) and (..., 4) -> (...)."""
    with np.errstate(invalid="ignore", divide="ignore"):
        a = (parts[..., 0] - totals[..., 0] / totals[..., 1] * parts[..., 1]) / totals[..., 1]
        b = (parts[..., 2] - totals[..., 2] / totals[..., 3] * parts[..., 3]) / totals[..., 3]
    made: Floats = a - b
    return made


@dataclass(frozen=True)
class _Drawn:
    """The gap of one stretch, and of its bootstrap replicates, with the variances of both."""

    gap: float
    variance: float
    gaps: Floats
    variances: Floats


def _draw_blocks(series: Floats, block: int, replicates: int, random: np.random.Generator) -> _Drawn:
    """Circular block bootstrap of one stretch.

    series: shape (units, 4, weeks); each unit's blocks are drawn by themselves. The stretch is closed to a ring, so
    that every week is drawn as often as every other (Politis & Romano 1992).
    """
    units, _, weeks = series.shape
    number = weeks // block
    ring = np.concatenate([series, series[..., : block - 1]], axis=-1)
    blocks = np.moveaxis(np.lib.stride_tricks.sliding_window_view(ring, block, axis=-1).sum(axis=-1), 1, -1)
    totals = series.sum(axis=(0, 2))
    spread = _residuals(blocks, totals).var(axis=1).sum()
    # blocks are spread about the mean of the same weeks: too little by block/weeks
    variance = float(spread * (weeks / block) / (1 - block / weeks))
    starts = random.integers(0, weeks, (replicates, units, number))
    chosen = blocks[np.arange(units)[:, None], starts]
    sums = chosen.sum(axis=(1, 2))
    each = _residuals(chosen, sums[:, None, None, :])
    return _Drawn(float(_gap_of(totals)), variance, _gap_of(sums), number * each.var(axis=2, ddof=1).sum(axis=1))


def change_test(
    texts: Weekly,
    before: tuple[int, int],
    after: tuple[int, int],
    *,
    seed: int,
    replicates: int = REPLICATES,
    block: int = BLOCK,
    together: bool = True,
) -> Outcome:
    """Test of the change of the gap from one stretch of weeks to another, for dyads of few sources.

    before, after: first week and the week after the last, as indices of ``texts``; they must not overlap.
    Statistic: X = gap(after) - gap(before), gap = mean of f over A's texts less that over B's.

    Circular block bootstrap (Politis & Romano 1992): in each stretch, blocks of ``block`` weeks are drawn with
    replacement; a text stays with its source. What is compared is not X but X divided by its standard error, in the
    replicates by the one of their own drawn blocks (Götze & Künsch 1996): with 6 to 26 blocks the plain bootstrap
    takes its variance from too few blocks and rejects twice to three times as often as it says.
    p = (1 + #{|X* - X|/se* >= |X|/se})/(1 + B). Two-sided.

    together: the same weeks for all sources, so that events that move several sources in one week stay together.
    False: each source's weeks are drawn by themselves; that takes the sources to be independent of each other.

    Raises ResamplingError where a stretch has fewer than three whole blocks or lacks one group's texts.
    """
    _check_stretches(texts, before, after, block)
    random = np.random.default_rng(seed)
    series = texts.by_group()
    if together:
        series = series.sum(axis=0, keepdims=True)
    old, new = (_draw_blocks(series[..., slice(*part)], block, replicates, random) for part in (before, after))
    change, variance = new.gap - old.gap, old.variance + new.variance
    if variance <= TIE**2:
        raise ResamplingError("the weekly gap does not vary within the stretches, so nothing says how much is noise")
    with np.errstate(invalid="ignore", divide="ignore"):
        far = np.abs(new.gaps - old.gaps - change) / np.sqrt(old.variances + new.variances)
    empty = ~np.isfinite(new.gaps - old.gaps)
    if empty.mean() > MOST_EMPTY:
        raise ResamplingError(
            f"{empty.mean():.0%} of the replicates have no text of one group: it published in too few weeks"
        )
    # a replicate without a figure counts against the finding, and so does one whose blocks happen to be all alike
    far = np.where(np.isnan(far), np.inf, far)
    whose = "for all sources together" if together else "for each source by itself"
    apart = "" if together else "; sources are independent of each other"
    lagged = _autocorrelation(texts, (before, after))
    flags = []
    if lagged is not None and max(lagged, 0.0) ** (block / BLOCK) > LIBERAL_FROM:
        flags.append(
            f"neighbouring weeks correlate by {lagged:.2f}: blocks of {block} weeks are short for it, p is too small; "
            f"set blocks of {3 * block} weeks beside it"
        )
    return Outcome(
        statistic=change,
        p=p_value(abs(change) / variance**0.5, far),
        replicates=replicates,
        resampled=f"blocks of {block} weeks within the stretches of {before[1] - before[0]} and {after[1] - after[0]} "
        f"weeks, {whose}; texts stay with their source",
        assumption=f"in each stretch the gap has one level, and weeks more than {block} apart are independent{apart}",
        flags=tuple(flags),
    )


def _check_stretches(texts: Weekly, before: tuple[int, int], after: tuple[int, int], block: int) -> None:
    if block < 1:
        raise ValueError(f"a block of {block} weeks is none")
    if not (0 <= before[0] < before[1] <= after[0] < after[1] <= texts.weeks):
        raise ValueError(f"stretches {before} and {after} are not one after the other within {texts.weeks} weeks")
    for name, part in (("before", before), ("after", after)):
        weeks = part[1] - part[0]
        if weeks < LEAST_BLOCKS * block:
            raise ResamplingError(f"{weeks} weeks {name}, {LEAST_BLOCKS * block} are needed")
        number = texts.counts[:, slice(*part)].sum(axis=1)
        for group, label in (("A", texts.in_a), ("B", ~texts.in_a)):
            if not number[label].sum():
                raise ResamplingError(f"group {group} has no text in the {weeks} weeks {name}")


def _autocorrelation(texts: Weekly, parts: Sequence[tuple[int, int]]) -> float | None:
    """Lag-1 autocorrelation of the weekly gap about the mean of each stretch; None where it can't be seen.

    Raised by (1 + 3 r)/n for the downward bias of a short series (Kendall 1954).
    """
    above, below, weeks = 0.0, 0.0, 0
    for part in parts:
        inside = texts.by_group()[..., slice(*part)].sum(axis=0).T
        series = _gap_of(inside)
        series = series - np.nanmean(series) if np.isfinite(series).any() else series
        pairs = series[1:] * series[:-1]
        above, below = above + float(np.nansum(pairs)), below + float(np.nansum(series**2))
        weeks += int(np.isfinite(pairs).sum())
    if weeks < 2 * LEAST_BLOCKS or below <= TIE:
        return None
    r = above / below
    return r + (1 + 3 * r) / (weeks / len(parts))


def placebo_dyads(
    f: npt.ArrayLike,
    source: npt.ArrayLike,
    in_a: npt.ArrayLike,
    month: npt.ArrayLike,
    after: npt.ArrayLike,
    *,
    seed: int,
    splits: int = REPLICATES,
) -> dict[str, Placebo]:
    """The change of the gap between two halves of ONE group, split at random, beside that of the real dyad.

    Arrays of shape (n,): f, source and in_a as in :func:`permutation_test`; month: any value that names the text's
    month; after: True for texts of the second stretch, False for the first; texts of neither are left out by the
    caller. The months of each source are split in halves within each stretch, so both halves have the same sources
    (which are fixed here, as everywhere), but for the one over of an odd number.

    Result: "A" and "B" -> its placebo. Raises ResamplingError where a group has fewer than two source-months in a
    stretch.
    """
    f, source, in_a, month = _texts(f, source, in_a, month)
    late = np.asarray(after)
    if late.shape != in_a.shape or late.dtype != np.bool_:
        raise ValueError("after: True or False is needed for every text")
    real = _change_of_halves(f, in_a[:, None], late)
    if not np.isfinite(real).all():
        raise ResamplingError("a group has no text in one of the stretches")
    random = np.random.default_rng(seed)
    made = {}
    for group, inside in (("A", in_a), ("B", ~in_a)):
        unit = _units(source[inside], month[inside], late[inside])
        count, sums = np.bincount(unit), _sums(unit, f[inside])
        stretch, own = np.zeros(len(count), dtype=bool), np.zeros(len(count), dtype=np.int64)
        stretch[unit], own[unit] = late[inside], _units(source[inside])
        least = min(int((~stretch).sum()), int(stretch.sum()))
        if least < 2:
            raise ResamplingError(f"group {group} has {least} source-months in a stretch; two are needed to split it")
        halves = np.empty((splits, len(count)), dtype=bool)
        for part in (False, True):
            halves[:, stretch == part] = _random_halves(own[stretch == part], splits, random)
        values = _change_of_halves(sums, halves.T, stretch, count)
        made[group] = _placebo(
            float(real[0]),
            values,
            f"group {group} split at random into halves by source-month, {splits} times",
            "halves are smaller than the groups, so they vary more; both have the same sources, and do not show what "
            "two different sets of sources would",
        )
    return made


def _units(*parts: npt.NDArray[np.generic]) -> Ints:
    """Shape (n,): the number of each text's combination of the parts."""
    codes = np.stack([np.unique(part, return_inverse=True)[1] for part in parts], axis=1)
    return np.asarray(np.unique(codes, axis=0, return_inverse=True)[1], dtype=np.int64).ravel()


def _random_halves(own: Ints, splits: int, random: np.random.Generator) -> Bools:
    """Shape (units,), each unit's source -> (splits, units): True for a random half of the units of each source.

    Units in random order within source, sources in random order, every second one: so the one over of an odd number
    goes to either half.
    """
    source_order = random.random((splits, int(own.max()) + 1)).argsort(axis=1)
    keys = source_order[:, own] + random.random((splits, len(own)))
    made: Bools = keys.argsort(axis=1).argsort(axis=1) % 2 == 0
    return made


def _change_of_halves(sums: Floats, first: Bools, late: Bools, count: Ints | None = None) -> Floats:
    """Shape (units,), (units, B), (units,) -> (B,): change of (mean of the first half less mean of the rest)."""
    number = np.ones(len(sums)) if count is None else count.astype(float)
    gaps = []
    for stretch in (late, ~late):
        one = first[stretch].astype(float)
        with np.errstate(invalid="ignore", divide="ignore"):
            mean_one = (sums[stretch] @ one) / (number[stretch] @ one)
            mean_two = (sums[stretch] @ (1 - one)) / (number[stretch] @ (1 - one))
        gaps.append(mean_one - mean_two)
    made: Floats = gaps[0] - gaps[1]
    return made


def _placebo(real: float, values: Floats, made: str, caution: str) -> Placebo:
    return Placebo(real, values, p_value(abs(real), np.abs(values)), made, caution)


def placebo_dates(texts: Weekly, date: int, *, length: int) -> Placebo:
    """The change of the gap at every other date, beside that at the real one.

    date: index of the first week after the real date. length: weeks on each side that are compared. Placebo dates are
    all weeks at least ``length`` away from the real one, so that none of their weeks lie on both sides of it.

    Values are in order of date, and neighbours share most of their weeks: 40 placebo dates of 26 weeks are fewer than
    two independent ones. Raises ResamplingError under five placebo dates or where the real one has no figure.
    """
    if length < 1 or not length <= date <= texts.weeks - length:
        raise ResamplingError(f"{length} weeks on each side of week {date} are needed, of {texts.weeks} in all")
    running = np.cumsum(np.pad(texts.by_group().sum(axis=0), ((0, 0), (1, 0))), axis=1).T
    dates = np.arange(length, texts.weeks - length + 1)
    ahead, behind = running[dates + length] - running[dates], running[dates] - running[dates - length]
    changes = _gap_of(ahead) - _gap_of(behind)
    real = float(changes[date - length])
    if not np.isfinite(real):
        raise ResamplingError(f"a group has no text in the {length} weeks before the real date, or in those after it")
    values = changes[(np.abs(dates - date) >= length) & np.isfinite(changes)]
    if len(values) < LEAST_DATES:
        raise ResamplingError(f"{len(values)} placebo dates, {LEAST_DATES} are needed: the series is too short")
    return _placebo(
        real,
        values,
        f"the same change at {len(values)} other dates, {length} weeks before against {length} after",
        f"windows overlap: {date // (2 * length) + (texts.weeks - date) // (2 * length)} of these dates, at most, have "
        "weeks of their own",
    )
