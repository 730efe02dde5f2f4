"""The model card: what a person reads before a model is believed. Written from the figures, never by hand."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from classifiers.codebook import Codebook
from classifiers.coding_table import CodingRow

MOST = 30
"""groups or languages of a table; the rest are summed"""


def _counts(names: Sequence[str]) -> dict[str, int]:
    found = Counter(name or "(not told)" for name in names)
    made = dict(found.most_common(MOST))
    if rest := sum(found.values()) - sum(made.values()):
        made["other"] = rest
    return made


def data_of(rows: Sequence[CodingRow], book: Codebook) -> dict[str, Any]:
    """What a set of codings consists of, ready for JSON."""
    values = Counter(row.value for row in rows)
    days = [row.date for row in rows if row.date]
    return {
        "codings": len(rows),
        "values": {value: values[value] for value in book.names},
        "languages": _counts([row.lang for row in rows]),
        "groups": _counts([row.group for row in rows]),
        "sources": len({row.source for row in rows if row.source}),
        "draws": _counts([row.draw for row in rows]),
        "coders": len({row.coder for row in rows if row.coder}),
        "first": min(days).isoformat() if days else None,
        "last": max(days).isoformat() if days else None,
    }
