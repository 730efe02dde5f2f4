"""What may stand on both sides of a split, and what may not: never a cluster, a source, a group or a later date.

A *unit* is a set of codings that stay together. Codings of one cluster, and codings whose texts are the same but for
spelling, are always one unit; split by source or group, so are all codings of one source or group; and what hangs
together by a chain of such ties is one unit too.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from scipy.sparse.csgraph import connected_components
from sklearn.model_selection import StratifiedGroupKFold

from classifiers.coding.coding_table import CodingRow
from classifiers.heads import Heads
from classifiers.text.normalise import normalise

Ints = npt.NDArray[np.intp]
Fold = tuple[Ints, Ints]
"""indices of the training and of the test rows"""
By = Literal["cluster", "source", "group", "time"]
FINER: dict[By, By] = {"group": "source", "source": "cluster"}
"""where a split can't be made, the next finer one is, and says so"""


@dataclass(frozen=True)
class Split:
    """A split of codings into folds."""

    by: By
    units: Ints
    """shape (n,): rows of one number stay together"""
    folds: list[Fold]
    notes: list[str]
    """what could not be done as asked, in words"""


def text_key(text: str) -> str:
    """The same for texts that differ in spelling only."""
    return hashlib.blake2b(normalise(text).encode(errors="surrogatepass"), digest_size=16).hexdigest()


def connected(ties: Iterable[Sequence[Hashable]], n: int) -> Ints:
    """Shape (n,): number of the set each row belongs to, where each of ``ties`` gives every row a key or None."""
    numbers: dict[Hashable, int] = {}
    rows: list[int] = []
    keys: list[int] = []
    for kind, column in enumerate(ties):
        for row, key in enumerate(column):
            if key is not None:
                rows.append(row)
                keys.append(n + numbers.setdefault((kind, key), len(numbers)))
    size = n + len(numbers)
    ends = (np.array(rows, dtype=np.intp), np.array(keys, dtype=np.intp))
    graph = sp.coo_matrix((np.ones(len(rows), dtype=np.int8), ends), shape=(size, size))
    _, label = connected_components(graph, directed=False)
    _, made = np.unique(label[:n], return_inverse=True)
    return made.astype(np.intp)


def units(rows: Sequence[CodingRow], by: By = "cluster") -> Ints:
    """Shape (n,): the unit of each row. Rows that don't tell their source or group stay apart from one another.

    Starter codings always stay together by source.
    """
    own = by if by in {"source", "group"} else ""
    ties: list[list[str | None]] = [
        [row.cluster or None for row in rows],
        [text_key(row.text) for row in rows],
        [getattr(row, own) or None if own and row.draw != "starter" else None for row in rows],
        [row.source or None if row.draw == "starter" else None for row in rows],
    ]
    return connected(ties, len(rows))


def strata(values: Sequence[str], folds: int) -> list[str]:
    """A value rarer than the folds can't be spread over them: it goes with the commonest."""
    counts = Counter(values)
    commonest = max(counts, key=lambda value: (counts[value], value))
    return [value if counts[value] >= folds else commonest for value in values]


def one_sided(truth: npt.NDArray[np.bool_], folds: Iterable[Fold]) -> bool:
    """Whether some training part has, for some head, fewer than two codings on a side."""
    return any(min(truth[train].sum(axis=0).min(), (~truth[train]).sum(axis=0).min()) < 2 for train, _ in folds)


def grouped_folds(values: Sequence[str], unit: Ints, folds: int = 5, seed: int = 0) -> list[Fold]:
    """Stratified folds, no unit on both sides; as many as there are units where they are fewer.

    Raises ValueError where all rows are one unit.
    """
    number = min(folds, len(np.unique(unit)))
    if number < 2:
        raise ValueError("all codings hang together in one unit, so none can be held out; code texts of a second one")
    # a rarest value with fewer members than folds would make scikit-learn warn: strata() has taken it away
    splitter = StratifiedGroupKFold(number, shuffle=True, random_state=seed)
    made = splitter.split(np.zeros(len(values)), strata(values, number), unit)
    return [(train, test) for train, test in made if len(train) and len(test)]


def time_folds(rows: Sequence[CodingRow], unit: Ints, folds: int = 5) -> tuple[list[Fold], list[str]]:
    """Forward in time: the dates are cut into ``folds`` parts of about equal size; each part but the first is tested
    by what is dated before it.

    A unit that lies on both sides trains by its earlier members, and its later ones are left out of the test. Rows
    without a date are in neither; starter codings, which have none, train in every part. Raises ValueError with fewer
    than two dates.
    """
    undated = [0 if row.draw == "starter" else -1 for row in rows]
    days = np.array([row.date.toordinal() if row.date else none for row, none in zip(rows, undated, strict=True)])
    dated = np.sort(days[days > 0])
    cuts = (
        sorted({int(dated[len(dated) * k // folds]) for k in range(1, folds)} - {int(dated[0])}) if len(dated) else []
    )
    if not cuts:
        raise ValueError("a split by time needs codings of two dates or more; name the column date, or split by source")
    made: list[Fold] = []
    left_out = 0
    for cut, end in zip(cuts, [*cuts[1:], int(dated[-1]) + 1], strict=True):
        train = np.flatnonzero((days >= 0) & (days < cut))
        later = np.flatnonzero((days >= cut) & (days < end))
        test = later[~np.isin(unit[later], unit[train])]
        left_out += len(later) - len(test)
        if len(test):
            made.append((train, test))
    notes = []
    if without := int((days < 0).sum()):
        notes.append(f"{without} codings without a date are in no part of the split by time")
    if left_out:
        notes.append(f"{left_out} codings repeat an earlier text and are not tested")
    return made, notes


def split(
    rows: Sequence[CodingRow], values: Sequence[str], heads: Heads, by: By | None = None, folds: int = 5, seed: int = 0
) -> Split:
    """The split asked for, or by source, group or cluster: what own codings (no starter codings) tell first.

    Where a split by group or source has fewer than two units, or leaves a training part with one side only, the next
    finer one is made and a note says so. Raises ValueError where none can be made, and for a split by time that can't.
    """
    truth = heads.truth(values)
    if by == "time":
        unit = units(rows)
        made, notes = time_folds(rows, unit, folds)
        made = [fold for fold in made if not one_sided(truth, [fold])]
        if not made:
            raise ValueError(
                "split by time, no earlier part has codings on both sides of both heads; split by source, or code more"
            )
        return Split(by, unit, made, notes)
    own = [row for row in rows if row.draw != "starter"]
    wanted: By = by or ("source" if any(row.source for row in own) else "group")
    notes = []
    while True:
        told = wanted == "cluster" or any(getattr(row, wanted) for row in own)
        unit = units(rows, wanted)
        # a rare side can't be in every fold: fewer folds keep it in every training part
        for number in range(min(folds, len(np.unique(unit))) if told else 0, 1, -1):
            made = grouped_folds(values, unit, number, seed)
            if not one_sided(truth, made):
                return Split(wanted, unit, made, notes)
        if wanted not in FINER:
            raise ValueError(
                "the codings can't be split so that both sides of both heads can be learnt; code more texts"
            )
        if told:
            notes.append(
                f"no split by {wanted} is possible (too few of them, or one side only without one), so it is made by "
                f"{FINER[wanted]}: the figures may tell {wanted}s apart, not values"
            )
        elif by:
            notes.append(f"no coding tells its {wanted}, so the split is made by {FINER[wanted]}")
        wanted = FINER[wanted]
