"""What the dyad page says of directed criticism: how much of each group's texts is hostile to the other. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from pipeline.review.charts import Point, Series, Side
from pipeline.review.dyads import label_of
from pipeline.store.directed import DirectedCell

WITH_INTERVAL = ("corrected", "counted")
"""Estimators of which the interval is known: random codings, or nobody named the other."""


def percent(value: float) -> str:
    """A share as a percentage, one place."""
    return f"{100 * value:.1f}%"


def said_of(row: DirectedCell, a: str, b: str) -> str:
    """One cell in words: of ``a``'s texts, those hostile to ``b``."""
    of = f"{row.named} of {row.clusters} texts name {b}, {row.coded} of them coded"
    if row.rate is None:
        return f"{a} of {b}, {label_of(row)}: no figure ({row.why or 'no text'}); {of}"
    bounds = "uncorrected"
    if row.low is not None and row.high is not None:
        bounds = f"{percent(row.low)} to {percent(row.high)}"
    elif row.estimator in WITH_INTERVAL:
        bounds = f"no interval: {row.why}"
    return f"{a} of {b}, {label_of(row)}: hostile {percent(row.rate)} ({bounds}); {of}"


def _naming_query(row: DirectedCell) -> str:
    """What the page of texts is asked for to show the texts of a cell that name the other group."""
    days = {"start": row.start.isoformat(), "end": row.end.isoformat()}
    return urlencode({"group": row.a, "speaker": "own", **days, "counting": "1", "names": row.b})


def series(side: Side, a: str, b: str, rows: Sequence[DirectedCell], up: str) -> Series:
    """The share of ``a``'s texts that are hostile to ``b`` as a line."""
    return Series(
        side,
        f"{a} of {b}",
        [
            Point(
                start=row.start,
                end=row.end,
                label=label_of(row),
                value=row.rate,
                low=row.low if row.estimator in WITH_INTERVAL else None,
                high=row.high if row.estimator in WITH_INTERVAL else None,
                corrected=row.estimator in WITH_INTERVAL and row.low is not None,
                missing=row.why or "no text",
                said=said_of(row, a, b),
                href=f"{up}texts?{_naming_query(row)}" if row.named else None,
            )
            for row in rows
        ],
        short=a,
    )


def what_is_known(ways: Sequence[tuple[str, str, Sequence[DirectedCell]]], *, bounded: bool = False) -> str:
    """One sentence on how much is coded, so that a line without codings is not read as a finding.

    bounded: the view shows only the periods between some days.
    """
    rows = [row for _, _, own in ways for row in own]
    if not rows and bounded:
        return "No directed figure lies in the days of this view; widen them to see others."
    if not rows:
        return "No directed figures are stored yet: run `riftwatch measure`, or wait for the DAG measure."
    if not any(row.coded for row in rows):
        return (
            "No criticism has been coded at random, so no share has an interval and no rise can be tested: "
            "`riftwatch label queue --variable criticism` draws texts that name a group."
        )
    counted = "; ".join(
        f"{a} of {b}: {sum(row.coded for row in own)} of {sum(row.audited for row in own)} texts that name it coded"
        for a, b, own in ways
    )
    return f"Random codings in the periods shown: {counted}."


LIMITS = (
    "Only texts that name the other group by one of its names are looked at; blame without a name is out of scope.",
    "A share counts hostile texts among all texts of the group. Naming somebody is no criticism.",
)
