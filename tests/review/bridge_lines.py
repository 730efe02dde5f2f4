"""Rows of a bridge, for tests."""

from __future__ import annotations

from datetime import date

from pipeline.store.bridges import BridgeLine
from tests.review.filling_models import NOW


def line(group: str, delta: float | None) -> BridgeLine:
    """One cell; its interval is .05 to either side."""
    return BridgeLine(
        group_id=group, period="quarter", start=date(2025, 1, 1), end=date(2025, 4, 1), old=0.1,
        new=None if delta is None else 0.1 + delta, delta=delta, low=None if delta is None else delta - 0.05,
        high=None if delta is None else delta + 0.05, missing=None if delta is not None else "too few",
        clusters=10, codings=10, variance=None, old_model="old", new_model="new", made_at=NOW,
    )  # fmt: skip
