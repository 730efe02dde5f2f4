"""What the dyad page says of a kept sheet: the table of other choices, the sentences, the words of each side. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pipeline.review.words import NOTHING, number
from pipeline.store.tables import KeptSheet


@dataclass(frozen=True)
class Variant:
    """The change of the gap with one thing done otherwise."""

    changed: str
    change: str
    error: str
    sign: str
    conclusion: str
    why: str | None


@dataclass(frozen=True)
class SheetShown:
    """A sheet as the page shows it."""

    made_at: datetime
    age: str
    problem: str | None
    stretches: str
    base: str
    variants: list[Variant]
    rates: list[dict[str, Any]]
    sections: list[dict[str, Any]]
    words: list[dict[str, Any]]
    exchanges: list[dict[str, Any]]
    """how each side answers and cites the other in the later stretch"""
    exchanges_why: str | None
    model: str | None


def age(made_at: datetime, now: datetime) -> str:
    """How long ago, roughly, in words."""
    hours = max(0, int((now - made_at).total_seconds() // 3600))
    if hours < 1:
        return "less than an hour ago"
    if hours < 48:
        return f"{hours} hour{'s' * (hours > 1)} ago"
    return f"{hours // 24} days ago"


def _answer(holds: bool | None) -> str:
    return {None: "can't be said", True: "holds", False: "does not hold"}[holds]


def _variant(row: dict[str, Any]) -> Variant:
    error = row.get("se")
    return Variant(
        changed=str(row["changed"]),
        change=number(row.get("change")),
        error=NOTHING if error is None else f"{error:.2f}",
        sign=_answer(row.get("sign_holds")),
        conclusion=_answer(row.get("conclusion_holds")),
        why=row.get("why"),
    )


def _sections(sections: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The sections without the lists of words, which have tables of their own."""
    made = [one | {"lines": [line for line in one["lines"] if ", typical of " not in line]} for one in sections]
    return [one for one in made if one["lines"]]


def shown(kept: KeptSheet, now: datetime | None = None) -> SheetShown:
    """A kept sheet in words."""
    sheet = kept.sheet
    stretches = ""
    if sheet:
        (start, end), (before, until) = sheet["present"], sheet["reference"]
        stretches = (
            f"{start} to {end} against {before} to {until}; {sheet['texts'][0]:,} and {sheet['texts'][1]:,} different "
            "texts (each end is the first day left out)"
        )
    return SheetShown(
        made_at=kept.made_at,
        age=age(kept.made_at, now or datetime.now(UTC)),
        problem=kept.problem,
        stretches=stretches,
        base=number(sheet["base"]["value"]) if sheet else NOTHING,
        variants=[_variant(row) for row in sheet.get("rows", [])],
        rates=list(sheet.get("error_rates", [])),
        sections=_sections(sheet.get("sections", [])),
        words=list(sheet.get("words", [])),
        exchanges=list(sheet.get("exchanges", [])),
        exchanges_why=sheet.get("exchanges_why"),
        model=kept.model,
    )
