"""The kinds of values that fields of a monitor hold; each says how to mend what it refuses."""

from __future__ import annotations

import re
from datetime import date
from typing import Annotated, Any, Literal

import soupsieve
from croniter import croniter
from pydantic import AfterValidator, BaseModel, ConfigDict, HttpUrl

Period = Literal["week", "month", "quarter", "year"]
Day = date
"""A day; an event's field `date` hides the class of that name."""
PERIODS: tuple[Period, ...] = ("week", "month", "quarter", "year")


def _identifier(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,59}", value):
        raise ValueError("write it with small letters, digits, - and _ only (it becomes part of DAG names)")
    return value


def _selector(value: str) -> str:
    try:
        soupsieve.compile(value)
    except soupsieve.SelectorSyntaxError as error:
        raise ValueError(f"not a CSS selector ({str(error).splitlines()[0]}); test it in a browser's console") from None
    return value


def _pattern(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(f"not a regular expression ({error}); escape dots and brackets with a backslash") from None
    return value


def _schedule(value: str | None) -> str | None:
    if value is not None and not croniter.is_valid(value):
        raise ValueError("not a schedule; write @hourly, @daily, @weekly or five cron fields such as '30 6 * * *'")
    return value


def _language(value: str) -> str:
    if not re.fullmatch(r"[a-z]{2,3}(-[A-Za-z0-9]+)*", value):
        raise ValueError("is no language code; write two or three letters, such as en, ar, fa or ps")
    return value


def _without_credentials(value: HttpUrl) -> HttpUrl:
    if value.username or value.password:
        raise ValueError("holds a user name or password; only public pages are collected, remove it")
    return value


_NO_WORDS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""control characters, halves of pairs and what is no character: no chart can be drawn with them"""


def _words(value: str) -> str:
    if found := _NO_WORDS.search(value):
        raise ValueError(
            f"holds the control character U+{ord(found[0]):04X} at place {found.start() + 1}, which no page or chart "
            "can show; take it out"
        )
    return value


def no_repeats(value: list[Any]) -> list[Any]:
    for i, one in enumerate(value):
        if one in value[:i]:
            raise ValueError(f"{one!r} stands twice; remove one")
    return value


def _host_port(value: str) -> str:
    if not re.fullmatch(r"(\[[0-9a-fA-F:]+\]|[A-Za-z0-9.-]+):\d{1,5}", value) or int(value.rpartition(":")[2]) > 65535:
        raise ValueError("write exactly host:port, for example 127.0.0.1:8471 (no scheme, no path, no wildcard)")
    return value


Identifier = Annotated[str, AfterValidator(_identifier)]
Selector = Annotated[str, AfterValidator(_selector)]
Pattern = Annotated[str, AfterValidator(_pattern)]
HostPort = Annotated[str, AfterValidator(_host_port)]
Language = Annotated[str, AfterValidator(_language)]
Address = Annotated[HttpUrl, AfterValidator(_without_credentials)]
Words = Annotated[str, AfterValidator(_words)]
"""What people read: line breaks and tabs are allowed, other control characters are not."""
Schedule = Annotated[str | None, AfterValidator(_schedule)]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)
