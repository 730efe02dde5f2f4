"""What stands on the dyad page beside balances and gaps: alarms, coders' answers, criticism, panel, sheet, vintages."""

# ruff: noqa: E501 (a row stands on one line)

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from pipeline.measure.alarm.cusum import watch
from pipeline.measure.alarm.reference import reference
from pipeline.measure.smoothed import smoothed_rows
from pipeline.monitor.periods import period_of
from pipeline.store.published import pack
from pipeline.store.tables import (
    AlarmLook,
    DirectedCount,
    DirectedTotal,
    Document,
    GapCell,
    KeptPanel,
    KeptReference,
    KeptSheet,
    KeptSmoothed,
    Published,
    RaisedAlarm,
    TrendCell,
    WatchedDyad,
)
from pipeline.store.watched import WatchedSeries

NOW = datetime(2026, 1, 2, 6, 30, tzinfo=UTC)
MADE = NOW - timedelta(hours=9)
LAM = 0.8
HOSTILE = "<script>document.title='run'</script>"
SECOND_LOOK = datetime(2025, 12, 20, tzinfo=UTC)
"""when the vintage figures of 2025 were published again, a tenth higher"""


def _rows(session: Session, table, period: str):
    return session.scalars(
        select(table).where(table.monitor == "harbour", table.period == period).order_by(table.start)
    ).all()


def _watched(session: Session) -> None:
    gaps = _rows(session, GapCell, "week")
    m = np.array([np.nan if g.gap is None else LAM * g.gap for g in gaps])
    v = np.where(np.isnan(m), np.nan, 0.02)
    found = reference(m, v, length=52)
    path = watch(m, v, found, 9.7)
    series = WatchedSeries([g.start for g in gaps], m, v, path.z, path.up, path.down)
    session.add(
        WatchedDyad(
            monitor="harbour", a="heron", b="maple", period="week", measured_at=NOW, lam=LAM, threshold=9.7,
            autocorrelation=0.3, reference_start=gaps[found.first].start, reference_end=gaps[found.last].end,
            mean=found.mean, sigma_u=found.sigma_u, noise=found.noise, series=series.pack(),
        )
    )  # fmt: skip


def _alarms(session: Session, ids: dict[str, int]) -> None:
    kept = session.scalars(select(KeptReference).where(KeptReference.a == "heron")).first()
    old = RaisedAlarm(
        monitor="harbour", a="heron", b="maple", period="week", since=date(2025, 2, 3), raised=date(2025, 3, 10),
        end=date(2025, 3, 17), side=1, reference_id=kept.id, reference_start=date(2024, 1, 1), reference_end=date(2025, 1, 27),
        threshold=9.7, autocorrelation=0.3, model="0" * 64, found_at=datetime(2025, 3, 17, 7, tzinfo=UTC),
        closed=date(2025, 11, 24), closed_why="C was zero for 8 periods in a row",
        confirmed_at=datetime(2025, 4, 2, tzinfo=UTC), planned=160, borrowed={"lam": LAM, "s2": 0.3, "freedom": 10},
    )  # fmt: skip
    session.add(old)
    session.flush()
    ids["old_alarm"] = old.id
    figures = {
        "change": 0.61, "low": 0.22, "high": 1.0, "reference": 0.14, "reference_low": -0.02, "reference_high": 0.3,
        "present": 0.75, "present_low": 0.6, "present_high": 0.9, "holds": True,
    }  # fmt: skip
    session.add(AlarmLook(alarm_id=old.id, looked_at=NOW, figures=figures, why=None))
    session.add(
        AlarmLook(alarm_id=ids["alarm"], looked_at=NOW, figures={}, why="no texts are drawn for its confirmation yet")
    )


def _criticism(session: Session) -> None:
    for cell in _rows(session, TrendCell, "quarter"):
        other = "maple" if cell.group_id == "heron" else "heron"
        session.add(
            DirectedTotal(
                monitor="harbour", a=cell.group_id, period="quarter", start=cell.start, end=cell.end,
                clusters=cell.clusters, measured_at=NOW,
            )
        )  # fmt: skip
        rate = 0.02 + (0.09 if cell.group_id == "maple" and cell.start >= date(2025, 1, 1) else 0.0)
        coded = cell.start < date(2025, 10, 1)
        session.add(
            DirectedCount(
                monitor="harbour", a=cell.group_id, b=other, period="quarter", start=cell.start, named=20, audited=18,
                coded=9 if coded else 0, hostile=2.0 if coded else 0.0, estimator="corrected" if coded else "none",
                hostile_share=rate * 4 if coded else None, rate=rate if coded else None,
                low=max(0.0, rate - 0.02) if coded else None, high=rate + 0.03 if coded else None,
                why=None if coded else "not enough: 0 random codings of criticism, 5 are needed", measured_at=NOW,
            )
        )  # fmt: skip


def _panels(session: Session) -> None:
    for group, source in (("heron", "heron-news"), ("maple", "maple-letters")):
        for kind in ("week", "quarter"):
            cells = [cell for cell in _rows(session, TrendCell, kind) if cell.group_id == group]
            points = [
                [c.start.isoformat(), None if c.balance is None else round(c.balance - 0.05, 4), c.clusters, c.missing]
                for c in cells
            ]
            session.add(
                KeptPanel(
                    monitor="harbour", group_id=group, period=kind, made_at=MADE, basis=1, points=points,
                    weights={source: 1.0}, left_out={f"{source}/late": "no text in 3 of 8 periods"},
                )
            )  # fmt: skip


def _smoothed(session: Session) -> None:
    rows = smoothed_rows(_rows(session, TrendCell, "quarter"), [("heron", "maple")], "quarter")
    basis = session.scalar(select(func.max(Published.id)))
    session.add(KeptSmoothed(monitor="harbour", made_at=MADE, basis=basis, **rows[0]))


def _words(sign: int) -> list[dict]:
    pairs = (("river", 91, 12), ("soil", 60, 9)) if sign > 0 else (("covenant", 8, 77), (HOSTILE, 3, 40))
    return [
        {"word": word, "uses": [a, b], "log_odds": sign * 1.2, "z": sign * 5.1, "p": 1e-6, "adjusted": 1e-4}
        for word, a, b in pairs
    ]


def _sheet(session: Session) -> None:
    rows = [
        {"kind": "base", "changed": "as published", "change": 0.52, "se": 0.06, "sign_holds": True, "conclusion_holds": True, "why": None},
        {"kind": "deduplication", "changed": "deduplication off", "change": 0.5, "se": 0.06, "sign_holds": True, "conclusion_holds": True, "why": None},
        {"kind": "masking", "changed": "names not masked", "change": None, "se": None, "sign_holds": None, "conclusion_holds": None, "why": "needs scores without masking"},
    ]  # fmt: skip
    sheet = {
        "reference": ["2024-01-01", "2025-01-27"],
        "present": ["2025-02-03", "2025-03-17"],
        "texts": [340, 300],
        "base": {"value": 0.52, "se": 0.06, "freedom": 30.0},
        "rows": rows,
        "error_rates": [{"group": "Heron League", "coded": "nationalist", "codings": 31, "rate": 0.129, "why": None}],
        "sections": [
            {"title": "The change of the gap under other choices", "lines": ["It keeps its sign in 17 of 17 variants."]},
            {"title": "What moved", "lines": [f"Judgement: a change of framing within sources {HOSTILE}."]},
            {"title": "Words (topics as much as framing: they make no state)", "lines": ["en, typical of Heron League (uses by either): river (91/12).", "en, leave-out partisanship of words: 0.512."]},
        ],
        "words": [
            {"language": "en", "texts": [40, 38], "there": [40, 38], "of_a": _words(1), "of_b": _words(-1), "why": None},
            {"language": "fa", "texts": [0, 0], "there": [2, 11], "of_a": [], "of_b": [], "why": "2 and 11 texts, 20 of each are needed"},
        ],
        "exchanges": [
            {"a": "heron", "b": "maple", "clusters": 40, "naming": 9, "triggers": 38, "answered": 20, "reply_days": 2.5, "usual_days": 4.0, "cited": [{"document": 1, "title": HOSTILE, "address": "http://127.0.0.1:9/heron/0", "day": "2025-02-09", "by": 3, "links": 2, "titles": 0, "quotes": 1}]},
            {"a": "maple", "b": "heron", "clusters": 38, "naming": 0, "triggers": 40, "answered": 0, "reply_days": None, "usual_days": None, "cited": []},
        ],
        "exchanges_why": None,
    }  # fmt: skip
    session.add(
        KeptSheet(
            monitor="harbour", a="heron", b="maple", made_at=MADE, seconds=12.5, basis=1, model="0" * 64, sheet=sheet,
            problem=None,
        )
    )  # fmt: skip


_NAMES = ("balance", "gap", "low", "high", "estimator", "missing", "flags", "variance", "freedom", "lam", "late")
_COUNTS = ("texts", "clusters", "sources", "codings", "model_balance", "state")


def _publish(session: Session, row, as_of: datetime, more: float, documents: list[int]) -> None:
    trend = isinstance(row, TrendCell)
    figures = {name: getattr(row, name) for name in (*_NAMES, *_COUNTS) if hasattr(row, name)}
    value = "balance" if trend else "gap"
    if figures[value] is not None:
        figures[value] += more
    lent = {"lam": LAM, "s2": 0.3, "freedom": 10} if row.estimator == "corrected" else None
    figures["borrowed"] = {row.group_id: lent} if trend else {row.a: lent, row.b: lent}
    session.add(
        Published(
            monitor="harbour", kind="trend" if trend else "gap", subject=row.group_id if trend else f"{row.a}--{row.b}",
            period=row.period, start=row.start, end=row.end, as_of=as_of, figures=figures, digest=f"{as_of:%Y%m%d}",
            documents=pack(documents), codings=pack([]), model="0" * 64, codebook_version=1, code_version="0.1.0+test",
        )
    )  # fmt: skip


def _vintages(session: Session) -> None:
    documents = list(
        session.scalars(select(Document.id).where(Document.speaker == "own").order_by(Document.id).limit(30))
    )
    rows = [*_rows(session, TrendCell, "quarter"), *_rows(session, GapCell, "quarter")]
    for row in rows:
        running = datetime.combine(row.start + timedelta(days=40), datetime.min.time(), tzinfo=UTC)
        _publish(session, row, running, -0.3, documents[:3])
        if row.end <= NOW.date():
            first = datetime.combine(row.end + timedelta(days=2), datetime.min.time(), tzinfo=UTC)
            _publish(session, row, first, -0.1, documents)
    for row in rows:
        if period_of("quarter", row.start).label.startswith("2025") and row.end <= SECOND_LOOK.date():
            _publish(session, row, SECOND_LOOK, 0.0, documents)


def add(session: Session, ids: dict[str, int]) -> None:
    """Write it into the store of :mod:`tests.review.filled`, after the overview's rows. Does not commit."""
    session.flush()
    for cell in _rows(session, TrendCell, "week"):
        cell.framed = cell.clusters
    _watched(session)
    _alarms(session, ids)
    _criticism(session)
    _panels(session)
    _sheet(session)
    _vintages(session)
    session.flush()
    _smoothed(session)
