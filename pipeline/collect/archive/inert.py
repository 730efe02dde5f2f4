"""A stored response as it can be shown: nothing in it runs, nothing is loaded, no link leads anywhere; pure.

A page is made anew of the elements that carry text. What names another address (pictures, frames, links, forms, style
sheets, hints to look an address up beforehand) is not taken over, so that who reads the copy betrays nothing to the
site, not even by a click. The policy header that the copy is served with forbids the same again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import lxml.etree
import lxml.html
from markupsafe import escape

from pipeline.extract.decode import decode
from pipeline.extract.document import ExtractError

MOST_BYTES = 4_000_000
"""a larger response is not shown; it can be saved"""

_KEPT_NAMES = (
    "article section header footer main nav aside div p br hr h1 h2 h3 h4 h5 h6 blockquote pre ul ol li dl dt dd table "
    "caption thead tbody tfoot tr th td span em strong b i u s sub sup small code abbr cite q time figure figcaption "
    "address center font ruby rt rp bdo bdi"
)
_KEPT = frozenset(_KEPT_NAMES.split())
_GONE_NAMES = (
    "script style head iframe frame frameset object embed applet svg math template noscript noframes noembed link meta "
    "base title audio video source track canvas map area param portal xmp plaintext select textarea"
)
_GONE = frozenset(_GONE_NAMES.split())
"""taken out with all that is in them"""
_EMPTY = frozenset({"br", "hr"})
_DIRECTIONS = frozenset({"rtl", "ltr", "auto"})
_LANGUAGE = re.compile(r"[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*")
_SPAN = re.compile(r"[1-9]\d{0,2}")


@dataclass(frozen=True)
class Inert:
    """What can be shown of a response."""

    content: str
    media_type: str
    """text/html or text/plain"""
    encoding: str
    """that the response was in; ``content`` is text"""


class NotShown(ValueError):
    """The response can't be shown; says why."""


def inert(body: bytes, content_type: str | None) -> Inert:
    """The response so that it can be shown. Raises :class:`NotShown` for other kinds than pages and plain text."""
    if len(body) > MOST_BYTES:
        raise NotShown(f"it has {len(body):,} bytes; up to {MOST_BYTES:,} are shown")
    kind = (content_type or "").partition(";")[0].strip().lower()
    if kind not in {"", "text/html", "application/xhtml+xml", "text/plain"}:
        raise NotShown(f"it is no page and no plain text but {kind[:80]}")
    try:
        text, encoding = decode(body, content_type)
    except ExtractError as error:
        raise NotShown(str(error)) from error
    if kind == "text/plain" or (not kind and re.search(r"<(html|body|p|div)\b", text[:5000], re.I) is None):
        return Inert(text, "text/plain", encoding)
    return Inert(inert_page(text), "text/html", encoding)


def _attributes(element: lxml.html.HtmlElement) -> str:
    """Those that say how the text runs and how a table is built."""
    made = ""
    direction = (element.get("dir") or "").lower()
    if direction in _DIRECTIONS:
        made += f' dir="{direction}"'
    language = element.get("lang") or ""
    if _LANGUAGE.fullmatch(language):
        made += f' lang="{language}"'
    for name in ("colspan", "rowspan"):
        if _SPAN.fullmatch(element.get(name) or ""):
            made += f' {name}="{element.get(name)}"'
    return made


def inert_page(text: str) -> str:
    """A page made of the text-bearing elements of ``text``, all else taken out; a picture leaves its description."""
    # a null would end the parser's input, a lone surrogate can't be written
    readable = text.replace("\0", "\ufffd").encode("utf-8", "replace")
    parser = lxml.html.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True)
    try:
        root = lxml.html.document_fromstring(readable, parser=parser)
    except (lxml.etree.ParserError, lxml.etree.XMLSyntaxError, AssertionError):
        root = lxml.html.Element("html")
    title = root.findtext(".//title") or ""
    head = f'<head><meta charset="utf-8"><title>{escape(title)}</title></head>'
    made = [f"<!doctype html><html{_attributes(root)}>{head}<body>"]
    walk = lxml.etree.iterwalk(root, events=("start", "end"))
    gone = None
    for event, element in walk:
        name = element.tag if isinstance(element.tag, str) else ""
        if gone is not None and element is not gone:
            continue
        if event == "start":
            if name in _GONE or not name:
                gone = element
                walk.skip_subtree()
                continue
            if name in _KEPT:
                made.append(f"<{name}{_attributes(element)}>")
            elif name == "img" and (element.get("alt") or "").strip():
                made.append(f"[{escape(element.get('alt'))}]")
            made.append(str(escape(element.text or "")))
        else:
            if element is gone:
                gone = None
            elif name in _KEPT and name not in _EMPTY:
                made.append(f"</{name}>")
            if element is not root:
                made.append(str(escape(element.tail or "")))
    return "".join(made) + "</body></html>\n"
