"""How values are written on pages and in CSV files."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from pipeline.spreadsheet import csv_cell

RIGHT_TO_LEFT = {"ar", "arc", "ckb", "dv", "fa", "he", "ks", "ku-arab", "prs", "ps", "sd", "syr", "ug", "ur", "yi"}
NOTHING = "–"
NO_WIDTH = 1e-9
"""An interval narrower than this has no width: the rest is rounding."""


def number(value: float | None, places: int = 2) -> str:
    """A number with its sign and a true minus; a dash for none."""
    if value is None:
        return NOTHING
    shown = f"{value:+.{places}f}"
    # what rounds to zero has no sign
    return shown.lstrip("+-") if float(shown) == 0 else shown.replace("-", "−")


def share(value: float | None) -> str:
    """A probability, two places; a dash for none."""
    return NOTHING if value is None else f"{value:.2f}"


def interval(low: float | None, high: float | None, *, all_coded: bool = False) -> str:
    """The ends of an interval; empty for none.

    all_coded: every text behind it is coded. Only then, and where no width is left, is that said in place of the ends:
    a width of 0 alone says nothing of it (two models that answer alike differ by 0 to 0, whatever was coded).
    """
    if low is None or high is None:
        return ""
    if all_coded and high - low < NO_WIDTH:
        return "all coded"
    # an interval narrower than a hundredth still shows both its ends
    places = 2 if high - low >= 0.02 else 3
    return f"{number(low, places)} to {number(high, places)}"


def moment(value: datetime | None) -> str:
    """A time in UTC to the minute, ISO order."""
    return NOTHING if value is None else f"{value.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def day(value: date | None) -> str:
    """An ISO date; of a time, its day in UTC."""
    if isinstance(value, datetime):
        value = value.astimezone(UTC).date()
    return NOTHING if value is None else value.isoformat()


def direction(language: str | None) -> str:
    """The ``dir`` attribute of a text: rtl for scripts known to run so, else the browser looks at the text."""
    known = (language or "").lower()
    return "rtl" if known in RIGHT_TO_LEFT or known.split("-")[0] in RIGHT_TO_LEFT else "auto"


def language_tag(language: str | None) -> str:
    """The ``lang`` attribute; ``und`` where the language is unknown or no tag."""
    return language if language and re.fullmatch(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*", language) else "und"


def cell(value: Any) -> str:
    """A value of the trend table, short enough for a column."""
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, float):
        if isinstance(value, dict):
            return ", ".join(f"{k} {cell(v)}" for k, v in value.items())
        if isinstance(value, list | tuple):
            return "; ".join(map(str, value))
        return moment(value) if isinstance(value, datetime) else str(value)
    return (f"{value:.0f}" if value.is_integer() else f"{value:.4f}").replace("-", "−")


def csv_file(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A CSV file with a header line."""
    written = io.StringIO()
    writer = csv.writer(written, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([csv_cell(value) for value in row] for row in rows)
    return written.getvalue()
