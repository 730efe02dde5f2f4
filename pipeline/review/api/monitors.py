"""What is watched."""

from __future__ import annotations

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from pipeline.monitor import Monitor
from pipeline.review.asked import monitor_of, periods_of, settings_of
from pipeline.review.monitors import watched

router = APIRouter(prefix="/api/v1", tags=["monitors"])


class GroupShown(BaseModel):
    """A group that is watched."""

    id: str
    name: str


class DyadShown(BaseModel):
    """An ordered pair of groups: the gap is the balance of ``a`` less the balance of ``b``."""

    a: str
    b: str


class MonitorShown(BaseModel):
    """One monitor."""

    name: str
    title: str
    groups: list[GroupShown]
    dyads: list[DyadShown]
    periods: list[str] = Field(description="period kinds its tables have, short to long")
    audit_period: str = Field(description="the period that random codings correct")


def _shown(monitor: Monitor) -> MonitorShown:
    return MonitorShown(
        name=monitor.name,
        title=monitor.title,
        groups=[GroupShown(id=g.id, name=g.name) for g in monitor.groups],
        dyads=[DyadShown(a=d.a, b=d.b) for d in monitor.dyads],
        periods=list(periods_of(monitor)),
        audit_period=monitor.audit_period,
    )


@router.get("/monitors")
def monitors(request: Request) -> list[MonitorShown]:
    """Every monitor whose file can be used."""
    return [_shown(one) for one in watched(settings_of(request)).monitors]


@router.get("/monitors/{monitor}")
def monitor(request: Request, monitor: str) -> MonitorShown:
    """One monitor."""
    return _shown(monitor_of(request, monitor))
