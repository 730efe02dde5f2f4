"""A published figure of a dyad page with its provenance, looked up within bounds."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session
from starlette.exceptions import HTTPException

from pipeline.monitor import Dyad, Monitor
from pipeline.monitor.periods import span_of
from pipeline.review.asked import FIRST_DAY, LAST_DAY
from pipeline.store.withheld import withheld_among

if TYPE_CHECKING:
    from pipeline.measure.again.compare import Made
    from pipeline.measure.explain import Explanation


@dataclass(frozen=True)
class Explained:
    """A figure, where it comes from, and whether it came out again."""

    explanation: Explanation
    made: Made | None
    """null: too many texts to make it again within a request"""
    summary: list[str]
    """how it was made, in lines"""
    command: str
    """that tells all of it"""
    left_out: int
    """codings that are not listed, since a second coder, or whoever asks, still has their texts to code"""


def subject_of(dyad: Dyad, subject: str) -> tuple[str, ...]:
    """The gap, or one of the two groups; else 404."""
    if subject == "gap":
        return dyad.a, dyad.b
    if subject in (dyad.a, dyad.b):
        return (subject,)
    raise HTTPException(404, f"The dyad has no figure of this name; ask for gap, {dyad.a} or {dyad.b}.")


def explained(
    session: Session,
    monitor: Monitor,
    dyad: Dyad,
    period: str,
    subject: str,
    as_of: date | None,
    *,
    at: datetime | None = None,
    most: int,
    verified: int,
    reader: str | None,
) -> Explained:
    """Look a figure up. period: its label, such as 2024-Q1. subject: ``gap`` or one of the groups.

    as_of: as it stood at the end of this day (UTC). at: as it stood at this very moment; goes before ``as_of``.

    At most ``most`` texts and codings are read; what a second coder still has to code is left out, and so is what the
    ``reader`` (the coder who asks; None: nobody who codes) has to code or can still undo: the own codings too, since
    only random ones are listed, and which those are would tell an alarm's from the others. The figure is made again
    where it has at most ``verified`` texts.
    404 where nothing was published, 422 for what is no period.
    """
    from pipeline.measure.again import verify
    from pipeline.measure.explain import ExplainError, explain, in_words

    groups = subject_of(dyad, subject)
    try:
        span = span_of(period)
    except ValueError as error:
        raise HTTPException(422, f"{error}.") from None
    if at is not None and not FIRST_DAY < at.date() < LAST_DAY:
        raise HTTPException(422, f"A moment must lie from {FIRST_DAY} to {LAST_DAY}.")
    until = at or (datetime.combine(as_of, time.max, tzinfo=UTC) if as_of else None)
    try:
        found = explain(session, monitor.name, subject=groups, period=span.kind, day=span.start, as_of=until, most=most)
    except ExplainError as error:
        raise HTTPException(404, f"{str(error)[0].upper()}{str(error)[1:]}.") from None
    hidden: set[int] = set()
    if reader is not None:
        texts = [one.document_id for one in found.codings if one.document_id is not None]
        withheld = withheld_among(session, monitor.name, reader, texts)
        hidden = {one.id for one in found.codings if one.document_id in withheld}
    found = replace(found, codings=[one for one in found.codings if one.id not in hidden])
    made = verify(session, found.row, states=False) if found.text_count <= verified else None
    lines = in_words(found, None)
    summary = lines[: next((i for i, line in enumerate(lines) if line.startswith("texts (")), len(lines))]
    said = f" --as-of {until.isoformat()}" if until else ""
    command = f"riftwatch trends explain {'--'.join(groups)} {span.label}{said}"
    return Explained(found, made, summary, command, len(hidden) + found.pending)
