"""Which view of a dyad is asked for, and the address that restores it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Annotated, Any, Literal
from urllib.parse import urlencode

from fastapi import Query
from pydantic import AwareDatetime, BeforeValidator
from starlette.exceptions import HTTPException

from pipeline.monitor import Monitor, Period
from pipeline.review.asked import FIRST_DAY, LAST_DAY, periods_of
from pipeline.store.dyads import Stretch

SeriesName = Literal["current", "vintage"]
SourcesName = Literal["all", "panel"]
MOST_PERIODS = 600
"""Periods of one kind in one view: more than eleven years of weeks."""

AskedPeriod = Annotated[Period | None, Query(description="week, month, quarter or year; else the audit period")]
AskedSeries = Annotated[
    SeriesName,
    Query(description="current: as measured now. vintage: as it was published, append-only"),
]
AskedSources = Annotated[
    SourcesName, Query(description="all sources, or the fixed panel of those that are always there")
]
# a form sends a day that was left empty as ""
AskedDay = Annotated[date | None, BeforeValidator(lambda value: value or None), Query()]
TypedDay = Annotated[str, Query(max_length=40)]
"""As it was typed: a page gives it back where it can't be read."""
AskedSmoothed = Annotated[bool, Query(description="whether the smoothed gaps of the audit period are shown as well")]
AskedMoment = Annotated[
    AwareDatetime | None, Query(description="the very moment the figure was published; goes before as_of")
]


@dataclass(frozen=True)
class View:
    """One view of a dyad."""

    kind: Period
    audit: Period
    """the period that random codings correct"""
    series: SeriesName = "current"
    as_of: date | None = None
    """of the vintage series: as it stood at the end of this day; null: each figure as it was published first"""
    sources: SourcesName = "all"
    since: date | None = None
    until: date | None = None
    smoothed: bool = False
    """the smoothed gaps are shown as well; of the current series of all sources in the audit period alone"""

    @property
    def smoothable(self) -> bool:
        """Its gaps have smoothed ones beside them."""
        return (self.kind, self.series, self.sources) == (self.audit, "current", "all")

    @property
    def stretch(self) -> Stretch:
        """The periods it shows."""
        return Stretch(self.kind, self.since, self.until, MOST_PERIODS)

    @property
    def bounded(self) -> bool:
        """It shows only periods between some days."""
        return self.since is not None or self.until is not None

    @property
    def opens(self) -> str:
        """What a link to a figure's texts leads to where they need not be those it was made of; else empty."""
        usual = (self.series, self.sources) == ("current", "all")
        return "" if usual else "today's texts of all sources"

    def values(self, **changes: Any) -> dict[str, str]:
        """The view (changed) as the values of an address; what is usual is left out."""
        one = replace(self, **changes)
        one = replace(one, as_of=None) if one.series == "current" else replace(one, sources="all")
        said: dict[str, str] = {"period": one.kind}
        if one.series != "current":
            said["series"] = one.series
        if one.sources != "all":
            said["sources"] = one.sources
        for name in ("as_of", "since", "until"):
            if (day := getattr(one, name)) is not None:
                said[name] = day.isoformat()
        if one.smoothed and one.smoothable:
            said["smoothed"] = "true"
        return said

    def query(self, **changes: Any) -> str:
        """The same as what follows the question mark."""
        return urlencode(self.values(**changes))


def view_of(
    monitor: Monitor,
    *,
    period: Period | None = None,
    series: SeriesName = "current",
    sources: SourcesName = "all",
    as_of: date | None = None,
    since: date | None = None,
    until: date | None = None,
    smoothed: bool = False,
) -> View:
    """The view that an address asks for; 404 for a period that is not measured, 422 for what does not go together."""
    kind = period or monitor.audit_period
    if kind not in periods_of(monitor):
        raise HTTPException(404, f"The monitor measures no {kind}s; choose one of {', '.join(periods_of(monitor))}.")
    for day in (as_of, since, until):
        if day is not None and not FIRST_DAY <= day <= LAST_DAY:
            raise HTTPException(422, f"A day must lie from {FIRST_DAY} to {LAST_DAY}.")
    if since is not None and until is not None and until < since:
        raise HTTPException(422, f"The view ends ({until}) before it begins ({since}); change one of the two days.")
    if series == "vintage" and sources == "panel":
        raise HTTPException(
            422, "No figure of the fixed panel is published; choose the current series, or all sources."
        )
    if series == "current" and as_of is not None:
        raise HTTPException(422, "Only the vintage series has a day as of which it stands; choose series=vintage.")
    view = View(kind, monitor.audit_period, series, as_of, sources, since, until, smoothed)
    if smoothed and not view.smoothable:
        raise HTTPException(
            422,
            f"Only {view.audit}s of the current series are smoothed, of all sources; choose these, or leave it out.",
        )
    return view
