"""Where a page says when it was published: JSON-LD, meta elements, its address, its text."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from bs4 import BeautifulSoup
from htmldate import find_date
from lxml import html

from pipeline.extract.document import ExtractionRules


def dates_in(
    tree: html.HtmlElement, *, address: str, soup: BeautifulSoup | None, rules: ExtractionRules, now: datetime
) -> Iterator[tuple[str, str]]:
    """(origin, value as written) of every date the page gives for itself."""
    if rules.date_selector and soup and (chosen := soup.select_one(rules.date_selector)):
        yield "selector", str(chosen.get("datetime") or chosen.get("content") or chosen.get_text(" "))
    found = find_date(
        tree, original_date=True, min_date=str(rules.earliest or date(1900, 1, 1)), max_date=now + timedelta(days=1)
    )
    if found:
        yield "text", found
