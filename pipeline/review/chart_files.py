"""A saved chart says by itself what it is: title, key, events, monitor, when it was made, what it holds for. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from unicodedata import east_asian_width

from lxml import etree

from pipeline.review.charts import COLOURS, FONT, LEFT, Mark

KEY = (
    "Filled marks on a solid line: corrected by random codings, bar: 95% interval. "
    "Hollow marks on a dashed line: the model alone, uncorrected."
)
SMOOTHED_KEY = (
    "Line and dashes: smoothed, for the eye, in no state, alarm or published figure. "
    "Bar: 95% interval that leans to its neighbours. Small mark: corrected gap."
)
ONLY_THESE = "Conclusions hold for the sources of this monitor, which are no sample of something larger."
HEAD, LINE = 52, 18
"""Pixels above the chart, and of a line beneath it."""
MOST_EVENTS = 40
"""events that are listed beneath a chart: a picture of many hundreds would not fit into memory"""
LETTERS = 140
"""of a line beneath the chart; letters that are twice as wide (Chinese, Japanese, Korean) count twice"""
EVENT_LINES = 2
"""an event gets at most so many lines, and is cut after them"""
_SVG = "http://www.w3.org/2000/svg"
_MARKS = {"title", "desc"}


def _text(root: etree._Element, words: str, y: float, *, size: int, bold: bool = False) -> None:
    written = etree.SubElement(root, f"{{{_SVG}}}text", x=str(LEFT), y=str(y), fill=COLOURS["ink"])
    written.set("font-family", FONT)
    written.set("font-size", f"{size}px")
    if bold:
        written.set("font-weight", "600")
    written.text = words


def event_lines(events: Sequence[Mark]) -> list[str]:
    """What the numbers in a chart mean: number, day and words of each of its events, in lines that fit beneath it.

    events: those that are drawn, in the order of time; of very many the newest.
    """
    shown = events[-MOST_EVENTS:]
    lines = []
    for one in shown:
        words = f"{one.number}\u2002{one.said}"
        letters = LETTERS // 2 if any(east_asian_width(letter) in "WF" for letter in words) else LETTERS
        # drawings run spaces together, so the indent is made of wider ones
        lines += wrap(words, letters, max_lines=EVENT_LINES, placeholder=" …", subsequent_indent="\u2003\u2002")
    if len(shown) < len(events):
        lines.insert(0, f"{len(events) - len(shown)} earlier events are listed on the dyad's page.")
    return ["Events", *lines] if lines else []


def with_words(svg: str, *, title: str, key: str, foot: Sequence[str]) -> str:
    """The drawing of a file with its title and key above it and the lines of ``foot`` beneath it.

    svg: as :func:`pipeline.review.charts.render` makes it for a file, with a viewBox that begins at 0, 0.
    """
    root = etree.fromstring(svg.encode(), etree.XMLParser(resolve_entities=False, no_network=True))
    _, _, width, height = (float(part) for part in root.get("viewBox", "").split())
    whole = height + HEAD + LINE * len(foot) + 8
    moved = etree.Element(f"{{{_SVG}}}g", transform=f"translate(0,{HEAD})")
    ground = etree.Element(f"{{{_SVG}}}rect", width="100%", height="100%", fill="#ffffff")
    for child in list(root):
        if etree.QName(child).localname not in _MARKS:
            moved.append(child)
    root.extend([ground, moved])
    _text(root, title, 22, size=16, bold=True)
    _text(root, key, 42, size=12)
    for number, words in enumerate(foot, start=1):
        _text(root, words, HEAD + height + LINE * number - 4, size=12)
    root.set("viewBox", f"0 0 {width:g} {whole:g}")
    root.set("width", f"{width:g}")
    root.set("height", f"{whole:g}")
    etree.cleanup_namespaces(root)
    made: str = etree.tostring(root, encoding="unicode")
    return made
