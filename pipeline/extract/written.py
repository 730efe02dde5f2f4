"""Dates that a source's own selectors find, read as the source says they are written."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache

from dateparser.data.languages_info import language_order
from dateparser.date import DateDataParser

from pipeline.extract.calendars import from_solar
from pipeline.extract.dates import ambiguous, parse_date, read_by_origin, western_digits
from pipeline.extract.document import ExtractionRules

_SOLAR = re.compile(
    r"(?<!\d)(1[34]\d\d)\s?[/.-]\s?(\d{1,2})\s?[/.-]\s?(\d{1,2})(?:\D+([01]?\d|2[0-3]):([0-5]\d))?(?!\d)"
)
FOUND_BY_SELECTORS = frozenset({"selector", "listing"})
"""origins of dates that a source's selectors find, on a text's page and beside the link to it"""
_SOLAR_LANGUAGES = frozenset({"fa", "prs", "ps"})
_AS_WRITTEN = {"prs": "fa"}
"""Dari under the name of Persian, as dateparser has it"""


def read_written(value: str, *, date_format: str | None = None, languages: Sequence[str] = ()) -> datetime | None:
    """A written date in UTC; null when it can't be read, or when day and month could be taken for one another.

    ``date_format`` (strptime) is binding: what it does not fit is read as ISO 8601 or not at all. With
    ``languages`` words and the order of day and month are those of these languages; Persian, Dari and Pashto mean
    the solar calendar of Iran and Afghanistan where a number is its year (1388/6/28). Digits of any script.
    """
    line = " ".join(western_digits(value).replace("\u200f", " ").replace("\u200e", " ").split())
    if date_format is not None:
        return _by_format(line, date_format)
    if _SOLAR_LANGUAGES.intersection(languages) and (found := _SOLAR.search(line)):
        return _solar(found)
    if not languages:
        return None if ambiguous(line) else parse_date(line)
    if (iso := _iso(line)) is not None:
        return iso
    # it learns nothing from one date to the next, so that the same words always mean the same day
    known = tuple(name for one in languages if (name := _AS_WRITTEN.get(one, one)) in language_order)
    return (_in_words(known, line) if known else None) or (None if ambiguous(line) else parse_date(line))


def reader_of(rules: ExtractionRules) -> Callable[[str, str], datetime | None]:
    """Origin and value to the date: dates that selectors find are read as the rules say, others as usual."""

    def read(origin: str, value: str) -> datetime | None:
        if origin in FOUND_BY_SELECTORS:
            return read_written(value, date_format=rules.date_format, languages=rules.date_languages)
        return read_by_origin(origin, value)

    return read


def _by_format(line: str, date_format: str) -> datetime | None:
    try:
        return _utc(datetime.strptime(line, date_format))  # noqa: DTZ007 (without a zone it is taken for UTC)
    except (ValueError, re.error, OverflowError):
        return _iso(line)


def _iso(line: str) -> datetime | None:
    return parse_date(line) if re.match(r"\d{4}-\d\d-\d\d", line) else None


def _solar(found: re.Match[str]) -> datetime | None:
    year, month, day = (int(found[i]) for i in (1, 2, 3))
    try:
        return datetime.combine(
            from_solar(year, month, day), datetime.min.time().replace(int(found[4] or 0), int(found[5] or 0)), UTC
        )
    except ValueError:
        return None


@lru_cache(maxsize=32)
def _reader(languages: tuple[str, ...]) -> DateDataParser:
    return DateDataParser(
        languages=list(languages),
        try_previous_locales=False,
        settings={"STRICT_PARSING": True, "PARSERS": ["absolute-time"], "RETURN_AS_TIMEZONE_AWARE": False},
    )


def _in_words(languages: tuple[str, ...], line: str) -> datetime | None:
    try:
        found: datetime | None = _reader(languages).get_date_data(line[:200]).date_obj
        return _utc(found) if found is not None else None
    except (ValueError, OverflowError, TypeError, RecursionError):
        return None


def _utc(found: datetime) -> datetime:
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
