"""Feeds of every format, made for tests, and ways to damage them."""

from __future__ import annotations

import json
import random
from xml.sax.saxutils import escape

FORMATS = ("rss091", "rss092", "rss20", "rdf", "atom03", "atom10", "cdf", "json")
WORDS = "the council of the valley speaks to all people of the hills and rivers"


def feed(format: str, count: int = 3, *, base: str = "http://a.example", title: str = "Letter {i}") -> str:
    """A feed of ``count`` entries ``base``/1, /2, ... of 5 October 2009 onwards."""
    entries = "".join(_entry(format, i, base, title.format(i=i)) for i in range(1, count + 1))
    if format == "json":
        items = json.loads(f"[{entries.rstrip(',')}]")
        return json.dumps({"version": "https://jsonfeed.org/version/1.1", "title": "Letters", "items": items})
    opening, closing = {
        "rss091": ('<rss version="0.91"><channel><title>Letters</title>', "</channel></rss>"),
        "rss092": ('<rss version="0.92"><channel><title>Letters</title>', "</channel></rss>"),
        "rss20": ('<rss version="2.0"><channel><title>Letters</title>', "</channel></rss>"),
        "rdf": (
            '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" '
            'xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Letters</title></channel>',
            "</rdf:RDF>",
        ),
        "atom03": ('<feed version="0.3" xmlns="http://purl.org/atom/ns#"><title>Letters</title>', "</feed>"),
        "atom10": ('<feed xmlns="http://www.w3.org/2005/Atom"><title>Letters</title>', "</feed>"),
        "cdf": (f'<CHANNEL HREF="{base}/"><TITLE>Letters</TITLE>', "</CHANNEL>"),
    }[format]
    return f'<?xml version="1.0" encoding="utf-8"?>\n{opening}{entries}{closing}'


def _entry(format: str, i: int, base: str, title: str) -> str:
    link, day, text = f"{base}/{i}", f"2009-10-{4 + i % 27:02d}", f"{WORDS} number {i}"
    if format == "json":
        date = f"{day}T08:00:00Z"
        item = {"id": str(i), "url": link, "title": title, "content_html": f"<p>{text}</p>", "date_published": date}
        return json.dumps(item) + ","
    title = escape(title)
    if format.startswith("atom"):
        when = f"<issued>{day}T08:00:00Z</issued>" if format == "atom03" else f"<published>{day}T08:00:00Z</published>"
        return (
            f'<entry><title>{title}</title><link rel="alternate" href="{link}"/><id>tag:a.example,2009:{i}</id>{when}'
            f'<content type="text/html" mode="escaped">&lt;p&gt;{text}&lt;/p&gt;</content></entry>'
        )
    if format == "cdf":
        return f'<ITEM HREF="{link}" LASTMOD="{day}T08:00"><TITLE>{title}</TITLE><ABSTRACT>{text}</ABSTRACT></ITEM>'
    date = f"<dc:date>{day}T08:00:00Z</dc:date>" if format == "rdf" else f"<pubDate>{day}T08:00:00Z</pubDate>"
    about = f' rdf:about="{link}"' if format == "rdf" else ""
    return (
        f"<item{about}><title>{title}</title><link>{link}</link>{date}"
        f"<description>&lt;p&gt;{text}&lt;/p&gt;</description></item>"
    )


_BAD_PIECES = (
    b"<", b">", b"&", b"&#x110000;", b"&#99999999999999999999;", b"&nosuch;", b"]]>", b"<![CDATA[", b"<!--", b"-->",
    b"<?", b"<!DOCTYPE x [<!ENTITY a \"b\">]>", b"\x00", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc3", b"</item>", b"<item>",
    b"</entry>", b'"', b"'", b"=", b"<a " * 50, b"<b>" * 300, b"</", b"xml:base='http://[::1'", b"<link>http://[</link>",
    b"{", b"}", b"[", b",", b"\\u0000", b"\\ud800", b"<![IF x]>", b"<!", b"encoding='utf-7'", b"\x1f\x8b",
)  # fmt: skip


def mutated(chance: random.Random) -> bytes:
    """A feed with something wrong: bytes changed, pieces put in, left out, doubled, cut off, in another encoding."""
    text = feed(
        chance.choice(FORMATS), chance.randint(0, 6), title=chance.choice(("Letter {i}", "رسالة {i}", "A &amp; {i}"))
    )
    body = bytearray(
        text.encode(chance.choice(("utf-8",) * 6 + ("utf-16", "utf-16-le", "utf-32", "cp1256")), "replace")
    )
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(body) + 1)
        match chance.randrange(7):
            case 0:
                body[at : at + 1] = bytes([chance.randrange(256)])
            case 1:
                body[at:at] = chance.choice(_BAD_PIECES)
            case 2:
                del body[at : at + chance.randint(1, 40)]
            case 3:
                body[at:at] = body[at : at + chance.randint(1, 200)]
            case 4:
                del body[at:]
            case 5:
                body[at:at] = bytes(chance.randrange(256) for _ in range(chance.randint(1, 20)))
            case _:
                end = at + chance.randint(1, 60)
                body[at:end] = body[at:end][::-1]
    return bytes(body)
