"""What the pages of models say: a card in, lines of tables out. A card of an older version may lack any part."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pipeline.review.words import number
from pipeline.store.bridges import BridgeLine

FIGURES = {
    "macro_f1": "macro-F1, all values",
    "two_way_macro_f1": "macro-F1, two sides",
    "brier": "Brier score (0 is best)",
    "gap_error": "mean absolute error of the gap",
}
CELLS_SHOWN = 12
STATES = {
    "in force": "labels all texts",
    "was in force": "replaced by a later one",
    "waiting": "nobody has decided yet",
    "rejected": "was not promoted",
}


@dataclass(frozen=True)
class Figure:
    """One figure of a model."""

    name: str
    value: float
    interval: tuple[float, float] | None
    beside: str = ""
    """what a baseline reaches on the same texts"""


@dataclass(frozen=True)
class Compared:
    """One figure of the new and of the old model on the same random codings."""

    name: str
    new: float
    old: float
    difference: float
    interval: tuple[float, float] | None
    margin: float
    verdict: str


@dataclass(frozen=True)
class Rates:
    """How often a head finds what is there, and says what is not, for one group or language."""

    key: str
    texts: int
    shares: tuple[tuple[float, float, float] | None, ...]
    """per head: found, then wrongly said; each as value, low, high"""


def judged_on(card: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]] | None:
    """On what a model was judged, in words, and the figures; None where it was not."""
    if card.get("random_sample"):
        return "on random codings", card["random_sample"]
    if card.get("cross_validation"):
        return "cross-validated: not comparable between models", card["cross_validation"]
    return None


def _pair(interval: Sequence[float] | None) -> tuple[float, float] | None:
    return (float(interval[0]), float(interval[1])) if interval else None


def figures_of(judged: Mapping[str, Any]) -> list[Figure]:
    """The figures of a judgement, each beside the best of its baselines."""
    made = []
    for key, one in judged.get("figures", {}).items():
        if one.get("value") is None:
            continue
        known = [(b[key], name) for name, b in judged.get("baselines", {}).items() if b.get(key) is not None]
        best = (min(known) if key.startswith("brier") else max(known)) if known else None
        beside = f"{best[0]:.3f} ({best[1]})" if best else ""
        name = FIGURES.get(key, key.replace("brier_", "Brier score, ").replace("_", " "))
        made.append(Figure(name, float(one["value"]), _pair(one.get("interval")), beside))
    return made


def compared_of(comparison: Mapping[str, Any] | None) -> list[Compared]:
    """Old against new, a line a figure; empty where nothing was compared."""
    return [
        Compared(
            FIGURES.get(name, name),
            one["new"],
            one["old"],
            one["difference"],
            _pair(one.get("interval")),
            one.get("margin") or 0.0,
            one["verdict"],
        )
        for name, one in (comparison or {}).get("figures", {}).items()
    ]


def rates_of(judged: Mapping[str, Any], kind: str = "group") -> tuple[list[str], list[Rates]]:
    """Names of the columns, and a line per group (or language) of the error rates."""
    table: Mapping[str, Any] = judged.get("error_rates", {}).get(kind, {})
    if not table:
        return [], []
    heads = [name for name in next(iter(table.values())) if name != "texts"]
    columns = [f"{head}: {what}" for head in heads for what in ("found", "wrongly said")]

    def told(rate: Mapping[str, Any]) -> tuple[float, float, float] | None:
        return None if rate.get("rate") is None else (rate["rate"], rate["low"], rate["high"])

    lines = [
        Rates(key, one["texts"], tuple(told(one[head][what]) for head in heads for what in ("tpr", "fpr")))
        for key, one in table.items()
    ]
    return columns, lines


def worst_cells(judged: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Cells (group and quarter) in which the model's balance is furthest from the coders'."""
    cells = judged.get("prevalence", {}).get("cells", [])
    return sorted(cells, key=lambda cell: -abs(cell["error_balance"]))[:CELLS_SHOWN]


def listed(counts: Mapping[str, int]) -> str:
    """``en 40, ar 20``: counts in one line, without zeros."""
    return ", ".join(f"{name} {count:,}" for name, count in counts.items() if count)


def bridge_sentence(lines: Sequence[BridgeLine]) -> str:
    """What a promotion did to the figures, in a sentence."""
    known = [line for line in lines if line.delta is not None]
    if not known:
        return "No cell has both models' texts and enough random codings to say what changed."
    moved = [
        line for line in known if line.low is not None and line.high is not None and not line.low <= 0 <= line.high
    ]
    largest = max(known, key=lambda line: abs(line.delta or 0))
    return (
        f"Of {len(known)} cells with a corrected balance {len(moved)} moved by more than their interval can explain; "
        f"the largest change is {number(largest.delta)} ({largest.group_id}, from {largest.start.isoformat()})."
    )


def worst_first(lines: Iterable[BridgeLine]) -> list[BridgeLine]:
    """The cells of a bridge, the largest change first, those without a figure last."""
    return sorted(lines, key=lambda line: (line.delta is None, -abs(line.delta or 0), line.group_id, line.start))
