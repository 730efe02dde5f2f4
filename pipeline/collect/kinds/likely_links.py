"""The links of a page that are most likely its list of texts, as a selector. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

from bs4 import BeautifulSoup, Tag

from pipeline.collect.kinds.listing_page import reference, written_in

FEWEST = 3
"""links that make a list"""
SHORT_TITLE = 15
"""characters; a shorter link is more likely a section's or a button's"""
_NEVER = {"nav", "footer", "aside", "form"}
_NAME = re.compile(r"[A-Za-z_][\w-]*")
_UP = 3
"""elements around a link of which a selector may be made"""


@dataclass(frozen=True)
class Likely:
    """A selector, and what it finds."""

    selector: str
    links: int


def _parts(element: Tag) -> list[str]:
    """Ways to name an element in a selector: by each of its classes that can be written plainly, and by its tag."""
    classes = [str(name) for name in element.get_attribute_list("class") if name]
    return [f"{element.name}.{name}" for name in classes if _NAME.fullmatch(name)] + [element.name]


def likely_links(soup: BeautifulSoup, address: str) -> Likely | None:
    """The selector whose links look most like titles of texts on the same site; None where no list stands out.

    Every way to name one of the elements around a link is a candidate. A candidate's worth is the number of its
    different links, each weighed by how much of a title its words are; links of navigation count against it.
    """
    host = urlsplit(address).hostname
    titles: dict[str, dict[str, float]] = defaultdict(dict)
    others: dict[str, int] = defaultdict(int)
    for link in soup.find_all("a"):
        target = reference(link)
        joined = urljoin(address, target) if target else ""
        words = written_in(link)
        is_title = (
            urlsplit(joined).hostname == host
            and joined.partition("#")[0] != address
            and len(words) >= SHORT_TITLE
            and not any(parent.name in _NEVER for parent in link.parents)
        )
        above = [
            parent for parent in link.parents if isinstance(parent, Tag) and parent.name not in ("[document]", "html")
        ]
        for parent in above[:_UP]:
            for part in _parts(parent):
                if is_title:
                    titles[f"{part} a"][joined] = min(1.0, len(words) / 40)
                else:
                    others[f"{part} a"] += 1
    ranked = sorted(
        ((sum(found.values()) - 0.5 * others[css], -len(css), css) for css, found in titles.items()), reverse=True
    )
    for worth, _, css in ranked:
        if len(titles[css]) >= FEWEST and worth > 0:
            return Likely(css, len(titles[css]))
    return None
