"""Settling a disagreement: a third coding that counts in place of the others, which stay."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from classifiers.codebook import codebook_of
from pipeline.framing.agreement import newest_by_coder
from pipeline.framing.codings.fields import Checker, Defaults, address_of, check_target
from pipeline.monitor import Monitor
from pipeline.store.codings import CodedText, coded_texts, keep_codings, unit_at


class SettleError(ValueError):
    """There is nothing to settle there, or not so; says why."""


@dataclass(frozen=True)
class Settled:
    """What was settled."""

    address: str
    value: str
    draw: str
    values: dict[str, str]
    """coder -> value, of those who disagree"""


def _disputed(codings: Sequence[CodedText], address: str, coder: str) -> dict[str, CodedText]:
    """The newest coding of each coder who disagrees. Raises SettleError in words."""
    by_coder = newest_by_coder(codings)
    if not by_coder:
        raise SettleError(f"nobody has coded {address}: there is nothing to settle")
    if len(by_coder) == 1:
        raise SettleError(f"{address} was coded by {next(iter(by_coder))} alone: a second coder has to disagree first")
    values = {one.value for one in by_coder.values()}
    if len(values) == 1:
        raise SettleError(f"the coders of {address} agree on {values.pop()}: there is nothing to settle")
    if coder in by_coder:
        raise SettleError(
            f"{coder} is one of those who disagree on {address}, and a coder's first coding stays; "
            "settle it as somebody else, or together under a name of its own"
        )
    return by_coder


def settle(
    session: Session,
    monitor: Monitor,
    address: str,
    value: str,
    *,
    coder: str,
    variable: str,
    target: str = "",
    note: str | None = None,
) -> Settled:
    """Write the coding that settles what coders say of a text. Settling again corrects it. Does not commit.

    It is drawn as those it settles were (the random one, where there is one), so that it corrects figures in their
    place. Raises CodebookError for an unknown variable, and SettleError for all else, in words.
    """
    book = codebook_of(variable)
    groups = [group.id for group in monitor.groups]
    try:
        address = address_of(address)
        check_target(book, target, groups)
    except ValueError as error:
        raise SettleError(str(error)) from None
    unit = unit_at(session, monitor.name, address)
    codings = [one for one in coded_texts(session, monitor.name, variable, units={unit}) if one.target == target]
    by_coder = _disputed(codings, address, coder.strip())
    # the oldest random coding: others of the same draw have the same probability
    drawn = min(by_coder.values(), key=lambda one: (one.draw != "random", one.draw != "alarm", one.coded_at))
    row = {
        "address": drawn.address,
        "variable": variable,
        "target": target,
        "value": value,
        "coder": coder,
        "draw": drawn.draw,
        "probability": drawn.probability,
        "drawn_at": drawn.drawn_at.isoformat(),
        "note": note,
        "settles": True,
    }
    try:
        coding = Checker(groups, Defaults()).coding(row)
    except ValueError as error:
        raise SettleError(str(error)) from None
    keep_codings(session, monitor.name, [coding | {"coded_at": datetime.now(UTC)}])
    return Settled(drawn.address, coding["value"], drawn.draw, {who: one.value for who, one in by_coder.items()})
