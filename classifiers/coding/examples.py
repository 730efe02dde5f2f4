"""From codings to what a model learns from and is judged by: who counts, and how much.

1. A machine's labels count nowhere.
2. One text counts once: k codings of it (of one cluster, or the same but for spelling, and towards the same group)
   count 1/k each, whether they agree or not. Where one of them settles a disagreement, it counts alone.
3. Random codings evaluate and never train, nor does any text of their units.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from classifiers.coding.coding_table import CodingRow
from classifiers.coding.splits import Ints, text_key, units
from classifiers.heads import Floats

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Examples:
    """Codings that count, with the weight of each and the unit (cluster) it belongs to."""

    rows: list[CodingRow]
    weights: Floats
    """shape (n,)"""
    units: Ints
    """shape (n,): rows of one number are one text, and are drawn together in a bootstrap"""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def values(self) -> list[str]:
        return [row.value for row in self.rows]

    @property
    def texts(self) -> list[tuple[str, str, str]]:
        """(before, text, after) of each row."""
        return [row.row for row in self.rows]

    def take(self, indices: Any) -> Examples:
        """Some of them, by index or mask of shape (n,)."""
        chosen = np.arange(len(self.rows))[indices]
        return Examples([self.rows[i] for i in chosen], self.weights[chosen], self.units[chosen])


@dataclass(frozen=True)
class Sorted:
    """Codings by what they are for."""

    training: Examples
    audit: Examples
    unseen: Bools
    """shape (audit,): no coding of another draw is of the text. From one that there is, an earlier model may have
    learnt: only on the unseen can it be compared with a later one"""
    left_out: dict[str, int]
    """why -> how many codings count nowhere"""
    contradictions: dict[str, int]
    """texts coded with two values or more: how many, how many of them settled"""


def _weigh(rows: Sequence[CodingRow]) -> tuple[list[CodingRow], list[float], dict[str, int]]:
    of_text: dict[tuple[str, str], list[CodingRow]] = defaultdict(list)
    for row in rows:
        of_text[row.cluster or text_key(row.text), row.target].append(row)
    kept: list[CodingRow] = []
    weights: list[float] = []
    contradictory = settled = 0
    for same in of_text.values():
        settling = [row for row in same if row.settles]
        if len({row.value for row in same}) > 1:
            contradictory += 1
            settled += bool(settling)
        counting = settling or same
        kept += counting
        weights += [row.weight / len(counting) for row in counting]
    return kept, weights, {"texts": contradictory, "settled": settled}


def sort_codings(rows: Sequence[CodingRow]) -> Sorted:
    """Training and audit codings out of all; a unit with a random coding is in the audit alone.

    What was drawn for an alarm says whether a gap has changed: it neither trains nor evaluates, nor do its
    copies.
    """
    human = [row for row in rows if row.origin != "machine"]
    with_text = [row for row in human if row.text.strip()]
    kept, weights, contradictions = _weigh([row for row in with_text if row.draw == "random"])
    audited = len(kept)
    of_alarm = [row for row in with_text if row.draw == "alarm"]
    other, other_weights, more = _weigh([row for row in with_text if row.draw not in {"random", "alarm"}])
    kept, weights = kept + other, weights + other_weights
    every_unit = units(kept + of_alarm)
    unit = every_unit[: len(kept)]
    is_audit = np.arange(len(kept)) < audited
    # a text of which masking leaves nothing can't evaluate, and its copies don't train for that
    gone = {row.cluster for row in human if row.draw == "random" and not row.text.strip()} - {""}
    in_sample = is_audit | np.array([row.cluster in gone for row in kept], dtype=bool)
    beside = np.isin(unit, unit[in_sample]) & ~is_audit
    beside_alarm = np.isin(unit, every_unit[len(kept) :]) & ~is_audit & ~beside
    everything = Examples(kept, np.array(weights), unit)
    left_out = Counter(
        {
            "labelled by a machine": len(rows) - len(human),
            "without a text": len(human) - len(with_text),
            "of a text that another coding settles": len(with_text) - len(kept) - len(of_alarm),
            "of a text in the random sample": int(beside.sum()),
            "drawn for an alarm, or of a text that was": len(of_alarm) + int(beside_alarm.sum()),
        }
    )
    return Sorted(
        everything.take(~is_audit & ~beside & ~beside_alarm),
        everything.take(is_audit),
        ~np.isin(unit[is_audit], unit[beside]),
        {why: number for why, number in left_out.items() if number},
        {name: contradictions[name] + more[name] for name in contradictions},
    )
