"""A saved chart says by itself what it is: title, key, monitor, when it was made, and what it holds for. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from lxml import etree

from pipeline.review.charts import COLOURS, FONT, LEFT

KEY = (
    "Filled marks on a solid line: corrected by random codings, bar: 95% interval. "
    "Hollow marks on a dashed line: the model alone, uncorrected."
)
ONLY_THESE = "Conclusions hold for the sources of this monitor, which are no sample of something larger."
HEAD, LINE = 52, 18
"""Pixels above the chart, and of a line beneath it."""
_SVG = "http://www.w3.org/2000/svg"
_MARKS = {"title", "desc"}


def _text(root: etree._Element, words: str, y: float, *, size: int, bold: bool = False) -> None:
    written = etree.SubElement(root, f"{{{_SVG}}}text", x=str(LEFT), y=str(y), fill=COLOURS["ink"])
    written.set("font-family", FONT)
    written.set("font-size", f"{size}px")
    if bold:
        written.set("font-weight", "600")
    written.text = words


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
