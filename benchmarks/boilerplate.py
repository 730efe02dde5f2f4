"""Does it pay to learn the lines that a site repeats on its pages, and to leave them out?

    python -m benchmarks.boilerplate

Learnt are lines that a fifth of a source's texts carry. On the pages of the demo, whose texts are known, as they are
served; with a subscription line and an author's box put behind each text; and with a closing formula of the group's
own behind each text, which belongs to the text. F1 as in benchmarks.extraction. Why collecting does not do this stands
in docs/extraction.md; the floors hold the two figures that it rests on.
"""

from __future__ import annotations

import hashlib
import html
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from benchmarks.extraction import f1, page_scores
from pipeline.demo.sites import SitePages
from pipeline.demo.world import SITES, Post, load_comments, load_posts, load_truth
from pipeline.extract.page import ExtractError, extract_page
from pipeline.extract.text import normalised

PLACE = "http://127.0.0.1:9"
NOW = datetime(2030, 1, 1, tzinfo=UTC)
SERVED_CHANGE = 0.005
"""F1 on pages as they are served moves by less: there is nothing to gain"""
FORMULA_LOSS = 0.005
"""recall falls by at least this where a group closes its texts with the same words: they are taken for the site's"""
SHARE = 0.2
"""of a source's texts that carry a line before it is taken for the site's"""
LEAST = 5
"""texts that carry it at least: few texts may quote one another"""
_SHORT = 20
"""characters under which a line is never taken for the site's: "He said." may stand anywhere"""
_SITES_OWN = (
    "<p>Subscribe to our newsletter and follow us on all channels, so that you miss no word of what we publish.</p>"
    "<div><p>The author has written on the valley for twenty years and lives with two dogs and a mule.</p></div>"
)
_GROUPS_OWN = (
    "Long live the unity of our people from the mountains to the sea, and victory to those who keep the faith."
)


def lines(text: str) -> frozenset[str]:
    """Keys of a text's lines that could be the site's: 16 hexadecimal digits each, the same on every machine."""
    found = (normalised(line) for line in text.split("\n"))
    return frozenset(hashlib.sha256(line.encode()).hexdigest()[:16] for line in found if len(line) >= _SHORT)


def repeated(texts: Iterable[frozenset[str]]) -> frozenset[str]:
    """The keys that stand in at least ``SHARE`` of a source's texts and in ``LEAST`` of them.

    ``texts``: keys of each text of one source, reposts of one text counted once, or a text that went round is learnt
    away.
    """
    known = list(texts)
    counts = Counter(key for keys in known for key in keys)
    return frozenset(key for key, count in counts.items() if count >= max(LEAST, SHARE * len(known)))


def without(text: str, learnt: frozenset[str]) -> str:
    """The text without learnt lines; as it is when nothing else would be left."""
    kept = [line for line in text.split("\n") if not (lines(line) & learnt)]
    made = "\n".join(kept).strip()
    return made or text


def _behind(body: bytes, post: Post, added: str) -> bytes | None:
    """The page with mark-up put behind the text's last paragraph; null where that can't be found in it."""
    for end in (html.escape(post.paragraphs[-1], quote=False)[-30:], post.paragraphs[-1][-30:]):
        at = body.find(end.encode())
        if at >= 0 and (close := body.find(b"</p>", at)) >= 0:
            return body[: close + 4] + added.encode() + body[close + 4 :]
    return None


def texts(added: str, own: str) -> Iterator[list[tuple[str, str]]]:
    """Per site of the demo: (truth, text extracted) of a third of its pages. ``own``: what of ``added`` is truth."""
    reposts, comments, posts = {one.id: one for one in load_truth()}, load_comments(), load_posts(made=False)
    for site in SITES:
        here = [post for post in posts if post.site == site.name]
        pages = SitePages(site, here, PLACE, reposts, comments)
        found = []
        for post in here[::3][:60]:
            body = pages.answer(post.path).body
            if added:
                changed = _behind(body, post, added)
                if changed is None:
                    continue
                body = changed
            try:
                text = extract_page(body, address=PLACE + post.path, now=NOW).text
            except ExtractError:
                text = ""
            found.append(("\n".join(filter(None, [post.text, own])), text))
        yield found


def compared(added: str, own: str = "") -> tuple[int, tuple[float, float, float], tuple[float, float, float]]:
    """Pages; precision, recall and F1 as extracted; the same without what was learnt."""
    before, after = [], []
    for found in texts(added, own):
        learnt = repeated({lines(text) for _, text in found})
        for truth, text in found:
            before.append(page_scores(truth, text))
            after.append(page_scores(truth, without(text, learnt)))
    return len(before), f1(before), f1(after)


def main() -> int:
    """Print the table; 1 when what the decision rests on does not hold any more."""
    print(f"{'':42} pages   as extracted: P, R, F1   without learnt lines: P, R, F1")
    conditions = {
        "as served": compared(""),
        "with a line and a box of the site's": compared(_SITES_OWN),
        "with a closing formula of the group's own": compared(f"<p>{_GROUPS_OWN}</p>", _GROUPS_OWN),
    }
    for name, (count, before, after) in conditions.items():
        shown = "   ".join(f"{p:.3f} {r:.3f} {f:.3f}" for p, r, f in (before, after))
        print(f"{name:42} {count:5}   {shown}")
    _, before, after = conditions["as served"]
    nothing = abs(after[2] - before[2]) < SERVED_CHANGE
    _, before, after = conditions["with a closing formula of the group's own"]
    harm = before[1] - after[1] >= FORMULA_LOSS
    print(f"floor: as served nothing is gained: {'held' if nothing else 'BROKEN'}")
    print(f"floor: a group's own formula is lost: {'held' if harm else 'BROKEN'}")
    return 0 if nothing and harm else 1


if __name__ == "__main__":
    sys.exit(main())
