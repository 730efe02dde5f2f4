"""The measuring job: every cell and gap of a monitor, from the texts, framings and codings in the store."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, date, datetime
from time import monotonic
from typing import Any

import numpy as np

from classifiers.codebook import codebook_of
from pipeline.measure.balance import Balance, Interval
from pipeline.measure.bridge import write_bridge
from pipeline.measure.cells import Cell, Grid, audit_balances, codings_by_cluster, model_balance
from pipeline.measure.gap import gap
from pipeline.measure.missing import IMPORTED, Coverage, flags, why_empty
from pipeline.measure.publish import Basis, CellKey, publish
from pipeline.measure.quantifiers import companions
from pipeline.measure.state import USABLE_NEEDED, decide
from pipeline.monitor import PERIODS, Dyad, Monitor, Period
from pipeline.monitor.periods import Span, period_of, periods_covering
from pipeline.report import Progress, Report, silent
from pipeline.settings import Settings
from pipeline.store.cells import (
    VARIABLE,
    last_collected,
    learnt_then_drawn,
    model_in_force,
    own_texts,
    random_codings,
    waiting_codings,
    write_measures,
)
from pipeline.store.codings import match_waiting
from pipeline.store.runs import record_run
from pipeline.store.session import open_session
from pipeline.store.tables import Model

Row = dict[str, Any]

MOST_PERIODS = 5000
"""Periods of a group, all kinds together, above which a year is probably mistyped: 70 years with weeks."""


def measured_periods(monitor: Monitor) -> list[Period]:
    """The period kinds of a monitor's tables, short to long; the audit period is always among them."""
    return [kind for kind in PERIODS if kind in monitor.periods or kind == monitor.audit_period]


def measured_days(monitor: Monitor, first_text: date | None, today: date) -> tuple[date, date] | None:
    """First and last day the tables speak of; None when there is nothing to speak of."""
    first, last = monitor.since or first_text, min(monitor.until or today, today)
    return None if first is None or last < first else (first, last)


def coverage_of(monitor: Monitor, grid: Grid, group: str, collected: Mapping[str, datetime]) -> Coverage:
    """Of which time something is known of a group."""
    sources = monitor.sources_of(group)
    last_text = grid.last_days(group)
    # a table may name its sources itself: its rows then carry names the monitor does not list
    listed = {s.id for s in monitor.sources}
    within_tables = max((day for name, day in last_text.items() if name not in listed), default=None)
    known: dict[str, date | None] = {}
    for source in sources:
        if source.kind in IMPORTED:
            known[source.id] = last_text.get(source.id, within_tables)
        elif source.id in collected:
            known[source.id] = collected[source.id].date()
    return Coverage(sources, grid.first_day(group), {name: day for name, day in known.items() if day})


def _estimate_flags(cell: Cell, estimate: Balance | None, audit: bool) -> list[str]:
    made = []
    if cell.unframed and len(cell.y):
        made.append(f"{cell.unframed} of {cell.clusters} texts are not framed and not in the balance")
    if estimate is not None and estimate.late:
        made.append(f"{estimate.late} texts arrived after the draw and are not in the balance")
    if estimate is not None and audit and estimate.interval is None:
        made.append(f"not corrected: {estimate.why}")
    return made


def _interval_columns(known: bool, interval: Interval | None) -> Row:
    return {
        "estimator": None if not known else "corrected" if interval else "uncorrected",
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "variance": interval.variance if interval else None,
        "freedom": interval.freedom if interval else None,
    }


def trend_row(
    cell: Cell, estimate: Balance | None, *, audit: bool, coverage: Coverage, model: Model | None, today: date
) -> Row:
    """A row of the trend table."""
    missing = None
    if not cell.texts:
        missing = why_empty(cell.span, coverage)
    elif not cell.clusters:
        missing = "no text of its own: what it published counts where it was published first"
    elif estimate is None:
        missing = "not framed"
    others: Row = {}
    if estimate is not None and model is not None:
        others = companions(cell.p_nationalist, cell.p_universalist, model.confusion, model.training_balance)
    return {
        "group_id": cell.group,
        "period": cell.span.kind,
        "start": cell.span.start,
        "end": cell.span.end,
        "texts": cell.texts,
        "clusters": cell.clusters,
        "sources": cell.sources,
        "codings": cell.coded,
        "late": estimate.late if estimate else 0,
        "balance": estimate.value if estimate else None,
        **_interval_columns(estimate is not None, estimate.interval if estimate else None),
        "lam": estimate.lam if estimate else None,
        "model_balance": estimate.model if estimate else None,
        "companions": others,
        "missing": missing,
        "flags": flags(cell.span, coverage, today) + _estimate_flags(cell, estimate, audit),
        "model_id": model.id if model else None,
    }


def gap_row(
    dyad: Dyad, a: Row, b: Row, sides: tuple[Balance | None, Balance | None], unit: Period | None, usable: int
) -> Row:
    """A row of the gap table, from the two sides' trend rows and balances. unit, usable: see the state."""
    made = gap(sides[0], sides[1]) if sides[0] is not None and sides[1] is not None else None
    interval = made.interval if made else None
    missing = "; ".join(f"{row['group_id']}: {row['missing']}" for row in (a, b) if row["missing"]) or None
    state = decide(missing=missing, corrected=interval is not None, unit=unit, usable=usable)
    return {
        "a": dyad.a,
        "b": dyad.b,
        "period": a["period"],
        "start": a["start"],
        "end": a["end"],
        "gap": made.value if made else None,
        **_interval_columns(made is not None, interval),
        "missing": missing,
        "state": state.name,
        "flags": [*state.reasons, *_side_flags(a, b)],
    }


def _side_flags(a: Row, b: Row) -> list[str]:
    """The flags of both sides; one that both have stands once, without a name."""
    shared = [f for f in a["flags"] if f in b["flags"]]
    return shared + [f"{row['group_id']}: {f}" for row in (a, b) for f in row["flags"] if f not in shared]


def _usable_ends(rows: Mapping[tuple[str, Span], Row], dyad: Dyad, spans: Iterable[Span]) -> list[date]:
    """Ends of the periods in which both groups have a balance, in order."""
    return [
        span.end
        for span in spans
        if rows[dyad.a, span]["balance"] is not None and rows[dyad.b, span]["balance"] is not None
    ]


def measure_cells(
    monitor: Monitor, grid: Grid, collected: Mapping[str, datetime], model: Model | None, *, today: date
) -> tuple[list[Row], list[Row], dict[CellKey, Basis]]:
    """The trend rows and the gap rows of a monitor, and what each group's cell was made of.

    Pure: the same texts and codings give the same rows.
    """
    days = measured_days(monitor, grid.first_day(), today)
    if days is None:
        return [], [], {}
    kinds = measured_periods(monitor)
    spans = {kind: periods_covering(kind, *days) for kind in kinds}
    groups = [g.id for g in monitor.groups]
    cells = {(g, s): grid.cell(g, s) for kind in kinds for g in groups for s in spans[kind]}
    audited = audit_balances([c for (_, s), c in cells.items() if s.kind == monitor.audit_period])
    estimates = {
        key: audited.get(key) if key[1].kind == monitor.audit_period else model_balance(cell)
        for key, cell in cells.items()
    }
    coverage = {g: coverage_of(monitor, grid, g, collected) for g in groups}
    rows = {
        key: trend_row(
            cell,
            estimates[key],
            audit=key[1].kind == monitor.audit_period,
            coverage=coverage[key[0]],
            model=model,
            today=today,
        )
        for key, cell in cells.items()
    }
    unit = next((kind for kind in USABLE_NEEDED if kind in kinds), None)
    gaps: list[Row] = []
    for dyad in monitor.dyads:
        usable = _usable_ends(rows, dyad, spans[unit]) if unit else []
        for kind in kinds:
            for span in spans[kind]:
                a, b = (dyad.a, span), (dyad.b, span)
                until_now = bisect_right(usable, span.end)
                gaps.append(gap_row(dyad, rows[a], rows[b], (estimates[a], estimates[b]), unit, until_now))
    bases = {
        (group, span.kind, span.start): Basis(
            cell.documents, cell.codings, found.borrowed if (found := estimates[group, span]) else None
        )
        for (group, span), cell in cells.items()
    }
    return list(rows.values()), gaps, bases


def _problems(grid: Grid, waiting: int, learnt: int, model: Model | None, undated: int) -> list[str]:
    counted = grid.texts.counts
    unframed = int(np.isnan(grid.texts.p_nationalist[counted]).sum()) - grid.texts.wordless
    said: Sequence[tuple[bool, str]] = (
        (undated > 0, f"{undated} own texts have no acceptable date and are in no period; see their document pages"),
        (model is None and len(grid.texts) > 0, "no model is in force; run `riftwatch frame`"),
        (
            model is not None and unframed > 0,
            f"{unframed} texts are not framed by the model in force; run `riftwatch frame`",
        ),
        (waiting > 0, f"{waiting} random codings wait for a text that is not collected"),
        (
            learnt > 0,
            f"{learnt} texts with random codings were coded otherwise before the model in force was trained, which may "
            "have learnt them: intervals may be too narrow; `riftwatch model retrain` trains one without them",
        ),
        (grid.outside() > 0, f"{grid.outside()} coded texts are in no cell (undated, or an observer's)"),
        (len(grid.texts) == 0, "no own text with a date; collect first"),
    )
    return [words for true, words in said if true]


def _too_long(trends: Sequence[Row], groups: int) -> list[str]:
    """A problem when the tables speak of more periods than anybody watches."""
    if len(trends) <= MOST_PERIODS * groups:
        return []
    first, last = min(row["start"] for row in trends), max(row["end"] for row in trends)
    return [
        f"{len(trends) // groups:,} periods of each group are measured, from {first} to {last}; "
        "if a year is mistyped, correct since in the monitor or the date of the earliest text"
    ]


def measure(
    settings: Settings, monitor: Monitor, *, progress: Progress = silent, now: datetime | None = None
) -> Report:
    """Compute all trends and gaps of a monitor anew and put them in the place of the old ones, in one transaction.

    The report counts own dated texts (found) and rows written (updated). ``now`` decides which periods are finished.
    """
    started, clock = datetime.now(UTC), monotonic()
    now = now or started
    with open_session(settings) as session:
        # a text and its coding that were written at the same time did not see each other
        match_waiting(session, monitor.name)
        session.commit()
        progress("reading texts", 0, None)
        model = model_in_force(session)
        texts = own_texts(session, monitor.name, model.id if model else None)
        coded, problems = codings_by_cluster(random_codings(session, monitor.name), codebook_of(VARIABLE).balances)
        grid = Grid(texts, coded)
        collected = last_collected(session, monitor.name)
        learnt = learnt_then_drawn(session, monitor.name, model) if model else 0
        problems += _problems(grid, waiting_codings(session, monitor.name), learnt, model, texts.undated)
        progress("measuring cells", 0, None)
        trends, gaps, bases = measure_cells(monitor, grid, collected, model, today=now.astimezone(UTC).date())
        problems += _too_long(trends, len(monitor.groups))
        progress("writing trends", 0, len(trends) + len(gaps))
        named = {"monitor": monitor.name}
        write_measures(session, monitor.name, [named | r for r in trends], [named | r for r in gaps], started)
        publish(session, monitor.name, trends, gaps, bases, model, as_of=started)
        kind = monitor.audit_period
        audit = sorted({period_of(kind, row["start"]) for row in trends if row["period"] == kind})
        write_bridge(
            session, monitor.name, VARIABLE, coded, groups=[g.id for g in monitor.groups], spans=audit, now=started
        )
        progress("writing trends", len(trends) + len(gaps), len(trends) + len(gaps))
        report = Report(
            job="measure",
            found=len(texts),
            updated=len(trends) + len(gaps),
            seconds=monotonic() - clock,
            first=_as_time(grid.first_day()),
            last=_as_time(texts.day.max().astype(object) if len(texts) else None),
            problems=tuple(problems),
        )
        record_run(session, report, started_at=started, monitor=monitor.name)
        session.commit()
    return report


def _as_time(day: date | None) -> datetime | None:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None
