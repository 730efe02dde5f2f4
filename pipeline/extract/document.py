"""What is made of a page: the shapes that collecting, extracting and the store share. Light to import."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import date, datetime
from hashlib import sha256
from importlib.metadata import version

EXTRACTOR = f"3, trafilatura {version('trafilatura')}"
"""Which rules made a document; the first number is ours and moves with every change of what is stored."""


class ExtractError(ValueError):
    """No document can be made of these bytes; ``reason`` says why, in words. The bytes stay in the archive."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True)
class ExtractionRules:
    """What a source says of its own pages. CSS selectors win over what extraction finds by itself."""

    text_selector: str | None = None
    date_selector: str | None = None
    title_selector: str | None = None
    date_format: str | None = None
    """strptime format of the dates that selectors find"""
    date_languages: tuple[str, ...] = ()
    """languages in which they are written"""
    language: str | None = None
    """language code when the whole source has one"""
    earliest: date | None = None
    """a text dated before this day has a wrong date"""


def stamp(rules: ExtractionRules) -> str:
    """What a document made under these rules says of its making: the extractor and, where there are any, the rules.

    Another stamp than a document's own means that it would be made otherwise today. At most 40 characters.
    """
    given = {f.name: str(value) for f in fields(rules) if (value := getattr(rules, f.name)) != f.default}
    if not given:
        return EXTRACTOR[:40]
    return f"{EXTRACTOR[:24]}, rules {sha256(json.dumps(given, sort_keys=True).encode()).hexdigest()[:8]}"


@dataclass(frozen=True)
class DateCandidate:
    """One date found for a text, and what became of it."""

    origin: str
    """selector, json-ld, meta, feed, news, listing, table, url, text, sitemap, http or capture"""
    value: str
    """as it was found"""
    date: datetime | None
    """in UTC; null when ``value`` could not be read"""
    accepted: bool
    why: str


@dataclass(frozen=True)
class Extracted:
    """A text with all that is stored of it, before it has a place in the database."""

    address: str
    """canonical"""
    title: str | None
    text: str
    """main text, paragraphs by line, Unicode NFC"""
    text_digest: str
    """sha256 of the normalised text, hexadecimal"""
    language: str | None
    """ISO 639-1 where it has one"""
    language_confidence: float | None
    """probability in [0, 1]; null when the source says its language, or nothing could be told"""
    published_at: datetime | None
    """in UTC; null when there is no acceptable date"""
    published_origin: str | None
    dates: tuple[DateCandidate, ...]
    """every candidate, the one used first"""
    encoding: str | None
    """null for what came as text"""
    unmatched: tuple[str, ...] = ()
    """selectors of the source that found nothing in the page; what extraction found by itself stands in their place"""
