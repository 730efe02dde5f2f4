"""From what stands in a feed or page to an address of the frontier."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urljoin

from pipeline.extract.address import canonical
from pipeline.monitor import FeedSource, ListingSource, SitemapSource, WarcSource, WaybackSource

LinkSource = FeedSource | SitemapSource | ListingSource | WaybackSource | WarcSource


def resolve(base: str, link: str) -> str:
    """The canonical address of a link on a page. Raises ValueError."""
    return canonical(urljoin(base, link.strip()))


def wanted(address: str, source: LinkSource) -> bool:
    """Whether the source's include and exclude patterns let an address in."""
    if source.include is not None and not re.search(source.include, address):
        return False
    return source.exclude is None or not re.search(source.exclude, address)


def hints(
    *, title: str | None = None, language: str | None = None, dates: list[tuple[str, str]] | None = None, text: str = ""
) -> dict[str, Any]:
    """The hints of a frontier row, without what is empty. NUL is dropped: PostgreSQL can't store it."""
    made: dict[str, Any] = {}
    if title and title.strip():
        made["title"] = title.strip().replace("\x00", "")
    if language and language.strip():
        made["language"] = language.strip().replace("\x00", "")
    if dates:
        made["dates"] = [{"origin": origin, "value": value.replace("\x00", "")} for origin, value in dates]
    if text.strip():
        made["text"] = text.strip().replace("\x00", "")
    return made
