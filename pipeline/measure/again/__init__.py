"""Published figures made again from the texts, framings and codings they name, with the functions that made them."""

from __future__ import annotations

from sqlalchemy.orm import Session

from pipeline.measure.again.balances import gap_again, trend_again
from pipeline.measure.again.compare import Made
from pipeline.measure.again.criticism import criticism_again, texts_again
from pipeline.measure.again.states import change_again, rise_again, state_again, state_of_gap_again
from pipeline.store.tables import Published

STATE_LEFT = "the state, which needs all weeks or months before it"
"""said of the state beside a gap that was made again alone"""
_WAYS = {
    "trend": trend_again,
    "state": state_again,
    "change": change_again,
    "rise": rise_again,
    "texts": texts_again,
    "criticism": criticism_again,
}


def verify(session: Session, row: Published, *, states: bool = True) -> Made:
    """Make a figure again from what it names.

    What was borrowed from other cells, or fixed before texts were coded, is taken as it was published.
    states: with a gap also the state beside it, from the published figures of its two groups, and what coders said of
    its alarms and of criticism, from their texts.
    """
    if row.kind != "gap":
        return _WAYS[row.kind](session, row)
    made = gap_again(session, row)
    others = state_of_gap_again(session, row) if states else Made((), True, (STATE_LEFT,))
    return made.with_others(others)
