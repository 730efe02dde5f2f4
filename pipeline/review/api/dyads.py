"""Dyads: both balances, the gap, alarms, criticism; how a figure was made; the sheet and the words of each side."""

from __future__ import annotations

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from pipeline.review import alarm_words, dyads, smoothed
from pipeline.review.access import reader_of
from pipeline.review.asked import dyad_of, monitor_of, names_of, settings_of
from pipeline.review.dyad_facts import Facts
from pipeline.review.dyad_view import AskedDay, AskedMoment
from pipeline.review.explained import explained
from pipeline.review.pages.dyad import MOST_VERIFIED, Seen
from pipeline.store.directed import DirectedCell
from pipeline.store.kept import kept_sheet
from pipeline.store.session import open_session
from pipeline.store.states import newest_states
from pipeline.store.tables import GapCell, KeptSheet, TrendCell

router = APIRouter(prefix="/api/v1", tags=["dyads"])

MOST_LISTED = 1_000


class DyadState(BaseModel):
    """A dyad with its newest state."""

    a: str
    b: str
    name_a: str
    name_b: str
    state: str = Field(description="steady, diverging, rift, converging or not enough evidence")
    reasons: list[str]
    as_of: datetime | None = Field(
        description="when it became so, or its alarms changed; null: no state was written down yet"
    )


class GroupPoint(BaseModel):
    """A group's balance in one period. Null: see ``missing``."""

    balance: float | None
    low: float | None = Field(description="95% interval; null: uncorrected")
    high: float | None
    estimator: str | None = Field(description="corrected by random codings, or uncorrected (the model alone)")
    missing: str | None
    texts: int = Field(description="own texts, reposts included; of the fixed panel its different texts")
    clusters: int = Field(description="different texts")
    sources: int
    codings: int = Field(description="different texts drawn at random and coded")
    flags: list[str]


class DyadPoint(BaseModel):
    """One period of a dyad. A null gap says in ``missing`` why."""

    period: str = Field(description="such as 2024-Q1 or 2024-W05")
    start: date
    end: date = Field(description="first day after the period")
    gap: float | None = Field(description="balance of a less balance of b")
    low: float | None
    high: float | None
    estimator: str | None
    missing: str | None
    state: str | None
    published: datetime | None = Field(description="of the vintage series: when the gap was published")
    a: GroupPoint | None
    b: GroupPoint | None


class Reference(BaseModel):
    """What alarms are held against."""

    start: date
    end: date = Field(description="first day after it")
    period: str = Field(description="week or month: what alarms run on")
    mean: float | None = Field(description="mu of lam times the model's gap")
    sigma_u: float | None
    lam: float | None
    threshold: float | None = Field(description="h")
    autocorrelation: float | None


class AlarmPoint(BaseModel):
    """An alarm, and what coders have said of it."""

    id: int
    state: str
    since: date
    end: date = Field(description="first day after its stretch")
    raised: date
    side: int = Field(description="1: the gap went up; -1: down")
    closed: date | None
    closed_why: str | None
    found_at: datetime
    change: float | None = Field(description="X: corrected gap of the stretch less that of the reference")
    low: float | None = Field(description="confidence sequence, 95% at all looks together")
    high: float | None
    why: str | None = Field(description="why there is no X yet")
    looked_at: datetime | None


class CriticismPoint(BaseModel):
    """Of one group's texts of a period, those hostile to the other."""

    period: str
    start: date
    end: date
    clusters: int
    named: int
    audited: int
    coded: int
    hostile: float
    estimator: str
    rate: float | None = Field(description="hostile texts that name the other, of all texts")
    low: float | None
    high: float | None
    why: str | None


class SmoothedPoint(BaseModel):
    """A smoothed gap. Null: see ``why``."""

    period: str
    start: date
    end: date = Field(description="first day after the period")
    value: float | None = Field(description="where the line is drawn, within .75 standard errors of the corrected gap")
    low: float | None = Field(description="leaning 95% interval of the corrected gap")
    high: float | None
    why: str | None = Field(description="why it is not smoothed")


class SmoothedShown(BaseModel):
    """The smoothed gaps of the audit period: for the eye, in no state, alarm, confirmation or published figure."""

    made_at: datetime
    old: bool = Field(description="gaps of the dyad were measured anew since")
    points: list[SmoothedPoint] = Field(description="oldest first")


class StateChanged(BaseModel):
    """A change of the dyad's state."""

    state: str
    previous: str | None
    as_of: datetime
    reasons: list[str]


class DyadShown(BaseModel):
    """One view of a dyad."""

    monitor: str
    a: str
    b: str
    period: str
    series: str
    sources: str
    reading: str = Field(description="the newest gap as a sentence that claims no more than its interval")
    points: list[DyadPoint] = Field(description="oldest first; at most 600")
    reference: Reference | None
    alarms: list[AlarmPoint]
    criticism_of_b_by_a: list[CriticismPoint]
    criticism_of_a_by_b: list[CriticismPoint]
    changes: list[StateChanged]
    smoothed: SmoothedShown | None = Field(
        description="of audit periods of the current series and all sources; null elsewhere, and before a job made them"
    )


class SheetAnswer(BaseModel):
    """The newest sheet that a job has made."""

    made_at: datetime
    model: str | None = Field(description="sha256 of the model whose framings it is made of")
    problem: str | None = Field(description="why it could not be made")
    reference: list[date] | None = Field(description="first day, and first day left out")
    present: list[date] | None
    rows: list[dict[str, Any]]
    error_rates: list[dict[str, Any]]
    sections: list[dict[str, Any]]
    exchanges: list[dict[str, Any]] = Field(
        description="how each side answers and cites the other in the present stretch"
    )


class TypicalWordShown(BaseModel):
    """A word that one side uses more."""

    word: str
    uses: list[int] = Field(description="by a and by b")
    log_odds: float = Field(description="above 0: typical of a")
    z: float
    p: float
    adjusted: float = Field(description="p adjusted for all words tested")


class WordsShown(BaseModel):
    """Words typical of each side in one language."""

    language: str
    texts: list[int] = Field(description="of a and b whose words were counted")
    there: list[int] = Field(description="texts there are")
    of_a: list[TypicalWordShown]
    of_b: list[TypicalWordShown]
    why: str | None


class WordsAnswer(BaseModel):
    """The words of the newest sheet."""

    made_at: datetime
    problem: str | None
    languages: list[WordsShown]


class ExplainedFigure(BaseModel):
    """A published figure with all it was made of, and whether it can be made again."""

    figure: dict[str, Any] = Field(
        description="as `riftwatch trends explain --format json` prints it; of texts and codings the first ``most``"
    )
    remade: str | None = Field(description="what came of making it again; null: it has too many texts for a request")
    command: str = Field(description="that lists every text and coding")
    most: int = Field(description="texts and codings that are listed at most")
    codings_left_out: int = Field(
        description="of these codings those that are not listed: a second coder, or whoever asks, still has their "
        "texts to code, or can still take an answer back"
    )


@router.get("/monitors/{monitor}/dyads")
def list_dyads(request: Request, monitor: str) -> list[DyadState]:
    """Every dyad of a monitor with its newest state."""
    watched_by = monitor_of(request, monitor)
    names = names_of(watched_by)
    with open_session(settings_of(request)) as session:
        states = newest_states(session, watched_by.name)
    made = []
    for dyad in watched_by.dyads:
        found = states.get((dyad.a, dyad.b))
        made.append(
            DyadState(
                a=dyad.a,
                b=dyad.b,
                name_a=names[dyad.a],
                name_b=names[dyad.b],
                state=found.state if found else "not enough evidence",
                reasons=[str(one) for one in found.reasons] if found else ["nothing was judged yet"],
                as_of=found.as_of if found else None,
            )
        )
    return made


def _group(row: TrendCell | None) -> GroupPoint | None:
    if row is None:
        return None
    named = {name: getattr(row, name) for name in GroupPoint.model_fields if name != "flags"}
    counted = ("texts", "clusters", "sources", "codings")
    named |= {name: named[name] or 0 for name in counted}
    return GroupPoint(**named, flags=[str(one) for one in row.flags or []])


def _point(facts: Facts, line: dyads.Line) -> DyadPoint:
    gap: GapCell | None = line.gap
    names = ("gap", "low", "high", "estimator", "missing", "state")
    return DyadPoint(
        period=line.label,
        start=line.start,
        end=line.end,
        **{name: getattr(gap, name) if gap else None for name in names},
        published=facts.rows.published.get(line.start),
        a=_group(line.a),
        b=_group(line.b),
    )


def _reference(facts: Facts) -> Reference | None:
    one = facts.watched
    if one is None or one.reference_start is None or one.reference_end is None:
        return None
    return Reference(
        start=one.reference_start,
        end=one.reference_end,
        period=one.period,
        mean=one.mean,
        sigma_u=one.sigma_u,
        lam=one.lam,
        threshold=one.threshold,
        autocorrelation=one.autocorrelation,
    )


def _alarms(facts: Facts) -> list[AlarmPoint]:
    made = []
    for one in facts.alarms:
        look = facts.looks.get(one.id)
        figures = look.figures if look else {}
        own = {name: getattr(one, name) for name in ("id", "since", "end", "raised", "side", "closed", "closed_why")}
        made.append(
            AlarmPoint(
                **own,
                found_at=one.found_at,
                state=alarm_words.state_of(one, look),
                change=figures.get("change"),
                low=figures.get("low"),
                high=figures.get("high"),
                why=look.why if look else None,
                looked_at=look.looked_at if look else None,
            )
        )
    return made


def _criticism(row: DirectedCell) -> CriticismPoint:
    named = {name: getattr(row, name) for name in CriticismPoint.model_fields if name != "period"}
    return CriticismPoint(period=dyads.label_of(row), **named)


def _smoothed(facts: Facts) -> SmoothedShown | None:
    kept = facts.smoothed
    if kept is None:
        return None
    points = [
        SmoothedPoint(
            period=one.label,
            start=one.gap.start,
            end=one.gap.end,
            value=one.value,
            low=one.low,
            high=one.high,
            why=one.why,
        )
        for one in smoothed.periods_of(kept, facts.rows.gaps)
    ]
    return SmoothedShown(made_at=kept.made_at, old=facts.smoothed_old, points=points)


@router.get("/monitors/{monitor}/dyads/{a}/{b}")
def one_dyad(facts: Seen) -> DyadShown:
    """One view of a dyad: what its page draws."""
    gaps, cells = facts.rows.gaps, facts.rows.cells
    return DyadShown(
        monitor=facts.monitor.name,
        a=facts.dyad.a,
        b=facts.dyad.b,
        period=facts.view.kind,
        series=facts.view.series,
        sources=facts.view.sources,
        reading=dyads.reading(dyads.latest_with_value(gaps), facts.a, facts.b, facts.coded),
        points=[_point(facts, line) for line in reversed(dyads.lines(gaps, cells[facts.dyad.a], cells[facts.dyad.b]))],
        reference=_reference(facts),
        alarms=_alarms(facts),
        criticism_of_b_by_a=[_criticism(row) for row in facts.directed[0]],
        criticism_of_a_by_b=[_criticism(row) for row in facts.directed[1]],
        changes=[
            StateChanged(state=c.state, previous=c.previous, as_of=c.as_of, reasons=[str(r) for r in c.reasons])
            for c in facts.changes
        ],
        smoothed=_smoothed(facts),
    )


@router.get("/monitors/{monitor}/dyads/{a}/{b}/explain")
def explain_figure(
    request: Request,
    monitor: str,
    a: str,
    b: str,
    period: Annotated[str, Query(description="the period's label, such as 2024-Q1 or 2024-W05", max_length=20)],
    subject: Annotated[str, Query(description="gap, or one of the two groups", max_length=60)] = "gap",
    as_of: AskedDay = None,
    at: AskedMoment = None,
    most: Annotated[int, Query(ge=1, le=MOST_LISTED)] = 200,
) -> ExplainedFigure:
    """How one published figure was made: ids of texts and codings, model, codebook and code versions; made again."""
    from pipeline.measure.explain import as_record

    watched_by = monitor_of(request, monitor)
    dyad = dyad_of(watched_by, a, b)
    with open_session(settings_of(request)) as session:
        found = explained(
            session,
            watched_by,
            dyad,
            period,
            subject,
            as_of,
            at=at,
            most=most,
            verified=MOST_VERIFIED,
            reader=reader_of(request),
        )
        return ExplainedFigure(
            figure=as_record(found.explanation, found.made),
            remade=found.made.said if found.made else None,
            command=found.command,
            most=most,
            codings_left_out=found.left_out,
        )


def _kept(request: Request, monitor: str, a: str, b: str) -> KeptSheet:
    watched_by = monitor_of(request, monitor)
    dyad = dyad_of(watched_by, a, b)
    with open_session(settings_of(request)) as session:
        found = kept_sheet(session, watched_by.name, dyad.a, dyad.b)
    if found is None:
        raise HTTPException(404, f"No sheet is made yet: run `riftwatch sheet {a} {b} --keep`, or the DAG sheets.")
    return found


@router.get("/monitors/{monitor}/dyads/{a}/{b}/sheet")
def dyad_sheet(request: Request, monitor: str, a: str, b: str) -> SheetAnswer:
    """The newest sheet: does the change of the gap survive other choices? Made by a job, never within a request."""
    kept = _kept(request, monitor, a, b)
    return SheetAnswer(
        made_at=kept.made_at,
        model=kept.model,
        problem=kept.problem,
        reference=kept.sheet.get("reference"),
        present=kept.sheet.get("present"),
        rows=kept.sheet.get("rows", []),
        error_rates=kept.sheet.get("error_rates", []),
        sections=kept.sheet.get("sections", []),
        exchanges=kept.sheet.get("exchanges", []),
    )


@router.get("/monitors/{monitor}/dyads/{a}/{b}/words")
def dyad_words(request: Request, monitor: str, a: str, b: str) -> WordsAnswer:
    """Words typical of each side, of the newest sheet."""
    kept = _kept(request, monitor, a, b)
    return WordsAnswer(made_at=kept.made_at, problem=kept.problem, languages=kept.sheet.get("words", []))
