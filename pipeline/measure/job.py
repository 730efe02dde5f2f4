"""The measuring job: every cell and gap of a monitor, from the texts, framings and codings in the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from time import monotonic
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from classifiers.codebook import codebook_of
from pipeline.measure.balance import Balance, Floats, Interval
from pipeline.measure.bridge import write_bridge
from pipeline.measure.cells import audit_balances, codings_by_cluster, out_of_order, uncorrected
from pipeline.measure.error_rates import differential_error
from pipeline.measure.gap import gap
from pipeline.measure.judging import Judged, judge
from pipeline.measure.missing import IMPORTED, Coverage, flags, why_empty
from pipeline.measure.publish import Basis, CellKey, publish
from pipeline.measure.publish_states import publish_states
from pipeline.measure.reading import Cells, Reader
from pipeline.measure.state import EARLIER_STATE, LEAST_CHANGE, NOT_ENOUGH, STEADY
from pipeline.measure.summary import Summary
from pipeline.measure.timespan import coverage_of, measured_days, measured_periods
from pipeline.measure.watch_log import keep_watched
from pipeline.monitor import Dyad, Monitor, Period
from pipeline.monitor.periods import Span, period_of, periods_covering
from pipeline.report import Progress, Report, silent
from pipeline.settings import Settings
from pipeline.store.alone import alone
from pipeline.store.bridges import bridges
from pipeline.store.cells import (
    VARIABLE,
    Written,
    last_collected,
    last_days,
    learnt_then_drawn,
    model_in_force,
    places,
    random_codings,
    undated_texts,
    waiting_codings,
    write_measures,
)
from pipeline.store.codings import match_waiting
from pipeline.store.measured import bases_of, remember
from pipeline.store.published import unpack
from pipeline.store.runs import record_run
from pipeline.store.session import open_session
from pipeline.store.states import states_before
from pipeline.store.tables import Model

Row = dict[str, Any]

FAR = 3.3
"""Standard errors: by chance one period in a thousand."""
MOST_UNFRAMED = 0.05
"""Share of texts not yet scored by the model in force above which no state is judged."""
MOST_PERIODS = 5000
"""Periods of a group, all kinds together, above which a year is probably mistyped: 70 years with weeks."""


def _estimate_flags(cell: Summary, estimate: Balance | None, audit: bool, aside: int) -> list[str]:
    made = []
    if aside:
        made.append(
            f"{aside} coded texts are of a queue in which earlier ones were passed over, so they are no random part of "
            "it and correct nothing until those are answered"
        )
    if cell.unframed and cell.framed:
        made.append(f"{cell.unframed} of {cell.clusters} texts are not framed and not in the balance")
    if estimate is not None and estimate.late:
        made.append(f"{estimate.late} texts arrived at a time that codings do not speak for and are not in the balance")
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
    cell: Summary,
    estimate: Balance | None,
    *,
    audit: bool,
    coverage: Coverage,
    model_id: int | None,
    today: date,
    aside: int = 0,
) -> Row:
    """A row of the trend table. aside: coded texts of the cell that are no random part of their draw."""
    missing = None
    if not cell.texts:
        missing = why_empty(cell.span, coverage)
    elif not cell.clusters:
        missing = "no text of its own: what it published counts where it was published first"
    elif estimate is None:
        missing = "not framed"
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
        "framed": cell.framed,
        "model_variance": cell.variance,
        "companions": cell.companions,
        "missing": missing,
        "flags": flags(cell.span, coverage, today) + _estimate_flags(cell, estimate, audit, aside),
        "model_id": model_id,
    }


def gap_row(dyad: Dyad, a: Row, b: Row, sides: tuple[Balance | None, Balance | None]) -> Row:
    """A row of the gap table, from the two sides' trend rows and balances; its state is judged later."""
    made = gap(sides[0], sides[1]) if sides[0] is not None and sides[1] is not None else None
    interval = made.interval if made else None
    missing = "; ".join(f"{row['group_id']}: {row['missing']}" for row in (a, b) if row["missing"]) or None
    return {
        "a": dyad.a,
        "b": dyad.b,
        "period": a["period"],
        "start": a["start"],
        "end": a["end"],
        "gap": made.value if made else None,
        **_interval_columns(made is not None, interval),
        "missing": missing,
        "state": NOT_ENOUGH,
        "flags": _side_flags(a, b),
    }


def _side_flags(a: Row, b: Row) -> list[str]:
    """The flags of both sides; one that both have stands once, without a name."""
    shared = [f for f in a["flags"] if f in b["flags"]]
    return shared + [f"{row['group_id']}: {f}" for row in (a, b) for f in row["flags"] if f not in shared]


def with_states(gaps: Sequence[Row], judged: Judged) -> None:
    """Put the states into the gap rows, and the reasons for them before the other flags."""
    for row in gaps:
        state = judged.state(row["a"], row["b"], period_of(row["period"], row["start"]))
        row["state"], row["flags"] = state.name, [*state.reasons, *row["flags"]]


def warn_of_the_unseen(gaps: Sequence[Row], judged: Judged, kind: Period) -> None:
    """Flag audit periods whose corrected gap is far from the reference's although no alarm is open.

    With few texts a week the model's series can be too noisy for an alarm that coders would see at once. The state
    rests on alarms alone, whose rate of false ones is known; this is a reason to look, and no state.
    """
    corrected: dict[tuple[str, str], list[Row]] = {}
    for row in gaps:
        if row["period"] == kind and row["low"] is not None:
            corrected.setdefault((row["a"], row["b"]), []).append(row)
    for dyad, rows in corrected.items():
        one = judged.watched.get(dyad)
        if one is None or one.reference is None:
            continue
        end = judged.spans[one.reference.last].end
        before = [row for row in rows if row["end"] <= end]
        if not before:
            continue
        usual = sum(row["gap"] for row in before) / len(before)
        variance = sum(row["variance"] for row in before) / len(before) ** 2
        for row in rows:
            change, error = row["gap"] - usual, (row["variance"] + variance) ** 0.5
            alarmed = any("codings needed" in flag for flag in row["flags"])
            steady = row["start"] >= end and row["state"] == STEADY and not alarmed
            if steady and abs(change) > max(FAR * error, LEAST_CHANGE):
                row["flags"].insert(
                    1,
                    f"the corrected gap differs by {change:+.2f} (standard error {error:.2f}) from the {kind}s before "
                    f"{end}, and no alarm sees it: the weekly model is too noisy; states rest on alarms alone",
                )


def as_before(gaps: Sequence[Row], before: Mapping[tuple[str, str, str, date], str]) -> None:
    """Leave the states as they were measured last."""
    for row in gaps:
        row["state"] = before.get((row["a"], row["b"], row["period"], row["start"]), NOT_ENOUGH)
        row["flags"] = [EARLIER_STATE, *row["flags"]]


def error_warnings(monitor: Monitor, cells: Mapping[tuple[str, Span], Summary]) -> dict[tuple[str, str], str]:
    """Dyad -> a warning where the random codings show that the model errs differently in the two groups.

    Uncorrected gaps carry that difference; the corrected ones do not. Codings of late texts are left out: a few of them
    would stand for very many, as in a balance.
    """
    coded: dict[str, list[Summary]] = {}
    for cell in cells.values():
        if cell.span.kind == monitor.audit_period and cell.coded_framed:
            coded.setdefault(cell.group, []).append(cell)

    def of(group: str) -> tuple[Floats, Floats, Floats]:
        f, y, pi = (
            np.concatenate(
                [np.empty(0), *(getattr(cell, name)[~np.isnan(cell.y) & ~cell.late] for cell in coded.get(group, []))]
            )
            for name in ("f", "y", "pi")
        )
        return f, y, pi

    found = {}
    for dyad in monitor.dyads:
        (f_a, y_a, pi_a), (f_b, y_b, pi_b) = of(dyad.a), of(dyad.b)
        made = differential_error(f_a, y_a, f_b, y_b, pi_a=pi_a, pi_b=pi_b)
        if made.differs:
            found[dyad.a, dyad.b] = made.sentence
    return found


def estimates_of(monitor: Monitor, cells: Mapping[tuple[str, Span], Summary]) -> dict[tuple[str, Span], Balance]:
    """The balance of every cell that has framed texts: corrected in the audit period, else the model's alone."""
    audit = [cell for cell in cells.values() if cell.span.kind == monitor.audit_period]
    others = {
        key: uncorrected(cell.mean, cell.coded_framed)
        for key, cell in cells.items()
        if cell.mean is not None and cell.span.kind != monitor.audit_period
    }
    return audit_balances(audit) | others


def measure_cells(
    monitor: Monitor,
    cells: Mapping[tuple[str, Span], Summary],
    coverage: Mapping[str, Coverage],
    model: Model | None,
    *,
    today: date,
    aside: Mapping[tuple[str, Span], int] | None = None,
) -> tuple[list[Row], list[Row], dict[tuple[str, Span], Balance]]:
    """The trend rows and the gap rows of a monitor, and the balances they were made of.

    cells: of every group and measured period, empty ones too. coverage: of every group. aside: of audit cells, coded
    texts that are no random part of their draw; None: there are none.
    Pure: the same cells give the same rows.
    """
    if not cells:
        return [], [], {}
    estimates = estimates_of(monitor, cells)
    rows = {
        key: trend_row(
            cell,
            estimates.get(key),
            audit=key[1].kind == monitor.audit_period,
            coverage=coverage[key[0]],
            model_id=model.id if model else None,
            today=today,
            aside=(aside or {}).get(key, 0),
        )
        for key, cell in cells.items()
    }
    spans: dict[Period, list[Span]] = {kind: [] for kind in measured_periods(monitor)}
    for span in sorted({span for _, span in cells}):
        spans[span.kind].append(span)
    gaps: list[Row] = []
    warnings = error_warnings(monitor, cells)
    for dyad in monitor.dyads:
        warned = warnings.get((dyad.a, dyad.b))
        for of_kind in spans.values():
            for span in of_kind:
                a, b = (dyad.a, span), (dyad.b, span)
                row = gap_row(dyad, rows[a], rows[b], (estimates.get(a), estimates.get(b)))
                if warned and row["estimator"] == "uncorrected":
                    row["flags"].append(warned)
                gaps.append(row)
    return list(rows.values()), gaps, estimates


def _set_aside(session: Session, monitor: Monitor, clusters: set[int]) -> dict[tuple[str, Span], int]:
    """How many of these coded texts each audit cell has."""
    found = places(session, monitor.name, sorted(clusters)).values() if clusters else ()
    return Counter((group, period_of(monitor.audit_period, day)) for group, day in found)


def _problems(cells: Cells, outside: int, waiting: int, learnt: int, model: Model | None, undated: int) -> list[str]:
    unframed = cells.unframed - cells.wordless
    said: Sequence[tuple[bool, str]] = (
        (undated > 0, f"{undated} own texts have no acceptable date and are in no period; see their document pages"),
        (model is None and cells.texts > 0, "no model is in force; run `riftwatch frame`"),
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
        (outside > 0, f"{outside} coded texts are in no cell (undated, or an observer's)"),
        (cells.texts == 0, "no own text with a date; collect first"),
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


def _coverages(session: Session, monitor: Monitor, first: Mapping[str, date]) -> dict[str, Coverage]:
    collected = last_collected(session, monitor.name)
    imported = any(source.kind in IMPORTED for source in monitor.sources)
    last = last_days(session, monitor.name) if imported else {}
    return {g.id: coverage_of(monitor, g.id, collected, first.get(g.id), last.get(g.id, {})) for g in monitor.groups}


def _publish(
    session: Session,
    monitor: Monitor,
    tables: tuple[Sequence[Row], Sequence[Row]],
    cells: Cells,
    written: Written,
    estimates: Mapping[tuple[str, Span], Balance],
    model: Model | None,
    as_of: datetime,
) -> None:
    """Publish of the figures those that may have changed: their texts or their row, or what other cells lend them."""

    def touched(group: str, row: Row) -> bool:
        key = (group, row["period"], row["start"])
        return key in cells.changed or (cells.lent and row["period"] == monitor.audit_period)

    trends = [
        row
        for row in tables[0]
        if touched(row["group_id"], row) or (row["group_id"], row["period"], row["start"]) in written.trends
    ]
    gaps = [
        row
        for row in tables[1]
        if touched(row["a"], row)
        or touched(row["b"], row)
        or (row["a"], row["b"], row["period"], row["start"]) in written.gaps
    ]
    keys = {(row["group_id"], row["period"], row["start"]) for row in trends}
    keys |= {(row[side], row["period"], row["start"]) for row in gaps for side in ("a", "b")}
    remembered = bases_of(session, monitor.name, [key for key in keys if key not in cells.changed])
    lent = {(group, span.kind, span.start): found.borrowed for (group, span), found in estimates.items()}
    bases: dict[CellKey, Basis] = {}
    for key in keys:
        if key in cells.changed:
            documents, codings = cells.changed[key]
        elif key in remembered:
            documents, codings = unpack(remembered[key][0]), tuple(unpack(remembered[key][1]).tolist())
        else:
            documents, codings = np.empty(0, dtype=np.int64), ()
        bases[key] = Basis(documents, codings, lent.get(key))
    publish(session, monitor.name, trends, gaps, bases, model, as_of=as_of)


def measure(
    settings: Settings, monitor: Monitor, *, progress: Progress = silent, now: datetime | None = None
) -> Report:
    """Bring all trends and gaps of a monitor up to date, in one transaction.

    The texts of cells that have changed are read; of the others what is remembered stands, to the last bit.
    The report counts own dated texts (found), those of them that were not read again (known) and rows of the trend and
    gap tables that are new or differ (updated). ``now`` decides which periods are finished. Of two measurements of a
    monitor at once the second waits for the first, or both would write down the same alarms and changes of state.
    """
    with alone(settings, f"measure {monitor.name}"):
        return _measure(settings, monitor, progress, now)


def _measure(settings: Settings, monitor: Monitor, progress: Progress, now: datetime | None) -> Report:
    started, clock = datetime.now(UTC), monotonic()
    now = now or started
    today = now.astimezone(UTC).date()
    with open_session(settings) as session:
        # a text and its coding that were written at the same time did not see each other
        match_waiting(session, monitor.name)
        session.commit()
        # what was answered later is not what was read, when a figure is made again
        read_at = datetime.now(UTC)
        progress("reading texts", 0, None)
        model = model_in_force(session)
        codings = random_codings(session, monitor.name)
        coded, problems = codings_by_cluster(codings, codebook_of(VARIABLE).balances)
        reader = Reader(session, monitor.name, model, coded, monitor.audit_period)
        days = measured_days(monitor, min(reader.first_days.values(), default=None), today)
        spans = {kind: periods_covering(kind, *days) if days else [] for kind in measured_periods(monitor)}
        cells = reader.read([g.id for g in monitor.groups], spans)
        learnt = learnt_then_drawn(session, monitor.name, model) if model else 0
        undated = undated_texts(session, monitor.name)
        problems += _problems(cells, reader.outside, waiting_codings(session, monitor.name), learnt, model, undated)
        progress("measuring cells", 0, None)
        coverage = _coverages(session, monitor, reader.first_days)
        trends, gaps, estimates = measure_cells(
            monitor,
            cells.summaries,
            coverage,
            model,
            today=today,
            aside=_set_aside(session, monitor, out_of_order(codings)),
        )
        problems += _too_long(trends, len(monitor.groups))
        progress("writing trends", 0, len(trends) + len(gaps))
        lent = [one.borrowed for one in estimates.values() if one.borrowed is not None and one.borrowed.freedom]
        if model is not None and cells.unframed - cells.wordless > MOST_UNFRAMED * cells.texts:
            # in the middle of scoring anew nothing can be judged: half of the series would be another model's
            as_before(gaps, states_before(session, monitor.name))
        else:
            judged = judge(session, monitor, trends, list(spans), lent, model, now=now)
            with_states(gaps, judged)
            warn_of_the_unseen(gaps, judged, monitor.audit_period)
            keep_watched(session, monitor.name, judged, read_at)
            publish_states(session, monitor.name, judged, model, read_at)
        named = {"monitor": monitor.name}
        written = write_measures(session, monitor.name, [named | r for r in trends], [named | r for r in gaps], read_at)
        _publish(session, monitor, (trends, gaps), cells, written, estimates, model, read_at)
        remember(session, monitor.name, list(cells.rows()), cells.gone)
        audit = any(kind == monitor.audit_period for _, kind, _ in cells.changed)
        if model is not None and (audit or not bridges(session, monitor.name, VARIABLE, model.name)):
            write_bridge(
                session,
                monitor.name,
                VARIABLE,
                coded,
                groups=[g.id for g in monitor.groups],
                spans=spans[monitor.audit_period],
                now=read_at,
            )
        progress("writing trends", len(trends) + len(gaps), len(trends) + len(gaps))
        report = Report(
            job="measure",
            found=cells.texts,
            known=max(0, cells.texts - cells.read),
            updated=len(written.trends) + len(written.gaps),
            seconds=monotonic() - clock,
            first=_as_time(min(reader.first_days.values(), default=None)),
            last=_as_time(cells.last),
            problems=tuple(problems),
        )
        record_run(session, report, started_at=started, monitor=monitor.name)
        session.commit()
    return report


def _as_time(day: date | None) -> datetime | None:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) if day else None
