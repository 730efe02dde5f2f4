"""What the overview shows of a monitor."""

from __future__ import annotations

from datetime import UTC, date, datetime

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from pipeline.review import dyads
from pipeline.review.asked import monitor_of, settings_of
from pipeline.review.news import expected_false_alarms
from pipeline.review.overviews import Card, overviews_of
from pipeline.store.session import open_session

router = APIRouter(prefix="/api/v1", tags=["overview"])


class GapShown(BaseModel):
    """The gap of a dyad in one period of the kind that random codings correct."""

    label: str = Field(description="the period's name, such as 2024-Q1")
    start: date
    end: date = Field(description="first day after the period")
    gap: float | None = Field(description="null: see missing")
    low: float | None
    high: float | None = Field(description="ends of the 95% interval; null: uncorrected")
    estimator: str | None
    missing: str | None


class AlarmShown(BaseModel):
    """An open alarm."""

    id: int
    found_at: datetime
    said: str


class ReadingShown(BaseModel):
    """What a gap read until it was published otherwise."""

    at: datetime = Field(description="when it was first published so, among the newest 20 figures published of the gap")
    said: str
    running: bool = Field(description="it was published so only while the period was still running")


class NewGapShown(BaseModel):
    """The gap of a finished period: news to those who last saw another reading of it, or none."""

    at: datetime = Field(description="when it was first published as it reads now: that of the first of the readings")
    said: str = Field(description="the period and what its gap reads now; (all coded): every text behind it is coded")
    readings: list[ReadingShown] = Field(
        description="as published, newest first, at most 20; each reads otherwise than the one before. What it read "
        "while the period was still running is left out but for the last. Who last looked at a time saw the newest "
        "whose at is not later; where that reads as the first does, nothing is new"
    )


class CardShown(BaseModel):
    """One dyad."""

    a: str
    b: str
    state: str
    reasons: list[str]
    changed_at: datetime | None = Field(description="when the newest change of its state was computed")
    reading: str = Field(description="the newest gap that is known, in a sentence")
    texts: str = Field(description="how many texts stand behind it")
    alarm: AlarmShown | None
    new_gaps: list[NewGapShown] = Field(
        description="the last finished period's gap, and of the two periods before it the corrected ones of which "
        "figures of other random codings were published since their end (or 20 figures and more: older ones are not "
        "looked at); newest period first. Left out is a gap of which one reading alone is known, unless it is the "
        "last finished period's, has a value, and was published fewer than 20 times"
    )
    gaps: list[GapShown] = Field(description="the newest 24, oldest first")


class NewsShown(BaseModel):
    """One thing that happened to a dyad."""

    at: datetime
    kind: str = Field(description="state, alarm or confirmed")
    a: str
    b: str
    said: str


class FindShown(BaseModel):
    """A run that brought new texts."""

    started_at: datetime
    new: int


class TroubleShown(BaseModel):
    """A source that needs somebody."""

    source: str
    state: str = Field(description="failing, silent or slow, as its last run found it")
    said: str


class DueShown(BaseModel):
    """When a source is due, if its DAG is not paused."""

    source: str
    at: datetime


class OverviewShown(BaseModel):
    """One monitor."""

    monitor: str
    title: str
    made_at: datetime
    dyads: list[CardShown]
    expected_false_alarms: float = Field(description="a year at most, where nothing happens: dyads x .05")
    news: list[NewsShown] = Field(description="newest first, the newest eight")
    finds: list[FindShown] = Field(description="newest first, the newest 200")
    sources: int
    troubles: list[TroubleShown]
    due: list[DueShown] = Field(description="the next first")


def _card(card: Card) -> CardShown:
    alarm = card.alarm
    return CardShown(
        a=card.dyad.a,
        b=card.dyad.b,
        state=card.state,
        reasons=[str(reason) for reason in card.reasons],
        changed_at=card.changed_at,
        reading=card.reading,
        texts=card.texts,
        alarm=AlarmShown(id=alarm.id, found_at=alarm.found_at, said=card.alarm_said or "") if alarm else None,
        new_gaps=[
            NewGapShown(
                at=one.at,
                said=one.said,
                readings=[ReadingShown(at=r.at, said=r.said, running=r.running) for r in one.readings],
            )
            for one in card.new_gaps
        ],
        gaps=[
            GapShown(
                label=dyads.label_of(gap),
                start=gap.start,
                end=gap.end,
                gap=gap.gap,
                low=gap.low,
                high=gap.high,
                estimator=gap.estimator,
                missing=gap.missing,
            )
            for gap in card.gaps
        ],
    )


@router.get("/monitors/{monitor}/overview")
def overview(request: Request, monitor: str) -> OverviewShown:
    """States, newest gaps, what happened lately, what is due and what is in trouble."""
    watched_by = monitor_of(request, monitor)
    now = datetime.now(UTC)
    with open_session(settings_of(request)) as session:
        (found,) = overviews_of(session, [watched_by], now)
    return OverviewShown(
        monitor=watched_by.name,
        title=watched_by.title,
        made_at=now,
        dyads=[_card(card) for card in found.cards],
        expected_false_alarms=expected_false_alarms(len(found.cards)),
        news=[NewsShown(at=one.at, kind=one.kind, a=one.a, b=one.b, said=one.said) for one in found.news],
        finds=[FindShown(started_at=at, new=new) for at, new in found.finds.runs],
        sources=found.sources.total,
        troubles=[TroubleShown(source=one.source.id, state=one.state, said=one.said) for one in found.sources.troubles],
        due=[DueShown(source=one.source.id, at=one.at) for one in found.sources.due],
    )
