"""What an address asks for, looked up: monitor, group, dyad, period; or an answer in words that it is not there."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import Query, Request, Response
from starlette.exceptions import HTTPException

from pipeline.monitor import PERIODS, Dyad, Monitor, Period
from pipeline.review.monitors import watched
from pipeline.settings import Settings

MOST_A_PAGE = 200
FIRST_DAY, LAST_DAY = date(1000, 1, 1), date(9998, 12, 31)
"""Days a page may be asked for; a period that holds the calendar's last day has no end."""

PageNumber = Annotated[int, Query(alias="page", ge=1, le=1_000_000)]
Limit = Annotated[int, Query(ge=1)]


def refuse_nul(request: Request) -> None:
    """422 for an address with the character NUL, which PostgreSQL takes in no text. Stands on the application."""
    if "\x00" in request.scope["path"] or b"%00" in request.scope["query_string"]:
        raise HTTPException(422, "This address holds a character that no text has (NUL, %00); leave it out.")


def settings_of(request: Request) -> Settings:
    """The settings the application was made with."""
    settings: Settings = request.app.state.settings
    return settings


def monitor_of(request: Request, name: str) -> Monitor:
    """The monitor of this name; else 404."""
    if found := watched(settings_of(request)).named(name):
        return found
    raise HTTPException(404, "No monitor of this name is watched. Its file may have been renamed or have an error.")


def group_of(monitor: Monitor, group: str) -> str:
    """The group's identifier; 404 where the monitor has no such group."""
    if all(g.id != group for g in monitor.groups):
        raise HTTPException(404, "The monitor has no such group.")
    return group


def dyad_of(monitor: Monitor, a: str, b: str) -> Dyad:
    """The dyad (a, b) in this order; else 404."""
    for dyad in monitor.dyads:
        if (dyad.a, dyad.b) == (a, b):
            return dyad
    raise HTTPException(404, "The monitor has no such dyad. Add it under dyads in the monitor's file.")


def names_of(monitor: Monitor) -> dict[str, str]:
    """Group's identifier -> its name."""
    return {g.id: g.name for g in monitor.groups}


def periods_of(monitor: Monitor) -> list[Period]:
    """The period kinds a monitor's tables have, short to long."""
    return [kind for kind in PERIODS if kind in monitor.periods or kind == monitor.audit_period]


def day_of(typed: str) -> date | None:
    """A day as it was typed; None for none. 422 in words where it is no day, or none that a calendar of ours holds."""
    if not typed:
        return None
    try:
        day = date.fromisoformat(typed)
    except ValueError:
        raise HTTPException(422, f"The day {typed[:20]!r} can't be read; write it as YYYY-MM-DD.") from None
    if not FIRST_DAY <= day <= LAST_DAY:
        raise HTTPException(422, f"A day must lie from {FIRST_DAY} to {LAST_DAY}.")
    return day


def download(body: str | bytes, media_type: str, name: str) -> Response:
    """A file to be saved. ``name`` is made of identifiers, which hold letters, digits, - and _ only."""
    return Response(body, media_type=media_type, headers={"Content-Disposition": f'attachment; filename="{name}"'})
