"""What the dyad page and its API say of smoothed gaps: rows in; periods, line and sentences out. For the eye. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import date

from pipeline.review import dyads
from pipeline.review.charts import Point, Series
from pipeline.review.words import interval, number
from pipeline.store.tables import GapCell, KeptSmoothed

IN_SHORT = (
    "Each corrected gap seen beside what the other periods and groups suggest, as bars and a line. It enters no state, "
    "alarm, confirmation or published figure: those use the corrected gap above alone."
)
HOW_TO_READ = (
    "A bar is a 95% interval of the corrected gap (the small mark). Its five per cent of error are split between its "
    "two ends as the neighbours suggest, so it holds the true gap in 95 of 100 draws whatever they say.",
    "The line moves from the corrected gap towards what the neighbours suggest, by at most .75 standard errors. It is "
    "smooth by construction, which is no evidence of calm.",
    "The newest period leans on the past alone, and changes when later ones are coded.",
)
_MAKES_IT = "the DAG `sheets` makes it after each measurement, by hand `riftwatch sheet A B --keep`."
NOT_MADE = f"Not made yet; {_MAKES_IT}"
OLD = f"The gap was measured anew since this was made; {_MAKES_IT}"


@dataclass(frozen=True)
class Smoothed:
    """A period of a view. Without value it is not smoothed, and ``why`` says so."""

    gap: GapCell
    """as it is measured now"""
    value: float | None = None
    low: float | None = None
    high: float | None = None
    why: str | None = None

    @property
    def label(self) -> str:
        """The period's name, such as 2024-Q1."""
        return dyads.label_of(self.gap)

    @property
    def corrected(self) -> float | None:
        """The corrected gap; null: it is not corrected."""
        return self.gap.gap if self.gap.estimator == "corrected" else None


def periods_of(kept: KeptSmoothed | None, gaps: Sequence[GapCell]) -> list[Smoothed]:
    """What is kept of the periods of a view, oldest first. gaps: its rows."""
    found = {date.fromisoformat(start): rest for start, *rest in kept.points} if kept else {}
    made = []
    for gap in gaps:
        value, low, high, why = found.get(gap.start, (None, None, None, gap.missing or "not there when this was made"))
        if gap.estimator != "corrected":
            low, why = None, why or gap.missing or "the gap is not corrected any more"
        made.append(Smoothed(gap, value, low, high) if low is not None else Smoothed(gap, why=why))
    return made


def series(
    name: str, periods: Sequence[Smoothed], leads: Callable[[GapCell], str], coded: Collection[date] = ()
) -> Series:
    """The smoothed gaps as a line that ends where a period is not smoothed. leads, coded: as of the gap's own line."""
    points = []
    for one in periods:
        ends = interval(one.low, one.high, all_coded=one.gap.start in coded)
        said = f"Smoothed gap, {one.label}: {number(one.value)} ({ends}); corrected gap {number(one.corrected)}"
        points.append(
            Point(
                start=one.gap.start,
                end=one.gap.end,
                label=one.label,
                value=one.value,
                low=one.low,
                high=one.high,
                corrected=one.value is not None,
                missing=f"not smoothed: {one.why}",
                said=said if one.value is not None else f"Corrected gap, {one.label}: {number(one.corrected)}",
                href=leads(one.gap),
                beside=one.corrected,
            )
        )
    return Series("gap", name, points, smoothed=True)


def why_none(kept: KeptSmoothed | None, periods: Sequence[Smoothed]) -> str | None:
    """Why no period of the view is smoothed, and what to do; None: some are."""
    if kept is None:
        return NOT_MADE
    if any(one.value is not None for one in periods):
        return None
    return (
        f"No {kept.period} in this view is smoothed: that takes a corrected gap, and two other corrected "
        f"{kept.period}s of each group. Code random texts of more {kept.period}s; `riftwatch label plan` says how many."
    )
