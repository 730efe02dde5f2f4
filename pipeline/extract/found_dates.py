"""Where a page says when it was published: JSON-LD, meta elements, its address, its heading, its text."""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from copy import copy
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from bs4 import BeautifulSoup
from htmldate import find_date
from lxml import html

from pipeline.extract.byline import beside_heading
from pipeline.extract.dates import candidate
from pipeline.extract.document import ExtractionRules
from pipeline.extract.written import reader_of

# Names of meta elements that hold the day of publication (Open Graph, Dublin Core, schema.org, common templates).
_META = (
    "article:published_time", "article:published", "article:published_date", "article:post_date", "og:published_time",
    "og:article:published_time", "og:pubdate", "og:publish_date", "datepublished", "date_published", "publish_date",
    "publishdate", "publish-date", "published_date", "pubdate", "publication_date", "publicationdate",
    "parsely-pub-date", "sailthru.date", "cxenseparse:recs:publishtime", "citation_publication_date", "citation_date",
    "dc.date.issued", "dcterms.issued", "dc.date.created", "dcterms.created", "dc.created", "dc.date", "dcterms.date",
    "dc:date", "date", "displaydate", "article.published", "article_date_original", "release_date",
)  # fmt: skip
_NO_TEXT_TYPES = re.compile(r"comment|review|person|organization|event|image|video|audio|list|breadcrumb", re.I)
_JSON_FIELD = re.compile(r'"datePublished"\s*:\s*"([^"\n]{4,60})"')
_DEEPEST = 8
_URL_DAY = re.compile(r"(?:^|[/_.-])((?:19|20)\d\d)([/_.-]?)(0?[1-9]|1[0-2])\2(0?[1-9]|[12]\d|3[01])(?=$|[/_.-])")


def dates_in(
    tree: html.HtmlElement, *, address: str, soup: BeautifulSoup | None, rules: ExtractionRules, now: datetime
) -> list[tuple[str, str]]:
    """(origin, value as written) of every date the page gives for itself.

    htmldate searches the whole visible page only where nothing else gives a date that can be accepted.
    """
    found: list[tuple[str, str]] = []
    if rules.date_selector and soup and (chosen := soup.select_one(rules.date_selector)):
        found.append(("selector", str(chosen.get("datetime") or chosen.get("content") or chosen.get_text(" "))))
    found += [("json-ld", value) for value in _in_json(tree)]
    found += [("meta", value) for value in _in_meta(tree)]
    if (day := day_in_address(address)) is not None:
        found.append(("url", day))
    if (day := beside_heading(tree)) is not None:
        found.append(("text", day))
    # the search over the whole page is the slowest reader and the likeliest to find another text's date
    read = reader_of(rules)
    if not any(candidate(*one, now=now, earliest=rules.earliest, read=read).accepted for one in found):
        day = _in_text(tree, rules, now)
        if day is not None:
            found.append(("text", day))
    return found


def _in_json(tree: html.HtmlElement) -> Iterator[str]:
    """``datePublished`` of the texts in JSON-LD; of comments, people and lists beside them it is not asked."""
    for script in tree.iter("script"):
        if not is_json_ld(script):
            continue
        try:
            # strict=False: raw line breaks inside strings are common
            data = json.loads((script.text or "").strip().rstrip(";"), strict=False)
        except (ValueError, RecursionError):
            # a comma or a quotation mark too many is common too
            if found := _JSON_FIELD.search(script.text or ""):
                yield found[1]
            continue
        yield from _published(data, 0)


def is_json_ld(script: html.HtmlElement) -> bool:
    """Whether an element holds data for machines about the page (schema.org)."""
    return (
        script.tag == "script" and (script.get("type") or "").partition(";")[0].strip().lower() == "application/ld+json"
    )


def _published(data: Any, depth: int) -> Iterator[str]:
    if depth > _DEEPEST:
        return
    if isinstance(data, list):
        for one in data:
            yield from _published(one, depth + 1)
    elif isinstance(data, dict) and not _NO_TEXT_TYPES.search(str(data.get("@type", ""))):
        for name in ("datePublished", "dateCreated", "uploadDate"):
            if isinstance(data.get(name), str):
                yield data[name]
                break
        for name in ("@graph", "mainEntity", "mainEntityOfPage"):
            if name in data:
                yield from _published(data[name], depth + 1)


def _in_meta(tree: html.HtmlElement) -> list[str]:
    """Values of known meta elements, the surest name first."""
    found: list[tuple[int, str]] = []
    for meta in tree.iter("meta"):
        for attribute in ("property", "name", "itemprop", "http-equiv"):
            name = (meta.get(attribute) or "").strip().lower()
            if name in _META and (meta.get("content") or "").strip():
                found.append((_META.index(name), meta.get("content")))
                break
    return [value for _, value in sorted(found, key=lambda one: one[0])]


def day_in_address(address: str) -> str | None:
    """A full day in the path of an address (/2009/09/19/, 2009-09-19, 20090919); null when there is none."""
    path = re.sub(r"^[a-z]+://[^/]*", "", address).partition("?")[0]
    for year, gap, month, day in _URL_DAY.findall(path):
        if gap or len(month + day) == 4:
            return f"{year}-{int(month):02d}-{int(day):02d}"
    return None


def _in_text(tree: html.HtmlElement, rules: ExtractionRules, now: datetime) -> str | None:
    """htmldate's reading of the visible page: time elements, bylines, dates in words. Null when it finds none.

    It is given the page without what says dates to machines: these have origins of their own.
    """
    visible = copy(tree)
    for element in list(visible.iter("meta", "link", "script")):
        if element.tag != "script" or is_json_ld(element):
            element.drop_tree()
    read = partial(
        find_date,
        visible,
        original_date=True,
        url="",
        # htmldate takes no open bound
        min_date=max(rules.earliest or date(1990, 1, 1), date(1900, 1, 1)).isoformat(),
        max_date=(now + timedelta(days=1)).date().isoformat(),
    )
    try:
        with warnings.catch_warnings():
            # its date parser warns of unknown names of time zones
            warnings.simplefilter("ignore")
            if found := read(extensive_search=False):
                return str(found)
            guess = read(extensive_search=True)
    except Exception as error:  # a reader of wild pages; what it trips over must not cost us the text
        return f"htmldate failed: {type(error).__name__}"
    # where it saw but a year, it says the first of January; a year alone is no date of a text
    return str(guess).removesuffix("-01-01") if guess else None
