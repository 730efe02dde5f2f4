"""What stays of a cell once its texts are read: all that its row, its balance and the gaps need."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from pipeline.measure.balance import Bools, Floats
from pipeline.measure.cells import Cell
from pipeline.measure.companions import companions_of
from pipeline.monitor.periods import Span
from pipeline.store.measured import Known, pack_arrays, unpack_arrays
from pipeline.store.tables import Model

_NO_FLOATS: Floats = np.empty(0)
_NO_BOOLS: Bools = np.empty(0, dtype=bool)


def _no_floats() -> Floats:
    return _NO_FLOATS


@dataclass(frozen=True)
class Summary:
    """A group's cell. The arrays, one entry per framed cluster, are there for audit cells only."""

    group: str
    span: Span
    texts: int = 0
    """reposts included"""
    sources: int = 0
    clusters: int = 0
    """framed or not"""
    coded: int = 0
    """clusters drawn at random and coded, framed or not"""
    coded_framed: int = 0
    """of them framed"""
    framed: int = 0
    mean: float | None = None
    """of f over the framed clusters; null without any"""
    variance: float | None = None
    """of that mean: s_f^2 / N, s_f^2 with N - 1; null with fewer than two framed clusters"""
    companions: dict[str, Any] = field(default_factory=dict)
    f: Floats = field(default_factory=_no_floats)
    y: Floats = field(default_factory=_no_floats)
    """NaN: not coded"""
    pi: Floats = field(default_factory=_no_floats)
    late: Bools = field(default_factory=lambda: _NO_BOOLS)

    @property
    def unframed(self) -> int:
        """Clusters without framing: in no estimate."""
        return self.clusters - self.framed


def mean_variance(f: Floats) -> float | None:
    """Variance of the mean of the texts' balances, s_f^2 / N with N - 1 degrees of freedom; null with fewer than two.

    f: shape (N,). It measures how much the texts of a cell differ, and nothing of the model's error.
    """
    return _mean_and_variance(f)[1]


def _mean_and_variance(f: Floats) -> tuple[float | None, float | None]:
    number = len(f)
    if not number:
        return None, None
    mean = float(np.add.reduce(f)) / number  # what f.mean() is to the last bit, for tens of thousands of short arrays
    if number < 2:
        return mean, None
    apart = f - mean
    # no dot product: of ten thousand texts it depends on how many threads the linear algebra may use
    return mean, float(np.add.reduce(apart * apart)) / (number - 1) / number


def summarise(cells: Sequence[Cell], model: Model | None, *, audit: bool) -> list[Summary]:
    """The summaries of cells of one period kind. audit: their codings are to correct them."""
    framed = [i for i, cell in enumerate(cells) if len(cell.y)] if model is not None else []
    others: dict[int, dict[str, Any]] = {}
    if model is not None:
        pairs = [(cells[i].p_nationalist, cells[i].p_universalist) for i in framed]
        made = companions_of(pairs, model.confusion, model.training_balance)
        others = dict(zip(framed, made, strict=True))
    return [_summary(cell, others.get(i, {}), audit) for i, cell in enumerate(cells)]


def _summary(cell: Cell, others: dict[str, Any], audit: bool) -> Summary:
    f = cell.f
    mean, variance = _mean_and_variance(f)
    made = Summary(
        group=cell.group,
        span=cell.span,
        texts=cell.texts,
        sources=cell.sources,
        clusters=cell.clusters,
        coded=cell.coded,
        coded_framed=int(np.count_nonzero(~np.isnan(cell.y))) if cell.coded else 0,
        framed=len(f),
        mean=mean,
        variance=variance,
        companions=others,
    )
    return replace(made, f=f, y=cell.y, pi=cell.pi, late=cell.late) if audit else made


def to_known(summary: Summary, digest: str, *, asked: bytes, audit: bool) -> Known:
    """What is to be remembered of a cell. Every bit is kept: a cell remembered is as good as one that was read."""
    return Known(
        digest=digest,
        texts=summary.texts,
        sources=summary.sources,
        clusters=summary.clusters,
        codings=summary.coded,
        codings_framed=summary.coded_framed,
        framed=summary.framed,
        model_balance=summary.mean,
        model_variance=summary.variance,
        companions=summary.companions,
        arrays=pack_arrays(summary.f, summary.y, summary.pi, summary.late) if audit else None,
        asked=asked,
    )


def from_known(group: str, span: Span, known: Known) -> Summary:
    """The same again."""
    f, y, pi, late = unpack_arrays(known.arrays, 4) if known.arrays is not None else [np.empty(0)] * 4
    return Summary(
        group=group,
        span=span,
        texts=known.texts,
        sources=known.sources,
        clusters=known.clusters,
        coded=known.codings,
        coded_framed=known.codings_framed,
        framed=known.framed,
        mean=known.model_balance,
        variance=known.model_variance,
        companions=known.companions,
        f=f,
        y=y,
        pi=pi,
        late=late.astype(bool),
    )
