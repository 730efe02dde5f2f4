"""What coders have said so far of an alarm: its four samples out of the store, and the change they speak for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

import numpy as np
from sqlalchemy.orm import Session

from pipeline.measure.balance import Borrowed, balance
from pipeline.measure.confirmation import ConfirmationError, Side, confirm
from pipeline.measure.gap import gap
from pipeline.measure.state import PASSED_OVER, Confirmed
from pipeline.store.alarms import (
    ConfirmingCoding,
    SideTexts,
    confirming_codings,
    side_name,
    side_texts,
    unclear_texts,
)
from pipeline.store.answered import answered_out_of_order
from pipeline.store.cells import VARIABLE
from pipeline.store.tables import RaisedAlarm


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
    """The texts of a side and what was said of them; those nobody could decide are none of the population."""
    documents = texts.documents.tolist()
    clear = np.array([document not in unclear for document in documents], dtype=bool)
    said = np.array([coded.get(document, np.nan) for document in documents], dtype=float)
    return Side(texts.f[clear], said[clear])


def confirmed_by(sides: Sequence[Side], lent: Borrowed, *, planned: int) -> Confirmed:
    """What the codings of the four sides say: A and B in the alarm's stretch, A and B in the reference.

    lent, planned: as they were when the sample was drawn. Raises ConfirmationError, in words, where they say nothing.
    """
    p_a, p_b, r_a, r_b = sides
    found = confirm(p_a, p_b, r_a, r_b, lent, planned=planned)
    of = [balance(side.f, side.y, lent) for side in sides]
    return Confirmed(found.change, found.low, found.high, gap(of[2], of[3]), gap(of[0], of[1]))


def confirmed_so_far(
    session: Session, alarm: RaisedAlarm, model_id: int, balances: Mapping[str, float]
) -> tuple[Confirmed | None, str | None]:
    """What the codings say of an alarm by now, or why they say nothing yet.

    The texts are those that the sample was drawn from: what was dated anew, merged or collected since changes nothing.
    Of each side only what was answered before the first text that was passed over counts.
    """
    if alarm.queue_id is None or alarm.planned is None:
        return None, "no texts are drawn for its confirmation yet"
    aside = set(answered_out_of_order(session, alarm.queue_id).values())
    all_codings = confirming_codings(session, alarm.monitor, alarm.queue_id, VARIABLE)
    codings = [one for one in all_codings if one.document not in aside]
    unclear = unclear_texts(session, alarm.queue_id) - {one.document for one in all_codings} - aside
    sides = []
    coded = 0
    for stretch in ("present", "reference"):
        for group in (alarm.a, alarm.b):
            name = side_name(alarm.id, group, stretch)
            texts = side_texts(session, alarm.queue_id, name, model_id)
            if texts is None:
                return None, (
                    "an earlier version drew its texts and did not keep what it drew them from; close queue "
                    f"{alarm.queue_id} and draw anew (`riftwatch alarm draw --alarm {alarm.id}`)"
                )
            said = coded_balances([one for one in codings if one.side == name], balances)
            coded += len(said)
            sides.append(_side(texts, said, unclear))
    lent = Borrowed(**alarm.borrowed)
    try:
        return replace(confirmed_by(sides, lent, planned=alarm.planned), passed_over=bool(aside)), None
    except ConfirmationError as error:
        left_out = f" ({PASSED_OVER})" if aside else ""
        return None, f"{coded} of {alarm.planned} texts of its confirmation are coded{left_out}: {error}"
