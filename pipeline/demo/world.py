"""The demo world: two invented movements with a quarrel, and an observer.

Everything about it lies in ``monitors/demo/``: the texts, what was planted, what two imperfect coders
would say of every text, and the random samples of their codings.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path

from pipeline.settings import PROJECT_ROOT

DEMO_MONITOR = PROJECT_ROOT / "monitors" / "demo.yaml"
DEMO_FOLDER = PROJECT_ROOT / "monitors" / "demo"
HAND_WRITTEN, MADE = "texts.jsonl", "made_texts.jsonl"
"""the texts that were written one by one, and the everyday ones that pipeline.demo.writing makes"""
BASE_PORT = 8471
"""Port of the first site; the others follow in the order of :data:`SITES`."""


@dataclass(frozen=True)
class Site:
    """One web site of the demo world; each has a host and port of its own."""

    name: str
    title: str
    look: str
    """which template its pages use"""
    discovery: str
    """feed, atom, sitemap or listing: how its texts are found"""
    comments: bool = False
    """readers' comments stand under its posts"""
    crawl_delay: float | None = None


SITES = (
    Site("kestrel-news", "Kestrel News", "blog", "feed", comments=True),
    Site("kestrel-voice", "صوت العوسق", "portal", "sitemap"),
    Site("kestrel-valley", "Voice of the Valley", "old", "listing"),
    Site("juniper-path", "The Juniper Path", "portal", "sitemap", crawl_delay=0.05),
    Site("juniper-letters", "نامه‌های سرو", "old", "listing"),
    Site("juniper-radio", "Juniper Radio", "blog", "atom", comments=True),
    Site("quay-review", "The Quay Review", "portal", "feed"),
)


@dataclass(frozen=True)
class Post:
    """One text on one site. A repost carries the text of another post."""

    id: str
    site: str
    day: date
    language: str
    title: str
    text: str
    """paragraphs, an empty line between them"""
    repost_of: str | None = None
    quirk: str = ""
    """what is odd about its page: wrong-date or legacy-encoding"""

    @property
    def path(self) -> str:
        """Address of its page below the site."""
        return f"/{self.day:%Y/%m}/{self.id}"

    @property
    def paragraphs(self) -> list[str]:
        return self.text.split("\n\n")


def load_posts(folder: Path = DEMO_FOLDER, *, made: bool = True) -> list[Post]:
    """All posts of the world, the oldest first; reposts carry the text of what they repeat.

    made: with the everyday texts; without them only those that were written one by one.
    """
    posts: dict[str, Post] = {}
    for name in (HAND_WRITTEN, MADE) if made else (HAND_WRITTEN,):
        for line in (folder / name).read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            posts[row["id"]] = Post(
                id=row["id"],
                site=row["site"],
                day=date.fromisoformat(row["date"]),
                language=row["lang"],
                title=row["title"],
                text=row["text"],
                quirk=row.get("quirk", ""),
            )
    with (folder / "reposts.csv").open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            original = posts[row["repost_of"]]
            posts[row["id"]] = Post(
                id=row["id"],
                site=row["site"],
                day=date.fromisoformat(row["date"]),
                language=original.language,
                title=original.title,
                text=original.text,
                repost_of=original.id,
            )
    return sorted(posts.values(), key=lambda post: (post.day, post.id))


@lru_cache(maxsize=1)
def load_comments(folder: Path = DEMO_FOLDER) -> dict[str, list[str]]:
    """Readers' comments by framing; the pages show those that contradict the post."""
    with (folder / "comments.json").open(encoding="utf-8") as file:
        comments: dict[str, list[str]] = json.load(file)
    return comments


@dataclass(frozen=True)
class Truth:
    """What was planted in a text, and what two coders would say of it."""

    id: str
    group: str | None
    day: date
    framing: str
    coders: tuple[str, str]
    criticism: str = ""
    """how it speaks of the other movement: hostile, neutral or supportive; empty where it does not name it"""
    critics: tuple[str, str] = ("", "")
    """what the two coders would say of that"""

    @property
    def other(self) -> str:
        """The movement that criticism is about; empty for an observer's text."""
        return {"kestrel": "juniper", "juniper": "kestrel"}.get(self.group or "", "")


def load_truth(folder: Path = DEMO_FOLDER) -> list[Truth]:
    """The truth file: one row per text (reposts are no new texts)."""
    with (folder / "truth.csv").open(encoding="utf-8", newline="") as lines:
        return [
            Truth(
                id=row["id"],
                group=row["group"] or None,
                day=date.fromisoformat(row["date"]),
                framing=row["framing"],
                coders=(row["coder_1"], row["coder_2"]),
                criticism=row["criticism"],
                critics=(row["critic_1"], row["critic_2"]),
            )
            for row in csv.DictReader(lines)
        ]


def demo_monitor_text(base_port: int = BASE_PORT) -> str:
    """The demo's monitor file, with its sites at other ports where asked."""
    return at_ports(DEMO_MONITOR.read_text(encoding="utf-8"), base_port)


def at_ports(text: str, base_port: int) -> str:
    """``text`` with the demo sites' ports moved, so that two demo worlds can run beside each other."""
    # from the far end of the move, so that no port is moved twice
    order = range(len(SITES)) if base_port <= BASE_PORT else reversed(range(len(SITES)))
    for i in order:
        text = text.replace(f"127.0.0.1:{BASE_PORT + i}", f"127.0.0.1:{base_port + i}")
    return text
