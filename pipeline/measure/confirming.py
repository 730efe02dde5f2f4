"""What coders have said so far of an alarm: its four samples out of the store, and the change they speak for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from pipeline.measure.balance import Balance, Borrowed, balance, t_interval
from pipeline.measure.confirmation import ConfirmationError, Side, confirm
from pipeline.measure.gap import gap
from pipeline.measure.state import PASSED_OVER, Confirmed
from pipeline.store.alarms import (
    ConfirmingCoding,
    SideTexts,
    codings_again,
    confirming_codings,
    sampled_texts,
    side_name,
    side_texts,
    unclear_texts,
)
from pipeline.store.answered import answered_out_of_order
from pipeline.store.cells import VARIABLE
from pipeline.store.tables import RaisedAlarm


@dataclass(frozen=True)
class Answer:
    """What the coders of an alarm say by now, and of what that was made."""

    confirmed: Confirmed | None
    why: str | None = None
    """why they say nothing yet"""
    documents: tuple[int, ...] = ()
    """texts of the four sides; none where they say nothing"""
    codings: tuple[int, ...] = ()
    """ids of the codings that count"""
    unclear: tuple[int, ...] = ()
    """documents that no coder could decide"""


def coded_balances(codings: Sequence[ConfirmingCoding], balances: Mapping[str, float]) -> dict[int, float]:
    """Document -> the balance its coders gave it: their mean, of a coder the newest; a settling coding alone.

    ``balances``: value -> balance, from the codebook. A value it does not know counts nowhere.
    """
    values: dict[int, dict[str, float]] = {}
    settled: dict[int, float] = {}
    for one in sorted(codings, key=lambda coding: coding.coded_at):
        if one.value in balances:
            values.setdefault(one.document, {})[one.coder] = balances[one.value]
            if one.settles:
                settled[one.document] = balances[one.value]
    return {text: float(np.mean(list(each.values()))) for text, each in values.items()} | settled


def _side(texts: SideTexts, coded: Mapping[int, float], unclear: Collection[int]) -> Side:
    """The texts of a side and what was said of them."""
    documents = texts.documents.tolist()
    said = np.array([coded.get(document, np.nan) for document in documents], dtype=float)
    undecided = np.array([document in unclear for document in documents], dtype=bool)
    return Side(texts.f, said, unclear=undecided)


def side_balance(side: Side, lent: Borrowed) -> Balance:
    """The balance of a side and its t interval.

    Where some of n answered texts are unclear, the n' decided ones outweigh what is borrowed, and that is what is
    expected of answers: S2 = (n' Var(e) + 10 s2)/(n' + 9), V = (1 - n/N) S2/n, t with n' + 9.
    """
    y, expected = side.answers(), side.expected(lent.s2, lent.lam)
    made = balance(side.f, y, replace(lent, s2=expected))
    if made.interval is None or side.stretch() == 1:
        return made
    e = (y - lent.lam * side.f)[~np.isnan(y)]
    decided = int((~np.isnan(side.y)).sum())
    freedom = decided - 1 + lent.freedom
    s2 = (decided * float(e.var()) + lent.freedom * expected) / freedom
    variance = (1 - len(e) / len(y)) * s2 / len(e)
    return replace(made, interval=t_interval(made.value, variance, freedom, lent.freedom))


def confirmed_by(sides: Sequence[Side], lent: Borrowed, *, planned: int) -> Confirmed:
    """What the codings of the four sides say: A and B in the alarm's stretch, A and B in the reference.

    lent, planned: as they were when the sample was drawn. Raises ConfirmationError, in words, where they say nothing.
    """
    p_a, p_b, r_a, r_b = sides
    found = confirm(p_a, p_b, r_a, r_b, lent, planned=planned)
    of = [side_balance(side, lent) for side in sides]
    return Confirmed(found.change, found.low, found.high, gap(of[2], of[3]), gap(of[0], of[1]))


@dataclass(frozen=True)
class Drawn:
    """Which texts were drawn for an alarm, and what was fixed then."""

    alarm: int
    a: str
    b: str
    queue: int
    planned: int
    borrowed: Mapping[str, Any]
    """what the audit cells lent then"""


def _sides(
    session: Session,
    drawn: Drawn,
    model_id: int,
    codings: Sequence[ConfirmingCoding],
    unclear: Collection[int],
    balances: Mapping[str, float],
    only: Collection[int] | None = None,
) -> tuple[list[Side], list[int], int] | None:
    """The four sides, their documents, and how many texts are coded; None where nobody kept what was drawn from.

    only: documents that count; None: all that were drawn from.
    """
    sides: list[Side] = []
    documents: list[int] = []
    coded = 0
    for stretch in ("present", "reference"):
        for group in (drawn.a, drawn.b):
            name = side_name(drawn.alarm, group, stretch)
            texts = side_texts(session, drawn.queue, name, model_id)
            if texts is None:
                return None
            if only is not None:
                chosen = np.isin(texts.documents, list(only))
                texts = SideTexts(texts.documents[chosen], texts.f[chosen])
            documents += texts.documents.tolist()
            said = coded_balances([one for one in codings if one.side == name], balances)
            coded += len(said)
            sides.append(_side(texts, said, unclear))
    return sides, documents, coded


def drawn_of(alarm: RaisedAlarm) -> Drawn | None:
    """Which texts are drawn for an alarm now; None: none are."""
    if alarm.queue_id is None or alarm.planned is None:
        return None
    return Drawn(alarm.id, alarm.a, alarm.b, alarm.queue_id, alarm.planned, alarm.borrowed)


def confirmed_so_far(session: Session, alarm: RaisedAlarm, model_id: int, balances: Mapping[str, float]) -> Answer:
    """What the codings say of an alarm by now, or why they say nothing yet.

    The texts are those that the sample was drawn from: what was dated anew, merged or collected since changes nothing.
    Of each side only what was answered before the first text that was passed over counts.
    """
    drawn = drawn_of(alarm)
    if drawn is None:
        return Answer(None, "no texts are drawn for its confirmation yet")
    aside = set(answered_out_of_order(session, drawn.queue).values())
    all_codings = confirming_codings(session, alarm.monitor, drawn.queue, VARIABLE)
    codings = [one for one in all_codings if one.document not in aside]
    unclear = unclear_texts(session, drawn.queue) - {one.document for one in all_codings} - aside
    found = _sides(session, drawn, model_id, codings, unclear, balances)
    if found is None:
        return Answer(
            None,
            "an earlier version drew its texts and did not keep what it drew them from; close queue "
            f"{drawn.queue} and draw anew (`riftwatch alarm draw --alarm {alarm.id}`)",
        )
    sides, documents, coded = found
    try:
        confirmed = confirmed_by(sides, Borrowed(**drawn.borrowed), planned=drawn.planned)
    except ConfirmationError as error:
        left_out = f" ({PASSED_OVER})" if aside else ""
        return Answer(None, f"{coded} of {drawn.planned} texts of its confirmation are coded{left_out}: {error}")
    return Answer(
        replace(confirmed, passed_over=bool(aside)),
        documents=tuple(documents),
        codings=tuple(one.id for one in codings),
        unclear=tuple(sorted(unclear)),
    )


def confirmed_again(
    session: Session,
    monitor: str,
    drawn: Drawn,
    model_id: int,
    documents: Collection[int],
    codings: Collection[int],
    unclear: Collection[int],
    balances: Mapping[str, float],
) -> Confirmed:
    """What these codings said of an alarm, made again from the texts it was drawn from that are still there.

    documents: that were framed then. codings: ids. unclear: documents. Raises ConfirmationError where what is left says
    nothing.
    """
    by_id, sampled = codings_again(session, monitor, codings), sampled_texts(session, drawn.queue)
    there: list[ConfirmingCoding] = []
    for stretch in ("present", "reference"):
        for group in (drawn.a, drawn.b):
            name = side_name(drawn.alarm, group, stretch)
            texts = side_texts(session, drawn.queue, name, model_id)
            within = set() if texts is None else set(texts.documents.tolist())
            for at, one in by_id:
                # where two sources have the text at one address, of the one that was drawn
                chosen = (at & within & sampled) or {min(at & within, default=0)} - {0}
                there += [replace(one, document=document, side=name) for document in sorted(chosen)]
    found = _sides(session, drawn, model_id, there, unclear, balances, documents)
    if found is None:
        raise ConfirmationError(f"what queue {drawn.queue} was drawn from is not kept")
    return confirmed_by(found[0], Borrowed(**drawn.borrowed), planned=drawn.planned)
