"""The main text of a page: trafilatura's reading, without what readers wrote below it."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy

from bs4 import BeautifulSoup
from lxml import etree, html
from trafilatura import extract

from pipeline.extract.comments import without_comments
from pipeline.extract.document import ExtractError
from pipeline.extract.text import CONTROLS, clean_line, normalised

# A new line begins and ends with each of these.
_BLOCKS = frozenset({
    "address", "article", "aside", "blockquote", "br", "dd", "div", "dl", "dt", "figcaption", "footer", "h1", "h2",
    "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "ol", "p", "pre", "section", "table", "tr", "ul",
})  # fmt: skip
_STAND_IN = {0x200C: "\U0001b170", 0x200D: "\U0001b171"}  # letters of Nushu
_JOINER = {ord(letter): chr(joiner) for joiner, letter in _STAND_IN.items()}
_JOINED = etree.XPath("boolean(//text()[contains(., '\u200c') or contains(., '\u200d')])")
_NO_TEXT = ("script", "style", "noscript", "template", "form", "button")


def block_text(element: html.HtmlElement) -> str:
    """The element's text, a line for each block. Changes the element."""
    for useless in list(element.iter(*_NO_TEXT)):
        if useless is not element:
            useless.drop_tree()
    for block in list(element.iter()):
        if block.tag in _BLOCKS:
            block.text = "\n" + (block.text or "")
            block.tail = "\n" + (block.tail or "")
    lines = (" ".join(line.split()) for line in element.text_content().splitlines())
    return "\n".join(filter(None, lines))


def _chosen_text(soup: BeautifulSoup, selector: str) -> str:
    """Text of the elements a CSS selector matches, without comments."""
    parts = []
    taken: set[int] = set()  # by identity: elements compare by their content
    for element in soup.select(selector):
        if not any(id(parent) in taken for parent in element.parents):
            parts.append(element)
            taken.add(id(element))
    texts = []
    for part in parts:
        tree = html.fragment_fromstring(CONTROLS.sub("", str(part)), create_parent="div")
        without_comments(tree)
        texts.append(block_text(tree))
    return "\n".join(texts)


def _without_title(text: str, tree: html.HtmlElement) -> str:
    """The text without a first line that only repeats the page's heading: the title is stored beside it."""
    first, _, rest = text.partition("\n")
    if not rest.strip():
        return text
    headings = [h.text_content() for h in tree.iter("h1", "title")]
    headings += [m.get("content") or "" for m in tree.iter("meta") if m.get("property") == "og:title"]
    same = {normalised(line) for heading in headings if (line := clean_line(heading))}
    return rest if normalised(first) in same else text


def _with_joiners_kept(tree: html.HtmlElement, read: Callable[[html.HtmlElement], str | None]) -> str | None:
    """What a reader makes of a tree, with the joiners that it would take for control characters (U+200C, U+200D).

    They are the spelling of Persian, Pashto and Urdu; on the way two letters stand for them that no living text has.
    """
    if not _JOINED(tree):
        return read(tree)
    page = copy(tree)
    for element in page.iter():
        if element.text:
            element.text = element.text.translate(_STAND_IN)
        if element.tail:
            element.tail = element.tail.translate(_STAND_IN)
    found = read(page)
    return found.translate(_JOINER) if found else None


def main_text(tree: html.HtmlElement, *, address: str, soup: BeautifulSoup | None, selector: str | None) -> str:
    """The page's main text, paragraphs by line, of a tree whose comments are out. The tree is left as it was.

    ``selector`` wins over trafilatura where it matches any text in ``soup``. Raises ExtractError when nothing is found.
    """
    if selector and soup:
        chosen = _chosen_text(soup, selector)
        if chosen.strip():
            return chosen
    try:
        # fast: without the second and third reader, which add more boilerplate than text (benchmarks/extraction.py)
        text = _with_joiners_kept(tree, lambda page: extract(page, url=address, fast=True, include_comments=False))
    except Exception as error:  # a reader of wild pages; the bytes are in the archive, the reason goes beside them
        raise ExtractError(f"no text: trafilatura failed on the page ({type(error).__name__})") from error
    if not text:
        raise ExtractError("no text: no main text found in the page")
    return _without_title(str(text), tree)
