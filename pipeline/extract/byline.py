"""The date that stands beside a page's heading, as readers see it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lxml import etree, html

from pipeline.extract.dates import parse_date, western_digits
from pipeline.extract.text import clean_line, normalised

_NEAR = 16
"""pieces of text after the heading that are looked at"""
_LINE = 80
"""characters of a byline; a longer piece is text, and its dates are those of what it tells"""
_TEXT = 400
"""characters of text after which the place beside the heading is left"""
_FOLLOWING = etree.XPath(
    f"(following::text()[normalize-space() and not(parent::script or parent::style)])[position() <= {_NEAR}]"
)
_MONTH = r"[^\W\d]{2,14}(?:\s[^\W\d]{3,8})?\.?"
_YEAR = r"(?:1[3-9]|20)\d\d"
# A whole date in a line: year first; a month's name between day and year, or before them; day first with dots.
_DATES = (
    re.compile(rf"(?<!\d){_YEAR}([-/.])\d\d?\1\d\d?(?:[T ]\d\d?:\d\d(?::\d\d)?(?:Z|[+-]\d\d:?\d\d)?)?(?![-/.]?\d)"),
    re.compile(
        rf"(?<!\d)\d\d?(?:st|nd|rd|th|º|\.)?[\s-]+(?:de\s+|d[’'])?{_MONTH}(?:\s?/\s?{_MONTH})?[,،]?[\s-]+(?:de\s+)?{_YEAR}(?![-/.]?\d)"
    ),
    re.compile(rf"(?<!\w)[^\W\d]{{3,14}}\.?\s+\d\d?(?:st|nd|rd|th)?,?\s+{_YEAR}(?![-/.]?\d)"),
    re.compile(rf"(?<!\d)\d\d?\.\d\d?\.{_YEAR}(?![-/.]?\d)"),
)


def beside_heading(tree: html.HtmlElement) -> str | None:
    """The first full date in the short lines after the heading; null when there is none.

    The heading is the only h1, else the first h1, h2 or h3 that says what the page's title says. Lines before it
    are not read: sites print today's date there. Numbers whose order only the writer knows (03/04/2010) are not.
    """
    heading = _heading(tree)
    if heading is None:
        return None
    seen = 0
    for piece in _pieces_after(heading):
        if seen > _TEXT:
            return None
        if len(piece) > _LINE:
            seen += len(piece)
            continue
        for pattern in _DATES:
            if (found := pattern.search(western_digits(piece))) and parse_date(found[0]) is not None:
                return found[0]
    return None


def _heading(tree: html.HtmlElement) -> html.HtmlElement | None:
    first = list(tree.iter("h1"))
    if len(first) == 1:
        return first[0]
    titles = [normalised(t) for t in _titles(tree) if t]
    for heading in tree.iter("h1", "h2", "h3"):
        words = normalised(clean_line(heading.text_content()) or "")
        if len(words) > 10 and any(title.startswith(words) for title in titles):
            return heading
    return None


def _titles(tree: html.HtmlElement) -> Iterator[str | None]:
    for meta in tree.iter("meta"):
        if meta.get("property") == "og:title":
            yield clean_line(meta.get("content"))
    for title in tree.iter("title"):
        yield clean_line(title.text_content())


def _pieces_after(heading: html.HtmlElement) -> Iterator[str]:
    """Texts after an element in the order of the page; of a ``time`` element what it says to machines."""
    for piece in _FOLLOWING(heading):
        parent = piece.getparent()
        if parent is not None and parent.tag == "time" and piece.is_text and parent.get("datetime"):
            yield parent.get("datetime")
        else:
            yield " ".join(piece.split())
