"""How the sources do, and what could be collected at an address."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from pipeline.collect import health
from pipeline.collect.proposing import ProposalError
from pipeline.collect.why import told
from pipeline.review.asked import monitor_of, settings_of
from pipeline.review.pages.sources import LINKS_SHOWN, looked_at
from pipeline.store.session import open_session

router = APIRouter(prefix="/api/v1", tags=["sources"])


class Week(BaseModel):
    """Texts of one week."""

    start: date
    texts: int


class SourceShown(BaseModel):
    """One source and how it does."""

    id: str
    kind: str
    group: str | None
    speaker: str
    state: str = Field(description="ok, slow, failing, silent or never run")
    last_run: datetime | None
    said: str | None = Field(description="what the last run did, in a sentence")
    next_due: datetime | None = Field(description="null: by hand only")
    volume: str = Field(description="the finding on its volume, in a sentence")
    failing: list[str] = Field(description="places that fail, with the reason")
    weeks: list[Week]


class StepShown(BaseModel):
    """One step of a source's way."""

    name: str
    outcome: str
    said: str
    mend: str | None


class SourceDetail(SourceShown):
    """A source with its way, step by step, from what is stored."""

    conclusion: str
    steps: list[StepShown]


class Asked(BaseModel):
    """An address to look at."""

    address: str = Field(max_length=2000)
    group: str = Field(default="", max_length=60, description="whose texts these would be; empty for observers")
    speaker: str = Field(default="own", max_length=10, description="own or observer")


class LinkShown(BaseModel):
    """A text that would be collected."""

    address: str
    title: str | None
    date: datetime | None


class ProposalShown(BaseModel):
    """What was found at an address; nothing of it is stored."""

    tried: list[str] = Field(description="what was looked for and what came of it")
    source_yaml: str = Field(description="lines for the monitor's file; empty where nothing was found")
    links: list[LinkShown]
    problems: list[str]


def _shown(line: health.Line) -> dict[str, Any]:
    return {
        "id": line.source.id,
        "kind": line.source.kind,
        "group": line.source.group,
        "speaker": line.source.speaker,
        "state": line.state,
        "last_run": line.run.started_at if line.run else None,
        "said": line.run.sentence if line.run else None,
        "next_due": line.next_due,
        "volume": line.volume.said,
        "failing": [f"{place.address}: {place.reason}" for place in line.places.some],
        "weeks": [Week(start=start, texts=texts) for start, texts in line.weeks],
    }


@router.get("/monitors/{monitor}/sources")
def list_sources(request: Request, monitor: str) -> list[SourceShown]:
    """Every source of a monitor, and how it does."""
    watched_by = monitor_of(request, monitor)
    with open_session(settings_of(request)) as session:
        return [SourceShown(**_shown(line)) for line in health.overview(session, watched_by, datetime.now(UTC))]


@router.get("/monitors/{monitor}/sources/{source}")
def show_source(request: Request, monitor: str, source: str) -> SourceDetail:
    """One source, step by step, from what is stored; nobody is asked."""
    watched_by = monitor_of(request, monitor)
    if all(one.id != source for one in watched_by.sources):
        raise HTTPException(404, "The monitor has no such source.")
    now = datetime.now(UTC)
    with open_session(settings_of(request)) as session:
        found = watched_by.source(source)
        known = health.facts(session, watched_by, found, now)
        explained = told(watched_by, found, known)
        return SourceDetail(
            **_shown(health.line(session, watched_by, found, now)),
            conclusion=explained.conclusion,
            steps=[StepShown(name=s.name, outcome=s.outcome, said=s.said, mend=s.mend) for s in explained.steps],
        )


@router.post("/monitors/{monitor}/propose-source")
def propose_source(request: Request, monitor: str, asked: Asked) -> ProposalShown:
    """Look for what can be collected at a public address: its feed, else its sitemap, else its list of links."""
    watched_by = monitor_of(request, monitor)
    try:
        found = looked_at(request, watched_by, asked.address, asked.group, asked.speaker)
    except ProposalError as error:
        raise HTTPException(422, str(error)) from None
    links = found.trial.links[:LINKS_SHOWN] if found.trial else []
    return ProposalShown(
        tried=found.tried,
        source_yaml=found.yaml,
        links=[LinkShown(address=link.address, title=link.title, date=link.date) for link in links],
        problems=found.trial.problems if found.trial else [],
    )
