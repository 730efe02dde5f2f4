"""Leave-out partisanship: how well one word tells which of two groups used it, judged by words of others.

A text's words are judged by how often the *other* units (sources) of both groups use them, never by the unit itself:
with a rich vocabulary any two samples of one speaker look different, and an estimate that reads the unit it judges
takes that for partisanship (Gentzkow, Shapiro & Taddy 2019, Econometrica 87, "leave-out estimator").
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from pipeline.measure.balance import Bools, Floats
from pipeline.measure.resampling import Ints, assignments, label_of_sources, p_value, permuted_labels

LEAST_UNITS = 2
"""Units a group: one is judged, by at least one other."""
SUBSETS = 30
"""Reference sets tried per unit: all of them where there are no more, else so many at random."""
PERMUTATIONS = 199
NO_PARTISANSHIP = 0.5
NOT_SEPARABLE = "style not separable from group"
_AT_ONCE = 2_000_000
"""numbers of a batch of reference sets"""


class PartisanshipError(ValueError):
    """Partisanship can't be computed of these units; says why."""


@dataclass(frozen=True)
class Units:
    """What is left out together: sources, or the months of sources."""

    unit: Ints
    """shape (n,): number of each text's unit"""
    in_a: Bools
    """shape (units,): True for units of group A"""
    kind: str
    """source, or source-month"""
    flags: tuple[str, ...] = ()


def choose_units(source: npt.ArrayLike, month: npt.ArrayLike, in_a: npt.ArrayLike) -> Units:
    """Sources where both groups have two or more, else source-months, then flagged.

    Arrays of shape (n,), one entry per text; in_a: True for texts of A, False for B. A group with one source is its
    style: words that tell the groups apart may only tell the writers apart.

    Raises PartisanshipError where a group has fewer than two source-months, ValueError for a source of both groups.
    """
    source, month, label = np.asarray(source), np.asarray(month), np.asarray(in_a)
    if not len(source) == len(month) == len(label) or label.dtype != np.bool_:
        raise ValueError("source, month and in_a (True or False): one of each is needed for every text")
    names, of_source = np.unique(source, return_inverse=True)
    label_of_sources(of_source, label, names)
    kind, unit = "source", np.asarray(of_source, dtype=np.int64)
    if not _enough(_labels(unit, label)):
        _, of_month = np.unique(month, return_inverse=True)
        _, unit = np.unique(of_source * (int(of_month.max(initial=0)) + 1) + of_month, return_inverse=True)
        kind = "source-month"
    labels = _labels(unit, label)
    if not _enough(labels):
        raise PartisanshipError(
            f"{int(labels.sum())} and {int((~labels).sum())} source-months; {LEAST_UNITS} of each group are needed"
        )
    return Units(unit, labels, kind, () if kind == "source" else (NOT_SEPARABLE,))


def _labels(unit: Ints, label: Bools) -> Bools:
    made: Bools = np.bincount(unit, label) > 0
    return made


def _enough(labels: Bools) -> bool:
    return min(int(labels.sum()), int((~labels).sum())) >= LEAST_UNITS


def unit_counts(counts: sp.csr_matrix, unit: Ints) -> sp.csr_matrix:
    """Texts x words, shape (n, words), summed by unit, shape (n,) -> (units, words)."""
    if counts.shape[0] != len(unit):
        raise ValueError(f"{counts.shape[0]} rows of counts and {len(unit)} units; one for every text is needed")
    which = sp.csr_matrix((np.ones(len(unit)), (unit, np.arange(len(unit)))))
    return sp.csr_matrix(which @ counts)


@dataclass(frozen=True)
class Partisanship:
    """Leave-out partisanship of words."""

    value: float
    """mean chance that one word of a text tells a neutral reader its group; .5: nothing to tell, 1: every word tells"""
    p: float
    """share of permuted labels that give as much, the seen one counted: one-sided"""
    permutations: int
    units: tuple[int, int]
    """of A and of B"""
    known: float
    """share of the words of a unit that another unit uses as well; the others tell nothing and count as .5"""
    permuted: str
    """what was permuted, in words"""
    assumption: str
    """under which p holds, in words"""
    flags: tuple[str, ...] = ()


def leave_out(counts: sp.csr_matrix, in_a: Bools, *, seed: int, subsets: int = SUBSETS) -> float:
    """Leave-out partisanship of words, in [0, 1]; null .5.

    counts: shape (units, words), how often each unit uses each word, not negative; every row has words.
    in_a: shape (units,), True for units of A.

    Unit i has word shares q_i. Two reference sets of equal size k = min(n_own - 1, n_other) units: of its own group
    without i, and of the other. With r_own, r_other the shares of a word in the sets, the chance it gives away the
    group is rho = r_own/(r_own + r_other), .5 where neither set has it. The unit's score is sum_w q_iw rho_w, averaged
    over reference sets (all, up to ``subsets``; else so many drawn at random); the value is the mean over A's units
    and over B's, averaged. Equal sizes make the two sets exchangeable when labels mean nothing, so the mean is exactly
    .5 at any size; unequal ones find more of the rare words in the larger set.

    Raises PartisanshipError under two units a group or without a word that two units use, ValueError for counts or
    labels that can't be right.
    """
    counts, in_a = _check(counts, in_a)
    return float(scores(counts, in_a[None, :], np.random.default_rng(seed), subsets=subsets)[0])


def partisanship(
    counts: sp.csr_matrix,
    units: Units,
    *,
    seed: int,
    strata: npt.ArrayLike | None = None,
    permutations: int = PERMUTATIONS,
    subsets: int = SUBSETS,
) -> Partisanship:
    """Leave-out partisanship with a p value: group labels permuted over units, p = (1+#)/(1+B), one-sided.

    counts: shape (units, words), see :func:`unit_counts`; strata: shape (units,), within which labels are permuted
    (months of source-months, say); None: over all. Texts of one language: words of two languages tell the groups
    apart where only their languages differ. The value is that of :func:`leave_out`; the seen labels and the permuted
    ones are treated alike, so p has the right size, but hardly below 1/(different assignments), which is flagged.
    """
    counts, in_a = _check(counts, units.in_a)
    stratum = np.zeros(len(in_a), dtype=np.int64) if strata is None else np.asarray(strata)
    random = np.random.default_rng(seed)
    value = float(scores(counts, in_a[None, :], random, subsets=subsets)[0])
    drawn = permuted_labels(in_a, stratum, permutations, random)
    others = scores(counts, drawn, random, subsets=subsets)
    flags = list(units.flags)
    different = assignments(in_a, stratum)
    if 2 * int(in_a.sum()) == len(in_a):
        different = max(1, different // 2)  # names of the groups swapped: the same figure
    if different < 20:
        flags.append(f"{different} different assignments of labels: p can't fall much below {1 / different:.2f}")
    if units.kind != "source":
        flags.append("months of one source are alike, so p says that sources differ, not that groups do")
    return Partisanship(
        value=value,
        p=p_value(value, others),
        permutations=permutations,
        units=(int(in_a.sum()), int((~in_a).sum())),
        known=_known(counts),
        permuted=f"group labels over {units.kind}s",
        assumption=f"if the groups did not differ, any {units.kind} could as well belong to the other group",
        flags=tuple(flags),
    )


def _check(counts: sp.csr_matrix, in_a: Bools) -> tuple[sp.csr_matrix, Bools]:
    made, labels = sp.csr_matrix(counts, dtype=float), np.asarray(in_a)
    if labels.dtype != np.bool_ or labels.shape != (made.shape[0],):
        raise ValueError(f"in_a: True or False is needed for each of {made.shape[0]} units")
    if (made.data < 0).any() or not np.isfinite(made.data).all():
        raise ValueError("counts: they can't be negative or missing")
    made.eliminate_zeros()
    if not _enough(labels):
        raise PartisanshipError(
            f"{int(labels.sum())} and {int((~labels).sum())} units; {LEAST_UNITS} of each group are needed, "
            "or a unit is judged by itself"
        )
    empty = np.flatnonzero(np.diff(made.indptr) == 0)
    if len(empty):
        raise ValueError(f"unit {empty[0]} has no words; leave it out")
    if not _known(made):
        raise PartisanshipError("no word is used by two units, so no unit's words can be judged by another's")
    return made, labels


def _sizes(counts: sp.csr_matrix) -> Floats:
    """Shape (units,): words of each unit."""
    return np.asarray(counts.sum(axis=1), dtype=float).ravel()


def _known(counts: sp.csr_matrix) -> float:
    users = np.bincount(counts.indices, minlength=counts.shape[1])
    size = _sizes(counts)
    shared = counts @ (users > 1).astype(float)
    return float((shared / size).mean())


def scores(counts: sp.csr_matrix, labels: Bools, random: np.random.Generator, *, subsets: int = SUBSETS) -> Floats:
    """:func:`leave_out` under many labellings: ``labels`` of shape (R, units), each row with as many of A -> (R,)."""
    if subsets < 1:
        raise ValueError(f"{subsets} reference sets; one is needed")
    size = _sizes(counts)
    by_word = counts.tocsc()
    in_group = np.maximum(1, np.stack([(~labels).sum(axis=1), labels.sum(axis=1)]))
    made = np.zeros(len(labels))
    for unit in range(len(size)):
        row = slice(counts.indptr[unit], counts.indptr[unit + 1])
        words, share = counts.indices[row], counts.data[row] / size[unit]
        used = by_word[:, words].toarray()
        own = labels == labels[:, [unit]]
        other = ~own
        own[:, unit] = False
        for side in (False, True):
            rows = np.flatnonzero(labels[:, unit] == side)
            if len(rows):
                score = _unit_scores(share, used, size, own[rows], other[rows], subsets, random)
                made[rows] += score / (2 * in_group[int(side), rows])
    return made


def _unit_scores(
    share: Floats, used: Floats, size: Floats, own: Bools, other: Bools, subsets: int, random: np.random.Generator
) -> Floats:
    """Scores of one unit under R labellings with the same numbers of own and other units.

    share: shape (words,) of the unit; used: (units, words); size: (units,); own, other: (R, units). -> (R,)
    """
    k = min(int(own[0].sum()), int(other[0].sum()))
    # one of the two sets is its whole group
    sets = max(min(comb(int(own[0].sum()), k) * comb(int(other[0].sum()), k), subsets), 1)
    together = max(1, _AT_ONCE // (sets * max(len(share), len(size))))
    made = np.empty(len(own))
    for start in range(0, len(own), together):
        some = slice(start, start + together)
        ours = _shares(_reference_sets(own[some], k, subsets, random), used, size)
        theirs = _shares(_reference_sets(other[some], k, subsets, random), used, size)
        both = ours + theirs
        rho = np.divide(ours, both, out=np.full(both.shape, NO_PARTISANSHIP), where=both > 0)
        made[some] = (rho @ share).mean(axis=1)
    return made


def _shares(sets: Floats, used: Floats, size: Floats) -> Floats:
    """Word shares of sets of units taken together: shape (R, sets, units) -> (R, sets, words)."""
    made: Floats = (sets @ used) / (sets @ size)[..., None]
    return made


def _reference_sets(allowed: Bools, k: int, subsets: int, random: np.random.Generator) -> Floats:
    """Sets of k of the allowed units of each row, shape (R, units) -> (R, sets, units) of 0 and 1."""
    rows, units = allowed.shape
    number = int(allowed[0].sum())
    at = np.nonzero(allowed)[1].reshape(rows, number)
    if comb(number, k) <= subsets:
        positions = np.array(list(combinations(range(number), k)), dtype=np.int64)
        chosen = at[:, positions]
    else:
        positions = random.random((rows, subsets, number)).argsort(axis=2)[..., :k]
        chosen = at[np.arange(rows)[:, None, None], positions]
    made = np.zeros((rows, chosen.shape[1], units))
    np.put_along_axis(made, chosen, 1.0, axis=2)
    return made
