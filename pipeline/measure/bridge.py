"""The bridge of a promotion: what it changed in each audit cell, the new model's balance minus the old one's.

Both models estimate the same mean balance by the same codings, so the coders' part cancels and what is left is how
differently the two models were corrected: chance, which the interval measures, or a model whose errors differ between
the coded texts and the others. An interval that excludes 0 is no reason for alarm in one cell of twenty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from pipeline.measure.balance import LEVEL, NO_VARIANCE, Bools, Floats, half_width
from pipeline.measure.cells import Cell, Coded, Grid, borrow_each, cell_moments
from pipeline.monitor.periods import Span
from pipeline.store.bridges import last_change, write_bridges
from pipeline.store.cells import Texts, own_texts

LEAST_CODINGS = 2
"""With fewer there is no variance."""


@dataclass(frozen=True)
class Change:
    """What a promotion changed in one cell."""

    old: float | None = None
    """balance by the old model: corrected where there is a ``delta``, else the model's plain mean"""
    new: float | None = None
    delta: float | None = None
    variance: float | None = None
    low: float | None = None
    high: float | None = None
    missing: str | None = None
    """why there is no delta"""


def change(f: Floats, g: Floats, y: Floats, lams: tuple[float, float], *, pi: Floats, late: Bools) -> Change:
    """The bridge of one cell.

    f, g: shape (N,), the old and the new model's balance of each text. y: shape (N,), the coders' balance of the texts
    drawn at random and coded; NaN elsewhere. lams: how far the old and the new model are trusted (lam, lam').
    pi: shape (N,), inclusion probability of the coded ones. late: shape (N,), True for texts that came after the
    draw; they are left out.

    With d = lam f - lam' g and n coded texts: delta = lam' mean_N(g) - lam mean_N(f) + mean_n(d),
    V = (1 - n/N) Var_n(d) / n, t with n - 1. Unequal draws, w = 1/pi, D = sum(w d)/sum(w) in place of mean_n(d):
    V = n/(n-1) sum((1-pi) w^2 (d-D)^2) / sum(w)^2. Two models that say the same, trusted alike, give exactly 0.
    Differences that are all alike in the coded texts and not in the others give no interval: a width of 0 would be a
    lie, as in a balance.
    """
    if not len(f):
        return Change(missing="no text was scored by both models")
    drawn = ~np.isnan(y) & ~late
    n = int(drawn.sum())
    if n < LEAST_CODINGS:
        why = f"{n} random codings of texts that both models scored, {LEAST_CODINGS} are needed; the plain means stand"
        return Change(float(f.mean()), float(g.mean()), missing=why)
    f, g, y, pi, drawn = f[~late], g[~late], y[~late], pi[~late], drawn[~late]
    lam, lam_new = lams
    d, chance = (lam * f - lam_new * g)[drawn], pi[drawn]
    if np.allclose(chance, chance[0], rtol=1e-6, atol=0):
        w = np.ones(n)
        variance = (1 - n / len(f)) * float(d.var(ddof=1)) / n
    else:
        w = 1 / chance
        spread = float(((1 - chance) * w**2 * (d - np.average(d, weights=w)) ** 2).sum())
        variance = n / (n - 1) * spread / float(w.sum()) ** 2
    differ = lam * f - lam_new * g
    if variance < NO_VARIANCE and n < len(f) and float(np.ptp(differ)) ** 2 >= NO_VARIANCE:
        why = "the models differ alike in all coded texts, so no interval can be built on them; the plain means stand"
        return Change(float(f.mean()), float(g.mean()), missing=why)
    old = lam * float(f.mean()) + float(np.average(y[drawn] - lam * f[drawn], weights=w))
    new = lam_new * float(g.mean()) + float(np.average(y[drawn] - lam_new * g[drawn], weights=w))
    delta = float((lam_new * g - lam * f).mean()) + float(np.average(d, weights=w))
    half = half_width(variance, n - 1, LEVEL)
    return Change(old, new, delta, variance, delta - half, delta + half)


def on_the_same_texts(old: Texts, new: Texts) -> tuple[Texts, Texts]:
    """Both models' framings of the texts that both were asked about; not framed (NaN) where either has none."""
    # a text may have come between the two readings
    _, i, j = np.intersect1d(old.document, new.document, return_indices=True)
    i, j = i[np.argsort(i)], j[np.argsort(i)]
    lacks = np.isnan(old.p_nationalist[i]) | np.isnan(new.p_nationalist[j])

    def only(texts: Texts, rows: Any) -> Texts:
        arrays = {name: value[rows] for name, value in vars(texts).items() if isinstance(value, np.ndarray)}
        for name in ("p_nationalist", "p_universalist"):
            arrays[name] = np.where(lacks, np.nan, arrays[name])
        return replace(texts, **arrays)

    return only(old, i), only(new, j)


def changes(cells: Sequence[tuple[Cell, Cell]]) -> list[Change]:
    """The bridge of each audit cell, given as (by the old model, by the new one). lam is of all the *other* cells."""
    before, after = (borrow_each([cell_moments(pair[side]) for pair in cells]) for side in (0, 1))
    return [
        change(old.f, new.f, old.y, (lent.lam, lent_new.lam), pi=old.pi, late=old.late)
        for (old, new), lent, lent_new in zip(cells, before, after, strict=True)
    ]


def bridge_rows(grids: tuple[Grid, Grid], groups: Sequence[str], spans: Sequence[Span]) -> list[dict[str, Any]]:
    """A row for each audit cell that has a text of its own. Pure."""
    cells = [(grids[0].cell(g, s), grids[1].cell(g, s)) for g in groups for s in spans]
    cells = [pair for pair in cells if pair[0].clusters]
    return [
        {
            "group_id": old.group,
            "period": old.span.kind,
            "start": old.span.start,
            "end": old.span.end,
            "clusters": len(old.f),
            "codings": int((~np.isnan(old.y)).sum()),
            **vars(made),
        }
        for (old, _), made in zip(cells, changes(cells), strict=True)
    ]


def write_bridge(
    session: Session,
    monitor: str,
    variable: str,
    coded: dict[int, Coded],
    *,
    groups: Sequence[str],
    spans: Sequence[Span],
    now: Any,
) -> int:
    """Make the monitor's bridge of the last promotion anew; returns how many rows it has. Does not commit.

    No row where the model in force had none before it, or where the old one has scored nothing of this monitor.
    """
    pair = last_change(session, variable, monitor)
    if pair is None:
        return 0
    texts = on_the_same_texts(*(own_texts(session, monitor, model_id) for model_id in pair))
    rows = bridge_rows((Grid(texts[0], coded), Grid(texts[1], coded)), groups, spans)
    write_bridges(session, monitor, pair, rows, made_at=now)
    return len(rows)
