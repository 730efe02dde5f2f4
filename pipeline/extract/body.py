"""The main text of a page: trafilatura's reading, without what readers wrote below it."""

from __future__ import annotations

from copy import copy

from bs4 import BeautifulSoup, Tag
from lxml import html
from trafilatura import extract

from pipeline.extract.document import ExtractError

_BLOCKS = [
    "address",
    "article",
    "aside",
    "blockquote",
    "dd",
    "div",
    "dl",
    "dt",
    "figcaption",
    "footer",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "li",
    "main",
    "ol",
    "p",
    "pre",
    "section",
    "table",
    "tr",
    "ul",
]


def block_text(element: Tag) -> str:
    """The element's text, one line per block. Changes the element."""
    for useless in element(["script", "style", "noscript", "form", "template"]):
        useless.decompose()
    for end in element("br"):
        end.replace_with("\n")
    for block in element(_BLOCKS):
        block.insert(0, "\n")
        block.append("\n")
    return element.get_text()


def main_text(tree: html.HtmlElement, *, address: str, soup: BeautifulSoup | None, selector: str | None) -> str:
    """The page's main text without readers' comments, paragraphs by line. The tree is left as it was.

    ``selector`` wins over trafilatura when it matches anything in ``soup``. Raises ExtractError when nothing is found.
    """
    if selector and soup and (chosen := soup.select(selector)):
        return "\n".join(block_text(copy(element)) for element in chosen)
    text = extract(copy(tree), url=address, include_comments=False, deduplicate=False)
    if not text:
        raise ExtractError("no text: no main text found in the page")
    return str(text)
