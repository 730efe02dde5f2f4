"""Texts and codings sorted into cells (group x period): the arrays the estimators work on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from itertools import pairwise
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from pipeline.measure.balance import (
    NO_VARIANCE,
    PRIOR_FREEDOM,
    Balance,
    Bools,
    Borrowed,
    Floats,
    Moments,
    balance,
    moments,
)
from pipeline.measure.draws import WHOLE_CELL, late_texts, sample_chances
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
    answered: Mapping[datetime, float] = field(default_factory=dict)
    """of a draw that is not answered whole: which share of it is, in the stratum of this text"""
    earlier: frozenset[datetime] = frozenset()
    """when earlier draws took texts of its stratum, coded or not"""


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
    cluster_ids: NDArray[np.int64] = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    """of the framed clusters"""

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
    probability (the largest given). What is no random part of its draw is left out. ``balances``: value -> balance,
    from the codebook.
    """
    values: dict[int, dict[str, float]] = {}
    settled: dict[int, float] = {}
    draws: dict[int, dict[datetime, float]] = {}
    answered: dict[int, dict[datetime, float]] = {}
    earlier: dict[int, frozenset[datetime]] = {}
    ids: dict[int, list[int]] = {}
    unknown: dict[str, int] = {}
    unweighed = out_of_order = 0
    for coding in sorted(codings, key=lambda c: c.coded_at):
        if coding.value not in balances:
            unknown[coding.value] = unknown.get(coding.value, 0) + 1
        elif coding.probability is None or not 0 < coding.probability <= 1:
            unweighed += 1
        elif coding.answered is None:
            out_of_order += 1
        else:
            values.setdefault(coding.cluster, {})[coding.coder] = balances[coding.value]
            if coding.settles:
                settled[coding.cluster] = balances[coding.value]
            ids.setdefault(coding.cluster, []).append(coding.id)
            own = draws.setdefault(coding.cluster, {})
            own[coding.drawn_at] = max(coding.probability, own.get(coding.drawn_at, 0.0))
            earlier[coding.cluster] = earlier.get(coding.cluster, frozenset()) | coding.earlier
            if coding.answered < 1:
                answered.setdefault(coding.cluster, {})[coding.drawn_at] = coding.answered
    problems = [
        f"{n} random codings say {value!r}, which the codebook does not know; correct or recode them"
        for value, n in sorted(unknown.items())
    ]
    if unweighed:
        problems.append(f"{unweighed} random codings have no probability in (0, 1] and correct nothing; import it")
    if out_of_order:
        problems.append(
            f"{out_of_order} random codings are of queues in which earlier texts were passed over: what is coded is no "
            "random part of them and corrects nothing until those are answered too (*unclear* is an answer)"
        )
    agreed = {cluster: float(np.mean(list(each.values()))) for cluster, each in values.items()} | settled
    return {
        cluster: Coded(y, draws[cluster], tuple(ids[cluster]), answered.get(cluster, {}), earlier[cluster])
        for cluster, y in agreed.items()
    }, problems


def out_of_order(codings: Sequence[RandomCoding]) -> set[int]:
    """Clusters with codings that :func:`codings_by_cluster` leaves out, being no random part of what was drawn."""
    return {coding.cluster for coding in codings if coding.answered is None}


def sample_of(coded: Sequence[Coded | None], collected: Sequence[datetime]) -> tuple[Floats, Bools]:
    """Inclusion probability of each coded text of an audit stratum (NaN: not coded), and which came too late.

    coded: of each text, None where it is not coded. collected: when its first copy was. Both shape (N,).
    """
    draws = [one.draws if one else None for one in coded]
    answered = [one.answered if one else None for one in coded]
    earlier = earlier_of(coded)
    return sample_chances(draws, collected, answered, earlier), late_texts(draws, collected, earlier)


def earlier_of(coded: Sequence[Coded | None]) -> frozenset[datetime]:
    """``earlier`` of all coded texts of a stratum together."""
    return frozenset().union(*(one.earlier for one in coded if one))


@dataclass(frozen=True)
class _Rows:
    """A group's texts in a grid: which there are, and the columns of those that cells are made of."""

    low: int
    high: int
    counted: NDArray[np.intp]
    """rows of the texts that stand for their clusters"""
    framed: NDArray[np.intp]
    """of them those that are framed"""
    coded: NDArray[np.intp]
    """of them those that are coded, framed or not"""
    documents: NDArray[np.int64]
    """of the counted ones; the following are of the framed ones"""
    clusters: NDArray[np.int64]
    p_nationalist: Floats
    p_universalist: Floats
    y: Floats


def _bounds(days: NDArray[np.datetime64], spans: Sequence[Span]) -> NDArray[np.intp]:
    """Shape (len(spans), 2): the first entry of ``days``, which are in order, in each span, and the first after it."""
    edges = np.array([(span.start, span.end) for span in spans], dtype="datetime64[D]").reshape(-1, 2)
    return np.searchsorted(days, edges)


class Grid:
    """Texts of a monitor, ready to be cut into cells."""

    def __init__(self, texts: Texts, coded: Mapping[int, Coded], arrived: Mapping[int, datetime] | None = None) -> None:
        """``arrived``: cluster -> when its first copy was collected, of the coded ones at least; null where the texts
        are all there are, with every copy."""
        self.texts = texts
        self._coded = coded
        # they are sorted by group; and numbering names by hand is quicker than sorting a million strings
        edges = [0, *(np.flatnonzero(texts.group[1:] != texts.group[:-1]) + 1).tolist(), len(texts)]
        self._slices = {str(texts.group[start]): (start, end) for start, end in pairwise(edges) if end > start}
        sources = texts.source.tolist()
        number = {name: i for i, name in enumerate(dict.fromkeys(sources))}
        self._source = np.array([number[name] for name in sources], dtype=np.intp)
        self._y = np.array([coded[c].y if c in coded else np.nan for c in texts.cluster.tolist()], dtype=float)
        self._rows: dict[str, _Rows] = {}
        # a cluster is there to be drawn from its first copy on
        self._collected = texts.collected.copy()
        if arrived is not None:
            self.arrived(arrived)
        elif len(texts):
            _, cluster = np.unique(texts.cluster, return_inverse=True)
            first = np.full(int(cluster.max()) + 1, np.datetime64("9999-01-01", "us"))
            np.minimum.at(first, cluster, texts.collected)
            self._collected = first[cluster]

    def arrived(self, first: Mapping[int, datetime]) -> None:
        """Take in when the first copies of some clusters were collected."""
        clusters = np.fromiter(first, dtype=np.int64, count=len(first))
        for i in np.flatnonzero(np.isin(self.texts.cluster, clusters)):
            self._collected[i] = np.datetime64(first[int(self.texts.cluster[i])].replace(tzinfo=None), "us")

    def came_later(self, cell: Cell) -> list[int]:
        """Clusters of those texts of a cell that came after its first draw, by the copies that are known so far."""
        coded = [self._coded[c] for c in cell.cluster_ids[~np.isnan(cell.y)].tolist()]
        times = {drawn_at for one in coded for drawn_at in (*one.draws, *one.earlier)}
        if not times or WHOLE_CELL in times:
            return []
        rows = self._rows_of(cell.group)
        texts = _bounds(self.texts.day[rows.low : rows.high], [cell.span])[0] + rows.low
        framed = rows.framed[slice(*np.searchsorted(rows.framed, texts).tolist())]
        first = np.datetime64(min(times).replace(tzinfo=None), "us")
        clusters: list[int] = cell.cluster_ids[self._collected[framed] > first].tolist()
        return clusters

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

    def cell(self, group: str, span: Span, *, draws: bool = True) -> Cell:
        """The cell of a group and period; an empty one when the group has no texts in it.

        draws: whether its codings are to correct it. Without, nobody asks how they were drawn.
        """
        return self.cells(group, [span], draws=draws)[0]

    def cells(self, group: str, spans: Sequence[Span], *, draws: bool = True) -> list[Cell]:
        """The cells of a group and of several periods; their arrays are parts of the same few."""
        rows = self._rows_of(group)
        texts = _bounds(self.texts.day[rows.low : rows.high], spans) + rows.low
        counted, framed, coded = (np.searchsorted(of, texts).tolist() for of in (rows.counted, rows.framed, rows.coded))
        sources = self._sources(texts[:, 0], texts[:, 1])
        no_pi, none_late = np.full(len(rows.framed), np.nan), np.zeros(len(rows.framed), dtype=bool)
        made = []
        for i, (span, (low, high)) in enumerate(zip(spans, texts.tolist(), strict=True)):
            some = slice(*framed[i])
            clusters = self.texts.cluster[rows.coded[slice(*coded[i])]].tolist()
            drawn = draws and len(clusters) > 0
            pi, late = self._sample(rows.framed[some]) if drawn else (no_pi[some], none_late[some])
            made.append(
                Cell(
                    group=group,
                    span=span,
                    texts=high - low,
                    sources=sources[i],
                    clusters=counted[i][1] - counted[i][0],
                    coded=len(clusters),
                    p_nationalist=rows.p_nationalist[some],
                    p_universalist=rows.p_universalist[some],
                    y=rows.y[some],
                    pi=pi,
                    late=late,
                    documents=rows.documents[slice(*counted[i])],
                    codings=tuple(i for cluster in clusters for i in self._coded[cluster].ids),
                    cluster_ids=rows.clusters[some],
                )
            )
        return made

    def _rows_of(self, group: str) -> _Rows:
        if group not in self._rows:
            texts = self.texts
            low, high = self._slices.get(group, (0, 0))
            counted = low + np.flatnonzero(texts.counts[low:high])
            framed = counted[~np.isnan(texts.p_nationalist[counted])]
            self._rows[group] = _Rows(
                low,
                high,
                counted,
                framed,
                coded=counted[~np.isnan(self._y[counted])],
                documents=texts.document[counted],
                clusters=texts.cluster[framed],
                p_nationalist=texts.p_nationalist[framed],
                p_universalist=texts.p_universalist[framed],
                y=self._y[framed],
            )
        return self._rows[group]

    def _sources(self, low: NDArray[np.intp], high: NDArray[np.intp]) -> list[int]:
        """Number of different sources of the texts from ``low`` to the one before ``high``, of several parts each."""
        length = high - low
        part = np.repeat(np.arange(len(low)), length)
        row = np.arange(len(part)) - np.repeat(np.cumsum(length) - length - low, length)
        pairs = np.unique(part * (int(self._source.max(initial=0)) + 1) + self._source[row])
        found = np.bincount(pairs // (int(self._source.max(initial=0)) + 1), minlength=len(low))
        numbers: list[int] = found.tolist()
        return numbers

    def _sample(self, framed: NDArray[np.intp]) -> tuple[Floats, Bools]:
        """Inclusion probability of the coded texts of a cell (NaN: not coded), and which came too late to be drawn."""
        pi, late = np.full(len(framed), np.nan), np.zeros(len(framed), dtype=bool)
        drawn = np.flatnonzero(~np.isnan(self._y[framed]))
        coded = [self._coded[cluster] for cluster in self.texts.cluster[framed[drawn]].tolist()]
        if coded:
            if any(WHOLE_CELL in one.draws for one in coded):  # when the others came matters to nobody
                pi[drawn], _ = sample_of(coded, self._times(framed[drawn]))
            else:
                by_row = dict(zip(drawn.tolist(), coded, strict=True))
                pi, late = sample_of([by_row.get(i) for i in range(len(framed))], self._times(framed))
        return pi, late

    def _times(self, rows: NDArray[np.intp]) -> list[datetime]:
        return [moment.replace(tzinfo=UTC) for moment in self._collected[rows].astype(object)]


class AuditCell(Protocol):
    """What an audit cell's balance is made of: a :class:`Cell`, or what is remembered of one."""

    @property
    def group(self) -> str: ...
    @property
    def span(self) -> Span: ...
    @property
    def f(self) -> Floats: ...
    @property
    def y(self) -> Floats: ...
    @property
    def pi(self) -> Floats: ...
    @property
    def late(self) -> Bools: ...


def cell_moments(cell: AuditCell) -> Moments:
    """What a cell can lend to the others."""
    drawn = ~np.isnan(cell.y)
    return moments(cell.f[drawn], cell.y[drawn])


def borrow_each(own: Sequence[Moments]) -> list[Borrowed]:
    """What each cell takes from all the others: ``borrow`` of :mod:`pipeline.measure.balance`, for all at once.

    own: what each of the cells can lend.
    """
    n, yy, yf, ff = (np.array([getattr(m, name) for m in own], dtype=float) for name in ("n", "yy", "yf", "ff"))
    lends = n >= 2
    made = []
    for i in range(len(own)):
        others = lends.copy()
        others[i] = False
        if not others.any():
            made.append(Borrowed())
            continue
        spread = float(ff[others].sum())
        lam = min(1.0, max(0.0, float(yf[others].sum()) / spread)) if spread > NO_VARIANCE else 0.0
        residuals = np.maximum(0.0, yy[others] - 2 * lam * yf[others] + lam * lam * ff[others]) / (n[others] - 1)
        made.append(
            Borrowed(lam, float(residuals.mean()), min(PRIOR_FREEDOM, int(n[others].sum()) - int(others.sum())))
        )
    return made


def audit_balances(cells: Sequence[AuditCell]) -> dict[tuple[str, Span], Balance]:
    """Balances of all audit cells that have framed texts; each borrows from all the others of the monitor."""
    own = [cell_moments(cell) for cell in cells]
    made = {}
    for cell, lends, others in zip(cells, own, borrow_each(own), strict=True):
        if len(cell.y):
            lent = others if lends.n else Borrowed()
            found = balance(cell.f, cell.y, lent, pi=cell.pi, late=cell.late)
            made[cell.group, cell.span] = replace(found, borrowed=lent)
    return made


def model_balance(cell: Cell) -> Balance | None:
    """The model's mean alone, for periods that are no audit period; None without framed texts."""
    if not len(cell.y):
        return None
    return uncorrected(float(cell.f.mean()), int((~np.isnan(cell.y)).sum()))


def uncorrected(mean: float, coded: int) -> Balance:
    """The balance of a period that is no audit period: the model's mean. coded: texts drawn at random and coded."""
    return Balance(value=mean, model=mean, coded=coded, why="random codings correct the audit period only")
