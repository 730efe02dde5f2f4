"""Questions to the index of a web archive (a CDX server), and its answers. Pure.

Two families of servers answer alike enough: the Internet Archive's (wayback-cdx-server: a JSON array of rows, or plain
lines, cut into parts by resume keys) and pywb's (one JSON object per line, no resume keys; Arquivo.pt, the UK Web
Archive and others run it). What one does not know of the other's parameters it ignores.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import unquote_plus, urlencode

LINES = 1000
"""captures in one answer. The Internet Archive's index gives up, without saying so, when it has to look at very many
lines for one answer; so answers are short."""
FIRST_CAPTURE = datetime(1996, 1, 1, tzinfo=UTC)
"""no archive of the web is older"""

_SECOND = timedelta(seconds=1)
_ROUND = 100
_REVISIT = "warc/revisit"
# The columns of plain lines, and of a JSON array that does not name them.
_COLUMNS: tuple[str, ...] = ("urlkey", "timestamp", "original", "mimetype", "statuscode", "digest")
_NAMES = {"url": "original", "mime": "mimetype", "status": "statuscode"}
# What a server can leave out by itself. The Internet Archive's takes the values as regular expressions for the whole
# field; pywb looks for them as plain text, finds none, and leaves nothing out.
_FILTERS = (
    "!statuscode:[345]..",
    "!mimetype:(image|audio|video|font)/.*",
    "!mimetype:.*(css|javascript|json|pdf|zip).*",
)


class NoIndexError(ValueError):
    """The answer is not one of an archive's index; says what it is instead."""


@dataclass(frozen=True)
class Capture:
    """One line of the index: that a page was seen at a time."""

    time: datetime
    original: str
    """address of the page, as it was asked for at the time"""
    media: str
    """type of the body; warc/revisit: as at an earlier time. Empty when the index does not say"""
    status: str
    """HTTP status of the page; empty when the index does not say"""
    digest: str
    """of the body, as the archive writes it; empty when the index does not say"""

    @property
    def is_revisit(self) -> bool:
        """Whether only this is recorded: the body was the same as at another capture. Its type is not known."""
        return self.media == _REVISIT


@dataclass(frozen=True)
class Answer:
    """What the index answered to one question."""

    captures: list[Capture]
    lines: int
    """lines it gave, those that can't be read included"""
    unread: list[str]
    """lines that can't be read"""
    resume: str | None
    """what to ask for the following lines with; null: there are none, or the server knows no such keys"""
    keyed: bool
    """whether the server belongs to the family that knows resume keys"""


@dataclass(frozen=True)
class Question:
    """The captures of one span of time, or what of them follows a resume key."""

    first: datetime
    last: datetime
    """both inclusive, to the second"""
    resume: str | None = None

    def cursor(self) -> str:
        """The question as it is stored, for another run to go on with."""
        return json.dumps({"first": stamp(self.first), "last": stamp(self.last), "resume": self.resume})

    @classmethod
    def from_cursor(cls, cursor: str) -> Question:
        """Raises ValueError for what :meth:`cursor` has not written."""
        try:
            kept = json.loads(cursor)
            return cls(moment(kept["first"]), moment(kept["last"]), kept["resume"])
        except (KeyError, TypeError) as error:
            raise ValueError(f"{cursor[:100]!r} is no place in an archive's index") from error


def stamp(time: datetime) -> str:
    """The 14 digits by which archives name a time (UTC)."""
    return time.astimezone(UTC).strftime("%Y%m%d%H%M%S")


def moment(digits: str) -> datetime:
    """The time that 14 digits name. Raises ValueError."""
    if not re.fullmatch(r"\d{14}", digits, re.ASCII):
        raise ValueError(f"{digits[:30]!r} is no time of 14 digits")
    return datetime.strptime(digits, "%Y%m%d%H%M%S").replace(tzinfo=UTC)


# Asking


def query(cdx: str, address: str, match: Literal["exact", "prefix", "host", "domain"]) -> str:
    """The address that asks ``cdx`` for all captures of an address. It stands for the query as a whole in the store."""
    asked = {"url": address, "matchType": match}
    return f"{cdx}{'&' if '?' in cdx else '?'}{urlencode(asked)}"


def address_of(base: str, question: Question, *, lines: int = LINES) -> str:
    """The address that asks one question of a :func:`query`."""
    asked: list[tuple[str, str]] = [
        ("output", "json"),
        ("from", stamp(question.first)),
        ("to", stamp(question.last)),
        ("limit", str(lines)),
        ("showResumeKey", "true"),
        ("resolveRevisits", "true"),
        # pywb's: the columns we read, and no captures of addresses that are only similar
        ("fields", "timestamp,url,mime,status,digest"),
        ("allowFuzzy", "false"),
        *(("filter", one) for one in _FILTERS),
    ]
    # No collapse=digest: it also drops another address with the same body, and patterns may want just that one.
    if question.resume is not None:
        asked.append(("resumeKey", question.resume))
    return f"{base}&{urlencode(asked)}"


def is_cut(question: Question, answer: Answer, *, lines: int = LINES) -> bool:
    """Whether an answer stops before its end without a key to go on with.

    It is full, or its length is a round number, as where a server has a limit of its own.
    """
    if answer.resume is not None or question.resume is not None:
        return False
    return answer.lines >= lines or (not answer.keyed and answer.lines > 0 and answer.lines % _ROUND == 0)


def following(question: Question, answer: Answer, end: datetime, *, lines: int = LINES) -> Question | None:
    """The next question of a walk up to ``end``; null when it is over.

    Where answers are cut and no keys are given, the span is halved until one fits, and doubled again afterwards.
    """
    if answer.resume is not None and answer.resume != question.resume:
        return Question(question.first, question.last, answer.resume)
    span = question.last - question.first
    if is_cut(question, answer, lines=lines) and span > timedelta(0):
        return Question(question.first, question.first + timedelta(seconds=int(span.total_seconds()) // 2))
    if question.last >= end:
        return None
    first = question.last + _SECOND
    return Question(first, min(end, first + 2 * span + _SECOND))


# Reading


def parse(body: bytes) -> Answer:
    """Read an answer, in whatever form it came. Raises :class:`NoIndexError`."""
    text = body.decode("utf-8", "replace").strip().removeprefix("\ufeff")
    if text.startswith("["):
        return _array(text)
    if text.startswith("<"):
        raise NoIndexError("is no answer of an archive's index but an HTML page; check `cdx`")
    return _lines(text)


def _array(text: str) -> Answer:
    """The Internet Archive's JSON: a row of names, rows of values, and behind an empty row the resume key."""
    try:
        rows = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise NoIndexError(f"is no whole answer of an archive's index ({error})") from None
    names, resume = _COLUMNS, None
    captures: list[Capture] = []
    unread: list[str] = []
    if rows and isinstance(rows[0], list) and "timestamp" in rows[0]:
        names = tuple(map(str, rows.pop(0)))
    if len(rows) >= 2 and rows[-2] == [] and isinstance(rows[-1], list) and len(rows[-1]) == 1:
        # it is printed as it has to stand in an address
        resume = unquote_plus(str(rows[-1][0]))
        rows = rows[:-2]
    for row in rows:
        said = dict(zip(names, row, strict=False)) if isinstance(row, list) else row
        _add(said, str(row), captures, unread)
    return Answer(captures, len(rows), unread, resume, keyed=True)


def _lines(text: str) -> Answer:
    """One capture per line: JSON (pywb), CDXJ, or columns with blanks between; a resume key behind an empty line."""
    captures: list[Capture] = []
    unread: list[str] = []
    count, resume, keyed = 0, None, False
    lines = iter(text.splitlines())
    for line in lines:
        if not line.strip():
            resume, keyed = unquote_plus(next(lines, "").strip()) or None, True
            break
        if not count and (said := _complaint(line)):
            raise NoIndexError(f"the archive answers: {said}")
        if line.startswith((" CDX", "CDX ", "!")):
            continue  # names of columns; meta data of CDXJ
        count += 1
        _add(_row(line), line, captures, unread)
    return Answer(captures, count, unread, resume, keyed)


def _complaint(line: str) -> str | None:
    """What a server says in place of captures: pywb's {"message": ...}, a Java exception of the Internet Archive."""
    if "AccessControlException" in line or "Blocked" in line:
        return "this site is not given out (the archive has excluded it)"
    if not line.startswith("{"):
        return None
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        return None
    complaint = said.get("message") or said.get("error")
    return str(complaint)[:200] if complaint and "timestamp" not in said else None


def _row(line: str) -> Any:
    """The columns of one line by name; null when it is none."""
    before, brace, rest = line.partition("{")
    try:
        if not brace:
            return dict(zip(_COLUMNS, line.split(" "), strict=False))
        said = json.loads(brace + rest)
    except (ValueError, RecursionError):
        return None
    head = before.split()
    return {**said, "timestamp": head[1]} if len(head) == 2 else said


def _add(said: Any, line: str, captures: list[Capture], unread: list[str]) -> None:
    try:
        captures.append(_capture(said))
    except (ValueError, KeyError, AttributeError):
        unread.append(line[:200])


def _capture(said: Any) -> Capture:
    """Raises ValueError, KeyError or AttributeError for what is no line of an index."""
    row = {_NAMES.get(name, name): "" if value is None or value == "-" else str(value) for name, value in said.items()}
    if not re.match(r"https?://", row["original"], re.IGNORECASE):
        raise ValueError("no web address")
    return Capture(
        moment(row["timestamp"]),
        row["original"],
        row.get("mimetype", "").partition(";")[0].strip().lower(),
        row.get("statuscode", ""),
        row.get("digest", ""),
    )


def unread_in_words(unread: list[str]) -> Iterator[str]:
    """What to say of lines that can't be read."""
    if unread:
        yield f"lines of the index that can't be read were left out, the first: {unread[0][:100]!r}"
