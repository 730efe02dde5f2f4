"""A past in the store: two groups over many weeks, one of which moves, with texts that people have coded since."""

from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from hashlib import sha256

from pipeline.monitor import Monitor
from pipeline.settings import Settings
from pipeline.store.session import open_session
from pipeline.store.tables import Coding, Document
from tests.framing.coded import text_of

FIRST = date(2020, 1, 6)
WEEKS = 88
SHIFTED = 66
"""week in which group a turns from neither to nationalist"""
NOW = datetime.combine(FIRST + timedelta(weeks=WEEKS), time(12), tzinfo=UTC)
COLLECTED = datetime(2022, 1, 1, tzinfo=UTC)
VALUES = ("nationalist", "universalist", "both", *["neither"] * 5)
"""what is said before anything moves"""


def past_monitor(**changes: object) -> Monitor:
    plain = {
        "name": "m",
        "title": "A past",
        "groups": [{"id": "a", "name": "Aurin Front"}, {"id": "b", "name": "Belt League"}],
        "sources": [
            {"id": g, "kind": "feed", "group": g, "speaker": "own", "addresses": ["http://127.0.0.1:1/feed"]}
            for g in "ab"
        ],
        "dyads": [["a", "b"]],
        "periods": ["week", "quarter"],
    }
    return Monitor.model_validate(plain | changes)


def document(number: int, group: str, day: date, value: str, **columns: object) -> Document:
    """A text that speaks for a value."""
    text = text_of(value, number)
    plain = {
        "monitor": "m", "source": group, "group_id": group, "speaker": "own", "address": f"http://x.example/{number}",
        "text": text, "text_digest": sha256(text.encode()).hexdigest(), "language": "en",
        "published_at": datetime.combine(day, time(9), tzinfo=UTC), "collected_at": COLLECTED,
        "updated_at": COLLECTED, "extractor": "test",
    }  # fmt: skip
    return Document(**plain | columns)


def coding(of: Document, value: str, draw: str, **columns: object) -> Coding:
    plain = {
        "monitor": "m", "address": of.address, "document_id": of.id, "variable": "framing", "value": value,
        "codebook_version": 1, "coder": "ada", "coded_at": COLLECTED, "draw": draw,
        "probability": 0.5 if draw == "random" else None, "drawn_at": datetime(1970, 1, 1, tzinfo=UTC),
    }  # fmt: skip
    return Coding(**plain | columns)


def fill_past(settings: Settings, *, weeks: int = WEEKS, texts: int = 3, coded_from: int = 0, seed: int = 5) -> None:
    """``texts`` a week of each group; of every week from ``coded_from`` on two are coded, and one drawn at random."""
    lot = random.Random(seed)  # noqa: S311 (no secret)
    with open_session(settings) as session:
        number = 0
        for week in range(weeks):
            for group in "ab":
                for place in range(texts):
                    moved = group == "a" and week >= SHIFTED
                    value = "nationalist" if moved and lot.random() < 0.9 else lot.choice(VALUES)
                    number += 1
                    one = document(number, group, FIRST + timedelta(days=7 * week + lot.randrange(7)), value)
                    session.add(one)
                    session.flush()
                    if place < 2 and week >= coded_from:
                        session.add(coding(one, value, "active" if place == 0 else "random"))
        session.commit()
