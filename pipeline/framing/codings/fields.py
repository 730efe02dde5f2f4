"""One label of a file as a coding: what every format has in common, and the only place where columns are checked."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from typing import Any

from classifiers.codebook import Codebook, CodebookError, codebook_of, codebooks
from pipeline.extract.address import canonical

COLUMNS = (
    "address",
    "variable",
    "target",
    "value",
    "coder",
    "coded_at",
    "draw",
    "probability",
    "drawn_at",
    "note",
    "origin",
    "settles",
    "codebook_version",
    "extra",
)
"""What is kept of a coding, in the order in which files name it."""
DRAWS = ("random", "active", "alarm", "import", "starter")
"""alarm: at random from the stretches that an alarm compares; see docs/alarms.md"""
ORIGINS = ("human", "machine", "confirmed")
CLOSED_LIST = datetime(1970, 1, 1, tzinfo=UTC)
"""``drawn_at`` of a draw from a list that was complete beforehand: no later text is outside it"""
LONGEST_NAME = 60
LONGEST_NOTE = 20_000
LONGEST_EXTRA = 100_000
"""characters of what another tool said besides, as JSON"""
DEEPEST_EXTRA = 50
_BY_DEFAULT = ("variable", "coder", "draw")
_YES_OR_NO = {"": False, "false": False, "no": False, "0": False, "true": True, "yes": True, "1": True}


class CodingsFileError(ValueError):
    """A file of codings that can't be read or written at all; says why and what to do."""


@dataclass(frozen=True)
class Found:
    """One label of a file, as its format gives it."""

    place: str
    """where it stands, for people: ``12`` (a line), ``task 3, annotation 1``"""
    row: Mapping[str, Any] | None
    """some of COLUMNS, texts or plain JSON values; what is missing comes from :class:`Defaults`. None: see ``wrong``"""
    wrong: str = ""
    """why there is no row"""


@dataclass(frozen=True)
class Defaults:
    """What holds where the file says nothing."""

    variable: str | None = None
    coder: str | None = None
    draw: str | None = None
    source: str | None = None
    """4CAT: the monitor's source whose rows the items are"""
    values: Mapping[str, str] = field(default_factory=dict)
    """a name that the file uses -> the codebook's value"""


@cache
def variables() -> frozenset[str]:
    """The variables there are, read once."""
    return frozenset(book.variable for book in codebooks())


def _plain(row: Mapping[str, Any], column: str) -> str:
    """The cell as text; empty where there is none. Raises ValueError for what is no plain value."""
    value = row.get(column)
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return repr(value)
    if not isinstance(value, str):
        raise ValueError(f"{column} is a list or an object; it must be a text or a number")
    if "\x00" in value:
        raise ValueError(f"{column} holds a zero character, which no database keeps; take it out")
    if any("\ud800" <= character <= "\udfff" for character in value):
        raise ValueError(f"{column} is not UTF-8; save the file as UTF-8")
    return value


def _time(text: str, column: str) -> datetime:
    try:
        value = datetime.fromisoformat(text)
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{column} is {text!r}; write a date or time like 2026-01-15T09:00:00Z") from None


def address_of(text: str) -> str:
    """The one spelling of a text's address. Raises ValueError."""
    # rows of a table without web addresses have addresses of their own, which collecting writes one way only
    return text if text.startswith("table:") else canonical(text)


def _one_of(value: str, column: str, allowed: list[str]) -> str:
    if value not in allowed:
        raise ValueError(f"unknown {column} {value!r}; write one of {', '.join(allowed)}")
    return value


def value_of(text: str, names: list[str], given: Mapping[str, str]) -> str:
    """The codebook's value for what a file calls it: the name itself, in any case, with spaces; or as ``given``."""
    if text in given:
        return given[text]
    if text in names:
        return text
    plain = {name.replace("_", "-"): name for name in names}
    return plain.get("-".join(text.casefold().replace("_", " ").replace("-", " ").split()), text)


def _probability(text: str, draw: str) -> float | None:
    if not text:
        if draw in {"random", "alarm"}:
            raise ValueError("a random coding needs the probability with which its text was drawn, in (0, 1]")
        return None
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value <= 1:
        raise ValueError(f"probability is {text!r}; it must lie in (0, 1]")
    return value


def check_target(book: Codebook, target: str, groups: list[str]) -> str:
    """The target, if the codebook wants one and it is a group of the monitor. Raises ValueError in words."""
    if not book.targeted:
        if target:
            raise ValueError(f"{book.variable} is not coded towards a group; leave target empty, not {target!r}")
        return ""
    if not target:
        raise ValueError(f"{book.variable} is coded towards a group; write one of {', '.join(groups)} as target")
    return _one_of(target, "target", groups)


def _name(text: str, column: str) -> str:
    text = text.strip()
    if len(text) > LONGEST_NAME:
        raise ValueError(f"{column} is longer than {LONGEST_NAME} characters; use an abbreviation")
    if column == "coder" and "@" in text:
        raise ValueError("coder looks like an e-mail address; coders are short names or numbers")
    return text


def _note(text: str) -> str | None:
    if len(text) > LONGEST_NOTE:
        raise ValueError(f"note is longer than {LONGEST_NOTE:,} characters; shorten it")
    return text or None


def _inner(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


def _too_deep(value: Any) -> bool:
    level = [value]
    for _ in range(DEEPEST_EXTRA):
        level = [inner for one in level for inner in _inner(one)]
        if not level:
            return False
    return True


def parse_json(text: str) -> Any:
    """JSON as the standard has it. Raises ValueError in words, also for what is nested too deeply and for NaN."""
    try:
        return json.loads(text, parse_constant=no_number)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error.msg} at character {error.pos + 1})") from None
    except RecursionError:
        raise ValueError("not JSON that can be read: nested too deeply") from None


def no_number(text: str) -> Any:
    """NaN and infinities, which Python would read, are no JSON."""
    raise ValueError(f"not JSON ({text} is no number there)")


def _extra(value: Any) -> dict[str, Any] | None:
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            value = parse_json(value)
        except ValueError as error:
            raise ValueError(f"extra is {error}") from None
    if not isinstance(value, dict):
        raise ValueError("extra must be a JSON object")
    if _too_deep(value):
        raise ValueError(f"what the tool said besides is nested more than {DEEPEST_EXTRA} deep; take it out")
    shown = json.dumps(value, ensure_ascii=False)
    if len(shown) > LONGEST_EXTRA:
        raise ValueError(f"what the tool said besides has more than {LONGEST_EXTRA:,} characters; take some out")
    _plain({"extra": shown}, "extra")
    if "\\u0000" in shown:
        raise ValueError("extra holds a zero character, which no database keeps; take it out")
    return value or None


class Checker:
    """Turns rows of files into columns of the table, for one monitor."""

    def __init__(self, groups: list[str], defaults: Defaults, codebook: Callable[[str], Codebook] = codebook_of):
        self._groups, self._defaults, self._find = groups, defaults, codebook
        self._books: dict[str, Codebook | CodebookError] = {}

    def codebook(self, variable: str) -> Codebook:
        """The codebook of a variable, read once. Raises CodebookError that names the variables there are."""
        if variable not in self._books:
            try:
                self._books[variable] = self._find(variable)
            except CodebookError as error:
                self._books[variable] = error
        book = self._books[variable]
        if isinstance(book, CodebookError):
            raise book
        return book

    def coding(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The row as columns of the table; ``coded_at`` None where the file has none. Raises ValueError in words."""
        text = {column: _plain(row, column) for column in COLUMNS if column != "extra"}
        text |= {c: t.strip() for c, t in text.items() if c != "note"}
        for column in _BY_DEFAULT:
            text[column] = text[column] or getattr(self._defaults, column) or ""
        for column in ("address", "variable", "value", "coder", "draw"):
            if not text[column]:
                more = f"; say it for the whole file with --{column}" if column in _BY_DEFAULT else ""
                raise ValueError(f"{column} is empty{more}")
        if group := _plain(row, "group").strip():
            _one_of(group, "group", self._groups)
        try:
            book = self.codebook(text["variable"])
        except CodebookError as error:
            raise ValueError(str(error)) from None
        draw = _one_of(text["draw"], "draw", list(DRAWS))
        return {
            "address": address_of(text["address"]),
            "variable": book.variable,
            "target": check_target(book, text["target"], self._groups),
            "value": _one_of(value_of(text["value"], book.names, self._defaults.values), "value", book.names),
            "codebook_version": _version(text["codebook_version"], book),
            "coder": _name(text["coder"], "coder"),
            "coded_at": _time(text["coded_at"], "coded_at") if text["coded_at"] else None,
            "draw": draw,
            "probability": _probability(text["probability"], draw),
            "drawn_at": _time(text["drawn_at"], "drawn_at") if text["drawn_at"] else CLOSED_LIST,
            "note": _note(text["note"]),
            "origin": _one_of(text["origin"] or "human", "origin", list(ORIGINS)),
            "settles": _settles(text["settles"]),
            "extra": _extra(row.get("extra")),
        }


def _settles(text: str) -> bool:
    if text.casefold() not in _YES_OR_NO:
        raise ValueError(f"settles is {text!r}; write true or false")
    return _YES_OR_NO[text.casefold()]


def _version(text: str, book: Codebook) -> int:
    if not text:
        return book.version
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text)):
        raise ValueError(f"codebook_version is {text!r}; write a whole number from 1")
    return int(text)


def shown(coding: Any) -> dict[str, Any]:
    """A stored coding as plain JSON values by COLUMNS: what :meth:`Checker.coding` reads back without loss."""
    return {
        column: value.isoformat() if isinstance(value := getattr(coding, column), datetime) else value
        for column in COLUMNS
    }
