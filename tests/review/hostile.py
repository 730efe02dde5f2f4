"""Texts that would run in a browser if a page took them for more than text: 240, made by combining ways out and blows.

Each calls ``ran(number)``, which the tests' browser counts, or asks :data:`ELSEWHERE` for something.
"""

from __future__ import annotations

import html
from datetime import date, timedelta
from random import Random

ELSEWHERE = "http://127.0.0.1:9/elsewhere"
"""Nothing answers there; a request for it is seen all the same."""

WAYS_OUT = (
    "",
    '">',
    "'>",
    "`>",
    "</title></textarea></style>",
    "</script>",
    "--><!-- -->",
    "]]>",
    '" ',
    "' ",
)
"""Ends of what a payload may stand in: text, an attribute, a title, a script, a comment."""

BLOWS = (
    "<script>ran({n})</script>",
    "<ScRiPt src='data:text/javascript,ran({n})'></ScRiPt>",
    "<img src=x onerror=ran({n})>",
    f"<img src='{ELSEWHERE}?{{n}}'>",
    "<svg onload=ran({n})>",
    "<svg><script>ran({n})</script></svg>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=ran({n})>",
    "<iframe srcdoc='<script>parent.ran({n})</script>'></iframe>",
    f"<iframe src='{ELSEWHERE}?{{n}}'></iframe>",
    "<body onload=ran({n})>",
    "<details open ontoggle=ran({n})>x</details>",
    "<input autofocus onfocus=ran({n})>",
    "<a href='javascript:ran({n})'>text</a>",
    "<a href='java\tscript:ran({n})'>text</a>",
    "<form action='javascript:ran({n})'><button>text</button></form>",
    f"<style>@import '{ELSEWHERE}?{{n}}'; * {{{{ background: url('{ELSEWHERE}?{{n}}') }}}}</style>",
    f"<link rel=stylesheet href='{ELSEWHERE}?{{n}}'>",
    f"<meta http-equiv=refresh content='0;url={ELSEWHERE}?{{n}}'>",
    f"<base href='{ELSEWHERE}/'>",
    "onmouseover=ran({n}) style=position:fixed;inset:0 x=",
    "{{{{ ran({n}) }}}}{{% set x = ran({n}) %}}${{ran({n})}}#{{ran({n})}}",
    "&lt;script&gt;ran({n})&lt;/script&gt;",
    "\\u003cscript\\u003eran({n})\\u003c/script\\u003e",
    "\u202e<script\u200b>ran({n})</script>\ufeff\u2028ran({n})\u2029",
)

WORDS = (
    "assembly bread bridge cattle ferry fields flood gate guard harvest hill island lamp market meadow mill night oath "
    "orchard quay rain road sail school smoke stone tower valley winter wool"
)
"""what the texts speak of"""


def payloads() -> list[str]:
    """All of them; each names its own number."""
    made = []
    for way_out in WAYS_OUT:
        for blow in BLOWS:
            made.append(way_out + blow.format(n=len(made)))
    return made


def day_of(number: int, today: date) -> date:
    """When the text of a payload appears: within 70 weeks before today, every kind of payload in every half year."""
    return today - timedelta(days=3 + 2 * (7 * number % 240))


def speech(number: int, of: str) -> str:
    """What only this text of this source says, so that it is no copy of another."""
    return " and the ".join(Random(f"{of} {number}").choices(WORDS.split(), k=40))  # noqa: S311 (not for secrets)


def page(number: int, payload: str, day: date) -> str:
    """A page as its site serves it: the payload in its markup, as its text, and in what describes it."""
    said = html.escape(payload)
    sentence = f"The council of the valley has decided on what was asked for, and number {number} is heard."
    paragraphs = "".join(
        f"<p>{sentence} {said} So it was said for the {turn}. time at the assembly.</p>" for turn in range(4)
    )
    paragraphs += f"<p>It spoke of the {speech(number, 'page')}.</p>"
    return (
        f'<html lang="{said[:30]}"><head><title>{said}</title><meta name="author" content="{said}">'
        f'<meta property="article:published_time" content="{day}T08:00:00Z"></head>'
        f"<body><article><h1>{said}</h1>{paragraphs}</article>{payload}</body></html>"
    )


def feed(address: str, every: list[str]) -> str:
    """A feed whose entries carry the payloads in each field."""
    items = []
    for number, payload in enumerate(every):
        said = html.escape(html.escape(payload)) if number % 2 else html.escape(payload)
        items.append(
            f"<item><title>{said}</title><link>{address}/page/{number}</link><guid>{said}</guid><author>{said}</author>"
            f"<category>{said}</category><description>{said}</description></item>"
        )
    return f'<rss version="2.0"><channel><title>News</title>{"".join(items)}</channel></rss>'
