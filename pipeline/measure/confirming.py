"""What coders have said so far of an alarm: its four samples out of the store, and the change they speak for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
from sqlalchemy.orm import Session

from pipeline.measure.balance import Borrowed, balance
from pipeline.measure.confirmation import ConfirmationError, Side, confirm
from pipeline.measure.gap import gap
from pipeline.measure.state import Confirmed
from pipeline.store.alarms import (
    ConfirmingCoding,
    StretchTexts,
    confirming_codings,
    drawn_of,
    side_name,
    stretch_texts,
    unclear_texts,
)
from pipeline.store.cells import VARIABLE
from pipeline.store.tables import RaisedAlarm


def coded_balances(codings: Sequence[ConfirmingCoding], balances: Mapping[str, float]) -> dict[int, float]:
    """Cluster -> the balance its coders gave it: their mean, of a coder the newest; a settling coding alone.

    ``balances``: value -> balance, from the codebook. A value it does not know counts nowhere.
    """
    values: dict[int, dict[str, float]] = {}
    settled: dict[int, float] = {}
    for one in sorted(codings, key=lambda coding: coding.coded_at):
        if one.value in balances:
            values.setdefault(one.cluster, {})[one.coder] = balances[one.value]
            if one.settles:
                settled[one.cluster] = balances[one.value]
    return {cluster: float(np.mean(list(each.values()))) for cluster, each in values.items()} | settled


def _side(texts: StretchTexts, coded: Mapping[int, float], unclear: Collection[int]) -> Side:
    """The texts of a side and what was said of them; those nobody could decide are none of the population."""
    clear = np.array([cluster not in unclear for cluster in texts.clusters.tolist()], dtype=bool)
    said = np.array([coded.get(cluster, np.nan) for cluster in texts.clusters.tolist()], dtype=float)
    return Side(texts.f[clear], said[clear])


def confirmed_so_far(
    session: Session, alarm: RaisedAlarm, model_id: int, balances: Mapping[str, float]
) -> tuple[Confirmed | None, str | None]:
    """What the codings say of an alarm by now, or why they say nothing yet."""
    if alarm.queue_id is None or alarm.planned is None:
        return None, "no texts are drawn for its confirmation yet"
    codings = confirming_codings(session, alarm.monitor, alarm.queue_id, VARIABLE)
    unclear = unclear_texts(session, alarm.queue_id) - {one.cluster for one in codings}
    drawn_at = drawn_of(session, alarm.queue_id)
    sides = []
    coded = 0
    stretches = (("present", alarm.since, alarm.end), ("reference", alarm.reference_start, alarm.reference_end))
    for name, start, end in stretches:
        for group in (alarm.a, alarm.b):
            texts = stretch_texts(session, alarm.monitor, group, start, end, model_id=model_id, collected_by=drawn_at)
            # a text that has come to stand elsewhere since was not drawn from there
            drawn = side_name(alarm.id, group, name)
            said = coded_balances([one for one in codings if one.side == drawn], balances)
            coded += len(said)
            sides.append(_side(texts, said, unclear))
    lent = Borrowed(**alarm.borrowed)
    try:
        p_a, p_b, r_a, r_b = sides
        found = confirm(p_a, p_b, r_a, r_b, lent, planned=alarm.planned)
    except ConfirmationError as error:
        return None, f"{coded} of {alarm.planned} texts of its confirmation are coded: {error}"
    of = [balance(side.f, side.y, lent) for side in sides]
    return Confirmed(found.change, found.low, found.high, gap(of[2], of[3]), gap(of[0], of[1])), None
