"""What a selector that finds nothing may have meant."""

from __future__ import annotations

import re
from difflib import get_close_matches

import soupsieve
from bs4 import BeautifulSoup

_NAME = re.compile(r"([.#])([A-Za-z_][\w-]*)")
_COMBINATOR = re.compile(r"\s*[>+~]\s*|\s+")


def suggest(soup: BeautifulSoup, css: str) -> str:
    """How to mend a selector that finds nothing on a page, as far as the page tells."""
    said = []
    names = _names(soup)
    for sign, name in _NAME.findall(css):
        if name not in names[sign]:
            near = get_close_matches(name, sorted(names[sign]), n=3, cutoff=0.6)
            kind = "class" if sign == "." else "id"
            said.append(f"the page has no {kind} {name!r}" + (f"; near it: {', '.join(near)}" if near else ""))
    if (shorter := _shorter(soup, css)) is not None:
        part, count = shorter
        said.append(f"{part!r} alone finds {count:,}")
    return "; ".join(said) or "nothing like it is on the page; scripts may build it, which are not run"


def _names(soup: BeautifulSoup) -> dict[str, set[str]]:
    classes: set[str] = set()
    ids: set[str] = set()
    for element in soup.find_all(True):
        classes.update(map(str, element.get_attribute_list("class")))
        ids.update(str(name) for name in element.get_attribute_list("id") if name)
    return {".": classes, "#": ids}


def _shorter(soup: BeautifulSoup, css: str) -> tuple[str, int] | None:
    """The longest end of the selector that finds something, and how much."""
    for gap in _COMBINATOR.finditer(css):
        part = css[gap.end() :]
        try:
            found = soup.select(part)
        except soupsieve.SelectorSyntaxError:
            continue  # the gap lay inside brackets
        if found:
            return part, len(found)
    return None
