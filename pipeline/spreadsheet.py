"""Values as a CSV file holds them, so that no spreadsheet runs what was collected."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from typing import Any

_RUN = re.compile(r"'*(?:\s*[=+\-@]|[\t\r\n])")
"""what makes a spreadsheet take a text for a formula, with the apostrophes it has already"""


def inert(text: str) -> str:
    """The text, with an apostrophe before what a spreadsheet would run as a formula.

    One that has such an apostrophe of its own gets another, so that :func:`bare` gives every text back as it was.
    """
    return "'" + text if _RUN.match(text) else text


def bare(cell: str) -> str:
    """The text of which :func:`inert` has made the cell."""
    return cell[1:] if cell.startswith("'") and _RUN.match(cell) else cell


def csv_cell(value: Any) -> str | int | float:
    """A value for a CSV file. Texts are made inert; numbers stay numbers, whatever their sign."""
    if value is None:
        return ""
    if isinstance(value, int | float):
        return value
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, list | tuple):
        value = "; ".join(map(str, value))
    elif isinstance(value, dict):
        value = json.dumps(value, ensure_ascii=False, sort_keys=True) if value else ""
    return inert(str(value))
