"""When a text was published: every candidate kept, one decisive function."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache

from dateparser.date import DateDataParser

from pipeline.extract import calendars
from pipeline.extract.document import DateCandidate

PREFERENCE = ("selector", "table", "json-ld", "meta", "feed", "news", "listing", "url", "text", "sitemap")
"""Origins from the most to the least trusted. Others (http, capture) are kept and never used."""

_NEVER = {
    "http": "refused: the server's Last-Modified says when the file was written, not when the text was published",
    "capture": "refused: the archive's capture time says when the page was seen, not when the text was published",
}
AT_HOME = "not used: names the same moment's day, by a clock where the outlet is"
_LONGEST = 200
_NUMBERS = re.compile(r"(?<!\d)(\d{1,2})\s?[/-]\s?(\d{1,2})\s?[/-]\s?(\d{2}|\d{4})(?!\d)")
_UNREADABLE = "can't be read as a full date"
_FIRST_YEAR = 1000
"""whatever a source allows: no text is older, and years of three digits are mistyped ones"""
_DOTTED = re.compile(
    r"(\d\d?)\. ?(\d\d?)\. ?(\d{4})\.?(?:[,/|-]? ?(?:\w{1,3} )?([01]?\d|2[0-3])[:.]([0-5]\d))?", re.ASCII
)
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH_NAME = (
    r"(?P<m>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY_FIRST = re.compile(rf"(?P<d>\d\d?)(?:st|nd|rd|th)?[ -]{_MONTH_NAME},?[ -](?P<y>\d{{4}})", re.ASCII | re.IGNORECASE)
_MONTH_FIRST = re.compile(rf"{_MONTH_NAME} (?P<d>\d\d?)(?:st|nd|rd|th)?,? (?P<y>\d{{4}})", re.ASCII | re.IGNORECASE)
_CLOCKS = (timedelta(hours=-10), timedelta(hours=14))
"""how far the clocks of inhabited places are from UTC"""


@lru_cache(maxsize=1)
def _words() -> DateDataParser:
    # Strict: day, month and year must all stand there, so that "Tuesday" never becomes this week's.
    return DateDataParser(
        settings={"STRICT_PARSING": True, "PARSERS": ["absolute-time"], "RETURN_AS_TIMEZONE_AWARE": False}
    )


@lru_cache(maxsize=2000)
def parse_date(value: str, *, year_alone: bool = False) -> datetime | None:
    """A written date in UTC; null when it can't be read as a full day.

    ISO 8601, RFC 2822 (feeds), days with dots, Levantine months, the solar calendar of Iran and Afghanistan, else words
    in many languages. Without a time it is midnight UTC, without a zone it is taken for UTC. ``year_alone``: "1946"
    is its first of January.
    """
    value = " ".join(western_digits(value).split())[:_LONGEST]
    if year_alone and re.fullmatch(r"[12]\d{3}", value):
        return datetime(int(value), 1, 1, tzinfo=UTC)
    if not re.search(r"\d", value) or re.fullmatch(r"\d{1,7}", value):
        return None
    for read in (_iso, _dotted, _english, _named, _mail, _seconds, _in_words):
        found = read(value)
        if found is not None:
            try:
                return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
            except OverflowError:
                return None
    return None


def western_digits(value: str) -> str:
    """The same with 0 to 9 for the digits of every script."""
    if value.isascii():
        return value
    return "".join(str(unicodedata.digit(c)) if c.isdecimal() else c for c in value)


def ambiguous(value: str) -> bool:
    """Whether day and month of a date in numbers can't be told apart (3/4/2009)."""
    found = _NUMBERS.search(western_digits(value))
    return found is not None and found[1] != found[2] and int(found[1]) <= 12 and int(found[2]) <= 12


def _iso(value: str) -> datetime | None:
    if re.match(r"\d{4}-?W", value):  # a week is no day
        return None
    try:
        return datetime.fromisoformat(value)
    except ValueError:
        return None


def _dotted(value: str) -> datetime | None:
    """19.09.2009, 19.9.2009 01:30: wherever days are written with dots the day stands first."""
    found = _DOTTED.fullmatch(value)
    if not found:
        return None
    day, month, year, hour, minute = (int(part or 0) for part in found.groups())
    try:
        return datetime.combine(date(year, month, day), time(hour, minute))
    except ValueError:
        return None


def _english(value: str) -> datetime | None:
    """September 19, 2009; 19 Sept 2009. The reader of all languages takes a hundred times as long."""
    found = _DAY_FIRST.fullmatch(value) or _MONTH_FIRST.fullmatch(value)
    if not found:
        return None
    try:
        return datetime.combine(
            date(int(found["y"]), _MONTHS.index(found["m"][:3].lower()) + 1, int(found["d"])), time()
        )
    except ValueError:
        return None


def _named(value: str) -> datetime | None:
    found = calendars.read(value)
    return datetime.combine(found, time()) if found else None


def _mail(value: str) -> datetime | None:
    try:
        return parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _seconds(value: str) -> datetime | None:
    """Unix time, in seconds or thousandths."""
    if not re.fullmatch(r"\d{9,10}|\d{12,13}", value):
        return None
    return datetime.fromtimestamp(int(value) / (1000 if len(value) > 10 else 1), UTC)


def _in_words(value: str) -> datetime | None:
    if re.fullmatch(r"[\d\s]+", value):
        return None
    try:
        found: datetime | None = _words().get_date_data(value).date_obj
    except (ValueError, OverflowError, TypeError, RecursionError):
        return None
    return found


def read_by_origin(origin: str, value: str) -> datetime | None:
    """A date in UTC, as dates of its origin are written; null when it can't be read."""
    return parse_date(value, year_alone=origin == "table")


def candidate(
    origin: str,
    value: str,
    *,
    now: datetime,
    earliest: date | None,
    read: Callable[[str, str], datetime | None] = read_by_origin,
) -> DateCandidate:
    """Judge one date by itself: can it be read, is it possible, does its origin speak of publication.

    ``read``: origin and value to the date, where the source says how its dates are written.
    """
    value = value.strip()[:_LONGEST]
    found = read(origin, value)
    if found is None:
        why = "day and month can't be told apart; give the source a date_format" if ambiguous(value) else _UNREADABLE
        return DateCandidate(origin, value, None, False, f"refused: {why}")
    refusal = _NEVER.get(origin)
    if refusal is None and found.year < _FIRST_YEAR:
        refusal = f"refused: before the year {_FIRST_YEAR}, so a slip of the pen"
    if refusal is None and found > now + timedelta(days=1):
        refusal = f"refused: more than a day ahead of {now.astimezone(UTC):%Y-%m-%d}, when it was collected"
    if refusal is None and earliest is not None and found < datetime.combine(earliest, time(), UTC):
        refusal = f"refused: before {earliest:%Y-%m-%d}, the earliest this source can have"
    return DateCandidate(origin, value, found, refusal is None, refusal or "possible")


def choose_date(candidates: Iterable[DateCandidate]) -> tuple[DateCandidate | None, tuple[DateCandidate, ...]]:
    """The date of publication, and all candidates with what became of them, the one used first.

    The accepted candidate whose origin stands first in ``PREFERENCE`` is used; of one origin, the first that was
    found. Every other accepted one says whether it names the same day. Null when none is accepted: never today.
    """

    def rank(one: DateCandidate) -> tuple[bool, int]:
        place = PREFERENCE.index(one.origin) if one.origin in PREFERENCE else len(PREFERENCE)
        return not one.accepted, place

    ordered = sorted(dict.fromkeys(candidates), key=rank)
    if not ordered or not ordered[0].accepted or ordered[0].date is None:
        return None, tuple(ordered)
    used = replace(ordered[0], why=f"used: first accepted of {', '.join(PREFERENCE)}")
    return used, (used, *(_compared(one, ordered[0]) for one in ordered[1:]))


def _compared(one: DateCandidate, used: DateCandidate) -> DateCandidate:
    if not one.accepted or one.date is None or used.date is None:
        return one
    days = abs((one.date.date() - used.date.date()).days)
    if days == 0:
        return replace(one, why="not used: names the same day")
    # 17 February in the address and 02:18 UTC on the 18th are one moment, at an outlet in America
    at_home = {(used.date + clock).date() for clock in _CLOCKS}
    if one.date.time() == time() and used.date.time() != time() and one.date.date() in at_home:
        return replace(one, why=AT_HOME)
    return replace(one, why=f"not used: differs by {days} day{'s' * (days > 1)}")
