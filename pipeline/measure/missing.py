"""Why a cell has no balance, in words, and what a reader has to know of one that has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from pipeline.monitor import Outage, Source
from pipeline.monitor.periods import Span

IMPORTED = ("table", "warc")
"""Kinds of source that are read once: nothing is known of the time after their last text."""


@dataclass(frozen=True)
class Coverage:
    """Of which time something is known of a group."""

    sources: Sequence[Source]
    """in which the group itself speaks"""
    first: date | None
    """day of the group's first text"""
    known_until: Mapping[str, date]
    """source -> last day it was collected with success; of an import, the day of its last text"""

    @property
    def last(self) -> date | None:
        """Last day any source was collected."""
        return max((self.known_until[s.id] for s in self.sources if s.id in self.known_until), default=None)


def _outages(span: Span, sources: Sequence[Source]) -> list[tuple[str, Outage]]:
    return [(s.id, o) for s in sources for o in s.outages if o.start < span.end and o.end >= span.start]


def why_empty(span: Span, coverage: Coverage) -> str:
    """Why a group has no text in a period: ``outage: ...``, ``not collected: ...`` or ``silent``.

    A declared outage of any of its sources that touches the period comes first: what that source would have
    carried is unknown. Silent is said only of a time in which the group's sources were collected.
    """
    if outages := _outages(span, coverage.sources):
        return "outage: " + "; ".join(dict.fromkeys(outage.reason for _, outage in outages))
    reason = _why_not_collected(span, coverage)
    if reason is None and all(source.kind == "warc" for source in coverage.sources):
        # an archive holds what somebody captured, so a hole in it is no silence
        reason = "its web archive files hold no text of this period"
    return f"not collected: {reason}" if reason else "silent"


def _why_not_collected(span: Span, coverage: Coverage) -> str | None:
    reason = None
    if not coverage.sources:
        reason = "no source in which the group itself speaks"
    elif coverage.last is None:
        reason = "no run of its sources has succeeded"
    elif coverage.first is None:
        reason = "no text of the group was ever collected"
    elif span.end <= coverage.first:
        reason = f"before its first text ({coverage.first})"
    elif span.start > coverage.last:
        reason = f"its sources were last read up to {coverage.last}"
    return reason


def flags(span: Span, coverage: Coverage, today: date) -> list[str]:
    """What limits any number of this period: not finished, outages, collecting that stopped inside it."""
    made = []
    if span.end > today:
        made.append("period not finished")
    together: dict[tuple[date, date], list[str]] = {}
    for name, outage in _outages(span, coverage.sources):
        together.setdefault((outage.start, outage.end), []).append(name)
    made += [f"outage of {', '.join(names)} from {start} to {end}" for (start, end), names in together.items()]
    day_before = min(span.end, today) - timedelta(days=1)
    fetched = [s for s in coverage.sources if s.kind not in IMPORTED]
    for source in fetched:
        until = coverage.known_until.get(source.id)
        if until is None:
            made.append(f"{source.id} was never collected")
        elif span.start <= until < day_before:
            made.append(f"{source.id} was last collected on {until}")
        elif until < span.start:
            made.append(f"{source.id} was not collected after {until}")
    return made
