"""Texts and codings sorted into cells (group x period): the arrays the estimators work on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

import numpy as np
from numpy.typing import NDArray

from pipeline.measure.balance import Balance, Bools, Borrowed, Floats, Moments, balance, borrow, moments
from pipeline.measure.draws import inclusion_probabilities, late_texts
from pipeline.monitor.periods import Span
from pipeline.store.cells import RandomCoding, Texts


@dataclass(frozen=True)
class Coded:
    """The random codings of one cluster as one number, and how it was drawn."""

    y: float
    """mean balance over its coders, in [-1, 1]"""
    draws: Mapping[datetime, float]
    ids: tuple[int, ...] = field(default=(), compare=False)
    """of the codings"""


@dataclass(frozen=True)
class Cell:
    """The texts of a group in a period. Arrays: one entry per framed cluster."""

    group: str
    span: Span
    texts: int
    """reposts included"""
    sources: int
    clusters: int
    """framed or not"""
    coded: int
    """clusters drawn at random and coded, framed or not"""
    p_nationalist: Floats
    p_universalist: Floats
    y: Floats
    """NaN: not coded"""
    pi: Floats
    late: Bools
    documents: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """ids of the clusters' documents, framed or not"""
    codings: tuple[int, ...] = ()
    """ids of their random codings"""

    @property
    def f(self) -> Floats:
        """The model's balance of each cluster."""
        return self.p_nationalist - self.p_universalist

    @property
    def unframed(self) -> int:
        """Clusters without framing: in no estimate."""
        return self.clusters - len(self.y)


def codings_by_cluster(
    codings: Sequence[RandomCoding], balances: Mapping[str, float]
) -> tuple[dict[int, Coded], list[str]]:
    """Cluster -> its codings as one, and in words what could not be used.

    A coder who coded a cluster twice counts with the newest; coders count alike, unless a coding settles their
    disagreement: then that one alone counts, the newest of several. Within one draw a cluster has one
    probability (the largest given). ``balances``: value -> balance, from the codebook.
    """
    values: dict[int, dict[str, float]] = {}
    settled: dict[int, float] = {}
    draws: dict[int, dict[datetime, float]] = {}
    ids: dict[int, list[int]] = {}
    unknown: dict[str, int] = {}
    unweighed = 0
    for coding in sorted(codings, key=lambda c: c.coded_at):
        if coding.value not in balances:
            unknown[coding.value] = unknown.get(coding.value, 0) + 1
        elif coding.probability is None or not 0 < coding.probability <= 1:
            unweighed += 1
        else:
            values.setdefault(coding.cluster, {})[coding.coder] = balances[coding.value]
            if coding.settles:
                settled[coding.cluster] = balances[coding.value]
            ids.setdefault(coding.cluster, []).append(coding.id)
            own = draws.setdefault(coding.cluster, {})
            own[coding.drawn_at] = max(coding.probability, own.get(coding.drawn_at, 0.0))
    problems = [
        f"{n} random codings say {value!r}, which the codebook does not know; correct or recode them"
        for value, n in sorted(unknown.items())
    ]
    if unweighed:
        problems.append(f"{unweighed} random codings have no probability in (0, 1] and correct nothing; import it")
    agreed = {cluster: float(np.mean(list(each.values()))) for cluster, each in values.items()} | settled
    return {cluster: Coded(y, draws[cluster], tuple(ids[cluster])) for cluster, y in agreed.items()}, problems


class Grid:
    """All texts of a monitor, ready to be cut into cells."""

    def __init__(self, texts: Texts, coded: Mapping[int, Coded]) -> None:
        self.texts = texts
        self._coded = coded
        groups, starts, counts = np.unique(texts.group, return_index=True, return_counts=True)
        self._slices = {
            str(group): (int(start), int(start + count))
            for group, start, count in zip(groups, starts, counts, strict=True)
        }
        self._y = np.array([coded[c].y if c in coded else np.nan for c in texts.cluster.tolist()], dtype=float)
        # a cluster is there to be drawn from its first copy on
        _, cluster = np.unique(texts.cluster, return_inverse=True)
        first = np.full(int(cluster.max()) + 1 if len(cluster) else 0, np.datetime64("9999-01-01", "us"))
        np.minimum.at(first, cluster, texts.collected)
        self._collected = first[cluster]

    def first_day(self, group: str | None = None) -> date | None:
        """Day of the earliest text (of a group); None without texts."""
        low, high = self._slices.get(group, (0, 0)) if group else (0, len(self.texts))
        day: date | None = self.texts.day[low:high].min().astype(object) if high > low else None
        return day

    def last_days(self, group: str) -> dict[str, date]:
        """Source -> day of its latest text of the group."""
        low, high = self._slices.get(group, (0, 0))
        names, last = np.unique(self.texts.source[low:high][::-1], return_index=True)
        days = self.texts.day[low:high][::-1]
        return {str(name): days[i].astype(object) for name, i in zip(names, last, strict=True)}

    def outside(self) -> int:
        """Coded clusters that are in no cell: undated, or an observer's."""
        return len(self._coded.keys() - set(self.texts.cluster.tolist()))

    def cell(self, group: str, span: Span) -> Cell:
        """The cell of a group and period; an empty one when the group has no texts in it."""
        low, high = self._slices.get(group, (0, 0))
        days = self.texts.day[low:high]
        edges = np.array([span.start, span.end], dtype="datetime64[D]")
        low, high = (low + int(i) for i in np.searchsorted(days, edges))
        counted = low + np.flatnonzero(self.texts.counts[low:high])
        framed = counted[~np.isnan(self.texts.p_nationalist[counted])]
        y = self._y[framed]
        coded = counted[~np.isnan(self._y[counted])]
        pi, late = np.full(len(framed), np.nan), np.zeros(len(framed), dtype=bool)
        if not np.isnan(y).all():
            draws = [d.draws if (d := self._coded.get(c)) else None for c in self.texts.cluster[framed].tolist()]
            collected = [t.replace(tzinfo=UTC) for t in self._collected[framed].astype(object)]
            pi, late = inclusion_probabilities(draws, collected), late_texts(draws, collected)
        return Cell(
            group=group,
            span=span,
            texts=high - low,
            sources=len(np.unique(self.texts.source[low:high])),
            clusters=len(counted),
            coded=len(coded),
            p_nationalist=self.texts.p_nationalist[framed],
            p_universalist=self.texts.p_universalist[framed],
            y=y,
            pi=pi,
            late=late,
            documents=self.texts.document[counted],
            codings=tuple(i for cluster in self.texts.cluster[coded].tolist() for i in self._coded[cluster].ids),
        )


def cell_moments(cell: Cell) -> Moments:
    """What a cell can lend to the others."""
    drawn = ~np.isnan(cell.y)
    return moments(cell.f[drawn], cell.y[drawn])


def audit_balances(cells: Sequence[Cell]) -> dict[tuple[str, Span], Balance]:
    """Balances of all audit cells that have framed texts; each borrows from all the others of the monitor."""
    own = [cell_moments(cell) for cell in cells]
    made = {}
    for i, cell in enumerate(cells):
        if len(cell.y):
            others = borrow(own[:i] + own[i + 1 :]) if own[i].n else Borrowed()
            found = balance(cell.f, cell.y, others, pi=cell.pi, late=cell.late)
            made[cell.group, cell.span] = replace(found, borrowed=others)
    return made


def model_balance(cell: Cell) -> Balance | None:
    """The model's mean alone, for periods that are no audit period; None without framed texts."""
    if not len(cell.y):
        return None
    drawn = int((~np.isnan(cell.y)).sum())
    why = "random codings correct the audit period only"
    return Balance(value=float(cell.f.mean()), model=float(cell.f.mean()), coded=drawn, why=why)
