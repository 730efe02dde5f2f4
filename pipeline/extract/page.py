"""A page's bytes to the document that is stored: text, title, language, dates. The tree is parsed once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from bs4 import BeautifulSoup
from lxml import etree, html

from pipeline.extract import dates, language
from pipeline.extract.address import canonical
from pipeline.extract.body import main_text
from pipeline.extract.comments import without_comments
from pipeline.extract.decode import decode
from pipeline.extract.document import DateCandidate, Extracted, ExtractError, ExtractionRules
from pipeline.extract.found_dates import dates_in, is_json_ld
from pipeline.extract.memento import original_of
from pipeline.extract.text import clean, clean_line, clean_title, digest
from pipeline.extract.written import reader_of

__all__ = ["DateCandidate", "ExtractError", "Extracted", "ExtractionRules", "extract_page", "extract_text"]

# Control characters written as references; trafilatura gives up on a page that holds one.
_CONTROL_REFERENCE = re.compile(
    r"&#(?:0*(?:[0-8]|1[124-9]|2\d|3[01])|[xX]0*(?:[0-8bcefBCEF]|1[0-9a-fA-F]))(?:;|(?!\w))"
)
_NO_PAGE = bytes([*range(9), 11, 12, *range(14, 32), 127])
"""Control characters below 128: no tree takes them. Those above are cut from the text (``clean``)."""
_CROWDED = etree.XPath("//*[count(@*) > 500]")
"""No page needs so many attributes, and readers take time that grows with their square."""
_BARE = frozenset({"html", "head", "body", "p"})
"""Elements that the parser makes of words without mark-up."""
_UNREAD = (
    "script", "style", "link", "svg", "iframe", "object", "embed", "canvas", "audio", "video", "map", "select",
    "datalist", "input", "textarea", "button", "noscript", "template", "nav", "aside", "footer", "menu", "dialog",
    "img", "picture", "source", "label",
)  # fmt: skip
_NO_RULES = ExtractionRules()


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _parser() -> html.HTMLParser:
    parser = html.HTMLParser(encoding="utf-8", collect_ids=False, remove_comments=True, remove_pis=True)
    # one class for every element: lxml.html's own choice by name is Python code, run at every touch of an element
    parser.set_element_class_lookup(etree.ElementDefaultClassLookup(element=html.HtmlElement))
    return parser


def _parse(text: str) -> html.HtmlElement:
    """The tree; ExtractError when there is no mark-up in it."""
    head = text[:2000].lstrip().lower()
    for sign, name in (
        ("<rss", "a feed"),
        ("<feed", "a feed"),
        ("<urlset", "a sitemap"),
        ("<sitemapindex", "a sitemap"),
    ):
        if sign in head and "<html" not in head:
            raise ExtractError(f"not a page: the body is {name}")
    if head[:1] in {"{", "["} and _is_json(text):
        raise ExtractError("not a page: the body is JSON")
    try:
        # as bytes, since lxml refuses text that declares an encoding
        tree = html.document_fromstring(
            _CONTROL_REFERENCE.sub("", text).encode("utf-8", "replace").translate(None, _NO_PAGE), parser=_parser()
        )
    except (etree.ParserError, etree.XMLSyntaxError, ValueError) as error:
        raise ExtractError("not a page: no mark-up in it") from error
    marked = any(element.tag not in _BARE for element in tree.iter(etree.Element))
    if not marked and "<p" not in text.lower() and "<html" not in text.lower():
        raise ExtractError("not a page: no mark-up in it")
    for element in _CROWDED(tree):
        element.attrib.clear()
    return tree


def _title(
    tree: html.HtmlElement, soup: BeautifulSoup | None, rules: ExtractionRules, hints: Mapping[str, Any]
) -> str | None:
    """Selector, og:title, the feed's title, the only h1, the title element without the site's name."""
    if rules.title_selector and soup and (chosen := soup.select_one(rules.title_selector)):
        return clean_title(str(chosen.get("content") or chosen.get_text(" ")))
    for meta in tree.iter("meta"):
        if (meta.get("property") or meta.get("name") or "").lower() == "og:title" and clean_title(meta.get("content")):
            return clean_title(meta.get("content"))
    if clean_title(_words(hints.get("title"))):
        return clean_title(_words(hints.get("title")))
    headings = [heading for h in tree.iter("h1") if (heading := clean_title(h.text_content()))]
    if len(headings) == 1:
        return headings[0]
    return next((title for t in tree.iter("title") if (title := clean_title(t.text_content()))), None)


def _drop_unread(tree: html.HtmlElement) -> None:
    """Take out what no reader of texts looks at, so that each of its many searches is short."""
    for element in list(tree.iter(*_UNREAD)):
        # trafilatura takes an articleBody from JSON-LD where the page itself shows none
        if not is_json_ld(element) and element.getparent() is not None:
            element.drop_tree()


def _words(value: object) -> str:
    return value if isinstance(value, str) else ""


def _hinted_dates(hints: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for one in hints.get("dates") or []:
        if isinstance(one, Mapping) and one.get("value"):
            yield str(one.get("origin") or "feed"), str(one["value"])


def _unmatched(soup: BeautifulSoup | None, rules: ExtractionRules) -> tuple[str, ...]:
    """The rules' selectors that find nothing in the page, by their names in the monitor."""
    if soup is None:
        return ()
    names = ("text_selector", "title_selector", "date_selector")
    return tuple(name for name in names if (css := getattr(rules, name)) and soup.select_one(css) is None)


def _made(
    text: str,
    *,
    address: str,
    title: str | None,
    found: list[tuple[str, str]],
    declared: list[str | None],
    rules: ExtractionRules,
    now: datetime,
    encoding: str | None,
    unmatched: tuple[str, ...] = (),
) -> Extracted:
    if not any(character.isalpha() for character in text):
        raise ExtractError("no text: no words found in it")
    judged = [
        dates.candidate(origin, cleaned, now=now, earliest=rules.earliest, read=reader_of(rules))
        for origin, value in found
        if (cleaned := clean_line(value))
    ]
    used, all_dates = dates.choose_date(judged)
    given = language.code(rules.language)
    spoken, confidence = (given, None) if given else language.identify(text, declared)
    return Extracted(
        address=address,
        title=title,
        text=text,
        text_digest=digest(text),
        language=spoken,
        language_confidence=confidence,
        published_at=used.date if used else None,
        published_origin=used.origin if used else None,
        dates=all_dates,
        encoding=encoding,
        unmatched=unmatched,
    )


def extract_page(
    body: bytes,
    *,
    address: str,
    content_type: str | None = None,
    hints: Mapping[str, Any] | None = None,
    rules: ExtractionRules = _NO_RULES,
    now: datetime,
) -> Extracted:
    """What would be stored of an HTML page.

    ``address``: where it was fetched, and so the document's; ``content_type``: HTTP's, with its charset;
    ``hints``: what the place of discovery said; ``now``: aware time of the fetch. Raises ExtractError when no
    document can be made of it.
    """
    hints = hints or {}
    text, encoding = decode(body, content_type)
    tree = _parse(text)
    # soupsieve reads selectors on its own tree; only sources that have selectors pay for it. It is made of ours,
    # nowhere deeper than 255 elements: searching deeper ones takes time that grows with their square
    selected = rules.text_selector or rules.date_selector or rules.title_selector
    soup = BeautifulSoup(html.tostring(tree, encoding="unicode"), "lxml") if selected else None
    without_comments(tree)
    # not the page's <link rel="canonical">: some templates give every text of a site the same
    place = canonical(address)
    # a capture in a web archive: the page's own address says when it was published, the archive's does not
    page = original_of(place)
    found = [*dates_in(tree, address=page, soup=soup, rules=rules, now=now), *_hinted_dates(hints)]
    _drop_unread(tree)
    return _made(
        clean(main_text(tree, address=page, soup=soup, selector=rules.text_selector)),
        address=place,
        title=_title(tree, soup, rules, hints),
        found=found,
        declared=[
            tree.get("lang") or tree.get("{http://www.w3.org/XML/1998/namespace}lang"),
            _words(hints.get("language")),
        ],
        rules=rules,
        now=now,
        encoding=encoding,
        unmatched=_unmatched(soup, rules),
    )


def extract_text(
    text: str,
    *,
    address: str,
    title: str | None = None,
    hints: Mapping[str, Any] | None = None,
    rules: ExtractionRules = _NO_RULES,
    now: datetime,
) -> Extracted:
    """What would be stored of a table row or feed entry that is text already (no mark-up).

    ``address`` is canonicalised when it is a web address, else kept (a row of a table has none of its own).
    Raises ExtractError when it holds no words.
    """
    hints = hints or {}
    try:
        place = canonical(address)
    except ValueError:
        place = clean_line(address) or ""
    return _made(
        clean(text),
        address=place,
        title=clean_title(title) or clean_title(_words(hints.get("title"))),
        found=list(_hinted_dates(hints)),
        declared=[_words(hints.get("language"))],
        rules=rules,
        now=now,
        encoding=None,
    )
