"""The coding plan: how many random codings give which width of interval, per group and audit period, and per dyad."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

from sqlalchemy.orm import Session

from classifiers.codebook import codebook_of
from pipeline.measure.balance import LEAST_CODINGS, PRIOR_FREEDOM, Borrowed, borrow, half_width
from pipeline.measure.cells import Cell, Grid, audit_balances, cell_moments, codings_by_cluster
from pipeline.measure.gap import gap
from pipeline.measure.timespan import measured_days
from pipeline.monitor import Monitor
from pipeline.monitor.periods import periods_covering
from pipeline.store.cells import VARIABLE, model_in_force, own_texts, random_codings

WIDTHS = (0.3, 0.2, 0.15, 0.1)
"""Half-widths of the 95% interval a plan is made for."""
LARGEST_VARIANCE = 1.0
"""A balance lies in [-1, 1], so no residual variance of codings is larger."""


@dataclass(frozen=True)
class PlanRow:
    """What codings would buy in one audit period: for a group's balance, or for the gap of two groups."""

    group: str
    against: str | None
    """null: the group's balance. Else the other group of the dyad: the row is about their gap"""
    label: str
    """the audit period, such as 2024-Q1"""
    start: date
    end: date
    clusters: int
    """different texts; of a dyad: of the side that has fewer"""
    codings: int
    """of them drawn at random and coded; of a dyad: on the side that has fewer"""
    half_width: float | None
    """of the interval there is now; null: not corrected"""
    for_30: int | None
    """codings in all (of a dyad: on each side) that bring the half-width to .30; null: fewer than five texts"""
    for_20: int | None
    for_15: int | None
    for_10: int | None
    variance: float
    """residual variance the row reckons with"""
    basis: str
    """where it comes from: coded cells, or worst case"""


def planned_half_width(n: Sequence[int], texts: Sequence[int], variance: float) -> float:
    """Half-width of the 95% interval with ``n`` codings of ``texts`` texts: one entry for a group, two for a dyad.

    V = sum (1 - n/N) variance / n, with the ten borrowed degrees of freedom. A side of which every text is coded has no
    variance and adds no degrees of freedom, as in a measured gap. ValueError for n < 5 or n > N.
    """
    if any(not LEAST_CODINGS <= k <= total for k, total in zip(n, texts, strict=True)):
        raise ValueError(f"a plan needs {LEAST_CODINGS} <= n <= N in every cell: n {list(n)}, N {list(texts)}")
    total_variance = sum((1 - k / total) * variance / k for k, total in zip(n, texts, strict=True))
    uncertain = [k for k, total in zip(n, texts, strict=True) if k < total] or n
    return half_width(total_variance, sum(k - 1 for k in uncertain) + PRIOR_FREEDOM)


def codings_needed(width: float, texts: Sequence[int], variance: float) -> int | None:
    """Fewest codings (of a dyad: on each side, or all of the smaller side) for a half-width of at most ``width``.

    None when a side has fewer than five texts. Never more than the texts there are: all coded has no error.
    """
    if min(texts) < LEAST_CODINGS:
        return None
    low, high = LEAST_CODINGS, max(texts)
    while low < high:
        middle = (low + high) // 2
        if planned_half_width([min(middle, total) for total in texts], texts, variance) <= width:
            high = middle
        else:
            low = middle + 1
    return low


def residual_variance(borrowed: Borrowed) -> tuple[float, str]:
    """The residual variance to plan with, and where it comes from: ``coded cells`` once these have ten degrees of
    freedom, else ``worst case``."""
    if borrowed.freedom < PRIOR_FREEDOM or borrowed.s2 <= 0:
        return LARGEST_VARIANCE, "worst case"
    return borrowed.s2, "coded cells"


def make_plan(cells: Sequence[Cell], dyads: Sequence[tuple[str, str]]) -> list[PlanRow]:
    """The plan of a monitor's audit cells: groups first, then dyads, each by period. Pure."""
    estimates = audit_balances(cells)
    variance, basis = residual_variance(borrow([cell_moments(cell) for cell in cells]))

    def row(sides: Sequence[Cell]) -> PlanRow:
        known = [estimate for side in sides if (estimate := estimates.get((side.group, side.span)))]
        interval = None
        if len(known) == len(sides):
            interval = known[0].interval if len(sides) == 1 else gap(known[0], known[1]).interval
        texts = [side.clusters for side in sides]
        needed = [codings_needed(width, texts, variance) for width in WIDTHS]
        return PlanRow(
            group=sides[0].group,
            against=sides[1].group if len(sides) > 1 else None,
            label=sides[0].span.label,
            start=sides[0].span.start,
            end=sides[0].span.end,
            clusters=min(texts),
            codings=min(side.coded for side in sides),
            half_width=(interval.high - interval.low) / 2 if interval else None,
            for_30=needed[0],
            for_20=needed[1],
            for_15=needed[2],
            for_10=needed[3],
            variance=variance,
            basis=basis,
        )

    by_key = {(cell.group, cell.span): cell for cell in cells}
    spans = sorted({cell.span for cell in cells})
    return [row([cell]) for cell in cells] + [row([by_key[a, s], by_key[b, s]]) for a, b in dyads for s in spans]


def coding_plan(session: Session, monitor: Monitor, *, today: date | None = None) -> list[PlanRow]:
    """The coding plan of a monitor, from what is collected and coded now."""
    model = model_in_force(session)
    texts = own_texts(session, monitor.name, model.id if model else None)
    coded, _ = codings_by_cluster(random_codings(session, monitor.name), codebook_of(VARIABLE).balances)
    grid = Grid(texts, coded)
    days = measured_days(monitor, grid.first_day(), today or datetime.now(UTC).date())
    spans = periods_covering(monitor.audit_period, *days) if days else []
    cells = [grid.cell(group.id, span) for group in monitor.groups for span in spans]
    return make_plan(cells, [(dyad.a, dyad.b) for dyad in monitor.dyads])
